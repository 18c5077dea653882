/* io/keras_write_weights.c: the weights of a model to HDF5 in Keras' layouts: the other way of keras_weights.c.
 *
 * Follows _save_state of keras/src/saving/saving_lib.py (and of Keras 2's) for .keras and .weights.h5, and
 * save_weights_to_hdf5_group of keras/src/legacy/saving/legacy_h5_format.py for .h5. Besides, a layer that draws random
 * numbers in training notes how often it did, in an attribute that Keras does not look at. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "io/keras_write.h"

static clayer_status write_weight(const clayer_layer *layer, size_t index, cly_io_hdf5_image *image, const char *path) {
    clayer_tensor *tensor = layer->weights[index].tensor;
    int64_t count = clayer_tensor_get_count(tensor);
    void *values = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_base_alloc((size_t)count, sizeof(float), &values));
    CLY_TRY(clayer_tensor_read(tensor, values, count));
    CLY_TRY(cly_io_hdf5_add_floats(image, path, clayer_tensor_get_shape(tensor), values));
done:
    free(values);
    return status;
}

static clayer_status note_training_step(const clayer_layer *layer, cly_io_hdf5_image *image, const char *group) {
    char text[32];
    bool draws = cly_layers_param_find(layer->class->params, "seed") != NULL;
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)layer->training_step);
    return draws && layer->training_step > 0 ? cly_io_hdf5_set_text(image, group, CLY_IO_KERAS_STEP, text) : CLAYER_OK;
}

/* ---- layers/<class>_<number>/vars/<number> ---- */

static clayer_status write_vars(const clayer_layer *layer, int generation, cly_io_hdf5_image *image,
                                const char *group) {
    cly_base_text vars = {0}, path = {0};
    clayer_status status = CLAYER_OK;
    if (layer->inner_name != NULL) { /* the TimeDistributed has none of its own */
        CLY_TRY(cly_base_text_add(&path, "%s/vars", group));
        CLY_TRY(cly_io_hdf5_add_group(image, path.chars));
    }
    CLY_TRY(cly_base_text_add(&vars, "%s%s/vars", group, cly_io_keras_within(layer)));
    CLY_TRY(cly_io_hdf5_add_group(image, vars.chars));
    if (generation == 3) {
        CLY_TRY(cly_io_hdf5_set_text(image, vars.chars, "name",
                                     layer->inner_name != NULL ? layer->inner_name : layer->name));
    }
    CLY_TRY(note_training_step(layer, image, vars.chars));
    for (size_t i = 0; i < layer->weight_count; i++) {
        cly_base_text_free(&path);
        path = (cly_base_text){0};
        CLY_TRY(cly_base_text_add(&path, "%s/%zu", vars.chars, i));
        CLY_TRY(write_weight(layer, i, image, path.chars));
    }
done:
    cly_base_text_free(&vars);
    cly_base_text_free(&path);
    return status;
}

/* The layers of a Sequential do not include its input. */
static bool is_listed(const clayer_model *model, const clayer_layer *layer) {
    return layer->class != &cly_layers_input_layer || !cly_io_keras_is_sequential(model);
}

/* "prefix/conv2d_1" */
static clayer_status name_group(const clayer_layer *layer, size_t number, const char *prefix, cly_base_text *group) {
    const char *name = cly_layers_auto_name(layer);
    cly_base_text_free(group);
    *group = (cly_base_text){0};
    return number == 0 ? cly_base_text_add(group, "%s/%s", prefix, name)
                       : cly_base_text_add(group, "%s/%s_%zu", prefix, name, number);
}

/* A layer that several models share is written in each of them: Keras, which writes it once, makes several layers of it
 * when it reads that. */
