/* model/check.c: an input and what the model answered to it, which travel with the model's file: whoever loads the file
 * sees whether the device at hand computes the same. */
#include "model/check.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"

struct cly_model_check {
    clayer_array **inputs, **outputs; /* float32, owned */
    size_t input_count, output_count;
    double difference; /* when the check was last held, relative to the largest value */
};

static void destroy_arrays(clayer_array **arrays, size_t count) {
    for (size_t i = 0; arrays != NULL && i < count; i++) {
        clayer_array_destroy(arrays[i]);
    }
    free(arrays);
}

static void destroy_check(cly_model_check *check) {
    if (check != NULL) {
        destroy_arrays(check->inputs, check->input_count);
        destroy_arrays(check->outputs, check->output_count);
        free(check);
    }
}

void cly_model_drop_check(clayer_model *model) {
    destroy_check(model->check);
    model->check = NULL;
}

static clayer_status create_check(const clayer_model *model, cly_model_check **check_out) {
    void *memory = NULL, *lists[2] = {NULL, NULL};
    clayer_status status = CLAYER_OK;
    const size_t inputs = clayer_model_get_input_count(model), outputs = clayer_model_get_output_count(model);
    CLY_TRY(cly_base_alloc(inputs, sizeof(clayer_array *), &lists[0]));
    CLY_TRY(cly_base_alloc(outputs, sizeof(clayer_array *), &lists[1]));
    CLY_TRY(cly_base_alloc(1, sizeof(cly_model_check), &memory));
    cly_model_check *check = memory;
    *check = (cly_model_check){.inputs = lists[0], .outputs = lists[1], .input_count = inputs, .output_count = outputs};
    *check_out = check;
    return CLAYER_OK;
done:
    free(lists[0]);
    free(lists[1]);
    return status;
}

clayer_status clayer_model_set_check(clayer_model *model, clayer_array *const *inputs, size_t input_count) {
    cly_model_check *check = NULL;
    clayer_status status = CLAYER_OK;
    if (model == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_set_check: model is NULL");
    }
    if (inputs == NULL) {
        cly_model_drop_check(model);
        return CLAYER_OK;
    }
    if (input_count != clayer_model_get_input_count(model)) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_set_check: %zu inputs for a model of %zu",
                             input_count, clayer_model_get_input_count(model));
    }
    CLY_TRY(create_check(model, &check));
    for (size_t i = 0; i < input_count; i++) {
        if (inputs[i] == NULL) {
            status = cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_set_check: input %zu is NULL", i);
            goto done;
        }
        CLY_TRY(clayer_array_convert(inputs[i], CLAYER_FLOAT32, &check->inputs[i]));
    }
    CLY_TRY(clayer_model_predict(model, check->inputs, check->input_count, NULL, check->outputs));
    cly_model_drop_check(model);
    model->check = check;
    check = NULL;
done:
    destroy_check(check);
    return status;
}

clayer_status cly_model_take_check(clayer_model *model, clayer_array **inputs, clayer_array **outputs) {
    cly_model_check *check = NULL;
    clayer_status status = create_check(model, &check);
    if (status == CLAYER_OK) {
        for (size_t i = 0; i < check->input_count; i++) {
            check->inputs[i] = inputs[i];
            inputs[i] = NULL;
        }
        for (size_t i = 0; i < check->output_count; i++) {
            check->outputs[i] = outputs[i];
            outputs[i] = NULL;
        }
        cly_model_drop_check(model);
        model->check = check;
    }
    return status;
}

static bool same_shape(const clayer_shape *a, const clayer_shape *b) {
    bool same = a->rank == b->rank;
    for (int i = 0; same && i < a->rank; i++) {
        same = a->dims[i] == b->dims[i];
    }
    return same;
}

/* The largest difference over the largest wanted value; a NaN where another value is wanted differs infinitely. */
static double compare(const clayer_array *wanted, const clayer_array *given, int64_t *worst_out) {
    const float *x = clayer_array_get_const_data(wanted), *y = clayer_array_get_const_data(given);
    double largest = 0, difference = 0;
    *worst_out = 0;
    for (int64_t i = 0; i < clayer_array_get_count(wanted); i++) {
        const bool finite = isfinite(x[i]) && isfinite(y[i]);
        const bool same = x[i] == y[i] || (isnan(x[i]) && isnan(y[i]));
        const double apart = finite ? fabs((double)y[i] - (double)x[i]) : same ? 0 : HUGE_VAL;
        largest = isfinite(x[i]) ? fmax(largest, fabs((double)x[i])) : largest;
        if (apart > difference) {
            difference = apart;
            *worst_out = i;
        }
    }
    return difference > 0 ? difference / fmax(largest, 1e-30) : 0;
}

clayer_status cly_model_hold_check(clayer_model *model) {
    cly_model_check *check = model->check;
    clayer_array **outputs = NULL;
    void *memory = NULL;
    clayer_status status = CLAYER_OK;
    if (check->input_count != clayer_model_get_input_count(model) ||
        check->output_count != clayer_model_get_output_count(model)) {
        return cly_base_fail(CLAYER_CHECK_FAILED, "the check is of %zu inputs and %zu outputs", check->input_count,
                             check->output_count);
    }
    CLY_TRY(cly_base_alloc(check->output_count, sizeof(clayer_array *), &memory));
    outputs = memory;
    CLY_TRY(clayer_model_predict(model, check->inputs, check->input_count, NULL, outputs));
    check->difference = 0;
    for (size_t i = 0; i < check->output_count; i++) {
        const char *name = clayer_model_get_output_name(model, i);
        int64_t worst = 0;
        if (!same_shape(clayer_array_get_shape(check->outputs[i]), clayer_array_get_shape(outputs[i]))) {
            status = cly_base_fail(CLAYER_CHECK_FAILED, "the check's output '%s' has another shape", name);
            goto done;
        }
        const double difference = compare(check->outputs[i], outputs[i], &worst);
        check->difference = fmax(check->difference, difference);
        if (difference > CLAYER_CHECK_TOLERANCE) {
            const float *x = clayer_array_get_const_data(check->outputs[i]);
            const float *y = clayer_array_get_const_data(outputs[i]);
            status = cly_base_fail(CLAYER_CHECK_FAILED,
                                   "the file's check: this device computes another output '%s': value %" PRId64
                                   " is %.9g, expected %.9g (difference %.2g of the largest value, limit %g)",
                                   name, worst, (double)y[worst], (double)x[worst], difference, CLAYER_CHECK_TOLERANCE);
            goto done;
        }
    }
done:
    destroy_arrays(outputs, check->output_count);
    return status;
}

bool clayer_model_get_check(const clayer_model *model, double *difference_out) {
    if (model == NULL || model->check == NULL) {
        return false;
    }
    if (difference_out != NULL) {
        *difference_out = model->check->difference;
    }
    return true;
}

size_t cly_model_check_inputs(const clayer_model *model, clayer_array *const **arrays_out) {
    *arrays_out = model->check->inputs;
    return model->check->input_count;
}

size_t cly_model_check_outputs(const clayer_model *model, clayer_array *const **arrays_out) {
    *arrays_out = model->check->outputs;
    return model->check->output_count;
}
