/* layers/augmentation_training.c: images changed at random in training: RandomFlip, RandomRotation, RandomTranslation,
 * RandomZoom and RandomCrop look at them through a matrix, RandomContrast and RandomBrightness change their colours.
 *
 * What becomes of an image for given random numbers is what the layer's generation of Keras makes of it: keras/src/
 * layers/preprocessing/image_preprocessing/random_*.py; tf_keras/src/layers/preprocessing/image_preprocessing.py. The
 * numbers themselves come from a seed and are the same on every device, though not those of Keras. */
#include "layers/augmentation.h"

#include <math.h>
#include <string.h>

#include "base/integer.h"
#include "base/memory.h"
#include "layers/resampling.h"

typedef clayer_augmentation_config config;

/* Their places between the steps. */
enum { DRAWN = 0, MEANS = 1 };

static cly_ops_place input_of(bool backward) {
    return backward ? CLY_PLACE(CLY_OUTPUT_GRADIENT, 0) : CLY_PLACE(CLY_INPUT, 0);
}

static cly_ops_place output_of(bool backward) {
    return backward ? CLY_PLACE(CLY_INPUT_GRADIENT, 0) : CLY_PLACE(CLY_OUTPUT, 0);
}

/* ---- numbers ---- */

/* A number is a limit on both sides. Keras 3 puts the limits in order, Keras 2 takes them as they are. */
static void limits_of(const clayer_layer *layer, const double *factor, size_t count, double limits[2]) {
    limits[0] = count == 2 ? factor[0] : -fabs(factor[0]);
    limits[1] = count == 2 ? factor[1] : fabs(factor[0]);
    if (layer->generation == 3 && limits[0] > limits[1]) {
        const double larger = limits[0];
        limits[0] = limits[1];
        limits[1] = larger;
    }
}

static void set_limits(const double limits[2], double offset, int which, cly_ops_draw_shape *draw) {
    draw->low[which] = (float)(offset + limits[0]);
    draw->high[which] = (float)(offset + limits[1]);
}

static clayer_status add_draw(const clayer_layer *layer, const clayer_shape *input, const cly_ops_draw_shape *draw,
                              bool backward, cly_ops_steps *steps) {
    const config *c = layer->config;
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_draw_operator, &step));
    step->shape.draw = *draw;
    step->shape.draw.images = input->dims[0];
    step->shape.draw.rows = input->dims[cly_layers_spatial_axis(layer, 0)];
    step->shape.draw.columns = input->dims[cly_layers_spatial_axis(layer, 1)];
    step->shape.draw.inverse = backward;
    step->shape.draw.seed = c->has_seed ? (uint64_t)c->seed : cly_layers_seed(layer, "augmentation");
    step->shape.draw.step = &layer->training_step;
    step->operands[0] = CLY_PLACE(CLY_TEMPORARY, DRAWN);
    steps->temporary_bytes[DRAWN] = (uint64_t)input->dims[0] * CLY_OPS_MATRIX * sizeof(float);
done:
    return status;
}

/* ---- places: through matrices ---- */

/* Keras 3 turns images over in both directions or in none, Keras 2 decides of each. */
static void draw_flip(const clayer_layer *layer, cly_ops_draw_shape *draw) {
    const config *c = layer->config;
    const bool flips[2] = {strcmp(c->mode, "horizontal") != 0, strcmp(c->mode, "vertical") != 0};
    draw->kind = CLY_DRAW_FLIP;
    draw->together = layer->generation == 3;
    for (int i = 0; i < 2; i++) {
        draw->low[i] = flips[i] ? -0.5f : 1;
        draw->high[i] = flips[i] ? 0.5f : 1;
    }
}

static clayer_status draw_change(const clayer_layer *layer, cly_ops_draw_shape *draw) {
    const config *c = layer->config;
    const bool zooms = layer->class == &cly_layers_random_zoom, turns = layer->class == &cly_layers_random_rotation;
    double rows[2], columns[2];
    limits_of(layer, turns ? c->factor : c->height_factor, turns ? c->factor_count : c->height_factor_count, rows);
    draw->kind = turns ? CLY_DRAW_ROTATION : zooms ? CLY_DRAW_ZOOM : CLY_DRAW_SHIFT;
    draw->together = turns || c->width_factor_count == 0;
    memcpy(columns, rows, sizeof(rows));
    if (!draw->together) {
        limits_of(layer, c->width_factor, c->width_factor_count, columns);
    }
    if (!zooms && (rows[0] > rows[1] || columns[0] > columns[1])) {
        return cly_layers_fail(layer, CLAYER_INVALID_ARGUMENT,
                               "the first limit of a factor is the larger, which Keras 2 does not take");
    }
    set_limits(rows, zooms ? 1 : 0, 0, draw);
    set_limits(columns, zooms ? 1 : 0, 1, draw);
    return CLAYER_OK;
}

