/* io/keras_operation_parts.c: operations that are made of several others: a small model stands in the place of such a
 * call, and of one with several outputs. Files and summaries show it as the one operation that it is. */
#include "base/error.h"
#include "io/keras_operation.h"
#include "model/model.h"

cly_io_keras_parts cly_io_keras_open_parts(cly_io_keras_operation_call *call) {
    cly_io_keras_parts parts = {.call = call};
    parts.status = call->input_count > 0 ? clayer_model_create(call->context, call->layer_name, &parts.model)
                                         : cly_base_fail(CLAYER_UNSUPPORTED, "outside of a model it is not supported");
    for (size_t i = 0; i < call->input_count && parts.status == CLAYER_OK; i++) {
        const clayer_shape *shape = &call->inputs[i]->shape;
        parts.status =
            shape->rank < 2 || i == CLY_LAYERS_MAX_INPUTS
                ? cly_base_fail(CLAYER_UNSUPPORTED, "of a tensor without axes behind the batch it is not supported")
                : clayer_add_input(parts.model, shape->rank - 1, shape->dims + 1, &parts.inputs[i]);
    }
    return parts;
}

clayer_node *cly_io_keras_layer_part(cly_io_keras_parts *parts, const cly_layers_class *layer_class, const void *config,
                                     clayer_node *const *nodes, size_t count) {
    clayer_layer *layer = NULL;
    clayer_node *node = NULL;
    if (parts->status == CLAYER_OK) {
        parts->status = cly_layers_create(parts->call->context, layer_class, config, &layer);
    }
    if (parts->status == CLAYER_OK) {
        layer->generation = parts->call->generation;
        parts->status = clayer_model_add(parts->model, layer, nodes, count, &node);
    }
    clayer_layer_destroy(layer);
    return node;
}

clayer_node *cly_io_keras_part(cly_io_keras_parts *parts, cly_layers_operation_config config, clayer_node *const *nodes,
                               size_t count) {
    config.struct_size = sizeof(config);
    return cly_io_keras_layer_part(parts, &cly_layers_operation, &config, nodes, count);
}

/* ---- parts of one kind ---- */

clayer_node *cly_io_keras_unary(cly_io_keras_parts *parts, cly_ops_function function, clayer_node *a) {
    return cly_io_keras_part(parts, (cly_layers_operation_config){.function = function}, &a, 1);
}

clayer_node *cly_io_keras_binary(cly_io_keras_parts *parts, cly_ops_function function, clayer_node *a, clayer_node *b) {
    return cly_io_keras_part(parts, (cly_layers_operation_config){.function = function, .inputs = {0, 1}},
                             (clayer_node *const[]){a, b}, 2);
}

clayer_node *cly_io_keras_by_number(cly_io_keras_parts *parts, cly_ops_function function, clayer_node *a,
                                    double number) {
    const cly_layers_operation_config config = {
        .function = function, .sources = {CLY_SOURCE_INPUT, CLY_SOURCE_NUMBER}, .numbers = {0, number}};
    return cly_io_keras_part(parts, config, &a, 1);
}

clayer_node *cly_io_keras_over(cly_io_keras_parts *parts, cly_layers_operation_kind kind, clayer_node *a,
                               const clayer_shape *axes, bool keepdims) {
    return cly_io_keras_part(parts, (cly_layers_operation_config){.kind = kind, .axes = *axes, .keepdims = keepdims},
                             &a, 1);
}

clayer_node *cly_io_keras_cut(cly_io_keras_parts *parts, clayer_node *a, int axis, int64_t start, int64_t length) {
    cly_layers_operation_config config = {.kind = CLY_OPERATION_SLICE, .slice_count = (size_t)axis + 1};
    config.slices[axis] =
        length == 0 ? (cly_layers_slice){.kind = CLY_SLICE_INDEX, .start = start}
                    : (cly_layers_slice){.has_start = true, .start = start, .has_stop = true, .stop = start + length};
    return cly_io_keras_part(parts, config, &a, 1);
}

/* ---- the whole ---- */

clayer_status cly_io_keras_close_parts(cly_io_keras_parts *parts, clayer_node *const *outputs, size_t count,
                                       clayer_layer **layer_out) {
    clayer_status status = parts->status;
    CLY_TRY(status);
    CLY_TRY(clayer_model_set_outputs(parts->model, outputs, count));
    CLY_TRY(cly_model_wrap(parts->model, parts->call->layer_name, layer_out));
done:
    clayer_model_destroy(parts->model);
    if (status == CLAYER_UNSUPPORTED || status == CLAYER_INVALID_SHAPE) {
        status =
            cly_base_prefix(status, "layer '%s': the operation %s", parts->call->layer_name, parts->call->operation);
    }
    return status;
}
