/* io/keras_state.c: the state of an optimizer from Keras' files, in the order of Keras' optimizer.variables.
 *
 * As in Keras, a file whose variables are others than the optimizer's leaves a fresh state, which the log tells:
 * models that were compiled and never trained, and the optimizers of Keras 2 up to 2.10, whose state had another order
 * and meaning ("Adam/conv2d/kernel/m:0"). What is there but damaged is an error. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "device/device.h"
#include "io/keras.h"
#include "model/training.h"
#include "train/compiled.h"

typedef struct state {
    clayer_model *model;
    cly_train_optimizer *optimizer;
    cly_train_variable *variables;
    size_t count;
} state;

/* Slots for the weights that training moves, unless the file has none: that of a model that was never trained. */
static clayer_status build(state *in, size_t found) {
    cly_model_weight *weights = NULL;
    size_t count = 0;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_train_optimizer_list(in->optimizer, &in->variables, &in->count));
    if (found == in->count) {
        return CLAYER_OK;
    }
    free(in->variables);
    in->variables = NULL;
    CLY_TRY(cly_model_list_weights(in->model, true, &weights, &count));
    CLY_TRY(cly_train_optimizer_build(in->optimizer, weights, count));
    CLY_TRY(cly_train_optimizer_list(in->optimizer, &in->variables, &in->count));
done:
    free(weights);
    return status;
}

static clayer_status read_variable(const state *in, size_t index, cly_io_hdf5 *file, const char *path) {
    const cly_train_variable *variable = &in->variables[index];
    int64_t count = variable->tensor == NULL ? 1 : clayer_tensor_get_count(variable->tensor);
    clayer_shape shape = {0};
    void *values = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_hdf5_get_shape(file, path, &shape));
    if (!cly_layers_same_shape(&shape, &variable->shape)) {
        char found[CLY_LAYERS_SHAPE_TEXT], wanted[CLY_LAYERS_SHAPE_TEXT];
        status = cly_base_fail(CLAYER_BAD_FILE, "the optimizer's variable '%s' ('%s') has the shape %s, needs %s",
                               variable->name, path, cly_layers_shape_text(&shape, found, sizeof(found)),
                               cly_layers_shape_text(&variable->shape, wanted, sizeof(wanted)));
        goto done;
    }
    CLY_TRY(cly_base_alloc((size_t)count, sizeof(double), &values));
    CLY_TRY(cly_io_hdf5_read_doubles(file, path, values, count));
    CLY_TRY(cly_train_optimizer_set_variable(in->optimizer, index, values, count));
done:
    free(values);
    return status;
}

static void tell_fresh(const state *in, size_t found) {
    cly_device_log(in->model->context, CLAYER_LOG_WARNING,
                   "model '%s': the optimizer '%s' starts with a fresh state: the file has %zu variables, not its %zu, "
                   "or those of another version",
                   in->model->name, cly_train_optimizer_spec(in->optimizer)->entry->name, found, in->count);
}

/* ---- optimizer/vars/<number> ---- */

static clayer_status read_numbered(state *in, cly_io_hdf5 *file) {
    char **names = NULL;
    size_t count = 0;
    cly_base_text path = {0};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_hdf5_list(file, "optimizer/vars", &names, &count));
    CLY_TRY(build(in, count));
    if (count != in->count) {
        tell_fresh(in, count);
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        cly_base_text_free(&path);
        path = (cly_base_text){0};
        CLY_TRY(cly_base_text_add(&path, "optimizer/vars/%zu", i));
        CLY_TRY(read_variable(in, i, file, path.chars));
    }
done:
    cly_io_free_strings(names, count);
    cly_base_text_free(&path);
    return status;
}

/* ---- legacy ---- */

/* Keras 2.11 and later: the slot stands before the weight ("Adam/m/conv2d/kernel:0"), and our names begin with it. */
static bool is_known_name(const state *in, size_t index, const char *name) {
    const cly_train_variable *variable = &in->variables[index];
    const char *end = strchr(variable->name, '/');
    if (in->model->generation != 2 || variable->tensor == NULL || end == NULL) {
        return true;
    }
    size_t length = (size_t)(end - variable->name);
    const char *slot = strchr(name, '/');
    return slot != NULL && strncmp(slot + 1, variable->name, length) == 0 && slot[1 + length] == '/';
}

static clayer_status read_named(state *in, cly_io_hdf5 *file) {
    char **names = NULL;
    size_t count = 0;
    cly_base_text path = {0};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_hdf5_get_texts(file, "optimizer_weights", "weight_names", &names, &count));
    CLY_TRY(build(in, count));
    bool known = count == in->count;
    for (size_t i = 0; known && i < count; i++) {
        known = is_known_name(in, i, names[i]);
    }
    if (!known) {
        tell_fresh(in, count);
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        cly_base_text_free(&path);
        path = (cly_base_text){0};
        CLY_TRY(cly_base_text_add(&path, "optimizer_weights/%s", names[i]));
        CLY_TRY(read_variable(in, i, file, path.chars));
    }
done:
    cly_io_free_strings(names, count);
    cly_base_text_free(&path);
    return status;
}

/* Layers that draw numbers go on where they were: where the file does not say how often they drew (keras_weights.c),
 * once a step and call. */
static clayer_status set_training_steps(const clayer_model *model, int64_t iterations) {
    clayer_status status = CLAYER_OK;
    clayer_model *flat = NULL;
    CLY_TRY(cly_model_flat(model, &flat));
    for (size_t i = 0; i < flat->layer_count; i++) {
        clayer_layer *layer = flat->layers[i];
        const uint64_t calls = cly_model_count_calls(flat, layer);
        layer->training_step = layer->training_step == 0 ? calls * (uint64_t)iterations : layer->training_step;
    }
done:
    return status;
}

clayer_status cly_io_keras_state(clayer_model *model, cly_io_hdf5 *file) {
    state in = {.model = model};
    clayer_status status = CLAYER_OK;
    if (!clayer_model_is_compiled(model)) {
        return CLAYER_OK;
    }
    in.optimizer = model->compiled->optimizer;
    bool numbered = cly_io_hdf5_exists(file, "optimizer/vars");
    if (!numbered && !cly_io_hdf5_exists(file, "optimizer_weights")) {
        return CLAYER_OK;
    }
    CLY_TRY(numbered ? read_numbered(&in, file) : read_named(&in, file));
    CLY_TRY(set_training_steps(model, cly_train_optimizer_get_iterations(in.optimizer)));
done:
    free(in.variables);
    return status;
}
