/* io/test_config.c: what a configuration may say and what it may not: the arguments of one layer, and the forms in
 * which the versions of Keras write a graph. Small JSON texts; whole files of Keras are in test_models.c. */
#include <stdio.h>
#include <stdlib.h>

#include "io/support.h"
#include "layers/layer.h"
#include "model/model.h"
#include "support/runner.h"

static cJSON *json_of(const char *text) {
    cJSON *json = NULL;
    MUST(cly_io_json_parse(text, strlen(text), "test", &json));
    return json;
}

/* ---- one layer ---- */

/* {"class_name": class, "config": {"name": "it", arguments}} */
static clayer_status make_layer(const char *class_name, const char *arguments, int generation,
                                clayer_layer **layer_out) {
    char text[2000];
    (void)snprintf(text, sizeof(text), "{\"class_name\":\"%s\",\"config\":{\"name\":\"it\"%s%s}}", class_name,
                   arguments[0] == '\0' ? "" : ",", arguments);
    cJSON *json = json_of(text);
    clayer_status status = cly_io_keras_layer(context, json, generation, layer_out);
    cJSON_Delete(json);
    return status;
}

#define CONV "\"filters\":2,\"kernel_size\":[3,3]"

static void accept(const char *class_name, const char *arguments) {
    clayer_layer *layer = NULL;
    clayer_status status = make_layer(class_name, arguments, 3, &layer);
    ck_assert_msg(status == CLAYER_OK, "%s {%s}: %s", class_name, arguments, clayer_last_error());
    ck_assert_str_eq(clayer_layer_get_name(layer), "it");
    clayer_layer_destroy(layer);
}

static void refuse(const char *class_name, const char *arguments, const char *part) {
    clayer_layer *layer = NULL;
    clayer_status status = make_layer(class_name, arguments, 3, &layer);
    ck_assert_msg(status == CLAYER_BAD_FILE || status == CLAYER_UNSUPPORTED || status == CLAYER_INVALID_ARGUMENT,
                  "%s {%s}: %s", class_name, arguments, clayer_status_string(status));
    ck_assert_ptr_null(layer);
    ck_assert_msg(strstr(clayer_last_error(), part) != NULL, "'%s' lacks '%s'", clayer_last_error(), part);
    ck_assert_msg(strstr(clayer_last_error(), "'it'") != NULL, "'%s' does not name the layer", clayer_last_error());
}

START_TEST(arguments_without_meaning_are_taken_with_harmless_values_only) {
    accept("Conv2D", CONV ",\"groups\":1,\"lora_rank\":null,\"quantization_config\":null");
    refuse("Conv2D", CONV ",\"lora_rank\":4", "lora_rank");
    accept("BatchNormalization",
           "\"synchronized\":false,\"renorm\":false,\"virtual_batch_size\":null,\"fused\":true,"
           "\"renorm_clipping\":{},\"renorm_momentum\":0.99");
    refuse("BatchNormalization", "\"renorm\":true", "renorm");
    refuse("BatchNormalization", "\"virtual_batch_size\":2", "virtual_batch_size");
    accept("InputLayer", "\"batch_shape\":[null,3],\"sparse\":false,\"ragged\":false,\"optional\":false");
    refuse("InputLayer", "\"batch_shape\":[null,3],\"sparse\":true", "sparse");
    accept("SeparableConv2D", CONV ",\"groups\":1,\"kernel_initializer\":{\"class_name\":\"X\",\"config\":{}}");
    refuse("SeparableConv2D", CONV ",\"groups\":2", "groups");
    accept("Conv3DTranspose", "\"filters\":2,\"kernel_size\":3,\"groups\":1,\"dilation_rate\":[1,1,1]");
    refuse("Conv3DTranspose", "\"filters\":2,\"kernel_size\":3,\"dilation_rate\":[2,1,1]", "dilation_rate");
    accept("MaxPooling2D", "\"activity_regularizer\":null,\"batch_input_shape\":[null,4,4,1]");
    refuse("MaxPooling2D", "\"activity_regularizer\":{\"class_name\":\"L2\",\"config\":{\"l2\":0.1}}",
           "activity_regularizer");
    refuse("Conv2D", CONV ",\"colour\":1", "unknown argument 'colour'");
}
END_TEST

