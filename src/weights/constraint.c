/* weights/constraint.c: what Keras lets be asked of weights after an update, with the arguments, and how it is kept.
 * Source: keras/src/constraints/constraints.py; K.epsilon() is added to the norm, in both generations. */
#include "base/memory.h"
#include "ops/constrain.h"
#include "weights/weight.h"

enum { MAX_NORM = 1, NON_NEG, UNIT_NORM, MIN_MAX_NORM };

#define EPSILON 1e-7f /* keras.config.epsilon() */

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

/* The axes as bits from 0 on; negative ones count from the end. */
static clayer_status find_axes(const cly_spec *constraint, const clayer_shape *shape, unsigned *along_out) {
    const unsigned bits = (unsigned)cly_base_spec_get(constraint, "axis");
    unsigned along = 0;
    for (int axis = -8; axis <= 7; axis++) {
        if ((bits >> (unsigned)(axis + 8) & 1u) == 0) {
            continue;
        }
        const int place = axis < 0 ? axis + shape->rank : axis;
        if (place < 0 || place >= shape->rank) {
            return cly_base_fail(CLAYER_INVALID_SHAPE, "constraint '%s': axis %d is not one of a weight with %d axes",
                                 constraint->entry->name, axis, shape->rank);
        }
        if ((along >> (unsigned)place & 1u) != 0) {
            return cly_base_fail(CLAYER_INVALID_SHAPE, "constraint '%s': axes %d and %d of a weight with %d are one",
                                 constraint->entry->name, place - shape->rank, place, shape->rank);
        }
        along |= 1u << (unsigned)place;
    }
    *along_out = along;
    return CLAYER_OK;
}

static clayer_status constrain_of(const cly_spec *constraint, const clayer_shape *shape, cly_ops_constrain *out) {
    cly_ops_constrain c = {.shape = *shape, .rate = 1.0f, .epsilon = EPSILON};
    clayer_status status = CLAYER_OK;
    switch (constraint->entry->id) {
        case UNIT_NORM:
            c.to_unit = true;
            break;
        case MAX_NORM:
            c.high = (float)cly_base_spec_get(constraint, "max_value");
            break;
        default: {
            const double rate = cly_base_spec_get(constraint, "rate");
            c.low = (float)cly_base_spec_get(constraint, "min_value");
            c.high = (float)cly_base_spec_get(constraint, "max_value");
            c.rate = (float)rate;
            c.rest = (float)(1.0 - rate);
            break;
        }
    }
    CLY_TRY(find_axes(constraint, shape, &c.along));
    *out = c;
done:
    return status;
}

uint64_t cly_weights_constrain_workspace_bytes(const clayer_context *context, const cly_spec *constraint,
                                               const clayer_shape *shape) {
    cly_ops_constrain c;
    if (constraint->entry == NULL || constraint->entry->id == NON_NEG ||
        constrain_of(constraint, shape, &c) != CLAYER_OK) {
        return 0;
    }
    return cly_ops_constrain_workspace_bytes(context, &c);
}

clayer_status cly_weights_constrain(clayer_context *context, const cly_spec *constraint, const clayer_shape *shape,
                                    cl_mem w, cl_mem workspace) {
    cly_ops_constrain c;
    clayer_status status = CLAYER_OK;
    if (constraint->entry == NULL) {
        return CLAYER_OK;
    }
    if (constraint->entry->id == NON_NEG) {
        int64_t count = 1;
        for (int i = 0; i < shape->rank; i++) {
            count *= shape->dims[i];
        }
        return cly_ops_constrain_sign(context, count, w);
    }
    CLY_TRY(constrain_of(constraint, shape, &c));
    status = cly_ops_constrain_lengths(context, &c, w, workspace);
done:
    return status;
}
