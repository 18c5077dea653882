/* io/keras_operation_image.c: operations on images and on channels that are made of slices, concatenations and sums:
 * crops, patches, rolls, gathers, local response normalization. Sources: tf.image, tf.nn,
 * keras/src/ops/{image,numpy,nn}.py. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "io/keras_operation.h"

typedef cly_io_keras_operation_row row;

#define MOST_PARTS CLY_LAYERS_MAX_INPUTS

/* ---- parts ---- */

static clayer_node *concatenate(cly_io_keras_parts *parts, clayer_node *const *nodes, size_t count, int axis) {
    const clayer_concatenate_config config = {.struct_size = sizeof(config), .axis = axis, .has_axis = true};
    return count == 1 ? nodes[0] : cly_io_keras_layer_part(parts, &cly_layers_concatenate, &config, nodes, count);
}

static clayer_node *activate(cly_io_keras_parts *parts, clayer_node *node, const char *activation) {
    const clayer_activation_config config = {.struct_size = sizeof(config), .activation = activation};
    return cly_io_keras_layer_part(parts, &cly_layers_activation, &config, &node, 1);
}

/* The axis of an argument and its size, which must be known; the batch is refused. */
static clayer_status find_axis(cly_io_keras_operation_call *call, int64_t axis, int *axis_out, int64_t *size_out) {
    const clayer_shape *shape = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_read_shape(call, 0, &shape));
    axis += axis < 0 ? shape->rank : 0;
    if (axis < 1 || axis >= shape->rank || shape->dims[axis] < 1) {
        return cly_io_keras_operation_fail(call, "along axis %lld, which must be of a known size and not the batch",
                                           (long long)axis);
    }
    *axis_out = (int)axis;
    *size_out = shape->dims[axis];
done:
    return status;
}

/* The call's first tensor as images (N, rows, columns, channels), by one of the names. */
static clayer_status read_images(cly_io_keras_operation_call *call, const char *name, const clayer_shape **shape_out) {
    const cJSON *format = cly_io_keras_argument(call, -1, "data_format", NULL);
    clayer_status status = CLAYER_OK;
    if (cly_io_keras_history(cly_io_keras_argument(call, 0, name, "images")) == NULL) {
        return cly_io_keras_operation_fail(call, "its first argument is no tensor");
    }
    call->tensors++;
    CLY_TRY(cly_io_keras_read_shape(call, 0, shape_out));
    if ((*shape_out)->rank != 4 || (cJSON_IsString(format) && strcmp(format->valuestring, "channels_last") != 0)) {
        return cly_io_keras_operation_fail(call, "of other than batches of images, channels_last");
    }
done:
    return status;
}

/* ---- gather, roll ---- */

/* Entry i of constant indices; negative ones count from the end. */
static int64_t index_at(const cly_io_keras_operand *indices, int64_t i, int64_t size) {
    const double own = indices->source == CLY_SOURCE_NUMBER ? indices->number : indices->values[i];
    return (int64_t)own + (own < 0 ? size : 0);
}

