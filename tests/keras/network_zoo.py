"""Networks in the manner of published ones, for network_compare.py: k is tf_keras or keras.

Each builder returns a model of few weights. network_zoo_signals.py, network_zoo_graphs.py, network_zoo_images.py
and network_zoo_tasks.py have more of them.
"""


def norm_relu(k, x):
    return k.layers.Activation("relu")(k.layers.BatchNormalization()(x))


def ops_of(k):
    """The functions on tensors of a generation, under the names that both have."""
    import tensorflow as tf

    if hasattr(k, "ops"):
        return k.ops
    return type("Operations", (), {
        "mean": tf.reduce_mean, "sum": tf.reduce_sum, "log": tf.math.log, "abs": tf.abs, "exp": tf.exp,
        "square": tf.square, "maximum": tf.maximum, "clip": tf.clip_by_value, "relu": tf.nn.relu})


# ---- one dimension: audio, time series, text, points ----

def temporal(k):
    """TCN: residual blocks of causal dilated convolutions with spatial dropout."""
    layers = k.layers
    x = inputs = k.Input((None, 3))
    for i in range(4):
        y = x
        for _ in range(2):
            y = layers.Conv1D(8, 3, padding="causal", dilation_rate=2 ** i, kernel_initializer="he_normal")(y)
            y = layers.SpatialDropout1D(0.1)(layers.LayerNormalization()(layers.Activation("relu")(y)))
        x = layers.Activation("relu")(layers.add([y, x if i else layers.Conv1D(8, 1, padding="same")(x)]))
    return k.Model(inputs, layers.Dense(2)(x[:, -1, :]))


