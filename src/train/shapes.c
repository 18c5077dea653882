/* train/shapes.c: ranks that differ by one, and weights that spread over entries. Source:
 * squeeze_or_expand_to_same_rank in keras/src/losses/loss.py and reduce_to_samplewise_values in
 * keras/src/metrics/reduction_metrics.py; for Keras 2 match_dtype_and_rank in tf_keras/src/engine/compile_utils.py,
 * which fit() calls first, and losses_utils.py. */
#include "train/shapes.h"

#include <limits.h>

#include "base/error.h"
#include "layers/layer.h"

int64_t cly_train_count(const clayer_shape *shape) {
    int64_t count = 1;
    for (int axis = 0; axis < shape->rank; axis++) {
        count *= shape->dims[axis];
    }
    return count;
}

static bool ends_in_one(const clayer_shape *shape) {
    return shape->rank > 0 && shape->dims[shape->rank - 1] == 1;
}

static void expand(clayer_shape *shape) {
    shape->dims[shape->rank++] = 1;
}

bool cly_train_same_rank(clayer_shape *y_pred, clayer_shape *y_true) {
    clayer_shape *const longer = y_pred->rank > y_true->rank ? y_pred : y_true;
    clayer_shape *const shorter = y_pred->rank > y_true->rank ? y_true : y_pred;
    if (longer->rank == shorter->rank + 1 && ends_in_one(longer)) {
        if (shorter->rank == 1) {
            expand(shorter);
        } else {
            longer->rank--;
        }
    }
    bool same = y_pred->rank == y_true->rank;
    for (int axis = 0; same && axis < y_pred->rank; axis++) {
        same = y_pred->dims[axis] == y_true->dims[axis];
    }
    return same;
}

bool cly_train_labels_fit(int generation, const clayer_shape *y_pred, const clayer_shape *y_true) {
    const clayer_shape places = cly_train_without(y_pred, y_pred->rank - 1);
    const bool longer = y_true->rank == places.rank + 1 && ends_in_one(y_true);
    bool same = y_true->rank == places.rank || longer;
    for (int axis = 0; same && axis < places.rank; axis++) {
        same = y_true->dims[axis] == places.dims[axis];
    }
    const bool as_many = places.rank > 0 && y_true->rank > 0 && y_true->dims[0] == places.dims[0] &&
                         cly_train_count(y_true) == cly_train_count(&places);
    return same || (generation == 2 && as_many);
}

clayer_shape cly_train_without(const clayer_shape *shape, int axis) {
    clayer_shape result = {.rank = 0};
    for (int i = 0; i < shape->rank; i++) {
        if (i != axis) {
            result.dims[result.rank++] = shape->dims[i];
        }
    }
    return result;
}

/* One weight for all entries. */
static const cly_ops_weighting even = {.sizes = {1, 1, 1, 1}};

/* Sizes and strides of neighbouring axes that can be walked through as one; at most four are left. `weight` has as many
 * axes as `entries`, each of the same size or 1. */
static bool collapse(const clayer_shape *entries, const clayer_shape *weight, cly_ops_weighting *out) {
    int64_t sizes[CLAYER_MAX_RANK], strides[CLAYER_MAX_RANK], stride = 1;
    int count = 0; /* from the last axis on */
    for (int axis = entries->rank - 1; axis >= 0; axis--) {
        const int64_t size = entries->dims[axis], own = weight->dims[axis] == 1 ? 0 : stride;
        if (weight->dims[axis] != size && weight->dims[axis] != 1) {
            return false;
        }
        stride *= weight->dims[axis];
        if (size == 1) {
            continue;
        }
        if (count > 0 && own == strides[count - 1] * (own == 0 ? 1 : sizes[count - 1]) &&
            (own == 0) == (strides[count - 1] == 0)) {
            sizes[count - 1] *= size;
        } else {
            sizes[count] = size;
            strides[count++] = own;
        }
    }
    if (count > 4) {
        return false;
    }
    cly_ops_weighting result = even;
    result.count = stride;
    for (int i = 0; i < count; i++) {
        const int place = i == count - 1 ? 0 : 3 - i; /* the first one's size is never divided by */
        if ((place > 0 && sizes[i] > INT_MAX) || strides[i] > INT_MAX) {
            return false;
        }
        result.sizes[place] = place > 0 ? (int)sizes[i] : 1;
        result.strides[place] = (int)strides[i];
    }
    *out = result;
    return true;
}

