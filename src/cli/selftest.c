/* cli/selftest.c: `clayer selftest`: every layer, forward and backward, and steps of training, on this device against
 * plain loops on the host.
 *
 * Random cases of each layer run once as the library chooses and once with every implementation of the layer's
 * operators forced by name, so that a fault of the user's own driver shows wherever it is. */
#include "cli.h"
#include "selftest.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct request {
    int64_t cases;
    uint64_t seed;
    const char *layer; /* NULL: all */
} request;

static selftest_verdict test_layer(clayer_context *context, const selftest_layer *layer, const request *wanted) {
    selftest_verdict result = {.cases = 0};
    const int64_t cases = wanted->cases > layer->least_cases ? wanted->cases : layer->least_cases;
    for (int64_t i = 0; i < cases && !cly_cli_interrupted; i++) {
        cly_selftest_try(context, layer, wanted->seed, i, &result);
    }
    return result;
}

/* ---- report ---- */

/* "conv: gemm im2col reference; depthwise: ..." of those that ran. */
static void list_implementations(const char *const *operators, const selftest_side *side, char *text, size_t capacity) {
    snprintf(text, capacity, "%s", operators[0] == NULL ? "(values pass on)" : "");
    for (int op = 0; op < SELFTEST_OPERATORS && operators[op] != NULL; op++) {
        const char *const *names = clayer_get_implementations(operators[op]);
        size_t used = strlen(text);
        snprintf(text + used, capacity - used, "%s%s:", op > 0 ? "; " : "", operators[op]);
        for (int i = 0; names != NULL && names[i] != NULL && i < SELFTEST_IMPLEMENTATIONS; i++) {
            used = strlen(text);
            if (side->ran[op][i]) {
                snprintf(text + used, capacity - used, " %s", names[i]);
            }
        }
    }
}

static void print_side_json(const char *const *operators, const selftest_side *side) {
    char implementations[320];
    list_implementations(operators, side, implementations, sizeof implementations);
    printf("\"runs\": %" PRId64 ", \"implementations\": ", side->runs);
    cly_cli_print_json(stdout, implementations);
    printf(isfinite(side->worst) ? ", \"worst_error\": %.3g" : ", \"worst_error\": null", side->worst);
}

static void print_side(const char *name, int64_t cases, const char *const *operators, const selftest_side *side,
                       const char *verdict) {
    char implementations[320];
    list_implementations(operators, side, implementations, sizeof implementations);
    printf("%-24s %5" PRId64 " %5" PRId64 "  %7.1e  %-6s  %s\n", name, cases, side->runs, side->worst, verdict,
           implementations);
}

static void print_failures(const selftest_verdict *result, bool json) {
    for (int64_t i = 0; i < result->failed && i < SELFTEST_FAILURES; i++) {
        if (json) {
            fputs(i > 0 ? ", " : "", stdout);
            cly_cli_print_json(stdout, result->failures[i]);
        } else {
            printf("    %s\n", result->failures[i]);
        }
    }
    fputs(json ? "]}" : "", stdout);
    fflush(stdout);
}

static void print_verdict(const selftest_layer *layer, const selftest_verdict *result, bool json, bool first) {
    if (json) {
        printf("%s\n    {\"layer\": \"%s\", \"cases\": %" PRId64 ", ", first ? "" : ",", layer->class_name,
               result->cases);
        print_side_json(layer->operators, &result->forward);
        fputs(", \"backward\": {", stdout);
        print_side_json(layer->backward, &result->backward);
        printf("}, \"ok\": %s, \"failures\": [", result->failed == 0 ? "true" : "false");
    } else {
        print_side(layer->class_name, result->cases, layer->operators, &result->forward,
                   result->failed == 0 ? "ok" : "FAILED");
        print_side("  backward", result->cases, layer->backward, &result->backward, "");
    }
    print_failures(result, json);
}

/* Steps of training, after the layers. */
static void print_training(const selftest_verdict *result, bool json) {
    if (json) {
        printf("\n  ],\n  \"training\": {\"cases\": %" PRId64 ", \"runs\": %" PRId64, result->cases,
               result->forward.runs);
        printf(isfinite(result->forward.worst) ? ", \"worst_error\": %.3g" : ", \"worst_error\": null",
               result->forward.worst);
        printf(", \"ok\": %s, \"failures\": [", result->failed == 0 ? "true" : "false");
    } else {
        printf("%-24s %5" PRId64 " %5" PRId64 "  %7.1e  %-6s  sgd, rmsprop, adagrad, adam\n", "steps of training",
               result->cases, result->forward.runs, result->forward.worst, result->failed == 0 ? "ok" : "FAILED");
    }
    print_failures(result, json);
}

/* The head of the report: the device and the verdict on its matrix product. */
static int print_head(clayer_context *context, bool json) {
    clayer_device_info device;
    clayer_gemm_report gemm;
    clayer_status status = clayer_context_get_device(context, &device);
    if (status == CLAYER_OK) {
        status = clayer_context_check_gemm(context, &gemm);
    }
    if (status != CLAYER_OK) {
        return cly_cli_fail_status(status);
    }
    const char *verdict_text = gemm.verdict == CLAYER_GEMM_LIBRARY ? "CLBlast" : "own kernel";
    if (json) {
        fputs("{\n  \"device\": ", stdout);
        cly_cli_print_json(stdout, device.name);
        printf(",\n  \"gemm\": {\"verdict\": \"%s\", \"detail\": ",
               gemm.verdict == CLAYER_GEMM_LIBRARY ? "library" : "own");
        cly_cli_print_json(stdout, gemm.detail);
        fputs("},\n  \"layers\": [", stdout);
    } else {
        printf("Device: %s (%s, driver %s)\nGEMM:   %s (%s)\n\n", device.name, device.platform, device.driver,
               verdict_text, gemm.detail);
        printf("%-24s %5s %5s  %7s  %-6s  %s\n", "Layer", "cases", "runs", "error", "", "operator: implementations");
    }
    return CLY_EXIT_DONE;
}

