#!/usr/bin/env python3
"""Compare whole networks in the manner of published ones on clayer with real Keras. Opt-in: it needs Keras.

    python -m venv keras-venv
    keras-venv/bin/pip install -r tests/golden/requirements.txt
    keras-venv/bin/python tests/keras/network_compare.py --clayer build/src/clayer [--only NAME]

The networks of network_zoo.py are built by both generations of Keras, given random weights and statistics, and saved
as .keras and .h5. For each file
  - `clayer run` must be within 3e-4 of the largest value of Keras' own outputs,
  - `clayer summary` must print what Keras prints,
  - what `clayer convert` writes must load in Keras, which then predicts the same.
Failures are printed; --keep FOLDER keeps the files. The last line is "N passed, N failed"; the exit status is 1 when
any failed.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "golden"))

from common import *
from applications_compare import calibrate_layers
from network_zoo import ZOO

BATCH, TOLERANCE = 3, 3e-4


def draw_inputs(rng, model):
    tokens = {layer.name for layer in model.layers if type(layer).__name__ == "Embedding"}
    return [rng.integers(0, 20, (BATCH, *[size or 17 for size in x.shape[1:]])).astype(np.float32) if tokens else
            rng.uniform(-1, 1, (BATCH, *[size or 17 for size in x.shape[1:]])).astype(np.float32)
            for x in model.inputs]


def predict(model, inputs):
    y = model(inputs if len(inputs) > 1 else inputs[0], training=False)
    return [np.asarray(part) for part in tf.nest.flatten(y)]


def summary_text(model):
    lines = []
    model.summary(print_fn=lambda line, **_: lines.append(line))
    return "\n".join(lines).rstrip("\n") + "\n"


def run(args, *words):
    return subprocess.run([args.clayer, *words], capture_output=True, text=True, check=False)


def off(wanted, found):
    return max(np.abs(a - b).max() / max(np.abs(a).max(), 1e-30) if a.shape == b.shape else np.inf
               for a, b in zip(wanted, found, strict=True))


def check_run(args, path, inputs, wanted, folder):
    words = ["run", path]
    for i, x in enumerate(inputs):
        np.save(folder / f"x{i}.npy", x)
        words += ["-i", folder / f"x{i}.npy"]
    for i in range(len(wanted)):
        words += ["-o", folder / f"y{i}.npy"]
    result = run(args, *words)
    if result.returncode != 0:
        return result.stderr.strip()
    part = off(wanted, [np.load(folder / f"y{i}.npy") for i in range(len(wanted))])
    return None if part <= TOLERANCE else f"off by {part:.2g} of the largest value"


def check_summary(args, path, generation, text):
    result = run(args, "summary", path, "--style", f"keras{generation}")
    if result.returncode != 0:
        return result.stderr.strip()
    for ours, theirs in zip(result.stdout.splitlines(), text.splitlines(), strict=False):
        if ours.rstrip() != theirs.rstrip():
            return f"summary: '{ours}', Keras prints '{theirs}'"
    return None


def check_convert(args, k, path, inputs, wanted, folder):
    for ending in (".keras", ".h5"):
        out = folder / f"converted{ending}"
        result = run(args, "convert", path, out)
        if result.returncode != 0:
            return f"convert: {result.stderr.strip()}"
        try:
            k.backend.clear_session()
            found = predict(k.models.load_model(out, compile=False), inputs)
        except Exception as error:  # whatever Keras raises is the finding
            try:
                k.models.load_model(path.with_suffix(ending), compile=False)
            except Exception:
                continue  # Keras cannot load its own file of this kind
            return f"convert: Keras cannot load the {ending}: {str(error).splitlines()[0]}"
        if off(wanted, found) > 1e-6:
            return f"convert: Keras predicts otherwise with the {ending}"
    return None


def compare(args, builder, generation, folder):
    """Yields (file, None or what is wrong)."""
    k = GENERATIONS[generation]
    k.backend.clear_session()
    k.utils.set_random_seed(1)
    rng = np.random.default_rng(1)
    model = builder(k)
    inputs = draw_inputs(rng, model)
    calibrate_layers(rng, model, inputs if len(inputs) > 1 else inputs[0])
    wanted, text = predict(model, inputs), summary_text(model)
    for ending in (".keras", ".h5"):
        path = folder / f"k{generation}_{builder.__name__}{ending}"
        try:
            model.save(path)
        except Exception as error:
            print(f"     {path.name}: Keras cannot save it: {str(error).splitlines()[0]}")
            path.unlink(missing_ok=True)
    for ending in (".keras", ".h5"):
        path = folder / f"k{generation}_{builder.__name__}{ending}"
        if path.exists():
            wrong = check_run(args, path, inputs, wanted, folder)
            wrong = wrong or check_summary(args, path, generation, text)
            yield path, wrong or check_convert(args, k, path, inputs, wanted, folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--clayer", required=True, help="the command")
    parser.add_argument("--only", default="", help="the networks whose name holds this")
    parser.add_argument("--keep", type=pathlib.Path, help="a folder for the files")
    args = parser.parse_args()
    passed = failed = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for builder in ZOO:
            for generation in sorted(GENERATIONS) if args.only in builder.__name__ else []:
                for path, wrong in compare(args, builder, generation, folder):
                    passed, failed = passed + (wrong is None), failed + (wrong is not None)
                    print(f"ok   {path.name}" if wrong is None else f"FAIL {path.name}: {wrong}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
