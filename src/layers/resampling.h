/* layers/resampling.h: what layers that interpolate images share. */
#ifndef CLY_LAYERS_RESAMPLING_H
#define CLY_LAYERS_RESAMPLING_H

#include "layers/layer.h"

/* Keras' names, in the order of cly_ops_resample_method. */
extern const char *const cly_layers_interpolations[];
cly_ops_resample_method cly_layers_interpolation(const char *name);

typedef struct cly_layers_resampling {
    cly_ops_resample_method method;
    bool antialias;
    cly_ops_place from, to;
} cly_layers_resampling;

/* Appends the step between images of shape x and y of a layer of two spatial axes; backward from dy to dx. */
clayer_status cly_layers_plan_resample(const clayer_layer *layer, const clayer_shape *x, const clayer_shape *y,
                                       const cly_layers_resampling *resampling, bool backward, cly_ops_steps *steps);

/* Sizes and the position of the image in them, negative where it begins outside. */
typedef struct cly_layers_frame {
    clayer_shape shape;
    int64_t before[3]; /* of rows and columns first */
} cly_layers_frame;

/* Appends what is in the frame, bilinearly resized where the output's size is another: from the layer's input to its
 * output, or their gradients the other way. No steps where all three are of one size. */
clayer_status cly_layers_plan_part(const clayer_layer *layer, const clayer_shape *input, const clayer_shape *output,
                                   const cly_layers_frame *frame, bool backward, cly_ops_steps *steps);

/* Appends the middle of an image that has the ratio of `target` (rows, columns), as cly_layers_plan_part. */
clayer_status cly_layers_plan_ratio_crop(const clayer_layer *layer, const clayer_shape *input,
                                         const clayer_shape *output, const int64_t target[2], bool backward,
                                         cly_ops_steps *steps);

#endif
