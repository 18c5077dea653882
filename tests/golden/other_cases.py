"""The cases of the layers that stand beside the 17 in models: one table a layer.

The same rows as in layer_cases.py; `shape` is a list of shapes for a layer of several inputs, and
both generations run every row unless it says only=.
"""
from layer_cases import case
from noise_cases import NOISE_LAYERS

DENSE = [
    case((5, 7), units=3), case((1, 1), units=5), case((2, 13), units=11),
    case((2, 3, 5), units=7), case((1, 5, 1), units=2), case((1, 3, 2, 5), units=4),
    case((2, 2, 3, 3), units=1), case((5, 17), units=10, activation="softmax"),
]
FLATTEN = [
    case((2, 3, 5, 7), data_format="channels_last"), case((2, 3, 5, 7), data_format="channels_first"),
    case((5, 3, 4), data_format="channels_first"), case((1, 2, 3, 2, 5), data_format="channels_first"),
    case((3, 7)), case((1, 2, 3, 2, 5)),
]
RESHAPE = [
    case((2, 12), target_shape=(3, 4)), case((2, 12), target_shape=(-1, 2)),
    case((5, 3, 4), target_shape=(12,)), case((1, 3, 4, 5), target_shape=(-1,)),
    case((1, 3, 4, 5), target_shape=(5, -1, 2)), case((2, 7), target_shape=(7, 1, 1)),
]
ACTIVATION_2 = ["elu", "softmax", "selu", "softplus", "softsign", "relu", "tanh", "sigmoid",
                "hard_sigmoid", "exponential", "linear", "swish", "gelu", "mish"]
ACTIVATION_3 = ["elu", "softmax", "selu", "softplus", "softsign", "relu", "tanh", "sigmoid",
                "hard_sigmoid", "exponential", "linear", "silu", "gelu", "mish", "relu6",
                "leaky_relu", "log_softmax", "celu", "hard_silu", "hard_tanh", "hard_shrink",
                "soft_shrink", "tanh_shrink", "log_sigmoid", "squareplus", "sparse_plus",
                "sparse_sigmoid", "sparsemax"]
ACTIVATION = ([case((2, 3, 5, 7), only=2, activation=name) for name in ACTIVATION_2]
              + [case((2, 3, 5, 7), only=3, activation=name) for name in ACTIVATION_3])
RELU = [
    case((2, 5, 7)), case((2, 5, 7), max_value=1.0), case((2, 5, 7), negative_slope=0.25),
    case((2, 5, 7), threshold=0.5), case((2, 5, 7), max_value=1.5, negative_slope=0.1, threshold=0.25),
    case((3, 3, 5, 2), max_value=6.0, threshold=1.0),
]
LEAKYRELU = (
    [case(shape, only=2, alpha=slope) for shape, slope in
     [((2, 5, 7), 0.3), ((3, 11), 0.01), ((1, 3, 5, 2), 0.0), ((2, 3, 3, 1), 0.75)]]
    + [case(shape, only=3, negative_slope=slope) for shape, slope in
       [((2, 5, 7), 0.3), ((3, 11), 0.01), ((1, 3, 5, 2), 0.0), ((2, 3, 3, 1), 0.75)]]
    + [case((2, 7, 3))])
SOFTMAX = [
    case((3, 7)), case((2, 3, 5), axis=1), case((2, 3, 5, 4), axis=-1), case((2, 3, 5, 4), axis=1),
    case((2, 3, 5, 4), axis=-2), case((1, 1)),
]
BATCHNORMALIZATION = [
    case((2, 3, 5, 7)), case((2, 3, 5, 7), axis=1), case((2, 3, 5, 7), axis=3, epsilon=0.1),
    case((2, 3, 5, 7), axis=[3], only=2), case((5, 7)), case((3, 5, 3), axis=-1, scale=False),
    case((3, 5, 3), axis=1, center=False), case((2, 5, 3), scale=False, center=False),
    case((1, 2, 3, 2, 5), epsilon=1e-5, momentum=0.9), case((1, 3, 2, 2, 5), axis=1),
]


def pool_cases(rank):
    """Rows for one rank: the leading sizes and arguments of these lists."""
    sizes = [7, 5, 6][:rank] if rank < 3 else [5, 3, 4]

    def per_axis(*values):
        return values[0] if rank == 1 else tuple(values[:rank])

    return [
        case((2, *sizes, 3), pool_size=2),
        case((1, *sizes, 5), pool_size=3, padding="same", strides=1),
        case((5, *sizes, 1), pool_size=per_axis(2, 3, 2), strides=per_axis(1, 2, 3)),
        case((1, *sizes, 3), pool_size=per_axis(3, 2, 4), strides=per_axis(2, 1, 3), padding="same"),
        case((1, *sizes, 3), pool_size=2, strides=3, padding="same"),
        case((2, *sizes, 2), pool_size=1, strides=2),
        case((1, *sizes, 3), pool_size=3, strides=2, padding="valid"),
    ]


GLOBAL_POOL = {1: [case((2, 7, 3)), case((5, 1, 1)), case((1, 11, 5), keepdims=True),
                   case((2, 5, 7), keepdims=True), case((3, 13, 2))],
               2: [case((2, 5, 7, 3)), case((5, 1, 3, 1)), case((1, 5, 3, 5), keepdims=True),
                   case((2, 3, 4, 7), keepdims=True), case((3, 7, 7, 2))],
               3: [case((2, 3, 2, 5, 3)), case((5, 1, 3, 1, 1)), case((1, 2, 3, 4, 5), keepdims=True),
                   case((2, 3, 2, 2, 7), keepdims=True), case((1, 5, 3, 3, 2))]}

DROPOUT = [case((2, 5, 3), rate=0.5), case((3, 7), rate=0.0), case((1, 3, 5, 2), rate=0.9, seed=3),
           case((2, 3, 4), rate=0.25, noise_shape=[None, 1, 4]),
           case((2, 3, 4, 2), rate=0.25, noise_shape=[1, None, 1, 2])]
ADD = [
    case([(2, 5, 3)] * 2), case([(2, 5, 7, 3)] * 3), case([(5, 7)] * 2), case([(1, 2, 3, 2, 5)] * 2),
    case([(2, 5, 3), (2, 1, 3)]), case([(2, 3, 5, 7), (2, 1, 1, 7), (2, 3, 1, 1)]),
]
CONCATENATE = [
    case([(2, 5, 3), (2, 5, 4)]), case([(2, 5, 3), (2, 2, 3)], axis=1),
    case([(1, 3, 5, 2), (1, 3, 5, 1), (1, 3, 5, 4)]), case([(1, 3, 5, 2), (1, 3, 2, 2)], axis=2),
    case([(2, 3, 5, 2), (2, 4, 5, 2), (2, 1, 5, 2)], axis=-3), case([(5, 7), (5, 1)], axis=-1),
]

OTHERS = {
    "Dense": DENSE, "Flatten": FLATTEN, "Reshape": RESHAPE, "Activation": ACTIVATION, "ReLU": RELU,
    "LeakyReLU": LEAKYRELU, "Softmax": SOFTMAX, "BatchNormalization": BATCHNORMALIZATION,
    "Dropout": DROPOUT, "Add": ADD, "Concatenate": CONCATENATE, **NOISE_LAYERS,
}
for rank in (1, 2, 3):
    for kind in ("Max", "Average"):
        OTHERS[f"{kind}Pooling{rank}D"] = pool_cases(rank)
        OTHERS[f"Global{kind}Pooling{rank}D"] = GLOBAL_POOL[rank]
