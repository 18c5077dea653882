/* io/keras_operation_axes.c: layers that add up over axes, move and cut them, pad and resize, from calls of operations.
 * Arguments are those of TensorFlow's functions and of keras/src/ops/{numpy, nn, core, image}.py. */
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "io/keras_operation.h"
#include "layers/resampling.h"

typedef cly_io_keras_operation_row row;

/* ---- over axes ---- */

clayer_status cly_io_keras_build_sum(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    cly_layers_operation_config config = {.kind = (cly_layers_operation_kind)entry->id};
    clayer_status status = CLAYER_OK;
    if (cly_io_keras_is_list(call)) {
        return cly_io_keras_build_merge(call, config.kind, layer_out);
    }
    CLY_TRY(cly_io_keras_read_tensor(call));
    CLY_TRY(cly_io_keras_read_axes(call, cly_io_keras_argument(call, 1, "axis", NULL), &config.axes, &config.all_axes));
    config.keepdims = cJSON_IsTrue(cly_io_keras_argument(call, 2, "keepdims", NULL));
    const cJSON *initial = call->generation == 3 ? cly_io_keras_argument(call, 3, "initial", NULL) : NULL;
    if (initial != NULL && !cJSON_IsNull(initial)) {
        return cly_io_keras_operation_fail(call, "its argument 'initial' is not supported");
    }
    (void)cly_io_keras_argument(call, -1, "output_type", NULL); /* of places, which are floats here */
    CLY_TRY(cly_io_keras_make_operation(call, &config, layer_out));
done:
    return status;
}

clayer_status cly_io_keras_build_cumsum(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    cly_layers_operation_config config = {.kind = (cly_layers_operation_kind)entry->id};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_read_tensor(call));
    CLY_TRY(cly_io_keras_read_axes(call, cly_io_keras_argument(call, 1, "axis", NULL), &config.axes, &config.all_axes));
    config.exclusive = cJSON_IsTrue(cly_io_keras_argument(call, -1, "exclusive", NULL));
    config.back = cJSON_IsTrue(cly_io_keras_argument(call, -1, "reverse", NULL));
    CLY_TRY(cly_io_keras_make_operation(call, &config, layer_out));
done:
    return status;
}

/* l2_normalize bounds the sum of squares, keras.ops.normalize its root, by 1e-7 where nothing is said. */
clayer_status cly_io_keras_build_unit(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    cly_layers_operation_config config = {.kind = (cly_layers_operation_kind)entry->id};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_read_tensor(call));
    const bool keras2 = call->generation == 2;
    const cJSON *axis = cly_io_keras_argument(call, 1, "axis", NULL);
    const cJSON *order = keras2 ? NULL : cly_io_keras_argument(call, 2, "order", NULL);
    const cJSON *epsilon = cly_io_keras_argument(call, keras2 ? 2 : 3, "epsilon", NULL);
    const double least = cJSON_IsNumber(epsilon) ? epsilon->valuedouble : keras2 ? 1e-12 : 1e-7;
    CLY_TRY(cly_io_keras_read_axes(call, axis, &config.axes, &config.all_axes));
    if (cJSON_IsNumber(order) && order->valuedouble != 2) {
        return cly_io_keras_operation_fail(call, "of another order than 2");
    }
    config.numbers[0] = keras2 ? least : least * least;
    CLY_TRY(cly_io_keras_make_operation(call, &config, layer_out));
done:
    return status;
}

/* ---- places of axes ---- */

clayer_status cly_io_keras_build_view(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    cly_layers_operation_config config = {.kind = (cly_layers_operation_kind)entry->id};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_read_tensor(call));
    CLY_TRY(cly_io_keras_read_axes(call, cly_io_keras_argument(call, 1, "axis", NULL), &config.axes, &config.all_axes));
    CLY_TRY(cly_io_keras_make_operation(call, &config, layer_out));
done:
    return status;
}