/* Flips and crops, which have no interpolation, move pixels as they are and see none beside an image. */
static clayer_status add_warp(const clayer_layer *layer, const clayer_shape *input, const clayer_shape *output,
                              bool backward, cly_ops_steps *steps) {
    const config *c = layer->config;
    const clayer_shape *from = backward ? output : input, *to = backward ? input : output;
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_warp_operator, &step));
    cly_ops_warp_shape *s = &step->shape.warp;
    s->images = input->dims[0];
    s->channels = input->dims[cly_layers_channel_axis(layer)];
    for (int i = 0; i < 2; i++) {
        s->in[i] = from->dims[cly_layers_spatial_axis(layer, i)];
        s->out[i] = to->dims[cly_layers_spatial_axis(layer, i)];
    }
    s->channels_first = layer->channels_first;
    s->bilinear = c->interpolation != NULL && strcmp(c->interpolation, "bilinear") == 0;
    s->fill_mode = c->fill_mode != NULL ? cly_layers_fill_mode(c->fill_mode) : CLY_FILL_CONSTANT;
    s->fill_value = c->fill_value_count == 0 || backward ? 0 : (float)c->fill_value[0];
    step->operands[0] = input_of(backward);
    step->operands[1] = CLY_PLACE(CLY_TEMPORARY, DRAWN);
    step->operands[2] = output_of(backward);
done:
    return status;
}

/* What Keras 3 makes of an image that is not larger in both directions: it cuts where the middle of the target's ratio
 * begins, and resizes what came out too small. */
static clayer_status plan_small_crop(const clayer_layer *layer, const clayer_shape *input, const clayer_shape *output,
                                     bool backward, cly_ops_steps *steps) {
    const config *c = layer->config;
    const int64_t target[2] = {c->height, c->width};
    const int axes[2] = {cly_layers_spatial_axis(layer, 0), cly_layers_spatial_axis(layer, 1)};
    cly_layers_frame f = {.shape = *input};
    for (int i = 0; i < 2; i++) {
        const int64_t size = input->dims[axes[i]], ratio = input->dims[axes[1 - i]] * target[i] / target[1 - i];
        const int64_t start = (size - cly_base_clamp(ratio, 1, size)) / 2;
        f.before[i] = -start;
        f.shape.dims[axes[i]] = cly_base_smaller(target[i], size - start);
    }
    return cly_layers_plan_part(layer, input, output, &f, backward, steps);
}

static clayer_status plan_crop(const clayer_layer *layer, const clayer_shape *input, const clayer_shape *output,
                               bool backward, cly_ops_steps *steps) {
    const config *c = layer->config;
    const int64_t target[2] = {c->height, c->width};
    const int64_t least = layer->generation == 3 ? 1 : 0; /* rows and columns to spare */
    cly_ops_draw_shape draw = {.kind = CLY_DRAW_CROP, .shared = true};
    clayer_status status = CLAYER_OK;
    bool fits = true;
    for (int i = 0; i < 2; i++) {
        const int64_t spare = input->dims[cly_layers_spatial_axis(layer, i)] - target[i];
        fits = fits && spare >= least;
        draw.high[i] = (float)(spare + 1);
    }
    if (!fits) {
        return layer->generation == 3 ? plan_small_crop(layer, input, output, backward, steps)
                                      : cly_layers_plan_ratio_crop(layer, input, output, target, backward, steps);
    }
    if (layer->generation == 3 && layer->inner_name != NULL) {
        return cly_layers_fail(layer, CLAYER_UNSUPPORTED,
                               "its RandomCrop '%s' would begin elsewhere in each step, which is not supported in "
                               "training",
                               layer->inner_name);
    }
    CLY_TRY(add_draw(layer, input, &draw, backward, steps));
    CLY_TRY(add_warp(layer, input, output, backward, steps));
done:
    return status;
}

/* ---- colours ---- */

/* Keras 2 draws one contrast for all images of a batch, and keeps to 0 and 255. */
static clayer_status draw_colour(const clayer_layer *layer, cly_ops_draw_shape *draw, cly_ops_recolour_shape *shape) {
    const config *c = layer->config;
    const bool has_range = layer->generation == 3 || shape->adds;
    double limits[2];
    limits_of(layer, c->factor, c->factor_count, limits);
    shape->low = has_range ? (float)c->value_range[0] : 0;
    shape->high = has_range ? (float)c->value_range[1] : 255;
    if (shape->adds) {
        const double range = c->value_range[1] - c->value_range[0];
        set_limits((double[2]){limits[0] * range, limits[1] * range}, 0, 0, draw);
        return CLAYER_OK;
    }
    if (c->factor_count == 1) { /* Keras 3 takes a number for an upper limit only */
        limits[0] = layer->generation == 3 ? 0 : c->factor[0];
    }
    if (layer->generation == 2 && (limits[0] > 1 || -limits[0] >= limits[1])) {
        return cly_layers_fail(layer, CLAYER_INVALID_ARGUMENT,
                               "factor leaves contrasts from %g to below %g, which Keras 2 does not take",
                               1 - limits[0], 1 + limits[1]);
    }
    draw->shared = layer->generation == 2;
    set_limits((double[2]){-limits[0], limits[1]}, 1, 0, draw);
    return CLAYER_OK;
}

