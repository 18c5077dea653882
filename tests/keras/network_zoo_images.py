"""Networks on images and volumes, in the manner of published ones, for network_compare.py: k is tf_keras or keras.

Each builder returns a model of few weights.
"""
from network_zoo import norm_relu, ops_of


# ---- images ----

def edsr(k):
    """EDSR: residuals times 0.1, sub-pixel upsampling by Reshape and Permute, a long skip."""
    layers = k.layers
    inputs = k.Input((10, 8, 3))
    x = first = layers.Conv2D(8, 3, padding="same")((inputs - 127.0) / 127.5)
    for _ in range(2):
        y = layers.Conv2D(8, 3, padding="same")(layers.Conv2D(8, 3, padding="same", activation="relu")(x))
        x = x + y * 0.1
    x = layers.add([layers.Conv2D(8, 3, padding="same")(x), first])
    x = layers.Conv2D(12, 3, padding="same")(x)
    x = layers.Permute((1, 3, 2, 4, 5))(layers.Reshape((10, 8, 2, 2, 3))(x))
    x = layers.Reshape((20, 16, 3))(x)
    return k.Model(inputs, layers.Conv2D(3, 3, padding="same")(x) * 127.5 + 127.0)


def sr_gan(k):
    """SRGAN's generator: PReLU shared over rows and columns, unknown sizes, tanh."""
    layers = k.layers
    inputs = k.Input((None, None, 3))
    x = first = layers.PReLU(shared_axes=[1, 2], alpha_initializer=k.initializers.Constant(0.25))(
        layers.Conv2D(6, 9, padding="same")(inputs))
    for _ in range(2):
        y = layers.Conv2D(6, 3, padding="same", use_bias=False)(x)
        y = layers.PReLU(shared_axes=[1, 2])(layers.BatchNormalization(momentum=0.8)(y))
        y = layers.BatchNormalization(momentum=0.8)(layers.Conv2D(6, 3, padding="same", use_bias=False)(y))
        x = layers.Add()([x, y])
    x = layers.Add()([layers.BatchNormalization()(layers.Conv2D(6, 3, padding="same")(x)), first])
    for _ in range(2):
        x = layers.UpSampling2D(size=2)(x)
        x = layers.PReLU(shared_axes=[1, 2])(layers.Conv2D(8, 3, padding="same")(x))
    return k.Model(inputs, layers.Conv2D(3, 9, padding="same", activation="tanh")(x))


def seg_net(k):
    """SegNet on odd sizes: 'same' pools, upsampling, crops, a softmax over the classes of flat pixels."""
    layers = k.layers
    x = inputs = k.Input((22, 18, 3))
    for filters in (4, 6):
        x = layers.ZeroPadding2D((1, 1))(x)
        x = layers.Activation("relu")(layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="valid")(x)))
        x = layers.MaxPooling2D(2, padding="same")(x)
    for filters in (6, 4):
        x = layers.UpSampling2D(size=(2, 2))(x)
        x = layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same")(x))
    x = layers.Conv2D(5, 1)(layers.Cropping2D(((1, 1), (1, 1)))(x))
    x = layers.Reshape((22 * 18, 5))(x)
    return k.Model(inputs, layers.Activation("softmax")(x))


def pspnet(k):
    """PSPNet: average pools of several sizes, 1x1 convolutions, bilinear growth, one concatenation."""
    layers = k.layers
    inputs = k.Input((24, 24, 3))
    x = norm_relu(k, layers.Conv2D(6, 3, strides=2, padding="same", dilation_rate=1)(inputs))
    x = norm_relu(k, layers.Conv2D(6, 3, padding="same", dilation_rate=(2, 1))(x))
    parts = [x]
    for size in (12, 6, 4, 3):
        y = layers.AveragePooling2D(size, strides=size, padding="same")(x)
        y = norm_relu(k, layers.Conv2D(2, 1, use_bias=False)(y))
        parts.append(layers.UpSampling2D((size, size), interpolation="bilinear")(y))
    mean = layers.GlobalAveragePooling2D(keepdims=True)(x)
    parts.append(layers.UpSampling2D(12)(layers.Conv2D(2, 1, activation="relu")(mean)))
    x = norm_relu(k, layers.Conv2D(6, 3, padding="same")(layers.Concatenate(axis=-1)(parts)))
    return k.Model(inputs, layers.Softmax()(layers.UpSampling2D(2, interpolation="bilinear")(
        layers.Conv2D(3, 1)(layers.SpatialDropout2D(0.1)(x)))))


