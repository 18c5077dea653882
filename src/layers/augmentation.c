/* layers/augmentation.c: layers that change images at random in training (augmentation_training.c), and in inference
 * hand them on: each is a table of Keras' arguments, kept for writing them again. Keras:
 * keras/src/layers/preprocessing/image_preprocessing/; tf_keras/src/layers/preprocessing/image_preprocessing.py. */
#include "layers/augmentation.h"

#include <string.h>

#include "base/memory.h"
#include "layers/resampling.h"

typedef clayer_augmentation_config config;

/* ---- tables ---- */

static const char *const modes[] = {"horizontal", "vertical", "horizontal_and_vertical", NULL};
/* In the order of cly_ops_fill. */
static const char *const fill_modes[] = {"reflect", "constant", "wrap", "nearest", NULL};
static const char *const interpolations[] = {"bilinear", "nearest", NULL};

#define LIST(field, ...) CLY_PARAM_NUMBER_LIST(config, field, __VA_ARGS__)
#define NEEDED(field) LIST(field, .required = true)
#define COUNT(field, fallback_) CLY_PARAM(config, field, INT, .low = 1, .high = INT32_MAX, .fallback = (fallback_))
#define SEED CLY_PARAM_FLAGGED(config, seed, INT, .required = false)
#define RANGE LIST(value_range, .required = false)
#define FORMAT CLY_PARAM_DATA_FORMAT(config)
#define INTERPOLATION(list_) CLY_PARAM(config, interpolation, CHOICE, .fallback_text = "bilinear", .choices = (list_))
#define FILL_VALUE LIST(fill_value, .fallback = -0.0)
#define FILL CLY_PARAM(config, fill_mode, CHOICE, .fallback_text = "reflect", .choices = fill_modes), FILL_VALUE
#define SIZE                                                                       \
    CLY_PARAM(config, height, INT, .required = true, .low = 1, .high = INT32_MAX), \
        CLY_PARAM(config, width, INT, .required = true, .low = 1, .high = INT32_MAX)

#define TABLE(name, ...) static const cly_layers_param name[] = {__VA_ARGS__, {0}}

TABLE(flip, CLY_PARAM(config, mode, CHOICE, .fallback_text = "horizontal_and_vertical", .choices = modes), SEED,
      FORMAT);
TABLE(rotation, NEEDED(factor), FILL, INTERPOLATION(interpolations), SEED, FORMAT);
TABLE(translation, NEEDED(height_factor), NEEDED(width_factor), FILL, INTERPOLATION(interpolations), SEED, FORMAT);
TABLE(zoom, NEEDED(height_factor), LIST(width_factor, .required = false), FILL, INTERPOLATION(interpolations), SEED,
      FORMAT);
TABLE(crop, SIZE, SEED, FORMAT);
TABLE(stretch, NEEDED(factor), INTERPOLATION(cly_layers_interpolations), SEED);
/* Most that change colours. */
TABLE(colours, NEEDED(factor), RANGE, SEED, FORMAT);
TABLE(invert, LIST(factor, .fallback = 1), RANGE, SEED, FORMAT);
TABLE(grayscale, LIST(factor, .fallback = 0.5), SEED, FORMAT);
TABLE(jitter, RANGE, LIST(brightness_factor, .required = false), LIST(contrast_factor, .required = false),
      LIST(saturation_factor, .required = false), LIST(hue_factor, .required = false), SEED, FORMAT);
TABLE(solarization, LIST(addition_factor, .fallback = -0.0), LIST(threshold_factor, .fallback = -0.0), RANGE, SEED,
      FORMAT);
TABLE(blur, LIST(factor, .fallback = 1), CLY_PARAM_AXES(config, kernel_size, .fallback = 3), LIST(sigma, .fallback = 1),
      RANGE, SEED, FORMAT);
TABLE(shear, LIST(x_factor, .fallback = -0.0), LIST(y_factor, .fallback = -0.0), FILL, INTERPOLATION(interpolations),
      SEED, FORMAT);
