/* weights/initializer.c: Keras' initializers: names, arguments, and the values they give, made on the host.
 * Source: keras/src/initializers/{constant,random}_initializers.py. An integer seed gives the weights of Keras 3 on
 * TensorFlow: uniform ones bit for bit, normal, truncated and orthogonal ones to rounding. Keras 2 has the same stream
 * for seeds below 2^31 - 2, which is what Keras 3 takes larger ones modulo. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "weights/random.h"
#include "weights/weight.h"

enum {
    ZEROS = 1,
    ONES,
    CONSTANT,
    RANDOM_NORMAL,
    RANDOM_UNIFORM,
    TRUNCATED_NORMAL,
    ORTHOGONAL,
    IDENTITY,
    VARIANCE_SCALING,
    GLOROT_NORMAL,
    GLOROT_UNIFORM,
    HE_NORMAL,
    HE_UNIFORM,
    LECUN_NORMAL,
    LECUN_UNIFORM
};

typedef enum fan_mode { FAN_IN = 0, FAN_OUT, FAN_AVG } fan_mode;
/* Keras reads "normal" as the truncated one. */
typedef enum distribution { TRUNCATED = 0, NORMAL, UNTRUNCATED, UNIFORM } distribution;

static const char *const modes[] = {"fan_in", "fan_out", "fan_avg", NULL};
static const char *const distributions[] = {"truncated_normal", "normal", "untruncated_normal", "uniform", NULL};

/* The standard deviation of a normal distribution cut at two standard deviations. */
#define TRUNCATED_STDDEV 0.87962566103423978

#define SEED \
    { .name = "seed", .fallback = -1, .kind = CLY_SPEC_SEED }
/* Keras 3 lets axes be named for the fans; none named is 0. */
#define AXES                                         \
    {.name = "input_axes", .kind = CLY_SPEC_AXES}, { \
        .name = "output_axes", .kind = CLY_SPEC_AXES \
    }

static const cly_spec_entry entries[] = {
    {ZEROS, "zeros", "Zeros", "zero", {{0}}},
    {ONES, "ones", "Ones", "one", {{0}}},
    {CONSTANT, "constant", "Constant", NULL, {{.name = "value"}}},
    {RANDOM_NORMAL,
     "random_normal",
     "RandomNormal",
     "normal",
     {{.name = "mean"}, {.name = "stddev", .fallback = 0.05}, SEED}},
    {RANDOM_UNIFORM,
     "random_uniform",
     "RandomUniform",
     "uniform",
     {{.name = "minval", .fallback = -0.05}, {.name = "maxval", .fallback = 0.05}, SEED}},
    {TRUNCATED_NORMAL,
     "truncated_normal",
     "TruncatedNormal",
     NULL,
     {{.name = "mean"}, {.name = "stddev", .fallback = 0.05}, SEED}},
    {ORTHOGONAL, "orthogonal", "Orthogonal", "OrthogonalInitializer", {{.name = "gain", .fallback = 1}, SEED}},
    {IDENTITY, "identity", "Identity", "IdentityInitializer", {{.name = "gain", .fallback = 1}}},
    {VARIANCE_SCALING,
     "variance_scaling",
     "VarianceScaling",
     NULL,
     {{.name = "scale", .fallback = 1, .low = DBL_MIN, .high = DBL_MAX},
      {.name = "mode", .kind = CLY_SPEC_CHOICE, .choices = modes},
      {.name = "distribution", .kind = CLY_SPEC_CHOICE, .choices = distributions},
      SEED,
      AXES}},
    {GLOROT_NORMAL, "glorot_normal", "GlorotNormal", NULL, {SEED, AXES}},
    {GLOROT_UNIFORM, "glorot_uniform", "GlorotUniform", NULL, {SEED, AXES}},
    {HE_NORMAL, "he_normal", "HeNormal", NULL, {SEED, AXES}},
    {HE_UNIFORM, "he_uniform", "HeUniform", NULL, {SEED, AXES}},
    {LECUN_NORMAL, "lecun_normal", "LecunNormal", NULL, {SEED, AXES}},
    {LECUN_UNIFORM, "lecun_uniform", "LecunUniform", NULL, {SEED, AXES}},
};

const cly_spec_list cly_weights_initializers = {.what = "initializer", .entries = entries, .count = CLY_COUNT(entries)};

static int64_t product(const int64_t *dims, int count) {
    int64_t result = 1;
    for (int i = 0; i < count; i++) {
        result *= dims[i];
    }
    return result;
}

