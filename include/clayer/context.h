/* clayer/context.h: the devices of this machine, and a context: one device, its queue, programs and counters.
 *
 * Ownership: a context is reference-counted by the tensors, layers and models made on it, so it may be destroyed
 * while they live. Threads: several threads may use one context; calls on one tensor, layer or model must not
 * overlap. OpenCL through PoCL does not survive fork(): create contexts after it. */
#ifndef CLAYER_CONTEXT_H
#define CLAYER_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <clayer/export.h>
#include <clayer/status.h>

CLAYER_BEGIN_DECLS

/* ---- devices ---- */

typedef enum clayer_device_type {
    CLAYER_DEVICE_OTHER = 0,
    CLAYER_DEVICE_CPU,
    CLAYER_DEVICE_ACCELERATOR,
    CLAYER_DEVICE_GPU
} clayer_device_type;

typedef struct clayer_platform_info {
    char name[256];
    char vendor[256];
    char version[256];
    int device_count;
    char problem[256]; /* why the platform gives no devices ("" if it does), such as "no device" */
} clayer_platform_info;

typedef struct clayer_device_info {
    int index;          /* the number that clayer_context_config.device and CLAYER_DEVICE take */
    int platform_index; /* into clayer_get_platforms */
    clayer_device_type type;
    char name[256];
    char vendor[256];
    char driver[256];
    char opencl_version[256];
    char platform[256];
    uint64_t global_memory_bytes;
    uint64_t max_allocation_bytes; /* the largest single buffer */
    uint64_t local_memory_bytes;
    size_t max_work_group_size;
    uint32_t compute_units;
    uint32_t clock_mhz;
    bool fp16;
    bool fp64;
    bool available;
} clayer_device_info;

/* Writes up to `capacity` platforms and their whole number to *count_out. `platforms` may be NULL if capacity is 0.
 * A platform that fails is listed with its `problem` and does not spoil the others. No platform: count 0, CLAYER_OK. */
CLAYER_API clayer_status clayer_get_platforms(clayer_platform_info *platforms, size_t capacity, size_t *count_out);

/* The same for devices of every platform, in a stable order: index i is platforms[i].index == i. */
CLAYER_API clayer_status clayer_get_devices(clayer_device_info *devices, size_t capacity, size_t *count_out);

/* ---- context ---- */

typedef struct clayer_context clayer_context;

typedef enum clayer_log_level { CLAYER_LOG_INFO = 0, CLAYER_LOG_WARNING, CLAYER_LOG_ERROR } clayer_log_level;

/* Called for what the library wants to say: a slower path taken, a cache entry replaced, a build failure. `message`
 * is one line without a newline, valid during the call only. May be called from any thread that uses the context. */
typedef void clayer_log_callback(clayer_log_level level, const char *message, void *data);

typedef struct clayer_context_config {
    size_t struct_size;          /* sizeof(clayer_context_config) */
    const char *device;          /* an index ("1") or a part of the device's or platform's name, any case;
                                    NULL: the variable CLAYER_DEVICE, else the best GPU, accelerator, CPU */
    bool profiling;              /* time every launch by events (a little slower): see clayer_layer_profile */
    uint64_t workspace_limit_bytes; /* largest scratch buffer of one operator; 0: 64 MiB on a CPU, 256 MiB elsewhere,
                                       never more than an eighth of the device's memory */
    bool no_cache;               /* neither read nor write compiled programs on disk (also CLAYER_CACHE=0) */
    const char *cache_dir;       /* NULL: $CLAYER_CACHE_DIR, else $XDG_CACHE_HOME/clayer, else ~/.cache/clayer */
    uint64_t cache_limit_bytes;  /* oldest-used programs leave the disk above this; 0: 256 MiB */
    clayer_log_callback *log;    /* NULL: silent */
    void *log_data;
} clayer_context_config;

/* Opens a device. `config` NULL means all defaults; it is copied. Errors: CLAYER_NO_DEVICE when there is no device
 * or none matches, with the names of those there are. Destroy the context after use. */
CLAYER_API clayer_status clayer_context_create(const clayer_context_config *config, clayer_context **context_out);

/* Drops the caller's reference. NULL does nothing. */
CLAYER_API void clayer_context_destroy(clayer_context *context);

/* The device that the context opened. */
CLAYER_API clayer_status clayer_context_get_device(clayer_context *context, clayer_device_info *info_out);

/* Waits until the device has done all that was asked of it. */
CLAYER_API clayer_status clayer_context_finish(clayer_context *context);

/* What the context did since it was created; all counts and times only grow, but `device_bytes`. */
typedef struct clayer_counters {
    uint64_t programs_built;      /* compiled from source */
    uint64_t programs_loaded;     /* taken from the disk cache */
    uint64_t programs_reused;     /* found in this process' memory */
    uint64_t programs_replaced;   /* damaged or foreign cache entries, rebuilt and written anew */
    double program_ms;            /* wall time in creating programs, both kinds */
    double gemm_ms;               /* wall time of the GEMM library's first calls (compiling) and of its check */
    uint64_t launches;            /* kernels enqueued, the GEMM library's calls counted as one each */
    uint64_t bytes_written;       /* host to device */
    uint64_t bytes_read;          /* device to host */
    uint64_t device_bytes;        /* held now, in bytes */
    uint64_t device_bytes_peak;
} clayer_counters;

/* Copies the counters as they stand. */
CLAYER_API clayer_status clayer_context_get_counters(clayer_context *context, clayer_counters *counters_out);

/* ---- GEMM ---- */

typedef enum clayer_gemm_verdict {
    CLAYER_GEMM_LIBRARY = 0, /* CLBlast passed the guarded check and is used */
    CLAYER_GEMM_OWN          /* the own kernels are used: CLBlast failed, is slower (on CPUs, unless the variable
                                CLAYER_GEMM is "clblast"), or is switched off by CLAYER_GEMM=own */
} clayer_gemm_verdict;

typedef struct clayer_gemm_report {
    clayer_gemm_verdict verdict;
    char detail[256]; /* "CLBlast 1.5.3, safe parameters: passed", or what failed */
} clayer_gemm_report;

/* Multiplies small matrices between guard zones on this device (once a context) and says which GEMM is used. */
CLAYER_API clayer_status clayer_context_check_gemm(clayer_context *context, clayer_gemm_report *report_out);

/* ---- implementations ---- */

/* Every operator (a convolution, a pooling...) has several implementations; the last, "reference", is plain and does
 * every shape. These list them: NULL-terminated, static memory. NULL for an unknown operator. */
CLAYER_API const char *const *clayer_get_operators(void);
CLAYER_API const char *const *clayer_get_implementations(const char *operator_name);

/* Makes `operator_name` run by `implementation` only; a shape that it cannot do is then CLAYER_UNSUPPORTED, never a
 * silent other path. implementation NULL: the library's choice again. For tests, measurements and driver trouble. */
CLAYER_API clayer_status clayer_context_force(clayer_context *context, const char *operator_name,
                                              const char *implementation);

CLAYER_END_DECLS

#endif
