/* weights/weight.c: a named trainable tensor comes into being with its first values; its gradient when one is
 * needed. */
#include "weights/weight.h"

#include <stdlib.h>

#include "base/memory.h"

static clayer_status draw(cly_weights_weight *weight, uint64_t seed) {
    clayer_status status = CLAYER_OK;
    void *values = NULL;
    const int64_t count = clayer_tensor_get_count(weight->tensor);
    CLY_TRY(cly_base_alloc((size_t)count, sizeof(float), &values));
    CLY_TRY(cly_weights_initialize(&weight->initializer, clayer_tensor_get_shape(weight->tensor), seed, values));
    CLY_TRY(clayer_tensor_write(weight->tensor, values, count));
    weight->drawn = cly_device_tensor_version(weight->tensor);
done:
    free(values);
    return status;
}

clayer_status cly_weights_redraw(cly_weights_weight *weight, uint64_t seed) {
    const uint64_t version = cly_device_tensor_version(weight->tensor);
    return version != 0 && version == weight->drawn ? draw(weight, seed) : CLAYER_OK;
}

clayer_status cly_weights_create(cly_weights_weight *weight, clayer_context *context, const clayer_shape *shape,
                                 uint64_t seed) {
    clayer_status status = CLAYER_OK;
    int64_t count = 1;
    for (int i = 0; i < shape->rank; i++) {
        if (!cly_base_multiply(&count, shape->dims[i]) || count > INT64_MAX / (int64_t)sizeof(float)) {
            return cly_base_fail(CLAYER_INVALID_SHAPE, "weight '%s' is too large: its size overflows", weight->name);
        }
    }
    /* The tensor first: a device's limit is smaller than the host's, and its refusal costs no memory. */
    CLY_TRY(clayer_tensor_create(context, shape->rank, shape->dims, &weight->tensor));
    status = draw(weight, seed);
    if (status != CLAYER_OK) {
        clayer_tensor_destroy(weight->tensor);
        weight->tensor = NULL;
    }
done:
    return status;
}

void cly_weights_free(cly_weights_weight *weight) {
    if (weight != NULL) {
        clayer_tensor_destroy(weight->tensor);
        clayer_tensor_destroy(weight->gradient);
        *weight = (cly_weights_weight){0};
    }
}

clayer_status cly_weights_hold_gradient(cly_weights_weight *weight, clayer_context *context) {
    const clayer_shape *shape = clayer_tensor_get_shape(weight->tensor);
    return weight->gradient != NULL ? CLAYER_OK
                                    : clayer_tensor_create(context, shape->rank, shape->dims, &weight->gradient);
}

void cly_weights_drop_gradient(cly_weights_weight *weight) {
    clayer_tensor_destroy(weight->gradient);
    weight->gradient = NULL;
}
