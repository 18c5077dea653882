#!/usr/bin/env python3
"""Write masks/: small models through which Keras' masks go, with what they predict and learn.

    pip install -r requirements.txt && python make_masks.py

For a model STEM (k2_... by tf_keras, k3_... by Keras 3):
    STEM.h5     the whole model, not compiled; STEM.keras for k3f_..., of which Keras 3 itself opens no .h5
    STEM.npz    x, t and y, for several inputs x.<input name>: predict(x), and w0, w1, ... after one step of plain SGD
                at a rate of 0.5 by mean_squared_error towards t
    k2_heads, k3f_heads  two outputs, of which a mask reaches the first: x, t0, t1, w0, w1, ... and log.NAME likewise
    STEM.CASE.npz  for k2_ and k3_reaching_loss and each of WEIGHING: t, perhaps sample weights s, w0, w1, ... after
                such a step by that loss, and log.NAME and test.NAME: what fit and then evaluate tell
Models of one chain are Sequential in Keras 3, whose functional files spell masks out as operations: those are k3f_...
"""
import pathlib
import sys

from common import *
from make_models import make_stable

FOLDER = pathlib.Path(HERE) / "masks"
STEPS, WIDTH = 6, 4


def chain(K, layers, functional=False):
    """The layers one behind the other; the first is an Input's keyword arguments."""
    if K is keras and not functional:
        return K.Sequential([K.Input(**layers[0]), *layers[1:]])
    x = inputs = K.Input(**layers[0])
    for layer in layers[1:]:
        x = layer(x)
    return K.Model(inputs, x)


def numbers():
    return {"shape": (STEPS,), "name": "numbers"}


def steps():
    return {"shape": (STEPS, WIDTH), "name": "steps"}


def embedding_mean(K):
    L = K.layers
    return [numbers(), L.Embedding(7, WIDTH, mask_zero=True), L.Dropout(0.0), L.LayerNormalization(),
            L.Dense(3, activation="tanh"), L.PReLU(shared_axes=[1]), L.GlobalAveragePooling1D(), L.Dense(2)]


def masking_mean(K):
    L = K.layers
    return [steps(), L.Masking(0.5), L.Dense(3), L.Activation("tanh"), L.LeakyReLU(), L.ELU(),
            L.GlobalAveragePooling1D(keepdims=True), L.Flatten(), L.Dense(2)]


def stopped(K):
    L = K.layers
    return [numbers(), L.Embedding(7, WIDTH, mask_zero=True), L.Conv1D(3, 3, padding="same", activation="relu"),
            L.GlobalAveragePooling1D(), L.Dense(2)]


def reaching_loss(K):
    return [numbers(), K.layers.Embedding(7, WIDTH, mask_zero=True), K.layers.Dense(2)]


def reaching_statistics(K):
    L = K.layers
    return [numbers(), L.Embedding(7, WIDTH, mask_zero=True), L.BatchNormalization(), L.GlobalAveragePooling1D(),
            L.Dense(2)]


def nested(K):
    L = K.layers
    inner = chain(K, [numbers(), L.Embedding(7, WIDTH, mask_zero=True)])
    outer = chain(K, [{"shape": (STEPS, WIDTH)}, L.Dense(3), L.GlobalAveragePooling1D()])
    return [numbers(), inner, L.Activation("tanh"), outer, L.Dense(2)]


CHAINS = {"embedding_mean": embedding_mean, "masking_mean": masking_mean, "stopped": stopped,
          "reaching_loss": reaching_loss, "reaching_statistics": reaching_statistics, "nested": nested}

# Losses and metrics that a mask weighs: loss, targets (a column of numbers a class, or labels), the shape of sample
# weights if there are any, and whether Keras 3 alone has it.
STEPS_OF = (3, STEPS)
WEIGHING = {
    "plain": (lambda K: "mean_absolute_error", "numbers", None, False),
    "weighted": (lambda K: "mean_squared_error", "numbers", STEPS_OF, False),
    "labels": (lambda K: K.losses.SparseCategoricalCrossentropy(from_logits=True), "labels", STEPS_OF, False),
    "ignored": (lambda K: K.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=1), "labels", None,
                False),
    "ignored_weighted": (lambda K: K.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=1), "labels",
                         STEPS_OF, False),
    "sum": (lambda K: K.losses.MeanSquaredError(reduction="sum"), "numbers", STEPS_OF, False),
    "by_weights": (lambda K: K.losses.SparseCategoricalCrossentropy(
        from_logits=True, ignore_class=1, reduction="mean_with_sample_weight"), "labels", STEPS_OF, True),
    "samples": (lambda K: "mean_squared_error", "numbers", (3,), None),
}