START_TEST(values_of_the_wrong_kind_are_refused) {
    refuse("Conv2D", "\"kernel_size\":[3,3]", "filters");
    refuse("Conv2D", "\"filters\":null,\"kernel_size\":3", "filters");
    refuse("Conv2D", "\"filters\":2.5,\"kernel_size\":3", "filters");
    refuse("Conv2D", "\"filters\":\"2\",\"kernel_size\":3", "filters");
    refuse("Conv2D", "\"filters\":[1,2],\"kernel_size\":3", "filters");
    refuse("Conv2D", "\"filters\":0,\"kernel_size\":3", "filters");
    refuse("Conv2D", "\"filters\":2,\"kernel_size\":[3,3,3]", "kernel_size");
    refuse("Conv2D", "\"filters\":2,\"kernel_size\":[3]", "kernel_size");
    refuse("Conv2D", "\"filters\":2,\"kernel_size\":[3,0]", "kernel_size");
    refuse("Conv2D", "\"filters\":2,\"kernel_size\":[3,null]", "kernel_size");
    refuse("Conv2D", CONV ",\"strides\":[2,2],\"dilation_rate\":[2,2]", "dilation");
    refuse("Conv2D", CONV ",\"use_bias\":1", "use_bias");
    refuse("Conv2D", CONV ",\"use_bias\":null", "use_bias");
    refuse("Conv2D", CONV ",\"padding\":3", "padding");
    refuse("Conv2D", CONV ",\"trainable\":\"yes\"", "trainable");
    refuse("ZeroPadding2D", "\"padding\":[1,2,3]", "padding");
    refuse("ZeroPadding2D", "\"padding\":[[1,2],3]", "padding");
    refuse("ZeroPadding2D", "\"padding\":[[1,2],[3,4,5]]", "padding");
    refuse("ZeroPadding1D", "\"padding\":[[1,2],[3,4]]", "padding");
    refuse("Cropping1D", "\"cropping\":[1,-2]", "cropping");
    refuse("Reshape", "\"target_shape\":[1,2,3,4,5,6,7,8,9]", "target_shape");
    refuse("Reshape", "\"target_shape\":\"flat\"", "target_shape");
    refuse("LeakyReLU", "\"negative_slope\":\"steep\"", "negative_slope");
    refuse("BatchNormalization", "\"axis\":[1,0.5]", "axis");
}
END_TEST

START_TEST(older_names_and_forms_are_understood) {
    accept("LeakyReLU", "\"alpha\":0.1");
    accept("BatchNormalization", "\"axis\":[3]");
    accept("Conv2D", "\"filters\":2,\"kernel_size\":{\"class_name\":\"__tuple__\",\"items\":[3,3]}");
    accept("Conv2D", "\"filters\":2,\"kernel_size\":3,\"strides\":[2,1],\"data_format\":null,\"activation\":null");
    accept("ReLU", "\"max_value\":{\"class_name\":\"__numpy__\",\"config\":{\"value\":6.0,\"dtype\":\"float32\"}}");
    accept("InputLayer", "\"batch_input_shape\":[null,28,28,1],\"dtype\":\"uint8\"");
    accept("ZeroPadding2D", "\"padding\":3");
    accept("ZeroPadding2D", "\"padding\":[3,4]");
    accept("ZeroPadding1D", "\"padding\":[3,4]");
    accept("ZeroPadding1D", "\"padding\":[[3,4]]");
    accept("Dropout", "\"rate\":0.5,\"noise_shape\":[null,1,4],\"seed\":null");
}
END_TEST

