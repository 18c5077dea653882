#!/usr/bin/env python3
"""Compare whole networks in the manner of published ones on clayer with real Keras. Opt-in: it needs Keras.

    python -m venv keras-venv
    keras-venv/bin/pip install -r tests/golden/requirements.txt
    keras-venv/bin/python tests/keras/network_compare.py --clayer build/src/clayer [--only NAME] [--train]

The networks of network_zoo.py and its neighbours are built by both generations of Keras, given random weights and
statistics, and saved as .keras and .h5. For each file
  - `clayer run` must be within 1e-4 of the largest value of Keras' own outputs: for a batch of 5, the same by twos, and
    other numbers, which have other sizes where the network leaves them open,
  - `clayer summary` must print what Keras prints, with --expand-nested too,
  - `clayer run --verify` must find every layer's output as Keras computes it,
  - what `clayer convert` writes must load in Keras, which then predicts the same,
  - Keras' config with its .weights.h5 must give the same outputs,
  - with --train: two epochs of SGD (.keras, and what has an Embedding) or Adam (.h5) must leave Keras' losses and
    weights.
What Keras reads from the file counts, where it can read it; what TensorFlow lacks on CPUs (channels_first), XLA
computes.
Failures are printed; --keep FOLDER keeps the files. The last line is "N passed, N failed"; the exit status is 1 when
any failed.
"""
import argparse
import csv
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests" / "golden"), str(ROOT / "scripts")]

from common import *
from applications_compare import calibrate_layers, layers_of
import keras_reference
from network_zoo import ZOO
from network_zoo_graphs import GRAPHS
from network_zoo_images import IMAGES
from network_zoo_signals import SIGNALS
from network_zoo_tasks import TASKS

BATCH, TOLERANCE, SAME = 5, 1e-4, 1e-6
SIZES = (64, 49)
OF_MOVEMENT, OF_HISTORY = 0.02, 1e-3
LACKS_KERNEL = (tf.errors.OpError, NotImplementedError, ValueError)


# ---- Keras' side ----

def inputs_of(model):
    return tf.nest.flatten(model.inputs)


def dtype_of(symbol):
    return getattr(symbol.dtype, "name", symbol.dtype)


def draw_inputs(rng, model, batch, size):
    """Tokens where an Embedding reads them, with zeros at an end for its mask; bytes; else from -1 to 1."""
    words = min((layer.input_dim for layer in layers_of(model) if type(layer).__name__ == "Embedding"), default=None)
    types = [dtype_of(symbol) for symbol in inputs_of(model)]
    some_integers = any(dtype.startswith("int") for dtype in types)
    arrays = []
    for symbol, dtype in zip(inputs_of(model), types):
        shape = (batch, *[extent or size for extent in symbol.shape[1:]])
        if dtype == "uint8":
            arrays.append(rng.integers(0, 256, shape).astype(dtype))
        elif words and (dtype.startswith("int") or not some_integers):
            arrays.append(rng.integers(1, words, shape).astype(dtype))
            if len(shape) == 2 and shape[1] > 3:
                arrays[-1][0, -2:] = 0
        else:
            arrays.append(rng.uniform(-1, 1, shape).astype(np.float32))
    return arrays


def form_of(model, ends):
    return getattr(model, f"_{ends}_struct", getattr(model, f"_nested_{ends}", None))


def in_form(model, arrays):
    """As the model takes its inputs: a dict, a list, or one."""
    form = form_of(model, "inputs")
    if isinstance(form, dict):
        return tf.nest.pack_sequence_as(form, arrays)
    return arrays if len(arrays) > 1 else arrays[0]


def predict(model, arrays):
    x = in_form(model, [tf.constant(array) for array in arrays])
    try:
        y = model(x, training=False)
    except LACKS_KERNEL:
        y = tf.function(lambda: model(x, training=False), jit_compile=True)()
    return [np.asarray(part) for part in tf.nest.flatten(y)]


def summary_text(model, **options):
    lines = []
    model.summary(print_fn=lambda line, **_: lines.append(line), **options)
    return "\n".join(lines).rstrip("\n") + "\n"


