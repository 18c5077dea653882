/* functional.c: the example of Keras' documentation of Cropping2D, with the nodes named, and run on one batch:
 *
 *     model.add(Cropping2D(cropping=((2, 2), (4, 4)), input_shape=(28, 28, 3)))   # (None, 24, 20, 3)
 *     model.add(Conv2D(64, (3, 3), padding='same'))
 *     model.add(Cropping2D(cropping=((2, 2), (2, 2))))                            # (None, 20, 16, 64) */
#include <clayer/clayer.h>
#include <inttypes.h>
#include <stdio.h>

static void print_shape(const clayer_shape *shape) {
    printf("(None");
    for (int i = 1; i < shape->rank; i++) {
        printf(", %" PRId64, shape->dims[i]);
    }
    puts(")");
}

/* Makes the three layers; the two crops become the outputs, so that both shapes can be asked for. */
static clayer_status build(clayer_model *model) {
    const clayer_cropping_config outer = {
        .struct_size = sizeof outer, .has_cropping = true, .cropping = {{2, 2}, {4, 4}}};
    const clayer_conv_config conv = {
        .struct_size = sizeof conv, .filters = 64, .kernel_size = {3, 3}, .padding = "same"};
    const clayer_cropping_config inner = {
        .struct_size = sizeof inner, .has_cropping = true, .cropping = {{2, 2}, {2, 2}}};
    clayer_node *image, *cropped, *features, *outputs[2];
    clayer_status status = clayer_add_input(model, 3, (int64_t[]){28, 28, 3}, &image);
    if (status == CLAYER_OK) {
        status = clayer_add_cropping2d(model, image, &outer, &cropped);
    }
    if (status == CLAYER_OK) {
        status = clayer_add_conv2d(model, cropped, &conv, &features);
    }
    if (status == CLAYER_OK) {
        outputs[0] = cropped;
        status = clayer_add_cropping2d(model, features, &inner, &outputs[1]);
    }
    if (status == CLAYER_OK) {
        status = clayer_model_set_outputs(model, outputs, 2);
    }
    return status;
}

static clayer_status run(clayer_model *model) {
    clayer_array *x = NULL, *y[2] = {NULL, NULL};
    clayer_status status = clayer_array_create(CLAYER_FLOAT32, 4, (int64_t[]){5, 28, 28, 3}, &x);
    if (status == CLAYER_OK) {
        status = clayer_model_predict(model, &x, 1, NULL, y);
    }
    if (status == CLAYER_OK) {
        printf("a batch of 5 gives %" PRId64 " and %" PRId64 " values\n", clayer_array_get_count(y[0]),
               clayer_array_get_count(y[1]));
    }
    clayer_array_destroy(y[1]);
    clayer_array_destroy(y[0]);
    clayer_array_destroy(x);
    return status;
}

int main(void) {
    clayer_context *context = NULL;
    clayer_model *model = NULL;
    clayer_status status = clayer_context_create(NULL, &context);
    if (status == CLAYER_OK) {
        status = clayer_model_create(context, "functional", &model);
    }
    if (status == CLAYER_OK) {
        status = build(model);
    }
    if (status == CLAYER_OK) {
        print_shape(clayer_model_get_output_shape(model, 0));
        print_shape(clayer_model_get_output_shape(model, 1));
        status = run(model);
    }
    if (status != CLAYER_OK) {
        fprintf(stderr, "functional: %s\n", clayer_last_error());
    }
    clayer_model_destroy(model);
    clayer_context_destroy(context);
    return status != CLAYER_OK;
}
