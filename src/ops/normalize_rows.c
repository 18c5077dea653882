/* ops/normalize_rows.c: "rows" of group_norm and its gradient: statistics and result of a row at once; and one pass
 * down the columns for gamma and beta. */
#include <limits.h>

#include "base/integer.h"
#include "base/memory.h"
#include "ops/normalize.h"
#include "ops/range.h"
#include "ops/sums.h"

#define ROWS_A_SLOT 32 /* at least, of what makes dgamma and dbeta */
#define MOST_SLOTS 1024

double cly_ops_norm_rows_cost(const clayer_context *context, const void *shape) {
    (void)context;
    return cly_ops_norm_is_rows(shape) ? 1 : -1;
}

clayer_status cly_ops_norm_rows_run(clayer_context *context, const void *shape, const cl_mem *operands,
                                    cl_mem workspace) {
    (void)workspace;
    const cly_ops_norm_shape *s = shape;
    const bool keeps = operands[3] != NULL;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, s->outer, options);
    cly_launch launch = {.program = "normalize_rows", .options = options, .kernel = "normalize_rows"};
    const cly_arg split = cly_ops_rows(context, s->outer, s->within, &launch);
    cly_ops_share_rows(context, s->outer, s->within, options, &launch);
    const int flags = (s->has_gamma ? CLY_NORM_HAS_GAMMA : 0) | (s->has_beta ? CLY_NORM_HAS_BETA : 0);
    return cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[s->has_gamma ? 1 : 0]),
                          CLY_BUFFER(operands[s->has_beta ? 2 : 0]), CLY_BUFFER(operands[keeps ? 3 : 5]),
                          CLY_BUFFER(operands[keeps ? 4 : 5]), CLY_BUFFER(operands[5]), CLY_LONG(s->outer),
                          CLY_INT(s->within), split, CLY_INT(s->kind), CLY_INT(flags), CLY_INT(keeps),
                          CLY_FLOAT(s->epsilon), CLY_FLOAT(s->floor));
}

/* ---- gradients ---- */

/* Rows that one work-item adds up. */
static int64_t rows_each(const clayer_context *context, const cly_ops_norm_shape *s) {
    const int64_t units = cly_base_clamp((int64_t)cly_device_info(context)->compute_units, 1, INT_MAX);
    const int64_t most = cly_ops_is_cpu(context) ? units * 4 : MOST_SLOTS;
    return cly_base_larger(cly_base_divide_up(s->outer, most), ROWS_A_SLOT);
}

uint64_t cly_ops_norm_rows_gradient_workspace(const clayer_context *context, const void *shape) {
    const cly_ops_norm_shape *s = shape;
    const int64_t slots = cly_base_divide_up(s->outer, rows_each(context, s));
    return (uint64_t)(2 * slots * s->within + cly_ops_slots_floats(slots, s->within)) * sizeof(float);
}

static clayer_status run_rows_weights(clayer_context *context, const cly_ops_norm_shape *s, const cl_mem *operands,
                                      cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    const int64_t each = rows_each(context, s), slots = cly_base_divide_up(s->outer, each);
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, s->outer, options);
    cly_launch launch = {.program = "normalize_rows", .options = options, .kernel = "normalize_rows_weights"};
    (void)cly_ops_rows(context, slots, s->within, &launch);
    launch.global[1] = (size_t)slots;
    CLY_TRY(cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[2]), CLY_BUFFER(operands[3]),
                           CLY_BUFFER(operands[4]), CLY_BUFFER(workspace), CLY_LONG(s->outer), CLY_INT(s->within),
                           CLY_LONG(each), CLY_INT(s->kind == CLY_NORM_LAYER), CLY_FLOAT(s->epsilon)));
    /* dbeta first: the scratch memory of the sums lies behind both, and dgamma's would reach into dbeta's slots. */
    if (operands[7] != NULL) {
        CLY_TRY(cly_ops_slots_add(context, workspace, slots * s->within, slots, s->within, 1.0f, operands[7], 0));
    }
    if (operands[6] != NULL) {
        CLY_TRY(cly_ops_slots_add(context, workspace, 0, slots, s->within, 1.0f, operands[6], 0));
    }
done:
    return status;
}

clayer_status cly_ops_norm_rows_gradient_run(clayer_context *context, const void *shape, const cl_mem *operands,
                                             cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    const cly_ops_norm_shape *s = shape;
    if (operands[6] != NULL || operands[7] != NULL) { /* before dx, which may be dy */
        CLY_TRY(run_rows_weights(context, s, operands, workspace));
    }
    if (operands[5] != NULL) {
        char options[CLY_OPS_OPTIONS];
        cly_ops_options(context, NULL, s->outer, options);
        cly_launch launch = {.program = "normalize_rows", .options = options, .kernel = "normalize_rows_gradient"};
        const cly_arg split = cly_ops_rows(context, s->outer, s->within, &launch);
        cly_ops_share_rows(context, s->outer, s->within, options, &launch);
        CLY_TRY(cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[s->has_gamma ? 1 : 0]),
                               CLY_BUFFER(operands[2]), CLY_BUFFER(operands[3]), CLY_BUFFER(operands[4]),
                               CLY_BUFFER(operands[5]), CLY_LONG(s->outer), CLY_INT(s->within), split, CLY_INT(s->kind),
                               CLY_INT(s->has_gamma ? CLY_NORM_HAS_GAMMA : 0), CLY_FLOAT(s->epsilon),
                               CLY_FLOAT(s->floor)));
    }
done:
    return status;
}
