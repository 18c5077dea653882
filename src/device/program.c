/* device/program.c: programs, kept in memory by name and options, built from source or loaded from the disk cache.
 *
 * One build per program even when threads race: the entry is put into the list first and built under its own lock. */
#include "device/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "base/text.h"

void (*cly_device_program_hook)(const char *name, const char *options) = NULL;

static clayer_status find_source(const char *name, const cly_kernel_source **source_out) {
    for (const cly_kernel_source *source = cly_kernel_sources; source->name != NULL; source++) {
        if (strcmp(source->name, name) == 0) {
            *source_out = source;
            return CLAYER_OK;
        }
    }
    return cly_base_fail(CLAYER_INVALID_ARGUMENT, "there is no program '%s'", name);
}

/* The options every program gets, then its own. */
static clayer_status all_options(const clayer_context *context, const char *own, cly_base_text *text) {
    return cly_base_text_add(text, "%s%s", context->no_cl_std ? "" : "-cl-std=CL1.2 ", own);
}

static void free_kernels(cly_program *program) {
    for (size_t i = 0; i < program->kernel_count; i++) {
        if (program->kernels[i].kernel != NULL) {
            (void)clReleaseKernel(program->kernels[i].kernel);
        }
    }
    free(program->kernels);
    program->kernels = NULL;
    program->kernel_count = 0;
}

/* What launches need to know of a kernel. */
static clayer_status learn_kernel(const clayer_context *context, cly_kernel *kernel) {
    cl_device_id device = context->device;
    cl_int code = clGetKernelInfo(kernel->kernel, CL_KERNEL_FUNCTION_NAME, sizeof(kernel->name), kernel->name, NULL);
    if (code == CL_SUCCESS) {
        code = clGetKernelInfo(kernel->kernel, CL_KERNEL_NUM_ARGS, sizeof(cl_uint), &kernel->arg_count, NULL);
    }
    if (code != CL_SUCCESS) {
        return cly_device_fail(code, "clGetKernelInfo");
    }
    struct {
        cl_kernel_work_group_info what;
        size_t size;
        void *value;
    } wanted[] = {
        {CL_KERNEL_WORK_GROUP_SIZE, sizeof(size_t), &kernel->limit},
        {CL_KERNEL_PREFERRED_WORK_GROUP_SIZE_MULTIPLE, sizeof(size_t), &kernel->multiple},
        {CL_KERNEL_COMPILE_WORK_GROUP_SIZE, sizeof(kernel->required), kernel->required},
        {CL_KERNEL_LOCAL_MEM_SIZE, sizeof(cl_ulong), &kernel->local_bytes},
    };
    for (size_t i = 0; i < CLY_COUNT(wanted); i++) {
        code = clGetKernelWorkGroupInfo(kernel->kernel, device, wanted[i].what, wanted[i].size, wanted[i].value, NULL);
        if (code != CL_SUCCESS) {
            return cly_device_fail(code, "clGetKernelWorkGroupInfo");
        }
    }
    return CLAYER_OK;
}

/* All kernels at once: some drivers compile only here, so a binary is read after it. */
static clayer_status make_kernels(const clayer_context *context, cly_program *program, cl_program built) {
    cl_uint count = 0;
    void *memory = NULL;
    cl_kernel *kernels = NULL;
    clayer_status status = CLAYER_OK;
    cl_int code = clCreateKernelsInProgram(built, 0, NULL, &count);
    if (code == CL_SUCCESS && count > 0) {
        CLY_TRY(cly_base_alloc(count, sizeof(cl_kernel), &memory));
        kernels = memory;
        CLY_TRY(cly_base_alloc(count, sizeof(cly_kernel), &memory));
        program->kernels = memory;
        code = clCreateKernelsInProgram(built, count, kernels, NULL);
    }
    if (code != CL_SUCCESS) {
        status = cly_device_fail(code, "clCreateKernelsInProgram");
        goto done;
    }
    program->kernel_count = count;
    for (cl_uint i = 0; i < count; i++) {
        program->kernels[i].kernel = kernels[i];
    }
    for (cl_uint i = 0; i < count; i++) {
        CLY_TRY(learn_kernel(context, &program->kernels[i]));
    }
done:
    free(kernels);
    if (status != CLAYER_OK) {
        free_kernels(program);
    }
    return status;
}

