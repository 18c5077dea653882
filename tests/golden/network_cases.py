"""Whole networks of kinds that people use, small: make_fit.py trains them with both generations of Keras.

k is tf_keras or keras. Weights are few, since they stand in the files three times. Each entry is as those of
make_fit.py: how it is built, what its inputs and targets are, how it is compiled and fitted.
"""


def double_conv(k, x, filters, rank, name):
    conv = getattr(k.layers, f"Conv{rank}D")
    for i in range(2):
        x = conv(filters, 3, padding="same", use_bias=False, name=f"{name}_conv{i}")(x)
        x = k.layers.BatchNormalization(momentum=0.9, name=f"{name}_norm{i}")(x)
        x = k.layers.Activation("relu", name=f"{name}_relu{i}")(x)
    return x


def unet(k, rank, size, filters, learned):
    """A U-Net of three levels; the way up is a transposed convolution, or UpSampling and a convolution."""
    layers = k.layers
    pool, up = getattr(layers, f"MaxPooling{rank}D"), getattr(layers, f"UpSampling{rank}D")
    transposed, conv = getattr(layers, f"Conv{rank}DTranspose"), getattr(layers, f"Conv{rank}D")
    x = inputs = k.Input((*[size] * rank, 1), name="image")
    skips = []
    for level in range(2):
        x = double_conv(k, x, filters << level, rank, f"down{level}")
        skips.append(x)
        x = pool(2, name=f"pool{level}")(x)
    x = double_conv(k, x, filters << 2, rank, "bottom")
    for level in (1, 0):
        if learned:
            x = transposed(filters << level, 2, strides=2, name=f"up{level}")(x)
        else:
            x = conv(filters << level, 1, name=f"thin{level}")(up(2, name=f"up{level}")(x))
        x = layers.Concatenate(name=f"join{level}")([skips[level], x])
        x = double_conv(k, x, filters << level, rank, f"up{level}")
    return k.Model(inputs, conv(1, 1, activation="sigmoid", name="mask")(x), name=f"unet{rank}d")


def wavenet(k):
    """Gated causal convolutions of growing dilation, residual and skip connections, any number of steps."""
    layers = k.layers
    inputs = k.Input((None, 1), name="samples")
    x = layers.Conv1D(6, 2, padding="causal", name="first")(inputs)
    skips = []
    for i in range(4):
        arguments = dict(padding="causal", dilation_rate=2 ** i)
        gate = layers.Multiply(name=f"gated{i}")([
            layers.Conv1D(6, 2, activation="tanh", name=f"filter{i}", **arguments)(x),
            layers.Conv1D(6, 2, activation="sigmoid", name=f"gate{i}", **arguments)(x)])
        skips.append(layers.Conv1D(5, 1, name=f"skip{i}")(gate))
        x = layers.Add(name=f"residual{i}")([x, layers.Conv1D(6, 1, name=f"out{i}")(gate)])
    x = layers.ReLU(name="relu0")(layers.Add(name="skips")(skips))
    x = layers.Conv1D(8, 1, activation="relu", name="mix")(x)
    return k.Model(inputs, layers.Conv1D(4, 1, activation="softmax", name="levels")(x), name="wavenet")


def autoencoder(k):
    """Two models in one: strided convolutions down, transposed ones up."""
    layers = k.layers
    encoder = k.Sequential([
        k.Input((12, 12, 2), name="image"),
        layers.Conv2D(6, 3, strides=2, padding="same", activation="relu", name="conv0"),
        layers.BatchNormalization(momentum=0.9, name="norm"),
        layers.Conv2D(8, 3, strides=2, padding="same", activation="elu", name="conv1"),
        layers.Flatten(name="flat"),
        layers.Dense(5, name="code")], name="encoder")
    code = k.Input((5,), name="code")
    x = layers.Dense(3 * 3 * 8, activation="relu", name="dense")(code)
    x = layers.Reshape((3, 3, 8), name="grid")(x)
    x = layers.Conv2DTranspose(6, 3, strides=2, padding="same", activation="relu", name="conv0")(x)
    x = layers.Conv2DTranspose(2, 3, strides=2, padding="same", name="conv1")(x)
    decoder = k.Model(code, x, name="decoder")
    inputs = k.Input((12, 12, 2), name="picture")
    return k.Model(inputs, decoder(encoder(inputs)), name="autoencoder")


