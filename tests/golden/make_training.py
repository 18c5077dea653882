#!/usr/bin/env python3
"""Write training/: what real Keras' training set-up computes, part by part, for the C tests.

    pip install -r requirements.txt && python make_training.py [optimizers losses ...]

In every file case NNN has NNN.json (UTF-8 bytes): keras 2 or 3, class_name, config from get_config(), to
which Huber's delta and CosineSimilarity's axis are added where Keras 3 leaves them out (so that they are
lost in its files). Scalars are arrays of one value. The cases are in training_cases.py. "kinks": true means numbers on kinks,
ties, zeros and extremes on purpose.

optimizers.npz    Two variables (3, 4) and (5) and five steps, the same for all: g0.S and g1.S are the
                  gradients of step S = 1 ... 5. NNN.v0.0 and NNN.v1.0 are the start, NNN.v0.S and NNN.v1.S
                  the variables after step S and, with use_ema, NNN.v0.final what fit() leaves at its end.
                  NNN.slots is the optimizer's state after step 5, flattened one after another in the order
                  of optimizer.variables, which is the order in files; "slots" in the json lists [name,
                  shape] without the optimizer's own name. kernel and bias are the two variables.
                  tf_keras' Nadam computes otherwise by how it runs, and stands there three times: "runs" in
                  the json is "eager" (Keras' formula), "fit" (fit() after compile()) or "loaded" (fit()
                  after load_model() of a compiled model): see nadam_runs() below.
losses.npz        y_true, y_pred, sample_weight where there is one, value, and dy_pred, the gradient of value
                  (of its sum where reduction is none). "through" in the json names an activation: logits
                  went into it, y_pred came out, and dlogits is the gradient with respect to them.
metrics.npz       y_true.U, y_pred.U, sample_weight.U for the updates U = 1, 2, 3; value.U, the result after it
schedules.npz     value: the learning rates at steps 0 ... 30
regularizers.npz  w, value, dw; with "activity": true w is a layer's output (the batch first) and value the
                  loss that the layer adds
constraints.npz   w, result
"""
import pathlib
import sys
import warnings
import zlib

from common import *
from training_cases import CONSTRAINTS, LOSSES, METRICS, OPTIMIZERS, REGULARIZERS, SCHEDULES

FOLDER = pathlib.Path(HERE) / "training"
STEPS = 5


def described(generation, row, instance, **more):
    flags = {flag: row[flag] for flag in ("kinks", "through", "activity") if row.get(flag)}
    description = {"keras": generation, "class_name": row["class_name"],
                   "config": {**row["arguments"], **instance.get_config()}, **flags, **more}
    return np.frombuffer(json_bytes(description), np.uint8)


def array(value):
    value = np.asarray(value)
    return value.astype(np.float32) if value.dtype.kind == "f" else value


def write_file(stem, rows, make_cases, shared=None):
    """make_cases(generation, row, rng) gives one or more dicts of arrays."""
    arrays, index = dict(shared or {}), 0
    for place, row in enumerate(rows):
        for generation in (2, 3):
            if row["only"] not in (None, generation):
                continue
            rng = np.random.default_rng([zlib.crc32(stem.encode()), place])
            try:
                cases = list(make_cases(generation, row, rng))
            except Exception as error:
                raise SystemExit(f"{stem}, Keras {generation}, {row}: {error}") from error
            for parts in cases:
                assert all(np.isfinite(part).all() for part in parts.values()), (generation, row)
                arrays.update({f"{index:03d}.{name}": part for name, part in parts.items()})
                index += 1
    path = FOLDER / f"{stem}.npz"
    write_npz(path, arrays)
    print(f"{stem}: {index} cases, {path.stat().st_size} bytes", flush=True)


# ---- optimizers ----

