"""The cases of make_training.py: optimizers, losses, metrics, schedules, regularizers and constraints.

A row is case(class name, its arguments); only=2 or only=3 names the one generation that it is for.
"""


def case(class_name, only=None, **arguments):
    return {"class_name": class_name, "only": only, "arguments": arguments}


# ---- optimizers ----
# A schedule is written as in configurations; make_training.py makes it with the row's generation.

def schedule(class_name, **config):
    return {"class_name": class_name, "config": config}


OPTIMIZERS = [
    case("SGD"), case("SGD", learning_rate=0.1, momentum=0.9),
    case("SGD", learning_rate=0.1, momentum=0.9, nesterov=True),
    case("SGD", learning_rate=0.1, nesterov=True),
    case("RMSprop"), case("RMSprop", learning_rate=0.01, rho=0.5),
    case("RMSprop", learning_rate=0.01, momentum=0.9), case("RMSprop", learning_rate=0.01, centered=True),
    case("RMSprop", learning_rate=0.01, centered=True, momentum=0.5, epsilon=1e-3),
    case("Adagrad"), case("Adagrad", learning_rate=0.1, initial_accumulator_value=0.5, epsilon=1e-3),
    case("Adagrad", learning_rate=0.1, initial_accumulator_value=0.0),
    case("Adadelta"), case("Adadelta", learning_rate=1.0, rho=0.9, epsilon=1e-6),
    case("Adam"), case("Adam", learning_rate=0.1, beta_1=0.8, beta_2=0.95, epsilon=1e-3),
    case("Adam", learning_rate=0.1, beta_2=0.5, amsgrad=True),
    case("Adamax"), case("Adamax", learning_rate=0.1, beta_1=0.8, beta_2=0.5, epsilon=1e-3),
    case("Nadam"), case("Nadam", learning_rate=0.1, beta_1=0.8, beta_2=0.95, epsilon=1e-3),
    case("AdamW"), case("AdamW", learning_rate=0.1, weight_decay=0.1, beta_2=0.5, amsgrad=True),
    case("Ftrl"), case("Ftrl", learning_rate=0.5),
    case("Ftrl", learning_rate=0.5, l1_regularization_strength=0.125, l2_regularization_strength=0.25),
    case("Ftrl", learning_rate=0.5, l2_shrinkage_regularization_strength=0.25, beta=0.5),
    case("Ftrl", learning_rate=0.5, learning_rate_power=-0.75, initial_accumulator_value=0.5),
    case("Lion"), case("Lion", learning_rate=0.125, beta_1=0.8, beta_2=0.9),
]
for name, momentum in (("SGD", {"momentum": 0.9}), ("Adam", {}), ("Ftrl", {})):
    OPTIMIZERS += [case(name, learning_rate=0.1, **momentum, **extra) for extra in [
        {"weight_decay": 0.05}, {"clipnorm": 0.75}, {"clipvalue": 0.25}, {"global_clipnorm": 1.0},
        {"global_clipnorm": 100.0}, {"use_ema": True, "ema_momentum": 0.75},
        {"use_ema": True, "ema_momentum": 0.75, "ema_overwrite_frequency": 2}]]
for name in ("RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam", "AdamW", "Lion"):
    OPTIMIZERS += [case(name, learning_rate=0.1, weight_decay=0.05, clipnorm=0.75),
                   case(name, learning_rate=0.1, global_clipnorm=1.0, use_ema=True, ema_momentum=0.75,
                        ema_overwrite_frequency=3)]
OPTIMIZERS += [
    case("SGD", learning_rate=schedule("ExponentialDecay", initial_learning_rate=0.5, decay_steps=2,
                                       decay_rate=0.5), weight_decay=0.125),
    case("Adam", learning_rate=schedule("PiecewiseConstantDecay", boundaries=[1, 3],
                                        values=[0.5, 0.25, 0.125])),
    case("SGD", only=3, learning_rate=0.1, momentum=0.9, gradient_accumulation_steps=2),
    case("Adam", only=3, learning_rate=0.1, gradient_accumulation_steps=2, clipnorm=0.75),
    case("SGD", only=3, learning_rate=0.1, loss_scale_factor=8.0),
    case("SGD", only=2, learning_rate=0.1, clipnorm=0.75, clipvalue=0.25),
]

# ---- losses ----
# data: see make_training.py. weights: "sample" one a sample, "element" one an entry of the unreduced loss.

def loss(class_name, data, only=None, shape=(4, 3), weights=None, kinks=False, through=None,
         **arguments):
    return dict(case(class_name, only, **arguments), data=data, shape=shape, weights=weights,
                kinks=kinks, through=through)


