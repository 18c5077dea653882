/* ops/elementwise.c: batch normalisation, copies of slabs, transposes. */
#include "ops/elementwise.h"

#include <limits.h>

#include "ops/conv_common.h"
#include "ops/range.h"

static double fast_cost(const clayer_context *context, const void *shape) {
    (void)context;
    (void)shape;
    return 1;
}

static double reference_cost(const clayer_context *context, const void *shape) {
    (void)context;
    (void)shape;
    return 10;
}

static int64_t count_of(const clayer_shape *shape) {
    int64_t count = 1;
    for (int i = 0; i < shape->rank; i++) {
        count *= shape->dims[i];
    }
    return count;
}

/* ---- batch_norm ---- */

/* Programs without an activation stay those that the other operators here use. */
static const cly_ops_activation *epilogue_of(const cly_ops_batch_norm_shape *s) {
    return s->activation.id == CLY_LINEAR ? NULL : &s->activation;
}

static int64_t row_pitch(const cly_ops_spacing *rows, int64_t width) {
    return rows->pitch > 0 ? rows->pitch : width;
}

static double batch_norm_vector_cost(const clayer_context *context, const void *shape) {
    (void)context;
    const cly_ops_batch_norm_shape *s = shape;
    return s->inner <= INT_MAX / 2 ? 1 : -1;
}

static clayer_status run_batch_norm_vector(clayer_context *context, const void *shape, const cl_mem *operands,
                                           cl_mem workspace) {
    (void)workspace;
    const cly_ops_batch_norm_shape *s = shape;
    const bool last = s->inner == 1;
    const int64_t rows = last ? s->outer : s->outer * s->axis;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, epilogue_of(s), rows, options);
    cly_launch launch = {
        .program = "elementwise", .options = options, .kernel = last ? "batch_norm_last" : "batch_norm_first"};
    /* An absent vector is stood in for by the mean: not every driver takes a NULL buffer. */
    const cly_arg args[] = {CLY_BUFFER(operands[0]),
                            CLY_BUFFER(s->has_gamma ? operands[1] : operands[3]),
                            CLY_BUFFER(s->has_beta ? operands[2] : operands[3]),
                            CLY_BUFFER(operands[3]),
                            CLY_BUFFER(operands[4]),
                            CLY_BUFFER(operands[5]),
                            CLY_LONG(rows),
                            CLY_INT(s->axis),
                            cly_ops_rows(context, rows, last ? s->axis : s->inner, &launch),
                            CLY_INT(s->has_gamma),
                            CLY_INT(s->has_beta),
                            CLY_FLOAT(s->epsilon),
                            CLY_OPS_PARAMETERS(s),
                            last ? CLY_LONG(row_pitch(&s->x, s->axis)) : CLY_INT(s->inner),
                            CLY_LONG(s->x.offset),
                            CLY_LONG(row_pitch(&s->y, s->axis)),
                            CLY_LONG(s->y.offset)};
    return cly_device_launch(context, &launch, args, sizeof(args) / sizeof(args[0]) - (last ? 0 : 3));
}

static clayer_status run_batch_norm_reference(clayer_context *context, const void *shape, const cl_mem *operands,
                                              cl_mem workspace) {
    (void)workspace;
    const cly_ops_batch_norm_shape *s = shape;
    const int64_t count = s->outer * s->axis * s->inner;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, epilogue_of(s), count, options);
    cly_launch launch = {.program = "elementwise", .options = options, .kernel = "batch_norm_reference"};
    cly_ops_each(context, count, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(operands[0]),
                          CLY_BUFFER(s->has_gamma ? operands[1] : operands[3]),
                          CLY_BUFFER(s->has_beta ? operands[2] : operands[3]), CLY_BUFFER(operands[3]),
                          CLY_BUFFER(operands[4]), CLY_BUFFER(operands[5]), CLY_LONG(count), CLY_INT(s->axis),
                          CLY_LONG(s->inner), CLY_INT(s->has_gamma), CLY_INT(s->has_beta), CLY_FLOAT(s->epsilon),
                          CLY_OPS_PARAMETERS(s), CLY_OPS_SPACING(s->x, s->axis), CLY_OPS_SPACING(s->y, s->axis));
}

static const cly_ops_implementation batch_norm_implementations[] = {
    {.name = "vector", .cost = batch_norm_vector_cost, .run = run_batch_norm_vector},
    {.name = "reference", .cost = reference_cost, .run = run_batch_norm_reference},
    {0},
};

const cly_ops_operator cly_ops_batch_norm_operator = {.name = "batch_norm",
                                                      .implementations = batch_norm_implementations};

/* ---- copy ---- */

static double copy_vector_cost(const clayer_context *context, const void *shape) {
    const cly_ops_copy_shape *s = shape;
    return s->width <= INT_MAX / 2 ? fast_cost(context, shape) : -1;
}

