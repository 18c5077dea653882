/* layers/params.h: a layer declares its parameters once, in a table.
 *
 * The JSON reader and writer, the checks, the defaults and the messages all come from that table. A parameter lives in
 * the public config struct of layers.h at `offset`. */
#ifndef CLY_LAYERS_PARAMS_H
#define CLY_LAYERS_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <clayer/layers.h>

#include "base/spec.h"

typedef enum cly_layers_param_kind {
    CLY_PARAM_INT,     /* int64_t */
    CLY_PARAM_SIZES,   /* int64_t[3]: an integer, or one an axis; where 0 is no legal value one entry stands for all */
    CLY_PARAM_AMOUNTS, /* int64_t[3][2]: an integer, one an axis (symmetric), or a pair an axis */
    CLY_PARAM_SHAPE,   /* clayer_shape: a list of integers */
    CLY_PARAM_AXIS,    /* int64_t `axis`, its flag, and clayer_shape `axes`: an axis or a list of them */
    CLY_PARAM_NUMBERS, /* const double * and its count: a number or a list of them */
    CLY_PARAM_BOOL,    /* bool */
    CLY_PARAM_NUMBER,  /* double */
    CLY_PARAM_CHOICE,  /* const char *: one of `choices` */
    CLY_PARAM_SPEC     /* const char *: text for `list` */
} cly_layers_param_kind;

#define CLY_NO_FLAG ((size_t)-1)

typedef struct cly_layers_param {
    const char *name;  /* Keras' name; NULL ends a table */
    const char *alias; /* an older name that files use, or NULL */
    cly_layers_param_kind kind;
    size_t offset;
    size_t flag_offset;         /* of the bool `has_...` that says it was given; CLY_NO_FLAG: none */
    size_t list_offset;         /* AXIS: of the clayer_shape that lists several; NUMBERS: of the size_t that counts */
    size_t none_offset;         /* AXIS: of the bool that stands for Keras' None; 0: an axis is needed */
    bool required;              /* must not be left 0 or NULL */
    bool negated;               /* a bool stored as `no_...` */
    double low, high;           /* inclusive limits of integers and numbers; both 0: none */
    double fallback;            /* Keras' default of integers and numbers */
    const char *fallback_text;  /* Keras' default of choices and specs; NULL: none. data_format has none: layer.c */
    const char *const *choices; /* NULL-terminated */
    const cly_spec_list *list;
} cly_layers_param;

/* Table lines: CLY_PARAM(clayer_conv_config, filters, INT, .required = true, .low = 1, .high = INT32_MAX) */
#define CLY_PARAM(config, field, kind_, ...)                                                                      \
    {                                                                                                             \
        .name = #field, .kind = CLY_PARAM_##kind_, .offset = offsetof(config, field), .flag_offset = CLY_NO_FLAG, \
        __VA_ARGS__                                                                                               \
    }
