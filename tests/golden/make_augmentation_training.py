#!/usr/bin/env python3
"""Write gradients/augmentation.npz: what Keras' layers that change images at random do in training, and its gradients.

    pip install -r requirements.txt && python make_augmentation_training.py

The cases are as in make_gradients.py. Keras computes everything but the random numbers: where it draws one it is
given clayer's, those of the layer's seed in its first step of training (src/ops/draw.h), so that the images must be
equal. Of numbers that lie so near to a jump (pixels change by a whole step) that rounding decides, the seed is passed
over.
"""
import itertools
import pathlib
import zlib

import tensorflow.python.ops.stateless_random_ops as stateless

from common import *

FOLDER = pathlib.Path(HERE) / "gradients"
SHAPES = [(3, 6, 9, 2), (2, 8, 5, 3), (4, 7, 7, 1)]
MOST = 40  # seeds

# Class and arguments; with one number twice for its limits a factor is forced.
BOTH = [
    ("RandomFlip", {}), ("RandomFlip", dict(mode="horizontal")), ("RandomFlip", dict(mode="vertical")),
    ("RandomRotation", dict(factor=(0.1, 0.1))),
    ("RandomRotation", dict(factor=0.2, fill_mode="constant", fill_value=0.5)),
    ("RandomRotation", dict(factor=(-0.5, 0.5), fill_mode="wrap")),
    ("RandomRotation", dict(factor=0.3, fill_mode="nearest")),
    ("RandomRotation", dict(factor=(-0.125, 0.25), interpolation="nearest")),
    ("RandomRotation", dict(factor=(0.25, 0.25))),
    ("RandomTranslation", dict(height_factor=(0.3, 0.3), width_factor=(-0.2, -0.2))),
    ("RandomTranslation", dict(height_factor=0.5, width_factor=1.0)),
    ("RandomTranslation", dict(height_factor=0.2, width_factor=0.3, fill_mode="constant", fill_value=-1.5)),
    ("RandomTranslation", dict(height_factor=1.0, width_factor=(-0.75, 0.25), fill_mode="wrap")),
    ("RandomTranslation", dict(height_factor=0.4, width_factor=0.4, fill_mode="nearest", interpolation="nearest")),
    ("RandomTranslation", dict(height_factor=0.4, width_factor=0.0, fill_mode="wrap", interpolation="nearest")),
    ("RandomZoom", dict(height_factor=(-0.2, -0.2))),
    ("RandomZoom", dict(height_factor=(0.5, 0.5), width_factor=(0.3, 0.3))),
    ("RandomZoom", dict(height_factor=0.5)),
    ("RandomZoom", dict(height_factor=0.3, width_factor=0.9, fill_mode="constant")),
    ("RandomZoom", dict(height_factor=(-0.05, -0.4), width_factor=(0.25, 0.75), fill_mode="wrap")),
    ("RandomZoom", dict(height_factor=(0.5, 0.9), fill_mode="nearest", interpolation="nearest")),
    ("RandomCrop", dict(height=3, width=4)),
    ("RandomCrop", dict(height=6, width=5)),
    ("RandomCrop", dict(height=8, width=4)),
    ("RandomCrop", dict(height=10, width=7)),
    ("RandomCrop", dict(height=11, width=12)),
    ("RandomCrop", dict(height=1, width=1)),
    ("RandomContrast", dict(factor=0.5)),
    ("RandomContrast", dict(factor=(0.9, 0.3))),
    ("RandomContrast", dict(factor=(0.0, 1.0))),
    ("RandomBrightness", dict(factor=0.3)), ("RandomBrightness", dict(factor=(0.25, 0.25))),
    ("RandomBrightness", dict(factor=(-0.5, 0.25), value_range=(-40.0, 210.0))),
]
KERAS3 = [
    ("RandomRotation", dict(factor=(0.3, -0.1))),
    ("RandomTranslation", dict(height_factor=(0.3, 0.1), width_factor=-0.2)),
    ("RandomContrast", dict(factor=(-0.5, 0.5))),
    ("RandomContrast", dict(factor=0.75, value_range=(20.0, 180.0))),
]


# ---- clayer's random numbers, where Keras draws its own ----

def philox(seed, block, step):
    """The four words of Philox4x32-10 as numbers in [0, 1): the upper 24 bits of each."""
    key, c = [seed & 0xFFFFFFFF, seed >> 32], [block, 0, step, 0]
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ key[0], b & 0xFFFFFFFF, (a >> 32) ^ c[3] ^ key[1], a & 0xFFFFFFFF]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return [(word >> 8) / 2 ** 24 for word in c]


class Draws:
    """Number `call` of one call of a layer, for its whole batch; `moved` by little."""

    def __init__(self, seed, moved):
        self.seed, self.moved, self.call = seed, moved, 0

    def next(self, shape, low, high):
        images = shape[0] if len(shape) else 1
        u = np.float32([philox(self.seed, n, 1)[self.call] for n in range(images)]) + np.float32(self.moved)
        self.call += 1
        low, high = np.float32(low), np.float32(high)
        return tf.constant((low + u * (high - low)).reshape(shape))


