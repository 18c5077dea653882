/* train/losses.h: what losses and metrics know of each other. */
#ifndef CLY_TRAIN_LOSSES_H
#define CLY_TRAIN_LOSSES_H

#include "ops/loss.h"
#include "train/loss.h"

/* The ids of cly_train_losses, which the metrics of the same formula have too. */
typedef enum cly_train_loss_id {
    CLY_MEAN_SQUARED_ERROR = 1,
    CLY_MEAN_ABSOLUTE_ERROR,
    CLY_MEAN_ABSOLUTE_PERCENTAGE_ERROR,
    CLY_MEAN_SQUARED_LOGARITHMIC_ERROR,
    CLY_SQUARED_HINGE,
    CLY_HINGE,
    CLY_CATEGORICAL_HINGE,
    CLY_LOG_COSH,
    CLY_HUBER,
    CLY_CATEGORICAL_CROSSENTROPY,
    CLY_SPARSE_CATEGORICAL_CROSSENTROPY,
    CLY_BINARY_CROSSENTROPY,
    CLY_KL_DIVERGENCE,
    CLY_POISSON,
    CLY_COSINE_SIMILARITY, /* the last one that is a formula */
    CLY_CROSSENTROPY       /* one of the three, by the shapes */
} cly_train_loss_id;

/* Whether compile() takes targets and predictions of these shapes for one probability, for labels, or for neither. */
typedef enum cly_train_classes { CLY_TRAIN_BINARY, CLY_TRAIN_SPARSE, CLY_TRAIN_CATEGORICAL } cly_train_classes;
cly_train_classes cly_train_classes_of(const clayer_shape *y_pred, const clayer_shape *y_true);

/* The loss as src/ops computes it, its scale that of one entry, and the shape of the unreduced loss; or why these
 * shapes or arguments do not do, naming `where`. */
clayer_status cly_train_loss_describe(const cly_train_loss_shape *shape, const char *where, cly_ops_loss *loss_out,
                                      clayer_shape *entries_out);

#endif
