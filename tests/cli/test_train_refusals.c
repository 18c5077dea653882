/* cli/test_train_refusals.c: what `clayer train` and `evaluate` refuse, with which status, and that nothing is lost. */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/training.h"
#include "support/runner.h"

static bool exists(const char *path) {
    return access(path, F_OK) == 0;
}

START_TEST(wrong_usage_is_2) {
    const char *model = training_model("conv_g3.keras"), *x = training_save_golden("conv_g3", "x0"),
               *y = training_save_golden("conv_g3", "y0"), *out = command_path("never.keras");
    const struct {
        const char *option, *value, *part;
    } wrong[] = {{"--optimizer", "sdg", "unknown optimizer 'sdg': there are sgd"},
                 {"--optimizer", "sgd(speed=1)", "speed"},
                 {"--loss", "mes", "unknown loss 'mes'"},
                 {"--metrics", "accuracy,precise", "unknown metric 'precise'"},
                 {"--learning-rate", "fast", "fast"},
                 {"--learning-rate", "-1", "-1"},
                 {"--batch-size", "0", "--batch-size"},
                 {"--epochs", "none", "--epochs"},
                 {"--seed", "-1", "--seed"},
                 {"--class-weight", "0:1", "CLASS=WEIGHT"},
                 {"--memory-limit", "1Q", "--memory-limit"},
                 {"--reduce-lr", "0.5", "FACTOR,EPOCHS"},
                 {"--validation-split", "2", "--validation-split"},
                 {"--validation-x", x, "go together"},
                 {"--checkpoint", "best.onnx", "best.onnx"},
                 {"--weights", "w.h5", "--weights"}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        command_expect_error(RUN("train", model, "-x", x, "-y", y, "-o", out, wrong[i].option, wrong[i].value), 2,
                             wrong[i].part);
    }
    command_expect_error(RUN("train", model, "-x", x, "-y", y), 2, "-o FILE is missing");
    command_expect_error(RUN("train", model, "-x", x, "-o", out), 2, "-y FILE is missing");
    command_expect_error(RUN("train", model, "-x", x, "-y", y, "-o", command_path("out.onnx")), 2, "ends neither in");
    command_expect_error(RUN("train", model, "-x", x, "-y", y, "-o", out, "--restore-best"), 2, "--early-stopping");
    command_expect_error(RUN("train", model, "-x", x, "-y", y, "-o", out, "--save-best-only"), 2, "--checkpoint");
    ck_assert(!exists(out));
}
END_TEST

/* Labels and shapes that do not fit name themselves, and nothing is written. */
START_TEST(wrong_data_is_2) {
    const char *model = training_model("conv_g3.keras"), *x = training_save_golden("conv_g3", "x0"),
               *out = command_path("never.keras");
    int32_t labels[22] = {0};
    labels[7] = 4;
    const char *bad = training_save_vector("bad.npy", CLAYER_INT32, labels, 22);
    const char *few = training_save_vector("few.npy", CLAYER_INT32, labels, 21);
    command_expect_error(RUN("train", model, "-x", x, "-y", bad, "-o", out), 2, "label 4");
    command_expect_error(RUN("evaluate", model, "-x", x, "-y", bad), 2, "label 4");
    command_expect_error(RUN("train", model, "-x", x, "-y", few, "-o", out), 2, "21");
    command_expect_error(RUN("train", model, "-x", x, "-y", x, "-o", out), 2, "dense");
    command_expect_error(RUN("train", model, "-x", bad, "-y", bad, "-o", out), 2, "image");
    ck_assert(!exists(out));
}
END_TEST

START_TEST(files_that_cannot_be_used_are_3) {
    const char *model = training_model("conv_g3.keras"), *x = training_save_golden("conv_g3", "x0"),
               *y = training_save_golden("conv_g3", "y0");
    command_expect_error(RUN("train", model, "-x", x, "-y", command_path("none.npy"), "-o", command_path("o.keras")), 3,
                         "none.npy");
    command_expect_error(RUN("train", model, "-x", x, "-y", y, "-o", command_path("no/folder/o.keras")), 3,
                         "no/folder");
    command_expect_error(RUN("train", model, "-x", x, "-y", y, "-o", command_path("o.keras"), "--history",
                             command_path("no/folder/h.csv")),
                         3, "no/folder");
    command_expect_error(RUN("evaluate", command_path("none.keras"), "-x", x, "-y", y), 3, "none.keras");
}
END_TEST

/* A model that was never compiled says what is missing; with a loss it trains. */
START_TEST(a_model_without_a_loss_asks_for_one) {
    const char *model = command_golden("models/k3_one_dim.keras"), *out = command_path("o.keras");
    clayer_array *x = command_golden_array("k3_one_dim", "x"), *y = command_golden_array("k3_one_dim", "y");
    const char *x_path = command_path("one_x.npy"), *y_path = command_path("one_y.npy");
    ck_assert(clayer_array_save(x, x_path) == CLAYER_OK && clayer_array_save(y, y_path) == CLAYER_OK);
    clayer_array_destroy(x);
    clayer_array_destroy(y);
    command_expect_error(RUN("train", model, "-x", x_path, "-y", y_path, "-o", out), 2, "--loss is missing");
    command_expect_error(RUN("evaluate", model, "-x", x_path, "-y", y_path), 2, "--loss is missing");
    command_result result = RUN("train", model, "-x", x_path, "-y", y_path, "-o", out, "--loss", "mse");
    CHECK_STATUS(result, 0);
    command_free(&result);
    result = RUN("evaluate", out, "-x", x_path, "-y", y_path, "--loss", "mae", "--metrics", "mse");
    CHECK_STATUS(result, 0);
    CHECK_HOLDS(result.out, "loss: ");
    CHECK_HOLDS(result.out, "mse: ");
    command_free(&result);
}
END_TEST