def hand_out(generation, name, arguments, shape, draws):
    """Puts `draws` where Keras draws; returns what takes that back."""
    def keras3(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
        return draws.next([int(size) for size in shape], minval, maxval)

    def keras2(self, shape, minval=0.0, maxval=None, dtype=None, nonce=None):
        if name == "RandomCrop":  # whole numbers, of which Keras takes the remainder
            spare = [shape_of - arguments[key] + 1 for shape_of, key in zip(IMAGE, ("height", "width"))]
            return tf.constant([int(draws.next([], 0, most)) for most in spare], tf.int32)
        return draws.next([int(size) for size in shape], minval, maxval)

    def flips(shape, minval=0, maxval=1.0, seed=None, **kwargs):
        if name == "RandomContrast":
            return draws.next([], minval, maxval)
        u = draws.next([int(size) for size in shape], 0, 1)  # columns first, and turned where it is above a half
        return 1 - u

    IMAGE = shape[1:3]
    places = [(keras.src.backend.tensorflow.random, "uniform", keras3)] if generation == 3 else \
        [(tf_keras.src.backend.RandomGenerator, "random_uniform", keras2),
         (stateless, "stateless_random_uniform", flips)]
    kept = [getattr(place, function) for place, function, _ in places]
    for place, function, own in places:
        setattr(place, function, own)
    return lambda: [setattr(place, function, own) for (place, function, _), own in zip(places, kept)]


# ---- a case ----

def contrast(x, layer, draws):
    """Keras 2's RandomContrast, which has no gradient in TensorFlow, written out."""
    factor = draws.next([], 1 - layer.lower, 1 + layer.upper)
    mean = tf.reduce_mean(x, axis=(1, 2), keepdims=True)
    return tf.clip_by_value((x - mean) * factor + mean, 0, 255)


class ColumnsFirst(Draws):
    """Keras 2 turns columns before rows; clayer's first number is that of the rows."""

    def __init__(self, seed, moved, mode):
        super().__init__(seed, moved)
        self.order = {"horizontal": [1], "vertical": [0], "horizontal_and_vertical": [1, 0]}[mode]

    def next(self, shape, low, high):
        self.call = self.order.pop(0)
        return super().next(shape, low, high)


def run(generation, layer, arguments, seed, x, dy, moved):
    name = type(layer).__name__
    draws = ColumnsFirst(seed, moved, layer.mode) if generation == 2 and name == "RandomFlip" else Draws(seed, moved)
    restore = hand_out(generation, name, arguments, x.shape, draws)
    x = tf.constant(x)
    try:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
            if generation == 2 and name == "RandomContrast":
                written_out = contrast(x, layer, Draws(seed, moved))
                assert np.abs(written_out - y).max() < 1e-3
                y = written_out
            if dy is None:
                return y.numpy()
            objective = tf.reduce_sum(y * dy)
        return y.numpy(), tape.gradient(objective, x).numpy()
    finally:
        restore()


def make_case(generation, name, arguments, turn):
    rng = np.random.default_rng([zlib.crc32(name.encode()), turn, generation])
    colours = name in ("RandomContrast", "RandomBrightness")
    shape = SHAPES[turn % len(SHAPES)]
    x = np.float32(128) * quantised(rng, shape) if colours else quantised(rng, shape)
    arguments = dict(arguments)
    if generation == 3 and turn % 2:
        arguments["data_format"] = "channels_first"
        x = to_channels_first(x)
    for seed in itertools.count(turn + 1):
        layer = getattr(GENERATIONS[generation].layers, name)(**arguments, seed=seed, name=f"random_{turn}")
        size = run(generation, layer, arguments, seed, x, None, 0).shape
        dy = quantised(np.random.default_rng(turn), size)
        y, dx = run(generation, layer, arguments, seed, x, dy, 0)
        near = [run(generation, layer, arguments, seed, x, dy, moved) for moved in (-1e-6, 1e-6)]
        if all(np.abs(a - y).max() < 1e-4 * np.abs(y).max() and np.abs(b - dx).max() < 1e-4 * np.abs(dx).max() + 1e-4
               for a, b in near):
            break
        assert seed < turn + MOST, (name, arguments)
    config = layer.get_config()
    return {"keras": generation, "class_name": name, "config": config, "training": True}, x, dy, y, dx


def main():
    arrays, index = {}, 0
    for turn, (name, arguments) in enumerate(BOTH + KERAS3):
        for generation in (2, 3):
            if generation == 2 and turn >= len(BOTH):
                continue
            description, *tensors = make_case(generation, name, arguments, turn)
            arrays[f"{index:03d}.json"] = np.frombuffer(json_bytes(description), np.uint8)
            for part, tensor in zip(("x", "dy", "y", "dx"), tensors):
                arrays[f"{index:03d}.{part}"] = np.asarray(tensor, np.float32)
            index += 1
    write_npz(FOLDER / "augmentation.npz", arrays)
    print(index, "cases")


if __name__ == "__main__":
    main()
