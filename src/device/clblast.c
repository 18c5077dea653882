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

#define FIXED_VERSION 10603

/* From which m * n * k on (its cube) the large kernel runs instead of the direct one. */
#define CPU_INDIRECT_SIZE 16
#define OLD_INDIRECT_SIZE 512

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

/* ---- parameters ---- */

#define MAX_PARAMETERS 16

typedef struct row {
    const char *kernel; /* the library's name of a family of kernels */
    const char *names[MAX_PARAMETERS];
    size_t values[MAX_PARAMETERS];
} row;

#define XGEMM_NAMES                                                                                                  \
    {                                                                                                                \
        "GEMMK", "KREG", "KWG", "KWI", "MDIMA", "MDIMC", "MWG", "NDIMB", "NDIMC", "NWG", "SA", "SB", "STRM", "STRN", \
            "VWM", "VWN"                                                                                             \
    }

/* The rows of Xgemm satisfy the library's constraints: KWG is a multiple of KWI, of MDIMC * NDIMC / MDIMA and of
 * MDIMC * NDIMC / NDIMB; MWG of MDIMC * VWM and MDIMA * VWM; NWG of NDIMC * VWN and NDIMB * VWN. */

/* CPUs. The library reads back the binary of everything it builds, for which PoCL compiles every kernel; with the
 * library's own unrolled rows that takes a minute, with these seconds. Xgemm: 64 work-items without local memory or
 * barriers, and from so small a size on that the direct kernels hardly ever run. */
static const row cpu_rows[] = {
    {"Xgemm", XGEMM_NAMES, {0, 1, 32, 2, 8, 8, 32, 8, 8, 64, 0, 0, 0, 0, 4, 8}},
    {"GemmRoutine", {"XGEMM_MIN_INDIRECT_SIZE"}, {CPU_INDIRECT_SIZE}},
    {"XgemmDirect",
     {"KWID", "MDIMAD", "MDIMCD", "NDIMBD", "NDIMCD", "PADA", "PADB", "VWMD", "VWND", "WGD"},
     {1, 8, 8, 8, 8, 0, 0, 1, 1, 8}},
    {"Copy", {"COPY_DIMX", "COPY_DIMY", "COPY_VW", "COPY_WPT"}, {8, 8, 4, 1}},
    {"Pad", {"PAD_DIMX", "PAD_DIMY", "PAD_WPTX", "PAD_WPTY"}, {8, 8, 1, 1}},
    {"Transpose", {"TRA_DIM", "TRA_PAD", "TRA_SHUFFLE", "TRA_WPT"}, {8, 0, 0, 1}},
    {"Padtranspose", {"PADTRA_PAD", "PADTRA_TILE", "PADTRA_WPT"}, {0, 8, 1}},
};

/* Other devices: 256 work-items, a 64 x 64 tile, 16 KiB of local memory. */
static const row tiled_rows[] = {
    {"Xgemm", XGEMM_NAMES, {0, 1, 32, 2, 16, 16, 64, 16, 16, 64, 1, 1, 0, 0, 4, 4}},
    {"GemmRoutine", {"XGEMM_MIN_INDIRECT_SIZE"}, {OLD_INDIRECT_SIZE}},
};

/* Other devices without room for that tile. */
static const row small_rows[] = {
    {"Xgemm", XGEMM_NAMES, {0, 1, 32, 2, 8, 8, 32, 8, 8, 64, 0, 0, 0, 0, 4, 8}},
    {"GemmRoutine", {"XGEMM_MIN_INDIRECT_SIZE"}, {OLD_INDIRECT_SIZE}},
};

static clayer_status put_rows(clayer_context *context, const row *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const char *names[MAX_PARAMETERS];
        size_t used = 0;
        while (used < MAX_PARAMETERS && rows[i].names[used] != NULL) {
            names[used] = rows[i].names[used];
            used++;
        }
        int code = (int)CLBlastOverrideParameters(context->device, rows[i].kernel, CLBlastPrecisionSingle, used, names,
                                                  rows[i].values);
        if (code != CLBlastSuccess) {
            return fail(code, "CLBlastOverrideParameters");
        }
    }
    return CLAYER_OK;
}

static clayer_status override_parameters(clayer_context *context) {
    const clayer_device_info *info = &context->info;
    if (info->type == CLAYER_DEVICE_CPU) {
        return put_rows(context, cpu_rows, CLY_COUNT(cpu_rows));
    }
    if (VERSION_NUMBER >= FIXED_VERSION) {
        return CLAYER_OK;
    }
    bool tiled = info->max_work_group_size >= 256 && context->max_item_sizes[0] >= 16 &&
                 context->max_item_sizes[1] >= 16 && info->local_memory_bytes >= 32768;
    return tiled ? put_rows(context, tiled_rows, CLY_COUNT(tiled_rows))
                 : put_rows(context, small_rows, CLY_COUNT(small_rows));
}

/* Parameters belong to the device and the process, and putting them drops compiled programs: once for each device. */
static pthread_mutex_t override_lock = PTHREAD_MUTEX_INITIALIZER;
static cl_device_id overridden[16];
static size_t overridden_count;

