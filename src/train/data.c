/* train/data.c: batches from arrays or from the application's callback, as Keras' fit and evaluate deal them out
 * (keras/src/trainers/epoch_iterator.py, tf_keras/src/engine/data_adapter.py): the last batch may be smaller; with
 * steps_per_epoch an epoch goes on where the one before stopped. */
#include "train/data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/integer.h"
#include "base/memory.h"
#include "train/check.h"
#include "train/gather.h"

struct cly_train_feed {
    clayer_model *model; /* borrowed */
    cly_train_feed_config config;
    int64_t batches; /* of a pass over the arrays */
    int64_t pass, position;
    bool begun;                 /* a pass has begun */
    bool exhausted;             /* the passes were used up */
    int64_t epoch, index, left; /* of the running epoch */
    int64_t *order;             /* the permutation of `order_pass`; NULL: not shuffled */
    int64_t order_pass;
};

/* ---- host batches ---- */

size_t cly_train_array_count(const clayer_model *model) {
    return model->input_count + 2 * clayer_model_get_output_count(model);
}

clayer_status cly_train_host_batch_create(const clayer_model *model, cly_train_host_batch *batch_out) {
    void *memory = NULL;
    clayer_status status = cly_base_alloc(cly_train_array_count(model), sizeof(cly_train_host_array), &memory);
    if (status == CLAYER_OK) {
        *batch_out = (cly_train_host_batch){.arrays = memory};
    }
    return status;
}

void cly_train_host_batch_free(const clayer_model *model, cly_train_host_batch *batch) {
    for (size_t i = 0; batch->arrays != NULL && i < cly_train_array_count(model); i++) {
        free(batch->arrays[i].values);
    }
    free(batch->arrays);
    *batch = (cly_train_host_batch){0};
}

static clayer_status hold(cly_train_host_array *array, const clayer_shape *shape) {
    int64_t count = 1;
    for (int i = 0; i < shape->rank; i++) {
        count *= shape->dims[i];
    }
    if (count > array->capacity) {
        void *memory = NULL;
        clayer_status status = cly_base_alloc((size_t)count, sizeof(float), &memory);
        if (status != CLAYER_OK) {
            return status;
        }
        free(array->values);
        array->values = memory;
        array->capacity = count;
    }
    array->given = true;
    array->shape = *shape;
    return CLAYER_OK;
}

/* ---- arrays ---- */

/* Array `index` of the dataset or NULL. */
static const clayer_array *data_array(const clayer_model *model, const clayer_dataset *data, size_t index) {
    const size_t inputs = model->input_count, outputs = clayer_model_get_output_count(model);
    if (index < inputs) {
        return data->x[index];
    }
    if (index < inputs + outputs) {
        return data->y != NULL ? data->y[index - inputs] : NULL;
    }
    return data->sample_weight != NULL ? data->sample_weight[index - inputs - outputs] : NULL;
}

/* The shape of array `index` in a batch of `samples`. */
static clayer_shape batch_shape(const clayer_model *model, const clayer_array *array, size_t index, int64_t samples) {
    clayer_shape shape = *clayer_array_get_shape(array);
    shape.dims[0] = samples;
    if (index < model->input_count) {
        cly_train_fit_rank(model, index, &shape);
    }
    return shape;
}

/* Per-sample weights from classes, times those that are there. */
static clayer_status weigh_classes(const cly_train_feed *feed, cly_train_host_batch *batch) {
    const size_t inputs = feed->model->input_count;
    const cly_train_host_array *y = &batch->arrays[inputs];
    cly_train_host_array *weight = &batch->arrays[inputs + 1];
    clayer_shape shape = y->shape;
    int64_t width = 1, count = 1;
    if (shape.rank > 1) {
        width = shape.dims[--shape.rank];
    }
    for (int i = 0; i < shape.rank; i++) {
        count *= shape.dims[i];
    }
    const bool weighted = weight->given;
    const int64_t each = count / batch->samples; /* Keras 2: one sample's weight for all its positions */
    float *old = NULL;
    clayer_status status = CLAYER_OK;
    if (weighted) {
        void *memory = NULL;
        CLY_TRY(cly_base_alloc((size_t)batch->samples, sizeof(float), &memory));
        old = memory;
        memcpy(old, weight->values, (size_t)batch->samples * sizeof(float));
    }
    CLY_TRY(hold(weight, &shape));
    for (int64_t i = 0; i < count; i++) {
        double factor = 1;
        CLY_TRY(cly_train_class_weight(feed->model, feed->config.class_weight, feed->config.class_weight_count,
                                       y->values + i * width, width, &factor));
        weight->values[i] = (float)factor * (weighted ? old[i / each] : 1.0f);
    }
done:
    free(old);
    return status;
}