def calibrate(rng, model, arrays):
    try:
        calibrate_layers(rng, model, in_form(model, arrays))
    except LACKS_KERNEL:  # a pass through channels_first layers: random statistics then
        for layer in layers_of(model):
            if type(layer).__name__ == "BatchNormalization":
                layer.momentum = 0.99
                layer.set_weights([w + rng.uniform(0.05, 0.4, w.shape).astype(np.float32) for w in layer.get_weights()])


class Reference:
    """What Keras says of a model."""

    def __init__(self, model, cases):
        self.outputs = [predict(model, case) for case in cases]
        self.tables = {(): summary_text(model), ("--expand-nested",): summary_text(model, expand_nested=True)}


def off(wanted, found):
    return max(np.abs(a - b).max() / max(np.abs(a).max(), 1e-30) if a.shape == b.shape else np.inf
               for a, b in zip(wanted, found, strict=True))


# ---- what is compared ----

class Comparison:
    """One file; each check gives None or what is wrong."""

    def __init__(self, args, generation, path, folder, cases, reference):
        self.args, self.generation, self.path, self.folder = args, generation, path, folder
        self.cases, self.reference = cases, reference
        self.k = GENERATIONS[generation]

    def run(self, *words):
        result = subprocess.run([self.args.clayer, *map(str, words)], capture_output=True, text=True, check=False)
        return result.stdout, None if result.returncode == 0 else (result.stderr.strip() or result.stdout.strip())

    def outputs(self, path, case, *more):
        words, count = ["run", path, *more], len(self.reference.outputs[0])
        for i, x in enumerate(self.cases[case]):
            np.save(self.folder / f"x{i}.npy", x)
            words += ["-i", self.folder / f"x{i}.npy"]
        for i in range(count):
            words += ["-o", self.folder / f"y{i}.npy"]
        _, wrong = self.run(*words)
        if wrong:
            return wrong
        part = off(self.reference.outputs[case], [np.load(self.folder / f"y{i}.npy") for i in range(count)])
        return None if part <= TOLERANCE else f"case {case} {more}: off by {part:.2g} of the largest value"

    def check_run(self):
        fixed = self.cases[0][0].shape[0] != BATCH
        return (self.outputs(self.path, 0) or self.outputs(self.path, 1)
                or (None if fixed else self.outputs(self.path, 0, "--batch-size", "2")))

    def check_summary(self):
        for options, text in self.reference.tables.items():
            printed, wrong = self.run("summary", self.path, "--style", f"keras{self.generation}", *options)
            if wrong:
                return wrong
            printed = printed.splitlines()
            for i, line in enumerate(text.splitlines()):
                if i >= len(printed) or printed[i].rstrip() != line.rstrip():
                    return f"summary {options}: '{printed[i] if i < len(printed) else ''}', Keras prints '{line}'"
        return None

    def check_layers(self):
        try:
            model = self.k.models.load_model(self.path, compile=False)
        except Exception:
            return None  # Keras cannot load its own file
        recorder, symbols = keras_reference.Recorder(self.k), keras_reference.flatten(model.inputs)
        try:
            outputs = recorder.run(model, [keras_reference.to_tensor(self.k, array, symbol)
                                           for array, symbol in zip(self.cases[0], symbols)])
        except LACKS_KERNEL:
            return None
        arrays = {f"inputs/{keras_reference.layer_name(s)}": x for s, x in zip(symbols, self.cases[0])}
        for symbol, y in zip(keras_reference.flatten(model.outputs), outputs):
            arrays.setdefault(f"outputs/{keras_reference.layer_name(symbol)}", keras_reference.to_numpy(y))
        np.savez(self.folder / "layers.npz", **arrays, **recorder.values)
        _, wrong = self.run("run", self.path, "--verify", self.folder / "layers.npz", "--tolerance", TOLERANCE)
        return wrong and f"verify: {wrong}"

    def check_convert(self):
        for ending in (".keras", ".h5"):
            out = self.folder / f"converted{ending}"
            _, wrong = self.run("convert", self.path, out)
            wrong = wrong or self.outputs(out, 0)
            if wrong:
                return f"convert to {ending}: {wrong}"
            self.k.backend.clear_session()
            try:
                found = predict(self.k.models.load_model(out, compile=False), self.cases[0])
            except Exception as error:  # whatever Keras raises is the finding
                if self.keras_reads_its_own(ending):
                    return f"convert: Keras cannot load the {ending}: {str(error).splitlines()[0]}"
                continue
            if off(self.reference.outputs[0], found) > SAME and self.keras_reads_its_own(ending):
                return f"convert: Keras predicts otherwise with the {ending}"
        return None

    def keras_reads_its_own(self, ending):
        """Whether Keras predicts from its own file of this kind what it predicted before."""
        try:
            found = predict(self.k.models.load_model(self.path.with_suffix(ending), compile=False), self.cases[0])
        except Exception:
            return False
        return off(self.reference.outputs[0], found) <= SAME

    def check_config(self, model):
        config, weights = self.folder / "config.json", self.folder / "config.weights.h5"
        config.write_text(model.to_json(), encoding="utf-8")
        weights.unlink(missing_ok=True)
        model.save_weights(weights)
        wrong = self.outputs(config, 0, "--weights", weights)
        return wrong and f"config and weights: {wrong}"


