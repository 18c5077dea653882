/* layers/embedding.c: Embedding and Masking. Keras: keras/src/layers/core/{embedding,masking}.py;
 * tf_keras/src/layers/core/embedding.py for input_length. Numbers arrive as floats; what lies outside of the table is
 * an error where the library sees the numbers before they are run (src/model/numbers.c), else NaN. */
#include "layers/mask.h"

typedef clayer_embedding_config config;

/* ---- Embedding ---- */

/* Floats count no further in whole numbers. */
#define MOST_ROWS 16777216

static const cly_layers_param params[] = {
    CLY_PARAM(config, input_dim, INT, .required = true, .low = 1, .high = MOST_ROWS),
    CLY_PARAM(config, output_dim, INT, .required = true, .low = 1, .high = INT32_MAX),
    CLY_PARAM_INITIALIZER(config, embeddings_initializer, "random_uniform"),
    CLY_PARAM_REGULARIZER(config, embeddings_regularizer),
    CLY_PARAM_REGULARIZER(config, activity_regularizer),
    CLY_PARAM_CONSTRAINT(config, embeddings_constraint),
    CLY_PARAM(config, mask_zero, BOOL, .required = false),
    CLY_PARAM(config, input_length, SHAPE, .low = -1, .high = INT32_MAX),
    {0},
};

/* input_length fills in what the input leaves open, and must not contradict it. */
static clayer_status infer(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                           clayer_shape *output_out) {
    (void)count;
    const config *c = layer->config;
    const clayer_shape *lengths = &c->input_length;
    char text[CLY_LAYERS_SHAPE_TEXT];
    if (inputs->rank >= CLAYER_MAX_RANK) {
        return cly_layers_fail(layer, CLAYER_UNSUPPORTED, "input has %d axes, more than %d", inputs->rank,
                               CLAYER_MAX_RANK - 1);
    }
    clayer_shape output = *inputs;
    output.dims[output.rank++] = c->output_dim;
    bool fits = lengths->rank == 0 || lengths->rank == inputs->rank - 1;
    for (int i = 0; i < lengths->rank && fits; i++) {
        const int64_t length = lengths->dims[i];
        fits = length == -1 || output.dims[i + 1] == -1 || output.dims[i + 1] == length;
        output.dims[i + 1] = output.dims[i + 1] == -1 ? length : output.dims[i + 1];
    }
    if (!fits) {
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "the input %s does not have the axes of input_length",
                               cly_layers_shape_text(inputs, text, sizeof(text)));
    }
    *output_out = output;
    return CLAYER_OK;
}

static clayer_status declare(clayer_layer *layer, const clayer_shape *inputs, size_t count) {
    (void)inputs, (void)count;
    const config *c = layer->config;
    const clayer_shape shape = {.rank = 2, .dims = {c->input_dim, c->output_dim}};
    return cly_layers_add_weight(layer, "embeddings", &shape, true, c->embeddings_initializer,
                                 c->embeddings_regularizer, c->embeddings_constraint);
}

/* Keras 3 counts negative numbers from the end (keras.ops.take), Keras 2 does not. */
static void fill_shape(const clayer_layer *layer, const clayer_shape *input, cly_ops_gather_shape *shape) {
    const config *c = layer->config;
    *shape = (cly_ops_gather_shape){.count = cly_layers_product(input, 0, input->rank),
                                    .rows = c->input_dim,
                                    .width = c->output_dim,
                                    .wraps = layer->generation == 3};
}

static clayer_status plan(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                          const clayer_shape *output, cly_ops_steps *steps) {
    (void)count, (void)output;
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_gather_operator, &step));
    fill_shape(layer, inputs, &step->shape.gather);
    step->operands[0] = CLY_PLACE(CLY_INPUT, 0);
    step->operands[1] = CLY_PLACE(CLY_WEIGHT, 0);
    step->operands[2] = CLY_PLACE(CLY_OUTPUT, 0);
done:
    return status;
}

/* The numbers themselves have no gradient: their fraction is cut off. */
static clayer_status plan_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                   const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    (void)count, (void)output;
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    if (cly_layers_is_trained(layer, 0)) {
        CLY_TRY(cly_ops_steps_add(steps, &cly_ops_gather_gradient_operator, &step));
        fill_shape(layer, inputs, &step->shape.gather);
        step->operands[0] = CLY_PLACE(CLY_INPUT, 0);
        step->operands[1] = CLY_PLACE(CLY_OUTPUT_GRADIENT, 0);
        step->operands[2] = CLY_PLACE(CLY_WEIGHT_GRADIENT, 0);
    }
    if (wanted[0]) {
        CLY_TRY(cly_layers_plan_no_gradient(inputs, 0, steps));
    }
done:
    return status;
}

const cly_layers_class cly_layers_embedding = {.name = "Embedding",
                                               .masks = CLY_MASKS_MAKE,
                                               .auto_name = "embedding",
                                               .config_size = sizeof(config),
                                               .params = params,
                                               .infer = infer,
                                               .declare = declare,
                                               .plan = plan,
                                               .plan_backward = plan_backward};

/* ---- Masking ---- */

static const cly_layers_param masking_params[] = {CLY_PARAM(clayer_masking_config, mask_value, NUMBER, .fallback = 0),
                                                  {0}};

static clayer_status infer_masking(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                   clayer_shape *output_out) {
    (void)count;
    if (inputs->rank < 2) {
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "input has %d axis, expects 2 or more: (N, ..., C)",
                               inputs->rank);
    }
    *output_out = *inputs;
    return CLAYER_OK;
}

static clayer_status plan_either_masking(const clayer_layer *layer, const clayer_shape *input, bool backward,
                                         cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_differs_operator, &step));
    step->shape.differs =
        (cly_ops_differs_shape){.rows = cly_layers_product(input, 0, input->rank - 1),
                                .width = input->dims[input->rank - 1],
                                .value = (float)((const clayer_masking_config *)layer->config)->mask_value,
                                .keeps = true};
    step->operands[0] = CLY_PLACE(CLY_INPUT, 0);
    step->operands[1] = backward ? CLY_PLACE(CLY_OUTPUT_GRADIENT, 0) : CLY_PLACE(CLY_INPUT, 0);
    step->operands[2] = backward ? CLY_PLACE(CLY_INPUT_GRADIENT, 0) : CLY_PLACE(CLY_OUTPUT, 0);
done:
    return status;
}

static clayer_status plan_masking(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                  const clayer_shape *output, cly_ops_steps *steps) {
    (void)count, (void)output;
    return plan_either_masking(layer, inputs, false, steps);
}

static clayer_status plan_masking_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                           const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    (void)count, (void)output, (void)wanted;
    return plan_either_masking(layer, inputs, true, steps);
}

const cly_layers_class cly_layers_masking = {.name = "Masking",
                                             .masks = CLY_MASKS_MAKE,
                                             .auto_name = "masking",
                                             .config_size = sizeof(clayer_masking_config),
                                             .params = masking_params,
                                             .infer = infer_masking,
                                             .plan = plan_masking,
                                             .plan_backward = plan_masking_backward};
