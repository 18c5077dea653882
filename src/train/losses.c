/* train/losses.c: Keras' losses by name: arguments, what they want of shapes, and how their values are reduced.
 * Source: keras/src/losses/losses.py and loss.py; tf_keras/src/losses.py, utils/losses_utils.py and backend.py. */
#include "train/losses.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "layers/layer.h"
#include "train/arguments.h"
#include "train/shapes.h"

/* ---- names and arguments ---- */

enum { SUM_OVER_BATCH_SIZE, SUM, NONE, MEAN_WITH_SAMPLE_WEIGHT, AUTO, MEAN };

static const char *const reductions[] = {
    "sum_over_batch_size", "sum", "none", "mean_with_sample_weight", "auto", "mean", NULL};

#define REDUCTION \
    { .name = "reduction", .kind = CLY_SPEC_CHOICE, .choices = reductions }

/* The first entry of an id has Keras' full names; the others are what Keras' get() also takes. */
static const cly_spec_entry entries[] = {
    {CLY_MEAN_SQUARED_ERROR, "mean_squared_error", "MeanSquaredError", NULL, {REDUCTION}},
    {CLY_MEAN_SQUARED_ERROR, "mse", NULL, "MSE", {REDUCTION}},
    {CLY_MEAN_ABSOLUTE_ERROR, "mean_absolute_error", "MeanAbsoluteError", NULL, {REDUCTION}},
    {CLY_MEAN_ABSOLUTE_ERROR, "mae", NULL, "MAE", {REDUCTION}},
    {CLY_MEAN_ABSOLUTE_PERCENTAGE_ERROR,
     "mean_absolute_percentage_error",
     "MeanAbsolutePercentageError",
     NULL,
     {REDUCTION}},
    {CLY_MEAN_ABSOLUTE_PERCENTAGE_ERROR, "mape", NULL, "MAPE", {REDUCTION}},
    {CLY_MEAN_SQUARED_LOGARITHMIC_ERROR,
     "mean_squared_logarithmic_error",
     "MeanSquaredLogarithmicError",
     NULL,
     {REDUCTION}},
    {CLY_MEAN_SQUARED_LOGARITHMIC_ERROR, "msle", NULL, "MSLE", {REDUCTION}},
    {CLY_SQUARED_HINGE, "squared_hinge", "SquaredHinge", NULL, {REDUCTION}},
    {CLY_HINGE, "hinge", "Hinge", NULL, {REDUCTION}},
    {CLY_CATEGORICAL_HINGE, "categorical_hinge", "CategoricalHinge", NULL, {REDUCTION}},
    {CLY_LOG_COSH, "log_cosh", "LogCosh", "logcosh", {REDUCTION}},
    {CLY_HUBER, "huber", "Huber", "huber_loss", {{.name = "delta", .fallback = 1.0}, REDUCTION}},
    {CLY_CATEGORICAL_CROSSENTROPY,
     "categorical_crossentropy",
     "CategoricalCrossentropy",
     NULL,
     {CLY_TRAIN_FROM_LOGITS, CLY_TRAIN_LABEL_SMOOTHING, CLY_TRAIN_AXIS, REDUCTION}},
    {CLY_SPARSE_CATEGORICAL_CROSSENTROPY,
     "sparse_categorical_crossentropy",
     "SparseCategoricalCrossentropy",
     NULL,
     {CLY_TRAIN_FROM_LOGITS, CLY_TRAIN_IGNORE_CLASS, REDUCTION, CLY_TRAIN_AXIS}},
    {CLY_BINARY_CROSSENTROPY,
     "binary_crossentropy",
     "BinaryCrossentropy",
     NULL,
     {CLY_TRAIN_FROM_LOGITS, CLY_TRAIN_LABEL_SMOOTHING, CLY_TRAIN_AXIS, REDUCTION}},
    {CLY_BINARY_CROSSENTROPY,
     "bce",
     NULL,
     "BCE",
     {CLY_TRAIN_FROM_LOGITS, CLY_TRAIN_LABEL_SMOOTHING, CLY_TRAIN_AXIS, REDUCTION}},
    {CLY_KL_DIVERGENCE, "kl_divergence", "KLDivergence", "kullback_leibler_divergence", {REDUCTION}},
    {CLY_KL_DIVERGENCE, "kld", NULL, "KLD", {REDUCTION}},
    {CLY_POISSON, "poisson", "Poisson", NULL, {REDUCTION}},
    {CLY_COSINE_SIMILARITY, "cosine_similarity", "CosineSimilarity", NULL, {CLY_TRAIN_AXIS, REDUCTION}},
    {CLY_CROSSENTROPY, "crossentropy", NULL, "ce", {REDUCTION}},
};

