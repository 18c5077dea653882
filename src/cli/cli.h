/* cli/cli.h: what the verbs of the command share: exit statuses, options, one-line errors, printing.
 *
 * The command is an application of the library: it sees the public headers only. Functions that can fail here print
 * their one line themselves and return the exit status. */
#ifndef CLY_CLI_H
#define CLY_CLI_H

#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <clayer/clayer.h>

/* ---- exit statuses ---- */

enum {
    CLY_EXIT_DONE = 0,
    CLY_EXIT_CHECK = 1,  /* a check failed */
    CLY_EXIT_USAGE = 2,  /* wrong arguments, or shapes that do not fit the model */
    CLY_EXIT_FILE = 3,   /* a bad or unsupported file, or one that cannot be read or written */
    CLY_EXIT_DEVICE = 4, /* no device, or the device or its compiler failed */
    CLY_EXIT_MEMORY = 5,
    CLY_EXIT_INTERRUPTED = 130
};

#define CLY_CLI_PRINTF(format_index, first) __attribute__((format(printf, format_index, first)))

/* Set by Ctrl-C; long work looks at it and stops. A second Ctrl-C ends the process at once. */
extern volatile sig_atomic_t cly_cli_interrupted;

/* ---- verbs ---- */

typedef struct cly_cli_verb {
    const char *name;
    const char *purpose;               /* one line for `clayer --help` */
    const char *help;                  /* the whole of `clayer VERB --help` */
    int (*run)(int argc, char **argv); /* argv[0] is the verb */
} cly_cli_verb;

extern const cly_cli_verb cly_cli_devices, cly_cli_summary, cly_cli_run, cly_cli_train, cly_cli_evaluate,
    cly_cli_convert, cly_cli_plot, cly_cli_selftest;

/* ---- options (options.c) ---- */

typedef struct cly_cli_options {
    const char *device; /* NULL: the library's choice */
    bool verbose;
    bool json;
    int exit_status; /* what to return when cly_cli_next_option says CLY_CLI_STOP */
} cly_cli_options;

/* The options that every verb takes; `json` where the verb prints a listing. */
#define CLY_CLI_COMMON_OPTIONS                                                       \
    {"device", required_argument, NULL, 'd'}, {"verbose", no_argument, NULL, 'v'}, { \
        "help", no_argument, NULL, 'h'                                               \
    }
#define CLY_CLI_JSON_OPTION \
    { "json", no_argument, NULL, 'j' }
/* Of verbs that load a model: what an activation that the file only names is. May be repeated; cly_cli_load_model takes
 * what was given. */
#define CLY_CLI_ACTIVATION_OPTION \
    { "activation", required_argument, NULL, CLY_CLI_ACTIVATION }
#define CLY_CLI_ACTIVATION 0x10000
#define CLY_CLI_ACTIVATION_HELP \
    "  --activation NAME=TEXT    what an activation of your own is: my_act=relu(0.1,20)\n"
#define CLY_CLI_END (-1)
#define CLY_CLI_STOP (-2)

/* The next option of the verb's own; common ones are put into `options`. CLY_CLI_END: the operands begin at optind.
 * CLY_CLI_STOP: help or a usage error was printed, return options->exit_status. `shorts` begins with ':'. */
int cly_cli_next_option(const cly_cli_verb *verb, int argc, char **argv, const char *shorts, const struct option *longs,
                        cly_cli_options *options);

/* Notes "NAME=TEXT" of --activation, borrowed from argv, for the models that are loaded; and what was noted. */
int cly_cli_add_activation(const cly_cli_verb *verb, const char *text);
const clayer_activation_mapping *cly_cli_get_activations(size_t *count_out);

