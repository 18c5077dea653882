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

LAYERS_OF = {
    "batchnormalization_axes": ("BatchNormalization", BATCHNORMALIZATION_AXES),
}
GRADIENTS_OF = {
    "batchnormalization_axes": ("BatchNormalization",
                                BATCHNORMALIZATION_AXES + [training(row) for row in BATCHNORMALIZATION_AXES]),
}
