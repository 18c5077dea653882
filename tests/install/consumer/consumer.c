/* consumer.c: what a program outside the project does with the installed library: runs one layer and looks at the
 * result. Exit status 0: it was right. */
#include <stdio.h>
#include <string.h>

#include <clayer/clayer.h>

int main(void) {
    const int64_t in_dims[] = {1, 4, 1}, out_dims[] = {1, 2, 1};
    const float values[] = {1, 2, 3, 4};
    float result[2] = {0, 0};
    clayer_context *context = NULL;
    clayer_layer *layer = NULL;
    clayer_tensor *input = NULL, *output = NULL;
    clayer_status status = strcmp(clayer_version(), CLAYER_VERSION) == 0 ? CLAYER_OK : CLAYER_UNSUPPORTED;
    if (status == CLAYER_OK) {
        status = clayer_context_create(NULL, &context);
    }
    if (status == CLAYER_OK) {
        status = clayer_layer_create(context, "Cropping1D", NULL, &layer);
    }
    if (status == CLAYER_OK) {
        status = clayer_tensor_create(context, 3, in_dims, &input);
    }
    if (status == CLAYER_OK) {
        status = clayer_tensor_create(context, 3, out_dims, &output);
    }
    if (status == CLAYER_OK) {
        status = clayer_tensor_write(input, values, 4);
    }
    if (status == CLAYER_OK) {
        status = clayer_layer_forward(layer, &input, 1, output);
    }
    if (status == CLAYER_OK) {
        status = clayer_tensor_read(output, result, 2);
    }
    if (status != CLAYER_OK) {
        printf("%s: %s\n", clayer_status_string(status), clayer_last_error());
    }
    clayer_tensor_destroy(output);
    clayer_tensor_destroy(input);
    clayer_layer_destroy(layer);
    clayer_context_destroy(context);
    return status == CLAYER_OK && result[0] == 2.0f && result[1] == 3.0f ? 0 : 1;
}
