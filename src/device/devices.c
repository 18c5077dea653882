/* device/devices.c: every OpenCL platform and device of the machine, and the choice of one. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "device/internal.h"

/* What the loader says when there is no platform at all (cl_khr_icd). */
#define PLATFORM_NOT_FOUND (-1001)

typedef struct platform_entry {
    cl_platform_id platform;
    clayer_platform_info info;
} platform_entry;

static void platform_text(cl_platform_id platform, cl_platform_info what, char text[256]) {
    text[0] = '\0';
    size_t length = 0;
    char *whole = NULL;
    if (clGetPlatformInfo(platform, what, 0, NULL, &length) == CL_SUCCESS && length > 0) {
        whole = calloc(length + 1, 1);
        if (whole != NULL && clGetPlatformInfo(platform, what, length, whole, NULL) == CL_SUCCESS) {
            (void)snprintf(text, 256, "%s", whole);
        }
    }
    free(whole);
}

static cl_int device_text(cl_device_id device, cl_device_info what, char text[256]) {
    text[0] = '\0';
    size_t length = 0;
    cl_int code = clGetDeviceInfo(device, what, 0, NULL, &length);
    char *whole = code == CL_SUCCESS ? calloc(length + 1, 1) : NULL;
    if (whole != NULL) {
        code = clGetDeviceInfo(device, what, length, whole, NULL);
        if (code == CL_SUCCESS) {
            const char *start = whole;
            while (*start == ' ') { /* some drivers pad names with blanks */
                start++;
            }
            (void)snprintf(text, 256, "%s", start);
        }
    }
    free(whole);
    return code;
}

static clayer_device_type type_of(cl_device_type type) {
    if ((type & CL_DEVICE_TYPE_GPU) != 0) {
        return CLAYER_DEVICE_GPU;
    }
    if ((type & CL_DEVICE_TYPE_ACCELERATOR) != 0) {
        return CLAYER_DEVICE_ACCELERATOR;
    }
    return (type & CL_DEVICE_TYPE_CPU) != 0 ? CLAYER_DEVICE_CPU : CLAYER_DEVICE_OTHER;
}

/* True when `word` is one of the blank-separated words of `list`. */
static bool has_extension(cl_device_id device, const char *word) {
    size_t length = 0;
    bool found = false;
    char *list = NULL;
    if (clGetDeviceInfo(device, CL_DEVICE_EXTENSIONS, 0, NULL, &length) == CL_SUCCESS) {
        list = calloc(length + 1, 1);
    }
    if (list != NULL && clGetDeviceInfo(device, CL_DEVICE_EXTENSIONS, length, list, NULL) == CL_SUCCESS) {
        size_t word_length = strlen(word);
        for (const char *at = list; !found && (at = strstr(at, word)) != NULL; at += word_length) {
            bool starts = at == list || at[-1] == ' ';
            found = starts && (at[word_length] == ' ' || at[word_length] == '\0');
        }
    }
    free(list);
    return found;
}

clayer_status cly_device_describe(cl_platform_id platform, cl_device_id device, clayer_device_info *info_out) {
    clayer_device_info info = {0};
    cl_device_type type = 0;
    cl_ulong global = 0, largest = 0, local = 0;
    cl_uint clock = 0;
    cl_bool available = CL_FALSE, compiler = CL_FALSE;
    struct {
        cl_device_info what;
        size_t size;
        void *value;
    } wanted[] = {
        {CL_DEVICE_TYPE, sizeof(type), &type},
        {CL_DEVICE_GLOBAL_MEM_SIZE, sizeof(global), &global},
        {CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof(largest), &largest},
        {CL_DEVICE_LOCAL_MEM_SIZE, sizeof(local), &local},
        {CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof(info.max_work_group_size), &info.max_work_group_size},
        {CL_DEVICE_MAX_COMPUTE_UNITS, sizeof(info.compute_units), &info.compute_units},
        {CL_DEVICE_MAX_CLOCK_FREQUENCY, sizeof(clock), &clock},
        {CL_DEVICE_AVAILABLE, sizeof(available), &available},
        {CL_DEVICE_COMPILER_AVAILABLE, sizeof(compiler), &compiler},
    };
    for (size_t i = 0; i < CLY_COUNT(wanted); i++) {
        cl_int code = clGetDeviceInfo(device, wanted[i].what, wanted[i].size, wanted[i].value, NULL);
        if (code != CL_SUCCESS) {
            return cly_device_fail(code, "clGetDeviceInfo");
        }
    }
    cl_int code = device_text(device, CL_DEVICE_NAME, info.name);
    if (code != CL_SUCCESS) {
        return cly_device_fail(code, "clGetDeviceInfo");
    }
    (void)device_text(device, CL_DEVICE_VENDOR, info.vendor);
    (void)device_text(device, CL_DRIVER_VERSION, info.driver);
    (void)device_text(device, CL_DEVICE_VERSION, info.opencl_version);
    platform_text(platform, CL_PLATFORM_NAME, info.platform);
    info.type = type_of(type);
    info.global_memory_bytes = global;
    info.max_allocation_bytes = largest;
    info.local_memory_bytes = local;
    info.clock_mhz = clock;
    info.fp16 = has_extension(device, "cl_khr_fp16");
    info.fp64 = has_extension(device, "cl_khr_fp64");
    info.available = available == CL_TRUE && compiler == CL_TRUE;
    *info_out = info;
    return CLAYER_OK;
}

