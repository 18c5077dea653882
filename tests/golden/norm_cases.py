"""The cases of normalisations, and of what prepares images: one table a file.

Rows as in layer_cases.py. LAYERS_OF maps a file's stem to its class and table; the gradients have the same stems.
"""
from layer_cases import case


def training(row):
    return dict(row, training=True)


BATCHNORMALIZATION_AXES = [
    case((2, 3, 5, 4), only=2, axis=[1, 3]), case((2, 3, 5, 4), only=2, axis=[1, 2], scale=False),
    case((2, 3, 5, 4), only=2, axis=[-1, 2]), case((2, 3, 2, 5), only=2, axis=[3, 1], center=False),
    case((3, 2, 1, 5), only=2, axis=[1, 3], epsilon=1e-6), case((2, 5, 3), only=2, axis=[1, 2], scale=False, center=False),
    case((1, 2, 3, 2, 5), only=2, axis=[1, 4]), case((2, 3, 5, 4), only=2, axis=[2]),
]
# Small variances, so that epsilon decides.
BATCHNORMALIZATION_SMALL = [
    dict(case(shape, **arguments), variance=2.0 ** -17) for shape, arguments in (
        ((2, 3, 5, 7), dict(epsilon=1e-6)), ((2, 3, 5, 7), dict(axis=1, epsilon=1e-7)),
        ((1, 2, 3, 2, 5), dict(epsilon=1e-6)), ((5, 3), dict(epsilon=1e-6)), ((2, 3, 5, 7), dict(epsilon=1.001e-5)))
]

