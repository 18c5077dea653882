#!/usr/bin/env python3
"""Compare clayer with real Keras on random single-layer models. Opt-in: it needs Keras.

    python -m venv keras-venv
    keras-venv/bin/pip install -r tests/golden/requirements.txt
    keras-venv/bin/python tests/keras/compare.py --clayer build/src/clayer [-n 200] [--seed 1]

Each model holds one of the 17 layers with random arguments, by tf_keras (Keras 2) or Keras 3, in a .h5
or a .keras file, with some sizes unknown. `clayer run` must give Keras' output: within 1e-4 of the
largest value, or exactly where a layer only moves data. For the models of Keras 2 `clayer summary` must
begin with the table that Keras prints. Failures are printed with the layer's configuration; --keep saves
their files, and --only takes one model by its number. The last line is "N passed, N failed"; the exit
status is 1 when any failed.
"""
import argparse
import concurrent.futures
import dataclasses
import pathlib
import shutil
import subprocess
import sys
import tempfile
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "golden"))

from common import *
from make_layers import unequal_strides_output
from make_models import summary_text
from random_layers import chance, draw, pick

TOLERANCE = 1e-4
TIMEOUT_SECONDS = 120
MOVES_DATA = ("Cropping", "ZeroPadding", "UpSampling")


@dataclasses.dataclass
class Case:
    number: int
    generation: int
    path: pathlib.Path
    config: dict
    exact: bool
    expected: np.ndarray
    summary: str | None

    def beside(self, suffix):
        return self.path.with_name(f"{self.path.stem}.{suffix}")


# ---- making a model ----

def input_spec(rng, shape, data_format):
    """The shape without the batch, with about a third of the spatial sizes unknown."""
    spec = [size if chance(rng, 0.7) else None for size in shape[1:]]
    place = 0 if data_format == "channels_first" else -1
    spec[place] = shape[1:][place]
    return tuple(spec)


def keras_output(generation, layer, x, weights):
    strides = getattr(layer, "strides", 1)
    if type(layer).__name__ in ("DepthwiseConv2D", "SeparableConv2D") and len(set(strides)) > 1:
        return unequal_strides_output(generation, layer, x, weights)
    return expected_output(generation, layer, [x], weights)


def build_model(rng, k, layer, spec):
    """Sequential with an Input, or functional; both are one layer deep."""
    if chance(rng, 0.5):
        return k.Sequential([k.Input(spec), layer])
    inputs = k.Input(spec)
    return k.Model(inputs, layer(inputs))


def make_case(folder, number, seed):
    """Draw until Keras accepts the arguments; None after too many refusals."""
    rng = np.random.default_rng([seed, number])
    generation = pick(rng, [2, 3])
    k = GENERATIONS[generation]
    for _ in range(50):
        class_name, arguments, shape = draw(rng, number, generation)
        k.backend.clear_session()
        x = rng.standard_normal(shape).astype(np.float32)
        try:
            layer = getattr(k.layers, class_name)(**arguments)
            model = build_model(rng, k, layer, input_spec(rng, shape, arguments.get("data_format")))
            weights = [(rng.standard_normal(w.shape) / max(1, np.prod(w.shape[:-1])) ** 0.5)
                       .astype(np.float32) for w in layer.get_weights()]
            layer.set_weights(weights)
            expected = keras_output(generation, layer, x, weights)
        except (ValueError, TypeError, tf.errors.OpError, Refused):
            continue
        if expected.size and np.isfinite(expected).all():
            return save_case(rng, folder, number, generation, model, layer, x, expected)
    return None


def save_case(rng, folder, number, generation, model, layer, x, expected):
    path = folder / f"{number:05d}.{pick(rng, ['h5', 'keras'])}"
    model.save(path)
    config = {"keras": generation, "class_name": type(layer).__name__, "config": layer.get_config(),
              "input": list(x.shape), "model_input": list(model.inputs[0].shape)}
    exact = type(layer).__name__.startswith(MOVES_DATA) \
        and getattr(layer, "interpolation", "nearest") == "nearest"
    case = Case(number, generation, path, config, exact, expected,
                summary_text(model) if generation == 2 else None)
    np.save(case.beside("x.npy"), x)
    np.save(case.beside("expected.npy"), expected)
    if case.summary:
        case.beside("summary.txt").write_text(case.summary, encoding="utf-8")
    return case


