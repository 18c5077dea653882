/* layers/params.c: the table of parameters at work: Keras' defaults, the checks of single values, copies that own their
 * strings, and setters for readers of files.
 *
 * A value that was left 0 or NULL means Keras' default. Where a file says 0 and 0 is legal but not the default
 * (epsilon), the setter stores -0.0, which copying keeps. */
#include "layers/params.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/text.h"

#define AXES 3

const cly_layers_param *cly_layers_param_find(const cly_layers_param *params, const char *name) {
    for (const cly_layers_param *param = params; param != NULL && param->name != NULL; param++) {
        if (strcmp(param->name, name) == 0 || (param->alias != NULL && strcmp(param->alias, name) == 0)) {
            return param;
        }
    }
    return NULL;
}

/* ---- where a value lies in a config ---- */

static void *field(const cly_layers_param *param, void *config) {
    return (char *)config + param->offset;
}

static bool has_flag(const cly_layers_param *param) {
    return param->flag_offset != CLY_NO_FLAG;
}

static bool *flag(const cly_layers_param *param, void *config) {
    return (bool *)((char *)config + param->flag_offset);
}

static bool is_text(const cly_layers_param *param) {
    return param->kind == CLY_PARAM_CHOICE || param->kind == CLY_PARAM_SPEC;
}

/* ---- checks of one value ---- */

static clayer_status check_limits(const cly_layers_param *param, double value) {
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

static clayer_status check_integers(const cly_layers_param *param, const int64_t *values, size_t count) {
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < count && status == CLAYER_OK; i++) {
        status = check_limits(param, (double)values[i]);
    }
    return status;
}

static clayer_status fail_required(const cly_layers_param *param) {
    return cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s is required", param->name);
}

/* ---- defaults, kind by kind, on a copy of the application's config ---- */

static clayer_status settle_integer(const cly_layers_param *param, void *config) {
    int64_t *value = field(param, config);
    bool given = has_flag(param) ? *flag(param, config) : *value != 0;
    if (!given && param->required) {
        return fail_required(param);
    }
    if (!given) {
        *value = (int64_t)param->fallback;
        return CLAYER_OK;
    }
    return check_integers(param, value, 1);
}

static clayer_status settle_number(const cly_layers_param *param, void *config) {
    double *value = field(param, config);
    bool given = has_flag(param) ? *flag(param, config) : *value != 0.0 || signbit(*value);
    if (!given) {
        *value = param->fallback;
        return CLAYER_OK;
    }
    return check_limits(param, *value);
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
    return check_integers(param, values, (size_t)rank);
}

static clayer_status settle_sizes(const cly_layers_param *param, void *config, int rank) {
    int64_t *values = field(param, config);
    bool given = false;
    for (int i = rank; i < AXES; i++) {
        values[i] = 0;
    }
    if (has_flag(param) && *flag(param, config)) {
        return check_integers(param, values, (size_t)rank);
    }
    for (int i = 0; i < rank && !has_flag(param); i++) {
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
    int64_t *values = field(param, config);
    bool given = *flag(param, config);
    for (int i = 0; i < 2 * AXES; i++) {
        int64_t fallback = i < 2 * rank ? (int64_t)param->fallback : 0;
        values[i] = given && i < 2 * rank ? values[i] : fallback;
    }
    return check_integers(param, values, 2 * (size_t)rank);
}

static clayer_status settle_shape(const cly_layers_param *param, void *config) {
    const clayer_shape *shape = field(param, config);
    if (shape->rank < 0 || shape->rank > CLAYER_MAX_RANK) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s has %d dimensions, must have 0 to %d", param->name,
                             shape->rank, CLAYER_MAX_RANK);
    }
    return check_integers(param, shape->dims, (size_t)shape->rank);
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
static clayer_status check_text(const cly_layers_param *param, const char *value, const char **value_out) {
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
    char **text = field(param, config);
    const char *value = given != NULL && given[0] != '\0' ? given : param->fallback_text;
    if (value == NULL && param->required) {
        return fail_required(param);
    }
    clayer_status status = value == NULL ? CLAYER_OK : check_text(param, value, &value);
    return status != CLAYER_OK ? status : cly_base_copy_string(value, text);
}

