/* io/test_operations.c: arithmetic on tensors in Keras' files: networks of both generations and formats predict and
 * train as Keras, also when they are written and read again; what is not known is refused by name. */
#include <clayer/train.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "io/support.h"
#include "layers/layer.h"
#include "support/runner.h"

/* ---- whole networks ---- */

static const char *const networks[] = {"gated", "pieces", "nested"};

static clayer_array *named(const clayer_archive *archive, const char *name) {
    return (clayer_array *)clayer_archive_find(archive, name); /* which is only read */
}

static void expect_close(const clayer_model *model, const clayer_array *got, const clayer_array *wanted,
                         const char *what) {
    const float *a = clayer_array_get_const_data(got), *b = clayer_array_get_const_data(wanted);
    ck_assert_int_eq(clayer_array_get_count(got), clayer_array_get_count(wanted));
    for (int64_t i = 0; i < clayer_array_get_count(wanted); i++) {
        ck_assert_msg(fabs((double)a[i] - (double)b[i]) <= 2e-5 * (1 + fabs((double)b[i])),
                      "%s, %s: value %d is %.9g, Keras has %.9g", clayer_model_get_name(model), what, (int)i,
                      (double)a[i], (double)b[i]);
    }
}

/* `prefix` is that of the case: "" or "007." */
static void predict_as(clayer_model *model, const clayer_archive *archive, const char *prefix, const char *name,
                       const char *what) {
    clayer_array *inputs[2], *output = NULL;
    char text[32];
    for (int i = 0; i < 2; i++) {
        (void)snprintf(text, sizeof(text), "%sx%d", prefix, i);
        inputs[i] = named(archive, text);
    }
    (void)snprintf(text, sizeof(text), "%s%s", prefix, name);
    MUST(clayer_model_predict(model, inputs, clayer_model_get_input_count(model), NULL, &output));
    expect_close(model, output, named(archive, text), what);
    clayer_array_destroy(output);
}

static void train(clayer_model *model, const clayer_archive *archive, const char *prefix, int64_t batch) {
    char text[3][16];
    const clayer_array *x[2], *t = NULL;
    for (int i = 0; i < 3; i++) {
        (void)snprintf(text[i], sizeof(text[i]), i == 2 ? "%st" : "%sx%d", prefix, i);
    }
    x[0] = named(archive, text[0]);
    x[1] = named(archive, text[1]);
    t = named(archive, text[2]);
    const clayer_dataset data = {.struct_size = sizeof(data), .x = x, .y = &t};
    const clayer_fit_config fit = {.struct_size = sizeof(fit), .batch_size = batch, .no_shuffle = true};
    MUST(clayer_model_fit(model, &data, &fit, NULL));
}

/* By every format it is written in again. */
static void check_written(clayer_model *model, const clayer_archive *archive, const char *prefix) {
    static const char *const files[] = {"again.keras", "again.h5"};
    for (size_t i = 0; i < CLY_COUNT(files); i++) {
        clayer_model *again = NULL;
        MUST(clayer_model_save(model, temporary_path(files[i])));
        MUST(clayer_model_load(context, temporary_path(files[i]), &again));
        predict_as(again, archive, prefix, "y", files[i]);
        for (size_t l = 0; l < clayer_model_get_layer_count(model); l++) {
            ck_assert_str_eq(clayer_layer_get_class_name(clayer_model_get_layer(model, l)),
                             clayer_layer_get_class_name(clayer_model_get_layer(again, l)));
        }
        clayer_model_destroy(again);
    }
}

START_TEST(networks_predict_train_and_are_written) {
    for (int file = 0; file < 4; file++) { /* of each generation and format */
        char stem[64], name[80];
        clayer_archive *archive = NULL;
        clayer_model *model = NULL;
        (void)snprintf(stem, sizeof(stem), "operation_models/%s_g%d", networks[_i], 2 + file / 2);
        (void)snprintf(name, sizeof(name), "%s.npz", stem);
        MUST(clayer_archive_load(golden_path(name), &archive));
        (void)snprintf(name, sizeof(name), "%s.%s", stem, file % 2 == 0 ? "keras" : "h5");
        MUST(clayer_model_load(context, golden_path(name), &model));
        predict_as(model, archive, "", "y", name);
        check_written(model, archive, "");
        train(model, archive, "", 4);
        predict_as(model, archive, "", "after", name);
        clayer_model_destroy(model);
        clayer_archive_destroy(archive);
    }
}
END_TEST

