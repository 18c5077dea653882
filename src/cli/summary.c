/* cli/summary.c: `clayer summary`: Keras' own table of a model, and the device memory that running it takes. */
#include "cli.h"

#include <inttypes.h>
#include <string.h>

typedef struct request {
    const char *model_path;
    const char *weights_path;
    int64_t batch_size;
    int64_t line_length;
    clayer_summary_style style;
} request;

static void print_line(const char *line, void *data) {
    (void)data;
    puts(line);
}

/* One line more; a layer that cannot be trained through is no fault of a summary. */
static int print_training_plan(clayer_model *model, int64_t batch_size) {
    clayer_training_plan plan;
    char total[32], gradients[32], optimizer[32], activations[32], workspace[32];
    clayer_status status = clayer_model_get_training_plan(model, NULL, batch_size, &plan);
    if (status != CLAYER_OK) {
        printf("  to train: not possible (%s)\n", clayer_last_error());
        return CLY_EXIT_DONE;
    }
    printf("  to train: %s (gradients %s, optimizer %s, activations %s, workspace %s)\n",
           cly_cli_format_bytes(plan.total_bytes, total, sizeof total),
           cly_cli_format_bytes(plan.gradient_bytes, gradients, sizeof gradients),
           cly_cli_format_bytes(plan.optimizer_bytes, optimizer, sizeof optimizer),
           cly_cli_format_bytes(plan.activation_bytes, activations, sizeof activations),
           cly_cli_format_bytes(plan.workspace_bytes, workspace, sizeof workspace));
    return CLY_EXIT_DONE;
}

static int print_plan(clayer_model *model, int64_t batch_size) {
    clayer_model_plan plan;
    char total[32], weights[32], activations[32], unshared[32], workspace[32];
    clayer_status status = clayer_model_get_plan(model, NULL, batch_size, &plan);
    if (status == CLAYER_INVALID_SHAPE) {
        /* An input with unknown dimensions: Keras' table is all there is to say. */
        printf("\nPlanned device memory for a batch of %" PRId64 ": not known before an input is (%s)\n", batch_size,
               clayer_last_error());
        return CLY_EXIT_DONE;
    }
    if (status != CLAYER_OK) {
        return cly_cli_fail_status(status);
    }
    printf("\nPlanned device memory for a batch of %" PRId64 ": %s\n", batch_size,
           cly_cli_format_bytes(plan.total_bytes, total, sizeof total));
    printf("  weights %s, activations %s (%s without sharing), workspace %s\n",
           cly_cli_format_bytes(plan.weight_bytes, weights, sizeof weights),
           cly_cli_format_bytes(plan.activation_bytes, activations, sizeof activations),
           cly_cli_format_bytes(plan.activation_sum_bytes, unshared, sizeof unshared),
           cly_cli_format_bytes(plan.workspace_bytes, workspace, sizeof workspace));
    return print_training_plan(model, batch_size);
}

static int summarise(const cly_cli_options *options, const request *wanted) {
    clayer_context *context = NULL;
    clayer_model *model = NULL;
    int status = cly_cli_open_context(options, false, &context);
    if (status == CLY_EXIT_DONE) {
        status = cly_cli_load_model(&cly_cli_summary, context, wanted->model_path, wanted->weights_path, true, &model);
    }
    if (status == CLY_EXIT_DONE) {
        clayer_status printed = clayer_model_summary(model, wanted->style, (int)wanted->line_length, print_line, NULL);
        status = printed == CLAYER_OK ? print_plan(model, wanted->batch_size) : cly_cli_fail_status(printed);
    }
    clayer_model_destroy(model);
    clayer_context_destroy(context);
    return status;
}

static int run_summary(int argc, char **argv) {
    static const struct option longs[] = {CLY_CLI_COMMON_OPTIONS,
                                          {"style", required_argument, NULL, 's'},
                                          {"line-length", required_argument, NULL, 'l'},
                                          {"batch-size", required_argument, NULL, 'b'},
                                          {"weights", required_argument, NULL, 'w'},
                                          {NULL, 0, NULL, 0}};
    cly_cli_options options = {.device = NULL};
    request wanted = {.batch_size = 32};
    int option, status = CLY_EXIT_DONE;
    while (status == CLY_EXIT_DONE &&
           (option = cly_cli_next_option(&cly_cli_summary, argc, argv, ":vh", longs, &options)) != CLY_CLI_END) {
        switch (option) {
            case CLY_CLI_STOP:
                return options.exit_status;
            case 's':
                if (strcmp(optarg, "keras2") != 0 && strcmp(optarg, "keras3") != 0) {
                    return cly_cli_usage(&cly_cli_summary, "--style '%s' is neither keras2 nor keras3", optarg);
                }
                wanted.style = optarg[5] == '3' ? CLAYER_SUMMARY_KERAS3 : CLAYER_SUMMARY_KERAS2;
                break;
            case 'l':
                status = cly_cli_read_count(&cly_cli_summary, "--line-length", optarg, &wanted.line_length);
                break;
            case 'b':
                status = cly_cli_read_count(&cly_cli_summary, "--batch-size", optarg, &wanted.batch_size);
                break;
            default:
                wanted.weights_path = optarg;
        }
    }
    if (status != CLY_EXIT_DONE) {
        return status;
    }
    if (argc - optind != 1) {
        return optind < argc ? cly_cli_usage(&cly_cli_summary, "unexpected argument '%s'", argv[optind + 1])
                             : cly_cli_usage(&cly_cli_summary, "MODEL is missing");
    }
    wanted.model_path = argv[optind];
    return summarise(&options, &wanted);
}

const cly_cli_verb cly_cli_summary = {
    .name = "summary",
    .purpose = "prints Keras' table of a model and the planned device memory",
    .help =
        "usage: clayer summary MODEL [--style keras2|keras3] [--line-length N] [--batch-size N]\n"
        "\n"
        "Prints the table of layers, output shapes and parameters as model.summary() does, then\n"
        "the device memory that running and training the model take. MODEL is a .keras or .h5\n"
        "file, or the JSON config of model.to_json().\n"
        "\n"
        "  --style keras2|keras3     whose table (keras2)\n"
        "  --line-length N           the width of the table (Keras' own)\n"
        "  --batch-size N            the batch for the planned memory (32)\n"
        "  --weights FILE            weights for a JSON config\n"
        "  --device INDEX|NAME-PART  the device (see clayer devices)\n"
        "  -v, --verbose             say what the library does\n",
    .run = run_summary,
};
