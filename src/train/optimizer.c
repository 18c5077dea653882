/* train/optimizer.c: an optimizer's life: made from texts, given weights, stepped.
 * Sources: keras/src/optimizers/base_optimizer.py and tf_keras/src/optimizers/optimizer.py. In both a step unscales the
 * gradients, clips them, decays the weights, updates them, moves the averages (and puts these in the weights' place),
 * and applies the constraints last. Keras 3's averages start at zero and take over the first weights, Keras 2's start
 * with the weights. A weight without a gradient is left alone, only that Keras 3 moves its average. */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "ops/sums.h"
#include "train/rules.h"

static double value_of(const cly_train_optimizer *optimizer, const char *name) {
    return cly_base_spec_get(&optimizer->spec, name);
}

/* ---- create ---- */

/* The entry with the generation's own defaults, and the arguments that were not given set to them. */
static void take_defaults(cly_train_optimizer *optimizer) {
    const cly_spec_entry *listed = optimizer->spec.entry;
    optimizer->entry = *listed;
    for (size_t p = 0; p < CLY_SPEC_PARAMETERS && listed->parameters[p].name != NULL; p++) {
        const double before = listed->parameters[p].fallback, value = optimizer->spec.values[p];
        const double fallback = cly_train_fallback(listed, p, optimizer->generation);
        optimizer->entry.parameters[p].fallback = fallback;
        if (value == before || (isnan(value) && isnan(before))) {
            optimizer->spec.values[p] = fallback;
        }
    }
    optimizer->spec.entry = &optimizer->entry;
}

clayer_status cly_train_optimizer_create(clayer_context *context, const char *text, const char *schedule,
                                         int generation, cly_train_optimizer **optimizer_out) {
    clayer_status status = CLAYER_OK;
    void *memory = NULL;
    CLY_TRY(cly_base_alloc(1, sizeof(cly_train_optimizer), &memory));
    cly_train_optimizer *optimizer = memory;
    optimizer->generation = generation;
    optimizer->product = 1.0f;
    CLY_TRY(cly_base_spec_parse(&cly_train_optimizers, text, &optimizer->spec));
    if (optimizer->spec.entry == NULL) {
        status = cly_base_fail(CLAYER_INVALID_ARGUMENT, "no optimizer is named");
        goto done;
    }
    optimizer->rule = cly_train_find_rule(optimizer->spec.entry->id);
    take_defaults(optimizer);
    CLY_TRY(cly_train_check_optimizer(&optimizer->spec, generation));
    CLY_TRY(cly_base_spec_parse(&cly_train_schedules, schedule, &optimizer->schedule));
    optimizer->rate = (float)value_of(optimizer, "learning_rate");
    if (optimizer->schedule.entry != NULL) {
        CLY_TRY(cly_train_schedule_rate(&optimizer->schedule, 0, &optimizer->rate));
    }
    optimizer->context = cly_device_retain(context);
    *optimizer_out = optimizer;
    memory = NULL;
done:
    free(memory);
    return status;
}

static void free_held(cly_train_held *held) {
    for (int kind = 0; kind < CLY_TRAIN_TENSORS; kind++) {
        clayer_tensor_destroy(held->tensors[kind]);
        held->tensors[kind] = NULL;
    }
}

void cly_train_optimizer_destroy(cly_train_optimizer *optimizer) {
    if (optimizer == NULL) {
        return;
    }
    for (size_t i = 0; i < optimizer->count; i++) {
        free_held(&optimizer->held[i]);
    }
    cly_device_buffer_destroy(optimizer->context, optimizer->scratch);
    cly_device_release(optimizer->context);
    free(optimizer->held);
    free(optimizer);
}

/* ---- build ---- */

/* Scratch memory in floats: the sum of all squares, those of each weight, what adding them up needs, then what sums
 * within a weight need. Constraints, which come last, have it all to themselves. */
static int64_t sums_offset(size_t count) {
    return 1 + (int64_t)count + cly_ops_slots_floats((int64_t)count, 1);
}

static uint64_t scratch_bytes(const cly_train_optimizer *optimizer, const cly_model_weight *weights, size_t count) {
    const bool norms = value_of(optimizer, "clipnorm") > 0.0 || value_of(optimizer, "global_clipnorm") > 0.0;
    int64_t sums = 0;
    uint64_t constraints = 0;
    for (size_t i = 0; i < count; i++) {
        const cly_weights_weight *weight = weights[i].weight;
        const cly_ops_sums all = cly_ops_sums_of_all(optimizer->context, clayer_tensor_get_count(weight->tensor));
        const int64_t floats = cly_ops_sums_workspace(optimizer->context, &all);
        const uint64_t bytes = cly_weights_constrain_workspace_bytes(optimizer->context, &weight->constraint,
                                                                     clayer_tensor_get_shape(weight->tensor));
        sums = floats > sums ? floats : sums;
        constraints = bytes > constraints ? bytes : constraints;
    }
    const uint64_t bytes = norms ? (uint64_t)(sums_offset(count) + sums) * sizeof(float) : 0;
    return bytes > constraints ? bytes : constraints;
}