/* swapaxes, moveaxis: two integers */
clayer_status cly_io_keras_build_places(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    static const char *const names[2][2] = {{"axis1", "source"}, {"axis2", "destination"}};
    cly_layers_operation_config config = {.kind = (cly_layers_operation_kind)entry->id, .axes = {.rank = 2}};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_read_tensor(call));
    for (int k = 0; k < 2; k++) {
        const cJSON *value = cly_io_keras_argument(call, k + 1, names[k][0], names[k][1]);
        if (!cly_io_keras_integer(cly_io_keras_unwrap(value), &config.axes.dims[k])) {
            return cly_io_keras_operation_fail(call, "its axes are not two integers");
        }
    }
    CLY_TRY(cly_io_keras_make_operation(call, &config, layer_out));
done:
    return status;
}

clayer_status cly_io_keras_build_transpose(cly_io_keras_operation_call *call, const row *entry,
                                           clayer_layer **layer_out) {
    cly_layers_operation_config config = {.kind = (cly_layers_operation_kind)entry->id};
    bool none = true;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_read_tensor(call));
    CLY_TRY(cly_io_keras_read_axes(call, cly_io_keras_argument(call, 1, "perm", "axes"), &config.axes, &none));
    (void)cly_io_keras_argument(call, -1, "conjugate", NULL); /* of complex numbers */
    if (none) {
        return cly_io_keras_operation_fail(call, "all axes turned round, the batch too, is not supported");
    }
    CLY_TRY(cly_io_keras_make_operation(call, &config, layer_out));
done:
    return status;
}

/* The batch must stay the batch: -1 in front. */
clayer_status cly_io_keras_build_reshape(cly_io_keras_operation_call *call, const row *entry,
                                         clayer_layer **layer_out) {
    clayer_reshape_config config = {.struct_size = sizeof(config), .name = call->layer_name};
    clayer_shape shape = {.rank = 0};
    clayer_status status = CLAYER_OK;
    (void)entry;
    CLY_TRY(cly_io_keras_read_tensor(call));
    const cJSON *value = cly_io_keras_argument(call, 1, "shape", "newshape");
    if (cly_io_keras_has_sizes(call)) {
        cly_layers_operation_config sized = {.kind = CLY_OPERATION_RESHAPE};
        CLY_TRY(cly_io_keras_read_sizes(call, value, &sized.sizes[0]));
        return cly_io_keras_make_operation(call, &sized, layer_out);
    }
    if (!cly_io_keras_shape(cly_io_keras_unwrap(value), &shape) || shape.rank < 2 || shape.dims[0] != -1) {
        return cly_io_keras_operation_fail(call, "its shape must be a list of integers that begins with -1, the batch");
    }
    config.target_shape.rank = shape.rank - 1;
    memcpy(config.target_shape.dims, shape.dims + 1, (size_t)(shape.rank - 1) * sizeof(shape.dims[0]));
    CLY_TRY(cly_layers_create(call->context, &cly_layers_reshape, &config, layer_out));
done:
    return status;
}

/* depth_to_space, space_to_depth of channels_last. */
clayer_status cly_io_keras_build_block(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    cly_layers_operation_config config = {.kind = (cly_layers_operation_kind)entry->id};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_read_tensor(call));
    const cJSON *block = cly_io_keras_argument(call, 1, "block_size", NULL);
    const cJSON *format = cly_io_keras_argument(call, 2, "data_format", NULL);
    if (!cly_io_keras_integer(block, &config.block) || config.block < 1 || config.block > INT16_MAX) {
        return cly_io_keras_operation_fail(call, "its block_size is no size");
    }
    if (cJSON_IsString(format) && strcmp(format->valuestring, "NHWC") != 0 &&
        strcmp(format->valuestring, "channels_last") != 0) {
        return cly_io_keras_operation_fail(call, "its data_format %s is not supported", format->valuestring);
    }
    CLY_TRY(cly_io_keras_make_operation(call, &config, layer_out));
done:
    return status;
}

