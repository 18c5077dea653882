/* cli/train.h: what the options of `clayer train` say. */
#ifndef CLY_CLI_TRAIN_H
#define CLY_CLI_TRAIN_H

#include "cli.h"

typedef struct cly_cli_train_job { /* texts are borrowed from argv */
    const char *model_path, *weights_path, *out_path;
    cly_cli_list x, y, weights, validation_x, validation_y, validation_weights; /* file names */
    cly_cli_compile compile;
    clayer_fit_config fit; /* without data and callback */
    double *class_weight;  /* owned: fit.class_weight */
    char **items;          /* owned: what the lists hold */
} cly_cli_train_job;

/* Reads all options into a zeroed job. CLY_CLI_STOP: help or an error was printed, return options->exit_status. Else an
 * exit status. cly_cli_free_train_job also after an error. */
int cly_cli_read_train_options(int argc, char **argv, cly_cli_options *options, cly_cli_train_job *job);
void cly_cli_free_train_job(cly_cli_train_job *job);

#endif
