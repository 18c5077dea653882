/* A normalisation and an activation as the last step of every convolution: by every implementation, the bits are those
 * of the same implementation alone and of "batch_norm" behind it. With and without bias, scale and center; rows side by
 * side and apart, where nothing may be written between them; where no normalisation is given, as without the operand.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/conv_cases.h"
#include "ops/elementwise.h"
#include "ops/fold.h"
#include "ops/range.h"

#define SMALL_WORKSPACE 2048 /* bytes */
#define MARK 12345.0f        /* what is not written to */

static harness h;
static uint64_t seed;

enum { X, W, B, GAMMA, BETA, MEAN, VARIANCE, NORM, Z, EXPECTED, Y, BUFFERS };

/* A convolution, what follows it, and its buffers. */
typedef struct net {
    const cly_ops_operator *op;
    cly_ops_conv_shape conv; /* with activation and spacing */
    cly_ops_batch_norm_shape norm;
    bool has_bias;
    int64_t counts[BUFFERS];
    cl_mem buffers[BUFFERS];
    char text[640];
} net;

static void write_floats(net *n, int buffer, float *values) {
    ck_assert_int_eq(
        cly_device_write(h.context, n->buffers[buffer], 0, values, (uint64_t)n->counts[buffer] * sizeof(float)),
        CLAYER_OK);
    free(values);
}

static float *read_floats(const net *n, int buffer) {
    const size_t bytes = (size_t)n->counts[buffer] * sizeof(float);
    float *values = malloc(bytes);
    ck_assert_ptr_nonnull(values);
    ck_assert_int_eq(cly_device_read(h.context, n->buffers[buffer], 0, values, bytes), CLAYER_OK);
    return values;
}

static void make_shapes(net *n, test_random *random) {
    cly_ops_conv_shape *s = &n->conv;
    const bool transposed = n->op == &cly_ops_conv_transpose_operator;
    const int64_t channels = transposed ? s->in_channels : s->out_channels;
    const int64_t pixels = conv_cases_product(transposed ? s->in : s->out);
    const bool apart = !s->channels_first && test_random_chance(random, 40);
    s->y = apart ? (cly_ops_spacing){.pitch = channels + test_random_int(random, 0, 20), .offset = 3}
                 : (cly_ops_spacing){0};
    n->has_bias = test_random_chance(random, 50);
    n->norm = (cly_ops_batch_norm_shape){.outer = s->channels_first ? s->batch : s->batch * pixels,
                                         .axis = channels,
                                         .inner = s->channels_first ? pixels : 1,
                                         .epsilon = 1e-3f,
                                         .has_gamma = test_random_chance(random, 60),
                                         .has_beta = test_random_chance(random, 60),
                                         .activation = s->activation,
                                         .y = s->y};
    const int64_t x =
        s->batch * conv_cases_product(transposed ? s->out : s->in) * (transposed ? s->out_channels : s->in_channels);
    const int64_t w = conv_cases_product(s->kernel) * (s->in_channels / s->groups) * s->out_channels;
    const int64_t z = s->batch * pixels * channels;
    const int64_t y = apart ? s->batch * pixels * s->y.pitch + s->y.offset : z;
    const int64_t counts[] = {x, w, channels, channels, channels, channels, channels, channels * CLY_OPS_FOLD_VECTORS,
                              z, y, y};
    memcpy(n->counts, counts, sizeof(counts));
    harness_case c = {.text = ""};
    conv_cases_describe(&c, s, 0);
    (void)snprintf(n->text, sizeof(n->text), "%s%s%s%s, pitch %" PRId64, c.text, n->has_bias ? ", bias" : "",
                   n->norm.has_gamma ? ", gamma" : "", n->norm.has_beta ? ", beta" : "", s->y.pitch);
}

static void make_buffers(net *n, test_random *random) {
    for (int i = 0; i < BUFFERS; i++) {
        const bool positive = i == VARIANCE;
        ck_assert_int_eq(cly_device_buffer_create(h.context, (uint64_t)n->counts[i] * sizeof(float), &n->buffers[i]),
                         CLAYER_OK);
        write_floats(n, i, test_random_floats(random, n->counts[i], positive ? 0.3f : -1.0f, positive ? 3.0f : 1.0f));
    }
    const cly_ops_normalisation from = {.gamma = n->norm.has_gamma ? n->buffers[GAMMA] : NULL,
                                        .beta = n->norm.has_beta ? n->buffers[BETA] : NULL,
                                        .mean = n->buffers[MEAN],
                                        .variance = n->buffers[VARIANCE],
                                        .epsilon = n->norm.epsilon};
    ck_assert_int_eq(cly_ops_fold_behind(h.context, n->norm.axis, &from, n->buffers[NORM]), CLAYER_OK);
}

static void mark(net *n, int buffer) {
    float *values = malloc((size_t)n->counts[buffer] * sizeof(float));
    ck_assert_ptr_nonnull(values);
    for (int64_t i = 0; i < n->counts[buffer]; i++) {
        values[i] = MARK;
    }
    write_floats(n, buffer, values);
}

