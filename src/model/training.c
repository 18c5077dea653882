/* model/training.c: what training a model keeps between steps: plans by input shapes, one set of buffers, the
 * gradients of weights; and what all that takes, known before any of it is made. */
#include "model/training.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "device/device.h"
#include "model/training_plan.h"

/* ---- coming and going ---- */

static clayer_status copy_list(const bool *list, size_t count, const bool **copy_out) {
    clayer_status status = CLAYER_OK;
    void *memory = NULL;
    if (list != NULL) {
        CLY_TRY(cly_base_alloc(count, sizeof(bool), &memory));
        memcpy(memory, list, count * sizeof(bool));
    }
    *copy_out = memory;
done:
    return status;
}

static clayer_status check_config(const clayer_model *model, const cly_model_training_config *config) {
    if (model->input_count == 0 || clayer_model_get_output_count(model) == 0) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "model '%s' has no input", model->name);
    }
    for (size_t i = 0; i < clayer_model_get_output_count(model); i++) {
        if (cly_model_reads_logits(config, i) && cly_model_output_logits(model, i) == CLY_LOGITS_NONE) {
            return cly_base_fail(CLAYER_INVALID_ARGUMENT, "model '%s': output '%s' ends in no softmax or sigmoid",
                                 model->name, clayer_model_get_output_name(model, i));
        }
    }
    return CLAYER_OK;
}

static void release_flat(cly_model_training *training) {
    if (training->flat != NULL && training->flat != training->model) {
        clayer_model_destroy(training->flat);
    }
    training->flat = NULL;
}

/* The flat model of today. */
static clayer_status follow(cly_model_training *training) {
    clayer_status status = CLAYER_OK;
    clayer_model *flat = NULL;
    CLY_TRY(cly_model_flat(training->model, &flat));
    if (flat != training->flat) {
        release_flat(training);
        training->flat = flat == training->model ? flat : cly_model_retain(flat);
    }
done:
    return status;
}

clayer_status cly_model_training_create(clayer_model *model, const cly_model_training_config *config,
                                        cly_model_training **training_out) {
    clayer_status status = CLAYER_OK;
    cly_model_training *training = NULL;
    void *memory = NULL;
    const bool *losses = NULL, *logits = NULL;
    CLY_TRY(check_config(model, config));
    CLY_TRY(cly_base_alloc(1, sizeof(*training), &memory));
    training = memory;
    training->model = model;
    CLY_TRY(follow(training));
    training->config = *config;
    training->config.losses = training->config.logits = NULL;
    training->output_count = clayer_model_get_output_count(model);
    CLY_TRY(copy_list(config->losses, training->output_count, &losses));
    training->config.losses = losses;
    CLY_TRY(copy_list(config->logits, training->output_count, &logits));
    training->config.logits = logits;
    *training_out = training;
    training = NULL;
done:
    cly_model_training_destroy(training);
    return status;
}

static void drop_gradients(const clayer_model *model) {
    for (size_t i = 0; i < model->layer_count; i++) {
        for (size_t j = 0; j < model->layers[i]->weight_count; j++) {
            cly_weights_drop_gradient(&model->layers[i]->weights[j]);
        }
    }
}

void cly_model_training_destroy(cly_model_training *training) {
    if (training == NULL) {
        return;
    }
    if (training->holds_gradients) {
        drop_gradients(training->flat);
    }
    for (size_t i = 0; i < CLY_COUNT(training->plans); i++) {
        cly_model_train_plan_destroy(training->plans[i]);
    }
    cly_model_pool_release(training->model->context, &training->pool);
    cly_device_buffer_destroy(training->model->context, training->numerics.found);
    free(training->numerics.checks);
    free(training->inputs);
    free((void *)training->config.losses);
    free((void *)training->config.logits);
    release_flat(training);
    free(training);
}

/* ---- plans ---- */

