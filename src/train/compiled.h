/* train/compiled.h: what clayer_model_compile leaves in a model: optimizer, losses, metrics. src/io reads and writes it
 * as Keras' compile_config and training_config. */
#ifndef CLY_TRAIN_COMPILED_H
#define CLY_TRAIN_COMPILED_H

#include <clayer/train.h>

#include "model/model.h"
#include "train/optimizer.h"

typedef struct cly_train_output {
    cly_spec loss; /* entry NULL: this output has none */
    double weight; /* of the loss */
    char **metrics, **weighted_metrics;
    size_t metric_count, weighted_metric_count;
} cly_train_output;

typedef struct cly_train_compiled {
    cly_train_optimizer *optimizer;
    cly_train_output *outputs; /* one a model output */
    size_t output_count;
    bool one_loss;     /* all outputs share one loss that was given once; how files write it */
    bool loss_weights; /* weights were given */
    char *problem;     /* why the file's configuration cannot train here, or NULL; then the rest may be empty */
    struct cly_train_session *session; /* plans and buffers between batches (train/session.h), or NULL */
    struct cly_train_texts *texts;     /* of clayer_model_get_compile_config (train/describe.c), or NULL */
} cly_train_compiled;

/* Makes the compiled state of a model read from a file, which knows why it cannot be trained: `problem` becomes the
 * error of clayer_model_fit and _evaluate until the model is compiled anew. */
clayer_status cly_train_set_problem(clayer_model *model, const char *problem);

void cly_train_free_texts(struct cly_train_texts *texts);

/* The state, or an error that says that the model is not compiled, or why it cannot be. */
clayer_status cly_train_get_compiled(clayer_model *model, cly_train_compiled **compiled_out);

/* Whether the loss of output `index` reads the logits behind it. */
bool cly_train_reads_logits(const clayer_model *model, const cly_train_compiled *compiled, size_t index);

#endif