def text(k):
    """Tokens through an embedding and separable convolutions."""
    layers = k.layers
    return k.Sequential([
        k.Input((None,), name="tokens"),
        layers.Embedding(20, 6, name="words"),
        layers.SeparableConv1D(8, 5, padding="same", activation="relu", name="conv0"),
        layers.MaxPooling1D(2, name="pool"),
        layers.SeparableConv1D(8, 3, padding="same", activation="relu", name="conv1"),
        layers.GlobalMaxPooling1D(name="strongest"),
        layers.Dense(3, activation="softmax", name="topic")], name="text")


def eeg(k):
    """EEGNet without its dropout: channels by time, a depthwise convolution over the channels, a separable one."""
    layers = k.layers
    return k.Sequential([
        k.Input((4, 32, 1), name="eeg"),
        layers.Conv2D(4, (1, 9), padding="same", use_bias=False, name="time"),
        layers.BatchNormalization(momentum=0.9, name="norm0"),
        layers.DepthwiseConv2D((4, 1), depth_multiplier=2, use_bias=False,
                               depthwise_constraint=k.constraints.MaxNorm(1.0), name="space"),
        layers.BatchNormalization(momentum=0.9, name="norm1"),
        layers.ELU(name="elu0"),
        layers.AveragePooling2D((1, 4), name="pool0"),
        layers.SeparableConv2D(6, (1, 5), padding="same", use_bias=False, name="both"),
        layers.BatchNormalization(momentum=0.9, name="norm2"),
        layers.ELU(name="elu1"),
        layers.AveragePooling2D((1, 2), name="pool1"),
        layers.Flatten(name="flat"),
        layers.Dense(3, activation="softmax", kernel_constraint=k.constraints.MaxNorm(0.25), name="class")],
        name="eeg")


def squeeze(k):
    """Inverted residuals with squeeze and excitation, whose arithmetic is written on tensors, as in MobileNetV3."""
    layers = k.layers

    def hard_sigmoid(x, name):
        return layers.ReLU(6.0, name=name)(x + 3.0) * (1.0 / 6.0)

    x = inputs = k.Input((12, 12, 3), name="image")
    x = layers.Rescaling(1 / 2, offset=-0.25, name="scale")(x)
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False, name="stem")(x)
    x = layers.BatchNormalization(momentum=0.9, name="stem_norm")(x)
    x = x * hard_sigmoid(x, "stem_relu")
    for i in range(2):
        y = layers.Conv2D(16, 1, use_bias=False, name=f"expand{i}")(x)
        y = layers.BatchNormalization(momentum=0.9, name=f"expand_norm{i}")(y)
        y = layers.ReLU(6.0, name=f"relu{i}")(y)
        y = layers.ZeroPadding2D(((0, 2), (1, 1)), name=f"pad{i}")(y)
        y = layers.DepthwiseConv2D(3, use_bias=False, name=f"depthwise{i}")(y)
        s = layers.GlobalAveragePooling2D(keepdims=True, name=f"squeeze{i}")(y)
        s = layers.Conv2D(4, 1, activation="relu", name=f"reduce{i}")(s)
        s = hard_sigmoid(layers.Conv2D(16, 1, name=f"excite{i}")(s), f"excite_relu{i}")
        y = layers.Multiply(name=f"excited{i}")([y, s])
        y = layers.Conv2D(8, 1, use_bias=False, name=f"project{i}")(y)
        y = layers.BatchNormalization(momentum=0.9, name=f"project_norm{i}")(y)
        x = layers.Add(name=f"add{i}")([x, y])
    x = layers.LayerNormalization(epsilon=1e-6, name="last_norm")(x)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    return k.Model(inputs, layers.Dense(3, activation="softmax", name="class")(x), name="squeeze")