def wave_unet(k):
    """Wave-U-Net: decimation by pooling, cropped skips, linear upsampling, Conv1DTranspose."""
    layers = k.layers
    x = inputs = k.Input((64, 1))
    skips = []
    for i in range(3):
        x = layers.LeakyReLU(0.2)(layers.Conv1D(6 + 2 * i, 5)(x))
        skips.append(x)
        x = layers.AveragePooling1D(2)(x)
    x = layers.LeakyReLU(0.2)(layers.Conv1D(12, 3, padding="same")(x))
    for i, skip in reversed(list(enumerate(skips))):
        x = layers.Conv1DTranspose(6 + 2 * i, 4, strides=2, padding="same")(x)
        more = skip.shape[1] - x.shape[1]
        skip = layers.Cropping1D((more // 2, more - more // 2))(skip)
        x = layers.LeakyReLU(0.2)(layers.Conv1D(6 + 2 * i, 5, padding="same")(layers.Concatenate()([skip, x])))
    return k.Model(inputs, layers.Conv1D(1, 1, activation="tanh")(x))


def inception_time(k):
    layers = k.layers
    x = inputs = k.Input((50, 2))
    shortcut = x
    for i in range(3):
        y = layers.Conv1D(4, 1, use_bias=False)(x) if x.shape[-1] > 1 else x
        parts = [layers.Conv1D(4, size, padding="same", use_bias=False)(y) for size in (20, 10, 5)]
        parts.append(layers.Conv1D(4, 1, use_bias=False)(layers.MaxPool1D(3, strides=1, padding="same")(x)))
        x = norm_relu(k, layers.Concatenate(axis=2)(parts))
        if i == 2:
            shortcut = layers.BatchNormalization()(layers.Conv1D(16, 1, use_bias=False)(shortcut))
            x = layers.Activation("relu")(layers.Add()([x, shortcut]))
    return k.Model(inputs, layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling1D()(x)))


def text_cnn(k):
    """Kim's text CNN: widths side by side over a masked embedding."""
    layers = k.layers
    inputs = k.Input((20,))
    x = layers.SpatialDropout1D(0.2)(layers.Embedding(30, 8)(inputs))
    parts = [layers.GlobalMaxPooling1D()(layers.Conv1D(4, size, activation="relu")(x)) for size in (2, 3, 4)]
    return k.Model(inputs, layers.Dense(1, activation="sigmoid")(layers.Dropout(0.5)(layers.concatenate(parts))))


def point_net(k):
    """PointNet: a transform that the network computes itself, multiplied on by Dot."""
    layers = k.layers
    inputs = k.Input((32, 3))
    x = norm_relu(k, layers.Conv1D(8, 1)(inputs))
    x = layers.Dense(9, bias_initializer=k.initializers.Constant(0.3))(layers.GlobalMaxPooling1D()(x))
    x = layers.Dot(axes=(2, 1))([inputs, layers.Reshape((3, 3))(x)])
    x = norm_relu(k, layers.Conv1D(12, 1)(x))
    return k.Model(inputs, layers.Dense(4, activation="softmax")(layers.GlobalMaxPooling1D()(x)))


# ---- two dimensions ----

def eeg_shallow(k):
    """ShallowConvNet's arithmetic on tensors: log of the mean of squares."""
    layers = k.layers
    inputs = k.Input((6, 40, 1))
    x = layers.Permute((2, 1, 3))(layers.Conv2D(5, (1, 7), kernel_constraint=k.constraints.max_norm(2.0))(inputs))
    x = layers.BatchNormalization(axis=-1, epsilon=1e-5)(layers.Conv2D(5, (1, 6), use_bias=False)(x))
    x = layers.AveragePooling2D((8, 1), strides=(3, 1))(x * x)
    return k.Model(inputs, layers.Dense(2, activation="softmax")(layers.Flatten()(x)))


def fire(k):
    """SqueezeNet: squeeze and two expansions side by side; global average instead of a dense layer."""
    layers = k.layers
    x = inputs = k.Input((33, 33, 3))
    x = layers.Conv2D(8, 3, strides=2, padding="valid", activation="relu")(x)
    x = layers.MaxPooling2D(3, strides=2)(x)
    for i in range(3):
        s = layers.Conv2D(4 + i, 1, activation="relu")(x)
        x = layers.concatenate([layers.Conv2D(8, 1, activation="relu")(s),
                                layers.Conv2D(8, 3, padding="same", activation="relu")(s)], axis=3)
    x = layers.Conv2D(5, 1)(layers.Dropout(0.5)(x))
    return k.Model(inputs, layers.Activation("softmax")(layers.GlobalAveragePooling2D()(x)))


def alex(k):
    layers = k.layers
    return k.Sequential([
        k.Input((67, 67, 3)),
        layers.Conv2D(8, 11, strides=4, activation="relu"), layers.BatchNormalization(),
        layers.MaxPool2D(3, strides=2),
        layers.ZeroPadding2D(2), layers.Conv2D(12, 5, groups=2, activation="relu"), layers.BatchNormalization(),
        layers.ZeroPadding2D(1), layers.Conv2D(12, 3, groups=4, activation="relu"),
        layers.MaxPool2D(3, strides=2), layers.Flatten(), layers.Dense(16, activation="relu"),
        layers.Dropout(0.5), layers.Dense(4, activation="softmax")])


def super_resolution(k):
    """FSRCNN: PReLU, and one transposed convolution that enlarges."""
    layers = k.layers
    x = inputs = k.Input((None, None, 1))
    for filters, size in ((10, 5), (4, 1), (4, 3), (10, 1)):
        x = layers.PReLU(shared_axes=[1, 2])(layers.Conv2D(filters, size, padding="same")(x))
    return k.Model(inputs, layers.Conv2DTranspose(1, 9, strides=3, padding="same")(x))


def denoise(k):
    """DnCNN: the noise is subtracted."""
    layers = k.layers
    x = inputs = k.Input((None, None, 1))
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    for _ in range(4):
        x = norm_relu(k, layers.Conv2D(8, 3, padding="same", use_bias=False)(x))
    return k.Model(inputs, layers.Subtract()([inputs, layers.Conv2D(1, 3, padding="same", use_bias=False)(x)]))


def deep_lab(k):
    """Atrous separable convolutions side by side, pooled features enlarged bilinearly."""
    layers = k.layers
    inputs = k.Input((32, 32, 3))
    low = norm_relu(k, layers.Conv2D(6, 3, strides=2, padding="same", use_bias=False)(inputs))
    x = norm_relu(k, layers.SeparableConv2D(10, 3, strides=2, padding="same", use_bias=False)(low))
    parts = [norm_relu(k, layers.Conv2D(6, 1, use_bias=False)(x))]
    for rate in (2, 4, 6):
        y = norm_relu(k, layers.DepthwiseConv2D(3, dilation_rate=rate, padding="same", use_bias=False)(x))
        parts.append(norm_relu(k, layers.Conv2D(6, 1, use_bias=False)(y)))
    y = layers.GlobalAveragePooling2D()(x)
    y = layers.Conv2D(6, 1, activation="relu")(layers.Reshape((1, 1, 10))(y))
    parts.append(layers.UpSampling2D(8, interpolation="bilinear")(y))
    x = norm_relu(k, layers.Conv2D(8, 1, use_bias=False)(layers.Concatenate()(parts)))
    x = layers.Concatenate()([layers.UpSampling2D(2, interpolation="bilinear")(x), low])
    return k.Model(inputs, layers.UpSampling2D(2, interpolation="bilinear")(layers.Conv2D(4, 1)(x)))


def fully_convolutional(k):
    """FCN-8: scores of three depths added up through transposed convolutions and crops."""
    layers = k.layers
    x = inputs = k.Input((40, 40, 3))
    depths = []
    for i in range(3):
        x = layers.MaxPooling2D(2)(layers.Conv2D(6 + i, 3, padding="same", activation="relu")(x))
        depths.append(layers.Conv2D(3, 1)(x))
    y = layers.Conv2DTranspose(3, 4, strides=2, use_bias=False)(depths[2])
    y = layers.Add()([layers.Cropping2D(1)(y), depths[1]])
    y = layers.Conv2DTranspose(3, 4, strides=2, use_bias=False)(y)
    y = layers.Add()([layers.Cropping2D(((1, 1), (1, 1)))(y), depths[0]])
    return k.Model(inputs, layers.Softmax(axis=-1)(layers.Conv2DTranspose(3, 4, strides=2, padding="same")(y)))


def attention_unet(k):
    """Gates of one channel multiplied on all; GroupNormalization."""
    layers = k.layers
    inputs = k.Input((16, 16, 2))
    skip = layers.Activation("swish")(layers.GroupNormalization(2)(layers.Conv2D(6, 3, padding="same")(inputs)))
    deep = layers.GroupNormalization(4)(layers.Conv2D(8, 3, strides=2, padding="same", activation="elu")(skip))
    up = layers.UpSampling2D(2)(deep)
    gate = layers.Add()([layers.Conv2D(4, 1)(up), layers.Conv2D(4, 1)(skip)])
    gate = layers.Conv2D(1, 1, activation="sigmoid")(layers.ReLU()(gate))
    x = layers.Concatenate()([layers.Multiply()([skip, gate]), up])
    return k.Model(inputs, layers.Conv2D(1, 1, activation="sigmoid")(x))


def feature_gan(k):
    """DCGAN, both nets in one: generator by Conv2DTranspose, discriminator with LeakyReLU and noise."""
    layers = k.layers
    generator = k.Sequential([
        k.Input((6,)), layers.Dense(4 * 4 * 8, use_bias=False), layers.BatchNormalization(),
        layers.LeakyReLU(), layers.Reshape((4, 4, 8)),
        layers.Conv2DTranspose(6, 5, strides=1, padding="same", use_bias=False), layers.BatchNormalization(),
        layers.LeakyReLU(), layers.Conv2DTranspose(1, 5, strides=2, padding="same", activation="tanh")],
        name="generator")
    discriminator = k.Sequential([
        k.Input((8, 8, 1)), layers.GaussianNoise(0.1), layers.Conv2D(6, 5, strides=2, padding="same"),
        layers.LeakyReLU(0.2), layers.Dropout(0.3), layers.Flatten(), layers.Dense(1)], name="discriminator")
    discriminator.trainable = False
    inputs = k.Input((6,))
    return k.Model(inputs, discriminator(generator(inputs)))


def conv_mixer(k):
    layers = k.layers
    x = inputs = k.Input((16, 16, 3))
    x = layers.BatchNormalization()(layers.Activation("gelu")(layers.Conv2D(8, 2, strides=2)(
        layers.Rescaling(1.0 / 255)(x))))
    for _ in range(3):
        y = layers.BatchNormalization()(layers.Activation("gelu")(layers.DepthwiseConv2D(5, padding="same")(x)))
        x = layers.Add()([y, x])
        x = layers.BatchNormalization()(layers.Activation("gelu")(layers.Conv2D(8, 1)(x)))
    return k.Model(inputs, layers.Dense(3, activation="softmax")(layers.GlobalAvgPool2D()(x)))


def mlp_mixer(k):
    layers = k.layers
    inputs = k.Input((16, 16, 3))
    x = layers.Reshape((16, 8))(layers.Conv2D(8, 4, strides=4)(inputs))
    for _ in range(2):
        y = layers.Permute((2, 1))(layers.LayerNormalization()(x))
        y = layers.Dense(16)(layers.Dense(12, activation="gelu")(y))
        x = x + layers.Permute((2, 1))(y)
        y = layers.Dense(8)(layers.Dense(12, activation="gelu")(layers.LayerNormalization(epsilon=1e-6)(x)))
        x = x + y
    return k.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling1D()(x)))