/* NumPy's rule: axes are matched from the last one on, missing ones are 1. */
static bool spread(const clayer_shape *entries, const clayer_shape *weight, cly_ops_weighting *out) {
    clayer_shape full = {.rank = entries->rank};
    const int missing = entries->rank - weight->rank;
    for (int axis = 0; axis < weight->rank; axis++) {
        if (axis + missing < 0 && weight->dims[axis] != 1) {
            return false;
        }
    }
    for (int axis = 0; axis < entries->rank; axis++) {
        full.dims[axis] = axis < missing ? 1 : weight->dims[axis - missing];
    }
    return collapse(entries, &full, out);
}

bool cly_train_weigh_loss(int generation, const clayer_shape *entries, const clayer_shape *weight,
                          cly_ops_weighting *weighting_out) {
    clayer_shape e = *entries, w = *weight;
    if (w.rank == 0) {
        *weighting_out = even;
        return true;
    }
    if (generation == 2) {
        if (w.rank == e.rank + 1 && ends_in_one(&w)) {
            w.rank--;
        } else if (e.rank == w.rank + 1) {
            expand(&w);
        }
    } else {
        (void)cly_train_same_rank(&e, &w);
    }
    return spread(&e, &w, weighting_out);
}

static int64_t dim_from_end(const clayer_shape *shape, int axis) {
    return axis < shape->rank ? shape->dims[shape->rank - 1 - axis] : 1;
}

/* `other` spread over `shape` by NumPy's rule; false where sizes differ and neither is 1. */
static bool widen(clayer_shape *shape, const clayer_shape *other) {
    clayer_shape result = {.rank = shape->rank > other->rank ? shape->rank : other->rank};
    for (int axis = 0; axis < result.rank; axis++) {
        const int64_t a = dim_from_end(shape, axis), b = dim_from_end(other, axis);
        if (a != b && a != 1 && b != 1) {
            return false;
        }
        result.dims[result.rank - 1 - axis] = a == 1 ? b : a;
    }
    *shape = result;
    return true;
}

clayer_status cly_train_mask_weights(int generation, const char *where, const clayer_shape *mask,
                                     const clayer_shape *weight, const clayer_shape *places,
                                     cly_ops_loss_mask *masking_out, clayer_shape *product_out) {
    clayer_shape m = *mask, w = *weight;
    cly_ops_loss_mask masking = {.weight = even};
    if (generation != 2 && w.rank > 0) {
        (void)cly_train_same_rank(&m, &w);
    } else if (w.rank == m.rank + 1 && ends_in_one(&w)) {
        w.rank--;
    } else if (w.rank > 0 && m.rank == w.rank + 1) {
        expand(&w);
    }
    clayer_shape product = m;
    if (!widen(&product, &w) || (places != NULL && !widen(&product, places)) || !spread(&product, &m, &masking.mask) ||
        (w.rank > 0 && !spread(&product, &w, &masking.weight))) {
        char masks[CLY_LAYERS_SHAPE_TEXT], weights[CLY_LAYERS_SHAPE_TEXT];
        return cly_base_fail(CLAYER_INVALID_SHAPE,
                             "%s: sample weights of shape %s do not fit Keras' mask of the output, of shape %s", where,
                             cly_layers_shape_text(weight, weights, sizeof(weights)),
                             cly_layers_shape_text(mask, masks, sizeof(masks)));
    }
    masking.count = cly_train_count(&product);
    *masking_out = masking;
    *product_out = product;
    return CLAYER_OK;
}

bool cly_train_weigh_mean(const clayer_shape *entries, const clayer_shape *weight, cly_ops_weighting *weighting_out) {
    clayer_shape w = *weight;
    if (w.rank == 0) {
        *weighting_out = even;
        return true;
    }
    while (w.rank > entries->rank && ends_in_one(&w)) {
        w.rank--;
    }
    while (w.rank < entries->rank) {
        expand(&w);
    }
    return w.rank == entries->rank && collapse(entries, &w, weighting_out);
}

bool cly_train_weigh_elements(int generation, const clayer_shape *entries, const clayer_shape *weight,
                              cly_ops_weighting *weighting_out) {
    clayer_shape w = *weight;
    if (w.rank == 0) {
        *weighting_out = even;
        return true;
    }
    if (generation == 2) {
        if (w.rank == entries->rank + 1 && ends_in_one(&w)) {
            w.rank--;
        } else if (w.rank + 1 == entries->rank) {
            expand(&w);
        }
    } else if (w.rank < entries->rank) {
        expand(&w);
    }
    return spread(entries, &w, weighting_out);
}
