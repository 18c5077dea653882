#!/usr/bin/env python3
"""Write summaries/: what both generations print for the models of summary_cases.py.

    pip install -r requirements.txt && python make_summaries.py

For a case NAME, k2_ by tf_keras and k3_ by Keras 3:
    k2_NAME.json                 to_json()
    k2_NAME.summary.txt          summary() of the model that Keras makes of that
    k2_NAME.expanded.txt         summary(expand_nested=True)
    k2_NAME.expanded.120.txt     the same with line_length=120
and for one network of Keras' applications, k2_mobilenet: its config and its summary().
The model is the one read back: its tables are what a user of the file sees, and calls are numbered anew.
"""
import os
import pathlib

os.environ["COLUMNS"] = "80"
from common import GENERATIONS, HERE  # noqa: E402
from summary_cases import CASES  # noqa: E402

FOLDER = pathlib.Path(HERE) / "summaries"


def summary_text(model, generation, **options):
    """tf_keras prints a line a call, Keras 3 everything at once."""
    lines = []
    model.summary(print_fn=lambda text, **_: lines.append(text), **options)
    return "".join(f"{line}\n" for line in lines) if generation == 2 else "".join(lines)


PLAIN = {"summary": {}}
ALL = {**PLAIN, "expanded": {"expand_nested": True}, "expanded.120": {"expand_nested": True, "line_length": 120}}


def write(name, generation, case, tables):
    k = GENERATIONS[generation]
    k.backend.clear_session()
    text = case(k).to_json()
    k.backend.clear_session()
    model = k.models.model_from_json(text)
    stem = f"k{generation}_{name}"
    (FOLDER / f"{stem}.json").write_text(text + "\n", encoding="utf-8")
    for suffix, options in tables.items():
        (FOLDER / f"{stem}.{suffix}.txt").write_text(summary_text(model, generation, **options), encoding="utf-8")


def main():
    FOLDER.mkdir(exist_ok=True)
    for case in CASES:
        for generation in GENERATIONS:
            write(case.__name__, generation, case, ALL)
    write("mobilenet", 2, lambda k: k.applications.MobileNet(weights=None), PLAIN)


if __name__ == "__main__":
    main()