def se_resnext(k):
    """Grouped bottlenecks, squeeze-and-excite, shortcuts by average pools, ReLU on tensors."""
    layers, ops = k.layers, ops_of(k)
    x = inputs = k.Input((None, None, 3))
    x = norm_relu(k, layers.Conv2D(8, 7, strides=2, padding="same", use_bias=False)(x))
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    for filters, strides in ((8, 1), (16, 2)):
        y = norm_relu(k, layers.Conv2D(filters, 1, use_bias=False)(x))
        y = norm_relu(k, layers.Conv2D(filters, 3, strides=strides, padding="same", groups=4, use_bias=False)(y))
        y = layers.BatchNormalization(gamma_initializer="zeros")(layers.Conv2D(filters, 1, use_bias=False)(y))
        s = ops.mean(y, axis=(1, 2), keepdims=True)
        s = layers.Conv2D(2, 1, activation="relu")(s)
        s = layers.Conv2D(filters, 1, activation="sigmoid")(s)
        y = y * s
        if strides == 2:
            x = layers.AveragePooling2D(2, strides=2, padding="same")(x)
            x = layers.BatchNormalization()(layers.Conv2D(filters, 1, use_bias=False)(x))
        x = ops.relu(x + y)
    return k.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))


def shuffle_net(k):
    """ShuffleNetV2: channels split by slices, depthwise, concatenated, shuffled by Reshape and Permute."""
    layers = k.layers
    x = inputs = k.Input((16, 16, 3))
    x = norm_relu(k, layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(x))
    for _ in range(2):
        left, y = x[:, :, :, :4], x[..., 4:]
        y = norm_relu(k, layers.Conv2D(4, 1, use_bias=False)(y))
        y = layers.BatchNormalization()(layers.DepthwiseConv2D(3, padding="same", use_bias=False)(y))
        y = norm_relu(k, layers.Conv2D(4, 1, use_bias=False)(y))
        x = layers.Concatenate()([left, y])
        x = layers.Reshape((8, 8, 2, 4))(x)
        x = layers.Reshape((8, 8, 8))(layers.Permute((1, 2, 4, 3))(x))
    y = layers.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2)(x)
    return k.Model(inputs, layers.Dense(3)(layers.GlobalAvgPool2D()(y)))


def attention_block(k):
    """BAM / CBAM without maxima over channels: two pooled paths share Dense layers, a spatial gate from means."""
    layers, ops = k.layers, ops_of(k)
    inputs = k.Input((12, 12, 3))
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
    one, two = layers.Dense(4, activation="relu", name="squeeze"), layers.Dense(8, name="excite", use_bias=False)
    mean = two(one(layers.Reshape((1, 1, 8))(layers.GlobalAveragePooling2D()(x))))
    most = two(one(layers.Reshape((1, 1, 8))(layers.GlobalMaxPooling2D()(x))))
    x = layers.multiply([x, layers.Activation("sigmoid")(layers.Add()([mean, most]))])
    spatial = layers.Concatenate(axis=3)([ops.mean(x, axis=3, keepdims=True), ops.mean(x * x, axis=-1, keepdims=True)])
    gate = layers.Conv2D(1, 7, padding="same", activation="sigmoid", use_bias=False,
                         kernel_initializer="he_normal")(spatial)
    x = layers.Multiply()([x, gate])
    return k.Model(inputs, layers.Dense(3, activation="softmax")(layers.Flatten()(x)))


def generator(k):
    """A conditional GAN's generator: an embedded label, normalisation without scale and offset, tanh."""
    layers = k.layers
    noise, label = k.Input((6,), name="noise"), k.Input((1,), name="label", dtype="int32")
    y = layers.Flatten()(layers.Embedding(5, 6)(label))
    x = layers.Dense(4 * 3 * 8)(layers.Multiply()([noise, y]))
    x = layers.Reshape((4, 3, 8))(layers.LeakyReLU(0.2)(layers.BatchNormalization(scale=False, center=False)(x)))
    for filters in (6, 4):
        x = layers.Conv2DTranspose(filters, (5, 5), strides=(2, 2), padding="same", use_bias=False)(x)
        x = layers.LeakyReLU()(layers.BatchNormalization(momentum=0.8, scale=False)(x))
    x = layers.Conv2DTranspose(3, 3, strides=(2, 1), padding="valid", output_padding=(1, 0))(x)
    return k.Model([noise, label], layers.Activation("tanh")(x))


