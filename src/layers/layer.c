/* layers/layer.c: a layer comes into being from its config, is asked for names and shapes, and goes. Building and
 * running are in run.c and backward.c. */
#include "layers/layer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* ---- messages ---- */

const char *cly_layers_class_name(const clayer_layer *layer) {
    return layer->inner_name != NULL     ? "TimeDistributed"
           : layer->origin_class != NULL ? layer->origin_class
                                         : layer->class->name;
}

const char *cly_layers_describe(const clayer_layer *layer, char *text, size_t capacity) {
    if (layer->name == NULL) {
        (void)snprintf(text, capacity, "%s", cly_layers_class_name(layer));
    } else {
        (void)snprintf(text, capacity, "%s '%.100s'", cly_layers_class_name(layer), layer->name);
    }
    return text;
}

clayer_status cly_layers_fail(const clayer_layer *layer, clayer_status status, const char *format, ...) {
    char reason[768], text[CLY_LAYERS_DESCRIPTION];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(reason, sizeof(reason), format, args);
    va_end(args);
    return cly_base_fail(status, "%s: %s", cly_layers_describe(layer, text, sizeof(text)), reason);
}

/* ---- creating ---- */

/* Resolves data_format, in the config too, so that writers and readers see what the layer does. */
static clayer_status settle_data_format(clayer_layer *layer) {
    const cly_layers_param *param = cly_layers_param_find(layer->class->params, "data_format");
    clayer_status status = CLAYER_OK;
    const char *format = NULL;
    if (param == NULL) {
        return CLAYER_OK;
    }
    memcpy(&format, (const char *)layer->config + param->offset, sizeof(format));
    if (format == NULL) {
        CLY_TRY(cly_layers_default_data_format(&format));
        CLY_TRY(cly_layers_param_set_text(param, layer->config, format));
    }
    layer->channels_first = strcmp(format, "channels_first") == 0;
done:
    return status == CLAYER_OK ? status : cly_layers_fail(layer, status, "data_format: %s", clayer_last_error());
}

static clayer_status settle_activation(clayer_layer *layer) {
    const cly_layers_param *param = cly_layers_param_find(layer->class->params, "activation");
    const char *text = NULL;
    cly_spec spec;
    if (param == NULL) {
        return CLAYER_OK;
    }
    memcpy(&text, (const char *)layer->config + param->offset, sizeof(text));
    clayer_status status = cly_base_spec_parse(param->list, text, &spec);
    if (status == CLAYER_OK) {
        layer->activation = cly_ops_activation_from_spec(&spec);
    }
    return status;
}

clayer_status cly_layers_create(clayer_context *context, const cly_layers_class *layer_class, const void *config,
                                clayer_layer **layer_out) {
    clayer_status status = CLAYER_OK;
    clayer_layer *layer = NULL;
    void *memory = NULL;
    char text[CLY_LAYERS_DESCRIPTION];
    cly_layers_common_config common = {0};
    if (config != NULL) {
        memcpy(&common, config, sizeof(common));
    }
    CLY_TRY(cly_base_alloc(1, sizeof(*layer), &memory));
    layer = memory;
    layer->class = layer_class;
    layer->references = 1;
    layer->generation = 3;
    layer->context = cly_device_retain(context);
    layer->trainable = !common.not_trainable;
    layer->profile = (clayer_layer_profile){.operator_name = "", .implementation = "", .device_ms = -1.0};
    if (common.struct_size >= sizeof(common) && common.name != NULL && common.name[0] != '\0') {
        CLY_TRY(cly_base_copy_string(common.name, &layer->name));
    }
    CLY_TRY(cly_layers_params_copy(layer_class->params, config, layer_class->config_size, layer_class->rank,
                                   cly_layers_describe(layer, text, sizeof(text)), &layer->config));
    ((cly_layers_common_config *)layer->config)->name = NULL; /* the name is the layer's */
    CLY_TRY(settle_data_format(layer));
    CLY_TRY(settle_activation(layer));
    if (layer_class->check != NULL) {
        CLY_TRY(layer_class->check(layer));
    }
    *layer_out = layer;
    layer = NULL;
done:
    clayer_layer_destroy(layer);
    return status;
}

clayer_status clayer_layer_create(clayer_context *context, const char *class_name, const void *config,
                                  clayer_layer **layer_out) {
    if (context == NULL || class_name == NULL || layer_out == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_layer_create: %s is NULL",
                             context == NULL      ? "context"
                             : class_name == NULL ? "class_name"
                                                  : "layer_out");
    }
    const cly_layers_class *layer_class = cly_layers_find_class(class_name);
    if (layer_class == NULL || layer_class == &cly_layers_input_layer) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_layer_create: there is no layer class '%s'", class_name);
    }
    return cly_layers_create(context, layer_class, config, layer_out);
}

clayer_layer *cly_layers_retain(clayer_layer *layer) {
    layer->references++;
    return layer;
}

void clayer_layer_destroy(clayer_layer *layer) {
    if (layer == NULL || --layer->references > 0) {
        return;
    }
    for (size_t i = 0; i < layer->weight_count; i++) {
        cly_weights_free(&layer->weights[i]);
    }
    if (layer->nested != NULL) {
        layer->nesting->destroy(layer->nested);
    }
    for (size_t i = 0; i < CLY_COUNT(layer->constants); i++) {
        cly_device_buffer_destroy(layer->context, layer->constants[i]);
    }
    cly_ops_steps_free(&layer->steps);
    free(layer->planned_inputs);
    free(layer->ran_inputs);
    for (size_t i = 0; i < CLY_COUNT(layer->temporaries); i++) {
        cly_device_buffer_destroy(layer->context, layer->temporaries[i]);
    }
    cly_device_buffer_destroy(layer->context, layer->workspace);
    for (size_t i = 0; i < CLY_COUNT(layer->saved); i++) {
        cly_device_buffer_destroy(layer->context, layer->saved[i]);
    }
    free(layer->origin);
    free(layer->origin_class);
    free(layer->inner_name);
    cly_layers_params_free(layer->class->params, layer->config);
    free(layer->name);
    cly_device_release(layer->context);
    free(layer);
}

