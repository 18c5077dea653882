/* model/fuse_concatenate.c: sources of a Concatenate write straight into their places of its output.
 *
 * Where a place is one piece of memory (one sample, joined along its first axis, as channels_first channels are), the
 * source's output is that part of the buffer, and nothing else changes. Else rows lie apart:
 *
 * A Concatenate is a copy an input: rows of `width` floats into rows of a larger pitch. Where the step that makes an
 * input writes such rows itself, it gets pitch and offset, the copy goes, and the output of the concatenation is the
 * home of the input's; whoever else reads the input must be able to read rows that lie apart. The last concatenation
 * comes first, so that one which is an input of another hands that one's pitch on: DenseNet's chain becomes one tensor.
 */
#include "model/fuse.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "device/device.h"

typedef struct concatenates {
    cly_model_fuse_state *f;
    uint64_t alignment; /* of parts of buffers, in bytes */
    size_t *makers;     /* of each call's output: the call with steps that made it, or an input */
    bool *is_output;    /* of the makers: the model gives it */
} concatenates;

/* ---- rows ---- */

/* Where a step says how the rows of its output or input lie, if these are (rows, width); NULL: it cannot. */
static cly_ops_spacing *written_rows(cly_ops_step *step, int64_t rows, int64_t width, int *operand_out) {
    cly_ops_conv_shape *c = &step->shape.conv;
    cly_ops_pool_shape *p = &step->shape.pool;
    cly_ops_batch_norm_shape *n = &step->shape.batch_norm;
    if (cly_model_fuse_is_convolution(step)) {
        const bool transposed = step->op == &cly_ops_conv_transpose_operator;
        const int64_t *size = transposed ? c->in : c->out;
        *operand_out = 3;
        return !c->channels_first && rows == c->batch * size[0] * size[1] * size[2] &&
                       width == (transposed ? c->in_channels : c->out_channels)
                   ? &c->y
                   : NULL;
    }
    if (step->op == &cly_ops_pool_operator) {
        *operand_out = 1;
        return rows == p->outer * p->out[0] * p->out[1] * p->out[2] && width == p->inner ? &p->y : NULL;
    }
    if (step->op == &cly_ops_batch_norm_operator) {
        *operand_out = 5;
        return n->inner == 1 && rows == n->outer && width == n->axis ? &n->y : NULL;
    }
    return NULL;
}

static cly_ops_spacing *read_rows(cly_ops_step *step, int64_t rows, int64_t width) {
    cly_ops_pool_shape *p = &step->shape.pool;
    cly_ops_batch_norm_shape *n = &step->shape.batch_norm;
    if (step->op == &cly_ops_pool_operator) {
        return rows == p->outer * p->in[0] * p->in[1] * p->in[2] && width == p->inner ? &p->x : NULL;
    }
    if (step->op == &cly_ops_batch_norm_operator) {
        return n->inner == 1 && rows == n->outer && width == n->axis ? &n->x : NULL;
    }
    return NULL;
}

static bool is_copy_of(const cly_ops_step *step, int64_t rows, int64_t width) {
    const cly_ops_copy_shape *c = &step->shape.copy;
    return step->op == &cly_ops_copy_operator && c->rows == rows && c->width == width && c->x_length == width &&
           c->x_offset == 0;
}

/* All its steps are copies of inputs into rows of one pitch. */
static bool is_concatenation(const cly_model_call *call) {
    for (size_t i = 0; i < call->steps.count; i++) {
        const cly_ops_step *step = &call->steps.steps[i];
        if (step->op != &cly_ops_copy_operator || step->operands[0].kind != CLY_INPUT ||
            step->operands[1].kind != CLY_OUTPUT || step->shape.copy.rows != call->steps.steps[0].shape.copy.rows ||
            step->shape.copy.y_length != call->steps.steps[0].shape.copy.y_length) {
            return false;
        }
    }
    return call->steps.count > 1 && call->steps.count == call->source_count;
}

/* ---- those who read ---- */

/* Whether all readers of `maker`'s output but the copy `own` can read rows of `width` that lie apart; where `lie` says
 * how, they do from now on. */
static bool visit_readers(const concatenates *all, size_t maker, const cly_ops_step *own, int64_t rows, int64_t width,
                          const cly_ops_spacing *lie) {
    cly_model_run_plan *plan = all->f->plan;
    for (size_t i = maker + 1; i < plan->call_count; i++) {
        cly_model_call *call = &plan->calls[i];
        for (size_t j = 0; call->needed && j < call->steps.count; j++) {
            cly_ops_step *step = &call->steps.steps[j];
            for (int k = 0; k < CLY_OPS_OPERANDS; k++) {
                if (step == own || step->operands[k].kind != CLY_INPUT ||
                    all->makers[call->sources[step->operands[k].index]] != maker) {
                    continue;
                }
                cly_ops_spacing *read = k == 0 ? read_rows(step, rows, width) : NULL;
                const bool copies = k == 0 && is_copy_of(step, rows, width);
                if (lie == NULL && read == NULL && !copies) {
                    return false;
                }
                if (lie != NULL && read != NULL) {
                    *read = *lie;
                } else if (lie != NULL) {
                    step->shape.copy.x_length = lie->pitch;
                    step->shape.copy.x_offset = lie->offset;
                }
            }
        }
    }
    return true;
}

/* ---- those who write ---- */

