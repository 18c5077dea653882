"""Random single layers for compare.py: every argument of the 17 layers, on sizes that fit them.

draw(rng, generation) returns the class name, the arguments and an input shape with the batch. Sizes
are small and mostly legal; what Keras itself refuses is drawn again by the caller.
"""
ACTIVATIONS = {
    2: ["linear", "elu", "softmax", "selu", "softplus", "softsign", "relu", "tanh", "sigmoid",
        "hard_sigmoid", "exponential", "swish", "gelu", "mish"],
    3: ["linear", "elu", "softmax", "selu", "softplus", "softsign", "relu", "tanh", "sigmoid",
        "hard_sigmoid", "exponential", "silu", "gelu", "mish", "relu6", "leaky_relu", "log_softmax"],
}
REGULARIZERS = [None, "l1", "l2", "L1L2"]
CONSTRAINTS = [None, "max_norm", "non_neg", "unit_norm", "min_max_norm"]
INITIALIZERS = ["glorot_uniform", "he_normal", "lecun_uniform", "orthogonal", "random_normal",
                "truncated_normal", "variance_scaling", "ones"]


def pick(rng, values):
    return values[int(rng.integers(len(values)))]


def chance(rng, probability):
    return bool(rng.random() < probability)


def integers(rng, rank, low, high):
    """One integer in [low, high] for all axes, or one an axis."""
    if rank == 1 or chance(rng, 0.5):
        return int(rng.integers(low, high + 1))
    return tuple(int(value) for value in rng.integers(low, high + 1, rank))


def each_axis(value, rank):
    return (value,) * rank if isinstance(value, int) else tuple(value)


def rank_of(class_name):
    return next(int(letter) for letter in class_name if letter.isdigit())


def strides_and_dilation(rng, rank):
    if chance(rng, 0.3):
        return {"dilation_rate": integers(rng, rank, 1, 3)}
    return {"strides": integers(rng, rank, 1, 4)} if chance(rng, 0.8) else {}


def bias_and_activation(rng, generation, weights):
    """The arguments that every layer with weights shares; they leave the geometry alone."""
    arguments = {"use_bias": chance(rng, 0.7), "activation": pick(rng, ACTIVATIONS[generation])}
    if chance(rng, 0.3):
        arguments["activity_regularizer"] = pick(rng, REGULARIZERS)
        for name in [*weights, "bias"]:
            arguments[f"{name}_initializer"] = pick(rng, INITIALIZERS if name != "bias" else
                                                    ["zeros", "ones", "random_uniform"])
            arguments[f"{name}_regularizer"] = pick(rng, REGULARIZERS)
            arguments[f"{name}_constraint"] = pick(rng, CONSTRAINTS)
    return arguments


def sizes_for(rng, rank, kernel_size, dilation, padding):
    """Spatial sizes: at least the effective kernel for 'valid', else anything from 1."""
    largest = {1: 24, 2: 11, 3: 6}[rank]
    sizes = []
    for kernel, step in zip(each_axis(kernel_size, rank), each_axis(dilation, rank)):
        low = (kernel - 1) * step + 1 if padding == "valid" else 1
        sizes.append(int(rng.integers(low, low + largest)))
    return sizes


def draw_conv(rng, generation, class_name):
    rank = rank_of(class_name)
    groups = pick(rng, [1, 1, 1, 2, 3])
    channels = groups * int(rng.integers(1, 5))
    arguments = {"filters": groups * int(rng.integers(1, 6)), "groups": groups,
                 "kernel_size": integers(rng, rank, 1, {1: 7, 2: 5, 3: 3}[rank]),
                 "padding": pick(rng, ["valid", "same"] + ["causal"] * (rank == 1)),
                 **strides_and_dilation(rng, rank),
                 **bias_and_activation(rng, generation, ["kernel"])}
    return arguments, channels


