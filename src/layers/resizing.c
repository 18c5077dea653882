/* layers/resizing.c: Resizing and CenterCrop: images of one size. Keras:
 * keras/src/layers/preprocessing/image_preprocessing/{resizing,center_crop}.py, keras/src/backend/tensorflow/image.py;
 * tf_keras/src/layers/preprocessing/image_preprocessing.py. */
#include <string.h>

#include "base/integer.h"
#include "base/memory.h"
#include "layers/layer.h"
#include "layers/resampling.h"

typedef clayer_resizing_config resizing_config;
typedef clayer_center_crop_config crop_config;

/* In the order of cly_ops_resample_method. */
const char *const cly_layers_interpolations[] = {"nearest",  "bilinear",      "bicubic", "lanczos3", "lanczos5",
                                                 "gaussian", "mitchellcubic", "area",    NULL};
static const char *const fill_modes[] = {"constant", NULL};

#define SIZE(config)                                                               \
    CLY_PARAM(config, height, INT, .required = true, .low = 1, .high = INT32_MAX), \
        CLY_PARAM(config, width, INT, .required = true, .low = 1, .high = INT32_MAX)

static const cly_layers_param resizing_params[] = {
    SIZE(resizing_config),
    CLY_PARAM(resizing_config, interpolation, CHOICE, .fallback_text = "bilinear",
              .choices = cly_layers_interpolations),
    CLY_PARAM(resizing_config, crop_to_aspect_ratio, BOOL, .required = false),
    CLY_PARAM(resizing_config, pad_to_aspect_ratio, BOOL, .required = false),
    CLY_PARAM(resizing_config, fill_mode, CHOICE, .fallback_text = "constant", .choices = fill_modes),
    CLY_PARAM(resizing_config, fill_value, NUMBER, .required = false),
    CLY_PARAM(resizing_config, antialias, BOOL, .required = false),
    CLY_PARAM_DATA_FORMAT(resizing_config),
    {0},
};

static const cly_layers_param crop_params[] = {
    SIZE(crop_config),
    CLY_PARAM_DATA_FORMAT(crop_config),
    {0},
};

cly_ops_resample_method cly_layers_interpolation(const char *name) {
    int method = 0;
    while (strcmp(cly_layers_interpolations[method], name) != 0) {
        method++;
    }
    return (cly_ops_resample_method)method;
}

clayer_status cly_layers_plan_resample(const clayer_layer *layer, const clayer_shape *x, const clayer_shape *y,
                                       const cly_layers_resampling *r, bool backward, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    CLY_TRY(
        cly_ops_steps_add(steps, backward ? &cly_ops_resample_gradient_operator : &cly_ops_resample_operator, &step));
    cly_ops_resample_shape *s = &step->shape.resample;
    cly_layers_outer_inner(layer, x, &s->outer, &s->inner);
    for (int i = 0; i < 2; i++) {
        s->in[i] = x->dims[cly_layers_spatial_axis(layer, i)];
        s->out[i] = y->dims[cly_layers_spatial_axis(layer, i)];
    }
    s->method = r->method;
    s->antialias = r->antialias;
    step->operands[0] = r->from;
    step->operands[1] = r->to;
done:
    return status;
}

/* ---- the part of an image that is kept, or the larger image that it is put into ---- */

/* The largest window in the middle that has the target's ratio. */
static void crop_to_ratio(const clayer_layer *layer, const int64_t target[2], cly_layers_frame *f) {
    const int axes[2] = {cly_layers_spatial_axis(layer, 0), cly_layers_spatial_axis(layer, 1)};
    const int64_t size[2] = {f->shape.dims[axes[0]], f->shape.dims[axes[1]]};
    for (int i = 0; i < 2; i++) {
        const int64_t wanted = size[1 - i] * target[i] / target[1 - i];
        const int64_t kept = cly_base_clamp(wanted, 1, size[i]);
        f->before[i] = -((size[i] - kept) / 2);
        f->shape.dims[axes[i]] = kept;
    }
}

/* As many rows or columns on both sides as come nearest to the target's ratio. */
static void pad_to_ratio(const clayer_layer *layer, const int64_t target[2], cly_layers_frame *f) {
    const int axes[2] = {cly_layers_spatial_axis(layer, 0), cly_layers_spatial_axis(layer, 1)};
    const int64_t size[2] = {f->shape.dims[axes[0]], f->shape.dims[axes[1]]};
    for (int i = 0; i < 2; i++) {
        const int64_t wanted = cly_base_larger(size[1 - i] * target[i] / target[1 - i], size[i]);
        f->before[i] = (wanted - size[i]) / 2;
        f->shape.dims[axes[i]] = size[i] + 2 * f->before[i];
    }
}