START_TEST(dtypes_other_than_float32_run_in_it_or_are_refused) {
    accept("Conv2D", CONV ",\"dtype\":\"float16\"");
    accept("Conv2D", CONV ",\"dtype\":{\"class_name\":\"Policy\",\"config\":{\"name\":\"mixed_float16\"}}");
    accept("Conv2D",
           CONV ",\"dtype\":{\"module\":\"keras\",\"class_name\":\"DTypePolicy\",\"config\":{\"name\":\"float64\"}}");
    accept("Conv2D", CONV ",\"dtype\":null");
    refuse("Conv2D", CONV ",\"dtype\":\"int32\"", "int32");
    refuse("Conv2D",
           CONV ",\"dtype\":{\"class_name\":\"QuantizedDTypePolicy\",\"config\":{\"name\":\"int8_from_float32\"}}",
           "int8_from_float32");
    refuse("Conv2D", CONV ",\"dtype\":7", "dtype");
}
END_TEST

START_TEST(foreign_code_is_never_taken_for_kerass) {
    clayer_layer *layer = NULL;
    refuse("Lambda", "\"function\":\"x\"", "Lambda");
    refuse("My>Conv2D", CONV, "My>Conv2D");
    refuse("Conv2D", CONV ",\"activation\":{\"class_name\":\"__lambda__\",\"config\":{\"value\":\"x\"}}", "Lambda");
    refuse("Conv2D", CONV ",\"activation\":{\"class_name\":\"function\",\"config\":\"mine\"}", "mine");
    refuse("Conv2D", CONV ",\"activation\":\"LeakyReLU\"", "LeakyReLU");
    refuse("Conv2D", CONV ",\"kernel_initializer\":{\"module\":\"mine\",\"class_name\":\"Zeros\",\"config\":{}}",
           "mine");
    refuse("Conv2D",
           CONV ",\"kernel_initializer\":{\"class_name\":\"Zeros\",\"registered_name\":\"a>b\",\"config\":{}}", "a>b");
    refuse("Conv2D", CONV ",\"kernel_initializer\":{\"class_name\":\"Zeros\",\"config\":{\"colour\":1}}", "colour");
    cJSON *json = json_of("{\"class_name\":\"Conv2D\",\"module\":\"__main__\",\"config\":{\"name\":\"it\"}}");
    REFUSED(cly_io_keras_layer(context, json, 3, &layer), CLAYER_UNSUPPORTED, "__main__");
    cJSON_Delete(json);
    json = json_of("{\"class_name\":\"Conv2D\",\"config\":[]}");
    REFUSED(cly_io_keras_layer(context, json, 3, &layer), CLAYER_BAD_FILE, "config");
    cJSON_Delete(json);
    json = json_of("[]");
    REFUSED(cly_io_keras_layer(context, json, 3, &layer), CLAYER_BAD_FILE, "class_name");
    cJSON_Delete(json);
}
END_TEST

/* The text that a conv's field has after reading. */
static void expect_specs(const char *arguments, int generation, const char *activation, const char *initializer,
                         const char *constraint) {
    clayer_layer *layer = NULL;
    char all[1000];
    (void)snprintf(all, sizeof(all), "%s,%s", CONV, arguments);
    clayer_status status = make_layer("Conv2D", all, generation, &layer);
    ck_assert_msg(status == CLAYER_OK, "%s: %s", arguments, clayer_last_error());
    const clayer_conv_config *config = layer->config;
    ck_assert_pstr_eq(config->activation, activation);
    ck_assert_pstr_eq(config->kernel_initializer, initializer);
    ck_assert_pstr_eq(config->kernel_constraint, constraint);
    clayer_layer_destroy(layer);
}

#define IN_IT(class_name, arguments) \
    "\"layer\":{\"class_name\":\"" class_name "\",\"config\":{\"name\":\"in\"" arguments "}}"

