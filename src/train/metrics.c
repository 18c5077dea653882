/* train/metrics.c: Keras' metrics by name, and which of them a text means. Source: keras/src/metrics/__init__.py and
 * keras/src/trainers/compile_utils.py; tf_keras/src/metrics/__init__.py and engine/compile_utils.py. */
#include "train/metrics.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "train/arguments.h"
#include "train/shapes.h"

static const char *const curves[] = {"ROC", "PR", "PRGAIN", NULL};
static const char *const summations[] = {"interpolation", "minoring", "majoring", NULL};

#define K \
    { .name = "k", .fallback = 5.0, .low = 1.0, .high = 1e9 }
#define THRESHOLDS \
    { .name = "thresholds", .kind = CLY_SPEC_LIST }
#define TOP_K \
    { .name = "top_k", .fallback = NAN, .kind = CLY_SPEC_OPTIONAL, .low = 1.0, .high = 1e9 }
#define CLASS_ID \
    { .name = "class_id", .fallback = NAN, .kind = CLY_SPEC_OPTIONAL, .low = 0.0, .high = 1e9 }

static const cly_spec_entry entries[] = {
    {CLY_TRAIN_ACCURACY, "accuracy", "Accuracy", "acc", {{0}}},
    {CLY_TRAIN_CROSSENTROPY, "crossentropy", NULL, "ce", {{0}}},
    {CLY_TRAIN_BINARY_ACCURACY, "binary_accuracy", "BinaryAccuracy", NULL, {{.name = "threshold", .fallback = 0.5}}},
    {CLY_TRAIN_CATEGORICAL_ACCURACY, "categorical_accuracy", "CategoricalAccuracy", NULL, {{0}}},
    {CLY_TRAIN_SPARSE_CATEGORICAL_ACCURACY, "sparse_categorical_accuracy", "SparseCategoricalAccuracy", NULL, {{0}}},
    {CLY_TRAIN_TOP_K, "top_k_categorical_accuracy", "TopKCategoricalAccuracy", NULL, {K}},
    {CLY_TRAIN_SPARSE_TOP_K, "sparse_top_k_categorical_accuracy", "SparseTopKCategoricalAccuracy", NULL, {K}},
    {CLY_TRAIN_AUC,
     "auc",
     "AUC",
     NULL,
     {{.name = "num_thresholds", .fallback = 200.0, .low = 2.0, .high = 1e6},
      {.name = "curve", .kind = CLY_SPEC_CHOICE, .choices = curves},
      {.name = "summation_method", .kind = CLY_SPEC_CHOICE, .choices = summations},
      THRESHOLDS,
      {.name = "multi_label", .kind = CLY_SPEC_BOOL},
      {.name = "num_labels", .fallback = NAN, .kind = CLY_SPEC_OPTIONAL, .low = 1.0, .high = 1e9},
      {.name = "label_weights", .kind = CLY_SPEC_LIST},
      CLY_TRAIN_FROM_LOGITS}},
    {CLY_TRAIN_PRECISION, "precision", "Precision", NULL, {THRESHOLDS, TOP_K, CLASS_ID}},
    {CLY_TRAIN_RECALL, "recall", "Recall", NULL, {THRESHOLDS, TOP_K, CLASS_ID}},
    {CLY_TRAIN_ROOT_MEAN_SQUARED_ERROR, "root_mean_squared_error", "RootMeanSquaredError", NULL, {{0}}},
    {CLY_MEAN_SQUARED_ERROR, "mean_squared_error", "MeanSquaredError", NULL, {{0}}},
    {CLY_MEAN_SQUARED_ERROR, "mse", NULL, "MSE", {{0}}},
    {CLY_MEAN_ABSOLUTE_ERROR, "mean_absolute_error", "MeanAbsoluteError", NULL, {{0}}},
    {CLY_MEAN_ABSOLUTE_ERROR, "mae", NULL, "MAE", {{0}}},
    {CLY_MEAN_ABSOLUTE_PERCENTAGE_ERROR, "mean_absolute_percentage_error", "MeanAbsolutePercentageError", NULL, {{0}}},
    {CLY_MEAN_ABSOLUTE_PERCENTAGE_ERROR, "mape", NULL, "MAPE", {{0}}},
    {CLY_MEAN_SQUARED_LOGARITHMIC_ERROR, "mean_squared_logarithmic_error", "MeanSquaredLogarithmicError", NULL, {{0}}},
    {CLY_MEAN_SQUARED_LOGARITHMIC_ERROR, "msle", NULL, "MSLE", {{0}}},
    {CLY_SQUARED_HINGE, "squared_hinge", "SquaredHinge", NULL, {{0}}},
    {CLY_HINGE, "hinge", "Hinge", NULL, {{0}}},
    {CLY_CATEGORICAL_HINGE, "categorical_hinge", "CategoricalHinge", NULL, {{0}}},
    {CLY_LOG_COSH, "logcosh", "LogCoshError", "log_cosh_error", {{0}}},
    {CLY_LOG_COSH, "log_cosh", NULL, NULL, {{0}}},
    {CLY_HUBER, "huber", "Huber", "huber_loss", {{.name = "delta", .fallback = 1.0}}},
    {CLY_KL_DIVERGENCE, "kl_divergence", "KLDivergence", "kullback_leibler_divergence", {{0}}},
    {CLY_KL_DIVERGENCE, "kld", NULL, "KLD", {{0}}},
    {CLY_POISSON, "poisson", "Poisson", NULL, {{0}}},
    {CLY_COSINE_SIMILARITY, "cosine_similarity", "CosineSimilarity", "cosine_proximity", {CLY_TRAIN_AXIS}},
    {CLY_BINARY_CROSSENTROPY,
     "binary_crossentropy",
     "BinaryCrossentropy",
     NULL,
     {CLY_TRAIN_FROM_LOGITS, CLY_TRAIN_LABEL_SMOOTHING}},
    {CLY_BINARY_CROSSENTROPY, "bce", NULL, "BCE", {CLY_TRAIN_FROM_LOGITS, CLY_TRAIN_LABEL_SMOOTHING}},
    {CLY_CATEGORICAL_CROSSENTROPY,
     "categorical_crossentropy",
     "CategoricalCrossentropy",
     NULL,
     {CLY_TRAIN_FROM_LOGITS, CLY_TRAIN_LABEL_SMOOTHING, CLY_TRAIN_AXIS}},
    {CLY_SPARSE_CATEGORICAL_CROSSENTROPY,
     "sparse_categorical_crossentropy",
     "SparseCategoricalCrossentropy",
     NULL,
     {CLY_TRAIN_FROM_LOGITS, CLY_TRAIN_IGNORE_CLASS, CLY_TRAIN_AXIS}},
};

