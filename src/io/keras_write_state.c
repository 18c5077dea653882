/* io/keras_write_state.c: an optimizer's variables to HDF5: the other way of keras_state.c.
 *
 * Follows save_own_variables of keras/src/optimizers/base_optimizer.py for .keras (numbers in the order of
 * optimizer.variables) and save_optimizer_weights_to_hdf5_group for .h5 (their names), and the like in Keras 2. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/keras_write.h"

static clayer_status write_variable(const cly_train_variable *variable, cly_io_hdf5_image *image, const char *path) {
    static const clayer_shape scalar = {.rank = 0};
    void *values = NULL;
    clayer_status status = CLAYER_OK;
    if (variable->is_integer) {
        return cly_io_hdf5_add_integer(image, path, variable->integer);
    }
    if (variable->tensor == NULL) {
        return cly_io_hdf5_add_floats(image, path, &scalar, &variable->scalar);
    }
    int64_t count = clayer_tensor_get_count(variable->tensor);
    CLY_TRY(cly_base_alloc((size_t)count, sizeof(float), &values));
    CLY_TRY(clayer_tensor_read(variable->tensor, values, count));
    CLY_TRY(cly_io_hdf5_add_floats(image, path, &variable->shape, values));
done:
    free(values);
    return status;
}

/* ---- optimizer/vars/<number> ---- */

static clayer_status write_numbered(const clayer_model *model, const cly_train_variable *variables, size_t count,
                                    cly_io_hdf5_image *image) {
    const cly_spec *spec = cly_train_optimizer_spec(model->compiled->optimizer);
    cly_base_text path = {0};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_hdf5_add_group(image, "optimizer/vars"));
    if (model->generation == 3) {
        CLY_TRY(cly_io_hdf5_set_text(image, "optimizer/vars", "name",
                                     cly_io_keras_optimizer_name(spec, model->generation)));
    }
    for (size_t i = 0; i < count; i++) {
        cly_base_text_free(&path);
        path = (cly_base_text){0};
        CLY_TRY(cly_base_text_add(&path, "optimizer/vars/%zu", i));
        CLY_TRY(write_variable(&variables[i], image, path.chars));
    }
done:
    cly_base_text_free(&path);
    return status;
}

/* ---- legacy ---- */

/* Of the models nested in `model`, or itself, the one with the layer that the variable's name begins with: which it is
 * only decides how the variable is called. NULL: none has. */
static const clayer_model *find_owner(const clayer_model *model, const char *name) {
    const clayer_model *owner = NULL;
    for (size_t i = 0; i < model->layer_count && owner == NULL; i++) {
        const clayer_layer *layer = model->layers[i];
        size_t length = strlen(layer->name);
        for (size_t w = 0; w < layer->weight_count && owner == NULL; w++) {
            const char *weight = layer->weights[w].name;
            bool same = strncmp(name, layer->name, length) == 0 && name[length] == '_' &&
                        strncmp(name + length + 1, weight, strlen(weight)) == 0;
            owner = same ? model : NULL;
        }
        owner = owner == NULL && layer->nested != NULL ? find_owner(layer->nested, name) : owner;
    }
    return owner;
}

/* "adam/sequential_conv2d_kernel_momentum"; in Keras 2 "Adam/m/conv2d/kernel:0", "iteration:0". */
static clayer_status name_variable(const clayer_model *model, const cly_train_variable *variable, cly_base_text *text) {
    const cly_spec *spec = cly_train_optimizer_spec(model->compiled->optimizer);
    const char *optimizer = cly_io_keras_optimizer_name(spec, model->generation);
    if (model->generation == 2) {
        return variable->is_integer ? cly_base_text_add(text, "%s:0", variable->name)
                                    : cly_base_text_add(text, "%s/%s:0", optimizer, variable->name);
    }
    const clayer_model *owner = variable->tensor == NULL ? NULL : find_owner(model, variable->name);
    bool within = owner != NULL && cly_io_keras_is_sequential(owner);
    return cly_base_text_add(text, "%s/%s%s%s", optimizer, within ? owner->name : "", within ? "_" : "",
                             variable->name);
}

/* Long names of layers are cut, which can make two names one; HDF5 needs them to differ. */
static bool is_taken(char *const *names, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static clayer_status write_named(const clayer_model *model, const cly_train_variable *variables, size_t count,
                                 cly_io_hdf5_image *image) {
    char **names = NULL;
    cly_base_text path = {0};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_base_alloc(count, sizeof(char *), (void **)&names));
    CLY_TRY(cly_io_hdf5_add_group(image, "optimizer_weights"));
    for (size_t i = 0; i < count; i++) {
        cly_base_text name = {0};
        status = name_variable(model, &variables[i], &name);
        if (status == CLAYER_OK && is_taken(names, i, name.chars)) {
            status = cly_base_text_add(&name, "_%zu", i);
        }
        names[i] = name.chars;
        CLY_TRY(status);
        cly_base_text_free(&path);
        path = (cly_base_text){0};
        CLY_TRY(cly_base_text_add(&path, "optimizer_weights/%s", names[i]));
        CLY_TRY(write_variable(&variables[i], image, path.chars));
    }
    CLY_TRY(cly_io_hdf5_set_texts(image, "optimizer_weights", "weight_names", (const char *const *)names, count));
done:
    cly_io_free_strings(names, count);
    cly_base_text_free(&path);
    return status;
}

clayer_status cly_io_keras_write_state(const clayer_model *model, const cly_io_keras_style *style,
                                       cly_io_hdf5_image *image) {
    const cly_train_compiled *compiled = model->compiled;
    cly_train_variable *variables = NULL;
    size_t count = 0;
    clayer_status status = CLAYER_OK;
    if (compiled == NULL || compiled->problem != NULL) {
        return CLAYER_OK;
    }
    CLY_TRY(cly_train_optimizer_list(compiled->optimizer, &variables, &count));
    CLY_TRY(style->legacy ? write_named(model, variables, count, image)
                          : write_numbered(model, variables, count, image));
done:
    free(variables);
    return status;
}