static int test_all(clayer_context *context, const request *wanted, bool json) {
    int64_t layers = 0, failed = 0, runs = 0;
    int status = print_head(context, json);
    if (status != CLY_EXIT_DONE) {
        return status;
    }
    for (const selftest_layer *layer = cly_selftest_layers; layer->class_name != NULL && !cly_cli_interrupted;
         layer++) {
        if (wanted->layer == NULL || strcmp(wanted->layer, layer->class_name) == 0) {
            selftest_verdict result = test_layer(context, layer, wanted);
            print_verdict(layer, &result, json, layers == 0);
            layers++;
            runs += result.forward.runs + result.backward.runs;
            failed += result.failed > 0;
        }
    }
    const bool training = wanted->layer == NULL && !cly_cli_interrupted;
    if (training) {
        selftest_verdict result = {.cases = 0};
        cly_selftest_try_training(context, wanted->seed, &result);
        print_training(&result, json);
        runs += result.forward.runs;
        failed += result.failed > 0;
    }
    if (json) {
        printf("%s,\n  \"ok\": %s\n}\n", training ? "" : "\n  ]",
               failed == 0 && !cly_cli_interrupted ? "true" : "false");
    } else {
        printf("\n%" PRId64 " layers%s, %" PRId64 " runs: %" PRId64 " failed\n", layers,
               training ? " and training" : "", runs, failed);
    }
    if (cly_cli_interrupted) {
        return cly_cli_fail(CLY_EXIT_INTERRUPTED, "interrupted");
    }
    return failed == 0 ? CLY_EXIT_DONE : CLY_EXIT_CHECK;
}

static bool is_layer(const char *name) {
    const selftest_layer *layer = cly_selftest_layers;
    while (layer->class_name != NULL && strcmp(layer->class_name, name) != 0) {
        layer++;
    }
    return layer->class_name != NULL;
}

static int read_seed(const char *text, uint64_t *seed_out) {
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || text[0] < '0' || text[0] > '9' || *end != '\0') {
        return cly_cli_usage(&cly_cli_selftest, "--seed '%s' is not a whole number", text);
    }
    *seed_out = value;
    return CLY_EXIT_DONE;
}

static int run_selftest(int argc, char **argv) {
    static const struct option longs[] = {CLY_CLI_COMMON_OPTIONS,
                                          CLY_CLI_JSON_OPTION,
                                          {"cases", required_argument, NULL, 'c'},
                                          {"seed", required_argument, NULL, 's'},
                                          {"layer", required_argument, NULL, 'l'},
                                          {NULL, 0, NULL, 0}};
    cly_cli_options options = {.device = NULL};
    request wanted = {.cases = 3, .seed = 1};
    int option, status = CLY_EXIT_DONE;
    while (status == CLY_EXIT_DONE &&
           (option = cly_cli_next_option(&cly_cli_selftest, argc, argv, ":vh", longs, &options)) != CLY_CLI_END) {
        switch (option) {
            case CLY_CLI_STOP:
                return options.exit_status;
            case 'c':
                status = cly_cli_read_count(&cly_cli_selftest, "--cases", optarg, &wanted.cases);
                break;
            case 's':
                status = read_seed(optarg, &wanted.seed);
                break;
            default:
                wanted.layer = optarg;
        }
    }
    if (status == CLY_EXIT_DONE && optind < argc) {
        status = cly_cli_usage(&cly_cli_selftest, "unexpected argument '%s'", argv[optind]);
    }
    if (status == CLY_EXIT_DONE && wanted.layer != NULL && !is_layer(wanted.layer)) {
        status = cly_cli_usage(&cly_cli_selftest, "--layer '%s' is not a layer such as Conv2D", wanted.layer);
    }
    clayer_context *context = NULL;
    if (status == CLY_EXIT_DONE) {
        status = cly_cli_open_context(&options, false, &context);
    }
    if (status == CLY_EXIT_DONE) {
        status = test_all(context, &wanted, options.json);
    }
    clayer_context_destroy(context);
    return status;
}

const cly_cli_verb cly_cli_selftest = {
    .name = "selftest",
    .purpose = "tests every layer, both directions, on this device against built-in references",
    .help =
        "usage: clayer selftest [--device INDEX|NAME-PART] [--cases N] [--seed S] [--layer CLASS] [--json]\n"
        "\n"
        "Runs random cases of every layer on the device, forward and backward, as the library\n"
        "chooses and with every implementation forced, then steps of training, and compares the\n"
        "results with plain loops on the host: puts the driver to the test. The error shown is\n"
        "relative to the largest expected value.\n"
        "\n"
        "  --cases N                 cases a layer (3)\n"
        "  --seed S                  for other cases (1)\n"
        "  --layer CLASS             this layer only, such as Conv2D\n"
        "  --device INDEX|NAME-PART  the device (see clayer devices)\n"
        "  --json                    print a JSON object\n"
        "\n"
        "Exit status 1 if a layer failed.\n",
    .run = run_selftest,
};
