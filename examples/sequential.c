/* sequential.c: a small convolutional network built in C, layer after layer, and run on one batch.
 *
 * An input of NULL means "after the node added last", and a field left out of a config means Keras' default. */
#include <clayer/clayer.h>
#include <stdio.h>

static clayer_status build(clayer_model *model) {
    const clayer_conv_config conv = {
        .struct_size = sizeof conv, .filters = 8, .kernel_size = {3}, .padding = "same", .activation = "relu"};
    const clayer_pooling_config pool = {.struct_size = sizeof pool, .pool_size = {2}};
    const clayer_dense_config dense = {.struct_size = sizeof dense, .units = 10, .activation = "softmax"};
    clayer_status status = clayer_add_input(model, 3, (int64_t[]){28, 28, 1}, NULL);
    if (status == CLAYER_OK) {
        status = clayer_add_conv2d(model, NULL, &conv, NULL);
    }
    if (status == CLAYER_OK) {
        status = clayer_add_max_pooling2d(model, NULL, &pool, NULL);
    }
    if (status == CLAYER_OK) {
        status = clayer_add_flatten(model, NULL, NULL, NULL);
    }
    if (status == CLAYER_OK) {
        status = clayer_add_dense(model, NULL, &dense, NULL);
    }
    return status;
}

static void print_line(const char *line, void *data) {
    (void)data;
    puts(line);
}

/* A batch of two images with a gradient; prints what the softmax says of the first. */
static clayer_status run(clayer_model *model) {
    clayer_array *x = NULL, *y = NULL;
    clayer_status status = clayer_array_create(CLAYER_FLOAT32, 4, (int64_t[]){2, 28, 28, 1}, &x);
    if (status == CLAYER_OK) {
        float *pixels = clayer_array_get_data(x);
        for (int i = 0; i < 2 * 28 * 28; i++) {
            pixels[i] = (float)(i % 28) / 28;
        }
        status = clayer_model_predict(model, &x, 1, NULL, &y);
    }
    if (status == CLAYER_OK) {
        const float *probabilities = clayer_array_get_const_data(y);
        double sum = 0;
        for (int i = 0; i < 10; i++) {
            sum += (double)probabilities[i];
        }
        printf("10 probabilities that add up to %.3f\n", sum);
    }
    clayer_array_destroy(y);
    clayer_array_destroy(x);
    return status;
}

int main(void) {
    clayer_context *context = NULL;
    clayer_model *model = NULL;
    clayer_status status = clayer_context_create(NULL, &context);
    if (status == CLAYER_OK) {
        status = clayer_model_create(context, "sequential", &model);
    }
    if (status == CLAYER_OK) {
        status = build(model);
    }
    if (status == CLAYER_OK) {
        status = clayer_model_summary(model, NULL, print_line, NULL);
    }
    if (status == CLAYER_OK) {
        status = run(model);
    }
    if (status != CLAYER_OK) {
        fprintf(stderr, "sequential: %s\n", clayer_last_error());
    }
    clayer_model_destroy(model);
    clayer_context_destroy(context);
    return status != CLAYER_OK;
}