static clayer_status write_layers(const clayer_model *model, int generation, cly_io_hdf5_image *image,
                                  const char *prefix) {
    cly_base_text group = {0}, inner = {0};
    size_t *numbers = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_number_layers(model, &numbers));
    CLY_TRY(cly_io_hdf5_add_group(image, prefix));
    for (size_t i = 0; i < model->layer_count; i++) {
        const clayer_layer *layer = model->layers[i];
        if (!is_listed(model, layer)) {
            continue;
        }
        CLY_TRY(name_group(layer, numbers[i], prefix, &group));
        CLY_TRY(write_vars(layer, generation, image, group.chars));
        if (cly_layers_shown_model(layer) != NULL) {
            cly_base_text_free(&inner);
            inner = (cly_base_text){0};
            CLY_TRY(cly_base_text_add(&inner, "%s%s/layers", group.chars, cly_io_keras_within(layer)));
            CLY_TRY(write_layers(layer->nested, generation, image, inner.chars));
        }
    }
done:
    free(numbers);
    cly_base_text_free(&group);
    cly_base_text_free(&inner);
    return status;
}

clayer_status cly_io_keras_write_weights(const clayer_model *model, cly_io_hdf5_image *image) {
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_hdf5_add_group(image, "vars"));
    if (model->generation == 3) {
        CLY_TRY(cly_io_hdf5_set_text(image, "vars", "name", model->name));
    }
    CLY_TRY(write_layers(model, model->generation, image, "layers"));
done:
    return status;
}

/* ---- legacy ---- */

clayer_status cly_io_keras_weight_path(const clayer_model *model, const clayer_layer *layer, size_t index,
                                       cly_base_text *text) {
    const char *name = layer->weights[index].name;
    if (model->generation == 2) {
        return cly_base_text_add(text, "%s/%s:0", layer->name, name);
    }
    /* Keras 3 calls a depthwise kernel so; the layers of a Sequential are built within it. */
    if (strncmp(layer->class->name, "DepthwiseConv", strlen("DepthwiseConv")) == 0 &&
        strcmp(name, "depthwise_kernel") == 0) {
        name = "kernel";
    }
    bool within = cly_io_keras_is_sequential(model);
    return cly_base_text_add(text, "%s%s%s%s%s/%s", within ? model->name : "", within ? "/" : "", layer->name,
                             layer->inner_name != NULL ? "/" : "", layer->inner_name != NULL ? layer->inner_name : "",
                             name);
}

/* The model among `model` and those in `layer` that has the layer `part` itself. */
static const clayer_model *find_owner(const clayer_model *model, const clayer_layer *layer, const clayer_layer *part) {
    const clayer_model *nested = layer->nested, *owner = layer == part ? model : NULL;
    for (size_t i = 0; nested != NULL && owner == NULL && i < nested->layer_count; i++) {
        owner = find_owner(nested, nested->layers[i], part);
    }
    return owner;
}

/* Names of weights in one group must differ, whatever the models in it call their layers: those that do not get a
 * number. */
static clayer_status name_slot(const clayer_model *model, const clayer_layer *layer, const cly_io_keras_slot *slot,
                               char *const *names, size_t count, cly_base_text *name) {
    const clayer_model *owner = find_owner(model, layer, slot->layer);
    clayer_status status = cly_io_keras_weight_path(owner, slot->layer, slot->index, name);
    for (size_t i = 0; i < count && status == CLAYER_OK; i++) {
        if (strcmp(names[i], name->chars) == 0) {
            cly_base_text_free(name);
            *name = (cly_base_text){0};
            status = cly_base_text_add(name, "%s_%zu/%s%s", slot->layer->name, count,
                                       slot->layer->weights[slot->index].name, model->generation == 2 ? ":0" : "");
        }
    }
    return status;
}