/* ---- networks around one operation, of tests/golden/operation_network_cases.py ---- */

#define NETWORK_CASES 106

static clayer_archive *cases;

static void open_cases(void) {
    MUST(clayer_archive_load(golden_path("operation_networks.npz"), &cases));
}

static void close_cases(void) {
    clayer_archive_destroy(cases);
}

/* The model of a case with its weights. */
static clayer_model *make_case(const char *prefix) {
    char name[32];
    cJSON *json = NULL;
    clayer_model *model = NULL;
    size_t next = 0;
    (void)snprintf(name, sizeof(name), "%sjson", prefix);
    const clayer_array *text = named(cases, name);
    ck_assert_ptr_nonnull(text);
    MUST(cly_io_json_parse(clayer_array_get_const_data(text), (size_t)clayer_array_get_count(text), name, &json));
    MUST(cly_io_keras_model(context, json, cJSON_GetObjectItemCaseSensitive(json, "keras")->valueint, &model));
    cJSON_Delete(json);
    for (size_t l = 0; l < clayer_model_get_layer_count(model); l++) {
        clayer_layer *layer = clayer_model_get_layer(model, l);
        for (size_t i = 0; i < clayer_layer_get_weight_count(layer); i++) {
            (void)snprintf(name, sizeof(name), "%sw%zu", prefix, next++);
            const clayer_array *values = named(cases, name);
            MUST(clayer_tensor_write(clayer_layer_get_weight(layer, i), clayer_array_get_const_data(values),
                                     clayer_array_get_count(values)));
        }
    }
    return model;
}

START_TEST(operations_predict_train_and_are_written) {
    const clayer_compile_config compile = {
        .struct_size = sizeof(compile), .optimizer = "sgd(learning_rate=0.25)", .loss = "mean_squared_error"};
    char prefix[8], name[32];
    (void)snprintf(prefix, sizeof(prefix), "%03d.", _i);
    clayer_model *model = make_case(prefix);
    (void)snprintf(name, sizeof(name), "case %03d", _i);
    predict_as(model, cases, prefix, "y", name);
    check_written(model, cases, prefix);
    MUST(clayer_model_compile(model, &compile));
    train(model, cases, prefix, 3);
    predict_as(model, cases, prefix, "after", name);
    clayer_model_destroy(model);
}
END_TEST

/* ---- refusals ---- */

#define KERAS2(function, call)                                                            \
    "{\"class_name\":\"TFOpLambda\",\"config\":{\"name\":\"it\",\"function\":\"" function \
    "\"},\"name\":\"it\",\"inbound_nodes\":[" call "]}"
#define KERAS3(module, class_name, config, call)                                                      \
    "{\"module\":\"" module "\",\"class_name\":\"" class_name "\",\"config\":{\"name\":\"it\"" config \
    "},\"name\":"                                                                                     \
    "\"it\",\"inbound_nodes\":[{\"args\":[" call "],\"kwargs\":{}}]}"
#define TENSOR "{\"class_name\":\"__keras_tensor__\",\"config\":{\"keras_history\":[\"x\",0,0]}}"
#define NUMPY "keras.src.ops.numpy"

