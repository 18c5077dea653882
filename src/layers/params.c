/* layers/params.c: the table of parameters at work: Keras' defaults, the checks of single values, copies that own their
 * strings and lists.
 *
 * A value that was left 0 or NULL means Keras' default. Where a file says 0 and 0 is legal but not the default
 * (epsilon), the setter stores -0.0, which copying keeps. */
#include "layers/param_field.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/text.h"

const cly_layers_param *cly_layers_param_find(const cly_layers_param *params, const char *name) {
    for (const cly_layers_param *param = params; param != NULL && param->name != NULL; param++) {
        if (strcmp(param->name, name) == 0 || (param->alias != NULL && strcmp(param->alias, name) == 0)) {
            return param;
        }
    }
    return NULL;
}

/* ---- checks of one value ---- */

clayer_status cly_layers_param_check_limits(const cly_layers_param *param, double value) {
    char got[32], low[32], high[32];
    bool limited = param->low != 0.0 || param->high != 0.0;
    if (isfinite(value) && (!limited || (value >= param->low && value <= param->high))) {
        return CLAYER_OK;
    }
    if (!isfinite(value)) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s is not a finite number", param->name);
    }
    cly_base_write_number(value, got, sizeof(got));
    cly_base_write_number(param->low, low, sizeof(low));
    if (isinf(param->high)) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s is %s, must be at least %s", param->name, got, low);
    }
    cly_base_write_number(param->high, high, sizeof(high));
    return cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s is %s, must be from %s to %s", param->name, got, low, high);
}

clayer_status cly_layers_param_check_integers(const cly_layers_param *param, const int64_t *values, size_t count) {
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < count && status == CLAYER_OK; i++) {
        status = cly_layers_param_check_limits(param, (double)values[i]);
    }
    return status;
}

static clayer_status fail_required(const cly_layers_param *param) {
    return cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s is required", param->name);
}

/* ---- defaults, kind by kind, on a copy of the application's config ---- */

static clayer_status settle_integer(const cly_layers_param *param, void *config) {
    int64_t *value = cly_layers_param_field(param, config);
    bool given = cly_layers_param_has_flag(param) ? *cly_layers_param_flag(param, config) : *value != 0;
    if (!given && param->required) {
        return fail_required(param);
    }
    if (!given) {
        *value = (int64_t)param->fallback;
        return CLAYER_OK;
    }
    return cly_layers_param_check_integers(param, value, 1);
}

static clayer_status settle_number(const cly_layers_param *param, void *config) {
    double *value = cly_layers_param_field(param, config);
    bool given =
        cly_layers_param_has_flag(param) ? *cly_layers_param_flag(param, config) : *value != 0.0 || signbit(*value);
    if (!given) {
        *value = param->fallback;
        return CLAYER_OK;
    }
    return cly_layers_param_check_limits(param, *value);
}

/* One value for all axes, or one for each; zeros in between are a mistake, because no size may be 0. */
static clayer_status spread_sizes(const cly_layers_param *param, int64_t *values, int rank) {
    int given = 0;
    for (int i = 0; i < rank; i++) {
        given += values[i] != 0;
    }
    if (given != 1 && given != rank) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s has %d values, must have 1 for all axes or %d", param->name,
                             given, rank);
    }
    if (values[0] == 0) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s is 0 on the first axis", param->name);
    }
    for (int i = 1; i < rank; i++) {
        values[i] = given == 1 ? values[0] : values[i];
    }
    return cly_layers_param_check_integers(param, values, (size_t)rank);
}

static clayer_status settle_sizes(const cly_layers_param *param, void *config, int rank) {
    int64_t *values = cly_layers_param_field(param, config);
    bool given = false;
    for (int i = rank; i < CLY_PARAM_AXES_MOST; i++) {
        values[i] = 0;
    }
    if (cly_layers_param_has_flag(param) && *cly_layers_param_flag(param, config)) {
        return cly_layers_param_check_integers(param, values, (size_t)rank);
    }
    for (int i = 0; i < rank && !cly_layers_param_has_flag(param); i++) {
        given = given || values[i] != 0;
    }
    if (given) {
        return spread_sizes(param, values, rank);
    }
    for (int i = 0; i < rank; i++) {
        values[i] = (int64_t)param->fallback;
    }
    return param->required ? fail_required(param) : CLAYER_OK;
}