def siamese(k):
    """One tower that two inputs pass through; how far apart they end."""
    layers = k.layers
    tower = k.Sequential([
        k.Input((8, 8, 1), name="side"),
        layers.Conv2D(4, 3, name="conv"),
        layers.PReLU(shared_axes=[1, 2], name="prelu"),
        layers.MaxPooling2D(name="pool"),
        layers.Flatten(name="flat"),
        layers.Dense(4, name="place")], name="tower")
    a, b = k.Input((8, 8, 1), name="left"), k.Input((8, 8, 1), name="right")
    x = layers.Subtract(name="apart")([tower(a), tower(b)])
    x = layers.Multiply(name="square")([x, x])
    return k.Model([a, b], layers.Dense(1, activation="sigmoid", name="same")(x), name="siamese")


def frames(k):
    """Each frame by a small network of images, then convolutions over the frames; a class a frame."""
    layers = k.layers

    def each(layer, name):
        return layers.TimeDistributed(layer, name=name)

    x = inputs = k.Input((None, 10, 10, 2), name="frames")
    x = each(layers.ZeroPadding2D(1), "pad")(x)
    x = each(layers.Conv2D(4, 3, strides=2, activation="relu", kernel_regularizer=k.regularizers.L2(0.01)), "conv")(x)
    norm = layers.BatchNormalization(axis=3, trainable=False)
    x = each(norm, "norm")(x)
    norm.trainable = False
    x = each(layers.DepthwiseConv2D(3), "depthwise")(x)
    x = each(layers.GlobalAveragePooling2D(), "mean")(x)
    x = each(layers.Dropout(0.0), "drop")(x)
    x = layers.Conv1D(6, 3, padding="causal", activation="elu", name="time")(x)
    return k.Model(inputs, each(layers.Dense(3, activation="softmax"), "class")(x), name="frames")


def video(k):
    """A network of images with statistics on each frame, then convolutions over the frames; a class a clip."""
    layers = k.layers
    picture = k.Sequential([
        layers.Conv2D(4, 3, use_bias=False, activity_regularizer=k.regularizers.L2(0.001), name="conv"),
        layers.BatchNormalization(momentum=0.8, name="norm"), layers.ReLU(name="relu"),
        layers.MaxPooling2D(2, name="pool"), layers.Flatten(name="flat")], name="picture")
    inputs = k.Input((None, 10, 10, 2), name="clip")
    x = layers.TimeDistributed(picture, name="frames")(inputs)
    x = layers.TimeDistributed(layers.BatchNormalization(momentum=0.8), name="level")(x)
    x = layers.Conv1D(6, 2, activation="relu", name="time")(x)
    x = layers.GlobalAveragePooling1D(name="mean")(x)
    return k.Model(inputs, layers.Dense(3, activation="softmax", name="class")(x), name="video")


def shared_norm(k):
    """Statistics that several calls move, in the order in which Keras runs them, which is not that of the calls."""
    layers = k.layers
    inputs = k.Input((8, 8, 2), name="image")
    x = k.Input((None, None, 3), name="x")
    inner = k.Model(x, layers.BatchNormalization(momentum=0.4, name="inner_norm")(x), name="inner")
    norm = layers.BatchNormalization(momentum=0.5, name="norm")
    a = layers.Conv2D(3, 1, name="a")(inputs)
    b = layers.Conv2D(3, 1, name="b1")(layers.Conv2D(3, 1, name="b0")(inputs))
    late, early = norm(b), norm(a)
    last = norm(layers.Conv2D(3, 1, name="c")(late))
    late, early = inner(late), inner(early)
    x = layers.Add(name="sum")([early, last, late])
    return k.Model(inputs, layers.Dense(2, name="out")(layers.GlobalMaxPooling2D(name="max")(x)), name="shared_norm")


