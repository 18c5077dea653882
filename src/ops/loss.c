/* ops/loss.c: losses by loss.cl, one launch over the data and one or two that add up its slots. */
#include "ops/loss.h"

#include <limits.h>
#include <stdio.h>

#include "base/integer.h"
#include "base/memory.h"
#include "ops/range.h"
#include "ops/sums.h"

#define CPU_ITEMS_A_UNIT 4
#define CPU_LEAST_ROUNDS 1024 /* a CPU's work-item of fewer is not worth starting */
#define LEAST_ROUNDS 8        /* likewise a GPU's */
#define USUAL_SLOTS 4096      /* of a GPU; more only where a work-item would loop for longer than */
#define MOST_ROUNDS 16384     /* which Mesa's llvmpipe does not do */
#define SLOTS_AT 4            /* floats of the workspace before the slots: two sums and a gap */

/* Flags of loss.cl. */
enum { WEIGHTED = 1, WANTS_GRADIENT = 2, TELLS_BAD_LABELS = 4, HAS_IGNORED = 8, DIVIDES = 16, DIVIDES_NO_NAN = 32 };

int64_t cly_ops_slots_of(const clayer_context *context, int64_t count, int64_t rounds, int64_t *each_out) {
    const int64_t all = count > INT64_MAX / rounds ? INT64_MAX : count * rounds;
    if (cly_ops_is_cpu(context)) {
        const int64_t most = (int64_t)cly_base_larger(cly_device_info(context)->compute_units, 1) * CPU_ITEMS_A_UNIT;
        const int64_t slots = cly_base_larger(
            cly_base_smaller(cly_base_smaller(most, cly_base_divide_up(all, CPU_LEAST_ROUNDS)), count), 1);
        *each_out = cly_base_larger(cly_base_divide_up(count, slots), 1);
        return cly_base_larger(cly_base_divide_up(count, *each_out), 1);
    }
    const int64_t usual = cly_base_smaller(USUAL_SLOTS, cly_base_divide_up(all, LEAST_ROUNDS));
    *each_out = 0;
    return cly_base_larger(cly_base_smaller(cly_base_larger(usual, cly_base_divide_up(all, MOST_ROUNDS)),
                                            cly_base_smaller(count, INT_MAX)),
                           1);
}

static bool is_pointwise(const cly_ops_loss *loss) {
    return loss->id <= CLY_LOSS_LAST_POINTWISE;
}

/* Elements, or entries whose rows need a work-item each. */
static int64_t things_of(const cly_ops_loss *loss) {
    return cly_ops_loss_entries(loss) * (is_pointwise(loss) ? loss->axis : 1);
}

static int64_t rounds_of(const cly_ops_loss *loss) {
    return is_pointwise(loss) ? 1 : 3 * (int64_t)loss->axis;
}

static bool is_hinge(const cly_ops_loss *loss) {
    return loss->id == CLY_LOSS_HINGE || loss->id == CLY_LOSS_SQUARED_HINGE;
}

/* How many things that sum looks at. */
static int64_t summed_of(const cly_ops_loss *loss, cly_ops_loss_sum sum) {
    switch (sum) {
        case CLY_LOSS_SUM_NONE:
            break;
        case CLY_LOSS_SUM_NOT_BINARY:
            return cly_ops_loss_entries(loss) * loss->axis;
        case CLY_LOSS_SUM_WEIGHTS:
            return loss->weighting.count;
        case CLY_LOSS_SUM_VALID:
        case CLY_LOSS_SUM_VALID_WEIGHTS:
            return cly_ops_loss_entries(loss);
    }
    return 0;
}

bool cly_ops_loss_can(const cly_ops_loss *loss) {
    return loss->axis >= 1 && loss->outer >= 1 && loss->inner >= 1 && loss->weighting.count <= INT_MAX;
}

int64_t cly_ops_loss_workspace(const clayer_context *context, const cly_ops_loss *loss) {
    int64_t each = 0;
    const int64_t binary = is_hinge(loss) ? summed_of(loss, CLY_LOSS_SUM_NOT_BINARY) : 0;
    const int64_t before = cly_ops_slots_of(
        context, cly_base_larger(cly_base_larger(summed_of(loss, loss->divisor), binary), 1), 1, &each);
    const int64_t slots = cly_ops_slots_of(context, things_of(loss), rounds_of(loss), &each);
    const int64_t most = cly_base_larger(before, slots);
    return SLOTS_AT + most + cly_ops_slots_floats(most, 1);
}

