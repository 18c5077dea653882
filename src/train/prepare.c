/* train/prepare.c: what is done once for batches of certain shapes, before the first of them runs: metrics and their
 * names, checks of targets against losses, plans and memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "train/session.h"

/* ---- columns ---- */

static cly_train_column *add_column(cly_train_session *session, int output) {
    cly_train_column *column = &session->columns[session->column_count++];
    column->output = output;
    return column;
}

static clayer_status add_metric(cly_train_session *session, const cly_train_host_batch *shapes, size_t output,
                                const char *text, bool weighted) {
    const clayer_model *model = session->model;
    const cly_train_host_array *y = &shapes->arrays[model->input_count + output];
    clayer_shape y_pred = *clayer_model_get_output_shape(model, output);
    char where[CLY_LAYERS_DESCRIPTION];
    (void)snprintf(where, sizeof(where), "output '%s'", clayer_model_get_output_name(model, output));
    y_pred.dims[0] = shapes->samples;
    for (int i = 1; i < y_pred.rank; i++) { /* sizes that vary: as the targets have them */
        if (y_pred.dims[i] < 0) {
            y_pred.dims[i] = i < y->shape.rank ? y->shape.dims[i] : 1;
        }
    }
    cly_train_column *column = add_column(session, (int)output);
    column->metric_output = (int)output;
    column->weighted = weighted;
    column->text = text;
    const clayer_status status =
        cly_train_metric_create(model->context, text, model->generation, &y_pred, &y->shape, where, &column->metric);
    /* Where the loss reads y itself the passes have no logits, and a crossentropy clips as it does elsewhere. */
    column->reads_logits = status == CLAYER_OK && session->reads_logits[output] &&
                           cly_train_metric_undoes(column->metric) != CLY_LOGITS_NONE;
    if (column->reads_logits) {
        cly_train_metric_take_logits(column->metric, true);
    }
    return status;
}

void cly_train_session_free_columns(cly_train_session *session) {
    for (size_t i = 0; i < session->column_count; i++) {
        cly_train_metric_destroy(session->columns[i].metric);
        free(session->columns[i].name);
    }
    free(session->columns);
    session->columns = NULL;
    session->column_count = 0;
}

/* The whole loss, each output's where Keras has them, the metrics. */
static clayer_status make_columns(cly_train_session *session, const cly_train_host_batch *shapes) {
    const cly_train_compiled *compiled = session->compiled;
    const int generation = session->model->generation;
    size_t count = 1, losses = 0;
    void *memory = NULL;
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < compiled->output_count; i++) {
        losses += session->has_loss[i];
        count += 1 + compiled->outputs[i].metric_count + compiled->outputs[i].weighted_metric_count;
    }
    CLY_TRY(cly_base_alloc(count, sizeof(cly_train_column), &memory));
    session->columns = memory;
    (void)add_column(session, -1);
    for (size_t i = 0; i < compiled->output_count; i++) {
        if (session->has_loss[i] && (generation == 2 ? compiled->output_count > 1 : losses > 1)) {
            (void)add_column(session, (int)i);
        }
    }
    for (size_t i = 0; i < compiled->output_count; i++) {
        const cly_train_output *output = &compiled->outputs[i];
        for (size_t j = 0; j < output->metric_count; j++) {
            CLY_TRY(add_metric(session, shapes, i, output->metrics[j], false));
        }
        for (size_t j = 0; j < output->weighted_metric_count; j++) {
            CLY_TRY(add_metric(session, shapes, i, output->weighted_metrics[j], true));
        }
    }
    CLY_TRY(cly_train_make_names(session->model, session->columns, session->column_count));
done:
    if (status != CLAYER_OK) {
        cly_train_session_free_columns(session);
    }
    return status;
}

/* ---- checks ---- */

/* Targets and weights against losses and outputs. */
static clayer_status check_targets(cly_train_session *session, const cly_train_host_batch *shapes) {
    const clayer_model *model = session->model;
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < session->output_count; i++) {
        const cly_train_host_array *y = &shapes->arrays[model->input_count + i];
        const cly_train_host_array *weight = &shapes->arrays[model->input_count + session->output_count + i];
        const char *name = clayer_model_get_output_name(model, i);
        clayer_shape y_pred = *clayer_model_get_output_shape(model, i);
        char where[CLY_LAYERS_DESCRIPTION];
        clayer_shape mask;
        if (!session->has_loss[i]) {
            continue;
        }
        if (!y->given) {
            CLY_TRY(cly_base_fail(CLAYER_INVALID_ARGUMENT, "output '%s' has a loss and no target", name));
        }
        y_pred.dims[0] = shapes->samples;
        for (int axis = 1; axis < y_pred.rank; axis++) { /* sizes that vary are looked at by the step */
            if (y_pred.dims[axis] < 0) {
                y_pred.dims[axis] = axis < y->shape.rank ? y->shape.dims[axis] : 1;
            }
        }
        cly_train_loss_shape shape = cly_train_session_loss_shape(session, i, &y_pred, &y->shape);
        shape.weight = weight->given ? weight->shape : (clayer_shape){0};
        (void)snprintf(where, sizeof(where), "output '%s'", name);
        CLY_TRY(cly_model_output_mask(model, i, &y_pred, &mask));
        if (mask.rank > 0) {
            cly_ops_loss_mask masking;
            const clayer_shape given = shape.weight;
            CLY_TRY(cly_train_loss_mask(&shape, where, &mask, &given, &masking, &shape.weight));
            shape.masked = true;
        }
        CLY_TRY(cly_train_loss_check(&shape, where));
    }
