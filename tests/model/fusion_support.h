/* model/fusion_support.h: runs a model with fusion and without, and compares; each run holds what its plan foretold. */
#ifndef CLY_TEST_FUSION_SUPPORT_H
#define CLY_TEST_FUSION_SUPPORT_H

#include "model/model.h"
#include "model/support.h"

#define MOST_OUTPUTS 3
#define ROUNDING 2e-6 /* of one layer, relative to its largest value */
#define EXACT 0       /* bit for bit */

/* CONFIG(clayer_dense_config, .units = 3) is a pointer to such a config. */
#define CONFIG(type, ...) (&(const type){.struct_size = sizeof(type), __VA_ARGS__})

/* Increased by each random tensor. */
extern uint64_t fusion_state;

/* Weights that a trained model could have: variances are positive. */
void fill_weights(clayer_model *model);

/* The difference is relative to the largest value. */
void compare_tensors(const clayer_tensor *actual, const clayer_tensor *expected, double tolerance, const char *text);

/* Runs without fusion, with each kind and with all, and compares; returns the plan with all. */
clayer_model_plan check_fusion(clayer_model *model, clayer_tensor *const *inputs, double tolerance, const char *text);

/* The same with random weights and an input of the model's own shape. */
clayer_model_plan check_model(clayer_model *model, int64_t batch, double tolerance, const char *text);

/* Adds a BatchNormalization; input NULL: behind the node added last. */
clayer_node *normalise(clayer_model *model, clayer_node *input, int64_t axis);

#endif
