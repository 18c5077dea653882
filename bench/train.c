/* bench/train.c: images per second of training, beside Keras on TensorFlow, interleaved: the net of examples/train.c,
 * batches of 128, by fit on arrays in host memory on both sides.
 *
 * usage: clayer_bench_train [--python PATH] [--steps N] [--rounds N] [--threads N]; the device is chosen by
 * CLAYER_DEVICE. PATH is a Python that has Keras and TensorFlow; without it only our rate is printed. A round is N
 * steps of each. Prints each round and the medians; the ratio is ours / theirs (above 1: ours is faster). The first
 * round gets programs ready on both sides and is left out. */
#include <clayer/clayer.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

extern char **environ;

enum { BATCH = 128, PIXELS = 28 * 28, ROUNDS = 100 };

/* A Python that trains as many steps as it is told: bench/train_keras.py. */
typedef struct peer {
    pid_t process;
    FILE *to, *from;
} peer;

static bool complain(const char *what, int code) {
    fprintf(stderr, "clayer_bench_train: %s: %s\n", what, strerror(code));
    return false;
}

/* ---- the peer ---- */

static bool start_peer(const char *python, const char *threads, peer *with) {
    int in[2], out[2];
    char script[] = BENCH_TRAIN_KERAS, line[256];
    char *const argv[] = {(char *)(uintptr_t)python, script, (char *)(uintptr_t)threads, NULL};
    posix_spawn_file_actions_t actions;
    if (pipe(in) != 0 || pipe(out) != 0) {
        return complain("pipe", errno);
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, in[1]);
    posix_spawn_file_actions_addclose(&actions, out[0]);
    int code = posix_spawnp(&with->process, python, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    if (code != 0) {
        return complain(python, code);
    }
    with->to = fdopen(in[1], "w");
    with->from = fdopen(out[0], "r");
    if (with->to == NULL || with->from == NULL || fgets(line, sizeof line, with->from) == NULL) {
        fprintf(stderr, "clayer_bench_train: %s did not start: has it Keras and TensorFlow?\n", python);
        return false;
    }
    printf("peer: %s", line);
    return true;
}

static bool run_peer(peer *with, int64_t steps, double *seconds_out) {
    char line[64];
    fprintf(with->to, "%" PRId64 "\n", steps);
    if (fflush(with->to) != 0 || fgets(line, sizeof line, with->from) == NULL ||
        sscanf(line, "%lf", seconds_out) != 1) {
        fprintf(stderr, "clayer_bench_train: the Python of the peer ended\n");
        return false;
    }
    return true;
}

static void stop_peer(peer *with) {
    if (with->to != NULL) {
        fclose(with->to);
    }
    if (with->from != NULL) {
        fclose(with->from);
    }
    if (with->process > 0) {
        waitpid(with->process, NULL, 0);
    }
}

/* ---- ours ---- */

static int build(clayer_model *model) {
    const clayer_conv_config first = {
        .struct_size = sizeof first, .filters = 16, .kernel_size = {3}, .activation = "relu"};
    const clayer_conv_config second = {
        .struct_size = sizeof second, .filters = 32, .kernel_size = {3}, .activation = "relu"};
    const clayer_dense_config hidden = {.struct_size = sizeof hidden, .units = 64, .activation = "relu"};
    const clayer_dense_config output = {.struct_size = sizeof output, .units = 10, .activation = "softmax"};
    const clayer_compile_config compile = {.struct_size = sizeof compile,
                                           .optimizer = "adam(learning_rate=0.003)",
                                           .loss = "sparse_categorical_crossentropy",
                                           .metrics = (const char *const[]){"accuracy", NULL}};
    return clayer_add_input(model, 3, (int64_t[]){28, 28, 1}, NULL) || clayer_add_conv2d(model, NULL, &first, NULL) ||
           clayer_add_max_pooling2d(model, NULL, NULL, NULL) || clayer_add_conv2d(model, NULL, &second, NULL) ||
           clayer_add_max_pooling2d(model, NULL, NULL, NULL) || clayer_add_flatten(model, NULL, NULL, NULL) ||
           clayer_add_dense(model, NULL, &hidden, NULL) || clayer_add_dense(model, NULL, &output, NULL) ||
           clayer_model_compile(model, &compile);
}

/* Numbers that look like pictures, and labels. */
static int make_data(int64_t samples, clayer_array **x, clayer_array **y) {
    if (clayer_array_create(CLAYER_FLOAT32, 4, (int64_t[]){samples, 28, 28, 1}, x) != CLAYER_OK ||
        clayer_array_create(CLAYER_UINT8, 1, &samples, y) != CLAYER_OK) {
        return 1;
    }
    uint32_t state = 1;
    float *pixels = clayer_array_get_data(*x);
    for (int64_t i = 0; i < samples * PIXELS; i++) {
        state = state * 1664525u + 1013904223u;
        pixels[i] = (float)(state >> 8) / (float)(1 << 24);
    }
    unsigned char *labels = clayer_array_get_data(*y);
    for (int64_t i = 0; i < samples; i++) {
        state = state * 1664525u + 1013904223u;
        labels[i] = (unsigned char)((state >> 16) % 10);
    }
    return 0;
}

static int run_ours(clayer_model *model, const clayer_array *x, const clayer_array *y, double *seconds_out) {
    const clayer_dataset data = {.struct_size = sizeof data, .x = &x, .y = &y};
    const clayer_fit_config fit = {.struct_size = sizeof fit, .batch_size = BATCH, .no_shuffle = true};
    const double start = bench_now_ms();
    int failed = clayer_model_fit(model, &data, &fit, NULL);
    *seconds_out = (bench_now_ms() - start) / 1e3;
    return failed;
}

/* ---- the comparison ---- */

static int bench(clayer_model *model, peer *with, int64_t steps, int rounds) {
    clayer_array *x = NULL, *y = NULL;
    double ours[ROUNDS], theirs[ROUNDS], ratios[ROUNDS];
    const double images = (double)(steps * BATCH);
    int failed = make_data(steps * BATCH, &x, &y);
    printf("%8s %14s %14s %8s\n", "round", "images/s", with->to != NULL ? "Keras" : "",
           with->to != NULL ? "ratio" : "");
    for (int round = -1; round < rounds && !failed; round++) {
        double mine = 0, other = 0;
        failed = run_ours(model, x, y, &mine) || (with->to != NULL && !run_peer(with, steps, &other));
        if (failed || round < 0) {
            continue;
        }
        ours[round] = images / mine;
        theirs[round] = with->to != NULL ? images / other : 0;
        ratios[round] = with->to != NULL ? other / mine : 0;
        printf("%8d %14.0f", round + 1, ours[round]);
        printf(with->to != NULL ? " %14.0f %8.2f\n" : "\n", theirs[round], ratios[round]);
        fflush(stdout);
    }
    if (!failed) {
        printf("%8s %14.0f", "median", bench_median(ours, rounds));
        printf(with->to != NULL ? " %14.0f %8.2f\n" : "\n", bench_median(theirs, rounds), bench_median(ratios, rounds));
    }
    clayer_array_destroy(x);
    clayer_array_destroy(y);
    return failed;
}

int main(int argc, char **argv) {
    static const struct option longs[] = {{"python", required_argument, NULL, 'p'},
                                          {"steps", required_argument, NULL, 's'},
                                          {"rounds", required_argument, NULL, 'r'},
                                          {"threads", required_argument, NULL, 't'},
                                          {NULL, 0, NULL, 0}};
    const char *python = NULL, *threads = "2";
    int steps = 100, rounds = 5, option;
    while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        python = option == 'p' ? optarg : python;
        steps = option == 's' ? atoi(optarg) : steps;
        rounds = option == 'r' ? atoi(optarg) : rounds;
        threads = option == 't' ? optarg : threads;
    }
    if (steps < 1 || rounds < 1 || rounds > ROUNDS || atoi(threads) < 1) {
        fprintf(stderr, "usage: clayer_bench_train [--python PATH] [--steps N] [--rounds N] [--threads N]\n");
        return 2;
    }
    setenv("POCL_MAX_PTHREAD_COUNT", threads, 0); /* other drivers have settings of their own */
    peer with = {0, NULL, NULL};
    clayer_context *context = NULL;
    clayer_model *model = NULL;
    clayer_device_info device;
    int failed = python != NULL && !start_peer(python, threads, &with);
    if (!failed) {
        failed = clayer_context_create(NULL, &context) || clayer_context_get_device(context, &device) ||
                 clayer_model_create(context, "bench", &model) || build(model);
        if (!failed) {
            printf("device: %s, %s threads, batch %d, %d steps a round\n", device.name, threads, BATCH, steps);
            failed = bench(model, &with, steps, rounds);
        }
        if (failed) {
            fprintf(stderr, "clayer_bench_train: %s\n", clayer_last_error());
        }
    }
    stop_peer(&with);
    clayer_model_destroy(model);
    clayer_context_destroy(context);
    return failed ? 1 : 0;
}
