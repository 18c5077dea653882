#!/usr/bin/env python3
"""Write gradients/<class in lower case>.npz: real Keras' gradients of every layer, for the C tests.

    pip install -r requirements.txt && python make_gradients.py [Conv2D ...]

A file holds, for case NNN:
    NNN.json         UTF-8 bytes: keras 2 or 3, class_name, config; "training": true where the layer ran in
                     training mode; "kinks": true where the input lies on kinks or ties on purpose
    NNN.x            the input (x0, x1, ... for a layer of several inputs)
    NNN.w0, w1, ...  in the order of layer.get_weights()
    NNN.dy           the gradient that arrives at the output, multiples of 1/16
    NNN.y            the output
    NNN.dx           the gradient of sum(y * dy) with respect to x (dx0, dx1, ...)
    NNN.dw0, ...     and to the trainable weights, numbered as w0, w1, ...
    NNN.after_w2 ... in training mode, each weight that the call itself changed
Regularizers play no part: they are terms of the loss.

The rows are in gradient_cases.py: those of the forward pass with the other data_format, other activations
and other numbers, and a few more. Everywhere but in the "kinks" cases the input of an activation keeps
CLEARANCE from its kinks, and the values that a maximum is taken of differ. What TensorFlow does at a kink or
a tie is thus data, too. (The one kink left elsewhere: a transposed convolution without bias is zero where no
tap reaches; nothing depends on the derivative there.)

Every gradient is held against differences of Keras' own forward pass, in float64 where that exists.
"""
import inspect
import pathlib
import sys
import warnings
import zlib

from common import *
from gradient_cases import KINK_VALUES, KINKS, TABLES
from layer_cases import RESIZE
from noise_cases import draw as draw_own
from norm_cases import GRADIENTS_OF
from make_layers import ACTIVATIONS, input_shapes, unequal_strides_output

FOLDER = pathlib.Path(HERE) / "gradients"
CLEARANCE = 1e-3
MOST_DRAWS = 500


# ---- the case ----