clayer_status cly_device_gemm_override(clayer_context *context) {
    clayer_status status = CLAYER_OK;
    size_t i = 0;
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
    if (context->info.type == CLAYER_DEVICE_CPU) {
        return CPU_INDIRECT_SIZE;
    }
    return VERSION_NUMBER >= FIXED_VERSION ? 1024 : OLD_INDIRECT_SIZE;
}

const char *cly_device_gemm_version(void) {
#if VERSION_NUMBER >= FIXED_VERSION
    return "CLBlast " CLAYER_CLBLAST_VERSION;
#elif defined(CLAYER_CLBLAST_VERSION)
    return "CLBlast " CLAYER_CLBLAST_VERSION ", safe parameters";
#else
    return "CLBlast, safe parameters";
#endif
}

static int call_one(clayer_context *context, const cly_gemm *g, int64_t place) {
    CLBlastTranspose ta = g->transpose_a ? CLBlastTransposeYes : CLBlastTransposeNo;
    CLBlastTranspose tb = g->transpose_b ? CLBlastTransposeYes : CLBlastTransposeNo;
    cl_command_queue queue = context->queue;
    return (int)CLBlastSgemm(CLBlastLayoutRowMajor, ta, tb, (size_t)g->m, (size_t)g->n, (size_t)g->k, 1.0f, g->a,
                             (size_t)(g->a_offset + place * g->a_stride), (size_t)g->a_ld, g->b,
                             (size_t)(g->b_offset + place * g->b_stride), (size_t)g->b_ld, g->beta, g->c,
                             (size_t)(g->c_offset + place * g->c_stride), (size_t)g->c_ld, &queue, NULL);
}

static int call_batched(clayer_context *context, const cly_gemm *g) {
    CLBlastTranspose ta = g->transpose_a ? CLBlastTransposeYes : CLBlastTransposeNo;
    CLBlastTranspose tb = g->transpose_b ? CLBlastTransposeYes : CLBlastTransposeNo;
    cl_command_queue queue = context->queue;
    return (int)CLBlastSgemmStridedBatched(
        CLBlastLayoutRowMajor, ta, tb, (size_t)g->m, (size_t)g->n, (size_t)g->k, 1.0f, g->a, (size_t)g->a_offset,
        (size_t)g->a_ld, (size_t)g->a_stride, g->b, (size_t)g->b_offset, (size_t)g->b_ld, (size_t)g->b_stride, g->beta,
        g->c, (size_t)g->c_offset, (size_t)g->c_ld, (size_t)g->c_stride, (size_t)g->batch, &queue, NULL);
}

/* Whether the batched routine finds all matrices of one operand. Where rows lie close together (the leading dimension
 * is the row's length) it may use the buffer as it is, and then takes the offset for 0 and the matrices for neighbours,
 * whatever it was told (1.5.3, and later ones up to 1.6.3). */
static bool is_found(int64_t rows, int64_t columns, int64_t offset, int64_t ld, int64_t stride) {
    return ld != columns || (offset == 0 && stride == rows * columns);
}

bool cly_device_gemm_can_batch(const cly_gemm *g) {
    bool ta = g->transpose_a, tb = g->transpose_b;
    return is_found(ta ? g->k : g->m, ta ? g->m : g->k, g->a_offset, g->a_ld, g->a_stride) &&
           is_found(tb ? g->n : g->k, tb ? g->k : g->n, g->b_offset, g->b_ld, g->b_stride) &&
           is_found(g->m, g->n, g->c_offset, g->c_ld, g->c_stride);
}

/* On a CPU a batch is so many calls: enqueueing is cheap there, and the batched routine would be a second program of
 * twenty kernels to compile. */
static clayer_status call(clayer_context *context, const cly_gemm *g) {
    int code = CLBlastSuccess;
    bool batched = g->batch > 1 && context->info.type != CLAYER_DEVICE_CPU && cly_device_gemm_can_batch(g);
    if (batched) {
        code = call_batched(context, g);
    }
    for (int64_t i = 0; !batched && code == CLBlastSuccess && i < g->batch; i++) {
        code = call_one(context, g, i);
    }
    if (code != CLBlastSuccess) {
        return fail(code, batched ? "CLBlastSgemmStridedBatched" : "CLBlastSgemm");
    }
    CLY_COUNTER(context, launches, batched ? 1 : (uint64_t)g->batch);
    return CLAYER_OK;
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
    clayer_status status = call(context, gemm);
    /* PoCL compiles when the kernel comes to run. */
    if (status == CLAYER_OK && lock >= 0) {
        status = clayer_context_finish(context);
    }
    cly_base_unlock_file(lock);
    if (status == CLAYER_OK) {
        (void)atomic_fetch_or(&context->gemm_warm, kind_of(gemm));
    }
    return status;
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
        status = call(context, gemm);
    }
    if (status == CLAYER_OK) {
        status = add_marker(context, timer, false);
    }
done:
    return status;
}
