"""Networks for detection, separation, games and generation, in the manner of published ones, for network_compare.py: k is
tf_keras or keras.

Each builder returns a model of few weights.
"""
from network_zoo import norm_relu, ops_of

FIRST = {"data_format": "channels_first"}


def conv_tas_net(k):
    """Conv-TasNet: depthwise dilated blocks over a learned filterbank, masks for two sources, one shared decoder."""
    layers = k.layers
    mixture = k.Input((None, 1), name="mixture")
    bank = layers.Conv1D(8, 16, strides=8, activation="relu", use_bias=False, name="encoder")(mixture)
    y, skips = layers.Conv1D(6, 1)(layers.LayerNormalization()(bank)), []
    for depth in range(3):
        z = layers.PReLU(shared_axes=[1])(layers.Conv1D(10, 1)(y))
        z = layers.GroupNormalization(groups=1, axis=-1, epsilon=1e-8)(z)
        z = layers.DepthwiseConv1D(3, padding="same", dilation_rate=2 ** depth)(z)
        z = layers.GroupNormalization(groups=1)(layers.PReLU(shared_axes=[1])(z))
        skips.append(layers.Conv1D(6, 1)(z))
        y = layers.Add()([y, layers.Conv1D(6, 1)(z)])
    masks = layers.PReLU(shared_axes=[1])(layers.Add()(skips))
    decoder = layers.Conv1DTranspose(1, 16, strides=8, use_bias=False, name="decoder")
    return k.Model(mixture, [decoder(layers.Multiply()([bank, layers.Conv1D(8, 1, activation="sigmoid")(masks)]))
                             for _ in range(2)], name="conv-tasnet")


def single_shot(k):
    """SSD: normalised and scaled features, anchors of three sizes by Reshape((-1, n)), two concatenations."""
    layers = k.layers
    inputs = k.Input((40, 40, 3))
    x = layers.Conv2D(6, 3, padding="same", activation="relu")(layers.MaxPooling2D(2)(inputs))
    fine = layers.UnitNormalization(axis=-1, name="conv4_3_norm")(x) * 20.0
    middle = layers.Conv2D(8, 3, dilation_rate=6, padding="same", activation="relu")(layers.MaxPooling2D(2)(x))
    coarse = layers.Conv2D(8, 3, strides=2, activation="relu")(layers.ZeroPadding2D(((1, 1), (1, 1)))(middle))
    found = []
    for level, anchors in ((fine, 2), (middle, 3), (coarse, 2)):
        found.append([layers.Reshape((-1, 4))(layers.Conv2D(anchors * 4, 3, padding="same")(level)) for _ in range(2)])
    classes = layers.Activation("softmax")(layers.Concatenate(axis=1)([pair[0] for pair in found]))
    return k.Model(inputs, layers.Concatenate(axis=2)([classes, layers.Concatenate(axis=1)([p[1] for p in found])]))


def yolo_tiny(k):
    """YOLOv3-tiny: padding above and left, a pool of strides 1, two outputs of open sizes."""
    layers = k.layers

    def conv(x, filters, size, strides=1):
        if strides > 1:
            x = layers.ZeroPadding2D(((1, 0), (1, 0)))(x)
        x = layers.Conv2D(filters, size, strides=strides, padding="valid" if strides > 1 else "same", use_bias=False,
                          kernel_regularizer=k.regularizers.l2(5e-4))(x)
        return layers.LeakyReLU(0.1)(layers.BatchNormalization()(x))

    inputs = k.Input((None, None, 3))
    fine = conv(layers.MaxPooling2D(2, 2, padding="same")(conv(inputs, 4, 3, 2)), 6, 3)
    x = conv(layers.MaxPooling2D(2, strides=2, padding="same")(fine), 8, 3)
    x = conv(conv(layers.MaxPooling2D(2, strides=1, padding="same")(x), 8, 3), 6, 1)
    up = layers.UpSampling2D(2)(conv(x, 4, 1))
    crop = layers.Conv2D(9, 1)(conv(layers.Concatenate()([layers.MaxPooling2D(2, padding="same")(up), x]), 6, 3))
    return k.Model(inputs, [layers.Conv2D(9, 1)(conv(x, 8, 3)), crop])


