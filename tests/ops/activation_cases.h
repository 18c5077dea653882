/* ops/activation_cases.h: every activation with various arguments, for the suites of activations and their gradients.
 */
#ifndef CLY_TEST_ACTIVATION_CASES_H
#define CLY_TEST_ACTIVATION_CASES_H

#include "ops/activation.h"
#include "support/random.h"

/* The text of an activation, and its arguments for the reference. */
typedef struct activation_case {
    const char *text, *name;
    double arguments[4];
} activation_case;

extern const activation_case activation_cases[];
extern const size_t activation_case_count;

/* The activation of a case's text. */
cly_ops_activation activation_case_parse(const activation_case *c);

/* Values of every size, on both sides of zero, with the corners of the formulas among them. */
float *activation_case_values(test_random *random, int64_t count);

#endif
