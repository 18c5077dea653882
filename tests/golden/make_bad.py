#!/usr/bin/env python3
"""Write bad/: files that a reader must refuse, and bad.txt with what its message must name.

    pip install -r requirements.txt && python make_models.py && python make_bad.py

bad.txt holds a line a file: FILE <tab> TEXT, where TEXT is the layer, class, argument, weight or file
that any good message contains. Most files are a good model of models/ with one thing changed; those
with a Lambda, a custom or a subclassed object are saved by Keras itself. A .json is a configuration
without weights, refused as such.
"""
import pathlib
import shutil
import warnings

import h5py

from common import *
from make_models import make_stable

MODELS = pathlib.Path(HERE) / "models"
FOLDER = pathlib.Path(HERE) / "bad"


# ---- changing good files ----

def change_archive(source, target, change):
    """Copy a .keras archive; change(name, content) returns the new content or None to leave out."""
    with zipfile.ZipFile(MODELS / source) as archive:
        entries = [(name, change(name, archive.read(name))) for name in archive.namelist()]
    write_zip(FOLDER / target, [entry for entry in entries if entry[1] is not None],
              zipfile.ZIP_STORED)


def change_config(source, target, old, new):
    def change(name, content):
        if name != "config.json":
            return content
        assert old in content, (source, old)
        return content.replace(old, new, 1)
    change_archive(source, target, change)


def change_weights(source, target, change):
    """Copy a .keras archive with change(file) applied to its open model.weights.h5."""
    def change_entry(name, content):
        if name != "model.weights.h5":
            return content
        buffer = io.BytesIO(content)
        with h5py.File(buffer, "r+") as file:
            change(file)
        return buffer.getvalue()
    change_archive(source, target, change_entry)


def change_hdf5(source, target, change):
    shutil.copyfile(MODELS / source, FOLDER / target)
    with h5py.File(FOLDER / target, "r+") as file:
        change(file)


def truncate(source, target, part):
    content = (MODELS / source).read_bytes()
    (FOLDER / target).write_bytes(content[:int(len(content) * part)])


def replace_dataset(file, path):
    """Give a weight one element more on its last axis than its layer has."""
    shape = list(file[path].shape)
    del file[path]
    shape[-1] += 1
    file.create_dataset(path, data=np.zeros(shape, np.float32))


def remove(path):
    def change(file):
        del file[path]
    return change


def misshape(path):
    return lambda file: replace_dataset(file, path)


def change_model_config(old, new):
    def change(file):
        config = file.attrs["model_config"]
        assert old in config, old
        file.attrs["model_config"] = config.replace(old, new, 1)
    return change


# ---- models that Keras saves and no other program can run ----

@keras.saving.register_keras_serializable(package="Workshop")
class Scale(keras.layers.Layer):
    def call(self, x):
        return 2 * x


@keras.saving.register_keras_serializable(package="Workshop")
class Network(keras.Model):
    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.dense = keras.layers.Dense(2)

    def call(self, x):
        return self.dense(x)


def save(model, name):
    model.save(FOLDER / name)
    if name.endswith(".keras"):
        make_stable(FOLDER / name)


def save_unrunnable():
    def with_layer(k, layer):
        return k.Sequential([k.Input((3,)), k.layers.Dense(2), layer])

    # Keras stores the marshalled byte code, and with it the file name given here.
    twice = eval(compile("lambda x: 2 * x", "model.py", "eval"))
    save(with_layer(keras, keras.layers.Lambda(twice, name="twice")), "lambda.keras")
    save(with_layer(tf_keras, tf_keras.layers.Lambda(twice, name="twice")), "lambda.h5")
    save(with_layer(keras, Scale()), "custom.keras")
    network = Network()
    network.build((None, 3))
    save(network, "subclassed.keras")


# ---- the list ----

