#!/usr/bin/env python3
"""Write gradients/operation.npz and stochasticdepth.npz: operations on tensors of both generations of Keras.

    pip install -r requirements.txt && python make_operations.py

Each case of operation_cases.py is written as a functional model of one operation; the file holds, as those of
make_gradients.py, NNN.json (what Keras lists among the model's layers, and "keras": 2 or 3), NNN.x0 ... in the
order of the operation's tensors, NNN.y, NNN.dy and NNN.dx0 ... A case whose model has further operations before
that is an error: it would not be the one that is meant.
"""
import importlib
import zlib

from common import *
from operation_cases import APPLICATIONS, LAYERS, OPERATIONS

BATCH = 2


def split_row(row):
    name, function, *rest = row
    arguments = rest.pop() if rest and isinstance(rest[-1], dict) else {}
    count = function.__code__.co_argcount
    return name, function, rest or [(5, 3)] * count, arguments


def histories(value):
    """The names of the layers whose tensors an operation is called on, in order."""
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            return [value["config"]["keras_history"][0]]
        return [name for item in value.values() for name in histories(item)]
    if isinstance(value, (list, tuple)):
        if len(value) >= 3 and isinstance(value[0], str) and isinstance(value[1], int):
            own = [] if value[0] == "_CONSTANT_VALUE" else [value[0]]
            return own + [name for item in value[3:] for name in histories(item)]
        return [name for item in value for name in histories(item)]
    return []


def make_case(generation, row, index):
    name, function, shapes, arguments = split_row(row)
    package = GENERATIONS[generation]
    package.backend.clear_session()
    truth = arguments.get("truth")
    inputs = [package.Input(shape, name=f"in{i}", dtype="bool" if truth and i == 0 else "float32")
              for i, shape in enumerate(shapes)]
    model = package.Model(inputs, function(*inputs))
    layers = [layer for layer in json.loads(model.to_json())["config"]["layers"]
              if layer["class_name"] != "InputLayer"]
    layer = layers[-1]
    order = [int(layer_name[2:]) for layer_name in histories(layer["inbound_nodes"])] if len(layers) == 1 else None
    assert order is not None, f"{name}: {len(layers)} operations"
    rng = np.random.default_rng([zlib.crc32(name.encode()), index, generation])
    values = [(rng.permutation(int(np.prod((BATCH, *shape)))).astype(np.float32) % 64 - 30.5).reshape(BATCH, *shape) / 16
              for shape in shapes]
    if arguments.get("positive"):
        values = [np.abs(value) + np.float32(0.25) for value in values]
    if arguments.get("ties"):
        values = [np.round(value) for value in values]
    if truth:
        values[0] = values[0] > 0
    tensors = [tf.constant(value) for value in values]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        y = model(tensors if len(tensors) > 1 else tensors[0])
    dy = quantised(rng, y.shape, 1.0)
    gradients = tape.gradient(y, tensors, output_gradients=tf.constant(dy))
    assert arguments.get("stops") or all(gradient is not None or tensor.dtype == tf.bool
                                         for gradient, tensor in zip(gradients, tensors)), name
    gradients = [np.zeros(value.shape) if gradient is None else gradient for gradient, value in zip(gradients, values)]
    arrays = {"json": np.frombuffer(json_bytes(dict(layer, keras=generation)), np.uint8)}
    arrays.update({f"x{place}": values[i].astype(np.float32) for place, i in enumerate(order)})
    arrays.update(y=np.asarray(y, np.float32), dy=dy)
    arrays.update({f"dx{place}": np.asarray(gradients[i], np.float32) for place, i in enumerate(order)})
    assert all(np.isfinite(value).all() for key, value in arrays.items() if key != "json"), name
    return arrays


def make_layer_case(generation, name, arguments, shapes, index):
    """A layer of keras.applications, as a functional model has it."""
    package = GENERATIONS[generation]
    layer_class = getattr(importlib.import_module(f"{package.__name__}.src.applications.{APPLICATIONS[name]}"), name)
    layer = layer_class(name=f"{name.lower()}_{index}", **arguments)
    rng = np.random.default_rng([zlib.crc32(name.encode()), index, generation])
    inputs = [quantised(rng, (BATCH, *shape)) for shape in shapes]
    tensors = [tf.constant(value) for value in inputs]
    layer(tensors if len(tensors) > 1 else tensors[0])  # tf_keras builds these again after build()
    weights = random_weights(rng, layer)
    layer.set_weights(weights)
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        y = layer(tensors if len(tensors) > 1 else tensors[0])
    dy = quantised(rng, y.shape, 1.0)
    variables = [getattr(weight, "value", weight) if generation == 3 else weight for weight in layer.trainable_weights]
    gradients = tape.gradient(y, [*tensors, *variables], output_gradients=tf.constant(dy))
    json_form = package.layers.serialize(layer) if generation == 3 else \
        tf_keras.saving.serialize_keras_object(layer)
    names = [""] if len(inputs) == 1 else list(range(len(inputs)))
    arrays = {"json": np.frombuffer(json_bytes(dict(json_form, keras=generation)), np.uint8)}
    arrays.update({f"x{key}": value for key, value in zip(names, inputs)})
    arrays.update({f"w{i}": weight for i, weight in enumerate(weights)})
    arrays.update(y=np.asarray(y, np.float32), dy=dy)
    arrays.update({f"dx{key}": np.asarray(value, np.float32) for key, value in zip(names, gradients)})
    arrays.update({f"dw{i}": np.asarray(value, np.float32) for i, value in enumerate(gradients[len(inputs):])})
    return arrays


def main():
    arrays, depth, index = {}, {}, 0
    for generation in (2, 3):
        for row in OPERATIONS[generation]:
            try:
                parts = make_case(generation, row, index)
            except Exception as error:
                raise SystemExit(f"Keras {generation}, {row[0]}: {error}") from error
            arrays.update({f"{index:03d}.{name}": value for name, value in parts.items()})
            index += 1
        for name, arguments, *shapes in LAYERS:
            parts = make_layer_case(generation, name, arguments, shapes, index)
            if name == "StochasticDepth":  # which drops in training, by numbers of its own
                depth.update({f"{generation - 2:03d}.{key}": parts[key] for key in ("json", "x", "y")})
                continue
            arrays.update({f"{index:03d}.{name}": value for name, value in parts.items()})
            index += 1
    write_npz(os.path.join(HERE, "stochasticdepth.npz"), depth)
    path = os.path.join(HERE, "gradients", "operation.npz")
    write_npz(path, arrays)
    print(f"operation: {index} cases, {os.path.getsize(path)} bytes")


if __name__ == "__main__":
    main()
