"""Networks whose graphs are unusual, for network_compare.py: nested, shared, with many ends. k is tf_keras or keras.

Each builder returns a model of few weights.
"""
from network_zoo import norm_relu, ops_of


def triplet(k):
    """One nested encoder, called three times; distances by operations, embeddings of length 1."""
    layers, ops = k.layers, ops_of(k)
    encoder = k.Sequential([
        k.Input((14, 14, 1)), layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(),
        layers.Conv2D(6, 3, activation="relu", padding="same"), layers.Flatten(), layers.Dense(5),
        layers.UnitNormalization(axis=1)], name="encoder")
    names = ("anchor", "positive", "negative")
    inputs = [k.Input((14, 14, 1), name=name) for name in names]
    anchor, positive, negative = [encoder(x) for x in inputs]
    near = ops.sum(ops.square(anchor - positive), axis=1, keepdims=True)
    far = ops.sum(ops.square(anchor - negative), axis=1, keepdims=True)
    return k.Model(inputs, [ops.maximum(near - far + 0.2, 0.0), layers.concatenate([near, far], name="distances")])


def nested_three_deep(k):
    """A block in a stage in a backbone, each called more than once, with statistics and dropout in the deepest."""
    layers = k.layers
    part = k.Input((None, None, 4))
    y = norm_relu(k, layers.Conv2D(4, 3, padding="same", use_bias=False, name="conv")(part))
    block = k.Model(part, layers.Add(name="sum")([layers.Dropout(0.1)(y), part]), name="block")
    stage = k.Sequential([k.Input((None, None, 4)), block, layers.ReLU(name="between"), block,
                          layers.MaxPooling2D(2, padding="same")], name="stage")
    picture = k.Input((None, None, 3))
    x = layers.Conv2D(4, 1, name="stem")(picture)
    backbone = k.Model(picture, [stage(x), stage(stage(x))], name="backbone")
    a, b = k.Input((16, 12, 3), name="a"), k.Input((9, 7, 3), name="b")
    fine, coarse = backbone(a)
    other = backbone(b)[1]
    pooled = [layers.GlobalAveragePooling2D()(x) for x in (fine, coarse, other)]
    return k.Model([a, b], [layers.Dense(2)(layers.concatenate(pooled)), coarse])


def variational(k):
    """A VAE's encoder and decoder; the noise is an input."""
    layers, ops = k.layers, ops_of(k)
    picture = k.Input((12, 12, 1), name="picture")
    x = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(picture)
    x = layers.Dense(8, activation="relu")(layers.Flatten()(layers.Conv2D(6, 3, strides=2, padding="same")(x)))
    encoder = k.Model(picture, [layers.Dense(3, name="z_mean")(x), layers.Dense(3, name="z_log_var")(x)],
                      name="encoder")
    latent = k.Input((3,), name="latent")
    x = layers.Reshape((3, 3, 6))(layers.Dense(54, activation="relu")(latent))
    for filters in (6, 4):
        x = layers.Conv2DTranspose(filters, 3, strides=2, padding="same", activation="relu")(x)
    decoder = k.Model(latent, layers.Conv2DTranspose(1, 3, padding="same", activation="sigmoid")(x), name="decoder")
    inputs, noise = k.Input((12, 12, 1), name="x"), k.Input((3,), name="epsilon")
    mean, variance = encoder(inputs)
    z = mean + ops.exp(0.5 * variance) * noise
    return k.Model([inputs, noise], [decoder(z), mean, variance], name="vae")


def named_ends(k):
    """Inputs and outputs by name in dicts, of ranks 1, 2 and 3; one head is not used by another."""
    layers = k.layers
    inputs = {"title": k.Input((10,), name="title", dtype="int32"), "picture": k.Input((8, 8, 1), name="picture"),
              "tags": k.Input((4,), name="tags"), "age": k.Input((1,), name="age")}
    words = layers.GlobalAveragePooling1D()(layers.Embedding(20, 4)(inputs["title"]))
    seen = layers.Flatten()(layers.Conv2D(2, 3, strides=2)(inputs["picture"]))
    x = layers.concatenate([words, seen, inputs["tags"], inputs["age"]])
    outputs = {"priority": layers.Dense(1, name="priority")(x), "kind": layers.Dense(3, name="kind")(x),
               "aux": layers.Dense(2, activation="softmax", name="aux")(words)}
    return k.Model(inputs, outputs)


