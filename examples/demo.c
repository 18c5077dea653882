/* demo.c: runs a network that Keras trained on the 10,000 test images of Fashion-MNIST, on any OpenCL device, and
 * compares the number it classifies correctly with Keras' own. Draws a sheet of pictures with the answers.
 *
 *     clayer_demo [--device INDEX|NAME-PART] [--data FOLDER] [--sheet FILE.png] [-v] */
#include <clayer/clayer.h>

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "demo_sheet.h"

enum { BATCH = 128, CLASSES = 10, PICTURES = 40 };

typedef struct settings {
    const char *device, *model, *expected, *data, *sheet;
    bool verbose;
} settings;

/* Everything the demonstration holds; destroyed in one place. */
typedef struct demo {
    clayer_context *context;
    clayer_model *model;
    clayer_array *images, *labels, *x, *y; /* uint8 (N, 28, 28), uint8 (N), float32 (N, 28, 28, 1) and (N, 10) */
} demo;

static bool complain(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("clayer_demo: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return false;
}

static double seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* ---- data ---- */

static bool load_idx(const char *folder, const char *name, clayer_array **array_out) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (clayer_array_load(path, array_out) != CLAYER_OK) {
        return complain(
            "%s (the images are in Debian's package dataset-fashion-mnist; --data FOLDER names another place)",
            clayer_last_error());
    }
    return true;
}

/* The test images as the network was trained on them: pixels divided by 255, one channel. */
static bool load_data(const char *folder, demo *d) {
    if (!load_idx(folder, "t10k-images-idx3-ubyte.gz", &d->images) ||
        !load_idx(folder, "t10k-labels-idx1-ubyte.gz", &d->labels)) {
        return false;
    }
    const clayer_shape *images = clayer_array_get_shape(d->images), *labels = clayer_array_get_shape(d->labels);
    if (clayer_array_get_type(d->images) != CLAYER_UINT8 || clayer_array_get_type(d->labels) != CLAYER_UINT8 ||
        images->rank != 3 || images->dims[1] != 28 || images->dims[2] != 28 || labels->rank != 1 ||
        labels->dims[0] != images->dims[0] || images->dims[0] < 1) {
        return complain("'%s' does not hold Fashion-MNIST: expects bytes (N, 28, 28) and N labels", folder);
    }
    if (clayer_array_create(CLAYER_FLOAT32, 4, (int64_t[]){images->dims[0], 28, 28, 1}, &d->x) != CLAYER_OK) {
        return complain("%s", clayer_last_error());
    }
    const unsigned char *bytes = clayer_array_get_const_data(d->images);
    float *pixels = clayer_array_get_data(d->x);
    for (int64_t i = 0; i < clayer_array_get_count(d->images); i++) {
        pixels[i] = (float)bytes[i] / 255.0f;
    }
    return true;
}

/* The line "correct N" that was written when Keras evaluated the network. */
static bool read_expected(const char *path, int64_t *correct_out) {
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return complain("cannot read '%s': %s", path, strerror(errno));
    }
    bool found = false;
    char line[256];
    while (!found && fgets(line, sizeof line, file) != NULL) {
        found = sscanf(line, "correct %" SCNd64, correct_out) == 1;
    }
    fclose(file);
    return found || complain("'%s' has no line \"correct N\"", path);
}

/* ---- running ---- */

static void log_line(clayer_log_level level, const char *message, void *data) {
    if (level != CLAYER_LOG_INFO || *(const bool *)data) {
        fprintf(stderr, "clayer_demo: %s\n", message);
    }
}

static bool open_model(const settings *options, demo *d) {
    const clayer_context_config config = {.struct_size = sizeof config,
                                          .device = options->device,
                                          .log = log_line,
                                          .log_data = (void *)&options->verbose};
    clayer_device_info device;
    if (clayer_context_create(&config, &d->context) != CLAYER_OK ||
        clayer_context_get_device(d->context, &device) != CLAYER_OK ||
        clayer_model_load(d->context, options->model, &d->model) != CLAYER_OK) {
        return complain("%s", clayer_last_error());
    }
    printf("Device: %s (%s)\nModel:  %s\n", device.name, device.platform, options->model);
    fflush(stdout);
    return true;
}

/* A bar on a terminal, four plain lines elsewhere. */
static bool show_progress(int64_t done, int64_t total, void *data) {
    static const char marks[] = "########################################";
    int64_t *quarter = data;
    if (isatty(STDERR_FILENO)) {
        fprintf(stderr, "\r%6" PRId64 "/%" PRId64 " [%-40.*s]%s", done, total, (int)(40 * done / total), marks,
                done == total ? "\n" : "");
        fflush(stderr);
    } else if (4 * done / total > *quarter) {
        *quarter = 4 * done / total;
        fprintf(stderr, "%" PRId64 "/%" PRId64 "\n", done, total);
    }
    return true;
}

/* The first batch compiles the programs and is not timed. */
static bool warm_up(demo *d) {
    clayer_array *x = NULL, *y = NULL;
    const clayer_predict_config config = {.struct_size = sizeof config, .batch_size = BATCH};
    clayer_status status = clayer_array_create(CLAYER_FLOAT32, 4, (int64_t[]){BATCH, 28, 28, 1}, &x);
    double start = seconds();
    if (status == CLAYER_OK) {
        status = clayer_model_predict(d->model, &x, 1, &config, &y);
    }
    clayer_array_destroy(x);
    clayer_array_destroy(y);
    if (status != CLAYER_OK) {
        return complain("%s", clayer_last_error());
    }
    printf("First batch, with getting the programs ready: %.2f s\n", seconds() - start);
    fflush(stdout);
    return true;
}