def make_all():
    """Write every file; return the lines of bad.txt."""
    change_config("k3_classifier.keras", "unknown_class.keras",
                  b'"class_name": "Conv2D"', b'"class_name": "Conv9D"')
    change_hdf5("k2_classifier.h5", "unknown_class.h5",
                change_model_config('"class_name": "Conv2D"', '"class_name": "Conv9D"'))
    change_config("k3_classifier.keras", "unknown_argument.keras",
                  b'"filters": 6', b'"filters": 6, "filtres": 7')
    change_config("k3_classifier.keras", "bad_value.keras",
                  b'"padding": "same"', b'"padding": "some"')
    change_config("k3_classifier.keras", "unknown_activation.keras",
                  b'"activation": "elu"', b'"activation": "elusive"')
    change_config("k3_branches.keras", "unknown_input.keras",
                  b'"keras_history": ["left", 0, 0]', b'"keras_history": ["loft", 0, 0]')
    change_config("k3_classifier.keras", "huge_number.keras", b'"filters": 6', b'"filters": 1e400')
    change_config("k3_classifier.keras", "negative_number.keras", b'"filters": 6', b'"filters": -6')
    save_unrunnable()
    truncate("k3_classifier.keras", "truncated.keras", 0.6)
    truncate("k3_classifier.h5", "truncated.h5", 0.6)
    truncate("k3_classifier.h5", "header_only.h5", 0.01)
    (FOLDER / "empty.keras").write_bytes(b"")
    write_zip(FOLDER / "other_contents.keras", [("readme.txt", b"not a model\n")])
    change_archive("k3_classifier.keras", "no_weights.keras",
                   lambda name, content: None if name == "model.weights.h5" else content)
    change_archive("k3_classifier.keras", "trailing_text.keras", lambda name, content:
                   content + b' {"more": 1}' if name == "config.json" else content)
    text = (MODELS / "k3_classifier.json").read_bytes()
    (FOLDER / "trailing_text.json").write_bytes(text + b" and so on\n")
    (FOLDER / "cut_short.json").write_bytes(text[:len(text) // 2])
    change_weights("k3_classifier.keras", "weight_missing.keras", remove("layers/conv2d/vars/0"))
    change_weights("k3_classifier.keras", "weight_misshapen.keras",
                   misshape("layers/conv2d/vars/0"))
    change_hdf5("k2_branches.h5", "weight_missing.h5", remove("model_weights/left/left/kernel:0"))
    change_hdf5("k2_branches.h5", "weight_misshapen.h5",
                misshape("model_weights/left/left/kernel:0"))
    return [
        ("unknown_class.keras", "Conv9D"), ("unknown_class.h5", "Conv9D"),
        ("unknown_argument.keras", "filtres"), ("bad_value.keras", "padding"),
        ("unknown_activation.keras", "elusive"), ("unknown_input.keras", "loft"),
        ("huge_number.keras", "huge_number.keras"), ("negative_number.keras", "filters"),
        ("lambda.keras", "Lambda"), ("lambda.h5", "Lambda"), ("custom.keras", "Scale"),
        ("subclassed.keras", "Network"), ("truncated.keras", "truncated.keras"),
        ("truncated.h5", "truncated.h5"), ("header_only.h5", "header_only.h5"),
        ("empty.keras", "empty.keras"), ("other_contents.keras", "config.json"),
        ("no_weights.keras", "model.weights.h5"), ("trailing_text.keras", "config.json"),
        ("trailing_text.json", "trailing_text.json"), ("cut_short.json", "cut_short.json"),
        ("weight_missing.keras", "conv2d"), ("weight_misshapen.keras", "conv2d"),
        ("weight_missing.h5", "left"), ("weight_misshapen.h5", "left"),
    ]


def main():
    warnings.simplefilter("ignore")
    FOLDER.mkdir(exist_ok=True)
    lines = make_all()
    assert {name for name, _ in lines} == {path.name for path in FOLDER.iterdir()} - {"bad.txt"}
    (FOLDER / "bad.txt").write_text("".join(f"{name}\t{text}\n" for name, text in lines))
    print(f"bad: {len(lines)} files")


if __name__ == "__main__":
    main()