def start_and_gradients():
    """Among the values of each variable: one whose gradient is always zero, one at first, one tiny."""
    rng = np.random.default_rng(12)
    starts = [quantised(rng, shape) + np.float32(1 / 32) for shape in ((3, 4), (5,))]
    gradients = []
    for start in starts:
        steps = quantised(rng, (STEPS, *start.shape), 1.0)
        flat = steps.reshape(STEPS, -1)
        flat[:, 0] = 0
        flat[:2, 1] = 0
        flat[:, 2] = np.float32(2.0 ** -20)
        flat[:, 3] *= 4
        gradients.append(steps)
    return starts, gradients


STARTS, GRADIENTS = start_and_gradients()


def make_optimizer(generation, row):
    k = GENERATIONS[generation]
    arguments = dict(row["arguments"])
    rate = arguments.get("learning_rate")
    if isinstance(rate, dict):
        schedule_class = getattr(k.optimizers.schedules, rate["class_name"])
        arguments["learning_rate"] = schedule_class(**rate["config"])
    return getattr(k.optimizers, row["class_name"])(name="optimizer", **arguments)


def make_variables(generation):
    make = tf.Variable if generation == 2 else keras.Variable
    return [make(start, name=name) for start, name in zip(STARTS, ("kernel", "bias"))]


def slot_name(variable):
    """Keras 3's Nadam leaves one variable without a name of its own."""
    name = getattr(variable, "path", variable.name).split(":")[0].removeprefix("optimizer/")
    return "u_product" if name.startswith("variable") else name


def run_optimizer(generation, row, runs):
    """One case: "eager", or traced as fit() does with a fresh optimizer, or with a built one."""
    optimizer, variables = make_optimizer(generation, row), make_variables(generation)
    if runs != "fit":
        optimizer.build(variables)

    def step(*gradients):
        optimizer.apply_gradients(zip(gradients, variables))
    step = step if runs == "eager" else tf.function(step)
    parts = {}
    for number in range(STEPS + 1):
        if number:
            step(*[tf.constant(steps[number - 1]) for steps in GRADIENTS])
        parts.update({f"v{i}.{number}": np.array(v) for i, v in enumerate(variables)})
    slots = [(slot_name(v), np.array(v)) for v in optimizer.variables]
    parts["slots"] = np.concatenate([value.astype(np.float32).ravel() for _, value in slots])
    if optimizer.use_ema:
        optimizer.finalize_variable_values(variables)
        parts.update({f"v{i}.final": np.array(v) for i, v in enumerate(variables)})
    more = {"runs": runs} if is_tf_keras_nadam(generation, row) else {}
    more["slots"] = [[name, list(value.shape)] for name, value in slots]
    return {"json": described(generation, row, make_optimizer(generation, row), **more), **parts}


def is_tf_keras_nadam(generation, row):
    return generation == 2 and row["class_name"] == "Nadam"


def nadam_runs(generation, row):
    """The ways in which this row is run.

    tf_keras' Nadam multiplies its product of momenta by u_t once a step, for the first variable, and has the
    others take the stored product: it asks whether a counter, an ordinary Python number, equals the
    iteration + 2. In a tf.function that number is a constant from tracing: the V variables of a model hold
    1 ... V, or, when fit() has to build the optimizer and so traces twice, V + 1 ... 2 V. A variable whose
    number is c takes the stored product at iteration c - 2 and multiplies it once more at any other.
    """
    return ("eager", "fit", "loaded") if is_tf_keras_nadam(generation, row) else ("eager",)


def optimizer_cases(generation, row, rng):
    cases = [run_optimizer(generation, row, runs) for runs in nadam_runs(generation, row)]
    if not is_tf_keras_nadam(generation, row):
        traced = run_optimizer(generation, row, "fit")
        assert all(np.allclose(traced[name], part, atol=1e-6) for name, part in cases[0].items()
                   if name != "json"), "eager and traced differ"
    return cases


# ---- losses and metrics ----

def distribution(rng, shape, axis=-1):
    parts = rng.integers(1, 16, shape)
    return (parts / parts.sum(axis=axis, keepdims=True)).astype(np.float32)


