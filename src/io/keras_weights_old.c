/* io/keras_weights_old.c: kernels of convolutions as Keras 1 and the Theano backend kept them.
 *
 * Follows preprocess_weights_for_loading of Keras 2 (tf_keras/src/saving/legacy/hdf5_format.py and, for Theano,
 * keras/engine/saving.py of 2.2): Keras 1 had Conv1D's kernel as (steps, 1, in, out) and in channels_first those of
 * 2D and 3D as (out, in, ...); Theano turns a kernel round where TensorFlow does not. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/keras.h"

clayer_status cly_io_keras_read_origin(cly_io_hdf5 *file, const char *top, cly_io_keras_origin *origin_out) {
    char *version = NULL, *backend = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_hdf5_get_text(file, top, "keras_version", &version));
    CLY_TRY(cly_io_hdf5_get_text(file, top, "backend", &backend));
    origin_out->keras1 = version == NULL || version[0] == '1';
    origin_out->theano = backend != NULL && strcmp(backend, "theano") == 0;
done:
    free(version);
    free(backend);
    return status;
}

/* Whether the weight is the kernel of such a layer. */
static bool is_kernel(const clayer_layer *layer, size_t index) {
    static const char *const classes[] = {"Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose"};
    for (size_t i = 0; index == 0 && i < CLY_COUNT(classes); i++) {
        if (strcmp(layer->class->name, classes[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* (out, in, ...) */
static bool is_turned(const cly_io_keras_origin *origin, const clayer_layer *layer, const clayer_shape *shape) {
    return origin->keras1 && layer->channels_first && layer->class->rank > 1 && shape->rank == layer->class->rank + 2 &&
           strstr(layer->class->name, "Transpose") == NULL;
}

void cly_io_keras_modern_shape(const cly_io_keras_origin *origin, const clayer_layer *layer, size_t index,
                               clayer_shape *shape) {
    const clayer_shape old = *shape;
    const int rank = layer->class->rank;
    if (!is_kernel(layer, index)) {
        return;
    }
    if (is_turned(origin, layer, shape)) {
        for (int i = 0; i < rank; i++) {
            shape->dims[i] = old.dims[i + 2];
        }
        shape->dims[rank] = old.dims[1];
        shape->dims[rank + 1] = old.dims[0];
    } else if (origin->keras1 && rank == 1 && old.rank == 4 && old.dims[1] == 1) {
        *shape = (clayer_shape){.rank = 3, .dims = {old.dims[0], old.dims[2], old.dims[3]}};
    }
}

bool cly_io_keras_is_old_kernel(const cly_io_keras_origin *origin, const clayer_layer *layer, size_t index,
                                const clayer_shape *shape) {
    clayer_shape modern = *shape;
    cly_io_keras_modern_shape(origin, layer, index, &modern);
    return is_kernel(layer, index) && (origin->theano || is_turned(origin, layer, shape) || modern.rank != shape->rank);
}

/* Element (s, i, o) of the kernel, s counted from the end where it is to be turned round. */
static void convert(const float *old, float *kernel, int64_t places, int64_t in, int64_t out, bool turned, bool flip) {
    for (int64_t s = 0; s < places; s++) {
        const int64_t from = flip ? places - 1 - s : s;
        for (int64_t i = 0; i < in; i++) {
            for (int64_t o = 0; o < out; o++) {
                kernel[(s * in + i) * out + o] =
                    turned ? old[(o * in + i) * places + from] : old[(from * in + i) * out + o];
            }
        }
    }
}

clayer_status cly_io_keras_read_old_kernel(const cly_io_keras_origin *origin, const clayer_layer *layer, size_t index,
                                           cly_io_hdf5 *file, const char *path) {
    clayer_tensor *tensor = layer->weights[index].tensor;
    const clayer_shape *wanted = clayer_tensor_get_shape(tensor);
    const int64_t count = clayer_tensor_get_count(tensor);
    const int64_t in = wanted->dims[wanted->rank - 2], out = wanted->dims[wanted->rank - 1];
    clayer_shape shape = {0};
    void *old = NULL, *kernel = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_hdf5_get_shape(file, path, &shape));
    CLY_TRY(cly_base_alloc((size_t)count, sizeof(float), &old));
    CLY_TRY(cly_base_alloc((size_t)count, sizeof(float), &kernel));
    CLY_TRY(cly_io_hdf5_read_floats(file, path, old, count));
    if (in * out > 0) {
        convert(old, kernel, count / (in * out), in, out, is_turned(origin, layer, &shape), origin->theano);
    }
    CLY_TRY(clayer_tensor_write(tensor, kernel, count));
done:
    free(old);
    free(kernel);
    return status;
}