#define CLY_PARAM_FLAGGED(config, field, kind_, ...)                                  \
    {                                                                                 \
        .name = #field, .kind = CLY_PARAM_##kind_, .offset = offsetof(config, field), \
        .flag_offset = offsetof(config, has_##field), __VA_ARGS__                     \
    }

/* An axis or several: `axis` with has_axis, or `axes`; without either the last. Once settled `axes` lists them, also
 * where it is one. The second has `no_axis` too, Keras' None: `axes` is then empty. */
#define CLY_PARAM_AXIS_AT(config, none)                                                                     \
    {                                                                                                       \
        .name = "axis", .kind = CLY_PARAM_AXIS, .offset = offsetof(config, axis),                           \
        .flag_offset = offsetof(config, has_axis), .list_offset = offsetof(config, axes), .fallback = -1.0, \
        .none_offset = (none)                                                                               \
    }
#define CLY_PARAM_AXES_OF(config) CLY_PARAM_AXIS_AT(config, 0)
#define CLY_PARAM_AXES_OR_NONE(config) CLY_PARAM_AXIS_AT(config, offsetof(config, no_axis))
/* A number or several: `field` and `field`_count; none: NULL and 0, or one `fallback` where that is not 0 (-0.0: 0). */
#define CLY_PARAM_NUMBER_LIST(config, field, ...)                                                                 \
    {                                                                                                             \
        .name = #field, .kind = CLY_PARAM_NUMBERS, .offset = offsetof(config, field), .flag_offset = CLY_NO_FLAG, \
        .list_offset = offsetof(config, field##_count), __VA_ARGS__                                               \
    }

/* Lines that many tables have. */
#define CLY_PARAM_INITIALIZER(config, field, text) \
    CLY_PARAM(config, field, SPEC, .fallback_text = (text), .list = &cly_weights_initializers)
#define CLY_PARAM_REGULARIZER(config, field) CLY_PARAM(config, field, SPEC, .list = &cly_weights_regularizers)
#define CLY_PARAM_CONSTRAINT(config, field) CLY_PARAM(config, field, SPEC, .list = &cly_weights_constraints)
#define CLY_PARAM_ACTIVATION(config) CLY_PARAM(config, activation, SPEC, .list = &cly_ops_activations)
#define CLY_PARAM_DATA_FORMAT(config) CLY_PARAM(config, data_format, CHOICE, .choices = cly_layers_data_formats)
#define CLY_PARAM_PADDING(config, list_) \
    CLY_PARAM(config, padding, CHOICE, .fallback_text = "valid", .choices = (list_))
/* A size of each axis, at least 1. */
#define CLY_PARAM_AXES(config, field, ...) CLY_PARAM(config, field, SIZES, .low = 1, .high = INT32_MAX, __VA_ARGS__)
#define CLY_PARAM_NEGATED(config, name_, field)                                                                 \
    {                                                                                                           \
        .name = (name_), .kind = CLY_PARAM_BOOL, .offset = offsetof(config, field), .flag_offset = CLY_NO_FLAG, \
        .negated = true                                                                                         \
    }
extern const char *const cly_layers_data_formats[]; /* channels_last, channels_first */
extern const char *const cly_layers_paddings[];     /* valid, same */
extern const char *const cly_layers_paddings_1d[];  /* and causal */

/* The parameter of that name or alias, or NULL. */
const cly_layers_param *cly_layers_param_find(const cly_layers_param *params, const char *name);

/* Copies `source` (a public config of `size` bytes; NULL: all zero) to a new struct that owns its strings, puts
 * Keras' defaults in place of what was left 0 or NULL, and checks every value by itself. `layer` is "Conv2D 'name'"
 * for messages; `rank` is the number of axes of SIZES and AMOUNTS. */
clayer_status cly_layers_params_copy(const cly_layers_param *params, const void *source, size_t size, int rank,
                                     const char *layer, void **config_out);
/* Frees the strings and the struct itself, which a reader allocates with calloc. `name` is not of the table. */
void cly_layers_params_free(const cly_layers_param *params, void *config);

/* Setters for readers of files (params_set.c), on a zeroed config whose strings are owned (freed by
 * cly_layers_params_free): they accept what Keras writes for the kind and refuse the rest, naming the parameter.
 * `count` values stand for an integer (1) or a list; pairs are given flat with `count` = 2 * axes and `pairs` true. How
 * many axes the layer has is for the reader to compare: a table does not know. */
clayer_status cly_layers_param_set_integers(const cly_layers_param *param, void *config, const int64_t *values,
                                            size_t count, bool pairs);
clayer_status cly_layers_param_set_number(const cly_layers_param *param, void *config, double value);
/* Several numbers, copied. */
clayer_status cly_layers_param_set_numbers(const cly_layers_param *param, void *config, const double *values,
                                           size_t count);
/* Keras' None for an axis. */
clayer_status cly_layers_param_set_none(const cly_layers_param *param, void *config);
clayer_status cly_layers_param_set_bool(const cly_layers_param *param, void *config, bool value);
clayer_status cly_layers_param_set_text(const cly_layers_param *param, void *config, const char *value);

#endif