clayer_status cly_io_keras_build_tile(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    cly_layers_operation_config config = {.kind = (cly_layers_operation_kind)entry->id};
    bool none = true;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_read_tensor(call));
    CLY_TRY(cly_io_keras_read_axes(call, cly_io_keras_argument(call, 1, "multiples", "repeats"), &config.axes, &none));
    CLY_TRY(cly_io_keras_make_operation(call, &config, layer_out));
done:
    return status;
}

clayer_status cly_io_keras_build_repeat(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    cly_layers_operation_config config = {.kind = (cly_layers_operation_kind)entry->id};
    bool none = true;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_read_tensor(call));
    const cJSON *repeats = cly_io_keras_argument(call, 1, "repeats", NULL);
    CLY_TRY(cly_io_keras_read_axes(call, cly_io_keras_argument(call, 2, "axis", NULL), &config.axes, &none));
    if (none || config.axes.rank != 1 || !cly_io_keras_integer(cly_io_keras_unwrap(repeats), &config.block)) {
        return cly_io_keras_operation_fail(call, "by one number along one axis alone");
    }
    CLY_TRY(cly_io_keras_make_operation(call, &config, layer_out));
done:
    return status;
}

/* ---- parts and edges ---- */

clayer_status cly_io_keras_build_getitem(cly_io_keras_operation_call *call, const row *entry,
                                         clayer_layer **layer_out) {
    cly_layers_operation_config config = {.kind = (cly_layers_operation_kind)entry->id};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_read_tensor(call));
    CLY_TRY(cly_io_keras_read_slices(call, cly_io_keras_argument(call, 1, "slice_spec", "key"), &config));
    CLY_TRY(cly_io_keras_make_operation(call, &config, layer_out));
done:
    return status;
}

clayer_status cly_io_keras_build_flip(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    cly_layers_operation_config config = {.kind = (cly_layers_operation_kind)entry->id};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_read_tensor(call));
    CLY_TRY(cly_io_keras_read_axes(call, cly_io_keras_argument(call, 1, "axis", NULL), &config.axes, &config.all_axes));
    CLY_TRY(cly_io_keras_make_operation(call, &config, layer_out));
done:
    return status;
}

/* tf.slice: where each axis begins and how long it is, -1 for all that is left. */
clayer_status cly_io_keras_build_slice(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    cly_layers_operation_config config = {.kind = (cly_layers_operation_kind)entry->id};
    clayer_shape begin, size;
    bool none[2] = {true, true};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_read_tensor(call));
    CLY_TRY(cly_io_keras_read_axes(call, cly_io_keras_argument(call, 1, "begin", NULL), &begin, &none[0]));
    CLY_TRY(cly_io_keras_read_axes(call, cly_io_keras_argument(call, 2, "size", NULL), &size, &none[1]));
    if (none[0] || none[1] || begin.rank != size.rank) {
        return cly_io_keras_operation_fail(call, "it must say where each axis begins and how long it is");
    }
    config.slice_count = (size_t)begin.rank;
    for (int i = 0; i < begin.rank; i++) {
        config.slices[i] = (cly_layers_slice){.kind = CLY_SLICE_RANGE,
                                              .has_start = true,
                                              .start = begin.dims[i],
                                              .has_stop = size.dims[i] != -1,
                                              .stop = begin.dims[i] + size.dims[i]};
    }
    CLY_TRY(cly_io_keras_make_operation(call, &config, layer_out));
done:
    return status;
}

/* Zeros around rows and columns are a layer of Keras, which convolutions take in. */
static bool is_zero_padding(const cly_layers_operation_config *config) {
    const int rank = config->axes.rank;
    return config->edge == CLY_EDGE_FILL && config->numbers[0] == 0 && rank >= 3 && rank <= 5 &&
           config->pads[0][0] == 0 && config->pads[0][1] == 0 && config->pads[rank - 1][0] == 0 &&
           config->pads[rank - 1][1] == 0;
}

