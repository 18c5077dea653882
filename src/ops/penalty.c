/* ops/penalty.c: penalties by reduce.cl's sums and penalty.cl. */
#include "ops/penalty.h"

#include <limits.h>

#include "ops/range.h"
#include "ops/sums.h"

/* ---- sizes ---- */

/* The workspace: both sums, then what summing needs. */
#define SUMS 2

uint64_t cly_ops_penalty_workspace_bytes(const clayer_context *context, const cly_ops_penalty *penalty) {
    const cly_ops_sums sums = cly_ops_sums_of_all(context, penalty->count);
    return (uint64_t)(SUMS + cly_ops_sums_workspace(context, &sums)) * sizeof(float);
}

static clayer_status add_sums(clayer_context *context, cl_mem workspace, cl_mem value, int64_t offset, float scale,
                              float a, float b) {
    cly_launch launch = {.program = "penalty", .kernel = "penalty_add"};
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, 1, options);
    launch.options = options;
    cly_ops_each(context, 1, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(workspace), CLY_BUFFER(value), CLY_LONG(offset),
                          CLY_FLOAT(scale), CLY_FLOAT(a), CLY_FLOAT(b));
}

clayer_status cly_ops_penalty_add(clayer_context *context, const cly_ops_penalty *penalty, cl_mem x, float scale,
                                  cl_mem value, int64_t offset, cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    const float factors[SUMS] = {penalty->l1, penalty->l2};
    const cly_ops_term terms[SUMS] = {CLY_TERM_SIZE, CLY_TERM_POWER};
    cly_ops_sums sums = cly_ops_sums_of_all(context, penalty->count);
    sums.x = x;
    sums.y = workspace;
    sums.workspace_offset = SUMS;
    if (!cly_ops_sums_can(&sums)) {
        return cly_base_fail(CLAYER_UNSUPPORTED, "a penalty on %lld values is not supported",
                             (long long)penalty->count);
    }
    for (int i = 0; i < SUMS; i++) {
        if (factors[i] != 0.0f) {
            sums.term = terms[i];
            sums.y_offset = i;
            CLY_TRY(cly_ops_sums_run(context, &sums, workspace));
        }
    }
    status = add_sums(context, workspace, value, offset, scale, penalty->l1, penalty->l2);
done:
    return status;
}

clayer_status cly_ops_penalty_add_gradient(clayer_context *context, const cly_ops_penalty *penalty, cl_mem x,
                                           float scale, cl_mem gradient) {
    cly_launch launch = {.program = "penalty", .kernel = "penalty_gradient"};
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, 1, options);
    launch.options = options;
    const cly_arg span = cly_ops_span(context, penalty->count, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(x), CLY_BUFFER(gradient), CLY_LONG(penalty->count), span,
                          CLY_FLOAT(scale * penalty->l1), CLY_FLOAT(scale * (2.0f * penalty->l2)));
}

/* ---- orthogonality ---- */

/* The most that a vector is multiplied by on its way to length 1 (keras/src/ops/nn.py, normalize). */
#define MOST 1e7f

/* The workspace in floats: vectors of length 1 (size, length), what each was multiplied by (size), products and then
 * their signs (size, size), sums of rows (size) and their slots, gradients with respect to the vectors (size, length).
 */
typedef struct layout {
    int64_t size, length, stride, step;
    int64_t inverse, products, sums, gradients, end;
} layout;

static layout layout_of(const cly_ops_orthogonality *p) {
    layout l = {.size = p->of_columns ? p->columns : p->rows,
                .length = p->of_columns ? p->rows : p->columns,
                .stride = p->of_columns ? 1 : p->columns,
                .step = p->of_columns ? p->columns : 1};
    l.inverse = l.size * l.length;
    l.products = l.inverse + l.size;
    l.sums = l.products + l.size * l.size;
    l.gradients = l.sums + l.size + cly_ops_slots_floats(l.size, 1) + 1;
    l.end = l.gradients + l.size * l.length;
    return l;
}

uint64_t cly_ops_orthogonality_workspace_bytes(const clayer_context *context, const cly_ops_orthogonality *penalty) {
    (void)context;
    return (uint64_t)layout_of(penalty).end * sizeof(float);
}