clayer_status cly_io_keras_build_gather(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    cly_io_keras_operand indices = {.source = CLY_SOURCE_INPUT};
    clayer_node *nodes[MOST_PARTS], *y = NULL;
    clayer_status status = CLAYER_OK;
    int64_t axis = 0, size = 0, count = 0, start = 0;
    int place = 0;
    size_t made = 0;
    (void)entry;
    CLY_TRY(cly_io_keras_read_tensor(call));
    const cJSON *value = cly_io_keras_argument(call, 1, "indices", NULL);
    const cJSON *batches = cly_io_keras_argument(call, -1, "batch_dims", NULL);
    if (!cly_io_keras_integer(cly_io_keras_unwrap(cly_io_keras_argument(call, -1, "axis", NULL)), &axis) ||
        (cJSON_IsNumber(batches) && batches->valuedouble != 0)) {
        return cly_io_keras_operation_fail(call, "other than along one axis");
    }
    CLY_TRY(find_axis(call, axis, &place, &size));
    CLY_TRY(cly_io_keras_read_operand(call, value, &indices));
    if (indices.source == CLY_SOURCE_INPUT || indices.shape.rank > 1) {
        status = cly_io_keras_operation_fail(call, "its indices are not constant, in one list");
        goto done;
    }
    const bool single = indices.source == CLY_SOURCE_NUMBER;
    cly_io_keras_parts parts = cly_io_keras_open_parts(call);
    count = single ? 1 : indices.shape.dims[0];
    for (int64_t i = 0; i < count; i++) { /* a cut for each run of neighbours */
        const int64_t index = index_at(&indices, i, size), next = i + 1 < count ? index_at(&indices, i + 1, size) : -1;
        start = i == 0 || index_at(&indices, i - 1, size) + 1 != index ? index : start;
        if (index < 0 || index >= size || made == MOST_PARTS) {
            status = cly_base_fail(CLAYER_UNSUPPORTED, made == MOST_PARTS ? "of too many runs of indices"
                                                                          : "an index is outside of its axis");
            parts.status = parts.status == CLAYER_OK ? status : parts.status;
        } else if (next != index + 1) {
            nodes[made++] = cly_io_keras_cut(&parts, parts.inputs[0], place, start, single ? 0 : index - start + 1);
        }
    }
    y = concatenate(&parts, nodes, made, place);
    CLY_TRY(cly_io_keras_close_parts(&parts, &y, 1, layer_out));
done:
    free(indices.values);
    return status;
}

clayer_status cly_io_keras_build_roll(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    clayer_shape shifts, axes;
    int places[CLAYER_MAX_RANK];
    int64_t sizes[CLAYER_MAX_RANK];
    bool none[2] = {true, true};
    clayer_status status = CLAYER_OK;
    (void)entry;
    CLY_TRY(cly_io_keras_read_tensor(call));
    CLY_TRY(cly_io_keras_read_axes(call, cly_io_keras_argument(call, 1, "shift", NULL), &shifts, &none[0]));
    CLY_TRY(cly_io_keras_read_axes(call, cly_io_keras_argument(call, 2, "axis", NULL), &axes, &none[1]));
    if (none[0] || none[1] || shifts.rank != axes.rank) {
        return cly_io_keras_operation_fail(call, "without a shift for each axis");
    }
    for (int i = 0; i < axes.rank; i++) {
        CLY_TRY(find_axis(call, axes.dims[i], &places[i], &sizes[i]));
    }
    cly_io_keras_parts parts = cly_io_keras_open_parts(call);
    clayer_node *y = parts.inputs[0];
    for (int i = 0; i < axes.rank; i++) {
        const int64_t shift = (shifts.dims[i] % sizes[i] + sizes[i]) % sizes[i];
        if (shift != 0) {
            clayer_node *const both[2] = {cly_io_keras_cut(&parts, y, places[i], sizes[i] - shift, shift),
                                          cly_io_keras_cut(&parts, y, places[i], 0, sizes[i] - shift)};
            y = concatenate(&parts, both, 2, places[i]);
        }
    }
    CLY_TRY(cly_io_keras_close_parts(&parts, &y, 1, layer_out));
done:
    return status;
}

/* ---- channels ---- */