def center_net(k):
    """CenterNet: heatmaps, sizes and peaks as a dict of outputs; the peaks by a pool of strides 1."""
    layers = k.layers
    inputs = k.Input((32, 32, 3))
    x = norm_relu(k, layers.Conv2D(8, 3, strides=4, padding="same", use_bias=False)(inputs))
    x = norm_relu(k, layers.Conv2DTranspose(6, (4, 4), strides=2, use_bias=False, padding="same",
                                            kernel_regularizer=k.regularizers.l2(5e-4))(x))
    heat = layers.Conv2D(3, 1, activation="sigmoid", name="hm", bias_initializer=k.initializers.Constant(-2.19))(
        layers.Conv2D(6, 3, padding="same", activation="relu")(x))
    size = layers.Conv2D(2, 1, name="wh")(layers.Conv2D(6, 3, padding="same", activation="relu")(x))
    peaks = layers.MaxPooling2D(3, strides=1, padding="same", name="peaks")(heat)
    return k.Model(inputs, {"hm": heat, "wh": size, "peaks": peaks})


def nested_unet(k):
    """U-Net++: every depth is decoded, deep supervision by two outputs."""
    layers = k.layers

    def block(x, filters):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu", kernel_regularizer="l2")(x)
        return layers.Dropout(0.5)(x)

    def up(x, filters):
        return layers.Conv2DTranspose(filters, 2, strides=2, padding="same")(x)

    inputs = k.Input((16, 16, 1), name="main_input")
    a = block(inputs, 4)
    b = block(layers.MaxPooling2D()(a), 6)
    c = block(layers.MaxPooling2D()(b), 8)
    a1 = block(layers.concatenate([up(b, 4), a], axis=3), 4)
    b1 = block(layers.concatenate([up(c, 6), b], axis=3), 6)
    a2 = block(layers.concatenate([up(b1, 4), a, a1], axis=3), 4)
    return k.Model(inputs, [layers.Conv2D(1, 1, activation="sigmoid", name=f"output_{i}")(x)
                            for i, x in enumerate((a1, a2))])


def alpha_zero(k):
    """AlphaZero: residual blocks of channels_first, a policy and a value."""
    layers = k.layers

    def norm(x):
        return layers.BatchNormalization(axis=1)(x)

    x = board = k.Input((2, 6, 7), name="board")
    x = layers.ReLU()(norm(layers.Conv2D(8, 3, padding="same", use_bias=False, **FIRST)(x)))
    for _ in range(2):
        y = layers.ReLU()(norm(layers.Conv2D(8, 3, padding="same", use_bias=False, **FIRST)(x)))
        y = norm(layers.Conv2D(8, 3, padding="same", use_bias=False, **FIRST)(y))
        x = layers.Activation("relu")(layers.Add()([x, y]))
    p = layers.ReLU()(norm(layers.Conv2D(2, 1, use_bias=False, **FIRST)(x)))
    v = layers.ReLU()(norm(layers.Conv2D(1, 1, use_bias=False, **FIRST)(x)))
    policy = layers.Dense(7, activation="softmax", name="policy")(layers.Flatten()(p))
    value = layers.Dense(1, activation="tanh", name="value")(layers.Dense(6, activation="relu")(layers.Flatten()(v)))
    return k.Model(board, [policy, value])


def atari(k):
    """DQN: frames of bytes, divided by an operation, and a mask of actions."""
    layers = k.layers
    frames, mask = k.Input((4, 36, 36), dtype="uint8", name="frames"), k.Input((3,), name="mask")
    x = layers.Rescaling(1.0)(frames) / 255.0
    x = layers.Conv2D(4, 8, strides=4, activation="relu", **FIRST)(x)
    x = layers.Conv2D(6, 4, strides=2, activation="relu", **FIRST)(x)
    x = layers.Dense(8, activation="relu")(layers.Flatten()(x))
    return k.Model([frames, mask], layers.Multiply()([layers.Dense(3, name="q")(x), mask]))