def one_hot(rng, shape, axis=-1):
    size = shape[axis]
    other = [n for i, n in enumerate(shape) if i != axis % len(shape)]
    return np.moveaxis(np.eye(size, dtype=np.float32)[rng.integers(0, size, other)], -1, axis)


def on_kinks(rng, values, extremes, share=0.7):
    """The values with some replaced by those of the list."""
    chosen = np.asarray(extremes, np.float32)[rng.integers(0, len(extremes), values.shape)]
    return np.where(rng.random(values.shape) < share, chosen, values).astype(np.float32)


def draw_true(rng, data, shape, axis):
    if data.startswith("one_hot"):
        return one_hot(rng, shape, axis)
    if data.startswith("labels"):
        labels = rng.integers(0, shape[-1], shape[:-1]).astype(np.int32)
        return labels[..., None] if data == "labels_column" else labels
    if data.startswith("binary"):
        values = rng.integers(0, 2, shape).astype(np.float32)
        return values[:, 0] if data == "binary_column" else values
    if data == "sign":
        return rng.choice(np.float32([-1, 1]), shape)
    if data == "distribution":
        return distribution(rng, shape, axis)
    if data == "equal":
        return rng.integers(0, 3, shape).astype(np.float32)
    values = quantised(rng, shape)
    values = np.abs(values) if data == "positive" else values
    return values[:, 0] if data == "real_column" else values


def draw_pred(rng, data, shape, axis):
    if data == "equal":
        return rng.integers(0, 3, shape).astype(np.float32)
    if data.endswith("logits"):
        return quantised(rng, shape, 4.0)
    if data.startswith("binary") or data.endswith("unnormalised"):
        return (rng.integers(1, 16, shape) / 16).astype(np.float32)
    if data.startswith(("one_hot", "labels", "distribution")):
        return distribution(rng, shape, axis)
    values = quantised(rng, shape)
    return (np.abs(values) if data == "positive" else values) + np.float32(1 / 32)


def put_on_kinks(rng, data, arguments, y_true, y_pred):
    if data.endswith("logits"):
        return y_true, on_kinks(rng, y_pred, [-100, -40, 0, 40, 100])
    if data.startswith("binary"):
        return y_true, on_kinks(rng, y_pred, [0, 1e-8, 0.25, 0.5, 1])
    if data == "sign":
        return y_true, on_kinks(rng, y_pred, [-1, 0, 1])
    if data == "distribution":
        return on_kinks(rng, y_true, [0, 1]), on_kinks(rng, y_pred, [0, 1])
    if data.startswith(("one_hot", "labels")):
        return y_true, on_kinks(rng, y_pred, [0, 0.5, 1])
    delta = np.float32(arguments.get("delta", 1.0))
    near = y_true + rng.choice(np.float32([0, -1, 1]), y_true.shape) * delta
    y_true, y_pred = y_true.copy(), np.where(rng.random(y_pred.shape) < 0.7, near, y_pred)
    y_true[0], y_pred[1] = 0, 0
    return y_true, y_pred


def draw_data(rng, row):
    data, shape = row["data"], row["shape"]
    if data.endswith("_many"):
        data, shape = data.removesuffix("_many"), (*shape[:-1], 12)
    axis = row["arguments"].get("axis", -1)
    y_true, y_pred = draw_true(rng, data, shape, axis), draw_pred(rng, data, shape, axis)
    if row["kinks"]:
        y_true, y_pred = put_on_kinks(rng, data, row["arguments"], y_true, y_pred)
    return y_true, y_pred


def draw_weights(rng, row):
    axis = row["arguments"].get("axis", -1) % len(row["shape"])
    shapes = {"sample": row["shape"][:1], "column": (row["shape"][0], 1),
              "element": [n for i, n in enumerate(row["shape"]) if i != axis]}
    if not row["weights"]:
        return None
    return (rng.integers(0, 9, shapes[row["weights"]]) / 4).astype(np.float32)


