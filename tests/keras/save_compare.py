#!/usr/bin/env python3
"""Let real Keras load what clayer saved, and compare it with what Keras had saved. Opt-in: it needs Keras.

    python -m venv keras-venv
    keras-venv/bin/pip install -r tests/golden/requirements.txt
    keras-venv/bin/python tests/keras/save_compare.py --clayer build/src/clayer [-n 60] [--seed 1]

The models are those of tests/golden/models and tests/golden/compiled, and random nets (random_nets.py) that
Keras has trained a few steps. Each is written by `clayer convert` to .keras and to .h5; the generation of
Keras that it came from loads both files and must find
  - the same layers with the same configuration, and the same weights to the bit,
  - the same predictions to the bit,
  - the same optimizer: class, arguments, variables,
  - the same losses, weights after two more steps, and names in the logs.
They are compared with Keras' own file of the same format, or its .keras where Keras cannot load its own .h5;
Keras 3 does not go on from its own .h5, so optimizers are not compared there.
Failures are printed; --keep saves their files, and --only takes the models whose name holds a text. The last
line is "N passed, N failed"; the exit status is 1 when any failed.
"""
import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "golden"))

from common import *
from random_layers import pick
from random_nets import draw_data, draw_net
from train_compare import reads_all, set_start

STEPS, MORE_STEPS, BATCH = 2, 2, 4
GOLDEN = pathlib.Path(HERE)
MOST_DRAWS = 60
# What differs on purpose: Keras' own names of schedules, and objects that stand in two places.
IGNORED_KEYS = {"shared_object_id"}


class Differs(Exception):
    """What Keras found in the two files is not the same."""


# ---- models ----

def golden_files():
    for folder in ("models", "compiled"):
        for path in sorted((GOLDEN / folder).glob("k[23]_*.keras")):
            yield path.stem, int(path.stem[1]), path


def random_files(folder, count, seed):
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        generation = pick(rng, [2, 3])
        path = folder / f"random_{number:04d}.keras"
        if make_random(rng, GENERATIONS[generation], number, generation, path):
            yield path.stem, generation, path


def make_random(rng, k, number, generation, path):
    for _ in range(MOST_DRAWS):
        k.backend.clear_session()
        try:
            net = draw_net(rng, k, number, generation)
            if not reads_all(net):
                continue
            net.model.compile(**net.compiled())
            set_start(rng, net.model)
            x, y = draw_data(rng, net, BATCH)
            for _ in range(STEPS):
                net.model.train_on_batch(x, y)
            net.model.save(path)
            net.model.save(path.with_suffix(".h5"))
            np.savez(path.with_suffix(".npz"), **{"x": x, "y.0": y})
            return True
        except (ValueError, TypeError, ZeroDivisionError, NotImplementedError, tf.errors.OpError):
            continue
    return False


def load_own(generation, path, compiled):
    """Keras' file of this format."""
    try:
        return load(generation, path, compiled)
    except (ValueError, TypeError, OSError):
        return load(generation, path.with_suffix(".keras"), compiled)


def load(generation, path, compiled=True):
    k = GENERATIONS[generation]
    k.backend.clear_session()
    return k.models.load_model(path, compile=compiled)


# ---- comparisons ----

def plain(value):
    """A configuration without what may differ: names of schedules, which Keras 2 does not keep."""
    if isinstance(value, dict):
        schedule = str(value.get("module", "")).endswith("schedules")
        inner = {key: plain(item) for key, item in value.items() if key not in IGNORED_KEYS}
        if isinstance(inner.get("axis"), list) and len(inner["axis"]) == 1:
            inner["axis"] = inner["axis"][0]  # a constraint's [0] is 0
        if schedule:
            inner["config"].pop("name", None)
        return inner
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def expect(same, what):
    if not same:
        raise Differs(what)


def same_arrays(a, b):
    return len(a) == len(b) and all(np.array_equal(x, y, equal_nan=True) for x, y in zip(a, b, strict=True))


def example_inputs(model):
    rng = np.random.default_rng(0)
    return [quantised(rng, [2, *[size or 9 for size in x.shape[1:]]]) for x in model.inputs]