static bool predict(demo *d, double *seconds_out) {
    int64_t quarter = 0;
    const clayer_predict_config config = {
        .struct_size = sizeof config, .batch_size = BATCH, .progress = show_progress, .progress_data = &quarter};
    double start = seconds();
    if (clayer_model_predict(d->model, &d->x, 1, &config, &d->y) != CLAYER_OK) {
        return complain("%s", clayer_last_error());
    }
    *seconds_out = seconds() - start;
    const clayer_shape *shape = clayer_array_get_shape(d->y);
    return (shape->rank == 2 && shape->dims[1] == CLASSES) || complain("the model's output is not (N, 10)");
}

/* ---- results ---- */

static int predicted_class(const demo *d, int64_t image) {
    const float *y = (const float *)clayer_array_get_const_data(d->y) + CLASSES * image;
    int best = 0;
    for (int c = 1; c < CLASSES; c++) {
        if (y[c] > y[best]) {
            best = c;
        }
    }
    return best;
}

static bool draw_sheet(const demo *d, const char *path, int64_t correct) {
    const unsigned char *pixels = clayer_array_get_const_data(d->images);
    const unsigned char *labels = clayer_array_get_const_data(d->labels);
    int64_t total = clayer_array_get_count(d->labels);
    demo_picture pictures[PICTURES];
    size_t count = total < PICTURES ? (size_t)total : PICTURES;
    for (size_t i = 0; i < count; i++) {
        pictures[i] = (demo_picture){pixels + 28 * 28 * i, predicted_class(d, (int64_t)i), labels[i]};
    }
    char title[128];
    snprintf(title, sizeof title, "Fashion-MNIST: %" PRId64 " of %" PRId64 " correct, the first %zu", correct, total,
             count);
    if (demo_write_sheet(path, title, pictures, count) != 0) {
        return complain("cannot write '%s': %s", path, strerror(errno));
    }
    printf("Sheet:  %s\n", path);
    return true;
}

static void print_counters(const demo *d) {
    clayer_counters counters;
    if (clayer_context_get_counters(d->context, &counters) == CLAYER_OK) {
        printf("Programs: %" PRIu64 " built, %" PRIu64 " loaded, %" PRIu64
               " reused, %.1f ms; GEMM library %.1f ms; "
               "%" PRIu64 " launches; %.1f MiB on the device at the peak\n",
               counters.programs_built, counters.programs_loaded, counters.programs_reused, counters.program_ms,
               counters.gemm_ms, counters.launches, (double)counters.device_bytes_peak / 1048576);
    }
}

static bool run(const settings *options, demo *d) {
    int64_t expected = 0, correct = 0;
    double elapsed = 0;
    if (!read_expected(options->expected, &expected) || !load_data(options->data, d) || !open_model(options, d) ||
        !warm_up(d) || !predict(d, &elapsed)) {
        return false;
    }
    const unsigned char *labels = clayer_array_get_const_data(d->labels);
    const int64_t total = clayer_array_get_count(d->labels);
    for (int64_t i = 0; i < total; i++) {
        if (labels[i] >= CLASSES) {
            return complain("label %" PRId64 " is %d, expects 0 to 9", i, labels[i]);
        }
        correct += predicted_class(d, i) == labels[i];
    }
    printf("%" PRId64 " images in %.2f s: %.0f images per second\n", total, elapsed, (double)total / elapsed);
    printf("Accuracy: %.2f %%\n", 100 * (double)correct / (double)total);
    printf("Keras: %" PRId64 " correct, clayer: %" PRId64 " correct\n", expected, correct);
    if (options->verbose) {
        print_counters(d);
    }
    bool drawn = draw_sheet(d, options->sheet, correct);
    return (correct == expected || complain("the numbers differ")) && drawn;
}

int main(int argc, char **argv) {
    static const struct option longs[] = {
        {"device", required_argument, NULL, 'd'},   {"model", required_argument, NULL, 'm'},
        {"expected", required_argument, NULL, 'e'}, {"data", required_argument, NULL, 'i'},
        {"sheet", required_argument, NULL, 's'},    {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0}};
    settings options = {.model = DEMO_MODEL,
                        .expected = DEMO_EXPECTED,
                        .sheet = DEMO_SHEET,
                        .data = "/usr/share/datasets/fashion-mnist"};
    int option;
    while ((option = getopt_long(argc, argv, "vh", longs, NULL)) != -1) {
        switch (option) {
            case 'd':
                options.device = optarg;
                break;
            case 'm':
                options.model = optarg;
                break;
            case 'e':
                options.expected = optarg;
                break;
            case 'i':
                options.data = optarg;
                break;
            case 's':
                options.sheet = optarg;
                break;
            case 'v':
                options.verbose = true;
                break;
            default:
                printf(
                    "usage: clayer_demo [--device INDEX|NAME-PART] [--data FOLDER] [--sheet FILE.png]\n"
                    "                   [--model FILE --expected FILE] [-v]\n");
                return option == 'h' ? 0 : 2;
        }
    }
    demo d = {NULL, NULL, NULL, NULL, NULL, NULL};
    bool done = run(&options, &d);
    clayer_array_destroy(d.y);
    clayer_array_destroy(d.x);
    clayer_array_destroy(d.labels);
    clayer_array_destroy(d.images);
    clayer_model_destroy(d.model);
    clayer_context_destroy(d.context);
    return done ? 0 : 1;
}
