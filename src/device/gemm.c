/* device/gemm.c: matrix products, by CLBlast where it passed a check on this device, else by the project's own kernels.
 *
 * On CPUs the own kernels run whatever the check says: bench/gemm measures them several times faster than CLBlast,
 * which also compiles for seconds there. On GPUs they run batches of small matrices apart. CLAYER_GEMM=own or =clblast
 * decides otherwise. */
#include "device/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The distance from the first value of a batch of matrices to behind the last. False if a size is wrong. */
static bool extent(int64_t rows, int64_t columns, int64_t ld, int64_t offset, int64_t batch, int64_t stride,
                   int64_t *end_out) {
    int64_t end = rows - 1, batches = batch - 1;
    if (ld < columns || offset < 0 || stride < 0 || !cly_base_multiply(&end, ld) ||
        !cly_base_multiply(&batches, stride)) {
        return false;
    }
    const int64_t parts[] = {columns, offset, batches};
    for (size_t i = 0; i < CLY_COUNT(parts); i++) {
        if (end > INT64_MAX / (int64_t)sizeof(float) - parts[i]) {
            return false;
        }
        end += parts[i];
    }
    *end_out = end;
    return true;
}

/* One of the three matrices must lie within its buffer: a wrong offset would otherwise corrupt memory silently. */
static clayer_status check_matrix(char name, cl_mem buffer, int64_t rows, int64_t columns, int64_t ld, int64_t offset,
                                  int64_t batch, int64_t stride) {
    size_t size = 0;
    int64_t end = 0;
    if (rows == 0 || columns == 0) {
        return CLAYER_OK;
    }
    cl_int code =
        buffer != NULL ? clGetMemObjectInfo(buffer, CL_MEM_SIZE, sizeof(size), &size, NULL) : CL_INVALID_MEM_OBJECT;
    if (code != CL_SUCCESS) {
        return cly_device_fail(code, "clGetMemObjectInfo");
    }
    if (!extent(rows, columns, ld, offset, batch, stride, &end) || (uint64_t)end > size / sizeof(float)) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT,
                             "gemm: %c, %lld x %lld with leading dimension %lld at %lld, %lld times every %lld, does "
                             "not lie within its buffer of %zu floats",
                             name, (long long)rows, (long long)columns, (long long)ld, (long long)offset,
                             (long long)batch, (long long)stride, size / sizeof(float));
    }
    return CLAYER_OK;
}

static clayer_status check(const cly_gemm *g) {
    clayer_status status = CLAYER_OK;
    if (g->m < 0 || g->n < 0 || g->k < 0 || g->batch < 0 || g->m > INT32_MAX || g->n > INT32_MAX || g->k > INT32_MAX ||
        g->batch > INT32_MAX) {
        return cly_base_fail(CLAYER_INVALID_SHAPE, "gemm: %lld x %lld x %lld, %lld times, is outside 0 to 2^31 - 1",
                             (long long)g->m, (long long)g->n, (long long)g->k, (long long)g->batch);
    }
    if (g->m == 0 || g->n == 0) {
        return CLAYER_OK;
    }
    bool ta = g->transpose_a, tb = g->transpose_b;
    CLY_TRY(check_matrix('A', g->a, ta ? g->k : g->m, ta ? g->m : g->k, g->a_ld, g->a_offset, g->batch, g->a_stride));
    CLY_TRY(check_matrix('B', g->b, tb ? g->n : g->k, tb ? g->k : g->n, g->b_ld, g->b_offset, g->batch, g->b_stride));
    CLY_TRY(check_matrix('C', g->c, g->m, g->n, g->c_ld, g->c_offset, g->batch, g->c_stride));
done:
    return status;
}

static bool is_wanted(const char *which) {
    const char *variable = getenv("CLAYER_GEMM");
    return variable != NULL && strcmp(variable, which) == 0;
}

/* CLBlast would not be used on this device even if it passed. */
static bool is_own_faster(const clayer_context *context) {
    return context->info.type == CLAYER_DEVICE_CPU && !is_wanted("clblast");
}

/* Many small matrices, such as the slots of a gradient of weights, that CLBlast would have to multiply one by one: it
 * takes up to 60 times as long on a GPU (bench/gemm). */
#define SMALL_MATRIX 65536 /* values of C */

static bool is_small_batch(const cly_gemm *g) {
    return g->batch > 1 && g->m * g->n <= SMALL_MATRIX && !cly_device_gemm_can_batch(g) && !is_wanted("clblast");
}

/* Runs the check; the lock is held. A device error is the caller's to report, and is tried again next time. */
static clayer_status decide_locked(clayer_context *context) {
    bool passed = false;
    clayer_status status = CLAYER_OK;
    double start = cly_device_now_ms();
    if (is_wanted("own")) {
        (void)snprintf(context->gemm_detail, sizeof(context->gemm_detail), "switched off by CLAYER_GEMM=own");
    } else {
        CLY_TRY(cly_device_gemm_self_check(context, &passed, context->gemm_detail, sizeof(context->gemm_detail)));
    }
    if (!passed) {
        cly_device_log(context, CLAYER_LOG_WARNING, "device '%s': CLBlast is not used, the own GEMM is: %s",
                       context->info.name, context->gemm_detail);
    }
    atomic_store(&context->gemm_state, passed ? CLY_GEMM_LIBRARY : CLY_GEMM_OWN);
done:
    CLY_COUNTER(context, gemm_ms, cly_device_now_ms() - start);
    return status;
}

clayer_status cly_device_gemm_decide(clayer_context *context, bool *library_out) {
    clayer_status status = CLAYER_OK;
    if (atomic_load(&context->gemm_state) == CLY_GEMM_UNCHECKED) {
        (void)pthread_mutex_lock(&context->gemm_lock);
        if (atomic_load(&context->gemm_state) == CLY_GEMM_UNCHECKED) {
            status = decide_locked(context);
        }
        (void)pthread_mutex_unlock(&context->gemm_lock);
    }
    if (status == CLAYER_OK) {
        *library_out = atomic_load(&context->gemm_state) == CLY_GEMM_LIBRARY;
    }
    return status;
}

clayer_status cly_device_gemm(clayer_context *context, const cly_gemm *gemm) {
    cly_gemm whole = *gemm;
    bool library = false;
    clayer_status status = CLAYER_OK;
    whole.batch = gemm->batch == 0 ? 1 : gemm->batch;
    CLY_TRY(check(&whole));
    if (whole.m == 0 || whole.n == 0) {
        goto done;
    }
    if (!is_own_faster(context) && !is_small_batch(&whole)) {
        CLY_TRY(cly_device_gemm_decide(context, &library));
    }
    /* CLBlast refuses k = 0, which means C = beta C. */
    if (library && whole.k > 0) {
        CLY_TRY(cly_device_gemm_library(context, &whole));
    } else {
        CLY_TRY(cly_device_gemm_own(context, &whole));
    }
done:
    return status;
}

clayer_status clayer_context_check_gemm(clayer_context *context, clayer_gemm_report *report_out) {
    if (context == NULL || report_out == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_context_check_gemm: a pointer is NULL");
    }
    bool library = false;
    clayer_status status = cly_device_gemm_decide(context, &library);
    if (status == CLAYER_OK) {
        const bool used = library && !is_own_faster(context);
        report_out->verdict = used ? CLAYER_GEMM_LIBRARY : CLAYER_GEMM_OWN;
        (void)snprintf(report_out->detail, sizeof(report_out->detail), "%.200s%s", context->gemm_detail,
                       library && !used ? "; the own kernels are faster on CPUs" : "");
    }
    return status;
}