static clayer_status add_recolour(const cly_ops_recolour_shape *shape, const cly_ops_operator *op, cly_ops_place x,
                                  cly_ops_steps *steps, cly_ops_step **step_out) {
    cly_ops_step *step = NULL;
    clayer_status status = cly_ops_steps_add(steps, op, &step);
    if (status == CLAYER_OK) {
        step->shape.recolour = *shape;
        step->operands[0] = x;
        step->operands[1] = CLY_PLACE(CLY_TEMPORARY, DRAWN);
        step->operands[2] = CLY_PLACE(shape->adds ? CLY_NOWHERE : CLY_TEMPORARY, MEANS);
        *step_out = step;
    }
    return status;
}

/* The mean of each channel of each image. */
static clayer_status add_means(const cly_ops_recolour_shape *shape, cly_ops_place x, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    const int axis = shape->channels_first ? 1 : 2; /* of the channels */
    if (shape->adds) {
        return CLAYER_OK;
    }
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_reduce_operator, &step));
    cly_ops_reduce_shape *s = &step->shape.reduce;
    s->x = (clayer_shape){3, {shape->images, shape->pixels, shape->pixels}};
    s->x.dims[axis] = shape->channels;
    s->y = s->x;
    s->y.dims[3 - axis] = 1;
    s->divisor = (float)shape->pixels;
    step->operands[0] = x;
    step->operands[1] = CLY_PLACE(CLY_TEMPORARY, MEANS);
    steps->temporary_bytes[MEANS] = (uint64_t)(shape->images * shape->channels) * sizeof(float);
done:
    return status;
}

/* The gradient of a contrast is the same contrast of what the limits leave of dy: its mean counts as the input's did.
 */
static clayer_status plan_colour(const clayer_layer *layer, const clayer_shape *input, bool backward,
                                 cly_ops_steps *steps) {
    const cly_ops_place x = CLY_PLACE(CLY_INPUT, 0), dx = CLY_PLACE(CLY_INPUT_GRADIENT, 0);
    cly_ops_recolour_shape shape = {
        .images = input->dims[0],
        .channels = input->dims[cly_layers_channel_axis(layer)],
        .pixels = input->dims[cly_layers_spatial_axis(layer, 0)] * input->dims[cly_layers_spatial_axis(layer, 1)],
        .channels_first = layer->channels_first,
        .adds = layer->class == &cly_layers_random_brightness};
    cly_ops_draw_shape draw = {.kind = CLY_DRAW_NUMBER};
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    CLY_TRY(draw_colour(layer, &draw, &shape));
    CLY_TRY(add_draw(layer, input, &draw, backward, steps));
    CLY_TRY(add_means(&shape, x, steps));
    CLY_TRY(add_recolour(&shape, backward ? &cly_ops_recolour_gradient_operator : &cly_ops_recolour_operator, x, steps,
                         &step));
    step->operands[3] = backward ? CLY_PLACE(CLY_OUTPUT_GRADIENT, 0) : CLY_PLACE(CLY_OUTPUT, 0);
    step->operands[4] = backward ? dx : CLY_PLACE(CLY_NOWHERE, 0);
    if (backward && !shape.adds) {
        shape.low = -HUGE_VALF;
        shape.high = HUGE_VALF;
        CLY_TRY(add_means(&shape, dx, steps));
        CLY_TRY(add_recolour(&shape, &cly_ops_recolour_operator, dx, steps, &step));
        step->operands[3] = dx;
    }
done:
    return status;
}

/* ---- all of them ---- */

bool cly_layers_augments(const clayer_layer *layer) {
    static const cly_layers_class *const classes[] = {
        &cly_layers_random_flip, &cly_layers_random_rotation, &cly_layers_random_translation, &cly_layers_random_zoom,
        &cly_layers_random_crop, &cly_layers_random_contrast, &cly_layers_random_brightness};
    for (size_t i = 0; i < CLY_COUNT(classes); i++) {
        if (layer->class == classes[i]) {
            return true;
        }
    }
    return false;
}

clayer_status cly_layers_plan_augmentation(const clayer_layer *layer, const clayer_shape *input,
                                           const clayer_shape *output, bool backward, cly_ops_steps *steps) {
    cly_ops_draw_shape draw = {0};
    clayer_status status = CLAYER_OK;
    if (layer->class == &cly_layers_random_crop) {
        return plan_crop(layer, input, output, backward, steps);
    }
    if (layer->class == &cly_layers_random_contrast || layer->class == &cly_layers_random_brightness) {
        return plan_colour(layer, input, backward, steps);
    }
    if (layer->class == &cly_layers_random_flip) {
        draw_flip(layer, &draw);
    } else {
        CLY_TRY(draw_change(layer, &draw));
    }
    CLY_TRY(add_draw(layer, input, &draw, backward, steps));
    CLY_TRY(add_warp(layer, input, output, backward, steps));
done:
    return status;
}
