/* weights/constraint.c: what Keras lets be asked of weights after an update, with the arguments.
 * Source: keras/src/constraints/constraints.py. Constraints act in training only, so inference needs no more than to
 * know them. */
#include "base/memory.h"
#include "weights/weight.h"

enum { MAX_NORM = 1, NON_NEG, UNIT_NORM, MIN_MAX_NORM };

/* axis = 0, as cly_spec keeps axes: bit axis + 8. */
#define AXIS \
    { .name = "axis", .kind = CLY_SPEC_AXES, .fallback = 1 << 8 }

static const cly_spec_entry entries[] = {
    {MAX_NORM, "max_norm", "MaxNorm", "maxnorm", {{.name = "max_value", .fallback = 2, .alias = "m"}, AXIS}},
    {NON_NEG, "non_neg", "NonNeg", "nonneg", {{0}}},
    {UNIT_NORM, "unit_norm", "UnitNorm", "unitnorm", {AXIS}},
    {MIN_MAX_NORM,
     "min_max_norm",
     "MinMaxNorm",
     NULL,
     {{.name = "min_value"}, {.name = "max_value", .fallback = 1}, {.name = "rate", .fallback = 1}, AXIS}},
};

const cly_spec_list cly_weights_constraints = {.what = "constraint", .entries = entries, .count = CLY_COUNT(entries)};
