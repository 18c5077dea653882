/* ops/harness.c: guarded buffers and the comparison of all implementations. */
#include "ops/harness.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/random.h"
#include "support/runner.h"
#include "support/tolerance.h"

#define GUARD_FLOATS 1024
#define GUARD_BITS 0x7fc5a5a5u /* a NaN, so that reading a guard shows too */

typedef struct guarded {
    cl_mem whole, part;
    int64_t count;
} guarded;

void harness_open(harness *h, uint64_t workspace_limit_bytes) {
    const clayer_context_config config = {.struct_size = sizeof(config),
                                          .workspace_limit_bytes = workspace_limit_bytes};
    memset(h, 0, sizeof(*h));
    ck_assert_msg(clayer_context_create(&config, &h->context) == CLAYER_OK, "%s", clayer_last_error());
}

void harness_open_as_gpu(harness *h) {
    clayer_gemm_report report;
    harness_open(h, 0);
    /* The GEMM keeps the parameters of the device that is really there. */
    ck_assert_int_eq(clayer_context_check_gemm(h->context, &report), CLAYER_OK);
    ((clayer_device_info *)(uintptr_t)cly_device_info(h->context))->type = CLAYER_DEVICE_GPU;
    h->as_gpu = true;
}

int harness_cases(const harness *h, int usual) {
    const int cases = test_cases(usual);
    return h->as_gpu && cases > 40 ? cases / 4 : cases;
}

void harness_close(harness *h) {
    clayer_context_destroy(h->context);
    h->context = NULL;
}

double *harness_doubles(int64_t count) {
    double *values = calloc((size_t)count, sizeof(double));
    ck_assert_ptr_nonnull(values);
    return values;
}

/* All floats of a buffer's memory: guard, values (or the same NaN), guard. */
static uint32_t *filled(const float *values, int64_t count) {
    uint32_t *memory = malloc(((size_t)count + 2 * GUARD_FLOATS) * sizeof(uint32_t));
    ck_assert_ptr_nonnull(memory);
    for (int64_t i = 0; i < count + 2 * GUARD_FLOATS; i++) {
        memory[i] = GUARD_BITS;
    }
    if (values != NULL) {
        memcpy(memory + GUARD_FLOATS, values, (size_t)count * sizeof(float));
    }
    return memory;
}