clayer_status cly_model_find_train_plan(cly_model_training *training, const clayer_shape *input_shapes,
                                        cly_model_train_plan **plan_out) {
    clayer_status status = CLAYER_OK;
    clayer_model *model = training->model;
    cly_model_train_plan *plan = NULL;
    size_t place = 0;
    if (training->output_count != clayer_model_get_output_count(model)) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "model '%s' has other outputs than when it was compiled",
                             model->name);
    }
    CLY_TRY(check_config(model, &training->config)); /* the graph may have changed */
    CLY_TRY(follow(training));
    for (size_t i = 0; i < CLY_COUNT(training->plans); i++) {
        cly_model_train_plan *known = training->plans[i], *oldest = training->plans[place];
        if (known != NULL && cly_model_train_plan_fits(training->flat, known, input_shapes)) {
            plan = known;
        }
        if (oldest != NULL && (known == NULL || known->forward->last_use < oldest->forward->last_use)) {
            place = i;
        }
    }
    if (plan == NULL) {
        CLY_TRY(cly_model_train_plan_create(training->flat, &training->config, input_shapes, &plan));
        if (training->plans[place] == training->current) {
            training->current = NULL;
        }
        cly_model_train_plan_destroy(training->plans[place]);
        training->plans[place] = plan;
    }
    plan->forward->last_use = ++training->uses;
    *plan_out = plan;
done:
    return status;
}

/* ---- memory ---- */

static clayer_training_plan measure(const cly_model_training *training, const cly_model_train_plan *plan) {
    clayer_training_plan result = {.weight_bytes = cly_model_weight_bytes(training->flat),
                                   .gradient_bytes = plan->gradient_bytes,
                                   .activation_bytes = cly_model_plan_buffer_bytes(plan->forward),
                                   .activation_sum_bytes = plan->forward->unshared_bytes,
                                   .workspace_bytes = cly_model_plan_scratch_bytes(plan->forward)};
    if (training->config.check_numerics) {
        result.workspace_bytes += cly_model_numerics_bytes(plan);
    }
    result.total_bytes = result.weight_bytes + result.gradient_bytes + result.activation_bytes + result.workspace_bytes;
    return result;
}

/* The same with the optimizer's slots. */
static clayer_status describe(const cly_model_training *training, const cly_model_train_plan *plan,
                              clayer_training_plan *plan_out) {
    clayer_status status = CLAYER_OK;
    const clayer_model *model = training->model;
    clayer_training_plan result = measure(training, plan);
    if (model->compiled_needs != NULL) {
        CLY_TRY(model->compiled_needs(model, NULL, NULL, &result.optimizer_bytes));
    }
    result.total_bytes += result.optimizer_bytes;
    *plan_out = result;
done:
    return status;
}

static clayer_status check_limit(const cly_model_training *training, const cly_model_train_plan *plan) {
    const clayer_training_plan p = measure(training, plan);
    const clayer_device_info *device = cly_device_info(training->model->context);
    const uint64_t other = training->config.other_bytes, limit = training->config.memory_limit_bytes;
    const uint64_t allowed = limit == 0 ? device->global_memory_bytes : limit;
    const uint64_t needed = p.total_bytes + other; /* the optimizer's slots are among these */
    if (needed <= allowed) {
        return CLAYER_OK;
    }
    return cly_base_fail(CLAYER_OUT_OF_MEMORY,
                         "model '%s': %s a batch of %lld needs %llu bytes (weights %llu, gradients %llu, activations "
                         "%llu, workspace %llu, optimizer and batches %llu), %s %llu",
                         training->model->name, training->config.inference ? "evaluating" : "training on",
                         (long long)plan->forward->input_shapes[0].dims[0], (unsigned long long)needed,
                         (unsigned long long)p.weight_bytes, (unsigned long long)p.gradient_bytes,
                         (unsigned long long)p.activation_bytes, (unsigned long long)p.workspace_bytes,
                         (unsigned long long)other, limit == 0 ? "the device has" : "allowed are",
                         (unsigned long long)allowed);
}