def with_weights(class_name, data, **arguments):
    """A loss alone, weighted, of higher rank, summed and unreduced."""
    return [loss(class_name, data, **arguments),
            loss(class_name, data, weights="sample", **arguments),
            loss(class_name, data, shape=(2, 5, 3), **arguments),
            loss(class_name, data, shape=(2, 5, 3), weights="element", reduction="sum", **arguments),
            loss(class_name, data, weights="sample", reduction="none", **arguments)]


LOSSES = []
for name in ("MeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "Huber",
             "LogCosh", "CosineSimilarity"):
    LOSSES += with_weights(name, "real") + [loss(name, "real", kinks=True)]
for name in ("MeanSquaredLogarithmicError", "Poisson"):
    LOSSES += with_weights(name, "positive") + [loss(name, "real", kinks=True)]
for name in ("Hinge", "SquaredHinge"):
    LOSSES += with_weights(name, "sign") + [loss(name, "binary"), loss(name, "sign", kinks=True)]
LOSSES += with_weights("CategoricalHinge", "one_hot_logits") + [
    loss("CategoricalHinge", "one_hot_logits", kinks=True), loss("CategoricalHinge", "sign")]
LOSSES += with_weights("KLDivergence", "distribution") + [loss("KLDivergence", "distribution", kinks=True)]
LOSSES += with_weights("CategoricalCrossentropy", "one_hot") + [
    loss("CategoricalCrossentropy", "one_hot_unnormalised"),
    loss("CategoricalCrossentropy", "distribution"),
    loss("CategoricalCrossentropy", "one_hot", kinks=True)]
LOSSES += with_weights("SparseCategoricalCrossentropy", "labels") + [
    loss("SparseCategoricalCrossentropy", "labels_unnormalised"),
    loss("SparseCategoricalCrossentropy", "labels_column"),
    loss("SparseCategoricalCrossentropy", "labels", kinks=True)]
LOSSES += with_weights("BinaryCrossentropy", "binary") + [
    loss("BinaryCrossentropy", "binary", kinks=True)]
LOSSES += [
    # arguments
    loss("Huber", "real", delta=0.25), loss("Huber", "real", delta=0.5, kinks=True),
    loss("CosineSimilarity", "real", shape=(2, 5, 3), axis=1),
    loss("CosineSimilarity", "real", shape=(2, 5, 3), axis=-2, weights="element"),
    loss("CategoricalCrossentropy", "one_hot_logits", from_logits=True),
    loss("CategoricalCrossentropy", "one_hot_logits", from_logits=True, kinks=True),
    loss("CategoricalCrossentropy", "one_hot_logits", from_logits=True, label_smoothing=0.25),
    loss("CategoricalCrossentropy", "one_hot", label_smoothing=0.1),
    loss("CategoricalCrossentropy", "one_hot", shape=(2, 5, 3), axis=1),
    loss("CategoricalCrossentropy", "one_hot_logits", shape=(2, 5, 3), axis=1, from_logits=True,
         label_smoothing=0.25),
    loss("CategoricalCrossentropy", "one_hot_logits", shape=(2, 5, 3), from_logits=True,
         weights="element"),
    loss("SparseCategoricalCrossentropy", "labels_logits", from_logits=True),
    loss("SparseCategoricalCrossentropy", "labels_logits", from_logits=True, kinks=True),
    loss("SparseCategoricalCrossentropy", "labels_logits", shape=(2, 5, 3), from_logits=True,
         weights="element"),
    loss("SparseCategoricalCrossentropy", "labels_logits", shape=(6, 3), from_logits=True,
         ignore_class=1),
    loss("SparseCategoricalCrossentropy", "labels", shape=(2, 5, 3), ignore_class=1),
    loss("SparseCategoricalCrossentropy", "labels", shape=(6, 3), ignore_class=1, weights="sample"),
    loss("BinaryCrossentropy", "binary_logits", from_logits=True),
    loss("BinaryCrossentropy", "binary_logits", from_logits=True, kinks=True),
    loss("BinaryCrossentropy", "binary_logits", from_logits=True, label_smoothing=0.25,
         weights="sample"),
    loss("BinaryCrossentropy", "binary", label_smoothing=0.1),
    loss("BinaryCrossentropy", "binary", shape=(2, 5, 3), axis=1),
    # targets of one rank less than predictions of one unit
    loss("MeanSquaredError", "real_column", shape=(5, 1)),
    loss("MeanSquaredError", "real_column", shape=(5, 1), weights="sample"),
    loss("BinaryCrossentropy", "binary_column", shape=(5, 1)),
    loss("Hinge", "binary_column", shape=(5, 1)),
    # other reductions and weights
    loss("MeanSquaredError", "real", only=3, weights="sample", reduction="mean_with_sample_weight"),
    loss("SparseCategoricalCrossentropy", "labels", only=3, shape=(2, 5, 3), weights="element",
         reduction="mean_with_sample_weight"),
    loss("MeanSquaredError", "real", only=2, shape=(2, 5, 3), weights="sample"),
    loss("MeanSquaredError", "real", shape=(2, 5, 3), weights="column"),
    # y_pred straight from an activation: Keras then takes the logits that went into it
    *[loss(name, data, through=activation, kinks=kinks) for kinks in (False, True)
      for activation in ("softmax", "sigmoid") for name, data in
      (("CategoricalCrossentropy", "one_hot_logits"), ("SparseCategoricalCrossentropy", "labels_logits"),
       ("BinaryCrossentropy", "binary_logits"), ("MeanSquaredError", "one_hot_logits"))],
]

