/* clayer/image_layers.h: the parameters of Keras' layers that change images at random. What all layers share stands in
 * layers.h, which takes this header.
 *
 * In predictions and evaluations they hand images on as Keras does: unchanged, but RandomCrop in files of Keras 2 crops
 * to the ratio and resizes.
 *
 * In training RandomFlip, RandomRotation, RandomTranslation, RandomZoom, RandomCrop, RandomContrast and
 * RandomBrightness do what the layer's generation of Keras does, on the device; layers made in C are of Keras 3. A seed
 * gives the same random numbers in every run and on every device, though not those of Keras; without one the layer's
 * name stands for it. Gradients go back through them as through Keras'. Training through the others is refused:
 * CLAYER_UNSUPPORTED. */
#ifndef CLAYER_IMAGE_LAYERS_H
#define CLAYER_IMAGE_LAYERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <clayer/tensor.h>

/* One struct for all of them; each takes Keras' own arguments, and the others must stay 0. A factor is one number or
 * two, its limits; NULL: Keras' default or None. Lists are copied. */
typedef struct clayer_augmentation_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    const double *factor;
    size_t factor_count;
    const double *height_factor, *width_factor; /* RandomTranslation, RandomZoom */
    size_t height_factor_count, width_factor_count;
    const double *x_factor, *y_factor; /* RandomShear */
    size_t x_factor_count, y_factor_count;
    const double *brightness_factor, *contrast_factor, *saturation_factor, *hue_factor; /* RandomColorJitter */
    size_t brightness_factor_count, contrast_factor_count, saturation_factor_count, hue_factor_count;
    const double *addition_factor, *threshold_factor; /* Solarization */
    size_t addition_factor_count, threshold_factor_count;
    const double *scale; /* RandomErasing, RandomPerspective, RandomElasticTransform */
    size_t scale_count;
    const double *sigma; /* RandomGaussianBlur */
    size_t sigma_count;
    const double *value_range; /* two numbers; NULL: 0, 255 */
    size_t value_range_count;
    const double *fill_value; /* one number; RandomErasing's NULL is noise */
    size_t fill_value_count;
    const char *mode;          /* RandomFlip: "horizontal", "vertical", "horizontal_and_vertical" (default) */
    const char *fill_mode;     /* "reflect" (default), "constant", "wrap", "nearest" */
    const char *interpolation; /* "bilinear" (default), "nearest" */
    const char *data_format;
    int64_t height, width;           /* RandomCrop, required: > 0 */
    int64_t kernel_size[3];          /* RandomGaussianBlur: {3} */
    int64_t num_ops;                 /* RandAugment: 2 */
    int64_t num_chains, chain_depth; /* AugMix: 3 */
    double alpha;                    /* AugMix: 1; MixUp: 0.2 */
    bool no_all_ops;                 /* AugMix */
    bool has_seed;
    int64_t seed;
} clayer_augmentation_config;

#endif