NETWORKS = {
    "unet2d": dict(build=lambda k: unet(k, 2, 16, 2, True), inputs=[(16, 16, 1)], targets=[("bits", (16, 16, 1))],
                   samples=6, optimizer=("Adam", dict(learning_rate=0.005)), loss=["binary_crossentropy"],
                   metrics=[["accuracy"]], fit=dict(batch_size=3, epochs=2)),
    "unet3d": dict(build=lambda k: unet(k, 3, 8, 2, False), inputs=[(8, 8, 8, 1)], targets=[("bits", (8, 8, 8, 1))],
                   samples=4, optimizer=("SGD", dict(learning_rate=0.05, momentum=0.9)), loss=["binary_crossentropy"],
                   fit=dict(batch_size=2, epochs=2)),
    "wavenet": dict(build=wavenet, inputs=[(24, 1)], targets=[("labels", 4, (24,))], samples=8,
                    optimizer=("Adam", dict(learning_rate=0.01)), loss=["sparse_categorical_crossentropy"],
                    metrics=[["accuracy"]], fit=dict(batch_size=4, epochs=3)),
    "autoencoder": dict(build=autoencoder, inputs=[(12, 12, 2)], targets=[("values", (12, 12, 2))], samples=8,
                        optimizer=("RMSprop", dict(learning_rate=0.005)), loss=["mean_squared_error"],
                        fit=dict(batch_size=4, epochs=2)),
    "text": dict(build=text, inputs=[("tokens", 20, (12,))], targets=[("labels", 3)], samples=10,
                 # Adam of Keras 3 on TensorFlow squares an embedding's gradients before it adds those of equal tokens.
                 optimizer=("SGD", dict(learning_rate=0.3, momentum=0.9)), loss=["sparse_categorical_crossentropy"],
                 metrics=[["accuracy"]], fit=dict(batch_size=5, epochs=2)),
    "eeg": dict(build=eeg, inputs=[(4, 32, 1)], targets=[("labels", 3)], samples=10,
                optimizer=("SGD", dict(learning_rate=0.05, momentum=0.9, nesterov=True)),
                loss=["sparse_categorical_crossentropy"], metrics=[["accuracy"]], fit=dict(batch_size=5, epochs=2)),
    "squeeze": dict(build=squeeze, inputs=[(12, 12, 3)], targets=[("one_hot", 3)], samples=8,
                    optimizer=("AdamW", dict(learning_rate=0.01)), loss=["categorical_crossentropy"],
                    metrics=[["accuracy"]], fit=dict(batch_size=4, epochs=2)),
    "siamese": dict(build=siamese, inputs=[(8, 8, 1), (8, 8, 1)], targets=[("bits", (1,))], samples=10,
                    optimizer=("SGD", dict(learning_rate=0.1)), loss=["binary_crossentropy"],
                    fit=dict(batch_size=5, epochs=2)),
    "frames": dict(build=frames, inputs=[(4, 10, 10, 2)], targets=[("labels", 3, (4,))], samples=6,
                   optimizer=("SGD", dict(learning_rate=0.1, momentum=0.9)), loss=["sparse_categorical_crossentropy"],
                   metrics=[["accuracy"]], fit=dict(batch_size=3, epochs=2)),
    "video": dict(build=video, inputs=[(4, 10, 10, 2)], targets=[("labels", 3)], samples=6,
                  optimizer=("SGD", dict(learning_rate=0.1, momentum=0.9)), loss=["sparse_categorical_crossentropy"],
                  metrics=[["accuracy"]], fit=dict(batch_size=3, epochs=2)),
    "shared_norm": dict(build=shared_norm, inputs=[(8, 8, 2)], targets=[("values", (2,))], samples=6,
                        optimizer=("SGD", dict(learning_rate=0.02)), loss=["mean_squared_error"],
                        fit=dict(batch_size=3, epochs=2)),
}
