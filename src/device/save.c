/* device/save.c: compiled programs on their way to the disk cache.
 *
 * Measured on PoCL 3.1: reading the binary makes it compile every kernel of the program for any work-group size (100 to
 * 250 ms each), what it compiles for one size at a first launch is never part of it. So one read after the build is all
 * there is to have, and it is worth it: 3 ms a program instead of 60 in the next process. */
#include "device/internal.h"

#include <stdlib.h>

/* The place of our device among the program's: an adopted context may have several, built for ours only. */
static cl_int find_device(const clayer_context *context, cl_program program, cl_uint *count_out, cl_uint *place_out) {
    cl_uint count = 0;
    cl_int code = clGetProgramInfo(program, CL_PROGRAM_NUM_DEVICES, sizeof(count), &count, NULL);
    if (code != CL_SUCCESS) {
        return code;
    }
    cl_device_id *devices = calloc(count > 0 ? count : 1, sizeof(cl_device_id));
    if (devices == NULL) {
        return CL_OUT_OF_HOST_MEMORY;
    }
    code = clGetProgramInfo(program, CL_PROGRAM_DEVICES, count * sizeof(cl_device_id), devices, NULL);
    cl_uint place = 0;
    while (code == CL_SUCCESS && place < count && devices[place] != context->device) {
        place++;
    }
    free(devices);
    *count_out = count;
    *place_out = place;
    return code == CL_SUCCESS && place >= count ? CL_INVALID_DEVICE : code;
}

/* The binary for our device, freed with free(). */
static cl_int read_binary(const clayer_context *context, cl_program program, unsigned char **bytes_out,
                          size_t *length_out) {
    cl_uint count = 0, place = 0;
    size_t *sizes = NULL;
    unsigned char **binaries = NULL;
    cl_int code = find_device(context, program, &count, &place);
    if (code != CL_SUCCESS) {
        return code;
    }
    sizes = calloc(count, sizeof(size_t));
    binaries = calloc(count, sizeof(unsigned char *));
    code = sizes == NULL || binaries == NULL ? CL_OUT_OF_HOST_MEMORY : CL_SUCCESS;
    if (code == CL_SUCCESS) {
        code = clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, count * sizeof(size_t), sizes, NULL);
    }
    if (code == CL_SUCCESS && sizes[place] == 0) {
        code = CL_INVALID_BINARY;
    }
    if (code == CL_SUCCESS) {
        binaries[place] = malloc(sizes[place]);
        code = binaries[place] == NULL ? CL_OUT_OF_HOST_MEMORY : CL_SUCCESS;
    }
    if (code == CL_SUCCESS) {
        /* A NULL pointer means that this device's binary is not wanted. */
        code = clGetProgramInfo(program, CL_PROGRAM_BINARIES, count * sizeof(unsigned char *), binaries, NULL);
    }
    if (code == CL_SUCCESS) {
        *bytes_out = binaries[place];
        *length_out = sizes[place];
    } else if (binaries != NULL) {
        free(binaries[place]);
    }
    free(binaries);
    free(sizes);
    return code;
}

void cly_device_program_save(clayer_context *context, cly_program *program) {
    unsigned char *bytes = NULL;
    size_t length = 0;
    if (!context->cache.enabled) {
        return;
    }
    cl_int code = read_binary(context, program->program, &bytes, &length);
    if (code == CL_SUCCESS) {
        cly_device_cache_store(context, program->key, bytes, length);
        free(bytes);
    } else if (!atomic_exchange(&context->cache.complained, true)) {
        const char *name = cly_device_code_name(code);
        cly_device_log(context, CLAYER_LOG_WARNING, "device '%s' gives no binary of program '%s' to keep: %s (%d)",
                       context->info.name, program->name, name != NULL ? name : "unknown code", (int)code);
    }
}