START_TEST(a_time_distributed_holds_one_layer) {
    clayer_layer *layer = NULL;
    accept("TimeDistributed", IN_IT("Conv2D", "," CONV));
    MUST(make_layer("TimeDistributed", "\"trainable\":false," IN_IT("Dense", ",\"units\":2"), 2, &layer));
    ck_assert(!clayer_layer_is_trainable(layer));
    clayer_layer_destroy(layer);
    refuse("TimeDistributed", "\"units\":3", "its config has no layer");
    refuse("TimeDistributed", IN_IT("Dense", ",\"units\":0"), "units");
    refuse("TimeDistributed", IN_IT("LSTM", ",\"units\":2"), "LSTM 'in': the class LSTM is not known");
    refuse("TimeDistributed", IN_IT("Sequential", ",\"layers\":[]"), "a Sequential in it is not supported");
    refuse("TimeDistributed", IN_IT("TimeDistributed", ""), "a TimeDistributed in it is not supported");
    refuse("TimeDistributed", IN_IT("Add", ""), "cannot be applied to every step");
}
END_TEST

START_TEST(specs_are_read_in_all_forms) {
    expect_specs("\"activation\":\"hard_sigmoid\"", 3, "hard_sigmoid", "glorot_uniform", NULL);
    expect_specs("\"activation\":\"hard_sigmoid\"", 2, "keras2_hard_sigmoid", "glorot_uniform", NULL);
    expect_specs("\"activation\":{\"class_name\":\"function\",\"config\":\"hard_sigmoid\"}", 2, "keras2_hard_sigmoid",
                 "glorot_uniform", NULL);
    expect_specs(
        "\"activation\":{\"class_name\":\"LeakyReLU\",\"config\":{\"name\":\"x\",\"dtype\":\"float32\","
        "\"alpha\":0.25}}",
        2, "leaky_relu(negative_slope=0.25)", "glorot_uniform", NULL);
    expect_specs("\"activation\":{\"class_name\":\"Softmax\",\"config\":{\"axis\":-1}}", 3, "softmax", "glorot_uniform",
                 NULL);
    expect_specs(
        "\"activation\":\"relu\",\"kernel_initializer\":{\"class_name\":\"RandomNormal\",\"config\":"
        "{\"mean\":0.0,\"stddev\":0.5,\"seed\":null}},\"kernel_constraint\":{\"class_name\":\"MaxNorm\","
        "\"config\":{\"max_value\":3,\"axis\":[0,1,2]}}",
        3, "relu", "random_normal(stddev=0.5)", "max_norm(max_value=3, axis=[0, 1, 2])");
    expect_specs("\"activation\":\"swish\",\"kernel_initializer\":\"he_normal\",\"kernel_constraint\":null", 2, "silu",
                 "he_normal", NULL);
    refuse("Conv2D", CONV ",\"activation\":{\"class_name\":\"Softmax\",\"config\":{\"axis\":1}}", "axis");
}
END_TEST

/* ---- whole configurations ---- */

#define INPUT(name)                                                                                               \
    "{\"class_name\":\"InputLayer\",\"config\":{\"name\":\"" name "\",\"batch_shape\":[null,4]},\"name\":\"" name \
    "\",\"inbound_nodes\":[]}"
#define RELU(name, calls) \
    "{\"class_name\":\"ReLU\",\"config\":{\"name\":\"" name "\"},\"name\":\"" name "\",\"inbound_nodes\":[" calls "]}"
#define ADD(name, calls) \
    "{\"class_name\":\"Add\",\"config\":{\"name\":\"" name "\"},\"name\":\"" name "\",\"inbound_nodes\":[" calls "]}"
#define FROM2(name, call) "[\"" name "\"," call ",0,{}]"
#define FROM3(name, call)                                                                                           \
    "{\"class_name\":\"__keras_tensor__\",\"config\":{\"shape\":[null,4],\"dtype\":\"float32\",\"keras_history\":[" \
    "\"" name "\"," call ",0]}}"
