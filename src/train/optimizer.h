/* train/optimizer.h: Keras' optimizers and learning-rate schedules: what they are called, their state, one step.
 *
 * An optimizer is a row of a table: arguments, slots, and the update rule, which ops/update runs as one fused kernel a
 * weight: decay, update, moving average. Slots lie on the device, one tensor a slot and weight. */
#ifndef CLY_TRAIN_OPTIMIZER_H
#define CLY_TRAIN_OPTIMIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <clayer/tensor.h>

#include "base/spec.h"
#include "device/device.h"
#include "model/training.h"

extern const cly_spec_list cly_train_optimizers; /* "adam(learning_rate=0.01, clipnorm=1)": every argument of Keras' */
extern const cly_spec_list
    cly_train_schedules; /* "piecewise_constant_decay(boundaries=[1, 3], values=[1, 0.5, 0.1])" */

/* The learning rate at `step` (Keras' optimizer.iterations before the step), in Keras' float32. */
clayer_status cly_train_schedule_rate(const cly_spec *schedule, int64_t step, float *rate_out);

typedef struct cly_train_optimizer cly_train_optimizer;

/* `schedule` NULL or "": the optimizer's own learning_rate. Arguments that Keras refuses are refused here. */
clayer_status cly_train_optimizer_create(clayer_context *context, const char *text, const char *schedule,
                                         int generation, cly_train_optimizer **optimizer_out);
void cly_train_optimizer_destroy(cly_train_optimizer *optimizer);

/* Bytes of the slots for these weights. */
uint64_t cly_train_optimizer_slot_bytes(const cly_train_optimizer *optimizer, const cly_model_weight *weights,
                                        size_t count);

/* Makes the slots with Keras' initial values; once. The weights' tensors must live as long as the optimizer. Called
 * again with other weights (a layer's `trainable` changed) it keeps the slots of those that stay. */
clayer_status cly_train_optimizer_build(cly_train_optimizer *optimizer, const cly_model_weight *weights, size_t count);

/* One step: weights[i].weight->gradient, which is scale * gradient (loss_scale_factor), is clipped and applied, then
 * the weight's constraint, then the moving average, as Keras orders them. Enqueues only. Changes the gradients. */
clayer_status cly_train_optimizer_step(cly_train_optimizer *optimizer);

/* What gradients must be multiplied by before the step: loss_scale_factor, else 1. */
float cly_train_optimizer_scale(const cly_train_optimizer *optimizer);

/* At the end of fit: with use_ema the weights become their averages, as in Keras. */
clayer_status cly_train_optimizer_finalize(cly_train_optimizer *optimizer);

/* The learning rate that the next step takes; set replaces the optimizer's own (CLAYER_INVALID_ARGUMENT with a
 * schedule, as in Keras). */
float cly_train_optimizer_get_rate(const cly_train_optimizer *optimizer);
clayer_status cly_train_optimizer_set_rate(cly_train_optimizer *optimizer, float rate);
int64_t cly_train_optimizer_get_iterations(const cly_train_optimizer *optimizer);
void cly_train_optimizer_set_iterations(cly_train_optimizer *optimizer, int64_t iterations);

/* Whether Keras of this generation writes the argument into an optimizer's configuration. */
bool cly_train_optimizer_saves(const char *argument, int generation);

/* For files: the spec texts, and the state as Keras orders it in optimizer.variables of this generation: iterations
 * first (an integer), learning_rate where Keras has it as a variable, slots in Keras' order and with Keras' names
 * ("kernel_momentum" and so on, without the optimizer's name in front; see tests/golden/training/optimizers.npz). */
typedef struct cly_train_variable {
    char name[192];
    clayer_shape shape;
    bool is_integer;       /* iterations: int64, as Keras stores it */
    int64_t integer;       /* its value */
    float scalar;          /* of one without a tensor that is no integer: learning_rate, Nadam's product */
    clayer_tensor *tensor; /* of a slot, borrowed; NULL for the two above */
} cly_train_variable;
const cly_spec *cly_train_optimizer_spec(const cly_train_optimizer *optimizer);
const cly_spec *cly_train_optimizer_schedule(const cly_train_optimizer *optimizer); /* entry NULL: none */
/* *variables_out is freed with free(). */
clayer_status cly_train_optimizer_list(const cly_train_optimizer *optimizer, cly_train_variable **variables_out,
                                       size_t *count_out);
/* How many numbers, and bytes, that list has once it is built for these weights; the step is an int64. */
void cly_train_optimizer_measure(const cly_train_optimizer *optimizer, const cly_model_weight *weights, size_t count,
                                 uint64_t *numbers_out, uint64_t *bytes_out);
/* Sets entry `index` of that list; count must be the number of its elements. */
clayer_status cly_train_optimizer_set_variable(cly_train_optimizer *optimizer, size_t index, const double *values,
                                               int64_t count);

#endif
