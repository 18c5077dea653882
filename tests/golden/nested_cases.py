"""The models of make_nested.py, written once for both generations: k is tf_keras or keras."""


def encoder(k):
    """A model with two outputs and statistics, called twice; a Sequential called twice on one of them."""
    layers = k.layers
    picture = k.Input((6, 5, 3), name="picture")
    x = layers.BatchNormalization(name="norm")(layers.Conv2D(4, 3, name="conv")(picture))
    two = k.Model(picture, [layers.ReLU(name="kept")(x), layers.Conv2D(2, 1, name="other")(x)], name="encoder")
    head = k.Sequential([k.Input((4, 3, 2)), layers.Conv2D(3, 1), layers.BatchNormalization(), layers.Flatten(),
                         layers.Dense(3)], name="head")
    a, b = k.Input((6, 5, 3), name="a"), k.Input((6, 5, 3), name="b")
    (_, left), (right, last) = two(a), two(b)
    left, last = head(left), head(last)
    return k.Model([a, b], [layers.Add(name="sum")([left, last]), right, left], name="outer")


def deep(k):
    """Three levels, models in Sequentials and Sequentials in models, statistics at each level."""
    layers = k.layers
    block = k.Sequential([layers.Conv2D(3, 1), layers.BatchNormalization()], name="block")
    x = k.Input((4, 4, 3))
    middle = k.Model(x, layers.BatchNormalization()(block(layers.Conv2D(3, 1)(x))), name="middle")
    return k.Sequential([k.Input((4, 4, 3)), layers.ZeroPadding2D(0), middle, layers.Conv2D(2, 1),
                         layers.BatchNormalization()], name="deep")


def transfer(k):
    """A frozen model, then layers of one's own, as everybody fine-tunes."""
    layers = k.layers
    x = k.Input((5, 5, 2))
    y = layers.BatchNormalization()(layers.Conv2D(3, 2, use_bias=False)(x))
    base = k.Model(x, layers.Activation("relu")(y), name="base")
    base.trainable = False
    return k.Sequential([base, layers.GlobalAveragePooling2D(), layers.Dense(2, activation="softmax")], name="transfer")


def partly_frozen(k):
    """A nested model of which some layers train: those come first in a legacy file."""
    layers = k.layers
    x = k.Input((5, 5, 2))
    y = layers.BatchNormalization(name="n1")(layers.Conv2D(3, 1, name="c1")(x))
    y = layers.BatchNormalization(name="n2")(layers.Conv2D(3, 1, name="c2")(y))
    base = k.Model(x, y, name="base")
    base.get_layer("c1").trainable = False
    base.get_layer("n1").trainable = False
    z = k.Input((5, 5, 2))
    return k.Model(z, layers.Conv2D(1, 2)(base(z)), name="partly_frozen")


def dicts(k):
    """A model whose inputs and outputs have names, called on a dict and in inference mode."""
    layers = k.layers
    inputs = {"p": k.Input((4,), name="x1"), "q": k.Input((4,), name="x2")}
    outputs = {"s": layers.Add()([inputs["p"], layers.Dense(4, name="turn")(inputs["q"])]),
               "d": layers.Dense(2, name="less")(inputs["q"])}
    inner = k.Model(inputs, outputs, name="inner")
    a, b = k.Input((4,), name="a"), k.Input((4,), name="b")
    first = inner({"q": a, "p": b}, training=False)
    return k.Model([a, b], [first["s"], first["d"]], name="dicts")


def by_name(k):
    """A model with a list of inputs, called on a dict with their names."""
    layers = k.layers
    p, q = k.Input((4,), name="z_first"), k.Input((4,), name="a_second")
    inner = k.Model([p, q], layers.Add()([layers.Dense(4)(p), q]), name="inner")
    a, b = k.Input((4,), name="a"), k.Input((4,), name="b")
    return k.Model([a, b], inner({"a_second": b, "z_first": a}), name="by_name")


