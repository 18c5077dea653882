/* io/keras_operation_build.c: layers that compute functions of tensors and numbers, activations, and several tensors
 * put together, from calls of operations. Arguments are those of TensorFlow's functions and of keras/src/ops/{numpy,
 * nn}.py. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/keras_operation.h"

typedef cly_io_keras_operation_row row;

clayer_status cly_io_keras_make_operation(cly_io_keras_operation_call *call, cly_layers_operation_config *config,
                                          clayer_layer **layer_out) {
    config->struct_size = sizeof(*config);
    config->name = call->layer_name;
    return cly_layers_create(call->context, &cly_layers_operation, config, layer_out);
}

/* ---- functions ---- */

clayer_status cly_io_keras_make_function(cly_io_keras_operation_call *call, cly_layers_operation_config *config,
                                         const cly_io_keras_operand *operands, int count, clayer_layer **layer_out) {
    clayer_layer *layer = NULL;
    clayer_status status = CLAYER_OK;
    if (call->tensors == 0) {
        return cly_io_keras_operation_fail(call, "no operand is a tensor");
    }
    for (int k = 0; k < count; k++) {
        config->sources[k] = operands[k].source;
        config->inputs[k] = operands[k].input;
        config->numbers[k] = operands[k].number;
        config->constants[k] = operands[k].shape;
    }
    CLY_TRY(cly_io_keras_make_operation(call, config, &layer));
    for (int k = 0; k < count; k++) {
        if (operands[k].source == CLY_SOURCE_CONSTANT) {
            const size_t values = (size_t)cly_layers_product(&operands[k].shape, 0, operands[k].shape.rank);
            CLY_TRY(cly_layers_hold_constant(layer, cly_layers_constant_of(k), operands[k].values, values, values));
        }
    }
    *layer_out = layer;
    layer = NULL;
done:
    clayer_layer_destroy(layer);
    return status;
}

clayer_status cly_io_keras_build_arithmetic(cly_io_keras_operation_call *call, const row *entry,
                                            clayer_layer **layer_out) {
    static const char *const names[2][2] = {{"x", "x1"}, {"y", "x2"}};
    const bool unary = cly_ops_is_unary((cly_ops_function)entry->id) || entry->text != NULL;
    cly_layers_operation_config config = {.kind = CLY_OPERATION_FUNCTION, .function = (cly_ops_function)entry->id};
    cly_io_keras_operand operands[2] = {{0}};
    clayer_status status = CLAYER_OK;
    for (int k = 0; k < (unary ? 1 : 2); k++) {
        const cJSON *value = cly_io_keras_argument(call, k, names[k][0], names[k][1]);
        CLY_TRY(cly_io_keras_read_operand(call, value, &operands[k]));
    }
    if (entry->text != NULL) { /* a number joins: -1 times x, 1 over x */
        const int k = config.function == CLY_DIVIDE ? 0 : 1;
        operands[1] = operands[0];
        operands[k] = (cly_io_keras_operand){.source = CLY_SOURCE_NUMBER, .number = strtod(entry->text, NULL)};
    }
    const bool square = config.function == CLY_POWER && operands[1].source == CLY_SOURCE_NUMBER &&
                        (operands[1].number == 2 || operands[1].number == 0.5);
    if (square) {
        config.function = operands[1].number == 2 ? CLY_SQUARE : CLY_SQRT;
    }
    CLY_TRY(cly_io_keras_make_function(call, &config, operands, 2, layer_out));
done:
    free(operands[0].values);
    free(operands[1].values);
    return status;
}

/* bias_add: a constant or tensor along the last axis. */
clayer_status cly_io_keras_build_bias(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    cly_layers_operation_config config = {.kind = CLY_OPERATION_FUNCTION, .function = (cly_ops_function)entry->id};
    cly_io_keras_operand operands[2] = {{0}};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_read_operand(call, cly_io_keras_argument(call, 0, "value", NULL), &operands[0]));
    CLY_TRY(cly_io_keras_read_operand(call, cly_io_keras_argument(call, 1, "bias", NULL), &operands[1]));
    CLY_TRY(cly_io_keras_make_function(call, &config, operands, 2, layer_out));
done:
    free(operands[0].values);
    free(operands[1].values);
    return status;
}

clayer_status cly_io_keras_build_where(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    static const char *const names[3][2] = {{"condition", NULL}, {"x", "x1"}, {"y", "x2"}};
    cly_layers_operation_config config = {.kind = (cly_layers_operation_kind)entry->id};
    cly_io_keras_operand operands[3] = {{0}};
    clayer_status status = CLAYER_OK;
    for (int k = 0; k < 3; k++) {
        const cJSON *value = cly_io_keras_argument(call, k, names[k][0], names[k][1]);
        CLY_TRY(cly_io_keras_read_operand(call, value, &operands[k]));
    }
    if (operands[0].source != CLY_SOURCE_INPUT) {
        status = cly_io_keras_operation_fail(call, "its condition is no tensor");
        goto done;
    }
    CLY_TRY(cly_io_keras_make_function(call, &config, operands, 3, layer_out));
done:
    for (int k = 0; k < 3; k++) {
        free(operands[k].values);
    }
    return status;
}

