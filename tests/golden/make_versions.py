#!/usr/bin/env python3
"""Write versions/: small models as the versions of Keras since 3.0 saved them, whose forms today's Keras does not write.

    pip install keras==3.0.5 tensorflow && python make_versions.py keras     # likewise 3.6.0; today's for "today"
    pip install tf_keras && python make_versions.py tf_keras

It writes what WANTED has of the version at hand: NAME.keras and NAME.npz, for some NAME.json (to_json()).
"""
import importlib
import io
import json
import pathlib
import sys
import zipfile

import numpy as np

FOLDER = pathlib.Path(__file__).resolve().parent / "versions"
WANTED = {"2": ("outer_shares", "part_of_a_model", "crossed"),
          "3.0": ("shared", "arithmetic"),
          "3.6": ("arithmetic", "mixed"),
          "today": ("shared_models", "part_of_a_model", "bfloat")}
WITH_JSON = ("k3_shared_models", "k3_part_of_a_model")


def shared(k, layers):
    """One convolution in two nested models: 3.0 counts its calls in both."""
    both = layers.Conv2D(2, 3, padding="same", name="both")
    x = layers.Input((5, 5, 2))
    first = k.Model(x, layers.ReLU()(both(x)), name="first")
    x = layers.Input((5, 5, 2))
    second = k.Model(x, layers.Flatten()(both(x)), name="second")
    x = layers.Input((5, 5, 2))
    return k.Model(x, second(first(x)))


def outer_shares(k, layers):
    """A layer of the outermost model in a nested one too: Keras 2 says so nowhere, and writes its weights once."""
    both, own = layers.Conv2D(2, 3, padding="same", name="both"), layers.Conv2D(2, 3, padding="same", name="own")
    x = layers.Input((5, 5, 2))
    nested = k.Model(x, layers.ReLU()(both(x)), name="nested")
    x = layers.Input((5, 5, 2))
    return k.Model(x, own(both(nested(x))))


def shared_models(k, layers):
    """A model in two models; to_json() of Keras 3 does not say that it is one."""
    x = layers.Input((5, 5, 2))
    inner = k.Model(x, layers.BatchNormalization()(layers.Conv2D(2, 3, padding="same")(x)), name="inner")
    x = layers.Input((5, 5, 2))
    first = k.Model(x, layers.ReLU()(inner(x)), name="first")
    x = layers.Input((5, 5, 2))
    second = k.Model(x, layers.GlobalMaxPooling2D()(inner(x)), name="second")
    x = layers.Input((5, 5, 2))
    return k.Model(x, second(first(x)))


def part_of_a_model(k, layers):
    """A model and the first half of it, called side by side: the file has no group for the half's layers."""
    x = layers.Input((5, 5, 2))
    middle = layers.Conv2D(3, 3, name="middle")(x)
    whole = k.Model(x, layers.Conv2D(2, 2, name="end")(middle), name="whole")
    part = k.Model(x, middle, name="part")
    x = layers.Input((5, 5, 2))
    return k.Model(x, [whole(x), part(x)])


def crossed(k, layers):
    """Layers shared among others of their class, which Keras 2 counts without them."""
    a, b = layers.Conv2D(2, 1, name="a"), layers.Conv2D(2, 1, name="b")
    x = layers.Input((3, 3, 2))
    first = k.Model(x, b(layers.Conv2D(2, 1)(a(x))), name="first")
    x = layers.Input((3, 3, 2))
    second = k.Model(x, a(layers.Conv2D(2, 1)(b(layers.Conv2D(2, 1)(x)))), name="second")
    x = layers.Input((3, 3, 2))
    return k.Model(x, first(second(first(x))))


def arithmetic(k, layers):
    """Operations, of which some had no name in their config before Keras 3.9."""
    ops = k.ops
    x = layers.Input((None, None, 3))
    y = layers.Conv2D(4, 3)(x)
    y = ops.mean(y * ops.relu6(y + 3.0) / 6.0, axis=[1, 2])
    return k.Model(x, ops.sqrt(ops.abs(y)))


def mixed(k, layers):
    """Mixed precision, where 3.5 to 3.8 have operations that cast; the values are those of float32."""
    def build():
        x = layers.Input((6, 6, 3))
        y = layers.Flatten()(layers.BatchNormalization()(layers.Conv2D(4, 3)(x)))
        return k.Model(x, layers.Dense(2, dtype="float32")(y))
    plain = build()
    k.mixed_precision.set_global_policy("mixed_float16")
    half = build()
    k.mixed_precision.set_global_policy("float32")
    half.twin = plain
    return half


def bfloat(k, layers):
    """Weights of bfloat16, which a file has as bytes without a type; the values are those of float32."""
    def build():
        x = layers.Input((6, 6, 3))
        return k.Model(x, layers.Dense(2)(layers.Flatten()(layers.Conv2D(4, 3)(x))))
    plain = build()
    k.config.set_dtype_policy("bfloat16")
    half = build()
    k.config.set_dtype_policy("float32")
    half.__dict__["twin"] = plain
    return half


def pack(path):
    """The archive again, deflated and without dates."""
    with zipfile.ZipFile(path) as archive:
        entries = [(name, archive.read(name)) for name in archive.namelist()]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    path.write_bytes(out.getvalue())


def main():
    k = importlib.import_module(sys.argv[1])
    version = "2" if sys.argv[1] == "tf_keras" else ".".join(k.__version__.split(".")[:2])
    version = version if version in WANTED else "today"
    FOLDER.mkdir(exist_ok=True)
    for name in WANTED[version]:
        stem = f"k{version.replace('.', '').replace('today', '3')}_{name}"
        k.backend.clear_session()
        rng = np.random.default_rng(len(name))
        model = globals()[name](k, k.layers)
        values = [np.round(rng.uniform(0.5, 1.5, w.shape) * 64) / 64 if w.ndim == 1 else
                  np.round(rng.uniform(-0.7, 0.7, w.shape) * 64) / 64 for w in model.get_weights()]
        twin = model.__dict__.pop("twin", model)
        model.set_weights(values)
        twin.set_weights(values)
        x = np.round(rng.uniform(-1, 1, [2] + [8 if d is None else d for d in model.inputs[0].shape[1:]]) * 64) / 64
        y = twin.predict(x.astype("float32"), verbose=0)
        arrays = {f"y{i}": part for i, part in enumerate(y if isinstance(y, (list, tuple)) else [y])}
        np.savez_compressed(FOLDER / f"{stem}.npz", x0=x.astype("float32"), **arrays)
        model.save(FOLDER / f"{stem}.keras")
        pack(FOLDER / f"{stem}.keras")
        if stem in WITH_JSON:
            (FOLDER / f"{stem}.json").write_text(json.dumps(json.loads(model.to_json())), encoding="utf-8")
        print(stem, flush=True)


if __name__ == "__main__":
    main()
