/* io/test_old.c: ten years of files: forms that Keras no longer writes, activations that a file only names, and nested
 * models that make no sense. The files are golden/old and golden/mapped, by make_old.py. */
#include <stdio.h>
#include <stdlib.h>

#include <clayer/train.h>

#include "io/files.h"
#include "io/support.h"
#include "model/model.h"
#include "support/runner.h"
#include "train/compiled.h"

START_TEST(old_forms_predict_as_keras) {
    file_list list;
    list_files(CLAYER_TEST_DATA "/old", ".h5", &list);
    for (int i = 0; i < list.count; i++) {
        clayer_model *model = NULL;
        clayer_status status =
            clayer_model_load(context, beside(CLAYER_TEST_DATA "/old", list.names[i], ".h5"), &model);
        ck_assert_msg(status == CLAYER_OK, "%s", clayer_last_error());
        expect_prediction(model, beside(CLAYER_TEST_DATA "/old", list.names[i], ".npz"));
        clayer_model_destroy(model);
    }
    ck_assert_int_eq(list.count, 14);
    free_files(&list);
}
END_TEST

START_TEST(old_optimizers_keep_their_rate) {
    clayer_model *model = NULL;
    MUST(clayer_model_load(context, golden_path("old/optimizer_lr.h5"), &model));
    ck_assert(clayer_model_is_compiled(model));
    ck_assert(cly_train_optimizer_get_rate(model->compiled->optimizer) == 0.005F);
    ck_assert_str_eq(cly_train_optimizer_spec(model->compiled->optimizer)->entry->name, "adam");
    clayer_model_destroy(model);
}
END_TEST

/* The model runs, and says when it is to be trained what cannot be known; compiled anew it trains. */
START_TEST(losses_of_ones_own_matter_to_training_alone) {
    clayer_model *model = NULL;
    cly_train_compiled *compiled = NULL;
    MUST(clayer_model_load(context, golden_path("old/custom_loss.h5"), &model));
    expect_prediction(model, golden_path("old/custom_loss.npz"));
    REFUSED(cly_train_get_compiled(model, &compiled), CLAYER_UNSUPPORTED, "my_loss");
    const clayer_compile_config config = {.struct_size = sizeof(config), .optimizer = "sgd", .loss = "mse"};
    MUST(clayer_model_compile(model, &config));
    MUST(cly_train_get_compiled(model, &compiled));
    clayer_model_destroy(model);
}
END_TEST

/* ---- activations ---- */

static const clayer_activation_mapping own[] = {{"my_act", "relu(0.25, 2)"}, {"my_other", "tanh"}, {"<lambda>", "elu"}};

static clayer_status load_mapped(const char *name, const clayer_activation_mapping *activations, size_t count,
                                 clayer_model **model_out) {
    const clayer_load_config config = {
        .struct_size = sizeof(config), .activations = activations, .activation_count = count};
    return clayer_model_load_with(context, name, &config, model_out);
}

START_TEST(activations_of_ones_own_are_what_they_are_said_to_be) {
    static const char *const names[] = {"k2_own.h5", "k2_own.keras", "k3_own.h5", "k3_own.keras"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *path = beside(CLAYER_TEST_DATA "/mapped", names[i], strchr(names[i], '.'));
        clayer_model *model = NULL, *again = NULL;
        REFUSED(clayer_model_load(context, path, &model), CLAYER_UNSUPPORTED, "my_act");
        REFUSED(load_mapped(path, own, 1, &model), CLAYER_UNSUPPORTED, "my_other");
        REFUSED(load_mapped(path, own, 2, &model), CLAYER_UNSUPPORTED, "<lambda>");
        MUST(load_mapped(path, own, 3, &model));
        expect_prediction(model, beside(CLAYER_TEST_DATA "/mapped", names[i], ".npz"));
        /* Saved, it is Keras' own. */
        MUST(clayer_model_save(model, saved_path(".keras")));
        MUST(clayer_model_load(context, saved_path(".keras"), &again));
        expect_prediction(again, beside(CLAYER_TEST_DATA "/mapped", names[i], ".npz"));
        clayer_model_destroy(again);
        clayer_model_destroy(model);
    }
}
END_TEST

