/* train/check.c: data against the model, before anything is computed. Class weights follow Keras'
 * class_weight_to_sample_weights (3) and _make_class_weight_map_fn (2). */
#include "train/check.h"

#include <math.h>
#include <string.h>

#include "base/error.h"

void cly_train_fit_rank(const clayer_model *model, size_t input, clayer_shape *shape) {
    const clayer_shape *wanted = clayer_model_get_input_shape(model, input);
    if (shape->rank == wanted->rank - 1 && wanted->dims[wanted->rank - 1] == 1 && shape->rank < CLAYER_MAX_RANK) {
        shape->dims[shape->rank++] = 1;
    } else if (shape->rank == wanted->rank + 1 && shape->rank > 1 && shape->dims[shape->rank - 1] == 1) {
        shape->rank--;
    }
}

/* ---- numbers of samples ---- */

typedef struct seen_array {
    const char *what; /* "input" */
    const char *name;
    int64_t samples; /* 0: none seen yet */
} seen_array;

/* One array more; `seen` is the first. */
static clayer_status see(const clayer_array *array, const char *where, const char *what, const char *name,
                         seen_array *seen) {
    if (array == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s: %s '%s' is NULL", where, what, name);
    }
    const clayer_shape *shape = clayer_array_get_shape(array);
    if (shape->rank < 1 || shape->dims[0] < 1) {
        return cly_base_fail(CLAYER_INVALID_SHAPE, "%s: %s '%s' has no samples", where, what, name);
    }
    if (seen->samples == 0) {
        *seen = (seen_array){what, name, shape->dims[0]};
    } else if (shape->dims[0] != seen->samples) {
        return cly_base_fail(CLAYER_INVALID_SHAPE, "%s: %s '%s' has %lld samples, %s '%s' has %lld", where, what, name,
                             (long long)shape->dims[0], seen->what, seen->name, (long long)seen->samples);
    }
    return CLAYER_OK;
}

static bool wants_target(const cly_train_output *output) {
    return output->loss.entry != NULL || output->metric_count > 0 || output->weighted_metric_count > 0;
}

clayer_status cly_train_data_check(clayer_model *model, const clayer_dataset *data, const char *what,
                                   int64_t *samples_out) {
    cly_train_compiled *compiled = NULL;
    seen_array seen = {0};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_train_get_compiled(model, &compiled));
    if (data == NULL || data->struct_size != sizeof(*data)) {
        CLY_TRY(cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s: %s", what,
                              data == NULL ? "no data" : "the dataset's struct_size is not its size"));
    }
    if (data->batches != NULL) {
        if (data->steps < 1) {
            CLY_TRY(cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s: a callback needs steps of at least 1, not %lld", what,
                                  (long long)data->steps));
        }
        *samples_out = 0;
        return CLAYER_OK;
    }
    if (data->x == NULL || data->y == NULL) {
        CLY_TRY(cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s: no %s", what, data->x == NULL ? "inputs" : "targets"));
    }
    for (size_t i = 0; i < model->input_count; i++) {
        CLY_TRY(see(data->x[i], what, "input", clayer_model_get_input_name(model, i), &seen));
    }
    for (size_t i = 0; i < compiled->output_count; i++) {
        const char *name = clayer_model_get_output_name(model, i);
        if (wants_target(&compiled->outputs[i]) || data->y[i] != NULL) {
            CLY_TRY(see(data->y[i], what, "target", name, &seen));
        }
        if (data->sample_weight != NULL && data->sample_weight[i] != NULL) {
            CLY_TRY(see(data->sample_weight[i], what, "sample weight", name, &seen));
        }
    }
    *samples_out = seen.samples;
done:
    return status;
}

/* ---- labels ---- */

/* How many classes a loss of labels has on this output; 0: it has none, or the number is unknown. */
static int64_t count_classes(const clayer_model *model, const cly_train_output *output, size_t index,
                             const clayer_shape *y) {
    const clayer_shape *pred = clayer_model_get_output_shape(model, index);
    const char *loss = output->loss.entry != NULL ? output->loss.entry->name : "";
    const bool fewer = y->rank < pred->rank || (y->dims[y->rank - 1] == 1 && pred->dims[pred->rank - 1] > 1);
    const bool by_shape = strcmp(loss, "crossentropy") == 0 && fewer && pred->dims[pred->rank - 1] != 1;
    if (!by_shape && strcmp(loss, "sparse_categorical_crossentropy") != 0) {
        return 0;
    }
    int axis = pred->rank - 1;
    for (const cly_spec_parameter *p = output->loss.entry->parameters; p->name != NULL; p++) {
        if (strcmp(p->name, "axis") == 0) {
            const int given = (int)cly_base_spec_get(&output->loss, "axis");
            axis = given < 0 ? pred->rank + given : given;
        }
    }
    return axis >= 0 && axis < pred->rank ? pred->dims[axis] : 0;
}

