#!/usr/bin/env python3
"""Write old/ and mapped/: files in forms that today's Keras no longer writes, and activations of users' own.

    pip install -r requirements.txt && python make_old.py

Each file of old/ is one that tf_keras saved, rewritten by h5py into the form of an older version, with
a STEM.npz of what tf_keras computes. mapped/ holds models with activations that a file only names or holds as code: my_act is
relu(x, 0.25, 2), my_other tanh(x), and the nameless one elu(x).
"""
import pathlib
import warnings

import h5py

from common import *
from make_models import make_stable
from make_nested import set_random_weights

OLD, MAPPED = pathlib.Path(HERE) / "old", pathlib.Path(HERE) / "mapped"
k, layers = tf_keras, tf_keras.layers


def save(name, model, change, folder=OLD):
    """Save the model and its example, and let change(file, config, training) rewrite the .h5."""
    rng = np.random.default_rng(len(name))
    set_random_weights(rng, model)
    words = any(type(layer).__name__ == "Embedding" for layer in model.layers)
    x = [rng.integers(0, 4, (2, *part.shape[1:])).astype(np.float32) if words else
         quantised(rng, (2, *(int(size) for size in part.shape[1:]))) for part in model.inputs]
    y = np.asarray(model(x if len(x) > 1 else x[0], training=False))
    path = folder / f"{name}.h5"
    model.save(path)
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        training = json.loads(file.attrs["training_config"]) if "training_config" in file.attrs else None
        change(file, config, training)
        file.attrs["model_config"] = json.dumps(config).encode()
        if training is not None:
            file.attrs["training_config"] = json.dumps(training).encode()
    write_npz(folder / f"{name}.npz", {f"x{i}": part for i, part in enumerate(x)} | {"y": y})
    print(name, y.shape, flush=True)


def version(file, text, backend="tensorflow"):
    for group in (file, file["model_weights"]):
        group.attrs["keras_version"], group.attrs["backend"] = text.encode(), backend.encode()


def replace_weight(group, name, values, **options):
    del group[name]
    group.create_dataset(name, data=values, **options)


# ---- Keras 2.0 to 2.2 ----

def sequential_list():
    """The config of a Sequential was the list of its layers; the first had the shape of the input."""
    def change(file, config, training):
        config["config"] = config["config"]["layers"][1:]
        config["config"][0]["config"]["batch_input_shape"] = [None, 6, 5, 3]
        version(file, "2.1.6")
    save("sequential_list", k.Sequential([k.Input((6, 5, 3)), layers.Conv2D(4, 3), layers.BatchNormalization(),
                                          layers.Flatten(), layers.Dense(2)]), change)


def nested_22():
    """Models were of class Model; a Sequential in one said no shape, and its calls counted from 1."""
    def change(file, config, training):
        config["class_name"] = "Model"
        for layer in config["config"]["layers"]:
            if layer["class_name"] == "Functional":
                layer["class_name"] = "Model"
            if layer["class_name"] == "Sequential":
                layer["config"]["layers"] = layer["config"]["layers"][1:]
                layer["config"]["layers"][0]["config"].pop("batch_input_shape", None)
        for inner in (config["config"], *(layer["config"] for layer in config["config"]["layers"])):
            inner.pop("trainable", None)
        version(file, "2.2.4")
        for name in ("base", "head"):  # within the model, weights had the names of its scopes
            group = file["model_weights"][name]
            names = [text.decode() if isinstance(text, bytes) else text for text in group.attrs["weight_names"]]
            values = [group[text][()] for text in names]
            group.clear()
            names = [f"{name}_{i}/" + text.replace(":0", "_1:0") for i, text in enumerate(names)]
            for text, value in zip(names, values):
                group.create_dataset(text, data=value)
            group.attrs["weight_names"] = np.array([text.encode() for text in names])
    x = k.Input((4, 4, 3))
    base = k.Model(x, layers.BatchNormalization()(layers.Conv2D(3, 1)(x)), name="base")
    head = k.Sequential([layers.Conv2D(3, 1), layers.BatchNormalization(), layers.Flatten(), layers.Dense(2)],
                        name="head")
    y = k.Input((4, 4, 3), name="y")
    save("nested_22", k.Model(y, head(base(base(y))), name="outer"), change)


