/* model/fuse_window.c: padding and cropping by the window of a convolution or pooling beside them.
 *
 * Such a window has its own position and finds zeros outside its input (a pooling: nothing, or zeros where it is told
 * to), so it can read what lies before the padding, leave out what is cropped, and begin elsewhere. */
#include "model/fuse.h"

/* The sizes that a step's window moves on: a transposed convolution reads `out` and writes `in`, and its window lies on
 * what it writes. */
typedef struct slide {
    int64_t *in, *out, *pad;
    const int64_t *kernel, *stride;
    int64_t dilation[3];
    int64_t in_outer, in_inner, out_outer, out_inner;
    cly_ops_pool_shape *pool; /* NULL: a convolution */
} slide;

static bool slide_of(cly_ops_step *step, slide *slide_out) {
    slide s = {.dilation = {1, 1, 1}};
    if (step->op == &cly_ops_pool_operator) {
        cly_ops_pool_shape *p = &step->shape.pool;
        s.in = p->in;
        s.out = p->out;
        s.pad = p->pad;
        s.kernel = p->window;
        s.stride = p->stride;
        s.in_outer = s.out_outer = p->outer;
        s.in_inner = s.out_inner = p->inner;
        s.pool = p;
    } else if (cly_model_fuse_is_convolution(step)) {
        cly_ops_conv_shape *c = &step->shape.conv;
        s.in = c->in;
        s.out = c->out;
        s.pad = c->pad;
        s.kernel = c->kernel;
        s.stride = c->stride;
        for (int i = 0; i < 3; i++) {
            s.dilation[i] = c->dilation[i];
        }
        s.in_outer = c->channels_first ? c->batch * c->in_channels : c->batch;
        s.out_outer = c->channels_first ? c->batch * c->out_channels : c->batch;
        s.in_inner = c->channels_first ? 1 : c->in_channels;
        s.out_inner = c->channels_first ? 1 : c->out_channels;
    } else {
        return false;
    }
    *slide_out = s;
    return true;
}

static bool same_sizes(const int64_t a[3], const int64_t b[3]) {
    return a[0] == b[0] && a[1] == b[1] && a[2] == b[2];
}

/* A 1x1 convolution is a matrix product without columns: moving its window would cost more than it saves. */
static bool is_product(const cly_ops_step *step) {
    const cly_ops_conv_shape *c = &step->shape.conv;
    static const int64_t ones[3] = {1, 1, 1};
    return step->op == &cly_ops_conv_operator && same_sizes(c->kernel, ones) && same_sizes(c->stride, ones);
}

static bool pads(const cly_ops_window_shape *w) {
    for (int i = 0; i < 3; i++) {
        if (w->before[i] > 0 || w->out[i] - w->in[i] - w->before[i] > 0) {
            return true;
        }
    }
    return false;
}

static bool crops(const cly_ops_window_shape *w) {
    for (int i = 0; i < 3; i++) {
        if (w->before[i] < 0 || w->out[i] - w->in[i] - w->before[i] < 0) {
            return true;
        }
    }
    return false;
}

static bool is_on(const cly_model_fuse_state *f, const cly_ops_window_shape *w) {
    const unsigned needed =
        (pads(w) ? (unsigned)CLAYER_FUSE_PADDING : 0) | (crops(w) ? (unsigned)CLAYER_FUSE_CROPPING : 0);
    return (f->not_fused & needed) == 0;
}

static int kind_of(const cly_ops_window_shape *w) {
    return pads(w) ? CLY_MODEL_PADDING : CLY_MODEL_CROPPING;
}

/* ---- before ---- */

/* What was cropped is there again for a window that reads the uncropped tensor: it must not reach it. */
static bool reaches_cropped(const slide *s, const cly_ops_window_shape *w) {
    for (int i = 0; i < 3; i++) {
        const int64_t after = w->out[i] - w->in[i] - w->before[i];
        const int64_t last = (s->out[i] - 1) * s->stride[i] - s->pad[i] + (s->kernel[i] - 1) * s->dilation[i];
        if ((w->before[i] < 0 && s->pad[i] > 0) || (after < 0 && last >= s->in[i])) {
            return true;
        }
    }
    return false;
}

