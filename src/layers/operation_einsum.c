/* layers/operation_einsum.c: products of two tensors whose axes have names, summed over those that the result lacks:
 * 'bhwc,bc->bhwc', 'bqhd,bkhd->bhqk'. The second one may be a constant. Sources: keras/src/ops/numpy.py, Einsum and
 * Tensordot; the gradients are products of the same kind. */
#include <string.h>

#include "layers/arithmetic.h"
#include "layers/operation.h"

typedef cly_layers_operation_config config;

/* One tensor of the product. */
typedef struct factor {
    const char *labels; /* one an axis */
    clayer_shape shape;
    cly_ops_place place;
} factor;

static bool has(const char *labels, char label) {
    return strchr(labels, label) != NULL;
}

/* What the last step needs to read the place, if that is a constant. */
static void lend_constant(const clayer_layer *layer, cly_ops_place place, cly_ops_steps *steps) {
    if (place.kind == CLY_CONSTANT) {
        steps->steps[steps->count - 1].constants[place.index] = layer->constants[place.index];
    }
}

/* ---- shapes ---- */

static clayer_shape shape_of(const clayer_layer *layer, const clayer_shape *inputs, int k) {
    const config *c = layer->config;
    return c->sources[k] == CLY_SOURCE_CONSTANT ? c->constants[k] : inputs[k];
}

/* What is wrong with the names, or NULL. */
static const char *find_fault(const clayer_layer *layer, const clayer_shape shapes[2]) {
    const config *c = layer->config;
    const char *a = c->labels[0], *b = c->labels[1], *y = c->labels[2];
    const bool constant = c->sources[1] == CLY_SOURCE_CONSTANT;
    for (int k = 0; k < 3; k++) {
        const size_t length = strlen(c->labels[k]);
        if (k < 2 && (size_t)shapes[k].rank != length) {
            return "it names another number of axes";
        }
        for (size_t i = 0; i < length; i++) {
            const char label = c->labels[k][i];
            if (has(c->labels[k] + i + 1, label)) {
                return "a name stands twice";
            }
            if (k < 2 ? !has(y, label) && !has(k == 0 ? b : a, label) : !has(a, label) && !has(b, label)) {
                return "a name stands in one place alone";
            }
        }
    }
    if (a[0] != y[0] || (constant ? has(b, a[0]) : b[0] != a[0])) {
        return "the batch must be the first axis of all tensors";
    }
    return NULL;
}

static int64_t size_of(const factor *f, char label) {
    const char *found = strchr(f->labels, label);
    return found == NULL ? 1 : f->shape.dims[found - f->labels];
}

static clayer_status infer_einsum(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                  clayer_shape *output_out) {
    const config *c = layer->config;
    char first[CLY_LAYERS_SHAPE_TEXT], other[CLY_LAYERS_SHAPE_TEXT];
    if (count != (c->sources[1] == CLY_SOURCE_CONSTANT ? 1U : 2U)) {
        return cly_layers_fail(layer, CLAYER_UNSUPPORTED, "a product of %zu tensors", count);
    }
    const clayer_shape shapes[2] = {inputs[0], shape_of(layer, inputs, 1)};
    const factor a = {.labels = c->labels[0], .shape = shapes[0]}, b = {.labels = c->labels[1], .shape = shapes[1]};
    const char *fault = find_fault(layer, shapes);
    for (const char *label = a.labels; fault == NULL && *label != '\0'; label++) {
        const int64_t m = size_of(&a, *label), n = size_of(&b, *label);
        fault = has(b.labels, *label) && m != n && m != -1 && n != -1 ? "the sizes of one name differ" : NULL;
    }
    if (fault != NULL) {
        return cly_layers_fail(layer, CLAYER_UNSUPPORTED, "%s,%s->%s of %s and %s: %s", a.labels, b.labels,
                               c->labels[2], cly_layers_shape_text(&shapes[0], first, sizeof(first)),
                               cly_layers_shape_text(&shapes[1], other, sizeof(other)), fault);
    }
    output_out->rank = (int)strlen(c->labels[2]);
    for (int i = 0; i < output_out->rank; i++) {
        const char label = c->labels[2][i];
        const int64_t size = has(a.labels, label) ? size_of(&a, label) : -1;
        output_out->dims[i] = size == -1 ? (has(b.labels, label) ? size_of(&b, label) : -1) : size;
    }
    return CLAYER_OK;
}

