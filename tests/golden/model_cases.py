"""The models of make_models.py, written once for both generations: k is tf_keras or keras.

Together they hold each of the 17 layers at least once. A builder returns the model; the input sizes
for unknown dims are in SIZES.
"""


def example_layers(k):
    """The example of Keras' documentation of Cropping2D: (None, 28, 28, 3) -> (None, 20, 16, 64)."""
    return [k.layers.Cropping2D(((2, 2), (4, 4))),
            k.layers.Conv2D(64, (3, 3), padding="same"),
            k.layers.Cropping2D(((2, 2), (2, 2)))]


def example_sequential(k):
    return k.Sequential([k.Input((28, 28, 3)), *example_layers(k)])


def example_functional(k):
    x = inputs = k.Input((28, 28, 3))
    for layer in example_layers(k):
        x = layer(x)
    return k.Model(inputs, x)


def classifier(k):
    layers = k.layers
    return k.Sequential([
        layers.InputLayer((11, 13, 3), name="image"),
        layers.Conv2D(6, 3, strides=2, padding="same", use_bias=False),
        layers.BatchNormalization(),
        layers.Activation("relu"),
        layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2),
        layers.SeparableConv2D(5, (2, 3), activation="elu"),
        layers.MaxPooling2D(2, padding="same"),
        layers.Dropout(0.25),
        layers.Flatten(),
        layers.Dense(4, activation="softmax"),
    ], name="classifier")


def late_build(k):
    """A Sequential model without an InputLayer: only build() told it the shape."""
    layers = k.layers
    model = k.Sequential([
        layers.ZeroPadding2D(((1, 2), (0, 3))),
        layers.Conv2D(4, (2, 3), activation="tanh", name="first"),
        layers.UpSampling2D((2, 3), interpolation="bilinear"),
        layers.Cropping2D(((0, 1), (2, 3))),
        layers.AveragePooling2D(3, strides=2, padding="same"),
    ])
    model.build((None, 5, 7, 3))
    return model


def branches(k):
    layers = k.layers
    inputs = k.Input((6, 5, 3), name="image")
    a = layers.Conv2D(4, 3, padding="same", activation="relu", name="left")(inputs)
    b = layers.Conv2D(4, 1, name="right")(inputs)
    joined = layers.Add(name="sum")([a, b])
    c = layers.Conv2DTranspose(3, 3, strides=2, padding="same", name="enlarge")(joined)
    d = layers.UpSampling2D(2, name="repeat")(inputs)
    both = layers.Concatenate(name="join")([c, d])
    return k.Model(inputs, layers.Conv2D(2, 2, groups=2, name="out")(both), name="branches")


def two_in_two_out(k):
    """Two inputs through one shared layer; the outputs have different ranks."""
    layers = k.layers
    left, right = k.Input((5, 7, 2), name="left"), k.Input((5, 7, 2), name="right")
    shared = layers.Conv2D(3, 3, padding="same", activation="sigmoid", name="shared")
    a, b = shared(left), shared(right)
    merged = layers.Concatenate(axis=1, name="stack")([a, b])
    score = layers.Dense(3, name="score")(layers.GlobalMaxPooling2D(name="peak")(merged))
    picture = layers.SeparableConv2D(2, 2, strides=2, depth_multiplier=2, name="picture")(merged)
    return k.Model([left, right], [score, picture], name="two_in_two_out")


def unknown_dims(k):
    layers = k.layers
    inputs = k.Input((None, None, 3), name="any_size")
    x = layers.Conv2D(5, 3, strides=2, padding="same", activation="relu")(inputs)
    x = layers.Conv2DTranspose(4, 2, strides=2)(x)
    x = layers.DepthwiseConv2D(3, padding="same")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return k.Model(inputs, layers.Dense(3)(x))


def unknown_steps(k):
    layers = k.layers
    return k.Sequential([
        k.Input((None, 3)),
        layers.ZeroPadding1D((2, 1)),
        layers.Conv1D(4, 3, dilation_rate=2, padding="causal", activation="softsign"),
        layers.UpSampling1D(3),
        layers.Cropping1D((1, 2)),
        layers.SeparableConv1D(5, 4, strides=3, depth_multiplier=2, activation="softplus"),
    ])