/* The first lines of the build log on one line; the text is the caller's to free. */
static void read_log(const clayer_context *context, cl_program built, cly_base_text *text) {
    size_t length = 0;
    char *log = NULL;
    if (clGetProgramBuildInfo(built, context->device, CL_PROGRAM_BUILD_LOG, 0, NULL, &length) == CL_SUCCESS) {
        log = calloc(length + 1, 1);
    }
    if (log == NULL ||
        clGetProgramBuildInfo(built, context->device, CL_PROGRAM_BUILD_LOG, length, log, NULL) != CL_SUCCESS) {
        (void)cly_base_text_add(text, "the driver gives no log");
        free(log);
        return;
    }
    int lines = 0;
    char *rest = NULL;
    for (char *line = strtok_r(log, "\r\n", &rest); line != NULL && lines < 6; line = strtok_r(NULL, "\r\n", &rest)) {
        (void)cly_base_text_add(text, "%s%s", lines == 0 ? "" : " | ", line);
        lines++;
    }
    if (lines == 0) {
        (void)cly_base_text_add(text, "the driver's log is empty");
    }
    free(log);
}

static clayer_status fail_build(clayer_context *context, const cly_program *program, const char *options,
                                cl_program built, cl_int code) {
    if (code != CL_BUILD_PROGRAM_FAILURE && code != CL_INVALID_BUILD_OPTIONS) {
        return cly_base_prefix(cly_device_fail(code, "clBuildProgram"), "program '%s' on device '%s'", program->name,
                               context->info.name);
    }
    cly_base_text log = {0};
    read_log(context, built, &log);
    const char *name = cly_device_code_name(code);
    clayer_status status = cly_base_fail(
        CLAYER_BUILD_FAILED, "clBuildProgram: %s (%d): device '%s' cannot build program '%s' with options '%s': %s",
        name != NULL ? name : "unknown code", (int)code, context->info.name, program->name, options,
        log.chars != NULL ? log.chars : "");
    cly_base_text_free(&log);
    cly_device_log(context, CLAYER_LOG_ERROR, "%s", clayer_last_error());
    return status;
}

static clayer_status build_source(clayer_context *context, cly_program *program, const cly_kernel_source *source,
                                  const char *options) {
    const char *text = (const char *)source->bytes;
    cl_int code = CL_SUCCESS;
    clayer_status status = CLAYER_OK;
    cl_program built = clCreateProgramWithSource(context->cl, 1, &text, &source->length, &code);
    if (built == NULL || code != CL_SUCCESS) {
        return cly_device_fail(code, "clCreateProgramWithSource");
    }
    code = clBuildProgram(built, 1, &context->device, options, NULL, NULL);
    if (code != CL_SUCCESS) {
        status = fail_build(context, program, options, built, code);
        goto done;
    }
    CLY_TRY(make_kernels(context, program, built));
    program->program = built;
    built = NULL;
    CLY_COUNTER(context, programs_built, 1);
done:
    if (built != NULL) {
        (void)clReleaseProgram(built);
    }
    return status;
}

/* False when the driver does not take the binary; the reason is the thread's last error. */
static bool build_binary(clayer_context *context, cly_program *program, const void *bytes, size_t length,
                         const char *options) {
    const unsigned char *binary = bytes;
    cl_int code = CL_SUCCESS, state = CL_SUCCESS;
    cl_program built = clCreateProgramWithBinary(context->cl, 1, &context->device, &length, &binary, &state, &code);
    if (built == NULL || code != CL_SUCCESS || state != CL_SUCCESS) {
        (void)cly_device_fail(code != CL_SUCCESS ? code : state, "clCreateProgramWithBinary");
        if (built != NULL) {
            (void)clReleaseProgram(built);
        }
        return false;
    }
    code = clBuildProgram(built, 1, &context->device, options, NULL, NULL);
    if (code != CL_SUCCESS) {
        (void)cly_device_fail(code, "clBuildProgram");
    }
    if (code != CL_SUCCESS || make_kernels(context, program, built) != CLAYER_OK) {
        (void)clReleaseProgram(built);
        return false;
    }
    program->program = built;
    CLY_COUNTER(context, programs_loaded, 1);
    return true;
}

/* Tries the disk. *replace is set when there is an entry that must be written anew. */
static void try_disk(clayer_context *context, cly_program *program, const char *options, bool *replace) {
    void *bytes = NULL;
    size_t length = 0;
    const char *reason = "";
    cly_entry_state state = cly_device_cache_load(context, program->key, &bytes, &length, &reason);
    if (state == CLY_ENTRY_GOOD && !build_binary(context, program, bytes, length, options)) {
        state = CLY_ENTRY_BAD;
        reason = clayer_last_error();
    }
    if (state == CLY_ENTRY_BAD && !*replace) {
        *replace = true;
        cly_device_log(context, CLAYER_LOG_WARNING, "the cached program '%s' (%s) is built anew: %s", program->name,
                       program->key, reason);
    }
    free(bytes);
}