static clayer_status make_zero_padding(cly_io_keras_operation_call *call, const cly_layers_operation_config *config,
                                       clayer_layer **layer_out) {
    static const cly_layers_class *const classes[] = {&cly_layers_zero_padding1d, &cly_layers_zero_padding2d,
                                                      &cly_layers_zero_padding3d};
    const int rank = config->axes.rank - 2;
    clayer_zero_padding_config padding = {.struct_size = sizeof(padding),
                                          .name = call->layer_name,
                                          .has_padding = true,
                                          .data_format = rank == 1 ? NULL : "channels_last"};
    for (int i = 0; i < rank; i++) {
        padding.padding[i][0] = config->pads[i + 1][0];
        padding.padding[i][1] = config->pads[i + 1][1];
    }
    return cly_layers_create(call->context, classes[rank - 1], &padding, layer_out);
}

/* [[before, after], ...], and the mode by its name, which Keras 2 writes in capitals. */
static clayer_status read_pads(cly_io_keras_operation_call *call, cly_layers_operation_config *config) {
    static const char *const modes[] = {"constant", "reflect", "symmetric"}; /* in the order of cly_ops_edge */
    const cJSON *pads = cly_io_keras_unwrap(cly_io_keras_argument(call, 1, "paddings", "pad_width")), *pair = NULL;
    const cJSON *mode = cly_io_keras_argument(call, 2, "mode", NULL);
    cJSON_ArrayForEach(pair, pads) {
        clayer_shape both = {.rank = 0};
        if (config->axes.rank == CLAYER_MAX_RANK || !cly_io_keras_shape(cly_io_keras_unwrap(pair), &both) ||
            both.rank != 2 || both.dims[0] < 0 || both.dims[1] < 0 || both.dims[0] > INT32_MAX ||
            both.dims[1] > INT32_MAX) {
            return cly_io_keras_operation_fail(call, "its paddings are no pairs of sizes");
        }
        memcpy(config->pads[config->axes.rank++], both.dims, sizeof(config->pads[0]));
    }
    if (config->axes.rank == 0) {
        return cly_io_keras_operation_fail(call, "its paddings are no pairs of sizes");
    }
    for (size_t i = 0; i < CLY_COUNT(modes); i++) {
        if (!cJSON_IsString(mode) || strcasecmp(mode->valuestring, modes[i]) == 0) {
            config->edge = (cly_ops_edge)i;
            return CLAYER_OK;
        }
    }
    return cly_io_keras_operation_fail(call, "its mode %s is not supported", mode->valuestring);
}

clayer_status cly_io_keras_build_pad(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    cly_layers_operation_config config = {.kind = (cly_layers_operation_kind)entry->id};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_read_tensor(call));
    CLY_TRY(read_pads(call, &config));
    const cJSON *value = cly_io_keras_unwrap(cly_io_keras_argument(call, 3, "constant_values", NULL));
    if (value != NULL && !cJSON_IsNull(value) && !cJSON_IsNumber(value)) {
        return cly_io_keras_operation_fail(call, "its constant_values is no number");
    }
    config.numbers[0] = cJSON_IsNumber(value) ? value->valuedouble : 0;
    CLY_TRY(is_zero_padding(&config) ? make_zero_padding(call, &config, layer_out)
                                     : cly_io_keras_make_operation(call, &config, layer_out));
done:
    return status;
}

/* ---- images ---- */

/* To the sizes of another tensor. */
static clayer_status build_sized(cly_io_keras_operation_call *call, const cJSON *size, const cJSON *method,
                                 bool antialias, clayer_layer **layer_out) {
    cly_layers_operation_config config = {.kind = CLY_OPERATION_RESIZE, .antialias = antialias};
    const char *name = cJSON_IsString(method) ? method->valuestring : "bilinear";
    clayer_status status = CLAYER_OK;
    int index = 0;
    while (cly_layers_interpolations[index] != NULL && strcmp(cly_layers_interpolations[index], name) != 0) {
        index++;
    }
    if (cly_layers_interpolations[index] == NULL) {
        return cly_io_keras_operation_fail(call, "its method %s is not supported", name);
    }
    config.method = (cly_ops_resample_method)index;
    CLY_TRY(cly_io_keras_read_sizes(call, size, &config.sizes[0]));
    CLY_TRY(cly_io_keras_make_operation(call, &config, layer_out));
done:
    return status;
}

