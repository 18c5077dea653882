#!/usr/bin/env python3
"""Write compiled/: small compiled models that both generations of Keras trained a few steps and saved.

    pip install -r requirements.txt && python make_compiled.py

For a model STEM (k2_... by tf_keras, k3_... by Keras 3):
    STEM.keras, STEM.h5   the whole model with its optimizer's state, as save() writes it
    STEM.npz              x and y.<output name>, one batch; w.0, w.1, ... the weights after two more steps on
                          it by the model that was saved, in the order of model.weights
The models of problems() are compiled with what the library does not have; of those there is the .keras.
Dates inside the archives are fixed, so equal versions write equal files.
"""
import pathlib
import sys

from common import *
from make_models import make_stable

FOLDER = pathlib.Path(HERE) / "compiled"
BATCH, STEPS, MORE_STEPS = 4, 3, 2


# ---- models ----

def picture_net(k, units=3, activation="softmax"):
    layers = k.layers
    return k.Sequential([
        k.Input((5, 6, 2)),
        layers.Conv2D(3, 3, padding="same", activation="relu", kernel_regularizer=k.regularizers.L2(0.01)),
        layers.BatchNormalization(momentum=0.75),
        layers.DepthwiseConv2D(2, depthwise_constraint="max_norm"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(units, activation=activation),
    ])


def two_outputs(k):
    layers = k.layers
    inputs = k.Input((6, 3), name="series")
    x = layers.Conv1D(4, 3, activation="tanh", name="body")(inputs)
    x = layers.BatchNormalization(name="still")(x, training=False)
    kind = layers.Dense(3, activation="softmax", name="kind")(layers.Flatten(name="flat")(x))
    size = layers.Dense(1, name="size")(layers.GlobalMaxPooling1D(name="peak")(x))
    return k.Model(inputs, [kind, size], name="two_outputs")


def frozen_net(k):
    model = picture_net(k)
    model.layers[0].trainable = False
    return model


# ---- how they are compiled: a row is (name, model, targets by output, arguments of compile) ----

def cases(k):
    optimizers, losses, metrics = k.optimizers, k.losses, k.metrics
    schedules = optimizers.schedules
    return [
        ("strings", lambda: picture_net(k, 2, "linear"), ["real"],
         {"optimizer": "sgd", "loss": "mse", "metrics": ["mae", "mean_squared_error"]}),
        ("momentum", lambda: picture_net(k), ["labels"],
         {"optimizer": optimizers.SGD(0.05, momentum=0.75, nesterov=True, clipnorm=2.0),
          "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}),
        ("objects", lambda: picture_net(k), ["one_hot"],
         {"optimizer": optimizers.Adam(0.02, beta_1=0.75, amsgrad=True, weight_decay=0.01),
          "loss": losses.CategoricalCrossentropy(label_smoothing=0.125),
          "metrics": ["acc", metrics.TopKCategoricalAccuracy(k=2), metrics.AUC(num_thresholds=20, name="area"),
                      metrics.Precision(thresholds=0.25, name="precision")],
          "weighted_metrics": ["mse"]}),
        ("schedule", lambda: picture_net(k), ["labels"],
         {"optimizer": optimizers.RMSprop(schedules.ExponentialDecay(0.125, 2, 0.5, staircase=True), rho=0.5,
                                          momentum=0.25, centered=True),
          "loss": losses.SparseCategoricalCrossentropy()}),
        ("pieces", lambda: picture_net(k), ["labels"],
         {"optimizer": optimizers.Adagrad(schedules.PiecewiseConstantDecay([1, 4], [0.25, 0.125, 0.0625])),
          "loss": "sparse_categorical_crossentropy"}),
        ("average", lambda: picture_net(k), ["one_hot"],
         {"optimizer": optimizers.Adamax(0.02, use_ema=True, ema_momentum=0.75),
          "loss": "kl_divergence", "metrics": [metrics.CategoricalAccuracy(name="hits")]}),
        ("frozen", lambda: frozen_net(k), ["labels"],
         {"optimizer": optimizers.AdamW(schedules.CosineDecay(0.05, 20, warmup_target=0.125, warmup_steps=5),
                                        weight_decay=0.0625),
          "loss": "sparse_categorical_crossentropy", "metrics": ["sparse_categorical_accuracy"]}),
        ("lists", lambda: two_outputs(k), ["labels", "real_column"],
         {"optimizer": optimizers.Nadam(0.02), "loss": ["sparse_categorical_crossentropy", losses.Huber()],
          "loss_weights": [1.0, 0.25], "metrics": [["accuracy"], ["mae", "mse"]]}),
        ("dicts", lambda: two_outputs(k), ["one_hot", "real_column"],
         {"optimizer": optimizers.Adadelta(1.0, rho=0.75),
          "loss": {"kind": "categorical_crossentropy", "size": losses.MeanSquaredError()},
          "loss_weights": {"kind": 2.0, "size": 0.5},
          "metrics": {"kind": ["accuracy", metrics.Recall(name="found")], "size": "mae"},
          "weighted_metrics": {"size": ["mse"]}}),
        ("one_loss", lambda: two_outputs(k), ["one_hot", "real_column"],
         {"optimizer": optimizers.Ftrl(0.125, l1_regularization_strength=0.01), "loss": "mean_squared_error"}),
        ("partial", lambda: two_outputs(k), [None, "real_column"],
         {"optimizer": optimizers.Lion(0.01), "loss": [None, "mean_squared_error"], "metrics": [None, ["mae"]]}),
        ("fresh", lambda: picture_net(k), [],
         {"optimizer": optimizers.SGD(0.5), "loss": "sparse_categorical_crossentropy"}),
    ]


def smallest_loss(y_true, y_pred):
    return tf.reduce_min(tf.square(y_true - y_pred))


def problems(k):
    """What Keras saves and the library cannot train with."""
    plain = {"optimizer": "sgd", "loss": "mse"}
    return [("other_optimizer", {**plain, "optimizer": k.optimizers.Adafactor(0.01)}),
            ("other_loss", {**plain, "loss": smallest_loss}),
            ("other_metric", {**plain, "metrics": [k.metrics.MeanRelativeError([1.0, 2.0])] if k is tf_keras
                              else [k.metrics.R2Score()]})]


# ---- training and saving ----

def make_target(rng, kind):
    if kind is None:
        return np.zeros((BATCH, 3), np.float32)
    labels = rng.integers(0, 3, BATCH)
    return {"labels": labels.astype(np.float32)[:, None], "one_hot": np.eye(3, dtype=np.float32)[labels],
            "real": quantised(rng, (BATCH, 2)), "real_column": quantised(rng, (BATCH, 1))}[kind]


def set_random_weights(rng, model):
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(random_weights(rng, layer))


def save(model, stem):
    model.save(FOLDER / f"{stem}.keras")
    make_stable(FOLDER / f"{stem}.keras")
    model.save(FOLDER / f"{stem}.h5")


def make_case(generation, index, name, builder, targets, arguments):
    k, stem = GENERATIONS[generation], f"k{generation}_{name}"
    rng = np.random.default_rng([7, index])
    model = builder()
    set_random_weights(rng, model)
    x = quantised(rng, (BATCH, *model.inputs[0].shape[1:]))
    y = [make_target(rng, kind) for kind in targets]
    model.compile(**arguments)
    train = (lambda: model.train_on_batch(x, y if len(y) > 1 else y[0])) if targets else (lambda: None)
    for _ in range(STEPS):
        train()
    save(model, stem)
    for _ in range(MORE_STEPS):
        train()
    arrays = {"x": x, **{f"y.{i}": part for i, part in enumerate(y)}}
    weights = {f"w.{i}": np.asarray(weight) for i, weight in enumerate(model.get_weights())}
    write_npz(FOLDER / f"{stem}.npz", {**arrays, **weights})
    print(stem, flush=True)


def make_problem(generation, name, arguments):
    k = GENERATIONS[generation]
    model = picture_net(k, 2, "linear")
    model.compile(**arguments)
    model.train_on_batch(np.zeros((BATCH, 5, 6, 2), np.float32), np.ones((BATCH, 2), np.float32))
    model.save(FOLDER / f"k{generation}_{name}.keras")
    make_stable(FOLDER / f"k{generation}_{name}.keras")
    print(f"k{generation}_{name}", flush=True)


def main():
    sys.stdout.reconfigure(encoding="utf-8")
    FOLDER.mkdir(exist_ok=True)
    for generation in (2, 3):
        k = GENERATIONS[generation]
        for index in range(len(cases(k))):
            k.backend.clear_session()
            k.utils.set_random_seed(generation)
            make_case(generation, index, *cases(k)[index])
        for name, arguments in problems(k):
            k.backend.clear_session()
            k.utils.set_random_seed(generation)
            make_problem(generation, name, arguments)


if __name__ == "__main__":
    main()
