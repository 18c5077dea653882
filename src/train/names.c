/* train/names.c: what Keras calls its logs, and in which order it gives them: CompileMetrics.result and pythonify_logs
 * of Keras 3 (keras/src/trainers/compile_utils.py), MetricsContainer of Keras 2 (tf_keras/src/engine/compile_utils.py).
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "train/session.h"

static bool is_taken(const cly_train_column *columns, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++) {
        if (columns[i].name != NULL && strcmp(columns[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* "output_weighted_accuracy_1": what is not there is NULL or 0. */
static clayer_status join(const char *output, bool weighted, const char *name, int number, char **name_out) {
    cly_base_text text = {0};
    clayer_status status = CLAYER_OK;
    if (output != NULL) {
        CLY_TRY(cly_base_text_add(&text, "%s_", output));
    }
    CLY_TRY(cly_base_text_add(&text, "%s%s", weighted ? "weighted_" : "", name));
    if (number > 0) {
        CLY_TRY(cly_base_text_add(&text, "_%d", number));
    }
    *name_out = text.chars;
    text.chars = NULL;
done:
    cly_base_text_free(&text);
    return status;
}

/* A metric's name: a weighted one is called so only if it must be; Keras 3 numbers what is still the same. */
static clayer_status name_metric(const clayer_model *model, cly_train_column *columns, size_t count,
                                 cly_train_column *column) {
    const bool several = clayer_model_get_output_count(model) > 1;
    const char *output = several ? cly_model_loss_name(model, (size_t)column->metric_output) : NULL;
    const char *own = cly_train_metric_name(column->metric);
    char *name = NULL;
    bool weighted = false;
    clayer_status status = CLAYER_OK;
    CLY_TRY(join(output, false, own, 0, &name));
    if (column->weighted && is_taken(columns, count, name)) {
        weighted = true;
        free(name);
        name = NULL;
        CLY_TRY(join(output, true, own, 0, &name));
    }
    if (model->generation == 2 && is_taken(columns, count, name)) {
        CLY_TRY(cly_base_fail(CLAYER_INVALID_ARGUMENT,
                              "two metrics are called '%s'; Keras 2 wants a name of its own for each", name));
    }
    for (int number = 1; is_taken(columns, count, name); number++) {
        free(name);
        name = NULL;
        CLY_TRY(join(output, weighted, own, number, &name));
    }
    column->name = name;
    name = NULL;
done:
    free(name);
    return status;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const cly_train_column *)a)->name, ((const cly_train_column *)b)->name);
}

clayer_status cly_train_make_names(const clayer_model *model, cly_train_column *columns, size_t count) {
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < count; i++) {
        if (columns[i].metric == NULL && columns[i].output < 0) {
            CLY_TRY(cly_base_copy_string("loss", &columns[i].name));
        } else if (columns[i].metric == NULL) {
            CLY_TRY(join(cly_model_loss_name(model, (size_t)columns[i].output), false, "loss", 0,
                         &columns[i].name));
        }
    }
    for (int weighted = 0; weighted < 2; weighted++) {
        for (size_t i = 0; i < count; i++) {
            if (columns[i].metric != NULL && columns[i].weighted == (weighted == 1)) {
                CLY_TRY(name_metric(model, columns, count, &columns[i]));
            }
        }
    }
    if (model->generation == 3) {
        qsort(columns, count, sizeof(*columns), by_name);
    }
done:
    return status;
}
