/* cli/devices.c: `clayer devices`: every OpenCL platform and device, with what matters to this library. */
#include "cli.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct listing {
    clayer_platform_info *platforms;
    size_t platform_count;
    clayer_device_info *devices;
    size_t device_count;
    int chosen;       /* the index that --device, CLAYER_DEVICE or the default means; -1: none */
    bool only_chosen; /* --device was given */
    bool check_gemm;
} listing;

static int load_listing(listing *list) {
    clayer_status status = clayer_get_platforms(NULL, 0, &list->platform_count);
    if (status == CLAYER_OK) {
        status = clayer_get_devices(NULL, 0, &list->device_count);
    }
    if (status != CLAYER_OK) {
        return cly_cli_fail_status(status);
    }
    list->platforms = calloc(list->platform_count + 1, sizeof *list->platforms);
    list->devices = calloc(list->device_count + 1, sizeof *list->devices);
    if (list->platforms == NULL || list->devices == NULL) {
        return cly_cli_fail(CLY_EXIT_MEMORY, "out of memory for the list of devices");
    }
    /* What appeared since the first look is left out. */
    size_t platforms = list->platform_count, devices = list->device_count;
    status = clayer_get_platforms(list->platforms, platforms, &list->platform_count);
    if (status == CLAYER_OK) {
        status = clayer_get_devices(list->devices, devices, &list->device_count);
    }
    if (status != CLAYER_OK) {
        return cly_cli_fail_status(status);
    }
    list->platform_count = list->platform_count < platforms ? list->platform_count : platforms;
    list->device_count = list->device_count < devices ? list->device_count : devices;
    return CLY_EXIT_DONE;
}

/* Which device a verb would open with these options. */
static int find_chosen(const cly_cli_options *options, listing *list) {
    const clayer_context_config config = {.struct_size = sizeof config, .device = options->device, .no_cache = true};
    clayer_context *context = NULL;
    list->chosen = -1;
    clayer_status status = clayer_context_create(&config, &context);
    if (status == CLAYER_OK) {
        clayer_device_info info;
        status = clayer_context_get_device(context, &info);
        list->chosen = status == CLAYER_OK ? info.index : -1;
        clayer_context_destroy(context);
    }
    /* A device that does not open is still worth listing, unless it is the one asked for. */
    return status != CLAYER_OK && options->device != NULL ? cly_cli_fail_status(status) : CLY_EXIT_DONE;
}

/* The verdict of the guarded GEMM check; a device that does not open says why. */
static void check_gemm(int index, clayer_gemm_report *report) {
    char number[16];
    snprintf(number, sizeof number, "%d", index);
    const clayer_context_config config = {.struct_size = sizeof config, .device = number};
    clayer_context *context = NULL;
    clayer_status status = clayer_context_create(&config, &context);
    if (status == CLAYER_OK) {
        status = clayer_context_check_gemm(context, report);
        clayer_context_destroy(context);
    }
    if (status != CLAYER_OK) {
        *report = (clayer_gemm_report){.verdict = CLAYER_GEMM_OWN};
        snprintf(report->detail, sizeof report->detail, "not checked: %.200s", clayer_last_error());
    }
}

static const char *type_name(clayer_device_type type) {
    static const char *const names[] = {"other", "CPU", "accelerator", "GPU"};
    return names[type];
}

static void print_device(const listing *list, const clayer_device_info *device) {
    char memory[32], allocation[32], local[32];
    printf("  Device %d: %s%s%s\n", device->index, device->name,
           device->index == list->chosen && !list->only_chosen ? " (default)" : "",
           device->available ? "" : " (not available)");
    printf("    type          %s, %" PRIu32 " compute units", type_name(device->type), device->compute_units);
    if (device->clock_mhz > 0) {
        printf(" at %" PRIu32 " MHz", device->clock_mhz);
    }
    printf("\n    driver        %s, %s\n", device->driver, device->opencl_version);
    printf("    memory        %s, largest buffer %s\n",
           cly_cli_format_bytes(device->global_memory_bytes, memory, sizeof memory),
           cly_cli_format_bytes(device->max_allocation_bytes, allocation, sizeof allocation));
    printf("    local memory  %s\n", cly_cli_format_bytes(device->local_memory_bytes, local, sizeof local));
    printf("    work-group    up to %zu work-items\n", device->max_work_group_size);
    printf("    fp16 / fp64   %s / %s\n", device->fp16 ? "yes" : "no", device->fp64 ? "yes" : "no");
    if (list->check_gemm) {
        clayer_gemm_report report;
        check_gemm(device->index, &report);
        printf("    GEMM          %s (%s)\n", report.verdict == CLAYER_GEMM_LIBRARY ? "CLBlast" : "own kernel",
               report.detail);
    }
}

static void print_text(const listing *list) {
    for (size_t p = 0; p < list->platform_count; p++) {
        const clayer_platform_info *platform = &list->platforms[p];
        bool titled = false;
        if (!list->only_chosen) {
            printf("Platform %zu: %s, %s\n", p, platform->name, platform->version);
            titled = true;
            if (platform->problem[0] != '\0') {
                printf("  %s\n", platform->problem);
            }
        }
        for (size_t d = 0; d < list->device_count; d++) {
            const clayer_device_info *device = &list->devices[d];
            if (device->platform_index != (int)p || (list->only_chosen && device->index != list->chosen)) {
                continue;
            }
            if (!titled) {
                printf("Platform %zu: %s, %s\n", p, platform->name, platform->version);
                titled = true;
            }
            print_device(list, device);
        }
    }
}

