/* cli/summary.c: `clayer summary`: Keras' own table of a model, and what running it takes. */
#include <string.h>

#include "cli.h"
#include "costs.h"

typedef struct request {
    const char *model_path;
    const char *weights_path;
    int64_t batch_size;
    int64_t line_length;
    clayer_summary_style style;
    bool expand_nested, costs;
} request;

static void print_line(const char *line, void *data) {
    (void)data;
    puts(line);
}

static int summarise(const cly_cli_options *options, const request *wanted) {
    clayer_context *context = NULL;
    clayer_model *model = NULL;
    int status = cly_cli_open_context(options, false, &context);
    if (status == CLY_EXIT_DONE) {
        status = cly_cli_load_model(&cly_cli_summary, context, wanted->model_path, wanted->weights_path, true, &model);
    }
    if (status == CLY_EXIT_DONE && !options->json) {
        const clayer_summary_config config = {.struct_size = sizeof config,
                                              .style = wanted->style,
                                              .line_length = (int)wanted->line_length,
                                              .expand_nested = wanted->expand_nested};
        clayer_status printed = clayer_model_summary(model, &config, print_line, NULL);
        status = printed == CLAYER_OK ? CLY_EXIT_DONE : cly_cli_fail_status(printed);
    }
    if (status == CLY_EXIT_DONE && wanted->costs && !options->json) {
        status = cly_cli_print_costs(model, wanted->batch_size);
    }
    if (status == CLY_EXIT_DONE) {
        status = options->json ? cly_cli_print_costs_json(model, wanted->batch_size)
                               : cly_cli_print_plans(model, wanted->batch_size);
    }
    clayer_model_destroy(model);
    clayer_context_destroy(context);
    return status;
}

static int run_summary(int argc, char **argv) {
    static const struct option longs[] = {CLY_CLI_COMMON_OPTIONS,
                                          CLY_CLI_JSON_OPTION,
                                          {"style", required_argument, NULL, 's'},
                                          {"line-length", required_argument, NULL, 'l'},
                                          {"batch-size", required_argument, NULL, 'b'},
                                          {"weights", required_argument, NULL, 'w'},
                                          CLY_CLI_ACTIVATION_OPTION,
                                          {"expand-nested", no_argument, NULL, 'e'},
                                          {"costs", no_argument, NULL, 'c'},
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
            case 'e':
                wanted.expand_nested = true;
                break;
            case 'c':
                wanted.costs = true;
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
        "usage: clayer summary MODEL [--style keras2|keras3] [--line-length N] [--expand-nested]\n"
        "                      [--costs] [--batch-size N] [--json]\n"
        "\n"
        "Prints the table of layers, output shapes and parameters as model.summary() does, then\n"
        "the device memory that running and training the model take. MODEL is a .keras or .h5\n"
        "file, or the JSON config of model.to_json().\n"
        "\n"
        "  --style keras2|keras3     whose table (keras2)\n"
        "  --line-length N           the width of the table (Keras' own)\n"
        "  --expand-nested           show the layers of models inside the model below them\n"
        "  --costs                   then show each layer's memory and multiply-adds\n"
        "  --batch-size N            the batch for the planned memory and the costs (32)\n"
        "  --json                    print costs and planned memory as JSON, no table\n"
        "  --weights FILE            weights for a JSON config\n"
        CLY_CLI_ACTIVATION_HELP
        "  --device INDEX|NAME-PART  the device (see clayer devices)\n"
        "  -v, --verbose             say what the library does\n",
    .run = run_summary,
};
