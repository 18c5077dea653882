/* base/spec_text.c: the text form of a spec, "l1_l2(l1=0.01, l2=0.02)", read strictly and written.
 *
 *   text     := name [ "(" [ argument { "," argument } ] ")" ]
 *   argument := [ name "=" ] ( number | word | 'word' | "word" | list )
 *   list     := "[" number { "," number } "]", or with round brackets
 *
 * Blanks may stand between any two of these. Positional arguments come first, in the entry's order. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/number.h"
#include "base/spec.h"

#define MAX_WORD 64

typedef struct parser {
    const cly_spec_list *list;
    const char *text; /* the whole, for messages */
    const char *next;
    unsigned given; /* bit p: parameter p has been set */
    bool keywords;  /* one was given by name: no positional ones after it */
} parser;

static clayer_status fail_at(const parser *in, const char *wanted) {
    char near[24] = {0};
    strncpy(near, in->next, sizeof(near) - 1);
    return cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s '%s': expected %s before '%s'", in->list->what, in->text, wanted,
                         near[0] == '\0' ? "the end" : near);
}

static void skip_blanks(parser *in) {
    while (*in->next == ' ' || *in->next == '\t' || *in->next == '\n' || *in->next == '\r') {
        in->next++;
    }
}

static bool take(parser *in, char c) {
    skip_blanks(in);
    if (*in->next != c) {
        return false;
    }
    in->next++;
    skip_blanks(in);
    return true;
}

static bool is_word_char(char c, bool first) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (!first && c >= '0' && c <= '9');
}

/* A bare word. */
static clayer_status read_word(parser *in, char word[MAX_WORD], const char *wanted) {
    size_t length = 0;
    skip_blanks(in);
    while (is_word_char(in->next[length], length == 0)) {
        length++;
    }
    if (length == 0 || length >= MAX_WORD) {
        return fail_at(in, wanted);
    }
    memcpy(word, in->next, length);
    word[length] = '\0';
    in->next += length;
    return CLAYER_OK;
}

static clayer_status read_quoted(parser *in, char word[MAX_WORD]) {
    char quote = *in->next;
    const char *end = strchr(in->next + 1, quote);
    if (end == NULL || (size_t)(end - in->next) > MAX_WORD) {
        return fail_at(in, "a word in matching quotes");
    }
    size_t length = (size_t)(end - in->next) - 1;
    memcpy(word, in->next + 1, length);
    word[length] = '\0';
    in->next = end + 1;
    return CLAYER_OK;
}

/* A number must end where a word could not go on: "3x" is none. */
static clayer_status read_number(parser *in, double *value_out) {
    size_t length = 0;
    if (!cly_base_read_number(in->next, value_out, &length) || is_word_char(in->next[length], false) ||
        in->next[length] == '.') {
        return fail_at(in, "a number");
    }
    in->next += length;
    return CLAYER_OK;
}

static clayer_status read_list(parser *in, cly_spec *spec, const char *name) {
    char close = *in->next == '[' ? ']' : ')';
    double numbers[CLY_SPEC_NUMBERS];
    size_t count = 0;
    in->next++;
    while (!take(in, close)) {
        if (count > 0 && !take(in, ',')) {
            return fail_at(in, "',' or the end of the list");
        }
        if (count > 0 && take(in, close)) { /* Python's (0,) */
            break;
        }
        if (count == CLY_SPEC_NUMBERS) {
            return fail_at(in, "a shorter list");
        }
        clayer_status status = read_number(in, &numbers[count++]);
        if (status != CLAYER_OK) {
            return status;
        }
    }
    return cly_base_spec_set_list(in->list, spec, name, numbers, count);
}

static clayer_status read_value(parser *in, cly_spec *spec, const char *name) {
    char word[MAX_WORD];
    char c = *in->next;
    clayer_status status;
    if (c == '[' || c == '(') {
        return read_list(in, spec, name);
    }
    if (c == '\'' || c == '"') {
        status = read_quoted(in, word);
    } else if (is_word_char(c, true)) {
        status = read_word(in, word, "a value");
    } else {
        double value = 0.0;
        status = read_number(in, &value);
        return status == CLAYER_OK ? cly_base_spec_set_number(in->list, spec, name, value) : status;
    }
    return status == CLAYER_OK ? cly_base_spec_set_text(in->list, spec, name, word) : status;
}

/* Which parameter `name` (or its alias) is; CLY_SPEC_PARAMETERS if none. */
static size_t place_of(const cly_spec_entry *entry, const char *name) {
    size_t p = 0;
    for (; p < CLY_SPEC_PARAMETERS && entry->parameters[p].name != NULL; p++) {
        const cly_spec_parameter *parameter = &entry->parameters[p];
        if (strcmp(parameter->name, name) == 0 || (parameter->alias != NULL && strcmp(parameter->alias, name) == 0)) {
            return p;
        }
    }
    return CLY_SPEC_PARAMETERS;
}