uint64_t cly_train_optimizer_slot_bytes(const cly_train_optimizer *optimizer, const cly_model_weight *weights,
                                        size_t count) {
    uint64_t bytes = scratch_bytes(optimizer, weights, count);
    for (int kind = 0; kind < CLY_TRAIN_TENSORS; kind++) {
        for (size_t i = 0; i < count && cly_train_slot_of(optimizer, kind) != NULL; i++) {
            bytes += (uint64_t)clayer_tensor_get_count(weights[i].weight->tensor) * sizeof(float);
        }
    }
    return bytes;
}

static clayer_status fill(clayer_tensor *tensor, float value) {
    clayer_status status = CLAYER_OK;
    const int64_t count = clayer_tensor_get_count(tensor);
    void *memory = NULL;
    CLY_TRY(cly_base_alloc((size_t)count, sizeof(float), &memory));
    for (int64_t i = 0; i < count; i++) {
        ((float *)memory)[i] = value;
    }
    status = clayer_tensor_write(tensor, memory, count);
done:
    free(memory);
    return status;
}

static clayer_status copy(clayer_context *context, const clayer_tensor *from, clayer_tensor *to) {
    cly_device_tensor_changed(to);
    return cly_device_copy(context, cly_device_tensor_buffer(from), 0, cly_device_tensor_buffer(to), 0,
                           (uint64_t)clayer_tensor_get_count(to) * sizeof(float));
}

/* The tensors beside one weight, with Keras' first values; freed again on failure. */
static clayer_status make_held(cly_train_optimizer *optimizer, const cly_model_weight *of, cly_train_held *held) {
    clayer_status status = CLAYER_OK;
    const clayer_shape *shape = clayer_tensor_get_shape(of->weight->tensor);
    cly_train_held made = {.of = *of};
    for (int kind = 0; kind < CLY_TRAIN_TENSORS; kind++) {
        const cly_train_slot *slot = cly_train_slot_of(optimizer, kind);
        if (slot == NULL) {
            continue;
        }
        CLY_TRY(clayer_tensor_create(optimizer->context, shape->rank, shape->dims, &made.tensors[kind]));
        if (kind == CLY_TRAIN_AVERAGE && optimizer->generation == 2) {
            CLY_TRY(copy(optimizer->context, of->weight->tensor, made.tensors[kind]));
        } else {
            CLY_TRY(fill(made.tensors[kind], slot->initial != NULL ? (float)value_of(optimizer, slot->initial) : 0.0f));
        }
    }
    *held = made;
    return CLAYER_OK;
done:
    free_held(&made);
    return status;
}

static cly_train_held *find_held(const cly_train_optimizer *optimizer, const cly_weights_weight *weight) {
    for (size_t i = 0; i < optimizer->count; i++) {
        if (optimizer->held[i].of.weight == weight) {
            return &optimizer->held[i];
        }
    }
    return NULL;
}

/* All or nothing: what is new is made first, then what stays is moved over. */
static clayer_status hold(cly_train_optimizer *optimizer, const cly_model_weight *weights, size_t count) {
    clayer_status status = CLAYER_OK;
    void *memory = NULL;
    size_t made = 0;
    CLY_TRY(cly_base_alloc(count, sizeof(cly_train_held), &memory));
    cly_train_held *held = memory;
    for (; made < count; made++) {
        if (find_held(optimizer, weights[made].weight) == NULL) {
            CLY_TRY(make_held(optimizer, &weights[made], &held[made]));
        }
    }
    for (size_t i = 0; i < count; i++) {
        cly_train_held *old = find_held(optimizer, weights[i].weight);
        if (old != NULL) {
            held[i] = *old;
            held[i].of = weights[i];
            *old = (cly_train_held){0};
        }
    }
    for (size_t i = 0; i < optimizer->count; i++) {
        free_held(&optimizer->held[i]);
    }
    free(optimizer->held);
    optimizer->held = held;
    optimizer->count = count;
    return CLAYER_OK;
done:
    for (size_t i = 0; i < made; i++) {
        free_held(&((cly_train_held *)memory)[i]);
    }
    free(memory);
    return status;
}

