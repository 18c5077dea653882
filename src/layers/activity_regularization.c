/* layers/activity_regularization.c: Identity: the values as they are, and ActivityRegularization: the same with a term
 * of the loss, which src/model adds as it does for every layer's activity_regularizer. Keras:
 * keras/src/layers/regularization/activity_regularization.py, keras/src/layers/core/identity.py. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "layers/layer.h"

typedef clayer_activity_regularization_config config;

static const cly_layers_param params[] = {
    CLY_PARAM(config, l1, NUMBER, .low = 0, .high = HUGE_VAL),
    CLY_PARAM(config, l2, NUMBER, .low = 0, .high = HUGE_VAL),
    {0},
};

static clayer_status infer(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                           clayer_shape *output_out) {
    (void)layer, (void)count;
    *output_out = *inputs;
    return CLAYER_OK;
}

const cly_layers_class cly_layers_activity_regularization = {.name = "ActivityRegularization",
                                                             .masks = CLY_MASKS_PASS,
                                                             .auto_name = "activity_regularization",
                                                             .config_size = sizeof(config),
                                                             .params = params,
                                                             .infer = infer,
                                                             .plan = cly_layers_plan_nothing};

static const cly_layers_param identity_params[] = {{0}};

const cly_layers_class cly_layers_identity = {.name = "Identity",
                                              .masks = CLY_MASKS_PASS,
                                              .auto_name = "identity",
                                              .config_size = sizeof(clayer_identity_config),
                                              .params = identity_params,
                                              .infer = infer,
                                              .plan = cly_layers_plan_nothing};

clayer_status cly_layers_activity_regularizer(const clayer_layer *layer, cly_spec *regularizer_out) {
    const cly_layers_param *param = cly_layers_param_find(layer->class->params, "activity_regularizer");
    const char *given = NULL;
    char text[96];
    if (layer->class == &cly_layers_activity_regularization) {
        const config *c = layer->config;
        (void)snprintf(text, sizeof(text), "l1_l2(l1=%.17g, l2=%.17g)", fabs(c->l1), fabs(c->l2));
        given = c->l1 != 0 || c->l2 != 0 ? text : NULL;
    } else if (param != NULL) {
        memcpy(&given, (const char *)layer->config + param->offset, sizeof(given));
    }
    *regularizer_out = (cly_spec){0};
    if (given != NULL && layer->inner_name != NULL) { /* Keras 3 leaves it out in a TimeDistributed */
        return layer->generation == 3
                   ? CLAYER_OK
                   : cly_layers_fail(layer, CLAYER_UNSUPPORTED, "the activity_regularizer of its layer '%s'",
                                     layer->inner_name);
    }
    return given == NULL ? CLAYER_OK : cly_base_spec_parse(&cly_weights_regularizers, given, regularizer_out);
}
