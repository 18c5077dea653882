/* weights/regularizer.c: the penalties on weights that Keras' files name, with their arguments.
 * Source: keras/src/regularizers/regularizers.py; "l" is Keras 2's older name of l1 and l2. They act in training
 * only, so inference needs no more than to know them. */
#include "base/memory.h"
#include "weights/weight.h"

enum { L1 = 1, L2, L1_L2, ORTHOGONAL };

static const char *const modes[] = {"rows", "columns", NULL};

static const cly_spec_entry entries[] = {
    {L1, "l1", "L1", NULL, {{.name = "l1", .fallback = 0.01, .alias = "l"}}},
    {L2, "l2", "L2", NULL, {{.name = "l2", .fallback = 0.01, .alias = "l"}}},
    {L1_L2, "l1_l2", "L1L2", "l1l2", {{.name = "l1"}, {.name = "l2"}}},
    {ORTHOGONAL,
     "orthogonal_regularizer",
     "OrthogonalRegularizer",
     NULL,
     {{.name = "factor", .fallback = 0.01}, {.name = "mode", .kind = CLY_SPEC_CHOICE, .choices = modes}}},
};

const cly_spec_list cly_weights_regularizers = {.what = "regularizer", .entries = entries, .count = CLY_COUNT(entries)};