static clayer_status read_argument(parser *in, cly_spec *spec, size_t position) {
    char name[MAX_WORD] = {0};
    parser ahead = *in;
    bool keyword = is_word_char(*in->next, true) && read_word(&ahead, name, "a name") == CLAYER_OK && take(&ahead, '=');
    if (keyword) {
        *in = ahead;
        in->keywords = true;
    } else if (in->keywords) {
        return fail_at(in, "an argument by name (positional ones come first)");
    } else if (position >= CLY_SPEC_PARAMETERS || spec->entry->parameters[position].name == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s '%s': '%s' takes only %zu arguments", in->list->what,
                             in->text, spec->entry->name, position);
    } else {
        (void)strncpy(name, spec->entry->parameters[position].name, MAX_WORD - 1);
    }
    size_t place = place_of(spec->entry, name);
    unsigned bit = place < CLY_SPEC_PARAMETERS ? 1u << place : 0u;
    if ((in->given & bit) != 0) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s '%s': %s is given twice", in->list->what, in->text, name);
    }
    in->given |= bit;
    skip_blanks(in);
    return read_value(in, spec, name);
}

clayer_status cly_base_spec_parse(const cly_spec_list *list, const char *text, cly_spec *spec_out) {
    if (text == NULL || text[0] == '\0') {
        *spec_out = (cly_spec){0};
        return CLAYER_OK;
    }
    parser in = {.list = list, .text = text, .next = text};
    char name[MAX_WORD];
    cly_spec spec = {0};
    clayer_status status = CLAYER_OK;
    CLY_TRY(read_word(&in, name, "a name"));
    CLY_TRY(cly_base_spec_find(list, name, &spec));
    if (take(&in, '(')) {
        size_t position = 0;
        while (!take(&in, ')')) {
            if (position > 0 && !take(&in, ',')) {
                status = fail_at(&in, "',' or ')'");
                goto done;
            }
            CLY_TRY(read_argument(&in, &spec, position));
            position++;
        }
    }
    if (*in.next != '\0') {
        status = fail_at(&in, "the end");
        goto done;
    }
    *spec_out = spec;
done:
    return status;
}

/* "[0, 1]"; one axis alone is a plain integer. */
static clayer_status add_axes(cly_base_text *text, unsigned bits) {
    clayer_status status = CLAYER_OK;
    bool several = (bits & (bits - 1u)) != 0;
    bool first = true;
    CLY_TRY(cly_base_text_add(text, "%s", several ? "[" : ""));
    for (int axis = -8; axis <= 7; axis++) {
        if ((bits >> (unsigned)(axis + 8) & 1u) != 0) {
            CLY_TRY(cly_base_text_add(text, "%s%d", first ? "" : ", ", axis));
            first = false;
        }
    }
    CLY_TRY(cly_base_text_add(text, "%s", several ? "]" : ""));
done:
    return status;
}

static clayer_status add_number(cly_base_text *text, double value) {
    char number[32];
    cly_base_write_number(value, number, sizeof(number));
    return cly_base_text_add(text, "%s", number);
}

static clayer_status add_list(cly_base_text *text, const double *numbers, size_t count) {
    clayer_status status = CLAYER_OK;
    if (count == 0) {
        return cly_base_text_add(text, "None");
    }
    for (size_t i = 0; i < count; i++) {
        CLY_TRY(cly_base_text_add(text, "%s", i == 0 ? "[" : ", "));
        CLY_TRY(add_number(text, numbers[i]));
    }
    CLY_TRY(cly_base_text_add(text, "]"));
done:
    return status;
}

static clayer_status add_value(cly_base_text *text, const cly_spec *spec, size_t p) {
    const cly_spec_parameter *parameter = &spec->entry->parameters[p];
    const double value = spec->values[p];
    size_t count = 0;
    switch (parameter->kind) {
        case CLY_SPEC_BOOL:
            return cly_base_text_add(text, "%s", value != 0.0 ? "True" : "False");
        case CLY_SPEC_CHOICE:
            return cly_base_text_add(text, "%s", parameter->choices[(size_t)value]);
        case CLY_SPEC_AXES:
            return add_axes(text, (unsigned)value);
        case CLY_SPEC_LIST: {
            const double *numbers = cly_base_spec_get_list(spec, parameter->name, &count);
            return add_list(text, numbers, count);
        }
        case CLY_SPEC_SEED:
        case CLY_SPEC_OPTIONAL:
            if (isnan(value) || (parameter->kind == CLY_SPEC_SEED && value < 0.0)) {
                return cly_base_text_add(text, "None");
            }
            break;
        case CLY_SPEC_NUMBER:
            break;
    }
    return add_number(text, value);
}

/* A list differs from its fallback, None, as soon as it has a number. */
static bool is_fallback(const cly_spec *spec, size_t p) {
    const double fallback = spec->entry->parameters[p].fallback;
    return spec->values[p] == fallback || (isnan(spec->values[p]) && isnan(fallback));
}

clayer_status cly_base_spec_format(const cly_spec *spec, cly_base_text *text) {
    if (spec->entry == NULL) {
        return cly_base_text_add(text, "%s", "");
    }
    clayer_status status = CLAYER_OK;
    bool open = false;
    CLY_TRY(cly_base_text_add(text, "%s", spec->entry->name));
    for (size_t p = 0; p < CLY_SPEC_PARAMETERS && spec->entry->parameters[p].name != NULL; p++) {
        if (is_fallback(spec, p)) {
            continue;
        }
        CLY_TRY(cly_base_text_add(text, "%s%s=", open ? ", " : "(", spec->entry->parameters[p].name));
        CLY_TRY(add_value(text, spec, p));
        open = true;
    }
    if (spec->name[0] != '\0') {
        CLY_TRY(cly_base_text_add(text, "%sname='%s'", open ? ", " : "(", spec->name));
        open = true;
    }
    if (open) {
        CLY_TRY(cly_base_text_add(text, ")"));
    }
done:
    return status;
}
