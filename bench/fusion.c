/* bench/fusion.c: models predicting without fusion against with it, interleaved.
 *
 * usage: clayer_bench_fusion [ROUNDS [BATCH [SET]]]; SET is a sum of clayer_fusion values, all by default. The device
 * is chosen by CLAYER_DEVICE. Prints the median time of a run without fusion and with, the ratio (above 1: fusion is
 * faster), the device memory that both plans need, weights included, and what was fused. The nets are the bodies of
 * those that they are named after. */
#include <clayer/clayer.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "bench.h"

#define CONFIG(type, ...) (&(const type){.struct_size = sizeof(type), __VA_ARGS__})

/* A model under construction: after a failure nothing is added any more. */
typedef struct builder {
    clayer_model *model;
    clayer_status status;
} builder;

#define ADD(b, call) ((b)->status = (b)->status == CLAYER_OK ? (call) : (b)->status)

static clayer_node *conv(builder *b, clayer_node *x, int64_t filters, int64_t kernel, int64_t stride) {
    ADD(b, clayer_add_conv2d(b->model, x,
                             CONFIG(clayer_conv_config, .filters = filters, .kernel_size = {kernel},
                                    .strides = {stride}, .padding = "same", .no_bias = true),
                             &x));
    return x;
}

static clayer_node *relu(builder *b, clayer_node *x) {
    ADD(b, clayer_add_relu(b->model, x, NULL, &x));
    return x;
}

static clayer_node *norm(builder *b, clayer_node *x) {
    ADD(b, clayer_add_batch_normalization(b->model, x, NULL, &x));
    return x;
}

static clayer_node *conv_norm_relu(builder *b, clayer_node *x, int64_t filters, int64_t kernel, int64_t stride) {
    return relu(b, norm(b, conv(b, x, filters, kernel, stride)));
}

static clayer_node *pool(builder *b, clayer_node *x, bool average, int64_t size, int64_t stride) {
    const clayer_pooling_config config = {
        .struct_size = sizeof(config), .pool_size = {size}, .strides = {stride}, .padding = "same"};
    ADD(b, average ? clayer_add_average_pooling2d(b->model, x, &config, &x)
                   : clayer_add_max_pooling2d(b->model, x, &config, &x));
    return x;
}

static clayer_node *join(builder *b, clayer_node *const *nodes, size_t count) {
    clayer_node *joined = nodes[0];
    ADD(b, clayer_add_concatenate(b->model, nodes, count, NULL, &joined));
    return joined;
}

static void mobile_net(builder *b, clayer_node *x) {
    x = conv_norm_relu(b, x, 32, 3, 2);
    for (int i = 0; i < 6; i++) {
        const int64_t stride = 1 + i % 2;
        if (stride == 2) {
            ADD(b, clayer_add_zero_padding2d(
                       b->model, x,
                       CONFIG(clayer_zero_padding_config, .has_padding = true, .padding = {{0, 1}, {0, 1}}), &x));
        }
        ADD(b, clayer_add_depthwise_conv2d(b->model, x,
                                           CONFIG(clayer_depthwise_conv_config, .kernel_size = {3}, .strides = {stride},
                                                  .padding = stride == 1 ? "same" : "valid", .no_bias = true),
                                           &x));
        x = conv_norm_relu(b, relu(b, norm(b, x)), 64 << i / 2, 1, 1);
    }
}

static void res_net(builder *b, clayer_node *x) {
    ADD(b, clayer_add_zero_padding2d(
               b->model, x, CONFIG(clayer_zero_padding_config, .has_padding = true, .padding = {{3, 3}, {3, 3}}), &x));
    ADD(b, clayer_add_conv2d(b->model, x, CONFIG(clayer_conv_config, .filters = 64, .kernel_size = {7}, .strides = {2}),
                             &x));
    x = relu(b, norm(b, x));
    ADD(b, clayer_add_zero_padding2d(b->model, x, NULL, &x));
    ADD(b, clayer_add_max_pooling2d(b->model, x, CONFIG(clayer_pooling_config, .pool_size = {3}, .strides = {2}), &x));
    for (int i = 0; i < 6; i++) {
        const int64_t filters = 64 << i / 3, stride = i == 3 ? 2 : 1;
        clayer_node *shortcut = i % 3 == 0 ? norm(b, conv(b, x, filters * 4, 1, stride)) : x;
        x = conv_norm_relu(b, conv_norm_relu(b, x, filters, 1, stride), filters, 3, 1);
        x = norm(b, conv(b, x, filters * 4, 1, 1));
        ADD(b, clayer_add_add(b->model, (clayer_node *[]){shortcut, x}, 2, NULL, &x));
        x = relu(b, x);
    }
}