def arguments_of(generation, class_name, row, row_number, index):
    """The row's arguments and those that rotate; each layer begins elsewhere among the activations."""
    layer_class = getattr(GENERATIONS[generation].layers, class_name)
    known = inspect.signature(layer_class.__init__).parameters
    arguments = {"name": f"{class_name.lower()}_{index}"}
    turn = row_number + generation
    if "data_format" in known and class_name != "Flatten":
        arguments["data_format"] = "channels_last" if turn % 2 else "channels_first"
    if "use_bias" in known:
        arguments["use_bias"] = turn % 3 != 1
    if "use_bias" in known and turn % 4 < 2:
        names = ACTIVATIONS[generation]
        start = list(TABLES).index(class_name) * 11
        arguments["activation"] = names[(start + turn // 4 * 2 + turn % 4) % len(names)]
    arguments.update(row["arguments"])
    return arguments


def draw_input(rng, class_name, row, shape, draw, place=0):
    """Multiples of 1/16, and finer ones where those meet a kink; x of a maximum has no value twice."""
    own = draw_own(rng, class_name, row, shape)
    if own is not None:
        return own
    size = int(np.prod(shape))
    if class_name in ("Maximum", "Minimum"):  # no value is in two inputs; or zeros and ones
        if row.get("kinks"):
            return rng.integers(0, 2, shape).astype(np.float32)
        return (rng.integers(-32, 32, shape) / 4 + place / 16).astype(np.float32)
    if class_name.startswith(("Max", "GlobalMax")):
        if row.get("kinks"):
            return rng.integers(0, 2, shape).astype(np.float32)
        return ((rng.permutation(size) - size // 2) / 16).astype(np.float32).reshape(shape)
    if row.get("kinks"):
        return np.resize(np.float32(KINK_VALUES), shape)
    if class_name in ("Activation", "ReLU", "LeakyReLU", "ELU", "ThresholdedReLU", "PReLU"):
        limit = 7.0 if row["arguments"].get("activation") == "relu6" else 4.0
        return quantised(rng, shape, limit) + np.float32(1 / 32)
    return quantised(rng, shape) if draw == 0 else \
        (rng.integers(-128, 129, shape) / 64).astype(np.float32)


def draw_weights(rng, layer):
    """As in the forward pass; a bias is an odd multiple of 1/32, which is no kink."""
    weights = random_weights(rng, layer)
    if getattr(layer, "use_bias", False):
        weights[-1] = weights[-1] + np.float32(1 / 32)
    return weights


def preactivation(generation, layer, inputs, weights):
    linear = type(layer).from_config(dict(layer.get_config(), activation="linear"))
    linear.build(inputs[0].shape)
    linear.set_weights(weights)
    return forward(generation, linear, inputs, weights, False)


def distance_to_kinks(generation, name, z):
    """For each value of z, how far it is from where the activation's derivative jumps."""
    if name == "sparsemax":
        y = np.asarray(keras.activations.sparsemax(tf.constant(z)))
        threshold = np.where(y > 0, z - y, -np.inf).max(axis=-1, keepdims=True)
        return np.abs(z - threshold)
    kinks = KINKS[generation].get(name, [])
    return np.min([np.abs(z - kink) for kink in kinks], axis=0) if kinks else np.full(z.shape, np.inf)


def is_clear(generation, layer, inputs, weights, other_inputs):
    """Whether the activation's input keeps its distance from the kinks; see the top of the file."""
    activation = getattr(layer, "activation", None)
    if activation is None:
        return True
    name = activation.__name__
    has_weights = bool(weights)
    z = preactivation(generation, layer, inputs, weights) if has_weights else inputs[0]
    near = distance_to_kinks(generation, name, z) < CLEARANCE
    if near.any() and has_weights and not layer.use_bias:
        never_reached = (z == 0) & (preactivation(generation, layer, other_inputs, weights) == 0)
        near &= ~never_reached
    return not near.any()


# ---- routes: the layer as TensorFlow can differentiate it on a CPU ----
# A route takes the layer, tensors, and values for its weights; it returns the output and the trainable
# weights as tensors, in their order.

def tensor_of(variable):
    return variable.value if isinstance(variable, keras.Variable) else variable


def trainable_tensors(layer):
    return [tensor_of(variable) for variable in layer.trainable_weights]


def native(layer, inputs, weights, training):
    set_weights(layer, weights)
    y = layer(inputs if len(inputs) > 1 else inputs[0], training=training)
    return y, trainable_tensors(layer)


def first_to_last(x):
    return tf.transpose(x, [0, *range(2, len(x.shape)), 1])


def last_to_first(x):
    return tf.transpose(x, [0, len(x.shape) - 1, *range(1, len(x.shape) - 1)])


def transposed(layer, inputs, weights, training):
    """run_transposed of common.py, for tensors."""
    x = first_to_last(inputs[0])
    twin = channels_last_twin(layer)
    twin.build(tuple(x.shape))
    y, tensors = native(twin, [x], weights, training)
    y = last_to_first(y) if len(y.shape) == len(x.shape) else y
    activation = getattr(layer, "activation", None)
    return activation(y) if activation else y, tensors


def depthwise(layer, x, kernel):
    """One convolution a channel, for the unequal strides that TensorFlow's CPU kernel lacks."""
    strides, padding = [1, *layer.strides, 1], layer.padding.upper()
    return tf.concat([tf.nn.conv2d(x[..., c:c + 1], kernel[:, :, c:c + 1, :], strides, padding)
                      for c in range(x.shape[-1])], axis=-1)


def transposed_convolution(layer, x, kernel):
    """Conv3DTranspose as far as its taps reach, and zeros behind them.

    Where the stride exceeds the kernel, TensorFlow's Conv3D without oneDNN, which is this one's gradient,
    would otherwise begin inside the output: see without_unread_end in common.py.
    """
    sizes = channels_last_twin(layer).compute_output_shape(tuple(x.shape))[1:-1]
    reach = [min(size, (n - 1) * stride + taps) for size, n, stride, taps
             in zip(sizes, x.shape[1:-1], layer.strides, layer.kernel_size)]
    y = tf.nn.conv3d_transpose(x, kernel, [x.shape[0], *reach, layer.filters], [1, *layer.strides, 1],
                               layer.padding.upper())
    return tf.pad(y, [[0, 0], *[[0, size - end] for size, end in zip(sizes, reach)], [0, 0]])


def in_parts(layer, inputs, weights, training):
    tensors = [tf.Variable(weight) for weight in weights]
    is_first = layer.data_format == "channels_first"
    x = first_to_last(inputs[0]) if is_first else inputs[0]
    core = depthwise if hasattr(layer, "depth_multiplier") else transposed_convolution
    y = core(layer, x, tensors[0])
    if type(layer).__name__ == "SeparableConv2D":
        y = tf.nn.conv2d(y, tensors[1], 1, "VALID")
    y = y + tensors[-1] if layer.use_bias else y
    return layer.activation(last_to_first(y) if is_first else y), tensors


def needs_parts(layer):
    name = type(layer).__name__
    if name in ("DepthwiseConv2D", "SeparableConv2D"):
        return len(set(layer.strides)) > 1
    return name == "Conv3DTranspose" and layer.padding == "same" \
        and any(np.array(layer.strides) > layer.kernel_size)


def read_part(layer, tensors):
    """without_unread_end of common.py, for tensors."""
    shapes = [without_unread_end(layer, np.empty(x.shape, np.int8)).shape for x in tensors]
    return [tf.slice(x, [0] * len(shape), shape) for x, shape in zip(tensors, shapes)]


def forward(generation, layer, inputs, weights, training):
    """The output, by the same ways as in make_layers.py."""
    set_weights(layer, weights)
    if training:
        return np.asarray(native(layer, [tf.constant(x) for x in inputs], weights, True)[0])
    strides = getattr(layer, "strides", 1)
    if type(layer).__name__ in ("DepthwiseConv2D", "SeparableConv2D") and np.unique(strides).size > 1:
        return unequal_strides_output(generation, layer, inputs[0], weights)
    return expected_output(generation, layer, inputs, weights)


def differentiate(route, layer, inputs, weights, dy, training):
    """y and the gradients of the inputs and of the trainable weights."""
    tensors = [tf.constant(x) for x in inputs]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        y, variables = route(layer, read_part(layer, tensors), weights, training)
    gradients = tape.gradient(y, [*tensors, *variables], output_gradients=tf.constant(dy, y.dtype),
                              unconnected_gradients=tf.UnconnectedGradients.ZERO)  # the numbers of an Embedding
    return [y, *gradients]


def differentiate_by_xla(layer, inputs, dy):
    """MaxPooling3D: without oneDNN TensorFlow gives dy to every tie, with it and in XLA to the first."""
    return tf.function(lambda: differentiate(native, layer, inputs, [], dy, False), jit_compile=True)()


def gradients_of(generation, layer, inputs, weights, dy, training):
    """y, dx and dw by the native route, or by another where TensorFlow refuses or errs."""
    is_first = getattr(layer, "data_format", None) == "channels_first"
    if type(layer).__name__ == "MaxPooling3D":
        return differentiate_by_xla(layer, inputs, dy)
    if needs_parts(layer):
        return differentiate(in_parts, layer, inputs, weights, dy, training)
    try:
        results = differentiate(native, layer, inputs, weights, dy, training)
    except (tf.errors.OpError, NotImplementedError):
        if not is_first:
            raise
        return differentiate(transposed, layer, inputs, weights, dy, training)
    if is_first and type(layer).__name__ != "Flatten":
        others = differentiate(transposed, layer, inputs, weights, dy, training)
        if bias_goes_astray(generation, layer, np.asarray(others[0])):
            return others
        for a, b in zip(results, others):  # some are sums that cancel, as the bias before a softmax
            a, b = np.asarray(a), np.asarray(b)
            assert np.allclose(a, b, rtol=1e-4, atol=1e-4 * (np.abs(a).max() + 0.1)), "the routes differ"
    return results


# ---- the check by differences ----

def output_in_double(generation, layer, inputs, dy, training):
    """A function of the inputs and weights, by the first route that TensorFlow takes."""
    dtype = "float32" if type(layer).__name__ in ("MaxPooling3D", "AveragePooling3D") else "float64"
    twin = type(layer).from_config(dict(layer.get_config(), dtype=dtype))
    shapes = [x.shape for x in inputs]
    twin.build(shapes if len(shapes) > 1 else shapes[0])
    routes = [native, transposed]
    if hasattr(layer, "depth_multiplier") and needs_parts(layer):
        routes = [in_parts]
    elif getattr(layer, "data_format", "") == "channels_first" and bias_goes_astray(generation, layer, dy):
        routes = [transposed]

    def output(inputs, weights):
        tensors = read_part(twin, [tf.constant(x, dtype) for x in inputs])
        for route in routes:
            try:
                return np.asarray(route(twin, tensors, weights, training)[0], np.float64)
            except (tf.errors.OpError, NotImplementedError):
                if route is routes[-1]:
                    raise
    return output


def step_size(layer):
    """Whole where the layer is linear, small enough between the values that a maximum chooses from."""
    name = type(layer).__name__
    if "Max" in name:
        return 2.0 ** -10
    return 0.25 if name.startswith(("Crop", "Zero", "Up", "Average", "Resizing", "CenterCrop")) else 1e-5


def check_by_differences(rng, output, layer, inputs, weights, dy, gradients):
    """Along a random direction each, sum(y * dy) must change as the gradient says.

    gradients maps the place among inputs and weights to the gradient there.
    """
    values = [np.asarray(value, np.float64) for value in [*inputs, *weights]]
    step = step_size(layer)
    for place, gradient in gradients.items():
        direction = rng.choice([-1.0, 1.0], values[place].shape)
        sums = []
        for sign in (1, -1):
            moved = list(values)
            moved[place] = values[place] + sign * step * direction
            sums.append((output(moved[:len(inputs)], moved[len(inputs):]) * dy).sum())
        found, said = (sums[0] - sums[1]) / (2 * step), (gradient * direction).sum()
        assert abs(found - said) <= 3e-4 * (np.abs(gradient).sum() + 0.1), \
            f"gradient {place}: {said}, by differences {found}"


# ---- files ----

def draw_case(rng, generation, class_name, row, layer, shapes):
    weights = None
    for draw in range(MOST_DRAWS):
        inputs = [draw_input(rng, class_name, row, shape, draw, place)
                  for place, shape in enumerate(shapes)]
        if weights is None:
            layer.build(shapes if len(shapes) > 1 else shapes[0])
            weights = draw_weights(rng, layer)
        other_inputs = [draw_input(rng, class_name, row, shape, draw) for shape in shapes]
        if row.get("kinks") or is_clear(generation, layer, inputs, weights, other_inputs):
            return inputs, weights
    raise ValueError("no input keeps away from the kinks")


def make_case(generation, class_name, row, row_number, index):
    rng = np.random.default_rng([zlib.crc32(class_name.encode()), index, generation, 1])
    arguments = arguments_of(generation, class_name, row, row_number, index)
    layer = getattr(GENERATIONS[generation].layers, class_name)(**arguments)
    training = row.get("training", False)
    inputs, weights = draw_case(rng, generation, class_name, row, layer, input_shapes(row, arguments))
    y = forward(generation, layer, inputs, weights, training)
    after = layer.get_weights()
    dy = quantised(rng, y.shape, 1.0)
    results = gradients_of(generation, layer, inputs, weights, dy, training)
    results = [np.ascontiguousarray(np.asarray(tf.convert_to_tensor(value), np.float32)) for value in results]
    assert same_numbers(results[0], y) and all(np.isfinite(value).all() for value in results)
    order = [id(weight) for weight in layer.weights]
    places = [order.index(id(weight)) for weight in layer.trainable_weights]
    if not row.get("kinks"):
        moved = [*range(len(inputs)), *[len(inputs) + place for place in places]]
        gradients = dict(zip(moved, results[1:], strict=True))
        if class_name == "Embedding":
            assert not gradients.pop(0).any()  # the numbers jump
        check_by_differences(rng, output_in_double(generation, layer, inputs, dy, training), layer,
                             inputs, weights, dy, gradients)

    description = {"keras": generation, "class_name": class_name, "config": layer.get_config()}
    description.update({flag: True for flag in ("training", "kinks") if row.get(flag)})
    names = [""] if len(inputs) == 1 else list(range(len(inputs)))
    arrays = {"json": np.frombuffer(json_bytes(description), np.uint8)}
    arrays.update({f"x{name}": x for name, x in zip(names, inputs)})
    arrays.update({f"w{i}": weight for i, weight in enumerate(weights)})
    arrays.update(dy=dy, y=y)
    arrays.update({f"dx{name}": dx for name, dx in zip(names, results[1:])})
    arrays.update({f"dw{i}": dw for i, dw in zip(places, results[1 + len(inputs):], strict=True)})
    arrays.update({f"after_w{i}": weight for i, weight in enumerate(after)
                   if not np.array_equal(weight, weights[i])})
    return arrays


def make_file(class_name, table, stem):
    arrays, index = {}, 0
    for row_number, row in enumerate(table):
        for generation in (2, 3):
            if row["only"] in (None, generation):
                try:
                    parts = make_case(generation, class_name, row, row_number, index)
                except Exception as error:
                    raise SystemExit(f"{class_name}, Keras {generation}, {row}: {error}") from error
                arrays.update({f"{index:03d}.{name}": value for name, value in parts.items()})
                index += 1
    path = FOLDER / f"{stem}.npz"
    write_npz(path, arrays)
    print(f"{stem}: {index} cases, {path.stat().st_size} bytes", flush=True)


def main():
    wanted = sys.argv[1:]
    warnings.simplefilter("ignore")
    FOLDER.mkdir(exist_ok=True)
    for class_name, table in TABLES.items():
        if not wanted or class_name in wanted:
            make_file(class_name, table, class_name.lower())
    for stem, (class_name, table) in GRADIENTS_OF.items():
        if not wanted or stem in wanted:
            make_file(class_name, table, stem)
    if not wanted or "UpSampling2D" in wanted:
        make_file("UpSampling2D", RESIZE, "upsampling2d_resize")


if __name__ == "__main__":
    main()
