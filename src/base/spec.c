/* base/spec.c: things chosen by name with a few arguments: found in a list, set, and asked for their values. The text
 * form is in spec_text.c. */
#include "base/spec.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/number.h"

static bool is_name(const char *name, const char *candidate) {
    return candidate != NULL && strcmp(name, candidate) == 0;
}

/* "unknown activation 'x': there are linear, relu, ..." */
static clayer_status fail_unknown(const cly_spec_list *list, const char *name) {
    cly_base_text names = {0};
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < list->count; i++) {
        CLY_TRY(cly_base_text_add(&names, "%s%s", i == 0 ? "" : ", ", list->entries[i].name));
    }
    status = cly_base_fail(CLAYER_INVALID_ARGUMENT, "unknown %s '%s': there are %s", list->what, name,
                           names.chars == NULL ? "none" : names.chars);
done:
    cly_base_text_free(&names);
    return status;
}

clayer_status cly_base_spec_find(const cly_spec_list *list, const char *name, cly_spec *spec_out) {
    for (size_t i = 0; i < list->count; i++) {
        const cly_spec_entry *entry = &list->entries[i];
        if (is_name(name, entry->name) || is_name(name, entry->class_name) || is_name(name, entry->alias)) {
            *spec_out = (cly_spec){.entry = entry};
            for (size_t p = 0; p < CLY_SPEC_PARAMETERS && entry->parameters[p].name != NULL; p++) {
                spec_out->values[p] = entry->parameters[p].fallback;
            }
            return CLAYER_OK;
        }
    }
    return fail_unknown(list, name);
}

/* The place of the parameter `name` (or alias) in the entry. */
static clayer_status find_parameter(const cly_spec_list *list, const cly_spec *spec, const char *name,
                                    size_t *index_out) {
    if (spec->entry == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "no %s is chosen that could take '%s'", list->what, name);
    }
    const cly_spec_parameter *parameters = spec->entry->parameters;
    cly_base_text names = {0};
    clayer_status status = CLAYER_OK;
    for (size_t p = 0; p < CLY_SPEC_PARAMETERS && parameters[p].name != NULL; p++) {
        if (is_name(name, parameters[p].name) || is_name(name, parameters[p].alias)) {
            *index_out = p;
            goto done;
        }
        CLY_TRY(cly_base_text_add(&names, "%s%s", p == 0 ? "" : ", ", parameters[p].name));
    }
    status = cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s '%s' has no argument '%s': it takes %s", list->what,
                           spec->entry->name, name, names.chars == NULL ? "none" : names.chars);
done:
    cly_base_text_free(&names);
    return status;
}

static clayer_status fail_kind(const cly_spec_list *list, const cly_spec *spec, size_t index, const char *wanted) {
    return cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s '%s': %s must be %s", list->what, spec->entry->name,
                         spec->entry->parameters[index].name, wanted);
}

static clayer_status set_limited(const cly_spec_list *list, cly_spec *spec, size_t index, double value) {
    const cly_spec_parameter *parameter = &spec->entry->parameters[index];
    if (!isfinite(value)) {
        return fail_kind(list, spec, index, "a finite number");
    }
    bool limited = parameter->low != 0.0 || parameter->high != 0.0;
    if (limited && (value < parameter->low || value > parameter->high)) {
        char got[32], low[32], high[32];
        cly_base_write_number(value, got, sizeof(got));
        cly_base_write_number(parameter->low, low, sizeof(low));
        cly_base_write_number(parameter->high, high, sizeof(high));
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s '%s': %s = %s is outside %s to %s", list->what,
                             spec->entry->name, parameter->name, got, low, high);
    }
    spec->values[index] = value;
    return CLAYER_OK;
}

