/* model/support.c: short ways to build models. */
#include "model/support.h"

#include <stdlib.h>

clayer_context *context;

void open_context(void) {
    MUST(clayer_context_create(NULL, &context));
}

void close_context(void) {
    clayer_context_destroy(context);
    context = NULL;
}

clayer_model *new_model(const char *name) {
    clayer_model *model = NULL;
    MUST(clayer_model_create(context, name, &model));
    return model;
}

clayer_node *add_input(clayer_model *model, const char *name, int rank, const int64_t *dims) {
    clayer_node *node = NULL;
    MUST(clayer_add_named_input(model, name, rank, dims, &node));
    return node;
}

clayer_node *add_conv(clayer_model *model, clayer_node *input, int64_t filters, int64_t size, const char *activation) {
    const clayer_conv_config config = {.struct_size = sizeof(config),
                                       .filters = filters,
                                       .kernel_size = {size},
                                       .padding = "same",
                                       .activation = activation,
                                       .bias_initializer = "RandomUniform(-1, 1)"};
    clayer_node *node = NULL;
    MUST(clayer_add_conv2d(model, input, &config, &node));
    return node;
}

clayer_node *add_activation(clayer_model *model, clayer_node *input, const char *activation) {
    const clayer_activation_config config = {.struct_size = sizeof(config), .activation = activation};
    clayer_node *node = NULL;
    MUST(clayer_add_activation(model, input, &config, &node));
    return node;
}

clayer_node *add_flatten(clayer_model *model, clayer_node *input) {
    clayer_node *node = NULL;
    MUST(clayer_add_flatten(model, input, NULL, &node));
    return node;
}

clayer_node *add_sum(clayer_model *model, clayer_node *a, clayer_node *b) {
    clayer_node *node = NULL;
    MUST(clayer_add_add(model, (clayer_node *[]){a, b}, 2, NULL, &node));
    return node;
}

clayer_node *join(clayer_model *model, clayer_node *a, clayer_node *b) {
    clayer_node *node = NULL;
    MUST(clayer_add_concatenate(model, (clayer_node *[]){a, b}, 2, NULL, &node));
    return node;
}

clayer_tensor *new_tensor(int rank, const int64_t *dims) {
    clayer_tensor *tensor = NULL;
    MUST(clayer_tensor_create(context, rank, dims, &tensor));
    return tensor;
}

clayer_tensor *random_tensor(test_random *random, int rank, const int64_t *dims) {
    clayer_tensor *tensor = new_tensor(rank, dims);
    int64_t count = clayer_tensor_get_count(tensor);
    float *values = test_random_floats(random, count, -1, 1);
    MUST(clayer_tensor_write(tensor, values, count));
    free(values);
    return tensor;
}

float *read_tensor(const clayer_tensor *tensor) {
    int64_t count = clayer_tensor_get_count(tensor);
    float *values = malloc((size_t)count * sizeof(float));
    ck_assert_ptr_nonnull(values);
    MUST(clayer_tensor_read(tensor, values, count));
    return values;
}

clayer_array *random_array(test_random *random, clayer_type type, int rank, const int64_t *dims) {
    clayer_array *floats = NULL, *array = NULL;
    MUST(clayer_array_create(CLAYER_FLOAT32, rank, dims, &floats));
    int64_t count = clayer_array_get_count(floats);
    float *values = test_random_floats(random, count, 0, 100);
    memcpy(clayer_array_get_data(floats), values, (size_t)count * sizeof(float));
    free(values);
    if (type == CLAYER_FLOAT32) {
        return floats;
    }
    MUST(clayer_array_convert(floats, type, &array));
    clayer_array_destroy(floats);
    return array;
}

uint64_t device_bytes(void) {
    clayer_counters counters;
    MUST(clayer_context_get_counters(context, &counters));
    return counters.device_bytes;
}