static clayer_status settle(const cly_layers_param *param, void *config, int rank, const char *given_text) {
    switch (param->kind) {
        case CLY_PARAM_INT:
            return settle_integer(param, config);
        case CLY_PARAM_SIZES:
            return settle_sizes(param, config, rank);
        case CLY_PARAM_AMOUNTS:
            return settle_amounts(param, config, rank);
        case CLY_PARAM_SHAPE:
            return settle_shape(param, config);
        case CLY_PARAM_BOOL:
            return CLAYER_OK;
        case CLY_PARAM_NUMBER:
            return settle_number(param, config);
        case CLY_PARAM_CHOICE:
        case CLY_PARAM_SPEC:
            break;
    }
    return settle_text(param, config, given_text);
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
    /* All borrowed strings out first, so that a failure below frees nothing that is not ours. */
    for (const cly_layers_param *param = params; param->name != NULL; param++) {
        if (is_text(param)) {
            *(char **)field(param, config) = NULL;
        }
    }
    for (const cly_layers_param *param = params; param->name != NULL; param++) {
        const char *text = NULL;
        if (is_text(param) && param->offset + sizeof(text) <= given_bytes) {
            memcpy(&text, (const char *)source + param->offset, sizeof(text));
        }
        CLY_TRY(settle(param, config, rank, text));
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
        if (is_text(param)) {
            free(*(char **)field(param, config));
        }
    }
    free(config);
}

/* ---- setters for readers ---- */

static clayer_status fail_kind(const cly_layers_param *param) {
    static const char *const wanted[] = {"an integer",
                                         "an integer, or a list of one for each axis",
                                         "an integer, or a list of one or a pair for each axis",
                                         "a list of integers",
                                         "true or false",
                                         "a number",
                                         "a word",
                                         "a name"};
    return cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s must be %s", param->name, wanted[param->kind]);
}

static void raise_flag(const cly_layers_param *param, void *config) {
    if (has_flag(param)) {
        *flag(param, config) = true;
    }
}

/* Zero would be taken for "not given" later, so it is refused here where it is no legal value. */
static clayer_status set_sizes(const cly_layers_param *param, int64_t *target, const int64_t *values, size_t count) {
    if (count < 1 || count > AXES) {
        return fail_kind(param);
    }
    for (size_t i = 0; i < AXES; i++) {
        target[i] = i < count ? values[i] : count == 1 ? values[0] : 0;
    }
    return check_integers(param, values, count);
}

static clayer_status set_amounts(const cly_layers_param *param, int64_t *target, const int64_t *values, size_t count,
                                 bool pairs) {
    if (count < 1 || count > (pairs ? 2 * AXES : AXES) || (pairs && count % 2 != 0)) {
        return fail_kind(param);
    }
    for (size_t i = 0; i < 2 * AXES; i++) {
        size_t from = pairs ? i : count == 1 ? 0 : i / 2;
        target[i] = from < count ? values[from] : 0;
    }
    return check_integers(param, values, count);
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
    return check_integers(param, values, count);
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
            memcpy(field(param, config), values, sizeof(*values));
            return check_integers(param, values, 1);
        case CLY_PARAM_NUMBER:
            return count == 1 ? cly_layers_param_set_number(param, config, (double)values[0]) : fail_kind(param);
        case CLY_PARAM_SIZES:
            return set_sizes(param, field(param, config), values, count);
        case CLY_PARAM_AMOUNTS:
            return set_amounts(param, field(param, config), values, count, pairs);
        case CLY_PARAM_SHAPE:
            return set_shape(param, field(param, config), values, count);
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
    if (param->kind != CLY_PARAM_NUMBER) {
        return fail_kind(param);
    }
    bool explicit_zero = value == 0.0 && !has_flag(param);
    *(double *)field(param, config) = explicit_zero ? -0.0 : value;
    raise_flag(param, config);
    return check_limits(param, value);
}

clayer_status cly_layers_param_set_bool(const cly_layers_param *param, void *config, bool value) {
    if (param->kind != CLY_PARAM_BOOL) {
        return fail_kind(param);
    }
    *(bool *)field(param, config) = param->negated ? !value : value;
    return CLAYER_OK;
}

clayer_status cly_layers_param_set_text(const cly_layers_param *param, void *config, const char *value) {
    if (!is_text(param)) {
        return fail_kind(param);
    }
    char *copy = NULL;
    const char *kept = value;
    clayer_status status = value == NULL ? CLAYER_OK : check_text(param, value, &kept);
    if (status == CLAYER_OK) {
        status = cly_base_copy_string(kept, &copy);
    }
    if (status == CLAYER_OK) {
        char **text = field(param, config);
        free(*text);
        *text = copy;
    }
    return status;
}
