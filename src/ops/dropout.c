/* ops/dropout.c: dropout with a mask from a counter: "vector" with a number an element, "reference" also with one for
 * several. */
#include "ops/dropout.h"

#include <math.h>

#include "ops/range.h"

#define NUMBERS 16777216.0 /* 2^24 */

static double vector_cost(const clayer_context *context, const void *shape) {
    (void)context;
    const cly_ops_dropout_shape *s = shape;
    return s->x.rank == 0 && s->repeat == 1 ? 1 : -1;
}

static double reference_cost(const clayer_context *context, const void *shape) {
    (void)context, (void)shape;
    return 10;
}

/* Key and upper half of the counter, as the kernels take them. */
static cly_arg stream_of(const cly_ops_dropout_shape *s) {
    const uint64_t step = s->step != NULL ? *s->step : 0;
    return CLY_INT4((uint32_t)s->seed, (uint32_t)(s->seed >> 32), (uint32_t)step, (uint32_t)(step >> 32));
}

/* number / 2^24 >= rate, in whole numbers. */
static cly_arg least_of(const cly_ops_dropout_shape *s) {
    return CLY_INT(ceil((double)s->rate * NUMBERS));
}

static cly_arg change_of(const cly_ops_dropout_shape *s) {
    return CLY_FLOAT4(s->factor, s->shift, s->dropped, 0);
}

static clayer_status run_vector(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace) {
    (void)workspace;
    const cly_ops_dropout_shape *s = shape;
    const int64_t count = s->outer * s->inner;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, count, options);
    cly_launch launch = {.program = "dropout", .options = options, .kernel = "dropout_vector"};
    const cly_arg each = cly_ops_span(context, count, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_LONG(count), each,
                          stream_of(s), least_of(s), change_of(s));
}

_Static_assert(CLAYER_MAX_RANK == 8, "dropout_axes takes eight sizes");

static clayer_status run_axes(clayer_context *context, const cly_ops_dropout_shape *s, const cl_mem *operands) {
    int64_t sizes[CLAYER_MAX_RANK], count = 1;
    unsigned repeats = 0;
    for (int i = 0; i < CLAYER_MAX_RANK; i++) { /* the kernel counts from the last axis */
        const int axis = s->x.rank - 1 - i;
        sizes[i] = axis < 0 ? 1 : s->x.dims[axis];
        repeats |= axis < 0 ? 0 : (s->repeats >> axis & 1u) << i;
        count *= sizes[i];
    }
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, count, options);
    cly_launch launch = {.program = "dropout", .options = options, .kernel = "dropout_axes"};
    cly_ops_each(context, count, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_LONG(count),
                          CLY_INT4(sizes[0], sizes[1], sizes[2], sizes[3]),
                          CLY_INT4(sizes[4], sizes[5], sizes[6], sizes[7]), CLY_INT(repeats), stream_of(s), least_of(s),
                          change_of(s));
}

static clayer_status run_reference(clayer_context *context, const void *shape, const cl_mem *operands,
                                   cl_mem workspace) {
    (void)workspace;
    const cly_ops_dropout_shape *s = shape;
    if (s->x.rank > 0) {
        return run_axes(context, s, operands);
    }
    const int64_t count = s->outer * s->repeat * s->inner;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, count, options);
    cly_launch launch = {.program = "dropout", .options = options, .kernel = "dropout_reference"};
    cly_ops_each(context, count, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_LONG(count),
                          CLY_LONG(s->repeat), CLY_LONG(s->inner), stream_of(s), least_of(s), change_of(s));
}

static const cly_ops_implementation implementations[] = {
    {.name = "vector", .cost = vector_cost, .run = run_vector},
    {.name = "reference", .cost = reference_cost, .run = run_reference},
    {0},
};

const cly_ops_operator cly_ops_dropout_operator = {.name = "dropout", .implementations = implementations};
