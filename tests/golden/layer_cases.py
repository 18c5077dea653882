"""The cases of the 17 layers: one table a layer, a row a geometry.

A row is case(input shape in channels_last order with the batch, the layer's arguments). make_layers.py
runs every row in both generations, once channels_last and once channels_first where the layer has a
data_format, with other numbers, another activation and another use_bias each time; a row may fix any
of these, or name the one generation that it is for (only=2 or only=3).
"""


def case(shape, only=None, **arguments):
    return {"shape": shape, "only": only, "arguments": arguments}


# Arguments that leave the forward pass alone but that a reader of configurations must know.
CONV_EXTRAS = dict(kernel_initializer="he_normal", bias_initializer="ones", kernel_regularizer="l2",
                   bias_regularizer="l1", activity_regularizer="L1L2",
                   kernel_constraint="max_norm", bias_constraint="non_neg")
DEPTHWISE_EXTRAS = dict(depthwise_initializer="orthogonal", bias_initializer="random_normal",
                        depthwise_regularizer="L1L2", bias_regularizer="l2",
                        activity_regularizer="l1", depthwise_constraint="unit_norm",
                        bias_constraint="min_max_norm")
SEPARABLE_EXTRAS = dict(DEPTHWISE_EXTRAS, pointwise_initializer="lecun_uniform",
                        pointwise_regularizer="l2", pointwise_constraint="non_neg")

CONV1D = [
    case((1, 7, 3), filters=5, kernel_size=3),
    case((5, 11, 1), filters=7, kernel_size=1),
    case((1, 13, 5), filters=3, kernel_size=13),                          # one output step
    case((2, 17, 3), filters=4, kernel_size=4, padding="same"),           # odd total of padding
    case((1, 17, 7), filters=1, kernel_size=2, padding="same"),
    case((5, 19, 3), filters=3, kernel_size=3, strides=2, padding="same"),
    case((1, 20, 3), filters=5, kernel_size=5, strides=3, padding="same"),
    case((1, 23, 5), filters=7, kernel_size=2, strides=5),                # stride > kernel
    case((2, 23, 5), filters=7, kernel_size=2, strides=5, padding="same"),
    case((1, 29, 2), filters=3, kernel_size=3, strides=7, padding="same"),
    case((1, 3, 3), filters=5, kernel_size=7, padding="same"),            # kernel > input
    case((1, 1, 5), filters=3, kernel_size=3, padding="same"),
    case((2, 31, 3), filters=5, kernel_size=3, dilation_rate=4),
    case((1, 19, 5), filters=3, kernel_size=4, dilation_rate=3, padding="same"),
    case((1, 5, 3), filters=3, kernel_size=3, dilation_rate=5, padding="same"),
    case((1, 13, 3), filters=5, kernel_size=3, padding="causal"),
    case((5, 11, 3), filters=2, kernel_size=4, padding="causal"),
    case((1, 17, 5), filters=3, kernel_size=2, dilation_rate=4, padding="causal"),
    case((1, 2, 3), filters=7, kernel_size=5, padding="causal"),
    case((2, 19, 3), filters=5, kernel_size=3, strides=2, padding="causal"),
    case((1, 14, 6), filters=9, kernel_size=3, groups=3),
    case((2, 13, 10), filters=5, kernel_size=4, groups=5, padding="same", strides=2),
    case((1, 16, 7), filters=7, kernel_size=3, groups=7, padding="same"),
    case((2, 9, 3), filters=5, kernel_size=3, use_bias=True, padding="same", **CONV_EXTRAS),
]

