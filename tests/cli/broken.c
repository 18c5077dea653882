/* cli/broken.c: stands between the command and clayer_layer_forward (linked with --wrap) and spoils one value of the
 * output, by a thousandth of the largest, for the class that CLAYER_BREAK names. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <clayer/layers.h>

clayer_status __real_clayer_layer_forward(clayer_layer *layer, clayer_tensor *const *inputs, size_t input_count,
                                          clayer_tensor *output);
clayer_status __wrap_clayer_layer_forward(clayer_layer *layer, clayer_tensor *const *inputs, size_t input_count,
                                          clayer_tensor *output);

clayer_status __wrap_clayer_layer_forward(clayer_layer *layer, clayer_tensor *const *inputs, size_t input_count,
                                          clayer_tensor *output) {
    clayer_status status = __real_clayer_layer_forward(layer, inputs, input_count, output);
    const char *broken = getenv("CLAYER_BREAK");
    if (status != CLAYER_OK || broken == NULL || strcmp(clayer_layer_get_class_name(layer), broken) != 0) {
        return status;
    }
    const int64_t count = clayer_tensor_get_count(output);
    float *values = malloc((size_t)count * sizeof *values), largest = 0;
    if (values == NULL) {
        return CLAYER_OUT_OF_MEMORY;
    }
    status = clayer_tensor_read(output, values, count);
    for (int64_t i = 0; i < count; i++) {
        largest = fmaxf(largest, fabsf(values[i]));
    }
    values[count / 2] += largest / 1000;
    if (status == CLAYER_OK) {
        status = clayer_tensor_write(output, values, count);
    }
    free(values);
    return status;
}
