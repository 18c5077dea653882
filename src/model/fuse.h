/* model/fuse.h: what the files of fusion share. */
#ifndef CLY_MODEL_FUSE_H
#define CLY_MODEL_FUSE_H

#include "model/plan.h"

#define CLY_MODEL_NO_CALL SIZE_MAX

typedef struct cly_model_fuse_state {
    const clayer_model *model;
    cly_model_run_plan *plan;
    unsigned not_fused;    /* an observer sees every layer's output, so all is switched off */
    size_t *readers;       /* of each call's output: sources of needed calls, and outputs of the model */
    cly_model_fold *folds; /* one a call, of which `before` and `behind` may be without a layer */
} cly_model_fuse_state;

/* The call with steps that makes the first source of `call`, if nothing else reads that; else CLY_MODEL_NO_CALL. */
size_t cly_model_fuse_sole_source(const cly_model_fuse_state *f, size_t call);

/* The call's steps are another's from now on. */
void cly_model_fuse_take_over(cly_model_fuse_state *f, size_t call, int kind);

/* The call's step, if it is one of this operator alone; else NULL. */
cly_ops_step *cly_model_fuse_only_step(const cly_model_fuse_state *f, size_t call, const cly_ops_operator *op);

/* Of a call that has steps. */
cly_ops_step *cly_model_fuse_last_step(const cly_model_fuse_state *f, size_t call);

/* "conv", "conv_transpose" or "depthwise". */
bool cly_model_fuse_is_convolution(const cly_ops_step *step);

/* Lets sources of Concatenates write straight into their output, after all other fusion. */
clayer_status cly_model_fuse_concatenates(cly_model_fuse_state *f);

/* Padding and cropping around `call`, as far as they are not switched off. */
void cly_model_fuse_windows(cly_model_fuse_state *f, size_t call);

#endif
