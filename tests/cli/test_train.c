/* cli/test_train.c: `clayer train`, `evaluate` and `convert` on small nets that Keras compiled, against what Keras' own
 * fit and evaluate gave. */
#include <cjson/cJSON.h>
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/training.h"
#include "support/runner.h"

START_TEST(history_and_result_are_those_of_keras) {
    static const struct {
        const char *stem, *model, *names;
    } cases[] = {{"conv_g2", "conv_g2.h5", "loss,accuracy,val_loss,val_accuracy"},
                 {"conv_g3", "conv_g3.keras", "accuracy,loss,val_accuracy,val_loss"}};
    static const char *const outs[] = {"out.keras", "out.h5"};
    for (size_t i = 0; i < 2; i++) {
        const char *stem = cases[i].stem, *x = training_save_golden(stem, "x0"), *y = training_save_golden(stem, "y0");
        const char *vx = training_save_golden(stem, "vx0"), *vy = training_save_golden(stem, "vy0"),
                   *csv = command_path("history.csv");
        const char *out = command_path(outs[i]);
        command_result result =
            RUN("train", training_model(cases[i].model), "-x", x, "-y", y, "-X", vx, "-Y", vy, "-o", out,
                "--batch-size", "8", "--epochs", "3", "--no-shuffle", "--history", csv, "--json");
        CHECK_STATUS(result, 0);
        training_check_history(result.out, stem, cases[i].names);
        CHECK_HOLDS(result.err, "Epoch 3/3: loss ");
        command_free(&result);
        char *text = training_read_text(csv);
        CHECK_HOLDS(text, "epoch,accuracy,loss,val_accuracy,val_loss\r\n0,");
        CHECK_HOLDS(text, "\r\n2,");
        result = RUN("evaluate", out, "-x", x, "-y", y, "--batch-size", "4");
        CHECK_STATUS(result, 0);
        training_check_evaluation(result.out, stem);
        command_free(&result);
    }
}
END_TEST

START_TEST(several_outputs_take_names_and_weights) {
    const char *stem = "two_outputs_g3", *model = training_model("two_outputs_g3.keras"),
               *out = command_path("two.keras");
    const char *x = training_save_golden(stem, "x0"), *a = training_save_golden(stem, "y0"),
               *b = training_save_golden(stem, "y1");
    const char *wa = training_save_golden(stem, "w0"), *wb = training_save_golden(stem, "w1");
    char named_a[512], named_b[512];
    snprintf(named_a, sizeof named_a, "a=%s", a);
    snprintf(named_b, sizeof named_b, "b=%s", b);
    command_result result = RUN("train", model, "-x", x, "-y", named_b, "-y", named_a, "--sample-weight", wa,
                                "--sample-weight", wb, "-o", out, "--batch-size", "4", "--epochs", "2", "--no-shuffle");
    CHECK_STATUS(result, 0);
    command_free(&result);
    result = RUN("evaluate", out, "-x", x, "-y", a, "-y", b, "--sample-weight", wa, "--sample-weight", wb,
                 "--batch-size", "4");
    CHECK_STATUS(result, 0);
    training_check_evaluation(result.out, stem);
    command_free(&result);
    command_expect_error(RUN("train", model, "-x", x, "-y", named_a, "-o", out), 2, "no file for target 'b'");
    command_expect_error(RUN("train", model, "-x", x, "-y", a, "-y", b, "-y", a, "-o", out), 2, "one file too many");
    /* Every output with a loss and metrics of its own. */
    result = RUN("train", model, "-x", x, "-y", a, "-y", b, "-o", out, "--loss", "a=sparse_categorical_crossentropy",
                 "--loss", "b=huber(delta=2)", "--loss-weights", "1, 0.5", "--metrics",
                 "b=mae,mean_squared_error(name='square')", "--json");
    CHECK_STATUS(result, 0);
    CHECK_HOLDS(result.out, "\"b_mae\"");
    CHECK_HOLDS(result.out, "\"b_square\"");
    command_free(&result);
    command_expect_error(RUN("train", model, "-x", x, "-y", a, "-y", b, "-o", out, "--loss-weights", "1"), 2,
                         "1 numbers for 2 outputs");
    command_expect_error(RUN("train", model, "-x", x, "-y", a, "-y", b, "-o", out, "--loss", "a=mse", "--loss", "mse"),
                         2, "names no output");
}
END_TEST