static clayer_status settle_amounts(const cly_layers_param *param, void *config, int rank) {
    int64_t *values = cly_layers_param_field(param, config);
    bool given = *cly_layers_param_flag(param, config);
    for (int i = 0; i < 2 * CLY_PARAM_AXES_MOST; i++) {
        int64_t fallback = i < 2 * rank ? (int64_t)param->fallback : 0;
        values[i] = given && i < 2 * rank ? values[i] : fallback;
    }
    return cly_layers_param_check_integers(param, values, 2 * (size_t)rank);
}

static clayer_status settle_shape(const cly_layers_param *param, void *config) {
    const clayer_shape *shape = cly_layers_param_field(param, config);
    if (shape->rank < 0 || shape->rank > CLAYER_MAX_RANK) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s has %d dimensions, must have 0 to %d", param->name,
                             shape->rank, CLAYER_MAX_RANK);
    }
    return cly_layers_param_check_integers(param, shape->dims, (size_t)shape->rank);
}

/* `axes` lists them all after this, `axis` holds the first. */
static clayer_status settle_axis(const cly_layers_param *param, void *config) {
    int64_t *axis = cly_layers_param_field(param, config);
    clayer_shape *axes = cly_layers_param_list(param, config);
    const bool none = param->none_offset != 0 && *(const bool *)((const char *)config + param->none_offset);
    if (axes->rank < 0 || axes->rank > CLAYER_MAX_RANK) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s lists %d axes, must list 1 to %d", param->name, axes->rank,
                             CLAYER_MAX_RANK);
    }
    if ((*cly_layers_param_flag(param, config) && (axes->rank > 0 || none)) || (axes->rank > 0 && none)) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s is given twice: alone, in a list, or as none", param->name);
    }
    if (none) {
        return CLAYER_OK;
    }
    if (axes->rank == 0) {
        *axes = (clayer_shape){.rank = 1,
                               .dims = {*cly_layers_param_flag(param, config) ? *axis : (int64_t)param->fallback}};
    }
    *axis = axes->dims[0];
    for (int i = 1; i < axes->rank; i++) {
        for (int j = 0; j < i; j++) {
            if (axes->dims[i] == axes->dims[j]) {
                return cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s lists %lld twice", param->name,
                                     (long long)axes->dims[i]);
            }
        }
    }
    return cly_layers_param_check_integers(param, axes->dims, (size_t)axes->rank);
}

/* The field of `config` was emptied: it gets a copy of the application's numbers, or the default. */
static clayer_status settle_numbers(const cly_layers_param *param, void *config, const double *given) {
    size_t *count = cly_layers_param_list(param, config);
    const double fallback = param->fallback;
    const bool has_default = fallback != 0.0 || signbit(fallback);
    if (given == NULL || *count == 0) {
        if (param->required) {
            return fail_required(param);
        }
        *count = 0;
        return has_default ? cly_layers_param_set_numbers(param, config, &fallback, 1) : CLAYER_OK;
    }
    return cly_layers_param_set_numbers(param, config, given, *count);
}

/* Keras folds the case of padding and data_format; the list's own spelling is kept. */
static clayer_status find_choice(const cly_layers_param *param, const char *value, const char **choice_out) {
    cly_base_text words = {0};
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; param->choices[i] != NULL; i++) {
        if (cly_base_same_word(param->choices[i], value)) {
            *choice_out = param->choices[i];
            goto done;
        }
        CLY_TRY(cly_base_text_add(&words, "%s%s", i == 0 ? "" : ", ", param->choices[i]));
    }
    status = cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s is '%s', must be one of %s", param->name, value,
                           words.chars == NULL ? "none" : words.chars);
done:
    cly_base_text_free(&words);
    return status;
}