static void dense_net(builder *b, clayer_node *x) {
    x = pool(b, conv_norm_relu(b, x, 64, 7, 2), false, 3, 2);
    for (int block = 0; block < 2; block++) {
        for (int i = 0; i < (block == 0 ? 6 : 12); i++) {
            clayer_node *y = conv(b, relu(b, norm(b, x)), 128, 1, 1);
            y = conv(b, relu(b, norm(b, y)), 32, 3, 1);
            x = join(b, (clayer_node *[]){x, y}, 2);
        }
        x = pool(b, conv(b, relu(b, norm(b, x)), 128 << block, 1, 1), true, 2, 2);
    }
}

static void inception(builder *b, clayer_node *x) {
    x = conv_norm_relu(b, conv_norm_relu(b, x, 32, 3, 2), 64, 3, 2);
    x = pool(b, x, false, 3, 2);
    for (int i = 0; i < 3; i++) {
        clayer_node *one = conv_norm_relu(b, x, 64, 1, 1);
        clayer_node *five = conv_norm_relu(b, conv_norm_relu(b, x, 48, 1, 1), 64, 5, 1);
        clayer_node *three = conv_norm_relu(b, conv_norm_relu(b, x, 64, 1, 1), 96, 3, 1);
        clayer_node *pooled = conv_norm_relu(b, pool(b, x, true, 3, 1), 32, 1, 1);
        x = join(b, (clayer_node *[]){one, five, three, pooled}, 4);
    }
}

static void u_net(builder *b, clayer_node *x) {
    clayer_node *skips[3];
    for (int i = 0; i < 3; i++) {
        skips[i] = conv_norm_relu(b, conv_norm_relu(b, x, 16 << i, 3, 1), 16 << i, 3, 1);
        x = pool(b, skips[i], false, 2, 2);
    }
    x = conv_norm_relu(b, x, 128, 3, 1);
    for (int i = 2; i >= 0; i--) {
        ADD(b, clayer_add_conv2d_transpose(
                   b->model, x,
                   CONFIG(clayer_conv_transpose_config, .filters = 16 << i, .kernel_size = {2}, .strides = {2}), &x));
        x = conv_norm_relu(b, join(b, (clayer_node *[]){x, skips[i]}, 2), 16 << i, 3, 1);
    }
}

static const struct {
    const char *name;
    int64_t size;
    void (*build)(builder *b, clayer_node *x);
} nets[] = {{"MobileNet", 224, mobile_net},
            {"ResNet", 224, res_net},
            {"DenseNet", 224, dense_net},
            {"Inception", 224, inception},
            {"U-Net", 128, u_net}};

static clayer_status build(clayer_context *context, size_t net, unsigned fusion, clayer_model **model_out) {
    clayer_status status = CLAYER_OK;
    builder b = {NULL, CLAYER_OK};
    clayer_node *x = NULL;
    CLY_TRY(clayer_model_create(context, nets[net].name, &b.model));
    CLY_TRY(clayer_add_input(b.model, 3, (const int64_t[]){nets[net].size, nets[net].size, 3}, &x));
    nets[net].build(&b, x);
    CLY_TRY(b.status);
    CLY_TRY(clayer_model_set_fusion(b.model, fusion));
    *model_out = b.model;
    b.model = NULL;
done:
    clayer_model_destroy(b.model);
    return status;
}