CONV2D = [
    case((1, 5, 7, 3), filters=5, kernel_size=3),
    case((5, 7, 5, 1), filters=7, kernel_size=1),
    case((1, 7, 11, 5), filters=3, kernel_size=(7, 11)),                  # one output pixel
    case((2, 7, 6, 3), filters=4, kernel_size=4, padding="same"),         # odd total of padding
    case((1, 11, 5, 7), filters=1, kernel_size=(2, 3), padding="same"),
    case((5, 7, 7, 3), filters=3, kernel_size=3, strides=2, padding="same"),
    case((1, 13, 8, 3), filters=5, kernel_size=(5, 2), strides=(3, 2), padding="same"),
    case((1, 13, 11, 3), filters=7, kernel_size=(2, 1), strides=(5, 3)),  # stride > kernel
    case((2, 13, 11, 3), filters=3, kernel_size=2, strides=(5, 3), padding="same"),
    case((1, 17, 9, 2), filters=3, kernel_size=3, strides=7, padding="same"),
    case((1, 3, 2, 3), filters=5, kernel_size=(7, 5), padding="same"),    # kernel > input
    case((1, 1, 1, 5), filters=3, kernel_size=3, padding="same"),
    case((1, 1, 13, 3), filters=5, kernel_size=(1, 4), strides=(1, 2)),
    case((2, 11, 9, 3), filters=5, kernel_size=3, dilation_rate=(4, 2)),
    case((1, 9, 8, 5), filters=3, kernel_size=(4, 2), dilation_rate=3, padding="same"),
    case((1, 4, 5, 3), filters=3, kernel_size=3, dilation_rate=(5, 1), padding="same"),
    case((1, 9, 7, 3), filters=5, kernel_size=5, strides=(1, 2)),
    case((5, 5, 6, 2), filters=17, kernel_size=3, padding="same"),
    case((1, 7, 5, 6), filters=9, kernel_size=3, groups=3),
    case((2, 7, 6, 10), filters=5, kernel_size=(4, 3), groups=5, padding="same", strides=2),
    case((1, 6, 5, 7), filters=7, kernel_size=3, groups=7, padding="same"),
    case((1, 8, 7, 4), filters=6, kernel_size=3, groups=2, dilation_rate=2),
    case((2, 5, 6, 3), filters=5, kernel_size=3, use_bias=True, padding="same", **CONV_EXTRAS),
]

CONV3D = [
    case((1, 3, 5, 4, 3), filters=5, kernel_size=3),
    case((5, 3, 2, 3, 1), filters=7, kernel_size=1),
    case((1, 3, 4, 5, 2), filters=3, kernel_size=(3, 4, 5)),              # one output voxel
    case((2, 3, 5, 4, 3), filters=2, kernel_size=2, padding="same"),      # odd total of padding
    case((1, 5, 3, 4, 3), filters=1, kernel_size=(2, 3, 4), padding="same"),
    case((5, 3, 5, 3, 2), filters=3, kernel_size=3, strides=2, padding="same"),
    case((1, 7, 5, 4, 3), filters=5, kernel_size=(3, 2, 1), strides=(3, 2, 2), padding="same"),
    case((1, 7, 5, 6, 2), filters=7, kernel_size=(2, 1, 3), strides=(4, 3, 5)),
    case((2, 7, 5, 5, 2), filters=3, kernel_size=2, strides=(4, 3, 1), padding="same"),
    case((1, 11, 3, 3, 1), filters=3, kernel_size=(3, 1, 2), strides=5, padding="same"),
    case((1, 2, 3, 1, 3), filters=3, kernel_size=(5, 3, 3), padding="same"),   # kernel > input
    case((1, 1, 1, 1, 5), filters=3, kernel_size=2, padding="same"),
    case((1, 1, 7, 5, 3), filters=2, kernel_size=(1, 3, 2)),
    case((2, 5, 6, 7, 1), filters=3, kernel_size=2, dilation_rate=(3, 2, 4)),
    case((1, 4, 5, 5, 3), filters=2, kernel_size=(2, 3, 2), dilation_rate=2, padding="same"),
    case((1, 3, 4, 5, 2), filters=3, kernel_size=3, dilation_rate=(1, 3, 2), padding="same"),
    case((1, 4, 5, 5, 3), filters=3, kernel_size=3, strides=(1, 2, 1)),
    case((1, 3, 3, 4, 2), filters=17, kernel_size=2, padding="same"),
    case((1, 3, 4, 5, 6), filters=9, kernel_size=2, groups=3),
    case((2, 4, 3, 3, 5), filters=5, kernel_size=(2, 3, 1), groups=5, padding="same", strides=2),
    case((1, 3, 3, 4, 4), filters=2, kernel_size=3, groups=2, padding="same"),
    case((1, 3, 3, 4, 3), filters=5, kernel_size=2, use_bias=True, padding="same", **CONV_EXTRAS),
]

