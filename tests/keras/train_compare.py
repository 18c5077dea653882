#!/usr/bin/env python3
"""Compare clayer's training with real Keras' on random small nets. Opt-in: it needs Keras.

    python -m venv keras-venv
    keras-venv/bin/pip install -r tests/golden/requirements.txt
    keras-venv/bin/python tests/keras/train_compare.py --clayer build/src/clayer [-n 170] [--seed 1]

Each net stands around one of the 17 layers (random_nets.py), with a random optimizer, loss, regularizers and
constraints, compiled and saved by tf_keras (Keras 2) or Keras 3 as .h5 or .keras. Keras' fit(shuffle=False)
and `clayer train --no-shuffle` see the same data for two epochs. Then
  - each weight that clayer saved must be Keras' within 2 % of how far it moved (both as RMS),
  - the history must agree within 1e-3 (relative above 1; a metric that counts may be one sample off),
  - Keras must load the saved file, with the optimizer as many steps on and in the same state as where it
    loads its own file, and predict with it what the same net with these weights predicts.
A net on which Keras disagrees with itself, once its input is changed in the last bits, is drawn again.
Failures are printed with the net's configuration; --keep saves their files, and --only takes one net by its
number. The last line is "N passed, N failed"; the exit status is 1 when any failed.
"""
import argparse
import concurrent.futures
import csv
import dataclasses
import pathlib
import shutil
import sys
import tempfile
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "golden"))

from common import *
from compare import call
from random_layers import chance, pick
from random_nets import Net, draw_data, draw_net

EPOCHS = 2
OF_MOVEMENT = 0.02
OF_HISTORY = 1e-3
OF_PREDICTION = 1e-5
# Keras itself, on an input changed by 1e-6, must stay within this part of the movement.
STABLE = 0.002
MOST_DRAWS = 60


@dataclasses.dataclass
class Case:
    number: int
    generation: int
    net: Net
    path: pathlib.Path
    out: pathlib.Path
    batch_size: int
    config: dict
    start: list
    weights: list
    history: dict
    slots: list | None  # of the optimizer, where Keras loads its own file as compiled

    def beside(self, suffix):
        return self.path.with_name(f"{self.number:05d}.{suffix}")


# ---- Keras' side ----

def rms(values):
    return float(np.sqrt(np.mean(np.square(np.asarray(values, np.float64))))) if values.size else 0.0


def parts_of_movement(start, expected, found):
    """For each weight, how far it is from the expected one as part of how far that one moved."""
    parts = []
    for before, after, got in zip(start, expected, found, strict=True):
        rounding = 1e-6 * rms(after) + 1e-8
        parts.append(max(0.0, rms(got - after) - rounding) / (rms(after - before) + 1e-12))
    return parts


def set_start(rng, model):
    """Random weights that keep activations near 1; a scale and a variance are positive."""
    for layer in model.layers:
        values = []
        for variable in layer.weights:
            name, shape = variable.name.split("/")[-1].split(":")[0], tuple(variable.shape)
            value = rng.standard_normal(shape) * (0.3 if len(shape) < 2 else
                                                  np.prod(shape[:-1]) ** -0.5)
            positive = name in ("gamma", "moving_variance")
            values.append((0.75 + np.abs(value) if positive else value).astype(np.float32))
        if values:
            layer.set_weights(values)


def reset(model, start):
    """Weights and optimizer as before the first step; the traced function stays."""
    model.set_weights(start)
    optimizer = model.optimizer
    fresh = type(optimizer).from_config(optimizer.get_config())
    fresh.build(model.trainable_variables)
    for variable, value in zip(optimizer.variables, fresh.variables, strict=True):
        variable.assign(value)
    if hasattr(optimizer, "_u_product"):  # tf_keras' Nadam does not list it
        optimizer._u_product.assign(1.0)


def fit(net, x, y, batch_size):
    done = net.model.fit(x, y, batch_size=batch_size, epochs=EPOCHS, shuffle=False, verbose=0)
    return {name: [float(value) for value in values] for name, values in done.history.items()}


def reads_all(net):
    """No layer meets what TensorFlow itself does in two ways: see common.py and make_gradients.py."""
    for layer in net.model.layers:
        if not hasattr(layer, "kernel_size"):
            continue
        shape = tuple(layer.input.shape)
        x = np.broadcast_to(np.int8(0), (1, *shape[1:]))
        if without_unread_end(layer, x).shape != x.shape:
            return False
        if "Transpose" in type(layer).__name__ and np.any(np.array(layer.strides) > layer.kernel_size):
            return False
        if layer.data_format == "channels_first" and bias_goes_astray(
                3, layer, np.broadcast_to(np.int8(0), (1, *layer.output.shape[1:]))):
            return False
    return True


