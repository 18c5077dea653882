/* cli/run.c: `clayer run`: predicts with a Keras model on arrays in files, as model.predict does. */
#include "classes.h"
#include "cli.h"
#include "image.h"
#include "verify.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct job {
    const char *model_path;
    const char *weights_path;
    const char *labels, *classes;
    int64_t top;
    bool from_logits;
    int64_t batch_size;
    cly_cli_list inputs, outputs; /* file names */
    cly_cli_image_options image;
    const char *reference; /* of --verify */
    double tolerance;
} job;

/* What a run holds in memory; freed by close_session. */
typedef struct session {
    clayer_context *context;
    clayer_model *model;
    clayer_array **inputs, **outputs;
    cly_cli_names names; /* of the samples, where they are pictures */
    clayer_array *labels;
    const char *labels_path;
    size_t scored; /* the output that the labels belong to */
    cly_cli_classes classes;
    cly_cli_ranking ranking;
    size_t ranked; /* the output that the classes belong to */
} session;

static void close_session(session *run) {
    if (run->inputs != NULL) {
        cly_cli_free_arrays(run->inputs, clayer_model_get_input_count(run->model));
    }
    if (run->outputs != NULL) {
        cly_cli_free_arrays(run->outputs, clayer_model_get_output_count(run->model));
    }
    free(run->inputs);
    free(run->outputs);
    cly_cli_free_names(&run->names);
    cly_cli_free_classes(&run->classes);
    clayer_array_destroy(run->labels);
    clayer_model_destroy(run->model);
    clayer_context_destroy(run->context);
}

/* What `option` gives for one of the outputs: FILE, or NAME=FILE where the model has several. */
static int find_output(const clayer_model *model, const char *option, const char *text, size_t *index_out,
                       const char **path_out) {
    const size_t count = clayer_model_get_output_count(model);
    const int index = cly_cli_named_place(model, CLY_CLI_TARGETS, text, path_out);
    if (index < 0 && count > 1) {
        return cly_cli_usage(&cly_cli_run, "the model has %zu outputs: say %s NAME=FILE, such as '%s=%s'", count,
                             option, clayer_model_get_output_name(model, 0), text);
    }
    *index_out = index < 0 ? 0 : (size_t)index;
    return CLY_EXIT_DONE;
}

static int load_labels(const char *text, session *run) {
    int status = find_output(run->model, "--labels", text, &run->scored, &run->labels_path);
    if (status != CLY_EXIT_DONE) {
        return status;
    }
    clayer_status loaded = clayer_array_load(run->labels_path, &run->labels);
    return loaded == CLAYER_OK ? CLY_EXIT_DONE : cly_cli_fail_file(loaded);
}

static int load_classes(const job *wanted, bool json, session *run) {
    const char *path = NULL;
    int status = find_output(run->model, "--classes", wanted->classes, &run->ranked, &path);
    if (status == CLY_EXIT_DONE) {
        status = cly_cli_read_classes(path, &run->classes);
    }
    if (status == CLY_EXIT_DONE) {
        run->ranking = (cly_cli_ranking){
            .classes = &run->classes,
            .classes_path = path,
            .top = wanted->top,
            .from_logits = wanted->from_logits,
            .sample_names = run->names.count > 0 ? run->names.items : NULL,
            .json = json,
        };
        status = cly_cli_check_classes(clayer_model_get_output_shape(run->model, run->ranked),
                                       clayer_model_get_output_name(run->model, run->ranked), &run->ranking);
    }
    return status;
}

static int predict(const job *wanted, session *run) {
    cly_cli_progress progress = {0};
    const clayer_predict_config config = {
        .struct_size = sizeof config,
        .batch_size = wanted->batch_size,
        .progress = cly_cli_show_progress,
        .progress_data = &progress,
    };
    clayer_status status =
        clayer_model_predict(run->model, run->inputs, clayer_model_get_input_count(run->model), &config, run->outputs);
    cly_cli_end_progress(&progress);
    if (cly_cli_interrupted) {
        return cly_cli_fail(CLY_EXIT_INTERRUPTED, "interrupted");
    }
    return status == CLAYER_OK ? CLY_EXIT_DONE : cly_cli_fail_status(status);
}