static clayer_status take_arrays(cly_train_feed *feed, cly_train_host_batch *batch) {
    const cly_train_feed_config *config = &feed->config;
    const int64_t first = feed->position * config->batch_size;
    const int64_t left = config->samples - first;
    const int64_t samples = left < config->batch_size ? left : config->batch_size;
    clayer_status status = CLAYER_OK;
    if (feed->order != NULL && feed->order_pass != feed->pass) {
        cly_train_permute(config->seed, feed->pass, feed->order, config->samples);
        for (int64_t i = 0; i < config->samples; i++) {
            feed->order[i] += config->first;
        }
        feed->order_pass = feed->pass;
    }
    for (size_t i = 0; i < cly_train_array_count(feed->model); i++) {
        const clayer_array *array = data_array(feed->model, config->data, i);
        batch->arrays[i].given = false;
        if (array == NULL) {
            continue;
        }
        const clayer_shape shape = batch_shape(feed->model, array, i, samples);
        CLY_TRY(hold(&batch->arrays[i], &shape));
        cly_train_gather(array, feed->order != NULL ? feed->order + first : NULL, config->first + first, samples,
                         batch->arrays[i].values);
    }
    batch->samples = samples;
    CLY_TRY(cly_train_check_labels(feed->model, batch, feed->order != NULL ? feed->order + first : NULL,
                                   config->first + first));
    CLY_TRY(cly_train_check_numbers(feed->model, batch, feed->order != NULL ? feed->order + first : NULL,
                                    config->first + first));
    if (config->class_weight != NULL) {
        CLY_TRY(weigh_classes(feed, batch));
    }
    feed->position++;
done:
    return status;
}

/* ---- the application's batches ---- */

clayer_status cly_train_take_batch(clayer_model *model, const clayer_batch *given, cly_train_host_batch *batch) {
    const clayer_dataset data = {
        .struct_size = sizeof(data), .x = given->inputs, .y = given->targets, .sample_weight = given->weights};
    int64_t samples = 0;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_train_data_check(model, &data, "batch", &samples));
    for (size_t i = 0; i < cly_train_array_count(model); i++) {
        const clayer_array *array = data_array(model, &data, i);
        batch->arrays[i].given = false;
        if (array != NULL) {
            const clayer_shape shape = batch_shape(model, array, i, samples);
            CLY_TRY(hold(&batch->arrays[i], &shape));
            cly_train_gather(array, NULL, 0, samples, batch->arrays[i].values);
        }
    }
    batch->samples = samples;
    CLY_TRY(cly_train_check_labels(model, batch, NULL, 0));
    CLY_TRY(cly_train_check_numbers(model, batch, NULL, 0));
done:
    return status;
}

static clayer_status take_callback(cly_train_feed *feed, cly_train_host_batch *batch) {
    const clayer_dataset *data = feed->config.data;
    clayer_batch given = {0};
    clayer_status status = CLAYER_OK;
    CLY_TRY(data->batches(feed->epoch, feed->index, &given, data->batches_data));
    CLY_TRY(cly_train_take_batch(feed->model, &given, batch));
    if (feed->config.class_weight != NULL) {
        CLY_TRY(weigh_classes(feed, batch));
    }
done:
    return status != CLAYER_OK ? cly_base_prefix(status, "epoch %lld, batch %lld of the callback",
                                                 (long long)feed->epoch, (long long)feed->index)
                               : status;
}

/* ---- the feed ---- */