/* "clayer: VERB: ..." and a pointer to the help; returns CLY_EXIT_USAGE. */
int cly_cli_usage(const cly_cli_verb *verb, const char *format, ...) CLY_CLI_PRINTF(2, 3);
/* "clayer: ..."; returns `exit_status`. */
int cly_cli_fail(int exit_status, const char *format, ...) CLY_CLI_PRINTF(2, 3);
/* The library's last error as one line; returns the exit status that belongs to `status`. */
int cly_cli_fail_status(clayer_status status);
/* The same for reading a file, where wrong arguments and shapes are the file's fault. */
int cly_cli_fail_file(clayer_status status);
/* "clayer: notice: ..." on standard error. */
void cly_cli_notice(const char *format, ...) CLY_CLI_PRINTF(1, 2);

/* A whole number from 1 to 2^31 - 1. */
int cly_cli_read_count(const cly_cli_verb *verb, const char *option, const char *text, int64_t *value_out);
/* A finite number from `low` to `high`. */
int cly_cli_read_number(const cly_cli_verb *verb, const char *option, const char *text, double low, double high,
                        double *value_out);
/* "1.5G": bytes, with K, M, G or T for powers of 1024. */
int cly_cli_read_bytes(const cly_cli_verb *verb, const char *option, const char *text, uint64_t *bytes_out);

typedef struct cly_cli_list { /* what a repeated option gave; borrowed from argv */
    char **items;
    size_t count;
} cly_cli_list;

/* Splits "a,b(x=[1, 2]),c" at the commas that stand in no brackets and no quotes; blanks around the parts go. Freed by
 * cly_cli_free_list. */
int cly_cli_split(const char *text, cly_cli_list *list_out);
void cly_cli_free_list(cly_cli_list *list);

/* ---- device and model (open.c) ---- */

int cly_cli_open_context(const cly_cli_options *options, bool profiling, clayer_context **context_out);
/* A whole-model file, or a JSON config (told apart by content) with its weights from `weights_path`. A config without
 * weights is worth a notice unless `without_weights` says that they do not matter. */
int cly_cli_load_model(const cly_cli_verb *verb, clayer_context *context, const char *path, const char *weights_path,
                       bool without_weights, clayer_model **model_out);
/* convert --with-check (check.c): the model's answer to `files` (as -i of run), or without any to random numbers,
 * becomes the check that its file will hold. */
int cly_cli_set_check(const cly_cli_verb *verb, clayer_model *model, const cly_cli_list *files);
/* A notice where the file that the model was loaded from holds a check. */
void cly_cli_tell_check(const clayer_model *model, const char *path);
/* Whether the file begins as a zip archive, which is what .npz files are. */
bool cly_cli_is_zip(const char *path);

/* ---- arrays in files (arrays.c) ---- */

typedef enum cly_cli_role { CLY_CLI_INPUTS = 0, CLY_CLI_TARGETS, CLY_CLI_WEIGHTS } cly_cli_role;

/* How many arrays of that kind the model takes: one an input, or one an output. */
size_t cly_cli_place_count(const clayer_model *model, cly_cli_role role);
/* The index of the input or output that "name=REST" names; -1, with *rest_out == item, if it names none. */
int cly_cli_named_place(const clayer_model *model, cly_cli_role role, const char *item, const char **rest_out);

/* One array for each of them, in the model's order; `files` has one item or more, `arrays_out` room for all, which is
 * filled only on success. Where needed[i] is false there may be none (needed NULL: all are), and arrays_out[i] is NULL.
 */
int cly_cli_load_arrays(const cly_cli_verb *verb, const clayer_model *model, cly_cli_role role,
                        const cly_cli_list *files, const bool *needed, clayer_array **arrays_out);
/* Holds shapes and numbers of samples against the model's inputs. */
int cly_cli_check_inputs(const clayer_model *model, clayer_array *const *inputs);
/* Whether the -o options fit the model's outputs: looked at before the model runs. */
int cly_cli_check_outputs(const cly_cli_verb *verb, const clayer_model *model, const cly_cli_list *files);
int cly_cli_save_outputs(const clayer_model *model, const cly_cli_list *files, clayer_array *const *outputs);
void cly_cli_free_arrays(clayer_array **arrays, size_t count);

/* ---- what train and evaluate share: what a model is compiled with (compile.c), and its data (dataset.c) ---- */

