"""Networks on signals and text, in the manner of published ones, for network_compare.py: k is tf_keras or keras.

Each builder returns a model of few weights. EEG nets are channels_first as published; where TensorFlow's CPU lacks the
kernels, network_compare.py asks XLA.
"""
from network_zoo import norm_relu, ops_of


# ---- waves ----

def wave_net(k):
    """WaveNet: gated causal dilated convolutions, residuals, a sum of skips."""
    layers = k.layers
    inputs = k.Input((None, 1), name="wave")
    x = layers.Conv1D(6, 2, padding="causal")(inputs)
    skips = []
    for stack in range(2):
        for i in range(3):
            gate = [layers.Conv1D(8, 2, padding="causal", dilation_rate=2 ** i, activation=function,
                                  name=f"{function}_{stack}_{i}")(x) for function in ("tanh", "sigmoid")]
            z = layers.Multiply()(gate)
            skips.append(layers.Conv1D(5, 1)(z))
            x = layers.Add()([x, layers.Conv1D(6, 1)(z)])
    x = layers.Activation("relu")(layers.Add()(skips))
    x = layers.Conv1D(5, 1, activation="relu")(x)
    return k.Model(inputs, layers.Conv1D(4, 1, activation="softmax")(x))


def causal_strides(k):
    """Causal padding with strides, deep supervision by slices of the last steps."""
    layers = k.layers
    inputs = k.Input((61, 2))
    x = layers.Conv1D(5, 4, strides=3, padding="causal", activation="elu")(inputs)
    y = layers.Conv1D(6, 3, strides=2, padding="causal", activation=k.activations.selu)(x)
    z = layers.Conv1D(4, 1, strides=2, padding="causal", use_bias=False)(x)
    x = layers.concatenate([y, z])
    last = x[:, -1, :]
    return k.Model(inputs, [layers.Dense(2, name="last")(last), layers.Dense(3, name="all")(x)])


def raw_resnet(k):
    """A 1D ResNet on raw waves: strides of 4, shortcuts by strided 1x1 convolutions."""
    layers = k.layers
    inputs = k.Input((None, 1))
    x = norm_relu(k, layers.Conv1D(6, 80, strides=4, padding="same", use_bias=False)(inputs))
    x = layers.MaxPooling1D(4)(x)
    for filters, strides in ((6, 1), (8, 2), (12, 2)):
        y = norm_relu(k, layers.Conv1D(filters, 3, strides=strides, padding="same", use_bias=False)(x))
        y = layers.BatchNormalization()(layers.Conv1D(filters, 3, padding="same", use_bias=False)(y))
        if strides != 1:
            x = layers.BatchNormalization()(layers.Conv1D(filters, 1, strides=strides, use_bias=False)(x))
        x = layers.ReLU()(layers.Add()([y, x]))
    return k.Model(inputs, layers.Dense(4, activation="softmax")(layers.GlobalAveragePooling1D()(x)))


def crepe(k):
    """CREPE: (samples, 1, 1) images, strides of one axis, BatchNormalization behind the ReLU, Permute, Flatten."""
    layers = k.layers
    x = layers.Input(shape=(256,), name="input", dtype="float32")
    inputs = x
    x = layers.Reshape(target_shape=(256, 1, 1), name="input-reshape")(x)
    for i, (filters, width, strides) in enumerate(((8, 64, 4), (4, 16, 1), (6, 16, 1)), 1):
        x = layers.Conv2D(filters, (width, 1), strides=(strides, 1), padding="same", activation="relu",
                          name=f"conv{i}")(x)
        x = layers.BatchNormalization(name=f"conv{i}-BN")(x)
        x = layers.MaxPool2D(pool_size=(2, 1), strides=None, padding="valid", name=f"conv{i}-maxpool")(x)
        x = layers.Dropout(0.25, name=f"conv{i}-dropout")(x)
    x = layers.Flatten(name="flatten")(layers.Permute((2, 1, 3), name="transpose")(x))
    return k.Model(inputs=inputs, outputs=layers.Dense(9, activation="sigmoid", name="classifier")(x))