static void run_conv(const net *n, const cly_ops_implementation *implementation, const cly_ops_conv_shape *shape,
                     cl_mem norm, cl_mem y) {
    const cl_mem operands[CLY_OPS_OPERANDS] = {n->buffers[X], n->buffers[W], n->has_bias ? n->buffers[B] : NULL, y,
                                               norm};
    const uint64_t bytes =
        implementation->workspace_bytes == NULL ? 0 : implementation->workspace_bytes(h.context, shape);
    cl_mem workspace = NULL;
    ck_assert_int_eq(cly_device_buffer_create(h.context, bytes, &workspace), CLAYER_OK);
    ck_assert_msg(implementation->run(h.context, shape, operands, workspace) == CLAYER_OK, "%s '%s': %s; %s",
                  n->op->name, implementation->name, clayer_last_error(), n->text);
    ck_assert_int_eq(clayer_context_finish(h.context), CLAYER_OK);
    cly_device_buffer_destroy(h.context, workspace);
}

static void run_norm(const net *n) {
    const cl_mem operands[CLY_OPS_OPERANDS] = {n->buffers[Z],
                                               n->norm.has_gamma ? n->buffers[GAMMA] : NULL,
                                               n->norm.has_beta ? n->buffers[BETA] : NULL,
                                               n->buffers[MEAN],
                                               n->buffers[VARIANCE],
                                               n->buffers[EXPECTED]};
    const cly_ops_implementation *best = NULL;
    ck_assert_int_eq(cly_ops_choose(h.context, &cly_ops_batch_norm_operator, &n->norm, &best), CLAYER_OK);
    ck_assert_int_eq(best->run(h.context, &n->norm, operands, NULL), CLAYER_OK);
}

static void check_one(net *n, const cly_ops_implementation *implementation) {
    cly_ops_conv_shape alone = n->conv;
    alone.activation = (cly_ops_activation){.id = CLY_LINEAR};
    alone.y = (cly_ops_spacing){0};
    mark(n, EXPECTED);
    mark(n, Y);
    run_conv(n, implementation, &alone, NULL, n->buffers[Z]);
    run_norm(n);
    run_conv(n, implementation, &n->conv, n->buffers[NORM], n->buffers[Y]);
    float *expected = read_floats(n, EXPECTED), *actual = read_floats(n, Y);
    for (int64_t i = 0; i < n->counts[Y]; i++) {
        ck_assert_msg(memcmp(&actual[i], &expected[i], sizeof(float)) == 0,
                      "%s '%s': element %" PRId64 " of %" PRId64 " is %.9g, with batch_norm behind %.9g; %s",
                      n->op->name, implementation->name, i, n->counts[Y], (double)actual[i], (double)expected[i],
                      n->text);
    }
    free(expected);
    free(actual);
}

static void check_all(const cly_ops_operator *op, const cly_ops_conv_shape *shape, test_random *random) {
    net n = {.op = op, .conv = *shape};
    make_shapes(&n, random);
    make_buffers(&n, random);
    for (int i = 0; op->implementations[i].name != NULL; i++) {
        if (op->implementations[i].cost(h.context, shape) >= 0) {
            check_one(&n, &op->implementations[i]);
            h.runs[i]++;
        }
    }
    for (int i = 0; i < BUFFERS; i++) {
        cly_device_buffer_destroy(h.context, n.buffers[i]);
    }
}

/* Of random shapes, and of those that "direct" takes. */
static void check_random(const cly_ops_operator *op, int usual) {
    for (uint64_t i = 0; i < (uint64_t)harness_cases(&h, usual); i++) {
        test_random random = test_random_start(seed, i);
        const cly_ops_conv_shape s = op != &cly_ops_depthwise_operator && i % 3 == 0
                                         ? conv_cases_wide(&random, op == &cly_ops_conv_transpose_operator)
                                         : conv_cases_random(&random, op == &cly_ops_depthwise_operator);
        check_all(op, &s, &random);
    }
}

static int least_direct(int cases) {
    return cly_ops_is_cpu(h.context) ? cases / 6 : 0;
}

START_TEST(conv_normalises) {
    const int cases = harness_cases(&h, 60);
    check_random(&cly_ops_conv_operator, 60);
    harness_expect_runs(&h, &cly_ops_conv_operator, cases / 20, "direct");
    harness_expect_run(&h, &cly_ops_conv_operator, "direct", least_direct(cases));
}
END_TEST

START_TEST(conv_transpose_normalises) {
    const int cases = harness_cases(&h, 60);
    check_random(&cly_ops_conv_transpose_operator, 60);
    harness_expect_runs(&h, &cly_ops_conv_transpose_operator, cases / 4, "direct");
    harness_expect_run(&h, &cly_ops_conv_transpose_operator, "direct", least_direct(cases));
}
END_TEST

START_TEST(depthwise_normalises) {
    check_random(&cly_ops_depthwise_operator, 60);
    harness_expect_runs(&h, &cly_ops_depthwise_operator, harness_cases(&h, 60), NULL);
}
END_TEST

START_TEST(pieces_normalise) {
    check_random(&cly_ops_conv_operator, 30);
    check_random(&cly_ops_conv_transpose_operator, 30);
}
END_TEST

int main(void) {
    const harness_test tests[] = {
        {conv_normalises, HARNESS_PLAIN | HARNESS_AS_GPU},
        {conv_transpose_normalises, HARNESS_PLAIN | HARNESS_AS_GPU},
        {depthwise_normalises, HARNESS_PLAIN | HARNESS_AS_GPU},
        {pieces_normalise, HARNESS_SMALL},
        {NULL, 0},
    };
    return harness_main("ops.conv_normalised", tests, SMALL_WORKSPACE, &h, &seed);
}
