/* io/keras_operation_table.c: which operations on tensors there are, under the names of both generations of Keras, and
 * the layers that compute them.
 *
 * Names and arguments are those of TensorFlow's functions and of keras/src/ops/{numpy, nn, core, math}.py. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/keras_operation.h"

typedef cly_io_keras_operation_row row;
typedef cly_io_keras_operation_build build_function;

static build_function build_arithmetic, build_clip, build_activation, build_softmax, build_concatenate, build_sum,
    build_view, build_transpose, build_reshape, build_getitem, build_same, build_add_n;

static const row rows[] = {
    {"add", "Add", build_arithmetic, CLY_ADD, NULL},
    {"subtract", "Subtract", build_arithmetic, CLY_SUBTRACT, NULL},
    {"multiply", "Multiply", build_arithmetic, CLY_MULTIPLY, NULL},
    {"divide", "Divide", build_arithmetic, CLY_DIVIDE, NULL},
    {"truediv", "TrueDivide", build_arithmetic, CLY_DIVIDE, NULL},
    {"realdiv", NULL, build_arithmetic, CLY_DIVIDE, NULL},
    {"maximum", "Maximum", build_arithmetic, CLY_MAXIMUM, NULL},
    {"minimum", "Minimum", build_arithmetic, CLY_MINIMUM, NULL},
    {"pow", "Power", build_arithmetic, CLY_POWER, NULL},
    {"squared_difference", NULL, build_arithmetic, CLY_SQUARED_DIFFERENCE, NULL},
    {"equal", "Equal", build_arithmetic, CLY_EQUAL, NULL},
    {"not_equal", "NotEqual", build_arithmetic, CLY_NOT_EQUAL, NULL},
    {"greater", "Greater", build_arithmetic, CLY_GREATER, NULL},
    {"greater_equal", "GreaterEqual", build_arithmetic, CLY_GREATER_EQUAL, NULL},
    {"less", "Less", build_arithmetic, CLY_LESS, NULL},
    {"less_equal", "LessEqual", build_arithmetic, CLY_LESS_EQUAL, NULL},
    {"negative", "Negative", build_arithmetic, CLY_MULTIPLY, "-1"},
    {"reciprocal", "Reciprocal", build_arithmetic, CLY_DIVIDE, "1"},
    {"square", "Square", build_arithmetic, CLY_SQUARE, NULL},
    {"sqrt", "Sqrt", build_arithmetic, CLY_SQRT, NULL},
    {"rsqrt", "Rsqrt", build_arithmetic, CLY_RSQRT, NULL},
    {"log", "Log", build_arithmetic, CLY_LOG, NULL},
    {"abs", "Absolute", build_arithmetic, CLY_ABSOLUTE, NULL},
    {"clip_by_value", "Clip", build_clip, CLY_CLIP, NULL},
    {"relu", "Relu", build_activation, 0, "relu"},
    {NULL, "ReLU", build_activation, 0, "relu"},
    {"relu6", "Relu6", build_activation, 0, "relu6"},
    {"leaky_relu", "LeakyRelu", build_activation, 0, "leaky_relu"},
    {"elu", "Elu", build_activation, 0, "elu"},
    {"selu", "Selu", build_activation, 0, "selu"},
    {"celu", "Celu", build_activation, 0, "celu"},
    {"silu", "Silu", build_activation, 0, "silu"},
    {"swish", NULL, build_activation, 0, "silu"},
    {"gelu", "Gelu", build_activation, 0, "gelu"},
    {"mish", "Mish", build_activation, 0, "mish"},
    {"sigmoid", "Sigmoid", build_activation, 0, "sigmoid"},
    {"log_sigmoid", "LogSigmoid", build_activation, 0, "log_sigmoid"},
    {NULL, "HardSigmoid", build_activation, 0, "hard_sigmoid"},
    {NULL, "HardSilu", build_activation, 0, "hard_silu"},
    {NULL, "HardTanh", build_activation, 0, "hard_tanh"},
    {"tanh", "Tanh", build_activation, 0, "tanh"},
    {"softplus", "Softplus", build_activation, 0, "softplus"},
    {"softsign", "Softsign", build_activation, 0, "softsign"},
    {"exp", "Exp", build_activation, 0, "exponential"},
    {"softmax", "Softmax", build_softmax, 0, "softmax"},
    {"log_softmax", "LogSoftmax", build_softmax, 0, "log_softmax"},
    {"concat", "Concatenate", build_concatenate, 0, NULL},
    {"add_n", NULL, build_add_n, 0, NULL},
    {"reduce_mean", "Mean", build_sum, CLY_OPERATION_MEAN, NULL},
    {"reduce_sum", "Sum", build_sum, CLY_OPERATION_SUM, NULL},
    {"reduce_any", "Any", build_sum, CLY_OPERATION_ANY, NULL},
    {"expand_dims", "ExpandDims", build_view, CLY_OPERATION_EXPAND, NULL},
    {"squeeze", "Squeeze", build_view, CLY_OPERATION_SQUEEZE, NULL},
    {"transpose", "Transpose", build_transpose, CLY_OPERATION_TRANSPOSE, NULL},
    {"reshape", "Reshape", build_reshape, 0, NULL},
    {"getitem", "GetItem", build_getitem, CLY_OPERATION_SLICE, NULL},
    {"cast", "Cast", build_same, CLY_OPERATION_SAME, NULL},
    {"identity", "Identity", build_same, CLY_OPERATION_SAME, NULL},
};

/* The part behind "math.", "nn." and so on; NULL for what lies elsewhere, as strings.length. */
static const char *last_name(const char *function) {
    static const char *const folders[] = {"tf.", "compat.v1.", "math.", "nn.", "__operators__.", "linalg."};
    for (size_t i = 0; i < CLY_COUNT(folders); i++) {
        if (strncmp(function, folders[i], strlen(folders[i])) == 0) {
            function += strlen(folders[i]);
        }
    }
    return strchr(function, '.') == NULL ? function : NULL;
}

