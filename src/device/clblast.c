/* device/clblast.c: the one file that calls CLBlast.
 *
 * CLBlast before 1.6.3 writes outside of C with some of its own tuning rows (GEMMK = 1 with MWG != NWG), so for those
 * versions a row of the older kernel (GEMMK = 0) is put in its place. Two threads in a routine's first call on a
 * context race in its program cache: first calls are made under a lock. */
#include "device/internal.h"

#include <stdio.h>

#include <clblast_c.h>

#include "base/path.h"

#if defined(CLBLAST_VERSION_MAJOR)
#define VERSION_NUMBER (CLBLAST_VERSION_MAJOR * 10000 + CLBLAST_VERSION_MINOR * 100 + CLBLAST_VERSION_PATCH)
#else
#define VERSION_NUMBER 0 /* older than 1.5.3 */
#endif

#define CODE(name) \
    { CLBlast##name, #name }

static const struct {
    int code;
    const char *name;
} codes[] = {
    CODE(NotImplemented),       CODE(InvalidMatrixA),        CODE(InvalidMatrixB),
    CODE(InvalidMatrixC),       CODE(InvalidDimension),      CODE(InvalidLeadDimA),
    CODE(InvalidLeadDimB),      CODE(InvalidLeadDimC),       CODE(InsufficientMemoryA),
    CODE(InsufficientMemoryB),  CODE(InsufficientMemoryC),   CODE(InsufficientMemoryTemp),
    CODE(InvalidBatchCount),    CODE(InvalidOverrideKernel), CODE(MissingOverrideParameter),
    CODE(InvalidLocalMemUsage), CODE(DatabaseError),         CODE(UnknownError),
    CODE(UnexpectedError),
};

static clayer_status fail(int code, const char *call) {
    for (size_t i = 0; i < CLY_COUNT(codes); i++) {
        if (codes[i].code == code) {
            clayer_status status = code == CLBlastInsufficientMemoryTemp ? CLAYER_OUT_OF_MEMORY : CLAYER_DEVICE_ERROR;
            return cly_base_fail(status, "%s: CLBlast%s (%d)", call, codes[i].name, code);
        }
    }
    return cly_device_fail(code, call); /* CLBlast passes OpenCL's own codes on */
}

/* The rows satisfy CLBlast's constraints: KWG a multiple of KWI, of MDIMC * NDIMC / MDIMA and of MDIMC * NDIMC / NDIMB;
 * MWG a multiple of MDIMC * VWM and MDIMA * VWM; NWG likewise. Order as in `names`. */
static const char *names[] = {"GEMMK", "KREG", "KWG", "KWI", "MDIMA", "MDIMC", "MWG", "NDIMB",
                              "NDIMC", "NWG",  "SA",  "SB",  "STRM",  "STRN",  "VWM", "VWN"};
/* CPUs and small devices: 64 work-items, no local memory, no barriers. */
static const size_t small_row[] = {0, 1, 32, 2, 8, 8, 32, 8, 8, 64, 0, 0, 0, 0, 4, 8};
/* Others: 256 work-items, a 64 x 64 tile, 16 KiB of local memory. */
static const size_t tiled_row[] = {0, 1, 32, 2, 16, 16, 64, 16, 16, 64, 1, 1, 0, 0, 4, 4};

/* Parameters belong to the device and the process, and putting them drops compiled programs: once for each device. */
static pthread_mutex_t override_lock = PTHREAD_MUTEX_INITIALIZER;
static cl_device_id overridden[16];
static size_t overridden_count;

static clayer_status override_parameters(clayer_context *context) {
    const clayer_device_info *info = &context->info;
    bool tiled = info->type != CLAYER_DEVICE_CPU && info->max_work_group_size >= 256 &&
                 context->max_item_sizes[0] >= 16 && context->max_item_sizes[1] >= 16 &&
                 info->local_memory_bytes >= 32768;
    int code = (int)CLBlastOverrideParameters(context->device, "Xgemm", CLBlastPrecisionSingle, CLY_COUNT(names), names,
                                              tiled ? tiled_row : small_row);
    if (code != CLBlastSuccess) {
        return fail(code, "CLBlastOverrideParameters");
    }
    /* From which m * n * k on (its cube) the kernel with the row above runs. */
    const char *limit_name[] = {"XGEMM_MIN_INDIRECT_SIZE"};
    const size_t limit[] = {cly_device_gemm_indirect_size(context)};
    code = (int)CLBlastOverrideParameters(context->device, "GemmRoutine", CLBlastPrecisionSingle, 1, limit_name, limit);
    return code == CLBlastSuccess ? CLAYER_OK : fail(code, "CLBlastOverrideParameters");
}

clayer_status cly_device_gemm_override(clayer_context *context) {
    clayer_status status = CLAYER_OK;
    size_t i = 0;
    if (VERSION_NUMBER >= 10603) {
        return CLAYER_OK;
    }
    (void)pthread_mutex_lock(&override_lock);
    while (i < overridden_count && overridden[i] != context->device) {
        i++;
    }
    if (i == overridden_count) {
        status = override_parameters(context);
        if (status == CLAYER_OK && i < CLY_COUNT(overridden)) {
            overridden[overridden_count++] = context->device;
        }
    }
    (void)pthread_mutex_unlock(&override_lock);
    return status;
}

size_t cly_device_gemm_indirect_size(const clayer_context *context) {
    bool cpu = context->info.type == CLAYER_DEVICE_CPU;
    return VERSION_NUMBER >= 10603 ? (cpu ? 256 : 1024) : (cpu ? 256 : 512);
}

const char *cly_device_gemm_version(void) {
#if VERSION_NUMBER >= 10603
    return "CLBlast " CLAYER_CLBLAST_VERSION;
#elif defined(CLAYER_CLBLAST_VERSION)
    return "CLBlast " CLAYER_CLBLAST_VERSION ", safe parameters";
#else
    return "CLBlast, safe parameters";
#endif
}

static int call(clayer_context *context, const cly_gemm *g, cl_event *event) {
    CLBlastTranspose ta = g->transpose_a ? CLBlastTransposeYes : CLBlastTransposeNo;
    CLBlastTranspose tb = g->transpose_b ? CLBlastTransposeYes : CLBlastTransposeNo;
    cl_command_queue queue = context->queue;
    if (g->batch == 1) {
        return (int)CLBlastSgemm(CLBlastLayoutRowMajor, ta, tb, (size_t)g->m, (size_t)g->n, (size_t)g->k, 1.0f, g->a,
                                 (size_t)g->a_offset, (size_t)g->a_ld, g->b, (size_t)g->b_offset, (size_t)g->b_ld,
                                 g->beta, g->c, (size_t)g->c_offset, (size_t)g->c_ld, &queue, event);
    }
    return (int)CLBlastSgemmStridedBatched(
        CLBlastLayoutRowMajor, ta, tb, (size_t)g->m, (size_t)g->n, (size_t)g->k, 1.0f, g->a, (size_t)g->a_offset,
        (size_t)g->a_ld, (size_t)g->a_stride, g->b, (size_t)g->b_offset, (size_t)g->b_ld, (size_t)g->b_stride, g->beta,
        g->c, (size_t)g->c_offset, (size_t)g->c_ld, (size_t)g->c_stride, (size_t)g->batch, &queue, event);
}

/* A bit for each kind of call that may compile something: routine, transposes, and four sizes, because PoCL compiles
 * each of the library's kernels at its first launch. */
static unsigned kind_of(const cly_gemm *g) {
    double volume = (double)g->m * (double)g->n * (double)g->k;
    unsigned size = volume < 262144.0 ? 0u : volume < 16777216.0 ? 1u : volume < 134217728.0 ? 2u : 3u;
    unsigned index = (g->batch == 1 ? 0u : 16u) + (g->transpose_a ? 8u : 0u) + (g->transpose_b ? 4u : 0u) + size;
    return 1u << index;
}

/* Around the library's several kernels, a marker before and one behind. */
static clayer_status add_marker(clayer_context *context, cly_timer *timer, bool first) {
    cl_event event = NULL;
    cl_int code = timer != NULL ? clEnqueueMarkerWithWaitList(context->queue, 0, NULL, &event) : CL_SUCCESS;
    if (code != CL_SUCCESS) {
        return cly_device_fail(code, "clEnqueueMarkerWithWaitList");
    }
    if (timer != NULL) {
        cly_device_timer_add(timer, event, first);
    }
    return CLAYER_OK;
}

clayer_status cly_device_gemm_library_locked(clayer_context *context, const cly_gemm *gemm) {
    int lock = context->is_pocl ? cly_device_cache_lock(context, "pocl.lock") : -1;
    int code = call(context, gemm, NULL);
    cly_base_unlock_file(lock);
    if (code == CLBlastSuccess) {
        (void)atomic_fetch_or(&context->gemm_warm, kind_of(gemm));
        CLY_COUNTER(context, launches, 1);
        return CLAYER_OK;
    }
    return fail(code, gemm->batch == 1 ? "CLBlastSgemm" : "CLBlastSgemmStridedBatched");
}

clayer_status cly_device_gemm_library(clayer_context *context, const cly_gemm *gemm) {
    cly_timer *timer = cly_device_timer_here(context);
    clayer_status status = CLAYER_OK;
    CLY_TRY(add_marker(context, timer, true));
    if ((atomic_load(&context->gemm_warm) & kind_of(gemm)) == 0) {
        double start = cly_device_now_ms();
        (void)pthread_mutex_lock(&context->gemm_lock);
        status = cly_device_gemm_library_locked(context, gemm);
        (void)pthread_mutex_unlock(&context->gemm_lock);
        CLY_COUNTER(context, gemm_ms, cly_device_now_ms() - start);
    } else {
        int code = call(context, gemm, NULL);
        if (code != CLBlastSuccess) {
            status = fail(code, gemm->batch == 1 ? "CLBlastSgemm" : "CLBlastSgemmStridedBatched");
        } else {
            CLY_COUNTER(context, launches, 1);
        }
    }
    if (status == CLAYER_OK) {
        status = add_marker(context, timer, false);
    }
done:
    return status;
}