/* The vectors brought to length 1, their products, the sums of these by rows and their signs. */
static clayer_status make_products(clayer_context *context, const layout *l, const char *options, cl_mem x,
                                   cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    cly_launch launch = {.program = "penalty", .options = options, .kernel = "orthogonal_normalize"};
    cly_ops_each(context, l->size, &launch);
    CLY_TRY(cly_device_run(context, &launch, CLY_BUFFER(x), CLY_BUFFER(workspace), CLY_LONG(l->inverse),
                           CLY_INT(l->size), CLY_INT(l->length), CLY_LONG(l->stride), CLY_LONG(l->step),
                           CLY_FLOAT(MOST)));
    const cly_gemm gemm = {.transpose_b = true,
                           .m = l->size,
                           .n = l->size,
                           .k = l->length,
                           .a = workspace,
                           .b = workspace,
                           .c = workspace,
                           .c_offset = l->products,
                           .a_ld = l->length,
                           .b_ld = l->length,
                           .c_ld = l->size};
    CLY_TRY(cly_device_gemm(context, &gemm));
    launch = (cly_launch){.program = "penalty", .options = options, .kernel = "orthogonal_signs"};
    cly_ops_each(context, l->size, &launch);
    CLY_TRY(cly_device_run(context, &launch, CLY_BUFFER(workspace), CLY_LONG(l->products), CLY_LONG(l->sums),
                           CLY_INT(l->size)));
done:
    return status;
}

/* Each product stands in the matrix twice, so that its gradient is twice its sign. */
static clayer_status add_orthogonality_gradient(clayer_context *context, const layout *l, const char *options,
                                                float scale, cl_mem gradient, cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    const cly_gemm gemm = {.m = l->size,
                           .n = l->length,
                           .k = l->size,
                           .a = workspace,
                           .b = workspace,
                           .c = workspace,
                           .a_offset = l->products,
                           .c_offset = l->gradients,
                           .a_ld = l->size,
                           .b_ld = l->length,
                           .c_ld = l->length};
    CLY_TRY(cly_device_gemm(context, &gemm));
    cly_launch launch = {.program = "penalty", .options = options, .kernel = "orthogonal_gradient"};
    cly_ops_each(context, l->size, &launch);
    CLY_TRY(cly_device_run(context, &launch, CLY_BUFFER(workspace), CLY_BUFFER(gradient), CLY_LONG(l->inverse),
                           CLY_LONG(l->gradients), CLY_INT(l->size), CLY_INT(l->length), CLY_LONG(l->stride),
                           CLY_LONG(l->step), CLY_FLOAT(MOST), CLY_FLOAT(2.0f * scale)));
done:
    return status;
}

clayer_status cly_ops_orthogonality_add(clayer_context *context, const cly_ops_orthogonality *penalty, cl_mem x,
                                        float scale, cl_mem value, int64_t offset, cl_mem gradient, cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    const layout l = layout_of(penalty);
    const float pairs = (float)l.size * ((float)l.size - 1.0f) / 2.0f;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, 1, options);
    if (l.size > INT_MAX / 2 || l.length > INT_MAX / 2) {
        return cly_base_fail(CLAYER_UNSUPPORTED, "orthogonality of a matrix of %lld x %lld is not supported",
                             (long long)penalty->rows, (long long)penalty->columns);
    }
    CLY_TRY(make_products(context, &l, options, x, workspace));
    if (value != NULL) {
        const int64_t total = l.gradients - 1;
        cly_launch launch = {.program = "penalty", .options = options, .kernel = "penalty_total"};
        CLY_TRY(cly_ops_slots_add(context, workspace, l.sums, l.size, 1, 1.0f, workspace, total));
        cly_ops_each(context, 1, &launch);
        CLY_TRY(cly_device_run(context, &launch, CLY_BUFFER(workspace), CLY_LONG(total), CLY_BUFFER(value),
                               CLY_LONG(offset), CLY_FLOAT(scale), CLY_FLOAT(penalty->factor * 0.5f),
                               CLY_FLOAT(pairs)));
    }
    if (gradient != NULL) {
        CLY_TRY(add_orthogonality_gradient(context, &l, options, scale * (penalty->factor * 0.5f) / pairs, gradient,
                                           workspace));
    }
done:
    return status;
}
