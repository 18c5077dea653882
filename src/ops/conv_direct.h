/* ops/conv_direct.h: the "direct" implementations of conv_direct.c, which the lists of three operators name. */
#ifndef CLY_OPS_CONV_DIRECT_H
#define CLY_OPS_CONV_DIRECT_H

#include "ops/conv_common.h"

#define CLY_OPS_CONV_DIRECT \
    { .name = "direct", .cost = cly_ops_conv_direct_cost, .run = cly_ops_conv_direct_run }
#define CLY_OPS_CONV_TRANSPOSE_DIRECT                                                                        \
    {                                                                                                        \
        .name = "direct", .cost = cly_ops_conv_transpose_direct_cost,                                        \
        .workspace_bytes = cly_ops_conv_transpose_direct_workspace, .run = cly_ops_conv_transpose_direct_run \
    }
#define CLY_OPS_CONV_WEIGHTS_DIRECT                                                                      \
    {                                                                                                    \
        .name = "direct", .cost = cly_ops_conv_weights_direct_cost,                                      \
        .workspace_bytes = cly_ops_conv_weights_direct_workspace, .run = cly_ops_conv_weights_direct_run \
    }

double cly_ops_conv_direct_cost(const clayer_context *context, const void *shape);
clayer_status cly_ops_conv_direct_run(clayer_context *context, const void *shape, const cl_mem *operands,
                                      cl_mem workspace);

double cly_ops_conv_transpose_direct_cost(const clayer_context *context, const void *shape);
uint64_t cly_ops_conv_transpose_direct_workspace(const clayer_context *context, const void *shape);
clayer_status cly_ops_conv_transpose_direct_run(clayer_context *context, const void *shape, const cl_mem *operands,
                                                cl_mem workspace);

double cly_ops_conv_weights_direct_cost(const clayer_context *context, const void *shape);
uint64_t cly_ops_conv_weights_direct_workspace(const clayer_context *context, const void *shape);
clayer_status cly_ops_conv_weights_direct_run(clayer_context *context, const void *shape, const cl_mem *operands,
                                              cl_mem workspace);

#endif
