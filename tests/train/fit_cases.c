/* train/fit_cases.c: reads tests/golden/fit, or another folder of that form: FIT_FOLDER. */
#include "train/fit_cases.h"

#include <check.h>
#include <clayer/model.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/training.h"

#ifndef FIT_FOLDER
#define FIT_FOLDER "fit"
#endif

#define MUST(call) ck_assert_msg((call) == CLAYER_OK, "%s", clayer_last_error())

void fit_path(const char *file, char *path, size_t size) {
    (void)snprintf(path, size, "%s/%s/%s", CLAYER_TEST_DATA, FIT_FOLDER, file);
}

/* Cuts "a,b,c" at its commas; "-" and "" are empty. */
static void split(char *text, char **items, size_t most) {
    size_t count = 0;
    if (strcmp(text, "-") == 0) {
        text[0] = '\0';
    }
    for (char *item = strtok(text, ","); item != NULL; item = strtok(NULL, ",")) {
        ck_assert(count + 1 < most);
        items[count++] = item;
    }
    items[count] = NULL;
}

static void copy(char *to, size_t size, const char *from) {
    ck_assert(strlen(from) < size);
    strcpy(to, from);
}

static void read_output(fit_case *c, char *text) {
    char *loss = strtok(text, " "), *weight = strtok(NULL, " "), *metrics = strtok(NULL, " ");
    char *weighted = strtok(NULL, " ");
    ck_assert(weighted != NULL && c->output_count < FIT_OUTPUTS);
    copy(c->outputs[c->output_count].loss, sizeof(c->outputs[0].loss), strcmp(loss, "None") == 0 ? "" : loss);
    c->outputs[c->output_count].weight = strtod(weight, NULL);
    copy(c->outputs[c->output_count].metrics_text, sizeof(c->outputs[0].metrics_text), metrics);
    copy(c->outputs[c->output_count].weighted_text, sizeof(c->outputs[0].weighted_text), weighted);
    c->output_count++;
}

static void read_line(fit_case *c, const char *key, char *value) {
    if (strcmp(key, "model") == 0) {
        copy(c->model, sizeof(c->model), value);
    } else if (strcmp(key, "optimizer") == 0) {
        copy(c->optimizer, sizeof(c->optimizer), value);
    } else if (strcmp(key, "schedule") == 0) {
        copy(c->schedule, sizeof(c->schedule), value);
    } else if (strcmp(key, "output") == 0) {
        read_output(c, value);
    } else if (strcmp(key, "names") == 0) {
        copy(c->names_text, sizeof(c->names_text), value);
    } else if (strcmp(key, "evaluate") == 0) {
        copy(c->evaluate_text, sizeof(c->evaluate_text), value);
    } else if (strcmp(key, "validation_split") == 0) {
        c->validation_split = strtod(value, NULL);
    } else if (strcmp(key, "class_weight") == 0) {
        for (char *item = strtok(value, ","); item != NULL; item = strtok(NULL, ",")) {
            c->class_weight[c->class_weight_count++] = strtod(item, NULL);
        }
    } else {
        const struct {
            const char *key;
            int64_t *number;
        } numbers[] = {{"batch_size", &c->batch_size},
                       {"epochs", &c->epochs},
                       {"steps_per_epoch", &c->steps_per_epoch},
                       {"validation_freq", &c->validation_freq},
                       {"iterations", &c->iterations}};
        for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
            if (strcmp(key, numbers[i].key) == 0) {
                *numbers[i].number = strtoll(value, NULL, 10);
                return;
            }
        }
        ck_abort_msg("cases.txt: unknown key '%s'", key);
    }
}

/* Pointers into the case's own text, once it does not move any more. */
static void finish(fit_case *c) {
    char file[128], path[512];
    split(c->names_text, c->names, FIT_NAMES);
    split(c->evaluate_text, c->evaluate, FIT_NAMES);
    for (size_t i = 0; i < c->output_count; i++) {
        split(c->outputs[i].metrics_text, c->outputs[i].metrics, 8);
        split(c->outputs[i].weighted_text, c->outputs[i].weighted_metrics, 8);
    }
    (void)snprintf(file, sizeof(file), "%s.npz", c->name);
    fit_path(file, path, sizeof(path));
    MUST(clayer_archive_load(path, &c->arrays));
}

size_t fit_cases_count(void) {
    char path[512], line[2048];
    size_t count = 0;
    fit_path("cases.txt", path, sizeof(path));
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        count += strncmp(line, "case ", 5) == 0;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return count;
}

size_t fit_cases_read(fit_case **cases_out) {
    char path[512], line[2048];
    fit_case *cases = calloc(64, sizeof(*cases));
    size_t count = 0;
    fit_path("cases.txt", path, sizeof(path));
    FILE *file = fopen(path, "r");
    ck_assert_msg(cases != NULL && file != NULL, "cannot read %s", path);
    while (fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *space = strchr(line, ' ');
        if (space == NULL) {
            continue;
        }
        *space = '\0';
        if (strcmp(line, "case") == 0) {
            ck_assert(count < 64);
            copy(cases[count++].name, sizeof(cases->name), space + 1);
        } else {
            ck_assert(count > 0);
            read_line(&cases[count - 1], line, space + 1);
        }
    }
    (void)fclose(file);
    for (size_t i = 0; i < count; i++) {
        finish(&cases[i]);
    }
    *cases_out = cases;
    return count;
}