def draw_depthwise(rng, generation, class_name):
    rank = rank_of(class_name)
    arguments = {"kernel_size": integers(rng, rank, 1, 5),
                 "padding": pick(rng, ["valid", "same"]),
                 "depth_multiplier": int(rng.integers(1, 4)), **strides_and_dilation(rng, rank)}
    if class_name.startswith("Separable"):
        arguments["filters"] = int(rng.integers(1, 9))
        weights = ["depthwise", "pointwise"]
        if generation == 2 and rank == 1 and chance(rng, 0.3):
            arguments["padding"] = "causal"
    else:
        weights = ["depthwise"]
    return {**arguments, **bias_and_activation(rng, generation, weights)}, int(rng.integers(1, 6))


def draw_transposed(rng, generation, class_name):
    rank = rank_of(class_name)
    arguments = {"filters": int(rng.integers(1, 6)),
                 "kernel_size": integers(rng, rank, 1, 5 if rank == 2 else 3),
                 "strides": integers(rng, rank, 1, 4 if rank == 2 else 3),
                 "padding": pick(rng, ["valid", "same"]),
                 **bias_and_activation(rng, generation, ["kernel"])}
    if chance(rng, 0.4):
        strides = each_axis(arguments["strides"], rank)
        arguments["output_padding"] = tuple(int(rng.integers(0, stride)) for stride in strides)
    elif generation == 2 and rank == 2 and chance(rng, 0.2):
        arguments.update(strides=1, dilation_rate=int(rng.integers(2, 4)))
    return arguments, int(rng.integers(1, 6))


def amounts(rng, rank, high):
    """An int, one an axis, or a pair an axis: the forms of cropping and padding."""
    form = int(rng.integers(3))
    if form == 0 or rank == 1 and form == 1:
        return int(rng.integers(0, high + 1))
    if form == 1:
        return tuple(int(value) for value in rng.integers(0, high + 1, rank))
    pairs = tuple(tuple(int(value) for value in pair) for pair in rng.integers(0, high + 1, (rank, 2)))
    return pairs[0] if rank == 1 else pairs


def draw_window(rng, generation, class_name):
    rank = rank_of(class_name)
    if class_name.startswith("Cropping"):
        return {"cropping": amounts(rng, rank, 3)}, int(rng.integers(1, 8))
    if class_name.startswith("ZeroPadding"):
        return {"padding": amounts(rng, rank, 4)}, int(rng.integers(1, 8))
    arguments = {"size": integers(rng, rank, 1, 5 if rank < 3 else 3)}
    if rank == 2:
        arguments["interpolation"] = pick(rng, ["nearest", "bilinear"])
    return arguments, int(rng.integers(1, 8))


FAMILIES = {
    draw_conv: ["Conv1D", "Conv2D", "Conv3D"],
    draw_depthwise: ["SeparableConv1D", "SeparableConv2D", "DepthwiseConv2D"],
    draw_transposed: ["Conv2DTranspose", "Conv3DTranspose"],
    draw_window: [f"{kind}{rank}D" for kind in ("Cropping", "UpSampling", "ZeroPadding")
                  for rank in (1, 2, 3)],
}
CLASSES = [(name, family) for family, names in FAMILIES.items() for name in names]


def takes_data_format(generation, class_name):
    """The 1D layers that only move data have none (but Keras 3's ZeroPadding1D)."""
    return not (class_name in ("Cropping1D", "UpSampling1D")
                or class_name == "ZeroPadding1D" and generation == 2)


def draw(rng, number, generation):
    """The classes come in turn, so that any 17 neighbours hold each once."""
    class_name, family = CLASSES[number % len(CLASSES)]
    arguments, channels = family(rng, generation, class_name)
    rank = rank_of(class_name)
    if class_name.startswith("Cropping"):
        sizes = [int(value) for value in rng.integers(7, 11, rank)]
    else:
        transposed = class_name.endswith("Transpose")
        sizes = sizes_for(rng, rank, arguments.get("kernel_size", 1) if not transposed else 1,
                          arguments.get("dilation_rate", 1),
                          arguments["padding"] if "kernel_size" in arguments else "same")
        sizes = [min(size, 5) for size in sizes] if transposed else sizes
    shape = [pick(rng, [1, 1, 2, 5]), *sizes, channels]
    if takes_data_format(generation, class_name):
        arguments["data_format"] = pick(rng, ["channels_last", "channels_first"])
        if arguments["data_format"] == "channels_first":
            shape = [shape[0], channels, *sizes]
    return class_name, arguments, shape
