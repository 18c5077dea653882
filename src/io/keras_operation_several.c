/* io/keras_operation_several.c: operations that give several tensors: split, unstack, moments. Each output is a part of
 * its own, so what nobody reads is not computed. Sources: tf.split, tf.unstack, keras/src/ops/{numpy,core,nn}.py. */
#include "base/memory.h"
#include "io/keras_operation.h"

#define MOST_OUTPUTS 1024

typedef cly_io_keras_operation_row row;

/* An axis of the call's tensor, which is not the batch, and its size. */
static clayer_status read_axis(cly_io_keras_operation_call *call, int position, int *axis_out, int64_t *size_out) {
    const cJSON *value = cly_io_keras_argument(call, position, "axis", NULL);
    const clayer_shape *shape = NULL;
    int64_t axis = 0;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_read_shape(call, 0, &shape));
    if (value != NULL && !cly_io_keras_integer(cly_io_keras_unwrap(value), &axis)) {
        return cly_io_keras_operation_fail(call, "its axis is no integer");
    }
    axis += axis < 0 ? shape->rank : 0;
    if (axis < 1 || axis >= shape->rank) {
        return cly_io_keras_operation_fail(
            call, axis == 0 ? "along the batch, axis 0, is not supported" : "its axis is outside of the tensor");
    }
    *axis_out = (int)axis;
    *size_out = shape->dims[axis];
done:
    return status;
}

/* The first element of each part, and the end of the last. */
typedef struct borders {
    int64_t at[MOST_OUTPUTS + 1];
    int64_t count;
} borders;

/* `sections` parts that are as equal as they can be, the larger ones first. */
static bool cut_equally(int64_t size, int64_t sections, bool uneven, borders *b) {
    if (size < 1 || sections < 1 || sections > MOST_OUTPUTS || sections > size || (size % sections != 0 && !uneven)) {
        return false;
    }
    b->count = sections;
    for (int64_t i = 0; i <= sections; i++) {
        const int64_t larger = size % sections < i ? size % sections : i;
        b->at[i] = i * (size / sections) + larger;
    }
    return true;
}

/* tf.split's sizes, one of which may be -1: what is left. */
static bool cut_by_sizes(int64_t size, const cJSON *list, borders *b) {
    const cJSON *item = NULL;
    int64_t sum = 0, open = -1;
    b->count = 0;
    cJSON_ArrayForEach(item, list) {
        int64_t length = 0;
        if (b->count == MOST_OUTPUTS || !cly_io_keras_integer(item, &length) || length < -1 || length == 0 ||
            length > INT32_MAX || (length == -1 && open >= 0)) {
            return false;
        }
        open = length == -1 ? b->count : open;
        b->at[b->count++] = sum;
        sum += length == -1 ? 0 : length;
    }
    const int64_t left = size - sum;
    for (int64_t i = open + 1; open >= 0 && i < b->count; i++) {
        b->at[i] += left;
    }
    b->at[b->count] = size;
    return b->count > 0 && size > 0 && (open >= 0 ? left > 0 : left == 0);
}

/* keras.ops.split's places between parts. */
static bool cut_at(int64_t size, const cJSON *list, borders *b) {
    const cJSON *item = NULL;
    *b = (borders){.count = 1};
    cJSON_ArrayForEach(item, list) {
        int64_t place = 0;
        if (b->count == MOST_OUTPUTS || !cly_io_keras_integer(item, &place)) {
            return false;
        }
        place += place < 0 ? size : 0;
        if (place <= b->at[b->count - 1] || place >= size) {
            return false;
        }
        b->at[b->count++] = place;
    }
    b->at[b->count] = size;
    return size > 0;
}

