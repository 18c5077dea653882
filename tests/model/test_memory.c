/* model/test_memory.c: whole networks that Keras saved run in exactly the device memory that their plan foretells: when
 * they have run, and at the peak in between. */
#include <clayer/model.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/support.h"
#include "support/context.h"
#include "support/runner.h"

#define MOST 4 /* inputs and outputs */

static const char *const networks[] = {"autoencoder", "eeg",    "siamese", "squeeze",
                                       "text",        "unet2d", "unet3d",  "wavenet"};
#define NETWORKS (int)(sizeof(networks) / sizeof(networks[0]))

static void path_of(const char *name, int generation, const char *ending, char path[512]) {
    (void)snprintf(path, 512, "%s/networks/%s_g%d.%s", CLAYER_TEST_DATA, name, generation, ending);
}

/* Tensors of zeros, of the shapes of the archive's arrays `letter`0, `letter`1, ... but for the batch; returns their
 * bytes. */
static uint64_t make_tensors(clayer_context *own, const clayer_archive *archive, char letter, size_t count,
                             int64_t batch, clayer_shape *shapes, clayer_tensor **tensors) {
    uint64_t bytes = 0;
    ck_assert_uint_le(count, MOST);
    for (size_t i = 0; i < count; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "%c%zu", letter, i);
        const clayer_array *array = clayer_archive_find(archive, name);
        ck_assert_ptr_nonnull(array);
        shapes[i] = *clayer_array_get_shape(array);
        shapes[i].dims[0] = batch;
        MUST(clayer_tensor_create(own, shapes[i].rank, shapes[i].dims, &tensors[i]));
        const int64_t floats = clayer_tensor_get_count(tensors[i]);
        float *zeros = calloc((size_t)floats, sizeof(float));
        ck_assert_ptr_nonnull(zeros);
        MUST(clayer_tensor_write(tensors[i], zeros, floats));
        free(zeros);
        bytes += (uint64_t)floats * sizeof(float);
    }
    return bytes;
}

/* In a context of its own, whose peak is then that of this run. */
static void check_run(const char *name, int generation, int64_t batch, unsigned fusion) {
    char path[512];
    clayer_context *own = cly_test_context(NULL, NULL);
    clayer_archive *archive = NULL;
    clayer_model *model = NULL;
    clayer_model_plan plan;
    clayer_shape shapes[MOST], output_shapes[MOST];
    clayer_tensor *inputs[MOST] = {NULL}, *outputs[MOST] = {NULL};
    path_of(name, generation, "npz", path);
    MUST(clayer_archive_load(path, &archive));
    path_of(name, generation, "keras", path);
    MUST(clayer_model_load(own, path, &model));
    MUST(clayer_model_set_fusion(model, fusion));
    const size_t input_count = clayer_model_get_input_count(model);
    const size_t output_count = clayer_model_get_output_count(model);
    const uint64_t lent = make_tensors(own, archive, 'x', input_count, batch, shapes, inputs) +
                          make_tensors(own, archive, 'p', output_count, batch, output_shapes, outputs);
    MUST(clayer_model_get_plan(model, shapes, 0, &plan));
    for (int i = 0; i < 2; i++) {
        MUST(clayer_model_run(model, inputs, input_count, outputs, output_count));
        MUST(clayer_context_finish(own));
        const clayer_counters counters = cly_test_counters(own);
        ck_assert_msg(counters.device_bytes == plan.total_bytes + lent,
                      "%s: run %d holds %llu bytes and %llu of tensors, the plan has %llu", path, i,
                      (unsigned long long)(counters.device_bytes - lent), (unsigned long long)lent,
                      (unsigned long long)plan.total_bytes);
        ck_assert_msg(counters.device_bytes_peak == counters.device_bytes, "%s: run %d had %llu bytes at its peak",
                      path, i, (unsigned long long)counters.device_bytes_peak);
    }
    printf("%s_g%d, batch %lld, fusion %u: %llu bytes between layers, %llu if each had its own; %llu in all\n", name,
           generation, (long long)batch, fusion, (unsigned long long)plan.activation_bytes,
           (unsigned long long)plan.activation_sum_bytes, (unsigned long long)plan.total_bytes);
    ck_assert_uint_le(plan.activation_bytes, plan.activation_sum_bytes);
    for (int i = 0; i < MOST; i++) {
        clayer_tensor_destroy(inputs[i]);
        clayer_tensor_destroy(outputs[i]);
    }
    clayer_model_destroy(model);
    clayer_archive_destroy(archive);
    ck_assert_uint_eq(cly_test_counters(own).device_bytes, 0);
    clayer_context_destroy(own);
}

START_TEST(networks_run_in_the_memory_that_was_planned) {
    static const unsigned fusions[] = {CLAYER_FUSE_ALL, 0};
    for (int generation = 2; generation <= 3; generation++) {
        for (int64_t batch = 1; batch <= 3; batch += 2) {
            for (size_t i = 0; i < sizeof(fusions) / sizeof(fusions[0]); i++) {
                check_run(networks[_i], generation, batch, fusions[i]);
            }
        }
    }
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("model.memory");
    TCase *tcase = tcase_create("memory");
    tcase_set_timeout(tcase, 600);
    tcase_add_loop_test(tcase, networks_run_in_the_memory_that_was_planned, 0, NETWORKS);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
