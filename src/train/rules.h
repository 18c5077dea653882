/* train/rules.h: the table of optimizers' update rules, and the optimizer's insides, which the files of it share. */
#ifndef CLY_TRAIN_RULES_H
#define CLY_TRAIN_RULES_H

#include "ops/update.h"
#include "train/optimizer.h"

/* An entry's id is its rule, but for AdamW, which has Adam's. */
enum { CLY_TRAIN_ADAMW = 100 };

/* Tensors beside a weight: the rule's slots, the moving average, the sum of gradients of several steps. */
enum { CLY_TRAIN_AVERAGE = CLY_OPS_SLOTS, CLY_TRAIN_ACCUMULATOR, CLY_TRAIN_TENSORS };

typedef struct cly_train_slot {
    const char *names[2]; /* in Keras 2 and in Keras 3 */
    const char *when;     /* the argument that must be positive for it to be there; NULL: it always is */
    bool always_in_2;     /* Keras 2 does not ask */
    const char *initial;  /* the argument that it starts with; NULL: 0 */
    int group;            /* slots of one group lie weight by weight; the groups follow one another */
} cly_train_slot;

typedef struct cly_train_rule {
    int id; /* of the entry in cly_train_optimizers */
    cly_ops_rule rule;
    cly_train_slot slots[CLY_OPS_SLOTS]; /* in the order of ops/update.h; no names: none */
    /* Sets flags, a and b of the next step, for the weight whose turn it is. `rate` is set. */
    void (*prepare)(cly_train_optimizer *optimizer, cly_ops_update *update);
} cly_train_rule;

const cly_train_rule *cly_train_find_rule(int id);

typedef struct cly_train_held {
    cly_model_weight of;
    clayer_tensor *tensors[CLY_TRAIN_TENSORS]; /* owned; NULL: none of the kind */
    bool stepped;                              /* or read from a file: the average has a meaning */
} cly_train_held;

struct cly_train_optimizer {
    clayer_context *context; /* retained */
    int generation;
    cly_spec_entry entry; /* a copy, with this generation's defaults */
    cly_spec spec, schedule;
    const cly_train_rule *rule;
    float rate;
    int64_t iterations; /* batches, also those that only add to the accumulators */
    cly_train_held *held;
    size_t count;
    cl_mem scratch; /* sums of squares and what summing and constraints need */

    float product; /* Nadam's, of momenta (rules.c) */
    bool is_set; /* state was given before the next step: tf_keras' product is made again */
    size_t turn, turns; /* of the weights with gradients, within a step */
};

/* Keras' optimizer.iterations: steps that moved the weights. */
int64_t cly_train_moves(const cly_train_optimizer *optimizer);

/* The slot of a kind of tensor that this optimizer has, with its names; NULL: it has none. */
const cly_train_slot *cly_train_slot_of(const cly_train_optimizer *optimizer, int kind);

/* Makes Nadam's product for a state that was set, before the step that follows. */
void cly_train_restore_product(cly_train_optimizer *optimizer);

/* The fallback of a number that depends on the generation; the entry's own otherwise. */
double cly_train_fallback(const cly_spec_entry *entry, size_t parameter, int generation);

/* The refusals of Keras' constructors. */
clayer_status cly_train_check_optimizer(const cly_spec *spec, int generation);

#endif