/* ---- products ---- */

/* Names in three runs, and how large each is. */
typedef struct runs {
    char labels[3][CLAYER_MAX_RANK + 1];
    int64_t sizes[3];
} runs;

/* The names of `from` that are in `with` and, as `wanted` says, in `other`, in their order. */
static void add_run(runs *r, int index, const factor *from, const factor *with, const factor *other, bool wanted) {
    size_t count = 0;
    r->sizes[index] = 1;
    for (const char *label = from->labels; *label != '\0'; label++) {
        if (has(with->labels, *label) && has(other->labels, *label) == wanted) {
            r->labels[index][count++] = *label;
            r->sizes[index] *= size_of(from, *label);
        }
    }
    r->labels[index][count] = '\0';
}

static void join(const runs *r, const int order[3], char joined[2 * CLAYER_MAX_RANK]) {
    joined[0] = '\0';
    for (int i = 0; i < 3; i++) {
        (void)strcat(joined, r->labels[order[i]]);
    }
}

/* Moves the axes of `f` into the order of `labels`, or with `back` from that into those of `f`. */
static clayer_status add_move(cly_ops_steps *steps, const factor *f, const char *labels, bool back, cly_ops_place from,
                              cly_ops_place to) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_transpose_operator, &step));
    cly_ops_transpose_shape *shape = &step->shape.transpose;
    shape->x.rank = f->shape.rank;
    for (int i = 0; i < f->shape.rank; i++) {
        const char *source = back ? labels : f->labels, *target = back ? f->labels : labels;
        shape->x.dims[i] = size_of(f, source[i]);
        shape->permutation[i] = (int)(strchr(source, target[i]) - source);
    }
    step->operands[0] = from;
    step->operands[1] = to;
done:
    return status;
}

/* Whether the tensor lies as `order` says, or with the last two runs exchanged: then *turned_out. */
static bool lies_so(const factor *f, const runs *r, const int order[3], bool *turned_out) {
    char joined[2 * CLAYER_MAX_RANK];
    const int other[3] = {order[0], order[2], order[1]};
    join(r, order, joined);
    *turned_out = false;
    if (strcmp(joined, f->labels) == 0) {
        return true;
    }
    join(r, other, joined);
    *turned_out = strcmp(joined, f->labels) == 0;
    return *turned_out;
}

/* Where a run of `size` lies beside one of `other` behind it, or in front of it if `turned`. */
static cly_ops_contract_axis axis_before(int64_t other, bool turned) {
    return (cly_ops_contract_axis){1, turned ? 1 : other};
}

/* y = the sum of a b. A tensor whose axes do not lie in runs is moved first: temporaries 0 to 2. */
static clayer_status add_product(const clayer_layer *layer, cly_ops_steps *steps, const factor *a, const factor *b,
                                 const factor *y) {
    runs r[3];
    const factor *const all[3] = {a, b, y};
    const int order[3] = {0, 1, 2};
    bool turned[3], lies[3];
    cly_ops_place places[3];
    char joined[2 * CLAYER_MAX_RANK];
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    for (int k = 0; k < 3; k++) { /* each: what all have, then what two have */
        add_run(&r[k], 0, y, a, b, true);
    }
    add_run(&r[0], 1, y, a, b, false);
    add_run(&r[0], 2, a, b, y, false);
    add_run(&r[1], 1, y, b, a, false);
    r[1].sizes[2] = r[0].sizes[2];
    memcpy(r[1].labels[2], r[0].labels[2], sizeof(r[0].labels[2]));
    r[2].sizes[1] = r[0].sizes[1];
    memcpy(r[2].labels[1], r[0].labels[1], sizeof(r[0].labels[1]));
    r[2].sizes[2] = r[1].sizes[1];
    memcpy(r[2].labels[2], r[1].labels[1], sizeof(r[1].labels[1]));
    const int64_t rows = r[2].sizes[1], columns = r[2].sizes[2], depth = r[0].sizes[2];
    for (int k = 0; k < 3; k++) {
        lies[k] = lies_so(all[k], &r[k], order, &turned[k]);
        places[k] = lies[k] ? all[k]->place : cly_layers_temporary(steps, k, cly_layers_bytes(&all[k]->shape));
        if (!lies[k] && k < 2) {
            join(&r[k], order, joined);
            CLY_TRY(add_move(steps, all[k], joined, false, all[k]->place, places[k]));
            lend_constant(layer, all[k]->place, steps);
        }
    }
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_contract_operator, &step));
    step->shape.contract = (cly_ops_contract_shape){.batch = r[2].sizes[0],
                                                    .rows = rows,
                                                    .columns = columns,
                                                    .depth = depth,
                                                    .a_batch = rows * depth,
                                                    .b_batch = columns * depth,
                                                    .y_batch = rows * columns,
                                                    .a_row = axis_before(depth, turned[0]),
                                                    .a_depth = axis_before(rows, !turned[0]),
                                                    .b_column = axis_before(depth, turned[1]),
                                                    .b_depth = axis_before(columns, !turned[1]),
                                                    .y_row = axis_before(columns, turned[2]),
                                                    .y_column = axis_before(rows, !turned[2])};
    memcpy(step->operands, places, sizeof(places));
    lend_constant(layer, places[0], steps);
    lend_constant(layer, places[1], steps);
    if (!lies[2]) {
        join(&r[2], order, joined);
        CLY_TRY(add_move(steps, y, joined, true, places[2], y->place));
    }
