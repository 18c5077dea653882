/* io/keras_weights.c: the weights of a model from HDF5, in the three layouts that Keras has had.
 *
 *  - legacy, in a whole-model .h5 below model_weights, in a weights-only .h5 at the top: keras_weights_legacy.c.
 *  - Keras 3's, also written by Keras 2 since 2.12: layers/<class>_<number>/vars/<number>, where the class is in snake
 *    case and the number counts the layers of that class, not the layer's name (keras/src/saving/saving_lib.py). Keras
 *    2.12 names the outer group _layer_checkpoint_dependencies and skips numbers. A nested model's group has a group
 *    "layers" of its own. A layer that stands in several models may be written where it comes first
 *    only.
 *
 * Every shape is held against what the model declares before anything is read. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "io/keras.h"
#include "model/model.h"

static bool same_shape(const clayer_shape *a, const clayer_shape *b) {
    bool same = a->rank == b->rank;
    for (int i = 0; same && i < a->rank; i++) {
        same = a->dims[i] == b->dims[i];
    }
    return same;
}

static clayer_status add_shape(cly_base_text *text, const clayer_shape *shape) {
    clayer_status status = cly_base_text_add(text, "(");
    for (int i = 0; i < shape->rank && status == CLAYER_OK; i++) {
        status = cly_base_text_add(text, "%s%lld", i == 0 ? "" : ", ", (long long)shape->dims[i]);
    }
    return status == CLAYER_OK ? cly_base_text_add(text, ")") : status;
}

static clayer_status fail_shape(const clayer_layer *layer, size_t index, const char *path, const clayer_shape *found) {
    cly_base_text text = {0};
    clayer_status status = CLAYER_OK;
    CLY_TRY(add_shape(&text, found));
    CLY_TRY(cly_base_text_add(&text, ", the layer needs "));
    CLY_TRY(add_shape(&text, clayer_tensor_get_shape(layer->weights[index].tensor)));
    status = cly_base_fail(CLAYER_BAD_FILE, "%s '%s': weight '%s' ('%s') has the shape %s", layer->class->name,
                           layer->name, layer->weights[index].name, path, text.chars);
done:
    cly_base_text_free(&text);
    return status;
}

clayer_status cly_io_keras_read_weight(const clayer_layer *layer, size_t index, cly_io_hdf5 *file, const char *path) {
    clayer_tensor *tensor = layer->weights[index].tensor;
    int64_t count = clayer_tensor_get_count(tensor);
    clayer_shape shape = {0};
    void *values = NULL;
    clayer_status status = CLAYER_OK;
    if (!cly_io_hdf5_exists(file, path)) {
        return cly_base_fail(CLAYER_BAD_FILE, "%s '%s': weight '%s' is missing: the file has no '%s'",
                             layer->class->name, layer->name, layer->weights[index].name, path);
    }
    CLY_TRY(cly_io_hdf5_get_shape(file, path, &shape));
    if (!same_shape(&shape, clayer_tensor_get_shape(tensor))) {
        return fail_shape(layer, index, path, &shape);
    }
    CLY_TRY(cly_base_alloc((size_t)count, sizeof(float), &values));
    CLY_TRY(cly_io_hdf5_read_floats(file, path, values, count));
    CLY_TRY(clayer_tensor_write(tensor, values, count));
done:
    free(values);
    return status;
}

clayer_status cly_io_keras_read_step(clayer_layer *layer, cly_io_hdf5 *file, const char *group) {
    char *text = NULL;
    clayer_status status = CLAYER_OK;
    if (layer == NULL || cly_layers_param_find(layer->class->params, "seed") == NULL ||
        !cly_io_hdf5_exists(file, group)) {
        return CLAYER_OK;
    }
    CLY_TRY(cly_io_hdf5_get_text(file, group, CLY_IO_KERAS_STEP, &text));
    if (text != NULL) {
        layer->training_step = strtoull(text, NULL, 10);
    }
done:
    free(text);
    return status;
}

clayer_layer *cly_io_keras_next_weighted(const clayer_model *model, size_t *index) {
    while (*index < model->layer_count) {
        clayer_layer *layer = model->layers[(*index)++];
        if (cly_io_keras_has_weights(layer)) {
            return layer;
        }
    }
    return NULL;
}

/* ---- Keras 3's layout ---- */

/* Where a layout keeps its layers. On Windows some versions wrote "layers\\conv2d" as the name of one group. */
static const struct {
    const char *top;       /* a group that is there in this layout; NULL: look for the layers themselves */
    const char *prefix;    /* before the layer's name */
    const char *separator; /* between a nested model's group and the prefix of its layers */
    bool skips_numbers;
} layouts[] = {
    {"layers", "layers/", "/", false},
    {"_layer_checkpoint_dependencies", "_layer_checkpoint_dependencies/", "/", true},
    {NULL, "layers\\", "\\", false},
    {NULL, "_layer_checkpoint_dependencies\\", "\\", true},
};