START_TEST(mappings_that_make_no_sense_are_refused) {
    static const clayer_activation_mapping unknown[] = {{"my_act", "sine"}}, empty[] = {{"", "relu"}},
                                           nothing[] = {{"my_act", NULL}};
    const char *path = golden_path("mapped/k3_own.keras");
    const clayer_load_config wrong = {.struct_size = 3};
    clayer_model *model = NULL;
    REFUSED(load_mapped(path, unknown, 1, &model), CLAYER_INVALID_ARGUMENT, "sine");
    REFUSED(load_mapped(path, empty, 1, &model), CLAYER_INVALID_ARGUMENT, "no name");
    REFUSED(load_mapped(path, nothing, 1, &model), CLAYER_INVALID_ARGUMENT, "no text");
    REFUSED(load_mapped(path, NULL, 1, &model), CLAYER_INVALID_ARGUMENT, "activations");
    REFUSED(load_mapped(path, own, 65, &model), CLAYER_INVALID_ARGUMENT, "64");
    REFUSED(clayer_model_load_with(context, path, &wrong, &model), CLAYER_INVALID_ARGUMENT, "struct_size");
    ck_assert_ptr_null(model);
}
END_TEST

/* ---- nested models that make no sense ---- */

#define INPUT(name)                                                                                               \
    "{\"class_name\":\"InputLayer\",\"config\":{\"name\":\"" name "\",\"batch_shape\":[null,4]},\"name\":\"" name \
    "\",\"inbound_nodes\":[]}"
#define LAYER(class_name, name, from)                                                        \
    "{\"class_name\":\"" class_name "\",\"config\":{\"name\":\"" name "\"},\"name\":\"" name \
    "\",\"inbound_nodes\":["                                                                 \
    "[" from "]]}"
#define MODEL(name, layers, outputs)                              \
    "{\"class_name\":\"Functional\",\"config\":{\"name\":\"" name \
    "\",\"layers\":[" INPUT("x") "," layers "],\"input_layers\":[[\"x\",0,0]],\"output_layers\":[" outputs "]}"
#define CALLED(name, from) ",\"name\":\"" name "\",\"inbound_nodes\":[" from "]}"
#define INNER MODEL("in", LAYER("ReLU", "a", "[\"x\",0,0,{}]"), "[\"a\",0,0]")

static clayer_status read_text(const char *text, clayer_model **model_out) {
    cJSON *json = NULL;
    MUST(cly_io_json_parse(text, strlen(text), "test", &json));
    clayer_status status = cly_io_keras_model(context, json, 2, model_out);
    cJSON_Delete(json);
    return status;
}

static void refuse_nested(const char *text, const char *part) {
    clayer_model *model = NULL;
    clayer_status status = read_text(text, &model);
    ck_assert_msg(status == CLAYER_BAD_FILE || status == CLAYER_UNSUPPORTED || status == CLAYER_INVALID_ARGUMENT,
                  "%s: %s", text, clayer_status_string(status));
    ck_assert_ptr_null(model);
    ck_assert_msg(strstr(clayer_last_error(), part) != NULL, "'%s' lacks '%s'", clayer_last_error(), part);
}

START_TEST(nested_graphs_are_read_however_their_calls_count) {
    clayer_model *model = NULL;
    MUST(read_text(MODEL("out", INNER CALLED("in", "[[\"x\",0,0,{}]]"), "[\"in\",1,0]") "}", &model));
    clayer_model_destroy(model);
    MUST(read_text(MODEL("out", INNER CALLED("in", "[[\"x\",0,0,{}]]"), "[\"in\",0,0]") "}", &model));
    clayer_model_destroy(model);
    /* Called on its own output; a model and one in it of the same name. */
    MUST(read_text(MODEL("in", INNER CALLED("in", "[[\"x\",0,0,{}]],[[\"in\",1,0,{}]]"), "[\"in\",2,0]") "}", &model));
    ck_assert_uint_eq(model->node_count, 3);
    clayer_model_destroy(model);
}
END_TEST

START_TEST(broken_nested_graphs_are_refused) {
    refuse_nested(MODEL("out", INNER CALLED("in", "[[\"x\",0,0,{}]]"), "[\"in\",1,1]") "}", "output 1 of layer 'in'");
    refuse_nested(MODEL("out", INNER CALLED("in", "[[\"x\",0,0,{}]]"), "[\"in\",3,0]") "}", "call");
    refuse_nested(MODEL("out", INNER CALLED("in", "[[\"in\",1,0,{}]]"), "[\"in\",1,0]") "}", "cycle");
    refuse_nested(MODEL("out", INNER CALLED("in", "[[\"a\",0,0,{}]]"), "[\"in\",1,0]") "}", "'a'");
    refuse_nested(MODEL("out", INNER CALLED("in", ""), "[\"in\",1,0]") "}", "inbound_nodes");
    refuse_nested(MODEL("out", INNER CALLED("in", "[[\"x\",0,0,{}],[\"x\",0,0,{}]]"), "[\"in\",1,0]") "}", "input");
    /* What is wrong within says where. */
    refuse_nested(
        MODEL("out",
              MODEL("in", LAYER("LSTM", "rec", "[\"x\",0,0,{}]"), "[\"rec\",0,0]") CALLED("in", "[[\"x\",0,0,{}]]"),
              "[\"in\",1,0]") "}",
        "Functional 'in': LSTM 'rec'");
    refuse_nested(
        MODEL("out", MODEL("in", LAYER("ReLU", "a", "[\"in\",1,0,{}]"), "[\"a\",0,0]") CALLED("in", "[[\"x\",0,0,{}]]"),
              "[\"in\",1,0]") "}",
        "Functional 'in'");
    refuse_nested(MODEL("out", MODEL("in", LAYER("ReLU", "a", "[\"x\",0,0,{}]"), "") CALLED("in", "[[\"x\",0,0,{}]]"),
                        "[\"in\",1,0]") "}",
                  "outputs");
}
END_TEST