clayer_status cly_train_optimizer_build(cly_train_optimizer *optimizer, const cly_model_weight *weights, size_t count) {
    clayer_status status = CLAYER_OK;
    bool same = count == optimizer->count && optimizer->scratch != NULL;
    for (size_t i = 0; same && i < count; i++) {
        same = optimizer->held[i].of.weight == weights[i].weight;
    }
    if (same) {
        return CLAYER_OK;
    }
    cl_mem scratch = NULL;
    CLY_TRY(cly_device_buffer_create(optimizer->context, scratch_bytes(optimizer, weights, count), &scratch));
    CLY_TRY(hold(optimizer, weights, count));
    cly_device_buffer_destroy(optimizer->context, optimizer->scratch);
    optimizer->scratch = scratch;
    scratch = NULL;
done:
    cly_device_buffer_destroy(optimizer->context, scratch);
    return status;
}

/* ---- step ---- */

float cly_train_optimizer_scale(const cly_train_optimizer *optimizer) {
    const double factor = value_of(optimizer, "loss_scale_factor");
    return isnan(factor) ? 1.0f : (float)factor;
}

static cl_mem buffer_of(const clayer_tensor *tensor) {
    return tensor != NULL ? cly_device_tensor_buffer(tensor) : NULL;
}

static void set_clip(const cly_train_optimizer *optimizer, cly_ops_update *update) {
    static const struct {
        const char *name;
        cly_ops_clip clip;
    } ways[] = {{"clipnorm", CLY_CLIP_LENGTH}, {"global_clipnorm", CLY_CLIP_GLOBAL}, {"clipvalue", CLY_CLIP_VALUE}};
    for (size_t i = 0; i < CLY_COUNT(ways); i++) {
        const double limit = value_of(optimizer, ways[i].name);
        if (limit > 0.0) {
            update->clip = ways[i].clip;
            update->limit = (float)limit;
            return;
        }
    }
}

static void set_average(const cly_train_optimizer *optimizer, cly_ops_update *update) {
    if (cly_train_slot_of(optimizer, CLY_TRAIN_AVERAGE) == NULL) {
        return;
    }
    const double momentum = value_of(optimizer, "ema_momentum"), every = value_of(optimizer, "ema_overwrite_frequency");
    const int64_t moves = cly_train_moves(optimizer);
    update->flags |= CLY_UPDATE_AVERAGE;
    if (every > 0.0 && (moves + 1) % (int64_t)every == 0) {
        update->flags |= CLY_UPDATE_OVERWRITE;
    }
    if (optimizer->generation == 2) {
        update->average_momentum = (float)momentum;
        update->average_rest = (float)(1.0 - momentum);
    } else {
        update->average_momentum = moves != 0 ? (float)momentum : 0.0f;
        update->average_rest = 1.0f - update->average_momentum;
    }
}

/* Adds this batch's gradients to those before it; *moves_out: the mean of all was put in their place. */
static clayer_status accumulate(cly_train_optimizer *optimizer, cly_ops_update *update, bool *moves_out) {
    clayer_status status = CLAYER_OK;
    *moves_out = true;
    if (cly_train_slot_of(optimizer, CLY_TRAIN_ACCUMULATOR) == NULL) {
        return CLAYER_OK;
    }
    const double steps = value_of(optimizer, "gradient_accumulation_steps");
    *moves_out = (optimizer->iterations + 1) % (int64_t)steps == 0;
    for (size_t i = 0; i < optimizer->count; i++) {
        const cly_train_held *held = &optimizer->held[i];
        if (held->of.weight->gradient != NULL) {
            CLY_TRY(cly_ops_update_accumulate(optimizer->context, buffer_of(held->of.weight->gradient),
                                              buffer_of(held->tensors[CLY_TRAIN_ACCUMULATOR]),
                                              clayer_tensor_get_count(held->of.weight->tensor), update->unscale,
                                              (float)steps, *moves_out));
        }
    }
    update->unscale = 1.0f;
done:
    return status;
}

/* The sums of squares of the unscaled gradients, and of all together, where clipping looks at them. */
static clayer_status sum_squares(cly_train_optimizer *optimizer, const cly_ops_update *update) {
    clayer_status status = CLAYER_OK;
    int64_t summed = 0;
    if (update->clip != CLY_CLIP_LENGTH && update->clip != CLY_CLIP_GLOBAL) {
        return CLAYER_OK;
    }
    for (size_t i = 0; i < optimizer->count; i++) {
        const cly_weights_weight *weight = optimizer->held[i].of.weight;
        if (weight->gradient == NULL) {
            continue;
        }
        cly_ops_sums sums = cly_ops_sums_of_all(optimizer->context, clayer_tensor_get_count(weight->tensor));
        sums.term = CLY_TERM_POWER;
        sums.x = buffer_of(weight->gradient);
        sums.y = optimizer->scratch;
        sums.y_offset = 1 + summed++;
        sums.workspace_offset = sums_offset(optimizer->count);
        sums.divisor = update->unscale * update->unscale;
        CLY_TRY(cly_ops_sums_run(optimizer->context, &sums, optimizer->scratch));
    }
    if (update->clip == CLY_CLIP_GLOBAL) {
        CLY_TRY(cly_ops_slots_add(optimizer->context, optimizer->scratch, 1, summed, 1, 1.0f, optimizer->scratch, 0));
    }
done:
    return status;
}

