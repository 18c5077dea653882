/* train/step.c: one step of training or evaluation, enqueued without waiting: Keras' train_step and test_step.
 *
 * The order is Keras': forward, losses and metrics of this forward pass, then gradients and the update. Values of
 * losses lie on the device multiplied by what the gradients are (loss weight and the optimizer's loss_scale_factor);
 * ops/track divides them again when it adds them to the sums. */
#include <string.h>

#include <clayer/opencl.h>

#include "base/error.h"
#include "ops/track.h"
#include "train/session.h"

/* ---- batches to the device ---- */

static uint64_t array_bytes(const cly_train_host_array *array) {
    uint64_t bytes = sizeof(float);
    for (int i = 0; i < array->shape.rank; i++) {
        bytes *= (uint64_t)array->shape.dims[i];
    }
    return bytes;
}

/* Sends array `index` of a filled slot on its way. */
static clayer_status send(cly_train_session *session, int index, size_t array) {
    cly_train_slot *slot = &session->slots[index];
    clayer_context *context = session->model->context;
    const cly_train_host_array *host = &slot->host.arrays[array];
    const uint64_t bytes = array_bytes(host);
    const bool grows = bytes > slot->buffer_bytes[array];
    clayer_status status = CLAYER_OK;
    if (grows) {
        cl_mem buffer = NULL;
        CLY_TRY(cly_device_buffer_create(context, bytes, &buffer));
        cly_device_buffer_destroy(context, slot->buffers[array]);
        slot->buffers[array] = buffer;
        slot->buffer_bytes[array] = bytes;
    }
    if (array < session->model->input_count) {
        clayer_tensor *tensor = slot->inputs[array];
        if (grows || tensor == NULL || !cly_layers_same_shape(clayer_tensor_get_shape(tensor), &host->shape)) {
            slot->inputs[array] = NULL;
            clayer_tensor_destroy(tensor);
            CLY_TRY(clayer_tensor_adopt(context, slot->buffers[array], 0, host->shape.rank, host->shape.dims,
                                        &slot->inputs[array]));
        }
    }
    CLY_TRY(cly_device_upload_write(session->upload, index, slot->buffers[array], host->values, bytes));
done:
    return status;
}

static clayer_status send_all(cly_train_session *session, int index) {
    const cly_train_slot *slot = &session->slots[index];
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; slot->host.samples > 0 && i < session->array_count; i++) {
        if (slot->host.arrays[i].given) {
            CLY_TRY(send(session, index, i));
        }
    }
done:
    return status;
}

clayer_status cly_train_session_load(cly_train_session *session, cly_train_feed *feed, int slot) {
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_device_upload_begin(session->upload, slot));
    CLY_TRY(cly_train_feed_next(feed, &session->slots[slot].host));
    CLY_TRY(send_all(session, slot));
done:
    return status;
}

clayer_status cly_train_session_load_batch(cly_train_session *session, const clayer_batch *batch, int slot) {
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_device_upload_begin(session->upload, slot));
    CLY_TRY(cly_train_take_batch(session->model, batch, &session->slots[slot].host));
    CLY_TRY(send_all(session, slot));
done:
    return status;
}

/* ---- losses and metrics ---- */

static clayer_status run_loss(cly_train_session *session, int mode, size_t index, const cly_train_output_data *data) {
    clayer_context *context = session->model->context;
    const cly_train_compiled *compiled = session->compiled;
    cly_train_loss_shape shape = cly_train_session_loss_shape(session, index, &data->pass.shape, &data->y->shape);
    clayer_status status = CLAYER_OK;
    shape.weight = data->loss_weight_shape;
    shape.masked = data->pass.mask != NULL;
    cly_train_loss_run run = {.y_pred = shape.logits ? data->pass.logits : data->pass.y,
                              .y_true = data->y_buffer,
                              .weight = data->loss_weight,
                              .value = session->values,
                              .value_offset = (int64_t)index,
                              .scale = 1};
    CLY_TRY(cly_train_session_hold_workspace(session, cly_train_loss_workspace_bytes(context, &shape)));
    run.workspace = session->workspace;
    if (mode == CLY_TRAIN_TRAINS) {
        run.gradient = data->pass.gradient;
        run.scale = (float)compiled->outputs[index].weight * cly_train_optimizer_scale(compiled->optimizer);
    }
    CLY_TRY(cly_train_loss_enqueue(context, &shape, &run));
    if (run.scale == 0) { /* Keras logs the loss of such an output all the same */
        run.scale = 1;
        run.gradient = NULL;
        CLY_TRY(cly_train_loss_enqueue(context, &shape, &run));
    }
done:
    return status;
}

