/* train/session.h: what lives between the batches of a compiled model: passes, batches on the device, sums of losses,
 * metrics. Nothing here waits for the device but cly_train_session_read. */
#ifndef CLY_TRAIN_SESSION_H
#define CLY_TRAIN_SESSION_H

#include "train/compiled.h"
#include "train/data.h"
#include "train/loss.h"
#include "train/metric.h"

/* One of Keras' logs: the whole loss (output -1), an output's loss, or a metric. */
typedef struct cly_train_column {
    char *name;               /* with the output's name in front where there are several */
    int output;               /* of a loss; -1: the whole */
    cly_train_metric *metric; /* owned; NULL: a loss */
    bool weighted;            /* the metric takes sample weights */
    bool reads_logits;        /* the metric does */
    int metric_output;
    const char *text; /* of the metric, borrowed from the compiled state */
} cly_train_column;

/* A batch on the way to the device and there. */
typedef struct cly_train_slot {
    cly_train_host_batch host;
    cl_mem *buffers; /* one a host array; owned */
    uint64_t *buffer_bytes;
    clayer_tensor **inputs; /* the inputs' buffers in the batch's shapes */
} cly_train_slot;

/* The weights that a mask makes at one output, of one step. */
typedef struct cly_train_masked {
    cl_mem loss, weighted; /* of the loss; the mask times the sample weights, of weighted metrics */
    uint64_t loss_bytes, weighted_bytes;
    clayer_shape loss_shape, weighted_shape;
} cly_train_masked;

enum { CLY_TRAIN_EVALUATES = 0, CLY_TRAIN_TRAINS = 1 };

typedef struct cly_train_session {
    clayer_model *model;          /* borrowed: the model owns the compiled state that owns this */
    cly_train_compiled *compiled; /* borrowed */
    size_t output_count, array_count;
    bool *has_loss, *reads_logits;             /* per output */
    cly_model_training *passes[2];             /* by CLY_TRAIN_EVALUATES, _TRAINS; NULL until one is needed */
    cly_model_training_config pass_configs[2]; /* what they were made with */
    uint64_t memory_limit_bytes;               /* for new passes */
    bool check_numerics;                       /* likewise */
    clayer_shape *prepared[2];                 /* the host arrays' shapes that were prepared last, by mode */
    uint64_t training_bytes;                   /* device memory of the training passes, without the weights */
    cly_device_upload *upload;
    cly_train_slot slots[CLY_UPLOAD_SLOTS];
    cl_mem values, factors[2], sums, bad; /* ops/track.h; factors by mode */
    float *host_sums;                     /* room for them */
    cl_mem workspace;
    uint64_t workspace_bytes;
    cly_train_masked *masked;  /* per output */
    cly_train_column *columns; /* in the order of Keras' logs */
    size_t column_count;       /* 0: not made yet */
    cly_model_weight *weights; /* those that the optimizer moves */
    size_t weight_count;
    int turn;     /* the slot of the last train_on_batch */
    int64_t step; /* since the reset, from 0 */
} cly_train_session;

void cly_train_session_destroy(cly_train_session *session);
void cly_train_session_free_columns(cly_train_session *session);

/* The session of a compiled model, made on first use; its columns stand once shapes were prepared. */
clayer_status cly_train_session_get(clayer_model *model, cly_train_session **session_out);

/* The most columns it can have. */
size_t cly_train_session_most_columns(const cly_train_session *session);

/* What passes prepared from here on may hold, and whether they look for NaNs. */
void cly_train_session_limit(cly_train_session *session, uint64_t memory_limit_bytes, bool check_numerics);

/* Everything that can be refused and all memory for training (CLY_TRAIN_TRAINS) or evaluating batches of these shapes:
 * CLAYER_INVALID_SHAPE if targets or weights do not fit, CLAYER_OUT_OF_MEMORY, before anything runs. A step does this
 * itself for shapes that are new. */
clayer_status cly_train_session_prepare(cly_train_session *session, int mode, const cly_train_host_batch *shapes);

/* The optimizer takes the weights that are trainable now. */
clayer_status cly_train_session_follow(cly_train_session *session);

/* Fills slot `slot` with the feed's next batch and sends it on its way; host.samples 0: there is none. */
clayer_status cly_train_session_load(cly_train_session *session, cly_train_feed *feed, int slot);
/* The same with a batch of the application. */
clayer_status cly_train_session_load_batch(cly_train_session *session, const clayer_batch *batch, int slot);

/* Enqueues one step on that batch: forward, losses, metrics, and in training backward and the update. */
clayer_status cly_train_session_step(cly_train_session *session, int mode, int slot);

/* Sums and metrics begin anew. */
clayer_status cly_train_session_reset(cly_train_session *session);

/* Waits for the device: the value of every column, and the first step since the reset whose loss was no finite number
 * (from 0; -1: none). */
clayer_status cly_train_session_read(cly_train_session *session, double *values, int64_t *bad_step_out);

/* ---- what a step reads (output.c) ---- */

/* Output `index` of the pass that ran, its target and weights, and what its mask makes of these. */
typedef struct cly_train_output_data {
    cly_model_training_output pass;
    const cly_train_host_array *y;
    cl_mem y_buffer;
    clayer_shape loss_weight_shape, plain_weight_shape, weighted_shape; /* of rank 0: none */
    cl_mem loss_weight, plain_weight, weighted;                         /* plain: of metrics that take no weights */
    clayer_shape sample_weight_shape;
    cl_mem sample_weight; /* as it was given; NULL: none */
} cly_train_output_data;
clayer_status cly_train_session_get_output(const cly_train_session *session, int mode, int slot, size_t index,
                                           cly_train_output_data *data);

/* Enqueues the weights that masks make, once between the forward pass and what reads them. */
clayer_status cly_train_session_mask(cly_train_session *session, int mode, int slot);

/* The loss of output `index` for predictions and targets of these shapes; its weights are left out. */
cly_train_loss_shape cly_train_session_loss_shape(const cly_train_session *session, size_t index,
                                                  const clayer_shape *y_pred, const clayer_shape *y_true);

/* Makes the workspace of losses at least so large. */
clayer_status cly_train_session_hold_workspace(cly_train_session *session, uint64_t bytes);

/* ---- names (names.c) ---- */

/* Fills in the columns' names in Keras' order; metrics have been made. Keras 2 refuses two metrics of one name. */
clayer_status cly_train_make_names(const clayer_model *model, cly_train_column *columns, size_t count);

#endif
