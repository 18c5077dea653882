#!/usr/bin/env python3
"""Compare the networks of keras.applications on clayer with real Keras. Opt-in: it needs Keras.

    python -m venv keras-venv
    keras-venv/bin/pip install -r tests/golden/requirements.txt
    keras-venv/bin/python tests/keras/applications_compare.py --clayer build/src/clayer [--all] [--only NAME]

Each network is built by both generations of Keras that have it, with random weights; the statistics of its
normalisations are those of a batch of random images, so that values keep their size through all layers. It gives
logits, because a softmax could hide differences or magnify them. It is saved as .keras and .h5 (Keras 2 writes both,
Keras 3 its own), `clayer run` predicts, and
  - every output must be within 3e-4 of the largest value of Keras' own,
  - or, where the network magnifies rounding so much that Keras' own float32 is further than that from Keras in
    float64, at most twice as far from that as Keras' own,
  - where it is not, `clayer run --verify` names the first layer that differs.
Without --all one small member of each family is taken. --keep FOLDER keeps the files and takes those that are
there already. --python-only makes the files alone. The last line is "N passed, N failed"; the exit status is 1
when any failed.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "golden"))

from common import *

CLASSES, IMAGES, CALIBRATION = 10, 2, 32
TOLERANCE = 3e-4
# A family: its members, the smallest first, which is the sample, and the images' size.
FAMILIES = {
    "Xception": (["Xception"], 96),
    "VGG": (["VGG16", "VGG19"], 64),
    "ResNet": (["ResNet50", "ResNet101", "ResNet152"], 64),
    "ResNetV2": (["ResNet50V2", "ResNet101V2", "ResNet152V2"], 64),
    "InceptionV3": (["InceptionV3"], 96),
    "InceptionResNetV2": (["InceptionResNetV2"], 96),
    "MobileNet": (["MobileNet"], 64),
    "MobileNetV2": (["MobileNetV2"], 64),
    "MobileNetV3": (["MobileNetV3Small", "MobileNetV3Large"], 64),
    "DenseNet": (["DenseNet121", "DenseNet169", "DenseNet201"], 64),
    "NASNet": (["NASNetMobile", "NASNetLarge"], 64),
    "EfficientNet": ([f"EfficientNetB{i}" for i in range(8)], 64),
    "EfficientNetV2": (["EfficientNetV2B0", "EfficientNetV2B1", "EfficientNetV2B2", "EfficientNetV2B3",
                        "EfficientNetV2S", "EfficientNetV2M", "EfficientNetV2L"], 64),
    "ConvNeXt": (["ConvNeXtTiny", "ConvNeXtSmall", "ConvNeXtBase", "ConvNeXtLarge", "ConvNeXtXLarge"], 64),
}


def layers_of(model):
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from layers_of(layer)
        else:
            yield layer


def calibrate_layers(rng, model, inputs):
    """Moving statistics become those of the inputs; scales and offsets leave their neutral values."""
    normalisations = [layer for layer in layers_of(model) if type(layer).__name__ == "BatchNormalization"]
    momenta = [layer.momentum for layer in normalisations]
    for layer in layers_of(model):
        name = type(layer).__name__
        if name == "Normalization" and layer.weights:  # as of images from 0 to 1
            layer.set_weights([np.float32([0.49, 0.46, 0.41]).reshape(layer.weights[0].shape),
                               np.float32([0.053, 0.050, 0.051]).reshape(layer.weights[1].shape),
                               *[np.asarray(w) for w in layer.weights[2:]]])
            layer.finalize_state()
        elif name in ("BatchNormalization", "LayerNormalization", "LayerScale"):
            layer.set_weights([w + rng.uniform(-0.1, 0.1, w.shape).astype(np.float32)
                               for w in layer.get_weights()[:2]] + layer.get_weights()[2:])
        elif name == "DepthwiseConv2D" or name.startswith("Conv") or name == "Dense":
            layer.set_weights([w if w.ndim > 1 else rng.uniform(-0.1, 0.1, w.shape).astype(np.float32)
                               for w in layer.get_weights()])
    for layer in normalisations:
        layer.momentum = 0.0
    model(inputs, training=True)
    for layer, momentum in zip(normalisations, momenta, strict=True):
        layer.momentum = momentum


def images(rng, count, size, model):
    """From 0 to 255 where the network scales them itself, else from -1 to 1."""
    x = rng.integers(0, 256, (count, size, size, 3)).astype(np.float32)
    scales = any(type(layer).__name__ in ("Rescaling", "Normalization") for layer in layers_of(model))
    return x if scales else x / 127.5 - 1


def make(name, generation, size, folder):
    """Write STEM.keras, STEM.h5 and STEM.npz (x, y), unless they are there; the stem, or None without such a net."""
    k = GENERATIONS[generation]
    stem = folder / f"k{generation}_{name}"
    if stem.with_suffix(".npz").exists():
        return stem
    builder = getattr(k.applications, name, None)
    if builder is None:
        return None
    k.backend.clear_session()
    k.utils.set_random_seed(1)
    rng = np.random.default_rng(1)
    model = builder(weights=None, input_shape=(size, size, 3), classes=CLASSES, classifier_activation=None)
    calibrate_layers(rng, model, images(rng, CALIBRATION, size, model))
    x = images(rng, IMAGES, size, model)
    y = np.asarray(model(x, training=False))
    for ending in (".keras", ".h5"):
        try:
            model.save(stem.with_suffix(ending))
        except (ValueError, TypeError, NotImplementedError) as error:
            print(f"{stem.name}: Keras cannot save it as {ending}: {str(error).splitlines()[0]}")
    np.save(stem.with_suffix(".npy"), x)
    np.savez(stem.with_suffix(".npz"), x=x, y=y)
    return stem


def verify(args, stem, path, folder):
    """The first layer that differs, as the command names it."""
    reference = folder / "reference.npz"
    script = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "keras_reference.py"
    made = subprocess.run([sys.executable, script, path, "-i", stem.with_suffix(".npy"), "-o", reference,
                           "--keras", GENERATIONS[int(stem.name[1])].__name__],
                          capture_output=True, text=True, check=False)
    if made.returncode != 0:
        return made.stderr.strip().splitlines()[-1]
    result = subprocess.run([args.clayer, "run", path, "--verify", reference], capture_output=True, text=True,
                            check=False)
    lines = (result.stdout + result.stderr).strip().splitlines()
    return next((line for line in lines if "first" in line), lines[-1] if lines else "nothing")


def exact(stem, path):
    """What Keras gives in float64."""
    k = GENERATIONS[int(stem.name[1])]
    config = k.backend if stem.name[1] == "2" else k.config
    config.set_floatx("float64")
    try:
        model = k.models.model_from_json(k.models.load_model(path).to_json().replace('"float32"', '"float64"'))
        model.set_weights([w.astype(np.float64) for w in k.models.load_model(path).get_weights()])
        return np.asarray(model(np.load(stem.with_suffix(".npy")).astype(np.float64), training=False))
    finally:
        config.set_floatx("float32")
        k.backend.clear_session()


def compare(args, stem, path, folder):
    out = folder / "y.npy"
    out.unlink(missing_ok=True)
    begin = time.perf_counter()
    result = subprocess.run([args.clayer, "run", path, "-i", stem.with_suffix(".npy"), "-o", out],
                            capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - begin
    if result.returncode != 0:
        return False, result.stderr.strip()
    wanted, found = np.load(stem.with_suffix(".npz"))["y"], np.load(out)
    if wanted.shape != found.shape:
        return False, f"shape {found.shape}, Keras has {wanted.shape}"
    part = np.abs(wanted - found).max() / np.abs(wanted).max()
    if not part <= TOLERANCE:
        truth = exact(stem, stem.with_suffix(".h5"))
        keras_part, our_part = (np.abs(truth - y).max() / np.abs(truth).max() for y in (wanted, found))
        text = f"off by {part:.2g} of the largest value; from float64 {our_part:.2g}, Keras {keras_part:.2g}"
        same = bool(keras_part > TOLERANCE and our_part <= 2 * keras_part)
        return same, text if same else f"{text}; {verify(args, stem, path, folder)}"
    return True, f"off by {part:.2g} of the largest value, {seconds:.1f} s"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--clayer", help="the command")
    parser.add_argument("--all", action="store_true", help="every member of each family")
    parser.add_argument("--only", default="", help="the networks whose name holds this")
    parser.add_argument("--keep", type=pathlib.Path, help="a folder for the files")
    parser.add_argument("--python-only", action="store_true", help="make the files alone")
    args = parser.parse_args()
    if not args.clayer and not args.python_only:
        parser.error("--clayer is missing")
    passed = failed = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        names = [(name, size) for members, size in FAMILIES.values()
                 for name in (members if args.all else members[:1]) if args.only in name]
        for name, size in names:
            for generation in sorted(GENERATIONS):
                stem = make(name, generation, size, folder)
                paths = [stem.with_suffix(e) for e in (".keras", ".h5")] if stem else []
                for path in [] if args.python_only else [p for p in paths if p.exists()]:
                    same, text = compare(args, stem, path, pathlib.Path(temporary))
                    passed, failed = passed + same, failed + (not same)
                    print(f"{'ok  ' if same else 'FAIL'} {path.name}: {text}", flush=True)
                if not args.keep:
                    for path in folder.glob("k*"):
                        path.unlink()
    print(f"{passed} passed, {failed} failed" if args.clayer else f"files are in {folder}")
    return 1 if failed or args.clayer and not passed else 0


if __name__ == "__main__":
    sys.exit(main())