static clayer_status run_metrics(cly_train_session *session, int mode, int slot) {
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < session->column_count; i++) {
        const cly_train_column *column = &session->columns[i];
        cly_train_output_data data;
        if (column->metric == NULL) {
            continue;
        }
        CLY_TRY(cly_train_session_get_output(session, mode, slot, (size_t)column->metric_output, &data));
        cl_mem weight = column->weighted ? data.weighted : data.plain_weight;
        const clayer_shape *weight_shape = column->weighted ? &data.weighted_shape : &data.plain_weight_shape;
        if (!cly_train_metric_takes_mask(column->metric)) {
            weight = column->weighted ? data.sample_weight : NULL;
            weight_shape = &data.sample_weight_shape;
        }
        CLY_TRY(cly_train_metric_update(column->metric, &data.pass.shape,
                                        column->reads_logits ? data.pass.logits : data.pass.y, &data.y->shape,
                                        data.y_buffer, weight_shape, weight));
    }
done:
    return status;
}

/* ---- steps ---- */

static clayer_status run_losses(cly_train_session *session, int mode, int slot) {
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < session->output_count; i++) {
        cly_train_output_data data;
        if (session->has_loss[i]) {
            CLY_TRY(cly_train_session_get_output(session, mode, slot, i, &data));
            CLY_TRY(run_loss(session, mode, i, &data));
        }
    }
done:
    return status;
}

clayer_status cly_train_session_step(cly_train_session *session, int mode, int slot) {
    clayer_context *context = session->model->context;
    const cly_train_slot *batch = &session->slots[slot];
    const int64_t samples = batch->host.samples;
    cly_model_training *passes = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_train_session_prepare(session, mode, &batch->host));
    passes = session->passes[mode];
    if (mode == CLY_TRAIN_TRAINS) {
        CLY_TRY(cly_train_session_follow(session));
    }
    CLY_TRY(cly_device_upload_use(session->upload, slot));
    CLY_TRY(cly_model_training_forward(passes, batch->inputs, session->step));
    CLY_TRY(cly_train_session_mask(session, mode, slot));
    CLY_TRY(run_losses(session, mode, slot));
    CLY_TRY(run_metrics(session, mode, slot));
    CLY_TRY(cly_model_training_add_penalties(passes, session->values, (int64_t)session->output_count));
    CLY_TRY(cly_ops_track_losses(context, session->values, session->factors[mode], session->sums, session->bad,
                                 (int)session->output_count, samples, session->step + 1));
    if (mode == CLY_TRAIN_TRAINS) {
        CLY_TRY(cly_model_training_backward(passes, cly_train_optimizer_scale(session->compiled->optimizer)));
        CLY_TRY(cly_train_optimizer_step(session->compiled->optimizer));
    }
    CLY_TRY(cly_device_upload_used(session->upload, slot));
    session->step++;
done:
    return status;
}

/* ---- sums ---- */

clayer_status cly_train_session_reset(cly_train_session *session) {
    clayer_context *context = session->model->context;
    const size_t count = 2 * session->output_count + 2;
    const cl_int none = 0;
    clayer_status status = CLAYER_OK;
    memset(session->host_sums, 0, count * sizeof(float));
    CLY_TRY(cly_device_write(context, session->sums, 0, session->host_sums, count * sizeof(float)));
    CLY_TRY(
        cly_device_write(context, session->values, 0, session->host_sums, (session->output_count + 1) * sizeof(float)));
    CLY_TRY(cly_device_write(context, session->bad, 0, &none, sizeof(none)));
    for (size_t i = 0; i < session->column_count; i++) {
        if (session->columns[i].metric != NULL) {
            CLY_TRY(cly_train_metric_reset(session->columns[i].metric));
        }
    }
    session->step = 0;
done:
    return status;
}

/* Keras' Mean: in float32. */
static double mean(const float *pair) {
    return pair[1] != 0 ? (double)(pair[0] / pair[1]) : 0;
}

clayer_status cly_train_session_read(cly_train_session *session, double *values, int64_t *bad_step_out) {
    clayer_context *context = session->model->context;
    cl_int bad = 0;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_device_read(context, session->sums, 0, session->host_sums,
                            (2 * session->output_count + 2) * sizeof(float)));
    CLY_TRY(cly_device_read(context, session->bad, 0, &bad, sizeof(bad)));
    for (size_t i = 0; i < session->column_count; i++) {
        const cly_train_column *column = &session->columns[i];
        if (column->metric != NULL) {
            CLY_TRY(cly_train_metric_result(column->metric, &values[i]));
        } else {
            values[i] = mean(session->host_sums + 2 * (column->output + 1));
        }
    }
    *bad_step_out = (int64_t)bad - 1;
done:
    return status;
}