static clayer_status plan_frame(const clayer_layer *layer, const clayer_shape *input, const cly_layers_frame *f,
                                bool backward, cly_ops_place from, cly_ops_place to, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_layers_plan_window(layer, input, &f->shape, f->before, backward, steps));
    steps->steps[steps->count - 1].operands[0] = from;
    steps->steps[steps->count - 1].operands[1] = to;
done:
    return status;
}

/* ---- Resizing ---- */

enum { TAKEN, FILLED };

static clayer_status resizing_check(clayer_layer *layer) {
    const resizing_config *c = layer->config;
    if (c->crop_to_aspect_ratio && c->pad_to_aspect_ratio) {
        return cly_layers_fail(layer, CLAYER_INVALID_ARGUMENT,
                               "crop_to_aspect_ratio and pad_to_aspect_ratio are both true");
    }
    return CLAYER_OK;
}

static clayer_status resize_shape(const clayer_layer *layer, const clayer_shape *input, int64_t height, int64_t width,
                                  clayer_shape *output_out) {
    clayer_status status = cly_layers_expect_rank(layer, input);
    if (status == CLAYER_OK) {
        *output_out = *input;
        output_out->dims[cly_layers_spatial_axis(layer, 0)] = height;
        output_out->dims[cly_layers_spatial_axis(layer, 1)] = width;
    }
    return status;
}

static clayer_status resizing_infer(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                    clayer_shape *output_out) {
    (void)count;
    const resizing_config *c = layer->config;
    return resize_shape(layer, inputs, c->height, c->width, output_out);
}

static bool fills(const resizing_config *c) {
    return c->pad_to_aspect_ratio && c->fill_value != 0.0;
}

static clayer_status resizing_declare(clayer_layer *layer, const clayer_shape *inputs, size_t count) {
    (void)inputs, (void)count;
    const resizing_config *c = layer->config;
    const double taken = -c->fill_value;
    clayer_status status = CLAYER_OK;
    if (fills(c)) {
        CLY_TRY(cly_layers_hold_constant(layer, TAKEN, &taken, 1, 1));
        CLY_TRY(cly_layers_hold_constant(layer, FILLED, &c->fill_value, 1, 1));
    }
done:
    return status;
}

static clayer_status plan_shift(const clayer_layer *layer, const clayer_shape *shape, int constant, cly_ops_place from,
                                cly_ops_place to, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    const int64_t row = cly_layers_product(shape, 2, shape->rank);
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_normalize_operator, &step));
    step->shape.norm = (cly_ops_norm_shape){.outer = shape->dims[0] * shape->dims[1],
                                            .across = 1,
                                            .groups = 1,
                                            .within = row,
                                            .channels = 1,
                                            .inner = row,
                                            .has_beta = true};
    step->operands[0] = from;
    cly_layers_use_constant(layer, constant, step, 2);
    step->operands[5] = to;
done:
    return status;
}

/* Weights add up to 1, so an image that is padded with a value is one that is padded with 0 after that value was taken
 * from it, and gets it back. */
static clayer_status plan_resizing(const clayer_layer *layer, const clayer_shape *input, const clayer_shape *output,
                                   bool backward, cly_ops_steps *steps) {
    const resizing_config *c = layer->config;
    const int64_t target[2] = {c->height, c->width};
    const cly_ops_place framed = CLY_PLACE(CLY_TEMPORARY, 0), x = CLY_PLACE(CLY_INPUT, 0);
    clayer_status status = CLAYER_OK;
    cly_layers_frame f = {.shape = *input};
    cly_layers_resampling r = {.method = cly_layers_interpolation(c->interpolation), .antialias = c->antialias};
    if (c->crop_to_aspect_ratio) {
        crop_to_ratio(layer, target, &f);
    } else if (c->pad_to_aspect_ratio) {
        pad_to_ratio(layer, target, &f);
    }
    const bool frames = !cly_layers_same_shape(&f.shape, input), shifts = frames && fills(c);
    if (frames) {
        steps->temporary_bytes[0] = cly_layers_bytes(&f.shape);
    }
    if (backward) {
        r.from = CLY_PLACE(CLY_OUTPUT_GRADIENT, 0);
        r.to = frames ? framed : CLY_PLACE(CLY_INPUT_GRADIENT, 0);
        CLY_TRY(cly_layers_plan_resample(layer, &f.shape, output, &r, true, steps));
        if (frames) {
            CLY_TRY(plan_frame(layer, input, &f, true, framed, CLY_PLACE(CLY_INPUT_GRADIENT, 0), steps));
        }
        goto done;
    }
    if (shifts) {
        steps->temporary_bytes[1] = cly_layers_bytes(input);
        CLY_TRY(plan_shift(layer, input, TAKEN, x, CLY_PLACE(CLY_TEMPORARY, 1), steps));
    }
    if (frames) {
        CLY_TRY(plan_frame(layer, input, &f, false, shifts ? CLY_PLACE(CLY_TEMPORARY, 1) : x, framed, steps));
    }
    r.from = frames ? framed : x;
    r.to = CLY_PLACE(CLY_OUTPUT, 0);
    CLY_TRY(cly_layers_plan_resample(layer, &f.shape, output, &r, false, steps));
    if (shifts) {
        CLY_TRY(plan_shift(layer, output, FILLED, r.to, r.to, steps));
    }
done:
    return status;
}

