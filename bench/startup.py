#!/usr/bin/env python3
"""How long a network takes to start: process, load, build and first prediction, beside Keras.

    python bench/startup.py [--clayer build/release/src/clayer] [--rounds 5] [--model MobileNetV2 ...]

Run by a Python that has Keras 3 and TensorFlow. The networks are those of keras.applications with random
weights, saved by Keras in a temporary folder. "cold" is clayer's first run with empty caches, its own and
PoCL's; "warm" are later runs, each interleaved with Keras: a fresh Python that imports keras, loads the
file and predicts ("keras"), and one that only imports keras and predicts with a model that it builds
("built"), which is quicker where loading is slow. Prints the medians in seconds, the ratio of the quicker
of the two to clayer's warm start (above 1: clayer is faster), and the largest difference of the outputs.
Exit status 1 if clayer is slower or computes something else.
"""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "KERAS_BACKEND": "tensorflow"}

MAKE = """
import sys, keras, numpy as np
name, path, x = sys.argv[1:]
keras.utils.set_random_seed(1)
model = getattr(keras.applications, name)(weights=None)
random = np.random.default_rng(1)
norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
kept = [layer.momentum for layer in norms]
for layer in norms:  # statistics of one batch, without which all outputs are alike
    layer.momentum = 0.0
model(random.random((8, *model.input_shape[1:]), np.float32), training=True)
for layer, momentum in zip(norms, kept):
    layer.momentum = momentum
model.save(path)
np.save(x, random.random((1, *model.input_shape[1:]), np.float32))
"""
KERAS = """
import sys, keras, numpy as np
path, x, y = sys.argv[1:]
np.save(y, keras.models.load_model(path, compile=False).predict(np.load(x), verbose=0))
"""
BUILT = """
import sys, keras, numpy as np
name, x = sys.argv[1:]
getattr(keras.applications, name)(weights=None).predict(np.load(x), verbose=0)
"""


def seconds(command, environment):
    start = time.perf_counter()
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True)
    took = time.perf_counter() - start
    if done.returncode != 0:
        raise SystemExit(f"{command[0]} failed: {done.stderr}")
    return took


def python(text, *arguments):
    return [sys.executable, "-c", text, *map(str, arguments)]


def measure(name, options, folder):
    """One network; returns whether clayer was faster and right."""
    import numpy as np
    path, x = folder / f"{name}.keras", folder / "x.npy"
    ours, theirs = folder / "ours.npy", folder / "theirs.npy"
    seconds(python(MAKE, name, path, x), QUIET)
    caches = {"CLAYER_CACHE_DIR": str(folder / f"{name}-programs"), "POCL_CACHE_DIR": str(folder / f"{name}-pocl")}
    command = [options.clayer, "run", str(path), "-i", str(x), "-o", str(ours)]
    cold = seconds(command, caches)
    warm, loaded, built = [], [], []
    for _ in range(options.rounds):
        warm.append(seconds(command, caches))
        loaded.append(seconds(python(KERAS, path, x, theirs), QUIET))
        built.append(seconds(python(BUILT, name, x), QUIET))
    medians = [statistics.median(times) for times in (warm, loaded, built)]
    wanted = np.load(theirs)
    difference = float(np.abs(np.load(ours) - wanted).max() / np.abs(wanted).max())
    ratio = min(medians[1:]) / medians[0]
    print(f"{name:20} {cold:8.2f} {medians[0]:8.2f} {medians[1]:8.2f} {medians[2]:8.2f} {ratio:7.1f} {difference:11.1e}",
          flush=True)
    return ratio > 1 and difference < 3e-4


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clayer", default=str(root / "build" / "release" / "src" / "clayer"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--model", action="append", help="a class of keras.applications; several times")
    options = parser.parse_args()
    if options.rounds < 1 or not os.access(options.clayer, os.X_OK):
        parser.error(f"--rounds is at least 1, and {options.clayer} must be built")
    print(f"{'seconds':20} {'cold':>8} {'warm':>8} {'keras':>8} {'built':>8} {'ratio':>7} {'difference':>11}")
    good = True
    with tempfile.TemporaryDirectory() as folder:
        for name in options.model or ["MobileNetV2", "EfficientNetB0"]:
            good = measure(name, options, pathlib.Path(folder)) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
