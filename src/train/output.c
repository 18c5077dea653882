/* train/output.c: what losses and metrics read of one output after a forward pass: prediction, target, and the weights
 * that sample weights and Keras' mask make. Source: Loss.__call__ and apply_mask in keras/src/losses/loss.py,
 * MeanMetricWrapper in keras/src/metrics/reduction_metrics.py; for Keras 2 LossesContainer and MetricsContainer in
 * tf_keras/src/engine/compile_utils.py, which weigh also metrics without weights by the mask. */
#include <stdio.h>

#include "base/memory.h"
#include "layers/layer.h"
#include "train/session.h"
#include "train/shapes.h"

clayer_status cly_train_session_get_output(const cly_train_session *session, int mode, int slot_index, size_t index,
                                           cly_train_output_data *data) {
    const cly_train_slot *slot = &session->slots[slot_index];
    const size_t y = session->model->input_count + index, weight = y + session->output_count;
    const cly_train_host_array *given = &slot->host.arrays[weight];
    const cly_train_masked *masked = &session->masked[index];
    clayer_status status = CLAYER_OK;
    *data = (cly_train_output_data){.y = &slot->host.arrays[y], .y_buffer = slot->buffers[y]};
    CLY_TRY(cly_model_training_get_output(session->passes[mode], index, &data->pass));
    if (given->given) {
        data->sample_weight = slot->buffers[weight];
        data->sample_weight_shape = given->shape;
    }
    data->loss_weight = data->weighted = data->sample_weight;
    data->loss_weight_shape = data->weighted_shape = data->sample_weight_shape;
    if (data->pass.mask != NULL) {
        data->loss_weight = masked->loss;
        data->loss_weight_shape = masked->loss_shape;
        data->plain_weight = data->pass.mask;
        data->plain_weight_shape = data->pass.mask_shape;
        data->weighted = given->given ? masked->weighted : data->pass.mask;
        data->weighted_shape = given->given ? masked->weighted_shape : data->pass.mask_shape;
    }
done:
    return status;
}

cly_train_loss_shape cly_train_session_loss_shape(const cly_train_session *session, size_t index,
                                                  const clayer_shape *y_pred, const clayer_shape *y_true) {
    return (cly_train_loss_shape){.loss = &session->compiled->outputs[index].loss,
                                  .generation = session->model->generation,
                                  .logits = session->reads_logits[index],
                                  .y_pred = *y_pred,
                                  .y_true = *y_true};
}

/* ---- memory ---- */

/* At least so many bytes; what was enqueued keeps the old buffer until it is done. */
static clayer_status hold(clayer_context *context, uint64_t wanted, cl_mem *buffer, uint64_t *bytes) {
    clayer_status status = CLAYER_OK;
    if (wanted > *bytes) {
        cl_mem larger = NULL;
        CLY_TRY(cly_device_buffer_create(context, wanted, &larger));
        cly_device_buffer_destroy(context, *buffer);
        *buffer = larger;
        *bytes = wanted;
    }
done:
    return status;
}

clayer_status cly_train_session_hold_workspace(cly_train_session *session, uint64_t bytes) {
    return hold(session->model->context, bytes, &session->workspace, &session->workspace_bytes);
}

/* ---- masks ---- */

/* product = mask * weight, as `masking` says. */
static clayer_status multiply(cly_train_session *session, const cly_ops_loss_mask *masking,
                              const cly_train_output_data *data, cl_mem *product, uint64_t *bytes) {
    clayer_context *context = session->model->context;
    clayer_status status = CLAYER_OK;
    const uint64_t workspace = (uint64_t)cly_ops_loss_mask_workspace(context, masking) * sizeof(float);
    CLY_TRY(cly_train_session_hold_workspace(session, workspace));
    CLY_TRY(hold(context, (uint64_t)masking->count * sizeof(float), product, bytes));
    CLY_TRY(cly_ops_loss_mask_run(context, masking, data->pass.mask, data->sample_weight, data->y_buffer, *product,
                                  session->workspace));
done:
    return status;
}

static clayer_status mask_output(cly_train_session *session, size_t index, const cly_train_output_data *data) {
    cly_train_masked *masked = &session->masked[index];
    clayer_status status = CLAYER_OK;
    char where[CLY_LAYERS_DESCRIPTION];
    cly_ops_loss_mask masking;
    (void)snprintf(where, sizeof(where), "output '%s'", clayer_model_get_output_name(session->model, index));
    if (session->has_loss[index]) {
        const cly_train_loss_shape shape =
            cly_train_session_loss_shape(session, index, &data->pass.shape, &data->y->shape);
        CLY_TRY(cly_train_loss_mask(&shape, where, &data->pass.mask_shape, &data->sample_weight_shape, &masking,
                                    &masked->loss_shape));
        CLY_TRY(multiply(session, &masking, data, &masked->loss, &masked->loss_bytes));
    }
    if (data->sample_weight != NULL) {
        CLY_TRY(cly_train_mask_weights(session->model->generation, where, &data->pass.mask_shape,
                                       &data->sample_weight_shape, NULL, &masking, &masked->weighted_shape));
        CLY_TRY(multiply(session, &masking, data, &masked->weighted, &masked->weighted_bytes));
    }
done:
    return status;
}

clayer_status cly_train_session_mask(cly_train_session *session, int mode, int slot) {
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < session->output_count; i++) {
        cly_train_output_data data;
        CLY_TRY(cly_train_session_get_output(session, mode, slot, i, &data));
        if (data.pass.mask != NULL) {
            CLY_TRY(mask_output(session, i, &data));
        }
    }
done:
    return status;
}