def yam_net(k):
    """YAMNet: patches of a spectrogram; depthwise, pointwise; normalisation without a scale."""
    layers = k.layers

    def norm(x):
        return layers.ReLU()(layers.BatchNormalization(center=True, scale=False, epsilon=1e-4)(x))

    inputs = k.Input((24, 16), dtype="float32")
    x = layers.Reshape((24, 16, 1))(inputs)
    x = norm(layers.Conv2D(6, (3, 3), strides=2, padding="same", use_bias=False, activation=None)(x))
    for filters, strides in ((8, 1), (10, 2), (10, 1), (12, 2)):
        x = norm(layers.DepthwiseConv2D((3, 3), strides=strides, depth_multiplier=1, padding="same",
                                        use_bias=False, activation=None)(x))
        x = norm(layers.Conv2D(filters, (1, 1), padding="same", use_bias=False)(x))
    embedding = layers.GlobalAveragePooling2D()(x)
    logits = layers.Dense(5, use_bias=True)(embedding)
    return k.Model(inputs, [layers.Activation("sigmoid", name="predictions")(logits), embedding, inputs])


def mel_net(k):
    """PANNs: normalised over the bands, mean over bands by an operation, most + mean over time, two heads."""
    layers, ops = k.layers, ops_of(k)
    inputs = k.Input((None, 12, 1), name="mel")
    x = layers.BatchNormalization(axis=2)(inputs)
    for filters in (6, 8):
        for _ in range(2):
            x = norm_relu(k, layers.Conv2D(filters, 3, padding="same", use_bias=False)(x))
        x = layers.Dropout(0.2)(layers.AveragePooling2D((2, 2))(x))
    x = ops.mean(x, axis=2)
    most, mean = layers.GlobalMaxPooling1D()(x), layers.GlobalAveragePooling1D()(x)
    x = layers.Concatenate()([most, mean])
    x = layers.Dense(7, activation="relu")(layers.Dropout(0.5)(most + mean))
    clip = layers.Dense(3, activation="sigmoid", name="clip")(x)
    return k.Model(inputs, {"clip": clip, "embedding": x})


def fft_free(k):
    """SampleCNN with multi-level features: global pools of several depths side by side, squeeze-and-excite."""
    layers = k.layers
    x = inputs = k.Input((243, 1))
    pooled = []
    x = norm_relu(k, layers.Conv1D(6, 3, strides=3, padding="valid", kernel_initializer="he_uniform")(x))
    for filters in (6, 8, 8):
        x = norm_relu(k, layers.Conv1D(filters, 3, padding="same")(x))
        s = layers.GlobalAveragePooling1D()(x)
        s = layers.Dense(filters, activation="sigmoid")(layers.Dense(2, activation="relu")(s))
        x = layers.Multiply()([x, layers.Reshape((1, filters))(s)])
        x = layers.MaxPooling1D(3)(x)
        pooled.append(layers.GlobalMaxPooling1D()(x))
    return k.Model(inputs, layers.Dense(4, activation="softmax")(layers.Concatenate()(pooled)))


# ---- brain waves ----

def eeg_net(k):
    """EEGNet, channels_first: depthwise over the electrodes, constraints, Flatten."""
    layers, first = k.layers, {"data_format": "channels_first"}
    inputs = k.Input((1, 5, 32))
    x = layers.Conv2D(4, (1, 8), padding="same", use_bias=False, **first)(inputs)
    x = layers.BatchNormalization(axis=1)(x)
    x = layers.DepthwiseConv2D((5, 1), use_bias=False, depth_multiplier=2,
                               depthwise_constraint=k.constraints.max_norm(1.0), **first)(x)
    x = layers.Activation("elu")(layers.BatchNormalization(axis=1)(x))
    x = layers.SpatialDropout2D(0.25, **first)(layers.AveragePooling2D((1, 4), **first)(x))
    x = layers.SeparableConv2D(6, (1, 4), use_bias=False, padding="same", **first)(x)
    x = layers.Activation("elu")(layers.BatchNormalization(axis=1)(x))
    x = layers.Dropout(0.25)(layers.AveragePooling2D((1, 4), **first)(x))
    x = layers.Flatten(name="flatten", **first)(x)
    x = layers.Dense(3, name="dense", kernel_constraint=k.constraints.max_norm(0.25))(x)
    return k.Model(inputs, layers.Activation("softmax", name="softmax")(x))