static void print_score(const cly_cli_score *score, bool json) {
    printf(json ? "\"accuracy\": %.9g, \"correct\": %" PRId64 ", \"total\": %" PRId64 ", \"loss\": %.9g"
                : "accuracy: %.6f (%" PRId64 " of %" PRId64 ")\nloss: %.6f\n",
           (double)score->correct / (double)score->total, score->correct, score->total, score->loss);
}

static int open_model(const cly_cli_options *options, const job *wanted, session *run) {
    int status = cly_cli_open_context(options, options->verbose, &run->context);
    return status == CLY_EXIT_DONE ? cly_cli_load_model(&cly_cli_run, run->context, wanted->model_path,
                                                        wanted->weights_path, false, &run->model)
                                   : status;
}

/* All that can be wrong is found before the device works: arguments, then files. */
static int prepare(const cly_cli_options *options, const job *wanted, session *run) {
    int status = open_model(options, wanted, run);
    if (status == CLY_EXIT_DONE) {
        status = cly_cli_check_outputs(&cly_cli_run, run->model, &wanted->outputs);
    }
    if (status != CLY_EXIT_DONE) {
        return status;
    }
    run->inputs = calloc(clayer_model_get_input_count(run->model) + 1, sizeof *run->inputs);
    run->outputs = calloc(clayer_model_get_output_count(run->model) + 1, sizeof *run->outputs);
    if (run->inputs == NULL || run->outputs == NULL) {
        return cly_cli_fail(CLY_EXIT_MEMORY, "out of memory for the lists of inputs and outputs");
    }
    status = cly_cli_load_inputs(&cly_cli_run, run->model, &wanted->inputs, &wanted->image, run->inputs, &run->names);
    if (status == CLY_EXIT_DONE) {
        status = cly_cli_check_inputs(run->model, run->inputs);
    }
    if (status == CLY_EXIT_DONE && wanted->labels != NULL) {
        status = load_labels(wanted->labels, run);
    }
    if (status == CLY_EXIT_DONE && wanted->classes != NULL) {
        status = load_classes(wanted, options->json, run);
    }
    return status;
}

/* What goes to standard output: classes and scores; as JSON one object of both. */
static int print_results(const cly_cli_options *options, const job *wanted, session *run, cly_cli_score *score) {
    int status = CLY_EXIT_DONE;
    if (wanted->labels != NULL) {
        status =
            cly_cli_compute_score(run->outputs[run->scored], run->labels, wanted->from_logits, run->labels_path, score);
    }
    if (status != CLY_EXIT_DONE || (options->verbose && options->json)) {
        return status; /* the profile has the score */
    }
    const bool object = options->json && (wanted->classes != NULL || wanted->labels != NULL);
    fputs(object ? "{" : "", stdout);
    if (wanted->classes != NULL) {
        fputs(options->json ? "\"samples\":\n" : "", stdout);
        status = cly_cli_print_classes(run->outputs[run->ranked], &run->ranking);
    }
    if (wanted->labels != NULL) {
        fputs(options->json && wanted->classes != NULL ? ",\n" : "", stdout);
        print_score(score, options->json);
    }
    fputs(object ? "}\n" : "", stdout);
    return status;
}

static int verify(const cly_cli_options *options, const job *wanted) {
    session run = {.context = NULL};
    int status = open_model(options, wanted, &run);
    if (status == CLY_EXIT_DONE) {
        status = cly_cli_verify(run.model, wanted->reference, wanted->tolerance > 0 ? wanted->tolerance : 3e-4,
                                options->json);
    }
    close_session(&run);
    return status;
}

static int execute(const cly_cli_options *options, const job *wanted) {
    session run = {.context = NULL};
    if (wanted->reference != NULL) {
        return verify(options, wanted);
    }
    int status = prepare(options, wanted, &run);
    if (status == CLY_EXIT_DONE) {
        status = predict(wanted, &run);
    }
    if (status == CLY_EXIT_DONE && wanted->outputs.count > 0) {
        status = cly_cli_save_outputs(run.model, &wanted->outputs, run.outputs);
    }
    cly_cli_score score;
    if (status == CLY_EXIT_DONE) {
        status = print_results(options, wanted, &run, &score);
    }
    if (status == CLY_EXIT_DONE && options->verbose) {
        status = cly_cli_print_profile(run.model, run.context, wanted->labels != NULL ? &score : NULL, options->json);
    }
    close_session(&run);
    return status;
}

