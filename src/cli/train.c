/* cli/train.c: `clayer train`: fits a Keras model to arrays in files, as model.fit does, and saves it.
 *
 * Ctrl-C ends training at the border of a step; the model so far is saved as if training had ended there. */
#include "train.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a training holds in memory; freed by close_session. */
typedef struct session {
    clayer_context *context;
    clayer_model *model;
    cly_cli_dataset data, validation;
    clayer_history *history;
    cly_cli_bar bar;
    int64_t epoch, step, steps; /* of the last event, from 0 */
} session;

static void close_session(session *run) {
    clayer_history_destroy(run->history);
    cly_cli_free_dataset(&run->data);
    cly_cli_free_dataset(&run->validation);
    clayer_model_destroy(run->model);
    clayer_context_destroy(run->context);
}

/* ---- before the first step ---- */

static bool is_model_name(const char *path) {
    static const char *const endings[] = {".keras", ".h5", ".hdf5"};
    const size_t length = strlen(path);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        const size_t tail = strlen(endings[i]);
        if (length > tail && strcmp(path + length - tail, endings[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether a new file can be made in the folder of `path`: what is saved is written beside its place first. */
static int check_folder(const char *path) {
    char folder[4096];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash == NULL ? 1 : (int)(slash - path + 1), slash == NULL ? "." : path);
    if (access(folder, W_OK | X_OK) != 0) {
        return cly_cli_fail(CLY_EXIT_FILE, "cannot write '%s': %s", path, strerror(errno));
    }
    return CLY_EXIT_DONE;
}

/* That the result cannot be written must not be learnt after hours of training. */
static int check_outputs(const cly_cli_train_job *wanted) {
    const char *models[] = {wanted->out_path, wanted->fit.checkpoint.path}, *history = wanted->fit.csv_path;
    for (int i = 0; i < 2; i++) {
        if (models[i] != NULL && !is_model_name(models[i])) {
            return cly_cli_usage(&cly_cli_train, "'%s' ends neither in .keras nor in .h5", models[i]);
        }
    }
    int status = check_folder(wanted->out_path);
    if (status == CLY_EXIT_DONE && history != NULL && access(history, W_OK) != 0) {
        status = access(history, F_OK) == 0
                     ? cly_cli_fail(CLY_EXIT_FILE, "cannot write '%s': %s", history, strerror(errno))
                     : check_folder(history);
    }
    return status;
}

/* All that can be wrong is found before the device works: arguments, then files. */
static int prepare(const cly_cli_options *options, const cly_cli_train_job *wanted, session *run,
                   clayer_fit_config *config) {
    *config = wanted->fit;
    int status = check_outputs(wanted);
    if (status == CLY_EXIT_DONE) {
        status = cly_cli_open_context(options, false, &run->context);
    }
    if (status == CLY_EXIT_DONE) {
        status = cly_cli_load_model(&cly_cli_train, run->context, wanted->model_path, wanted->weights_path, true,
                                    &run->model);
    }
    if (status == CLY_EXIT_DONE) {
        status = cly_cli_compile_model(&cly_cli_train, run->model, wanted->model_path, &wanted->compile);
    }
    if (status == CLY_EXIT_DONE) {
        status = cly_cli_load_dataset(&cly_cli_train, run->model, &wanted->x, &wanted->y, &wanted->weights, &run->data);
    }
    if (status == CLY_EXIT_DONE && wanted->validation_x.count > 0) {
        status = cly_cli_load_dataset(&cly_cli_train, run->model, &wanted->validation_x, &wanted->validation_y,
                                      &wanted->validation_weights, &run->validation);
        config->validation = &run->validation.data;
    }
    return status;
}

/* ---- training ---- */

static bool on_event(const clayer_fit_state *state, void *data) {
    session *run = data;
    run->epoch = state->epoch;
    run->step = state->event == CLAYER_EPOCH_BEGIN ? 0
                : state->event == CLAYER_EPOCH_END ? state->batches
                                                   : state->batch + 1;
    run->steps = state->batches;
    cly_cli_show_training(&run->bar, state);
    return !cly_cli_interrupted;
}

/* The history as model.fit(...).history has it, on standard output. */
static void print_history(const clayer_history *history) {
    const int64_t epochs = clayer_history_get_epochs(history);
    fputs("{\"epoch\": [", stdout);
    for (int64_t row = 0; row < epochs; row++) {
        printf("%s%" PRId64, row > 0 ? ", " : "", clayer_history_get_epoch(history, row));
    }
    fputs("], \"history\": {", stdout);
    for (size_t column = 0; column < clayer_history_get_count(history); column++) {
        fputs(column > 0 ? ", " : "", stdout);
        cly_cli_print_json(stdout, clayer_history_get_name(history, column));
        fputs(": [", stdout);
        for (int64_t row = 0; row < epochs; row++) {
            fputs(row > 0 ? ", " : "", stdout);
            cly_cli_print_json_number(clayer_history_get_value(history, column, row));
        }
        fputs("]", stdout);
    }
    fputs("}}\n", stdout);
}

static int execute(const cly_cli_options *options, const cly_cli_train_job *wanted) {
    session run = {.context = NULL};
    clayer_fit_config config;
    int status = prepare(options, wanted, &run, &config);
    if (status == CLY_EXIT_DONE) {
        config.callback = on_event;
        config.callback_data = &run;
        clayer_status fitted = clayer_model_fit(run.model, &run.data.data, &config, &run.history);
        cly_cli_end_training(&run.bar);
        status = fitted == CLAYER_OK ? CLY_EXIT_DONE : cly_cli_fail_status(fitted);
    }
    const bool interrupted = cly_cli_interrupted != 0;
    if (status == CLY_EXIT_DONE) {
        clayer_status saved = clayer_model_save(run.model, wanted->out_path);
        status = saved == CLAYER_OK ? CLY_EXIT_DONE : cly_cli_fail_file(saved);
    }
    if (status == CLY_EXIT_DONE && options->json && run.history != NULL) {
        print_history(run.history);
    }
    if (status == CLY_EXIT_DONE && interrupted) {
        status = cly_cli_fail(CLY_EXIT_INTERRUPTED,
                              "interrupted in epoch %" PRId64 " after step %" PRId64 " of %" PRId64
                              ": '%s' holds the model so far",
                              run.epoch + 1, run.step, run.steps, wanted->out_path);
    }
    close_session(&run);
    return status;
}

static int run_train(int argc, char **argv) {
    cly_cli_options options = {.device = NULL};
    cly_cli_train_job wanted = {.model_path = NULL};
    int status = cly_cli_read_train_options(argc, argv, &options, &wanted);
    if (status == CLY_EXIT_DONE) {
        status = execute(&options, &wanted);
    } else if (status == CLY_CLI_STOP) {
        status = options.exit_status;
    }
    cly_cli_free_train_job(&wanted);
    return status;
}

const cly_cli_verb cly_cli_train = {
    .name = "train",
    .purpose = "trains a Keras model on arrays in files",
    .help =
        "usage: clayer train MODEL -x X -y Y -o OUT [--epochs E] [--batch-size N] [options]\n"
        "\n"
        "Trains as model.fit does and saves the model with its optimizer's state. MODEL is a .keras\n"
        "or .h5 file, or the JSON config of model.to_json(); OUT is a .keras or .h5 file. Ctrl-C ends\n"
        "training after the step under way and saves the model so far.\n"
        "\n"
        "  -x, --input [NAME=]FILE   inputs: .npy, .npz or IDX (gzipped too) of any numeric type;\n"
        "                            several in the model's order, or by the inputs' names; one\n"
        "                            .npz may hold all, under their names\n"
        "  -y, --target [NAME=]FILE  targets likewise, by the outputs' names\n"
        "  -o, --output OUT          where the trained model goes\n"
        "  --epochs E                the last epoch (1)\n"
        "  --initial-epoch E         the epochs that were before, when training goes on (0)\n"
        "  --batch-size N            samples a step (32)\n"
        "  --steps-per-epoch N       steps an epoch (as many as there are batches)\n"
        "  --no-shuffle              the samples in their order\n"
        "  --seed S                  of the order of samples (0)\n"
        "  --sample-weight [NAME=]FILE   a weight a sample\n"
        "  --class-weight 0=1,1=2.5  weights by class\n"
        "\n"
        "What to train with, where it is not to be as the file was compiled. Names and arguments are\n"
        "Keras': \"adam(clipnorm=1)\". The optimizer then starts afresh.\n"
        "  --optimizer NAME          \"rmsprop\" where nothing is said\n"
        "  --learning-rate R         a number, or a schedule: \"exponential_decay(0.1, 100, 0.9)\"\n"
        "  --loss [OUTPUT=]NAME      one for all outputs, or one for each\n"
        "  --loss-weights A,B        one an output\n"
        "  --metrics [OUTPUT=]A,B    for all outputs, or for one\n"
        "  --weights FILE            weights for a JSON config\n"
        CLY_CLI_ACTIVATION_HELP
        "\n"
        "Validation and what depends on it:\n"
        "  --validation-split F      the last part of the samples (before shuffling)\n"
        "  -X, --validation-x FILE, -Y, --validation-y FILE, --validation-weight FILE\n"
        "                            or data of its own, as -x, -y and --sample-weight\n"
        "  --monitor NAME            what the following watch (val_loss; loss without validation)\n"
        "  --checkpoint PATH         saves the model after each epoch; {epoch:02d} and {val_loss:.4f}\n"
        "                            are filled in\n"
        "  --save-best-only          only where NAME is better than ever\n"
        "  --early-stopping EPOCHS   stops after so many without NAME getting better\n"
        "  --restore-best            and goes back to the weights of the best epoch\n"
        "  --reduce-lr FACTOR,EPOCHS multiplies the learning rate after so many without\n"
        "\n"
        "  --history CSV             a line an epoch, as Keras' CSVLogger; --initial-epoch appends\n"
        "  --memory-limit BYTES      refuse to train in more device memory: 500M, 2G\n"
        "  --check-numerics          stop at the first NaN or infinity and name the layer; slow\n"
        "  --json                    print the history as JSON\n"
        "  --device INDEX|NAME-PART  the device (see clayer devices)\n"
        "  -v, --verbose             say what the library does\n",
    .run = run_train,
};
