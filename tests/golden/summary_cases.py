"""Models whose summaries are hard: nested, shared, with several outputs, with arithmetic on tensors. Each function takes
a generation's Keras and gives a model; the names of its layers are set, so that both generations have the same."""


def encoder(k, name="encoder", shape=(8, 8, 3)):
    x = inputs = k.Input(shape, name=f"{name}_in")
    x = k.layers.Conv2D(4, 3, padding="same", name="conv")(x)
    x = k.layers.BatchNormalization(name="bn")(x)
    return k.Model(inputs, k.layers.ReLU(name="relu")(x), name=name)


def two_outputs(k, name="split", shape=(6,)):
    inputs = k.Input(shape, name=f"{name}_in")
    wide = k.layers.Dense(5, name="wide")(inputs)
    return k.Model(inputs, [wide, k.layers.Dense(3, name="narrow")(wide)], name=name)


def siamese(k):
    """A functional model called on two inputs."""
    left, right = k.Input((8, 8, 3), name="left"), k.Input((8, 8, 3), name="right")
    part = encoder(k)
    x = k.layers.Concatenate(name="both")([part(left), part(right)])
    x = k.layers.Flatten(name="flat")(x)
    return k.Model([left, right], k.layers.Dense(2, name="scores")(x), name="siamese")


def chain(k):
    """No branch, so that no connections are shown, though there are models inside."""
    x = inputs = k.Input((8, 8, 3), name="image")
    x = encoder(k)(x)
    x = k.layers.GlobalAveragePooling2D(name="pool")(x)
    head = k.Sequential([k.Input((4,), name="features"), k.layers.Dense(7, name="hidden"),
                         k.layers.Dropout(0.5, name="drop")], name="head")
    return k.Model(inputs, k.layers.Dense(2, name="out")(head(x)), name="chain")


def sequential(k):
    """Sequential in Sequential, the inner one last, and a functional model between."""
    return k.Sequential([
        k.Input((8, 8, 3), name="image"), encoder(k), k.layers.Flatten(name="flat"),
        k.Sequential([k.Input((256,), name="flat_in"), k.layers.Dense(3, name="a"), k.layers.Dense(2, name="b")],
                     name="tail")], name="outer")


def several_outputs(k):
    """A model with two outputs, called twice; one of the second call's is not used."""
    left, right = k.Input((6,), name="left"), k.Input((6,), name="right")
    part = two_outputs(k)
    wide, narrow = part(left)
    other, _ = part(right)
    total = k.layers.Add(name="total")([wide, other])
    return k.Model([left, right], [k.layers.Dense(1, name="one")(total), narrow], name="several_outputs")


def second_output(k):
    """A chain through the second output of a model."""
    inputs = k.Input((6,), name="x")
    _, narrow = two_outputs(k)(inputs)
    return k.Model(inputs, k.layers.Dense(1, name="one")(narrow), name="second_output")


def deep(k):
    """Models three levels down, the last of one level ending another."""
    x = inputs = k.Input((8, 8, 3), name="level_two_in")
    x = encoder(k, "level_three")(x)
    two = k.Model(inputs, x, name="level_two")
    x = inputs = k.Input((8, 8, 3), name="level_one_in")
    x = k.layers.Conv2D(3, 1, name="mix")(x)
    x = two(x)
    one = k.Model(inputs, x, name="level_one")
    left, right = k.Input((8, 8, 3), name="left"), k.Input((8, 8, 3), name="right")
    x = k.layers.Add(name="sum")([one(left), one(right)])
    return k.Model([left, right], x, name="deep")


def unknown_sizes(k):
    """A nested model without sizes, called on an input that has some."""
    inputs = k.Input((16, 16, 3), name="image")
    part = encoder(k, "anywhere", (None, None, 3))
    x = part(inputs)
    y = k.layers.Conv2D(4, 1, name="direct")(inputs)
    return k.Model(inputs, k.layers.Add(name="sum")([x, y]), name="unknown_sizes")


def frozen(k):
    """A frozen model, and one with a frozen layer, in a model that learns."""
    inputs = k.Input((8, 8, 3), name="image")
    first, second = encoder(k, "still"), encoder(k, "half")
    first.trainable = False
    second.get_layer("conv").trainable = False
    x = k.layers.Add(name="sum")([first(inputs), second(inputs)])
    return k.Model(inputs, k.layers.Conv2D(2, 1, name="out")(x), name="frozen")


def long_names(k):
    """Names that are wider than their column, at two depths."""
    left, right = k.Input((8, 8, 3), name="the_image_on_the_left_hand_side"), k.Input((8, 8, 3), name="right")
    x = k.Input((8, 8, 3), name="an_input_with_a_name_longer_than_most")
    y = k.layers.Conv2D(4, 3, name="a_convolution_with_a_name_longer_than_most")(x)
    part = k.Model(x, [y, k.layers.Flatten(name="a_flatten_with_a_name_longer_than_most")(y)],
                   name="a_model_with_a_name_that_is_longer_than_any_other")
    (a, _), (_, b) = part(left), part(right)
    return k.Model([left, right], [a, b], name="a_rather_long_name_for_a_rather_small_model")


def arithmetic(k):
    """Arithmetic written on tensors and constants."""
    left, right = k.Input((6,), name="left"), k.Input((6,), name="right")
    x = left * right + 1.0
    x = k.layers.Dense(6, name="dense")(x)
    return k.Model([left, right], (x - left) / 2.0, name="arithmetic")


def arithmetic_inside(k):
    """The same in a nested model, where Keras 3 does not list what is no layer."""
    a = k.Input((6,), name="a")
    part = k.Model(a, k.layers.Dense(4, name="dense")(a * 2.0) + 1.0, name="part")
    left, right = k.Input((6,), name="left"), k.Input((6,), name="right")
    return k.Model([left, right], part(left) * part(right), name="arithmetic_inside")


def normalised(k):
    """Normalization counts its samples in an int64, which the sizes show."""
    inputs = k.Input((5, 3), name="x")
    x = k.layers.Normalization(name="normal")(inputs)
    return k.Model(inputs, k.layers.Rescaling(0.5, name="half")(x), name="normalised")


def late_inputs(k):
    """Outputs of several depths that meet the inputs in another order than that of the file; one of them is an input."""
    used, side = k.Input((9, 3), name="used"), k.Input((5,), name="side")
    x = k.layers.Conv1D(4, 3, name="inner")(used)
    y = k.layers.Activation("relu", name="end")(x)
    return k.Model([used, side], [y, x, y, used, k.layers.Dense(2, name="side_dense")(side)], name="late_inputs")


def fixed_batch(k):
    inputs = k.Input(batch_shape=(3, 10, 6), name="windows")
    x = k.layers.Flatten(name="flat")(k.layers.Conv1D(4, 3, name="conv")(inputs))
    return k.Model(inputs, k.layers.Dense(2, name="dense")(x), name="fixed_batch")


CASES = [siamese, chain, sequential, several_outputs, second_output, deep, unknown_sizes, frozen, long_names, normalised,
         arithmetic, arithmetic_inside, late_inputs, fixed_batch]