const cly_spec_list cly_train_metrics = {
    .what = "metric", .entries = entries, .count = CLY_COUNT(entries), .named = true};

/* ---- which metric a text means ---- */

static const char *choose(bool accuracy, const clayer_shape *y_pred, const clayer_shape *y_true) {
    switch (cly_train_classes_of(y_pred, y_true)) {
        case CLY_TRAIN_BINARY:
            return accuracy ? "binary_accuracy" : "binary_crossentropy";
        case CLY_TRAIN_SPARSE:
            return accuracy ? "sparse_categorical_accuracy" : "sparse_categorical_crossentropy";
        case CLY_TRAIN_CATEGORICAL:
            break;
    }
    return accuracy ? "categorical_accuracy" : "categorical_crossentropy";
}

/* The text without blanks around it, if that is a name alone, as Keras gets it as a string. */
static bool is_name_alone(const char *text, char name[CLY_SPEC_NAME]) {
    text += strspn(text, " \t\r\n");
    size_t length = strlen(text);
    while (length > 0 && strchr(" \t\r\n", text[length - 1]) != NULL) {
        length--;
    }
    if (length == 0 || length >= CLY_SPEC_NAME || memchr(text, '(', length) != NULL) {
        return false;
    }
    memset(name, 0, CLY_SPEC_NAME);
    memcpy(name, text, length);
    return true;
}

/* The name that a metric, or a loss that is used as one, of that class gives itself. */
static const char *name_of_class(const cly_spec *spec, int generation) {
    if (spec->entry->id == CLY_KL_DIVERGENCE && generation == 2) {
        return "kullback_leibler_divergence";
    }
    if (spec->entry->id == CLY_HUBER) {
        return "huber_loss";
    }
    for (size_t i = 0; i < cly_train_metrics.count; i++) {
        if (entries[i].id == spec->entry->id) {
            return entries[i].name;
        }
    }
    return spec->entry->name;
}

clayer_status cly_train_metric_parse(const char *text, int generation, const clayer_shape *y_pred,
                                     const clayer_shape *y_true, const char *where, cly_spec *spec_out,
                                     char name_out[CLY_SPEC_NAME]) {
    clayer_status status = CLAYER_OK;
    cly_spec spec;
    char alone[CLY_SPEC_NAME] = {0}, name[CLY_SPEC_NAME] = {0}, own[CLY_SPEC_NAME] = {0};
    CLY_TRY(cly_base_spec_parse(&cly_train_metrics, text, &spec));
    if (spec.entry == NULL) {
        status = cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s: a metric has no name", where);
        goto done;
    }
    const bool string = is_name_alone(text, alone), crossentropy = spec.entry->id == CLY_TRAIN_CROSSENTROPY;
    memcpy(own, spec.name, sizeof(own));
    /* Keras 2 makes an instance of a class, which keeps its own name; else a string is the name. */
    const bool class_of_keras2 = generation == 2 && string && spec.entry->class_name != NULL &&
                                 strcmp(alone, spec.entry->class_name) == 0 && spec.entry->id != CLY_TRAIN_ACCURACY;
    const char *chosen = own[0] != '\0' ? own : string && !class_of_keras2 ? alone : name_of_class(&spec, generation);
    memcpy(name, chosen, strlen(chosen) + 1);
    if (crossentropy || (string && spec.entry->id == CLY_TRAIN_ACCURACY)) {
        CLY_TRY(cly_base_spec_find(&cly_train_metrics, choose(!crossentropy, y_pred, y_true), &spec));
    }
    *spec_out = spec;
    memcpy(name_out, name, CLY_SPEC_NAME);
done:
    return status;
}

clayer_status cly_train_metric_loss(const cly_spec *metric, cly_spec *loss_out) {
    clayer_status status = CLAYER_OK;
    cly_spec loss = {0};
    for (size_t i = 0; i < cly_train_losses.count && loss.entry == NULL; i++) {
        if (cly_train_losses.entries[i].id == metric->entry->id) {
            CLY_TRY(cly_base_spec_find(&cly_train_losses, cly_train_losses.entries[i].name, &loss));
        }
    }
    for (int p = 0; p < CLY_SPEC_PARAMETERS && metric->entry->parameters[p].name != NULL; p++) {
        if (!isnan(metric->values[p])) {
            CLY_TRY(cly_base_spec_set_number(&cly_train_losses, &loss, metric->entry->parameters[p].name,
                                             metric->values[p]));
        }
    }
    *loss_out = loss;
done:
    return status;
}