void fit_cases_free(fit_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        clayer_archive_destroy(cases[i].arrays);
    }
    free(cases);
}

clayer_model *fit_load(clayer_context *context, const fit_case *c) {
    char path[512];
    clayer_model *model = NULL;
    fit_path(c->model, path, sizeof(path));
    MUST(clayer_model_load(context, path, &model));
    return model;
}

void fit_compile(clayer_model *model, const fit_case *c) {
    const char *losses[FIT_OUTPUTS] = {NULL};
    double weights[FIT_OUTPUTS] = {0};
    const char *const *metrics[FIT_OUTPUTS] = {NULL}, *const * weighted[FIT_OUTPUTS] = {NULL};
    ck_assert_uint_eq(c->output_count, clayer_model_get_output_count(model));
    for (size_t i = 0; i < c->output_count; i++) {
        losses[i] = c->outputs[i].loss[0] != '\0' ? c->outputs[i].loss : NULL;
        weights[i] = c->outputs[i].weight;
        metrics[i] = (const char *const *)c->outputs[i].metrics;
        weighted[i] = (const char *const *)c->outputs[i].weighted_metrics;
    }
    MUST(clayer_model_compile(model, &(clayer_compile_config){.struct_size = sizeof(clayer_compile_config),
                                                              .optimizer = c->optimizer,
                                                              .learning_rate_schedule = c->schedule,
                                                              .losses = losses,
                                                              .loss_weights = weights,
                                                              .output_metrics = metrics,
                                                              .output_weighted_metrics = weighted}));
}

static const clayer_array *find(const fit_case *c, const char *prefix, const char *letter, size_t index) {
    char name[32];
    (void)snprintf(name, sizeof(name), "%s%s%zu", prefix, letter, index);
    return clayer_archive_find(c->arrays, name);
}

bool fit_get_data(const fit_case *c, const char *prefix, fit_data *data) {
    *data = (fit_data){0};
    for (size_t i = 0; i < FIT_OUTPUTS; i++) {
        data->x[i] = find(c, prefix, "x", i);
        data->y[i] = find(c, prefix, "y", i);
        data->weights[i] = find(c, prefix, "w", i);
    }
    data->dataset = (clayer_dataset){
        .struct_size = sizeof(clayer_dataset), .x = data->x, .y = data->y, .sample_weight = data->weights};
    return data->x[0] != NULL;
}

clayer_fit_config fit_get_config(const fit_case *c, const fit_data *validation) {
    return (clayer_fit_config){.struct_size = sizeof(clayer_fit_config),
                               .batch_size = c->batch_size,
                               .epochs = c->epochs,
                               .steps_per_epoch = c->steps_per_epoch,
                               .no_shuffle = true,
                               .validation_split = c->validation_split,
                               .validation = validation != NULL ? &validation->dataset : NULL,
                               .validation_freq = c->validation_freq,
                               .class_weight = c->class_weight_count > 0 ? c->class_weight : NULL,
                               .class_weight_count = c->class_weight_count};
}

/* In the order of Keras' model.weights, those of nested models where these stand. */
double fit_distance(clayer_model *model, const fit_case *c) {
    double worst = 0;
    cly_model_weight *weights = NULL;
    size_t total = 0;
    MUST(cly_model_list_weights(model, false, &weights, &total));
    for (size_t index = 0; index < total; index++) {
        const clayer_array *wanted = find(c, "", "weight", index), *start = find(c, "", "start", index);
        const clayer_tensor *tensor = weights[index].weight->tensor;
        const int64_t count = clayer_tensor_get_count(tensor);
        ck_assert_msg(wanted != NULL && clayer_array_get_count(wanted) == count, "%s: weight %zu", c->name, index);
        const float *w = clayer_array_get_const_data(wanted), *s = clayer_array_get_const_data(start);
        float *values = calloc((size_t)count, sizeof(float));
        double apart = 0, moved = 0;
        MUST(clayer_tensor_read(tensor, values, count));
        for (int64_t k = 0; k < count; k++) {
            apart += ((double)values[k] - w[k]) * ((double)values[k] - w[k]);
            moved += ((double)s[k] - w[k]) * ((double)s[k] - w[k]);
        }
        free(values);
        /* A weight whose gradient cancels out, such as an offset before another normalisation, moves by rounding. */
        const double ratio = fmax(0, sqrt(apart) - 1e-6 * sqrt((double)count)) / (sqrt(moved) + 1e-6);
        worst = ratio > worst || isnan(ratio) ? ratio : worst;
    }
    free(weights);
    ck_assert(find(c, "", "weight", total) == NULL);
    return worst;
}