/* An output without a loss needs no target. */
START_TEST(silent_outputs_need_no_target) {
    const char *stem = "silent_output_g3", *out = command_path("silent.keras");
    const char *x = training_save_golden(stem, "x0"), *y = training_save_golden(stem, "y0");
    command_result result = RUN("train", training_model("silent_output_g3.keras"), "-x", x, "-y", y, "-o", out,
                                "--batch-size", "4", "--epochs", "2", "--no-shuffle");
    CHECK_STATUS(result, 0);
    command_free(&result);
    result = RUN("evaluate", out, "-x", x, "-y", y, "--batch-size", "4");
    CHECK_STATUS(result, 0);
    training_check_evaluation(result.out, stem);
    command_free(&result);
}
END_TEST

START_TEST(classes_and_a_split_are_weighed) {
    const char *stem = "class_weight_g3", *out = command_path("classes.keras");
    command_result result =
        RUN("train", training_model("class_weight_g3.keras"), "-x", training_save_golden(stem, "x0"), "-y",
            training_save_golden(stem, "y0"), "-o", out, "--batch-size", "5", "--epochs", "3", "--no-shuffle",
            "--validation-split", "0.3", "--class-weight", "1=2.5,0=0.4");
    CHECK_STATUS(result, 0);
    command_free(&result);
    result = RUN("evaluate", out, "-x", training_save_golden(stem, "x0"), "-y", training_save_golden(stem, "y0"),
                 "--batch-size", "4");
    training_check_evaluation(result.out, stem);
    command_free(&result);
}
END_TEST

/* One .npz holds inputs and targets under their usual names. */
START_TEST(an_archive_holds_both) {
    clayer_archive *archive = NULL;
    clayer_array *x = NULL, *y = NULL;
    const char *path = command_path("both.npz");
    ck_assert(clayer_archive_create(&archive) == CLAYER_OK);
    ck_assert(clayer_array_load(training_save_golden("conv_g3", "x0"), &x) == CLAYER_OK);
    ck_assert(clayer_array_load(training_save_golden("conv_g3", "y0"), &y) == CLAYER_OK);
    ck_assert(clayer_archive_add(archive, "x", x) == CLAYER_OK);
    ck_assert(clayer_archive_add(archive, "y", y) == CLAYER_OK);
    ck_assert(clayer_archive_save(archive, path) == CLAYER_OK);
    clayer_archive_destroy(archive);
    clayer_array_destroy(x);
    clayer_array_destroy(y);
    command_result result = RUN("evaluate", training_model("conv_g3.keras"), "-x", path, "-y", path, "--json");
    CHECK_STATUS(result, 0);
    CHECK_HOLDS(result.out, "{\"accuracy\": ");
    CHECK_HOLDS(result.out, ", \"loss\": ");
    command_free(&result);
}
END_TEST

/* ---- going on, interruption ---- */