SEPARABLECONV1D = [
    case((1, 7, 3), filters=5, kernel_size=3),
    case((5, 11, 1), filters=7, kernel_size=1, depth_multiplier=3),
    case((1, 13, 5), filters=3, kernel_size=13),
    case((2, 17, 3), filters=4, kernel_size=4, padding="same", depth_multiplier=2),
    case((1, 17, 7), filters=1, kernel_size=2, padding="same"),
    case((5, 19, 3), filters=3, kernel_size=3, strides=2, padding="same", depth_multiplier=3),
    case((1, 20, 3), filters=5, kernel_size=5, strides=3, padding="same"),
    case((1, 23, 5), filters=7, kernel_size=2, strides=5),
    case((2, 23, 5), filters=7, kernel_size=2, strides=5, padding="same"),
    case((1, 29, 2), filters=3, kernel_size=3, strides=7, padding="same", depth_multiplier=2),
    case((1, 3, 3), filters=5, kernel_size=7, padding="same"),
    case((1, 1, 5), filters=3, kernel_size=3, padding="same", depth_multiplier=2),
    case((2, 31, 3), filters=5, kernel_size=3, dilation_rate=4),
    case((1, 19, 5), filters=3, kernel_size=4, dilation_rate=3, padding="same"),
    case((1, 11, 3), filters=3, kernel_size=3, dilation_rate=5, padding="same", depth_multiplier=3),
    case((2, 14, 7), filters=11, kernel_size=6, strides=4),
    case((1, 12, 3), filters=5, kernel_size=4, strides=4, padding="same", depth_multiplier=2),
    case((1, 9, 1), filters=1, kernel_size=3),
    case((2, 9, 3), filters=13, kernel_size=5, strides=2, depth_multiplier=3),
    case((2, 9, 3), filters=5, kernel_size=3, use_bias=True, padding="same", **SEPARABLE_EXTRAS),
    # Keras 3 refuses causal here; tf_keras runs it.
    case((1, 13, 3), only=2, filters=5, kernel_size=3, padding="causal"),
    case((5, 11, 3), only=2, filters=2, kernel_size=4, padding="causal", depth_multiplier=2),
    case((1, 17, 5), only=2, filters=3, kernel_size=2, dilation_rate=4, padding="causal"),
    case((1, 2, 3), only=2, filters=7, kernel_size=5, padding="causal"),
    case((2, 19, 3), only=2, filters=5, kernel_size=3, strides=2, padding="causal"),
    case((1, 10, 7), only=3, filters=5, kernel_size=3, strides=3),
    case((2, 15, 3), only=3, filters=2, kernel_size=2, dilation_rate=7),
    case((1, 16, 3), only=3, filters=3, kernel_size=6, padding="same", depth_multiplier=3),
    case((1, 16, 3), only=3, filters=3, kernel_size=6, padding="same", strides=5),
]

SEPARABLECONV2D = [
    case((1, 5, 7, 3), filters=5, kernel_size=3),
    case((5, 7, 5, 1), filters=7, kernel_size=1, depth_multiplier=3),
    case((1, 7, 11, 5), filters=3, kernel_size=(7, 11)),
    case((2, 7, 6, 3), filters=4, kernel_size=4, padding="same", depth_multiplier=2),
    case((1, 11, 5, 7), filters=1, kernel_size=(2, 3), padding="same"),
    case((5, 7, 7, 3), filters=3, kernel_size=3, strides=2, padding="same", depth_multiplier=3),
    case((1, 13, 8, 3), filters=5, kernel_size=(5, 2), strides=3, padding="same"),
    case((1, 13, 11, 3), filters=7, kernel_size=(2, 1), strides=5),
    case((2, 13, 11, 3), filters=3, kernel_size=2, strides=5, padding="same"),
    case((1, 13, 11, 3), filters=7, kernel_size=(3, 2), strides=(2, 3)),   # unequal strides
    case((2, 9, 12, 3), filters=3, kernel_size=(4, 3), strides=(1, 4), padding="same",
         depth_multiplier=2),
    case((1, 17, 9, 2), filters=3, kernel_size=3, strides=7, padding="same"),
    case((1, 3, 2, 3), filters=5, kernel_size=(7, 5), padding="same"),
    case((1, 1, 1, 5), filters=3, kernel_size=3, padding="same", depth_multiplier=2),
    case((2, 11, 9, 3), filters=5, kernel_size=3, dilation_rate=(4, 2)),
    case((1, 9, 8, 5), filters=3, kernel_size=(4, 2), dilation_rate=3, padding="same"),
    case((1, 7, 6, 3), filters=3, kernel_size=3, dilation_rate=(3, 1), padding="same",
         depth_multiplier=2),
    case((1, 9, 7, 3), filters=5, kernel_size=5, strides=2, depth_multiplier=2),
    case((2, 5, 6, 2), filters=17, kernel_size=3, padding="same"),
    case((1, 5, 4, 7), filters=11, kernel_size=2, depth_multiplier=3),
    case((1, 6, 6, 1), filters=1, kernel_size=(3, 4), padding="same"),
    case((2, 5, 6, 3), filters=5, kernel_size=3, use_bias=True, padding="same", **SEPARABLE_EXTRAS),
]