static clayer_status set_axes_at(const cly_spec_list *list, cly_spec *spec, size_t index, const double *axes,
                                 size_t count) {
    if (count == 0) {
        return fail_kind(list, spec, index, "an axis or a list of at least one");
    }
    unsigned bits = 0;
    for (size_t i = 0; i < count; i++) {
        if (!(axes[i] >= -8.0 && axes[i] <= 7.0) || axes[i] != floor(axes[i])) {
            return fail_kind(list, spec, index, "axes from -8 to 7");
        }
        unsigned bit = 1u << (unsigned)(axes[i] + 8.0);
        if ((bits & bit) != 0) {
            return fail_kind(list, spec, index, "axes without a repeated one");
        }
        bits |= bit;
    }
    spec->values[index] = (double)bits;
    return CLAYER_OK;
}

/* Which of the entry's list arguments `index` is. */
static size_t list_position(const cly_spec_entry *entry, size_t index) {
    size_t position = 0;
    for (size_t p = 0; p < index; p++) {
        position += entry->parameters[p].kind == CLY_SPEC_LIST;
    }
    return position;
}

static clayer_status set_list_at(const cly_spec_list *list, cly_spec *spec, size_t index, const double *numbers,
                                 size_t count) {
    if (count > CLY_SPEC_NUMBERS) {
        return cly_base_fail(CLAYER_UNSUPPORTED, "%s '%s': %s has %zu numbers, at most %d are supported", list->what,
                             spec->entry->name, spec->entry->parameters[index].name, count, CLY_SPEC_NUMBERS);
    }
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(numbers[i])) {
            return fail_kind(list, spec, index, "a list of finite numbers");
        }
    }
    if (count > 0) {
        memcpy(spec->lists[list_position(spec->entry, index)], numbers, count * sizeof(*numbers));
    }
    spec->values[index] = (double)count;
    return CLAYER_OK;
}

static bool is_none(const char *word) {
    return strcmp(word, "None") == 0 || strcmp(word, "null") == 0;
}

/* Files and texts may name a metric or loss; the name belongs to the spec, not to its entry. */
static bool takes_name(const cly_spec_list *list, const cly_spec *spec, const char *name) {
    return list->named && spec->entry != NULL && strcmp(name, "name") == 0;
}

static clayer_status set_name(const cly_spec_list *list, cly_spec *spec, const char *value) {
    if (strlen(value) >= sizeof(spec->name)) {
        return cly_base_fail(CLAYER_UNSUPPORTED, "%s '%s': its name is longer than %d bytes", list->what,
                             spec->entry->name, CLY_SPEC_NAME - 1);
    }
    memset(spec->name, 0, sizeof(spec->name));
    memcpy(spec->name, value, strlen(value));
    return CLAYER_OK;
}

clayer_status cly_base_spec_set_number(const cly_spec_list *list, cly_spec *spec, const char *name, double value) {
    size_t index = 0;
    clayer_status status = find_parameter(list, spec, name, &index);
    if (status != CLAYER_OK) {
        return status;
    }
    switch (spec->entry->parameters[index].kind) {
        case CLY_SPEC_NUMBER:
        case CLY_SPEC_OPTIONAL:
            return set_limited(list, spec, index, value);
        case CLY_SPEC_LIST:
            return set_list_at(list, spec, index, &value, 1);
        case CLY_SPEC_BOOL:
            if (value != 0.0 && value != 1.0) {
                return fail_kind(list, spec, index, "True or False");
            }
            spec->values[index] = value;
            return CLAYER_OK;
        case CLY_SPEC_SEED:
            /* Above 2^53 a double no longer holds every integer. */
            if (!(value >= 0.0 && value <= 9007199254740992.0) || value != floor(value)) {
                return fail_kind(list, spec, index, "None or an integer from 0 to 2^53");
            }
            spec->values[index] = value;
            return CLAYER_OK;
        case CLY_SPEC_AXES:
            return set_axes_at(list, spec, index, &value, 1);
        case CLY_SPEC_CHOICE:
            break;
    }
    return fail_kind(list, spec, index, "a word, not a number");
}

