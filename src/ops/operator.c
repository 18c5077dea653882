/* ops/operator.c: the list of operators, and which implementation of one runs. */
#include "ops/operator.h"

#include <pthread.h>
#include <string.h>

#include "ops/activation.h"
#include "ops/arithmetic.h"
#include "ops/batch_norm.h"
#include "ops/contract.h"
#include "ops/conv.h"
#include "ops/draw.h"
#include "ops/dropout.h"
#include "ops/elementwise.h"
#include "ops/gather.h"
#include "ops/noise.h"
#include "ops/normalize.h"
#include "ops/pool.h"
#include "ops/recolour.h"
#include "ops/reduce.h"
#include "ops/remap.h"
#include "ops/resample.h"
#include "ops/resize.h"
#include "ops/walk.h"
#include "ops/warp.h"
#include "ops/window.h"

#define MOST_IMPLEMENTATIONS 16

const cly_ops_operator *const cly_ops_operators[] = {&cly_ops_conv_operator,
                                                     &cly_ops_conv_transpose_operator,
                                                     &cly_ops_conv_weights_operator,
                                                     &cly_ops_depthwise_operator,
                                                     &cly_ops_depthwise_transpose_operator,
                                                     &cly_ops_depthwise_weights_operator,
                                                     &cly_ops_window_operator,
                                                     &cly_ops_resize_operator,
                                                     &cly_ops_resize_gradient_operator,
                                                     &cly_ops_pool_operator,
                                                     &cly_ops_pool_gradient_operator,
                                                     &cly_ops_activation_operator,
                                                     &cly_ops_activation_gradient_operator,
                                                     &cly_ops_softmax_operator,
                                                     &cly_ops_softmax_gradient_operator,
                                                     &cly_ops_arithmetic_operator,
                                                     &cly_ops_arithmetic_gradient_operator,
                                                     &cly_ops_contract_operator,
                                                     &cly_ops_batch_norm_operator,
                                                     &cly_ops_batch_norm_gradient_operator,
                                                     &cly_ops_moments_operator,
                                                     &cly_ops_moving_average_operator,
                                                     &cly_ops_dropout_operator,
                                                     &cly_ops_noise_operator,
                                                     &cly_ops_gather_operator,
                                                     &cly_ops_gather_gradient_operator,
                                                     &cly_ops_differs_operator,
                                                     &cly_ops_copy_operator,
                                                     &cly_ops_transpose_operator,
                                                     &cly_ops_reduce_operator,
                                                     &cly_ops_group_norm_operator,
                                                     &cly_ops_group_norm_gradient_operator,
                                                     &cly_ops_normalize_operator,
                                                     &cly_ops_resample_operator,
                                                     &cly_ops_resample_gradient_operator,
                                                     &cly_ops_remap_operator,
                                                     &cly_ops_remap_gradient_operator,
                                                     &cly_ops_walk_operator,
                                                     &cly_ops_product_gradient_operator,
                                                     &cly_ops_draw_operator,
                                                     &cly_ops_warp_operator,
                                                     &cly_ops_recolour_operator,
                                                     &cly_ops_recolour_gradient_operator,
                                                     NULL};

#define OPERATORS (sizeof(cly_ops_operators) / sizeof(cly_ops_operators[0]) - 1)

/* The names as the public functions list them: filled in once from the operators, so that they stand in one place. */
static const char *operator_names[OPERATORS + 1];
static const char *implementation_names[OPERATORS][MOST_IMPLEMENTATIONS + 1];
static pthread_once_t names_once = PTHREAD_ONCE_INIT;

static void fill_names(void) {
    for (size_t i = 0; i < OPERATORS; i++) {
        const cly_ops_implementation *list = cly_ops_operators[i]->implementations;
        operator_names[i] = cly_ops_operators[i]->name;
        for (size_t j = 0; j < MOST_IMPLEMENTATIONS && list[j].name != NULL; j++) {
            implementation_names[i][j] = list[j].name;
        }
    }
}

const char *const *clayer_get_operators(void) {
    pthread_once(&names_once, fill_names);
    return operator_names;
}

const char *const *clayer_get_implementations(const char *operator_name) {
    pthread_once(&names_once, fill_names);
    for (size_t i = 0; operator_name != NULL && i < OPERATORS; i++) {
        if (strcmp(operator_names[i], operator_name) == 0) {
            return implementation_names[i];
        }
    }
    return NULL;
}

clayer_status clayer_context_force(clayer_context *context, const char *operator_name, const char *implementation) {
    if (context == NULL || operator_name == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_context_force: %s is NULL",
                             context == NULL ? "context" : "operator_name");
    }
    const char *const *names = clayer_get_implementations(operator_name);
    if (names == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_context_force: unknown operator '%s'", operator_name);
    }
    /* The list's own string is handed on, which lives as long as the library. */
    const char *found = NULL;
    for (size_t i = 0; implementation != NULL && names[i] != NULL; i++) {
        found = strcmp(names[i], implementation) == 0 ? names[i] : found;
    }
    if (implementation != NULL && found == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_context_force: operator '%s' has no implementation '%s'",
                             operator_name, implementation);
    }
    return cly_device_force(context, operator_name, found);
}

clayer_status cly_ops_choose(clayer_context *context, const cly_ops_operator *op, const void *shape,
                             const cly_ops_implementation **implementation_out) {
    const char *forced = cly_device_forced(context, op->name);
    const cly_ops_implementation *best = NULL;
    double best_cost = 0;
    for (const cly_ops_implementation *candidate = op->implementations; candidate->name != NULL; candidate++) {
        if (forced != NULL && strcmp(candidate->name, forced) != 0) {
            continue;
        }
        const double cost = candidate->cost(context, shape);
        if (cost >= 0 && (best == NULL || cost < best_cost)) {
            best = candidate;
            best_cost = cost;
        }
    }
    if (best == NULL) {
        return cly_base_fail(CLAYER_UNSUPPORTED, "operator '%s': implementation '%s' cannot do this shape here",
                             op->name, forced != NULL ? forced : "reference");
    }
    *implementation_out = best;
    return CLAYER_OK;
}