LAYERNORMALIZATION = [
    case((2, 3, 5, 7)), case((5, 37), epsilon=1e-6), case((2, 3, 96), epsilon=1e-6), case((3, 5, 3), axis=-1, scale=False),
    case((3, 5, 3), axis=1, center=False), case((2, 3, 5, 7), axis=[1, 2, 3]), case((2, 3, 5, 7), axis=[-2, -1], epsilon=1e-5),
    case((2, 3, 5, 7), axis=[1, 3]), case((2, 3, 5, 7), axis=[3, 1]), case((2, 3, 5, 7), axis=[-1, 1]),
    case((2, 3, 5, 7), axis=[1, 2]), case((2, 5, 3), axis=1, scale=False, center=False), case((1, 2, 3, 2, 5), axis=[2, 4]),
    case((1, 3, 1, 1), axis=1), case((4, 1), axis=-1), case((2, 300)), case((1, 1030), center=False),
    case((2, 3, 5, 7), only=3, rms_scaling=True), case((2, 3, 5, 7), only=3, rms_scaling=True, axis=[1, 2]),
    case((2, 5, 7), only=3, rms_scaling=True, axis=1, epsilon=1e-5),
]
GROUPNORMALIZATION = [
    case((2, 3, 5, 8), groups=2), case((2, 8, 3, 5), groups=4, axis=1), case((2, 3, 5, 8), groups=-1),
    case((2, 3, 5, 8), groups=1, epsilon=1e-5), case((2, 8, 3), groups=-1, axis=1), case((3, 12), groups=3),
    case((2, 5, 6), groups=3, scale=False), case((2, 5, 6), groups=2, center=False), case((2, 3, 6, 4), groups=3, axis=2),
    case((1, 2, 3, 2, 8), groups=4, epsilon=1e-6), case((2, 7, 32), scale=False, center=False), case((2, 3, 3, 1), groups=1),
    case((2, 6, 3, 2), groups=2, axis=-3), case((2, 3, 6, 4), groups=-1, axis=-2), case((2, 8), groups=-1),
]
UNITNORMALIZATION = [
    case((2, 3, 5, 7)), case((5, 37)), case((2, 3, 5, 7), axis=1), case((2, 3, 5, 7), axis=[1, 2]),
    case((2, 3, 5, 7), axis=[1, 3]), case((2, 3, 5, 7), axis=[1, 2, 3]), case((3, 4), axis=-1), case((2, 300), axis=1),
]
RESCALING = [
    case((2, 5, 7, 3), scale=1 / 255), case((2, 5, 7, 3), scale=1 / 127.5, offset=-1.0),
    case((2, 5, 7, 3), scale=[0.5, 2.0, 4.0]), case((2, 5, 7, 3), scale=[0.5, 2.0, 4.0], offset=[1.0, -2.0, 3.0]),
    case((2, 5, 7, 3), scale=0.25, offset=[1.0, -2.0, 3.0]), case((2, 5, 7, 3), scale=[1.5, 2.5, 3.0], offset=0.5),
    case((3, 4), scale=2, offset=1), case((2, 1, 33), scale=0.125), case((1, 40, 40, 2), scale=0.5, offset=3.0),
]
NORMALIZATION = [
    case((2, 3, 5, 7)), case((4, 5)), case((2, 5, 7, 3), mean=[1.0, 2.0, 0.5], variance=[4.0, 0.25, 2.0]),
    case((2, 5, 7, 3), mean=[1.0, 2.0, 0.5], variance=[4.0, 0.25, 2.0], invert=True), case((4, 5), mean=3.0, variance=2.0),
    case((2, 3, 5, 7), axis=1), case((2, 3, 5, 7), axis=[1, 3]), case((2, 3, 5, 7), axis=[2, 3], invert=True),
    case((2, 3, 5, 7), axis=None), case((2, 3, 5, 7), axis=None, mean=0.5, variance=4.0), case((2, 3, 5), invert=True),
    case((2, 3, 5, 2), axis=[-1, 1], mean=[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], variance=[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
    case((2, 3, 5, 2), axis=[1, 3], mean=[1.0, 2.0], variance=[0.5, 4.0]), case((2, 5, 3), mean=[1.0, 2.0, 0.5], variance=[4.0, 0.0, 2.0]),
    case((2, 3, 4, 3), axis=1, mean=[1.0, 2.0, 0.5], variance=[4.0, 0.25, 2.0]),
]

METHODS = ["bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"]
KERAS2_METHODS = ["gaussian", "mitchellcubic"]
RESIZING = (
    [case((2, 5, 7, 3), height=8, width=4, interpolation=name) for name in METHODS]
    + [case((1, 9, 6, 2), height=4, width=17, interpolation=name) for name in METHODS]
    + [case((1, 7, 5, 2), only=2, height=11, width=3, interpolation=name) for name in KERAS2_METHODS]
    + [case((1, 12, 9, 2), only=3, height=5, width=4, interpolation=name, antialias=True) for name in METHODS]
    + [case((2, 6, 9, 2), height=5, width=5, crop_to_aspect_ratio=True),
       case((1, 9, 4, 3), height=6, width=3, crop_to_aspect_ratio=True, interpolation="bicubic"),
       case((1, 6, 9, 2), only=3, height=5, width=5, pad_to_aspect_ratio=True),
       case((1, 9, 4, 3), only=3, height=6, width=4, pad_to_aspect_ratio=True, fill_value=2.5),
       case((1, 9, 5, 1), only=3, height=8, width=8, pad_to_aspect_ratio=True, interpolation="nearest", fill_value=-1.0),
       case((1, 3, 40, 1), height=3, width=20), case((1, 5, 5, 20), height=5, width=5)])
AREA = [case((1, 7, 9, 2), only=2, height=3, width=4, interpolation="area"),
        case((1, 3, 4, 2), only=2, height=6, width=12, interpolation="area"),
        case((1, 8, 6, 1), only=2, height=4, width=9, interpolation="area")]
CENTERCROP = [
    case((2, 9, 8, 3), height=4, width=4), case((1, 9, 8, 2), height=5, width=3), case((1, 5, 5, 2), height=5, width=5),
    case((1, 4, 9, 2), height=6, width=6), case((1, 5, 6, 3), height=9, width=4), case((1, 3, 3, 2), height=7, width=5),
]
UPSAMPLING2D_KERAS2 = [
    case((1, 5, 4, 3), only=2, size=(2, 3), interpolation=name)
    for name in ["bicubic", "gaussian", "lanczos3", "lanczos5", "mitchellcubic"]
] + [case((1, 3, 5, 2), only=2, size=1, interpolation="gaussian")]
UPSAMPLING2D_AREA = [case((1, 5, 4, 3), only=2, size=(2, 3), interpolation="area")]

SOFTMAX_AXES = [
    case((2, 3, 5, 4), axis=[1, 2]), case((2, 3, 5, 4), axis=[2, 3]), case((2, 3, 5, 4), axis=[1, 3]),
    case((2, 3, 5, 4), axis=[-1, 1]), case((2, 3, 5, 4), axis=[1, 2, 3]), case((2, 3, 5), axis=[1]), case((3, 45)),
    case((5, 1000)), case((2, 3, 130), axis=-1),
]

LAYERS_OF = {
    "batchnormalization_axes": ("BatchNormalization", BATCHNORMALIZATION_AXES),
    "layernormalization": ("LayerNormalization", LAYERNORMALIZATION),
    "groupnormalization": ("GroupNormalization", GROUPNORMALIZATION),
    "unitnormalization": ("UnitNormalization", UNITNORMALIZATION),
    "rescaling": ("Rescaling", RESCALING),
    "normalization": ("Normalization", NORMALIZATION),
    "softmax_axes": ("Softmax", SOFTMAX_AXES),
    "resizing": ("Resizing", RESIZING + AREA),
    "centercrop": ("CenterCrop", CENTERCROP),
    "upsampling2d_keras2": ("UpSampling2D", UPSAMPLING2D_KERAS2 + UPSAMPLING2D_AREA),
}
GRADIENTS_OF = {
    **LAYERS_OF,
    # tf.image.resize has no gradient for "area".
    "resizing": ("Resizing", RESIZING),
    "upsampling2d_keras2": ("UpSampling2D", UPSAMPLING2D_KERAS2),
    "batchnormalization_axes": ("BatchNormalization",
                                BATCHNORMALIZATION_AXES + [training(row) for row in BATCHNORMALIZATION_AXES]),
}
LAYERS_OF["batchnormalization_small"] = ("BatchNormalization", BATCHNORMALIZATION_SMALL)  # forward alone
