/* weights/regularizer.c: the penalties on weights and on layers' outputs that Keras' files name, with their arguments,
 * and what they add to the loss and to gradients.
 * Source: keras/src/regularizers/regularizers.py; "l" is Keras 2's older name of l1 and l2. */
#include <float.h>

#include "base/memory.h"
#include "ops/penalty.h"
#include "weights/weight.h"

enum { L1 = 1, L2, L1_L2, ORTHOGONAL };
enum { ROWS = 0, COLUMNS };

static const char *const modes[] = {"rows", "columns", NULL};

/* Keras 3 refuses negative factors. */
#define FACTOR(parameter, otherwise) .name = parameter, .fallback = (otherwise), .low = 0, .high = DBL_MAX

static const cly_spec_entry entries[] = {
    {L1, "l1", "L1", NULL, {{FACTOR("l1", 0.01), .alias = "l"}}},
    {L2, "l2", "L2", NULL, {{FACTOR("l2", 0.01), .alias = "l"}}},
    {L1_L2, "l1_l2", "L1L2", "l1l2", {{FACTOR("l1", 0)}, {FACTOR("l2", 0)}}},
    {ORTHOGONAL,
     "orthogonal_regularizer",
     "OrthogonalRegularizer",
     NULL,
     {{FACTOR("factor", 0.01)}, {.name = "mode", .kind = CLY_SPEC_CHOICE, .choices = modes}}},
};

const cly_spec_list cly_weights_regularizers = {.what = "regularizer", .entries = entries, .count = CLY_COUNT(entries)};

static cly_ops_penalty penalty_of(const cly_spec *regularizer, const clayer_shape *shape) {
    const double *values = regularizer->values;
    cly_ops_penalty penalty = {.count = 1};
    for (int i = 0; i < shape->rank; i++) {
        penalty.count *= shape->dims[i];
    }
    switch (regularizer->entry->id) {
        case L1:
            penalty.l1 = (float)values[0];
            break;
        case L2:
            penalty.l2 = (float)values[0];
            break;
        default:
            penalty.l1 = (float)values[0];
            penalty.l2 = (float)values[1];
            break;
    }
    return penalty;
}

static cly_ops_orthogonality orthogonality_of(const cly_spec *regularizer, const clayer_shape *shape) {
    return (cly_ops_orthogonality){.rows = shape->dims[0],
                                   .columns = shape->dims[1],
                                   .factor = (float)regularizer->values[0],
                                   .of_columns = regularizer->values[1] == COLUMNS};
}

uint64_t cly_weights_penalty_workspace_bytes(const clayer_context *context, const cly_spec *regularizer,
                                             const clayer_shape *shape) {
    if (regularizer->entry == NULL) {
        return 0;
    }
    if (regularizer->entry->id == ORTHOGONAL) {
        const cly_ops_orthogonality penalty = orthogonality_of(regularizer, shape);
        return shape->rank == 2 ? cly_ops_orthogonality_workspace_bytes(context, &penalty) : 0;
    }
    const cly_ops_penalty penalty = penalty_of(regularizer, shape);
    return cly_ops_penalty_workspace_bytes(context, &penalty);
}

clayer_status cly_weights_penalty(clayer_context *context, const cly_spec *regularizer, const clayer_shape *shape,
                                  cl_mem w, float scale, cl_mem value, int64_t value_offset, cl_mem gradient,
                                  cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    if (regularizer->entry == NULL) {
        return CLAYER_OK;
    }
    if (regularizer->entry->id == ORTHOGONAL) {
        const cly_ops_orthogonality penalty = orthogonality_of(regularizer, shape);
        return shape->rank == 2
                   ? cly_ops_orthogonality_add(context, &penalty, w, scale, value, value_offset, gradient, workspace)
                   : cly_base_fail(CLAYER_INVALID_SHAPE,
                                   "regularizer 'orthogonal_regularizer' needs a matrix, got %d axes", shape->rank);
    }
    const cly_ops_penalty penalty = penalty_of(regularizer, shape);
    if (penalty.l1 == 0.0f && penalty.l2 == 0.0f) {
        return CLAYER_OK;
    }
    if (value != NULL) {
        CLY_TRY(cly_ops_penalty_add(context, &penalty, w, scale, value, value_offset, workspace));
    }
    if (gradient != NULL) {
        CLY_TRY(cly_ops_penalty_add_gradient(context, &penalty, w, scale, gradient));
    }
done:
    return status;
}