START_TEST(too_little_memory_is_5) {
    const char *out = command_path("never.keras");
    command_expect_error(RUN("train", training_model("conv_g3.keras"), "-x", training_save_golden("conv_g3", "x0"),
                             "-y", training_save_golden("conv_g3", "y0"), "-o", out, "--memory-limit", "1K"),
                         5, "1024");
    ck_assert(!exists(out));
}
END_TEST

/* A loss that is no number: status 1, and the old file stays. */
START_TEST(a_loss_of_nan_is_1) {
    const char *out = command_path("old.keras"), *x = training_save_golden("conv_g3", "x0"),
               *y = training_save_golden("conv_g3", "y0");
    FILE *file = fopen(out, "w");
    ck_assert(file != NULL && fputs("old", file) >= 0 && fclose(file) == 0);
    command_expect_error(RUN("train", training_model("conv_g3.keras"), "-x", x, "-y", y, "-o", out, "--optimizer",
                             "sgd", "--learning-rate", "1e38", "--batch-size", "8"),
                         1, "not a finite number");
    command_expect_error(RUN("train", training_model("conv_g3.keras"), "-x", x, "-y", y, "-o", out, "--optimizer",
                             "sgd", "--learning-rate", "1e38", "--batch-size", "8", "--check-numerics"),
                         1, "layer '");
    ck_assert_str_eq(training_read_text(out), "old");
}
END_TEST

/* The saved model does not fit: an error that says so, and the old file stays. */
START_TEST(a_full_disk_leaves_the_old_file) {
    static const char config[] =
        "{\"class_name\": \"Sequential\", \"config\": {\"name\": \"large\", \"layers\": ["
        "{\"class_name\": \"InputLayer\", \"config\": {\"batch_shape\": [null, 4], \"name\": \"x\"}},"
        "{\"class_name\": \"Dense\", \"config\": {\"name\": \"dense\", \"units\": 600000}}]}, \"keras_version\": "
        "\"3.0\"}";
    const char *out = command_path("old.keras"), *model = command_path("large.json");
    const float values[4] = {1, 2, 3, 4};
    const int64_t shape[] = {1, 600000};
    clayer_array *x = NULL, *y = NULL;
    ck_assert(clayer_array_create(CLAYER_FLOAT32, 2, (const int64_t[]){1, 4}, &x) == CLAYER_OK);
    ck_assert(clayer_array_create(CLAYER_FLOAT32, 2, shape, &y) == CLAYER_OK);
    memcpy(clayer_array_get_data(x), values, sizeof values);
    ck_assert(clayer_array_save(x, command_path("x.npy")) == CLAYER_OK);
    ck_assert(clayer_array_save(y, command_path("y.npy")) == CLAYER_OK);
    clayer_array_destroy(x);
    clayer_array_destroy(y);
    FILE *file = fopen(model, "w");
    ck_assert(file != NULL && fputs(config, file) >= 0 && fclose(file) == 0);
    file = fopen(out, "w");
    ck_assert(file != NULL && fputs("old", file) >= 0 && fclose(file) == 0);
    /* A limit on the size of files stands for the disk: 8 MiB, and the model has 12; its signal is ignored, so that
     * writing fails with an error. */
    char script[4096];
    snprintf(script, sizeof script,
             "trap '' XFSZ; ulimit -f 16384; '%s' train '%s' -x '%s' -y '%s' -o '%s' --loss mse --optimizer sgd 2>&1",
             CLAYER_COMMAND, model, command_path("x.npy"), command_path("y.npy"), out);
    command_result result = command_run_to((const char *const[]){"/bin/sh", "-c", script, NULL}, NULL, NULL);
    CHECK_STATUS(result, 3);
    CHECK_HOLDS(result.out, "old.keras");
    CHECK_HOLDS(result.out, "File too large");
    command_free(&result);
    ck_assert_str_eq(training_read_text(out), "old");
    ck_assert_int_eq(training_count_files("tmp$"), 0);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("cli.train_refusals");
    TCase *tests = tcase_create("train_refusals");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, wrong_usage_is_2);
    tcase_add_test(tests, wrong_data_is_2);
    tcase_add_test(tests, files_that_cannot_be_used_are_3);
    tcase_add_test(tests, a_model_without_a_loss_asks_for_one);
    tcase_add_test(tests, too_little_memory_is_5);
    tcase_add_test(tests, a_loss_of_nan_is_1);
    tcase_add_test(tests, a_full_disk_leaves_the_old_file);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