/* Keras' ignore_class; NaN: none. */
static double ignored_class(const cly_spec *loss) {
    for (const cly_spec_parameter *p = loss->entry->parameters; p->name != NULL; p++) {
        if (strcmp(p->name, "ignore_class") == 0) {
            return cly_base_spec_get(loss, "ignore_class");
        }
    }
    return (double)NAN;
}

clayer_status cly_train_check_labels(const clayer_model *model, const cly_train_host_batch *batch, const int64_t *order,
                                     int64_t first) {
    const cly_train_compiled *compiled = model->compiled;
    for (size_t i = 0; i < compiled->output_count; i++) {
        const cly_train_host_array *y = &batch->arrays[model->input_count + i];
        const int64_t classes = y->given ? count_classes(model, &compiled->outputs[i], i, &y->shape) : 0;
        if (classes <= 0) {
            continue;
        }
        const double ignored = ignored_class(&compiled->outputs[i].loss);
        int64_t count = 1;
        for (int axis = 0; axis < y->shape.rank; axis++) {
            count *= y->shape.dims[axis];
        }
        for (int64_t j = 0; j < count; j++) {
            const double label = trunc((double)y->values[j]);
            if (!(label >= 0 && label < (double)classes) && label != ignored) {
                const int64_t row = j / (count / batch->samples);
                return cly_base_fail(CLAYER_INVALID_ARGUMENT,
                                     "output '%s': label %.9g of sample %lld is outside 0 to %lld, the classes of the "
                                     "loss %s",
                                     clayer_model_get_output_name(model, i), (double)y->values[j],
                                     (long long)(order != NULL ? order[row] : first + row), (long long)(classes - 1),
                                     compiled->outputs[i].loss.entry->name);
            }
        }
    }
    return CLAYER_OK;
}

clayer_status cly_train_check_numbers(const clayer_model *model, const cly_train_host_batch *batch,
                                      const int64_t *order, int64_t first) {
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < model->input_count; i++) {
        const cly_train_host_array *x = &batch->arrays[i];
        CLY_TRY(cly_model_check_numbers(model, i, x->values, cly_layers_product(&x->shape, 0, x->shape.rank),
                                        batch->samples, order, first));
    }
done:
    return status;
}

/* ---- class weights ---- */

clayer_status cly_train_class_weight(const clayer_model *model, const double *weights, size_t count, const float *y,
                                     int64_t width, double *weight_out) {
    double class = 0;
    if (width > 1) {
        int64_t best = 0;
        for (int64_t i = 1; i < width; i++) {
            best = y[i] > y[best] ? i : best;
        }
        class = (double)best;
    } else {
        class = nearbyint((double)y[0]);
    }
    if (class >= 0 && class < (double)count) {
        *weight_out = weights[(size_t) class];
        return CLAYER_OK;
    }
    if (model->generation == 3) { /* a class that Keras' dict does not have */
        *weight_out = 1;
        return CLAYER_OK;
    }
    return cly_base_fail(CLAYER_INVALID_ARGUMENT, "class_weight: the target %.9g is none of the %zu classes", class,
                         count);
}

clayer_status cly_train_check_class_weight(const clayer_model *model, const clayer_dataset *data, size_t weights) {
    if (weights == 0) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "class_weight: class_weight_count is 0");
    }
    if (clayer_model_get_output_count(model) != 1) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT,
                             "class_weight: model '%s' has %zu outputs; Keras weighs classes of a single one",
                             model->name, clayer_model_get_output_count(model));
    }
    if (model->generation == 3 && data->sample_weight != NULL && data->sample_weight[0] != NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT,
                             "class_weight: there is a sample_weight too; Keras 3 takes one of the two");
    }
    if (data->batches == NULL && model->generation == 3 && clayer_array_get_shape(data->y[0])->rank > 2) {
        return cly_base_fail(CLAYER_INVALID_SHAPE,
                             "class_weight: target '%s' has %d axes; Keras 3 weighs one class a sample, at most 2 axes",
                             clayer_model_get_output_name(model, 0), clayer_array_get_shape(data->y[0])->rank);
    }
    return CLAYER_OK;
}