# ---- metrics: data as for the losses ----

def metric(class_name, data, only=None, shape=(6, 4), weights=None, kinks=False, **arguments):
    return dict(case(class_name, only, **arguments), data=data, shape=shape, weights=weights,
                kinks=kinks, through=None)


METRICS = [metric(name, data, weights=weights) for weights in (None, "sample") for name, data in [
    ("Accuracy", "equal"), ("BinaryAccuracy", "binary"), ("CategoricalAccuracy", "one_hot"),
    ("SparseCategoricalAccuracy", "labels"), ("TopKCategoricalAccuracy", "one_hot_many"),
    ("SparseTopKCategoricalAccuracy", "labels_many"), ("AUC", "binary"), ("Precision", "binary"),
    ("Recall", "binary"), ("MeanSquaredError", "real"), ("RootMeanSquaredError", "real"),
    ("MeanAbsoluteError", "real"), ("MeanAbsolutePercentageError", "real"),
    ("MeanSquaredLogarithmicError", "positive"), ("CosineSimilarity", "real"), ("Hinge", "sign"),
    ("SquaredHinge", "sign"), ("CategoricalHinge", "one_hot_logits"), ("LogCoshError", "real"),
    ("KLDivergence", "distribution"), ("Poisson", "positive"), ("BinaryCrossentropy", "binary"),
    ("CategoricalCrossentropy", "one_hot"), ("SparseCategoricalCrossentropy", "labels")]]
METRICS += [
    metric("BinaryAccuracy", "binary", threshold=0.25),
    metric("BinaryAccuracy", "binary", threshold=0.25, kinks=True),
    metric("BinaryAccuracy", "binary_column", shape=(6, 1)),
    metric("CategoricalAccuracy", "one_hot", kinks=True),
    metric("CategoricalAccuracy", "one_hot", shape=(2, 5, 3)),
    metric("SparseCategoricalAccuracy", "labels", kinks=True),
    metric("SparseCategoricalAccuracy", "labels_column"),
    metric("SparseCategoricalAccuracy", "labels", shape=(2, 5, 3)),
    metric("TopKCategoricalAccuracy", "one_hot", k=2),
    metric("TopKCategoricalAccuracy", "one_hot", k=2, kinks=True),
    metric("TopKCategoricalAccuracy", "one_hot_many", k=3),
    metric("SparseTopKCategoricalAccuracy", "labels", k=1),
    metric("SparseTopKCategoricalAccuracy", "labels", k=2, kinks=True),
    metric("AUC", "binary_column", shape=(9, 1)), metric("AUC", "binary", kinks=True),
    metric("AUC", "binary", num_thresholds=5), metric("AUC", "binary", curve="PR"),
    metric("AUC", "binary", summation_method="minoring"),
    metric("AUC", "binary", summation_method="majoring", curve="PR"),
    metric("AUC", "binary", thresholds=[0.25, 0.5, 0.625]),
    metric("AUC", "binary_logits", from_logits=True),
    metric("AUC", "binary", multi_label=True, num_labels=4),
    *[metric(name, "binary", **arguments) for name in ("Precision", "Recall") for arguments in
      [{"thresholds": 0.25}, {"thresholds": [0.25, 0.5, 0.75]}, {"top_k": 2}, {"class_id": 1},
       {"top_k": 2, "class_id": 1}, {"kinks": True}]],
    metric("CosineSimilarity", "real", shape=(2, 5, 3), axis=1),
    metric("BinaryCrossentropy", "binary_logits", from_logits=True, label_smoothing=0.1),
    metric("CategoricalCrossentropy", "one_hot_logits", from_logits=True, label_smoothing=0.1),
    metric("SparseCategoricalCrossentropy", "labels_logits", from_logits=True),
    metric("MeanSquaredError", "real", shape=(2, 5, 3), weights="element"),
]