/* A model in a model in a model... */
static char *make_deep(int depth) {
    static const char open[] = "{\"class_name\":\"Sequential\",\"config\":{\"name\":\"s\",\"layers\":[" INPUT("x") ",";
    static const char last[] = "{\"class_name\":\"ReLU\",\"config\":{\"name\":\"a\"}}";
    char *text = malloc((size_t)depth * (sizeof(open) + 4) + sizeof(last));
    ck_assert_ptr_nonnull(text);
    text[0] = '\0';
    for (int i = 0; i < depth; i++) {
        strcat(text, open);
    }
    strcat(text, last);
    for (int i = 0; i < depth; i++) {
        strcat(text, "]}}");
    }
    return text;
}

START_TEST(models_nest_to_a_limit) {
    char *text = make_deep(30);
    clayer_model *model = NULL;
    MUST(read_text(text, &model));
    clayer_model_destroy(model);
    free(text);
    text = make_deep(40);
    refuse_nested(text, "nested more than 32 deep");
    free(text);
}
END_TEST

/* A short file can stand for a model of 2 to the 25th layers: each model calls the one in it twice. */
START_TEST(models_that_grow_beyond_all_bounds_are_refused) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(out);
    for (int i = 0; i < 25; i++) {
        fputs("{\"class_name\":\"Functional\",\"config\":{\"name\":\"m\",\"layers\":[" INPUT("x") ",", out);
    }
    fputs(INNER, out);
    for (int i = 0; i < 25; i++) {
        const char *name = i == 0 ? "in" : "m";
        fprintf(out,
                ",\"name\":\"%s\",\"inbound_nodes\":[[[\"x\",0,0,{}]],[[\"%s\",1,0,{}]]]}],"
                "\"input_layers\":[[\"x\",0,0]],\"output_layers\":[[\"%s\",2,0]]}",
                name, name, name);
    }
    fputs("}", out);
    (void)fclose(out);
    refuse_nested(text, "calls of layers");
    free(text);
}
END_TEST

/* Bytes of nested files changed: an error, or a model that predicts. */
START_TEST(damaged_nested_files_do_no_harm) {
    static const char *const names[] = {"k2_encoder.json", "k3_encoder.json"};
    for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
        size_t length = 0;
        char *bytes = read_bytes(beside(CLAYER_TEST_DATA "/nested", names[n], ".json"), &length);
        char *copy = malloc(length);
        ck_assert_ptr_nonnull(copy);
        for (int turn = 0; turn < 300; turn++) {
            test_random random = test_random_start(9, (uint64_t)turn);
            clayer_model *model = NULL;
            memcpy(copy, bytes, length);
            damage(&random, copy, length);
            write_bytes(temporary_path("damaged.json"), copy, length);
            clayer_status status = clayer_model_load_json(context, temporary_path("damaged.json"), NULL, &model);
            ck_assert((status == CLAYER_OK) == (model != NULL));
            clayer_model_destroy(model);
        }
        free(copy);
        free(bytes);
    }
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("io.old");
    TCase *cases = tcase_create("old");
    tcase_add_unchecked_fixture(cases, open_context, close_context);
    tcase_add_checked_fixture(cases, open_folder, close_folder);
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, old_forms_predict_as_keras);
    tcase_add_test(cases, old_optimizers_keep_their_rate);
    tcase_add_test(cases, losses_of_ones_own_matter_to_training_alone);
    tcase_add_test(cases, activations_of_ones_own_are_what_they_are_said_to_be);
    tcase_add_test(cases, mappings_that_make_no_sense_are_refused);
    tcase_add_test(cases, nested_graphs_are_read_however_their_calls_count);
    tcase_add_test(cases, broken_nested_graphs_are_refused);
    tcase_add_test(cases, models_nest_to_a_limit);
    tcase_add_test(cases, models_that_grow_beyond_all_bounds_are_refused);
    tcase_add_test(cases, damaged_nested_files_do_no_harm);
    suite_add_tcase(suite, cases);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