static clayer_status resizing_plan(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                   const clayer_shape *output, cly_ops_steps *steps) {
    (void)count;
    return plan_resizing(layer, inputs, output, false, steps);
}

static clayer_status resizing_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                       const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    (void)count, (void)wanted;
    return plan_resizing(layer, inputs, output, true, steps);
}

/* ---- CenterCrop ---- */

static clayer_status crop_infer(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                clayer_shape *output_out) {
    (void)count;
    const crop_config *c = layer->config;
    return resize_shape(layer, inputs, c->height, c->width, output_out);
}

clayer_status cly_layers_plan_part(const clayer_layer *layer, const clayer_shape *input, const clayer_shape *output,
                                   const cly_layers_frame *f, bool backward, cly_ops_steps *steps) {
    const cly_ops_place framed = CLY_PLACE(CLY_TEMPORARY, 0);
    const cly_ops_place x = backward ? CLY_PLACE(CLY_INPUT_GRADIENT, 0) : CLY_PLACE(CLY_INPUT, 0);
    const cly_ops_place y = backward ? CLY_PLACE(CLY_OUTPUT_GRADIENT, 0) : CLY_PLACE(CLY_OUTPUT, 0);
    clayer_status status = CLAYER_OK;
    const bool frames = !cly_layers_same_shape(&f->shape, input);
    const cly_ops_place near = frames ? framed : x;
    const cly_layers_resampling r = {
        .method = CLY_RESAMPLE_BILINEAR, .from = backward ? y : near, .to = backward ? near : y};
    if (cly_layers_same_shape(&f->shape, output)) {
        return frames ? plan_frame(layer, input, f, backward, backward ? y : x, backward ? x : y, steps) : CLAYER_OK;
    }
    if (frames) {
        steps->temporary_bytes[0] = cly_layers_bytes(&f->shape);
    }
    if (frames && !backward) {
        CLY_TRY(plan_frame(layer, input, f, false, x, framed, steps));
    }
    CLY_TRY(cly_layers_plan_resample(layer, &f->shape, output, &r, backward, steps));
    if (frames && backward) {
        CLY_TRY(plan_frame(layer, input, f, true, framed, x, steps));
    }
done:
    return status;
}

clayer_status cly_layers_plan_ratio_crop(const clayer_layer *layer, const clayer_shape *input,
                                         const clayer_shape *output, const int64_t target[2], bool backward,
                                         cly_ops_steps *steps) {
    cly_layers_frame f = {.shape = *input};
    crop_to_ratio(layer, target, &f);
    return cly_layers_plan_part(layer, input, output, &f, backward, steps);
}

/* The middle of the image; of one that is smaller in either direction the middle with the target's ratio, bilinearly
 * resized. */
static clayer_status plan_crop(const clayer_layer *layer, const clayer_shape *input, const clayer_shape *output,
                               bool backward, cly_ops_steps *steps) {
    const crop_config *c = layer->config;
    const int64_t target[2] = {c->height, c->width};
    cly_layers_frame f = {.shape = *output};
    int64_t spare[2];
    for (int i = 0; i < 2; i++) {
        spare[i] = input->dims[cly_layers_spatial_axis(layer, i)] - target[i];
        f.before[i] = -(spare[i] / 2);
    }
    if (spare[0] < 0 || spare[1] < 0) {
        return cly_layers_plan_ratio_crop(layer, input, output, target, backward, steps);
    }
    return cly_layers_plan_part(layer, input, output, &f, backward, steps);
}

static clayer_status crop_plan(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                               const clayer_shape *output, cly_ops_steps *steps) {
    (void)count;
    return plan_crop(layer, inputs, output, false, steps);
}

static clayer_status crop_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                   const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    (void)count, (void)wanted;
    return plan_crop(layer, inputs, output, true, steps);
}

const cly_layers_class cly_layers_resizing = {.name = "Resizing",
                                              .auto_name = "resizing",
                                              .rank = 2,
                                              .config_size = sizeof(resizing_config),
                                              .params = resizing_params,
                                              .check = resizing_check,
                                              .infer = resizing_infer,
                                              .declare = resizing_declare,
                                              .plan = resizing_plan,
                                              .plan_backward = resizing_backward};
const cly_layers_class cly_layers_center_crop = {.name = "CenterCrop",
                                                 .auto_name = "center_crop",
                                                 .rank = 2,
                                                 .config_size = sizeof(crop_config),
                                                 .params = crop_params,
                                                 .infer = crop_infer,
                                                 .plan = crop_plan,
                                                 .plan_backward = crop_backward};