def shallow_conv_net(k):
    """ShallowConvNet, channels_first: square, mean, clipped log on tensors; a norm over two axes."""
    layers, ops, first = k.layers, ops_of(k), {"data_format": "channels_first"}
    inputs = k.Input((1, 5, 60))
    x = layers.Conv2D(4, (1, 13), kernel_constraint=k.constraints.max_norm(2., axis=(0, 1, 2)), **first)(inputs)
    x = layers.Conv2D(4, (5, 1), use_bias=False, kernel_constraint=k.constraints.max_norm(2., axis=(0, 1, 2)),
                      **first)(x)
    x = layers.BatchNormalization(axis=1, epsilon=1e-05, momentum=0.9)(x)
    x = ops.square(x)
    x = layers.AveragePooling2D(pool_size=(1, 15), strides=(1, 7), **first)(x)
    x = ops.log(ops.clip(x, 1e-7, 10000.0))
    x = layers.Flatten()(layers.Dropout(0.5)(x))
    x = layers.Dense(2, kernel_constraint=k.constraints.max_norm(0.5))(x)
    return k.Model(inputs, layers.Activation("softmax")(x))


def deep_conv_net(k):
    """DeepConvNet, channels_first: four blocks of narrow kernels and pools."""
    layers, first = k.layers, {"data_format": "channels_first"}
    limit = k.constraints.max_norm
    x = inputs = k.Input((1, 4, 90))
    x = layers.Conv2D(4, (1, 5), kernel_constraint=limit(2., axis=(0, 1, 2)), **first)(x)
    x = layers.Conv2D(4, (4, 1), kernel_constraint=limit(2., axis=(0, 1, 2)), **first)(x)
    for i, filters in enumerate((5, 6, 7)):
        if i:
            x = layers.Conv2D(filters, (1, 5), kernel_constraint=limit(2., axis=(0, 1, 2)), **first)(x)
        x = layers.Activation("elu")(layers.BatchNormalization(epsilon=1e-05, momentum=0.9, axis=1)(x))
        x = layers.MaxPooling2D(pool_size=(1, 2), strides=(1, 2), **first)(x)
        x = layers.Dropout(0.5)(x)
    return k.Model(inputs, layers.Dense(4, kernel_constraint=limit(0.5), activation="softmax")(
        layers.Flatten(**first)(x)))


def eeg_tc(k):
    """EEG-TCNet: the 2D part's last row becomes a series for a temporal net."""
    layers = k.layers
    inputs = k.Input((1, 5, 48))
    x = layers.Permute((3, 2, 1))(inputs)
    x = layers.BatchNormalization(axis=-1)(layers.Conv2D(4, (8, 1), padding="same", use_bias=False)(x))
    x = layers.DepthwiseConv2D((1, 5), use_bias=False, depth_multiplier=2)(x)
    x = layers.AveragePooling2D((4, 1))(layers.Activation("elu")(layers.BatchNormalization(axis=-1)(x)))
    x = layers.SeparableConv2D(6, (4, 1), use_bias=False, padding="same")(x)
    x = x[:, :, -1, :]
    for rate in (1, 2):
        y = layers.Conv1D(6, 4, dilation_rate=rate, padding="causal", kernel_initializer="he_uniform")(x)
        y = layers.Activation("elu")(layers.BatchNormalization()(y))
        x = layers.Activation("elu")(layers.Add()([layers.Dropout(0.3)(y), x]))
    return k.Model(inputs, layers.Dense(4, kernel_constraint=k.constraints.MaxNorm(.25))(x[:, -1, :]))


# ---- text ----

def kim_cnn(k):
    """Kim's CNN as many wrote it: rows of words as an image, Conv2D over whole rows, pools over all rows, Reshape."""
    layers = k.layers
    inputs = k.Input(shape=(15,), dtype="int32")
    x = layers.Embedding(input_dim=30, output_dim=6)(inputs)
    x = layers.Reshape((15, 6, 1))(x)
    pooled = []
    for size in (3, 4, 5):
        y = layers.Conv2D(4, kernel_size=(size, 6), padding="valid", kernel_initializer="normal",
                          activation="relu")(x)
        pooled.append(layers.MaxPool2D(pool_size=(15 - size + 1, 1), strides=(1, 1), padding="valid")(y))
    x = layers.Flatten()(layers.Concatenate(axis=1)(pooled))
    return k.Model(inputs, layers.Dense(3, activation="softmax", kernel_regularizer=k.regularizers.l2(0.01))(x))


