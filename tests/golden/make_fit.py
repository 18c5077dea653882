"""Records what Keras' predict, fit and evaluate make of small compiled nets, for tests/train.

    python tests/golden/make_fit.py          # rewrites tests/golden/fit: CASES, below
    python tests/golden/make_fit.py networks # rewrites tests/golden/networks: network_cases.py

For each case and generation (g2: tf_keras, g3: keras) there are
    <case>.keras or .h5   the net before training, compiled. Keras loads it and compiles it anew: reading compiled models that have
                          not been trained, Keras 2 averages from other weights than these (use_ema) and takes
                          "accuracy" of sparse labels from an .h5 for categorical, and Keras 3 cannot train an .h5
    <case>.npz            x0.., y0.., w0.. (sample weights), vx.., vy.. (validation), what fit left: weight0.. in the
                          order of model.weights, start0.. before; p0.. predicted before; history (epochs, names) and evaluate (names)
and in cases.txt its lines "key value": how it was compiled and fitted, names of the logs. The data are generated from
fixed seeds; nothing is shuffled.

callbacks.txt has what EarlyStopping, ReduceLROnPlateau and ModelCheckpoint of both generations decide for given
values, csv_*.csv what CSVLogger writes, and numbers.txt what Python's repr, NumPy's float32 and str.format write."""
import os

os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import sys  # noqa: E402

import numpy as np  # noqa: E402
import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
import tf_keras  # noqa: E402

from network_cases import NETWORKS  # noqa: E402

GOLDEN = os.path.dirname(os.path.abspath(__file__))


def data(seed, samples, inputs, targets):
    """Arrays. An input is a shape or ("tokens", words, shape); a target is ("labels", classes), which may have a shape,
    ("one_hot", classes), ("bits", shape) or ("values", shape)."""
    rng = np.random.default_rng(seed)
    x = [rng.integers(0, shape[1], size=(samples, *shape[2])).astype("int32") if shape[0] == "tokens" else
         rng.normal(size=(samples, *shape)).astype("float32") for shape in inputs]
    y = []
    for kind, what, *shape in targets:
        if kind == "labels":
            y.append(rng.integers(0, what, size=(samples, *(shape[0] if shape else ()))).astype("int32"))
        elif kind == "one_hot":
            y.append(np.eye(what, dtype="float32")[rng.integers(0, what, size=(samples,))])
        elif kind == "bits":
            y.append(rng.integers(0, 2, size=(samples, *what)).astype("float32"))
        else:
            y.append(rng.normal(size=(samples, *what)).astype("float32"))
    return x, y


def conv_net(K, classes=4, **dense):
    L = K.layers
    return K.Sequential([
        K.Input((6, 6, 2), name="image"), L.Conv2D(4, 3, use_bias=False, name="conv"),
        L.BatchNormalization(momentum=0.8, name="norm"), L.Activation("relu", name="relu"),
        L.MaxPooling2D(2, name="pool"), L.Flatten(name="flat"), L.Dense(classes, name="dense", **dense)], name="net")


def penalised(K):
    L, R, C = K.layers, K.regularizers, K.constraints
    return K.Sequential([
        K.Input((5, 3), name="steps"),
        L.Conv1D(4, 3, activation="tanh", kernel_regularizer=R.L2(0.01), bias_regularizer=R.L1(0.02),
                 activity_regularizer=R.L2(0.03), kernel_constraint=C.MaxNorm(1.2), name="conv"),
        L.GlobalAveragePooling1D(name="mean"),
        L.Dense(2, kernel_regularizer=R.L1L2(0.01, 0.02), kernel_constraint=C.NonNeg(), name="dense")], name="net")


def two_outputs(K):
    L = K.layers
    x = K.Input((4,), name="x")
    h = L.Dense(5, activation="relu", name="hidden")(x)
    return K.Model(x, [L.Dense(3, activation="softmax", name="a")(h), L.Dense(1, name="b")(h)], name="net")