def dense_net_bc(k):
    """DenseNet-BC: concatenations that grow, bottlenecks, compression."""
    layers = k.layers
    x = inputs = k.Input((None, None, 3))
    x = layers.Conv2D(6, 3, padding="same", use_bias=False)(x)
    for block in range(2):
        for _ in range(3):
            y = layers.Conv2D(8, 1, use_bias=False)(norm_relu(k, x))
            y = layers.Conv2D(3, 3, padding="same", use_bias=False)(norm_relu(k, y))
            x = layers.concatenate([x, y])
        if block == 0:
            x = layers.AveragePooling2D(2)(layers.Conv2D(x.shape[-1] // 2, 1, use_bias=False)(norm_relu(k, x)))
    return k.Model(inputs, layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D()(norm_relu(k, x))))


def hourglass(k):
    """Stacked hourglasses: intermediate heatmaps are outputs and go back in."""
    layers = k.layers
    inputs = k.Input((16, 16, 3))
    x = layers.Conv2D(6, 3, strides=1, padding="same", activation="relu")(inputs)
    maps = []
    for i in range(2):
        skips, y = [], x
        for _ in range(2):
            skips.append(layers.SeparableConv2D(6, 3, padding="same")(y))
            y = layers.MaxPool2D(2)(y)
        y = layers.SeparableConv2D(6, 3, padding="same", activation="relu")(y)
        for skip in reversed(skips):
            y = layers.Add()([layers.UpSampling2D()(y), skip])
        heat = layers.Conv2D(4, 1, name=f"heat{i}")(y)
        maps.append(heat)
        x = layers.Add()([x, layers.Conv2D(6, 1)(heat), layers.Conv2D(6, 1)(y)])
    return k.Model(inputs, [*maps, layers.Softmax(axis=1, name="where")(maps[-1])])


def octave(k):
    """Octave convolutions: two resolutions exchange what they know."""
    layers = k.layers
    inputs = k.Input((16, 16, 3))
    high, low = layers.Conv2D(4, 3, padding="same")(inputs), layers.Conv2D(4, 3, padding="same")(
        layers.AveragePooling2D(2)(inputs))
    for _ in range(2):
        up = layers.UpSampling2D(2)(layers.Conv2D(4, 3, padding="same")(low))
        down = layers.Conv2D(4, 3, padding="same")(layers.AveragePooling2D(2)(high))
        high, low = (norm_relu(k, layers.add([layers.Conv2D(4, 3, padding="same")(high), up])),
                     norm_relu(k, layers.add([layers.Conv2D(4, 3, padding="same")(low), down])))
    return k.Model(inputs, layers.concatenate([layers.GlobalMaxPooling2D()(high), layers.GlobalMaxPooling2D()(low)]))


def inception(k):
    """Asymmetric kernels, average pools padded 'same' with strides of 1, unequal strides."""
    layers = k.layers
    inputs = k.Input((None, 17, 3))
    x = layers.Conv2D(6, (3, 5), strides=(2, 2), padding="same", activation=k.activations.swish)(inputs)
    parts = [layers.Conv2D(3, 1)(x)]
    y = layers.Conv2D(3, (1, 7), padding="same")(layers.Conv2D(3, 1)(x))
    parts.append(layers.Conv2D(3, (7, 1), padding="same")(y))
    parts.append(layers.Conv2D(3, 1)(layers.AveragePooling2D(3, strides=1, padding="same")(x)))
    parts.append(layers.MaxPooling2D((3, 2), strides=(1, 1), padding="same")(x))
    x = norm_relu(k, layers.Concatenate()(parts))
    return k.Model(inputs, layers.GlobalAveragePooling2D()(layers.Conv2D(4, (2, 3), strides=(2, 2))(x)))


def activations(k):
    """Every way to write an activation: a name, a function, a layer as an argument, a layer."""
    layers = k.layers
    inputs = k.Input((8, 8, 2))
    x = layers.Conv2D(6, 3, activation=k.activations.relu)(inputs)
    parts = [layers.Activation(k.activations.tanh)(x), layers.Activation("gelu")(x), layers.Activation("linear")(x),
             layers.ReLU(max_value=1.0, negative_slope=0.1, threshold=0.2)(x), layers.ELU(0.5)(x),
             layers.LeakyReLU()(x), layers.Conv2D(6, 1, activation=layers.LeakyReLU())(x),
             layers.Dense(6, activation=layers.ReLU(max_value=0.5))(x), layers.Activation(k.activations.softmax)(x),
             layers.Activation("mish")(x), layers.Activation("hard_sigmoid")(x), layers.PReLU()(x)]
    return k.Model(inputs, layers.concatenate(parts))


def normalisers(k):
    """Normalisation over several axes, instances, whole samples, and lengths."""
    layers = k.layers
    inputs = k.Input((6, 5, 8))
    x = layers.Conv2D(8, 3, padding="same")(inputs)
    parts = [layers.LayerNormalization(axis=[1, 2, 3])(x), layers.GroupNormalization(groups=-1)(x),
             layers.GroupNormalization(groups=1, center=False)(x), layers.UnitNormalization(axis=[1, 2])(x),
             layers.BatchNormalization(axis=1)(x), layers.LayerNormalization(axis=1, scale=False)(x),
             layers.GroupNormalization(groups=4, axis=-1, epsilon=1e-2)(x), layers.BatchNormalization(center=False)(x)]
    return k.Model(inputs, layers.add(parts))


def both_formats(k):
    """channels_first and channels_last in one net, moved by Permute."""
    layers, first = k.layers, {"data_format": "channels_first"}
    inputs = k.Input((3, 12, 10))
    x = layers.Conv2D(4, 3, padding="same", activation="relu", **first)(inputs)
    a = layers.Flatten(**first)(layers.MaxPooling2D(2, **first)(x))
    y = layers.Permute((2, 3, 1))(layers.ZeroPadding2D(((1, 0), (0, 1)), **first)(x))
    y = layers.Conv2D(4, 3, strides=2)(layers.UpSampling2D((2, 1))(y))
    b = layers.Flatten()(y)
    z = layers.UpSampling2D(2, **first)(layers.Cropping2D(2, **first)(x))
    z = layers.Conv2DTranspose(3, 3, strides=2, padding="same", **first)(layers.GlobalAveragePooling2D(
        keepdims=True, **first)(z))
    return k.Model(inputs, [layers.Dense(2)(layers.concatenate([a, b, layers.Flatten()(z)])),
                            layers.GlobalMaxPooling2D(**first)(x)])


# ---- volumes ----

def unet_3d(k, **form):
    layers = k.layers
    first = form.get("data_format") == "channels_first"
    axis = 1 if first else -1
    x = inputs = k.Input((1, 12, 12, 10) if first else (12, 12, 10, 1))
    skips = []
    for filters in (4, 6):
        for _ in range(2):
            x = layers.Conv3D(filters, 3, padding="same" if filters == 6 else "valid", **form)(x)
            x = layers.LeakyReLU()(layers.GroupNormalization(2, axis=axis)(x))
        if filters == 4:
            skips.append(x)
            x = layers.MaxPooling3D(2, **form)(x)
    x = layers.Conv3DTranspose(4, 2, strides=2, **form)(x)
    sides = (2, 3, 4) if first else (1, 2, 3)
    cut = [(0, int(skips[0].shape[i]) - int(x.shape[i])) for i in sides]
    x = layers.Concatenate(axis=axis)([x, layers.Cropping3D(cut, **form)(skips[0])])
    x = layers.SpatialDropout3D(0.2, **form)(layers.Conv3D(4, 3, padding="same", activation="elu", **form)(x))
    return k.Model(inputs, layers.Activation("sigmoid")(layers.Conv3D(1, 1, **form)(x)))


def unet_3d_first(k):
    return unet_3d(k, data_format="channels_first")


def slow_fast(k):
    """Two pathways of different rates, joined by strided convolutions over time."""
    layers = k.layers
    inputs = k.Input((8, 12, 12, 3))
    slow = layers.MaxPooling3D((4, 1, 1))(inputs)
    slow = norm_relu(k, layers.Conv3D(6, (1, 3, 3), strides=(1, 2, 2), padding="same", use_bias=False)(slow))
    fast = norm_relu(k, layers.Conv3D(2, (5, 3, 3), strides=(1, 2, 2), padding="same", use_bias=False)(inputs))
    slow = layers.concatenate([slow, layers.Conv3D(4, (5, 1, 1), strides=(4, 1, 1), padding="same")(fast)])
    slow = norm_relu(k, layers.Conv3D(6, (1, 3, 3), padding="same", dilation_rate=(1, 2, 2))(slow))
    x = layers.concatenate([layers.GlobalAveragePooling3D()(slow), layers.GlobalAveragePooling3D()(fast)])
    return k.Model(inputs, layers.Dense(3, activation="softmax")(layers.Dropout(0.5)(x)))


IMAGES = [edsr, sr_gan, seg_net, pspnet, se_resnext, shuffle_net, attention_block, generator, dense_net_bc, hourglass,
          octave, inception, activations, normalisers, both_formats, unet_3d, unet_3d_first, slow_fast]
