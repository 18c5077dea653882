/* model/predict.c: runs a model on host arrays, batch by batch, as Keras' predict does. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "model/plan.h"

#define DEFAULT_BATCH 32 /* Keras' */

/* Everything a prediction holds; the tensors are of the batch that is run. */
typedef struct prediction {
    clayer_model *model;
    clayer_array *const *inputs;
    size_t input_count, output_count;
    int64_t samples;
    clayer_shape *shapes; /* of the inputs of a batch */
    clayer_tensor **input_tensors;
    clayer_tensor **output_tensors;
    clayer_array **outputs;
} prediction;

/* ---- checks ---- */

static clayer_status check_inputs(prediction *p) {
    const clayer_model *model = p->model;
    if (p->input_count != model->input_count || p->inputs == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "model '%s' has %zu input%s, got %zu", model->name,
                             model->input_count, model->input_count == 1 ? "" : "s",
                             p->inputs == NULL ? 0 : p->input_count);
    }
    for (size_t i = 0; i < p->input_count; i++) {
        const char *name = model->inputs[i]->layer->name;
        if (p->inputs[i] == NULL) {
            return cly_base_fail(CLAYER_INVALID_ARGUMENT, "model '%s': input '%s' is NULL", model->name, name);
        }
        p->shapes[i] = *clayer_array_get_shape(p->inputs[i]);
        if (p->shapes[i].rank < 1 || p->shapes[i].dims[0] < 1) {
            return cly_base_fail(CLAYER_INVALID_SHAPE, "model '%s': input '%s' has no samples", model->name, name);
        }
        if (p->shapes[i].dims[0] != p->shapes[0].dims[0]) {
            return cly_base_fail(CLAYER_INVALID_SHAPE, "model '%s': input '%s' has %lld samples, input '%s' has %lld",
                                 model->name, name, (long long)p->shapes[i].dims[0], model->inputs[0]->layer->name,
                                 (long long)p->shapes[0].dims[0]);
        }
    }
    p->samples = p->shapes[0].dims[0];
    return CLAYER_OK;
}

/* A batch that the model itself fixes wins: no other size would be accepted. */
static clayer_status choose_batch(const prediction *p, const clayer_predict_config *config, int64_t *batch_out) {
    int64_t batch = config == NULL || config->batch_size == 0 ? DEFAULT_BATCH : config->batch_size;
    if (config != NULL && config->struct_size != sizeof(*config)) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_predict: struct_size is %zu, must be %zu",
                             config->struct_size, sizeof(*config));
    }
    if (batch < 1) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_predict: batch_size is %lld, must be at least 1",
                             (long long)batch);
    }
    int64_t fixed = p->model->inputs[0]->shape.dims[0];
    batch = fixed > 0 ? fixed : batch;
    *batch_out = batch < p->samples ? batch : p->samples;
    return CLAYER_OK;
}

/* ---- one batch ---- */

static void destroy_tensors(clayer_tensor **tensors, size_t count) {
    for (size_t i = 0; tensors != NULL && i < count; i++) {
        clayer_tensor_destroy(tensors[i]);
        tensors[i] = NULL;
    }
}

/* Tensors for a batch of this size; the first time also the arrays for all samples. */
static clayer_status prepare(prediction *p, int64_t batch) {
    clayer_status status = CLAYER_OK;
    cly_model_run_plan *plan = NULL;
    clayer_model *flat = NULL;
    clayer_node *const *nodes = NULL;
    for (size_t i = 0; i < p->input_count; i++) {
        p->shapes[i].dims[0] = batch;
    }
    CLY_TRY(cly_model_flat(p->model, &flat));
    CLY_TRY(cly_model_find_plan(flat, p->shapes, &plan));
    (void)cly_model_outputs(flat, &nodes);
    destroy_tensors(p->input_tensors, p->input_count);
    destroy_tensors(p->output_tensors, p->output_count);
    for (size_t i = 0; i < p->input_count; i++) {
        CLY_TRY(clayer_tensor_create(p->model->context, p->shapes[i].rank, p->shapes[i].dims, &p->input_tensors[i]));
    }
    for (size_t i = 0; i < p->output_count; i++) {
        clayer_shape shape = plan->calls[nodes[i]->index].output;
        if (shape.rank < 1 || shape.dims[0] != batch) {
            CLY_TRY(cly_base_fail(CLAYER_UNSUPPORTED,
                                  "model '%s': output '%s' has no row a sample, so it cannot be predicted in batches",
                                  p->model->name, clayer_model_get_output_name(p->model, i)));
        }
        CLY_TRY(clayer_tensor_create(p->model->context, shape.rank, shape.dims, &p->output_tensors[i]));
        if (p->outputs[i] == NULL) {
            shape.dims[0] = p->samples;
            CLY_TRY(clayer_array_create(CLAYER_FLOAT32, shape.rank, shape.dims, &p->outputs[i]));
        }
    }
done:
    return status;
}