def binary(K):
    L = K.layers
    return K.Sequential([K.Input((4,), name="x"), L.Dense(6, activation="tanh", name="hidden"),
                         L.Dense(1, activation="sigmoid", name="dense")], name="net")


def line(K):
    return K.Sequential([K.Input((4,), name="x"), K.layers.Dense(3, name="dense")], name="net")


def saturated(K):
    L = K.layers
    big = K.initializers.RandomNormal(stddev=60.0, seed=5)
    return K.Sequential([K.Input((4,), name="x"), L.Dense(3, activation="softmax", kernel_initializer=big,
                                                          name="dense")], name="net")


def two_inputs(K):
    L = K.layers
    a, b = K.Input((4,), name="left"), K.Input((4, 4, 1), name="right")
    c = L.Flatten(name="flat")(L.Conv2D(2, 3, activation="relu", name="conv")(b))
    return K.Model([a, b], L.Dense(3, name="dense")(L.Concatenate(name="join")([a, c])), name="net")


# name: build, inputs, targets, samples, compile, fit. compile: optimizer as (class, arguments), schedule as (class,
# arguments), loss, loss_weights, metrics and weighted_metrics as lists by output.
CASES = {
    "conv": dict(build=lambda K: conv_net(K, activation="softmax"), inputs=[(6, 6, 2)], targets=[("labels", 4)],
                 samples=22, optimizer=("Adam", dict(learning_rate=0.01)), loss=["sparse_categorical_crossentropy"],
                 metrics=[["accuracy"]], fit=dict(batch_size=8, epochs=3), validation=10),
    "penalised": dict(build=penalised, inputs=[(5, 3)], targets=[("values", (2,))], samples=14,
                      optimizer=("SGD", dict(learning_rate=0.1, momentum=0.9, nesterov=True)),
                      loss=["mean_squared_error"], metrics=[["mean_absolute_error"]],
                      fit=dict(batch_size=4, epochs=3)),
    "two_outputs": dict(build=two_outputs, inputs=[(4,)], targets=[("labels", 3), ("values", (1,))], samples=14,
                        optimizer=("RMSprop", dict(learning_rate=0.02)),
                        loss=["sparse_categorical_crossentropy", "mean_squared_error"], loss_weights=[0.5, 2.0],
                        metrics=[["accuracy"], ["mean_absolute_error", "mean_squared_error"]],
                        weighted_metrics=[["accuracy"], ["mean_absolute_error"]], sample_weight=[True, True],
                        fit=dict(batch_size=4, epochs=2), validation=6),
    "silent_output": dict(build=two_outputs, inputs=[(4,)], targets=[("labels", 3), ("values", (1,))], samples=10,
                          optimizer=("Adam", dict(learning_rate=0.02)),
                          loss=["sparse_categorical_crossentropy", None], metrics=[["accuracy"], None],
                          fit=dict(batch_size=4, epochs=2)),
    "idle_weight": dict(build=two_outputs, inputs=[(4,)], targets=[("labels", 3), ("values", (1,))], samples=10,
                        optimizer=("SGD", dict(learning_rate=0.1)),
                        loss=["sparse_categorical_crossentropy", "mean_squared_error"], loss_weights=[1.0, 0.0],
                        fit=dict(batch_size=4, epochs=2)),
    "class_weight": dict(build=binary, inputs=[(4,)], targets=[("bits", (1,))], samples=21,
                         optimizer=("Adadelta", dict(learning_rate=2.0)), loss=["binary_crossentropy"],
                         metrics=[["accuracy"]], weighted_metrics=[["accuracy"]],
                         fit=dict(batch_size=5, epochs=3, validation_split=0.3), class_weight=[0.4, 2.5]),
    "classes": dict(build=lambda K: conv_net(K, activation="softmax"), inputs=[(6, 6, 2)], targets=[("one_hot", 4)],
                    samples=9, optimizer=("SGD", dict(learning_rate=0.05)), loss=["categorical_crossentropy"],
                    metrics=[["accuracy", "categorical_crossentropy"]], fit=dict(batch_size=4, epochs=2),
                    class_weight=[0.5, 1.0, 2.0, 4.0]),
    "schedule": dict(build=lambda K: conv_net(K), inputs=[(6, 6, 2)], targets=[("values", (4,))], samples=16,
                     optimizer=("SGD", dict(momentum=0.9, clipnorm=0.5)),
                     schedule=("ExponentialDecay", dict(initial_learning_rate=0.2, decay_steps=3, decay_rate=0.7)),
                     loss=["huber"], fit=dict(batch_size=4, epochs=2)),
    "ema": dict(build=binary, inputs=[(4,)], targets=[("bits", (1,))], samples=12,
                optimizer=("Adam", dict(learning_rate=0.05, use_ema=True, ema_momentum=0.8)),
                loss=["mean_squared_error"], fit=dict(batch_size=4, epochs=2), validation=5),
    "overwrite": dict(build=binary, inputs=[(4,)], targets=[("bits", (1,))], samples=12,
                      optimizer=("SGD", dict(learning_rate=0.5, use_ema=True, ema_momentum=0.7,
                                             ema_overwrite_frequency=2)),
                      loss=["binary_crossentropy"], fit=dict(batch_size=4, epochs=2)),
    "weighted": dict(build=line, inputs=[(4,)], targets=[("values", (3,))], samples=13,
                     optimizer=("Adagrad", dict(learning_rate=0.2)), loss=["mean_squared_error"],
                     metrics=[["mean_squared_error"]], weighted_metrics=[["mean_squared_error"]],
                     sample_weight=[True], fit=dict(batch_size=4, epochs=2), validation=6),
    "saturated": dict(build=saturated, inputs=[(4,)], targets=[("labels", 3)], samples=12,
                      optimizer=("SGD", dict(learning_rate=0.5)), loss=["sparse_categorical_crossentropy"],
                      fit=dict(batch_size=4, epochs=2), validation=6),
    "few_steps": dict(build=line, inputs=[(4,)], targets=[("values", (3,))], samples=10,
                      optimizer=("SGD", dict(learning_rate=0.1)), loss=["mean_squared_error"],
                      fit=dict(batch_size=4, epochs=3, steps_per_epoch=2)),
    "many_steps": dict(build=line, inputs=[(4,)], targets=[("values", (3,))], samples=10,
                       optimizer=("SGD", dict(learning_rate=0.1)), loss=["mean_squared_error"],
                       fit=dict(batch_size=4, epochs=3, steps_per_epoch=5)),
    "rare_validation": dict(build=two_inputs, inputs=[(4,), (4, 4, 1)], targets=[("values", (3,))], samples=10,
                            optimizer=("Adamax", dict(learning_rate=0.02)),
                            loss=["mean_absolute_error"], fit=dict(batch_size=4, epochs=4, validation_freq=2),
                            validation=5),
}
H5 = {("conv", 2), ("two_outputs", 2), ("penalised", 3)}  # the others are .keras