TABLE(perspective, LIST(factor, .fallback = 1), LIST(scale, .fallback = 1), INTERPOLATION(interpolations), FILL_VALUE,
      SEED, FORMAT);
TABLE(elastic, LIST(factor, .fallback = 1), LIST(scale, .fallback = 1), FILL, INTERPOLATION(interpolations), RANGE,
      SEED, FORMAT);
TABLE(erasing, LIST(factor, .fallback = 1), LIST(scale, .required = false), LIST(fill_value, .required = false), RANGE,
      SEED, FORMAT);
TABLE(mix_up_params, CLY_PARAM(config, alpha, NUMBER, .fallback = 0.2), SEED, FORMAT);
TABLE(cut_mix_params, LIST(factor, .fallback = 1), SEED, FORMAT);
TABLE(rand_augment_params, RANGE, COUNT(num_ops, 2), LIST(factor, .fallback = 0.5), INTERPOLATION(interpolations), SEED,
      FORMAT);
TABLE(aug_mix_params, RANGE, COUNT(num_chains, 3), COUNT(chain_depth, 3), LIST(factor, .fallback = 0.3),
      CLY_PARAM(config, alpha, NUMBER, .fallback = 1), CLY_PARAM_NEGATED(config, "all_ops", no_all_ops),
      INTERPOLATION(interpolations), SEED, FORMAT);

cly_ops_fill cly_layers_fill_mode(const char *name) {
    int mode = 0;
    while (strcmp(fill_modes[mode], name) != 0) {
        mode++;
    }
    return (cly_ops_fill)mode;
}

/* ---- arguments ---- */

static const double *list_of(const cly_layers_param *param, const config *c, size_t *count_out) {
    *count_out = *(const size_t *)((const char *)c + param->list_offset);
    return *(const double *const *)((const char *)c + param->offset);
}

/* Lists have one number, or two that are limits; a range always has two. Defaults of two numbers are put in place. Of
 * limits the larger may stand first: most layers of Keras 3 put them in order. */
static clayer_status check(clayer_layer *layer) {
    static const double range[2] = {0, 255}, erased[2] = {0.02, 0.33};
    clayer_status status = CLAYER_OK;
    for (const cly_layers_param *param = layer->class->params; param->name != NULL; param++) {
        size_t count = 0;
        const bool is_range = param->offset == offsetof(config, value_range);
        if (param->kind != CLY_PARAM_NUMBERS) {
            continue;
        }
        const double *list = list_of(param, layer->config, &count);
        if (count == 0 && (is_range || layer->class->params == erasing) &&
            param->offset != offsetof(config, fill_value)) {
            CLY_TRY(cly_layers_param_set_numbers(param, layer->config, is_range ? range : erased, 2));
        } else if (count > 2 || (is_range && (count != 2 || list[0] > list[1]))) {
            return cly_layers_fail(layer, CLAYER_INVALID_ARGUMENT, "%s has %zu numbers%s, must have %s", param->name,
                                   count, count == 2 ? ", of which the first is the larger" : "",
                                   is_range ? "two, the lower first" : "one or two");
        }
    }
done:
    return status;
}

/* ---- shapes ---- */

static bool is_known(const clayer_shape *shape) {
    bool known = true;
    for (int i = 0; i < shape->rank; i++) {
        known = known && shape->dims[i] >= 0;
    }
    return known;
}

/* The input's. Keras 2 shows a RandomHeight's or RandomWidth's size as unknown. Keras 3 shows a RandomCrop's size and
 * then predicts with the whole image, which is told apart by what is not known before a model runs. */
