/* device/internal.h: what the files of src/device share with each other and with no other folder. */
#ifndef CLY_DEVICE_INTERNAL_H
#define CLY_DEVICE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/memory.h"
#include "base/text.h"
#include "device/device.h"

/* ---- devices (devices.c) ---- */

typedef struct cly_device_entry {
    cl_platform_id platform;
    cl_device_id device;
    clayer_device_info info;
} cly_device_entry;

/* Every device there is; *entries_out is freed with free(). `problems` (NULL: not wanted) gets what is wrong with which
 * platform, "name (no device), ...". */
clayer_status cly_device_list(cly_device_entry **entries_out, size_t *count_out, cly_base_text *problems);
/* The device that `wanted` (or CLAYER_DEVICE, or the ranking) chooses. */
clayer_status cly_device_choose(const char *wanted, cly_device_entry *entry_out);
/* Everything about one device. `index` is left to the caller. */
clayer_status cly_device_describe(cl_platform_id platform, cl_device_id device, clayer_device_info *info_out);
/* "CL_OUT_OF_HOST_MEMORY", or NULL for an unknown code. */
const char *cly_device_code_name(cl_int code);

/* ---- programs (program.c) and kernels (launch.c) ---- */

#define CLY_SEEN_SHAPES 32

typedef struct cly_kernel {
    char name[64];
    cl_kernel kernel;
    cl_uint arg_count;
    size_t limit;    /* CL_KERNEL_WORK_GROUP_SIZE */
    size_t multiple; /* preferred work-group size multiple */
    size_t required[3];
    cl_ulong local_bytes;            /* static local memory */
    size_t seen[CLY_SEEN_SHAPES][4]; /* work-groups, and whether the range was large: PoCL compiles for each */
    size_t seen_count;
} cly_kernel;

typedef struct cly_program {
    struct cly_program *next;
    char *name;
    char *options;        /* as asked for, without those that every program gets */
    uint64_t hash;        /* of name and options */
    pthread_mutex_t lock; /* held while building, and while arguments are set and the kernel enqueued */
    cl_program program;   /* NULL until built */
    cly_kernel *kernels;
    size_t kernel_count;
    char key[65]; /* of the disk cache */
} cly_program;

/* For tests: called for each program and options that a context has got ready. Set before any context is made. */
extern void (*cly_device_program_hook)(const char *name, const char *options);

/* The built program, with its lock held; the caller unlocks. */
clayer_status cly_device_program_get(clayer_context *context, const char *name, const char *options,
                                     cly_program **program_out);
void cly_device_programs_free(clayer_context *context);
/* Puts one program's binary on disk. The program's lock is held. */
void cly_device_program_save(clayer_context *context, cly_program *program);

/* ---- disk cache (cache.c, entry.c, evict.c) ---- */

typedef enum cly_entry_state {
    CLY_ENTRY_NONE = 0, /* there is no entry */
    CLY_ENTRY_GOOD,
    CLY_ENTRY_BAD /* there is one that cannot be trusted */
} cly_entry_state;

typedef struct cly_cache {
    char *folder; /* NULL: none could be found or made */
    bool enabled; /* programs are read and written */
    uint64_t limit_bytes;
    atomic_bool complained; /* a failed write is logged once */
} cly_cache;

void cly_device_cache_open(clayer_context *context, const clayer_context_config *config);
void cly_device_cache_close(clayer_context *context);
/* 64 hexadecimal digits over everything that the compiled program depends on. */
clayer_status cly_device_cache_key(const clayer_context *context, const cly_kernel_source *source, const char *options,
                                   char key_out[65]);
/* GOOD: *bytes_out (free()) is the binary. BAD comes with `reason`, static text. */
cly_entry_state cly_device_cache_load(clayer_context *context, const char *key, void **bytes_out, size_t *length_out,
                                      const char **reason_out);
/* Never fails: what cannot be written is logged once. */
void cly_device_cache_store(clayer_context *context, const char *key, const void *bytes, size_t length);
/* Waits for the lock named `name` in the folder; -1 when there is no folder or no lock to be had. */
int cly_device_cache_lock(clayer_context *context, const char *name);