def frozen_unsaid():
    """Whether a nested model trains was not written, but the order of its weights followed it."""
    def change(file, config, training):
        for layer in config["config"]["layers"]:
            for inner in layer["config"].get("layers", [layer]):
                inner["config"].pop("trainable", None)
            layer["config"].pop("trainable", None)
        version(file, "2.2.4")
    x = k.Input((4, 4, 3))
    z = layers.BatchNormalization()(layers.Conv2D(3, 1)(x))
    base = k.Model(x, layers.BatchNormalization()(layers.Conv2D(3, 1)(z)), name="base")
    base.trainable = False
    y = k.Input((4, 4, 3))
    save("frozen_unsaid", k.Model(y, layers.Conv2D(2, 2)(base(y))), change)


def optimizer_lr():
    def change(file, config, training):
        optimizer = training["optimizer_config"]
        optimizer["class_name"] = "Custom>Adam"
        optimizer["config"] = {"name": "Adam", "lr": 0.005, "beta_1": 0.9, "beta_2": 0.999, "decay": 0.0,
                               "epsilon": 1e-7, "amsgrad": False}
        version(file, "2.4.0")
    model = k.Sequential([k.Input((5,)), layers.Dense(3)])
    model.compile(optimizer=k.optimizers.Adam(0.005), loss="mse")
    save("optimizer_lr", model, change)


def custom_loss():
    def change(file, config, training):
        training["loss"], training["metrics"] = "my_loss", ["my_metric"]
    model = k.Sequential([k.Input((5,)), layers.Dense(3)])
    model.compile(optimizer="sgd", loss="mse")
    save("custom_loss", model, change)


def hdf5_kinds():
    """Names of fixed and of variable length, split lists, packed and chunked data, other types of numbers."""
    def change(file, config, training):
        weights = file["model_weights"]
        names = weights.attrs["layer_names"]
        del weights.attrs["layer_names"]
        weights.attrs["layer_names0"] = np.array([str(name).encode() for name in names[:2]])
        weights.attrs.create("layer_names1", [str(name) for name in names[2:]], dtype=h5py.string_dtype("utf-8"))
        conv = weights["conv"]
        conv.attrs["weight_names"] = np.array([b"conv/kernel:0", b"conv/bias:0"])
        replace_weight(conv, "conv/kernel:0", conv["conv/kernel:0"][()], chunks=(2, 3, 1, 2), compression="gzip",
                       shuffle=True)
        replace_weight(conv, "conv/bias:0", conv["conv/bias:0"][()].astype("f2"))
        dense = weights["dense"]
        dense.attrs["weight_names"] = np.array(["dense/kernel:0", "dense/bias:0"], h5py.string_dtype("utf-8"))
        replace_weight(dense, "dense/kernel:0", dense["dense/kernel:0"][()].astype(">f8"))
    save("hdf5_kinds", k.Sequential([k.Input((6, 5, 3)), layers.Conv2D(4, 3, name="conv"), layers.Flatten(),
                                     layers.Dense(2, name="dense")]), change)


def half_policy():
    """A policy of mixed precision; the values are those of float32."""
    def change(file, config, training):
        for layer in config["config"]["layers"][1:]:
            layer["config"]["dtype"] = {"class_name": "Policy", "config": {"name": "mixed_float16"}}
    save("half_policy", k.Sequential([k.Input((5,)), layers.Dense(3), layers.Activation("relu")]), change)


def tf1():
    """TensorFlow 1 gave initializers the layer's type, and wrote numbers of NumPy as objects."""
    def change(file, config, training):
        for layer in config["config"]["layers"][1:]:
            for value in layer["config"].values():
                if isinstance(value, dict) and "registered_name" in value:
                    value["config"] = {**value["config"], "dtype": "float32"}
        by_name = {layer["class_name"]: layer["config"] for layer in config["config"]["layers"]}
        by_name["LeakyReLU"]["alpha"] = {"type": "ndarray", "value": 0.25}
        by_name["BatchNormalization"]["axis"] = {"class_name": "ListWrapper", "items": [3]}
        version(file, "2.2.4-tf")
    save("tf1", k.Sequential([k.Input((6, 5, 3)), layers.Conv2D(4, 3, kernel_initializer="he_normal"),
                              layers.LeakyReLU(0.25), layers.BatchNormalization()]), change)


# ---- Theano and Keras 1 ----

def theano():
    """Theano turned kernels round, which Keras undid when it loaded a file of another backend."""
    def change(file, config, training):
        version(file, "2.2.4", "theano")
        group = file["model_weights"]["conv"]
        replace_weight(group, "conv/kernel:0", group["conv/kernel:0"][()][::-1, ::-1])
    save("theano", k.Sequential([k.Input((6, 5, 3)), layers.Conv2D(4, (3, 2), name="conv")]), change)


