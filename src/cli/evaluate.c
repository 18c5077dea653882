/* cli/evaluate.c: `clayer evaluate`: loss and metrics of a Keras model on arrays in files, as model.evaluate does. */
#include "cli.h"

#include <stdlib.h>

typedef struct job {
    const char *model_path, *weights_path;
    cly_cli_list x, y, weights; /* file names */
    cly_cli_compile compile;
    int64_t batch_size;
} job;

enum { LOGS = 256 };

static int evaluate(clayer_model *model, const clayer_dataset *data, int64_t batch_size, clayer_log *logs,
                    size_t *count_out) {
    cly_cli_progress progress = {0};
    const clayer_evaluate_config config = {
        .struct_size = sizeof config,
        .batch_size = batch_size,
        .progress = cly_cli_show_progress,
        .progress_data = &progress,
    };
    clayer_status status = clayer_model_evaluate(model, data, &config, logs, LOGS, count_out);
    cly_cli_end_progress(&progress);
    if (cly_cli_interrupted) {
        return cly_cli_fail(CLY_EXIT_INTERRUPTED, "interrupted");
    }
    return status == CLAYER_OK ? CLY_EXIT_DONE : cly_cli_fail_status(status);
}

static void print_logs(const clayer_log *logs, size_t count, bool json) {
    fputs(json ? "{" : "", stdout);
    for (size_t i = 0; i < count; i++) {
        if (json) {
            fputs(i > 0 ? ", " : "", stdout);
            cly_cli_print_json(stdout, logs[i].name);
            fputs(": ", stdout);
            cly_cli_print_json_number(logs[i].value);
        } else {
            printf("%s: %.7g\n", logs[i].name, logs[i].value);
        }
    }
    fputs(json ? "}\n" : "", stdout);
}

static int execute(const cly_cli_options *options, const job *wanted) {
    clayer_context *context = NULL;
    clayer_model *model = NULL;
    cly_cli_dataset data = {.x = NULL};
    clayer_log logs[LOGS];
    size_t count = 0;
    int status = cly_cli_open_context(options, false, &context);
    if (status == CLY_EXIT_DONE) {
        status =
            cly_cli_load_model(&cly_cli_evaluate, context, wanted->model_path, wanted->weights_path, false, &model);
    }
    if (status == CLY_EXIT_DONE) {
        status = cly_cli_compile_model(&cly_cli_evaluate, model, wanted->model_path, &wanted->compile);
    }
    if (status == CLY_EXIT_DONE) {
        status = cly_cli_load_dataset(&cly_cli_evaluate, model, &wanted->x, &wanted->y, &wanted->weights, &data);
    }
    if (status == CLY_EXIT_DONE) {
        status = evaluate(model, &data.data, wanted->batch_size, logs, &count);
    }
    if (status == CLY_EXIT_DONE) {
        print_logs(logs, count < LOGS ? count : LOGS, options->json);
    }
    cly_cli_free_dataset(&data);
    clayer_model_destroy(model);
    clayer_context_destroy(context);
    return status;
}

