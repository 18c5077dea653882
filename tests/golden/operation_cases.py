"""The cases of make_operations.py: operations on tensors as people write them in functional models.

A row is a function of the inputs and their shapes without the batch; OPERATIONS[2] is written with TensorFlow
and tf_keras, OPERATIONS[3] with Keras 3. positive=True: the inputs are above 0.
"""
import keras
import numpy as np
import tensorflow as tf
import tf_keras

CONSTANT = np.array([0.5, -1.25, 2.0], np.float32)
TABLE = np.arange(15, dtype=np.float32).reshape(5, 3) / 4 - 1
BOTH = [
    ("add", lambda x, y: x + y), ("gate", lambda x, y: x * y, (4, 5, 3), (1, 1, 3)),
    ("ranks", lambda x, y: x + y, (4, 5, 3), (4, 1, 1)), ("add number", lambda x: x + 2.0),
    ("number add", lambda x: 3.0 + x), ("subtract", lambda x, y: x - y),
    ("subtract broadcast", lambda x, y: x - y, (5, 3), (1, 3)), ("number subtract", lambda x: 3.0 - x),
    ("subtract number", lambda x: x - 0.5), ("multiply", lambda x, y: x * y),
    ("multiply number", lambda x: x * (1 / 6)), ("divide number", lambda x: x / 6.0),
    ("divide", lambda x, y: x / y, dict(positive=True)), ("number divide", lambda x: 2.0 / x, dict(positive=True)),
    ("divide broadcast", lambda x, y: x / y, (4, 5, 3), (1, 5, 1), dict(positive=True)),
    ("times constant", lambda x: x * CONSTANT), ("plus table", lambda x: x + TABLE),
    ("minus constant", lambda x: x - CONSTANT), ("over constant", lambda x: x / CONSTANT),
    ("negative", lambda x: -x), ("absolute", lambda x: abs(x)), ("power", lambda x: x ** 3, dict(positive=True)),
    ("square", lambda x: x ** 2), ("root", lambda x: x ** 0.5, dict(positive=True)),
    ("powers", lambda x, y: x ** y, dict(positive=True)),
    ("slice", lambda x: x[:, 1:3]), ("slices", lambda x: x[:, 1:-1, 1:], (5, 4, 2)),
    ("index", lambda x: x[:, 0]), ("last index", lambda x: x[:, -1]), ("ellipsis", lambda x: x[..., 0:1]),
    ("new axis", lambda x: x[:, :, None]), ("channel", lambda x: x[..., 1], (4, 5, 3)),
    ("whole", lambda x: x[:, :]),
]
TF = [
    ("relu6", lambda x: tf.nn.relu6(x)), ("relu", lambda x: tf.nn.relu(x)),
    ("leaky", lambda x: tf.nn.leaky_relu(x, alpha=0.1)), ("silu", lambda x: tf.nn.silu(x)),
    ("sigmoid", lambda x: tf.sigmoid(x)), ("tanh", lambda x: tf.tanh(x)), ("gelu", lambda x: tf.nn.gelu(x)),
    ("gelu approximate", lambda x: tf.nn.gelu(x, approximate=True)), ("softplus", lambda x: tf.nn.softplus(x)),
    ("elu", lambda x: tf.nn.elu(x)), ("selu", lambda x: tf.nn.selu(x)), ("exp", lambda x: tf.exp(x)),
    ("softmax", lambda x: tf.nn.softmax(x, axis=1)), ("softmax last", lambda x: tf.nn.softmax(x)),
    ("clip", lambda x: tf.clip_by_value(x, -1.0, 0.5)), ("sqrt", lambda x: tf.sqrt(x), dict(positive=True)),
    ("rsqrt", lambda x: tf.math.rsqrt(x), dict(positive=True)), ("log", lambda x: tf.math.log(x), dict(positive=True)),
    ("square", lambda x: tf.square(x)), ("squared difference", lambda x, y: tf.math.squared_difference(x, y)),
    ("maximum", lambda x, y: tf.maximum(x, y)), ("maximum number", lambda x: tf.maximum(x, 0.3)),
    ("minimum", lambda x, y: tf.minimum(x, y)), ("pow", lambda x: tf.pow(x, 2.0)),
    ("tensor first", lambda x: tf.add(CONSTANT, x)), ("constant over", lambda x: tf.divide(CONSTANT, x), dict(positive=True)),
    ("mean", lambda x: tf.reduce_mean(x, axis=[1, 2], keepdims=True), (4, 5, 3)),
    ("mean axis", lambda x: tf.reduce_mean(x, axis=1)), ("sum", lambda x: tf.reduce_sum(x, -1)),
    ("backend mean", lambda x: tf_keras.backend.mean(x, axis=[1, 2]), (4, 5, 3)),
    ("concat", lambda x, y: tf.concat([x, y], axis=-1)), ("concat axis", lambda x, y: tf.concat([x, y], 1)),
    ("add_n", lambda x, y: tf.add_n([x, y])), ("reshape", lambda x: tf.reshape(x, [-1, 15])),
    ("reshape open", lambda x: tf.reshape(x, (-1, 3, 5))), ("transpose", lambda x: tf.transpose(x, [0, 2, 1])),
    ("transpose axes", lambda x: tf.transpose(x, [0, 3, 1, 2]), (4, 5, 3)),
    ("expand", lambda x: tf.expand_dims(x, -1)), ("squeeze", lambda x: tf.squeeze(x, axis=2), (4, 1, 3)),
    ("cast", lambda x: tf.cast(x, tf.float32)), ("identity", lambda x: tf.identity(x)),
    ("backend clip", lambda x: tf_keras.backend.clip(x, -0.5, 1.0)),
    ("backend relu", lambda x: tf_keras.backend.relu(x)), ("activation", lambda x: tf_keras.activations.swish(x)),
]
ops = keras.ops
KERAS = [
    ("relu6", lambda x: ops.relu6(x)), ("relu", lambda x: ops.relu(x)),
    ("leaky", lambda x: ops.leaky_relu(x, negative_slope=0.1)), ("silu", lambda x: ops.silu(x)),
    ("sigmoid", lambda x: ops.sigmoid(x)), ("tanh", lambda x: ops.tanh(x)), ("gelu", lambda x: ops.gelu(x)),
    ("gelu exact", lambda x: ops.gelu(x, approximate=False)), ("softplus", lambda x: ops.softplus(x)),
    ("elu", lambda x: ops.elu(x, alpha=0.5)), ("hard sigmoid", lambda x: ops.hard_sigmoid(x)),
    ("exp", lambda x: ops.exp(x)), ("softmax", lambda x: ops.softmax(x, axis=1)),
    ("log softmax", lambda x: ops.log_softmax(x)), ("clip", lambda x: ops.clip(x, -1.0, 0.5)),
    ("sqrt", lambda x: ops.sqrt(x), dict(positive=True)), ("rsqrt", lambda x: ops.rsqrt(x), dict(positive=True)),
    ("log", lambda x: ops.log(x), dict(positive=True)), ("square op", lambda x: ops.square(x)),
    ("maximum", lambda x, y: ops.maximum(x, y)), ("maximum number", lambda x: ops.maximum(x, 0.3)),
    ("minimum", lambda x, y: ops.minimum(x, y)), ("divide op", lambda x, y: ops.divide(x, y), dict(positive=True)),
    ("array first", lambda x: ops.add(CONSTANT, x)),
    ("tensor first", lambda x: ops.subtract(ops.convert_to_tensor(CONSTANT), x)),
    ("reciprocal", lambda x: ops.reciprocal(x), dict(positive=True)),
    ("mean", lambda x: ops.mean(x, axis=[1, 2], keepdims=True), (4, 5, 3)),
    ("mean axis", lambda x: ops.mean(x, axis=1)), ("means", lambda x: ops.mean(x, axis=(1, 2)), (4, 5, 3)),
    ("sum", lambda x: ops.sum(x, -1)), ("concatenate", lambda x, y: ops.concatenate([x, y], axis=-1)),
    ("concatenate axis", lambda x, y: ops.concatenate([x, y], 1)), ("reshape", lambda x: ops.reshape(x, [-1, 15])),
    ("reshape open", lambda x: ops.reshape(x, (-1, 3, 5))),
    ("transpose", lambda x: ops.transpose(x, [0, 2, 1])),
    ("transpose axes", lambda x: ops.transpose(x, [0, 3, 1, 2]), (4, 5, 3)),
    ("expand", lambda x: ops.expand_dims(x, -1)), ("squeeze", lambda x: ops.squeeze(x, axis=2), (4, 1, 3)),
    ("cast", lambda x: ops.cast(x, "float32")), ("activation", lambda x: keras.activations.swish(x)),
    ("relu of activations", lambda x: keras.activations.relu(x, max_value=1.0, negative_slope=0.25)),
]
OPERATIONS = {2: BOTH + TF, 3: BOTH + KERAS}
# Without a gradient.
TRUTHS = {2: [("not equal", lambda x: tf.not_equal(x, 0.5)), ("greater", lambda x, y: tf.greater(x, y)),
              ("any", lambda x: tf.reduce_any(tf.greater(x, 1.5), axis=-1))],
          3: [("not equal", lambda x: ops.not_equal(x, 0.5)), ("less equal", lambda x, y: ops.less_equal(x, y)),
              ("any", lambda x: ops.any(x > 1.5, axis=-1))]}
# The layers of its own that keras.applications has, and in which file: name, arguments, shapes of the inputs.
APPLICATIONS = {"CustomScaleLayer": "inception_resnet_v2", "LayerScale": "convnext", "StochasticDepth": "convnext"}
LAYERS = [("CustomScaleLayer", dict(scale=0.17), (4, 5, 3), (4, 5, 3)),
          ("LayerScale", dict(init_values=1e-6, projection_dim=7), (4, 5, 7)),
          ("StochasticDepth", dict(drop_path_rate=0.25), (4, 5, 3))]
