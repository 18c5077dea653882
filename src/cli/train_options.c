/* cli/train_options.c: the options of `clayer train`. */
#include "train.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPTION_EPOCHS = 256,
    OPTION_NO_SHUFFLE,
    OPTION_SEED,
    OPTION_HISTORY,
    OPTION_SPLIT,
    OPTION_OPTIMIZER,
    OPTION_RATE,
    OPTION_LOSS,
    OPTION_LOSS_WEIGHTS,
    OPTION_METRICS,
    OPTION_SAMPLE_WEIGHT,
    OPTION_VALIDATION_WEIGHT,
    OPTION_CLASS_WEIGHT,
    OPTION_INITIAL_EPOCH,
    OPTION_STEPS,
    OPTION_CHECKPOINT,
    OPTION_MONITOR,
    OPTION_BEST_ONLY,
    OPTION_EARLY_STOPPING,
    OPTION_RESTORE_BEST,
    OPTION_REDUCE_LR,
    OPTION_MEMORY,
    OPTION_NUMERICS,
    OPTION_WEIGHTS
};

static const struct option longs[] = {CLY_CLI_COMMON_OPTIONS,
                                      CLY_CLI_JSON_OPTION,
                                      {"input", required_argument, NULL, 'x'},
                                      {"target", required_argument, NULL, 'y'},
                                      {"output", required_argument, NULL, 'o'},
                                      {"validation-x", required_argument, NULL, 'X'},
                                      {"validation-y", required_argument, NULL, 'Y'},
                                      {"batch-size", required_argument, NULL, 'b'},
                                      {"epochs", required_argument, NULL, OPTION_EPOCHS},
                                      {"no-shuffle", no_argument, NULL, OPTION_NO_SHUFFLE},
                                      {"seed", required_argument, NULL, OPTION_SEED},
                                      {"history", required_argument, NULL, OPTION_HISTORY},
                                      {"validation-split", required_argument, NULL, OPTION_SPLIT},
                                      {"optimizer", required_argument, NULL, OPTION_OPTIMIZER},
                                      {"learning-rate", required_argument, NULL, OPTION_RATE},
                                      {"loss", required_argument, NULL, OPTION_LOSS},
                                      {"loss-weights", required_argument, NULL, OPTION_LOSS_WEIGHTS},
                                      {"metrics", required_argument, NULL, OPTION_METRICS},
                                      {"sample-weight", required_argument, NULL, OPTION_SAMPLE_WEIGHT},
                                      {"validation-weight", required_argument, NULL, OPTION_VALIDATION_WEIGHT},
                                      {"class-weight", required_argument, NULL, OPTION_CLASS_WEIGHT},
                                      {"initial-epoch", required_argument, NULL, OPTION_INITIAL_EPOCH},
                                      {"steps-per-epoch", required_argument, NULL, OPTION_STEPS},
                                      {"checkpoint", required_argument, NULL, OPTION_CHECKPOINT},
                                      {"monitor", required_argument, NULL, OPTION_MONITOR},
                                      {"save-best-only", no_argument, NULL, OPTION_BEST_ONLY},
                                      {"early-stopping", required_argument, NULL, OPTION_EARLY_STOPPING},
                                      {"restore-best", no_argument, NULL, OPTION_RESTORE_BEST},
                                      {"reduce-lr", required_argument, NULL, OPTION_REDUCE_LR},
                                      {"memory-limit", required_argument, NULL, OPTION_MEMORY},
                                      {"check-numerics", no_argument, NULL, OPTION_NUMERICS},
                                      {"weights", required_argument, NULL, OPTION_WEIGHTS},
                                      CLY_CLI_ACTIVATION_OPTION,
                                      {NULL, 0, NULL, 0}};

/* "0=1,1=2.5": weights by class; a class that is not named has 1. */
static int read_class_weights(const char *text, cly_cli_train_job *wanted) {
    enum { LIMIT = 1 << 20 };
    cly_cli_list parts = {NULL, 0};
    int status = cly_cli_split(text, &parts);
    for (size_t i = 0; status == CLY_EXIT_DONE && i < parts.count; i++) {
        char *end = NULL;
        errno = 0;
        const long class = strtol(parts.items[i], &end, 10);
        double weight = 0;
        if (end == parts.items[i] || *end != '=' || errno != 0 || class < 0 || class >= LIMIT) {
            status = cly_cli_usage(&cly_cli_train, "--class-weight '%s' is not CLASS=WEIGHT", parts.items[i]);
            break;
        }
        status = cly_cli_read_number(&cly_cli_train, "--class-weight", end + 1, 0, 1e38, &weight);
        if (status == CLY_EXIT_DONE && (size_t) class >= wanted->fit.class_weight_count) {
            double *grown = realloc(wanted->class_weight, ((size_t) class + 1) * sizeof *grown);
            if (grown == NULL) {
                status = cly_cli_fail(CLY_EXIT_MEMORY, "out of memory for the weights of classes");
                break;
            }
            wanted->class_weight = grown;
            for (size_t c = wanted->fit.class_weight_count; c < (size_t) class; c++) {
                grown[c] = 1;
            }
            wanted->fit.class_weight_count = (size_t) class + 1;
        }
        if (status == CLY_EXIT_DONE) {
            wanted->class_weight[class] = weight;
        }
    }
    wanted->fit.class_weight = wanted->class_weight;
    cly_cli_free_list(&parts);
    return status;
}

