/* model/training_support.c: runs a model in training and differentiates it by differences. */
#include "model/training_support.h"

#include <math.h>
#include <stdlib.h>

#include "model/model.h"

void open_trainer(trainer *t, clayer_model *model, const cly_model_training_config *config, int64_t batch,
                  uint64_t seed) {
    const cly_model_training_config none = {.losses = NULL};
    test_random random = test_random_start(seed, 0);
    *t = (trainer){.model = model, .scale = 1};
    t->input_count = clayer_model_get_input_count(model);
    t->output_count = clayer_model_get_output_count(model);
    ck_assert(t->input_count <= TEST_OUTPUTS && t->output_count <= TEST_OUTPUTS);
    for (size_t i = 0; i < t->input_count; i++) {
        clayer_shape shape = *clayer_model_get_input_shape(model, i);
        shape.dims[0] = batch;
        t->inputs[i] = random_tensor(&random, shape.rank, shape.dims);
    }
    for (size_t i = 0; i < t->output_count; i++) {
        clayer_shape shape = *clayer_model_get_output_shape(model, i);
        int64_t count = batch;
        for (int d = 1; d < shape.rank; d++) {
            count *= shape.dims[d];
        }
        t->factors[i] = test_random_floats(&random, count, -1, 1);
    }
    MUST(cly_model_training_create(model, config == NULL ? &none : config, &t->training));
}

void close_trainer(trainer *t) {
    cly_model_training_destroy(t->training);
    for (size_t i = 0; i < TEST_OUTPUTS; i++) {
        clayer_tensor_destroy(t->inputs[i]);
        free(t->factors[i]);
    }
}

static int64_t count_of(const clayer_shape *shape) {
    return cly_layers_product(shape, 0, shape->rank);
}

/* The penalties of the last forward pass. */
static double penalties(trainer *t) {
    clayer_tensor *value = new_tensor(1, DIMS(3));
    MUST(clayer_tensor_write(value, (const float[]){5, 0, 7}, 3));
    MUST(cly_model_training_add_penalties(t->training, cly_device_tensor_buffer(value), 1));
    float *values = read_tensor(value);
    ck_assert(values[0] == 5 && values[2] == 7);
    ck_assert(values[1] == 0 || cly_model_has_penalties(t->model));
    const double result = (double)values[1];
    free(values);
    clayer_tensor_destroy(value);
    return result;
}

double forward_loss(trainer *t) {
    double loss = 0;
    for (size_t i = 0; i < t->model->layer_count; i++) {
        t->model->layers[i]->training_step = 0;
    }
    MUST(cly_model_training_forward(t->training, t->inputs, t->step++));
    for (size_t i = 0; i < t->output_count; i++) {
        cly_model_training_output output;
        MUST(cly_model_training_get_output(t->training, i, &output));
        const int64_t count = count_of(&output.shape);
        float *y = malloc((size_t)count * sizeof(float));
        ck_assert_ptr_nonnull(y);
        MUST(cly_device_read(context, output.logits != NULL ? output.logits : output.y, 0, y,
                             (uint64_t)count * sizeof(float)));
        for (int64_t j = 0; j < count; j++) {
            loss += (double)y[j] * (double)t->factors[i][j];
        }
        free(y);
    }
    return loss + penalties(t);
}

void train_once(trainer *t) {
    (void)forward_loss(t);
    for (size_t i = 0; i < t->output_count; i++) {
        cly_model_training_output output;
        MUST(cly_model_training_get_output(t->training, i, &output));
        const int64_t count = count_of(&output.shape);
        float *scaled = malloc((size_t)count * sizeof(float));
        ck_assert_ptr_nonnull(scaled);
        for (int64_t j = 0; j < count; j++) {
            scaled[j] = t->factors[i][j] * t->scale;
        }
        if (output.gradient != NULL) {
            MUST(cly_device_write(context, output.gradient, 0, scaled, (uint64_t)count * sizeof(float)));
        }
        free(scaled);
    }
    MUST(cly_model_training_backward(t->training, t->scale));
}

float *weight_gradient(const trainer *t, const char *layer, size_t index) {
    clayer_layer *found = clayer_model_find_layer(t->model, layer);
    ck_assert_ptr_nonnull(found);
    ck_assert_ptr_nonnull(found->weights[index].gradient);
    return read_tensor(found->weights[index].gradient);
}

/* dL / d element by a central difference. */
static double difference(trainer *t, clayer_tensor *weight, float *values, int64_t element) {
    static const float h = 0.01f;
    const int64_t count = clayer_tensor_get_count(weight);
    const float kept = values[element];
    double losses[2];
    for (int i = 0; i < 2; i++) {
        values[element] = i == 0 ? kept - h : kept + h;
        MUST(clayer_tensor_write(weight, values, count));
        losses[i] = forward_loss(t);
    }
    const double width = (double)(kept + h) - (double)(kept - h);
    values[element] = kept;
    MUST(clayer_tensor_write(weight, values, count));
    return (losses[1] - losses[0]) / width;
}

void check_differences(trainer *t) {
    cly_model_weight *weights = NULL;
    size_t count = 0, checked = 0;
    train_once(t);
    MUST(cly_model_list_weights(t->model, true, &weights, &count));
    for (size_t i = 0; i < count; i++) {
        ck_assert_ptr_nonnull(weights[i].weight->gradient);
        float *gradient = read_tensor(weights[i].weight->gradient), *values = read_tensor(weights[i].weight->tensor);
        const int64_t elements = clayer_tensor_get_count(weights[i].weight->tensor);
        for (int64_t j = 0; j < elements; j += 1 + elements / 4) {
            const double expected = difference(t, weights[i].weight->tensor, values, j) * (double)t->scale;
            const double actual = (double)gradient[j];
            ck_assert_msg(fabs(actual - expected) <= (double)t->scale * (0.01 + 0.02 * fabs(expected)),
                          "%s of '%s', element %lld: gradient %g, difference %g", weights[i].weight->name,
                          weights[i].layer->name, (long long)j, actual, expected);
            checked++;
        }
        free(gradient);
        free(values);
    }
    ck_assert_uint_gt(checked, 0);
    free(weights);
}

clayer_node *add_dense(clayer_model *model, clayer_node *input, const char *name, int64_t units,
                       const char *activation) {
    const clayer_dense_config config = {
        .struct_size = sizeof(config), .name = name, .units = units, .activation = activation};
    clayer_node *node = NULL;
    MUST(clayer_add_dense(model, input, &config, &node));
    return node;
}
