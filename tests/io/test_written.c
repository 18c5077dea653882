/* io/test_written.c: what is saved has all that Keras wrote: every key of the configuration with its value, every group
 * and dataset. The tables below list what is left out or written otherwise on purpose. */
#include <stdio.h>
#include <stdlib.h>

#include <clayer/train.h>

#include "io/files.h"
#include "io/support.h"
#include "layers/layer.h"
#include "model/model.h"
#include "support/runner.h"

/* ---- configurations ---- */

/* Keys that are left out, with the value that Keras takes without them ("*": any), and the part of the path where. */
static const struct {
    const char *where, *key, *value;
} left_out[] = {
    {"", "shared_object_id", "*"}, /* objects that are written once for each place */
    {"InputLayer", "sparse", "false"},
    {"InputLayer", "ragged", "false"},
    {"InputLayer", "optional", "false"},
    {"_initializer", "input_axes", "null"},
    {"_initializer", "output_axes", "null"},
    {"BatchNormalization", "renorm", "false"},
    {"BatchNormalization", "renorm_clipping", "null"},
    {"BatchNormalization", "renorm_momentum", "0.99"},
    {"BatchNormalization", "synchronized", "false"},
    {"Conv", "groups", "1"}, /* of classes that have it by descent */
    {"Dense", "quantization_config", "null"},
    {"Embedding", "quantization_config", "null"},
    {"SeparableConv", "kernel_initializer", "*"}, /* likewise */
    {"SeparableConv", "kernel_regularizer", "null"},
    {"SeparableConv", "kernel_constraint", "null"},
    {"/activation", "build_config", "*"},
    {"TimeDistributed/layer", "module", "*"}, /* in an .h5 file of Keras 2, where older versions read the form of old */
    {"TimeDistributed/layer", "registered_name", "*"},
    {"TimeDistributed/layer", "build_config", "*"},
    {"kwargs", "mask", "null"},
    {"kwargs", "mask", "{\"q\":null,\"p\":null}"}, /* likewise, of a dict of inputs */
    {"layers", "batch_input_shape", "*"},          /* Keras 2's first layer; the InputLayer has it */
};

/* Values that are others. */
static const struct {
    const char *key, *value, *saved;
} written_otherwise[] = {
    {"module", "\"tf_keras.src.engine.functional\"", "\"keras\""}, /* where every Keras 2 has the class */
    {"class_name", "\"Functional\"", "\"Model\""},
    {"registered_name", "\"Functional\"", "null"},
    {"shared_object_id", "*", "*"},       /* any numbers will do */
    {"dtype", "\"bool\"", "\"float32\""}, /* of masks, which are numbers here; Keras asks the tensors themselves */
    {"build_config", "*", "*"},           /* of dicts of inputs; their shapes are those of the InputLayers */
};

static bool matches(const char *pattern, const cJSON *value) {
    char *text = cJSON_PrintUnformatted(value);
    bool same = strcmp(pattern, "*") == 0 || strcmp(pattern, text) == 0;
    cJSON_free(text);
    return same;
}

static bool may_be_left_out(const char *path, const cJSON *item) {
    for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++) {
        if (strcmp(left_out[i].key, item->string) == 0 && strstr(path, left_out[i].where) != NULL &&
            matches(left_out[i].value, item)) {
            return true;
        }
    }
    return false;
}

static bool may_differ(const cJSON *wanted, const cJSON *found) {
    for (size_t i = 0; wanted->string != NULL && i < sizeof(written_otherwise) / sizeof(written_otherwise[0]); i++) {
        if (strcmp(written_otherwise[i].key, wanted->string) == 0 && matches(written_otherwise[i].value, wanted) &&
            matches(written_otherwise[i].saved, found)) {
            return true;
        }
    }
    return false;
}

/* Every key of `wanted` is in `found`, with an equal value. `path` names the place and the classes above it. */
static void expect_tree(const cJSON *wanted, const cJSON *found, const char *path) {
    if (may_differ(wanted, found)) {
        return;
    }
    bool numbers = cJSON_IsNumber(wanted) && cJSON_IsNumber(found);
    bool lists =
        cJSON_IsArray(wanted) && cJSON_IsArray(found) && cJSON_GetArraySize(wanted) == cJSON_GetArraySize(found);
    if (cJSON_IsObject(wanted) && cJSON_IsObject(found)) {
        const cJSON *class_name = cJSON_GetObjectItemCaseSensitive(wanted, "class_name");
        char below[1024];
        for (const cJSON *item = wanted->child; item != NULL; item = item->next) {
            const cJSON *other = cJSON_GetObjectItemCaseSensitive(found, item->string);
            (void)snprintf(below, sizeof(below), "%s/%s%s%s", path, item->string, class_name == NULL ? "" : ":",
                           class_name == NULL ? "" : class_name->valuestring);
            if (other != NULL) {
                expect_tree(item, other, below);
            } else {
                ck_assert_msg(may_be_left_out(path, item), "%s: '%s' is left out", path, item->string);
            }
        }
    } else if (lists) {
        const cJSON *other = found->child;
        for (const cJSON *item = wanted->child; item != NULL; item = item->next, other = other->next) {
            expect_tree(item, other, path);
        }
    } else {
        bool same = numbers ? wanted->valuedouble == found->valuedouble : cJSON_Compare(wanted, found, 1) != 0;
        ck_assert_msg(same, "%s is not what Keras wrote", path);
    }
}

