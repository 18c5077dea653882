"""The cases of make_gradients.py: the rows of the forward pass, and what only a gradient shows.

training(row) is a row that runs in training mode. at_kinks(row) is one whose input lies on kinks or ties: the
derivative that TensorFlow takes there is part of what training has to copy.
"""
from layer_cases import LAYERS, case
from merge_cases import MERGES, TIED_MERGE
from noise_cases import NOISE_GRADIENTS, NOISE_LAYERS
from other_cases import ACTIVATION_2, ACTIVATION_3, BATCHNORMALIZATION, GLOBAL_POOL, OTHERS

# Where an activation's derivative jumps, by generation. (elu, celu, softsign and sparse_plus only bend.)
KINKS = {
    2: {"relu": [0], "selu": [0], "hard_sigmoid": [-2.5, 2.5]},
    3: {"relu": [0], "selu": [0], "hard_sigmoid": [-3, 3], "relu6": [0, 6], "leaky_relu": [0],
        "hard_silu": [-3, 3], "hard_tanh": [-1, 1], "hard_shrink": [-0.5, 0.5],
        "soft_shrink": [-0.5, 0.5], "sparse_sigmoid": [-1, 1]},
}
# Every kink of this table and of the rows below, and what lies between them.
KINK_VALUES = [-6.5, -3, -2.5, -1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1, 1.5, 2.5, 3, 6, 6.5]


def at_kinks(row):
    return dict(row, kinks=True)


def training(row):
    return dict(row, training=True)


def small(table, sizes=(2, 3, 5)):
    """The rows with a smaller input: an activation needs no more."""
    return [dict(row, shape=sizes) for row in table]


ACTIVATION = small(OTHERS["Activation"]) + [
    at_kinks(case((1, 3, 7), only=generation, activation=name))
    for generation, names in ((2, ACTIVATION_2), (3, ACTIVATION_3)) for name in names
    if name in KINKS[generation] or name in ("elu", "celu", "softsign", "sparse_plus", "sparsemax")]
RELU = OTHERS["ReLU"] + [at_kinks(case((1, 3, 7))), at_kinks(case((1, 3, 7), max_value=1.0)),
                         at_kinks(case((1, 3, 7), negative_slope=0.25)),
                         at_kinks(case((1, 3, 7), max_value=1.5, negative_slope=0.5, threshold=0.25))]
LEAKYRELU = OTHERS["LeakyReLU"] + [at_kinks(case((1, 3, 7)))]
# A maximum over zeros and ones has ties in nearly every window.
TIED_POOL = {1: [case((2, 9, 3), pool_size=3), case((1, 8, 2), pool_size=3, strides=2, padding="same")],
             2: [case((1, 6, 5, 3), pool_size=2),
                 case((1, 5, 6, 2), pool_size=3, strides=2, padding="same")],
             3: [case((1, 4, 3, 4, 2), pool_size=2, strides=1),
                 case((1, 3, 4, 5, 2), pool_size=3, strides=2, padding="same")]}

TABLES = {**LAYERS, **OTHERS, **MERGES, "Activation": ACTIVATION, "ReLU": RELU, "LeakyReLU": LEAKYRELU,
          "BatchNormalization": BATCHNORMALIZATION + [training(row) for row in BATCHNORMALIZATION]}
for name in ("Dropout", *NOISE_LAYERS):
    del TABLES[name]
TABLES.update(NOISE_GRADIENTS)
for rank in (1, 2, 3):
    TABLES[f"MaxPooling{rank}D"] = OTHERS[f"MaxPooling{rank}D"] + [
        at_kinks(row) for row in TIED_POOL[rank]]
    TABLES[f"GlobalMaxPooling{rank}D"] = GLOBAL_POOL[rank] + [at_kinks(GLOBAL_POOL[rank][0]),
                                                             at_kinks(GLOBAL_POOL[rank][3])]
for name in ("Maximum", "Minimum"):
    TABLES[name] = MERGES[name] + [at_kinks(row) for row in TIED_MERGE]
