/* cli/convert.c: `clayer convert`: reads a model of one of Keras' formats and writes it in another, by the file's
 * ending. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

typedef struct job {
    const char *in_path, *out_path, *weights_path;
    bool weights_only, with_check;
    cly_cli_list inputs; /* of the check */
} job;

static bool ends_with(const char *path, const char *ending) {
    size_t length = strlen(path), tail = strlen(ending);
    return length > tail && strcmp(path + length - tail, ending) == 0;
}

static clayer_status save(clayer_model *model, const job *wanted) {
    if (ends_with(wanted->out_path, ".json")) {
        return clayer_model_save_json(model, wanted->out_path);
    }
    return wanted->weights_only || ends_with(wanted->out_path, ".weights.h5")
               ? clayer_model_save_weights(model, wanted->out_path)
               : clayer_model_save(model, wanted->out_path);
}

static int execute(const cly_cli_options *options, const job *wanted) {
    clayer_context *context = NULL;
    clayer_model *model = NULL;
    const bool without_weights = ends_with(wanted->out_path, ".json");
    int status = cly_cli_open_context(options, false, &context);
    if (status == CLY_EXIT_DONE) {
        status = cly_cli_load_model(&cly_cli_convert, context, wanted->in_path, wanted->weights_path, without_weights,
                                    &model);
    }
    if (status == CLY_EXIT_DONE && wanted->with_check) {
        status = cly_cli_set_check(&cly_cli_convert, model, &wanted->inputs);
    }
    if (status == CLY_EXIT_DONE) {
        clayer_status saved = save(model, wanted);
        status = saved == CLAYER_OK ? CLY_EXIT_DONE : cly_cli_fail_file(saved);
    }
    clayer_model_destroy(model);
    clayer_context_destroy(context);
    return status;
}

static int read_and_execute(int argc, char **argv, job *wanted) {
    static const struct option longs[] = {CLY_CLI_COMMON_OPTIONS,
                                          {"weights", required_argument, NULL, 'w'},
                                          CLY_CLI_ACTIVATION_OPTION,
                                          {"weights-only", no_argument, NULL, 'W'},
                                          {"with-check", no_argument, NULL, 'C'},
                                          {"input", required_argument, NULL, 'i'},
                                          {NULL, 0, NULL, 0}};
    static const char *const endings[] = {".keras", ".h5", ".hdf5", ".json"};
    cly_cli_options options = {.device = NULL};
    int option;
    while ((option = cly_cli_next_option(&cly_cli_convert, argc, argv, ":vhi:", longs, &options)) != CLY_CLI_END) {
        if (option == CLY_CLI_STOP) {
            return options.exit_status;
        }
        if (option == 'w') {
            wanted->weights_path = optarg;
        } else if (option == 'C') {
            wanted->with_check = true;
        } else if (option == 'i') {
            wanted->inputs.items[wanted->inputs.count++] = optarg;
        } else {
            wanted->weights_only = true;
        }
    }
    if (argc - optind != 2) {
        return argc - optind > 2 ? cly_cli_usage(&cly_cli_convert, "unexpected argument '%s'", argv[optind + 2])
                                 : cly_cli_usage(&cly_cli_convert, "IN and OUT are needed");
    }
    wanted->in_path = argv[optind];
    wanted->out_path = argv[optind + 1];
    bool known = false;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        known = known || ends_with(wanted->out_path, endings[i]);
    }
    if (!known) {
        return cly_cli_usage(&cly_cli_convert, "'%s' ends neither in .keras, .h5 nor .json", wanted->out_path);
    }
    if (wanted->weights_only && !ends_with(wanted->out_path, ".h5")) {
        return cly_cli_usage(&cly_cli_convert, "--weights-only writes a .h5 file");
    }
    if (wanted->with_check &&
        (wanted->weights_only || ends_with(wanted->out_path, ".weights.h5") || ends_with(wanted->out_path, ".json"))) {
        return cly_cli_usage(&cly_cli_convert, "--with-check needs a whole model in OUT, a .keras or .h5 file");
    }
    if (wanted->inputs.count > 0 && !wanted->with_check) {
        return cly_cli_usage(&cly_cli_convert, "-i FILE goes with --with-check");
    }
    return execute(&options, wanted);
}

static int run_convert(int argc, char **argv) {
    job wanted = {.inputs.items = calloc((size_t)argc, sizeof(char *))};
    int status = wanted.inputs.items != NULL ? read_and_execute(argc, argv, &wanted)
                                             : cly_cli_fail(CLY_EXIT_MEMORY, "out of memory for the list of arguments");
    free(wanted.inputs.items);
    return status;
}

const cly_cli_verb cly_cli_convert = {
    .name = "convert",
    .purpose = "writes a Keras model in another of Keras' formats",
    .help =
        "usage: clayer convert IN OUT [--weights FILE] [--weights-only] [--with-check [-i X ...]]\n"
        "\n"
        "Reads a model and writes it in the format that OUT's ending says. IN is a .keras or .h5 file,\n"
        "or the JSON config of model.to_json().\n"
        "\n"
        "  OUT.keras                 the whole model in Keras 3's format\n"
        "  OUT.h5                    the whole model in the older format\n"
        "  OUT.weights.h5            the weights alone, as Keras 3 saves them\n"
        "  OUT.json                  the architecture alone, as model.to_json()\n"
        "\n"
        "  --weights FILE            weights for a JSON config\n" CLY_CLI_ACTIVATION_HELP
        "  --weights-only            into a .h5 the weights alone, as Keras 2 saves them\n"
        "  --with-check              stores an input and the model's output in OUT, where Keras does not\n"
        "                            look: who loads it sees whether the device computes the same (else\n"
        "                            exit status 1)\n"
        "  -i, --input [NAME=]FILE   the check's input (as in clayer run); default: random numbers of a\n"
        "                            fixed seed, 2 samples, 64 for dimensions that the model leaves open\n"
        "  --device INDEX|NAME-PART  the device (see clayer devices)\n"
        "  -v, --verbose             say what the library does\n",
    .run = run_convert,
};