def fit_somehow(generation, net, start, x, y, batch_size):
    """fit() as Keras does it by itself on a CPU, or else through XLA, which has every kernel."""
    for jit_compile in (False, True):
        net.model.compile(**net.compiled(), jit_compile=jit_compile)
        net.model.set_weights(start)
        try:
            return fit(net, x, y, batch_size)
        except (tf.errors.OpError, NotImplementedError):
            if jit_compile or generation == 2 and type(net.model.optimizer).__name__ == "Nadam":
                raise  # this Nadam's numbers depend on how often it was traced: see make_training.py
    return None


def train_with_keras(rng, generation, net, folder, number):
    """A case, or None where the net is no good for a comparison."""
    samples, batch_size = int(rng.integers(9, 21)), int(rng.integers(3, 9))
    x, y = draw_data(rng, net, samples)
    net.model.compile(**net.compiled())
    set_start(rng, net.model)
    start = net.model.get_weights()
    path = folder / f"{number:05d}.{pick(rng, ['h5', 'keras'])}"
    out = folder / f"{number:05d}.out.{pick(rng, ['h5', 'keras'])}"
    net.model.save(path)
    history = fit_somehow(generation, net, start, x, y, batch_size)
    weights = net.model.get_weights()
    if not all(np.isfinite(value).all() for value in [*weights, *history.values()]) \
            or max(map(max, history.values())) > 1e4:
        return None
    slots = slots_of_own_file(generation, net.model, folder / f"{number:05d}.own{out.suffix}")
    reset(net.model, start)
    nearly = x * (1 + 1e-6 * rng.standard_normal(x.shape)).astype(np.float32)
    fit(net, nearly, y, batch_size)
    if max(parts_of_movement(start, weights, net.model.get_weights())) > STABLE:
        return None
    net.model.set_weights(weights)
    config = {"keras": generation, "batch_size": batch_size, "samples": samples,
              "compile": described_compile(net), "model": net.model.get_config()}
    case = Case(number, generation, net, path, out, batch_size,
                config, start, weights, history, slots)
    np.save(case.beside("x.npy"), x)
    np.save(case.beside("y.npy"), y)
    return case


def slots_of(model):
    """The optimizer's variables, its step first; None for a model that is not compiled."""
    optimizer = getattr(model, "optimizer", None)
    return optimizer and [np.array(optimizer.iterations), *map(np.array, optimizer.variables)]


def slots_of_own_file(generation, model, path):
    """What Keras finds in the file that it has written: from some .h5 files less than it put there."""
    model.save(path)
    try:
        return slots_of(GENERATIONS[generation].models.load_model(path))
    except (ValueError, TypeError):
        return None


def described_compile(net):
    return {name: value if isinstance(value, (str, list, type(None))) else
            [type(value).__name__, value.get_config()] for name, value in net.compiled().items()}


def make_case(folder, number, seed):
    """Draw until the net is good; None after too many tries."""
    rng = np.random.default_rng([seed, number])
    generation = pick(rng, [2, 3])
    k = GENERATIONS[generation]
    for _ in range(MOST_DRAWS):
        k.backend.clear_session()
        try:
            net = draw_net(rng, k, number, generation)
            case = train_with_keras(rng, generation, net, folder, number) if reads_all(net) else None
        except (ValueError, TypeError, ZeroDivisionError, NotImplementedError, tf.errors.OpError):
            continue
        if case:
            return case
    return None


# ---- clayer's side ----

def train_with_clayer(clayer, case):
    _, trouble = call([clayer, "train", case.path, "-x", case.beside("x.npy"), "-y", case.beside("y.npy"),
                       "--batch-size", case.batch_size, "--epochs", EPOCHS, "--no-shuffle",
                       "-o", case.out, "--history", case.beside("csv")])
    return trouble