static clayer_status run_once(clayer_context *context, clayer_model *model, clayer_tensor *x, clayer_tensor *y,
                              double *ms_out) {
    clayer_status status = CLAYER_OK;
    const double start = bench_now_ms();
    CLY_TRY(clayer_model_run(model, &x, 1, &y, 1));
    CLY_TRY(clayer_context_finish(context));
    *ms_out = bench_now_ms() - start;
done:
    return status;
}

static clayer_status make_tensor(clayer_context *context, const clayer_shape *shape, int64_t batch,
                                 clayer_tensor **tensor_out) {
    clayer_status status = CLAYER_OK;
    clayer_shape whole = *shape;
    clayer_tensor *tensor = NULL;
    void *values = NULL;
    whole.dims[0] = batch;
    CLY_TRY(clayer_tensor_create(context, whole.rank, whole.dims, &tensor));
    CLY_TRY(cly_base_alloc((size_t)clayer_tensor_get_count(tensor), sizeof(float), &values));
    CLY_TRY(clayer_tensor_write(tensor, values, clayer_tensor_get_count(tensor)));
    *tensor_out = tensor;
    tensor = NULL;
done:
    free(values);
    clayer_tensor_destroy(tensor);
    return status;
}

static clayer_status bench_net(clayer_context *context, size_t net, int rounds, int64_t batch, unsigned set) {
    clayer_status status = CLAYER_OK;
    clayer_model *models[2] = {NULL};
    clayer_model_plan plans[2];
    clayer_tensor *x = NULL, *y = NULL;
    void *times = NULL;
    CLY_TRY(cly_base_alloc(2 * (size_t)rounds, sizeof(double), &times));
    for (int i = 0; i < 2; i++) {
        CLY_TRY(build(context, net, i == 0 ? 0 : set, &models[i]));
        CLY_TRY(clayer_model_get_plan(models[i], NULL, batch, &plans[i]));
    }
    CLY_TRY(make_tensor(context, clayer_model_get_input_shape(models[0], 0), batch, &x));
    CLY_TRY(make_tensor(context, clayer_model_get_output_shape(models[0], 0), batch, &y));
    for (int round = -1; round < rounds; round++) { /* one to warm up */
        for (int i = 0; i < 2; i++) {
            CLY_TRY(run_once(context, models[i], x, y, (double *)times + i * rounds + (round < 0 ? 0 : round)));
        }
    }
    const double off = bench_median(times, rounds), on = bench_median((double *)times + rounds, rounds);
    printf("%-10s %10.2f ms %10.2f ms %7.2f %8.1f MiB %8.1f MiB  BN %zu, act %zu, pad %zu, concat %zu\n",
           nets[net].name, off, on, off / on, (double)plans[0].total_bytes / 1048576.0,
           (double)plans[1].total_bytes / 1048576.0, plans[1].fused_batch_normalizations, plans[1].fused_activations,
           plans[1].fused_paddings, plans[1].fused_inputs);
done:
    free(times);
    for (int i = 0; i < 2; i++) {
        clayer_model_destroy(models[i]);
    }
    clayer_tensor_destroy(x);
    clayer_tensor_destroy(y);
    return status;
}

int main(int argc, char **argv) {
    clayer_status status = CLAYER_OK;
    clayer_context *context = NULL;
    const int rounds = argc > 1 && atoi(argv[1]) > 0 ? atoi(argv[1]) : 15;
    const int64_t batch = argc > 2 && atoi(argv[2]) > 0 ? atoi(argv[2]) : 1;
    const unsigned set = argc > 3 ? (unsigned)atoi(argv[3]) : CLAYER_FUSE_ALL;
    CLY_TRY(clayer_context_create(NULL, &context));
    printf("%-10s %13s %13s %7s %12s %12s\n", "net", "off", "on", "ratio", "memory off", "memory on");
    for (size_t i = 0; i < sizeof(nets) / sizeof(nets[0]); i++) {
        CLY_TRY(bench_net(context, i, rounds, batch, set));
    }
done:
    if (status != CLAYER_OK) {
        fprintf(stderr, "clayer_bench_fusion: %s\n", clayer_last_error());
    }
    clayer_context_destroy(context);
    return status == CLAYER_OK ? 0 : 1;
}