def spec(name, arguments):
    return "%s(%s)" % (name, ", ".join("%s=%r" % item for item in arguments.items()))


def single(values):
    return values[0] if len(values) == 1 else values


def compile_net(K, model, case):
    optimizer, arguments = case["optimizer"]
    if "schedule" in case:
        schedule, values = case["schedule"]
        arguments = dict(arguments, learning_rate=getattr(K.optimizers.schedules, schedule)(**values))
    compiled = dict(optimizer=getattr(K.optimizers, optimizer)(**arguments), loss=single(case["loss"]))
    for key in ("loss_weights", "metrics", "weighted_metrics"):
        if key in case:
            compiled[key] = single(case[key])
    model.compile(**compiled)


def table(history, case):
    """A row an epoch, a column a log, NaN where an epoch was not validated."""
    values = np.full((len(history.epoch), len(history.history)), np.nan)
    every = case["fit"].get("validation_freq", 1)
    for column, key in enumerate(history.history):
        rows = [i for i in range(len(history.epoch)) if not key.startswith("val_") or (i + 1) % every == 0]
        values[rows, column] = history.history[key]
    return values


def run(K, generation, name, case, folder, lines):
    K.utils.set_random_seed(sum(map(ord, name)))
    model = case["build"](K)
    compile_net(K, model, case)
    x, y = data(len(name), case["samples"], case["inputs"], case["targets"])
    rng = np.random.default_rng(99)
    weights = [rng.uniform(0.1, 2.0, size=(case["samples"],)).astype("float32") for _ in case.get("sample_weight", [])]
    arrays = {"x%d" % i: a for i, a in enumerate(x)}
    arrays.update({"y%d" % i: a for i, a in enumerate(y)})
    arrays.update({"w%d" % i: a for i, a in enumerate(weights)})
    fit = dict(case["fit"], shuffle=False, verbose=0)
    used = [a for a, loss in zip(y, case["loss"]) if loss is not None]
    given = single(used if generation == 3 else y)  # Keras 3 takes no target for an output without a loss
    if "validation" in case:
        vx, vy = data(1000 + len(name), case["validation"], case["inputs"], case["targets"])
        arrays.update({"vx%d" % i: a for i, a in enumerate(vx)})
        arrays.update({"vy%d" % i: a for i, a in enumerate(vy)})
        fit["validation_data"] = (single(vx), single(vy))
    if "class_weight" in case:
        fit["class_weight"] = dict(enumerate(case["class_weight"]))
    label = "%s_g%d" % (name, generation)
    path = label + (".h5" if (name, generation) in H5 else ".keras")
    model.save(os.path.join(folder, path))
    model = K.models.load_model(os.path.join(folder, path), compile=False)
    compile_net(K, model, case)
    start = [v.numpy() for v in model.weights]
    arrays.update({"p%d" % i: a for i, a in enumerate(tf.nest.flatten(model.predict(single(x), verbose=0)))})
    arguments = dict(fit, sample_weight=single(weights) if weights else None)
    history = model.fit(single(x), given, **arguments)
    logs = history.history
    arrays["history"] = table(history, case)
    arrays.update({"start%d" % i: a for i, a in enumerate(start)})
    arrays.update({"weight%d" % i: v.numpy() for i, v in enumerate(model.weights)})
    result = model.evaluate(single(x), given, sample_weight=single(weights) if weights else None, batch_size=4,
                            return_dict=True, verbose=0)
    arrays["evaluate"] = np.array(list(result.values()))
    np.savez_compressed(os.path.join(folder, label + ".npz"), **arrays)
    lines += ["case " + label, "model " + path, "optimizer " + spec(*case["optimizer"])]
    if "schedule" in case:
        lines.append("schedule " + spec(*case["schedule"]))
    for i, loss in enumerate(case["loss"]):
        lines.append("output %s %r %s %s" % (
            loss, float(case.get("loss_weights", [1] * 9)[i]),
            ",".join(case.get("metrics", [[]] * 9)[i] or []) or "-",
            ",".join(case.get("weighted_metrics", [[]] * 9)[i] or []) or "-"))
    lines += ["%s %r" % item for item in case["fit"].items()]
    if "class_weight" in case:
        lines.append("class_weight " + ",".join(map(repr, case["class_weight"])))
    if (name, generation) != ("many_steps", 2):  # which counts the step that found no data, sometimes
        lines.append("iterations %d" % int(model.optimizer.iterations))
    lines += ["names " + ",".join(logs), "evaluate " + ",".join(result), ""]


def main():
    networks = sys.argv[1:2] == ["networks"]
    folder = os.path.join(GOLDEN, "networks" if networks else "fit")
    os.makedirs(folder, exist_ok=True)
    lines = []
    for name, case in (NETWORKS if networks else CASES).items():
        for K, generation in ((tf_keras, 2), (keras, 3)):
            run(K, generation, name, case, folder, lines)
    with open(os.path.join(folder, "cases.txt"), "w") as file:
        file.write("\n".join(lines))


if __name__ == "__main__":
    main()