/* zeros_like, ones_like, full_like: of the first tensor's shape alone. */
clayer_status cly_io_keras_build_fill(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    cly_layers_operation_config config = {.kind = CLY_OPERATION_FUNCTION, .function = (cly_ops_function)entry->id};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_read_tensor(call));
    if (entry->text != NULL) {
        config.limits[0] = strtof(entry->text, NULL);
    } else {
        const cJSON *value = cly_io_keras_unwrap(cly_io_keras_argument(call, 1, "fill_value", NULL));
        if (!cJSON_IsNumber(value)) {
            return cly_io_keras_operation_fail(call, "its fill_value is no number");
        }
        config.limits[0] = (float)value->valuedouble;
    }
    (void)cly_io_keras_argument(call, -1, "dtype", NULL); /* truth values and numbers are floats alike */
    CLY_TRY(cly_io_keras_make_operation(call, &config, layer_out));
done:
    return status;
}

clayer_status cly_io_keras_build_round(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    cly_layers_operation_config config = {.kind = CLY_OPERATION_FUNCTION, .function = (cly_ops_function)entry->id};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_read_tensor(call));
    const cJSON *decimals = cly_io_keras_argument(call, 1, "decimals", NULL);
    if (cJSON_IsNumber(decimals) && decimals->valuedouble != 0) {
        return cly_io_keras_operation_fail(call, "to other places than whole numbers");
    }
    CLY_TRY(cly_io_keras_make_operation(call, &config, layer_out));
done:
    return status;
}

clayer_status cly_io_keras_build_clip(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    static const char *const names[2][2] = {{"clip_value_min", "x_min"}, {"clip_value_max", "x_max"}};
    cly_layers_operation_config config = {.kind = CLY_OPERATION_FUNCTION, .function = (cly_ops_function)entry->id};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_read_tensor(call));
    for (int k = 0; k < 2; k++) {
        const cJSON *value = cly_io_keras_unwrap(cly_io_keras_argument(call, k + 1, names[k][0], names[k][1]));
        if (!cJSON_IsNumber(value)) {
            return cly_io_keras_operation_fail(call, "its limits are no numbers");
        }
        config.limits[k] = (float)value->valuedouble;
    }
    CLY_TRY(cly_io_keras_make_operation(call, &config, layer_out));
done:
    return status;
}

/* ---- activations ---- */

/* The parameters of the activation are looked for by their names. */
clayer_status cly_io_keras_build_activation(cly_io_keras_operation_call *call, const row *entry,
                                            clayer_layer **layer_out) {
    cly_spec spec;
    cly_base_text text = {0};
    clayer_activation_config config = {.struct_size = sizeof(config), .name = call->layer_name};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_base_spec_find(&cly_ops_activations, entry->text, &spec));
    CLY_TRY(cly_io_keras_read_tensor(call));
    int position = 1;
    for (const cly_spec_parameter *parameter = spec.entry->parameters; parameter->name != NULL; parameter++) {
        const cJSON *value = cly_io_keras_argument(call, position++, parameter->name, parameter->alias);
        if (value == NULL || cJSON_IsNull(value)) {
            continue;
        }
        value = cly_io_keras_unwrap(value);
        if (!cJSON_IsNumber(value) && !cJSON_IsBool(value)) {
            status = cly_io_keras_operation_fail(call, "%s is no number", parameter->name);
            goto done;
        }
        CLY_TRY(cly_base_spec_set_number(&cly_ops_activations, &spec, parameter->name,
                                         cJSON_IsNumber(value) ? value->valuedouble : (double)cJSON_IsTrue(value)));
    }
    CLY_TRY(cly_base_spec_format(&spec, &text));
    config.activation = text.chars;
    CLY_TRY(cly_layers_create(call->context, &cly_layers_activation, &config, layer_out));
done:
    cly_base_text_free(&text);
    return status;
}

clayer_status cly_io_keras_build_softmax(cly_io_keras_operation_call *call, const row *entry,
                                         clayer_layer **layer_out) {
    clayer_softmax_config config = {.struct_size = sizeof(config), .name = call->layer_name, .has_axis = true};
    clayer_shape axes;
    bool none = true;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_read_tensor(call));
    CLY_TRY(cly_io_keras_read_axes(call, cly_io_keras_argument(call, 1, "axis", NULL), &axes, &none));
    config.axis = none ? -1 : axes.dims[0];
    if (axes.rank != 1) {
        return cly_io_keras_operation_fail(call, "over several axes it is not supported");
    }
    if (strcmp(entry->text, "log_softmax") == 0) {
        const clayer_activation_config activation = {
            .struct_size = sizeof(activation), .name = call->layer_name, .activation = entry->text};
        return config.axis == -1 ? cly_layers_create(call->context, &cly_layers_activation, &activation, layer_out)
                                 : cly_io_keras_operation_fail(call, "over another axis than the last");
    }
    CLY_TRY(cly_layers_create(call->context, &cly_layers_softmax, &config, layer_out));
