"""Random small nets for train_compare.py: each around one of the 17 layers, compiled.

draw_net(rng, k, number, generation) returns a Net; draw_data(rng, net, samples) its inputs and targets. A net
is: perhaps a convolution, so that the layer must hand a gradient on; the layer, with regularizers and
constraints; perhaps normalisation, an activation or pooling; and a head. What Keras itself refuses is drawn
again by the caller.
"""
import dataclasses

import numpy as np

from random_layers import chance, draw, pick, rank_of

LARGEST_OUTPUT = 300
UNITS = 4


@dataclasses.dataclass
class Net:
    model: object
    layer: object
    target: str
    compiled: object  # a function: the arguments of compile(), made anew


def between(rng, low, high):
    """A number between the two, evenly on the logarithm's scale, with two digits."""
    return float(f"{np.exp(rng.uniform(np.log(low), np.log(high))):.2g}")


# ---- optimizers ----

RATES = {"SGD": (0.01, 0.1), "RMSprop": (0.001, 0.01), "Adagrad": (0.01, 0.1), "Adadelta": (0.1, 2.0),
         "Adam": (0.001, 0.02), "Adamax": (0.001, 0.02), "Nadam": (0.001, 0.02), "AdamW": (0.001, 0.02),
         "Ftrl": (0.01, 0.2), "Lion": (0.0005, 0.005)}