/* Checks a text and gives the spelling to keep. */
clayer_status cly_layers_param_check_text(const cly_layers_param *param, const char *value, const char **value_out) {
    if (param->kind == CLY_PARAM_CHOICE) {
        return find_choice(param, value, value_out);
    }
    cly_spec spec;
    clayer_status status = cly_base_spec_parse(param->list, value, &spec);
    if (status != CLAYER_OK) {
        return cly_base_prefix(status, "%s", param->name);
    }
    *value_out = value;
    return CLAYER_OK;
}

/* The field of `config` still points to the application's text: it is replaced by a copy of our own. */
static clayer_status settle_text(const cly_layers_param *param, void *config, const char *given) {
    char **text = cly_layers_param_field(param, config);
    const char *value = given != NULL && given[0] != '\0' ? given : param->fallback_text;
    if (value == NULL && param->required) {
        return fail_required(param);
    }
    clayer_status status = value == NULL ? CLAYER_OK : cly_layers_param_check_text(param, value, &value);
    return status != CLAYER_OK ? status : cly_base_copy_string(value, text);
}

static clayer_status settle(const cly_layers_param *param, void *config, int rank, const void *given) {
    switch (param->kind) {
        case CLY_PARAM_INT:
            return settle_integer(param, config);
        case CLY_PARAM_SIZES:
            return settle_sizes(param, config, rank);
        case CLY_PARAM_AMOUNTS:
            return settle_amounts(param, config, rank);
        case CLY_PARAM_SHAPE:
            return settle_shape(param, config);
        case CLY_PARAM_AXIS:
            return settle_axis(param, config);
        case CLY_PARAM_NUMBERS:
            return settle_numbers(param, config, given);
        case CLY_PARAM_BOOL:
            return CLAYER_OK;
        case CLY_PARAM_NUMBER:
            return settle_number(param, config);
        case CLY_PARAM_CHOICE:
        case CLY_PARAM_SPEC:
            break;
    }
    return settle_text(param, config, given);
}

clayer_status cly_layers_params_copy(const cly_layers_param *params, const void *source, size_t size, int rank,
                                     const char *layer, void **config_out) {
    clayer_status status = CLAYER_OK;
    void *config = NULL;
    size_t given_bytes = 0;
    CLY_TRY(cly_base_alloc(1, size, &config));
    if (source != NULL) {
        memcpy(&given_bytes, source, sizeof(given_bytes));
        if (given_bytes < sizeof(clayer_add_config) || given_bytes > size) {
            status = cly_base_fail(CLAYER_INVALID_ARGUMENT, "struct_size is %zu, must be sizeof the config struct, %zu",
                                   given_bytes, size);
            goto done;
        }
        memcpy(config, source, given_bytes); /* a shorter struct is one of an older version */
    }
    memcpy(config, &size, sizeof(size));
    /* All borrowed strings and lists out first, so that a failure below frees nothing that is not ours. */
    for (const cly_layers_param *param = params; param->name != NULL; param++) {
        if (cly_layers_param_is_owned(param)) {
            *(void **)cly_layers_param_field(param, config) = NULL;
        }
    }
    for (const cly_layers_param *param = params; param->name != NULL; param++) {
        const void *given = NULL;
        if (cly_layers_param_is_owned(param) && param->offset + sizeof(given) <= given_bytes) {
            memcpy(&given, (const char *)source + param->offset, sizeof(given));
        }
        CLY_TRY(settle(param, config, rank, given));
    }
    *config_out = config;
    config = NULL;
done:
    cly_layers_params_free(params, config);
    return status == CLAYER_OK ? status : cly_base_prefix(status, "%s", layer);
}

void cly_layers_params_free(const cly_layers_param *params, void *config) {
    if (config == NULL) {
        return;
    }
    for (const cly_layers_param *param = params; param->name != NULL; param++) {
        if (cly_layers_param_is_owned(param)) {
            free(*(void **)cly_layers_param_field(param, config));
        }
    }
    free(config);
}