def predictions(model, inputs):
    names = [x.name.split(":")[0] for x in model.inputs]
    given = model.input if hasattr(model, "input") else None
    tensors = dict(zip(names, inputs, strict=True)) if isinstance(given, dict) else inputs
    y = model(tensors if isinstance(tensors, dict) or len(tensors) > 1 else tensors[0], training=False)
    return [np.asarray(part) for part in tf.nest.flatten(y)]


def compare_models(wanted, found):
    for layer, other in zip(wanted.layers, found.layers, strict=True):
        expect(plain(layer.get_config()) == plain(other.get_config()),
               f"configuration: {plain(layer.get_config())} became {plain(other.get_config())}")
    expect(plain(wanted.get_config()) == plain(found.get_config()), "configuration of the model")
    expect([layer.name for layer in wanted.layers] == [layer.name for layer in found.layers], "layers")
    expect([layer.trainable for layer in wanted.layers] == [layer.trainable for layer in found.layers], "trainable")
    expect(same_arrays(wanted.get_weights(), found.get_weights()), "weights")
    if not any(getattr(layer, "data_format", "") == "channels_first" for layer in wanted.layers):
        inputs = example_inputs(wanted)
        expect(same_arrays(predictions(wanted, inputs), predictions(found, inputs)), "predictions")


def compare_optimizers(wanted, found):
    a, b = getattr(wanted, "optimizer", None), getattr(found, "optimizer", None)
    expect((a is None) == (b is None), "compiled")
    if a is not None:
        expect(type(a) is type(b) and plain(a.get_config()) == plain(b.get_config()), "optimizer")
        expect(same_arrays([np.asarray(v) for v in a.variables], [np.asarray(v) for v in b.variables]),
               "the optimizer's variables")


def train(model, data):
    y = [data[name] for name in sorted(data.files) if name.startswith("y.")]
    logs = [model.train_on_batch(data["x"], y if len(y) > 1 else y[0], return_dict=True)
            for _ in range(MORE_STEPS)]
    return [{name: np.asarray(value) for name, value in log.items()} for log in logs]


def compare_training(generation, wanted, found, data):
    a, b = train(wanted, data), train(found, data)
    if generation == 3:  # Keras 2 puts an output's name before the names in its own .keras once more
        expect([sorted(log) for log in a] == [sorted(log) for log in b], "names of logs")
    for first, second in zip(a, b, strict=True):
        expect(all(np.allclose(first[name], second[name], rtol=1e-6, atol=1e-6, equal_nan=True)
                   for name in first if name in second), "losses and metrics")
    expect(all(np.allclose(x, y, rtol=1e-6, atol=1e-7, equal_nan=True) for x, y in
               zip(wanted.get_weights(), found.get_weights(), strict=True)), "weights after more steps")


def compare_file(args, name, generation, path, ending, folder):
    out = folder / f"{path.stem}.out{ending}"
    result = subprocess.run([args.clayer, "convert", path, out], capture_output=True, text=True, check=False)
    expect(result.returncode == 0, result.stderr.strip())
    legacy = ending == ".h5"
    known = "other_" not in name  # what clayer cannot train with, and Keras itself cannot always load
    wanted, found = load_own(generation, path.with_suffix(ending), known), load(generation, out, known)
    compare_models(wanted, found)
    data = path.with_suffix(".npz")
    if not known or (legacy and generation == 3):
        return  # Keras 3 does not go on from its own .h5
    compare_optimizers(wanted, found)
    trains = data.exists() and "y.0" in np.load(data).files and getattr(wanted, "optimizer", None) is not None
    if trains and not path.parent.name == "models":
        compare_training(generation, wanted, found, np.load(data))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--clayer", required=True, help="the command")
    parser.add_argument("-n", type=int, default=60, help="random nets")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="the models whose name holds this")
    parser.add_argument("--keep", type=pathlib.Path, help="a folder for the files of failures")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    passed = failed = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        for name, generation, path in [*golden_files(), *random_files(folder, args.n, args.seed)]:
            for ending in (".keras", ".h5") if args.only in name else ():
                try:
                    compare_file(args, name, generation, path, ending, folder)
                    passed += 1
                except Exception as error:  # whatever Keras raises is a failure of this file
                    failed += 1
                    print(f"{name}{ending}: {type(error).__name__}: {str(error)[:600]}", flush=True)
                    if args.keep:
                        args.keep.mkdir(parents=True, exist_ok=True)
                        for file in folder.glob(f"{path.stem}*"):
                            shutil.copy(file, args.keep)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