static int read_options(int argc, char **argv, cly_cli_options *options, job *wanted) {
    static const struct option longs[] = {CLY_CLI_COMMON_OPTIONS,
                                          CLY_CLI_JSON_OPTION,
                                          {"input", required_argument, NULL, 'x'},
                                          {"target", required_argument, NULL, 'y'},
                                          {"batch-size", required_argument, NULL, 'b'},
                                          {"sample-weight", required_argument, NULL, 's'},
                                          {"loss", required_argument, NULL, 'l'},
                                          {"loss-weights", required_argument, NULL, 'L'},
                                          {"metrics", required_argument, NULL, 'm'},
                                          {"weights", required_argument, NULL, 'w'},
                                          CLY_CLI_ACTIVATION_OPTION,
                                          {NULL, 0, NULL, 0}};
    int option, status = CLY_EXIT_DONE;
    while (status == CLY_EXIT_DONE &&
           (option = cly_cli_next_option(&cly_cli_evaluate, argc, argv, ":vhx:y:", longs, options)) != CLY_CLI_END) {
        cly_cli_list *list = option == 'x'   ? &wanted->x
                             : option == 'y' ? &wanted->y
                             : option == 's' ? &wanted->weights
                             : option == 'l' ? &wanted->compile.losses
                             : option == 'm' ? &wanted->compile.metrics
                                             : NULL;
        if (option == CLY_CLI_STOP) {
            return CLY_CLI_STOP;
        }
        if (list != NULL) {
            list->items[list->count++] = optarg;
        } else if (option == 'b') {
            status = cly_cli_read_count(&cly_cli_evaluate, "--batch-size", optarg, &wanted->batch_size);
        } else if (option == 'L') {
            wanted->compile.loss_weights = optarg;
        } else {
            wanted->weights_path = optarg;
        }
    }
    if (status != CLY_EXIT_DONE) {
        return status;
    }
    if (argc - optind != 1) {
        return optind < argc ? cly_cli_usage(&cly_cli_evaluate, "unexpected argument '%s'", argv[optind + 1])
                             : cly_cli_usage(&cly_cli_evaluate, "MODEL is missing");
    }
    if (wanted->x.count == 0 || wanted->y.count == 0) {
        return cly_cli_usage(&cly_cli_evaluate, "%s FILE is missing", wanted->x.count == 0 ? "-x" : "-y");
    }
    wanted->model_path = argv[optind];
    return CLY_EXIT_DONE;
}

static int run_evaluate(int argc, char **argv) {
    enum { LISTS = 5 };
    cly_cli_options options = {.device = NULL};
    job wanted = {.batch_size = 32};
    char **items = calloc((size_t)argc * LISTS, sizeof *items); /* room for every argument in every list */
    if (items == NULL) {
        return cly_cli_fail(CLY_EXIT_MEMORY, "out of memory for the list of arguments");
    }
    cly_cli_list *const lists[LISTS] = {&wanted.x, &wanted.y, &wanted.weights, &wanted.compile.losses,
                                        &wanted.compile.metrics};
    for (size_t i = 0; i < LISTS; i++) {
        lists[i]->items = items + i * (size_t)argc;
    }
    int status = read_options(argc, argv, &options, &wanted);
    if (status == CLY_EXIT_DONE) {
        status = execute(&options, &wanted);
    } else if (status == CLY_CLI_STOP) {
        status = options.exit_status;
    }
    free(items);
    return status;
}

const cly_cli_verb cly_cli_evaluate = {
    .name = "evaluate",
    .purpose = "prints loss and metrics of a Keras model on arrays in files",
    .help =
        "usage: clayer evaluate MODEL -x X -y Y [--batch-size N] [--json]\n"
        "\n"
        "Prints loss and metrics as model.evaluate(return_dict=True) gives them, one a line. MODEL is\n"
        "a .keras or .h5 file, or the JSON config of model.to_json() with --weights.\n"
        "\n"
        "  -x, --input [NAME=]FILE   inputs: .npy, .npz or IDX (gzipped too) of any numeric type;\n"
        "                            several in the model's order, or by the inputs' names; one\n"
        "                            .npz may hold all, under their names\n"
        "  -y, --target [NAME=]FILE  targets likewise, by the outputs' names\n"
        "  --sample-weight [NAME=]FILE   a weight a sample\n"
        "  --batch-size N            samples at a time (32)\n"
        "  --loss [OUTPUT=]NAME      not the loss that the file was compiled with\n"
        "  --loss-weights A,B        one an output\n"
        "  --metrics [OUTPUT=]A,B    not its metrics\n"
        "  --weights FILE            weights for a JSON config\n"
        CLY_CLI_ACTIVATION_HELP
        "  --json                    print one JSON object\n"
        "  --device INDEX|NAME-PART  the device (see clayer devices)\n"
        "  -v, --verbose             say what the library does\n",
    .run = run_evaluate,
};