def odd_ends(k):
    """Outputs that are an input, an inner tensor, the same tensor twice; a branch that nothing uses."""
    layers = k.layers
    inputs = [k.Input((9, 3), name="used"), k.Input((5,), name="side")]
    x = layers.Conv1D(4, 3, name="inner")(inputs[0])
    layers.Dense(7, name="nobody")(x)
    y = layers.Activation("relu", name="end")(x)
    z = layers.Dense(2, name="side_dense")(inputs[1])
    return k.Model(inputs, [y, x, y, inputs[0], z])


def half_used(k):
    """Of a nested model's outputs only one is used."""
    layers = k.layers
    part = k.Input((8, 8, 2))
    x = layers.Conv2D(3, 3, padding="same", name="conv")(part)
    inner = k.Model(part, [layers.Flatten(name="flat")(x), layers.GlobalMaxPooling2D(name="most")(x), x],
                    name="inner")
    inputs = k.Input((8, 8, 2))
    flat = inner(inputs)[0]
    most = inner(layers.AveragePooling2D(1)(inputs))[1]
    return k.Model(inputs, layers.Dense(2)(layers.concatenate([flat, most])))


def cut_short(k):
    """Feature extraction: a model of inner tensors of another, then a head on it."""
    layers = k.layers
    base = k.Sequential([
        k.Input((20, 20, 3)), layers.Conv2D(4, 3, activation="relu", name="block1"),
        layers.MaxPooling2D(name="pool1"), layers.BatchNormalization(name="norm1"),
        layers.Conv2D(6, 3, activation="relu", name="block2"), layers.Flatten(), layers.Dense(10)], name="base")
    base.trainable = False
    cut = k.Model(base.inputs, [base.get_layer("norm1").output, base.get_layer("block2").output], name="cut")
    inputs = k.Input((20, 20, 3))
    a, b = cut(inputs)
    x = layers.concatenate([layers.GlobalAveragePooling2D()(a), layers.GlobalMaxPooling2D()(b)])
    return k.Model(inputs, layers.Dense(2, activation="softmax")(x))


def all_layers(k):
    """Every layer of a Sequential as an output, as pictures of activations are made."""
    layers = k.layers
    base = k.Sequential([
        k.Input((10, 10, 2), name="first"), layers.Conv2D(3, 3), layers.LeakyReLU(), layers.MaxPooling2D(),
        layers.Dropout(0.3), layers.Flatten(), layers.Dense(3), layers.Softmax()])
    return k.Model(base.inputs, [layer.output for layer in base.layers if "input" not in type(layer).__name__.lower()])


def sequence_of_models(k):
    """Sequentials in a Sequential, the first without an Input, built by its first call."""
    layers = k.layers
    body = k.Sequential([layers.Conv2D(4, 3, padding="same"), layers.BatchNormalization(),
                         layers.Activation(k.activations.relu)], name="body")
    head = k.Sequential([layers.GlobalAveragePooling2D(), k.Sequential([layers.Dense(4), layers.ReLU(6.0)],
                                                                      name="deep"), layers.Dense(2)], name="head")
    model = k.Sequential([body, layers.MaxPooling2D(), head], name="whole")
    model.build((None, 10, 12, 3))
    model.compute_output_shape((None, 10, 12, 3))
    return model if model.built and getattr(model, "inputs", None) else k.Sequential(
        [k.Input((10, 12, 3)), body, layers.MaxPooling2D(), head], name="whole")


def pyramid(k):
    """RetinaNet: one head at several sizes, Reshape((-1, n)), concatenated over anchors; lateral sums."""
    layers = k.layers
    inputs = k.Input((32, 32, 3), name="image")
    x, levels = inputs, []
    for filters in (4, 6, 8):
        x = norm_relu(k, layers.Conv2D(filters, 3, strides=2, padding="same")(x))
        levels.append(x)
    tops = [layers.Conv2D(6, 1)(level) for level in levels]
    for i in (1, 0):
        tops[i] = layers.Add()([tops[i], layers.UpSampling2D(2, interpolation="nearest")(tops[i + 1])])
    tower = [layers.Conv2D(6, 3, padding="same", activation="relu", name=f"tower{i}") for i in range(2)]
    boxes, classes = layers.Conv2D(8, 3, padding="same", name="boxes"), layers.Conv2D(6, 3, padding="same", name="cls")
    found = []
    for top in tops:
        y = tower[1](tower[0](top))
        found.append(layers.Concatenate(axis=-1)([layers.Reshape((-1, 4))(boxes(y)),
                                                  layers.Activation("sigmoid")(layers.Reshape((-1, 3))(classes(y)))]))
    return k.Model(inputs, layers.Concatenate(axis=1)(found))