const cly_spec_list cly_train_losses = {.what = "loss", .entries = entries, .count = CLY_COUNT(entries), .named = true};

cly_model_logits cly_train_loss_undoes(const cly_spec *loss) {
    if (loss->entry != NULL) {
        switch (loss->entry->id) {
            case CLY_CATEGORICAL_CROSSENTROPY:
            case CLY_SPARSE_CATEGORICAL_CROSSENTROPY:
                return CLY_LOGITS_SOFTMAX;
            case CLY_CROSSENTROPY: /* of either kind */
                return CLY_LOGITS_SOFTMAX;
            case CLY_BINARY_CROSSENTROPY:
                return CLY_LOGITS_SIGMOID;
            default:
                break;
        }
    }
    return CLY_LOGITS_NONE;
}

/* ---- formulas ---- */

static void smooth(cly_ops_loss *loss, double smoothing, double parts) {
    loss->arguments[1] = (float)smoothing;
    loss->arguments[2] = (float)(smoothing / parts);
}

/* The formula with its arguments, for predictions of this shape and axis. A mean over the axis is in loss->scale. */
static void choose_formula(const cly_train_loss_shape *shape, const clayer_shape *y_pred, int axis,
                           cly_ops_loss *loss) {
    const cly_spec *spec = shape->loss;
    const bool logits = shape->logits || cly_base_spec_get(spec, "from_logits") != 0.0;
    const double smoothing = cly_base_spec_get(spec, "label_smoothing");
    const double ignored = cly_base_spec_get(spec, "ignore_class");
    const bool keras2 = shape->generation == 2;
    loss->scale = 1.0f / (float)loss->axis;
    switch ((cly_train_loss_id)spec->entry->id) {
        case CLY_MEAN_SQUARED_ERROR:
            loss->id = CLY_LOSS_SQUARED_ERROR;
            break;
        case CLY_MEAN_ABSOLUTE_ERROR:
            loss->id = CLY_LOSS_ABSOLUTE_ERROR;
            break;
        case CLY_MEAN_ABSOLUTE_PERCENTAGE_ERROR:
            loss->id = CLY_LOSS_PERCENTAGE_ERROR;
            break;
        case CLY_MEAN_SQUARED_LOGARITHMIC_ERROR:
            loss->id = CLY_LOSS_LOGARITHMIC_ERROR;
            break;
        case CLY_SQUARED_HINGE:
            loss->id = CLY_LOSS_SQUARED_HINGE;
            break;
        case CLY_HINGE:
            loss->id = CLY_LOSS_HINGE;
            break;
        case CLY_LOG_COSH:
            loss->id = CLY_LOSS_LOG_COSH;
            break;
        case CLY_HUBER:
            loss->id = CLY_LOSS_HUBER;
            loss->arguments[0] = (float)cly_base_spec_get(spec, "delta");
            break;
        case CLY_POISSON:
            loss->id = CLY_LOSS_POISSON;
            break;
        case CLY_BINARY_CROSSENTROPY:
            loss->id = logits ? CLY_LOSS_BINARY_LOGITS : CLY_LOSS_BINARY;
            loss->arguments[0] = keras2 ? 1e-7f : 0.0f;
            smooth(loss, smoothing, 2.0);
            break;
        case CLY_KL_DIVERGENCE:
            loss->id = CLY_LOSS_DIVERGENCE;
            loss->scale = 1.0f;
            break;
        case CLY_CATEGORICAL_HINGE:
            loss->id = CLY_LOSS_CATEGORICAL_HINGE;
            loss->scale = 1.0f;
            break;
        case CLY_COSINE_SIMILARITY:
            loss->id = CLY_LOSS_COSINE;
            loss->scale = 1.0f;
            loss->arguments[0] = -1.0f;
            loss->arguments[1] = keras2 ? 1e-12f : 0.0f;
            loss->arguments[2] = keras2 ? INFINITY : 1e7f;
            break;
        case CLY_CATEGORICAL_CROSSENTROPY:
            /* Keras 3 divides by the size of the last axis whatever the axis of the classes. */
            loss->id = logits ? CLY_LOSS_CATEGORICAL_LOGITS : CLY_LOSS_CATEGORICAL;
            loss->scale = 1.0f;
            smooth(loss, smoothing, (double)y_pred->dims[keras2 ? axis : y_pred->rank - 1]);
            break;
        case CLY_SPARSE_CATEGORICAL_CROSSENTROPY:
            loss->id = logits ? CLY_LOSS_SPARSE_LOGITS : CLY_LOSS_SPARSE;
            loss->scale = 1.0f;
            loss->has_ignored = !isnan(ignored);
            loss->arguments[0] = loss->has_ignored ? (float)ignored : 0.0f;
            break;
        case CLY_CROSSENTROPY: /* resolved before */
            break;
    }
}