BETAS = {"beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-4}
OWN_ARGUMENTS = {
    "SGD": [{}, {"momentum": 0.9}, {"momentum": 0.5, "nesterov": True}],
    "RMSprop": [{}, {"rho": 0.5}, {"momentum": 0.9}, {"centered": True, "epsilon": 1e-3}],
    "Adagrad": [{}, {"initial_accumulator_value": 0.5, "epsilon": 1e-3}],
    "Adadelta": [{}, {"rho": 0.8, "epsilon": 1e-5}],
    "Adam": [{}, {"amsgrad": True}, BETAS], "Adamax": [{}, BETAS], "Nadam": [{}, BETAS],
    "AdamW": [{}, {"weight_decay": 0.05, "amsgrad": True}, {"weight_decay": 0.01, **BETAS}],
    "Ftrl": [{}, {"l1_regularization_strength": 0.01, "l2_regularization_strength": 0.02},
             {"l2_shrinkage_regularization_strength": 0.02, "beta": 0.1}, {"learning_rate_power": -0.75}],
    "Lion": [{}, {"beta_1": 0.8, "beta_2": 0.95}],
}


def draw_schedule(rng, rate):
    steps = int(rng.integers(2, 9))
    return pick(rng, [
        ("ExponentialDecay", {"decay_steps": steps, "decay_rate": 0.75, "staircase": chance(rng, 0.5)}),
        ("PiecewiseConstantDecay", {"boundaries": [1, 4], "values": [rate, rate / 2, rate / 4]}),
        ("PolynomialDecay", {"decay_steps": steps, "end_learning_rate": rate / 10,
                             "power": pick(rng, [0.5, 1.0, 2.0]), "cycle": chance(rng, 0.5)}),
        ("InverseTimeDecay", {"decay_steps": steps, "decay_rate": 0.5, "staircase": chance(rng, 0.5)}),
        ("CosineDecay", {"decay_steps": steps + 3, "alpha": 0.1}),
        ("CosineDecay", {"decay_steps": steps, "warmup_target": 2 * rate, "warmup_steps": 3}),
        ("CosineDecayRestarts", {"first_decay_steps": 3, "t_mul": pick(rng, [1.0, 2.0]), "m_mul": 0.5}),
    ])


def draw_optimizer(rng, k):
    """A function that makes the same optimizer anew each time; now and then just its name."""
    if chance(rng, 0.07):
        name = pick(rng, ["sgd", "rmsprop", "adam", "adamax"])
        return lambda: name
    name = pick(rng, list(RATES))
    rate = between(rng, *RATES[name])
    arguments = dict(pick(rng, OWN_ARGUMENTS[name]))
    if chance(rng, 0.15):
        arguments.setdefault("weight_decay", 0.02)
    if chance(rng, 0.3):
        arguments[pick(rng, ["clipnorm", "clipvalue", "global_clipnorm"])] = between(rng, 0.02, 1.0)
    if chance(rng, 0.1):
        arguments.update(use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=pick(rng, [None, 3]))
    schedule = draw_schedule(rng, rate) if chance(rng, 0.2) else None

    def make():
        if schedule is None:
            return getattr(k.optimizers, name)(learning_rate=rate, **arguments)
        schedule_name, more = schedule
        first = {} if schedule_name == "PiecewiseConstantDecay" else {"initial_learning_rate": rate}
        schedule_class = getattr(k.optimizers.schedules, schedule_name)
        return getattr(k.optimizers, name)(learning_rate=schedule_class(**first, **more), **arguments)
    return make


# ---- losses: target, activations of the last layer, name or class, arguments, metrics ----

CLASSIFICATION = [
    ("labels", ["softmax"], "sparse_categorical_crossentropy", {}, ["accuracy"]),
    ("labels", ["softmax", "sigmoid"], "SparseCategoricalCrossentropy", {},
     ["sparse_categorical_accuracy"]),
    ("labels", ["linear", "tanh"], "SparseCategoricalCrossentropy", {"from_logits": True}, ["accuracy"]),
    ("one_hot", ["softmax"], "categorical_crossentropy", {}, ["accuracy"]),
    ("one_hot", ["softmax", "softplus"], "CategoricalCrossentropy", {"label_smoothing": 0.1},
     ["categorical_accuracy"]),
    ("one_hot", ["linear"], "CategoricalCrossentropy", {"from_logits": True}, ["mean_squared_error"]),
    ("one_hot", ["linear", "softmax"], "categorical_hinge", {}, ["accuracy"]),
    ("distribution", ["softmax", "sigmoid"], "kl_divergence", {}, ["mean_absolute_error"]),
    ("binary", ["sigmoid"], "binary_crossentropy", {}, ["accuracy"]),
    ("binary", ["softmax", "hard_sigmoid"], "BinaryCrossentropy", {"label_smoothing": 0.1},
     ["binary_accuracy"]),
    ("binary", ["linear"], "BinaryCrossentropy", {"from_logits": True}, ["mean_squared_error"]),
    ("binary", ["tanh", "linear"], "hinge", {}, ["mean_absolute_error"]),
    ("sign", ["tanh", "linear"], "squared_hinge", {}, ["mean_absolute_error"]),
]
REGRESSION = [
    ("positive", ["softplus", "exponential"], "poisson", {}, ["mean_squared_error"]),
    ("positive", ["softplus"], "mean_squared_logarithmic_error", {}, ["mean_absolute_error"]),
    ("positive", ["linear", "softplus"], "mean_absolute_percentage_error", {}, ["mean_squared_error"]),
    *[("real", ["linear", "tanh", "elu"], name, arguments, ["mean_absolute_error"]) for name, arguments in [
        ("mean_squared_error", {}), ("MeanSquaredError", {}), ("MeanSquaredError", {"reduction": "sum"}),
        ("mean_absolute_error", {}), ("huber", {}), ("Huber", {"delta": 0.5}), ("log_cosh", {}),
        ("LogCosh", {}), ("cosine_similarity", {}), ("CosineSimilarity", {})]],
]


def make_loss(k, name, arguments):
    if name[0].islower():
        return name
    loss = getattr(k.losses, name)(**arguments)
    if not set(arguments) <= set(loss.get_config()):
        raise ValueError("Keras 3 loses Huber's delta in a file")
    return loss


def draw_target(rng, target, shape):
    if target == "labels":
        return rng.integers(0, shape[-1], shape[:-1]).astype(np.int32)
    if target == "one_hot":
        return np.eye(shape[-1], dtype=np.float32)[rng.integers(0, shape[-1], shape[:-1])]
    if target == "distribution":
        parts = rng.integers(1, 16, shape)
        return (parts / parts.sum(axis=-1, keepdims=True)).astype(np.float32)
    if target == "binary":
        return rng.integers(0, 2, shape).astype(np.float32)
    if target == "sign":
        return rng.choice(np.float32([-1, 1]), shape)
    values = rng.standard_normal(shape).astype(np.float32)
    return np.abs(values) + np.float32(0.5) if target == "positive" else values


def draw_data(rng, net, samples):
    x = rng.standard_normal((samples, *net.model.inputs[0].shape[1:])).astype(np.float32)
    return x, draw_target(rng, net.target, (samples, *net.model.outputs[0].shape[1:]))


# ---- regularizers and constraints ----

def draw_regularizer(rng, k, rate=(0.001, 0.05)):
    l1, l2 = between(rng, *rate), between(rng, *rate)
    return pick(rng, [lambda: k.regularizers.L1(l1), lambda: k.regularizers.L2(l2),
                      lambda: k.regularizers.L1L2(l1, l2)])()


def draw_constraint(rng, k, rank):
    """The axis is one of the weight's, the first all but the last of them, or left out."""
    axis = pick(rng, [{}, {"axis": int(rng.integers(rank))}, {"axis": list(range(max(1, rank - 1)))}])
    low, high = between(rng, 0.2, 0.6), between(rng, 0.7, 2.0)
    return pick(rng, [
        lambda: k.constraints.MaxNorm(high, **axis), lambda: k.constraints.NonNeg(),
        lambda: k.constraints.UnitNorm(**axis),
        lambda: k.constraints.MinMaxNorm(low, high, rate=pick(rng, [1.0, 0.5]), **axis)])()


def weight_names(class_name):
    """The layer's weights by the names of its arguments, with how many axes each has."""
    rank = rank_of(class_name) + 2
    if class_name.startswith("Separable"):
        return {"depthwise": rank, "pointwise": rank, "bias": 1}
    return {"depthwise" if class_name.startswith("Depthwise") else "kernel": rank, "bias": 1}


def regularize(rng, k, class_name, arguments):
    for name, rank in weight_names(class_name).items():
        arguments[f"{name}_regularizer"] = draw_regularizer(rng, k) if chance(rng, 0.35) else None
        arguments[f"{name}_constraint"] = draw_constraint(rng, k, rank) if chance(rng, 0.35) else None
        arguments.pop(f"{name}_initializer", None)
    arguments["activity_regularizer"] = \
        draw_regularizer(rng, k, (0.0001, 0.005)) if chance(rng, 0.25) else None


# ---- the net ----

def data_format_of(arguments, class_name, k):
    known = class_name not in ("Cropping1D", "UpSampling1D")
    return {"data_format": arguments["data_format"]} if known and "data_format" in arguments else {}


def before(rng, k, rank, channels, form):
    """A convolution that keeps the sizes."""
    return getattr(k.layers, f"Conv{rank}D")(
        channels, int(rng.integers(1, 4)), padding="same", name="before",
        activation=pick(rng, ["linear", "tanh", "relu"]), **form)


def after(rng, k, rank, form):
    """At most one layer that changes no more than the spatial sizes."""
    layers, is_first = k.layers, form.get("data_format") == "channels_first"
    kinds = [None, None, "normalise", "activate", "average", "maximum"]
    kind = pick(rng, kinds[:-1] if rank == 3 else kinds)
    if kind == "normalise":
        return [layers.BatchNormalization(axis=1 if is_first else -1, momentum=pick(rng, [0.99, 0.75]),
                                          epsilon=pick(rng, [0.001, 0.01]), name="after")]
    if kind == "activate":
        return [pick(rng, [lambda: layers.ReLU(name="after"), lambda: layers.LeakyReLU(name="after"),
                           lambda: layers.Activation("tanh", name="after")])()]
    pooling = {"average": "AveragePooling", "maximum": "MaxPooling"}.get(kind)
    return [getattr(layers, f"{pooling}{rank}D")(2, padding="same", name="after", **form)] \
        if pooling else []


def head(rng, k, x, rank, form, last):
    """Flattened or pooled over the places, then Dense."""
    layers = k.layers
    if int(np.prod(x.shape[1:])) > LARGEST_OUTPUT or chance(rng, 0.4):
        kind = pick(rng, ["Average", "Max"])
        x = getattr(layers, f"Global{kind}Pooling{rank}D")(name="pool", **form)(x)
    else:
        x = layers.Flatten(name="flat")(x)
    return layers.Dense(UNITS, activation=last, name="head",
                        kernel_regularizer=draw_regularizer(rng, k) if chance(rng, 0.2) else None,
                        kernel_constraint=draw_constraint(rng, k, 2) if chance(rng, 0.2) else None)(x)


def draw_net(rng, k, number, generation):
    class_name, arguments, shape = draw(rng, number, generation)
    rank, form = rank_of(class_name), data_format_of(arguments, class_name, k)
    has_weights = "kernel_size" in arguments
    following = after(rng, k, rank, form)
    if has_weights:
        regularize(rng, k, class_name, arguments)
        if following and type(following[0]).__name__ == "BatchNormalization":
            arguments["use_bias"] = False  # its gradient would be rounding alone
    layer = getattr(k.layers, class_name)(name="layer", **arguments)
    x = inputs = k.Input(tuple(shape[1:]), name="input")
    if not has_weights or chance(rng, 0.3):
        channels = shape[1] if form.get("data_format") == "channels_first" else shape[-1]
        x = before(rng, k, rank, channels, form)(x)
    for step in [layer, *following]:
        x = step(x)
    small = 0 < int(np.prod(x.shape[1:])) <= LARGEST_OUTPUT
    direct = small and chance(rng, 0.25)
    target, lasts, name, loss_arguments, metrics = pick(
        rng, REGRESSION[-10:] if direct else CLASSIFICATION + REGRESSION)
    if not direct:
        x = head(rng, k, x, rank, form, pick(rng, lasts))
    metrics = metrics if chance(rng, 0.4) else None
    make_optimizer = draw_optimizer(rng, k)

    def compiled():
        return {"optimizer": make_optimizer(), "loss": make_loss(k, name, loss_arguments),
                "metrics": metrics and list(metrics)}
    return Net(k.Model(inputs, x, name="net"), layer, target, compiled)