def check_history(case):
    try:
        with open(case.beside("csv"), newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        if [row["epoch"] for row in rows] != [str(epoch) for epoch in range(EPOCHS)]:
            return f"history: epochs {[row['epoch'] for row in rows]}"
        for name, values in case.history.items():
            counts = OF_HISTORY + ("acc" in name) * 1.01 / case.config["samples"]
            for epoch, value in enumerate(values):
                got = float(rows[epoch][name])
                if not abs(got - value) <= counts * max(1.0, abs(value)):
                    return f"history: {name} of epoch {epoch} is {got!r}, Keras {value!r}"
    except (OSError, KeyError, ValueError, TypeError) as error:
        return f"history: {type(error).__name__} {error}"
    return None


def check_weights(case, found):
    shapes = [weight.shape for weight in found]
    if shapes != [weight.shape for weight in case.weights]:
        return [], f"weights of shapes {shapes}, Keras {[weight.shape for weight in case.weights]}"
    parts = parts_of_movement(case.start, case.weights, found)
    worst = int(np.argmax([part if np.isfinite(part) else np.inf for part in parts]))
    if parts[worst] <= OF_MOVEMENT:
        return parts, None
    name = getattr(case.net.model.weights[worst], "path", case.net.model.weights[worst].name)
    moved = rms(case.weights[worst] - case.start[worst])
    return parts, f"weight {worst} ({name}) is off by {parts[worst]:.3g} of the {moved:.3g} it moved"


def predictions(model, x):
    """Through XLA, which has the channels_first kernels that TensorFlow's CPU lacks."""
    return np.asarray(tf.function(lambda: model(x, training=False), jit_compile=True)())


def check_predictions(case, loaded):
    x = tf.constant(np.load(case.beside("x.npy")))
    case.net.model.set_weights(loaded.get_weights())
    expected, found = predictions(case.net.model, x), predictions(loaded, x)
    error = np.abs(found - expected).max()
    return None if error <= OF_PREDICTION * max(1.0, np.abs(expected).max()) else \
        f"the loaded file predicts otherwise, by {error:.3g}"


def check_optimizer(case, loaded):
    """The optimizer goes on where it stood, as far as with a file of Keras."""
    if case.slots is None:
        return None
    slots = slots_of(loaded)
    if slots is None:
        return "the loaded file is not compiled"
    if slots[0] != case.slots[0]:
        return f"the loaded optimizer is at step {slots[0]}, Keras at {case.slots[0]}"
    if [slot.shape for slot in slots] != [slot.shape for slot in case.slots]:
        return f"the loaded optimizer has {len(slots)} variables, Keras {len(case.slots)}, or other shapes"
    for place, (got, slot) in enumerate(zip(slots[1:], case.slots[1:])):
        if rms(got - slot) > OF_MOVEMENT * rms(slot) + 1e-7:
            return f"the loaded optimizer's variable {place} is off by {rms(got - slot):.3g} of {rms(slot):.3g}"
    return None


def check_file(case):
    """How far the weights are off, and what is wrong with the saved file."""
    try:
        loaded = GENERATIONS[case.generation].models.load_model(case.out, compile=case.slots is not None)
        parts, trouble = check_weights(case, loaded.get_weights())
        return parts, [trouble, check_optimizer(case, loaded), check_predictions(case, loaded)]
    except Exception as error:  # whatever Keras makes of a broken file
        return [], [f"Keras does not load the file: {type(error).__name__} {str(error)[:300]}"]


# ---- the whole ----

def check(case, trouble):
    """In the main thread: Keras does not share itself."""
    if trouble:
        return [], [trouble]
    parts, troubles = check_file(case)
    return parts, [text for text in [check_history(case), *troubles] if text]


def report(case, troubles):
    config = json.dumps(case.config, default=str)
    print(f"FAILED {case.number} ({case.path.suffix} to {case.out.suffix}): " + "; ".join(troubles))
    print(f"    {config}", flush=True)


def keep_files(case, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for path in case.path.parent.glob(f"{case.number:05d}.*"):
        shutil.copy(path, folder)


class Tally:
    def __init__(self, options):
        self.options, self.passed, self.failed, self.parts = options, 0, 0, []

    def add(self, case, answer):
        parts, troubles = check(case, answer.result())
        self.parts += parts
        self.passed, self.failed = self.passed + (not troubles), self.failed + bool(troubles)
        if troubles:
            report(case, troubles)
            if self.options.keep:
                keep_files(case, self.options.keep)
        for path in case.path.parent.glob(f"{case.number:05d}.*"):
            path.unlink()


def run_all(options, folder):
    """Keras trains the next net while clayer trains those before."""
    tally, refused, waiting = Tally(options), [], []
    numbers = [options.only] if options.only is not None else range(options.number)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for number in numbers:
            case = make_case(folder, number, options.seed)
            if not case:
                refused.append(number)
                continue
            waiting.append((case, pool.submit(train_with_clayer, options.clayer, case)))
            while len(waiting) > options.jobs:
                tally.add(*waiting.pop(0))
        for case, answer in waiting:
            tally.add(case, answer)
    if refused:
        print(f"no net was good for a comparison: {refused}")
    if tally.parts:
        middle, most, worst = np.quantile(tally.parts, [0.5, 0.95, 1.0])
        print(f"off by, of how far a weight moved: median {middle:.2g}, 95 % below {most:.2g}, "
              f"worst {worst:.2g}")
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clayer", required=True, type=pathlib.Path, help="the clayer command")
    parser.add_argument("-n", "--number", type=int, default=170, help="how many nets")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="the number of one net of that seed")
    parser.add_argument("--jobs", type=int, default=1, help="clayer processes at a time")
    parser.add_argument("--keep", type=pathlib.Path, help="folder for the files of failures")
    options = parser.parse_args()
    options.clayer = options.clayer.resolve()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        return run_all(options, pathlib.Path(folder))


if __name__ == "__main__":
    sys.exit(main())