# ---- training ----

def quieten(model):
    """Whose random numbers are its own: nothing is dropped or added."""
    for layer in layers_of(model):
        for name in ("rate", "stddev"):
            if name in layer.get_config() and type(layer).__name__.startswith(("Dropout", "Spatial", "Gaussian")):
                setattr(layer, name, 0.0)


def fit(model, generation, x, y, batch_size, path):
    """Keras' history and weights before and after, through XLA where TensorFlow lacks a kernel; saves the compiled."""
    optimizers = GENERATIONS[generation].optimizers
    start = model.get_weights()
    # Adam of Keras 3 on TensorFlow squares an embedding's gradients before it adds those of equal tokens.
    plain = path.suffix == ".keras" or any(type(layer).__name__ == "Embedding" for layer in layers_of(model))
    for jit_compile in (False, True):
        # Clipped, because a long first step magnifies what rounding left between the two.
        optimizer = optimizers.SGD(0.02, momentum=0.5, global_clipnorm=1.0) if plain else \
            optimizers.Adam(0.003, epsilon=1e-3)
        model.compile(optimizer=optimizer, loss="mse", jit_compile=jit_compile)
        model.set_weights(start)
        if not jit_compile:
            model.save(path)
            try:  # some that Keras loads are not what it saved, as elsewhere here
                model = GENERATIONS[generation].models.load_model(path, compile=False)
                model.compile(optimizer=type(optimizer).from_config(optimizer.get_config()), loss="mse")
            except Exception:
                pass  # Keras cannot load its own file
        try:
            done = model.fit(x, y, batch_size=batch_size, epochs=2, shuffle=False, verbose=0)
            return done.history, start, model.get_weights()
        except (tf.errors.OpError, NotImplementedError):
            if jit_compile:
                return None
    return None


def rms(values):
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64)))) if np.size(values) else 0.0


def compare_training(path, history, start, wanted, found, model):
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for name, values in history.items():
        for epoch, value in enumerate(values):
            # Of outputs of one layer Keras 3 keeps the last one's loss; ours have numbers: "end_loss", "end_1_loss".
            ours = [text for column, text in rows[epoch].items() if re.sub(r"_\d+_loss$", "_loss", column) == name]
            ours = ours or [rows[epoch].get(name, "nan")]
            if not min(abs(float(text) - value) for text in ours) <= OF_HISTORY * max(1, abs(value)):
                return f"train: {name} of epoch {epoch} is {' or '.join(ours)}, Keras {value}"
    most = max(rms(after - before) for before, after in zip(start, wanted))
    for i, (before, after, got) in enumerate(zip(start, wanted, found, strict=True)):
        part = rms(got - after) / (max(rms(after - before), OF_MOVEMENT * most) + 1e-12)
        if not part <= OF_MOVEMENT:
            return f"train: {model.weights[i].name} is off by {part:.2g} of how far it moved"
    return None