#define CALL3(tensors) "{\"args\":[" tensors "],\"kwargs\":{}}"
#define MODEL(layers, inputs, outputs)                                                                             \
    "{\"class_name\":\"Functional\",\"config\":{\"name\":\"net\",\"layers\":[" layers "],\"input_layers\":" inputs \
    ",\"output_layers\":" outputs "}}"

static clayer_status make_model(const char *text, clayer_model **model_out) {
    cJSON *json = json_of(text);
    clayer_status status = cly_io_keras_model(context, json, 3, model_out);
    cJSON_Delete(json);
    return status;
}

static void accept_model(const char *text, size_t inputs, size_t outputs, const char *layers) {
    clayer_model *model = NULL;
    clayer_status status = make_model(text, &model);
    ck_assert_msg(status == CLAYER_OK, "%s: %s", text, clayer_last_error());
    ck_assert_uint_eq(clayer_model_get_input_count(model), inputs);
    ck_assert_uint_eq(clayer_model_get_output_count(model), outputs);
    char names[200] = "";
    for (size_t i = 0; i < clayer_model_get_layer_count(model); i++) {
        (void)strncat(names, clayer_layer_get_name(clayer_model_get_layer(model, i)), 50);
        (void)strncat(names, " ", 2);
    }
    ck_assert_str_eq(names, layers);
    clayer_model_destroy(model);
}

static void refuse_model(const char *text, const char *part) {
    clayer_model *model = NULL;
    clayer_status status = make_model(text, &model);
    ck_assert_msg(status != CLAYER_OK, "accepted: %s", text);
    ck_assert_ptr_null(model);
    ck_assert_msg(strstr(clayer_last_error(), part) != NULL, "'%s' lacks '%s'", clayer_last_error(), part);
}

START_TEST(graphs_of_both_generations_are_read) {
    accept_model(MODEL(INPUT("x") "," RELU("a", "[" FROM2("x", "0") "]"), "[[\"x\",0,0]]", "[[\"a\",0,0]]"), 1, 1,
                 "x a ");
    accept_model(MODEL(INPUT("x") "," RELU("a", CALL3(FROM3("x", "0"))), "[\"x\",0,0]", "[\"a\",0,0]"), 1, 1, "x a ");
    accept_model(MODEL(INPUT("x") "," ADD("s", CALL3("[" FROM3("x", "0") "," FROM3("x", "0") "]")), "[\"x\",0,0]",
                       "[\"s\",0,0]"),
                 1, 1, "x s ");
    /* One call without the list around it. */
    accept_model(MODEL(INPUT("x") "," RELU("a", FROM2("x", "0")), "[[\"x\",0,0]]", "[[\"a\",0,0]]"), 1, 1, "x a ");
    /* Layers in any order; a layer that is called twice, once on its own output. */
    accept_model(
        MODEL(ADD("s", "[" FROM2("a", "1") "," FROM2("b", "0") "]") "," RELU("b", "[" FROM2("a", "0") "]") "," RELU(
                  "a", "[" FROM2("x", "0") "],[" FROM2("b", "0") "]") "," INPUT("x"),
              "[[\"x\",0,0]]", "[[\"s\",0,0],[\"a\",0,0]]"),
        1, 2, "s b a x ");
    /* Dicts: in the order of their keys. */
    accept_model(
        MODEL(INPUT("x") "," INPUT("y") "," RELU("a", CALL3(FROM3("x", "0"))) "," RELU("b", CALL3(FROM3("y", "0"))),
              "{\"v\":[\"x\",0,0],\"u\":[\"y\",0,0]}", "{\"p\":[\"a\",0,0],\"q\":[\"b\",0,0]}"),
        2, 2, "x y a b ");
    accept_model(MODEL(INPUT("x") "," RELU(
                           "a", "{\"args\":[" FROM3("x", "0") "],\"kwargs\":{\"training\":false,\"mask\":null}}"),
                       "[\"x\",0,0]", "[\"a\",0,0]"),
                 1, 1, "x a ");
}
END_TEST