static void print_field(const char *name, const char *text) {
    printf("\"%s\": ", name);
    cly_cli_print_json(stdout, text);
    fputs(", ", stdout);
}

static void print_device_json(const listing *list, const clayer_device_info *device) {
    printf("{\"index\": %d, \"platform_index\": %d, ", device->index, device->platform_index);
    print_field("type", type_name(device->type));
    print_field("name", device->name);
    print_field("vendor", device->vendor);
    print_field("driver", device->driver);
    print_field("opencl_version", device->opencl_version);
    print_field("platform", device->platform);
    printf("\"default\": %s, \"available\": %s, \"global_memory_bytes\": %" PRIu64
           ", \"max_allocation_bytes\": %" PRIu64 ", \"local_memory_bytes\": %" PRIu64
           ", \"max_work_group_size\": %zu, \"compute_units\": %" PRIu32 ", \"clock_mhz\": %" PRIu32
           ", \"fp16\": %s, \"fp64\": %s, \"gemm\": ",
           device->index == list->chosen ? "true" : "false", device->available ? "true" : "false",
           device->global_memory_bytes, device->max_allocation_bytes, device->local_memory_bytes,
           device->max_work_group_size, device->compute_units, device->clock_mhz, device->fp16 ? "true" : "false",
           device->fp64 ? "true" : "false");
    if (list->check_gemm) {
        clayer_gemm_report report;
        check_gemm(device->index, &report);
        printf("{\"verdict\": \"%s\", \"detail\": ", report.verdict == CLAYER_GEMM_LIBRARY ? "library" : "own");
        cly_cli_print_json(stdout, report.detail);
        fputs("}}", stdout);
    } else {
        fputs("null}", stdout);
    }
}

static void print_json(const listing *list) {
    fputs("{\n  \"platforms\": [", stdout);
    for (size_t p = 0; p < list->platform_count; p++) {
        const clayer_platform_info *platform = &list->platforms[p];
        printf("%s\n    {\"index\": %zu, ", p > 0 ? "," : "", p);
        print_field("name", platform->name);
        print_field("vendor", platform->vendor);
        print_field("version", platform->version);
        print_field("problem", platform->problem);
        printf("\"device_count\": %d}", platform->device_count);
    }
    fputs("\n  ],\n  \"devices\": [", stdout);
    bool first = true;
    for (size_t d = 0; d < list->device_count; d++) {
        if (!list->only_chosen || list->devices[d].index == list->chosen) {
            fputs(first ? "\n    " : ",\n    ", stdout);
            print_device_json(list, &list->devices[d]);
            first = false;
        }
    }
    fputs("\n  ]\n}\n", stdout);
}

static int run_devices(int argc, char **argv) {
    static const struct option longs[] = {
        CLY_CLI_COMMON_OPTIONS, CLY_CLI_JSON_OPTION, {"no-gemm-check", no_argument, NULL, 'n'}, {NULL, 0, NULL, 0}};
    cly_cli_options options = {.device = NULL};
    listing list = {.check_gemm = true};
    for (;;) {
        int option = cly_cli_next_option(&cly_cli_devices, argc, argv, ":vh", longs, &options);
        if (option == CLY_CLI_STOP) {
            return options.exit_status;
        }
        if (option == CLY_CLI_END) {
            break;
        }
        list.check_gemm = false;
    }
    if (optind < argc) {
        return cly_cli_usage(&cly_cli_devices, "unexpected argument '%s'", argv[optind]);
    }
    list.only_chosen = options.device != NULL;
    int status = load_listing(&list);
    if (status == CLY_EXIT_DONE) {
        status = find_chosen(&options, &list);
    }
    if (status == CLY_EXIT_DONE) {
        options.json ? print_json(&list) : print_text(&list);
        if (list.device_count == 0) {
            status = cly_cli_fail(CLY_EXIT_DEVICE,
                                  "no OpenCL device: install a driver, such as pocl-opencl-icd for the CPU");
        }
    }
    free(list.platforms);
    free(list.devices);
    return status;
}

const cly_cli_verb cly_cli_devices = {
    .name = "devices",
    .purpose = "lists OpenCL platforms and devices",
    .help =
        "usage: clayer devices [--device INDEX|NAME-PART] [--json] [--no-gemm-check]\n"
        "\n"
        "Lists every OpenCL platform and device: type, driver, memory, limits, fp16 and fp64,\n"
        "and whether CLBlast's matrix product passes a guarded check there. The number of a\n"
        "device, or a part of its name, is what --device takes in every verb.\n"
        "\n"
        "  --device INDEX|NAME-PART  list this device only\n"
        "  --json                    print a JSON object with \"platforms\" and \"devices\"\n"
        "  --no-gemm-check           do not check the matrix product, which compiles kernels\n"
        "\n"
        "Exit status 4 if there is no device.\n",
    .run = run_devices,
};