# ---- asking clayer ----

def call(command):
    """Standard output and what went wrong, if anything."""
    try:
        done = subprocess.run([str(part) for part in command], capture_output=True,
                              timeout=TIMEOUT_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", str(error)
    if done.returncode != 0:
        return "", f"exit status {done.returncode}: {done.stderr.decode(errors='replace').strip()}"
    return done.stdout.decode(errors="replace"), None


def difference(case, y):
    """None, or how clayer's output differs from Keras'."""
    expected = case.expected
    if y.shape != expected.shape:
        return f"shape {y.shape}, Keras {expected.shape}"
    if case.exact:
        worst = np.unravel_index(np.argmax(y != expected), y.shape)
        wrong = not np.array_equal(y, expected)
    else:
        error = np.abs(y.astype(np.float64) - expected)
        worst = np.unravel_index(np.argmax(np.where(np.isfinite(error), error, np.inf)), y.shape)
        wrong = not error[worst] <= TOLERANCE * np.abs(expected).max()
    if not wrong:
        return None
    index = [int(place) for place in worst]
    return f"at {index}: {float(y[worst])!r}, Keras {float(expected[worst])!r}"


def check_run(clayer, case):
    output = case.beside("y.npy")
    _, trouble = call([clayer, "run", case.path, "-i", case.beside("x.npy"), "-o", output])
    if trouble:
        return trouble
    try:
        return difference(case, np.load(output))
    except (OSError, ValueError) as error:
        return f"no readable output: {error}"


def check_summary(clayer, case):
    """The table of Keras comes first; clayer may print more after it."""
    text, trouble = call([clayer, "summary", case.path])
    if trouble:
        return trouble
    expected = [line.rstrip() for line in case.summary.splitlines()]
    lines = [line.rstrip() for line in text.splitlines()]
    for row, line in enumerate(expected):
        if row >= len(lines) or lines[row] != line:
            got = lines[row] if row < len(lines) else "nothing"
            return f"summary, line {row + 1}: {got!r}, Keras {line!r}"
    return None


def check(clayer, case):
    """What is wrong with this model, as a list of lines."""
    troubles = [check_run(clayer, case)]
    if case.summary:
        troubles.append(check_summary(clayer, case))
    return [trouble for trouble in troubles if trouble]


# ---- the whole ----

def report(case, troubles):
    config = json_bytes(case.config).decode()
    print(f"FAILED {case.number} ({case.path.suffix}): " + "; ".join(troubles))
    print(f"    {config}", flush=True)


def keep_files(case, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for path in case.path.parent.glob(f"{case.path.stem}.*"):
        shutil.copy(path, folder)


def run_all(options, folder):
    """Keras makes the next models while clayer runs those made before."""
    passed = failed = refused = 0
    numbers = [options.only] if options.only is not None else range(options.number)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        waiting = []
        for number in numbers:
            case = make_case(folder, number, options.seed)
            if case:
                waiting.append((case, pool.submit(check, options.clayer, case)))
            else:
                refused += 1
        for case, answer in waiting:
            troubles = answer.result()
            passed, failed = passed + (not troubles), failed + bool(troubles)
            if troubles:
                report(case, troubles)
                if options.keep:
                    keep_files(case, options.keep)
    if refused:
        print(f"{refused} models were refused by Keras on every draw")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clayer", required=True, type=pathlib.Path, help="the clayer command")
    parser.add_argument("-n", "--number", type=int, default=200, help="how many models")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="the number of one model of that seed")
    parser.add_argument("--jobs", type=int, default=1, help="clayer processes at a time")
    parser.add_argument("--keep", type=pathlib.Path, help="folder for the files of failures")
    options = parser.parse_args()
    options.clayer = options.clayer.resolve()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        return run_all(options, pathlib.Path(folder))


if __name__ == "__main__":
    sys.exit(main())