/* A cut for each output, which with `gone` is one element whose axis goes. */
static clayer_status make_cuts(cly_io_keras_operation_call *call, int axis, const borders *b, bool gone,
                               clayer_layer **layer_out) {
    cly_io_keras_parts parts = cly_io_keras_open_parts(call);
    clayer_node *outputs[MOST_OUTPUTS];
    for (int64_t i = 0; i < b->count; i++) {
        outputs[i] = cly_io_keras_cut(&parts, parts.inputs[0], axis, b->at[i], gone ? 0 : b->at[i + 1] - b->at[i]);
    }
    return cly_io_keras_close_parts(&parts, outputs, (size_t)b->count, layer_out);
}

clayer_status cly_io_keras_build_split(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    clayer_status status = CLAYER_OK;
    borders b;
    int axis = 0;
    int64_t size = 0, sections = 0, wanted = 0;
    CLY_TRY(cly_io_keras_read_tensor(call));
    const cJSON *value = cly_io_keras_argument(call, 1, "num_or_size_splits", "indices_or_sections");
    const cJSON *count = cly_io_keras_argument(call, -1, "num", NULL);
    value = cly_io_keras_unwrap(value);
    CLY_TRY(read_axis(call, 2, &axis, &size));
    const bool fits = cly_io_keras_integer(value, &sections) ? cut_equally(size, sections, entry->text != NULL, &b)
                      : !cJSON_IsArray(value)                ? false
                      : call->generation == 2                ? cut_by_sizes(size, value, &b)
                                                             : cut_at(size, value, &b);
    if (!fits || (cly_io_keras_integer(count, &wanted) && wanted != b.count)) {
        return cly_io_keras_operation_fail(call, "its parts do not cover axis %d of size %lld, none of them empty",
                                           axis, (long long)size);
    }
    CLY_TRY(make_cuts(call, axis, &b, false, layer_out));
done:
    return status;
}

clayer_status cly_io_keras_build_unstack(cly_io_keras_operation_call *call, const row *entry,
                                         clayer_layer **layer_out) {
    clayer_status status = CLAYER_OK;
    borders b;
    int axis = 0;
    int64_t size = 0, wanted = 0;
    (void)entry;
    CLY_TRY(cly_io_keras_read_tensor(call));
    const cJSON *count = cly_io_keras_argument(call, 1, "num", NULL);
    CLY_TRY(read_axis(call, 2, &axis, &size));
    if (!cut_equally(size, size, false, &b) || (cly_io_keras_integer(count, &wanted) && wanted != b.count)) {
        return cly_io_keras_operation_fail(call, "axis %d of size %lld has not as many elements", axis,
                                           (long long)size);
    }
    CLY_TRY(make_cuts(call, axis, &b, true, layer_out));
done:
    return status;
}

/* The mean and the variance over axes. */
clayer_status cly_io_keras_build_moments(cly_io_keras_operation_call *call, const row *entry,
                                         clayer_layer **layer_out) {
    clayer_shape axes;
    bool none = true;
    clayer_status status = CLAYER_OK;
    (void)entry;
    CLY_TRY(cly_io_keras_read_tensor(call));
    CLY_TRY(cly_io_keras_read_axes(call, cly_io_keras_argument(call, 1, "axes", NULL), &axes, &none));
    const bool keepdims = cJSON_IsTrue(cly_io_keras_argument(call, 2, "keepdims", NULL));
    const cJSON *synchronized = cly_io_keras_argument(call, 3, "synchronized", NULL);
    if (none || cJSON_IsTrue(synchronized)) {
        return cly_io_keras_operation_fail(call, none ? "over all axes, the batch too, is not supported"
                                                      : "its argument 'synchronized' is not supported");
    }
    cly_io_keras_parts parts = cly_io_keras_open_parts(call);
    clayer_node *const outputs[2] = {
        cly_io_keras_over(&parts, CLY_OPERATION_MEAN, parts.inputs[0], &axes, keepdims),
        cly_io_keras_over(&parts, CLY_OPERATION_VARIANCE, parts.inputs[0], &axes, keepdims)};
    CLY_TRY(cly_io_keras_close_parts(&parts, outputs, 2, layer_out));
done:
    return status;
}