static cly_arg int4_of(const int values[4]) {
    return CLY_INT4(values[0], values[1], values[2], values[3]);
}

static cly_arg arguments_of(const cly_ops_loss *loss) {
    const float *a = loss->arguments;
    return CLY_FLOAT4(a[0], a[1], a[2], a[3]);
}

/* workspace[at] = the sum over `count` things. */
static clayer_status sum_up(clayer_context *context, cly_ops_loss_sum sum, int64_t count,
                            const cly_ops_weighting *weighting, float ignored, cl_mem y_true, cl_mem weight,
                            cl_mem workspace, int64_t at) {
    clayer_status status = CLAYER_OK;
    int64_t each = 0;
    const int64_t slots = cly_ops_slots_of(context, cly_base_larger(count, 1), 1, &each);
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, count, options);
    cly_launch launch = {.program = "loss", .options = options, .kernel = "loss_sum"};
    cly_ops_each(context, slots, &launch);
    CLY_TRY(cly_device_run(context, &launch, CLY_BUFFER(y_true), CLY_BUFFER(weight), CLY_BUFFER(workspace),
                           CLY_LONG(SLOTS_AT), CLY_LONG(count), CLY_LONG(each), CLY_INT(slots),
                           int4_of(weighting->sizes), int4_of(weighting->strides), CLY_INT(sum), CLY_FLOAT(ignored)));
    CLY_TRY(cly_ops_slots_add(context, workspace, SLOTS_AT, slots, 1, 1.0f, workspace, at));
done:
    return status;
}

static clayer_status add_up(clayer_context *context, const cly_ops_loss *loss, cly_ops_loss_sum sum, cl_mem y_true,
                            cl_mem weight, cl_mem workspace, int64_t at) {
    return sum_up(context, sum, summed_of(loss, sum), &loss->weighting, loss->arguments[0], y_true, weight, workspace,
                  at);
}

/* The two sums that the kernels find in workspace[0] and [1], as far as they look there. */
static clayer_status prepare(clayer_context *context, const cly_ops_loss *loss, cly_ops_loss_sum divisor, cl_mem y_true,
                             cl_mem weight, cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    if (divisor != CLY_LOSS_SUM_NONE) {
        CLY_TRY(add_up(context, loss, divisor, y_true, weight, workspace, 0));
    }
    if (is_hinge(loss)) {
        CLY_TRY(add_up(context, loss, CLY_LOSS_SUM_NOT_BINARY, y_true, weight, workspace, 1));
    }
done:
    return status;
}

#define OPTIONS (CLY_OPS_OPTIONS + 16)

static void options_of(const clayer_context *context, const cly_ops_loss *loss, char options[OPTIONS]) {
    char common[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, cly_ops_loss_entries(loss) * loss->axis, common);
    (void)snprintf(options, OPTIONS, "%s -DLOSS=%d", common, (int)loss->id);
}

clayer_status cly_ops_loss_run(clayer_context *context, const cly_ops_loss *loss, cl_mem y_pred, cl_mem y_true,
                               cl_mem weight, cl_mem value, int64_t value_offset, float divisor, cl_mem gradient,
                               cl_mem bad_labels, cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    int64_t each = 0;
    const int64_t count = things_of(loss), slots = cly_ops_slots_of(context, count, rounds_of(loss), &each);
    const bool weighted = loss->weighting.count > 0;
    int flags = (weighted ? WEIGHTED : 0) | (gradient != NULL ? WANTS_GRADIENT : 0) |
                (bad_labels != NULL ? TELLS_BAD_LABELS : 0) | (loss->has_ignored ? HAS_IGNORED : 0);
    flags |= loss->divisor == CLY_LOSS_SUM_NONE ? 0 : loss->nothing_by_zero ? DIVIDES_NO_NAN : DIVIDES;
    weight = weighted ? weight : y_true;
    char options[OPTIONS];
    options_of(context, loss, options);
    CLY_TRY(prepare(context, loss, loss->divisor, y_true, weight, workspace));
    cly_launch launch = {.program = "loss", .options = options, .kernel = "loss_gradient"};
    cly_ops_each(context, slots, &launch);
    CLY_TRY(cly_device_run(context, &launch, CLY_BUFFER(y_pred), CLY_BUFFER(y_true), CLY_BUFFER(weight),
                           CLY_BUFFER(gradient != NULL ? gradient : workspace), CLY_BUFFER(workspace),
                           CLY_LONG(SLOTS_AT), CLY_BUFFER(bad_labels != NULL ? bad_labels : workspace), CLY_LONG(count),
                           CLY_LONG(each), CLY_INT(slots), CLY_INT(loss->axis), CLY_LONG(loss->inner),
                           int4_of(loss->weighting.sizes), int4_of(loss->weighting.strides), arguments_of(loss),
                           CLY_FLOAT(loss->scale), CLY_INT(flags)));
    CLY_TRY(cly_ops_slots_add(context, workspace, SLOTS_AT, slots, 1, divisor, value, value_offset));
done:
    return status;
}