def char_cnn(k):
    layers = k.layers
    inputs = k.Input(shape=(120,), name="input", dtype="int64")
    x = layers.Embedding(21, 5, input_length=120)(inputs) if not hasattr(k, "ops") else \
        layers.Embedding(21, 5)(inputs)
    for filters, size, pool in ((6, 7, 3), (6, 7, 3), (6, 3, -1), (6, 3, 2)):
        x = layers.Activation("relu")(layers.Conv1D(filters, size)(x))
        if pool != -1:
            x = layers.MaxPooling1D(pool_size=pool)(x)
    x = layers.Flatten()(x)
    for size in (8, 8):
        x = layers.Dropout(0.5)(layers.Dense(size, activation="relu")(x))
    return k.Model(inputs=inputs, outputs=layers.Dense(4, activation="softmax")(x))


def separable_text(k):
    """The tutorial's sepCNN in a Sequential, on a masked Embedding."""
    layers = k.layers
    model = k.Sequential([k.Input((None,), dtype="int32"), layers.Embedding(25, 6, mask_zero=True)])
    for i, filters in enumerate((6, 10)):
        model.add(layers.SeparableConv1D(filters, 3, activation="relu", padding="same",
                                         bias_initializer="random_uniform", depthwise_initializer="random_uniform"))
        model.add(layers.SeparableConv1D(filters, 3, activation="relu", padding="same"))
        if i == 0:
            model.add(layers.MaxPooling1D(pool_size=2))
    model.add(layers.GlobalAveragePooling1D())
    model.add(layers.Dropout(rate=0.2))
    model.add(layers.Dense(1, activation="sigmoid"))
    return model


def text_twins(k):
    """Two sentences, one Embedding and one encoder; |u - v| and u * v."""
    layers, ops = k.layers, ops_of(k)
    words = layers.Embedding(25, 6, name="words")
    sentence = k.Input((12,), name="sentence")
    x = layers.Conv1D(6, 3, activation="tanh", padding="same")(words(sentence))
    encoder = k.Model(sentence, layers.GlobalMaxPooling1D()(x), name="encoder")
    a, b = k.Input((12,), name="first"), k.Input((12,), name="second")
    u, v = encoder(a), encoder(b)
    joined = layers.Concatenate()([u, v, ops.abs(u - v), u * v])
    return k.Model([a, b], layers.Dense(1, activation="sigmoid")(layers.Dense(5, activation="relu")(joined)))


def highway(k):
    """Character-aware highway layers: t * h + (1 - t) * x."""
    layers = k.layers
    inputs = k.Input((10, 4))
    x = layers.concatenate([layers.GlobalMaxPooling1D()(layers.Conv1D(4, size, activation="tanh")(inputs))
                            for size in (1, 2, 3)])
    for i in range(2):
        t = layers.Dense(12, activation="sigmoid", bias_initializer=k.initializers.Constant(-2), name=f"gate{i}")(x)
        h = layers.Dense(12, activation="relu", name=f"transform{i}")(x)
        x = t * h + (1.0 - t) * x
    return k.Model(inputs, layers.Dense(3)(x))


def attended(k):
    """Scores by a Dense of one, softmax over time, a weighted sum by an operation and by Dot."""
    layers, ops = k.layers, ops_of(k)
    inputs = k.Input((None, 3))
    x = layers.Conv1D(6, 3, padding="same", activation="tanh")(inputs)
    scores = layers.Softmax(axis=1, name="over_time")(layers.Dense(1, use_bias=False)(x))
    summed = ops.sum(x * scores, axis=1)
    dotted = layers.Flatten()(layers.Dot(axes=1)([scores, x]))
    return k.Model(inputs, [summed, dotted, scores])


SIGNALS = [wave_net, causal_strides, raw_resnet, crepe, yam_net, mel_net, fft_free, eeg_net, shallow_conv_net,
           deep_conv_net, eeg_tc, kim_cnn, char_cnn, separable_text, text_twins, highway, attended]