/* What --checkpoint, --early-stopping and --reduce-lr watch is known when all options are read: until then this stands
 * for it. */
static const char some_monitor[] = "";

static int read_early_stopping(const char *text, clayer_early_stopping *stopping) {
    double patience = 0;
    int status = cly_cli_read_number(&cly_cli_train, "--early-stopping", text, 0, 1e9, &patience);
    stopping->monitor = some_monitor;
    stopping->patience = (int64_t)patience;
    return status;
}

static int read_reduce_lr(const char *text, clayer_reduce_lr *reduce) {
    cly_cli_list parts = {NULL, 0};
    double factor = 0, patience = 0;
    int status = cly_cli_split(text, &parts);
    if (status == CLY_EXIT_DONE && parts.count != 2) {
        status = cly_cli_usage(&cly_cli_train, "--reduce-lr '%s' is not FACTOR,EPOCHS", text);
    }
    if (status == CLY_EXIT_DONE) {
        status = cly_cli_read_number(&cly_cli_train, "--reduce-lr", parts.items[0], 1e-9, 1 - 1e-9, &factor);
    }
    if (status == CLY_EXIT_DONE) {
        status = cly_cli_read_number(&cly_cli_train, "--reduce-lr", parts.items[1], 0, 1e9, &patience);
    }
    *reduce = (clayer_reduce_lr){
        .monitor = some_monitor, .factor = factor, .patience = patience < 1 ? -1 : (int64_t)patience};
    cly_cli_free_list(&parts);
    return status;
}

static int set_monitor(cly_cli_train_job *wanted) {
    clayer_fit_config *fit = &wanted->fit;
    const bool validated = wanted->validation_x.count > 0 || fit->validation_split > 0;
    const char *monitor = fit->checkpoint.monitor != NULL ? fit->checkpoint.monitor : validated ? "val_loss" : "loss";
    if (!validated && strncmp(monitor, "val_", 4) == 0) {
        return cly_cli_usage(&cly_cli_train, "--monitor %s needs --validation-split or --validation-x", monitor);
    }
    fit->checkpoint.monitor = monitor;
    fit->checkpoint.save = clayer_model_save;
    fit->early_stopping.monitor = fit->early_stopping.monitor != NULL ? monitor : NULL;
    fit->reduce_lr.monitor = fit->reduce_lr.monitor != NULL ? monitor : NULL;
    fit->csv_append = fit->initial_epoch > 0; /* training that goes on continues its history */
    return CLY_EXIT_DONE;
}

static int read_seed(const char *text, uint64_t *seed_out) {
    char *end = NULL;
    errno = 0;
    unsigned long long seed = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || *text == '-') {
        return cly_cli_usage(&cly_cli_train, "--seed '%s' is not a whole number from 0 to 2^64 - 1", text);
    }
    *seed_out = seed;
    return CLY_EXIT_DONE;
}

static int read_initial_epoch(const char *text, int64_t *epoch_out) {
    if (strcmp(text, "0") == 0) {
        *epoch_out = 0;
        return CLY_EXIT_DONE;
    }
    return cly_cli_read_count(&cly_cli_train, "--initial-epoch", text, epoch_out);
}

static void append(cly_cli_list *list, char *item) {
    list->items[list->count++] = item;
}

/* The options that are files or parts of the model. */
static bool read_files(int option, char *value, cly_cli_train_job *wanted) {
    switch (option) {
        case 'x':
            append(&wanted->x, value);
            return true;
        case 'y':
            append(&wanted->y, value);
            return true;
        case 'X':
            append(&wanted->validation_x, value);
            return true;
        case 'Y':
            append(&wanted->validation_y, value);
            return true;
        case OPTION_SAMPLE_WEIGHT:
            append(&wanted->weights, value);
            return true;
        case OPTION_VALIDATION_WEIGHT:
            append(&wanted->validation_weights, value);
            return true;
        case OPTION_LOSS:
            append(&wanted->compile.losses, value);
            return true;
        case OPTION_METRICS:
            append(&wanted->compile.metrics, value);
            return true;
        default:
            return false;
    }
}