static clayer_status infer_either(const clayer_layer *layer, const clayer_shape *inputs, bool training,
                                  clayer_shape *output_out) {
    const config *c = layer->config;
    const int rows = cly_layers_spatial_axis(layer, 0), columns = cly_layers_spatial_axis(layer, 1);
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_layers_expect_rank(layer, inputs));
    *output_out = *inputs;
    if (layer->class == &cly_layers_random_crop && (training || layer->generation == 2 || !is_known(inputs))) {
        output_out->dims[rows] = c->height;
        output_out->dims[columns] = c->width;
    } else if (layer->class->params == stretch && !is_known(inputs)) {
        output_out->dims[layer->class == &cly_layers_random_height ? rows : columns] = -1;
    }
done:
    return status;
}

static clayer_status infer(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                           clayer_shape *output_out) {
    (void)count;
    return infer_either(layer, inputs, false, output_out);
}

static clayer_status infer_training(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                    clayer_shape *output_out) {
    (void)count;
    return infer_either(layer, inputs, true, output_out);
}

/* ---- steps ---- */

static clayer_status plan_either(const clayer_layer *layer, const clayer_shape *input, const clayer_shape *output,
                                 bool backward, cly_ops_steps *steps) {
    const config *c = layer->config;
    if (steps->training && !cly_layers_augments(layer)) {
        return cly_layers_fail(layer, CLAYER_UNSUPPORTED,
                               "it changes images at random in training, which is not supported: it runs in inference "
                               "only");
    }
    if (steps->training) {
        return cly_layers_plan_augmentation(layer, input, output, backward, steps);
    }
    if (layer->class == &cly_layers_random_crop && layer->generation == 2) {
        return cly_layers_plan_ratio_crop(layer, input, output, (int64_t[2]){c->height, c->width}, backward, steps);
    }
    return CLAYER_OK;
}

static clayer_status plan(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                          const clayer_shape *output, cly_ops_steps *steps) {
    (void)count;
    return plan_either(layer, inputs, output, false, steps);
}

static clayer_status plan_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                   const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    (void)count, (void)wanted;
    return plan_either(layer, inputs, output, true, steps);
}

/* ---- classes ---- */

#define CLASS(name_, function, params_)                                               \
    const cly_layers_class cly_layers_##function = {.name = (name_),                  \
                                                    .auto_name = #function,           \
                                                    .rank = 2,                        \
                                                    .config_size = sizeof(config),    \
                                                    .params = (params_),              \
                                                    .check = check,                   \
                                                    .infer = infer,                   \
                                                    .infer_training = infer_training, \
                                                    .plan = plan,                     \
                                                    .plan_backward = plan_backward}

CLASS("RandomFlip", random_flip, flip);
CLASS("RandomRotation", random_rotation, rotation);
CLASS("RandomTranslation", random_translation, translation);
CLASS("RandomZoom", random_zoom, zoom);
CLASS("RandomCrop", random_crop, crop);
CLASS("RandomHeight", random_height, stretch);
CLASS("RandomWidth", random_width, stretch);
CLASS("RandomContrast", random_contrast, colours);
CLASS("RandomBrightness", random_brightness, colours);
CLASS("RandomHue", random_hue, colours);
CLASS("RandomSaturation", random_saturation, colours);
CLASS("RandomSharpness", random_sharpness, colours);
CLASS("RandomColorDegeneration", random_color_degeneration, colours);
CLASS("RandomPosterization", random_posterization, colours);
CLASS("RandomInvert", random_invert, invert);
CLASS("RandomGrayscale", random_grayscale, grayscale);
CLASS("RandomColorJitter", random_color_jitter, jitter);
CLASS("Solarization", solarization, solarization);
CLASS("RandomGaussianBlur", random_gaussian_blur, blur);
CLASS("RandomShear", random_shear, shear);
CLASS("RandomPerspective", random_perspective, perspective);
CLASS("RandomElasticTransform", random_elastic_transform, elastic);
CLASS("RandomErasing", random_erasing, erasing);
CLASS("MixUp", mix_up, mix_up_params);
CLASS("CutMix", cut_mix, cut_mix_params);
CLASS("RandAugment", rand_augment, rand_augment_params);
CLASS("AugMix", aug_mix, aug_mix_params);
