/* device/test_faults.c: every OpenCL call of a short run made to fail in turn: an error that names the call, or a run
 * that did without it; never a crash, never an object left behind. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "device/internal.h"
#include "support/context.h"
#include "support/fault_layer.h"
#include "support/folder.h"
#include "support/runner.h"

static void (*arm)(long call);
static long (*calls)(void);
static const char *(*fired)(void);
static long (*live)(void);

/* ISO C has no conversion from an object pointer to a function pointer; POSIX says how it is done. */
static void find(void *layer, const char *name, void *function) {
    void *symbol = dlsym(layer, name);
    ck_assert_msg(symbol != NULL, "%s", name);
    memcpy(function, &symbol, sizeof(symbol));
}

static void find_layer(void) {
    void *layer = dlopen(CLAYER_FAULT_LAYER, RTLD_NOW);
    ck_assert_msg(layer != NULL, "%s", dlerror());
    find(layer, "cly_fault_arm", &arm);
    find(layer, "cly_fault_calls", &calls);
    find(layer, "cly_fault_fired", &fired);
    find(layer, "cly_fault_live", &live);
    size_t count = 0;
    arm(0);
    ck_assert_int_eq(clayer_get_devices(NULL, 0, &count), CLAYER_OK);
    ck_assert_msg(calls() > 0, "the OpenCL loader did not take the layer");
}

/* Two tensors, a product, a copy, times, and the result checked. */
static clayer_status work(clayer_context *context) {
    const int64_t dims[] = {4, 4};
    float values[16], back[16] = {0};
    double ms = 0.0;
    clayer_tensor *x = NULL, *y = NULL;
    clayer_status status = CLAYER_OK;
    for (int i = 0; i < 16; i++) {
        values[i] = (float)i;
    }
    cly_device_timer_begin(context);
    CLY_TRY(clayer_tensor_create(context, 2, dims, &x));
    CLY_TRY(clayer_tensor_create(context, 2, dims, &y));
    CLY_TRY(clayer_tensor_write(x, values, 16));
    cly_gemm g = {.m = 4, .n = 4, .k = 4, .a_ld = 4, .b_ld = 4, .c_ld = 4};
    g.a = g.b = cly_device_tensor_buffer(x);
    g.c = cly_device_tensor_buffer(y);
    CLY_TRY(cly_device_gemm(context, &g));
    CLY_TRY(cly_device_copy(context, g.c, 0, g.a, 0, 64));
    CLY_TRY(clayer_tensor_read(x, back, 16));
    ck_assert(back[0] == 56.0f && back[15] == 506.0f);
    CLY_TRY(clayer_context_finish(context));
done:
    if (status == CLAYER_OK) {
        status = cly_device_timer_end(context, &ms);
    } else {
        (void)cly_device_timer_end(context, &ms);
    }
    clayer_tensor_destroy(x);
    clayer_tensor_destroy(y);
    return status;
}

static clayer_status run(const char *cache) {
    const clayer_context_config config = {
        .struct_size = sizeof(config), .profiling = true, .cache_dir = cache, .no_cache = cache == NULL};
    clayer_context *context = NULL;
    clayer_status status = clayer_context_create(&config, &context);
    if (status == CLAYER_OK) {
        status = work(context);
    }
    clayer_context_destroy(context);
    return status;
}

static bool is_in(const char *name, const char *const *names) {
    for (; *names != NULL; names++) {
        if (strcmp(*names, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Fails call after call until a run needs no more; `spared` are calls without which a run may succeed. */
static void walk(const char *cache, const char *const *spared) {
    long failed = 0, call = 1;
    for (;; call++) {
        arm(call);
        cly_base_fail(CLAYER_OK, "%s", "");
        clayer_status status = run(cache);
        const char *name = fired();
        arm(0);
        ck_assert_msg(live() == 0, "call %ld, %s: %ld objects are left", call, name != NULL ? name : "none", live());
        if (name == NULL) {
            ck_assert_msg(status == CLAYER_OK, "without a fault: %s", clayer_last_error());
            break;
        }
        if (status == CLAYER_OK) {
            ck_assert_msg(is_in(name, spared), "call %ld: the failure of %s was not noticed", call, name);
            continue;
        }
        failed++;
        ck_assert_msg(strstr(clayer_last_error(), name) != NULL, "call %ld: %s failed, but: %s", call, name,
                      clayer_last_error());
        ck_assert_msg(strstr(clayer_last_error(), "CL_OUT_OF_RESOURCES (-5)") != NULL, "call %ld: %s", call,
                      clayer_last_error());
    }
    ck_assert_int_gt(call, 40);
    ck_assert_int_gt(failed, 25);
}

START_TEST(every_call_without_a_cache) {
    /* names, extensions and other platforms; what is only counted; the wait while closing */
    static const char *const spared[] = {"clGetPlatformInfo", "clGetDeviceInfo",    "clGetDeviceIDs",
                                         "clFinish",          "clGetMemObjectInfo", NULL};
    walk(NULL, spared);
}
END_TEST

START_TEST(every_call_with_a_cache) {
    /* what fails with the entry is done again from source */
    static const char *const spared[] = {"clGetPlatformInfo",
                                         "clGetDeviceInfo",
                                         "clGetDeviceIDs",
                                         "clFinish",
                                         "clGetMemObjectInfo",
                                         "clGetProgramInfo",
                                         "clCreateProgramWithBinary",
                                         "clBuildProgram",
                                         "clCreateKernelsInProgram",
                                         "clGetKernelInfo",
                                         "clGetKernelWorkGroupInfo",
                                         NULL};
    char *folder = cly_test_folder();
    arm(0);
    ck_assert_int_eq(run(folder), CLAYER_OK);
    walk(folder, spared);
    cly_test_remove(folder);
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("device.faults");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 0);
    tcase_add_unchecked_fixture(all, find_layer, NULL);
    tcase_add_test(all, every_call_without_a_cache);
    tcase_add_test(all, every_call_with_a_cache);
    suite_add_tcase(suite, all);
    return suite;
}

int main(void) {
    (void)setenv("OPENCL_LAYERS", CLAYER_FAULT_LAYER, 1);
    (void)setenv("CLAYER_GEMM", "own", 1);
    return cly_test_main(make);
}
