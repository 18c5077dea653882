/* ops/conv_cases.h: random convolutions, for the suites of convolutions and of their gradients. */
#ifndef CLY_TEST_CONV_CASES_H
#define CLY_TEST_CONV_CASES_H

#include "ops/conv.h"
#include "ops/harness.h"
#include "reference.h"
#include "support/random.h"

int64_t conv_cases_product(const int64_t sizes[3]);

/* Any rank, layout, groups (depthwise: as many as channels), kernel, stride, dilation, padding; activation. */
cly_ops_conv_shape conv_cases_random(test_random *random, bool depthwise);

/* Those that "direct" takes: channels_last, with at least 16 channels in each group of the result (transposed: also of
 * stride 1). */
cly_ops_conv_shape conv_cases_wide(test_random *random, bool transposed);

reference_conv_shape conv_cases_plain(const cly_ops_conv_shape *s);

/* Writes case `index`, whose inputs are known, into c->text. */
void conv_cases_describe(harness_case *c, const cly_ops_conv_shape *s, uint64_t index);

#endif
