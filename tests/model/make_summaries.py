#!/usr/bin/env python3
"""Write data/*.keras2.txt and *.keras3.txt: what summary() prints for the models of data/*.model.

    pip install -r tests/golden/requirements.txt
    python tests/model/make_summaries.py [DIRECTORY]

A .model file has a line a step, and the nodes are numbered from 0 in the order of the lines that make them:

    name REST OF LINE            the model's name
    sequential                   Keras' Sequential (else a functional model)
    input NAME DIM...            -1 is unknown
    CLASS NAME [NUMBER...] : N.. a new layer on nodes N...; the numbers are its sizes
    call NAME : N...             the layer of that name again
    frozen NAME                  trainable = False
    outputs N...                 the last node if there is no such line
    lengths L...                 also print with these line lengths: data/X.keras2.L.txt
"""
import os
import pathlib
import sys

os.environ.update(CUDA_VISIBLE_DEVICES="", TF_CPP_MIN_LOG_LEVEL="3", COLUMNS="80")
import keras  # noqa: E402
import tf_keras  # noqa: E402

LAYERS = {
    "conv2d": lambda k, n, filters, size: k.layers.Conv2D(filters, size, padding="same", name=n),
    "cropping2d": lambda k, n, rows, cols: k.layers.Cropping2D(((rows, rows), (cols, cols)), name=n),
    "dense": lambda k, n, units: k.layers.Dense(units, name=n),
    "flatten": lambda k, n: k.layers.Flatten(name=n),
    "dropout": lambda k, n: k.layers.Dropout(0.5, name=n),
    "batch_normalization": lambda k, n: k.layers.BatchNormalization(name=n),
    "global_average_pooling2d": lambda k, n: k.layers.GlobalAveragePooling2D(name=n),
    "add": lambda k, n: k.layers.Add(name=n),
    "concatenate": lambda k, n: k.layers.Concatenate(name=n),
}


class Description:
    """A .model file built with one generation, k."""

    def __init__(self, text, k):
        self.k, self.nodes, self.layers, self.inputs = k, [], {}, []
        self.name, self.outputs, self.lengths, self.sequential = None, None, [], False
        for line in text.splitlines():
            head, _, tail = line.partition(":")
            word, *rest = head.split()
            if word == "name":
                self.name = line.split(" ", 1)[1]
            elif word in ("outputs", "lengths"):
                setattr(self, word, [int(r) for r in rest])
            elif word == "sequential":
                self.sequential = True
            elif word == "frozen":
                self.layers[rest[0]].trainable = False
            elif word == "input":
                shape = tuple(None if d == "-1" else int(d) for d in rest[1:])
                self.nodes.append(k.Input(shape, name=rest[0]))
                self.inputs.append(self.nodes[-1])
            else:
                if word != "call":
                    self.layers[rest[0]] = LAYERS[word](k, rest[0], *map(int, rest[1:]))
                given = [self.nodes[int(n)] for n in tail.split()]
                self.nodes.append(self.layers[rest[0]](given if len(given) > 1 else given[0]))

    def build(self):
        if self.sequential:
            return self.k.Sequential([self.inputs[0], *self.layers.values()], name=self.name)
        outputs = [self.nodes[i] for i in self.outputs or [-1]]
        return self.k.Model(self.inputs, outputs if len(outputs) > 1 else outputs[0], name=self.name)


def summary_text(model, generation, length):
    """tf_keras prints a line a call, Keras 3 everything at once."""
    lines = []
    model.summary(line_length=length, print_fn=lambda text, **_: lines.append(text))
    return "".join(f"{line}\n" for line in lines) if generation == 2 else "".join(lines)


def main():
    here = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "data"
    for path in sorted(here.glob("*.model")):
        for generation, k in ((2, tf_keras), (3, keras)):
            try:
                description = Description(path.read_text(), k)
                model = description.build()
            except ValueError as error:
                print(f"{path.name}: Keras {generation}: {error}")
                continue
            for length in [None, *description.lengths]:
                suffix = f".{length}" if length else ""
                try:
                    text = summary_text(model, generation, length)
                except ValueError as error:
                    print(f"{path.name}: Keras {generation} at {length}: {error}")
                    continue
                path.with_suffix(f".keras{generation}{suffix}.txt").write_text(text)


if __name__ == "__main__":
    main()