DEPTHWISECONV2D = [
    case((1, 5, 7, 3), kernel_size=3),
    case((5, 7, 5, 1), kernel_size=1, depth_multiplier=3),
    case((1, 7, 11, 5), kernel_size=(7, 11)),
    case((2, 7, 6, 3), kernel_size=4, padding="same", depth_multiplier=2),
    case((1, 11, 5, 7), kernel_size=(2, 3), padding="same"),
    case((5, 7, 7, 3), kernel_size=3, strides=2, padding="same", depth_multiplier=3),
    case((1, 13, 8, 3), kernel_size=(5, 2), strides=3, padding="same"),
    case((1, 13, 11, 3), kernel_size=(2, 1), strides=5),
    case((2, 13, 11, 3), kernel_size=2, strides=5, padding="same", depth_multiplier=2),
    case((1, 13, 11, 3), kernel_size=(3, 2), strides=(2, 3)),              # unequal strides
    case((2, 9, 12, 3), kernel_size=(4, 3), strides=(1, 4), padding="same", depth_multiplier=2),
    case((1, 17, 9, 2), kernel_size=3, strides=7, padding="same"),
    case((1, 3, 2, 3), kernel_size=(7, 5), padding="same"),
    case((1, 1, 1, 5), kernel_size=3, padding="same", depth_multiplier=2),
    case((2, 11, 9, 3), kernel_size=3, dilation_rate=(4, 2)),
    case((1, 9, 8, 5), kernel_size=(4, 2), dilation_rate=3, padding="same"),
    case((1, 7, 6, 3), kernel_size=3, dilation_rate=(3, 1), padding="same", depth_multiplier=2),
    case((1, 9, 7, 3), kernel_size=5, strides=2, depth_multiplier=2),
    case((2, 5, 6, 17), kernel_size=3, padding="same"),
    case((1, 5, 4, 7), kernel_size=2, depth_multiplier=3),
    case((1, 6, 6, 1), kernel_size=(3, 4), padding="same"),
    case((2, 5, 6, 3), kernel_size=3, use_bias=True, padding="same", **DEPTHWISE_EXTRAS),
]

CONV2DTRANSPOSE = [
    case((1, 5, 4, 3), filters=5, kernel_size=3),
    case((5, 3, 5, 1), filters=7, kernel_size=1),
    case((1, 5, 4, 3), filters=3, kernel_size=3, padding="same"),
    case((2, 4, 5, 3), filters=2, kernel_size=4, padding="same"),
    case((1, 5, 3, 5), filters=3, kernel_size=3, strides=2),
    case((5, 3, 4, 3), filters=3, kernel_size=3, strides=2, padding="same"),
    case((1, 4, 3, 7), filters=1, kernel_size=(2, 5), strides=(3, 2), padding="same"),
    case((1, 3, 5, 3), filters=3, kernel_size=(5, 2), strides=(2, 3)),
    case((1, 4, 3, 3), filters=5, kernel_size=2, strides=(5, 3)),              # stride > kernel
    case((2, 4, 3, 3), filters=3, kernel_size=2, strides=(5, 3), padding="same"),
    case((1, 3, 4, 3), filters=2, kernel_size=1, strides=3, padding="same"),
    case((1, 1, 1, 5), filters=3, kernel_size=(3, 4), strides=2),
    case((1, 1, 1, 5), filters=3, kernel_size=(3, 4), strides=2, padding="same"),
    case((1, 4, 5, 3), filters=3, kernel_size=3, strides=2, output_padding=1),
    case((1, 4, 5, 3), filters=3, kernel_size=3, strides=2, output_padding=1, padding="same"),
    case((2, 3, 4, 3), filters=5, kernel_size=(3, 5), strides=(2, 3), output_padding=(1, 2)),
    case((1, 4, 3, 3), filters=5, kernel_size=(3, 5), strides=(2, 3), output_padding=(1, 2),
         padding="same"),
    case((1, 4, 3, 3), filters=5, kernel_size=3, strides=(3, 2), output_padding=(1, 0),
         padding="same"),
    case((1, 3, 4, 2), filters=3, kernel_size=2, strides=(4, 3), output_padding=(3, 1)),
    case((1, 3, 3, 2), filters=3, kernel_size=1, strides=4, output_padding=(3, 0), padding="same"),
    case((1, 4, 5, 3), filters=5, kernel_size=5, strides=1, output_padding=0, padding="same"),
    case((2, 4, 3, 3), filters=5, kernel_size=3, use_bias=True, strides=2, **CONV_EXTRAS),
    # On a CPU only tf_keras dilates these, equally on both axes.
    case((1, 5, 4, 3), only=2, filters=3, kernel_size=3, dilation_rate=2),
    case((2, 5, 4, 3), only=2, filters=3, kernel_size=(3, 2), dilation_rate=3, padding="same"),
    case((1, 3, 7, 5), only=2, filters=2, kernel_size=(2, 4), dilation_rate=2, padding="same"),
    case((1, 7, 3, 3), only=3, filters=2, kernel_size=7, strides=4),
    case((1, 7, 3, 3), only=3, filters=2, kernel_size=6, strides=4, padding="same"),
]