OLD_CONV = {"filters": "nb_filter", "strides": "subsample", "padding": "border_mode", "use_bias": "bias",
            "kernel_regularizer": "W_regularizer", "bias_regularizer": "b_regularizer",
            "kernel_constraint": "W_constraint", "bias_constraint": "b_constraint", "activation": "activation",
            "name": "name", "trainable": "trainable", "batch_input_shape": "batch_input_shape",
            "units": "output_dim", "rate": "p", "pool_size": "pool_size", "axis": "axis", "epsilon": "epsilon",
            "momentum": "momentum", "activity_regularizer": "activity_regularizer", "input_dim": "input_dim",
            "output_dim": "output_dim", "mask_zero": "mask_zero", "shared_axes": "shared_axes", "alpha": "alpha"}
OLD_CLASSES = {"Conv2D": "Convolution2D", "Conv1D": "Convolution1D", "Conv2DTranspose": "Deconvolution2D"}
OLD_RULES = {"L2": lambda of: {"name": "WeightRegularizer", "l1": 0.0, "l2": of["l2"]},
             "MaxNorm": lambda of: {"name": "MaxNorm", "m": of["max_value"], "axis": of["axis"]}}


def old_layer(layer, ordering):
    config = layer["config"]
    old = {OLD_CONV[key]: value for key, value in config.items() if key in OLD_CONV}
    for key, rule in old.items():
        if key[1:] in ("_regularizer", "_constraint") and rule is not None:
            old[key] = OLD_RULES[rule["class_name"]](rule["config"])
    layer["class_name"] = OLD_CLASSES.get(layer["class_name"], layer["class_name"])
    if layer["class_name"] in ("Convolution2D", "Deconvolution2D"):
        old["nb_row"], old["nb_col"] = config["kernel_size"]
    if layer["class_name"] == "Deconvolution2D":
        old["output_shape"] = [None, 12, 10, 4]
    if layer["class_name"] == "Convolution1D":
        old["filter_length"], old["subsample_length"] = config["kernel_size"][0], old.pop("subsample")[0]
        old["input_dim"], old["input_length"] = 3, None
    if layer["class_name"] in (*OLD_CLASSES.values(), "Dense"):
        old["init"] = "glorot_uniform"
    if layer["class_name"] == "Embedding":
        old |= {"init": "uniform", "input_length": None, "W_regularizer": None, "W_constraint": None, "dropout": 0.0}
    if layer["class_name"] == "PReLU":
        old["init"] = "zero"
    if layer["class_name"] == "ZeroPadding1D":
        old["padding"] = dict(zip(("left_pad", "right_pad"), old.pop("border_mode")))
    if layer["class_name"] == "ZeroPadding2D":
        old["padding"] = [amount for pair in old.pop("border_mode") for amount in pair]
    if layer["class_name"] in ("Convolution2D", "Deconvolution2D", "ZeroPadding2D", "MaxPooling2D"):
        old["dim_ordering"] = ordering
    if layer["class_name"] == "MaxPooling2D":
        old["strides"] = old.pop("subsample")
    if layer["class_name"] == "BatchNormalization":
        old |= {"mode": 0, "beta_init": "zero", "gamma_init": "one", "gamma_regularizer": None,
                "beta_regularizer": None, "axis": config["axis"][0]}
    if layer["class_name"] in ("Add", "Dot"):
        mode, axes = ("sum", -1) if layer["class_name"] == "Add" else ("dot", [config["axes"]] * 2)
        layer["class_name"] = "Merge"
        old |= {"mode": mode, "mode_type": "raw", "concat_axis": -1, "dot_axes": axes, "output_shape": None,
                "output_shape_type": "raw", "output_mask": None, "output_mask_type": "raw", "arguments": {}}
    if layer["class_name"] == "InputLayer":
        old |= {"input_dtype": "float32", "sparse": False}
    layer["config"] = old


def keras1(name, model, ordering, backend, kernel):
    def change(file, config, training):
        config["class_name"] = "Model" if config["class_name"] == "Functional" else "Sequential"
        config["config"].pop("trainable", None)
        for layer in config["config"]["layers"]:
            old_layer(layer, ordering)
        if config["class_name"] == "Sequential":
            config["config"] = config["config"]["layers"][1:]
            config["config"][0]["config"]["batch_input_shape"] = list(model.input_shape)
        version(file, "1.2.2", backend)
        for group in file["model_weights"].values():
            names = [text.decode() if isinstance(text, bytes) else text for text in group.attrs["weight_names"]]
            values = [group[text][()] for text in names]
            group.clear()
            ends = {"kernel:0": "W:0", "bias:0": "b:0", "embeddings:0": "W:0", "alpha:0": "alphas:0"}
            names = ["_".join([text.split("/")[0], ends.get(text.split("/")[1], text.split("/")[1])]) for text in names]
            for text, value in zip(names, values):
                group.create_dataset(text, data=kernel(value) if "conv" in text and text.endswith("W:0") else value)
            group.attrs["weight_names"] = np.array([text.encode() for text in names])
    save(name, model, change)


