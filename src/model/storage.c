/* model/storage.c: which outputs of nodes share memory.
 *
 * A value is memory that one node writes and later ones read. A layer without steps hands its input's value on; an
 * element-by-element layer writes over a value it reads if nobody reads that afterwards. Values that leave the model
 * lie in the caller's tensors. The rest take buffers by lifetime: at each node the smallest free buffer that is large
 * enough, else the largest free one made larger, else a new one. */
#include "model/plan.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"

typedef struct value {
    cly_model_place place;
    bool placed;             /* an input's, an output's, or merged into another */
    bool leaves;             /* is read as an output of the model: kept to the end */
    cly_model_lifetime life; /* positions are nodes */
} value;

#define NO_VALUE SIZE_MAX

typedef struct storage {
    const clayer_model *model;
    cly_model_run_plan *plan;
    value *values;
    size_t *of_node; /* the value of each node's output */
    size_t count;
} storage;

/* ---- values ---- */

static value *value_of(const storage *s, size_t node) {
    return &s->values[s->of_node[node]];
}

/* Whether operand j of the step may be written over by what it computes. */
static bool is_pointwise(const cly_ops_step *step, int j) {
    return step->op == &cly_ops_arithmetic_operator
               ? j <= 1
               : j == 0 && (step->op == &cly_ops_activation_operator || step->op == &cly_ops_softmax_operator ||
                            step->op == &cly_ops_batch_norm_operator);
}

bool cly_model_works_in_place(const cly_ops_steps *steps, size_t input) {
    size_t reads = 0;
    for (size_t i = 0; i < steps->count; i++) {
        const cly_ops_step *step = &steps->steps[i];
        if (!is_pointwise(step, 0)) {
            return false;
        }
        for (int j = 0; j < CLY_OPS_OPERANDS; j++) {
            if (step->operands[j].kind == CLY_INPUT && (size_t)step->operands[j].index == input) {
                reads++;
                if (i > 0 || !is_pointwise(step, j)) {
                    return false;
                }
            }
        }
    }
    return reads == 1;
}

/* Whether call `node` reads `v` by another of its inputs than `input`. */
static bool reads_again(const storage *s, size_t node, size_t input, const value *v) {
    const cly_model_call *call = &s->plan->calls[node];
    for (size_t i = 0; i < call->source_count; i++) {
        if (i != input && value_of(s, call->sources[i]) == v) {
            return true;
        }
    }
    return false;
}

/* The value that call `node` may write over, or NULL. Lifetimes of its inputs must be known. */
static value *dying_input(const storage *s, size_t node) {
    const cly_model_call *call = &s->plan->calls[node];
    for (size_t i = 0; call->home == 0 && i < call->source_count; i++) {
        value *v = value_of(s, call->sources[i]);
        if (!v->placed && !v->leaves && v->life.last == node && v->life.bytes == call->output_bytes &&
            cly_model_works_in_place(&call->steps, i) && !reads_again(s, node, i, v)) {
            return v;
        }
    }
    return NULL;
}

static void mark_leaving(const storage *s) {
    clayer_node *const *outputs = NULL;
    size_t count = cly_model_outputs(s->model, &outputs);
    for (size_t i = 0; i < count; i++) {
        value_of(s, outputs[i]->index)->leaves = true;
    }
}

/* The value of call i, or of its home: made by the first call that writes to it. */
static void open_value(storage *s, size_t i) {
    const size_t home = s->plan->calls[i].home > 0 ? s->plan->calls[i].home - 1 : i;
    if (s->of_node[home] == NO_VALUE) {
        s->of_node[home] = s->count;
        s->values[s->count++] = (value){.life = {.first = i, .last = i, .bytes = s->plan->calls[home].output_bytes}};
    }
    s->of_node[i] = s->of_node[home];
    value_of(s, i)->life.last = i;
}

/* The call has no memory of its own: its output is its first source's. */
static bool passes_on(const cly_model_call *call) {
    return call->source_count > 0 && call->steps.count == 0 && !call->gathers;
}

/* Gives every needed node a value. Nodes that only hand data on share their input's. */
static void make_values(storage *s) {
    size_t input = 0;
    for (size_t i = 0; i < s->model->node_count; i++) {
        const clayer_node *node = s->model->nodes[i];
        const cly_model_call *call = &s->plan->calls[i];
        size_t position = node->input_count == 0 ? input++ : 0;
        if (!call->needed) {
            continue;
        }
        if (passes_on(call)) {
            s->of_node[i] = s->of_node[call->sources[0]];
        } else {
            open_value(s, i);
        }
        if (node->input_count == 0) {
            value_of(s, i)->placed = true;
            value_of(s, i)->place = (cly_model_place){.kind = CLY_MODEL_INPUT, .index = position};
        }
        for (size_t j = 0; j < call->source_count; j++) {
            value_of(s, call->sources[j])->life.last = i;
        }
    }
    mark_leaving(s);
}

/* Merges the value of each node that may work in place into the one it writes over. */
static clayer_status merge_in_place(storage *s) {
    clayer_status status = CLAYER_OK;
    size_t *root = NULL;
    void *memory = NULL;
    CLY_TRY(cly_base_alloc(s->count, sizeof(size_t), &memory));
    root = memory;
    for (size_t i = 0; i < s->count; i++) {
        root[i] = i;
    }
    for (size_t i = 0; i < s->model->node_count; i++) {
        const cly_model_call *call = &s->plan->calls[i];
        if (!call->needed) {
            continue;
        }
        size_t own = s->of_node[i];
        s->of_node[i] = root[own]; /* inputs of later nodes are looked up with their final value */
        value *over = call->steps.count > 0 ? dying_input(s, i) : NULL;
        if (over != NULL) {
            root[own] = (size_t)(over - s->values);
            s->of_node[i] = root[own];
            over->life.last = s->values[own].life.last;
            over->leaves = s->values[own].leaves;
            s->values[own].placed = true; /* merged: takes no memory of its own */
            s->plan->unshared_bytes += s->values[own].life.bytes;
        }
    }
done:
    free(root);
    return status;
}