def many_heads(k):
    """A shared nested tower, called three times on different sizes, with several named outputs."""
    layers = k.layers
    image = k.Input((None, None, 2), name="crop")
    x = layers.Conv2D(6, 3, activation="relu", name="conv")(image)
    tower = k.Model(image, [layers.GlobalAveragePooling2D(name="mean")(x), layers.GlobalMaxPooling2D(name="most")(x)],
                    name="tower")
    a, b = k.Input((12, 10, 2), name="left"), k.Input((9, 9, 2), name="right")
    u, v = tower(a), tower(b)
    w = tower(layers.Cropping2D(2, name="crop")(a))
    similar = layers.Dot(axes=1, normalize=True, name="similar")([u[0], v[1]])
    best = layers.Maximum(name="best")([u[1], v[1], w[1]])
    mean = layers.Average(name="between")([u[0], v[0], w[0]])
    return k.Model([a, b], [similar, layers.Dense(2, name="class")(layers.Minimum(name="less")([best, mean]))])


def prepared(k):
    """Preprocessing as a model of its own before the network."""
    layers = k.layers
    prepare = k.Sequential([k.Input((20, 24, 3)), layers.CenterCrop(16, 20), layers.Resizing(12, 12),
                            layers.Rescaling(1 / 127.5, offset=-1)], name="prepare")
    normal = layers.Normalization(axis=-1, mean=[0.1, 0.0, -0.2], variance=[0.3, 0.2, 0.4])
    inputs = k.Input((20, 24, 3))
    x = norm_relu(k, layers.Conv2D(6, 3, use_bias=False)(normal(prepare(inputs))))
    return k.Model(inputs, layers.Dense(3)(layers.Flatten()(x)))