static guarded guarded_create(harness *h, const float *values, int64_t count) {
    guarded g = {.count = count > 0 ? count : 1};
    cl_int code = 0;
    uint32_t *memory = filled(values, g.count);
    const size_t bytes = ((size_t)g.count + 2 * GUARD_FLOATS) * sizeof(float);
    g.whole = clCreateBuffer(clayer_context_get_cl_context(h->context), CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, bytes,
                             memory, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    const cl_buffer_region region = {GUARD_FLOATS * sizeof(float), (size_t)g.count * sizeof(float)};
    g.part = clCreateSubBuffer(g.whole, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &region, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    free(memory);
    return g;
}

/* Reads all of it back, checks the guards, and the values too if they must not have changed. */
static uint32_t *guarded_finish(harness *h, guarded *g, const float *same, const char *what, const harness_case *c,
                                const char *name) {
    const size_t bytes = ((size_t)g->count + 2 * GUARD_FLOATS) * sizeof(float);
    uint32_t *memory = filled(NULL, g->count);
    ck_assert_int_eq(clEnqueueReadBuffer(clayer_context_get_cl_queue(h->context), g->whole, CL_TRUE, 0, bytes, memory,
                                         0, NULL, NULL),
                     CL_SUCCESS);
    for (int64_t i = 0; i < GUARD_FLOATS; i++) {
        ck_assert_msg(memory[i] == GUARD_BITS && memory[GUARD_FLOATS + g->count + i] == GUARD_BITS,
                      "%s '%s': %s overrun, guard float %" PRId64 "; %s", c->op->name, name, what, i, c->text);
    }
    ck_assert_msg(same == NULL || memcmp(memory + GUARD_FLOATS, same, (size_t)g->count * sizeof(float)) == 0,
                  "%s '%s': %s was changed; %s", c->op->name, name, what, c->text);
    clReleaseMemObject(g->part);
    clReleaseMemObject(g->whole);
    return memory;
}

static void compare(const harness_case *c, const char *name, int operand, const float *actual) {
    int64_t index = 0;
    const double *expected = operand == c->output ? c->expected : c->others[operand];
    const double worst = test_worst(actual, expected, c->counts[operand], c->tolerance, &index);
    ck_assert_msg(worst <= 1,
                  "%s '%s': element %" PRId64 " of %" PRId64
                  " of operand %d is %.9g, expected %.9g (%.3g tolerances); "
                  "%s",
                  c->op->name, name, index, c->counts[operand], operand, (double)actual[index], expected[index], worst,
                  c->text);
}

static bool is_output(const harness_case *c, int operand) {
    return operand == c->output || c->others[operand] != NULL;
}

/* Reads an operand back and checks it. An output is written to, or compared with, kept[operand], if there is one. */
static void finish_operand(harness *h, const harness_case *c, const char *name, int operand, guarded *g,
                           float *kept[CLY_OPS_OPERANDS], bool again) {
    char what[32];
    const int result = c->in_place && operand == c->place ? c->output : operand;
    const bool output = is_output(c, result);
    snprintf(what, sizeof(what), "operand %d", operand);
    uint32_t *memory = guarded_finish(h, g, output ? NULL : c->inputs[operand], what, c, name);
    const float *values = (const float *)(const void *)memory + GUARD_FLOATS;
    const size_t bytes = (size_t)c->counts[result] * sizeof(float);
    if (output && !again) {
        compare(c, name, result, values);
        kept[result] = c->twice ? malloc(bytes) : NULL;
        if (kept[result] != NULL) {
            memcpy(kept[result], values, bytes);
        }
    } else if (output) {
        ck_assert_msg(kept[result] != NULL && memcmp(kept[result], values, bytes) == 0,
                      "%s '%s': operand %d has other bits the second time; %s", c->op->name, name, result, c->text);
        free(kept[result]);
    }
    free(memory);
}

static void run_one(harness *h, const harness_case *c, const cly_ops_implementation *implementation,
                    float *kept[CLY_OPS_OPERANDS], bool again) {
    guarded buffers[CLY_OPS_OPERANDS] = {0};
    cl_mem operands[CLY_OPS_OPERANDS] = {0};
    for (int i = 0; i < CLY_OPS_OPERANDS; i++) {
        if (c->inputs[i] != NULL || (is_output(c, i) && !(c->in_place && i == c->output))) {
            buffers[i] = guarded_create(h, c->inputs[i], c->counts[i]);
            operands[i] = buffers[i].part;
        }
    }
    if (c->in_place) {
        operands[c->output] = operands[c->place];
    }
    const uint64_t bytes =
        implementation->workspace_bytes == NULL ? 0 : implementation->workspace_bytes(h->context, c->shape);
    ck_assert_msg(bytes <= cly_device_workspace_limit(h->context), "%s '%s': workspace of %" PRIu64 " bytes; %s",
                  c->op->name, implementation->name, bytes, c->text);
    guarded workspace = guarded_create(h, NULL, (int64_t)(bytes / sizeof(float)));
    ck_assert_msg(implementation->run(h->context, c->shape, operands, bytes > 0 ? workspace.part : NULL) == CLAYER_OK,
                  "%s '%s': %s; %s", c->op->name, implementation->name, clayer_last_error(), c->text);
    ck_assert_int_eq(clayer_context_finish(h->context), CLAYER_OK);
    free(guarded_finish(h, &workspace, NULL, "workspace", c, implementation->name));
    for (int i = 0; i < CLY_OPS_OPERANDS; i++) {
        if (buffers[i].whole != NULL) {
            finish_operand(h, c, implementation->name, i, &buffers[i], kept, again);
        }
    }
}

void harness_check(harness *h, const harness_case *c) {
    int index = 0;
    for (const cly_ops_implementation *i = c->op->implementations; i->name != NULL; i++, index++) {
        const cly_ops_implementation *chosen = NULL;
        ck_assert_int_eq(clayer_context_force(h->context, c->op->name, i->name), CLAYER_OK);
        const clayer_status status = cly_ops_choose(h->context, c->op, c->shape, &chosen);
        if (status == CLAYER_UNSUPPORTED) {
            ck_assert_msg(strcmp(i->name, "reference") != 0, "%s: reference cannot; %s", c->op->name, c->text);
            continue;
        }
        ck_assert_int_eq(status, CLAYER_OK);
        ck_assert_ptr_eq(chosen, i);
        float *kept[CLY_OPS_OPERANDS] = {0};
        run_one(h, c, i, kept, false);
        if (c->twice) {
            run_one(h, c, i, kept, true);
        }
        h->runs[index]++;
    }
    ck_assert_int_eq(clayer_context_force(h->context, c->op->name, NULL), CLAYER_OK);
}

float *harness_output(harness *h, const harness_case *c) {
    const cly_ops_implementation *i = c->op->implementations;
    while (i->cost(h->context, c->shape) < 0) {
        i++;
    }
    cl_mem operands[CLY_OPS_OPERANDS] = {0}, workspace = NULL;
    for (int k = 0; k < CLY_OPS_OPERANDS; k++) {
        if (c->counts[k] > 0 && (c->inputs[k] != NULL || is_output(c, k))) {
            const uint64_t bytes = (uint64_t)c->counts[k] * sizeof(float);
            ck_assert_int_eq(cly_device_buffer_create(h->context, bytes, &operands[k]), CLAYER_OK);
            if (c->inputs[k] != NULL) {
                ck_assert_int_eq(cly_device_write(h->context, operands[k], 0, c->inputs[k], bytes), CLAYER_OK);
            }
        }
    }
    const uint64_t bytes = i->workspace_bytes == NULL ? 0 : i->workspace_bytes(h->context, c->shape);
    ck_assert_int_eq(cly_device_buffer_create(h->context, bytes, &workspace), CLAYER_OK);
    ck_assert_msg(i->run(h->context, c->shape, operands, workspace) == CLAYER_OK, "%s; %s", clayer_last_error(),
                  c->text);
    float *result = malloc((size_t)c->counts[c->output] * sizeof(float));
    ck_assert_ptr_nonnull(result);
    ck_assert_int_eq(
        cly_device_read(h->context, operands[c->output], 0, result, (uint64_t)c->counts[c->output] * sizeof(float)),
        CLAYER_OK);
    for (int k = 0; k < CLY_OPS_OPERANDS; k++) {
        cly_device_buffer_destroy(h->context, operands[k]);
    }
    cly_device_buffer_destroy(h->context, workspace);
    return result;
}

double harness_dot(const float *a, const float *b, int64_t count) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
        sum += (double)a[i] * (double)b[i];
    }
    return sum;
}

