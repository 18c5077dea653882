/* layers/param_field.h: what params.c and params_set.c share: where a parameter's value lies in a config, and the
 * checks of one value. */
#ifndef CLY_LAYERS_PARAM_FIELD_H
#define CLY_LAYERS_PARAM_FIELD_H

#include "layers/params.h"

#define CLY_PARAM_AXES_MOST 3 /* entries of SIZES, pairs of AMOUNTS */

static inline void *cly_layers_param_field(const cly_layers_param *param, void *config) {
    return (char *)config + param->offset;
}

static inline bool cly_layers_param_has_flag(const cly_layers_param *param) {
    return param->flag_offset != CLY_NO_FLAG;
}

static inline bool *cly_layers_param_flag(const cly_layers_param *param, void *config) {
    return (bool *)((char *)config + param->flag_offset);
}

static inline void *cly_layers_param_list(const cly_layers_param *param, void *config) {
    return (char *)config + param->list_offset;
}

static inline bool cly_layers_param_is_text(const cly_layers_param *param) {
    return param->kind == CLY_PARAM_CHOICE || param->kind == CLY_PARAM_SPEC;
}

/* The config points to memory of its own. */
static inline bool cly_layers_param_is_owned(const cly_layers_param *param) {
    return cly_layers_param_is_text(param) || param->kind == CLY_PARAM_NUMBERS;
}

clayer_status cly_layers_param_check_limits(const cly_layers_param *param, double value);
clayer_status cly_layers_param_check_integers(const cly_layers_param *param, const int64_t *values, size_t count);
/* Gives the spelling to keep: of a choice the list's own. */
clayer_status cly_layers_param_check_text(const cly_layers_param *param, const char *value, const char **value_out);

#endif