/* ---- shapes ---- */

cly_train_classes cly_train_classes_of(const clayer_shape *y_pred, const clayer_shape *y_true) {
    const int64_t last_pred = y_pred->rank > 0 ? y_pred->dims[y_pred->rank - 1] : 1;
    const int64_t last_true = y_true->rank > 0 ? y_true->dims[y_true->rank - 1] : 1;
    return last_pred == 1                                  ? CLY_TRAIN_BINARY
           : y_true->rank < y_pred->rank || last_true == 1 ? CLY_TRAIN_SPARSE
                                                           : CLY_TRAIN_CATEGORICAL;
}

/* "crossentropy" becomes the one of the three that fits, with the same reduction. */
static clayer_status resolve(const cly_train_loss_shape *shape, const char *where, cly_spec *loss_out) {
    static const char *const names[] = {"binary_crossentropy", "sparse_categorical_crossentropy",
                                        "categorical_crossentropy"};
    clayer_status status = CLAYER_OK;
    if (shape->generation == 2) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s: Keras 2 has no loss '%s'", where, shape->loss->entry->name);
    }
    CLY_TRY(
        cly_base_spec_find(&cly_train_losses, names[cly_train_classes_of(&shape->y_pred, &shape->y_true)], loss_out));
    CLY_TRY(cly_base_spec_set_text(&cly_train_losses, loss_out, "reduction",
                                   reductions[(size_t)cly_base_spec_get(shape->loss, "reduction")]));
done:
    return status;
}

static clayer_status fail_shapes(const cly_train_loss_shape *shape, const char *where, const char *what,
                                 const clayer_shape *other) {
    char pred[128], text[128];
    return cly_base_fail(CLAYER_INVALID_SHAPE, "%s: loss '%s' takes no %s of shape %s for a prediction of shape %s",
                         where, shape->loss->entry->name, what, cly_layers_shape_text(other, text, sizeof(text)),
                         cly_layers_shape_text(&shape->y_pred, pred, sizeof(pred)));
}

