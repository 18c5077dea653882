/* clayer/train.h: training as Keras does it: compile, fit, evaluate, save.
 *
 *     clayer_model_compile(model, &(clayer_compile_config){.struct_size = sizeof(clayer_compile_config),
 *                                                          .optimizer = "adam(learning_rate=0.01)",
 *                                                          .loss = "sparse_categorical_crossentropy",
 *                                                          .metrics = (const char *const[]){"accuracy", NULL}});
 *     clayer_model_fit(model, &data, &(clayer_fit_config){.struct_size = sizeof(clayer_fit_config), .epochs = 5},
 *                      &history);
 *     clayer_model_save(model, "net.keras");
 *
 * Losses, optimizers, schedules and metrics are named as in Keras, in either spelling, with Keras' arguments and
 * defaults in brackets: "SGD(learning_rate=0.1, momentum=0.9, nesterov=True)", "Huber(delta=0.5)",
 * "top_k_categorical_accuracy(k=3)". The same data, weights and order of batches give Keras' weights within float32
 * rounding, and on one device the same bits in every run.
 *
 * Ownership: the caller destroys histories. Configs are copied. Threads: one at a time per model. */
#ifndef CLAYER_TRAIN_H
#define CLAYER_TRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <clayer/array.h>
#include <clayer/export.h>
#include <clayer/model.h>
#include <clayer/status.h>

CLAYER_BEGIN_DECLS

/* ---- compile ---- */

typedef struct clayer_compile_config {
    size_t struct_size;
    const char *optimizer; /* NULL: "rmsprop", as in Keras */
    /* "exponential_decay(initial_learning_rate=0.1, decay_steps=100, decay_rate=0.9)", "cosine_decay(...)", ...; it
     * takes the place of the optimizer's learning_rate. NULL: none. */
    const char *learning_rate_schedule;
    const char *loss; /* one for all outputs; NULL: see losses */
    /* One a model output, an entry NULL for an output without a loss; NULL: `loss`. */
    const char *const *losses;
    const double *loss_weights; /* one a model output; NULL: 1 each */
    /* Names for every output, ended by NULL; or, for each output its own list, output_metrics. NULL: none. */
    const char *const *metrics;
    const char *const *weighted_metrics;
    const char *const *const *output_metrics;
    const char *const *const *output_weighted_metrics;
} clayer_compile_config;

/* Gives the model an optimizer with fresh state, losses and metrics. A model loaded from a file that Keras or
 * clayer_model_save wrote is compiled already, with the optimizer's state. Unknown names and arguments:
 * CLAYER_INVALID_ARGUMENT, with those there are. */
CLAYER_API clayer_status clayer_model_compile(clayer_model *model, const clayer_compile_config *config);
CLAYER_API bool clayer_model_is_compiled(const clayer_model *model);

/* What the model was compiled with, to change a part of it and compile anew (with fresh state). The texts are borrowed
 * until then or until the next call. Errors: not compiled: CLAYER_INVALID_ARGUMENT; read from a file with a
 * configuration that cannot be used here: CLAYER_UNSUPPORTED, with the reason. */
CLAYER_API clayer_status clayer_model_get_compile_config(clayer_model *model, clayer_compile_config *config_out);

/* The learning rate of the next step, and the steps so far. Setting it under a schedule is an error. */
CLAYER_API clayer_status clayer_model_get_learning_rate(clayer_model *model, double *rate_out);
CLAYER_API clayer_status clayer_model_set_learning_rate(clayer_model *model, double rate);
CLAYER_API clayer_status clayer_model_get_iterations(clayer_model *model, int64_t *iterations_out);

/* ---- data ---- */

/* One batch from the application: `inputs` one a model input, `targets` one a model output (NULL for one without a loss
 * and metrics), `weights` likewise, or NULL. Any numeric type, in host memory, borrowed until the next call. */
typedef struct clayer_batch {
    const clayer_array *const *inputs;
    const clayer_array *const *targets;
    const clayer_array *const *weights;
} clayer_batch;

/* Fills in batch `index` of epoch `epoch`; CLAYER_OK, or an error that ends training. Called from the thread that
 * trains, one batch ahead of the device. */
typedef clayer_status clayer_batch_callback(int64_t epoch, int64_t index, clayer_batch *batch_out, void *data);

/* Arrays (any numeric type, converted to float32 a batch at a time) with the same number of samples in front: one a
 * model input, one a model output. */
typedef struct clayer_dataset {
    size_t struct_size;
    const clayer_array *const *x; /* model inputs */
    const clayer_array *const *y; /* model outputs; for evaluation and training */
    const clayer_array *const *sample_weight; /* a model output each, or NULL */
    /* Instead of the arrays: batches from a callback, `steps` an epoch. */
    clayer_batch_callback *batches;
    void *batches_data;
    int64_t steps;
} clayer_dataset;

/* ---- fit ---- */

/* Metrics by name, as Keras' logs. */
typedef struct clayer_log {
    const char *name; /* "loss", "accuracy", "val_loss", "dense_1_accuracy" */
    double value;
} clayer_log;

typedef enum clayer_fit_event {
    CLAYER_EPOCH_BEGIN = 0,
    CLAYER_BATCH_END, /* logs are the means of the epoch so far */
    CLAYER_EPOCH_END  /* with the validation's */
} clayer_fit_event;

