/* io/keras_operation_pool.c: poolings as operations, which become the layers of that name: tf.nn.max_pool and its like,
 * keras/src/ops/nn.py. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "io/keras_operation.h"

typedef cly_io_keras_operation_row row;

/* Spatial axes: what the function's name says, or the input, or the list of sizes. */
static int find_rank(const cly_io_keras_operation_call *call, const row *entry, const cJSON *input,
                     const cJSON *window) {
    const cJSON *shape = cly_io_keras_unwrap(
        cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(input, "config"), "shape"));
    if (entry->id > 0) {
        return entry->id;
    }
    if (call->input_count > 0) {
        return call->inputs[0]->shape.rank - 2;
    }
    return cJSON_IsArray(shape) ? cJSON_GetArraySize(shape) - 2
                                : cJSON_GetArraySize(window) - (call->generation == 2 ? 2 : 0);
}

/* An integer, one an axis, or of TensorFlow one for the batch and the channels too. */
static clayer_status read_window(cly_io_keras_operation_call *call, const char *name, const cJSON *value, int rank,
                                 bool channels_first, int64_t sizes[3]) {
    clayer_shape list = {.rank = 1};
    const cJSON *sized = cly_io_keras_unwrap(value);
    bool fits = cly_io_keras_integer(sized, &list.dims[0]) || cly_io_keras_shape(sized, &list);
    const bool whole = fits && call->generation == 2 && list.rank == rank + 2;
    const int first = !whole ? 0 : channels_first ? 2 : 1;
    fits = fits && (list.rank == 1 || list.rank == rank || whole);
    fits = fits && (!whole || (list.dims[0] == 1 && list.dims[channels_first ? 1 : rank + 1] == 1));
    for (int i = 0; fits && i < rank; i++) {
        sizes[i] = list.dims[list.rank == 1 ? 0 : first + i];
        fits = sizes[i] > 0;
    }
    return fits ? CLAYER_OK
                : cly_io_keras_operation_fail(call, "its %s is no size of the spatial axes alone, which are %d", name,
                                              rank);
}

clayer_status cly_io_keras_build_pool(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    static const cly_layers_class *const classes[2][3] = {
        {&cly_layers_max_pooling1d, &cly_layers_max_pooling2d, &cly_layers_max_pooling3d},
        {&cly_layers_average_pooling1d, &cly_layers_average_pooling2d, &cly_layers_average_pooling3d}};
    clayer_pooling_config config = {.struct_size = sizeof(config), .name = call->layer_name};
    const cJSON *input = cly_io_keras_argument(call, 0, "input", "value");
    const cJSON *window = cly_io_keras_argument(call, -1, "ksize", "pool_size");
    const cJSON *strides = cly_io_keras_argument(call, -1, "strides", NULL);
    const cJSON *padding = cly_io_keras_argument(call, -1, "padding", NULL);
    const cJSON *format = cly_io_keras_argument(call, -1, "data_format", NULL);
    const char *word = cJSON_IsString(format) ? format->valuestring : NULL;
    const bool channels_first = word != NULL && (strncmp(word, "NC", 2) == 0 || strcmp(word, "channels_first") == 0);
    const int rank = find_rank(call, entry, input, cly_io_keras_unwrap(window));
    clayer_status status = CLAYER_OK;
    if (cly_io_keras_history(input) == NULL || rank < 1 || rank > 3) {
        return cly_io_keras_operation_fail(
            call, rank < 1 || rank > 3 ? "of other than one to three spatial axes" : "its first argument is no tensor");
    }
    if (!cJSON_IsString(padding) ||
        (strcasecmp(padding->valuestring, "same") != 0 && strcasecmp(padding->valuestring, "valid") != 0)) {
        return cly_io_keras_operation_fail(call, "its padding is neither SAME nor VALID");
    }
    call->tensors++;
    config.padding = strcasecmp(padding->valuestring, "same") == 0 ? "same" : "valid";
    config.data_format = channels_first                          ? "channels_first"
                         : word != NULL || call->generation == 2 ? "channels_last"
                                                                 : NULL;
    CLY_TRY(read_window(call, "window", window, rank, channels_first, config.pool_size));
    if (strides != NULL && !cJSON_IsNull(strides)) {
        CLY_TRY(read_window(call, "strides", strides, rank, channels_first, config.strides));
    }
    CLY_TRY(
        cly_layers_create(call->context, classes[strcmp(entry->text, "average") == 0][rank - 1], &config, layer_out));
done:
    return status;
}
