/* model/fusion_support.c: runs a model with fusion and without. */
#include "model/fusion_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- on against off ---- */

uint64_t fusion_state = 1;

void fill_weights(clayer_model *model) {
    test_random random = test_random_start(fusion_state++, 0);
    for (size_t i = 0; i < clayer_model_get_layer_count(model); i++) {
        clayer_layer *layer = clayer_model_get_layer(model, i);
        for (size_t j = 0; j < clayer_layer_get_weight_count(layer); j++) {
            clayer_tensor *weight = clayer_layer_get_weight(layer, j);
            const bool positive = strcmp(clayer_layer_get_weight_name(layer, j), "moving_variance") == 0;
            const int64_t count = clayer_tensor_get_count(weight);
            float *values = test_random_floats(&random, count, positive ? 0.3f : -1.0f, positive ? 3.0f : 1.0f);
            MUST(clayer_tensor_write(weight, values, count));
            free(values);
        }
    }
}

/* The outputs with these fusions; the run takes what the plan foretells. */
static void run_model(clayer_model *model, unsigned set, clayer_tensor *const *inputs, clayer_tensor **outputs,
                      const char *text) {
    clayer_shape shapes[4];
    clayer_model_plan plan;
    MUST(clayer_model_set_fusion(model, set));
    cly_model_memory_destroy(model);
    for (size_t i = 0; i < clayer_model_get_input_count(model); i++) {
        shapes[i] = *clayer_tensor_get_shape(inputs[i]);
    }
    const uint64_t before = device_bytes();
    MUST(clayer_model_get_plan(model, shapes, 0, &plan));
    MUST(clayer_model_run(model, inputs, clayer_model_get_input_count(model), outputs,
                          clayer_model_get_output_count(model)));
    const uint64_t held = device_bytes() - before;
    ck_assert_msg(held == plan.activation_bytes + plan.workspace_bytes + plan.folded_bytes,
                  "%s: %llu bytes are held, the plan has %llu + %llu + %llu", text, (unsigned long long)held,
                  (unsigned long long)plan.activation_bytes, (unsigned long long)plan.workspace_bytes,
                  (unsigned long long)plan.folded_bytes);
}

void compare_tensors(const clayer_tensor *actual, const clayer_tensor *expected, double tolerance, const char *text) {
    const int64_t count = clayer_tensor_get_count(expected);
    float *a = read_tensor(actual), *b = read_tensor(expected);
    double largest = 1e-3;
    for (int64_t i = 0; i < count; i++) {
        largest = fabs((double)b[i]) > largest ? fabs((double)b[i]) : largest;
    }
    for (int64_t i = 0; i < count; i++) {
        const bool same = a[i] == b[i] || (isnan(a[i]) && isnan(b[i]));
        ck_assert_msg(same || fabs((double)a[i] - (double)b[i]) <= tolerance * largest,
                      "%s: element %lld is %.9g fused and %.9g not, of values up to %g", text, (long long)i,
                      (double)a[i], (double)b[i], largest);
    }
    free(a);
    free(b);
}

clayer_model_plan check_fusion(clayer_model *model, clayer_tensor *const *inputs, double tolerance, const char *text) {
    static const unsigned sets[] = {
        CLAYER_FUSE_ALL,      CLAYER_FUSE_BATCH_NORMALIZATION, CLAYER_FUSE_ACTIVATION, CLAYER_FUSE_PADDING,
        CLAYER_FUSE_CROPPING, CLAYER_FUSE_CONCATENATE,         CLAYER_FUSE_ALL};
    clayer_tensor *expected[MOST_OUTPUTS], *actual[MOST_OUTPUTS];
    clayer_shape shapes[4];
    const size_t output_count = clayer_model_get_output_count(model);
    clayer_node *const *nodes = NULL;
    (void)cly_model_outputs(model, &nodes);
    clayer_model_plan plan;
    for (size_t i = 0; i < clayer_model_get_input_count(model); i++) {
        shapes[i] = *clayer_tensor_get_shape(inputs[i]);
    }
    for (size_t i = 0; i < output_count; i++) {
        clayer_shape shape = nodes[i]->shape;
        shape.dims[0] = shapes[0].dims[0];
        expected[i] = new_tensor(shape.rank, shape.dims);
        actual[i] = new_tensor(shape.rank, shape.dims);
    }
    run_model(model, 0, inputs, expected, text);
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        char what[320];
        (void)snprintf(what, sizeof(what), "%s, fusion %u", text, sets[i]);
        run_model(model, sets[i], inputs, actual, what);
        for (size_t j = 0; j < output_count; j++) {
            compare_tensors(actual[j], expected[j], tolerance, what);
        }
    }
    MUST(clayer_model_get_plan(model, shapes, 0, &plan));
    for (size_t i = 0; i < output_count; i++) {
        clayer_tensor_destroy(expected[i]);
        clayer_tensor_destroy(actual[i]);
    }
    return plan;
}

clayer_model_plan check_model(clayer_model *model, int64_t batch, double tolerance, const char *text) {
    test_random random = test_random_start(fusion_state++, 1);
    clayer_shape shape = *clayer_model_get_input_shape(model, 0);
    shape.dims[0] = batch;
    clayer_tensor *x = random_tensor(&random, shape.rank, shape.dims);
    fill_weights(model);
    const clayer_model_plan plan = check_fusion(model, &x, tolerance, text);
    clayer_tensor_destroy(x);
    return plan;
}

clayer_node *normalise(clayer_model *model, clayer_node *input, int64_t axis) {
    clayer_node *node = NULL;
    MUST(clayer_add_batch_normalization(
        model, input, CONFIG(clayer_batch_normalization_config, .has_axis = true, .axis = axis), &node));
    return node;
}