clayer_status cly_io_keras_build_resize(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    clayer_resizing_config config = {.struct_size = sizeof(config), .name = call->layer_name};
    const bool keras2 = call->generation == 2;
    clayer_shape size = {.rank = 0};
    clayer_status status = CLAYER_OK;
    (void)entry;
    const cJSON *images = cly_io_keras_argument(call, 0, "images", NULL);
    const cJSON *value = cly_io_keras_argument(call, 1, "size", NULL);
    const bool sized = cly_io_keras_has_sizes(call);
    const cJSON *method = cly_io_keras_argument(call, 2, "method", "interpolation");
    const cJSON *format = cly_io_keras_argument(call, -1, "data_format", NULL);
    config.antialias = cJSON_IsTrue(cly_io_keras_argument(call, keras2 ? 4 : 3, "antialias", NULL));
    config.crop_to_aspect_ratio = cJSON_IsTrue(cly_io_keras_argument(call, -1, "crop_to_aspect_ratio", NULL));
    config.pad_to_aspect_ratio = cJSON_IsTrue(cly_io_keras_argument(call, -1, "pad_to_aspect_ratio", NULL));
    const bool keeps_ratio = keras2 && cJSON_IsTrue(cly_io_keras_argument(call, 3, "preserve_aspect_ratio", NULL));
    const cJSON *fill_mode = cly_io_keras_argument(call, -1, "fill_mode", NULL);
    const cJSON *fill_value = cly_io_keras_argument(call, -1, "fill_value", NULL);
    const bool fits = sized || (cly_io_keras_shape(cly_io_keras_unwrap(value), &size) && size.rank == 2);
    if (cly_io_keras_history(images) == NULL || !fits || keeps_ratio) {
        return cly_io_keras_operation_fail(call, keeps_ratio ? "its argument 'preserve_aspect_ratio' is not supported"
                                                             : "its arguments must be a tensor and two sizes");
    }
    call->tensors++;
    if (sized) {
        return build_sized(call, value, method, config.antialias, layer_out);
    }
    config.height = size.dims[0];
    config.width = size.dims[1];
    config.interpolation = cJSON_IsString(method) ? method->valuestring : NULL;
    config.data_format = cJSON_IsString(format) ? format->valuestring : keras2 ? "channels_last" : NULL;
    config.fill_mode = cJSON_IsString(fill_mode) ? fill_mode->valuestring : NULL;
    config.fill_value = cJSON_IsNumber(fill_value) ? fill_value->valuedouble : 0;
    CLY_TRY(cly_layers_create(call->context, &cly_layers_resizing, &config, layer_out));
done:
    return status;
}

/* ---- nothing to compute ---- */

static bool is_float(const cJSON *dtype) {
    static const char *const names[] = {"float32", "float16", "bfloat16", "float64"};
    for (size_t i = 0; cJSON_IsString(dtype) && i < CLY_COUNT(names); i++) {
        if (strcmp(dtype->valuestring, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Truth values are 0 and 1 already, and models of mixed precision run in float32. */
clayer_status cly_io_keras_build_same(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    cly_layers_operation_config config = {.kind = (cly_layers_operation_kind)entry->id};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_read_tensor(call));
    const cJSON *dtype = cly_io_keras_argument(call, 1, "dtype", NULL);
    if (dtype != NULL && !is_float(dtype)) {
        return cly_io_keras_operation_fail(call, "a cast to %s is not supported",
                                           cJSON_IsString(dtype) ? dtype->valuestring : "something else than float32");
    }
    CLY_TRY(cly_io_keras_make_operation(call, &config, layer_out));
done:
    return status;
}