/* Two epochs and then two more give what four give, bit for bit. */
START_TEST(resumed_training_goes_on) {
    const char *model = training_model("conv_g3.keras"), *x = training_save_golden("conv_g3", "x0"),
               *y = training_save_golden("conv_g3", "y0");
    const char *whole = command_path("whole.keras"), *half = command_path("half.keras"), *csv = command_path("go.csv");
    command_result result = RUN("train", model, "-x", x, "-y", y, "-o", whole, "--epochs", "4", "--batch-size", "8",
                                "--no-shuffle", "--json");
    CHECK_STATUS(result, 0);
    cJSON *root = cJSON_Parse(result.out), *losses = cJSON_GetObjectItem(cJSON_GetObjectItem(root, "history"), "loss");
    const double last = cJSON_GetArrayItem(losses, 3)->valuedouble;
    cJSON_Delete(root);
    command_free(&result);
    result = RUN("train", model, "-x", x, "-y", y, "-o", half, "--epochs", "2", "--batch-size", "8", "--no-shuffle",
                 "--history", csv);
    CHECK_STATUS(result, 0);
    command_free(&result);
    result = RUN("train", half, "-x", x, "-y", y, "-o", half, "--initial-epoch", "2", "--epochs", "4", "--batch-size",
                 "8", "--no-shuffle", "--json", "--history", csv);
    CHECK_STATUS(result, 0);
    root = cJSON_Parse(result.out);
    losses = cJSON_GetObjectItem(cJSON_GetObjectItem(root, "history"), "loss");
    ck_assert_int_eq(cJSON_GetArraySize(losses), 2);
    ck_assert_double_eq(cJSON_GetArrayItem(losses, 1)->valuedouble, last);
    cJSON_Delete(root);
    command_free(&result);
    CHECK_HOLDS(training_read_text(csv), "\r\n0,"); /* the history goes on, too */
    CHECK_HOLDS(training_read_text(csv), "\r\n3,");
}
END_TEST

/* Ctrl-C after a while: status 130, the model so far whole, and a line of the history for each epoch that ended. */
START_TEST(an_interrupt_saves_the_model) {
    const char *out = command_path("interrupted.keras"), *csv = command_path("interrupted.csv");
    const char *x = training_save_golden("conv_g3", "x0"), *y = training_save_golden("conv_g3", "y0");
    char script[4096];
    snprintf(script, sizeof script,
             "'%s' train '%s' -x '%s' -y '%s' -o '%s' --history '%s' --batch-size 1 --epochs 1000000 & "
             "while [ ! -s '%s' ] && kill -0 $!; do sleep 0.1; done; sleep 0.5; kill -INT $!; wait $!",
             CLAYER_COMMAND, training_model("conv_g3.keras"), x, y, out, csv, csv);
    (void)unlink(out);
    command_result result = command_run_to((const char *const[]){"/bin/sh", "-c", script, NULL}, NULL, NULL);
    CHECK_STATUS(result, 130);
    CHECK_HOLDS(result.err, "clayer: interrupted in epoch ");
    int epoch = 0;
    ck_assert_int_eq(sscanf(strstr(result.err, "interrupted in epoch "), "interrupted in epoch %d", &epoch), 1);
    command_free(&result);
    int lines = 0;
    for (const char *c = training_read_text(csv); *c != '\0'; c++) {
        lines += *c == '\n';
    }
    /* Without the header: all epochs before this one, or this one too where it had just ended. */
    ck_assert_msg(lines - 1 == epoch - 1 || lines - 1 == epoch, "%d lines, interrupted in epoch %d", lines, epoch);
    result = RUN("evaluate", out, "-x", x, "-y", y);
    CHECK_STATUS(result, 0);
    command_free(&result);
    ck_assert_int_eq(training_count_files("tmp$"), 0);
}
END_TEST

/* ---- watching a metric ---- */