static void has_the_configuration_of_keras(const char *path, clayer_model *model) {
    /* A dict for a model that takes a list, which is written as the list; models in a Sequential, whose layers Keras 2
     * writes in its newer form also into .h5 files. */
    static const char *const others[] = {"_by_name.", "k2_compiled.h5", "k2_deep.h5", "k2_transfer.h5"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (strstr(path, others[i]) != NULL) {
            return;
        }
    }
    const char *saved = saved_path(ends_with(path, ".keras") ? ".keras" : ".h5");
    MUST(clayer_model_save(model, saved));
    cJSON *wanted = read_model_json(path, false), *found = read_model_json(saved, false);
    char where[600];
    (void)snprintf(where, sizeof(where), "%s: ", path);
    expect_tree(wanted, found, where);
    cJSON_Delete(wanted);
    cJSON_Delete(found);
    if (!clayer_model_is_compiled(model)) {
        return;
    }
    /* Losses and metrics may be written in another form: tests/io/test_compiled.c looks at what they mean. */
    wanted = read_model_json(path, true);
    found = read_model_json(saved, true);
    const char *key = ends_with(path, ".keras") ? "optimizer" : "optimizer_config";
    const cJSON *optimizer = cJSON_GetObjectItemCaseSensitive(wanted, key);
    if (cJSON_IsObject(optimizer)) {
        cJSON *rate =
            cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(optimizer, "config"), "learning_rate");
        cJSON_DeleteItemFromObjectCaseSensitive(cJSON_GetObjectItemCaseSensitive(rate, "config"), "name");
        expect_tree(optimizer, cJSON_GetObjectItemCaseSensitive(found, key), where);
    }
    cJSON_Delete(wanted);
    cJSON_Delete(found);
}

START_TEST(files_have_every_key_that_keras_wrote) {
    ck_assert_int_ge(with_each_file(has_the_configuration_of_keras), 120);
}
END_TEST

/* ---- groups and datasets ---- */

static cly_io_hdf5 *open_weights(const char *path) {
    cly_io_hdf5 *file = NULL;
    cly_io_zip *zip = NULL;
    void *bytes = NULL;
    size_t length = 0;
    if (!ends_with(path, ".keras")) {
        MUST(cly_io_hdf5_open(path, &file));
        return file;
    }
    MUST(cly_io_zip_open(path, &zip));
    MUST(cly_io_zip_read(zip, "model.weights.h5", 0, &bytes, &length));
    MUST(cly_io_hdf5_open_bytes(bytes, length, path, &file));
    free(bytes);
    cly_io_zip_close(zip);
    return file;
}

/* Names that ours differ from: Keras 3 calls Nadam's product by no name, and a depthwise kernel "kernel" in slots too;
 * Keras 2's metrics, which start anew; a layer that stands for an activation and has no weights; a model that was built
 * by its TimeDistributed, whose name Keras 3 puts before. */
static bool is_other_name(const char *path) {
    return strncmp(path, "metrics", strlen("metrics")) == 0 || strstr(path, "nadam/variable") != NULL ||
           (strncmp(path, "optimizer_weights/", strlen("optimizer_weights/")) == 0 &&
            strstr(path, "depthwise_conv2d_kernel") != NULL) ||
           strstr(path, "/activation") != NULL || strncmp(path, "model_weights/frames/", 21) == 0;
}

static void expect_groups(cly_io_hdf5 *wanted, cly_io_hdf5 *found, const char *group, const char *where) {
    char **names = NULL;
    size_t count = 0;
    if (cly_io_hdf5_list(wanted, group[0] == '\0' ? "/" : group, &names, &count) != CLAYER_OK) {
        clayer_shape shapes[2];
        MUST(cly_io_hdf5_get_shape(wanted, group, &shapes[0]));
        MUST(cly_io_hdf5_get_shape(found, group, &shapes[1]));
        ck_assert_msg(cly_layers_same_shape(&shapes[0], &shapes[1]), "%s: '%s' has another shape", where, group);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        char path[1024];
        (void)snprintf(path, sizeof(path), "%s%s%s", group, group[0] == '\0' ? "" : "/", names[i]);
        if (!is_other_name(path)) {
            ck_assert_msg(cly_io_hdf5_exists(found, path), "%s: no '%s'", where, path);
            expect_groups(wanted, found, path, where);
        }
    }
    cly_io_free_strings(names, count);
}

static void has_the_groups_of_keras(const char *path, clayer_model *model) {
    if (model->compiled != NULL && !clayer_model_is_compiled(model)) {
        return; /* its optimizer is one that is not known */
    }
    const char *saved = saved_path(ends_with(path, ".keras") ? ".keras" : ".h5");
    MUST(clayer_model_save(model, saved));
    cly_io_hdf5 *wanted = open_weights(path), *found = open_weights(saved);
    expect_groups(wanted, found, "", path);
    cly_io_hdf5_close(wanted);
    cly_io_hdf5_close(found);
}

START_TEST(files_have_every_group_and_dataset_of_keras) {
    (void)with_each_file(has_the_groups_of_keras);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("io.written");
    TCase *cases = tcase_create("written");
    tcase_add_unchecked_fixture(cases, open_context, close_context);
    tcase_add_checked_fixture(cases, open_folder, close_folder);
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, files_have_every_key_that_keras_wrote);
    tcase_add_test(cases, files_have_every_group_and_dataset_of_keras);
    suite_add_tcase(suite, cases);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