def two(K):
    a, b = K.Input((STEPS, WIDTH), name="a"), K.Input((STEPS, WIDTH), name="b")
    return [a, b], K.layers.Masking(0.5)(a), K.layers.Masking(0.0)(b), b


def end(K, inputs, x):
    return K.Model(inputs, K.layers.Dense(2)(K.layers.GlobalAveragePooling1D()(x)))


def added(K):
    inputs, a, b, _ = two(K)
    return end(K, inputs, K.layers.Add()([a, b]))


def added_part(K):
    inputs, a, _, plain = two(K)
    return end(K, inputs, K.layers.Maximum()([a, plain]))


def side_by_side(K):
    inputs, a, b, plain = two(K)
    return end(K, inputs, K.layers.Concatenate()([a, b, plain] if K is tf_keras else [a, b]))


def behind(K):
    inputs, a, b, _ = two(K)
    return end(K, inputs, K.layers.Concatenate(axis=1)([a, b]))


def softmax(K):
    x = K.Input((STEPS,), name="scores")
    mask = K.Input((STEPS,), name="mask", dtype="bool")
    return K.Model([x, mask], K.layers.Dense(2)(K.layers.Flatten()(K.layers.Softmax()(x, mask=mask))))


GRAPHS = {"added": added, "added_part": added_part, "side_by_side": side_by_side, "behind": behind,
          "softmax": softmax}


def example(rng, name):
    """Some numbers are 0, and some steps the masked value throughout; never all of a sample."""
    if name in ("numbers", "mask"):
        x = rng.integers(0, 7 if name == "numbers" else 2, (3, STEPS))
        x[:, 1] = 1
        return x.astype(np.float32)
    if name == "scores":
        return quantised(rng, (3, STEPS))
    x = quantised(rng, (3, STEPS, WIDTH))
    value = np.float32(0.0 if name == "b" else 0.5)
    x[0, :2] = x[1, 3] = x[2, 4:] = value
    if name == "b":
        x[1, :3] = value
    return x


def write(stem, generation, model, name):
    rng = np.random.default_rng([sum(name.encode()), generation])
    inputs = [example(rng, tensor.name.split(":")[0]) for tensor in model.inputs]
    model.set_weights([quantised(rng, weight.shape, 1.0) if not "variance" in variable.name
                       else np.abs(quantised(rng, weight.shape, 1.0)) + np.float32(0.5)
                       for variable, weight in zip(model.weights, model.get_weights(), strict=True)])
    path = FOLDER / (f"{stem}.keras" if stem.startswith("k3f") else f"{stem}.h5")
    model.save(path)
    if path.suffix == ".keras":
        make_stable(path)
    given = [x.astype(bool) if "mask" in tensor.name else x for x, tensor in zip(inputs, model.inputs)]
    given = given if len(given) > 1 else given[0]
    y = np.asarray(model(given, training=False), np.float32)
    assert np.isfinite(y).all(), stem
    t = quantised(rng, y.shape)
    names = [f"x.{tensor.name.split(':')[0]}" for tensor in model.inputs] if len(inputs) > 1 else ["x"]
    arrays = {**dict(zip(names, inputs)), "t": t, "y": y}
    K = GENERATIONS[generation]
    weights = model.get_weights()
    model.compile(K.optimizers.SGD(0.5), "mean_squared_error", run_eagerly=True)
    model.fit(given, t, batch_size=len(t), epochs=1, shuffle=False, verbose=0)
    arrays.update({f"w{i}": weight for i, weight in enumerate(model.get_weights())})
    write_npz(FOLDER / f"{stem}.npz", arrays)
    print(stem, flush=True)
    if name == "reaching_loss" and not stem.startswith("k3f"):
        for case, what in WEIGHING.items():
            model.set_weights(weights)
            write_weighing(f"{stem}.{case}", generation, model, given, *what)