/* The axis argument, or the last one, from 0 on. */
static clayer_status find_axis(const cly_train_loss_shape *shape, const char *where, int rank, int *axis_out) {
    const bool sparse = shape->loss->entry->id == CLY_SPARSE_CATEGORICAL_CROSSENTROPY;
    double axis = -1.0;
    for (int p = 0; p < CLY_SPEC_PARAMETERS && shape->loss->entry->parameters[p].name != NULL; p++) {
        if (strcmp(shape->loss->entry->parameters[p].name, "axis") == 0) {
            axis = shape->loss->values[p];
        }
    }
    const double place = axis < 0.0 ? axis + rank : axis;
    if (axis != floor(axis) || place < 0.0 || place >= rank) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s: loss '%s': axis = %g is none of the %d axes", where,
                             shape->loss->entry->name, axis, rank);
    }
    if (sparse && (int)place != rank - 1) {
        return cly_base_fail(CLAYER_UNSUPPORTED, "%s: loss '%s': axis = %g is not the last one", where,
                             shape->loss->entry->name, axis);
    }
    *axis_out = (int)place;
    return CLAYER_OK;
}

/* What the reduction makes of scale and weights. */
static void reduce(const cly_train_loss_shape *shape, cly_ops_loss *loss) {
    const bool weighted = loss->weighting.count > 0;
    switch ((int)cly_base_spec_get(shape->loss, "reduction")) {
        case SUM:
        case NONE:
            break;
        case MEAN_WITH_SAMPLE_WEIGHT:
            if (shape->masked) {
                loss->nothing_by_zero = true;
                loss->divisor = CLY_LOSS_SUM_WEIGHTS;
                break;
            }
            if (weighted || loss->has_ignored) {
                loss->nothing_by_zero = true;
                loss->divisor = !loss->has_ignored ? CLY_LOSS_SUM_WEIGHTS
                                : weighted         ? CLY_LOSS_SUM_VALID_WEIGHTS
                                                   : CLY_LOSS_SUM_VALID;
                break;
            }
            loss->scale /= (float)cly_ops_loss_entries(loss);
            break;
        default:
            if (loss->has_ignored && !shape->masked) {
                loss->nothing_by_zero = shape->generation != 2;
                loss->divisor = CLY_LOSS_SUM_VALID;
                break;
            }
            loss->scale /= (float)cly_ops_loss_entries(loss);
    }
}

static clayer_status check_reduction(const cly_train_loss_shape *shape, const char *where) {
    const int reduction = (int)cly_base_spec_get(shape->loss, "reduction");
    const bool keras3_only = reduction == MEAN || reduction == MEAN_WITH_SAMPLE_WEIGHT;
    if ((shape->generation == 2 && keras3_only) || (shape->generation != 2 && reduction == AUTO)) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s: loss '%s': Keras %d has no reduction '%s'", where,
                             shape->loss->entry->name, shape->generation, reductions[reduction]);
    }
    return CLAYER_OK;
}

clayer_status cly_train_loss_describe(const cly_train_loss_shape *given, const char *where, cly_ops_loss *loss_out,
                                      clayer_shape *entries_out) {
    clayer_status status = CLAYER_OK;
    cly_spec resolved;
    cly_train_loss_shape with_resolved = *given;
    const cly_train_loss_shape *const shape = &with_resolved;
    if (given->loss->entry->id == CLY_CROSSENTROPY) {
        CLY_TRY(resolve(given, where, &resolved));
        with_resolved.loss = &resolved;
    }
    cly_ops_loss loss = {.outer = 1, .inner = 1};
    clayer_shape y_pred = shape->y_pred, y_true = shape->y_true;
    const bool sparse = shape->loss->entry->id == CLY_SPARSE_CATEGORICAL_CROSSENTROPY;
    int axis = 0;
    CLY_TRY(check_reduction(shape, where));
    if (y_pred.rank < 1 ||
        !(sparse ? cly_train_labels_fit(shape->generation, &y_pred, &y_true) : cly_train_same_rank(&y_pred, &y_true))) {
        status = fail_shapes(shape, where, "target", &shape->y_true);
        goto done;
    }
    CLY_TRY(find_axis(shape, where, y_pred.rank, &axis));
    for (int i = 0; i < y_pred.rank; i++) {
        *(i < axis ? &loss.outer : &loss.inner) *= i == axis ? 1 : y_pred.dims[i];
    }
    if (y_pred.dims[axis] > INT32_MAX) {
        status = fail_shapes(shape, where, "axis of more than 2^31 numbers: target", &shape->y_true);
        goto done;
    }
    loss.axis = (int)y_pred.dims[axis];
    const clayer_shape places = cly_train_without(&y_pred, axis);
    if (!cly_train_weigh_loss(shape->generation, &places, &shape->weight, &loss.weighting)) {
        status = fail_shapes(shape, where, "sample weights", &shape->weight);
        goto done;
    }
    choose_formula(shape, &y_pred, axis, &loss);
    *loss_out = loss;
    *entries_out = places;
done:
    return status;
}

