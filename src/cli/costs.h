/* cli/costs.h: what a model takes, as `clayer summary` prints it. */
#ifndef CLY_CLI_COSTS_H
#define CLY_CLI_COSTS_H

#include <clayer/clayer.h>

/* A table of memory and multiply-adds a layer for this batch, and their totals. */
int cly_cli_print_costs(clayer_model *model, int64_t batch_size);

/* The same, the model's plans and its layers' parameters as one JSON object. */
int cly_cli_print_costs_json(clayer_model *model, int64_t batch_size);

/* The planned device memory, to run and to train. */
int cly_cli_print_plans(clayer_model *model, int64_t batch_size);

#endif