START_TEST(checkpoints_and_early_stopping) {
    const char *x = training_save_golden("conv_g3", "x0"), *y = training_save_golden("conv_g3", "y0"),
               *out = command_path("watched.keras");
    const char *pattern = command_path("at-{epoch:02d}-{val_loss:.2f}.keras");
    command_result result = RUN("train", training_model("conv_g3.keras"), "-x", x, "-y", y, "-o", out, "--epochs", "2",
                                "--validation-split", "0.25", "--checkpoint", pattern);
    CHECK_STATUS(result, 0);
    command_free(&result);
    ck_assert_int_eq(training_count_files("^at-0[12]-.*keras$"), 2);
    /* A learning rate that spoils everything: the first epoch stays the best. */
    result = RUN("train", training_model("conv_g3.keras"), "-x", x, "-y", y, "-o", out, "--epochs", "20",
                 "--validation-split", "0.25", "--learning-rate", "0.5", "--early-stopping", "2", "--restore-best",
                 "--monitor", "val_loss", "--reduce-lr", "0.5,1", "--json");
    CHECK_STATUS(result, 0);
    cJSON *root = cJSON_Parse(result.out);
    ck_assert_int_lt(cJSON_GetArraySize(cJSON_GetObjectItem(root, "epoch")), 20);
    ck_assert(cJSON_GetObjectItem(cJSON_GetObjectItem(root, "history"), "learning_rate") != NULL);
    cJSON_Delete(root);
    command_free(&result);
    command_expect_error(RUN("train", training_model("conv_g3.keras"), "-x", x, "-y", y, "-o", out, "--early-stopping",
                             "2", "--monitor", "val_loss"),
                         2, "--monitor val_loss needs");
}
END_TEST

/* ---- convert ---- */

START_TEST(converted_models_evaluate_alike) {
    const char *stem = "conv_g3", *x = training_save_golden(stem, "x0"), *y = training_save_golden(stem, "y0");
    const char *h5 = command_path("c.h5"), *keras = command_path("c.keras"), *json = command_path("c.json"),
               *weights = command_path("c.weights.h5"), *again = command_path("again.keras");
    command_result first = RUN("evaluate", training_model("conv_g3.keras"), "-x", x, "-y", y);
    CHECK_STATUS(first, 0);
    const char *const steps[][2] = {
        {training_model("conv_g3.keras"), h5}, {h5, keras}, {keras, json}, {keras, weights}};
    for (size_t i = 0; i < 4; i++) {
        command_result result = RUN("convert", steps[i][0], steps[i][1]);
        CHECK_STATUS(result, 0);
        ck_assert_str_eq(result.out, "");
        command_free(&result);
    }
    command_result result = RUN("convert", json, again, "--weights", weights);
    CHECK_STATUS(result, 0);
    command_free(&result);
    result = RUN("evaluate", keras, "-x", x, "-y", y);
    ck_assert_str_eq(result.out, first.out);
    command_free(&result);
    result =
        RUN("evaluate", again, "-x", x, "-y", y, "--loss", "sparse_categorical_crossentropy", "--metrics", "accuracy");
    CHECK_STATUS(result, 0);
    ck_assert_str_eq(result.out, first.out);
    command_free(&result);
    command_free(&first);
    command_expect_error(RUN("convert", keras, command_path("c.onnx")), 2, "ends neither in");
    command_expect_error(RUN("convert", keras), 2, "IN and OUT");
    command_expect_error(RUN("convert", command_path("none.h5"), keras), 3, "none.h5");
    command_expect_error(RUN("convert", keras, command_path("no/folder/c.h5")), 3, "no/folder");
}
END_TEST

START_TEST(each_verb_has_its_help) {
    static const char *const verbs[] = {"train", "evaluate", "convert"};
    for (int i = 0; i < 3; i++) {
        char usage[64];
        command_result result = RUN(verbs[i], "--help");
        snprintf(usage, sizeof usage, "usage: clayer %s ", verbs[i]);
        CHECK_STATUS(result, 0);
        CHECK_HOLDS(result.out, usage);
        command_free(&result);
    }
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("cli.train");
    TCase *tests = tcase_create("train");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, history_and_result_are_those_of_keras);
    tcase_add_test(tests, several_outputs_take_names_and_weights);
    tcase_add_test(tests, silent_outputs_need_no_target);
    tcase_add_test(tests, classes_and_a_split_are_weighed);
    tcase_add_test(tests, an_archive_holds_both);
    tcase_add_test(tests, resumed_training_goes_on);
    tcase_add_test(tests, an_interrupt_saves_the_model);
    tcase_add_test(tests, checkpoints_and_early_stopping);
    tcase_add_test(tests, converted_models_evaluate_alike);
    tcase_add_test(tests, each_verb_has_its_help);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