/* The operand, and what goes with what. */
static int check_options(int argc, char **argv, const cly_cli_options *options, job *wanted) {
    if (argc - optind != 1) {
        return optind < argc ? cly_cli_usage(&cly_cli_run, "unexpected argument '%s'", argv[optind + 1])
                             : cly_cli_usage(&cly_cli_run, "MODEL is missing");
    }
    wanted->model_path = argv[optind];
    if (wanted->tolerance > 0 && wanted->reference == NULL) {
        return cly_cli_usage(&cly_cli_run, "--tolerance goes with --verify REF.npz");
    }
    if (wanted->reference != NULL) {
        const bool more = wanted->inputs.count > 0 || wanted->outputs.count > 0 || wanted->labels != NULL ||
                          wanted->classes != NULL || wanted->image.given != NULL;
        return more ? cly_cli_usage(&cly_cli_run, "--verify brings its own inputs and prints the comparison alone")
                    : CLY_EXIT_DONE;
    }
    if (wanted->inputs.count == 0) {
        return cly_cli_usage(&cly_cli_run, "-i FILE is missing");
    }
    if (wanted->outputs.count == 0 && wanted->labels == NULL && wanted->classes == NULL && !options->verbose) {
        return cly_cli_usage(&cly_cli_run, "-o FILE (or --classes, --labels or --verbose) is missing");
    }
    if (wanted->top > 0 && wanted->classes == NULL) {
        return cly_cli_usage(&cly_cli_run, "--top goes with --classes FILE");
    }
    if (wanted->classes != NULL && options->verbose && options->json) {
        return cly_cli_usage(&cly_cli_run, "--classes and --verbose make two documents of --json: leave one out");
    }
    wanted->top = wanted->top > 0 ? wanted->top : 5;
    wanted->model_path = argv[optind];
    return CLY_EXIT_DONE;
}

static int read_options(int argc, char **argv, cly_cli_options *options, job *wanted) {
    static const struct option longs[] = {CLY_CLI_COMMON_OPTIONS,
                                          CLY_CLI_JSON_OPTION,
                                          {"input", required_argument, NULL, 'i'},
                                          {"output", required_argument, NULL, 'o'},
                                          {"batch-size", required_argument, NULL, 'b'},
                                          {"labels", required_argument, NULL, 'L'},
                                          {"from-logits", no_argument, NULL, 'g'},
                                          {"weights", required_argument, NULL, 'w'},
                                          CLY_CLI_ACTIVATION_OPTION,
                                          {"classes", required_argument, NULL, 'c'},
                                          {"top", required_argument, NULL, 't'},
                                          CLY_CLI_IMAGE_OPTIONS,
                                          {"verify", required_argument, NULL, 'V'},
                                          {"tolerance", required_argument, NULL, 'T'},
                                          {NULL, 0, NULL, 0}};
    int option, status = CLY_EXIT_DONE;
    while (status == CLY_EXIT_DONE &&
           (option = cly_cli_next_option(&cly_cli_run, argc, argv, ":vhi:o:", longs, options)) != CLY_CLI_END) {
        switch (option) {
            case CLY_CLI_STOP:
                return CLY_CLI_STOP;
            case 'i':
                wanted->inputs.items[wanted->inputs.count++] = optarg;
                break;
            case 'o':
                wanted->outputs.items[wanted->outputs.count++] = optarg;
                break;
            case 'b':
                status = cly_cli_read_count(&cly_cli_run, "--batch-size", optarg, &wanted->batch_size);
                break;
            case 'L':
                wanted->labels = optarg;
                break;
            case 'g':
                wanted->from_logits = true;
                break;
            case 'w':
                wanted->weights_path = optarg;
                break;
            case 'c':
                wanted->classes = optarg;
                break;
            case 'V':
                wanted->reference = optarg;
                break;
            case 'T':
                status = cly_cli_read_number(&cly_cli_run, "--tolerance", optarg, 1e-12, 1e12, &wanted->tolerance);
                break;
            case 't':
                status = cly_cli_read_count(&cly_cli_run, "--top", optarg, &wanted->top);
                break;
            default:
                status = cly_cli_read_image_option(&cly_cli_run, option, optarg, &wanted->image);
        }
    }
    return status == CLY_EXIT_DONE ? check_options(argc, argv, options, wanted) : status;
}

