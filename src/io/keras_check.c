/* io/keras_check.c: a model's check within its file: the group clayer_check with inputs/<number> and outputs/<number>.
 * Both generations of Keras pass it over: in a .h5 they open the groups they know by name, and so they do with the
 * members of a .keras, where the group stands in a file of its own, clayer_check.h5. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/keras_write.h"
#include "model/check.h"

#define MEMBER "clayer_check.h5"
#define MEMBER_LIMIT ((uint64_t)1 << 30) /* bytes */

/* ---- writing ---- */

static clayer_status add_arrays(cly_io_hdf5_image *image, const char *what, clayer_array *const *arrays, size_t count) {
    clayer_status status = CLAYER_OK;
    char path[64];
    for (size_t i = 0; status == CLAYER_OK && i < count; i++) {
        (void)snprintf(path, sizeof(path), "clayer_check/%s/%zu", what, i);
        status = cly_io_hdf5_add_floats(image, path, clayer_array_get_shape(arrays[i]),
                                        clayer_array_get_const_data(arrays[i]));
    }
    return status;
}

clayer_status cly_io_keras_renew_check(clayer_model *model) {
    if (!clayer_model_get_check(model, NULL)) {
        return CLAYER_OK;
    }
    clayer_status status = cly_model_hold_check(model);
    if (status == CLAYER_CHECK_FAILED || status == CLAYER_INVALID_SHAPE) {
        cly_model_drop_check(model);
        return CLAYER_OK;
    }
    return status;
}

clayer_status cly_io_keras_write_check(const clayer_model *model, cly_io_hdf5_image *image) {
    clayer_array *const *arrays = NULL;
    if (!clayer_model_get_check(model, NULL)) {
        return CLAYER_OK;
    }
    size_t count = cly_model_check_inputs(model, &arrays);
    clayer_status status = add_arrays(image, "inputs", arrays, count);
    if (status == CLAYER_OK) {
        count = cly_model_check_outputs(model, &arrays);
        status = add_arrays(image, "outputs", arrays, count);
    }
    return status;
}

clayer_status cly_io_keras_make_check(const clayer_model *model, cly_io_zip_member *member_out) {
    cly_io_hdf5_image *image = NULL;
    void *bytes = NULL;
    size_t length = 0;
    clayer_status status = CLAYER_OK;
    if (!clayer_model_get_check(model, NULL)) {
        return CLAYER_OK;
    }
    CLY_TRY(cly_io_hdf5_create(&image));
    CLY_TRY(cly_io_keras_write_check(model, image));
    CLY_TRY(cly_io_hdf5_get_image(image, &bytes, &length));
    *member_out = (cly_io_zip_member){.name = MEMBER, .bytes = bytes, .length = length};
done:
    cly_io_hdf5_discard(image);
    return status;
}

/* ---- reading ---- */

static clayer_status read_array(cly_io_hdf5 *file, const char *path, clayer_array **array_out) {
    clayer_shape shape;
    clayer_array *array = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_hdf5_get_shape(file, path, &shape));
    CLY_TRY(clayer_array_create(CLAYER_FLOAT32, shape.rank, shape.dims, &array));
    CLY_TRY(cly_io_hdf5_read_floats(file, path, clayer_array_get_data(array), clayer_array_get_count(array)));
    *array_out = array;
    array = NULL;
done:
    clayer_array_destroy(array);
    return status;
}

static clayer_status read_arrays(cly_io_hdf5 *file, const char *what, clayer_array **arrays, size_t count) {
    char path[64];
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; status == CLAYER_OK && i <= count; i++) {
        (void)snprintf(path, sizeof(path), "clayer_check/%s/%zu", what, i);
        if (cly_io_hdf5_exists(file, path) != (i < count)) {
            status = cly_base_fail(CLAYER_BAD_FILE, "clayer_check: %s %s than the model's %zu",
                                   i < count ? "fewer" : "more", what, count);
        } else if (i < count) {
            status = read_array(file, path, &arrays[i]);
        }
    }
    return status;
}

clayer_status cly_io_keras_read_check(clayer_model *model, cly_io_hdf5 *file) {
    const size_t inputs = clayer_model_get_input_count(model), outputs = clayer_model_get_output_count(model);
    clayer_array **arrays = NULL;
    void *memory = NULL;
    clayer_status status = CLAYER_OK;
    if (!cly_io_hdf5_exists(file, "clayer_check")) {
        return CLAYER_OK;
    }
    CLY_TRY(cly_base_alloc(inputs + outputs, sizeof(clayer_array *), &memory));
    arrays = memory;
    CLY_TRY(read_arrays(file, "inputs", arrays, inputs));
    CLY_TRY(read_arrays(file, "outputs", arrays + inputs, outputs));
    CLY_TRY(cly_model_take_check(model, arrays, arrays + inputs));
    CLY_TRY(cly_model_hold_check(model));
done:
    for (size_t i = 0; arrays != NULL && i < inputs + outputs; i++) {
        clayer_array_destroy(arrays[i]);
    }
    free(arrays);
    return status;
}

clayer_status cly_io_keras_read_archive_check(clayer_model *model, cly_io_zip *zip) {
    void *bytes = NULL;
    size_t length = 0;
    cly_io_hdf5 *file = NULL;
    clayer_status status = CLAYER_OK;
    bool found = false;
    for (size_t i = 0; i < cly_io_zip_get_count(zip); i++) {
        found = found || strcmp(cly_io_zip_get_name(zip, i), MEMBER) == 0;
    }
    if (!found) {
        return CLAYER_OK;
    }
    CLY_TRY(cly_io_zip_read(zip, MEMBER, MEMBER_LIMIT, &bytes, &length));
    CLY_TRY(cly_io_hdf5_open_bytes(bytes, length, MEMBER, &file));
    CLY_TRY(cly_io_keras_read_check(model, file));
done:
    free(bytes);
    cly_io_hdf5_close(file);
    return status;
}