done:
    return status;
}

/* ---- memory ---- */

static uint64_t shape_bytes(const clayer_shape *shape) {
    uint64_t bytes = sizeof(float);
    for (int i = 0; i < shape->rank; i++) {
        bytes *= (uint64_t)shape->dims[i];
    }
    return bytes;
}

clayer_status cly_train_session_follow(cly_train_session *session) {
    cly_model_weight *weights = NULL;
    size_t count = 0;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_model_list_weights(session->model, true, &weights, &count));
    if (session->weights != NULL && count == session->weight_count &&
        (count == 0 || memcmp(weights, session->weights, count * sizeof(*weights)) == 0)) {
        goto done;
    }
    CLY_TRY(cly_train_optimizer_build(session->compiled->optimizer, weights, count));
    free(session->weights);
    session->weights = weights;
    session->weight_count = count;
    weights = NULL;
done:
    free(weights);
    return status;
}

/* What passes made with `held` may be used for: a smaller batch later does not need new ones. */
static bool serves(const cly_model_training_config *held, const cly_model_training_config *wanted) {
    return held->memory_limit_bytes == wanted->memory_limit_bytes && held->other_bytes >= wanted->other_bytes &&
           held->check_numerics == wanted->check_numerics;
}

static clayer_status plan_passes(cly_train_session *session, int mode, const cly_train_host_batch *shapes) {
    clayer_model *model = session->model;
    cly_model_weight *weights = NULL;
    size_t weight_count = 0;
    clayer_training_plan plan = {0};
    clayer_shape *inputs = NULL;
    void *memory = NULL;
    clayer_status status = CLAYER_OK;
    cly_model_training_config config = {.losses = session->has_loss,
                                        .logits = session->reads_logits,
                                        .memory_limit_bytes = session->memory_limit_bytes,
                                        .check_numerics = session->check_numerics,
                                        .inference = mode == CLY_TRAIN_EVALUATES};
    for (size_t i = 0; i < session->array_count; i++) {
        config.other_bytes += shapes->arrays[i].given ? CLY_UPLOAD_SLOTS * shape_bytes(&shapes->arrays[i].shape) : 0;
    }
    if (mode == CLY_TRAIN_EVALUATES) {
        config.other_bytes += session->training_bytes;
    } else {
        CLY_TRY(cly_model_list_weights(model, true, &weights, &weight_count));
        config.other_bytes += cly_train_optimizer_slot_bytes(session->compiled->optimizer, weights, weight_count);
    }
    if (session->passes[mode] != NULL && !serves(&session->pass_configs[mode], &config)) {
        cly_model_training_destroy(session->passes[mode]);
        session->passes[mode] = NULL;
    }
    if (session->passes[mode] == NULL) {
        CLY_TRY(cly_model_training_create(model, &config, &session->passes[mode]));
        session->pass_configs[mode] = config;
    }
    CLY_TRY(cly_base_alloc(model->input_count, sizeof(clayer_shape), &memory));
    inputs = memory;
    for (size_t i = 0; i < model->input_count; i++) {
        inputs[i] = shapes->arrays[i].shape;
    }
    CLY_TRY(cly_model_training_plan(session->passes[mode], inputs, &plan));
    if (mode == CLY_TRAIN_TRAINS) {
        const uint64_t bytes = plan.total_bytes - plan.weight_bytes;
        session->training_bytes = bytes > session->training_bytes ? bytes : session->training_bytes;
        CLY_TRY(cly_train_session_follow(session));
    }
done:
    free(inputs);
    free(weights);
    return status;
}

size_t cly_train_session_most_columns(const cly_train_session *session) {
    size_t count = 1;
    for (size_t i = 0; i < session->output_count; i++) {
        const cly_train_output *output = &session->compiled->outputs[i];
        count += 1 + output->metric_count + output->weighted_metric_count;
    }
    return count;
}

void cly_train_session_limit(cly_train_session *session, uint64_t memory_limit_bytes, bool check_numerics) {
    session->memory_limit_bytes = memory_limit_bytes;
    session->check_numerics = check_numerics;
}

/* The shapes are those of the last call, for passes that still serve. */
static bool is_prepared(const cly_train_session *session, int mode, const cly_train_host_batch *shapes) {
    const cly_model_training_config *held = &session->pass_configs[mode];
    if (session->passes[mode] == NULL || held->memory_limit_bytes != session->memory_limit_bytes ||
        held->check_numerics != session->check_numerics) {
        return false;
    }
    for (size_t i = 0; i < session->array_count; i++) {
        const clayer_shape none = {0};
        const clayer_shape *shape = shapes->arrays[i].given ? &shapes->arrays[i].shape : &none;
        if (!cly_layers_same_shape(shape, &session->prepared[mode][i])) {
            return false;
        }
    }
    return true;
}

clayer_status cly_train_session_prepare(cly_train_session *session, int mode, const cly_train_host_batch *shapes) {
    clayer_status status = CLAYER_OK;
    if (is_prepared(session, mode, shapes)) {
        return CLAYER_OK;
    }
    CLY_TRY(check_targets(session, shapes));
    if (session->column_count == 0) {
        CLY_TRY(make_columns(session, shapes));
    }
    CLY_TRY(plan_passes(session, mode, shapes));
    for (size_t i = 0; i < session->array_count; i++) {
        session->prepared[mode][i] = shapes->arrays[i].given ? shapes->arrays[i].shape : (clayer_shape){0};
    }
done:
    return status;
}