/* x / (bias + alpha times the sum of squares of the channels within depth_radius) to the power of beta. */
clayer_status cly_io_keras_build_response(cly_io_keras_operation_call *call, const row *entry,
                                          clayer_layer **layer_out) {
    static const char *const names[4] = {"depth_radius", "bias", "alpha", "beta"};
    double numbers[4] = {5, 1, 1, 0.5};
    const clayer_shape *shape = NULL;
    clayer_status status = CLAYER_OK;
    (void)entry;
    CLY_TRY(read_images(call, "input", &shape));
    for (int i = 0; i < 4; i++) {
        const cJSON *value = cly_io_keras_argument(call, i + 1, names[i], NULL);
        numbers[i] = cJSON_IsNumber(value) ? value->valuedouble : numbers[i];
    }
    const int64_t radius = (int64_t)numbers[0];
    if (numbers[0] < 0 || numbers[0] > INT16_MAX || (double)radius != numbers[0]) {
        return cly_io_keras_operation_fail(call, "its depth_radius is no size");
    }
    const clayer_pooling_config pool = {.struct_size = sizeof(pool),
                                        .pool_size = {1, 1, 2 * radius + 1},
                                        .strides = {1, 1, 1},
                                        .data_format = "channels_last"};
    const cly_layers_operation_config pad = {
        .kind = CLY_OPERATION_PAD, .axes = {.rank = 4}, .pads = {[3] = {radius, radius}}};
    const clayer_shape last = {.rank = 1, .dims = {-1}};
    cly_io_keras_parts parts = cly_io_keras_open_parts(call);
    clayer_node *x = parts.inputs[0], *sum = cly_io_keras_unary(&parts, CLY_SQUARE, x);
    sum = cly_io_keras_part(&parts, pad, &sum, 1);
    sum = cly_io_keras_over(&parts, CLY_OPERATION_EXPAND, sum, &last, false);
    sum = cly_io_keras_layer_part(&parts, &cly_layers_average_pooling3d, &pool, &sum, 1);
    sum = cly_io_keras_over(&parts, CLY_OPERATION_SQUEEZE, sum, &last, false);
    sum = cly_io_keras_by_number(&parts, CLY_MULTIPLY, sum, numbers[2] * (double)(2 * radius + 1));
    sum = cly_io_keras_by_number(&parts, CLY_ADD, sum, numbers[1]);
    sum = cly_io_keras_by_number(&parts, CLY_POWER, sum, -numbers[3]);
    clayer_node *const y = cly_io_keras_binary(&parts, CLY_MULTIPLY, x, sum);
    CLY_TRY(cly_io_keras_close_parts(&parts, &y, 1, layer_out));
done:
    return status;
}

/* crelu: relu(x) beside relu(-x); glu: the first half of the axis gated by the second. */
clayer_status cly_io_keras_build_halves(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    int64_t axis = -1, size = 0;
    int place = 0;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_read_tensor(call));
    (void)cly_io_keras_integer(cly_io_keras_unwrap(cly_io_keras_argument(call, 1, "axis", NULL)), &axis);
    CLY_TRY(find_axis(call, axis, &place, &size));
    cly_io_keras_parts parts = cly_io_keras_open_parts(call);
    clayer_node *x = parts.inputs[0], *y = NULL;
    if (entry->text != NULL) {
        clayer_node *const gate = activate(&parts, cly_io_keras_cut(&parts, x, place, size / 2, size / 2), entry->text);
        y = cly_io_keras_binary(&parts, CLY_MULTIPLY, cly_io_keras_cut(&parts, x, place, 0, size / 2), gate);
    } else {
        clayer_node *const negative = cly_io_keras_by_number(&parts, CLY_MULTIPLY, x, -1);
        clayer_node *const both[2] = {activate(&parts, x, "relu"), activate(&parts, negative, "relu")};
        y = concatenate(&parts, both, 2, place);
    }
    if (entry->text != NULL && size % 2 != 0 && parts.status == CLAYER_OK) {
        parts.status = cly_base_fail(CLAYER_UNSUPPORTED, "an axis of %lld has no halves", (long long)size);
    }
    CLY_TRY(cly_io_keras_close_parts(&parts, &y, 1, layer_out));
done:
    return status;
}

/* ---- images ---- */

/* flip_left_right, flip_up_down: the axis that is turned round. */
clayer_status cly_io_keras_build_mirror(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    cly_layers_operation_config config = {.kind = CLY_OPERATION_FLIP, .axes = {.rank = 1, .dims = {entry->id}}};
    const clayer_shape *shape = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(read_images(call, "image", &shape));
    CLY_TRY(cly_io_keras_make_operation(call, &config, layer_out));
done:
    return status;
}

