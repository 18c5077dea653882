/* cli/selftest.h: the cases of `clayer selftest`: a layer with random arguments, and what it must give.
 *
 * A maker fills in a case from random numbers; shapes follow Keras' rules, worked out here and not asked of the
 * library. Spatial sizes are kept as three axes with leading ones, as reference.h takes them. */
#ifndef CLY_CLI_SELFTEST_H
#define CLY_CLI_SELFTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <clayer/clayer.h>

#include "reference.h"

#define SELFTEST_INPUTS 3
#define SELFTEST_WEIGHTS 4
#define SELFTEST_OPERATORS 6

typedef struct selftest_random {
    uint64_t state;
} selftest_random;

typedef struct selftest_case selftest_case;

/* Computes the expected output from inputs and weights. False without memory. */
typedef bool selftest_expect(const selftest_case *test, float *const *x, float *const *weights, double *y);

struct selftest_case {
    int rank;      /* spatial axes */
    int64_t index; /* which case of its layer this is */
    union {
        clayer_conv_config conv;
        clayer_conv_transpose_config conv_transpose;
        clayer_separable_conv_config separable;
        clayer_depthwise_conv_config depthwise;
        clayer_cropping_config cropping;
        clayer_zero_padding_config padding;
        clayer_up_sampling_config up_sampling;
        clayer_dense_config dense;
        clayer_flatten_config flatten;
        clayer_reshape_config reshape;
        clayer_activation_config activation;
        clayer_relu_config relu;
        clayer_leaky_relu_config leaky_relu;
        clayer_softmax_config softmax;
        clayer_dropout_config dropout;
        clayer_batch_normalization_config batch_norm;
        clayer_pooling_config pooling;
        clayer_global_pooling_config global_pooling;
        clayer_add_config add;
        clayer_concatenate_config concatenate;
        clayer_elu_config elu;
        clayer_thresholded_relu_config thresholded_relu;
        clayer_prelu_config prelu;
        clayer_permute_config permute;
        clayer_repeat_vector_config repeat_vector;
        clayer_embedding_config embedding;
        clayer_masking_config masking;
        clayer_gaussian_noise_config gaussian_noise;
        clayer_gaussian_dropout_config gaussian_dropout;
        clayer_dot_layer_config dot;
        clayer_custom_scale_config custom_scale;
        clayer_layer_scale_config layer_scale;
        clayer_layer_normalization_config layer_norm;
        clayer_rescaling_config rescaling;
        clayer_resizing_config resizing;
        clayer_augmentation_config augmentation;
    } config;
    clayer_shape inputs[SELFTEST_INPUTS];
    size_t input_count;
    int64_t numbers; /* the inputs are whole numbers below it and a half; 0: they are from -1 to 1 */
    clayer_shape output;
    selftest_expect *expect;
    selftest_expect *expect_training; /* in training, where that is something else; or NULL */
    double terms;                     /* how many products one value adds up; 0: values only move and must be exact */
    char text[240];                   /* the arguments, for a failure */

    /* for `expect` */
    reference_conv_shape conv;
    reference_window_shape window;
    int64_t before[3], size[3], stride[3];
    reference_activation activation;
    int64_t outer, axis, inner, multiplier;
    bool has_bias, average, bilinear, channels_first;
};

typedef struct selftest_layer {
    const char *class_name;
    int rank;
    const char *operators[SELFTEST_OPERATORS]; /* those that it may run forward, in inference */
    const char *backward[SELFTEST_OPERATORS];  /* and in a pass of training forward and backward */
    int64_t least_cases;                       /* 0: as many as wanted */
    void (*make)(selftest_random *random, const struct selftest_layer *layer, selftest_case *test);
} selftest_layer;

extern const selftest_layer cly_selftest_layers[]; /* ends with class_name NULL */

/* ---- running (selftest_run.c) ---- */

enum { SELFTEST_IMPLEMENTATIONS = 8, SELFTEST_FAILURES = 3 };

/* One direction of a layer. */
typedef struct selftest_side {
    int64_t runs;
    double worst; /* the largest error relative to the largest expected value */
    bool ran[SELFTEST_OPERATORS][SELFTEST_IMPLEMENTATIONS];
} selftest_side;

/* What became of one layer. */
typedef struct selftest_verdict {
    int64_t cases, failed;
    selftest_side forward, backward;
    char failures[SELFTEST_FAILURES][640]; /* the first ones */
} selftest_verdict;