typedef struct numbered {
    cly_io_hdf5 *file;
    size_t layout;
    bool skips_visited;          /* whether layers may be shared that have no number where they come again */
    cly_io_keras_layers visited; /* layers and models of which the file needs no other copy */
} numbered;

/* "enc/layers/conv2d_1" into `path`, where `prefix` is "enc/layers/". */
static clayer_status group_name(cly_base_text *path, const char *prefix, const char *auto_name, size_t number) {
    cly_base_text_free(path);
    *path = (cly_base_text){0};
    return number == 0 ? cly_base_text_add(path, "%s%s", prefix, auto_name)
                       : cly_base_text_add(path, "%s%s_%zu", prefix, auto_name, number);
}

/* The number of the layer's group: how many layers of its class come before it. Where the layout skips numbers, the
 * groups that exist are counted. */
static clayer_status find_group(const numbered *in, const char *prefix, const char *auto_name, size_t before,
                                size_t limit, cly_base_text *path) {
    clayer_status status = CLAYER_OK;
    if (!layouts[in->layout].skips_numbers) {
        return group_name(path, prefix, auto_name, before);
    }
    for (size_t number = 0; number <= 2 * limit; number++) {
        CLY_TRY(group_name(path, prefix, auto_name, number));
        if (cly_io_hdf5_exists(in->file, path->chars) && before-- == 0) {
            break;
        }
    }
done:
    return status;
}

static clayer_status read_layer(const clayer_layer *layer, cly_io_hdf5 *file, const char *group) {
    cly_base_text path = {0};
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i <= layer->weight_count; i++) {
        cly_base_text_free(&path);
        path = (cly_base_text){0};
        CLY_TRY(cly_base_text_add(&path, "%s%s/vars/%zu", group, cly_io_keras_within(layer), i));
        if (i < layer->weight_count) {
            CLY_TRY(cly_io_keras_read_weight(layer, i, file, path.chars));
        } else if (cly_io_hdf5_exists(file, path.chars)) {
            status = cly_base_fail(CLAYER_BAD_FILE, "%s '%s' has %zu weights, the file has more: '%s'",
                                   layer->class->name, layer->name, layer->weight_count, path.chars);
        }
    }
done:
    cly_base_text_free(&path);
    return status;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A group with weights that no layer has taken; `taken` are the names below the group that `prefix` ends in, which it
 * sorts. */
static clayer_status check_surplus(const numbered *in, const char *prefix, char **taken, size_t taken_count) {
    char **names = NULL;
    size_t count = 0;
    cly_base_text path = {0};
    clayer_status status = CLAYER_OK;
    if (layouts[in->layout].top == NULL) {
        return CLAYER_OK;
    }
    CLY_TRY(cly_base_text_add(&path, "%.*s", (int)strlen(prefix) - 1, prefix));
    if (!cly_io_hdf5_exists(in->file, path.chars)) { /* of a model whose layers all stand elsewhere */
        goto done;
    }
    CLY_TRY(cly_io_hdf5_list(in->file, path.chars, &names, &count));
    qsort(taken, taken_count, sizeof(*taken), compare_names);
    for (size_t i = 0; i < count; i++) {
        cly_base_text_free(&path);
        path = (cly_base_text){0};
        CLY_TRY(cly_base_text_add(&path, "%s%s/vars/0", prefix, names[i]));
        if (bsearch(&names[i], taken, taken_count, sizeof(*taken), compare_names) == NULL &&
            cly_io_hdf5_exists(in->file, path.chars)) {
            status = cly_base_fail(CLAYER_BAD_FILE, "the file has weights '%s' of a layer that the model has not",
                                   path.chars);
            goto done;
        }
    }
done:
    cly_io_free_strings(names, count);
    cly_base_text_free(&path);
    return status;
}

static clayer_status read_layers(numbered *in, const clayer_model *model, const char *prefix);