static int run_run(int argc, char **argv) {
    cly_cli_options options = {.device = NULL};
    job wanted = {.batch_size = 32};
    wanted.inputs.items = calloc((size_t)argc, sizeof *wanted.inputs.items);
    wanted.outputs.items = calloc((size_t)argc, sizeof *wanted.outputs.items);
    int status = CLY_EXIT_MEMORY;
    if (wanted.inputs.items == NULL || wanted.outputs.items == NULL) {
        cly_cli_fail(status, "out of memory for the list of arguments");
    } else {
        status = read_options(argc, argv, &options, &wanted);
        if (status == CLY_EXIT_DONE) {
            status = execute(&options, &wanted);
        } else if (status == CLY_CLI_STOP) {
            status = options.exit_status;
        }
    }
    free(wanted.inputs.items);
    free(wanted.outputs.items);
    return status;
}

const cly_cli_verb cly_cli_run = {
    .name = "run",
    .purpose = "predicts with a Keras model on arrays in files",
    .help =
        "usage: clayer run MODEL -i X [-i X2 ...] -o Y [-o Y2 ...] [--batch-size N]\n"
        "       clayer run MODEL -i X --labels L [-o Y]\n"
        "       clayer run MODEL --verify REF.npz [--tolerance F]\n"
        "       clayer run MODEL -i PICTURE|FOLDER ... --classes NAMES [--top N] [--scale 1/255 ...]\n"
        "\n"
        "Predicts as model.predict does. MODEL is a .keras or .h5 file, or the JSON config of\n"
        "model.to_json() with --weights.\n"
        "\n"
        "  -i, --input [NAME=]FILE   a .npy, .npz or IDX file (gzipped too) of any numeric type;\n"
        "                            several in the model's order, or by the inputs' names; one\n"
        "                            .npz may hold all inputs under their names; or a PNG or JPEG\n"
        "                            picture or a folder of them: all -i of the input are samples\n"
        "  -o, --output FILE         a .npy an output, in the model's order, or one .npz for all\n"
        "  --batch-size N            samples at a time (32)\n"
        "  --labels [NAME=]FILE      integer labels: prints accuracy and cross-entropy loss\n"
        "  --classes [NAME=]FILE     names of classes: prints the most probable of each sample; a name\n"
        "                            a line, or JSON: a list, {\"0\": name} or {\"0\": [code, name]}\n"
        "  --top N                   how many of them (5)\n"
        "  --from-logits             the output scored holds logits, not probabilities\n"
        "  --weights FILE            weights for a JSON config\n"
        "  --verify REF.npz          compares every layer's output with Keras' own, which\n"
        "                            keras_reference.py wrote (scripts/, share/clayer); exit status 1\n"
        "                            where one differs by more than --tolerance F of its largest\n"
        "                            value (3e-4), naming the first\n" CLY_CLI_ACTIVATION_HELP
        "  --device INDEX|NAME-PART  the device (see clayer devices)\n"
        "  -v, --verbose             print what each layer ran and took (last batch), and the counters\n"
        "  --json                    print classes and scores, or with -v the profile, as JSON\n"
        "\n"
        "Pictures become what keras.utils.load_img makes of them, in the model's size:\n"
        "  --resize HxW[:METHOD]     another size, or just METHOD: nearest (as load_img by default),\n"
        "                            bilinear, bicubic: load_img's; tf-bilinear, tf-bicubic, tf-nearest:\n"
        "                            as image_dataset_from_directory (tf.image.resize)\n"
        "  --scale F | A/B           multiplies values 0 to 255, such as 1/255 or 1/127.5\n"
        "  --mean A[,B,C]            then subtracts, one number or one a channel\n"
        "  --std A[,B,C]             then divides\n"
        "  --bgr                     blue first, before the means, as preprocess_input of VGG and ResNet\n",
    .run = run_run,
};
