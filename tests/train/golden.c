/* train/golden.c: reads the cases of tests/golden/training; make_training.py says what each file holds. */
#include "train/golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/io.h"
#include "support/runner.h"

clayer_archive *golden_open(const char *name) {
    char path[1024];
    clayer_archive *archive = NULL;
    (void)snprintf(path, sizeof(path), "%s/training/%s.npz", CLAYER_TEST_DATA, name);
    ck_assert_msg(clayer_archive_load(path, &archive) == CLAYER_OK, "%s", clayer_last_error());
    return archive;
}

const clayer_array *golden_find(const golden *g, const char *part) {
    char name[64];
    (void)snprintf(name, sizeof(name), "%03d.%s", g->number, part);
    return clayer_archive_find(g->archive, name);
}

bool golden_read(const clayer_archive *archive, const char *file, int number, golden *out) {
    golden g = {.archive = archive, .file = file, .number = number};
    const clayer_array *json = golden_find(&g, "json");
    if (json == NULL) {
        return false;
    }
    const size_t length = (size_t)clayer_array_get_count(json);
    g.text = calloc(length + 1, 1);
    ck_assert_ptr_nonnull(g.text);
    memcpy(g.text, clayer_array_get_const_data(json), length);
    ck_assert_msg(cly_io_json_parse(g.text, length, file, &g.json) == CLAYER_OK, "%s", clayer_last_error());
    const cJSON *generation = cJSON_GetObjectItemCaseSensitive(g.json, "keras");
    ck_assert(cJSON_IsNumber(generation));
    g.generation = generation->valueint;
    g.class_name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(g.json, "class_name"));
    g.config = cJSON_GetObjectItemCaseSensitive(g.json, "config");
    ck_assert(g.class_name != NULL && cJSON_IsObject(g.config));
    *out = g;
    return true;
}

void golden_free(golden *g) {
    cJSON_Delete(g->json);
    free(g->text);
    *g = (golden){0};
}

bool golden_has_flag(const golden *g, const char *name) {
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(g->json, name));
}

float *golden_floats(const golden *g, const char *part, clayer_shape *shape_out) {
    const clayer_array *array = golden_find(g, part);
    clayer_array *converted = NULL;
    if (array == NULL) {
        return NULL;
    }
    ck_assert_int_eq(clayer_array_convert(array, CLAYER_FLOAT32, &converted), CLAYER_OK);
    const size_t bytes = (size_t)clayer_array_get_count(array) * sizeof(float);
    float *values = malloc(bytes + 1);
    ck_assert_ptr_nonnull(values);
    memcpy(values, clayer_array_get_const_data(converted), bytes);
    if (shape_out != NULL) {
        *shape_out = *clayer_array_get_shape(array);
    }
    clayer_array_destroy(converted);
    return values;
}

static bool is_ignored(const cJSON *argument, const char *const *ignored) {
    bool found =
        cJSON_IsNull(argument) || strcmp(argument->string, "fn") == 0 || strcmp(argument->string, "dtype") == 0;
    for (size_t i = 0; !found && ignored != NULL && ignored[i] != NULL; i++) {
        found = strcmp(argument->string, ignored[i]) == 0;
    }
    return found;
}

static clayer_status set_argument(const cly_spec_list *list, cly_spec *spec, const cJSON *argument) {
    double numbers[CLY_SPEC_NUMBERS];
    size_t count = 0;
    const cJSON *item = NULL;
    if (cJSON_IsString(argument)) {
        return cly_base_spec_set_text(list, spec, argument->string, argument->valuestring);
    }
    if (!cJSON_IsArray(argument)) {
        ck_assert(cJSON_IsNumber(argument) || cJSON_IsBool(argument));
        const double value = cJSON_IsNumber(argument) ? argument->valuedouble : (double)cJSON_IsTrue(argument);
        return cly_base_spec_set_number(list, spec, argument->string, value);
    }
    cJSON_ArrayForEach(item, argument) {
        ck_assert(cJSON_IsNumber(item) && count < CLY_SPEC_NUMBERS);
        numbers[count++] = item->valuedouble;
    }
    return cly_base_spec_set_list(list, spec, argument->string, numbers, count);
}

void golden_spec(const golden *g, const cly_spec_list *list, const char *const *ignored, cly_spec *spec_out) {
    ck_assert_msg(cly_base_spec_find(list, g->class_name, spec_out) == CLAYER_OK, "%s", clayer_last_error());
    const cJSON *argument = NULL;
    cJSON_ArrayForEach(argument, g->config) {
        ck_assert_msg(is_ignored(argument, ignored) || set_argument(list, spec_out, argument) == CLAYER_OK,
                      "%s case %03d: %s\n%s", g->file, g->number, clayer_last_error(), g->text);
    }
}

void golden_compare(const golden *g, const char *what, const float *actual, const clayer_array *expected,
                    double absolute, double relative) {
    const float *values = clayer_array_get_const_data(expected);
    int64_t worst = 0;
    double worst_share = -1.0; /* of the tolerance */
    for (int64_t i = 0; i < clayer_array_get_count(expected); i++) {
        const double tolerance = absolute + relative * fabs((double)values[i]);
        const double error = fabs((double)actual[i] - (double)values[i]);
        double share = error == 0.0 ? 0.0 : error / tolerance;
        share = isnan(share) ? INFINITY : share;
        if (share > worst_share) {
            worst_share = share;
            worst = i;
        }
    }
    ck_assert_msg(
        worst_share <= 1.0, "%s case %03d: %s index %lld is %.9g, Keras has %.9g: off by %.3g of what is tolerated\n%s",
        g->file, g->number, what, (long long)worst, (double)actual[worst], (double)values[worst], worst_share, g->text);
}
