#!/usr/bin/env python3
"""Write same.npy: Keras' rule of padding and output size, seen from outside.

    pip install -r requirements.txt && python make_same.py

Every row is one axis: n, kernel, stride, dilation, out_same, pad_before_same, out_valid, out_t_valid,
out_t_same (int32; -1 where Keras refuses, or the case does not exist). n is 1..12, kernel 1..5, stride
1..4, dilation 1..3 with stride 1 or dilation 1. Nothing is computed from a formula: sizes are the shapes
of what Conv1D and Conv2DTranspose return, and the padding comes from a probe of ones. Both generations
are asked and must agree, except for the dilated transposed convolution, which only tf_keras runs on a CPU.
"""
from common import *


def padding_before(layer, n, kernel, stride, dilation):
    """How many zeros stand before the input of a 'same' convolution with one filter.

    Tap t of the kernel is a one at a time and the input is 1, 2, 3, ...: output o, with stride 1
    where there is dilation, then is the input at o * stride + t * dilation - before, or zero in the
    padding. -1 where every tap of every output lies in the padding, so that no answer shows it.
    """
    x = np.arange(1, n + 1, dtype=np.float32).reshape(1, n, 1)
    for tap in range(kernel):
        weights = np.zeros((kernel, 1, 1), np.float32)
        weights[tap] = 1
        layer.set_weights([weights])
        seen = run_layer(layer, [x])[0, :, 0]
        for output in np.flatnonzero(seen):
            return int(output * stride + tap * dilation - (seen[output] - 1))
    return -1


def conv_sizes(generation, n, kernel, stride, dilation):
    layers = GENERATIONS[generation].layers
    same = layers.Conv1D(1, kernel, strides=stride, dilation_rate=dilation, padding="same",
                         use_bias=False)
    same.build((1, n, 1))
    x = np.ones((1, n, 1), np.float32)
    out_same = run_layer(same, [x]).shape[1]
    before = padding_before(same, n, kernel, stride, dilation)
    valid = layers.Conv1D(1, kernel, strides=stride, dilation_rate=dilation, use_bias=False)
    try:
        valid.build((1, n, 1))
        out_valid = run_layer(valid, [x]).shape[1]
    except (ValueError, tf.errors.OpError):
        out_valid = -1
    return out_same, before, out_valid if out_valid > 0 else -1


def transposed_size(generation, n, kernel, stride, dilation, padding):
    """The length after a transposed convolution of an n x 1 image, dilated on both axes or none."""
    if dilation > 1 and generation == 3:
        return None
    layer = GENERATIONS[generation].layers.Conv2DTranspose(
        1, (kernel, 1), strides=(stride, 1), dilation_rate=dilation, padding=padding,
        use_bias=False)
    layer.build((1, n, 1, 1))
    return run_layer(layer, [np.ones((1, n, 1, 1), np.float32)]).shape[1]


def rows():
    for n in range(1, 13):
        for kernel in range(1, 6):
            for stride, dilation in [(1, 1), (2, 1), (3, 1), (4, 1), (1, 2), (1, 3)]:
                sizes = {conv_sizes(g, n, kernel, stride, dilation) for g in (2, 3)}
                transposed = [{size for g in (2, 3) if (size := transposed_size(
                    g, n, kernel, stride, dilation, padding))} for padding in ("valid", "same")]
                assert len(sizes) == len(transposed[0]) == len(transposed[1]) == 1, (n, kernel)
                yield (n, kernel, stride, dilation, *sizes.pop(),
                       *(size.pop() for size in transposed))


def main():
    table = np.array(list(rows()), np.int32)
    with open(os.path.join(HERE, "same.npy"), "wb") as file:
        file.write(npy_bytes(table))
    print(f"same: {table.shape[0]} rows of {table.shape[1]}")


if __name__ == "__main__":
    main()
