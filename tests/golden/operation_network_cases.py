"""The cases of make_operation_networks.py: operations on tensors within networks: poolings, several outputs, sizes of
tensors, and what is made of several operations.

A row is a function of tensors and their shapes without the batch, as in operation_cases.py; every tensor is the output
of a Dense, which is trained. positive=True: of a softplus; open=True: all sizes but the last are unknown to the model.
"""
import keras
import numpy as np
import tensorflow as tf
import tf_keras

CUBE, ROWS = (5, 4, 3), (6, 4)
POSITIVE = dict(positive=True)
MATRIX = np.arange(6, dtype=np.float32).reshape(3, 2) / 2 - 1


def halves(parts):
    a, b = parts
    return a * b


def ordered(parts):
    """Depends on each part and on its place."""
    return sum((i + 1) * part for i, part in enumerate(parts))


TF = [
    ("max pool", lambda x: tf.nn.max_pool(x, 2, 2, "SAME"), CUBE),
    ("max pool 2d", lambda x: tf.nn.max_pool2d(x, ksize=3, strides=[1, 2], padding="VALID"), CUBE),
    ("average pool", lambda x: tf.nn.avg_pool(x, [1, 2, 2, 1], [1, 2, 1, 1], "SAME"), CUBE),
    ("average pool open", lambda x: tf.nn.avg_pool2d(x, 3, 2, "SAME", data_format="NHWC"), CUBE, dict(open=True)),
    ("average pool 1d", lambda x: tf.nn.avg_pool1d(x, 3, 2, "SAME"), ROWS),
    ("max pool 1d", lambda x: tf.nn.max_pool1d(x, 2, 2, "VALID"), ROWS),
    ("max pool 3d", lambda x: tf.nn.max_pool3d(x, 2, 1, "VALID"), (3, 3, 3, 2)),
    ("backend pool", lambda x: tf_keras.backend.pool2d(x, (2, 2), (2, 2), "same", pool_mode="avg"), CUBE),
    ("split", lambda x: halves(tf.split(x, 2, axis=-1)), ROWS),
    ("split sizes", lambda x: halves(tf.split(x, [1, 2, 3], axis=1)[::2][:1] + [tf.split(x, [4, -1, 1], 1)[2]]), ROWS),
    ("split last", lambda x: tf.split(x, [1, 2], -1)[1], CUBE),
    ("unstack", lambda x: ordered(tf.unstack(x, axis=1)), CUBE),
    ("repeat elements", lambda x: tf_keras.backend.repeat_elements(x, 2, axis=1), CUBE),
    ("moments", lambda x: (lambda m, v: (x - m) * tf.math.rsqrt(v + 1e-3))(*tf.nn.moments(x, [1, 2], keepdims=True)),
     CUBE),
    ("reshape", lambda x: tf.reshape(x, (tf.shape(x)[0], -1, 6)), CUBE),
    ("reshape open", lambda x: tf.reshape(x, (tf.shape(x)[0], tf.shape(x)[1] * tf.shape(x)[2], 3)), CUBE,
     dict(open=True)),
    ("reshape as", lambda x, y: tf.reshape(x, tf.shape(y)), (5, 12), CUBE),
    ("reshape stacked", lambda x: tf.reshape(x, tf.stack([tf.shape(x)[0], 2, tf.shape(x)[1] // 2 + 1, 10])), CUBE),
    ("resize as", lambda x, y: tf.image.resize(x, tf.shape(y)[1:3]) + y, (2, 3, 3), CUBE, dict(open=True)),
    ("resize twice", lambda x: tf.image.resize(x, tf.shape(x)[1:3] * 2, method="nearest"), CUBE, dict(open=True)),
    ("resize each", lambda x, y: tf.image.resize(x, (tf.shape(y)[1], tf.shape(y)[-2] + 1)), (2, 3, 3), CUBE),
    ("resize list", lambda x: tf.image.resize(x, tf.cast(tf.shape(x)[1:-1] * [2, 3], tf.int32), "bicubic"), CUBE),
    ("broadcast", lambda x, y: tf.broadcast_to(x, tf.shape(y)) * y, (1, 1, 3), CUBE, dict(open=True)),
    ("argmax", lambda x: x[..., :1] * tf.cast(tf.argmax(x, -1), tf.float32)[..., None], CUBE),
    ("argmin", lambda x: x[:, 0] + tf.cast(tf.argmin(x, 1, output_type=tf.int32), tf.float32), CUBE),
    ("product", lambda x: tf.reduce_prod(x, axis=1), (3, 4, 3)),
    ("products", lambda x: tf.reduce_prod(x, [-1, -2]), (2, 2, 3), POSITIVE),
    ("logsumexp", lambda x: tf.reduce_logsumexp(x, axis=-1, keepdims=True), CUBE),
    ("logsumexp axes", lambda x: tf.reduce_logsumexp(x, [1, 2]), CUBE),
    ("norm", lambda x: tf.norm(x, axis=-1), CUBE), ("norm 1", lambda x: tf.norm(x, 1, 2, keepdims=True), CUBE),
    ("norm axes", lambda x: tf.norm(x, axis=[1, 2]), CUBE), ("cumsum", lambda x: tf.cumsum(x, axis=1), CUBE),
    ("cumsum back", lambda x: tf.math.cumsum(x, -1, exclusive=True, reverse=True), CUBE),
    ("tensordot", lambda x: tf.tensordot(x, MATRIX, 1), CUBE),
    ("tensordot axes", lambda x: tf.tensordot(x, MATRIX, [[3], [0]]), CUBE),
    ("matmul constant", lambda x: tf.matmul(x, MATRIX.T, transpose_b=True), (4, 3)),
    ("gather", lambda x: tf.gather(x, [2, 0, 1], axis=-1), CUBE),
    ("gather one", lambda x: tf.gather(x, 1, axis=1), CUBE),
    ("roll", lambda x: tf.roll(x, shift=[1, -2], axis=[1, 2]), CUBE), ("crelu", lambda x: tf.nn.crelu(x), CUBE),
    ("response", lambda x: tf.nn.local_response_normalization(x, 2, 1.0, 0.25, 0.75), (3, 2, 7)),
    ("response open", lambda x: tf.nn.lrn(x), CUBE, dict(open=True)),
    ("standardize", lambda x: tf.image.per_image_standardization(x), CUBE),
    ("left right", lambda x: tf.image.flip_left_right(x), CUBE), ("up down", lambda x: tf.image.flip_up_down(x), CUBE),
    ("crop", lambda x: tf.image.crop_to_bounding_box(x, 1, 2, 3, 2), CUBE),
    ("frame", lambda x: tf.image.pad_to_bounding_box(x, 1, 0, 7, 6), CUBE),
    ("arcs", lambda x: tf.atan(x) + tf.asinh(x) * tf.sinh(x / 4) + tf.cosh(x / 4) + tf.tan(x / 8), ROWS),
    ("inner arcs", lambda x: tf.asin(tf.sin(x / 2)) + tf.acos(tf.sigmoid(x)) * tf.atanh(tf.tanh(x / 2)), ROWS),
    ("outer arc", lambda x: tf.acosh(x + 1.5), ROWS, dict(positive=True)),
    ("finite", lambda x: tf.where(tf.math.is_finite(x), x, 0.0) + tf.where(tf.math.is_nan(x), 1.0, x), ROWS),
    ("accumulate", lambda x, y: tf.math.accumulate_n([x, y]), CUBE, CUBE),
    ("reduce lists", lambda x, y: tf.concat([tf.reduce_sum([x, y], axis=0), tf.reduce_mean([x, y, x], 0),
                                             tf.reduce_max([x, y], axis=[0]), tf.reduce_min([y, x], 0)], -1),
     ROWS, ROWS),
]
ops = keras.ops
KERAS = [
    ("max pool", lambda x: ops.max_pool(x, 2, 2, "same"), CUBE),
    ("max pool strides", lambda x: ops.max_pool(x, (2, 3), (1, 2)), CUBE),
    ("average pool", lambda x: ops.average_pool(x, 2, strides=(1, 2), data_format="channels_last"), CUBE),
    ("average pool open", lambda x: ops.average_pool(x, 3, 2, "same"), CUBE, dict(open=True)),
    ("average pool 1d", lambda x: ops.average_pool(x, 3, 2, "same"), ROWS),
    ("average pool 3d", lambda x: ops.average_pool(x, 2, 1), (3, 3, 3, 2)),
    ("split", lambda x: halves(ops.split(x, 2, axis=-1)), ROWS),
    ("split indices", lambda x: ops.split(x, [1, 4], axis=1)[1], ROWS),
    ("array split", lambda x: ordered([part[:, :1] for part in ops.array_split(x, 4, axis=1)]), ROWS),
    ("unstack", lambda x: ordered(ops.unstack(x, axis=1)), CUBE),
    ("moments", lambda x: (lambda m, v: (x - m) * ops.rsqrt(v + 1e-3))(*ops.moments(x, [1, 2], keepdims=True)), CUBE),
    ("argmax", lambda x: x[..., :1] * ops.cast(ops.argmax(x, -1, keepdims=True), "float32"), CUBE),
    ("argmin", lambda x: x[:, 0] + ops.cast(ops.argmin(x, 1), "float32"), CUBE),
    ("product", lambda x: ops.prod(ops.tanh(x), axis=1, keepdims=True), (3, 4, 3)),
    ("products", lambda x: ops.prod(x, (1, 2)), (2, 2, 3), POSITIVE),
    ("logsumexp", lambda x: ops.logsumexp(x, axis=-1, keepdims=True), CUBE),
    ("logsumexp axes", lambda x: ops.logsumexp(x, (1, 2)), CUBE),
    ("norm", lambda x: ops.norm(x, axis=-1), CUBE), ("norm 1", lambda x: ops.norm(x, 1, -1, keepdims=True), CUBE),
    ("norm axes", lambda x: ops.norm(x, axis=(1, 2)), CUBE),
    ("cumsum", lambda x: ops.cumsum(x, axis=1), CUBE),
    ("einsum gate", lambda x, y: ops.einsum("bhwc,bc->bhwc", x, y), CUBE, (3,)),
    ("einsum matmul", lambda x, y: ops.einsum("bij,bjk->bik", x, y), (5, 4), (4, 3)),
    ("einsum turned", lambda x, y: ops.einsum("bij,bik->bjk", x, y), (5, 4), (5, 3)),
    ("einsum heads", lambda x, y: ops.einsum("bqhd,bkhd->bhqk", x, y), (5, 2, 4), (3, 2, 4)),
    ("einsum values", lambda x, y: ops.einsum("bhqk,bkhd->bqhd", x, y), (2, 5, 3), (3, 2, 4)),
    ("einsum outer", lambda x, y: ops.einsum("bi,bj->bji", x, y), (4,), (3,)),
    ("einsum sums", lambda x, y: ops.einsum("bhwc,bhwc->bc", x, y), CUBE, CUBE),
    ("einsum constant", lambda x: ops.einsum("bhwc,cd->bdhw", x, MATRIX), CUBE),
    ("dot constant", lambda x: ops.dot(x, MATRIX), CUBE),
    ("tensordot", lambda x: ops.tensordot(x, MATRIX, [[-1], [0]]), CUBE),
    ("matmul constant", lambda x: ops.matmul(x, MATRIX), (4, 3)),
    ("take", lambda x: ops.take(x, [-1, 0, 1, 1], axis=-1), CUBE),
    ("take one", lambda x: ops.take(x, 1, axis=1), CUBE),
    ("roll", lambda x: ops.roll(x, 1, axis=1), CUBE), ("rolls", lambda x: ops.roll(x, (1, -2), axis=(1, 2)), CUBE),
    ("arcs", lambda x: ops.arctan(x) + ops.arcsinh(x) * ops.sinh(x / 4) + ops.cosh(x / 4) + ops.tan(x / 8), ROWS),
    ("inner arcs", lambda x: ops.arcsin(ops.sin(x / 2)) + ops.arccos(ops.sigmoid(x)) * ops.arctanh(ops.tanh(x / 2)),
     ROWS),
    ("outer arc", lambda x: ops.arccosh(x + 1.5), ROWS, dict(positive=True)),
    ("logs", lambda x: ops.log2(x + 0.5) * ops.log10(x + 0.5) + ops.exp2(x), ROWS, dict(positive=True)),
    ("finite", lambda x: ops.where(ops.isfinite(x), x, 0.0) + ops.where(ops.isnan(x), 1.0, x), ROWS),
    ("glu", lambda x: ops.glu(x), ROWS), ("average", lambda x: ops.average(x, axis=1), CUBE),
    ("threshold", lambda x: ops.threshold(x, 0.5, 0.1), ROWS), ("soft shrink", lambda x: ops.soft_shrink(x), ROWS),
    ("hard shrink", lambda x: ops.hard_shrink(x, 0.25), ROWS), ("tanh shrink", lambda x: ops.tanh_shrink(x), ROWS),
    ("sparse plus", lambda x: ops.sparse_plus(x), ROWS), ("sparse sigmoid", lambda x: ops.sparse_sigmoid(x), ROWS),
    ("squareplus", lambda x: ops.squareplus(x, 2), ROWS),
    ("crop", lambda x: ops.image.crop_images(x, 1, 2, target_height=3, target_width=2), CUBE),
    ("crop ends", lambda x: ops.image.crop_images(x, 1, 0, bottom_cropping=2, right_cropping=1), CUBE),
    ("frame", lambda x: ops.image.pad_images(x, 1, 0, target_height=7, target_width=6), CUBE),
]
NETWORKS = {2: TF, 3: KERAS}