/* ---- asking ---- */

const char *clayer_layer_get_name(const clayer_layer *layer) {
    if (layer == NULL) {
        return NULL;
    }
    return layer->name != NULL ? layer->name : cly_layers_auto_name(layer);
}

const char *clayer_layer_get_class_name(const clayer_layer *layer) {
    return layer == NULL ? NULL : cly_layers_class_name(layer);
}

size_t clayer_layer_get_weight_count(const clayer_layer *layer) {
    return layer == NULL ? 0 : layer->weight_count;
}

clayer_tensor *clayer_layer_get_weight(const clayer_layer *layer, size_t index) {
    return index < clayer_layer_get_weight_count(layer) ? layer->weights[index].tensor : NULL;
}

const char *clayer_layer_get_weight_name(const clayer_layer *layer, size_t index) {
    return index < clayer_layer_get_weight_count(layer) ? layer->weights[index].name : NULL;
}

void clayer_layer_set_trainable(clayer_layer *layer, bool trainable) {
    if (layer != NULL && layer->nested != NULL) { /* as in Keras: whatever its layers were before */
        layer->nesting->set_trainable(layer->nested, trainable);
    }
    if (layer == NULL || layer->trainable == trainable) {
        return;
    }
    layer->trainable = trainable;
    layer->planned_count = 0; /* BatchNormalization's steps are others */
    layer->ran_output = NULL;
    for (size_t i = 0; i < layer->weight_count && !trainable; i++) {
        cly_weights_drop_gradient(&layer->weights[i]);
    }
}

bool clayer_layer_is_trainable(const clayer_layer *layer) {
    return layer != NULL && layer->trainable;
}

bool clayer_layer_is_weight_trainable(const clayer_layer *layer, size_t index) {
    return index < clayer_layer_get_weight_count(layer) && layer->trainable && layer->weights[index].trainable;
}

clayer_status clayer_layer_get_profile(clayer_layer *layer, clayer_layer_profile *profile_out) {
    if (layer == NULL || profile_out == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_layer_get_profile: %s is NULL",
                             layer == NULL ? "layer" : "profile_out");
    }
    *profile_out = layer->profile;
    return CLAYER_OK;
}

/* ---- shapes in and out ---- */

static clayer_status check_input(const clayer_layer *layer, const clayer_shape *shape) {
    if (shape->rank < 1 || shape->rank > CLAYER_MAX_RANK) {
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "an input of %d axes; allowed are 1 to %d", shape->rank,
                               CLAYER_MAX_RANK);
    }
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dims[i] != -1 && (shape->dims[i] < 1 || shape->dims[i] > INT32_MAX)) {
            return cly_layers_fail(layer, CLAYER_INVALID_SHAPE,
                                   "input dimension %lld on axis %d; allowed are 1 to %d, or -1 for unknown",
                                   (long long)shape->dims[i], i, INT32_MAX);
        }
    }
    return CLAYER_OK;
}

/* Sizes that kernels cannot count or memory cannot hold. */
static clayer_status check_output(const clayer_layer *layer, const clayer_shape *shape) {
    char text[CLY_LAYERS_SHAPE_TEXT];
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dims[i] > INT32_MAX) {
            return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "output dimension %lld on axis %d exceeds %d",
                                   (long long)shape->dims[i], i, INT32_MAX);
        }
    }
    int64_t count = cly_layers_product(shape, 0, shape->rank);
    if (count == -2 || count > INT64_MAX / (int64_t)sizeof(float)) {
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "the size of the output %s overflows",
                               cly_layers_shape_text(shape, text, sizeof(text)));
    }
    return CLAYER_OK;
}

clayer_status clayer_layer_get_output_shape(const clayer_layer *layer, const clayer_shape *inputs, size_t input_count,
                                            clayer_shape *output_out) {
    if (layer == NULL || inputs == NULL || output_out == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_layer_get_output_shape: %s is NULL",
                             layer == NULL    ? "layer"
                             : inputs == NULL ? "inputs"
                                              : "output_out");
    }
    return cly_layers_get_output_shape(layer, inputs, input_count, layer->training, output_out);
}

clayer_status cly_layers_get_output_shape(const clayer_layer *layer, const clayer_shape *inputs, size_t input_count,
                                          bool training, clayer_shape *output_out) {
    clayer_status status = CLAYER_OK;
    clayer_shape output = {0};
    size_t least = layer->class->max_inputs == 0 ? 1 : layer->class->min_inputs;
    size_t most = layer->class->max_inputs == 0 ? 1 : layer->class->max_inputs;
    most = layer->inner_name != NULL ? 2 : most; /* the mask of the steps */
    if (input_count < least || input_count > most) {
        return cly_layers_fail(layer, CLAYER_INVALID_ARGUMENT, "%zu inputs, takes %zu to %zu", input_count, least,
                               most);
    }
    for (size_t i = 0; i < input_count; i++) {
        CLY_TRY(check_input(layer, &inputs[i]));
    }
    CLY_TRY(cly_layers_infer(layer, inputs, input_count, training, &output));
    CLY_TRY(check_output(layer, &output));
    *output_out = output;
done:
    return status;
}
