"""What the golden-data scripts share: both generations of Keras, test numbers, byte-stable files.

"Generation 2" is the package tf_keras, "generation 3" the package keras on TensorFlow. Both run on
one CPU thread and without oneDNN, whose choice of algorithm depends on the processor.
"""
import io
import json
import os
import tempfile
import zipfile

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
# An empty folder keeps the user's own keras.json (floatx, image_data_format) out of the data.
_home = tempfile.TemporaryDirectory()
os.environ["KERAS_HOME"] = _home.name

import numpy as np
import tensorflow as tf

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
tf.get_logger().setLevel("ERROR")

import keras
import tf_keras

HERE = os.path.dirname(os.path.abspath(__file__))
GENERATIONS = {2: tf_keras, 3: keras}
FIXED_DATE = (2024, 1, 1, 0, 0, 0)


# ---- numbers ----

def quantised(rng, shape, limit=2.0):
    """Multiples of 1/16 in [-limit, limit]: they compress, and short sums of products are exact."""
    steps = max(1, round(limit * 16))
    return (rng.integers(-steps, steps + 1, shape) / 16).astype(np.float32)


def random_weights(rng, layer):
    """Values for layer.get_weights(), scaled by the fan-in so that activations do not saturate."""
    values = []
    for variable in layer.weights:
        shape, name = tuple(variable.shape), variable.name.split("/")[-1].split(":")[0]
        if name == "count":
            values.append(np.float32(12))
        elif name in ("moving_variance", "variance"):
            values.append(np.abs(quantised(rng, shape)) + np.float32(0.25))
        elif len(shape) < 2:
            values.append(quantised(rng, shape, 1.0))
        else:
            values.append(quantised(rng, shape, min(2.0, 3 / np.prod(shape[:-1]) ** 0.5)))
    return values


def set_weights(layer, weights):
    """Normalization makes its constants of them, which Keras does when it loads a file."""
    layer.set_weights(weights)
    if hasattr(layer, "finalize_state"):
        layer.finalize_state()


# ---- running a layer ----

def to_channels_last(x):
    return np.moveaxis(x, 1, -1)


def to_channels_first(x):
    return np.ascontiguousarray(np.moveaxis(x, -1, 1))


def run_layer(layer, inputs):
    """One forward pass in inference; a list of one input is passed as a tensor."""
    tensors = [tf.constant(x) for x in inputs]
    y = layer(tensors if len(tensors) > 1 else tensors[0], training=False)
    return np.ascontiguousarray(np.asarray(y, dtype=np.float32))


def channels_last_twin(layer):
    """The same layer for channels_last and without its activation."""
    config = dict(layer.get_config(), data_format="channels_last")
    if "activation" in config:
        config["activation"] = "linear"
    return type(layer).from_config(config)


def run_transposed(layer, x, weights):
    """A channels_first layer on a processor whose TensorFlow kernels know only channels_last.

    The twin runs on the transposed input. The activation comes after transposing back: softmax and
    its like act on the last axis of the tensor as it lies, whatever the data_format.
    """
    twin = channels_last_twin(layer)
    twin.build(to_channels_last(x).shape)
    set_weights(twin, weights)
    y = run_layer(twin, [to_channels_last(x)])
    y = to_channels_first(y) if y.ndim == x.ndim else y
    activation = getattr(layer, "activation", None)
    return np.asarray(activation(tf.constant(y)), dtype=np.float32) if activation else y


class Refused(Exception):
    """TensorFlow has no CPU kernel for this."""


def run_native(layer, inputs):
    try:
        return run_layer(layer, inputs)
    except (tf.errors.OpError, NotImplementedError) as error:
        raise Refused(str(error)) from error


def same_numbers(a, b):
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-4, atol=1e-4 * (np.abs(a).max() + 1e-6))


def bias_goes_astray(generation, layer, y):
    """Whether Keras 3 would add this layer's bias along the wrong axis.

    keras/src/backend/tensorflow/numpy.py, add(), hands a vector-like second operand to bias_add, and
    takes the last axis for the channels whenever its length fits. In a channels_first output that is
    as wide as it has channels the bias then runs along the width: a slip of that one backend.
    """
    return generation == 3 and getattr(layer, "use_bias", False) and y.shape[1] == y.shape[-1]


def without_unread_end(layer, x):
    """The input less what lies behind the last window of a 'same' convolution.

    Where the stride exceeds the kernel, the last window can end before the input does. TensorFlow's
    documented rule then pads nothing, and its Conv2D, its gradients and, with oneDNN, its Conv3D keep
    to it. Without oneDNN its Conv3D on a CPU, and XLA's convolutions with groups, pad by the negative
    amount and so start inside the input. No such end, no such difference.
    """
    if getattr(layer, "padding", None) != "same" or not hasattr(layer, "kernel_size") \
            or "Transpose" in type(layer).__name__:
        return x
    first = 2 if layer.data_format == "channels_first" else 1
    for axis, kernel in enumerate(layer.kernel_size):
        size, stride = x.shape[first + axis], layer.strides[axis]
        reach = (-(-size // stride) - 1) * stride + (kernel - 1) * layer.dilation_rate[axis] + 1
        x = x.take(range(min(reach, size)), axis=first + axis)
    return x


def expected_output(generation, layer, inputs, weights):
    """Keras' output; where both routes run for channels_first, they must agree."""
    is_first = getattr(layer, "data_format", None) == "channels_first"
    inputs = [without_unread_end(layer, x) for x in inputs]
    try:
        y = run_native(layer, inputs)
    except Refused:
        if is_first:
            return run_transposed(layer, inputs[0], weights)
        raise
    if is_first and type(layer).__name__ != "Flatten":
        other = run_transposed(layer, inputs[0], weights)
        if bias_goes_astray(generation, layer, y):
            return other
        assert same_numbers(y, other), f"the two routes differ for {layer.get_config()}"
    return y


# ---- files ----

def npy_bytes(array):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array, order="C"), version=(1, 0))
    return buffer.getvalue()


def json_bytes(value):
    """JSON as Keras writes it: numbers of NumPy (tf_keras' ReLU) become plain ones."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False,
                      default=lambda number: number.tolist()).encode("utf-8")


def write_zip(path, entries, method=zipfile.ZIP_DEFLATED):
    """An archive whose bytes depend on the entries alone."""
    with zipfile.ZipFile(path, "w", method, compresslevel=9) as archive:
        for name, content in entries:
            info = zipfile.ZipInfo(name, FIXED_DATE)
            info.compress_type = method
            archive.writestr(info, content)


def write_npz(path, arrays):
    write_zip(path, [(f"{name}.npy", npy_bytes(array)) for name, array in arrays.items()])