def write_weighing(stem, generation, model, x, loss, targets, weighing, keras3):
    """`keras3`: True for what only Keras 3 has, None for what only Keras 2 takes."""
    if keras3 is not False and keras3 != (generation == 3 or None):
        return
    K = GENERATIONS[generation]
    rng = np.random.default_rng([sum(stem.encode()), generation])
    labels = targets == "labels"
    t = rng.integers(0, 2, STEPS_OF).astype(np.float32) if labels else quantised(rng, (*STEPS_OF, 2))
    names = ["sparse_categorical_accuracy", "sparse_categorical_crossentropy"] if labels else \
        ["mean_absolute_error", "accuracy"]
    own = [] if labels else [K.metrics.RootMeanSquaredError()]
    weighted = ["sparse_categorical_accuracy"] if labels else ["mean_squared_error",
                                                               K.metrics.RootMeanSquaredError(name="rmse")]
    model.compile(K.optimizers.SGD(0.5), loss(K), metrics=names + own, weighted_metrics=weighted, run_eagerly=True)
    arrays = {"t": t}
    if weighing is not None:
        arrays["s"] = np.abs(quantised(rng, weighing)) + np.float32(0.25)
    logs = model.fit(x, t, sample_weight=arrays.get("s"), batch_size=len(t), epochs=1, shuffle=False, verbose=0)
    arrays.update({f"log.{name}": np.float32(values[0]) for name, values in logs.history.items()})
    arrays.update({f"w{i}": weight for i, weight in enumerate(model.get_weights())})
    tested = model.evaluate(x, t, sample_weight=arrays.get("s"), batch_size=len(t), verbose=0, return_dict=True)
    arrays.update({f"test.{name}": np.float32(value) for name, value in tested.items()})
    write_npz(FOLDER / f"{stem}.npz", arrays)
    print(stem, flush=True)


def write_heads(stem, generation, K):
    rng = np.random.default_rng([sum(stem.encode()), generation])
    numbers_in = K.Input(**numbers())
    steps_of = K.layers.Embedding(7, WIDTH, mask_zero=True)(numbers_in)
    model = K.Model(numbers_in, [K.layers.Dense(2, name="each")(steps_of), K.layers.Dense(
        1, name="whole")(K.layers.GlobalAveragePooling1D()(steps_of))])
    model.set_weights([quantised(rng, weight.shape, 1.0) for weight in model.get_weights()])
    path = FOLDER / f"{stem}.{'keras' if generation == 3 else 'h5'}"
    model.save(path)
    if path.suffix == ".keras":
        make_stable(path)
    x, t = example(rng, "numbers"), [quantised(rng, (*STEPS_OF, 2)), quantised(rng, (3, 1))]
    model.compile(K.optimizers.SGD(0.5), ["mean_squared_error", "mean_absolute_error"], loss_weights=[0.5, 2.0],
                  metrics=[["mean_absolute_error"], ["mean_squared_error"]], run_eagerly=True)
    logs = model.fit(x, t, batch_size=len(x), epochs=1, shuffle=False, verbose=0)
    arrays = {"x": x, "t0": t[0], "t1": t[1]}
    arrays.update({f"log.{name}": np.float32(values[0]) for name, values in logs.history.items()})
    arrays.update({f"w{i}": weight for i, weight in enumerate(model.get_weights())})
    write_npz(FOLDER / f"{stem}.npz", arrays)
    print(stem, flush=True)


def main():
    FOLDER.mkdir(exist_ok=True)
    for generation, K in GENERATIONS.items():
        write_heads("k2_heads" if generation == 2 else "k3f_heads", generation, K)
        for name, layers in CHAINS.items():
            write(f"k{generation}_{name}", generation, chain(K, layers(K)), name)
            if generation == 3:
                write(f"k3f_{name}", generation, chain(K, layers(K), True), name)
        for name, build in GRAPHS.items():
            spelled_out = generation == 3 and name != "softmax"
            write(f"k{generation}{'f' if spelled_out else ''}_{name}", generation, build(K), name)


if __name__ == "__main__":
    main()
