/* predict.c: runs a model that Keras saved on x.npy and writes y.npy, as model.predict does.
 *
 *     predict net.keras x.npy y.npy */
#include <clayer/clayer.h>
#include <stdio.h>

int main(int argc, char **argv) {
    clayer_context *context = NULL;
    clayer_model *model = NULL;
    clayer_array *x = NULL, *y = NULL;
    int failed = argc != 4 || clayer_context_create(NULL, &context) || clayer_model_load(context, argv[1], &model) ||
                 clayer_array_load(argv[2], &x) || clayer_model_predict(model, &x, 1, NULL, &y) ||
                 clayer_array_save(y, argv[3]);
    if (failed) {
        fprintf(stderr, "%s\n", argc != 4 ? "usage: predict MODEL X.npy Y.npy" : clayer_last_error());
    }
    clayer_array_destroy(y);
    clayer_array_destroy(x);
    clayer_model_destroy(model);
    clayer_context_destroy(context);
    return failed;
}