def capsules(k):
    """CapsNet's primary capsules, squashed by operations."""
    layers, ops = k.layers, ops_of(k)
    inputs = k.Input((20, 20, 1))
    x = layers.Conv2D(8, 9, activation="relu")(inputs)
    x = layers.Reshape([-1, 8])(layers.Conv2D(16, 5, strides=2)(x))
    length = ops.sum(ops.square(x), axis=-1, keepdims=True)
    x = x * (length / (1 + length)) / ((length + 1e-7) ** 0.5)
    return k.Model(inputs, [x, layers.Flatten()(x)])


def pixel_cnn(k):
    """Gated PixelCNN: convolutions that see what is above and left, by padding and cropping; gates by slices."""
    layers = k.layers
    inputs = k.Input((12, 12, 1))
    above = layers.Conv2D(8, (2, 3))(layers.ZeroPadding2D(((2, 0), (1, 1)))(inputs))
    above = layers.Cropping2D(((0, 1), (0, 0)))(above)
    left = layers.Conv2D(8, (1, 2), padding="valid")(layers.ZeroPadding2D(((0, 0), (2, 0)))(inputs))
    x = layers.Add()([above, layers.Cropping2D(((0, 0), (0, 1)))(left)])
    x = layers.Multiply()([layers.Activation("tanh")(x[..., :4]), layers.Activation("sigmoid")(x[..., 4:])])
    return k.Model(inputs, layers.Conv2D(1, 1, activation="sigmoid")(x))


def lines_first(k):
    """Signals of channels_first: groups, strides, transposed, PReLU and a gate from the mean."""
    layers = k.layers
    inputs = k.Input((2, 30))
    x = layers.BatchNormalization(axis=1)(layers.Conv1D(4, 3, padding="same", groups=2, **FIRST)(inputs))
    x = layers.AveragePooling1D(2, padding="same", **FIRST)(layers.Conv1D(4, 3, strides=2, padding="same", **FIRST)(x))
    x = layers.PReLU(shared_axes=[2])(layers.Conv1DTranspose(3, 4, strides=2, padding="same", **FIRST)(x))
    x = layers.Multiply()([x, layers.GlobalAveragePooling1D(keepdims=True, **FIRST)(x)])
    return k.Model(inputs, layers.Flatten(**FIRST)(x))


def two_towers(k):
    """A query and a document through one masked Embedding, scored by Dot; a mean over what the mask leaves."""
    layers = k.layers
    query, document = k.Input((8,), dtype="int32", name="query"), k.Input((12,), dtype="int64", name="document")
    words = layers.Embedding(40, 6, mask_zero=True, name="words", embeddings_constraint="unit_norm")
    x = layers.GlobalMaxPooling1D()(layers.Conv1D(5, 3, activation="relu", padding="same")(words(query)))
    y = layers.Conv1D(5, 3, activation="relu", padding="causal", dilation_rate=2)(words(document))
    score = layers.Dot(axes=(1, 1))([x, layers.GlobalAveragePooling1D()(y)])
    return k.Model([query, document], [score, layers.GlobalAveragePooling1D(name="mean")(words(document))])


def cycle_gan(k):
    """CycleGAN's generator: instances normalised by GroupNormalization(groups=-1), Identity where a branch is off."""
    layers = k.layers

    def norm(x):
        return layers.GroupNormalization(groups=-1)(x)

    inputs = k.Input((20, 20, 3), name="img_input")
    x = layers.Activation("relu")(norm(layers.Conv2D(4, 7, use_bias=False)(layers.ZeroPadding2D(3)(inputs))))
    x = layers.Activation("relu")(norm(layers.Conv2D(6, 3, strides=2, padding="same", use_bias=False)(x)))
    for _ in range(2):
        y = layers.Conv2D(6, 3, use_bias=False)(layers.ZeroPadding2D(1)(x))
        y = norm(layers.Conv2D(6, 3, use_bias=False)(layers.ZeroPadding2D((1, 1))(layers.Activation("relu")(norm(y)))))
        x = layers.add([layers.Identity()(x), y])
    x = layers.Conv2DTranspose(4, 3, strides=2, padding="same", use_bias=False)(x)
    return k.Model(inputs, layers.Activation("tanh")(layers.Conv2D(3, 7, padding="same")(norm(x))), name="G")


TASKS = [conv_tas_net, single_shot, yolo_tiny, center_net, nested_unet, alpha_zero, atari, capsules, pixel_cnn,
         lines_first, two_towers, cycle_gan]
