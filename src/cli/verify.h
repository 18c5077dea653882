/* cli/verify.h: every layer's output beside Keras' own. */
#ifndef CLY_CLI_VERIFY_H
#define CLY_CLI_VERIFY_H

#include "cli.h"

/* Compares what each layer of the model gives for the reference's inputs with the reference, and the model's outputs
 * with fusions on. Prints a line each; CLY_EXIT_CHECK where a difference exceeds `tolerance` of the largest value. */
int cly_cli_verify(clayer_model *model, const char *path, double tolerance, bool json);

#endif
