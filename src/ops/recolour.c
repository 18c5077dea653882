/* ops/recolour.c: contrast and brightness of images, and what their limits leave of the gradient. */
#include "ops/recolour.h"

#include "ops/range.h"

static double reference_cost(const clayer_context *context, const void *shape) {
    (void)context, (void)shape;
    return 1;
}

/* `dy` NULL: forward. Where there are no means the numbers stand in for them, which are then not read. */
static clayer_status run(clayer_context *context, const cly_ops_recolour_shape *s, const cl_mem *operands, cl_mem dy,
                         cl_mem y) {
    const int64_t image = s->channels * s->pixels, count = s->images * image;
    const cl_mem means = s->adds ? operands[1] : operands[2];
    const cly_arg sizes[] = {CLY_LONG(count), CLY_LONG(image), CLY_INT(s->channels),
                             CLY_LONG(s->channels_first ? s->pixels : 1)};
    const cly_arg adds = CLY_INT(s->adds), low = CLY_FLOAT(s->low), high = CLY_FLOAT(s->high);
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, count, options);
    cly_launch launch = {.program = "recolour", .options = options, .kernel = "recolour_reference"};
    cly_ops_each(context, count, &launch);
    if (dy == NULL) {
        return cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_BUFFER(means),
                              CLY_BUFFER(y), sizes[0], sizes[1], sizes[2], sizes[3], adds, low, high);
    }
    launch.kernel = "recolour_gradient_reference";
    return cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_BUFFER(means),
                          CLY_BUFFER(dy), CLY_BUFFER(y), sizes[0], sizes[1], sizes[2], sizes[3], adds, low, high);
}

static clayer_status run_forward(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace) {
    (void)workspace;
    return run(context, shape, operands, NULL, operands[3]);
}

static clayer_status run_gradient(clayer_context *context, const void *shape, const cl_mem *operands,
                                  cl_mem workspace) {
    (void)workspace;
    return run(context, shape, operands, operands[3], operands[4]);
}

static const cly_ops_implementation forward[] = {
    {.name = "reference", .cost = reference_cost, .run = run_forward},
    {0},
};

static const cly_ops_implementation gradient[] = {
    {.name = "reference", .cost = reference_cost, .run = run_gradient},
    {0},
};

const cly_ops_operator cly_ops_recolour_operator = {.name = "recolour", .implementations = forward};
const cly_ops_operator cly_ops_recolour_gradient_operator = {.name = "recolour_gradient", .implementations = gradient};
