/* ops/window_cases.h: random windows, resizings and poolings, for the suites of these operators and of their gradients.
 */
#ifndef CLY_TEST_WINDOW_CASES_H
#define CLY_TEST_WINDOW_CASES_H

#include "ops/harness.h"
#include "ops/pool.h"
#include "ops/resize.h"
#include "ops/window.h"
#include "reference.h"
#include "support/random.h"

int64_t window_cases_product(const int64_t sizes[3]);

/* Sizes of a rank between 1 and 3, channels among which are whole vectors, less and a bit more. */
reference_window_shape window_cases_random(test_random *random, int64_t most);

/* An operator on a tensor of the size s->in; s->out is filled in. */
cly_ops_window_shape window_cases_window(test_random *random, reference_window_shape *s);
cly_ops_resize_shape window_cases_resize(test_random *random, reference_window_shape *s);
cly_ops_pool_shape window_cases_pool(test_random *random, reference_window_shape *s);

/* Writes case `index` into c->text: sizes, and `what` with three numbers. */
void window_cases_describe(harness_case *c, const reference_window_shape *s, const int64_t a[3], const char *what,
                           uint64_t index);

#endif
