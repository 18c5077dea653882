/* io/keras_weights_old.c: kernels of convolutions as Keras 1 and the Theano backend kept them.
 *
 * Follows preprocess_weights_for_loading of Keras 2 (tf_keras/src/saving/legacy/hdf5_format.py and, for Theano,
 * keras/engine/saving.py of 2.2): Keras 1 had the axes of kernels in other orders; Theano turns a kernel round where
 * TensorFlow does not. */
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

/* Which axis of the old kernel each of today's is; false: the same ones. */
static bool find_axes(const cly_io_keras_origin *origin, const clayer_layer *layer, const clayer_shape *old,
                      int axes[CLAYER_MAX_RANK]) {
    const clayer_shape *wanted = clayer_tensor_get_shape(layer->weights[0].tensor);
    const bool transposed = strstr(layer->class->name, "Transpose") != NULL, first = layer->channels_first;
    const int rank = layer->class->rank;
    if (!origin->keras1 || old->rank != (rank == 1 ? 4 : rank + 2)) {
        return false;
    }
    if (rank == 1) { /* (steps, 1, in, out), before 1.2 (out, in, steps, 1) */
        const bool turned = old->dims[0] != wanted->dims[0] || old->dims[1] != 1 || old->dims[3] != wanted->dims[2];
        axes[0] = turned ? 2 : 0;
        axes[1] = turned ? 1 : 2;
        axes[2] = turned ? 0 : 3;
        return true;
    }
    if (!first && !transposed) {
        return false;
    }
    for (int i = 0; i < rank; i++) {
        axes[i] = first ? i + 2 : i;
    }
    /* (out, in, ...); of a transposed one (..., in, out) and (out, in, ...), where today's is (..., out, in). */
    axes[rank] = first ? !transposed : rank + 1;
    axes[rank + 1] = first ? transposed : rank;
    return true;
}

void cly_io_keras_modern_shape(const cly_io_keras_origin *origin, const clayer_layer *layer, size_t index,
                               clayer_shape *shape) {
    const clayer_shape old = *shape;
    int axes[CLAYER_MAX_RANK];
    if (is_kernel(layer, index) && find_axes(origin, layer, &old, axes)) {
        shape->rank = layer->class->rank + 2;
        for (int i = 0; i < shape->rank; i++) {
            shape->dims[i] = old.dims[axes[i]];
        }
    }
}

bool cly_io_keras_is_old_kernel(const cly_io_keras_origin *origin, const clayer_layer *layer, size_t index,
                                const clayer_shape *shape) {
    int axes[CLAYER_MAX_RANK];
    return is_kernel(layer, index) && (origin->theano || find_axes(origin, layer, shape, axes));
}

/* Element by element in the order of today's kernel; its places are counted from the end where it is turned round. */
static void convert(const float *old, const clayer_shape *old_shape, const int *axes, bool flip, float *kernel,
                    const clayer_shape *shape, int64_t count) {
    int64_t strides[CLAYER_MAX_RANK] = {0}, step = 1;
    for (int i = old_shape->rank - 1; i >= 0; i--) {
        strides[i] = step;
        step *= old_shape->dims[i];
    }
    for (int64_t i = 0; i < count; i++) {
        int64_t rest = i, from = 0;
        for (int axis = shape->rank - 1; axis >= 0; axis--) {
            const int64_t at = rest % shape->dims[axis];
            const bool place = axis < shape->rank - 2;
            from += (flip && place ? shape->dims[axis] - 1 - at : at) * strides[axes[axis]];
            rest /= shape->dims[axis];
        }
        kernel[i] = old[from];
    }
}

clayer_status cly_io_keras_read_old_kernel(const cly_io_keras_origin *origin, const clayer_layer *layer, size_t index,
                                           cly_io_hdf5 *file, const char *path) {
    clayer_tensor *tensor = layer->weights[index].tensor;
    const clayer_shape *wanted = clayer_tensor_get_shape(tensor);
    const int64_t count = clayer_tensor_get_count(tensor);
    int axes[CLAYER_MAX_RANK] = {0, 1, 2, 3, 4};
    clayer_shape shape = {0};
    void *old = NULL, *kernel = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_hdf5_get_shape(file, path, &shape));
    CLY_TRY(cly_base_alloc((size_t)count, sizeof(float), &old));
    CLY_TRY(cly_base_alloc((size_t)count, sizeof(float), &kernel));
    CLY_TRY(cly_io_hdf5_read_floats(file, path, old, count));
    (void)find_axes(origin, layer, &shape, axes);
    convert(old, &shape, axes, origin->theano, kernel, wanted, count);
    CLY_TRY(clayer_tensor_write(tensor, kernel, count));
done:
    free(old);
    free(kernel);
    return status;
}