static const struct {
    int generation;
    const char *json;
    const char *wanted; /* a part of the sentence; NULL: it is accepted */
} rows[] = {
    {2, KERAS2("math.add", "[\"x\",0,0,{\"y\":1.0,\"name\":null}]"), NULL},
    {2, KERAS2("__operators__.add", "[\"_CONSTANT_VALUE\",-1,[1,2],{\"y\":[\"x\",0,0]}]"), NULL},
    {2, KERAS2("math.add", "[\"x\",0,0,{\"y\":\"text\"}]"), "an operand is neither a tensor nor numbers"},
    {2, KERAS2("math.add", "[\"x\",0,0,{\"y\":[[1,2],[3]]}]"), "different lengths"},
    {2, KERAS2("math.add", "[\"x\",0,0,{\"y\":[]}]"), "neither a tensor nor numbers"},
    {2, KERAS2("math.add", "[\"x\",0,0,{}]"), "an operand is missing"},
    {2, KERAS2("math.add", "[\"_CONSTANT_VALUE\",-1,2.0,{\"y\":1.0}]"), "no operand is a tensor"},
    {2, KERAS2("math.add", "[\"x\",0,0,{\"y\":1.0,\"other\":2}]"), "its argument 'other' is not supported"},
    {2, KERAS2("math.igamma", "[\"x\",0,0,{\"x\":1.0}]"), "the operation math.igamma is not known"},
    {2, KERAS2("strings.length", "[\"x\",0,0,{}]"), "the operation strings.length is not known"},
    {2, KERAS2("math.reduce_max", "[\"x\",0,0,{\"axis\":1}]"), NULL},
    {2, KERAS2("math.argmax", "[\"x\",0,0,{\"axis\":1,\"output_type\":\"int32\"}]"), NULL},
    {2, KERAS2("math.cumprod", "[\"x\",0,0,{\"axis\":1}]"), "math.cumprod is not known"},
    {2, KERAS2("split", "[\"x\",0,0,{\"num_or_size_splits\":2,\"axis\":1}]"), "not known outside of a model"},
    {2, KERAS2("nn.max_pool2d", "[\"x\",0,0,{\"ksize\":2,\"strides\":2,\"padding\":\"SAME\"}]"), NULL},
    {2, KERAS2("nn.max_pool2d", "[\"x\",0,0,{\"ksize\":2,\"strides\":2,\"padding\":[[0,0]]}]"), "SAME nor VALID"},
    {2, KERAS2("nn.avg_pool", "[\"x\",0,0,{\"ksize\":[2,2,2,1],\"strides\":2,\"padding\":\"SAME\"}]"),
     "its window is no size of the spatial axes alone, which are 2"},
    {2, KERAS2("tensordot", "[\"x\",0,0,{\"b\":[\"z\",0,0],\"axes\":1}]"), "outside of a model"},
    {2, KERAS2("compat.v1.norm", "[\"x\",0,0,{\"ord\":3,\"axis\":1}]"), "of an order that is not supported"},
    {2, KERAS2("einsum", "[\"_CONSTANT_VALUE\",-1,\"bi,bi->b\",{}]"), "the operation einsum is not known"},
    {2, KERAS2("image.rot90", "[\"x\",0,0,{}]"), "image.rot90 is not known"},
    {2, KERAS2("pad", "[\"x\",0,0,{\"paddings\":[[0,0],[1,-1]]}]"), "no pairs of sizes"},
    {2, KERAS2("pad", "[\"x\",0,0,{\"paddings\":[[0,0],[1,1]],\"mode\":\"EDGE\"}]"), "its mode EDGE"},
    {2, KERAS2("where", "[\"_CONSTANT_VALUE\",-1,1.0,{\"x\":[\"x\",0,0],\"y\":0.0}]"), "its condition is no tensor"},
    {2, KERAS2("linalg.matmul", "[\"x\",0,0,{\"b\":1.0}]"), "a factor is no tensor"},
    {2, KERAS2("nn.depth_to_space", "[\"x\",0,0,{\"block_size\":2,\"data_format\":\"NCHW\"}]"),
     "NCHW is not supported"},
    {2, KERAS2("image.resize", "[\"x\",0,0,{\"size\":[4]}]"), "a tensor and two sizes"},
    {2, KERAS2("image.resize", "[\"x\",0,0,{\"size\":[4,4],\"preserve_aspect_ratio\":true}]"),
     "'preserve_aspect_ratio'"},
    {2, KERAS2("math.add", "[\"x\",0,0,{\"y\":1.0}],[\"z\",0,0,{\"y\":1.0}]"), NULL},
    {2, KERAS2("cast", "[\"x\",0,0,{\"dtype\":\"int32\"}]"), "a cast to int32 is not supported"},
    {2, KERAS2("concat", "[[\"x\",0,0,{\"axis\":0}],[\"x\",0,0,{\"axis\":0}]]"), "along the batch, axis 0"},
    {2, KERAS2("reshape", "[\"x\",0,0,{\"shape\":[3,4]}]"), "begins with -1, the batch"},
    {2, KERAS2("reshape", "[\"x\",0,0,{\"shape\":[-1,4]}]"), NULL},
    {2, KERAS2("nn.leaky_relu", "[\"x\",0,0,{\"alpha\":\"a\"}]"), "negative_slope is no number"},
    {2, KERAS2("clip_by_value", "[\"x\",0,0,{\"clip_value_min\":0}]"), "its limits are no numbers"},
    {2, KERAS2("math.add", "[\"x\",0,0,{\"y\":1.0}],[\"z\",0,0,{\"y\":2.0}]"), "called several times, with different"},
    {3, KERAS3(NUMPY, "Add", "", TENSOR ",2.0"), NULL},
    {3, KERAS3(NUMPY, "Add", "", TENSOR ",{\"class_name\":\"__numpy__\",\"config\":{\"value\":[1,2]}}"), NULL},
    {3, KERAS3(NUMPY, "Add", "", TENSOR ",2.0,3.0"), "its argument 2 is not supported"},
    {3, KERAS3(NUMPY, "Einsum", ",\"subscripts\":\"ij\"", TENSOR), "of ij: of two operands"},
    {3, KERAS3(NUMPY, "Cumprod", ",\"axis\":1", TENSOR), NUMPY ".Cumprod is not known"},
    {3, KERAS3(NUMPY, "Prod", ",\"axis\":1,\"keepdims\":true", TENSOR), NULL},
    {3, KERAS3(NUMPY, "Average", ",\"axis\":1", TENSOR), NULL},
    {3, KERAS3("keras.src.ops.nn", "Moments", ",\"axes\":[1],\"keepdims\":true", TENSOR), "outside of a model"},
    {3, KERAS3("keras.src.ops.nn", "Relu6", "", "1.0"), "its first argument is no tensor"},
    {3, KERAS3(NUMPY, "Mean", ",\"axis\":\"all\",\"keepdims\":false", TENSOR), "its axes are no integers"},
    {3, KERAS3(NUMPY, "Mean", ",\"axis\":1,\"keepdims\":false,\"dtypes\":1", TENSOR), "'dtypes' is not supported"},
    {3, KERAS3(NUMPY, "Transpose", ",\"axes\":null", TENSOR), "the batch too"},
    {3, KERAS3(NUMPY, "GetItem", "", TENSOR ",[{\"class_name\":\"__slice__\",\"config\":{\"step\":0}}]"), "the step 0"},
    {3, KERAS3(NUMPY, "Max", ",\"axis\":1,\"keepdims\":false,\"initial\":2.0", TENSOR), "'initial' is not supported"},
    {3, KERAS3(NUMPY, "Round", ",\"decimals\":2", TENSOR), "other places than whole numbers"},
    {3, KERAS3(NUMPY, "Add", "", TENSOR "," TENSOR "],\"kwargs\":{}},{\"args\":[" TENSOR "," TENSOR), NULL},
    {3, KERAS3(NUMPY, "GetItem", "", TENSOR ",[\"a\"]"), "integers and slices"},
    {3, KERAS3("keras.src.ops.nn", "Softmax", ",\"axis\":[1,2]", TENSOR), "over several axes"},
};

