/* train/fit_cases.h: the nets that Keras trained in tests/golden/fit or tests/golden/networks (see make_fit.py), with
 * what it made of them. */
#ifndef TEST_TRAIN_FIT_CASES_H
#define TEST_TRAIN_FIT_CASES_H

#include <stdbool.h>

#include <clayer/train.h>

#define FIT_OUTPUTS 4
#define FIT_NAMES 24

typedef struct fit_case {
    char name[64], model[96], optimizer[256], schedule[256];
    struct {
        char loss[128]; /* "": none */
        double weight;
        char *metrics[8], *weighted_metrics[8]; /* NULL-ended */
        char metrics_text[256], weighted_text[256];
    } outputs[FIT_OUTPUTS];
    size_t output_count;
    int64_t batch_size, epochs, steps_per_epoch, validation_freq, iterations;
    double validation_split;
    double class_weight[8];
    size_t class_weight_count;
    char *names[FIT_NAMES], *evaluate[FIT_NAMES]; /* of the logs, NULL-ended */
    char names_text[1024], evaluate_text[1024];
    clayer_archive *arrays;
} fit_case;

/* How many there are; 0 without the file. For loops of tests, made before any test runs. */
size_t fit_cases_count(void);

/* Reads all cases; the test fails if that cannot be done. Freed by fit_cases_free. */
size_t fit_cases_read(fit_case **cases_out);
void fit_cases_free(fit_case *cases, size_t count);

/* tests/golden/fit/<file>, or of the other folder. */
void fit_path(const char *file, char *path, size_t size);

/* The net of a case with its weights before training, not compiled by us. */
clayer_model *fit_load(clayer_context *context, const fit_case *c);
/* Compiles it as Keras compiled it. */
void fit_compile(clayer_model *model, const fit_case *c);

/* Arrays of a case: x0, x1, ...; a NULL where there is none. */
typedef struct fit_data {
    const clayer_array *x[FIT_OUTPUTS], *y[FIT_OUTPUTS], *weights[FIT_OUTPUTS];
    clayer_dataset dataset;
} fit_data;
/* `prefix` "" or "v" (validation); false: the case has none. `data` must not move. */
bool fit_get_data(const fit_case *c, const char *prefix, fit_data *data);
clayer_fit_config fit_get_config(const fit_case *c, const fit_data *validation);

/* How far the weights of `model` are from those of the case, as a part of how far Keras moved them: the worst weight's
 * RMS ratio. */
double fit_distance(clayer_model *model, const fit_case *c);

#endif