/* How the call's output is written: the last of its steps alone, by rows; NULL if not so. */
static cly_ops_spacing *written_by(cly_model_call *call, int64_t rows, int64_t width) {
    int operand = 0;
    if (call->steps.count == 0) {
        return NULL;
    }
    cly_ops_step *last = &call->steps.steps[call->steps.count - 1];
    cly_ops_spacing *lie = written_rows(last, rows, width, &operand);
    for (size_t i = 0; lie != NULL && i < call->steps.count; i++) {
        for (int j = 0; j < CLY_OPS_OPERANDS; j++) {
            const bool is_output = call->steps.steps[i].operands[j].kind == CLY_OUTPUT;
            if (is_output != (&call->steps.steps[i] == last && j == operand)) {
                return NULL;
            }
        }
    }
    return lie;
}

/* A concatenation within a concatenation: all its copies get the outer one's pitch. */
static void move_copies(cly_model_call *call, const cly_ops_spacing *lie) {
    for (size_t i = 0; i < call->steps.count; i++) {
        cly_ops_copy_shape *copy = &call->steps.steps[i].shape.copy;
        copy->y_length = lie->pitch;
        copy->y_offset += lie->offset;
    }
}

/* The maker's output is a part of the concatenation's from now on, where it lies in one piece there (one sample, joined
 * along the first of the other axes): every step can write it, and read it. */
static bool write_part(const concatenates *all, size_t concatenation, const cly_ops_step *copy, size_t maker) {
    cly_model_call *outer = &all->f->plan->calls[concatenation], *call = &all->f->plan->calls[maker];
    const uint64_t offset = outer->part_offset + (uint64_t)copy->shape.copy.y_offset * sizeof(float);
    size_t times = 0;
    for (size_t i = 0; i < outer->source_count; i++) {
        times += all->makers[outer->sources[i]] == maker;
    }
    /* A second copy would read the part while it writes to the whole. */
    if (copy->shape.copy.rows != 1 || times != 1 || offset % all->alignment != 0) {
        return false;
    }
    call->home = outer->home > 0 ? outer->home : concatenation + 1;
    call->part_offset = offset;
    call->part_bytes = (uint64_t)copy->shape.copy.width * sizeof(float);
    outer->gathers = true;
    return true;
}

/* Makes the copy of an input needless, if its maker can write in the copy's place. */
static bool write_rows(const concatenates *all, size_t concatenation, const cly_ops_step *copy, size_t maker) {
    cly_model_call *outer = &all->f->plan->calls[concatenation], *call = &all->f->plan->calls[maker];
    const int64_t rows = copy->shape.copy.rows, width = copy->shape.copy.width;
    const cly_ops_spacing lie = {.pitch = copy->shape.copy.y_length, .offset = copy->shape.copy.y_offset};
    const bool inner = is_concatenation(call) && call->steps.steps[0].shape.copy.rows == rows &&
                       call->steps.steps[0].shape.copy.y_length == width;
    cly_ops_spacing *written = inner ? NULL : written_by(call, rows, width);
    if ((!inner && written == NULL) || !visit_readers(all, maker, copy, rows, width, NULL)) {
        return false;
    }
    (void)visit_readers(all, maker, copy, rows, width, &lie);
    if (inner) {
        move_copies(call, &lie);
    } else {
        *written = lie;
    }
    call->home = outer->home > 0 ? outer->home : concatenation + 1;
    call->part_offset = outer->part_offset;
    call->part_bytes = outer->part_bytes;
    outer->gathers = true;
    return true;
}

static bool write_in_place(const concatenates *all, size_t concatenation, const cly_ops_step *copy) {
    const cly_model_call *outer = &all->f->plan->calls[concatenation];
    const size_t maker = all->makers[outer->sources[copy->operands[0].index]];
    const cly_model_call *call = &all->f->plan->calls[maker];
    return call->source_count > 0 && call->home == 0 && !all->is_output[maker] &&
           is_copy_of(copy, copy->shape.copy.rows, copy->shape.copy.width) &&
           (write_part(all, concatenation, copy, maker) || write_rows(all, concatenation, copy, maker));
}

static void fuse_concatenation(const concatenates *all, size_t concatenation) {
    cly_model_call *call = &all->f->plan->calls[concatenation];
    size_t kept = 0;
    for (size_t i = 0; i < call->steps.count; i++) {
        if (write_in_place(all, concatenation, &call->steps.steps[i])) {
            all->f->plan->fused[CLY_MODEL_CONCATENATE]++;
        } else {
            call->steps.steps[kept++] = call->steps.steps[i];
        }
    }
    call->steps.count = kept;
}

/* ---- all of it ---- */

static void find_makers(const concatenates *all) {
    clayer_node *const *outputs = NULL;
    const cly_model_run_plan *plan = all->f->plan;
    const size_t output_count = cly_model_outputs(all->f->model, &outputs);
    for (size_t i = 0; i < plan->call_count; i++) {
        const bool passes = plan->calls[i].steps.count == 0 && plan->calls[i].source_count > 0;
        all->makers[i] = passes ? all->makers[plan->calls[i].sources[0]] : i;
    }
    for (size_t i = 0; i < output_count; i++) {
        all->is_output[all->makers[outputs[i]->index]] = true;
    }
}

clayer_status cly_model_fuse_concatenates(cly_model_fuse_state *f) {
    clayer_status status = CLAYER_OK;
    concatenates all = {.f = f, .alignment = cly_device_part_alignment(f->model->context)};
    void *memory = NULL;
    CLY_TRY(cly_base_alloc(f->plan->call_count, sizeof(size_t), &memory));
    all.makers = memory;
    CLY_TRY(cly_base_alloc(f->plan->call_count, sizeof(bool), &memory));
    all.is_output = memory;
    find_makers(&all);
    for (size_t i = f->plan->call_count; i > 0; i--) {
        if (f->plan->calls[i - 1].needed && is_concatenation(&f->plan->calls[i - 1])) {
            fuse_concatenation(&all, i - 1);
        }
    }
done:
    free(all.makers);
    free(all.is_output);
    return status;
}