CONV3DTRANSPOSE = [
    case((1, 3, 2, 4, 3), filters=5, kernel_size=2),
    case((5, 2, 3, 2, 1), filters=7, kernel_size=1),
    case((1, 3, 4, 2, 3), filters=3, kernel_size=3, padding="same"),
    case((2, 2, 3, 4, 2), filters=2, kernel_size=(4, 2, 3), padding="same"),
    case((1, 3, 2, 3, 3), filters=2, kernel_size=3, strides=2),
    case((5, 2, 3, 2, 2), filters=2, kernel_size=3, strides=2, padding="same"),
    case((1, 2, 3, 2, 5), filters=1, kernel_size=(2, 5, 1), strides=(3, 2, 1), padding="same"),
    case((1, 2, 2, 3, 3), filters=3, kernel_size=(1, 2, 3), strides=(2, 3, 1)),
    case((1, 2, 3, 2, 3), filters=2, kernel_size=2, strides=(4, 3, 3)),        # stride > kernel
    case((2, 2, 3, 2, 2), filters=3, kernel_size=2, strides=(4, 3, 1), padding="same"),
    case((1, 2, 1, 3, 3), filters=2, kernel_size=1, strides=(3, 2, 2), padding="same"),
    case((1, 1, 1, 1, 5), filters=3, kernel_size=(3, 2, 4), strides=2),
    case((1, 1, 1, 1, 5), filters=3, kernel_size=(3, 2, 4), strides=2, padding="same"),
    case((1, 2, 3, 2, 3), filters=2, kernel_size=3, strides=2, output_padding=1),
    case((1, 2, 2, 3, 3), filters=2, kernel_size=3, strides=2, output_padding=1, padding="same"),
    case((2, 2, 2, 1, 2), filters=3, kernel_size=(3, 2, 3), strides=(2, 3, 2),
         output_padding=(1, 2, 0)),
    case((1, 2, 3, 2, 3), filters=2, kernel_size=(3, 5, 1), strides=(2, 3, 2),
         output_padding=(1, 2, 1), padding="same"),
    case((1, 2, 2, 3, 3), filters=2, kernel_size=3, strides=(3, 2, 1), output_padding=(1, 0, 0),
         padding="same"),
    case((1, 2, 2, 2, 2), filters=3, kernel_size=2, strides=(4, 3, 3), output_padding=(3, 1, 2)),
    case((1, 2, 3, 2, 3), filters=3, kernel_size=3, strides=1, output_padding=0, padding="same"),
    case((1, 3, 1, 2, 7), filters=4, kernel_size=(4, 1, 2), strides=(2, 1, 2), padding="same"),
    case((1, 2, 2, 3, 3), filters=2, kernel_size=2, use_bias=True, strides=2, **CONV_EXTRAS),
]

CROPPING1D = [
    case(shape, cropping=cropping) for shape, cropping in [
        ((1, 5, 3), 1), ((5, 7, 1), 2), ((2, 11, 5), 0), ((1, 13, 7), 6), ((3, 3, 3), 1),
        ((1, 17, 3), (1, 0)), ((5, 7, 5), (0, 1)), ((1, 19, 3), (7, 11)), ((2, 23, 1), (0, 22)),
        ((1, 29, 7), (28, 0)), ((2, 5, 3), (0, 0)), ((1, 31, 3), (5, 3)), ((5, 3, 7), (2, 0)),
        ((1, 37, 5), (3, 17)), ((2, 8, 2), (4, 3)), ((1, 64, 3), (1, 2)), ((1, 41, 1), 20),
        ((7, 4, 3), (1, 1)), ((1, 100, 1), (33, 34)), ((2, 6, 11), (2, 1)), ((1, 2, 13), (1, 0)),
        ((3, 9, 3), 4)]
] + [case((2, 7, 3))]

