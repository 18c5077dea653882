/* train/optimizer_state.c: what an optimizer knows: its learning rate, its steps, and its variables in the order and
 * with the names of Keras' optimizer.variables, for files.
 *
 * Keras 3: iteration, learning_rate (unless a schedule gives it), averages, accumulators, slots; Nadam's u_product.
 * Keras 2: iteration, averages, slots. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "layers/layer.h"
#include "train/rules.h"

float cly_train_optimizer_get_rate(const cly_train_optimizer *optimizer) {
    float rate = optimizer->rate;
    if (optimizer->schedule.entry != NULL) {
        /* The schedule was checked when the optimizer was made. */
        (void)cly_train_schedule_rate(&optimizer->schedule, optimizer->iterations, &rate);
    }
    return rate;
}

clayer_status cly_train_optimizer_set_rate(cly_train_optimizer *optimizer, float rate) {
    if (optimizer->schedule.entry != NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "the learning rate cannot be set: the schedule '%s' gives it",
                             optimizer->schedule.entry->name);
    }
    if (!isfinite(rate)) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "the learning rate must be a finite number");
    }
    optimizer->rate = rate;
    optimizer->spec.values[0] = (double)rate;
    return CLAYER_OK;
}

int64_t cly_train_optimizer_get_iterations(const cly_train_optimizer *optimizer) {
    return optimizer->iterations;
}

void cly_train_optimizer_set_iterations(cly_train_optimizer *optimizer, int64_t iterations) {
    optimizer->iterations = iterations;
    optimizer->is_set = true;
}

const cly_spec *cly_train_optimizer_spec(const cly_train_optimizer *optimizer) {
    return &optimizer->spec;
}

const cly_spec *cly_train_optimizer_schedule(const cly_train_optimizer *optimizer) {
    return &optimizer->schedule;
}

/* ---- variables ---- */

static bool has_rate(const cly_train_optimizer *optimizer) {
    return optimizer->generation == 3 && optimizer->schedule.entry == NULL;
}

static bool is_nadam(const cly_train_optimizer *optimizer) {
    return optimizer->generation == 3 && optimizer->rule->rule == CLY_RULE_NADAM;
}

static bool has_product(const cly_train_optimizer *optimizer) {
    return is_nadam(optimizer) && optimizer->held != NULL;
}

void cly_train_optimizer_measure(const cly_train_optimizer *optimizer, const cly_model_weight *weights, size_t count,
                                 uint64_t *numbers_out, uint64_t *bytes_out) {
    uint64_t floats = (has_rate(optimizer) ? 1u : 0u) + (is_nadam(optimizer) ? 1u : 0u);
    for (int kind = 0; kind < CLY_TRAIN_TENSORS; kind++) {
        for (size_t i = 0; i < count && cly_train_slot_of(optimizer, kind) != NULL; i++) {
            floats += (uint64_t)clayer_tensor_get_count(weights[i].weight->tensor);
        }
    }
    *numbers_out = 1 + floats;
    *bytes_out = sizeof(int64_t) + floats * sizeof(float);
}

/* "conv2d_kernel_momentum", in Keras 2 "m/conv2d/kernel". */
static void set_name(const cly_train_optimizer *optimizer, const cly_model_weight *of, const cly_train_slot *slot,
                     cly_train_variable *variable) {
    const char *layer = of->layer != NULL ? of->layer->name : "";
    const bool two = optimizer->generation == 2, named = layer[0] != '\0';
    char *name = variable->name;
    if (two) {
        (void)snprintf(name, sizeof(variable->name), "%s/%.120s%s%s", slot->names[0], layer, named ? "/" : "",
                       of->weight->name);
        return;
    }
    (void)snprintf(name, sizeof(variable->name), "%.120s%s%s_%s", layer, named ? "_" : "", of->weight->name,
                   slot->names[1]);
    for (; *name != '\0'; name++) {
        *name = *name == '/' ? '_' : *name;
    }
}

/* The kinds of tensors of one group: variables NULL: only counted. */
static size_t add_group(const cly_train_optimizer *optimizer, int group, cly_train_variable *variables) {
    static const int kinds[] = {CLY_TRAIN_AVERAGE, CLY_TRAIN_ACCUMULATOR, 0, 1, 2};
    size_t added = 0;
    for (size_t i = 0; i < optimizer->count; i++) {
        const cly_train_held *held = &optimizer->held[i];
        for (size_t k = 0; k < CLY_COUNT(kinds); k++) {
            const cly_train_slot *slot = cly_train_slot_of(optimizer, kinds[k]);
            if (slot == NULL || slot->group != group) {
                continue;
            }
            if (variables != NULL) {
                variables[added] = (cly_train_variable){.tensor = held->tensors[kinds[k]]};
                variables[added].shape = *clayer_tensor_get_shape(held->tensors[kinds[k]]);
                set_name(optimizer, &held->of, slot, &variables[added]);
            }
            added++;
        }
    }
    return added;
}