def loss_cases(generation, row, rng):
    k = GENERATIONS[generation]
    loss = getattr(k.losses, row["class_name"])(**row["arguments"])
    if row["class_name"] == "Poisson" and row["kinks"]:
        row = dict(row, data="positive")
    y_true, given = draw_data(rng, row)
    if row["class_name"] == "Poisson" and row["kinks"]:
        given = np.maximum(given, 0)
    weights, x = draw_weights(rng, row), tf.constant(given)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y_pred = getattr(k.activations, row["through"])(x) if row["through"] else x
        value = loss(y_true, y_pred, sample_weight=weights)
    parts = {"json": described(generation, row, loss), "y_true": y_true, "y_pred": array(y_pred)}
    if weights is not None:
        parts["sample_weight"] = weights
    gradient = array(tape.gradient(value, x))
    parts["value"] = array(value)
    parts.update({"logits": given, "dlogits": gradient} if row["through"] else {"dy_pred": gradient})
    yield parts


def metric_cases(generation, row, rng):
    metric = getattr(GENERATIONS[generation].metrics, row["class_name"])(**row["arguments"])
    parts = {"json": described(generation, row, metric)}
    for update in (1, 2, 3):
        y_true, y_pred = draw_data(rng, row)
        weights = draw_weights(rng, row)
        metric.update_state(y_true, y_pred, sample_weight=weights)
        parts.update({f"y_true.{update}": y_true, f"y_pred.{update}": y_pred})
        if weights is not None:
            parts[f"sample_weight.{update}"] = weights
        parts[f"value.{update}"] = array(metric.result())
    yield parts


# ---- schedules, regularizers, constraints ----

def schedule_cases(generation, row, rng):
    schedules = GENERATIONS[generation].optimizers.schedules
    schedule = getattr(schedules, row["class_name"])(**row["arguments"])
    values = [float(schedule(tf.constant(step, tf.int64))) for step in range(31)]
    yield {"json": described(generation, row, schedule), "value": np.float32(values)}


def regularizer_cases(generation, row, rng):
    k = GENERATIONS[generation]
    regularizer = getattr(k.regularizers, row["class_name"])(**row["arguments"])
    w = quantised(rng, row["shape"])
    if row["class_name"] != "OrthogonalRegularizer":
        w.flat[0] = 0
    tensor = tf.constant(w)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        if row["activity"]:
            layer = k.layers.Activation("linear", activity_regularizer=regularizer)
            layer(tensor)
            value, = layer.losses
        else:
            value = regularizer(tensor)
    dw = tape.gradient(value, tensor, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    yield {"json": described(generation, row, regularizer), "w": w, "value": array(value),
           "dw": array(dw)}


def constraint_cases(generation, row, rng):
    constraint = getattr(GENERATIONS[generation].constraints, row["class_name"])(**row["arguments"])
    w = quantised(rng, row["shape"])
    w[..., 0] = 0
    if w.ndim > 1:
        w[0, ..., :] = 0
    yield {"json": described(generation, row, constraint), "w": w,
           "result": array(constraint(tf.constant(w)))}


FILES = {
    "optimizers": (OPTIMIZERS, optimizer_cases),
    "losses": (LOSSES, loss_cases),
    "metrics": (METRICS, metric_cases),
    "schedules": (SCHEDULES, schedule_cases),
    "regularizers": (REGULARIZERS, regularizer_cases),
    "constraints": (CONSTRAINTS, constraint_cases),
}


def main():
    wanted = sys.argv[1:]
    warnings.simplefilter("ignore")
    FOLDER.mkdir(exist_ok=True)
    gradients = {f"g{i}.{step + 1}": steps[step] for step in range(STEPS)
                 for i, steps in enumerate(GRADIENTS)}
    for stem, (rows, make_cases) in FILES.items():
        if not wanted or stem in wanted:
            write_file(stem, rows, make_cases, gradients if stem == "optimizers" else None)


if __name__ == "__main__":
    main()