static clayer_status update_one(cly_train_optimizer *optimizer, cly_train_held *held, cly_ops_update update) {
    clayer_status status = CLAYER_OK;
    const cly_weights_weight *weight = held->of.weight;
    cly_ops_update_tensors tensors = {.count = clayer_tensor_get_count(weight->tensor),
                                      .gradient = buffer_of(weight->gradient),
                                      .weight = buffer_of(weight->tensor),
                                      .average = buffer_of(held->tensors[CLY_TRAIN_AVERAGE]),
                                      .squares = optimizer->scratch};
    if (weight->gradient == NULL) {
        update.rule = CLY_RULE_NONE;
        update.flags &= optimizer->generation == 2 ? 0u : ~0u;
    }
    if (tensors.average != NULL && optimizer->generation == 2 && !held->stepped) {
        CLY_TRY(copy(optimizer->context, weight->tensor, held->tensors[CLY_TRAIN_AVERAGE]));
    }
    if (update.rule != CLY_RULE_NONE) {
        for (int i = 0; i < CLY_OPS_SLOTS; i++) {
            tensors.slots[i] = buffer_of(held->tensors[i]);
        }
        tensors.square_offset = update.clip == CLY_CLIP_LENGTH ? 1 + (int64_t)optimizer->turn : 0;
        optimizer->rule->prepare(optimizer, &update);
        optimizer->turn++;
    }
    if (update.rule != CLY_RULE_NONE || (update.flags & CLY_UPDATE_AVERAGE) != 0) {
        cly_device_tensor_changed(weight->tensor);
        CLY_TRY(cly_ops_update_run(optimizer->context, &update, &tensors));
        held->stepped = true;
    }
done:
    return status;
}

static clayer_status constrain(cly_train_optimizer *optimizer) {
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < optimizer->count; i++) {
        const cly_weights_weight *weight = optimizer->held[i].of.weight;
        if (weight->gradient != NULL) {
            cly_device_tensor_changed(weight->tensor);
            CLY_TRY(cly_weights_constrain(optimizer->context, &weight->constraint,
                                          clayer_tensor_get_shape(weight->tensor), buffer_of(weight->tensor),
                                          optimizer->scratch));
        }
    }
done:
    return status;
}

clayer_status cly_train_optimizer_step(cly_train_optimizer *optimizer) {
    clayer_status status = CLAYER_OK;
    bool moves = true;
    cly_ops_update update = {.rule = optimizer->rule->rule,
                             .unscale = cly_train_optimizer_scale(optimizer),
                             .rate = cly_train_optimizer_get_rate(optimizer)};
    const double decay = value_of(optimizer, "weight_decay");
    size_t turns = 0;
    for (size_t i = 0; i < optimizer->count; i++) {
        turns += optimizer->held[i].of.weight->gradient != NULL;
    }
    if (optimizer->count == 0) {
        return CLAYER_OK;
    }
    if (turns == 0) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "no gradients for any weight: the loss depends on none of them");
    }
    optimizer->turns = turns;
    optimizer->turn = 0;
    if (optimizer->is_set) {
        cly_train_restore_product(optimizer);
    }
    update.decay = isnan(decay) ? 0.0f : (float)decay;
    set_clip(optimizer, &update);
    set_average(optimizer, &update);
    CLY_TRY(accumulate(optimizer, &update, &moves));
    if (moves) {
        CLY_TRY(sum_squares(optimizer, &update));
    } else {
        update.rule = CLY_RULE_NONE;
    }
    for (size_t i = 0; i < optimizer->count; i++) {
        CLY_TRY(update_one(optimizer, &optimizer->held[i], update));
    }
    CLY_TRY(constrain(optimizer));
    optimizer->iterations++;
done:
    return status;
}

clayer_status cly_train_optimizer_finalize(cly_train_optimizer *optimizer) {
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < optimizer->count; i++) {
        const cly_train_held *held = &optimizer->held[i];
        if (held->tensors[CLY_TRAIN_AVERAGE] != NULL && held->stepped) {
            CLY_TRY(copy(optimizer->context, held->tensors[CLY_TRAIN_AVERAGE], held->of.weight->tensor));
        }
    }
done:
    return status;
}
