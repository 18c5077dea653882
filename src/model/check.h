/* model/check.h: the input and output that a model's file holds to check devices by: for the readers and writers of
 * files. */
#ifndef CLY_MODEL_CHECK_H
#define CLY_MODEL_CHECK_H

#include "model/model.h"

typedef struct cly_model_check cly_model_check;

/* Makes arrays that were read the model's check, one an input and one an output, all float32; takes them over and
 * leaves NULLs, unless it fails. */
clayer_status cly_model_take_check(clayer_model *model, clayer_array **inputs, clayer_array **outputs);

/* Runs the model on the check's inputs: CLAYER_CHECK_FAILED where an output is another, or the check is of another
 * model. The model has one. */
clayer_status cly_model_hold_check(clayer_model *model);

void cly_model_drop_check(clayer_model *model);

/* The arrays of a model that has a check, and how many; borrowed. */
size_t cly_model_check_inputs(const clayer_model *model, clayer_array *const **arrays_out);
size_t cly_model_check_outputs(const clayer_model *model, clayer_array *const **arrays_out);

#endif
