/* train/callbacks.h: what fit's built-in callbacks decide at the end of an epoch. */
#ifndef CLY_TRAIN_CALLBACKS_H
#define CLY_TRAIN_CALLBACKS_H

#include "train/session.h"

typedef enum cly_train_watcher {
    CLY_WATCHES_EARLY_STOPPING = 0,
    CLY_WATCHES_REDUCE_LR,
    CLY_WATCHES_CHECKPOINT
} cly_train_watcher;

/* Whether a monitored value improved, as Keras' generation computes it. */
typedef struct cly_train_monitor {
    const char *name; /* of the log; NULL: the callback is not used */
    int generation;
    bool up;
    bool bare; /* Keras 2 compares with b +- min_delta, Keras 3 and EarlyStopping shift the value */
    double min_delta;
    bool has_best; /* Keras 3 has none at first, Keras 2 an infinity */
    double best;
} cly_train_monitor;

/* mode NULL or "auto": by the name, as Keras decides it; Keras 3 refuses names whose direction it does not know. */
clayer_status cly_train_monitor_start(const cly_train_session *session, cly_train_watcher watcher, const char *name,
                                      const char *mode, double min_delta, cly_train_monitor *monitor_out);
bool cly_train_monitor_improves(const cly_train_monitor *monitor, double value, double reference);
/* Against the best so far, which is replaced if it improved. */
bool cly_train_monitor_update(cly_train_monitor *monitor, double value);

typedef struct cly_train_callbacks {
    clayer_model *model;
    const clayer_fit_config *config;
    cly_train_monitor stopping, plateau, saving;
    int64_t stopping_wait;
    int64_t plateau_wait, plateau_cooldown;
    float **best_weights; /* values of all weights of the best epoch, in host memory; NULL: none yet */
    size_t best_count;
} cly_train_callbacks;

clayer_status cly_train_callbacks_start(const cly_train_session *session, const clayer_fit_config *config,
                                        cly_train_callbacks *callbacks_out);
void cly_train_callbacks_free(cly_train_callbacks *callbacks);

/* ReduceLROnPlateau, EarlyStopping and ModelCheckpoint, in this order. *stop_out becomes true if training is to end.
 * The logs include the learning rate before the change where there is a plateau to look for. */
clayer_status cly_train_callbacks_epoch(cly_train_callbacks *callbacks, int64_t epoch, const clayer_log *logs,
                                        size_t count, bool *stop_out);

/* At the end of training: the weights of the best epoch, where they are asked for. */
clayer_status cly_train_callbacks_restore(cly_train_callbacks *callbacks);

#endif