clayer_status cly_ops_loss_values(clayer_context *context, const cly_ops_loss *loss, cl_mem y_pred, cl_mem y_true,
                                  cl_mem values, cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    const int64_t count = cly_ops_loss_entries(loss);
    char options[OPTIONS];
    options_of(context, loss, options);
    CLY_TRY(prepare(context, loss, CLY_LOSS_SUM_NONE, y_true, y_true, workspace));
    cly_launch launch = {.program = "loss", .options = options, .kernel = "loss_values"};
    cly_ops_each(context, count, &launch);
    CLY_TRY(cly_device_run(context, &launch, CLY_BUFFER(y_pred), CLY_BUFFER(y_true), CLY_BUFFER(workspace),
                           CLY_BUFFER(values), CLY_LONG(count), CLY_INT(loss->axis), CLY_LONG(loss->inner),
                           arguments_of(loss), CLY_FLOAT(loss->scale), CLY_INT(loss->has_ignored ? HAS_IGNORED : 0)));
done:
    return status;
}

/* ---- masks ---- */

/* What is kept is counted of the mask as it lies, or with labels of all that it is spread over. */
static int64_t kept_of(const cly_ops_loss_mask *masking) {
    return masking->has_ignored ? masking->count : masking->mask.count;
}

int64_t cly_ops_loss_mask_workspace(const clayer_context *context, const cly_ops_loss_mask *masking) {
    int64_t each = 0;
    const int64_t slots = cly_ops_slots_of(context, cly_base_larger(kept_of(masking), 1), 1, &each);
    return SLOTS_AT + slots + cly_ops_slots_floats(slots, 1);
}

clayer_status cly_ops_loss_mask_run(clayer_context *context, const cly_ops_loss_mask *masking, cl_mem mask,
                                    cl_mem weight, cl_mem y_true, cl_mem product, cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    const bool weighted = masking->weight.count > 0, labelled = masking->has_ignored;
    const int64_t kept = kept_of(masking);
    char options[CLY_OPS_OPTIONS];
    y_true = labelled ? y_true : mask;
    if (masking->is_mean) {
        CLY_TRY(sum_up(context, labelled ? CLY_LOSS_SUM_VALID_WEIGHTS : CLY_LOSS_SUM_WEIGHTS, kept, &masking->mask,
                       masking->ignored, y_true, mask, workspace, 0));
    }
    cly_ops_options(context, NULL, masking->count, options);
    cly_launch launch = {.program = "loss", .options = options, .kernel = "loss_mask"};
    cly_ops_each(context, masking->count, &launch);
    CLY_TRY(cly_device_run(context, &launch, CLY_BUFFER(mask), CLY_BUFFER(weighted ? weight : mask), CLY_BUFFER(y_true),
                           CLY_BUFFER(workspace), CLY_BUFFER(product), CLY_LONG(masking->count),
                           int4_of(masking->mask.sizes), int4_of(masking->mask.strides), CLY_INT(weighted),
                           int4_of(masking->weight.sizes), int4_of(masking->weight.strides), CLY_INT(labelled),
                           CLY_FLOAT(masking->ignored), CLY_FLOAT(masking->is_mean ? (float)kept : 0.0f),
                           CLY_INT(masking->nothing_by_zero)));
done:
    return status;
}
