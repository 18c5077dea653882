#!/usr/bin/env python3
"""Write operation_models/: networks with arithmetic on tensors, saved by both generations of Keras.

    pip install -r requirements.txt && python make_operation_models.py

<name>_g2.keras, _g2.h5, _g3.keras, _g3.h5, each with <name>_g<2|3>.npz: x, t (targets), y (prediction), and after: the
prediction after one step of fit by the compiled SGD on (x, t). Keras 3 writes its operations into .h5 without
their modules, and cannot load that; the library can.
"""
import pathlib

from common import *

FOLDER = pathlib.Path(HERE) / "operation_models"
CONSTANT = np.array([0.5, -1.25, 2.0, 0.25], np.float32)


def gated(K, ops):
    """A squeeze-and-excite block with hard_swish written out, as MobileNetV3 has it."""
    x = inputs = K.Input((6, 5, 3), name="image")
    x = K.layers.Conv2D(4, 3, padding="same", name="conv")(x)
    x = x * ops["relu6"](x + 3.0) * (1 / 6)
    gate = ops["mean"](x, [1, 2])
    gate = K.layers.Conv2D(4, 1, name="squeeze")(gate)
    gate = ops["sigmoid"](gate) * CONSTANT
    x = x * gate + x
    x = (x - 0.25) / 2.0
    x = K.layers.GlobalAveragePooling2D(name="pool")(x)
    return K.Model(inputs, K.layers.Dense(2, name="dense")(1.0 - x))


def pieces(K, ops):
    """Slices, concatenation, squares of one tensor, axes."""
    inputs = K.Input((8, 6), name="steps")
    x = K.layers.Conv1D(5, 3, name="conv")(inputs)
    a, b = x[:, :-2, 1:4], x[:, 2:, 2:]
    x = ops["concat"]([a * a, ops["maximum"](a, b), -b], 2)
    x = ops["transpose"](x, [0, 2, 1])
    x = ops["sqrt"](x ** 2 + 0.5)
    x = K.layers.Flatten(name="flatten")(x)
    return K.Model(inputs, K.layers.Dense(3, name="dense")(x))


def nested(K, ops):
    """Operations inside a model that is called twice."""
    inner_in = K.Input((6,), name="inner_in")
    inner = K.Model(inner_in, K.layers.Dense(6, name="inner_dense")(inner_in) * 0.5 + inner_in, name="inner")
    a, b = K.Input((6,), name="a"), K.Input((6,), name="b")
    return K.Model([a, b], K.layers.Dense(2, name="dense")(ops["maximum"](inner(a), inner(b)) - a))


def operations(generation):
    if generation == 2:
        return {"relu6": tf.nn.relu6, "sigmoid": tf.sigmoid, "maximum": tf.maximum, "sqrt": tf.sqrt,
                "mean": lambda x, axes: tf.reduce_mean(x, axis=axes, keepdims=True), "concat": tf.concat,
                "transpose": tf.transpose}
    ops = keras.ops
    return {"relu6": ops.relu6, "sigmoid": ops.sigmoid, "maximum": ops.maximum, "sqrt": ops.sqrt,
            "mean": lambda x, axes: ops.mean(x, axis=axes, keepdims=True), "concat": ops.concatenate,
            "transpose": ops.transpose}


def main():
    FOLDER.mkdir(exist_ok=True)
    for generation, K in GENERATIONS.items():
        for index, build in enumerate((gated, pieces, nested)):
            K.backend.clear_session()
            rng = np.random.default_rng([index, generation])
            model = build(K, operations(generation))
            model.set_weights(random_weights(rng, model))
            xs = [quantised(rng, (4, *tensor.shape[1:])) for tensor in model.inputs]
            t = quantised(rng, (4, *model.output.shape[1:]))
            model.compile(optimizer=K.optimizers.SGD(0.05), loss="mean_squared_error")
            stem = str(FOLDER / f"{build.__name__}_g{generation}")
            model.save(f"{stem}.keras")
            model.save(f"{stem}.h5")
            x = xs if len(xs) > 1 else xs[0]
            arrays = {f"x{i}": value for i, value in enumerate(xs)}
            arrays.update(t=t, y=np.asarray(model.predict(x, verbose=0)))
            model.fit(x, t, batch_size=4, epochs=1, shuffle=False, verbose=0)
            arrays["after"] = np.asarray(model.predict(x, verbose=0))
            write_npz(f"{stem}.npz", arrays)
            print(build.__name__, generation, flush=True)


if __name__ == "__main__":
    main()
