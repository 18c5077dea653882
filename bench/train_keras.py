#!/usr/bin/env python3
"""The peer of bench/train.c: Keras trains the same net, as many steps as each line on standard input says, and prints
the seconds that they took. Run with THREADS as the only argument."""
import os
import sys
import time

THREADS = int(sys.argv[1])
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="", KERAS_BACKEND="tensorflow")

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

tf.config.threading.set_intra_op_parallelism_threads(THREADS)
tf.config.threading.set_inter_op_parallelism_threads(THREADS)

import keras  # noqa: E402
from keras import layers  # noqa: E402

BATCH = 128

model = keras.Sequential([
    keras.Input((28, 28, 1)),
    layers.Conv2D(16, 3, activation="relu"),
    layers.MaxPooling2D(),
    layers.Conv2D(32, 3, activation="relu"),
    layers.MaxPooling2D(),
    layers.Flatten(),
    layers.Dense(64, activation="relu"),
    layers.Dense(10, activation="softmax"),
])
model.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy", metrics=["accuracy"])


def train(steps):
    """Returns the seconds of `steps` steps on numbers that look like pictures."""
    random = np.random.default_rng(1)
    x = random.random((steps * BATCH, 28, 28, 1), np.float32)
    y = random.integers(0, 10, steps * BATCH).astype(np.uint8)
    start = time.perf_counter()
    model.fit(x, y, batch_size=BATCH, epochs=1, shuffle=False, verbose=0)
    return time.perf_counter() - start


print(f"Keras {keras.__version__} on TensorFlow {tf.__version__}", flush=True)
for line in sys.stdin:
    print(train(int(line)), flush=True)