# ---- schedules ----

SCHEDULES = [
    case("ExponentialDecay", initial_learning_rate=0.5, decay_steps=7, decay_rate=0.75),
    case("ExponentialDecay", initial_learning_rate=0.5, decay_steps=7, decay_rate=0.75, staircase=True),
    case("PiecewiseConstantDecay", boundaries=[3, 10, 20], values=[1.0, 0.5, 0.25, 0.125]),
    case("PiecewiseConstantDecay", boundaries=[5], values=[0.1, 0.01]),
    case("PolynomialDecay", initial_learning_rate=0.5, decay_steps=12),
    case("PolynomialDecay", initial_learning_rate=0.5, decay_steps=12, end_learning_rate=0.01, power=0.5),
    case("PolynomialDecay", initial_learning_rate=0.5, decay_steps=7, end_learning_rate=0.1, power=2.0,
         cycle=True),
    case("InverseTimeDecay", initial_learning_rate=0.5, decay_steps=3, decay_rate=0.5),
    case("InverseTimeDecay", initial_learning_rate=0.5, decay_steps=3, decay_rate=0.5, staircase=True),
    case("CosineDecay", initial_learning_rate=0.5, decay_steps=20),
    case("CosineDecay", initial_learning_rate=0.5, decay_steps=20, alpha=0.25),
    case("CosineDecay", initial_learning_rate=0.0, decay_steps=15, warmup_target=0.5, warmup_steps=6),
    case("CosineDecay", initial_learning_rate=0.125, decay_steps=15, alpha=0.1, warmup_target=0.5,
         warmup_steps=6),
    case("CosineDecay", initial_learning_rate=0.5, decay_steps=15, warmup_steps=6),
    case("CosineDecayRestarts", initial_learning_rate=0.5, first_decay_steps=5),
    case("CosineDecayRestarts", initial_learning_rate=0.5, first_decay_steps=6, t_mul=1.0, m_mul=0.5,
         alpha=0.1),
    case("CosineDecayRestarts", initial_learning_rate=0.5, first_decay_steps=3, t_mul=1.5, m_mul=0.75),
]

# ---- regularizers and constraints ----

def tensor(class_name, shape, only=None, activity=False, **arguments):
    return dict(case(class_name, only, **arguments), shape=shape, activity=activity)


REGULARIZERS = [
    tensor(name, shape, activity=activity, **arguments)
    for name, arguments in [("L1", {}), ("L1", {"l1": 0.125}), ("L2", {}), ("L2", {"l2": 0.25}),
                            ("L1L2", {}), ("L1L2", {"l1": 0.125}), ("L1L2", {"l2": 0.25}),
                            ("L1L2", {"l1": 0.01, "l2": 0.02})]
    for shape, activity in [((3, 2, 2, 3), False), ((5,), False), ((4, 3, 2), True)]
] + [tensor("OrthogonalRegularizer", shape, **arguments) for arguments in
     [{}, {"factor": 0.5, "mode": "columns"}] for shape in [(4, 3), (2, 5)]]

CONSTRAINTS = [
    tensor(name, shape, axis=axis, **arguments)
    for name, arguments in [("MaxNorm", {}), ("MaxNorm", {"max_value": 0.75}), ("UnitNorm", {}),
                            ("MinMaxNorm", {}), ("MinMaxNorm", {"min_value": 1.5, "max_value": 2.0}),
                            ("MinMaxNorm", {"min_value": 0.5, "max_value": 1.0, "rate": 0.25})]
    for shape, axis in [((4, 3), 0), ((4, 3), 1), ((3, 2, 3, 4), [0, 1, 2]), ((3, 2, 3, 4), [0, 1]),
                        ((3, 2, 3, 4), 0), ((3, 2, 3, 4), 3), ((3, 2, 3, 4), -1), ((5,), 0)]
] + [tensor("NonNeg", (4, 3)), tensor("NonNeg", (5,)), tensor("MaxNorm", (3, 2, 3, 4)),
     tensor("UnitNorm", (3, 2, 3, 4)), tensor("MinMaxNorm", (3, 2, 3, 4))]