CROPPING2D = [
    case(shape, cropping=cropping) for shape, cropping in [
        ((1, 5, 7, 3), 1), ((5, 7, 5, 1), 2), ((2, 4, 3, 5), 0), ((1, 13, 7, 3), 3),
        ((1, 5, 7, 3), (1, 2)), ((2, 11, 3, 3), (5, 1)), ((1, 3, 11, 5), (0, 5)),
        ((1, 7, 5, 7), (3, 0)), ((1, 8, 7, 3), ((2, 2), (3, 3))), ((1, 9, 6, 3), ((1, 0), (0, 0))),
        ((5, 4, 5, 3), ((0, 1), (0, 0))), ((1, 6, 7, 5), ((0, 0), (1, 0))),
        ((2, 6, 7, 1), ((0, 0), (0, 1))), ((1, 11, 13, 2), ((4, 6), (5, 7))),
        ((1, 5, 9, 3), ((4, 0), (0, 8))), ((1, 5, 9, 3), ((0, 4), (8, 0))),
        ((2, 7, 7, 3), ((1, 2), (3, 2))), ((1, 1, 17, 3), ((0, 0), (16, 0))),
        ((5, 3, 3, 7), ((2, 0), (0, 2))), ((1, 16, 10, 3), ((2, 2), (4, 4))),
        ((1, 10, 3, 13), ((3, 1), 1)), ((2, 3, 10, 1), (1, (3, 4)))]
] + [case((2, 3, 5, 3))]

CROPPING3D = [
    case(shape, cropping=cropping) for shape, cropping in [
        ((1, 3, 5, 4, 3), 1), ((5, 3, 3, 3, 1), 1), ((2, 2, 4, 3, 3), 0), ((1, 7, 5, 6, 2), 2),
        ((1, 5, 3, 7, 3), (1, 0, 2)), ((2, 3, 5, 2, 3), (0, 2, 0)), ((1, 2, 3, 7, 5), (0, 1, 3)),
        ((1, 7, 2, 3, 3), (3, 0, 1)), ((1, 4, 5, 6, 2), ((1, 1), (2, 2), (0, 0))),
        ((1, 3, 4, 5, 3), ((1, 0), (0, 0), (0, 0))), ((5, 2, 3, 4, 1), ((0, 1), (0, 0), (0, 0))),
        ((1, 3, 4, 5, 3), ((0, 0), (1, 0), (0, 0))), ((2, 3, 4, 2, 3), ((0, 0), (0, 1), (0, 0))),
        ((1, 3, 4, 5, 3), ((0, 0), (0, 0), (1, 0))), ((1, 2, 3, 5, 7), ((0, 0), (0, 0), (0, 1))),
        ((1, 5, 7, 6, 1), ((3, 1), (0, 6), (2, 3))), ((1, 6, 5, 7, 1), ((0, 5), (4, 0), (6, 0))),
        ((2, 3, 4, 5, 2), ((1, 0), (0, 2), (2, 1))), ((1, 1, 1, 11, 3), ((0, 0), (0, 0), (4, 3))),
        ((1, 8, 2, 2, 3), ((2, 5), (1, 0), (0, 1))), ((1, 4, 4, 3, 5), (1, (0, 3), (2, 0)))]
] + [case((2, 3, 5, 3, 3))]

ZEROPADDING1D = [
    case(shape, padding=padding) for shape, padding in [
        ((1, 5, 3), 1), ((5, 7, 1), 2), ((2, 11, 5), 0), ((1, 13, 7), 6), ((3, 3, 3), 7),
        ((1, 17, 3), (1, 0)), ((5, 7, 5), (0, 1)), ((1, 19, 3), (7, 11)), ((2, 1, 1), (0, 23)),
        ((1, 1, 7), (28, 0)), ((2, 5, 3), (0, 0)), ((1, 31, 3), (5, 3)), ((5, 3, 7), (2, 0)),
        ((1, 37, 5), (3, 17)), ((2, 8, 2), (4, 3)), ((1, 64, 3), (1, 2)), ((1, 41, 1), 20),
        ((7, 4, 3), (1, 1)), ((1, 100, 1), (33, 34)), ((2, 6, 11), (2, 1)), ((1, 2, 13), (1, 0)),
        ((3, 9, 3), 4)]
] + [case((2, 7, 3))]

