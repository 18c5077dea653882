/* layers/params_set.c: setters by which readers of files fill a config, parameter by parameter; they accept what Keras
 * writes for the kind. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "layers/param_field.h"

static clayer_status fail_kind(const cly_layers_param *param) {
    static const char *const wanted[] = {"an integer",
                                         "an integer, or a list of one for each axis",
                                         "an integer, or a list of one or a pair for each axis",
                                         "a list of integers",
                                         "an integer or a list of integers",
                                         "a number or a list of numbers",
                                         "true or false",
                                         "a number",
                                         "a word",
                                         "a name"};
    return cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s must be %s", param->name, wanted[param->kind]);
}

static void raise_flag(const cly_layers_param *param, void *config) {
    if (cly_layers_param_has_flag(param)) {
        *cly_layers_param_flag(param, config) = true;
    }
}

/* Zero would be taken for "not given" later, so it is refused here where it is no legal value. */
static clayer_status set_sizes(const cly_layers_param *param, int64_t *target, const int64_t *values, size_t count) {
    if (count < 1 || count > CLY_PARAM_AXES_MOST) {
        return fail_kind(param);
    }
    for (size_t i = 0; i < CLY_PARAM_AXES_MOST; i++) {
        target[i] = i < count ? values[i] : count == 1 ? values[0] : 0;
    }
    return cly_layers_param_check_integers(param, values, count);
}

static clayer_status set_amounts(const cly_layers_param *param, int64_t *target, const int64_t *values, size_t count,
                                 bool pairs) {
    if (count < 1 || count > (pairs ? 2 * CLY_PARAM_AXES_MOST : CLY_PARAM_AXES_MOST) || (pairs && count % 2 != 0)) {
        return fail_kind(param);
    }
    for (size_t i = 0; i < 2 * CLY_PARAM_AXES_MOST; i++) {
        size_t from = pairs ? i : count == 1 ? 0 : i / 2;
        target[i] = from < count ? values[from] : 0;
    }
    return cly_layers_param_check_integers(param, values, count);
}

static clayer_status set_shape(const cly_layers_param *param, clayer_shape *shape, const int64_t *values,
                               size_t count) {
    if (count > CLAYER_MAX_RANK) {
        return cly_base_fail(CLAYER_UNSUPPORTED, "%s has %zu dimensions, more than %d", param->name, count,
                             CLAYER_MAX_RANK);
    }
    shape->rank = (int)count;
    for (size_t i = 0; i < count; i++) {
        shape->dims[i] = values[i];
    }
    return cly_layers_param_check_integers(param, values, count);
}

static clayer_status set_axis(const cly_layers_param *param, void *config, const int64_t *values, size_t count) {
    if (count != 1) { /* settling refuses an axis that is given alone and in a list */
        *cly_layers_param_flag(param, config) = false;
        return count == 0 ? cly_layers_param_set_none(param, config)
                          : set_shape(param, cly_layers_param_list(param, config), values, count);
    }
    memcpy(cly_layers_param_field(param, config), values, sizeof(*values));
    return cly_layers_param_check_integers(param, values, 1);
}

clayer_status cly_layers_param_set_none(const cly_layers_param *param, void *config) {
    if (param->kind != CLY_PARAM_AXIS || param->none_offset == 0) {
        return fail_kind(param);
    }
    *(bool *)((char *)config + param->none_offset) = true;
    return CLAYER_OK;
}

clayer_status cly_layers_param_set_integers(const cly_layers_param *param, void *config, const int64_t *values,
                                            size_t count, bool pairs) {
    if (pairs && param->kind != CLY_PARAM_AMOUNTS) {
        return fail_kind(param);
    }
    raise_flag(param, config);
    switch (param->kind) {
        case CLY_PARAM_INT:
            if (count != 1) {
                return fail_kind(param);
            }
            memcpy(cly_layers_param_field(param, config), values, sizeof(*values));
            return cly_layers_param_check_integers(param, values, 1);
        case CLY_PARAM_NUMBER:
            return count == 1 ? cly_layers_param_set_number(param, config, (double)values[0]) : fail_kind(param);
        case CLY_PARAM_SIZES:
            return set_sizes(param, cly_layers_param_field(param, config), values, count);
        case CLY_PARAM_AMOUNTS:
            return set_amounts(param, cly_layers_param_field(param, config), values, count, pairs);
        case CLY_PARAM_SHAPE:
            return set_shape(param, cly_layers_param_field(param, config), values, count);
        case CLY_PARAM_AXIS:
            return set_axis(param, config, values, count);
        case CLY_PARAM_NUMBERS:
        case CLY_PARAM_BOOL:
        case CLY_PARAM_CHOICE:
        case CLY_PARAM_SPEC:
            break;
    }
    return fail_kind(param);
}

clayer_status cly_layers_param_set_number(const cly_layers_param *param, void *config, double value) {
    if (param->kind == CLY_PARAM_INT && value == floor(value) && fabs(value) <= 9007199254740992.0) {
        int64_t integer = (int64_t)value;
        return cly_layers_param_set_integers(param, config, &integer, 1, false);
    }
    if (param->kind == CLY_PARAM_NUMBERS) {
        return cly_layers_param_set_numbers(param, config, &value, 1);
    }
    if (param->kind != CLY_PARAM_NUMBER) {
        return fail_kind(param);
    }
    bool explicit_zero = value == 0.0 && !cly_layers_param_has_flag(param);
    *(double *)cly_layers_param_field(param, config) = explicit_zero ? -0.0 : value;
    raise_flag(param, config);
    return cly_layers_param_check_limits(param, value);
}

clayer_status cly_layers_param_set_numbers(const cly_layers_param *param, void *config, const double *values,
                                           size_t count) {
    clayer_status status = CLAYER_OK;
    void *copy = NULL;
    if (param->kind != CLY_PARAM_NUMBERS || count == 0) {
        return fail_kind(param);
    }
    for (size_t i = 0; i < count; i++) {
        CLY_TRY(cly_layers_param_check_limits(param, values[i]));
    }
    CLY_TRY(cly_base_alloc(count, sizeof(*values), &copy));
    memcpy(copy, values, count * sizeof(*values));
    double **numbers = cly_layers_param_field(param, config);
    free(*numbers);
    *numbers = copy;
    memcpy(cly_layers_param_list(param, config), &count, sizeof(count));
done:
    return status;
}

clayer_status cly_layers_param_set_bool(const cly_layers_param *param, void *config, bool value) {
    if (param->kind != CLY_PARAM_BOOL) {
        return fail_kind(param);
    }
    *(bool *)cly_layers_param_field(param, config) = param->negated ? !value : value;
    return CLAYER_OK;
}

clayer_status cly_layers_param_set_text(const cly_layers_param *param, void *config, const char *value) {
    if (!cly_layers_param_is_text(param)) {
        return fail_kind(param);
    }
    char *copy = NULL;
    const char *kept = value;
    clayer_status status = value == NULL ? CLAYER_OK : cly_layers_param_check_text(param, value, &kept);
    if (status == CLAYER_OK) {
        status = cly_base_copy_string(kept, &copy);
    }
    if (status == CLAYER_OK) {
        char **text = cly_layers_param_field(param, config);
        free(*text);
        *text = copy;
    }
    return status;
}
