/* train.c: trains a convolutional network on the 60,000 images of Fashion-MNIST for about a minute, evaluates it on
 * 10,000 others, saves it for Keras, and draws how loss and accuracy went.
 *
 *     clayer_example_train [FOLDER [SECONDS [OUT [ACCURACY]]]]
 *
 * FOLDER holds the data set; OUT gets fashion_trained.keras and fashion_curves.svg; the exit status is 1 if the
 * accuracy on the test images stays below ACCURACY. */
#include <clayer/clayer.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "watch.h"

/* The images become (N, 28, 28, 1), from 0 to 1. */
static int load(const char *folder, const char *part, clayer_array **x, clayer_array **y) {
    char path[4096];
    clayer_array *images = NULL;
    snprintf(path, sizeof path, "%s/%s-labels-idx1-ubyte.gz", folder, part);
    int failed = clayer_array_load(path, y);
    snprintf(path, sizeof path, "%s/%s-images-idx3-ubyte.gz", folder, part);
    failed = failed || clayer_array_load(path, &images) ||
             clayer_array_create(CLAYER_FLOAT32, 4, (int64_t[]){clayer_array_get_count(images) / 784, 28, 28, 1}, x);
    if (!failed) {
        const unsigned char *bytes = clayer_array_get_const_data(images);
        float *pixels = clayer_array_get_data(*x);
        for (int64_t i = 0; i < clayer_array_get_count(*x); i++) {
            pixels[i] = (float)bytes[i] / 255.0f;
        }
    }
    clayer_array_destroy(images);
    return failed;
}

static int build(clayer_model *model) {
    const clayer_conv_config first = {
        .struct_size = sizeof first, .filters = 16, .kernel_size = {3}, .activation = "relu"};
    const clayer_conv_config second = {
        .struct_size = sizeof second, .filters = 32, .kernel_size = {3}, .activation = "relu"};
    const clayer_dense_config hidden = {.struct_size = sizeof hidden, .units = 64, .activation = "relu"};
    const clayer_dense_config output = {.struct_size = sizeof output, .units = 10, .activation = "softmax"};
    return clayer_add_input(model, 3, (int64_t[]){28, 28, 1}, NULL) || clayer_add_conv2d(model, NULL, &first, NULL) ||
           clayer_add_max_pooling2d(model, NULL, NULL, NULL) || clayer_add_conv2d(model, NULL, &second, NULL) ||
           clayer_add_max_pooling2d(model, NULL, NULL, NULL) || clayer_add_flatten(model, NULL, NULL, NULL) ||
           clayer_add_dense(model, NULL, &hidden, NULL) || clayer_add_dense(model, NULL, &output, NULL);
}

static int train(clayer_model *model, const clayer_array *x, const clayer_array *y, watch *w) {
    const clayer_compile_config compile = {.struct_size = sizeof compile,
                                           .optimizer = "adam(learning_rate=0.003)",
                                           .loss = "sparse_categorical_crossentropy",
                                           .metrics = (const char *const[]){"accuracy", NULL}};
    const clayer_dataset data = {.struct_size = sizeof data, .x = &x, .y = &y};
    const clayer_fit_config fit = {.struct_size = sizeof fit,
                                   .batch_size = 128,
                                   .epochs = 10,
                                   .callback = watch_event,
                                   .callback_data = w,
                                   .batch_logs = true};
    return clayer_model_compile(model, &compile) || clayer_model_fit(model, &data, &fit, NULL);
}

static int evaluate(clayer_model *model, const clayer_array *x, const clayer_array *y, double *accuracy_out) {
    const clayer_dataset data = {.struct_size = sizeof data, .x = &x, .y = &y};
    clayer_log logs[2];
    size_t count = 0;
    int failed = clayer_model_evaluate(model, &data, NULL, logs, 2, &count);
    *accuracy_out = failed ? 0 : watch_find(logs, count, "accuracy");
    return failed;
}

int main(int argc, char **argv) {
    const char *folder = argc > 1 ? argv[1] : "/usr/share/datasets/fashion-mnist", *out = argc > 3 ? argv[3] : ".";
    const double limit = argc > 2 ? atof(argv[2]) : 60, wanted = argc > 4 ? atof(argv[4]) : 0;
    static watch w;
    char saved[4096], picture[4096], title[128];
    clayer_context *context = NULL;
    clayer_model *model = NULL;
    clayer_array *x = NULL, *y = NULL, *test_x = NULL, *test_y = NULL;
    double accuracy = 0;
    snprintf(saved, sizeof saved, "%s/fashion_trained.keras", out);
    snprintf(picture, sizeof picture, "%s/fashion_curves.svg", out);
    int failed = clayer_context_create(NULL, &context) || clayer_model_create(context, "fashion", &model) ||
                 build(model) || load(folder, "train", &x, &y) || load(folder, "t10k", &test_x, &test_y);
    watch_start(&w, limit, wanted > 0 ? 600 : 0); /* a slow machine sees every image too */
    failed = failed || train(model, x, y, &w);
    const double seconds = watch_seconds(&w);
    failed = failed || evaluate(model, test_x, test_y, &accuracy) || clayer_model_save(model, saved);
    if (failed) {
        fprintf(stderr, "train: %s\n", clayer_last_error());
    } else {
        printf("Trained %" PRId64 " steps of 128 images in %.1f s: %.0f images per second\n", w.steps, seconds,
               (double)(w.steps - 1) * 128 / seconds);
        printf("Accuracy on the test images: %.2f %%\nModel:  %s\n", 100 * accuracy, saved);
        snprintf(title, sizeof title, "Fashion-MNIST: accuracy %.2f %% after %" PRId64 " steps", 100 * accuracy,
                 w.steps);
        failed = watch_draw(&w, picture, title);
        printf(failed ? "cannot write %s\n" : "Curves: %s\n", picture);
    }
    clayer_array_destroy(x), clayer_array_destroy(y), clayer_array_destroy(test_x), clayer_array_destroy(test_y);
    clayer_model_destroy(model), clayer_context_destroy(context);
    return failed || accuracy < wanted;
}