typedef struct clayer_fit_state {
    clayer_fit_event event;
    clayer_model *model;
    int64_t epoch, epochs; /* from 0 */
    int64_t batch, batches;
    int64_t samples_done;
    double seconds; /* of the epoch so far */
    const clayer_log *logs;
    size_t log_count; /* 0 at the begin of an epoch */
} clayer_fit_state;

/* Called at each event; may change the learning rate. Returns false to stop training after this step, which is no
 * error: the history holds what was done. */
typedef bool clayer_fit_callback(const clayer_fit_state *state, void *data);

typedef struct clayer_early_stopping {
    const char *monitor; /* NULL: no early stopping; "val_loss" */
    double min_delta;
    int64_t patience;
    int64_t start_from_epoch;
    const char *mode; /* NULL: "auto"; "min", "max" */
    bool has_baseline;
    double baseline;
    bool restore_best_weights;
} clayer_early_stopping;

typedef struct clayer_reduce_lr {
    const char *monitor; /* NULL: none */
    double factor;       /* 0: 0.1 */
    int64_t patience;    /* 0: 10; -1: none */
    const char *mode;
    double min_delta; /* 0: 1e-4; negative: 0 */
    int64_t cooldown;
    double min_lr;
} clayer_reduce_lr;

typedef struct clayer_checkpoint {
    const char *path; /* NULL: none; written atomically at the end of epochs; {epoch:02d} and {val_loss:.4f} are filled
                         in as by Keras' ModelCheckpoint */
    const char *monitor; /* NULL: "val_loss" */
    bool save_best_only;
    const char *mode;
    /* Writes the file: clayer_model_save, or the application's own. Required where there is a path. */
    clayer_status (*save)(clayer_model *model, const char *path);
} clayer_checkpoint;

typedef struct clayer_fit_config {
    size_t struct_size;
    int64_t batch_size;    /* 0: 32 */
    int64_t epochs;        /* 0: 1 */
    int64_t initial_epoch; /* epochs before, for resumed training */
    int64_t steps_per_epoch; /* 0: all batches */
    bool no_shuffle;
    uint64_t seed;           /* of the order of samples; a seed gives the same order on every machine */
    double validation_split; /* the last part of the samples, before shuffling, as in Keras */
    const clayer_dataset *validation; /* NULL: none, or the split */
    int64_t validation_batch_size;    /* 0: batch_size */
    int64_t validation_freq;          /* 0: 1 */
    const double *class_weight;       /* by class, class_weight_count of them; NULL: none */
    size_t class_weight_count;
    const char *csv_path; /* history as Keras' CSVLogger writes it, a line an epoch as they end; NULL: none */
    bool csv_append;
    clayer_early_stopping early_stopping;
    clayer_reduce_lr reduce_lr;
    clayer_checkpoint checkpoint;
    clayer_fit_callback *callback;
    void *callback_data;
    bool batch_logs;             /* the callback reads logs at each batch: the device is waited for each time; else
                                    they are refreshed about ten times a second */
    uint64_t memory_limit_bytes; /* refused before the first step if training needs more; 0: the device's memory */
    bool check_numerics;         /* stop at the first NaN or infinity, naming layer, pass and step; slow */
} clayer_fit_config;

typedef struct clayer_history clayer_history;

/* Trains. history_out may be NULL; it is written, with the epochs that ended, even if a callback stopped training.
 * Errors: not compiled; shapes that do not fit; labels out of range; CLAYER_NOT_FINITE when the loss is NaN or infinite
 * (with epoch and step; the weights are then those after that step or a later one); CLAYER_OUT_OF_MEMORY before the
 * first step. */
CLAYER_API clayer_status clayer_model_fit(clayer_model *model, const clayer_dataset *data,
                                          const clayer_fit_config *config, clayer_history **history_out);

/* One step on one batch, Keras' train_on_batch. Loss and metrics of this batch as clayer_model_evaluate gives them;
 * logs and count_out NULL: none, and nothing waits for the device. */
CLAYER_API clayer_status clayer_model_train_on_batch(clayer_model *model, const clayer_batch *batch, clayer_log *logs,
                                                     size_t capacity, size_t *count_out);

/* What an epoch left: a column a metric, a row an epoch. */
CLAYER_API void clayer_history_destroy(clayer_history *history);
CLAYER_API int64_t clayer_history_get_epochs(const clayer_history *history); /* rows */
CLAYER_API int64_t clayer_history_get_epoch(const clayer_history *history, int64_t row); /* its number, from 0 */
CLAYER_API size_t clayer_history_get_count(const clayer_history *history);   /* columns */
CLAYER_API const char *clayer_history_get_name(const clayer_history *history, size_t column); /* NULL out of range */
CLAYER_API double clayer_history_get_value(const clayer_history *history, size_t column, int64_t row); /* or NaN */

/* ---- evaluate ---- */

typedef struct clayer_evaluate_config {
    size_t struct_size;
    int64_t batch_size; /* 0: 32 */
    clayer_progress_callback *progress;
    void *progress_data;
} clayer_evaluate_config;

/* Loss and metrics as Keras' evaluate(return_dict=True), in Keras' order: up to `capacity` logs, their number to
 * *count_out. Names are borrowed from the model until it is compiled anew. */
CLAYER_API clayer_status clayer_model_evaluate(clayer_model *model, const clayer_dataset *data,
                                               const clayer_evaluate_config *config, clayer_log *logs,
                                               size_t capacity, size_t *count_out);

CLAYER_END_DECLS

#endif