/* The devices of one platform behind those already in *entries; why there are none goes to `problem`. */
static clayer_status add_devices(cl_platform_id platform, int platform_index, cly_device_entry **entries, size_t *count,
                                 size_t *capacity, char problem[256], int *added_out) {
    cl_uint found = 0;
    cl_device_id *devices = NULL;
    clayer_status status = CLAYER_OK;
    *added_out = 0;
    cl_int code = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, NULL, &found);
    if (code == CL_DEVICE_NOT_FOUND || (code == CL_SUCCESS && found == 0)) {
        (void)snprintf(problem, 256, "no device");
        return CLAYER_OK;
    }
    if (code == CL_SUCCESS) {
        void *memory = NULL;
        CLY_TRY(cly_base_alloc(found, sizeof(cl_device_id), &memory));
        devices = memory;
        code = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, found, devices, NULL);
    }
    if (code != CL_SUCCESS) {
        (void)cly_device_fail(code, "clGetDeviceIDs");
        (void)snprintf(problem, 256, "%.255s", clayer_last_error());
        goto done;
    }
    for (cl_uint i = 0; i < found; i++) {
        cly_device_entry entry = {.platform = platform, .device = devices[i]};
        if (cly_device_describe(platform, devices[i], &entry.info) != CLAYER_OK) {
            (void)snprintf(problem, 256, "%.255s", clayer_last_error());
            continue;
        }
        void *items = *entries;
        status = cly_base_grow(&items, capacity, *count, sizeof(entry));
        *entries = items;
        if (status != CLAYER_OK) {
            goto done;
        }
        entry.info.index = (int)*count;
        entry.info.platform_index = platform_index;
        (*entries)[(*count)++] = entry;
        (*added_out)++;
    }
done:
    free(devices);
    return status;
}

/* All platforms and all devices; both are freed with free(). */
static clayer_status enumerate(platform_entry **platforms_out, size_t *platform_count_out,
                               cly_device_entry **entries_out, size_t *count_out) {
    cl_uint found = 0;
    cl_platform_id *ids = NULL;
    platform_entry *platforms = NULL;
    cly_device_entry *entries = NULL;
    size_t count = 0, capacity = 0;
    void *memory = NULL;
    clayer_status status = CLAYER_OK;
    cl_int code = clGetPlatformIDs(0, NULL, &found);
    if (code == PLATFORM_NOT_FOUND) {
        code = CL_SUCCESS;
        found = 0;
    }
    if (code == CL_SUCCESS && found > 0) {
        CLY_TRY(cly_base_alloc(found, sizeof(cl_platform_id), &memory));
        ids = memory;
        code = clGetPlatformIDs(found, ids, NULL);
    }
    if (code != CL_SUCCESS) {
        status = cly_device_fail(code, "clGetPlatformIDs");
        goto done;
    }
    CLY_TRY(cly_base_alloc(found, sizeof(platform_entry), &memory));
    platforms = memory;
    for (cl_uint i = 0; i < found; i++) {
        platform_entry *platform = &platforms[i];
        platform->platform = ids[i];
        platform_text(ids[i], CL_PLATFORM_NAME, platform->info.name);
        platform_text(ids[i], CL_PLATFORM_VENDOR, platform->info.vendor);
        platform_text(ids[i], CL_PLATFORM_VERSION, platform->info.version);
        CLY_TRY(add_devices(ids[i], (int)i, &entries, &count, &capacity, platform->info.problem,
                            &platform->info.device_count));
    }
    *platforms_out = platforms;
    *platform_count_out = found;
    *entries_out = entries;
    *count_out = count;
    platforms = NULL;
    entries = NULL;
done:
    free(ids);
    free(platforms);
    free(entries);
    return status;
}

clayer_status cly_device_list(cly_device_entry **entries_out, size_t *count_out, cly_base_text *problems) {
    platform_entry *platforms = NULL;
    cly_device_entry *entries = NULL;
    size_t platform_count = 0, count = 0;
    clayer_status status = CLAYER_OK;
    CLY_TRY(enumerate(&platforms, &platform_count, &entries, &count));
    for (size_t i = 0; problems != NULL && i < platform_count; i++) {
        const clayer_platform_info *info = &platforms[i].info;
        if (info->problem[0] != '\0') {
            CLY_TRY(cly_base_text_add(problems, "%s%s (%s)", problems->length > 0 ? ", " : "",
                                      info->name[0] != '\0' ? info->name : "a platform without a name", info->problem));
        }
    }
    *entries_out = entries;
    *count_out = count;
    entries = NULL;
done:
    free(platforms);
    free(entries);
    return status;
}

clayer_status clayer_get_platforms(clayer_platform_info *platforms, size_t capacity, size_t *count_out) {
    if (count_out == NULL || (platforms == NULL && capacity > 0)) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_get_platforms: a pointer is NULL");
    }
    platform_entry *found = NULL;
    cly_device_entry *entries = NULL;
    size_t count = 0, device_count = 0;
    clayer_status status = enumerate(&found, &count, &entries, &device_count);
    if (status == CLAYER_OK) {
        for (size_t i = 0; i < count && i < capacity; i++) {
            platforms[i] = found[i].info;
        }
        *count_out = count;
        free(found);
        free(entries);
    }
    return status;
}

clayer_status clayer_get_devices(clayer_device_info *devices, size_t capacity, size_t *count_out) {
    if (count_out == NULL || (devices == NULL && capacity > 0)) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_get_devices: a pointer is NULL");
    }
    cly_device_entry *entries = NULL;
    size_t count = 0;
    clayer_status status = cly_device_list(&entries, &count, NULL);
    if (status == CLAYER_OK) {
        for (size_t i = 0; i < count && i < capacity; i++) {
            devices[i] = entries[i].info;
        }
        *count_out = count;
        free(entries);
    }
    return status;
}