/* The others; CLY_EXIT_DONE, or the status of a usage error. */
static int read_setting(int option, char *value, cly_cli_train_job *wanted) {
    const cly_cli_verb *verb = &cly_cli_train;
    clayer_fit_config *fit = &wanted->fit;
    switch (option) {
        case 'o':
            wanted->out_path = value;
            break;
        case 'b':
            return cly_cli_read_count(verb, "--batch-size", value, &fit->batch_size);
        case OPTION_EPOCHS:
            return cly_cli_read_count(verb, "--epochs", value, &fit->epochs);
        case OPTION_NO_SHUFFLE:
            fit->no_shuffle = true;
            break;
        case OPTION_SEED:
            return read_seed(value, &fit->seed);
        case OPTION_HISTORY:
            fit->csv_path = value;
            break;
        case OPTION_SPLIT:
            return cly_cli_read_number(verb, "--validation-split", value, 0, 1, &fit->validation_split);
        case OPTION_OPTIMIZER:
            wanted->compile.optimizer = value;
            break;
        case OPTION_RATE:
            wanted->compile.learning_rate = value;
            break;
        case OPTION_LOSS_WEIGHTS:
            wanted->compile.loss_weights = value;
            break;
        case OPTION_CLASS_WEIGHT:
            return read_class_weights(value, wanted);
        case OPTION_INITIAL_EPOCH:
            return read_initial_epoch(value, &fit->initial_epoch);
        case OPTION_STEPS:
            return cly_cli_read_count(verb, "--steps-per-epoch", value, &fit->steps_per_epoch);
        case OPTION_CHECKPOINT:
            fit->checkpoint.path = value;
            break;
        case OPTION_MONITOR:
            fit->checkpoint.monitor = value;
            break;
        case OPTION_BEST_ONLY:
            fit->checkpoint.save_best_only = true;
            break;
        case OPTION_EARLY_STOPPING:
            return read_early_stopping(value, &fit->early_stopping);
        case OPTION_RESTORE_BEST:
            fit->early_stopping.restore_best_weights = true;
            break;
        case OPTION_REDUCE_LR:
            return read_reduce_lr(value, &fit->reduce_lr);
        case OPTION_MEMORY:
            return cly_cli_read_bytes(verb, "--memory-limit", value, &fit->memory_limit_bytes);
        case OPTION_NUMERICS:
            fit->check_numerics = true;
            break;
        default:
            wanted->weights_path = value;
    }
    return CLY_EXIT_DONE;
}

/* What must go together. */
static int check_options(int argc, char **argv, const cly_cli_train_job *wanted) {
    const cly_cli_verb *verb = &cly_cli_train;
    if (argc - optind != 1) {
        return optind < argc ? cly_cli_usage(verb, "unexpected argument '%s'", argv[optind + 1])
                             : cly_cli_usage(verb, "MODEL is missing");
    }
    if (wanted->x.count == 0 || wanted->y.count == 0 || wanted->out_path == NULL) {
        return cly_cli_usage(verb, "%s FILE is missing",
                             wanted->x.count == 0   ? "-x"
                             : wanted->y.count == 0 ? "-y"
                                                    : "-o");
    }
    if ((wanted->validation_x.count == 0) != (wanted->validation_y.count == 0)) {
        return cly_cli_usage(verb, "--validation-x and --validation-y go together");
    }
    if (wanted->validation_weights.count > 0 && wanted->validation_x.count == 0) {
        return cly_cli_usage(verb, "--validation-weight goes with --validation-x");
    }
    if (wanted->fit.checkpoint.save_best_only && wanted->fit.checkpoint.path == NULL) {
        return cly_cli_usage(verb, "--save-best-only goes with --checkpoint");
    }
    if (wanted->fit.early_stopping.restore_best_weights && wanted->fit.early_stopping.monitor == NULL) {
        return cly_cli_usage(verb, "--restore-best goes with --early-stopping");
    }
    return CLY_EXIT_DONE;
}

static int make_room(int argc, cly_cli_train_job *job) {
    cly_cli_list *const lists[] = {&job->x,
                                   &job->y,
                                   &job->weights,
                                   &job->validation_x,
                                   &job->validation_y,
                                   &job->validation_weights,
                                   &job->compile.losses,
                                   &job->compile.metrics};
    enum { LISTS = sizeof lists / sizeof lists[0] };
    job->items = calloc((size_t)argc * LISTS, sizeof *job->items); /* room for every argument in every list */
    if (job->items == NULL) {
        return cly_cli_fail(CLY_EXIT_MEMORY, "out of memory for the list of arguments");
    }
    for (size_t i = 0; i < LISTS; i++) {
        lists[i]->items = job->items + i * (size_t)argc;
    }
    return CLY_EXIT_DONE;
}

int cly_cli_read_train_options(int argc, char **argv, cly_cli_options *options, cly_cli_train_job *job) {
    int option, status = make_room(argc, job);
    job->fit.struct_size = sizeof job->fit;
    while (status == CLY_EXIT_DONE &&
           (option = cly_cli_next_option(&cly_cli_train, argc, argv, ":vhx:y:o:X:Y:", longs, options)) != CLY_CLI_END) {
        if (option == CLY_CLI_STOP) {
            return CLY_CLI_STOP;
        }
        if (!read_files(option, optarg, job)) {
            status = read_setting(option, optarg, job);
        }
    }
    if (status == CLY_EXIT_DONE) {
        status = check_options(argc, argv, job);
    }
    if (status == CLY_EXIT_DONE) {
        status = set_monitor(job);
    }
    if (status == CLY_EXIT_DONE) {
        job->model_path = argv[optind];
    }
    return status;
}

void cly_cli_free_train_job(cly_cli_train_job *job) {
    free(job->class_weight);
    free(job->items);
}