void harness_expect_run(const harness *h, const cly_ops_operator *op, const char *name, int least) {
    int index = 0;
    while (strcmp(op->implementations[index].name, name) != 0) {
        index++;
    }
    printf("%s '%s': %d cases\n", op->name, name, h->runs[index]);
    ck_assert_msg(h->runs[index] >= least, "%s '%s' ran %d cases only", op->name, name, h->runs[index]);
}

void harness_expect_runs(const harness *h, const cly_ops_operator *op, int least, const char *but) {
    for (const cly_ops_implementation *i = op->implementations; i->name != NULL; i++) {
        if (but == NULL || strcmp(i->name, but) != 0) {
            harness_expect_run(h, op, i->name, least);
        }
    }
}

const char *harness_sizes(const int64_t sizes[3], char text[64]) {
    snprintf(text, 64, "%" PRId64 "x%" PRId64 "x%" PRId64, sizes[0], sizes[1], sizes[2]);
    return text;
}

/* ---- suites ---- */

static struct {
    const char *name;
    const harness_test *tests;
    uint64_t small_bytes;
    harness *h;
} the_suite;

static void set_up(void) {
    harness_open(the_suite.h, 0);
}

static void set_up_as_gpu(void) {
    harness_open_as_gpu(the_suite.h);
}

static void set_up_small(void) {
    harness_open(the_suite.h, the_suite.small_bytes);
}

static void tear_down(void) {
    harness_close(the_suite.h);
}

static Suite *make_suite(void) {
    static const struct {
        const char *name;
        unsigned where;
        SFun set_up;
    } places[] = {{"plain", HARNESS_PLAIN, set_up},
                  {"as on a GPU", HARNESS_AS_GPU, set_up_as_gpu},
                  {"small workspace", HARNESS_SMALL, set_up_small}};
    Suite *suite = suite_create(the_suite.name);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        TCase *cases = tcase_create(places[i].name);
        tcase_add_checked_fixture(cases, places[i].set_up, tear_down);
        tcase_set_timeout(cases, 0);
        for (const harness_test *t = the_suite.tests; t->test != NULL; t++) {
            if (t->where & places[i].where) {
                tcase_add_test(cases, t->test);
            }
        }
        suite_add_tcase(suite, cases);
    }
    return suite;
}

int harness_main(const char *suite, const harness_test *tests, uint64_t small_bytes, harness *h, uint64_t *seed_out) {
    *seed_out = test_seed(suite);
    the_suite.name = suite;
    the_suite.tests = tests;
    the_suite.small_bytes = small_bytes;
    the_suite.h = h;
    return cly_test_main(make_suite);
}