/* The weights of the plan get a gradient, no others keep one. */
static clayer_status hold_gradients(const clayer_model *model, const cly_model_train_plan *plan) {
    clayer_status status = CLAYER_OK;
    size_t next = 0; /* both lists are in the order of layers */
    for (size_t i = 0; i < model->layer_count; i++) {
        for (size_t j = 0; j < model->layers[i]->weight_count; j++) {
            cly_weights_weight *weight = &model->layers[i]->weights[j];
            if (next < plan->gradient_count && plan->gradients[next].weight == weight) {
                CLY_TRY(cly_weights_hold_gradient(weight, model->context));
                next++;
            } else {
                cly_weights_drop_gradient(weight);
            }
        }
    }
done:
    return status;
}

clayer_status cly_model_hold_training(cly_model_training *training, const cly_model_train_plan *plan) {
    clayer_status status = CLAYER_OK;
    clayer_context *context = training->model->context;
    const uint64_t found_bytes = training->config.check_numerics ? cly_model_numerics_bytes(plan) : 0;
    CLY_TRY(check_limit(training, plan));
    if (!training->config.inference) {
        training->holds_gradients = true;
        CLY_TRY(hold_gradients(training->flat, plan));
    }
    CLY_TRY(cly_model_pool_hold(context, &training->pool, plan->forward));
    if (found_bytes > training->numerics.found_bytes) {
        cly_device_buffer_destroy(context, training->numerics.found);
        training->numerics.found = NULL;
        training->numerics.found_bytes = 0;
        CLY_TRY(cly_device_buffer_create(context, found_bytes, &training->numerics.found));
        training->numerics.found_bytes = found_bytes;
    }
done:
    return status;
}

clayer_status cly_model_training_plan(cly_model_training *training, const clayer_shape *input_shapes,
                                      clayer_training_plan *plan_out) {
    clayer_status status = CLAYER_OK;
    cly_model_train_plan *plan = NULL;
    training->current = NULL;
    CLY_TRY(cly_model_find_train_plan(training, input_shapes, &plan));
    CLY_TRY(cly_model_hold_training(training, plan));
    if (plan_out != NULL) {
        CLY_TRY(describe(training, plan, plan_out));
    }
done:
    return status;
}

/* ---- the public view of a plan ---- */

/* As the model is compiled, else with a loss at each output. */
static clayer_status create_as_compiled(clayer_model *model, cly_model_training **training_out) {
    clayer_status status = CLAYER_OK;
    bool *losses = NULL, *logits = NULL;
    uint64_t optimizer_bytes = 0;
    void *memory = NULL;
    cly_model_training_config config = {.losses = NULL};
    const size_t count = clayer_model_get_output_count(model);
    if (model->compiled_needs != NULL) {
        CLY_TRY(cly_base_alloc(count, sizeof(bool), &memory));
        losses = memory;
        CLY_TRY(cly_base_alloc(count, sizeof(bool), &memory));
        logits = memory;
        CLY_TRY(model->compiled_needs(model, losses, logits, &optimizer_bytes));
        config = (cly_model_training_config){.losses = losses, .logits = logits};
    }
    CLY_TRY(cly_model_training_create(model, &config, training_out));
done:
    free(losses);
    free(logits);
    return status;
}

clayer_status clayer_model_get_training_plan(clayer_model *model, const clayer_shape *input_shapes, int64_t batch_size,
                                             clayer_training_plan *plan_out) {
    clayer_status status = CLAYER_OK;
    clayer_shape *shapes = NULL;
    cly_model_training *training = NULL;
    cly_model_train_plan *plan = NULL;
    if (model == NULL || plan_out == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_get_training_plan: %s is NULL",
                             model == NULL ? "model" : "plan_out");
    }
    CLY_TRY(create_as_compiled(model, &training));
    CLY_TRY(cly_model_plan_shapes(model, input_shapes, batch_size, &shapes));
    CLY_TRY(cly_model_find_train_plan(training, shapes, &plan));
    CLY_TRY(describe(training, plan, plan_out));
done:
    cly_model_training_destroy(training);
    free(shapes);
    return status;
}