/* Runs case `index` of the layer in all variants and adds to the verdict. */
void cly_selftest_try(clayer_context *context, const selftest_layer *layer, uint64_t seed, int64_t index,
                      selftest_verdict *result);

/* Steps of training by a few optimizers; they count as runs forward (selftest_train.c). */
void cly_selftest_try_training(clayer_context *context, uint64_t seed, selftest_verdict *result);

/* The values of one case on the host, and its tensors. */
typedef struct selftest_values {
    float *x[SELFTEST_INPUTS];
    float *weights[SELFTEST_WEIGHTS];
    int64_t weight_counts[SELFTEST_WEIGHTS];
    size_t weight_count;
    double *expected;
    float *actual;
    int64_t count; /* of the output */
    clayer_tensor *inputs[SELFTEST_INPUTS];
    clayer_tensor *output;
} selftest_values;

/* One run: an implementation forced, or the library's choice. */
typedef struct selftest_variant {
    const char *operator_name; /* NULL: the library's choice */
    const char *implementation;
} selftest_variant;

void cly_selftest_add_failure(selftest_verdict *result, const selftest_layer *layer, const selftest_case *test,
                              const selftest_variant *run, const char *why);
int64_t cly_selftest_count(const clayer_shape *shape);
float *cly_selftest_floats(selftest_random *random, int64_t count, bool positive);

/* A pass of training in all variants (selftest_backward.c). */
void cly_selftest_try_backward(clayer_context *context, const selftest_layer *layer, const selftest_case *test,
                               selftest_random *random, selftest_values *v, selftest_verdict *result);

/* ---- random numbers and shapes (selftest_layers.c) ---- */

int64_t cly_selftest_between(selftest_random *random, int64_t low, int64_t high);
float cly_selftest_uniform(selftest_random *random); /* -1 .. 1 */
bool cly_selftest_flip(selftest_random *random);

/* Random spatial sizes of `rank` axes with leading ones. */
void cly_selftest_sizes(selftest_random *random, int rank, int64_t low, int64_t high, int64_t sizes[3]);
/* Copies the axes in use to the front of a config's array, and back to front. */
void cly_selftest_to_config(int rank, const int64_t sizes[3], int64_t *config);
clayer_shape cly_selftest_shape(int rank, bool channels_first, int64_t batch, const int64_t sizes[3], int64_t channels);
/* outer and inner of a window over (batch, spatial, channels). */
void cly_selftest_window(selftest_case *test, int64_t batch, int64_t channels);
/* Keras' rule for convolutions and pooling on one axis: the output size, and the zeros before. */
int64_t cly_selftest_same_or_valid(const char *padding, int64_t n, int64_t kernel, int64_t stride, int64_t dilation,
                                   int64_t *before_out);
const char *cly_selftest_format(bool channels_first);
/* One of the activations that are fused into convolutions; its spec text. */
const char *cly_selftest_activation(selftest_random *random, reference_activation *activation_out);

/* ---- makers ---- */

typedef void selftest_make(selftest_random *random, const selftest_layer *layer, selftest_case *test);

/* selftest_merge.c */
selftest_make cly_selftest_join, cly_selftest_dot, cly_selftest_layer_scale;
/* selftest_scale.c */
selftest_make cly_selftest_layer_norm, cly_selftest_rescaling, cly_selftest_resizing;
/* selftest_images.c */
selftest_make cly_selftest_flip_images, cly_selftest_shift_images, cly_selftest_recolour_images;
/* selftest_conv.c */
selftest_make cly_selftest_conv, cly_selftest_conv_transpose, cly_selftest_depthwise, cly_selftest_separable,
    cly_selftest_dense;
/* selftest_move.c */
selftest_make cly_selftest_cropping, cly_selftest_zero_padding, cly_selftest_up_sampling, cly_selftest_flatten,
    cly_selftest_reshape, cly_selftest_dropout, cly_selftest_concatenate, cly_selftest_pooling,
    cly_selftest_global_pooling;
/* selftest_layers.c */
selftest_make cly_selftest_activation_layer, cly_selftest_relu, cly_selftest_leaky_relu, cly_selftest_softmax,
    cly_selftest_batch_norm, cly_selftest_add;
/* selftest_more.c */
selftest_make cly_selftest_elu, cly_selftest_thresholded_relu, cly_selftest_prelu, cly_selftest_permute,
    cly_selftest_repeat_vector, cly_selftest_embedding, cly_selftest_masking, cly_selftest_noise;

#endif