static clayer_status run_copy_vector(clayer_context *context, const void *shape, const cl_mem *operands,
                                     cl_mem workspace) {
    (void)workspace;
    const cly_ops_copy_shape *s = shape;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, s->rows, options);
    cly_launch launch = {.program = "elementwise", .options = options, .kernel = "copy_vector"};
    const cly_arg split = cly_ops_rows(context, s->rows, s->width, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_LONG(s->rows),
                          CLY_INT(s->width), split, CLY_LONG(s->x_length), CLY_LONG(s->x_offset), CLY_LONG(s->y_length),
                          CLY_LONG(s->y_offset));
}

static clayer_status run_copy_reference(clayer_context *context, const void *shape, const cl_mem *operands,
                                        cl_mem workspace) {
    (void)workspace;
    const cly_ops_copy_shape *s = shape;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, s->rows * s->width, options);
    cly_launch launch = {.program = "elementwise", .options = options, .kernel = "copy_reference"};
    cly_ops_each(context, s->rows * s->width, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_LONG(s->rows),
                          CLY_LONG(s->width), CLY_LONG(s->x_length), CLY_LONG(s->x_offset), CLY_LONG(s->y_length),
                          CLY_LONG(s->y_offset));
}

static const cly_ops_implementation copy_implementations[] = {
    {.name = "vector", .cost = copy_vector_cost, .run = run_copy_vector},
    {.name = "reference", .cost = reference_cost, .run = run_copy_reference},
    {0},
};

const cly_ops_operator cly_ops_copy_operator = {.name = "copy", .implementations = copy_implementations};

/* ---- transpose ---- */

/* True if the permutation swaps two runs of neighbouring axes behind the first ones, as between channels_last and
 * channels_first: then x is (outer, rows, columns) and y (outer, columns, rows). */
static bool is_swap(const cly_ops_transpose_shape *s, int64_t *outer_out, int64_t *rows_out, int64_t *columns_out) {
    const int rank = s->x.rank;
    int kept = 0;
    while (kept < rank && s->permutation[kept] == kept) {
        kept++;
    }
    if (kept == rank) {
        return false;
    }
    const int run = s->permutation[kept]; /* the axis of x that comes forward */
    int64_t sizes[3] = {1, 1, 1};
    for (int i = 0; i < rank; i++) {
        const int expected = i < kept ? i : i - kept < rank - run ? run + i - kept : i - (rank - run);
        if (s->permutation[i] != expected) {
            return false;
        }
        sizes[i < kept ? 0 : i < run ? 1 : 2] *= s->x.dims[i];
    }
    *outer_out = sizes[0];
    *rows_out = sizes[1];
    *columns_out = sizes[2];
    return true;
}

static double blocks_cost(const clayer_context *context, const void *shape) {
    (void)context;
    int64_t outer, rows, columns;
    return is_swap(shape, &outer, &rows, &columns) && outer <= 65535 && rows <= 65535 * 4 && columns <= INT_MAX / 2
               ? 1
               : -1;
}

static clayer_status run_blocks(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace) {
    (void)workspace;
    int64_t outer = 1, rows = 1, columns = 1;
    (void)is_swap(shape, &outer, &rows, &columns);
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, 1, options);
    const cly_launch launch = {.program = "elementwise",
                               .options = options,
                               .kernel = "transpose_blocks",
                               .global = {(size_t)(columns + 3) / 4, (size_t)(rows + 3) / 4, (size_t)outer}};
    return cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_LONG(outer),
                          CLY_INT(rows), CLY_INT(columns));
}

static clayer_status run_transpose(clayer_context *context, const void *shape, const cl_mem *operands,
                                   cl_mem workspace) {
    (void)workspace;
    const cly_ops_transpose_shape *s = shape;
    int64_t x_strides[CLAYER_MAX_RANK], n[CLAYER_MAX_RANK], strides[CLAYER_MAX_RANK];
    int64_t stride = 1;
    for (int axis = s->x.rank - 1; axis >= 0; axis--) {
        x_strides[axis] = stride;
        stride *= s->x.dims[axis];
    }
    for (int i = 0; i < CLAYER_MAX_RANK; i++) {
        const int axis = s->x.rank - 1 - i;
        n[i] = axis >= 0 ? s->x.dims[s->permutation[axis]] : 1;
        strides[i] = axis >= 0 ? x_strides[s->permutation[axis]] : 0;
    }
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, count_of(&s->x), options);
    cly_launch launch = {.program = "elementwise", .options = options, .kernel = "transpose_reference"};
    cly_ops_each(context, stride, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_LONG(stride),
                          CLY_INT4(n[0], n[1], n[2], n[3]), CLY_INT4(n[4], n[5], n[6], n[7]), CLY_LONG(strides[0]),
                          CLY_LONG(strides[1]), CLY_LONG(strides[2]), CLY_LONG(strides[3]), CLY_LONG(strides[4]),
                          CLY_LONG(strides[5]), CLY_LONG(strides[6]), CLY_LONG(strides[7]));
}

static const cly_ops_implementation transpose_implementations[] = {
    {.name = "blocks", .cost = blocks_cost, .run = run_blocks},
    {.name = "reference", .cost = reference_cost, .run = run_transpose},
    {0},
};

const cly_ops_operator cly_ops_transpose_operator = {.name = "transpose", .implementations = transpose_implementations};