/* The steps of layers that draw, each in a group of its name. */
static clayer_status note_steps(const clayer_layer *layer, cly_io_hdf5_image *image, const char *group) {
    cly_base_text inner = {0};
    clayer_status status = CLAYER_OK;
    if (cly_layers_shown_model(layer) == NULL) {
        return note_training_step(layer, image, group);
    }
    for (size_t i = 0; i < layer->nested->layer_count; i++) {
        const clayer_layer *part = layer->nested->layers[i];
        if (cly_layers_shown_model(part) != NULL || part->training_step > 0) {
            cly_base_text_free(&inner);
            inner = (cly_base_text){0};
            CLY_TRY(cly_base_text_add(&inner, "%s/%s", group, part->name));
            CLY_TRY(cly_io_hdf5_add_group(image, inner.chars));
            CLY_TRY(note_steps(part, image, inner.chars));
        }
    }
done:
    cly_base_text_free(&inner);
    return status;
}

static clayer_status write_legacy_layer(const clayer_model *model, clayer_layer *layer, cly_io_hdf5_image *image,
                                        const char *prefix) {
    cly_io_keras_slot *slots = NULL;
    size_t count = 0;
    char **names = NULL;
    cly_base_text group = {0}, path = {0};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_list_slots(layer, CLY_IO_KERAS_TRAINABLE_FIRST, &slots, &count));
    CLY_TRY(cly_base_alloc(count, sizeof(char *), (void **)&names));
    CLY_TRY(cly_base_text_add(&group, "%s%s", prefix, layer->name));
    CLY_TRY(cly_io_hdf5_add_group(image, group.chars));
    CLY_TRY(note_steps(layer, image, group.chars));
    for (size_t i = 0; i < count; i++) {
        cly_base_text name = {0};
        status = name_slot(model, layer, &slots[i], names, i, &name);
        names[i] = name.chars;
        CLY_TRY(status);
        cly_base_text_free(&path);
        path = (cly_base_text){0};
        CLY_TRY(cly_base_text_add(&path, "%s/%s", group.chars, names[i]));
        CLY_TRY(write_weight(slots[i].layer, slots[i].index, image, path.chars));
    }
    CLY_TRY(cly_io_hdf5_set_texts(image, group.chars, "weight_names", (const char *const *)names, count));
done:
    cly_io_free_strings(names, count);
    free(slots);
    cly_base_text_free(&group);
    cly_base_text_free(&path);
    return status;
}

static clayer_status name_layers(const clayer_model *model, cly_io_hdf5_image *image, const char *top) {
    const char **names = NULL;
    size_t count = 0;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_base_alloc(model->layer_count, sizeof(*names), (void **)&names));
    for (size_t i = 0; i < model->layer_count; i++) {
        if (is_listed(model, model->layers[i])) {
            names[count++] = model->layers[i]->name;
        }
    }
    CLY_TRY(cly_io_hdf5_set_texts(image, top, "layer_names", names, count));
done:
    free((void *)names);
    return status;
}

clayer_status cly_io_keras_write_legacy_weights(const clayer_model *model, cly_io_hdf5_image *image, const char *top) {
    cly_base_text prefix = {0}, rest = {0};
    clayer_status status = CLAYER_OK;
    bool root = strcmp(top, "/") == 0;
    CLY_TRY(cly_base_text_add(&prefix, "%s%s", root ? "" : top, root ? "" : "/"));
    if (!root) {
        CLY_TRY(cly_io_hdf5_add_group(image, top));
    }
    CLY_TRY(name_layers(model, image, top));
    CLY_TRY(cly_io_hdf5_set_text(image, top, "backend", "tensorflow"));
    CLY_TRY(cly_io_hdf5_set_text(image, top, "keras_version", cly_io_keras_version(model)));
    for (size_t i = 0; i < model->layer_count; i++) {
        if (is_listed(model, model->layers[i])) {
            CLY_TRY(write_legacy_layer(model, model->layers[i], image, prefix.chars));
        }
    }
    CLY_TRY(cly_base_text_add(&rest, "%stop_level_model_weights", prefix.chars));
    CLY_TRY(cly_io_hdf5_add_group(image, rest.chars));
    CLY_TRY(cly_io_hdf5_set_texts(image, rest.chars, "weight_names", NULL, 0));
done:
    cly_base_text_free(&prefix);
    cly_base_text_free(&rest);
    return status;
}
