/* layers/operation_matmul.c: matrix products over the last two axes of two tensors, one for each of the axes before.
 * Sources: tf.linalg.matmul, keras/src/ops/numpy.py, Matmul. */
#include "layers/operation.h"

typedef cly_layers_operation_config config;

/* y (batch, rows, columns) = a (batch, rows, depth) b (batch, depth, columns), each perhaps transposed in memory. */
typedef struct product {
    int64_t batch, rows, depth, columns;
    cly_ops_contract_axis a_row, a_depth, b_depth, b_column; /* where indices lie */
} product;

static clayer_status infer_matmul(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                  clayer_shape *output_out) {
    const config *c = layer->config;
    const clayer_shape *a = &inputs[0], *b = &inputs[1];
    const int rank = a->rank;
    char first[CLY_LAYERS_SHAPE_TEXT], other[CLY_LAYERS_SHAPE_TEXT];
    const char *reason = count != 2 ? "of two tensors only" : rank != b->rank ? "differ in their rank" : NULL;
    reason = reason == NULL && rank < 3 ? "have no axes beside the batch and those of a matrix" : reason;
    for (int i = 0; reason == NULL && i < rank - 2; i++) {
        const bool known = a->dims[i] != -1 && b->dims[i] != -1;
        reason = known && a->dims[i] != b->dims[i] ? "differ before the last two axes" : NULL;
    }
    if (reason != NULL) {
        return cly_layers_fail(layer, CLAYER_UNSUPPORTED, "the matrices of %s and %s %s: this is not supported",
                               cly_layers_shape_text(a, first, sizeof(first)),
                               count == 2 ? cly_layers_shape_text(b, other, sizeof(other)) : "nothing", reason);
    }
    const int64_t a_depth = a->dims[rank - (c->transposes[0] ? 2 : 1)];
    const int64_t b_depth = b->dims[rank - (c->transposes[1] ? 1 : 2)];
    if (a_depth != b_depth && a_depth != -1 && b_depth != -1) {
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "the matrices of %s and %s do not fit: %lld and %lld terms",
                               cly_layers_shape_text(a, first, sizeof(first)),
                               cly_layers_shape_text(b, other, sizeof(other)), (long long)a_depth, (long long)b_depth);
    }
    *output_out = *a;
    for (int i = 0; i < rank - 2; i++) {
        output_out->dims[i] = a->dims[i] == -1 ? b->dims[i] : a->dims[i];
    }
    output_out->dims[rank - 2] = a->dims[rank - (c->transposes[0] ? 1 : 2)];
    output_out->dims[rank - 1] = b->dims[rank - (c->transposes[1] ? 2 : 1)];
    return CLAYER_OK;
}

static product product_of(const config *c, const clayer_shape *inputs, const clayer_shape *output) {
    const int rank = output->rank;
    product p = {.batch = cly_layers_product(output, 0, rank - 2),
                 .rows = output->dims[rank - 2],
                 .columns = output->dims[rank - 1],
                 .depth = inputs[0].dims[rank - (c->transposes[0] ? 2 : 1)]};
    const int64_t a_width = inputs[0].dims[rank - 1], b_width = inputs[1].dims[rank - 1];
    p.a_row = (cly_ops_contract_axis){1, c->transposes[0] ? 1 : a_width};
    p.a_depth = (cly_ops_contract_axis){1, c->transposes[0] ? a_width : 1};
    p.b_depth = (cly_ops_contract_axis){1, c->transposes[1] ? 1 : b_width};
    p.b_column = (cly_ops_contract_axis){1, c->transposes[1] ? b_width : 1};
    return p;
}

static clayer_status add_contract(cly_ops_steps *steps, const cly_ops_contract_shape *shape, cly_ops_place a,
                                  cly_ops_place b, cly_ops_place y) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_contract_operator, &step));
    step->shape.contract = *shape;
    step->operands[0] = a;
    step->operands[1] = b;
    step->operands[2] = y;
done:
    return status;
}

static clayer_status plan_matmul(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                 const clayer_shape *output, cly_ops_steps *steps) {
    const product p = product_of(layer->config, inputs, output);
    const cly_ops_contract_shape shape = {.batch = p.batch,
                                          .rows = p.rows,
                                          .columns = p.columns,
                                          .depth = p.depth,
                                          .a_batch = p.rows * p.depth,
                                          .b_batch = p.depth * p.columns,
                                          .y_batch = p.rows * p.columns,
                                          .a_row = p.a_row,
                                          .a_depth = p.a_depth,
                                          .b_column = p.b_column,
                                          .b_depth = p.b_depth,
                                          .y_row = {1, p.columns},
                                          .y_column = {1, 1}};
    (void)count;
    return add_contract(steps, &shape, CLY_PLACE(CLY_INPUT, 0), CLY_PLACE(CLY_INPUT, 1), CLY_PLACE(CLY_OUTPUT, 0));
}

/* da[r, d] = the sum over c of dy[r, c] b[d, c]; db[d, c] = the sum over r of dy[r, c] a[r, d]. */
static clayer_status plan_matmul_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                          const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    const product p = product_of(layer->config, inputs, output);
    const cly_ops_place dy = CLY_PLACE(CLY_OUTPUT_GRADIENT, 0);
    const cly_ops_contract_shape by_a = {.batch = p.batch,
                                         .rows = p.rows,
                                         .columns = p.depth,
                                         .depth = p.columns,
                                         .a_batch = p.rows * p.columns,
                                         .b_batch = p.depth * p.columns,
                                         .y_batch = p.rows * p.depth,
                                         .a_row = {1, p.columns},
                                         .a_depth = {1, 1},
                                         .b_column = p.b_depth,
                                         .b_depth = p.b_column,
                                         .y_row = p.a_row,
                                         .y_column = p.a_depth};
    const cly_ops_contract_shape by_b = {.batch = p.batch,
                                         .rows = p.columns,
                                         .columns = p.depth,
                                         .depth = p.rows,
                                         .a_batch = p.rows * p.columns,
                                         .b_batch = p.rows * p.depth,
                                         .y_batch = p.depth * p.columns,
                                         .a_row = {1, 1},
                                         .a_depth = {1, p.columns},
                                         .b_column = p.a_depth,
                                         .b_depth = p.a_row,
                                         .y_row = p.b_column,
                                         .y_column = p.b_depth};
    clayer_status status = CLAYER_OK;
    (void)count;
    if (wanted[0]) {
        CLY_TRY(add_contract(steps, &by_a, dy, CLY_PLACE(CLY_INPUT, 1), CLY_PLACE(CLY_INPUT_GRADIENT, 0)));
    }
    if (wanted[1]) {
        CLY_TRY(add_contract(steps, &by_b, dy, CLY_PLACE(CLY_INPUT, 0), CLY_PLACE(CLY_INPUT_GRADIENT, 1)));
    }
done:
    return status;
}

const cly_layers_operation_work cly_layers_matmul = {infer_matmul, plan_matmul, plan_matmul_backward};