def keras1_models():
    x = k.Input((6, 5, 3))
    a = layers.Conv2D(4, (3, 2), padding="same", activation="relu")(x)
    b = layers.BatchNormalization(epsilon=1e-3)(layers.Conv2D(4, 1)(x))
    y = layers.Dense(2)(layers.Dropout(0.5)(layers.Flatten()(layers.MaxPooling2D(2)(layers.Add()([a, b])))))
    keras1("keras1", k.Model(x, y), "tf", "tensorflow", lambda kernel: kernel)
    keras1("keras1_line", k.Sequential([k.Input((7, 3)), layers.Conv1D(4, 3, strides=2, padding="same")]), "tf",
           "tensorflow", lambda kernel: kernel[:, None])
    # Convolutions of channels_first do not run on a CPU: the example comes from the same net in the other order.
    first = k.Sequential([k.Input((3, 6, 5)), layers.Permute((2, 3, 1)), layers.Conv2D(4, (3, 2)),
                          layers.Permute((3, 1, 2))])
    rng = np.random.default_rng(len("keras1_theano"))
    set_random_weights(rng, first)

    def change(file, config, training):
        conv = config["config"]["layers"][2]
        conv["config"]["batch_input_shape"] = [None, 3, 6, 5]
        old_layer(conv, "th")
        config["config"] = [conv]
        version(file, "1.2.2", "theano")
        weights = file["model_weights"]
        weights.attrs["layer_names"] = np.array([conv["config"]["name"].encode()])
        group = weights[conv["config"]["name"]]
        kernel, bias = (group[name][()] for name in group.attrs["weight_names"])
        group.clear()
        group["W"], group["b"] = kernel[::-1, ::-1].transpose(3, 2, 0, 1), bias
        group.attrs["weight_names"] = np.array([b"W", b"b"])
    save("keras1_theano", first, change)


def keras1_others():
    """Other classes, a kernel as before 1.2, and kernels of transposed convolutions."""
    keras1("keras1_text", k.Sequential([
        k.Input((7,)), layers.Embedding(4, 3, name="words"), layers.ZeroPadding1D((1, 0)), layers.Conv1D(4, 3),
        layers.Dense(2, name="each")]), "tf", "tensorflow", lambda kernel: kernel[:, None].transpose(3, 2, 0, 1))
    x = k.Input((6, 5, 3))
    y = layers.PReLU(shared_axes=[1, 2])(layers.Conv2DTranspose(4, 3, strides=2, padding="same")(x))
    y = layers.Flatten()(layers.ZeroPadding2D(((1, 0), (2, 1)))(y))
    a = layers.Dense(2, kernel_regularizer=k.regularizers.l2(0.5), kernel_constraint=k.constraints.max_norm(3))(y)
    keras1("keras1_turned", k.Model(x, layers.Dot(axes=1)([a, layers.Dense(2)(y)])), "tf", "tensorflow",
           lambda kernel: kernel.transpose(0, 1, 3, 2))


# ---- activations of users' own ----

def my_act(x):
    return k.activations.relu(x, 0.25, 2.0)


def my_other(x):
    return tf.tanh(x)


def mapped():
    for generation, of in GENERATIONS.items():
        of.backend.clear_session()
        rng = np.random.default_rng(generation)
        own = of.layers
        model = of.Sequential([of.Input((6,)), own.Dense(5, activation=my_act), own.Activation(my_other),
                               own.Dense(4, activation=lambda x: tf.nn.elu(x))])
        set_random_weights(rng, model)
        x = quantised(rng, (2, 6))
        y = np.asarray(model(x))
        for end in ("keras", "h5"):
            model.save(MAPPED / f"k{generation}_own.{end}")
        make_stable(MAPPED / f"k{generation}_own.keras")
        write_npz(MAPPED / f"k{generation}_own.npz", {"x": x, "y": y})


def main():
    warnings.simplefilter("ignore")
    OLD.mkdir(exist_ok=True)
    MAPPED.mkdir(exist_ok=True)
    for make in (sequential_list, nested_22, frozen_unsaid, optimizer_lr, custom_loss, hdf5_kinds, half_policy, tf1, theano,
                 keras1_models, keras1_others, mapped):
        k.backend.clear_session()
        k.utils.set_random_seed(2)
        make()


if __name__ == "__main__":
    main()
