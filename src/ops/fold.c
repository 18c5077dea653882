/* ops/fold.c: launches of fold.cl. */
#include "ops/fold.h"

#include "ops/range.h"

/* An absent vector is stood in for by the mean: not every driver takes a NULL buffer. */
#define NORMALISATION(n)                                                                                            \
    CLY_BUFFER((n)->gamma != NULL ? (n)->gamma : (n)->mean), CLY_BUFFER((n)->beta != NULL ? (n)->beta : (n)->mean), \
        CLY_BUFFER((n)->mean), CLY_BUFFER((n)->variance), CLY_INT((n)->gamma != NULL), CLY_INT((n)->beta != NULL),  \
        CLY_FLOAT((n)->epsilon)

clayer_status cly_ops_fold_before(clayer_context *context, const cly_ops_fold *f, const cly_ops_normalisation *n,
                                  cl_mem w, cl_mem b, cl_mem folded_w, cl_mem folded_b) {
    clayer_status status = CLAYER_OK;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, 1, options);
    cly_launch bias = {.program = "fold", .options = options, .kernel = "fold_bias"};
    cly_launch kernel = {.program = "fold", .options = options, .kernel = "fold_kernel"};
    cly_ops_each(context, f->bias_count, &bias);
    CLY_TRY(cly_device_run(context, &bias, CLY_BUFFER(w), CLY_BUFFER(b != NULL ? b : n->mean), CLY_BUFFER(folded_b),
                           CLY_LONG(f->count / f->bias_count), CLY_INT(f->bias_count), CLY_LONG(f->division),
                           CLY_INT(f->channels), CLY_INT(b != NULL), NORMALISATION(n)));
    cly_ops_each(context, f->count, &kernel);
    CLY_TRY(cly_device_run(context, &kernel, CLY_BUFFER(w), CLY_BUFFER(folded_w), CLY_LONG(f->count),
                           CLY_LONG(f->division), CLY_INT(f->channels), NORMALISATION(n)));
done:
    return status;
}

clayer_status cly_ops_fold_behind(clayer_context *context, int64_t channels, const cly_ops_normalisation *n,
                                  cl_mem norm) {
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, 1, options);
    cly_launch launch = {.program = "fold", .options = options, .kernel = "fold_behind"};
    cly_ops_each(context, channels, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(norm), CLY_INT(channels), NORMALISATION(n));
}