/* The input is read by the first of the steps alone. */
static bool reads_first(const cly_ops_steps *steps) {
    size_t readers = 0;
    for (size_t i = 0; i < steps->count; i++) {
        for (int j = 0; j < CLY_OPS_OPERANDS; j++) {
            readers += steps->steps[i].operands[j].kind == CLY_INPUT;
        }
    }
    return readers == 1 && steps->steps[0].operands[0].kind == CLY_INPUT;
}

/* The first of the steps reads what `w` reads instead of what it writes. */
static bool read_through(cly_ops_steps *steps, const cly_ops_window_shape *w) {
    slide s;
    cly_ops_step *step = &steps->steps[0];
    if (!slide_of(step, &s) || step->op == &cly_ops_conv_transpose_operator || is_product(step) ||
        !reads_first(steps) || s.in_outer != w->outer || s.in_inner != w->inner || !same_sizes(s.in, w->out) ||
        reaches_cropped(&s, w)) {
        return false;
    }
    for (int i = 0; i < 3; i++) {
        const int64_t after = w->out[i] - w->in[i] - w->before[i];
        s.in[i] = w->in[i];
        s.pad[i] += w->before[i];
        if (s.pool != NULL) {
            s.pool->zeros_before[i] += w->before[i] > 0 ? w->before[i] : 0;
            s.pool->zeros_after[i] += after > 0 ? after : 0;
        }
    }
    return true;
}

/* Nothing reads the call's output any more: neither it nor what only it reads is needed. */
static void drop_reader(cly_model_fuse_state *f, size_t call) {
    while (--f->readers[call] == 0) {
        cly_model_call *unread = &f->plan->calls[call];
        const cly_ops_step *window = cly_model_fuse_only_step(f, call, &cly_ops_window_operator);
        if (window != NULL) {
            f->plan->fused[kind_of(&window->shape.window)]++;
        }
        unread->needed = unread->source_count == 0; /* inputs stay */
        cly_ops_steps_free(&unread->steps);
        if (unread->source_count != 1) {
            break; /* only calls of one source are passed over */
        }
        call = unread->sources[0];
    }
}

/* All windows that stand before the call, one behind the other. */
static void fuse_before(cly_model_fuse_state *f, size_t call) {
    cly_model_call *reader = &f->plan->calls[call];
    for (;;) {
        size_t at = reader->sources[0];
        while (f->plan->calls[at].steps.count == 0 && f->plan->calls[at].source_count == 1) {
            at = f->plan->calls[at].sources[0];
        }
        const cly_ops_step *step = cly_model_fuse_only_step(f, at, &cly_ops_window_operator);
        if (step == NULL || !is_on(f, &step->shape.window) || !read_through(&reader->steps, &step->shape.window)) {
            return;
        }
        const size_t passed = reader->sources[0];
        reader->sources[0] = f->plan->calls[at].sources[0];
        f->readers[reader->sources[0]]++;
        drop_reader(f, passed);
    }
}

/* ---- behind ---- */

/* The call is a cropping of what `source` alone makes: that makes only what is left. */
static void fuse_behind(cly_model_fuse_state *f, size_t call, const cly_ops_window_shape *w) {
    const size_t source = cly_model_fuse_sole_source(f, call);
    if (source == CLY_MODEL_NO_CALL || pads(w) || !is_on(f, w)) {
        return;
    }
    slide s;
    cly_ops_step *last = cly_model_fuse_last_step(f, source);
    const bool transposed = last->op == &cly_ops_conv_transpose_operator;
    if (!slide_of(last, &s) || is_product(last) || last->operands[s.pool != NULL ? 1 : 3].kind != CLY_OUTPUT) {
        return;
    }
    int64_t *made = transposed ? s.in : s.out;
    if ((transposed ? s.in_outer : s.out_outer) != w->outer || (transposed ? s.in_inner : s.out_inner) != w->inner ||
        !same_sizes(made, w->in)) {
        return;
    }
    for (int i = 0; i < 3; i++) {
        made[i] = w->out[i];
        s.pad[i] += transposed ? -w->before[i] : w->before[i] * s.stride[i];
    }
    f->plan->calls[source].output_bytes = f->plan->calls[call].output_bytes;
    cly_model_fuse_take_over(f, call, CLY_MODEL_CROPPING);
}

void cly_model_fuse_windows(cly_model_fuse_state *f, size_t call) {
    const cly_ops_step *window = cly_model_fuse_only_step(f, call, &cly_ops_window_operator);
    if (window != NULL) {
        fuse_behind(f, call, &window->shape.window);
        return;
    }
    fuse_before(f, call);
}