START_TEST(what_is_not_known_is_refused_by_name) {
    for (size_t i = 0; i < CLY_COUNT(rows); i++) {
        cJSON *json = NULL;
        clayer_layer *layer = NULL;
        MUST(cly_io_json_parse(rows[i].json, strlen(rows[i].json), "test", &json));
        const clayer_status status = cly_io_keras_layer(context, json, rows[i].generation, &layer);
        ck_assert_msg(status == (rows[i].wanted == NULL ? CLAYER_OK : CLAYER_UNSUPPORTED), "row %zu: '%s': %s", i,
                      clayer_status_string(status), status == CLAYER_OK ? "" : clayer_last_error());
        ck_assert_msg(rows[i].wanted == NULL || (strstr(clayer_last_error(), rows[i].wanted) != NULL &&
                                                 strstr(clayer_last_error(), "'it'") != NULL),
                      "row %zu: \"%s\" lacks \"%s\"", i, clayer_last_error(), rows[i].wanted);
        clayer_layer_destroy(layer);
        cJSON_Delete(json);
    }
}
END_TEST

/* What shows only in the input's shape. */
static const struct {
    const char *json, *wanted;
} shaped[] = {
    {KERAS3(NUMPY, "Add", "", TENSOR ",{\"class_name\":\"__numpy__\",\"config\":{\"value\":[1,2]}}"), "do not fit"},
    {KERAS3(NUMPY, "Mean", ",\"axis\":3,\"keepdims\":false", TENSOR), "axis 3 is outside of 3 axes"},
    {KERAS3(NUMPY, "Mean", ",\"axis\":0,\"keepdims\":false", TENSOR), "the batch, axis 0"},
    {KERAS3(NUMPY, "Mean", ",\"axis\":null,\"keepdims\":false", TENSOR), "over all axes"},
    {KERAS3(NUMPY, "Matmul", "", TENSOR "," TENSOR), "of two tensors only"},
    {KERAS3(NUMPY, "Pad", ",\"pad_width\":[[0,0],[4,0],[0,0]],\"mode\":\"reflect\"", TENSOR), "exceeds its size 4"},
    {KERAS3(NUMPY, "Pad", ",\"pad_width\":[[1,0],[1,0],[0,0]],\"mode\":\"reflect\"", TENSOR), "leave the batch"},
    {KERAS3(NUMPY, "Swapaxes", ",\"axis1\":0,\"axis2\":1", TENSOR), "the batch first"},
    {KERAS3(NUMPY, "Tile", ",\"repeats\":[2,1,1]", TENSOR), "behind the batch"},
    {KERAS3(NUMPY, "Flip", ",\"axis\":null", TENSOR), "the batch too"},
    {KERAS3(NUMPY, "Squeeze", ",\"axis\":1", TENSOR), "is not 1 and cannot be squeezed"},
    {KERAS3(NUMPY, "Transpose", ",\"axes\":[1,0,2]", TENSOR), "the batch first"},
    {KERAS3(NUMPY, "GetItem", "", TENSOR ",[0]"), "a slice of the batch"},
    {KERAS3(NUMPY, "GetItem", "", TENSOR ",[{\"class_name\":\"__ellipsis__\"},9]"), "is empty or outside"},
    {KERAS3(NUMPY, "Argmax", ",\"axis\":0", TENSOR), "the batch, axis 0"},
    {KERAS3(NUMPY, "Argmax", ",\"axis\":[1,2]", TENSOR), "along other axes than one"},
    {KERAS3(NUMPY, "Cumsum", ",\"axis\":null", TENSOR), "over all axes"},
    {KERAS3(NUMPY, "Einsum", ",\"subscripts\":\"bij,jk->ibk\"", TENSOR ",[[1],[2],[3],[4],[5]]"), "the batch must be"},
    {KERAS3(NUMPY, "Einsum", ",\"subscripts\":\"bij,jk->bk\"", TENSOR ",[[1],[2],[3],[4],[5]]"), "in one place alone"},
    {KERAS3(NUMPY, "Einsum", ",\"subscripts\":\"bij,jk->bik\"", TENSOR ",[[1],[2]]"), "sizes of one name differ"},
    {KERAS3(NUMPY, "GetItem", "", TENSOR ",[{},{},{},0]"), "4 axes are indexed, the input has 3"},
};

