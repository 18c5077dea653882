#!/usr/bin/env python3
"""Write what every layer of a Keras model gives, for `clayer run MODEL --verify REF.npz`.

    python keras_reference.py MODEL.keras -o REF.npz [-i X.npy ... | --samples N --size N --seed N]

Runs in the user's own Keras, of either generation (2.x, tf_keras, 3.x on any backend); needs NumPy and
that Keras, not clayer. Without -i the inputs are random numbers in [0, 1), with --size for dimensions
that the model leaves open. REF.npz holds

    inputs/NAME, outputs/NAME    the model's
    layers/PATH                  the output of a layer, PATH being its name, within nested models
                                 "encoder/conv2d_1"; of its second call "PATH:1", and so on; within
                                 a model in a TimeDistributed what it gives for all steps of all
                                 samples as one batch

Keras runs eagerly and in inference here, layer by layer as the graph of the file says.
"""
import argparse

import numpy as np


def import_keras(name):
    """The Keras that reads the file: the one asked for, else the installed one."""
    import importlib
    return importlib.import_module(name)


# ---- both generations' graphs ----

def flatten(value):
    """The tensors of a nest of lists, tuples and dicts, dicts in the order of their keys."""
    if isinstance(value, dict):
        return [tensor for key in sorted(value) for tensor in flatten(value[key])]
    if isinstance(value, (list, tuple)):
        return [tensor for part in value for tensor in flatten(part)]
    return [value]


def nodes_of(model):
    """The calls of a functional model, in an order in which they can run."""
    by_depth = model._nodes_by_depth
    return [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]]


def layer_of(node):
    return node.operation if hasattr(node, "operation") else node.layer


def is_input(node):
    return getattr(node, "is_input", False)


def key_of(tensor):
    return id(tensor)


class Popped:
    """Keras 2 pops a tensor from a list for each use."""

    def __init__(self, value):
        self.value = value

    def pop(self):
        return self.value


class Keras2Tensors:
    """The tensors by what Keras 2 calls them."""

    def __init__(self, known):
        self.known = known

    def __getitem__(self, key):
        return Popped(self.known[int(key)])


def arguments_of(node, known):
    """What the layer is called with: args, kwargs."""
    if hasattr(node, "map_arguments"):  # Keras 2
        return node.map_arguments(Keras2Tensors(known))
    args, kwargs = node.arguments.fill_in(known)
    if "training" in kwargs:  # a model of Keras 3 passes its own over it
        kwargs = dict(kwargs, training=False)
    return args, kwargs


def outputs_of(node):
    if hasattr(node, "output_tensors"):
        return flatten(node.output_tensors)
    return flatten(node.outputs)


def is_model(layer):
    return hasattr(layer, "layers") and hasattr(layer, "summary")


def distributed_model(layer):
    """The model in a TimeDistributed, or None."""
    inner = getattr(layer, "layer", None)
    return inner if type(layer).__name__ == "TimeDistributed" and is_model(inner) else None


def is_functional(model):
    return getattr(model, "_nodes_by_depth", None) is not None and hasattr(model, "inputs")


class Recorder:
    """Runs a model and keeps what each layer gave, under its path and the number of its call."""

    def __init__(self, keras):
        self.keras = keras
        self.values = {}
        self.calls = {}

    def record(self, path, value):
        call = self.calls.get(path, 0)
        self.calls[path] = call + 1
        tensors = flatten(value)
        if len(tensors) == 1:
            name = f"layers/{path}:{call}" if call else f"layers/{path}"
            self.values[name] = to_numpy(tensors[0])

    def call(self, layer, path, args, kwargs):
        if is_model(layer):
            return self.run(layer, flatten(args), path + "/")
        inner = distributed_model(layer)
        if inner is not None:
            self.run_steps(inner, flatten(args)[0], path + "/")
        value = layer(*args, **kwargs)
        self.record(path, value)
        return value

    def run_steps(self, model, steps, prefix):
        """Runs a model on all steps as one batch, which in inference is what a TimeDistributed does, for its layers."""
        array = to_numpy(steps)
        self.run(model, [to_tensor(self.keras, array.reshape(-1, *array.shape[2:]), steps)], prefix)

    def run(self, model, inputs, prefix=""):
        """The outputs of a model for a list of tensors, flat."""
        if type(model).__name__ == "Sequential":
            value = inputs[0] if len(inputs) == 1 else inputs
            for layer in model.layers:
                if type(layer).__name__ != "InputLayer":
                    value = self.call(layer, prefix + layer.name, (value,), {})
                    value = value[0] if isinstance(value, list) and len(value) == 1 else value
            return flatten(value)
        if not is_functional(model):
            raise SystemExit(f"{model.name}: a {type(model).__name__} has no graph to follow")
        known = {key_of(symbol): value for symbol, value in zip(flatten(model.inputs), inputs)}
        for node in in_order_of_calls(model):
            if is_input(node):
                continue
            layer = layer_of(node)
            args, kwargs = arguments_of(node, known)
            value = self.call(layer, prefix + layer.name, args, kwargs)
            known.update(zip((key_of(symbol) for symbol in outputs_of(node)), flatten(value)))
        return [known[key_of(symbol)] for symbol in flatten(model.outputs)]


