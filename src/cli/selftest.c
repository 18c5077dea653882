/* cli/selftest.c: `clayer selftest`: every layer on this device against plain loops on the host.
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
static void list_implementations(const selftest_layer *layer, const selftest_verdict *result, char *text,
                                 size_t capacity) {
    snprintf(text, capacity, "%s", layer->operators[0] == NULL ? "(values pass on)" : "");
    for (int op = 0; op < SELFTEST_OPERATORS && layer->operators[op] != NULL; op++) {
        const char *const *names = clayer_get_implementations(layer->operators[op]);
        size_t used = strlen(text);
        snprintf(text + used, capacity - used, "%s%s:", op > 0 ? "; " : "", layer->operators[op]);
        for (int i = 0; names != NULL && names[i] != NULL && i < SELFTEST_IMPLEMENTATIONS; i++) {
            used = strlen(text);
            if (result->ran[op][i]) {
                snprintf(text + used, capacity - used, " %s", names[i]);
            }
        }
    }
}

static void print_verdict(const selftest_layer *layer, const selftest_verdict *result, bool json, bool first) {
    char implementations[160];
    list_implementations(layer, result, implementations, sizeof implementations);
    if (json) {
        printf("%s\n    {\"layer\": \"%s\", \"cases\": %" PRId64 ", \"runs\": %" PRId64 ", \"implementations\": ",
               first ? "" : ",", layer->class_name, result->cases, result->runs);
        cly_cli_print_json(stdout, implementations);
        printf(isfinite(result->worst) ? ", \"worst_error\": %.3g" : ", \"worst_error\": null", result->worst);
        printf(", \"ok\": %s, \"failures\": [", result->failed == 0 ? "true" : "false");
    } else {
        printf("%-24s %5" PRId64 " %5" PRId64 "  %7.1e  %-6s  %s\n", layer->class_name, result->cases, result->runs,
               result->worst, result->failed == 0 ? "ok" : "FAILED", implementations);
    }
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
            runs += result.runs;
            failed += result.failed > 0;
        }
    }
    if (json) {
        printf("\n  ],\n  \"ok\": %s\n}\n", failed == 0 && !cly_cli_interrupted ? "true" : "false");
    } else {
        printf("\n%" PRId64 " layers, %" PRId64 " runs: %" PRId64 " layers failed\n", layers, runs, failed);
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
    .purpose = "tests every layer on this device against built-in references",
    .help =
        "usage: clayer selftest [--device INDEX|NAME-PART] [--cases N] [--seed S] [--layer CLASS] [--json]\n"
        "\n"
        "Runs random cases of every layer on the device, as the library chooses and with every\n"
        "implementation forced, and compares the results with plain loops on the host: puts the\n"
        "driver to the test. The error shown is relative to the largest expected value.\n"
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