def check_train(comparison, builder):
    k, folder, ending = comparison.k, comparison.folder, comparison.path.suffix
    k.backend.clear_session()
    k.utils.set_random_seed(1)
    rng = np.random.default_rng(5)
    model = builder(k)
    quieten(model)
    batch_size = inputs_of(model)[0].shape[0] or 3
    x = draw_inputs(rng, model, 2 * batch_size, SIZES[0])
    y = [rng.uniform(0, 1, (2 * batch_size, *part.shape[1:])).astype(np.float32)
         for part in predict(model, [part[:batch_size] for part in x])]
    form = form_of(model, "outputs")
    targets = tf.nest.pack_sequence_as(form, y) if isinstance(form, dict) else y if len(y) > 1 else y[0]
    path, out, log = folder / f"start{ending}", folder / f"trained{ending}", folder / "history.csv"
    done = fit(model, comparison.generation, in_form(model, x), targets, batch_size, path)
    if done is None:
        return None
    words = ["train", path, "-o", out, "--epochs", 2, "--batch-size", batch_size, "--no-shuffle", "--history", log]
    for option, arrays in (("-x", x), ("-y", y)):
        for i, array in enumerate(arrays):
            np.save(folder / f"train{option}{i}.npy", array)
            words += [option, folder / f"train{option}{i}.npy"]
    log.unlink(missing_ok=True)
    _, wrong = comparison.run(*words)
    if wrong:
        return f"train: {wrong}"
    try:
        found = k.models.load_model(out, compile=False).get_weights()
    except Exception as error:
        try:
            k.models.load_model(path, compile=False)
        except Exception:
            return None  # Keras cannot load its own file of this kind
        return f"train: Keras cannot load the {ending}: {str(error).splitlines()[0]}"
    return compare_training(log, *done, found, model)


# ---- the whole ----

def compare(args, builder, generation, folder):
    """Yields (file, None or what is wrong)."""
    k = GENERATIONS[generation]
    k.backend.clear_session()
    k.utils.set_random_seed(1)
    rng = np.random.default_rng(1)
    model = builder(k)
    fixed = inputs_of(model)[0].shape[0]
    cases = [draw_inputs(rng, model, fixed or batch, size) for batch, size in zip((BATCH, 2), SIZES)]
    calibrate(rng, model, cases[0])
    built, files = Reference(model, cases), []
    for ending in (".keras", ".h5"):
        path, reference = folder / f"k{generation}_{builder.__name__}{ending}", built
        path.unlink(missing_ok=True)
        try:
            model.save(path)
            reference = Reference(k.models.load_model(path, compile=False), cases)
        except Exception as error:
            print(f"     {path.name}: Keras cannot save or load it: {str(error).splitlines()[0]}")
        if path.exists():
            files.append(Comparison(args, generation, path, folder, cases, reference))
    for file in files:
        wrong = file.check_run() or file.check_summary() or file.check_layers()
        if file.path.suffix == ".keras":
            wrong = wrong or file.check_config(model)
        wrong = wrong or file.check_convert()
        if args.train:
            wrong = wrong or check_train(file, builder)
        yield file.path, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--clayer", required=True, help="the command")
    parser.add_argument("--only", default="", help="the networks whose name holds this")
    parser.add_argument("--train", action="store_true", help="compare two epochs of training, too")
    parser.add_argument("--keep", type=pathlib.Path, help="a folder for the files")
    args = parser.parse_args()
    passed = failed = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for builder in [*ZOO, *SIGNALS, *GRAPHS, *IMAGES, *TASKS]:
            for generation in sorted(GENERATIONS) if args.only in builder.__name__ else []:
                for path, wrong in compare(args, builder, generation, folder):
                    passed, failed = passed + (wrong is None), failed + (wrong is not None)
                    print(f"ok   {path.name}" if wrong is None else f"FAIL {path.name}: {wrong}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