def in_order_of_calls(model):
    """nodes_of, where a layer's calls come in the order in which they were made, if the graph allows it."""
    nodes = nodes_of(model)
    numbers = {}
    for node in nodes:
        inbound = getattr(layer_of(node), "_inbound_nodes", [])
        numbers[id(node)] = next((i for i, other in enumerate(inbound) if other is node), 0)
    ready = {key_of(symbol) for symbol in flatten(model.inputs)}
    left, ordered = list(nodes), []
    while left:
        runnable = [node for node in left if is_input(node) or all(
            key_of(symbol) in ready for symbol in inputs_of(node))]
        earlier = [node for node in runnable if not any(
            other is not node and layer_of(other) is layer_of(node) and numbers[id(other)] < numbers[id(node)]
            for other in left)]
        node = (earlier or runnable)[0]
        left = [other for other in left if other is not node]
        ready.update(key_of(symbol) for symbol in outputs_of(node))
        ordered.append(node)
    return ordered


def inputs_of(node):
    if hasattr(node, "keras_inputs"):
        return node.keras_inputs
    return node.input_tensors if isinstance(node.input_tensors, list) else flatten(node.input_tensors)


# ---- arrays ----

def to_numpy(tensor):
    if hasattr(tensor, "detach"):
        tensor = tensor.detach().cpu()
    return np.asarray(tensor, dtype=np.float32)


def to_tensor(keras, array, symbol):
    dtype = getattr(symbol, "dtype", "float32")
    dtype = getattr(dtype, "name", dtype)
    if hasattr(keras, "ops"):
        return keras.ops.convert_to_tensor(array.astype(dtype))
    import tensorflow as tf
    return tf.convert_to_tensor(array.astype(dtype))


def layer_name(symbol):
    """The name of the layer that a tensor of the graph comes from."""
    history = getattr(symbol, "_keras_history", None)
    layer = getattr(history, "operation", None) or getattr(history, "layer", None)
    return layer.name if layer is not None else symbol.name.split(":")[0]


def random_input(random, symbol, options):
    shape = [options.size if size is None else int(size) for size in symbol.shape]
    shape[0] = options.samples
    return random.random(shape, np.float32)


def read_inputs(symbols, options):
    if not options.input:
        random = np.random.default_rng(options.seed)
        return [random_input(random, symbol, options) for symbol in symbols]
    names = [layer_name(symbol) for symbol in symbols]
    arrays = dict.fromkeys(names)
    for item in options.input:
        name, sign, path = item.partition("=")
        if not sign or name not in arrays:
            name, path = next((n for n in names if arrays[n] is None), None), item
        if name is None:
            raise SystemExit(f"'{item}' is one file too many")
        arrays[name] = np.load(path)
    missing = [name for name in names if arrays[name] is None]
    if missing:
        raise SystemExit(f"no file for input {missing[0]}")
    return [arrays[name] for name in names]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("-i", "--input", action="append", help="[NAME=]X.npy, in the model's order or by name")
    parser.add_argument("--keras", default="keras", help="the module: keras, tf_keras")
    parser.add_argument("--samples", type=int, default=2)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    keras = import_keras(options.keras)
    model = keras.models.load_model(options.model, compile=False)
    symbols = flatten(model.inputs)
    arrays = read_inputs(symbols, options)
    recorder = Recorder(keras)
    outputs = recorder.run(model, [to_tensor(keras, a, s) for a, s in zip(arrays, symbols)])
    values = {f"inputs/{layer_name(symbol)}": np.asarray(array) for symbol, array in zip(symbols, arrays)}
    for symbol, tensor in zip(flatten(model.outputs), outputs):
        values.setdefault(f"outputs/{layer_name(symbol)}", to_numpy(tensor))
    np.savez_compressed(options.output, **values, **recorder.values)
    print(f"{options.output}: {len(recorder.values)} outputs of layers by Keras {keras.__version__}")


if __name__ == "__main__":
    main()