/* Samples first .. first + batch - 1 of one input, converted to float32, to the device. */
static clayer_status write_input(const prediction *p, size_t index, int64_t first) {
    clayer_status status = CLAYER_OK;
    clayer_array *slice = NULL, *converted = NULL;
    const clayer_array *input = p->inputs[index];
    const clayer_shape *shape = &p->shapes[index];
    clayer_type type = clayer_array_get_type(input);
    int64_t count = clayer_tensor_get_count(p->input_tensors[index]);
    size_t sample_bytes = (size_t)(count / shape->dims[0]) * clayer_type_size(type);
    const char *source = (const char *)clayer_array_get_const_data(input) + (size_t)first * sample_bytes;
    if (type == CLAYER_FLOAT32) {
        const float *values = (const float *)(const void *)source;
        CLY_TRY(cly_model_check_numbers(p->model, index, values, count, shape->dims[0], NULL, first));
        return clayer_tensor_write(p->input_tensors[index], values, count);
    }
    CLY_TRY(clayer_array_create(type, shape->rank, shape->dims, &slice));
    memcpy(clayer_array_get_data(slice), source, (size_t)shape->dims[0] * sample_bytes);
    CLY_TRY(clayer_array_convert(slice, CLAYER_FLOAT32, &converted));
    CLY_TRY(cly_model_check_numbers(p->model, index, clayer_array_get_const_data(converted), count, shape->dims[0],
                                    NULL, first));
    CLY_TRY(clayer_tensor_write(p->input_tensors[index], clayer_array_get_const_data(converted), count));
done:
    clayer_array_destroy(slice);
    clayer_array_destroy(converted);
    return status;
}

static clayer_status run_batch(const prediction *p, int64_t first, int64_t batch) {
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < p->input_count; i++) {
        CLY_TRY(write_input(p, i, first));
    }
    CLY_TRY(clayer_model_run(p->model, p->input_tensors, p->input_count, p->output_tensors, p->output_count));
    for (size_t i = 0; i < p->output_count; i++) {
        int64_t count = clayer_tensor_get_count(p->output_tensors[i]);
        float *target = (float *)clayer_array_get_data(p->outputs[i]) + first * (count / batch);
        CLY_TRY(clayer_tensor_read(p->output_tensors[i], target, count));
    }
done:
    return status;
}

/* ---- all batches ---- */

static clayer_status run_batches(prediction *p, const clayer_predict_config *config, int64_t batch) {
    clayer_status status = CLAYER_OK;
    int64_t prepared = 0;
    for (int64_t first = 0; first < p->samples; first += batch) {
        int64_t size = p->samples - first < batch ? p->samples - first : batch;
        if (size != prepared) {
            CLY_TRY(prepare(p, size));
            prepared = size;
        }
        CLY_TRY(run_batch(p, first, size));
        if (config != NULL && config->progress != NULL &&
            !config->progress(first + size, p->samples, config->progress_data)) {
            CLY_TRY(cly_base_fail(CLAYER_INVALID_ARGUMENT,
                                  "stopped by the progress callback after %lld of %lld samples",
                                  (long long)(first + size), (long long)p->samples));
        }
    }
done:
    return status;
}

static clayer_status allocate(prediction *p) {
    clayer_status status = CLAYER_OK;
    void *memory = NULL;
    CLY_TRY(cly_base_alloc(p->model->input_count, sizeof(clayer_shape), &memory));
    p->shapes = memory;
    CLY_TRY(cly_base_alloc(p->model->input_count, sizeof(clayer_tensor *), &memory));
    p->input_tensors = memory;
    CLY_TRY(cly_base_alloc(p->output_count, sizeof(clayer_tensor *), &memory));
    p->output_tensors = memory;
    CLY_TRY(cly_base_alloc(p->output_count, sizeof(clayer_array *), &memory));
    p->outputs = memory;
done:
    return status;
}

clayer_status clayer_model_predict(clayer_model *model, clayer_array *const *inputs, size_t input_count,
                                   const clayer_predict_config *config, clayer_array **outputs_out) {
    clayer_status status = CLAYER_OK;
    int64_t batch = 0;
    if (model == NULL || outputs_out == NULL || model->input_count == 0) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_predict: %s",
                             model == NULL         ? "model is NULL"
                             : outputs_out == NULL ? "outputs_out is NULL"
                                                   : "the model has no input");
    }
    prediction p = {.model = model,
                    .inputs = inputs,
                    .input_count = input_count,
                    .output_count = clayer_model_get_output_count(model)};
    CLY_TRY(allocate(&p));
    CLY_TRY(check_inputs(&p));
    CLY_TRY(choose_batch(&p, config, &batch));
    CLY_TRY(run_batches(&p, config, batch));
    memcpy(outputs_out, p.outputs, p.output_count * sizeof(*outputs_out));
    memset(p.outputs, 0, p.output_count * sizeof(*p.outputs));
done:
    for (size_t i = 0; p.outputs != NULL && i < p.output_count; i++) {
        clayer_array_destroy(p.outputs[i]);
    }
    destroy_tensors(p.input_tensors, model->input_count);
    destroy_tensors(p.output_tensors, p.output_count);
    free(p.shapes);
    free(p.input_tensors);
    free(p.output_tensors);
    free(p.outputs);
    return status;
}