/* Keras 3 calls the losses of outputs in a dict by their keys, and the outputs still by their layers. */
START_TEST(losses_go_by_the_keys_of_outputs) {
    clayer_model *model = NULL;
    MUST(make_model(MODEL(INPUT("x") "," RELU("a", CALL3(FROM3("x", "0"))) "," RELU("b", CALL3(FROM3("x", "0"))),
                          "[\"x\",0,0]", "{\"q\":[\"a\",0,0],\"p\":[\"b\",0,0]}"),
                    &model));
    ck_assert_str_eq(clayer_model_get_output_name(model, 0), "b");
    ck_assert_str_eq(cly_model_loss_name(model, 0), "p");
    ck_assert_str_eq(cly_model_loss_name(model, 1), "q");
    model->generation = 2;
    ck_assert_str_eq(cly_model_loss_name(model, 1), "a");
    clayer_model_destroy(model);
    MUST(make_model(MODEL(INPUT("x") "," RELU("a", CALL3(FROM3("x", "0"))) "," RELU("b", CALL3(FROM3("x", "0"))),
                          "[\"x\",0,0]", "[[\"a\",0,0],[\"b\",0,0]]"),
                    &model));
    ck_assert_str_eq(cly_model_loss_name(model, 1), "b");
    clayer_model_destroy(model);
}
END_TEST

START_TEST(broken_graphs_are_refused) {
    refuse_model(MODEL(INPUT("x") "," RELU("a", "[" FROM2("b", "0") "]") "," RELU("b", "[" FROM2("a", "0") "]"),
                       "[[\"x\",0,0]]", "[[\"a\",0,0]]"),
                 "cycle");
    refuse_model(MODEL(INPUT("x") "," RELU("a", "[" FROM2("loft", "0") "]"), "[[\"x\",0,0]]", "[[\"a\",0,0]]"), "loft");
    refuse_model(MODEL(INPUT("x") "," RELU("a", "[" FROM2("x", "1") "]"), "[[\"x\",0,0]]", "[[\"a\",0,0]]"), "call 1");
    refuse_model(MODEL(INPUT("x") "," RELU("a", "[[\"x\",0,1,{}]]"), "[[\"x\",0,0]]", "[[\"a\",0,0]]"), "output 1");
    refuse_model(MODEL(INPUT("x") "," RELU("a", "[[\"x\",-1,0,{}]]"), "[[\"x\",0,0]]", "[[\"a\",0,0]]"), "'a'");
    refuse_model(MODEL(INPUT("x") "," RELU("a", ""), "[[\"x\",0,0]]", "[[\"a\",0,0]]"), "inbound_nodes");
    refuse_model(MODEL(INPUT("x") "," RELU("a", "[]"), "[[\"x\",0,0]]", "[[\"a\",0,0]]"), "called on nothing");
    refuse_model(MODEL(INPUT("x") "," INPUT("x"), "[[\"x\",0,0]]", "[[\"x\",0,0]]"), "two layers");
    refuse_model(MODEL(INPUT("x") "," INPUT("y"), "[[\"x\",0,0]]", "[[\"x\",0,0]]"), "'y'");
    refuse_model(MODEL(INPUT("x"), "[[\"x\",0,0],[\"x\",0,0]]", "[[\"x\",0,0]]"), "twice");
    refuse_model(MODEL(INPUT("x") "," RELU("a", "[" FROM2("x", "0") "]"), "[[\"a\",0,0]]", "[[\"a\",0,0]]"),
                 "InputLayer");
    refuse_model(MODEL(INPUT("x") "," RELU("a", "[" FROM2("x", "0") "]"), "[[\"x\",0,0]]", "[[\"b\",0,0]]"), "'b'");
    refuse_model(MODEL(INPUT("x"), "[[\"x\",0,0]]", "[]"), "outputs");
    refuse_model(MODEL(INPUT("x"), "[[\"x\",0,0]]", "7"), "output_layers");
    refuse_model(MODEL("", "[]", "[]"), "no layers");
    refuse_model(MODEL(INPUT("x") "," RELU("a", "[[\"x\",0,0,{\"training\":1}]]"), "[[\"x\",0,0]]", "[[\"a\",0,0]]"),
                 "training");
    refuse_model(MODEL(INPUT("x") "," RELU("a", "[[\"_CONSTANT_VALUE\",-1,3.0,{}]]"), "[[\"x\",0,0]]", "[[\"a\",0,0]]"),
                 "constant");
    refuse_model(MODEL(INPUT("x") "," RELU("a", CALL3("3")), "[[\"x\",0,0]]", "[[\"a\",0,0]]"), "no tensor");
    refuse_model(MODEL("{\"class_name\":\"InputLayer\",\"config\":{\"name\":\"x\"}}", "[[\"x\",0,0]]", "[[\"x\",0,0]]"),
                 "batch_shape");
    refuse_model("{\"class_name\":\"Functional\"}", "config");
    refuse_model("{\"class_name\":\"MyNet\",\"config\":{}}", "MyNet");
    refuse_model("[]", "class_name");
}
END_TEST