clayer_status cly_train_feed_create(clayer_model *model, const cly_train_feed_config *config,
                                    cly_train_feed **feed_out) {
    cly_train_feed *feed = NULL;
    void *memory = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_base_alloc(1, sizeof(cly_train_feed), &memory));
    feed = memory;
    feed->model = model;
    feed->config = *config;
    feed->order_pass = -1;
    feed->pass = config->first_epoch;
    if (config->data->batches == NULL) {
        feed->batches = cly_base_divide_up(config->samples, config->batch_size);
        if (config->shuffle) {
            CLY_TRY(cly_base_alloc((size_t)config->samples, sizeof(int64_t), &memory));
            feed->order = memory;
        }
    }
    *feed_out = feed;
    feed = NULL;
done:
    cly_train_feed_destroy(feed);
    return status;
}

void cly_train_feed_destroy(cly_train_feed *feed) {
    if (feed != NULL) {
        free(feed->order);
        free(feed);
    }
}

int64_t cly_train_feed_steps(const cly_train_feed *feed) {
    if (feed->config.steps > 0) {
        return feed->config.steps;
    }
    return feed->config.data->batches != NULL ? feed->config.data->steps : feed->batches;
}

void cly_train_feed_shapes(const cly_train_feed *feed, int64_t samples, cly_train_host_batch *batch) {
    batch->samples = samples;
    for (size_t i = 0; i < cly_train_array_count(feed->model); i++) {
        const clayer_array *array = data_array(feed->model, feed->config.data, i);
        batch->arrays[i].given = array != NULL;
        if (array != NULL) {
            batch->arrays[i].shape = batch_shape(feed->model, array, i, samples);
        }
    }
}

int64_t cly_train_feed_samples(const cly_train_feed *feed) {
    return feed->config.data->batches != NULL ? 0 : feed->config.samples;
}

int64_t cly_train_feed_largest(const cly_train_feed *feed) {
    const cly_train_feed_config *config = &feed->config;
    if (config->data->batches != NULL) {
        return 0;
    }
    return config->samples < config->batch_size ? config->samples : config->batch_size;
}

int64_t cly_train_feed_last(const cly_train_feed *feed) {
    const cly_train_feed_config *config = &feed->config;
    return config->data->batches != NULL ? 0 : config->samples - (feed->batches - 1) * config->batch_size;
}

/* Keras 3 begins a pass with each epoch, unless steps_per_epoch left some of the last one over; Keras 2 runs through
 * as many passes as there are epochs, whatever the steps. */
bool cly_train_feed_begin(cly_train_feed *feed, int64_t epoch) {
    const bool endless = feed->model->generation == 2;
    feed->epoch = epoch;
    feed->index = 0;
    feed->left = cly_train_feed_steps(feed);
    if (feed->config.data->batches != NULL) {
        return true;
    }
    if (feed->begun && feed->position >= feed->batches && (!endless || feed->config.steps <= 0)) {
        feed->pass++;
        feed->position = 0;
    }
    feed->begun = true;
    if (endless && feed->position >= feed->batches &&
        feed->pass + 1 - feed->config.first_epoch >= feed->config.epochs) {
        feed->exhausted = true;
    }
    return !feed->exhausted;
}

clayer_status cly_train_feed_next(cly_train_feed *feed, cly_train_host_batch *batch) {
    clayer_status status = CLAYER_OK;
    batch->samples = 0;
    if (feed->left <= 0) {
        return CLAYER_OK;
    }
    if (feed->config.data->batches != NULL) {
        CLY_TRY(take_callback(feed, batch));
    } else {
        if (feed->position >= feed->batches) {
            const bool more =
                feed->model->generation == 2 && feed->pass + 1 - feed->config.first_epoch < feed->config.epochs;
            if (!more) {
                feed->exhausted = feed->model->generation == 2;
                feed->left = 0;
                return CLAYER_OK;
            }
            feed->pass++;
            feed->position = 0;
        }
        CLY_TRY(take_arrays(feed, batch));
    }
    feed->index++;
    feed->left--;
done:
    return status;
}