/* The product of the axes in `bits` (bit axis + 8). */
static clayer_status product_of_axes(unsigned bits, const clayer_shape *shape, double *product_out) {
    double result = 1.0;
    for (int bit = 0; bit < 16; bit++) {
        int axis = bit - 8 < 0 ? bit - 8 + shape->rank : bit - 8;
        if ((bits >> (unsigned)bit & 1u) == 0) {
            continue;
        }
        if (axis < 0 || axis >= shape->rank) {
            return cly_base_fail(CLAYER_INVALID_SHAPE, "initializer: axis %d is not one of a weight with %d axes",
                                 bit - 8, shape->rank);
        }
        result *= (double)shape->dims[axis];
    }
    *product_out = result;
    return CLAYER_OK;
}

/* How many inputs a unit has, and outputs: the last two axes, each times the receptive field before them. */
static clayer_status find_fans(const cly_spec *spec, const clayer_shape *shape, double fans[2]) {
    unsigned input_axes = (unsigned)cly_base_spec_get(spec, "input_axes");
    unsigned output_axes = (unsigned)cly_base_spec_get(spec, "output_axes");
    int rank = shape->rank;
    if (input_axes != 0 && output_axes != 0) {
        clayer_status status = product_of_axes(input_axes, shape, &fans[0]);
        return status != CLAYER_OK ? status : product_of_axes(output_axes, shape, &fans[1]);
    }
    if (rank < 2) {
        fans[0] = fans[1] = rank == 1 ? (double)shape->dims[0] : 1.0;
        return CLAYER_OK;
    }
    double field = (double)product(shape->dims, rank - 2);
    fans[0] = field * (double)shape->dims[rank - 2];
    fans[1] = field * (double)shape->dims[rank - 1];
    return CLAYER_OK;
}

static clayer_status fill_scaled(const cly_spec *spec, double scale, fan_mode mode, distribution kind,
                                 const clayer_shape *shape, cly_weights_stream stream, int64_t count, float *values) {
    double fans[2];
    clayer_status status = find_fans(spec, shape, fans);
    if (status != CLAYER_OK) {
        return status;
    }
    double fan = mode == FAN_IN ? fans[0] : mode == FAN_OUT ? fans[1] : (fans[0] + fans[1]) / 2.0;
    scale /= fan < 1.0 ? 1.0 : fan;
    if (kind == UNIFORM) {
        float limit = (float)sqrt(3.0 * scale);
        cly_weights_uniform(stream, -limit, limit, count, values);
    } else if (kind == UNTRUNCATED) {
        cly_weights_normal(stream, 0.0f, (float)sqrt(scale), count, values);
    } else {
        cly_weights_truncated_normal(stream, 0.0f, (float)(sqrt(scale) / TRUNCATED_STDDEV), count, values);
    }
    return CLAYER_OK;
}

