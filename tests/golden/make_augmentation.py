#!/usr/bin/env python3
"""Write augmentation/: networks that begin with Keras' layers that change images at random, and what they predict.

    pip install -r requirements.txt && python make_augmentation.py

    STEM.h5, STEM.keras   the whole model, not compiled: k2 by tf_keras, k3 by Keras 3, which cannot write these as .h5
    STEM.json             model.to_json(), whose arguments clayer writes back
    STEM.npz              x and y: predict(x)
    k2_crop, k2_wide_crop: RandomCrop alone, which Keras 2 makes a resized crop of in predictions
    k2_train, k3_train: a small classifier that begins with a model of the layers that can be trained through
"""
import pathlib

from common import *
from make_models import make_stable

FOLDER = pathlib.Path(HERE) / "augmentation"

BOTH = [
    ("RandomFlip", {}), ("RandomFlip", dict(mode="horizontal", seed=7)),
    ("RandomRotation", dict(factor=0.1)),
    ("RandomRotation", dict(factor=(-0.25, 0.5), fill_mode="constant", interpolation="nearest", fill_value=3.0)),
    ("RandomTranslation", dict(height_factor=0.1, width_factor=(-0.25, 0.5), fill_mode="wrap")),
    ("RandomZoom", dict(height_factor=0.25)),
    ("RandomZoom", dict(height_factor=(-0.5, 0.25), width_factor=0.5, fill_mode="nearest", seed=3)),
    ("RandomContrast", dict(factor=0.25)), ("RandomContrast", dict(factor=(0.25, 0.5))),
    ("RandomBrightness", dict(factor=0.25)),
    ("RandomBrightness", dict(factor=(-0.5, 0.25), value_range=(0.0, 1.0), seed=1)),
]
KERAS2 = [("RandomHeight", dict(factor=0.25)), ("RandomWidth", dict(factor=(-0.25, 0.5), interpolation="nearest"))]
KERAS3 = [
    ("RandomShear", {}), ("RandomShear", dict(x_factor=(0.0, 0.25), y_factor=(0.0, 0.5), fill_mode="nearest")),
    ("RandomPerspective", dict(factor=0.5, scale=0.25)), ("RandomElasticTransform", dict(scale=(0.0, 0.5))),
    ("RandomErasing", {}), ("RandomErasing", dict(factor=0.5, scale=(0.25, 0.5), fill_value=1.0)),
    ("RandomHue", dict(factor=0.25)), ("RandomSaturation", dict(factor=0.25)),
    ("RandomSharpness", dict(factor=(0.25, 0.5), value_range=(0, 1))), ("RandomGrayscale", dict(factor=0.25)),
    ("RandomColorJitter", dict(brightness_factor=0.25, hue_factor=(0.0, 0.5))),
    ("RandomColorDegeneration", dict(factor=0.25)),
    ("RandomGaussianBlur", dict(kernel_size=(3, 5), sigma=0.5)), ("RandomPosterization", dict(factor=3)),
    ("RandomInvert", dict(factor=0.25)), ("Solarization", dict(addition_factor=0.25)), ("AugMix", dict(num_chains=2)),
    ("RandAugment", dict(num_ops=3)), ("MixUp", dict(alpha=0.5)), ("CutMix", dict(seed=5)),
]


def write(stem, generation, layers, formats, size=(8, 6)):
    K = GENERATIONS[generation]
    rng = np.random.default_rng([sum(stem.encode()), generation])
    model = K.Sequential([K.Input((*size, 3), name="image"),
                          *[getattr(K.layers, name)(**arguments) for name, arguments in layers],
                          K.layers.Rescaling(0.25)], name="augmented")
    for suffix in formats:
        model.save(FOLDER / f"{stem}.{suffix}")
        if suffix == "keras":
            make_stable(FOLDER / f"{stem}.{suffix}")
    (FOLDER / f"{stem}.json").write_text(model.to_json() + "\n")
    x = quantised(rng, (2, *size, 3))
    write_npz(FOLDER / f"{stem}.npz", {"x": x, "y": np.asarray(model(x, training=False), np.float32)})
    print(stem, flush=True)


def write_classifier(stem, generation):
    """Fully connected by a mean, so that Keras 3 can predict with the whole image behind a RandomCrop."""
    K = GENERATIONS[generation]
    L = K.layers
    K.utils.set_random_seed(3)
    augment = K.Sequential([
        K.Input((10, 10, 1)), L.RandomFlip(seed=1), L.RandomRotation(0.02, seed=2),
        L.RandomTranslation(0.1, 0.1, fill_mode="wrap", seed=3), L.RandomZoom(0.1, seed=4),
        L.RandomContrast(0.2, seed=5), L.RandomBrightness(0.1, seed=6), L.RandomCrop(8, 8, seed=7)], name="augment")
    model = K.Sequential([K.Input((10, 10, 1), name="image"), augment, L.Rescaling(1 / 255),
                          L.Conv2D(6, 3, activation="relu"), L.GlobalAveragePooling2D(),
                          L.Dense(2, activation="softmax")], name="classifier")
    model.save(FOLDER / f"{stem}.keras")
    make_stable(FOLDER / f"{stem}.keras")
    print(stem, flush=True)


def main():
    FOLDER.mkdir(exist_ok=True)
    write("k2", 2, BOTH + KERAS2, ["h5", "keras"])
    write("k2_crop", 2, [("RandomCrop", dict(height=5, width=4, seed=2))], ["h5"])
    write("k2_wide_crop", 2, [("RandomCrop", dict(height=4, width=12))], ["h5"], (9, 8))
    write("k3", 3, BOTH + KERAS3, ["keras"])
    write_classifier("k2_train", 2)
    write_classifier("k3_train", 3)


if __name__ == "__main__":
    main()