/* (x - mean) over the deviation of each image, which is 1 over the root of its number of values at least. */
clayer_status cly_io_keras_build_standardize(cly_io_keras_operation_call *call, const row *entry,
                                             clayer_layer **layer_out) {
    const clayer_shape axes = {.rank = 3, .dims = {1, 2, 3}}, *shape = NULL;
    clayer_status status = CLAYER_OK;
    (void)entry;
    CLY_TRY(read_images(call, "image", &shape));
    const int64_t count = cly_layers_product(shape, 1, 4);
    if (count < 1) {
        return cly_io_keras_operation_fail(call, "of images whose size is not known");
    }
    cly_io_keras_parts parts = cly_io_keras_open_parts(call);
    clayer_node *x = parts.inputs[0], *mean = cly_io_keras_over(&parts, CLY_OPERATION_MEAN, x, &axes, true);
    clayer_node *deviation = cly_io_keras_over(&parts, CLY_OPERATION_DEVIATION, x, &axes, true);
    deviation = cly_io_keras_by_number(&parts, CLY_MAXIMUM, deviation, 1 / sqrt((double)count));
    clayer_node *const y =
        cly_io_keras_binary(&parts, CLY_DIVIDE, cly_io_keras_binary(&parts, CLY_SUBTRACT, x, mean), deviation);
    CLY_TRY(cly_io_keras_close_parts(&parts, &y, 1, layer_out));
done:
    return status;
}

/* Where rows and columns begin and how many there are in the end: 0 in Keras 3 for what the other side says. */
static clayer_status read_frame(cly_io_keras_operation_call *call, const char *const names[2][4],
                                const clayer_shape *shape, bool pads, int64_t before[2], int64_t target[2]) {
    for (int i = 0; i < 2; i++) {
        int64_t behind = 0;
        const int64_t size = shape->dims[1 + i];
        const bool starts = cly_io_keras_integer(cly_io_keras_argument(call, -1, names[i][0], names[i][1]), &before[i]);
        const bool ends = cly_io_keras_integer(cly_io_keras_argument(call, -1, names[i][2], NULL), &behind);
        const bool sized = cly_io_keras_integer(cly_io_keras_argument(call, -1, names[i][3], NULL), &target[i]);
        if (!starts && ends && sized) {
            before[i] = pads ? target[i] - size - behind : size - target[i] - behind;
        } else if (starts && ends && !sized) {
            target[i] = pads ? before[i] + size + behind : size - before[i] - behind;
        }
        const bool said = (int)starts + (int)ends + (int)sized >= 2;
        const int64_t left = pads ? target[i] - size - before[i] : size - target[i] - before[i];
        if (!said || size < 1 || before[i] < 0 || left < 0 || target[i] < 1) {
            return cly_io_keras_operation_fail(call, "its frame does not fit %s of %lld", i == 0 ? "rows" : "columns",
                                               (long long)size);
        }
    }
    return CLAYER_OK;
}

/* crop_to_bounding_box, crop_images and the same for pad: entry->id is the operation that does it. */
clayer_status cly_io_keras_build_frame(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    static const char *const crops[2][4] = {{"offset_height", "top_cropping", "bottom_cropping", "target_height"},
                                            {"offset_width", "left_cropping", "right_cropping", "target_width"}};
    static const char *const paddings[2][4] = {{"offset_height", "top_padding", "bottom_padding", "target_height"},
                                               {"offset_width", "left_padding", "right_padding", "target_width"}};
    cly_layers_operation_config config = {.kind = (cly_layers_operation_kind)entry->id};
    const bool pads = config.kind == CLY_OPERATION_PAD;
    const clayer_shape *shape = NULL;
    int64_t before[2] = {0, 0}, target[2] = {0, 0};
    clayer_status status = CLAYER_OK;
    CLY_TRY(read_images(call, "image", &shape));
    CLY_TRY(read_frame(call, pads ? paddings : crops, shape, pads, before, target));
    for (int i = 0; i < 2; i++) {
        config.slices[1 + i] =
            (cly_layers_slice){.has_start = true, .start = before[i], .has_stop = true, .stop = before[i] + target[i]};
        config.pads[1 + i][0] = before[i];
        config.pads[1 + i][1] = target[i] - before[i] - shape->dims[1 + i];
    }
    config.slice_count = 3;
    config.axes.rank = 4;
    CLY_TRY(cly_io_keras_make_operation(call, &config, layer_out));
done:
    return status;
}
