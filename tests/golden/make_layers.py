#!/usr/bin/env python3
"""Write <class in lower case>.npz for every layer: what real Keras answers, for the C tests.

    pip install -r requirements.txt && python make_layers.py [Conv2D ...]

A file holds, for case NNN: NNN.json (UTF-8 bytes: keras 2 or 3, class_name, config), NNN.x (or x0, x1,
... for a layer of several inputs), NNN.w0, w1, ... in the order of layer.get_weights(), and NNN.y.
The cases are in layer_cases.py and other_cases.py. Equal versions of the packages on an equal kind of
processor write equal bytes.
"""
import sys
import zlib

from common import *
from layer_cases import LAYERS, RESIZE
from merge_cases import MERGES
from noise_cases import draw
from norm_cases import LAYERS_OF
from other_cases import ACTIVATION_2, ACTIVATION_3, OTHERS

ACTIVATIONS = {2: ACTIVATION_2, 3: ACTIVATION_3}


def accepts(layer_class, argument):
    """Whether the constructor of the layer names the argument."""
    return argument in layer_class.__init__.__code__.co_varnames


def case_arguments(generation, class_name, row, row_number, index):
    """The row's arguments and those that rotate: data_format, use_bias, activation."""
    layer_class = getattr(GENERATIONS[generation].layers, class_name)
    arguments = {"name": f"{class_name.lower()}_{index}"}
    turn = row_number + generation
    if accepts(layer_class, "data_format") and class_name != "Flatten":
        arguments["data_format"] = "channels_first" if turn % 2 else "channels_last"
    if accepts(layer_class, "use_bias"):
        arguments["use_bias"] = turn % 3 != 0
    if accepts(layer_class, "use_bias") and turn % 4 < 2:
        # Half of the cases keep the plain sums: they show an error of position most sharply.
        names = ACTIVATIONS[generation]
        place = turn // 4 * 2 + turn % 4 + zlib.crc32(class_name.encode())
        arguments["activation"] = names[place % len(names)]
    arguments.update(row["arguments"])
    return arguments


def input_shapes(row, arguments):
    """The row's shapes are channels_last; Flatten's and the several inputs' are as they lie."""
    if isinstance(row["shape"], list):
        return row["shape"]
    shape = tuple(row["shape"])
    if arguments.get("data_format") == "channels_first" and "name" in arguments \
            and not arguments["name"].startswith("flatten"):
        shape = (shape[0], shape[-1], *shape[1:-1])
    return [shape]


def depthwise_as_grouped(generation, config, x, kernel):
    """A depthwise convolution with unequal strides, which TensorFlow's CPU kernel lacks.

    It is Keras' Conv2D with a group a channel: output channel c * depth_multiplier + m is filter m of
    group c, so the kernel (rows, cols, C, m) is only reshaped. Input and output are channels_last.
    """
    rows, cols, channels, multiplier = kernel.shape
    layer = GENERATIONS[generation].layers.Conv2D(
        channels * multiplier, (rows, cols), strides=config["strides"], padding=config["padding"],
        groups=channels, use_bias=False)
    layer.build(x.shape)
    layer.set_weights([kernel.reshape(rows, cols, 1, channels * multiplier)])
    return run_layer(layer, [without_unread_end(layer, x)])


def unequal_strides_output(generation, layer, x, weights):
    """DepthwiseConv2D or SeparableConv2D through depthwise_as_grouped."""
    config, weights = layer.get_config(), list(weights)
    is_first = config["data_format"] == "channels_first"
    y = depthwise_as_grouped(generation, config, to_channels_last(x) if is_first else x,
                             weights.pop(0))
    if type(layer).__name__ == "SeparableConv2D":
        y = np.asarray(tf.nn.conv2d(y, weights.pop(0), strides=1, padding="VALID"))
    if config["use_bias"]:
        y = y + weights.pop(0)
    y = to_channels_first(y) if is_first else y
    return np.asarray(layer.activation(tf.constant(y)), dtype=np.float32)


def make_case(generation, class_name, row, row_number, index):
    seed = [zlib.crc32(class_name.encode()), index, generation]
    rng = np.random.default_rng(seed)
    arguments = case_arguments(generation, class_name, row, row_number, index)
    layer = getattr(GENERATIONS[generation].layers, class_name)(**arguments)
    shapes = input_shapes(row, arguments)
    inputs = [draw(rng, class_name, row, shape) for shape in shapes]
    inputs = [quantised(rng, shape) if x is None else x for x, shape in zip(inputs, shapes)]
    layer.build(shapes if len(shapes) > 1 else shapes[0])
    weights = random_weights(rng, layer)
    if "variance" in row:
        weights[-1] *= np.float32(row["variance"])
    set_weights(layer, weights)
    strides = arguments.get("strides", 1)
    if class_name in ("DepthwiseConv2D", "SeparableConv2D") and np.unique(strides).size > 1:
        y = unequal_strides_output(generation, layer, inputs[0], weights)
    else:
        y = expected_output(generation, layer, inputs, weights)
    assert np.isfinite(y).all() and y.size, f"{class_name} {index}"
    description = {"keras": generation, "class_name": class_name, "config": layer.get_config()}
    return description, inputs, weights, y


def make_file(class_name, table, stem):
    arrays, index = {}, 0
    for row_number, row in enumerate(table):
        for generation in (2, 3):
            if row["only"] in (None, generation):
                try:
                    description, inputs, weights, y = make_case(
                        generation, class_name, row, row_number, index)
                except Exception as error:
                    raise SystemExit(f"{class_name}, Keras {generation}, {row}: {error}") from error
                key = f"{index:03d}"
                arrays[f"{key}.json"] = np.frombuffer(json_bytes(description), np.uint8)
                names = ["x"] if len(inputs) == 1 else [f"x{i}" for i in range(len(inputs))]
                arrays.update({f"{key}.{name}": x for name, x in zip(names, inputs)})
                arrays.update({f"{key}.w{i}": w for i, w in enumerate(weights)})
                arrays[f"{key}.y"] = y
                index += 1
    path = os.path.join(HERE, f"{stem}.npz")
    write_npz(path, arrays)
    print(f"{stem}: {index} cases, {os.path.getsize(path)} bytes", flush=True)


def main():
    wanted = sys.argv[1:]
    for class_name, table in {**LAYERS, **OTHERS, **MERGES}.items():
        if not wanted or class_name in wanted:
            make_file(class_name, table, class_name.lower())
    for stem, (class_name, table) in LAYERS_OF.items():
        if not wanted or stem in wanted:
            make_file(class_name, table, stem)
    if not wanted or "UpSampling2D" in wanted:
        make_file("UpSampling2D", RESIZE, "upsampling2d_resize")


if __name__ == "__main__":
    main()
