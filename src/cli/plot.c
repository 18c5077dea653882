/* cli/plot.c: `clayer plot`: draws the graph of a model as Keras' plot_model does. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "svg.h"

typedef struct request {
    const char *model_path, *out_path, *weights_path;
    clayer_dot_config config;
} request;

/* The drawing so far; `chars` NULL after running out of memory. */
typedef struct text {
    char *chars;
    size_t length, capacity;
    bool full;
} text;

static void add_line(const char *line, void *data) {
    text *t = data;
    size_t length = strlen(line);
    if (!t->full && t->length + length + 2 > t->capacity) {
        size_t capacity = 2 * (t->length + length + 2);
        char *chars = realloc(t->chars, capacity);
        t->full = chars == NULL;
        t->chars = chars == NULL ? t->chars : chars;
        t->capacity = chars == NULL ? t->capacity : capacity;
    }
    if (!t->full) {
        memcpy(t->chars + t->length, line, length);
        memcpy(t->chars + t->length + length, "\n", 2);
        t->length += length + 1;
    }
}

static bool ends_with(const char *path, const char *ending) {
    size_t length = strlen(path), tail = strlen(ending);
    return length > tail && strcmp(path + length - tail, ending) == 0;
}

static int write_picture(const char *path, const char *bytes, size_t length) {
    return clayer_file_write(path, bytes, length) == CLAYER_OK ? CLY_EXIT_DONE : cly_cli_fail_file(CLAYER_IO_ERROR);
}

static int draw(clayer_model *model, const request *wanted) {
    text dot = {NULL, 0, 0, false};
    char *svg = NULL;
    size_t length = 0;
    clayer_status drawn = clayer_model_to_dot(model, &wanted->config, add_line, &dot);
    int status = drawn != CLAYER_OK ? cly_cli_fail_status(drawn)
                 : dot.full         ? cly_cli_fail(CLY_EXIT_MEMORY, "plot: out of memory for the graph")
                                    : CLY_EXIT_DONE;
    if (status == CLY_EXIT_DONE && ends_with(wanted->out_path, ".dot")) {
        status = write_picture(wanted->out_path, dot.chars, dot.length);
    } else if (status == CLY_EXIT_DONE) {
        status = cly_cli_render_svg(dot.chars, &svg, &length);
        status = status == CLY_EXIT_DONE ? write_picture(wanted->out_path, svg, length) : status;
    }
    free(dot.chars);
    free(svg);
    return status;
}

static int execute(const cly_cli_options *options, const request *wanted) {
    clayer_context *context = NULL;
    clayer_model *model = NULL;
    int status = cly_cli_open_context(options, false, &context);
    if (status == CLY_EXIT_DONE) {
        status = cly_cli_load_model(&cly_cli_plot, context, wanted->model_path, wanted->weights_path, true, &model);
    }
    if (status == CLY_EXIT_DONE) {
        status = draw(model, wanted);
    }
    clayer_model_destroy(model);
    clayer_context_destroy(context);
    return status;
}

static int run_plot(int argc, char **argv) {
    static const struct option longs[] = {CLY_CLI_COMMON_OPTIONS,
                                          {"output", required_argument, NULL, 'o'},
                                          {"expand-nested", no_argument, NULL, 'e'},
                                          {"no-shapes", no_argument, NULL, 'S'},
                                          {"rankdir", required_argument, NULL, 'r'},
                                          {"weights", required_argument, NULL, 'w'},
                                          CLY_CLI_ACTIVATION_OPTION,
                                          {NULL, 0, NULL, 0}};
    static const char *const directions[] = {"TB", "LR", "BT", "RL"};
    cly_cli_options options = {.device = NULL};
    request wanted = {.config = {.struct_size = sizeof wanted.config}};
    int option;
    while ((option = cly_cli_next_option(&cly_cli_plot, argc, argv, ":o:vh", longs, &options)) != CLY_CLI_END) {
        switch (option) {
            case CLY_CLI_STOP:
                return options.exit_status;
            case 'o':
                wanted.out_path = optarg;
                break;
            case 'e':
                wanted.config.expand_nested = true;
                break;
            case 'S':
                wanted.config.hide_shapes = true;
                break;
            case 'r':
                for (size_t i = 0; i < sizeof directions / sizeof directions[0]; i++) {
                    wanted.config.rankdir = strcmp(optarg, directions[i]) == 0 ? directions[i] : wanted.config.rankdir;
                }
                if (wanted.config.rankdir == NULL || strcmp(wanted.config.rankdir, optarg) != 0) {
                    return cly_cli_usage(&cly_cli_plot, "--rankdir '%s' is none of TB, LR, BT and RL", optarg);
                }
                break;
            default:
                wanted.weights_path = optarg;
        }
    }
    if (argc - optind != 1) {
        return optind < argc ? cly_cli_usage(&cly_cli_plot, "unexpected argument '%s'", argv[optind + 1])
                             : cly_cli_usage(&cly_cli_plot, "MODEL is missing");
    }
    if (wanted.out_path == NULL) {
        return cly_cli_usage(&cly_cli_plot, "-o FILE is missing");
    }
    if (!ends_with(wanted.out_path, ".svg") && !ends_with(wanted.out_path, ".dot")) {
        return cly_cli_usage(&cly_cli_plot, "'%s' ends neither in .svg nor .dot", wanted.out_path);
    }
    wanted.model_path = argv[optind];
    return execute(&options, &wanted);
}

const cly_cli_verb cly_cli_plot = {
    .name = "plot",
    .purpose = "draws the graph of a model",
    .help =
        "usage: clayer plot MODEL -o OUT.svg [--expand-nested] [--no-shapes] [--rankdir TB|LR|BT|RL]\n"
        "\n"
        "Draws the layers of a model and what each reads, as Keras' plot_model does. MODEL is a .keras\n"
        "or .h5 file, or the JSON config of model.to_json().\n"
        "\n"
        "  -o, --output OUT.svg      the picture; OUT.dot: the graph as text, for Graphviz\n"
        "  --expand-nested           draw the layers of models inside the model, each in a frame\n"
        "  --no-shapes               leave out the shapes of inputs and outputs\n"
        "  --rankdir TB|LR|BT|RL     where the arrows go: down (TB), right, up or left\n"
        "  --weights FILE            weights for a JSON config\n"
        CLY_CLI_ACTIVATION_HELP
        "  --device INDEX|NAME-PART  the device (see clayer devices)\n"
        "  -v, --verbose             say what the library does\n",
    .run = run_plot,
};