done:
    return status;
}

/* ---- products without sums ---- */

/* The names of `f` stand in `y` in the same order: the rest are axes of 1. */
static bool expands(const factor *f, const char *y, clayer_shape *shape_out) {
    int next = 0;
    shape_out->rank = (int)strlen(y);
    for (int i = 0; i < shape_out->rank; i++) {
        const bool here = f->labels[next] == y[i];
        shape_out->dims[i] = here ? f->shape.dims[next++] : 1;
    }
    return f->labels[next] == '\0';
}

static bool is_plain(const factor *a, const factor *b, const factor *y, cly_layers_operand operands[2]) {
    clayer_shape shapes[2];
    const bool plain =
        b->place.kind != CLY_CONSTANT && expands(a, y->labels, &shapes[0]) && expands(b, y->labels, &shapes[1]);
    if (plain) {
        operands[0] = cly_layers_tensor(a->place, &shapes[0]);
        operands[1] = cly_layers_tensor(b->place, &shapes[1]);
    }
    return plain;
}

/* ---- steps ---- */

static factor factor_of(const clayer_layer *layer, const clayer_shape *inputs, int k) {
    const config *c = layer->config;
    const bool constant = c->sources[k] == CLY_SOURCE_CONSTANT;
    return (factor){.labels = c->labels[k],
                    .shape = shape_of(layer, inputs, k),
                    .place = constant ? CLY_PLACE(CLY_CONSTANT, cly_layers_constant_of(k)) : CLY_PLACE(CLY_INPUT, k)};
}

static clayer_status plan_einsum(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                 const clayer_shape *output, cly_ops_steps *steps) {
    const config *c = layer->config;
    const factor a = factor_of(layer, inputs, 0), b = factor_of(layer, inputs, 1);
    const factor y = {.labels = c->labels[2], .shape = *output, .place = CLY_PLACE(CLY_OUTPUT, 0)};
    cly_layers_operand operands[2];
    (void)count;
    return is_plain(&a, &b, &y, operands)
               ? cly_layers_plan_function(steps, CLY_MULTIPLY, &operands[0], &operands[1], y.place, output, NULL)
               : add_product(layer, steps, &a, &b, &y);
}

static clayer_status plan_einsum_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                          const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    const config *c = layer->config;
    const factor factors[2] = {factor_of(layer, inputs, 0), factor_of(layer, inputs, 1)};
    const factor dy = {.labels = c->labels[2], .shape = *output, .place = CLY_PLACE(CLY_OUTPUT_GRADIENT, 0)};
    cly_layers_operand operands[2];
    const bool plain = is_plain(&factors[0], &factors[1], &dy, operands);
    clayer_status status = CLAYER_OK;
    for (int k = 0; k < (int)count; k++) {
        const cly_ops_place target = CLY_PLACE(CLY_INPUT_GRADIENT, k);
        factor own = factors[k];
        own.place = target;
        if (wanted[k]) {
            CLY_TRY(plain ? cly_layers_plan_function_gradient(steps, CLY_MULTIPLY, &operands[0], &operands[1], NULL, k,
                                                              dy.place, output, target)
                          : add_product(layer, steps, &dy, &factors[1 - k], &own));
        }
    }
done:
    return status;
}

const cly_layers_operation_work cly_layers_einsum = {infer_einsum, plan_einsum, plan_einsum_backward};
