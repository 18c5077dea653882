#!/usr/bin/env python3
"""Write models of both generations of Keras that stress the reading of their files, with what Keras predicts.

    pip install -r ../../golden/requirements.txt && python make_models.py

<name>.npz holds the inputs x0, x1... and the outputs y0, y1... in the model's order. g2 is tf_keras, g3 is keras.
  misc    activations that are layers, specs with several arguments, frozen and partial normalisation
  shared  layers that are called several times, at different depths
  dict    inputs and outputs given as dicts
  series  one-dimensional layers in a Sequential without an InputLayer of its own
  nested  a model inside a model, which is refused
"""
import os

os.environ.update(CUDA_VISIBLE_DEVICES="", TF_CPP_MIN_LOG_LEVEL="3", KERAS_BACKEND="tensorflow",
                  TF_ENABLE_ONEDNN_OPTS="0")
import warnings

import h5py
import keras
import numpy as np
import tf_keras

HERE = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(7)


def path(name):
    return os.path.join(HERE, name)


def fill(model):
    for weight in model.weights:
        weight.assign(np.abs(rng.normal(size=weight.shape)).astype("f") * 0.3 + 0.05)


def save(name, model, inputs, kinds):
    fill(model)
    names = sorted(inputs)
    y = model(inputs if len(inputs) > 1 else inputs[names[0]])
    outputs = [y[key] for key in sorted(y)] if isinstance(y, dict) else [y]
    np.savez_compressed(path(name + ".npz"), **{f"x{i}": inputs[key] for i, key in enumerate(names)},
                        **{f"y{i}": np.asarray(value) for i, value in enumerate(outputs)})
    for kind in kinds:
        model.save(path(f"{name}.{kind}"))


def misc(g, k):
    layers = k.layers
    leaky = layers.LeakyReLU(alpha=0.1) if g == 2 else layers.LeakyReLU(0.1)
    i = k.Input((8, 8, 3), name="in")
    x = layers.Conv2D(4, 3, activation=leaky, kernel_constraint=k.constraints.MaxNorm(2, axis=[0, 1, 2]),
                      kernel_regularizer=k.regularizers.L1L2(.1, .2), name="a",
                      kernel_initializer=k.initializers.VarianceScaling(2.0, "fan_out", "uniform", seed=3))(i)
    x = layers.ReLU(max_value=6, negative_slope=0.1, threshold=.2)(x)
    x = layers.BatchNormalization(center=False, epsilon=1e-5)(x)
    x = layers.BatchNormalization(scale=False, epsilon=1e-5, trainable=False)(x)
    x = layers.SeparableConv2D(5, 3, padding="same", depth_multiplier=2, use_bias=False,
                               activation="hard_sigmoid")(x)
    x = layers.Add()([layers.Softmax()(x), layers.Activation("softmax")(x)])
    x = layers.Dense(3)(layers.Flatten()(x))
    return k.Model(i, layers.Dropout(.2)(x, training=False))


def shared(g, k):
    layers = k.layers
    a, c = layers.Conv2D(3, 1, name="A"), layers.Conv2D(3, 1, name="C")
    i = k.Input((8, 8, 3), name="in")
    left = a(c(layers.Conv2D(3, 1, name="first")(i)))
    right = a(layers.Conv2D(3, 1, name="last")(a(i)))
    return k.Model(i, layers.Add(name="sum")([left, right]))


def dictionary(g, k):
    layers = k.layers
    inputs = {name: k.Input((8, 8, 3), name=name) for name in ("zeta", "alpha")}
    return k.Model(inputs, {"q": layers.Conv2D(2, 1, name="cq")(inputs["zeta"]),
                            "b": layers.Conv2D(2, 2, name="cb")(inputs["alpha"])})


def series(g, k):
    layers = k.layers
    first = {"input_shape": (10, 2)} if g == 2 else {}
    model = k.Sequential([
        layers.Conv1D(4, 3, padding="causal", dilation_rate=2, **first), layers.ZeroPadding1D((1, 2)),
        layers.UpSampling1D(3), layers.Cropping1D((2, 1)), layers.SeparableConv1D(3, 2), layers.MaxPooling1D(2),
        layers.GlobalAveragePooling1D(keepdims=True), layers.Reshape((3, 1)), layers.Flatten()])
    model.build((None, 10, 2))
    return model


def nested(g, k):
    inner = k.Sequential([k.Input((8, 8, 3)), k.layers.Conv2D(4, 3)], name="inner_net")
    return k.Sequential([k.Input((8, 8, 3)), inner])


def write_old_layout(source, target, pairs):
    """The weights as Keras 2.12 lays them out: another outer group, and numbers that skip (its saving_lib.py counts a
    layer with weights twice)."""
    with h5py.File(path(source), "r") as old, h5py.File(path(target), "w") as new:
        for before, after in pairs:
            old.copy(f"layers/{before}", new, f"_layer_checkpoint_dependencies/{after}")


def main():
    warnings.simplefilter("ignore")
    image = rng.normal(size=(2, 8, 8, 3)).astype("f")
    steps = rng.normal(size=(2, 10, 2)).astype("f")
    for g, k in ((2, tf_keras), (3, keras)):
        save(f"g{g}_misc", misc(g, k), {"in": image}, ["keras", "h5"])
        save(f"g{g}_dict", dictionary(g, k), {"zeta": image, "alpha": image[::-1].copy()}, ["keras"])
        save(f"g{g}_series", series(g, k), {"in": steps}, ["keras", "h5"])
        model = shared(g, k)
        save(f"g{g}_shared", model, {"in": image}, ["keras", "h5"])
        if g == 2:
            model.save_weights(path("g2_shared.weights.h5"))
            with open(path("g2_shared.json"), "w") as file:
                file.write(model.to_json())
            write_old_layout("g2_shared.weights.h5", "g2_shared.old.weights.h5",
                             [("conv2d", "conv2d"), ("conv2d_1", "conv2d_2"), ("conv2d_2", "conv2d_4"),
                              ("conv2d_3", "conv2d_6")])
        nested(g, k).save(path(f"g{g}_nested.keras"))


if __name__ == "__main__":
    main()
