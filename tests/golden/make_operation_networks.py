#!/usr/bin/env python3
"""Write operation_networks.npz: the cases of operation_network_cases.py, each a network of Dense layers and operations.

    pip install -r requirements.txt && python make_operation_networks.py

NNN.json is the model's to_json() as text and "keras": 2 or 3; NNN.w0 ... its weights, NNN.x0 ... its inputs, NNN.t
targets, NNN.y the prediction, and NNN.after that after one step of SGD on the mean squared error.
"""
import zlib

from common import *
from operation_network_cases import NETWORKS

BATCH = 3
RATE = 0.25


def build(generation, function, shapes, arguments):
    K = GENERATIONS[generation]
    K.backend.clear_session()
    activation = "softplus" if arguments.get("positive") else None
    opened = [(None,) * (len(shape) - 1) + shape[-1:] if arguments.get("open") else shape for shape in shapes]
    inputs = [K.Input(shape, name=f"in{i}") for i, shape in enumerate(opened)]
    tensors = [K.layers.Dense(shape[-1], activation=activation, use_bias=False, name=f"dense{i}")(x)
               for i, (x, shape) in enumerate(zip(inputs, shapes))]
    return K.Model(inputs, function(*tensors))


def make_case(generation, row, index):
    name, function, *shapes = row
    arguments = shapes.pop() if isinstance(shapes[-1], dict) else {}
    model = build(generation, function, shapes, arguments)
    rng = np.random.default_rng([zlib.crc32(name.encode()), index, generation])
    model.set_weights(random_weights(rng, model))
    xs = [quantised(rng, (BATCH, *shape)) for shape in shapes]
    x = xs if len(xs) > 1 else xs[0]
    arrays = {"json": np.frombuffer(json_bytes(dict(json.loads(model.to_json()), keras=generation)), np.uint8)}
    arrays.update({f"w{i}": value for i, value in enumerate(model.get_weights())})
    arrays.update({f"x{i}": value for i, value in enumerate(xs)})
    arrays["y"] = np.asarray(model.predict(x, batch_size=BATCH, verbose=0))
    arrays["t"] = quantised(rng, arrays["y"].shape)
    model.compile(optimizer=GENERATIONS[generation].optimizers.SGD(RATE), loss="mean_squared_error")
    model.fit(x, arrays["t"], batch_size=BATCH, epochs=1, shuffle=False, verbose=0)
    arrays["after"] = np.asarray(model.predict(x, batch_size=BATCH, verbose=0))
    assert np.isfinite(arrays["after"]).all() and not np.array_equal(arrays["after"], arrays["y"]), name
    return arrays


def main():
    arrays, index = {}, 0
    for generation, rows in NETWORKS.items():
        for row in rows:
            try:
                parts = make_case(generation, row, index)
            except Exception as error:
                raise SystemExit(f"Keras {generation}, {row[0]}: {error}") from error
            arrays.update({f"{index:03d}.{name}": value for name, value in parts.items()})
            index += 1
    path = os.path.join(HERE, "operation_networks.npz")
    write_npz(path, arrays)
    print(f"{index} cases, {os.path.getsize(path)} bytes")


if __name__ == "__main__":
    main()
