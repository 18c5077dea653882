/* train/data.h: where batches come from: arrays in an order, or the application's callback. */
#ifndef CLY_TRAIN_DATA_H
#define CLY_TRAIN_DATA_H

#include <stdbool.h>
#include <stdint.h>

#include <clayer/train.h>

#include "train/compiled.h"

/* A batch in host memory, all float32. Array a is input a, target a - inputs, or weights a - inputs - outputs. */
typedef struct cly_train_host_array {
    bool given; /* else there is none */
    clayer_shape shape;
    float *values; /* owned; kept from batch to batch */
    int64_t capacity;
} cly_train_host_array;

typedef struct cly_train_host_batch {
    int64_t samples; /* 0: there is no further batch in this epoch */
    cly_train_host_array *arrays;
} cly_train_host_batch;

/* What a feed deals out. The dataset's arrays are borrowed. */
typedef struct cly_train_feed_config {
    const clayer_dataset *data;
    int64_t first, samples; /* of the arrays */
    int64_t batch_size;
    int64_t steps;  /* batches an epoch; 0: all there are */
    int64_t epochs; /* that this fit runs: Keras 2 goes through the arrays that often at most */
    int64_t first_epoch;
    bool shuffle;
    uint64_t seed;
    const double *class_weight; /* by class; NULL: none */
    size_t class_weight_count;
} cly_train_feed_config;

typedef struct cly_train_feed cly_train_feed;

/* The dataset has passed cly_train_data_check, the class weights cly_train_check_class_weight. */
clayer_status cly_train_feed_create(clayer_model *model, const cly_train_feed_config *config,
                                    cly_train_feed **feed_out);
void cly_train_feed_destroy(cly_train_feed *feed);

/* Numbers of samples and axes of the dataset's arrays; 0 samples where it has a callback. */
clayer_status cly_train_data_check(clayer_model *model, const clayer_dataset *data, const char *what,
                                   int64_t *samples_out);

/* Batches of an epoch, as Keras counts them before it begins, and the samples in the largest batch and the last one of
 * a pass (0: unknown, from a callback). */
int64_t cly_train_feed_steps(const cly_train_feed *feed);
int64_t cly_train_feed_samples(const cly_train_feed *feed); /* of a pass; 0: unknown */
int64_t cly_train_feed_largest(const cly_train_feed *feed);
int64_t cly_train_feed_last(const cly_train_feed *feed);

/* The epoch begins; false: the arrays were gone through often enough (Keras 2 with steps_per_epoch), training ends. */
bool cly_train_feed_begin(cly_train_feed *feed, int64_t epoch);

/* Fills the next batch of this epoch. Labels outside their range are refused here, before anything is computed. */
clayer_status cly_train_feed_next(cly_train_feed *feed, cly_train_host_batch *batch);

/* The shapes of a batch of `samples` of the arrays, as cly_train_feed_next would give them. */
void cly_train_feed_shapes(const cly_train_feed *feed, int64_t samples, cly_train_host_batch *batch);

/* One batch of the application. */
clayer_status cly_train_take_batch(clayer_model *model, const clayer_batch *given, cly_train_host_batch *batch);

clayer_status cly_train_host_batch_create(const clayer_model *model, cly_train_host_batch *batch_out);
void cly_train_host_batch_free(const clayer_model *model, cly_train_host_batch *batch);
size_t cly_train_array_count(const clayer_model *model);

#endif