/* Entry files (entry.c). */
clayer_status cly_device_entry_pack(const char *key, const void *payload, size_t length, void **file_out,
                                    size_t *file_length_out);
/* NULL when the file is a whole entry of that key, and where its payload is; else what is wrong with it. */
const char *cly_device_entry_check(const void *file, size_t file_length, const char *key, const void **payload_out,
                                   size_t *length_out);
/* Removes the least recently used entries until the folder is within the limit (evict.c). */
void cly_device_cache_evict(const char *folder, uint64_t limit_bytes, const char *kept_key);

/* ---- timing (timer.c) ---- */

typedef struct cly_timer {
    struct cly_timer *next;
    pthread_t thread;
    cl_event *events; /* pairs or single: see spans */
    bool *spans;      /* events[i] and [i + 1] are markers around something; else one launch */
    size_t count;
    size_t capacity, span_capacity;
    clayer_status status;
} cly_timer;

/* The timer of this thread, or NULL. */
cly_timer *cly_device_timer_here(clayer_context *context);
/* Takes the event (released by the timer). */
void cly_device_timer_add(cly_timer *timer, cl_event event, bool span);

/* ---- context ---- */

typedef struct cly_force {
    struct cly_force *next;
    char *operator_name;
    char *implementation;
} cly_force;

typedef enum cly_gemm_state { CLY_GEMM_UNCHECKED = 0, CLY_GEMM_LIBRARY, CLY_GEMM_OWN } cly_gemm_state;

struct clayer_context {
    atomic_size_t references;
    cl_platform_id platform;
    cl_device_id device;
    cl_context cl;
    cl_command_queue queue;
    clayer_device_info info;
    char platform_version[256];
    size_t max_item_sizes[3];
    bool is_pocl; /* its own kernel cache needs a lock between processes */
    bool profiling;
    bool no_cl_std; /* the compiler refused -cl-std=CL1.2 */
    uint64_t workspace_limit;
    clayer_log_callback *log;
    void *log_data;
    cly_cache cache;

    pthread_mutex_t lock; /* counters, forced, timers, the list of programs; held for moments only */
    clayer_counters counters;
    cly_force *forced;
    cly_timer *timers;
    cly_program *programs;

    pthread_mutex_t gemm_lock; /* the check, and each routine's first call */
    atomic_int gemm_state;     /* cly_gemm_state */
    atomic_uint gemm_warm;     /* a bit for each kind of call that has compiled its programs */
    char gemm_detail[256];
};

/* Adds to a counter under the lock: COUNT(context, launches, 1). */
#define CLY_COUNTER(context, field, amount)           \
    do {                                              \
        (void)pthread_mutex_lock(&(context)->lock);   \
        (context)->counters.field += (amount);        \
        (void)pthread_mutex_unlock(&(context)->lock); \
    } while (0)

/* Milliseconds of a clock that only goes forward. */
double cly_device_now_ms(void);

/* ---- the two ways of GEMM ---- */

/* Whether CLBlast's batched routine is right for this batch; else it is as many calls. */
bool cly_device_gemm_can_batch(const cly_gemm *gemm);
/* batch is at least 1 here. */
clayer_status cly_device_gemm_library(clayer_context *context, const cly_gemm *gemm);
/* The same as a first call, with gemm_lock held. */
clayer_status cly_device_gemm_library_locked(clayer_context *context, const cly_gemm *gemm);
clayer_status cly_device_gemm_own(clayer_context *context, const cly_gemm *gemm);
/* Puts the safe parameters for CLBlast versions that need them. */
clayer_status cly_device_gemm_override(clayer_context *context);
/* CLBlast runs its large kernel from this size cubed on. */
size_t cly_device_gemm_indirect_size(const clayer_context *context);
const char *cly_device_gemm_version(void);
/* The guarded multiplications, with gemm_lock held; a failure's text is in `detail`. */
clayer_status cly_device_gemm_self_check(clayer_context *context, bool *passed_out, char *detail, size_t size);
/* Checks once, then says whether CLBlast is used. */
clayer_status cly_device_gemm_decide(clayer_context *context, bool *library_out);

#endif