/* Loads or builds. Between processes, one builds a program and the others wait for its entry. PoCL's own cache does
 * not stand two processes at once, so there everything goes through one lock. */
static clayer_status make_program(clayer_context *context, cly_program *program, const cly_kernel_source *source) {
    cly_base_text options = {0};
    int lock = -1;
    bool replace = false;
    clayer_status status = CLAYER_OK;
    double start = cly_device_now_ms();
    CLY_TRY(all_options(context, program->options, &options));
    CLY_TRY(cly_device_cache_key(context, source, options.chars, program->key));
    if (context->is_pocl) {
        lock = cly_device_cache_lock(context, "pocl.lock");
    } else if (context->cache.enabled) {
        try_disk(context, program, options.chars, &replace);
        if (program->program == NULL) {
            char name[16];
            (void)snprintf(name, sizeof(name), "%.2s.lock", program->key);
            lock = cly_device_cache_lock(context, name);
        }
    }
    if (program->program == NULL && context->cache.enabled) {
        try_disk(context, program, options.chars, &replace);
    }
    if (program->program == NULL) {
        CLY_TRY(build_source(context, program, source, options.chars));
        if (replace) {
            CLY_COUNTER(context, programs_replaced, 1);
        }
        cly_device_program_save(context, program);
    }
done:
    cly_base_unlock_file(lock);
    cly_base_text_free(&options);
    CLY_COUNTER(context, program_ms, cly_device_now_ms() - start);
    return status;
}

static uint64_t hash_text(uint64_t hash, const char *text) {
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        hash = (hash ^ *c) * 1099511628211u; /* FNV-1a */
    }
    return (hash ^ 0xff) * 1099511628211u;
}

/* The entry of that name and those options, made if need be; it may not be built yet. */
static clayer_status find_entry(clayer_context *context, const char *name, const char *options,
                                cly_program **program_out) {
    uint64_t hash = hash_text(hash_text(14695981039346656037u, name), options);
    void *memory = NULL;
    clayer_status status = CLAYER_OK;
    (void)pthread_mutex_lock(&context->lock);
    cly_program *program = context->programs;
    while (program != NULL &&
           (program->hash != hash || strcmp(program->name, name) != 0 || strcmp(program->options, options) != 0)) {
        program = program->next;
    }
    if (program == NULL) {
        CLY_TRY(cly_base_alloc(1, sizeof(cly_program), &memory));
        program = memory;
        program->hash = hash;
        CLY_TRY(cly_base_copy_string(name, &program->name));
        CLY_TRY(cly_base_copy_string(options, &program->options));
        (void)pthread_mutex_init(&program->lock, NULL);
        program->next = context->programs;
        context->programs = program;
        memory = NULL;
    }
    *program_out = program;
done:
    (void)pthread_mutex_unlock(&context->lock);
    if (memory != NULL) {
        free(((cly_program *)memory)->name);
        free(((cly_program *)memory)->options);
        free(memory);
    }
    return status;
}

clayer_status cly_device_program_get(clayer_context *context, const char *name, const char *options,
                                     cly_program **program_out) {
    cly_program *program = NULL;
    const cly_kernel_source *source = NULL;
    clayer_status status = find_entry(context, name, options != NULL ? options : "", &program);
    if (status != CLAYER_OK) {
        return status;
    }
    (void)pthread_mutex_lock(&program->lock);
    if (program->program != NULL) {
        CLY_COUNTER(context, programs_reused, 1);
    } else {
        status = find_source(name, &source);
        if (status == CLAYER_OK) {
            status = make_program(context, program, source);
        }
        if (status == CLAYER_OK && cly_device_program_hook != NULL) {
            cly_device_program_hook(name, program->options);
        }
    }
    if (status != CLAYER_OK) {
        (void)pthread_mutex_unlock(&program->lock);
        return status;
    }
    *program_out = program;
    return CLAYER_OK;
}

void cly_device_programs_free(clayer_context *context) {
    while (context->programs != NULL) {
        cly_program *program = context->programs;
        context->programs = program->next;
        free_kernels(program);
        if (program->program != NULL) {
            (void)clReleaseProgram(program->program);
        }
        (void)pthread_mutex_destroy(&program->lock);
        free(program->name);
        free(program->options);
        free(program);
    }
}