static double dot(const double *a, const double *b, int64_t length) {
    double sum = 0.0;
    for (int64_t i = 0; i < length; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

/* Makes `count` vectors of `length` >= count orthonormal, each with a positive part along its old direction: the Q of
 * the QR decomposition whose R has a positive diagonal. Gram-Schmidt twice, which is as accurate as Householder's. */
static void orthonormalize(double *vectors, int64_t count, int64_t length) {
    for (int64_t j = 0; j < count; j++) {
        double *v = vectors + j * length;
        for (int64_t k = 0; k < 2 * j; k++) {
            const double *q = vectors + k % j * length;
            double along = dot(q, v, length);
            for (int64_t i = 0; i < length; i++) {
                v[i] -= along * q[i];
            }
        }
        double norm = sqrt(dot(v, v, length));
        for (int64_t i = 0; i < length && norm > 0.0; i++) {
            v[i] /= norm;
        }
    }
}

/* As a matrix (all axes but the last, last): orthonormal columns, or rows where it is wider than high, times gain. */
static clayer_status fill_orthogonal(double gain, const clayer_shape *shape, cly_weights_stream stream, int64_t count,
                                     float *values) {
    if (shape->rank < 2) {
        return cly_base_fail(CLAYER_INVALID_SHAPE, "initializer 'orthogonal' needs a weight of 2 or more axes, got %d",
                             shape->rank);
    }
    int64_t columns = shape->dims[shape->rank - 1];
    int64_t rows = product(shape->dims, shape->rank - 1);
    bool wide = rows < columns;
    int64_t length = wide ? columns : rows;
    int64_t vector_count = wide ? rows : columns;
    void *memory = NULL;
    clayer_status status = cly_base_alloc((size_t)count, sizeof(double), &memory);
    if (status != CLAYER_OK) {
        return status;
    }
    double *vectors = memory;
    /* The normal values are a matrix (length, vector_count); its columns are the vectors. */
    cly_weights_normal(stream, 0.0f, 1.0f, count, values);
    for (int64_t i = 0; i < count; i++) {
        vectors[i % vector_count * length + i / vector_count] = (double)values[i];
    }
    orthonormalize(vectors, vector_count, length);
    for (int64_t i = 0; i < count; i++) {
        int64_t place = wide ? i : i % vector_count * length + i / vector_count;
        values[i] = (float)(gain * vectors[place]);
    }
    free(memory);
    return CLAYER_OK;
}

static clayer_status fill_identity(double gain, const clayer_shape *shape, int64_t count, float *values) {
    if (shape->rank != 2) {
        return cly_base_fail(CLAYER_INVALID_SHAPE, "initializer 'identity' needs a weight of 2 axes, got %d",
                             shape->rank);
    }
    for (int64_t i = 0; i < count; i++) {
        values[i] = i / shape->dims[1] == i % shape->dims[1] ? (float)gain : 0.0f;
    }
    return CLAYER_OK;
}

static clayer_status fill_constant(double value, int64_t count, float *values) {
    for (int64_t i = 0; i < count; i++) {
        values[i] = (float)value;
    }
    return CLAYER_OK;
}

/* Keras 3 takes an integer seed modulo 2^31 - 2 on its way to TensorFlow, whose seeds are int32. */
static uint64_t seed_of(const cly_spec *spec, uint64_t otherwise) {
    double seed = cly_base_spec_get(spec, "seed");
    return seed < 0.0 ? otherwise : (uint64_t)seed % (INT32_MAX - 1);
}

clayer_status cly_weights_initialize(const cly_spec *initializer, const clayer_shape *shape, uint64_t seed,
                                     float *values) {
    int64_t count = product(shape->dims, shape->rank);
    const cly_spec *spec = initializer;
    cly_spec fallback;
    if (spec->entry == NULL) { /* Keras' default for a weight without an initializer */
        clayer_status status = cly_base_spec_find(&cly_weights_initializers, "glorot_uniform", &fallback);
        if (status != CLAYER_OK) {
            return status;
        }
        spec = &fallback;
    }
    cly_weights_stream stream = cly_weights_stream_from_seed(seed_of(spec, seed));
    const double *value = spec->values;
    switch (spec->entry->id) {
        case ZEROS:
            return fill_constant(0.0, count, values);
        case ONES:
            return fill_constant(1.0, count, values);
        case CONSTANT:
            return fill_constant(value[0], count, values);
        case RANDOM_NORMAL:
            cly_weights_normal(stream, (float)value[0], (float)value[1], count, values);
            break;
        case RANDOM_UNIFORM:
            cly_weights_uniform(stream, (float)value[0], (float)value[1], count, values);
            break;
        case TRUNCATED_NORMAL:
            cly_weights_truncated_normal(stream, (float)value[0], (float)value[1], count, values);
            break;
        case ORTHOGONAL:
            return fill_orthogonal(value[0], shape, stream, count, values);
        case IDENTITY:
            return fill_identity(value[0], shape, count, values);
        case VARIANCE_SCALING:
            return fill_scaled(spec, value[0], (fan_mode)value[1], (distribution)value[2], shape, stream, count,
                               values);
        case GLOROT_NORMAL:
            return fill_scaled(spec, 1.0, FAN_AVG, TRUNCATED, shape, stream, count, values);
        case GLOROT_UNIFORM:
            return fill_scaled(spec, 1.0, FAN_AVG, UNIFORM, shape, stream, count, values);
        case HE_NORMAL:
            return fill_scaled(spec, 2.0, FAN_IN, TRUNCATED, shape, stream, count, values);
        case HE_UNIFORM:
            return fill_scaled(spec, 2.0, FAN_IN, UNIFORM, shape, stream, count, values);
        case LECUN_NORMAL:
            return fill_scaled(spec, 1.0, FAN_IN, TRUNCATED, shape, stream, count, values);
        default:
            return fill_scaled(spec, 1.0, FAN_IN, UNIFORM, shape, stream, count, values);
    }
    return CLAYER_OK;
}