START_TEST(shapes_are_refused) {
    const clayer_shape input = {.rank = 3, .dims = {2, 4, 5}};
    for (size_t i = 0; i < CLY_COUNT(shaped); i++) {
        cJSON *json = NULL;
        clayer_layer *layer = NULL;
        clayer_shape output;
        MUST(cly_io_json_parse(shaped[i].json, strlen(shaped[i].json), "test", &json));
        MUST(cly_io_keras_layer(context, json, 3, &layer));
        ck_assert_int_ne(clayer_layer_get_output_shape(layer, &input, 1, &output), CLAYER_OK);
        ck_assert_msg(strstr(clayer_last_error(), shaped[i].wanted) != NULL, "row %zu: \"%s\" lacks \"%s\"", i,
                      clayer_last_error(), shaped[i].wanted);
        clayer_layer_destroy(layer);
        cJSON_Delete(json);
    }
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("io.operations");
    TCase *files = tcase_create("files");
    tcase_add_unchecked_fixture(files, open_context, close_context);
    tcase_add_unchecked_fixture(files, open_folder, close_folder);
    tcase_add_loop_test(files, networks_predict_train_and_are_written, 0, (int)CLY_COUNT(networks));
    tcase_add_unchecked_fixture(files, open_cases, close_cases);
    tcase_add_loop_test(files, operations_predict_train_and_are_written, 0, NETWORK_CASES);
    tcase_add_test(files, what_is_not_known_is_refused_by_name);
    tcase_add_test(files, shapes_are_refused);
    suite_add_tcase(suite, files);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