/* ---- the contract of loss.h ---- */

clayer_status cly_train_loss_mask(const cly_train_loss_shape *given, const char *where, const clayer_shape *mask,
                                  const clayer_shape *weight, cly_ops_loss_mask *masking_out,
                                  clayer_shape *weights_out) {
    clayer_status status = CLAYER_OK;
    cly_train_loss_shape shape = *given;
    const int reduction = (int)cly_base_spec_get(given->loss, "reduction");
    cly_ops_loss loss;
    cly_ops_loss_mask masking;
    clayer_shape places;
    shape.weight.rank = 0;
    CLY_TRY(cly_train_loss_describe(&shape, where, &loss, &places));
    CLY_TRY(cly_train_mask_weights(shape.generation, where, mask, weight, loss.has_ignored ? &places : NULL, &masking,
                                   weights_out));
    masking.has_ignored = loss.has_ignored;
    masking.ignored = loss.arguments[0];
    masking.is_mean = reduction == SUM_OVER_BATCH_SIZE || reduction == AUTO || reduction == MEAN;
    masking.nothing_by_zero = shape.generation != 2;
    *masking_out = masking;
done:
    return status;
}

clayer_status cly_train_loss_check(const cly_train_loss_shape *shape, const char *where) {
    cly_ops_loss loss;
    clayer_shape places;
    return cly_train_loss_describe(shape, where, &loss, &places);
}

uint64_t cly_train_loss_workspace_bytes(const clayer_context *context, const cly_train_loss_shape *shape) {
    cly_ops_loss loss;
    clayer_shape places;
    if (cly_train_loss_describe(shape, "loss", &loss, &places) != CLAYER_OK) {
        return 0;
    }
    reduce(shape, &loss);
    return (uint64_t)cly_ops_loss_workspace(context, &loss) * sizeof(float);
}

clayer_status cly_train_loss_enqueue(clayer_context *context, const cly_train_loss_shape *shape,
                                     const cly_train_loss_run *run) {
    clayer_status status = CLAYER_OK;
    cly_ops_loss loss;
    clayer_shape places;
    CLY_TRY(cly_train_loss_describe(shape, "training", &loss, &places));
    reduce(shape, &loss);
    loss.scale *= run->scale;
    /* An unreduced loss is followed back as a sum and told as a mean. */
    const bool none = (int)cly_base_spec_get(shape->loss, "reduction") == NONE;
    const float divisor = none ? (float)cly_ops_loss_entries(&loss) : 1.0f;
    CLY_TRY(cly_ops_loss_run(context, &loss, run->y_pred, run->y_true, run->weight, run->value, run->value_offset,
                             divisor, run->gradient, run->bad_labels, run->workspace));
done:
    return status;
}

clayer_status cly_train_loss_values_shape(const cly_train_loss_shape *shape, clayer_shape *values_shape_out) {
    cly_ops_loss loss;
    return cly_train_loss_describe(shape, "metric", &loss, values_shape_out);
}

clayer_status cly_train_loss_values(clayer_context *context, const cly_train_loss_shape *shape, cl_mem y_pred,
                                    cl_mem y_true, cl_mem values, cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    cly_ops_loss loss;
    clayer_shape places;
    CLY_TRY(cly_train_loss_describe(shape, "metric", &loss, &places));
    CLY_TRY(cly_ops_loss_values(context, &loss, y_pred, y_true, values, workspace));
done:
    return status;
}