done:
    return status;
}

/* ---- several tensors ---- */

bool cly_io_keras_is_list(cly_io_keras_operation_call *call) {
    const cJSON *list = cly_io_keras_unwrap(cly_io_keras_argument(call, 0, "x", "input"));
    return cJSON_IsArray(list) && cly_io_keras_history(list) == NULL && cly_io_keras_history(list->child) != NULL;
}

static clayer_status read_list(cly_io_keras_operation_call *call) {
    const cJSON *list = cly_io_keras_unwrap(cly_io_keras_argument(call, 0, "values", "xs")), *item = NULL;
    if (!cJSON_IsArray(list) || cly_io_keras_history(list) != NULL) {
        return cly_io_keras_operation_fail(call, "its first argument is no list of tensors");
    }
    cJSON_ArrayForEach(item, list) {
        if (cly_io_keras_history(item) == NULL) {
            return cly_io_keras_operation_fail(call, "an entry of its list is no tensor");
        }
        call->tensors++;
    }
    return CLAYER_OK;
}

clayer_status cly_io_keras_build_concatenate(cly_io_keras_operation_call *call, const row *entry,
                                             clayer_layer **layer_out) {
    clayer_concatenate_config config = {.struct_size = sizeof(config), .name = call->layer_name, .has_axis = true};
    clayer_shape axes;
    bool none = true;
    clayer_status status = CLAYER_OK;
    (void)entry;
    CLY_TRY(read_list(call));
    CLY_TRY(cly_io_keras_read_axes(call, cly_io_keras_argument(call, 1, "axis", NULL), &axes, &none));
    config.axis = none ? 0 : axes.dims[0];
    if (config.axis == 0 || axes.rank != 1) {
        return cly_io_keras_operation_fail(call, "along the batch, axis 0, is not supported");
    }
    CLY_TRY(cly_layers_create(call->context, &cly_layers_concatenate, &config, layer_out));
done:
    return status;
}

clayer_status cly_io_keras_build_add_n(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    const clayer_add_config config = {.struct_size = sizeof(config), .name = call->layer_name};
    clayer_status status = CLAYER_OK;
    (void)entry;
    CLY_TRY(read_list(call));
    CLY_TRY(cly_layers_create(call->context, &cly_layers_add, &config, layer_out));
done:
    return status;
}

/* A reduction of a list over axis 0, which TensorFlow stacks it along: what a merging layer does. */
clayer_status cly_io_keras_build_merge(cly_io_keras_operation_call *call, cly_layers_operation_kind kind,
                                       clayer_layer **layer_out) {
    const cly_layers_class *layer_class = kind == CLY_OPERATION_SUM    ? &cly_layers_add
                                          : kind == CLY_OPERATION_MEAN ? &cly_layers_average
                                          : kind == CLY_OPERATION_MAX  ? &cly_layers_maximum
                                          : kind == CLY_OPERATION_MIN  ? &cly_layers_minimum
                                                                       : NULL;
    const clayer_add_config config = {.struct_size = sizeof(config), .name = call->layer_name};
    clayer_shape axes;
    bool all = true;
    clayer_status status = CLAYER_OK;
    CLY_TRY(read_list(call));
    CLY_TRY(cly_io_keras_read_axes(call, cly_io_keras_argument(call, 1, "axis", NULL), &axes, &all));
    if (layer_class == NULL || all || axes.rank != 1 || axes.dims[0] != 0 ||
        cJSON_IsTrue(cly_io_keras_argument(call, 2, "keepdims", NULL))) {
        return cly_io_keras_operation_fail(call,
                                           "of a list of tensors is supported as sum, mean, maximum or minimum "
                                           "over axis 0 alone, without keepdims");
    }
    CLY_TRY(cly_layers_create(call->context, layer_class, &config, layer_out));
done:
    return status;
}

clayer_status cly_io_keras_build_stack(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    cly_layers_operation_config config = {.kind = (cly_layers_operation_kind)entry->id};
    bool none = true;
    clayer_status status = CLAYER_OK;
    CLY_TRY(read_list(call));
    CLY_TRY(cly_io_keras_read_axes(call, cly_io_keras_argument(call, 1, "axis", NULL), &config.axes, &none));
    if (none || config.axes.rank != 1) {
        return cly_io_keras_operation_fail(call, "along the batch, axis 0, is not supported");
    }
    CLY_TRY(cly_io_keras_make_operation(call, &config, layer_out));
done:
    return status;
}