# ---- three dimensions ----

def c3d(k):
    layers = k.layers
    return k.Sequential([
        k.Input((8, 16, 16, 3)), layers.Conv3D(4, 3, padding="same", activation="relu"),
        layers.MaxPooling3D((1, 2, 2), strides=(1, 2, 2)), layers.Conv3D(6, 3, padding="same", activation="relu"),
        layers.MaxPooling3D(2), layers.ZeroPadding3D((0, 1, 1)), layers.Conv3D(6, 3, padding="valid"),
        layers.LeakyReLU(), layers.SpatialDropout3D(0.2), layers.GlobalAveragePooling3D(),
        layers.Dense(3, activation="softmax")])


def vnet(k):
    """V-Net: residual blocks, strided convolutions down, transposed up, PReLU of a slope a channel."""
    layers = k.layers
    inputs = k.Input((8, 8, 8, 1))
    a = layers.PReLU(shared_axes=[1, 2, 3])(layers.Conv3D(4, 3, padding="same")(inputs))
    down = layers.PReLU(shared_axes=[1, 2, 3])(layers.Conv3D(6, 2, strides=2)(a))
    b = layers.add([layers.BatchNormalization()(layers.Conv3D(6, 3, padding="same")(down)), down])
    up = layers.Conv3DTranspose(4, 2, strides=2)(b)
    x = layers.Conv3D(2, 1)(layers.concatenate([up, a]))
    return k.Model(inputs, layers.Softmax()(x))


ZOO = [temporal, wave_unet, inception_time, text_cnn, point_net, eeg_shallow, fire, alex, super_resolution, denoise,
       deep_lab, fully_convolutional, attention_unet, feature_gan, conv_mixer, mlp_mixer, many_heads, prepared, c3d,
       vnet]
