/* model/nested_support.c: short ways to nest models, and to compare them. */
#include "model/nested_support.h"

#include <stdlib.h>

clayer_node *call_model(clayer_model *model, clayer_model *nested, clayer_node *input) {
    clayer_node *nodes[TEST_OUTPUTS] = {NULL};
    MUST(clayer_model_add_model(model, nested, input == NULL ? NULL : &input, 1, nodes));
    return nodes[0];
}

clayer_node *reuse(clayer_model *model, const clayer_model *owner, const char *path, clayer_node *input) {
    clayer_node *node = NULL;
    clayer_layer *layer = clayer_model_find_layer(owner, path);
    ck_assert_msg(layer != NULL, "no layer '%s'", path);
    MUST(clayer_model_add(model, layer, input == NULL ? NULL : &input, 1, &node));
    return node;
}

clayer_node *reuse_two(clayer_model *model, const clayer_model *owner, const char *path, clayer_node *a,
                       clayer_node *b) {
    clayer_node *node = NULL;
    MUST(clayer_model_add(model, clayer_model_find_layer(owner, path), (clayer_node *[]){a, b}, 2, &node));
    return node;
}

clayer_node *named_conv(clayer_model *model, clayer_node *input, const char *name, int64_t filters) {
    const clayer_conv_config config = {.struct_size = sizeof(config),
                                       .name = name,
                                       .filters = filters,
                                       .kernel_size = {3},
                                       .padding = "same",
                                       .bias_initializer = "RandomUniform(-1, 1)"};
    clayer_node *node = NULL;
    MUST(clayer_add_conv2d(model, input, &config, &node));
    return node;
}

clayer_model *new_encoder(const char *name) {
    clayer_model *model = new_model(name);
    MUST(clayer_add_input(model, 3, DIMS(6, 5, 2), NULL));
    named_conv(model, NULL, "first", 3);
    add_activation(model, NULL, "relu");
    return model;
}

/* ---- comparing ---- */

/* Predicts, and runs on tensors into new ones; both give the same. */
static void run(clayer_model *model, clayer_array *const *inputs, clayer_array **outputs) {
    clayer_tensor *in[TEST_OUTPUTS] = {NULL}, *out[TEST_OUTPUTS] = {NULL};
    const size_t input_count = clayer_model_get_input_count(model);
    const size_t output_count = clayer_model_get_output_count(model);
    MUST(clayer_model_predict(model, inputs, input_count, NULL, outputs));
    for (size_t i = 0; i < input_count; i++) {
        const clayer_shape *shape = clayer_array_get_shape(inputs[i]);
        in[i] = new_tensor(shape->rank, shape->dims);
        MUST(clayer_tensor_write(in[i], clayer_array_get_const_data(inputs[i]), clayer_array_get_count(inputs[i])));
    }
    for (size_t i = 0; i < output_count; i++) {
        const clayer_shape *shape = clayer_array_get_shape(outputs[i]);
        out[i] = new_tensor(shape->rank, shape->dims);
    }
    MUST(clayer_model_run(model, in, input_count, out, output_count));
    for (size_t i = 0; i < output_count; i++) {
        float *values = read_tensor(out[i]);
        ck_assert_mem_eq(values, clayer_array_get_const_data(outputs[i]),
                         (size_t)clayer_array_get_count(outputs[i]) * sizeof(float));
        free(values);
        clayer_tensor_destroy(out[i]);
    }
    for (size_t i = 0; i < input_count; i++) {
        clayer_tensor_destroy(in[i]);
    }
}

void check_same(clayer_model *a, clayer_model *b, int rank, const int64_t *dims, uint64_t seed) {
    test_random random = test_random_start(seed, 0);
    clayer_array *inputs[TEST_OUTPUTS] = {NULL}, *outputs[2][TEST_OUTPUTS] = {{NULL}};
    const size_t input_count = clayer_model_get_input_count(a), output_count = clayer_model_get_output_count(a);
    ck_assert_uint_eq(clayer_model_get_input_count(b), input_count);
    ck_assert_uint_eq(clayer_model_get_output_count(b), output_count);
    for (size_t i = 0; i < input_count; i++) {
        inputs[i] = random_array(&random, CLAYER_FLOAT32, rank, dims);
    }
    run(a, inputs, outputs[0]);
    run(b, inputs, outputs[1]);
    for (size_t i = 0; i < output_count; i++) {
        ck_assert_int_eq(clayer_array_get_count(outputs[0][i]), clayer_array_get_count(outputs[1][i]));
        ck_assert_mem_eq(clayer_array_get_const_data(outputs[0][i]), clayer_array_get_const_data(outputs[1][i]),
                         (size_t)clayer_array_get_count(outputs[0][i]) * sizeof(float));
        clayer_array_destroy(outputs[0][i]);
        clayer_array_destroy(outputs[1][i]);
    }
    for (size_t i = 0; i < input_count; i++) {
        clayer_array_destroy(inputs[i]);
    }
}

size_t check_same_gradients(clayer_model *a, clayer_model *b, int64_t batch) {
    cly_model_weight *weights = NULL;
    size_t count = 0, compared = 0;
    trainer t;
    MUST(cly_model_list_weights(a, true, &weights, &count));
    float **gradients = calloc(count, sizeof(float *));
    ck_assert_ptr_nonnull(gradients);
    open_trainer(&t, a, NULL, batch, 7);
    train_once(&t);
    for (size_t i = 0; i < count; i++) {
        gradients[i] = weights[i].weight->gradient == NULL ? NULL : read_tensor(weights[i].weight->gradient);
    }
    close_trainer(&t);
    open_trainer(&t, b, NULL, batch, 7);
    train_once(&t);
    for (size_t i = 0; i < count; i++) {
        const cly_weights_weight *weight = weights[i].weight;
        ck_assert_int_eq(weight->gradient == NULL, gradients[i] == NULL); /* none: no output depends on it */
        if (weight->gradient != NULL) {
            float *other = read_tensor(weight->gradient);
            ck_assert_mem_eq(gradients[i], other, (size_t)clayer_tensor_get_count(weight->tensor) * sizeof(float));
            free(other);
            compared++;
        }
        free(gradients[i]);
    }
    close_trainer(&t);
    free(gradients);
    free(weights);
    return compared;
}