def one_dim(k):
    layers = k.layers
    return k.Sequential([
        k.Input((17, 3)),
        layers.Conv1D(6, 5, strides=2, padding="same", groups=3),
        layers.BatchNormalization(scale=False),
        layers.LeakyReLU(),
        layers.SeparableConv1D(4, 3, padding="same"),
        layers.ZeroPadding1D(1),
        layers.MaxPooling1D(2),
        layers.UpSampling1D(2),
        layers.Cropping1D(1),
        layers.Reshape((-1, 2)),
        layers.Softmax(),
    ])


def three_dim(k):
    layers = k.layers
    return k.Sequential([
        k.Input((4, 5, 3, 2)),
        layers.ZeroPadding3D((1, 0, 1)),
        layers.Conv3D(3, (3, 2, 3), activation="selu"),
        layers.UpSampling3D((1, 2, 2)),
        layers.Cropping3D(((1, 0), (2, 1), (0, 1))),
        layers.Conv3DTranspose(2, 3, strides=(2, 1, 1), padding="same", output_padding=(1, 0, 0)),
        layers.AveragePooling3D(2),
        layers.GlobalAveragePooling3D(keepdims=True),
    ])


def channels_first(k, data_format="channels_first"):
    """make_models.py builds it a second time as channels_last to run it on a CPU."""
    layers, axis = k.layers, 1 if data_format == "channels_first" else -1
    shape = (3, 9, 8) if axis == 1 else (9, 8, 3)
    form = {"data_format": data_format}
    return k.Sequential([
        k.Input(shape),
        layers.ZeroPadding2D(((0, 1), (2, 0)), **form),
        layers.Conv2D(5, 3, strides=2, activation="relu", **form),
        layers.BatchNormalization(axis=axis),
        layers.UpSampling2D((2, 1), **form),
        layers.SeparableConv2D(4, 2, padding="same", **form),
        layers.Conv2DTranspose(3, 3, strides=2, **form),
        layers.DepthwiseConv2D(3, **form),
        layers.Cropping2D(((1, 0), (0, 2)), **form),
        layers.MaxPooling2D(2, **form),
        layers.Flatten(**form),
        layers.Dense(3),
    ])


def channels_first_moves(k):
    """Layers whose channels_first form every TensorFlow runs; the output is channels_first too."""
    layers, form = k.layers, {"data_format": "channels_first"}
    inputs = k.Input((3, 4, 5))
    a = layers.ZeroPadding2D((1, 2), **form)(inputs)
    b = layers.UpSampling2D((2, 2), **form)(inputs)
    b = layers.Cropping2D(((1, 1), (0, 1)), **form)(b)
    return k.Model(inputs, layers.Concatenate(axis=1)([a, b]))


def activations(k):
    """Names whose meaning or spelling the generations do not share."""
    layers = k.layers
    own = ["swish", "gelu"] if k.__name__ == "tf_keras" else ["silu", "gelu", "relu6", "log_softmax"]
    model = [k.Input((3, 4, 2)), layers.Conv2D(4, 2, padding="same", activation="hard_sigmoid"),
             layers.Conv2D(3, 1, activation="softmax"), layers.Activation("hard_sigmoid"),
             layers.ReLU(max_value=0.75, negative_slope=0.5, threshold=0.1)]
    return k.Sequential(model + [layers.Activation(name) for name in own])


def trained(k):
    """Compiled and trained a step, so that the file holds an optimizer, its state, loss and metrics."""
    layers = k.layers
    model = k.Sequential([
        k.Input((6, 6, 1)),
        layers.Conv2D(3, 3, activation="relu", kernel_regularizer=k.regularizers.L2(0.01),
                      kernel_constraint="max_norm"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(2, activation="softmax"),
    ])
    model.compile(optimizer=k.optimizers.Adam(0.01), loss="sparse_categorical_crossentropy",
                  metrics=["accuracy"])
    return model


MODELS = [example_sequential, example_functional, classifier, late_build, branches, two_in_two_out,
          unknown_dims, unknown_steps, one_dim, three_dim, channels_first, channels_first_moves,
          activations, trained]

# What the unknown dims are in the stored example.
SIZES = {"unknown_dims": (2, 7, 9, 3), "unknown_steps": (2, 11, 3)}

# These are stored as configuration and weights apart, too.
IN_PARTS = {"classifier", "branches", "three_dim"}