#define SEQUENTIAL(rest) "{\"class_name\":\"Sequential\",\"config\":{\"name\":\"line\",\"layers\":[" rest "]}}"

START_TEST(sequential_inputs_are_found) {
    accept_model(SEQUENTIAL(INPUT("x") "," RELU("a", "")), 1, 1, "x a ");
    accept_model(SEQUENTIAL("{\"class_name\":\"ReLU\",\"config\":{\"name\":\"a\",\"batch_input_shape\":[null,4]}}"), 1,
                 1, "input_layer a ");
    /* Before 2.3 the config was the list itself. */
    accept_model(
        "{\"class_name\":\"Sequential\",\"config\":[{\"class_name\":\"ReLU\",\"config\":{\"name\":\"a\","
        "\"batch_input_shape\":[null,4]}}]}",
        1, 1, "input_layer a ");
    accept_model(
        "{\"class_name\":\"Sequential\",\"config\":{\"layers\":[{\"class_name\":\"ReLU\",\"config\":"
        "{\"name\":\"a\"}}],\"build_input_shape\":[null,4]}}",
        1, 1, "input_layer a ");
    refuse_model(SEQUENTIAL("{\"class_name\":\"ReLU\",\"config\":{\"name\":\"a\"}}"), "input shape");
    refuse_model(SEQUENTIAL(INPUT("x") "," INPUT("y")), "first layer");
    refuse_model(SEQUENTIAL(""), "no layers");
    refuse_model(SEQUENTIAL(INPUT("x") "," RELU("x", "")), "'x'");
    refuse_model(SEQUENTIAL("3"), "class_name");
    refuse_model("{\"class_name\":\"Sequential\",\"config\":7}", "no layers");
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("io.config");
    TCase *cases = tcase_create("configurations");
    tcase_add_unchecked_fixture(cases, open_context, close_context);
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, arguments_without_meaning_are_taken_with_harmless_values_only);
    tcase_add_test(cases, a_time_distributed_holds_one_layer);
    tcase_add_test(cases, values_of_the_wrong_kind_are_refused);
    tcase_add_test(cases, older_names_and_forms_are_understood);
    tcase_add_test(cases, dtypes_other_than_float32_run_in_it_or_are_refused);
    tcase_add_test(cases, foreign_code_is_never_taken_for_kerass);
    tcase_add_test(cases, specs_are_read_in_all_forms);
    tcase_add_test(cases, graphs_of_both_generations_are_read);
    tcase_add_test(cases, losses_go_by_the_keys_of_outputs);
    tcase_add_test(cases, broken_graphs_are_refused);
    tcase_add_test(cases, sequential_inputs_are_found);
    suite_add_tcase(suite, cases);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