static clayer_status set_choice(const cly_spec_list *list, cly_spec *spec, size_t index, const char *value) {
    const cly_spec_parameter *parameter = &spec->entry->parameters[index];
    cly_base_text words = {0};
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; parameter->choices != NULL && parameter->choices[i] != NULL; i++) {
        if (strcmp(parameter->choices[i], value) == 0) {
            spec->values[index] = (double)i;
            goto done;
        }
        CLY_TRY(cly_base_text_add(&words, "%s%s", i == 0 ? "" : ", ", parameter->choices[i]));
    }
    status = cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s '%s': %s = '%s' is not one of %s", list->what,
                           spec->entry->name, parameter->name, value, words.chars == NULL ? "none" : words.chars);
done:
    cly_base_text_free(&words);
    return status;
}

clayer_status cly_base_spec_set_text(const cly_spec_list *list, cly_spec *spec, const char *name, const char *value) {
    size_t index = 0;
    if (takes_name(list, spec, name)) {
        return set_name(list, spec, value);
    }
    clayer_status status = find_parameter(list, spec, name, &index);
    if (status != CLAYER_OK) {
        return status;
    }
    switch (spec->entry->parameters[index].kind) {
        case CLY_SPEC_CHOICE:
            return set_choice(list, spec, index, value);
        case CLY_SPEC_BOOL: {
            bool yes = strcmp(value, "True") == 0 || strcmp(value, "true") == 0;
            if (!yes && strcmp(value, "False") != 0 && strcmp(value, "false") != 0) {
                return fail_kind(list, spec, index, "True or False");
            }
            spec->values[index] = yes ? 1.0 : 0.0;
            return CLAYER_OK;
        }
        case CLY_SPEC_SEED:
            if (!is_none(value)) {
                return fail_kind(list, spec, index, "None or an integer from 0 to 2^53");
            }
            spec->values[index] = -1.0;
            return CLAYER_OK;
        case CLY_SPEC_OPTIONAL:
        case CLY_SPEC_LIST:
            if (!is_none(value)) {
                return fail_kind(list, spec, index, "numbers or None");
            }
            spec->values[index] = spec->entry->parameters[index].kind == CLY_SPEC_LIST ? 0.0 : NAN;
            return CLAYER_OK;
        case CLY_SPEC_NUMBER:
            return fail_kind(list, spec, index, "a number");
        case CLY_SPEC_AXES:
            break;
    }
    return fail_kind(list, spec, index, "an axis or a list of axes");
}

clayer_status cly_base_spec_set_list(const cly_spec_list *list, cly_spec *spec, const char *name, const double *numbers,
                                     size_t count) {
    size_t index = 0;
    clayer_status status = find_parameter(list, spec, name, &index);
    if (status != CLAYER_OK) {
        return status;
    }
    switch (spec->entry->parameters[index].kind) {
        case CLY_SPEC_LIST:
            return set_list_at(list, spec, index, numbers, count);
        case CLY_SPEC_AXES:
            return set_axes_at(list, spec, index, numbers, count);
        default:
            return fail_kind(list, spec, index, "one value, not a list");
    }
}

const double *cly_base_spec_get_list(const cly_spec *spec, const char *name, size_t *count_out) {
    *count_out = 0;
    for (size_t p = 0; spec->entry != NULL && p < CLY_SPEC_PARAMETERS; p++) {
        if (spec->entry->parameters[p].kind == CLY_SPEC_LIST && is_name(name, spec->entry->parameters[p].name)) {
            *count_out = (size_t)spec->values[p];
            return *count_out == 0 ? NULL : spec->lists[list_position(spec->entry, p)];
        }
    }
    return NULL;
}

double cly_base_spec_get(const cly_spec *spec, const char *name) {
    for (size_t p = 0; spec->entry != NULL && p < CLY_SPEC_PARAMETERS; p++) {
        if (is_name(name, spec->entry->parameters[p].name)) {
            return spec->values[p];
        }
    }
    return 0.0;
}