ZEROPADDING2D = [
    case(shape, padding=padding) for shape, padding in [
        ((1, 5, 7, 3), 1), ((5, 3, 5, 1), 2), ((2, 4, 3, 5), 0), ((1, 5, 7, 3), 3),
        ((1, 5, 7, 3), (1, 2)), ((2, 3, 3, 3), (5, 1)), ((1, 3, 5, 5), (0, 5)),
        ((1, 3, 5, 7), (3, 0)), ((1, 3, 4, 3), ((2, 2), (3, 3))), ((1, 9, 6, 3), ((1, 0), (0, 0))),
        ((5, 4, 5, 3), ((0, 1), (0, 0))), ((1, 6, 7, 5), ((0, 0), (1, 0))),
        ((2, 6, 7, 1), ((0, 0), (0, 1))), ((1, 3, 2, 2), ((4, 6), (5, 7))),
        ((1, 5, 4, 3), ((4, 0), (0, 8))), ((1, 5, 4, 3), ((0, 4), (8, 0))),
        ((2, 3, 5, 3), ((1, 2), (3, 2))), ((1, 1, 1, 3), ((0, 0), (16, 0))),
        ((5, 3, 3, 7), ((2, 0), (0, 2))), ((1, 6, 5, 3), ((2, 2), (4, 4))),
        ((1, 3, 3, 13), ((3, 1), 1)), ((2, 3, 5, 1), (1, (3, 4)))]
] + [case((2, 3, 5, 3))]

ZEROPADDING3D = [
    case(shape, padding=padding) for shape, padding in [
        ((1, 3, 2, 4, 3), 1), ((5, 2, 1, 3, 1), 1), ((2, 2, 4, 3, 3), 0), ((1, 3, 1, 2, 2), 2),
        ((1, 3, 2, 3, 3), (1, 0, 2)), ((2, 3, 1, 2, 3), (0, 2, 0)), ((1, 2, 3, 1, 5), (0, 1, 3)),
        ((1, 2, 2, 3, 3), (3, 0, 1)), ((1, 2, 3, 4, 2), ((1, 1), (2, 2), (0, 0))),
        ((1, 3, 4, 5, 3), ((1, 0), (0, 0), (0, 0))), ((5, 2, 3, 4, 1), ((0, 1), (0, 0), (0, 0))),
        ((1, 3, 4, 5, 3), ((0, 0), (1, 0), (0, 0))), ((2, 3, 4, 2, 3), ((0, 0), (0, 1), (0, 0))),
        ((1, 3, 4, 5, 3), ((0, 0), (0, 0), (1, 0))), ((1, 2, 3, 5, 7), ((0, 0), (0, 0), (0, 1))),
        ((1, 2, 1, 2, 1), ((3, 1), (0, 6), (2, 3))), ((1, 1, 2, 1, 1), ((0, 5), (4, 0), (6, 0))),
        ((2, 3, 2, 2, 2), ((1, 0), (0, 2), (2, 1))), ((1, 1, 1, 5, 3), ((0, 0), (0, 0), (4, 3))),
        ((1, 2, 2, 2, 3), ((2, 5), (1, 0), (0, 1))), ((1, 2, 1, 3, 5), (1, (0, 3), (2, 0)))]
] + [case((2, 3, 2, 3, 3))]

UPSAMPLING1D = [
    case(shape, size=size) for shape, size in [
        ((1, 5, 3), 1), ((5, 7, 1), 2), ((2, 11, 5), 3), ((1, 13, 7), 4), ((3, 3, 3), 5),
        ((1, 1, 3), 5), ((5, 1, 5), 2), ((1, 19, 3), 3), ((2, 23, 1), 4), ((1, 2, 7), 5),
        ((2, 5, 3), 1), ((1, 31, 3), 2), ((5, 3, 7), 3), ((1, 37, 1), 5), ((2, 8, 2), 4),
        ((1, 64, 1), 3), ((1, 41, 1), 2), ((7, 4, 3), 2), ((1, 3, 31), 3), ((2, 6, 11), 2),
        ((1, 2, 13), 7), ((1, 1, 1), 11)]
] + [case((2, 7, 3))]

