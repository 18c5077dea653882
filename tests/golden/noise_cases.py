"""The cases of noise, reshaping, embedding and the activation layers with arguments of their own.

The same rows as in layer_cases.py. For Embedding and Masking draw() has inputs of its own: numbers of rows
(`from_end`: negative ones, too; `fraction`: what is added, which Keras cuts off), and steps to be masked.
"""
import numpy as np

from layer_cases import case


def numbers(shape, from_end=False, fraction=0.0, **arguments):
    return dict(case(shape, **arguments), from_end=from_end, fraction=fraction)


def draw(rng, class_name, row, shape):
    """The input, or None where the layer has no wish of its own."""
    if class_name == "Embedding":
        most = row["arguments"]["input_dim"]
        return (rng.integers(-most if row["from_end"] else 0, most, shape) + row["fraction"]).astype(np.float32)
    if class_name == "Masking":
        masked = row["arguments"].get("mask_value", 0.0)
        x = rng.choice(np.float32([masked, -1.5, 0.75]), shape)
        return np.where(rng.random(shape[:-1])[..., None] < 0.4, np.float32(masked), x)
    return None


ELU = [case((2, 5, 7)), case((3, 11), alpha=0.5), case((1, 3, 5, 2), alpha=2.0), case((2, 7), alpha=0.0)]
THRESHOLDEDRELU = [case((2, 5, 7), only=2), case((3, 11), only=2, theta=0.0), case((1, 3, 5, 2), only=2, theta=0.25)]
PRELU = [
    case((2, 7)), case((3, 5, 4)), case((2, 3, 5, 4), shared_axes=[1, 2]), case((2, 3, 5, 4), shared_axes=[2, 3]),
    case((2, 3, 5, 4), shared_axes=[1]), case((2, 3, 5, 4), shared_axes=[2]),
    case((2, 3, 5, 4), shared_axes=[1, 2, 3]), case((1, 2, 3, 2, 5), shared_axes=[1, 3]),
    case((2, 3, 2, 3, 2, 3), shared_axes=[1, 3, 5]), case((2, 17, 33), shared_axes=[1]),
]
PERMUTE = [
    case((2, 3, 5), dims=(2, 1)), case((2, 3, 4, 5), dims=(3, 1, 2)), case((2, 3, 4, 5), dims=(2, 3, 1)),
    case((2, 3, 4, 5), dims=(1, 3, 2)), case((3, 7), dims=(1,)), case((2, 1, 5, 3), dims=(2, 1, 3)),
    case((1, 2, 3, 4, 5), dims=(4, 2, 1, 3)),
]
REPEATVECTOR = [case((2, 5), n=3), case((5, 1), n=4), case((1, 7), n=1), case((3, 33), n=17)]
SPATIAL = {1: [case((2, 5, 3), rate=0.5)],
           2: [case((2, 3, 5, 3), rate=0.5, data_format="channels_last"),
               case((2, 3, 5, 3), rate=0.25, data_format="channels_first")],
           3: [case((2, 3, 2, 5, 3), rate=0.5, data_format="channels_last"),
               case((2, 3, 2, 5, 3), rate=0.1, data_format="channels_first")]}
GAUSSIANNOISE = [case((2, 5, 3), stddev=0.5), case((3, 7), stddev=0.0), case((1, 3, 5, 2), stddev=0.1, seed=3)]
GAUSSIANDROPOUT = [case((2, 5, 3), rate=0.5), case((3, 7), rate=0.0), case((1, 3, 5, 2), rate=0.1, seed=3)]
ALPHADROPOUT = [case((2, 5, 3), rate=0.5), case((3, 7), rate=0.0), case((1, 3, 5, 2), rate=0.1, seed=3),
                case((2, 3, 4), rate=0.25, noise_shape=(2, 1, 4))]
ACTIVITYREGULARIZATION = [case((2, 5, 3), l1=0.5, l2=0.25), case((3, 7))]
IDENTITY = [case((2, 5, 3)), case((3, 7))]
EMBEDDING = [
    numbers((2, 7), input_dim=11, output_dim=4), numbers((3, 5), input_dim=3, output_dim=17),
    numbers((2, 3, 4), input_dim=20, output_dim=1), numbers((2, 6), input_dim=5, output_dim=33, mask_zero=True),
    numbers((1, 4), input_dim=7, output_dim=3, input_length=4),
    numbers((2, 9), fraction=0.75, input_dim=6, output_dim=5),
    numbers((2, 9), from_end=True, input_dim=6, output_dim=5, only=3), numbers((5, 40), input_dim=4, output_dim=20),
]
MASKING = [case((2, 7, 3)), case((3, 5, 1), mask_value=0.5), case((2, 3, 4, 2), mask_value=-0.25)]

NOISE_LAYERS = {
    "ELU": ELU, "ThresholdedReLU": THRESHOLDEDRELU, "PReLU": PRELU, "Permute": PERMUTE,
    "RepeatVector": REPEATVECTOR, "GaussianNoise": GAUSSIANNOISE, "GaussianDropout": GAUSSIANDROPOUT,
    "AlphaDropout": ALPHADROPOUT, "ActivityRegularization": ACTIVITYREGULARIZATION,
    "Identity": IDENTITY,
    "Embedding": EMBEDDING, "Masking": MASKING,
}
NOISE_LAYERS.update({f"SpatialDropout{rank}D": rows for rank, rows in SPATIAL.items()})


def at_kinks(row):
    return dict(row, kinks=True)


# What is dropped and what is added is drawn by other generators: tests/layers hold those.
NOISE_GRADIENTS = dict(
    {name: rows for name, rows in NOISE_LAYERS.items() if "Dropout" not in name and name != "GaussianNoise"},
    Masking=[at_kinks(row) for row in MASKING],  # a step that is no longer masked is a jump
    ELU=ELU + [at_kinks(case((1, 3, 7))), at_kinks(case((1, 3, 7), alpha=2.0))],
    ThresholdedReLU=THRESHOLDEDRELU + [at_kinks(case((1, 3, 7), only=2, theta=0.25))],
    PReLU=PRELU + [at_kinks(case((1, 3, 7))), at_kinks(case((1, 3, 7), shared_axes=[1]))])