#define FIRST_GROUP (-2)
#define LAST_GROUP 2

clayer_status cly_train_optimizer_list(const cly_train_optimizer *optimizer, cly_train_variable **variables_out,
                                       size_t *count_out) {
    clayer_status status = CLAYER_OK;
    void *memory = NULL;
    size_t count = 1 + (has_rate(optimizer) ? 1u : 0u) + (has_product(optimizer) ? 1u : 0u), place = 1;
    for (int group = FIRST_GROUP; group <= LAST_GROUP; group++) {
        count += add_group(optimizer, group, NULL);
    }
    CLY_TRY(cly_base_alloc(count, sizeof(cly_train_variable), &memory));
    cly_train_variable *variables = memory;
    variables[0] = (cly_train_variable){.name = "iteration", .is_integer = true, .integer = optimizer->iterations};
    if (has_rate(optimizer)) {
        variables[place++] = (cly_train_variable){.name = "learning_rate", .scalar = optimizer->rate};
    }
    for (int group = FIRST_GROUP; group <= LAST_GROUP; group++) {
        place += add_group(optimizer, group, variables + place);
    }
    if (has_product(optimizer)) {
        variables[place++] = (cly_train_variable){.name = "u_product", .scalar = optimizer->product};
    }
    *variables_out = variables;
    *count_out = count;
done:
    return status;
}

/* The weight beside which `tensor` lies has a state from now on. */
static void mark(cly_train_optimizer *optimizer, const clayer_tensor *tensor) {
    for (size_t i = 0; i < optimizer->count; i++) {
        if (optimizer->held[i].tensors[CLY_TRAIN_AVERAGE] == tensor) {
            optimizer->held[i].stepped = true;
        }
    }
}

static clayer_status set_tensor(cly_train_optimizer *optimizer, clayer_tensor *tensor, const double *values,
                                int64_t count) {
    clayer_status status = CLAYER_OK;
    void *memory = NULL;
    CLY_TRY(cly_base_alloc((size_t)count, sizeof(float), &memory));
    for (int64_t i = 0; i < count; i++) {
        ((float *)memory)[i] = (float)values[i];
    }
    CLY_TRY(clayer_tensor_write(tensor, memory, count));
    mark(optimizer, tensor);
done:
    free(memory);
    return status;
}

static clayer_status set_iterations(cly_train_optimizer *optimizer, double value) {
    if (!(value >= 0.0 && value <= 9007199254740992.0) || value != floor(value)) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "optimizer '%s': iteration = %g is no number of steps",
                             optimizer->entry.name, value);
    }
    cly_train_optimizer_set_iterations(optimizer, (int64_t)value);
    return CLAYER_OK;
}

clayer_status cly_train_optimizer_set_variable(cly_train_optimizer *optimizer, size_t index, const double *values,
                                               int64_t count) {
    clayer_status status = CLAYER_OK;
    cly_train_variable *variables = NULL;
    size_t variable_count = 0;
    CLY_TRY(cly_train_optimizer_list(optimizer, &variables, &variable_count));
    if (index >= variable_count) {
        status = cly_base_fail(CLAYER_INVALID_ARGUMENT, "optimizer '%s' has %zu variables, there is no number %zu",
                               optimizer->entry.name, variable_count, index);
        goto done;
    }
    const cly_train_variable *variable = &variables[index];
    const int64_t wanted = variable->tensor != NULL ? clayer_tensor_get_count(variable->tensor) : 1;
    if (count != wanted) {
        status = cly_base_fail(CLAYER_INVALID_SHAPE, "optimizer '%s': variable '%s' has %lld values, got %lld",
                               optimizer->entry.name, variable->name, (long long)wanted, (long long)count);
        goto done;
    }
    if (variable->tensor != NULL) {
        CLY_TRY(set_tensor(optimizer, variable->tensor, values, count));
    } else if (variable->is_integer) {
        CLY_TRY(set_iterations(optimizer, values[0]));
    } else if (strcmp(variable->name, "learning_rate") == 0) {
        CLY_TRY(cly_train_optimizer_set_rate(optimizer, (float)values[0]));
    } else {
        optimizer->product = (float)values[0];
    }
done:
    free(variables);
    return status;
}
