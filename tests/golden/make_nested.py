#!/usr/bin/env python3
"""Write nested/: models in models, as both generations of Keras save them, with an example of each.

    pip install -r requirements.txt && python make_nested.py [NAME ...]

The files are named and made as those of make_models.py: k2_NAME.keras, .h5, .npz, and for some .json with .weights.h5
(tf_keras also .old_weights.h5). A layer that tf_keras shares between models is not in its own .keras files, which
cannot be loaded: there is none of `shared`.
"""
import pathlib
import sys
import warnings

import make_models
from common import *
from nested_cases import CASES, IN_PARTS

FOLDER = pathlib.Path(HERE) / "nested"


def set_random_weights(rng, model):
    """New values for all weights, by the last part of their names."""
    values = []
    for weight in model.weights:
        end = (getattr(weight, "path", None) or weight.name).split(":")[0].split("/")[-1]
        shape = tuple(weight.shape)
        low, high = (0.5, 1.5) if end in ("gamma", "moving_variance") else (-0.7, 0.7)
        values.append(np.round(rng.uniform(low, high, shape) * 64) / 64)
    for weight, value in zip(model.weights, values, strict=True):
        weight.assign(value.astype("float32"))


def deflate(path):
    """Keras stores the members of its archives; here they are packed, which readers take as well."""
    with zipfile.ZipFile(path) as archive:
        entries = [(name, archive.read(name)) for name in archive.namelist()]
    write_zip(path, entries, zipfile.ZIP_DEFLATED)


def named(letter, names, arrays):
    return make_models.named(letter, [f"{i}{name}" for i, name in enumerate(names)], arrays)


def make(generation, builder):
    name, k = builder.__name__, GENERATIONS[generation]
    stem = f"k{generation}_{name}"
    k.backend.clear_session()
    k.utils.set_random_seed(generation)
    rng = np.random.default_rng([generation, CASES.index(builder)])
    model = builder(k)
    set_random_weights(rng, model)
    inputs = [quantised(rng, (2, *(int(size or 3) for size in x.shape[1:]))) for x in model.inputs]
    if name == "masked_steps":
        inputs[0][0, 1] = 0.5
        inputs[1] = np.array(rng.integers(1, 6, inputs[1].shape), np.float32)
        inputs[1][:, :, 2:] *= rng.integers(0, 2, inputs[1][:, :, 2:].shape)
    if name == "compiled":
        model.fit(inputs[0], np.array([[0.0, 1.0], [1.0, 0.5]]), epochs=1, verbose=0)
    if (generation, name) != (2, "shared"):
        model.save(FOLDER / f"{stem}.keras")
        make_models.make_stable(FOLDER / f"{stem}.keras")
        deflate(FOLDER / f"{stem}.keras")
    model.save(FOLDER / f"{stem}.h5")
    if name in IN_PARTS:
        (FOLDER / f"{stem}.json").write_text(model.to_json(), encoding="utf-8")
        model.save_weights(FOLDER / f"{stem}.weights.h5")
        if generation == 2:
            model.save_weights(FOLDER / f"{stem}.old_weights.h5", save_format="h5")
    outputs = model(inputs if len(inputs) > 1 else inputs[0], training=False)
    outputs = [np.asarray(y) for y in (outputs if isinstance(outputs, (list, tuple)) else [outputs])]
    write_npz(FOLDER / f"{stem}.npz", {**named("x", [x.name for x in model.inputs], inputs),
                                       **named("y", ["y"] * len(outputs), outputs)})
    print(stem, [y.shape for y in outputs], flush=True)


def main():
    warnings.simplefilter("ignore")
    FOLDER.mkdir(exist_ok=True)
    for builder in CASES if len(sys.argv) == 1 else [case for case in CASES if case.__name__ in sys.argv[1:]]:
        for generation in (2, 3):
            make(generation, builder)


if __name__ == "__main__":
    main()
