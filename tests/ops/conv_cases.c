/* ops/conv_cases.c: random convolutions. */
#include "ops/conv_cases.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ops/padding.h"

#define MOST_PRODUCTS 200000 /* multiply-adds of a case: the plain reference does them one by one */

int64_t conv_cases_product(const int64_t sizes[3]) {
    return sizes[0] * sizes[1] * sizes[2];
}

static double products(const cly_ops_conv_shape *s) {
    return (double)(s->batch * conv_cases_product(s->out) * conv_cases_product(s->kernel) *
                    (s->in_channels / s->groups) * s->out_channels);
}

/* One axis: any kernel, stride, dilation and padding, as long as one output remains. */
static void random_axis(test_random *random, cly_ops_conv_shape *s, int axis, bool pointwise) {
    s->kernel[axis] = pointwise ? 1 : test_random_int(random, 1, test_random_chance(random, 15) ? 7 : 4);
    s->stride[axis] = pointwise || test_random_chance(random, 50) ? 1 : test_random_int(random, 1, 4);
    s->dilation[axis] = pointwise || test_random_chance(random, 60) ? 1 : test_random_int(random, 1, 3);
    s->in[axis] = test_random_int(random, 1, test_random_chance(random, 15) ? 40 : 10);
    const int64_t effective = cly_ops_effective_kernel(s->kernel[axis], s->dilation[axis]);
    switch (pointwise ? 3 : test_random_int(random, 0, 3)) {
        case 0: {
            const cly_ops_axis same =
                cly_ops_padding_conv(CLY_SAME, s->in[axis], s->kernel[axis], s->stride[axis], s->dilation[axis]);
            s->pad[axis] = same.before;
            s->out[axis] = same.out;
            break;
        }
        case 1: {
            s->pad[axis] = test_random_int(random, 0, effective - 1);
            int64_t after = test_random_int(random, 0, effective - 1);
            after = s->in[axis] + s->pad[axis] + after < effective ? effective - s->in[axis] - s->pad[axis] : after;
            s->out[axis] = (s->in[axis] + s->pad[axis] + after - effective) / s->stride[axis] + 1;
            break;
        }
        default:
            s->in[axis] = s->in[axis] < effective ? effective + s->in[axis] - 1 : s->in[axis];
            s->pad[axis] = 0;
            s->out[axis] = (s->in[axis] - effective) / s->stride[axis] + 1;
    }
}

cly_ops_conv_shape conv_cases_random(test_random *random, bool depthwise) {
    static const int64_t channels[] = {1, 2, 3, 4, 5, 8, 13, 16, 17, 32, 35};
    cly_ops_conv_shape s;
    do {
        memset(&s, 0, sizeof(s));
        const int64_t rank = test_random_int(random, 1, 3);
        const bool pointwise = !depthwise && test_random_chance(random, 20);
        for (int axis = 0; axis < 3; axis++) {
            s.in[axis] = s.out[axis] = s.kernel[axis] = s.stride[axis] = s.dilation[axis] = 1;
            if (axis >= 3 - rank) {
                random_axis(random, &s, axis, pointwise);
            }
        }
        s.batch = test_random_int(random, 1, 4);
        s.groups = test_random_chance(random, 60) ? 1 : test_random_int(random, 2, 5);
        s.in_channels = s.groups * channels[test_random_int(random, 0, s.groups > 1 ? 5 : 10)];
        s.out_channels = s.groups * channels[test_random_int(random, 0, s.groups > 1 ? 5 : 10)];
        if (depthwise) {
            s.groups = s.in_channels = channels[test_random_int(random, 0, 10)];
            s.out_channels = s.groups * (test_random_chance(random, 60) ? 1 : test_random_int(random, 2, 4));
        }
        s.channels_first = test_random_chance(random, 50);
    } while (products(&s) > MOST_PRODUCTS);
    /* Each activation is one more program to build, and they have their own test. */
    s.activation.id = test_random_chance(random, 40) ? CLY_LEAKY_RELU : CLY_LINEAR;
    s.activation.parameters[0] = 0.25f;
    return s;
}

cly_ops_conv_shape conv_cases_wide(test_random *random, bool transposed) {
    static const int64_t filters[] = {16, 17, 32, 35, 48, 70}, others[] = {1, 2, 3, 5, 16, 33};
    cly_ops_conv_shape s;
    do {
        s = conv_cases_random(random, false);
        const int64_t wide = s.groups * filters[test_random_int(random, 0, s.groups > 1 ? 2 : 5)];
        const int64_t other = s.groups * others[test_random_int(random, 0, s.groups > 1 ? 3 : 5)];
        s.out_channels = transposed ? other : wide;
        s.in_channels = transposed ? wide : other;
        s.channels_first = false;
    } while (products(&s) > 20.0 * MOST_PRODUCTS || (transposed && conv_cases_product(s.stride) != 1));
    return s;
}

reference_conv_shape conv_cases_plain(const cly_ops_conv_shape *s) {
    reference_conv_shape r = {.batch = s->batch,
                              .in_channels = s->in_channels,
                              .out_channels = s->out_channels,
                              .groups = s->groups,
                              .channels_first = s->channels_first};
    memcpy(r.in, s->in, sizeof(r.in));
    memcpy(r.out, s->out, sizeof(r.out));
    memcpy(r.kernel, s->kernel, sizeof(r.kernel));
    memcpy(r.stride, s->stride, sizeof(r.stride));
    memcpy(r.dilation, s->dilation, sizeof(r.dilation));
    memcpy(r.pad, s->pad, sizeof(r.pad));
    return r;
}

void conv_cases_describe(harness_case *c, const cly_ops_conv_shape *s, uint64_t index) {
    char text[6][64];
    snprintf(c->text, sizeof(c->text),
             "case %" PRIu64 ": %s batch %" PRId64 ", in %s x %" PRId64 ", out %s x %" PRId64 ", groups %" PRId64
             ", kernel %s, stride %s, dilation %s, pad %s%s, activation %d",
             index, s->channels_first ? "channels_first" : "channels_last", s->batch, harness_sizes(s->in, text[0]),
             s->in_channels, harness_sizes(s->out, text[1]), s->out_channels, s->groups,
             harness_sizes(s->kernel, text[2]), harness_sizes(s->stride, text[3]), harness_sizes(s->dilation, text[4]),
             harness_sizes(s->pad, text[5]), c->inputs[2] != NULL ? ", bias" : "", (int)s->activation.id);
}