/* ---- outputs ---- */

/* A leaving value lies in the first output tensor that shows it; other outputs get copies. */
static clayer_status place_outputs(storage *s) {
    clayer_status status = CLAYER_OK;
    clayer_node *const *outputs = NULL;
    size_t count = cly_model_outputs(s->model, &outputs);
    void *memory = NULL;
    CLY_TRY(cly_base_alloc(count, sizeof(cly_model_copy), &memory));
    s->plan->copies = memory;
    for (size_t i = 0; i < count; i++) {
        value *v = value_of(s, outputs[i]->index);
        if (!v->placed) {
            v->placed = true;
            v->place = (cly_model_place){.kind = CLY_MODEL_OUTPUT, .index = i};
        } else {
            s->plan->copies[s->plan->copy_count++] = (cly_model_copy){v->place, i, v->life.bytes};
        }
    }
done:
    return status;
}

/* ---- buffers ---- */

/* busy_until[i]: the last position that uses buffer i, plus 1. */
static size_t choose_buffer(const cly_model_run_plan *plan, const size_t *busy_until, const cly_model_lifetime *v) {
    size_t best = plan->buffer_count;
    for (size_t i = 0; i < plan->buffer_count; i++) {
        if (busy_until[i] > v->first) {
            continue;
        }
        uint64_t bytes = plan->buffer_bytes[i];
        uint64_t best_bytes = best < plan->buffer_count ? plan->buffer_bytes[best] : 0;
        bool fits = bytes >= v->bytes, best_fits = best < plan->buffer_count && best_bytes >= v->bytes;
        if (best == plan->buffer_count || (fits && (!best_fits || bytes < best_bytes)) ||
            (!fits && !best_fits && bytes > best_bytes)) {
            best = i;
        }
    }
    return best;
}

clayer_status cly_model_share_buffers(cly_model_run_plan *plan, cly_model_lifetime *const *values, size_t count) {
    clayer_status status = CLAYER_OK;
    size_t *busy_until = NULL;
    void *memory = NULL;
    CLY_TRY(cly_base_alloc(count, sizeof(uint64_t), &memory));
    plan->buffer_bytes = memory;
    CLY_TRY(cly_base_alloc(count, sizeof(size_t), &memory));
    busy_until = memory;
    for (size_t i = 0; i < count; i++) {
        cly_model_lifetime *v = values[i];
        const size_t chosen = choose_buffer(plan, busy_until, v);
        plan->buffer_count += chosen == plan->buffer_count;
        if (plan->buffer_bytes[chosen] < v->bytes) {
            plan->buffer_bytes[chosen] = v->bytes;
        }
        busy_until[chosen] = v->last + 1;
        plan->unshared_bytes += v->bytes;
        v->buffer = chosen;
    }
done:
    free(busy_until);
    return status;
}

static clayer_status assign_buffers(storage *s) {
    clayer_status status = CLAYER_OK;
    cly_model_lifetime **lives = NULL;
    size_t count = 0;
    void *memory = NULL;
    CLY_TRY(cly_base_alloc(s->count, sizeof(*lives), &memory));
    lives = memory;
    for (size_t i = 0; i < s->count; i++) {
        if (!s->values[i].placed) {
            lives[count++] = &s->values[i].life;
        }
    }
    CLY_TRY(cly_model_share_buffers(s->plan, lives, count));
    for (size_t i = 0; i < s->count; i++) {
        if (!s->values[i].placed) {
            s->values[i].place = (cly_model_place){.kind = CLY_MODEL_BUFFER, .index = s->values[i].life.buffer};
        }
    }
done:
    free(lives);
    return status;
}

/* Where each output lies: in its value, or in a part of it. */
static void place_calls(const storage *s) {
    for (size_t i = 0; i < s->model->node_count; i++) {
        cly_model_call *call = &s->plan->calls[i];
        if (!call->needed) {
            continue;
        }
        if (passes_on(call)) {
            call->place = s->plan->calls[call->sources[0]].place;
            continue;
        }
        call->place = value_of(s, i)->place;
        call->place.part_offset = call->part_offset;
        call->place.part_bytes = call->part_bytes;
    }
}

clayer_status cly_model_plan_storage(const clayer_model *model, cly_model_run_plan *plan) {
    clayer_status status = CLAYER_OK;
    storage s = {.model = model, .plan = plan};
    void *memory = NULL;
    CLY_TRY(cly_base_alloc(model->node_count, sizeof(value), &memory));
    s.values = memory;
    CLY_TRY(cly_base_alloc(model->node_count, sizeof(size_t), &memory));
    s.of_node = memory;
    for (size_t i = 0; i < model->node_count; i++) {
        s.of_node[i] = NO_VALUE;
    }
    make_values(&s);
    CLY_TRY(merge_in_place(&s));
    CLY_TRY(place_outputs(&s));
    CLY_TRY(assign_buffers(&s));
    place_calls(&s);
done:
    free(s.values);
    free(s.of_node);
    return status;
}
