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

static clayer_status write_layer(const clayer_model *model, size_t index, cly_io_hdf5_image *image) {
    const clayer_layer *layer = model->layers[index];
    size_t before = 0;
    cly_base_text group = {0}, path = {0};
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < index; i++) {
        before += model->layers[i]->class == layer->class;
    }
    CLY_TRY(cly_base_text_add(&group, "layers/%s", layer->class->auto_name));
    if (before > 0) {
        CLY_TRY(cly_base_text_add(&group, "_%zu", before));
    }
    CLY_TRY(cly_base_text_add(&group, "/vars"));
    CLY_TRY(cly_io_hdf5_add_group(image, group.chars));
    if (model->generation == 3) {
        CLY_TRY(cly_io_hdf5_set_text(image, group.chars, "name", layer->name));
    }
    CLY_TRY(note_training_step(layer, image, group.chars));
    for (size_t i = 0; i < layer->weight_count; i++) {
        cly_base_text_free(&path);
        path = (cly_base_text){0};
        CLY_TRY(cly_base_text_add(&path, "%s/%zu", group.chars, i));
        CLY_TRY(write_weight(layer, i, image, path.chars));
    }
done:
    cly_base_text_free(&group);
    cly_base_text_free(&path);
    return status;
}

/* The layers of a Sequential do not include its input. */
static bool is_listed(const clayer_model *model, const clayer_layer *layer) {
    return layer->class != &cly_layers_input_layer || !cly_io_keras_is_sequential(model);
}

clayer_status cly_io_keras_write_weights(const clayer_model *model, cly_io_hdf5_image *image) {
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_hdf5_add_group(image, "vars"));
    if (model->generation == 3) {
        CLY_TRY(cly_io_hdf5_set_text(image, "vars", "name", model->name));
    }
    CLY_TRY(cly_io_hdf5_add_group(image, "layers"));
    for (size_t i = 0; i < model->layer_count; i++) {
        if (is_listed(model, model->layers[i])) {
            CLY_TRY(write_layer(model, i, image));
        }
    }
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
    return cly_base_text_add(text, "%s%s%s/%s", within ? model->name : "", within ? "/" : "", layer->name, name);
}

static clayer_status write_legacy_layer(const clayer_model *model, const clayer_layer *layer, cly_io_hdf5_image *image,
                                        const char *prefix) {
    char *names[CLY_LAYERS_WEIGHTS] = {NULL};
    cly_base_text group = {0}, path = {0};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_base_text_add(&group, "%s%s", prefix, layer->name));
    CLY_TRY(cly_io_hdf5_add_group(image, group.chars));
    CLY_TRY(note_training_step(layer, image, group.chars));
    for (size_t i = 0; i < layer->weight_count; i++) {
        cly_base_text name = {0};
        status = cly_io_keras_weight_path(model, layer, i, &name);
        names[i] = name.chars;
        CLY_TRY(status);
        cly_base_text_free(&path);
        path = (cly_base_text){0};
        CLY_TRY(cly_base_text_add(&path, "%s/%s", group.chars, names[i]));
        CLY_TRY(write_weight(layer, i, image, path.chars));
    }
    CLY_TRY(cly_io_hdf5_set_texts(image, group.chars, "weight_names", (const char *const *)names, layer->weight_count));
done:
    for (size_t i = 0; i < CLY_LAYERS_WEIGHTS; i++) {
        free(names[i]);
    }
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
