#!/usr/bin/env python3
"""Write models/: small models saved by both generations of Keras, with an example of each.

    pip install -r requirements.txt && python make_models.py

For a model STEM (k2_... by tf_keras, k3_... by Keras 3):
    STEM.keras, STEM.h5     the whole model in both formats, as save() writes them
    STEM.json               to_json(), with STEM.weights.h5 from save_weights(), for some models; for
                            tf_keras also STEM.old_weights.h5, the format of save_weights("x.h5")
    STEM.npz                x and y, or for several inputs and outputs x.<input name>, y.<output name>
    STEM.summary.txt        what summary() prints, in UTF-8: tf_keras with its default line lengths,
                            Keras 3 through rich on no terminal, which is 80 columns wide
Dates inside the archives are fixed, so equal versions write equal files.
"""
import pathlib
import re
import sys

from common import *
from model_cases import IN_PARTS, MODELS, SIZES, channels_first

FOLDER = pathlib.Path(HERE) / "models"


def set_random_weights(rng, model):
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(random_weights(rng, layer))


def example_inputs(rng, name, model):
    """Inputs with a batch of 2, or of 1 for the large ones."""
    inputs = []
    for tensor in model.inputs:
        shape = SIZES.get(name) or (2, *tensor.shape[1:])
        if np.prod(shape[1:]) > 1000:
            shape = (1, *shape[1:])
        inputs.append(quantised(rng, tuple(int(size) for size in shape)))
    return inputs


def outputs_of(name, generation, model, inputs):
    """The model's outputs; the channels_first convolutions run through the channels_last twin."""
    if name == "channels_first":
        twin = channels_first(GENERATIONS[generation], "channels_last")
        twin.set_weights(model.get_weights())
        model, inputs = twin, [to_channels_last(x) for x in inputs]
    tensors = [tf.constant(x) for x in inputs]
    y = model(tensors if len(tensors) > 1 else tensors[0], training=False)
    return [np.asarray(part) for part in (y if isinstance(y, (list, tuple)) else [y])]


def named(letter, names, arrays):
    if len(arrays) == 1:
        return {letter: arrays[0]}
    return {f"{letter}.{name}": array for name, array in zip(names, arrays, strict=True)}


def summary_text(model):
    lines = []
    model.summary(print_fn=lambda line, **_: lines.append(line))
    return "\n".join(lines).rstrip("\n") + "\n"


def number_shared_objects(text):
    """Replace the memory addresses that Keras writes as shared_object_id by 1, 2, 3, ..."""
    seen = {}
    return re.sub(rb'("shared_object_id": )([0-9]+)',
                  lambda m: m[1] + b"%d" % seen.setdefault(m[2], len(seen) + 1), text)


def make_stable(path):
    """Rewrite a .keras archive as Keras made it, less the time of day and memory addresses."""
    with zipfile.ZipFile(path) as archive:
        entries = [(info, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(path, "w") as archive:
        for old, content in entries:
            if old.filename == "metadata.json":
                content = json.dumps(dict(json.loads(content),
                                          date_saved="2024-01-01@00:00:00")).encode()
            if old.filename == "config.json":
                content = number_shared_objects(content)
            info = zipfile.ZipInfo(old.filename, FIXED_DATE)
            info.compress_type = old.compress_type
            archive.writestr(info, content)


def save_all(model, name, stem):
    model.save(FOLDER / f"{stem}.keras")
    make_stable(FOLDER / f"{stem}.keras")
    model.save(FOLDER / f"{stem}.h5")
    if name in IN_PARTS:
        (FOLDER / f"{stem}.json").write_text(model.to_json(), encoding="utf-8")
        model.save_weights(FOLDER / f"{stem}.weights.h5")
        if stem.startswith("k2"):
            model.save_weights(FOLDER / f"{stem}.old_weights.h5", save_format="h5")


def make_model(generation, builder):
    name, k = builder.__name__, GENERATIONS[generation]
    stem = f"k{generation}_{name}"
    k.backend.clear_session()
    k.utils.set_random_seed(generation)
    rng = np.random.default_rng([generation, MODELS.index(builder)])
    model = builder(k)
    set_random_weights(rng, model)
    inputs = example_inputs(rng, name, model)
    if name == "trained":
        model.fit(inputs[0], np.array([0, 1]), epochs=1, verbose=0)
    save_all(model, name, stem)
    (FOLDER / f"{stem}.summary.txt").write_text(summary_text(model), encoding="utf-8")
    outputs = outputs_of(name, generation, model, inputs)
    output_names = model.output_names if len(outputs) > 1 else []
    write_npz(FOLDER / f"{stem}.npz", {**named("x", [x.name for x in model.inputs], inputs),
                                       **named("y", output_names, outputs)})
    print(stem, [y.shape for y in outputs], flush=True)


def main():
    os.environ["COLUMNS"] = "80"
    sys.stdout.reconfigure(encoding="utf-8")
    FOLDER.mkdir(exist_ok=True)
    for builder in MODELS:
        for generation in (2, 3):
            make_model(generation, builder)


if __name__ == "__main__":
    main()