const row *cly_io_keras_find_operation(int generation, const char *name) {
    const char *wanted = generation == 2 ? last_name(name) : name;
    for (size_t i = 0; wanted != NULL && i < CLY_COUNT(rows); i++) {
        const char *own = generation == 2 ? rows[i].keras2 : rows[i].keras3;
        if (own != NULL && strcmp(own, wanted) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

/* ---- layers ---- */

static clayer_status make_operation(cly_io_keras_operation_call *call, cly_layers_operation_config *config,
                                    clayer_layer **layer_out) {
    config->struct_size = sizeof(*config);
    config->name = call->layer_name;
    return cly_layers_create(call->context, &cly_layers_operation, config, layer_out);
}

static clayer_status build_arithmetic(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    static const char *const names[2][2] = {{"x", "x1"}, {"y", "x2"}};
    const bool unary = cly_ops_is_unary((cly_ops_function)entry->id) || entry->text != NULL;
    cly_layers_operation_config config = {.kind = CLY_OPERATION_FUNCTION, .function = (cly_ops_function)entry->id};
    cly_io_keras_operand operands[2] = {{0}};
    clayer_layer *layer = NULL;
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
    for (int k = 0; k < 2; k++) {
        config.sources[k] = operands[k].source;
        config.inputs[k] = operands[k].input;
        config.numbers[k] = operands[k].number;
        config.constants[k] = operands[k].shape;
    }
    if (call->tensors == 0) {
        status = cly_io_keras_operation_fail(call, "no operand is a tensor");
        goto done;
    }
    CLY_TRY(make_operation(call, &config, &layer));
    for (int k = 0; k < 2; k++) {
        if (operands[k].source == CLY_SOURCE_CONSTANT) {
            const size_t count = (size_t)cly_layers_product(&operands[k].shape, 0, operands[k].shape.rank);
            CLY_TRY(cly_layers_hold_constant(layer, k, operands[k].values, count, count));
        }
    }
    *layer_out = layer;
    layer = NULL;
done:
    clayer_layer_destroy(layer);
    free(operands[0].values);
    free(operands[1].values);
    return status;
}

static clayer_status build_clip(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
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
    CLY_TRY(make_operation(call, &config, layer_out));
done:
    return status;
}

/* The parameters of the activation are looked for by their names. */
static clayer_status build_activation(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
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

static clayer_status build_softmax(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
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

static clayer_status build_concatenate(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
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

static clayer_status build_add_n(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    const clayer_add_config config = {.struct_size = sizeof(config), .name = call->layer_name};
    clayer_status status = CLAYER_OK;
    (void)entry;
    CLY_TRY(read_list(call));
    CLY_TRY(cly_layers_create(call->context, &cly_layers_add, &config, layer_out));
done:
    return status;
}

/* ---- axes ---- */

static clayer_status build_sum(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    cly_layers_operation_config config = {.kind = (cly_layers_operation_kind)entry->id};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_read_tensor(call));
    CLY_TRY(cly_io_keras_read_axes(call, cly_io_keras_argument(call, 1, "axis", NULL), &config.axes, &config.all_axes));
    config.keepdims = cJSON_IsTrue(cly_io_keras_argument(call, 2, "keepdims", NULL));
    CLY_TRY(make_operation(call, &config, layer_out));
done:
    return status;
}

static clayer_status build_view(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    cly_layers_operation_config config = {.kind = (cly_layers_operation_kind)entry->id};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_read_tensor(call));
    CLY_TRY(cly_io_keras_read_axes(call, cly_io_keras_argument(call, 1, "axis", NULL), &config.axes, &config.all_axes));
    CLY_TRY(make_operation(call, &config, layer_out));
done:
    return status;
}

static clayer_status build_transpose(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    cly_layers_operation_config config = {.kind = (cly_layers_operation_kind)entry->id};
    bool none = true;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_read_tensor(call));
    CLY_TRY(cly_io_keras_read_axes(call, cly_io_keras_argument(call, 1, "perm", "axes"), &config.axes, &none));
    (void)cly_io_keras_argument(call, -1, "conjugate", NULL); /* of complex numbers */
    if (none) {
        return cly_io_keras_operation_fail(call, "all axes turned round, the batch too, is not supported");
    }
    CLY_TRY(make_operation(call, &config, layer_out));
done:
    return status;
}

/* The batch must stay the batch: -1 in front. */
static clayer_status build_reshape(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    clayer_reshape_config config = {.struct_size = sizeof(config), .name = call->layer_name};
    clayer_shape shape = {.rank = 0};
    clayer_status status = CLAYER_OK;
    (void)entry;
    CLY_TRY(cly_io_keras_read_tensor(call));
    const cJSON *value = cly_io_keras_unwrap(cly_io_keras_argument(call, 1, "shape", "newshape"));
    if (!cly_io_keras_shape(value, &shape) || shape.rank < 2 || shape.dims[0] != -1) {
        return cly_io_keras_operation_fail(call, "its shape must be a list of integers that begins with -1, the batch");
    }
    config.target_shape.rank = shape.rank - 1;
    memcpy(config.target_shape.dims, shape.dims + 1, (size_t)(shape.rank - 1) * sizeof(shape.dims[0]));
    CLY_TRY(cly_layers_create(call->context, &cly_layers_reshape, &config, layer_out));
done:
    return status;
}

static clayer_status build_getitem(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    cly_layers_operation_config config = {.kind = (cly_layers_operation_kind)entry->id};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_read_tensor(call));
    CLY_TRY(cly_io_keras_read_slices(call, cly_io_keras_argument(call, 1, "slice_spec", "key"), &config));
    CLY_TRY(make_operation(call, &config, layer_out));
done:
    return status;
}

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
static clayer_status build_same(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    cly_layers_operation_config config = {.kind = (cly_layers_operation_kind)entry->id};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_read_tensor(call));
    const cJSON *dtype = cly_io_keras_argument(call, 1, "dtype", NULL);
    if (dtype != NULL && !is_float(dtype)) {
        return cly_io_keras_operation_fail(call, "a cast to %s is not supported",
                                           cJSON_IsString(dtype) ? dtype->valuestring : "something else than float32");
    }
    CLY_TRY(make_operation(call, &config, layer_out));
done:
    return status;
}