def fixed_batch(k):
    """A batch that the file fixes."""
    layers = k.layers
    inputs = k.Input(batch_shape=(3, 10, 6), name="windows")
    x = layers.Conv1D(4, 3, activation="relu")(inputs)
    return k.Model(inputs, layers.Dense(2)(layers.Flatten()(x)))


def bytes_in(k):
    """Pictures of bytes."""
    layers = k.layers
    inputs = k.Input((16, 16, 3), dtype="uint8")
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    x = layers.Conv2D(4, 3, activation="relu")(x)
    return k.Model(inputs, layers.Dense(2)(layers.GlobalMaxPooling2D()(x)))


def no_time(k):
    """From a vector to series and back: RepeatVector, Conv1DTranspose, Reshape, Dense on several axes."""
    layers = k.layers
    inputs = k.Input((7,))
    x = layers.Dense(10, activation="softsign")(inputs)
    a = layers.Conv1D(4, 3, padding="same", activation="softplus")(layers.RepeatVector(6)(x))
    b = layers.Conv1DTranspose(4, 4, strides=3, padding="valid", activation="exponential")(layers.Reshape((2, 5))(x))
    b = layers.Cropping1D((1, 0))(b)
    c = layers.Dense(4, activation="hard_sigmoid")(layers.Reshape((6, 1))(inputs[:, 1:]))
    x = layers.Average()([a, b, c])
    d = layers.Dense(3)(layers.Reshape((2, 3, 2, 2))(x))
    return k.Model(inputs, [x, d, layers.Dense(2)(layers.Flatten()(d))])


def video_frames(k):
    """Every frame by a residual network of images, then convolutions over time; frames without an Input."""
    layers = k.layers
    x = frame = k.Input((12, 12, 3))
    x = norm_relu(k, layers.Conv2D(6, 3, padding="same", use_bias=False)(x))
    y = norm_relu(k, layers.SeparableConv2D(6, 3, padding="same", use_bias=False)(x))
    x = layers.MaxPooling2D()(layers.add([x, layers.BatchNormalization()(layers.Conv2D(6, 1)(y))]))
    frames = k.Model(frame, layers.GlobalAveragePooling2D()(x), name="frames")
    head = k.Sequential([layers.Dense(6, activation="relu"), layers.LayerNormalization()], name="head")
    inputs = k.Input((None, 12, 12, 3))
    x = layers.TimeDistributed(head)(layers.TimeDistributed(frames)(inputs))
    x = layers.Conv1D(8, 3, padding="same", activation="relu")(x)
    return k.Model(inputs, layers.Dense(2)(layers.GlobalMaxPooling1D()(x)))


def lines_of_text(k):
    """Sentences of words, each by one network of words: models on every step of models on every step."""
    layers = k.layers
    word = k.Sequential([k.Input((5, 4)), layers.Conv1D(6, 3, activation="relu"), layers.BatchNormalization(),
                         layers.GlobalMaxPooling1D()], name="word")
    sentence = k.Input((4, 5, 4))
    x = layers.TimeDistributed(word, name="words")(sentence)
    x = layers.concatenate([x, layers.TimeDistributed(layers.Dense(3), name="each")(x)])
    sentence = k.Model(sentence, layers.GlobalAveragePooling1D()(layers.Conv1D(7, 2)(x)), name="sentence")
    inputs = k.Input((3, 4, 5, 4))
    x = layers.TimeDistributed(sentence, name="sentences")(inputs)
    return k.Model(inputs, layers.TimeDistributed(layers.Dense(2, activation="softmax"), name="classes")(x))


GRAPHS = [triplet, nested_three_deep, variational, named_ends, odd_ends, half_used, cut_short, all_layers,
          sequence_of_models, pyramid, fixed_batch, bytes_in, no_time, video_frames, lines_of_text]
