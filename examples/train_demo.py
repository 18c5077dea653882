#!/usr/bin/env python3
"""Train the demonstration model, fashion.keras, with Keras 3 on Fashion-MNIST.

    pip install -r tests/golden/requirements.txt
    python examples/train_demo.py [--data FOLDER] [--epochs N]

FOLDER holds the four IDX .gz files (Debian's package dataset-fashion-mnist by default). Written
beside this script: fashion.keras, without an optimizer, and fashion.txt with the number of test
images out of 10,000 that Keras itself classifies correctly.

Pixels are divided by 255 before the network, so that the model holds no Rescaling layer. One
thread and fixed seeds: the same versions give the same weights on the same kind of processor.
"""
import argparse
import gzip
import os
import pathlib
import zipfile

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)

import keras
from keras import layers

HERE = pathlib.Path(__file__).resolve().parent
DATA = "/usr/share/datasets/fashion-mnist"
BATCH_SIZE = 128


def read_idx(path, header_bytes):
    """The bytes of an IDX file behind its header (16 bytes for images, 8 for labels)."""
    with gzip.open(path, "rb") as file:
        return np.frombuffer(file.read(), np.uint8, offset=header_bytes)


def read_part(folder, part):
    images = read_idx(folder / f"{part}-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28, 1)
    labels = read_idx(folder / f"{part}-labels-idx1-ubyte.gz", 8)
    return images.astype("float32") / np.float32(255), labels.astype("int32")


def build():
    """About 5 MFLOP an image and 63,000 parameters."""
    return keras.Sequential([
        keras.Input((28, 28, 1), name="image"),
        layers.Conv2D(24, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(48, 3, padding="same", use_bias=False),
        layers.BatchNormalization(),
        layers.Activation("relu"),
        layers.MaxPooling2D(),
        layers.SeparableConv2D(96, 3, padding="same", use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.Dropout(0.3),
        layers.Flatten(),
        layers.Dense(10, activation="softmax"),
    ], name="fashion")


def without_optimizer(model):
    """The same network, not compiled: the file holds layers and weights alone."""
    copy = keras.Sequential.from_config(model.get_config())
    copy.set_weights(model.get_weights())
    return copy


def fix_dates(path):
    """Rewrite a .keras archive without the time of day, so that equal models are equal files."""
    with zipfile.ZipFile(path) as archive:
        entries = [(name, archive.read(name)) for name in archive.namelist()]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries:
            if name == "metadata.json":
                content = ('{"keras_version": "%s", "date_saved": "2024-01-01@00:00:00"}'
                           % keras.__version__).encode()
            archive.writestr(zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0)), content)


def report(model, images, labels):
    """Count the correct images, and how closely any image came to being decided otherwise."""
    probabilities = model.predict(images, batch_size=500, verbose=0)
    correct = int((probabilities.argmax(axis=1) == labels).sum())
    best = np.sort(probabilities, axis=1)
    margin = float((best[:, -1] - best[:, -2]).min())
    print(f"Keras {keras.__version__}: {correct} of {len(labels)} test images correct; "
          f"smallest distance between the best two probabilities {margin:.3g}")
    (HERE / "fashion.txt").write_text(f"correct {correct}\nkeras {keras.__version__}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path(DATA))
    parser.add_argument("--epochs", type=int, default=8)
    options = parser.parse_args()

    keras.utils.set_random_seed(7)
    tf.config.experimental.enable_op_determinism()
    images, labels = read_part(options.data, "train")
    model = build()
    steps = options.epochs * (len(images) // BATCH_SIZE)
    rate = keras.optimizers.schedules.CosineDecay(
        3e-4, steps, alpha=0.01, warmup_target=3e-3, warmup_steps=steps // 10)
    model.compile(optimizer=keras.optimizers.Adam(rate),
                  loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(images, labels, batch_size=BATCH_SIZE, epochs=options.epochs, verbose=2)

    path = HERE / "fashion.keras"
    without_optimizer(model).save(path)
    fix_dates(path)
    report(keras.models.load_model(path), *read_part(options.data, "t10k"))


if __name__ == "__main__":
    main()