typedef struct cly_cli_compile { /* options; lists and texts are borrowed from argv */
    const char *optimizer;
    const char *learning_rate; /* a number, or a schedule: "cosine_decay(0.1, 1000)" */
    cly_cli_list losses;       /* "NAME", or "OUTPUT=NAME" for each output that has one */
    const char *loss_weights;  /* "1,0.5" */
    cly_cli_list metrics;      /* "A,B", or "OUTPUT=A,B" */
} cly_cli_compile;

/* Compiles the model anew if an option asks for it: what is not said stays as the file has it. Without any the file
 * must have a configuration that works here. `model_path` is for messages. */
int cly_cli_compile_model(const cly_cli_verb *verb, clayer_model *model, const char *model_path,
                          const cly_cli_compile *wanted);

typedef struct cly_cli_dataset { /* zeroed before cly_cli_load_dataset */
    clayer_array **x, **y, **weights;
    size_t input_count, output_count;
    clayer_dataset data; /* over the arrays above, as long as they live */
} cly_cli_dataset;

/* The files of inputs, targets and, where there are any, sample weights, for a model that is compiled: an output
 * without a loss needs no target, and weights with names are for those outputs only. cly_cli_free_dataset also after an
 * error. */
int cly_cli_load_dataset(const cly_cli_verb *verb, clayer_model *model, const cly_cli_list *x, const cly_cli_list *y,
                         const cly_cli_list *weights, cly_cli_dataset *dataset);
void cly_cli_free_dataset(cly_cli_dataset *dataset);

/* ---- progress of training (bar.c) ---- */

/* Keras' bar on a terminal, one line an epoch elsewhere; zeroed before the first event. */
typedef struct cly_cli_bar {
    double epoch_started, first_step, shown; /* seconds */
    bool drawn;
} cly_cli_bar;

/* Shows an event of training; on standard error. */
void cly_cli_show_training(cly_cli_bar *bar, const clayer_fit_state *state);
/* Ends the line of a bar that was not finished. */
void cly_cli_end_training(cly_cli_bar *bar);
/* Seconds on a clock that is never set. */
double cly_cli_now(void);

/* A number as JSON has it: NaN and infinities, which it has not, as null. */
void cly_cli_print_json_number(double value);

/* ---- scores (score.c) ---- */

typedef struct cly_cli_score {
    int64_t correct, total;
    double loss; /* the mean over all labels */
} cly_cli_score;

/* Accuracy and cross-entropy of an output (..., classes) against labels of shape (...) or (..., 1); one class means
 * binary. `name` is the labels' file, for messages. */
int cly_cli_compute_score(const clayer_array *output, const clayer_array *labels, bool from_logits, const char *name,
                          cly_cli_score *score_out);

/* ---- printing (print.c) ---- */

/* "text" with quotes and escapes, as JSON has it. Bytes that are not UTF-8 become U+FFFD. */
void cly_cli_print_json(FILE *stream, const char *text);
/* "1.5 MiB"; `text` holds at least 32 bytes. Returns text. */
const char *cly_cli_format_bytes(uint64_t bytes, char *text, size_t capacity);
/* "(None, 28, 28, 1)"; `text` holds at least 192 bytes. Returns text. */
const char *cly_cli_format_shape(const clayer_shape *shape, char *text, size_t capacity);

/* A progress bar on standard error, if that is a terminal: a clayer_progress_callback. `data` is a cly_cli_progress,
 * zeroed. False once the user has interrupted. */
typedef struct cly_cli_progress {
    double started;
    double shown;
    bool drawn;
} cly_cli_progress;
bool cly_cli_show_progress(int64_t done, int64_t total, void *data);
/* Ends the line of the bar. */
void cly_cli_end_progress(cly_cli_progress *progress);

/* What every layer of the model did in its last run, and the context's counters, on standard output. `score` is part
 * of the JSON object; NULL: none. */
int cly_cli_print_profile(clayer_model *model, clayer_context *context, const cly_cli_score *score, bool json);

#endif