def shared(k):
    """A layer that stands in a nested model and beside it."""
    layers = k.layers
    x = k.Input((4,))
    both = layers.Dense(4, name="both")
    inner = k.Model(x, both(x), name="inner")
    y = k.Input((4,), name="y")
    return k.Model(y, layers.Dense(2, name="last")(both(inner(y))), name="shared")


def same_names(k):
    """Two nested models whose layers have the same names, in one that has the name of one of them."""
    layers = k.layers

    def part(name, filters):
        x = k.Input((4, 4, 2), name="in")
        return k.Model(x, layers.BatchNormalization(name="norm")(layers.Conv2D(filters, 1, name="conv")(x)), name=name)
    first, second = part("one", 2), part("two", 3)
    z = k.Input((4, 4, 2), name="in")
    return k.Model(z, second(first(z)), name="one")


def compiled(k):
    """Trained for a step, so that the file has an optimizer's state of the weights in a nested model."""
    layers = k.layers
    x = k.Input((4, 4, 2))
    inner = k.Model(x, layers.BatchNormalization(name="norm")(layers.Conv2D(3, 2, name="conv")(x)), name="inner")
    model = k.Sequential([k.Input((4, 4, 2)), inner, layers.Flatten(), layers.Dense(2, name="last")], name="compiled")
    model.compile(optimizer=k.optimizers.Adam(0.01), loss="mse", metrics=["mae"])
    return model


def distributed(k):
    """A model of branches on every step, with another one on every step of its own."""
    layers = k.layers
    row = k.Sequential([k.Input((4, 2)), layers.Conv1D(3, 2, name="conv"), layers.BatchNormalization(name="norm"),
                        layers.Flatten(name="flat")], name="row")
    frame = k.Input((3, 4, 2), name="frame")
    x = layers.TimeDistributed(row, name="rows")(frame)
    y = layers.TimeDistributed(layers.Dense(9, name="inner"), name="steps")(x)
    x = layers.Concatenate(name="join")([layers.Add(name="sum")([x, y]), x])
    each = k.Model(frame, layers.GlobalMaxPooling1D(name="max")(x), name="each")
    clip = k.Input((2, 3, 4, 2), name="clip")
    return k.Model(clip, layers.TimeDistributed(each, name="frames")(clip), name="distributed")


def open_steps(k):
    """A Sequential without an Input on every step of inputs of any number of steps, called twice."""
    layers = k.layers
    each = k.Sequential([layers.Conv2D(3, 3), layers.BatchNormalization(), layers.ReLU(), layers.Flatten()],
                        name="each")
    frames = layers.TimeDistributed(each, name="frames")
    a, b = k.Input((None, 5, 4, 2), name="a"), k.Input((None, 5, 4, 2), name="b")
    x = layers.Concatenate(axis=1, name="join")([frames(a), frames(b)])
    return k.Model([a, b], layers.GlobalAveragePooling1D(name="mean")(x), name="open_steps")


def masked_steps(k):
    """Steps that do not count, before and behind a model on every step; words that do not, within one."""
    layers = k.layers
    x = k.Input((3, 4), name="x")
    each = k.Sequential([k.Input((4,)), layers.Dense(5, activation="tanh"), layers.ReLU()], name="each")
    y = layers.TimeDistributed(each, name="steps")(layers.Masking(0.5, name="mask")(x))
    words = k.Input((4,), name="words")
    z = layers.Embedding(6, 3, mask_zero=True, name="embedding")(words)
    line = k.Model(words, layers.GlobalAveragePooling1D(name="mean")(z), name="line")
    text = k.Input((3, 4), name="text")
    z = layers.TimeDistributed(line, name="lines")(text)
    return k.Model([x, text], [layers.GlobalAveragePooling1D(name="all")(y), z], name="masked_steps")


CASES = [encoder, deep, transfer, partly_frozen, dicts, by_name, shared, same_names, compiled, distributed, open_steps,
         masked_steps]
IN_PARTS = {"encoder", "partly_frozen", "distributed"}  # stored as configuration and weights apart, too