/* A layer's weights, or those of the layers in it. group NULL: the file has none for it. */
static clayer_status read_group(numbered *in, clayer_layer *layer, const char *group) {
    cly_base_text path = {0};
    clayer_status status = CLAYER_OK;
    const bool absent = cly_io_keras_has_weights(layer) && (group == NULL || !cly_io_hdf5_exists(in->file, group));
    const clayer_layer *twin = absent ? cly_io_keras_find_twin(&in->visited, layer) : NULL;
    CLY_TRY(cly_io_keras_append(&in->visited, layer));
    if (twin != NULL) {
        CLY_TRY(cly_io_keras_copy_twin(twin, layer));
    } else if (group == NULL) {
        goto done; /* it has no weights */
    } else if (cly_layers_shown_model(layer) != NULL) {
        CLY_TRY(cly_base_text_add(&path, "%s%s%s%s", group, cly_io_keras_within(layer), layouts[in->layout].separator,
                                  layouts[in->layout].prefix));
        status = read_layers(in, layer->nested, path.chars);
        status = status == CLAYER_OK ? status : cly_base_prefix(status, "%s '%s'", layer->class->name, layer->name);
    } else if (layer->weight_count == 0) {
        CLY_TRY(cly_base_text_add(&path, "%s%s/vars", group, cly_io_keras_within(layer)));
        CLY_TRY(cly_io_keras_read_step(layer, in->file, path.chars));
    } else {
        CLY_TRY(read_layer(layer, in->file, group));
    }
done:
    cly_base_text_free(&path);
    return status;
}

static clayer_status read_layers(numbered *in, const clayer_model *model, const char *prefix) {
    char **taken = NULL;
    size_t taken_count = 0, *numbers = NULL;
    cly_base_text group = {0};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_number_layers(model, &numbers));
    CLY_TRY(cly_base_alloc(model->layer_count, sizeof(char *), (void **)&taken));
    for (size_t i = 0; i < model->layer_count; i++) {
        if (in->skips_visited) {
            CLY_TRY(cly_io_keras_settle_group(&in->visited, model, i, in->file, prefix, numbers));
        }
        if (numbers[i] == CLY_IO_KERAS_NO_GROUP) {
            CLY_TRY(cly_io_keras_holds(&in->visited, model->layers[i]) ? CLAYER_OK
                                                                       : read_group(in, model->layers[i], NULL));
            continue;
        }
        CLY_TRY(find_group(in, prefix, cly_layers_auto_name(model->layers[i]), numbers[i], model->layer_count, &group));
        if (!cly_io_keras_holds(&in->visited, model->layers[i])) {
            CLY_TRY(read_group(in, model->layers[i], group.chars));
        }
        CLY_TRY(cly_base_copy_string(group.chars + strlen(prefix), &taken[taken_count]));
        taken_count++;
    }
    CLY_TRY(check_surplus(in, prefix, taken, taken_count));
done:
    free(numbers);
    cly_io_free_strings(taken, taken_count);
    cly_base_text_free(&group);
    return status;
}

/* Whether the first weighted layer of the model is there in a layout that has no group around its layers. */
static clayer_status has_layout(const clayer_model *model, cly_io_hdf5 *file, size_t layout, bool *has_out) {
    cly_base_text path = {0};
    size_t next = 0;
    clayer_status status = CLAYER_OK;
    *has_out = false;
    if (layouts[layout].top != NULL) {
        *has_out = cly_io_hdf5_exists(file, layouts[layout].top);
        return CLAYER_OK;
    }
    const clayer_layer *first = cly_io_keras_next_weighted(model, &next);
    if (first != NULL) {
        CLY_TRY(group_name(&path, layouts[layout].prefix, cly_layers_auto_name(first), 0));
        *has_out = cly_io_hdf5_exists(file, path.chars);
    }
done:
    cly_base_text_free(&path);
    return status;
}

clayer_status cly_io_keras_weights(clayer_model *model, cly_io_hdf5 *file) {
    numbered in = {.file = file};
    char **names = NULL;
    size_t count = 0, next = 0;
    clayer_status status = CLAYER_OK;
    if (cly_io_hdf5_exists(file, "model_weights")) {
        return cly_io_keras_legacy_weights(model, file, "model_weights");
    }
    CLY_TRY(cly_io_hdf5_get_texts(file, "/", "layer_names", &names, &count));
    if (count > 0) {
        status = cly_io_keras_legacy_weights(model, file, "");
        goto done;
    }
    for (in.layout = 0; in.layout < CLY_COUNT(layouts); in.layout++) {
        bool has = false;
        CLY_TRY(has_layout(model, file, in.layout, &has));
        if (has) {
            for (size_t i = 0; i < model->layer_count; i++) {
                const bool nested = model->generation == 2 && !layouts[in.layout].skips_numbers;
                in.skips_visited = in.skips_visited || (nested && cly_layers_shown_model(model->layers[i]) != NULL);
            }
            status = read_layers(&in, model, layouts[in.layout].prefix);
            goto done;
        }
    }
    if (cly_io_keras_next_weighted(model, &next) != NULL) {
        status = cly_base_fail(CLAYER_BAD_FILE, "the file holds no weights in a layout of Keras");
    }
done:
    free(in.visited.layers);
    cly_io_free_strings(names, count);
    return status;
}
