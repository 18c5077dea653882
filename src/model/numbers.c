/* model/numbers.c: the numbers that an Embedding takes rows by, looked at on the host before they are run, where they
 * are an input of the model: TensorFlow fails on a CPU for a row that is not there. */
#include <math.h>

#include "base/error.h"
#include "model/model.h"

static clayer_status check_one(const clayer_node *node, const float *values, int64_t count, int64_t samples,
                               const int64_t *order, int64_t first) {
    const clayer_embedding_config *c = node->layer->config;
    /* Keras 3 counts negative numbers from the end. */
    const double low = node->layer->generation == 3 ? -(double)c->input_dim : 0, high = (double)c->input_dim - 1;
    char text[CLY_LAYERS_DESCRIPTION];
    for (int64_t i = 0; i < count; i++) {
        const double number = trunc((double)values[i]);
        if (!(number >= low && number <= high)) {
            const int64_t row = i / (count / samples);
            return cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s: number %.9g of sample %lld is outside %.0f to %.0f",
                                 cly_model_describe_node(node, text, sizeof(text)), (double)values[i],
                                 (long long)(order != NULL ? order[row] : first + row), low, high);
        }
    }
    return CLAYER_OK;
}

clayer_status cly_model_check_numbers(const clayer_model *model, size_t input, const float *values, int64_t count,
                                      int64_t samples, const int64_t *order, int64_t first) {
    clayer_status status = CLAYER_OK;
    clayer_model *flat = NULL;
    CLY_TRY(cly_model_flat(model, &flat));
    for (size_t i = 0; i < flat->node_count; i++) {
        const clayer_node *node = flat->nodes[i];
        if (node->layer->class == &cly_layers_embedding && node->inputs[0] == flat->inputs[input]) {
            CLY_TRY(check_one(node, values, count, samples, order, first));
        }
    }
done:
    return status;
}
