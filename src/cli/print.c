/* cli/print.c: JSON text, sizes and shapes for people, the progress bar, the profile of a run. */
#include "cli.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The length of the UTF-8 sequence at `c`, or 0 if there is no valid one. */
static int utf8_length(const unsigned char *c) {
    int length = c[0] < 0x80                   ? 1
                 : c[0] >= 0xc2 && c[0] < 0xe0 ? 2
                 : c[0] >= 0xe0 && c[0] < 0xf0 ? 3
                 : c[0] >= 0xf0 && c[0] < 0xf5 ? 4
                                               : 0;
    for (int i = 1; i < length; i++) {
        if ((c[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return length;
}

void cly_cli_print_json(FILE *stream, const char *text) {
    putc('"', stream);
    const unsigned char *c = (const unsigned char *)text;
    while (*c != '\0') {
        int length = utf8_length(c);
        if (length == 0) {
            fputs("\\ufffd", stream);
            c++;
        } else if (length == 1 && (*c < ' ' || *c == '"' || *c == '\\')) {
            fprintf(stream, "\\u%04x", (unsigned)*c);
            c++;
        } else {
            fwrite(c, 1, (size_t)length, stream);
            c += length;
        }
    }
    putc('"', stream);
}

void cly_cli_print_json_number(double value) {
    isfinite(value) ? printf("%.9g", value) : fputs("null", stdout);
}

const char *cly_cli_format_bytes(uint64_t bytes, char *text, size_t capacity) {
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) {
        snprintf(text, capacity, "%" PRIu64 " bytes", bytes);
        return text;
    }
    double value = (double)bytes / 1024;
    int unit = 0;
    while (value >= 1023.95 && unit < 5) {
        value /= 1024;
        unit++;
    }
    snprintf(text, capacity, "%.1f %s", value, units[unit]);
    return text;
}

const char *cly_cli_format_shape(const clayer_shape *shape, char *text, size_t capacity) {
    size_t length = (size_t)snprintf(text, capacity, "(");
    for (int i = 0; i < shape->rank && length < capacity; i++) {
        const char *comma = i > 0 ? ", " : "";
        length += (size_t)(shape->dims[i] < 0
                               ? snprintf(text + length, capacity - length, "%sNone", comma)
                               : snprintf(text + length, capacity - length, "%s%" PRId64, comma, shape->dims[i]));
    }
    if (length < capacity) {
        snprintf(text + length, capacity - length, shape->rank == 1 ? ",)" : ")");
    }
    return text;
}

double cly_cli_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

bool cly_cli_show_progress(int64_t done, int64_t total, void *data) {
    enum { WIDTH = 30 };
    cly_cli_progress *progress = data;
    double now = cly_cli_now();
    if (progress->started == 0) {
        progress->started = now;
    }
    if (isatty(STDERR_FILENO) && (now - progress->shown >= 0.1 || done == total)) {
        char bar[WIDTH + 1];
        int filled = total > 0 ? (int)((double)done / (double)total * WIDTH) : WIDTH;
        memset(bar, '=', (size_t)filled);
        memset(bar + filled, '.', (size_t)(WIDTH - filled));
        bar[WIDTH] = '\0';
        fprintf(stderr, "\r%" PRId64 "/%" PRId64 " [%s] %.1f s ", done, total, bar, now - progress->started);
        fflush(stderr);
        progress->shown = now;
        progress->drawn = true;
    }
    return !cly_cli_interrupted;
}

void cly_cli_end_progress(cly_cli_progress *progress) {
    if (progress->drawn) {
        fputc('\n', stderr);
        progress->drawn = false;
    }
}

/* ---- profile ---- */

static void print_layer_json(const clayer_layer *layer, const clayer_layer_profile *profile, bool first) {
    fputs(first ? "\n    {\"layer\": " : ",\n    {\"layer\": ", stdout);
    cly_cli_print_json(stdout, clayer_layer_get_name(layer));
    fputs(", \"class\": ", stdout);
    cly_cli_print_json(stdout, clayer_layer_get_class_name(layer));
    fputs(", \"operator\": ", stdout);
    cly_cli_print_json(stdout, profile->operator_name);
    fputs(", \"implementation\": ", stdout);
    cly_cli_print_json(stdout, profile->implementation);
    printf(", \"workspace_bytes\": %" PRIu64 ", \"device_ms\": ", profile->workspace_bytes);
    profile->device_ms < 0 ? fputs("null}", stdout) : printf("%.6f}", profile->device_ms);
}

static void print_layer(const clayer_layer *layer, const clayer_layer_profile *profile, bool first) {
    char workspace[32], ms[32];
    if (first) {
        printf("%-24s %-22s %-15s %-14s %12s %10s\n", "Layer", "Class", "Operator", "Implementation", "Workspace",
               "ms");
    }
    snprintf(ms, sizeof ms, "%.3f", profile->device_ms);
    printf("%-24s %-22s %-15s %-14s %12s %10s\n", clayer_layer_get_name(layer), clayer_layer_get_class_name(layer),
           profile->operator_name[0] != '\0' ? profile->operator_name : "-",
           profile->implementation[0] != '\0' ? profile->implementation : "-",
           profile->workspace_bytes > 0 ? cly_cli_format_bytes(profile->workspace_bytes, workspace, sizeof workspace)
                                        : "-",
           profile->device_ms >= 0 ? ms : "-");
}

static void print_counters(const clayer_counters *counters, bool json) {
    const char *format = json ? "  \"counters\": {\"programs_built\": %" PRIu64 ", \"programs_loaded\": %" PRIu64
                                ", \"programs_reused\": %" PRIu64 ", \"programs_replaced\": %" PRIu64
                                ", \"program_ms\": %.3f, \"gemm_ms\": %.3f, \"launches\": %" PRIu64
                                ", \"bytes_written\": %" PRIu64 ", \"bytes_read\": %" PRIu64
                                ", \"device_bytes_peak\": %" PRIu64 "}\n}\n"
                              : "\nprograms built %" PRIu64 ", loaded %" PRIu64 ", reused %" PRIu64
                                ", replaced %" PRIu64 "\nprogram_ms %.1f, gemm_ms %.1f\nlaunches %" PRIu64
                                "\nbytes written %" PRIu64 ", read %" PRIu64 "\ndevice bytes at the peak %" PRIu64 "\n";
    printf(format, counters->programs_built, counters->programs_loaded, counters->programs_reused,
           counters->programs_replaced, counters->program_ms, counters->gemm_ms, counters->launches,
           counters->bytes_written, counters->bytes_read, counters->device_bytes_peak);
}

int cly_cli_print_profile(clayer_model *model, clayer_context *context, const cly_cli_score *score, bool json) {
    clayer_device_info device;
    clayer_counters counters;
    clayer_status status = clayer_context_get_device(context, &device);
    if (status == CLAYER_OK) {
        status = clayer_context_get_counters(context, &counters);
    }
    if (status != CLAYER_OK) {
        return cly_cli_fail_status(status);
    }
    if (json) {
        fputs("{\n  \"device\": ", stdout);
        cly_cli_print_json(stdout, device.name);
        if (score != NULL) {
            printf(",\n  \"accuracy\": %.9g, \"correct\": %" PRId64 ", \"total\": %" PRId64 ", \"loss\": %.9g",
                   (double)score->correct / (double)score->total, score->correct, score->total, score->loss);
        }
        fputs(",\n  \"layers\": [", stdout);
    }
    bool first = true;
    for (size_t i = 0; i < clayer_model_get_layer_count(model); i++) {
        clayer_layer *layer = clayer_model_get_layer(model, i);
        clayer_layer_profile profile;
        if (strcmp(clayer_layer_get_class_name(layer), "InputLayer") == 0) {
            continue;
        }
        status = clayer_layer_get_profile(layer, &profile);
        if (status != CLAYER_OK) {
            return cly_cli_fail_status(status);
        }
        json ? print_layer_json(layer, &profile, first) : print_layer(layer, &profile, first);
        first = false;
    }
    if (json) {
        fputs("\n  ],\n", stdout);
    }
    print_counters(&counters, json);
    return CLY_EXIT_DONE;
}
