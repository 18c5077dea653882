/* train/nets.c: small nets and data of a seed. */
#include "train/nets.h"

#include <stdlib.h>

#include "support/random.h"

static clayer_model *new_model(clayer_context *context, int rank, const int64_t *dims) {
    clayer_model *model = NULL;
    MUST(clayer_model_create(context, "net", &model));
    MUST(clayer_add_named_input(model, "x", rank, dims, NULL));
    return model;
}

clayer_model *net_images(clayer_context *context) {
    clayer_model *model = new_model(context, 3, (const int64_t[]){6, 6, 1});
    MUST(clayer_add_conv2d(
        model, NULL,
        &(clayer_conv_config){
            .struct_size = sizeof(clayer_conv_config), .filters = 4, .kernel_size = {3, 3}, .kernel_regularizer = "l2"},
        NULL));
    MUST(clayer_add_batch_normalization(
        model, NULL, &(clayer_batch_normalization_config){.struct_size = sizeof(clayer_batch_normalization_config)},
        NULL));
    MUST(clayer_add_relu(model, NULL, NULL, NULL));
    MUST(clayer_add_dropout(
        model, NULL, &(clayer_dropout_config){.struct_size = sizeof(clayer_dropout_config), .rate = 0.25}, NULL));
    MUST(clayer_add_flatten(model, NULL, NULL, NULL));
    MUST(clayer_add_dense(
        model, NULL,
        &(clayer_dense_config){
            .struct_size = sizeof(clayer_dense_config), .name = "dense", .units = 3, .activation = "softmax"},
        NULL));
    return model;
}

clayer_model *net_numbers(clayer_context *context, const char *activation) {
    clayer_model *model = new_model(context, 1, (const int64_t[]){4});
    MUST(clayer_add_dense(
        model, NULL,
        &(clayer_dense_config){
            .struct_size = sizeof(clayer_dense_config), .name = "hidden", .units = 5, .activation = "tanh"},
        NULL));
    MUST(clayer_add_dense(
        model, NULL,
        &(clayer_dense_config){
            .struct_size = sizeof(clayer_dense_config), .name = "dense", .units = 1, .activation = activation},
        NULL));
    return model;
}

void net_compile(clayer_model *model, const char *optimizer, const char *loss, const char *metric) {
    MUST(clayer_model_compile(
        model, &(clayer_compile_config){.struct_size = sizeof(clayer_compile_config),
                                        .optimizer = optimizer != NULL ? optimizer : "adam(learning_rate=0.01)",
                                        .loss = loss,
                                        .metrics = (const char *const[]){metric, NULL}}));
}

void net_make_data(const clayer_model *model, uint64_t seed, int64_t samples, int classes, net_data *data) {
    test_random random = test_random_start(seed, 0);
    clayer_shape shape = *clayer_model_get_input_shape(model, 0);
    shape.dims[0] = samples;
    MUST(clayer_array_create(CLAYER_FLOAT32, shape.rank, shape.dims, &data->x));
    float *x = clayer_array_get_data(data->x);
    for (int64_t i = 0; i < clayer_array_get_count(data->x); i++) {
        x[i] = test_random_float(&random, -1, 1);
    }
    if (classes > 0) {
        MUST(clayer_array_create(CLAYER_INT32, 1, &samples, &data->y));
        int32_t *y = clayer_array_get_data(data->y);
        for (int64_t i = 0; i < samples; i++) {
            y[i] = (int32_t)test_random_int(&random, 0, classes - 1);
        }
    } else {
        MUST(clayer_array_create(CLAYER_FLOAT32, 2, (const int64_t[]){samples, 1}, &data->y));
        float *y = clayer_array_get_data(data->y);
        for (int64_t i = 0; i < samples; i++) {
            y[i] = x[i * (clayer_array_get_count(data->x) / samples)] + test_random_float(&random, -0.1f, 0.1f);
        }
    }
    data->xs[0] = data->x;
    data->ys[0] = data->y;
    data->dataset = (clayer_dataset){.struct_size = sizeof(clayer_dataset), .x = data->xs, .y = data->ys};
}

void net_free_data(net_data *data) {
    clayer_array_destroy(data->x);
    clayer_array_destroy(data->y);
}

float *net_weights(clayer_model *model, size_t *count_out) {
    size_t count = 0;
    float *values = NULL;
    for (int pass = 0; pass < 2; pass++) {
        count = 0;
        for (size_t i = 0; i < clayer_model_get_layer_count(model); i++) {
            clayer_layer *layer = clayer_model_get_layer(model, i);
            for (size_t j = 0; j < clayer_layer_get_weight_count(layer); j++) {
                const clayer_tensor *tensor = clayer_layer_get_weight(layer, j);
                const int64_t size = clayer_tensor_get_count(tensor);
                if (pass == 1) {
                    MUST(clayer_tensor_read(tensor, values + count, size));
                }
                count += (size_t)size;
            }
        }
        if (pass == 0) {
            values = calloc(count, sizeof(float));
            ck_assert(values != NULL);
        }
    }
    *count_out = count;
    return values;
}

bool net_same_weights(clayer_model *a, clayer_model *b) {
    size_t count_a = 0, count_b = 0;
    float *of_a = net_weights(a, &count_a), *of_b = net_weights(b, &count_b);
    const bool same = count_a == count_b && memcmp(of_a, of_b, count_a * sizeof(float)) == 0;
    free(of_a);
    free(of_b);
    return same;
}