UPSAMPLING2D = [
    case(shape, size=size, interpolation=how) for shape, size, how in [
        ((1, 5, 7, 3), 1, "nearest"), ((5, 3, 2, 1), 2, "nearest"), ((1, 3, 5, 3), 3, "nearest"),
        ((1, 4, 3, 5), 4, "nearest"), ((1, 2, 3, 3), 5, "nearest"), ((1, 3, 7, 3), (2, 3), "nearest"),
        ((2, 3, 4, 3), (1, 4), "nearest"), ((1, 7, 1, 7), (5, 1), "nearest"),
        ((1, 1, 1, 13), (3, 2), "nearest"), ((1, 11, 13, 1), 2, "nearest"),
        ((1, 5, 7, 3), 1, "bilinear"), ((5, 3, 2, 1), 2, "bilinear"), ((1, 3, 5, 3), 3, "bilinear"),
        ((1, 4, 3, 3), 4, "bilinear"), ((1, 2, 3, 3), 5, "bilinear"),
        ((1, 3, 7, 3), (2, 3), "bilinear"), ((2, 3, 4, 2), (1, 4), "bilinear"),
        ((1, 7, 1, 5), (5, 1), "bilinear"), ((1, 1, 1, 13), (3, 2), "bilinear"),
        ((1, 11, 13, 1), 2, "bilinear"), ((1, 7, 5, 1), (3, 5), "bilinear"),
        ((2, 2, 3, 7), (2, 1), "bilinear")]
] + [case((2, 3, 5, 3))]

UPSAMPLING3D = [
    case(shape, size=size) for shape, size in [
        ((1, 3, 5, 4, 3), 1), ((5, 1, 3, 2, 1), 2), ((1, 2, 1, 3, 2), 3), ((1, 1, 2, 1, 3), 4),
        ((1, 1, 1, 2, 1), 5), ((1, 2, 3, 2, 3), (2, 3, 1)), ((2, 3, 1, 2, 3), (1, 2, 3)),
        ((1, 2, 3, 1, 5), (3, 1, 2)), ((1, 1, 2, 3, 3), (5, 1, 1)), ((1, 2, 1, 4, 2), (1, 5, 1)),
        ((1, 3, 2, 1, 3), (1, 1, 5)), ((5, 2, 1, 2, 1), (4, 2, 1)), ((1, 1, 1, 1, 7), (2, 3, 4)),
        ((1, 7, 1, 1, 3), 2), ((1, 1, 7, 1, 3), 2), ((1, 1, 1, 7, 3), 2),
        ((2, 2, 2, 2, 2), (1, 3, 2)), ((1, 2, 2, 3, 1), (4, 1, 3)), ((1, 3, 2, 2, 1), 3),
        ((1, 2, 3, 2, 11), (2, 1, 1)), ((3, 1, 2, 1, 3), (2, 4, 5)), ((1, 5, 3, 2, 1), (1, 4, 1))]
] + [case((2, 1, 3, 2, 3))]

LAYERS = {
    "Conv1D": CONV1D, "Conv2D": CONV2D, "Conv3D": CONV3D,
    "SeparableConv1D": SEPARABLECONV1D, "SeparableConv2D": SEPARABLECONV2D,
    "DepthwiseConv2D": DEPTHWISECONV2D,
    "Conv2DTranspose": CONV2DTRANSPOSE, "Conv3DTranspose": CONV3DTRANSPOSE,
    "Cropping1D": CROPPING1D, "Cropping2D": CROPPING2D, "Cropping3D": CROPPING3D,
    "UpSampling1D": UPSAMPLING1D, "UpSampling2D": UPSAMPLING2D, "UpSampling3D": UPSAMPLING3D,
    "ZeroPadding1D": ZEROPADDING1D, "ZeroPadding2D": ZEROPADDING2D, "ZeroPadding3D": ZEROPADDING3D,
}

# Keras 3 alone; a separate file, upsampling2d_resize.npz.
RESIZE = [
    case(shape, only=3, size=size, interpolation=how) for how, shape, size in [
        ("bicubic", (1, 5, 7, 3), 2), ("bicubic", (2, 3, 4, 1), (3, 1)), ("bicubic", (1, 2, 1, 3), 4),
        ("bicubic", (1, 7, 6, 1), (2, 5)), ("lanczos3", (1, 5, 7, 3), 2),
        ("lanczos3", (1, 4, 3, 1), (1, 3)), ("lanczos3", (1, 2, 3, 3), 5),
        ("lanczos5", (1, 5, 7, 3), 2), ("lanczos5", (1, 11, 6, 1), (3, 2)),
        ("lanczos5", (1, 3, 2, 3), 4)]
]
