/* cli/main.c: the command `clayer`: finds the verb and runs it. */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

volatile sig_atomic_t cly_cli_interrupted;

static const cly_cli_verb *const verbs[] = {&cly_cli_devices,  &cly_cli_summary, &cly_cli_run,  &cly_cli_train,
                                            &cly_cli_evaluate, &cly_cli_convert, &cly_cli_plot, &cly_cli_selftest};
enum { VERB_COUNT = sizeof verbs / sizeof verbs[0] };

static void on_interrupt(int number) {
    (void)number;
    if (cly_cli_interrupted) {
        _exit(CLY_EXIT_INTERRUPTED);
    }
    cly_cli_interrupted = 1;
}

static void print_help(void) {
    puts(
        "usage: clayer [--device INDEX|NAME-PART] VERB [arguments]\n"
        "\n"
        "Runs and trains Keras' convolutional layers and models on any OpenCL device.\n");
    for (int i = 0; i < VERB_COUNT; i++) {
        printf("  %-10s %s\n", verbs[i]->name, verbs[i]->purpose);
    }
    puts(
        "\n"
        "  clayer VERB --help says what a verb takes; every verb takes\n"
        "  --device INDEX|NAME-PART  the device (or the variable CLAYER_DEVICE); default: the\n"
        "                            best GPU, else accelerator, else CPU\n"
        "  -v, --verbose             says on standard error what the library does\n"
        "  --version                 prints the version\n"
        "\n"
        "Exit status: 0 done, 1 a check failed, 2 usage, 3 a bad or unsupported file,\n"
        "4 no device or a device or build failure, 5 out of memory, 130 interrupted.");
}

/* Options before the verb. -1: go on with the verb at optind. */
static int read_global_options(int argc, char **argv) {
    static const struct option longs[] = {{"help", no_argument, NULL, 'h'},
                                          {"version", no_argument, NULL, 'V'},
                                          {"device", required_argument, NULL, 'd'},
                                          {NULL, 0, NULL, 0}};
    opterr = 0;
    for (;;) {
        switch (getopt_long(argc, argv, "+:hV", longs, NULL)) {
            case -1:
                return -1;
            case 'h':
                print_help();
                return CLY_EXIT_DONE;
            case 'V':
                printf("clayer %s\n", clayer_version());
                return CLY_EXIT_DONE;
            case 'd':
                /* The verb's own --device still wins over the variable. */
                if (setenv("CLAYER_DEVICE", optarg, 1) != 0) {
                    return cly_cli_fail(CLY_EXIT_MEMORY, "cannot set CLAYER_DEVICE: %s", strerror(errno));
                }
                break;
            case ':':
                return cly_cli_fail(CLY_EXIT_USAGE, "option '%s' needs a value (see clayer --help)", argv[optind - 1]);
            default:
                return cly_cli_fail(CLY_EXIT_USAGE, "unknown option '%s' (see clayer --help)", argv[optind - 1]);
        }
    }
}

static int run_verb(int argc, char **argv) {
    int status = read_global_options(argc, argv);
    if (status >= 0) {
        return status;
    }
    if (optind >= argc) {
        return cly_cli_fail(CLY_EXIT_USAGE, "a verb is missing (see clayer --help)");
    }
    for (int i = 0; i < VERB_COUNT; i++) {
        if (strcmp(argv[optind], verbs[i]->name) == 0) {
            argc -= optind;
            argv += optind;
            optind = 0; /* begins anew: 1 would keep "stop at the first operand" of the scan above */
            return verbs[i]->run(argc, argv);
        }
    }
    return cly_cli_fail(CLY_EXIT_USAGE, "unknown verb '%s' (see clayer --help)", argv[optind]);
}

int main(int argc, char **argv) {
    struct sigaction action = {.sa_handler = on_interrupt};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);

    int status = run_verb(argc, argv);
    /* A full disk behind standard output must not look like success. */
    errno = 0;
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == CLY_EXIT_DONE) {
        status = cly_cli_fail(CLY_EXIT_FILE, "cannot write standard output: %s",
                              errno != 0 ? strerror(errno) : "an earlier write failed");
    }
    return status;
}
