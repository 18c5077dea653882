/* train/session.c: makes and frees what a compiled model needs between batches. */
#include "train/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

/* ---- freeing ---- */

static void destroy_slot(const cly_train_session *session, cly_train_slot *slot) {
    for (size_t i = 0; slot->buffers != NULL && i < session->array_count; i++) {
        cly_device_buffer_destroy(session->model->context, slot->buffers[i]);
    }
    for (size_t i = 0; slot->inputs != NULL && i < session->model->input_count; i++) {
        clayer_tensor_destroy(slot->inputs[i]);
    }
    free(slot->buffers);
    free(slot->buffer_bytes);
    free(slot->inputs);
    cly_train_host_batch_free(session->model, &slot->host);
}

void cly_train_session_destroy(cly_train_session *session) {
    if (session == NULL) {
        return;
    }
    clayer_context *context = session->model->context;
    cly_device_upload_destroy(session->upload); /* before the memory that it reads */
    for (size_t i = 0; i < CLY_UPLOAD_SLOTS; i++) {
        destroy_slot(session, &session->slots[i]);
    }
    for (int mode = 0; mode < 2; mode++) {
        free(session->prepared[mode]);
        cly_model_training_destroy(session->passes[mode]);
        cly_device_buffer_destroy(context, session->factors[mode]);
    }
    cly_device_buffer_destroy(context, session->values);
    cly_device_buffer_destroy(context, session->sums);
    cly_device_buffer_destroy(context, session->bad);
    cly_device_buffer_destroy(context, session->workspace);
    cly_train_session_free_columns(session);
    for (size_t i = 0; session->masked != NULL && i < session->output_count; i++) {
        cly_device_buffer_destroy(context, session->masked[i].loss);
        cly_device_buffer_destroy(context, session->masked[i].weighted);
    }
    free(session->masked);
    free(session->has_loss);
    free(session->reads_logits);
    free(session->host_sums);
    free(session->weights);
    free(session);
}

/* ---- making ---- */

static clayer_status make_slot(const cly_train_session *session, cly_train_slot *slot) {
    void *memory = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_train_host_batch_create(session->model, &slot->host));
    CLY_TRY(cly_base_alloc(session->array_count, sizeof(cl_mem), &memory));
    slot->buffers = memory;
    CLY_TRY(cly_base_alloc(session->array_count, sizeof(uint64_t), &memory));
    slot->buffer_bytes = memory;
    CLY_TRY(cly_base_alloc(session->model->input_count, sizeof(clayer_tensor *), &memory));
    slot->inputs = memory;
done:
    return status;
}

/* What turns values back into losses; see step.c for what multiplies them. Keras 3 tracks each output's loss as the
 * plain mean over batches (it weighs by the static batch size, which is unknown), Keras 2 weighs by samples. */
static clayer_status make_factors(cly_train_session *session, int mode) {
    const cly_train_compiled *compiled = session->compiled;
    clayer_context *context = session->model->context;
    float *factors = NULL;
    void *memory = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_base_alloc(session->output_count * 3, sizeof(float), &memory));
    factors = memory;
    for (size_t i = 0; i < session->output_count; i++) {
        const float scale = mode == CLY_TRAIN_TRAINS
                                ? (float)compiled->outputs[i].weight * cly_train_optimizer_scale(compiled->optimizer)
                                : 1.0f;
        factors[3 * i] = scale != 0 ? 1.0f / scale : 1.0f;
        factors[3 * i + 1] = session->has_loss[i] ? (float)compiled->outputs[i].weight : 0.0f;
        factors[3 * i + 2] = session->model->generation == 2 ? 1.0f : 0.0f;
    }
    const uint64_t bytes = session->output_count * 3 * sizeof(float);
    CLY_TRY(cly_device_buffer_create(context, bytes, &session->factors[mode]));
    CLY_TRY(cly_device_write(context, session->factors[mode], 0, factors, bytes));
done:
    free(factors);
    return status;
}

static clayer_status look_at_losses(cly_train_session *session) {
    const cly_train_compiled *compiled = session->compiled;
    void *memory = NULL;
    bool any = false;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_base_alloc(session->output_count, sizeof(bool), &memory));
    session->has_loss = memory;
    CLY_TRY(cly_base_alloc(session->output_count, sizeof(bool), &memory));
    session->reads_logits = memory;
    for (size_t i = 0; i < session->output_count; i++) {
        session->has_loss[i] = compiled->outputs[i].loss.entry != NULL;
        session->reads_logits[i] = cly_train_reads_logits(session->model, compiled, i);
        any = any || session->has_loss[i];
    }
    if (!any) {
        CLY_TRY(cly_base_fail(CLAYER_INVALID_ARGUMENT, "model '%s' was compiled without a loss", session->model->name));
    }
done:
    return status;
}

static clayer_status create(clayer_model *model, cly_train_compiled *compiled, cly_train_session **session_out) {
    cly_train_session *session = NULL;
    void *memory = NULL;
    clayer_context *context = model->context;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_base_alloc(1, sizeof(cly_train_session), &memory));
    session = memory;
    session->model = model;
    session->compiled = compiled;
    session->output_count = compiled->output_count;
    session->array_count = cly_train_array_count(model);
    CLY_TRY(cly_base_alloc(session->output_count, sizeof(cly_train_masked), &memory));
    session->masked = memory;
    CLY_TRY(look_at_losses(session));
    CLY_TRY(cly_device_upload_create(context, &session->upload));
    for (size_t i = 0; i < CLY_UPLOAD_SLOTS; i++) {
        CLY_TRY(make_slot(session, &session->slots[i]));
    }
    for (int mode = 0; mode < 2; mode++) {
        CLY_TRY(make_factors(session, mode));
        CLY_TRY(cly_base_alloc(session->array_count, sizeof(clayer_shape), &memory));
        session->prepared[mode] = memory;
    }
    const uint64_t sum_count = 2 * session->output_count + 2;
    CLY_TRY(cly_base_alloc(sum_count, sizeof(float), &memory));
    session->host_sums = memory;
    CLY_TRY(cly_device_buffer_create(context, (session->output_count + 1) * sizeof(float), &session->values));
    CLY_TRY(cly_device_buffer_create(context, sum_count * sizeof(float), &session->sums));
    CLY_TRY(cly_device_buffer_create(context, sizeof(cl_int), &session->bad));
    *session_out = session;
    session = NULL;
done:
    cly_train_session_destroy(session);
    return status;
}

clayer_status cly_train_session_get(clayer_model *model, cly_train_session **session_out) {
    cly_train_compiled *compiled = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_train_get_compiled(model, &compiled));
    if (compiled->session == NULL) {
        CLY_TRY(create(model, compiled, &compiled->session));
    }
    *session_out = compiled->session;
done:
    return status;
}
