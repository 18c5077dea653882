#!/usr/bin/env python3
"""Write images/: pictures of every kind that `clayer run` reads, and what Keras makes of them.

    pip install -r requirements.txt && python make_images.py

    *.png, *.jpg       the pictures, 13 x 9 pixels
    *.json             models that give back their input, of several input shapes
    cases.txt          a line a case: NAME MODEL PICTURE... OPTION..., as `clayer run` takes them
    expected.npz       by NAME: keras.utils.load_img, image_dataset_from_directory for tf- methods,
                       and the preprocess_input of Keras' applications
"""
import pathlib
import struct
import zlib

from common import *

from PIL import Image

keras = GENERATIONS[3]
FOLDER = pathlib.Path(HERE) / "images"
WIDTH, HEIGHT = 13, 9


# ---- pictures ----

def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(
        ">I", zlib.crc32(kind + content))


def pack_row(row, depth):
    """One row of samples (pixels x channels) as PNG has it."""
    row = row.reshape(-1)
    if depth == 16:
        return row.astype(">u2").tobytes()
    if depth == 8:
        return row.astype(np.uint8).tobytes()
    bits = "".join(format(int(value), f"0{depth}b") for value in row)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))


def write_png(name, samples, colour, depth, extra=b"", interlaced=False):
    """A PNG of any colour type and depth, which PIL cannot write."""
    passes = [(0, 0, 1, 1)]
    if interlaced:
        passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2),
                  (1, 0, 2, 1)]
    data = b""
    for y, x, dy, dx in passes:
        part = samples[y::dy, x::dx]
        if part.size:
            data += b"".join(b"\0" + pack_row(row, depth) for row in part)
    header = struct.pack(">IIBBBBB", samples.shape[1], samples.shape[0], depth, colour, 0, 0, interlaced)
    (FOLDER / name).write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra +
                                chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b""))


def write_pictures(rng):
    def noise(channels, bits=8):
        return rng.integers(0, 2 ** bits, (HEIGHT, WIDTH, channels))

    palette = noise(3).reshape(-1)[:16 * 3].astype(np.uint8).tobytes()
    alphas = bytes(range(0, 160, 20))
    write_png("grey.png", noise(1), 0, 8)
    write_png("grey1.png", noise(1, 1), 0, 1)
    write_png("grey2.png", noise(1, 2), 0, 2)
    write_png("grey4.png", noise(1, 4), 0, 4)
    write_png("grey16.png", rng.integers(9000, 50000, (HEIGHT, WIDTH, 1)), 0, 16)
    write_png("grey_key.png", noise(1), 0, 8, chunk(b"tRNS", b"\0\7"))
    write_png("rgb.png", noise(3), 2, 8)
    write_png("rgb16.png", noise(3, 16), 2, 16)
    write_png("rgb_gamma.png", noise(3), 2, 8, chunk(b"gAMA", struct.pack(">I", 100000)))
    write_png("interlaced.png", noise(3), 2, 8, interlaced=True)
    write_png("palette.png", noise(1, 4), 3, 8, chunk(b"PLTE", palette))
    write_png("palette4.png", noise(1, 4), 3, 4, chunk(b"PLTE", palette))
    write_png("palette_alpha.png", noise(1, 4), 3, 8, chunk(b"PLTE", palette) + chunk(b"tRNS", alphas))
    write_png("grey_alpha.png", noise(2), 4, 8)
    write_png("rgba.png", noise(4), 6, 8)
    write_png("rgba16.png", noise(4, 16), 6, 16)
    write_png("other_size.png", noise(3)[:7, :5], 2, 8)

    smooth = np.add.outer(np.arange(HEIGHT) * 9, np.arange(WIDTH) * 7)[..., None] + [0, 60, 120]
    smooth = (smooth + rng.integers(0, 24, smooth.shape)).astype(np.uint8)
    picture = Image.fromarray(smooth)
    picture.save(FOLDER / "rgb.jpg", quality=80)
    picture.save(FOLDER / "rgb_444.jpg", quality=90, subsampling=0)
    picture.save(FOLDER / "rgb_422.jpg", quality=90, subsampling=1)
    picture.save(FOLDER / "progressive.jpg", quality=85, progressive=True)
    picture.convert("L").save(FOLDER / "grey.jpg", quality=85)
    picture.convert("CMYK").save(FOLDER / "cmyk.jpg", quality=90)
    turned = Image.Exif()
    turned[0x0112] = 6
    picture.save(FOLDER / "turned.jpg", quality=85, exif=turned)


# ---- models that give back their input ----

def write_models():
    shapes = {"any_grey": (None, None, 1), "any_rgb": (None, None, 3), "any_rgba": (None, None, 4),
              "small_rgb": (6, 8, 3), "small_grey": (6, 8, 1), "small_rgba": (6, 8, 4),
              "plain": (HEIGHT, WIDTH), "first_rgb": (3, 6, 8), "first_grey": (1, 6, 8)}
    for name, shape in shapes.items():
        x = keras.Input(shape, name="picture")
        model = keras.Model(x, keras.layers.Activation("linear", name="same")(x), name=name)
        (FOLDER / f"{name}.json").write_text(model.to_json(), encoding="utf-8")
    left, right = keras.Input((6, 8, 3), name="left"), keras.Input((4,), name="right")
    layer = keras.layers.Activation
    model = keras.Model([left, right], [layer("linear", name="a")(left), layer("linear", name="b")(right)])
    (FOLDER / "two.json").write_text(model.to_json(), encoding="utf-8")


# ---- what Keras makes of them ----

MODES = {"grey": "grayscale", "rgb": "rgb", "rgba": "rgba", "plain": "grayscale"}


def load(names, mode, size=None, method="nearest"):
    """A batch by load_img."""
    return np.stack([
        keras.utils.img_to_array(keras.utils.load_img(FOLDER / name, color_mode=mode, target_size=size,
                                                      interpolation=method)) for name in names])


def load_by_tensorflow(name, mode, size, method):
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / name).write_bytes((FOLDER / name).read_bytes())
        data = keras.utils.image_dataset_from_directory(
            folder, labels=None, color_mode=mode, batch_size=1, image_size=size, shuffle=False,
            interpolation=method, verbose=False)
        return np.asarray(next(iter(data)))


def sixteen_bits(name):
    """What TensorFlow's decoder makes of 16 bits of grey."""
    grey = tf.io.decode_png((FOLDER / name).read_bytes(), channels=1)
    return np.repeat(np.asarray(grey, np.float32)[None], 3, axis=-1)


def add_formats(add):
    """All pictures of 13 x 9, PNG and JPEG on their own: PNG must be exact."""
    for ending in ("png", "jpg"):
        names = [path.name for path in sorted(FOLDER.glob(f"*.{ending}"))
                 if path.name not in ("grey16.png", "other_size.png")]
        for kind in ("grey", "rgb", "rgba"):
            add(f"{ending}.{kind}", f"any_{kind}", names, "", load(names, MODES[kind]))
    add("grey16.grey", "any_grey", ["grey16.png"], "", load(["grey16.png"], "grayscale"))
    add("grey16.rgb", "any_rgb", ["grey16.png"], "", sixteen_bits("grey16.png"))
    add("plain", "plain", ["grey.png"], "", load(["grey.png"], "grayscale")[..., 0])


def add_sizes(add):
    add("default_size", "small_rgb", ["rgb.png"], "", load(["rgb.png"], "rgb", (6, 8)))
    add("first_rgb", "first_rgb", ["rgb.png"], "", load(["rgb.png"], "rgb", (6, 8)).transpose(0, 3, 1, 2))
    add("first_grey", "first_grey", ["rgb.png"], "",
        load(["rgb.png"], "grayscale", (6, 8)).transpose(0, 3, 1, 2))
    for size in ((6, 8), (20, 31), (3, 13), (14, 4)):
        text = f"{size[0]}x{size[1]}"
        for method in ("nearest", "bilinear", "bicubic"):
            option = f"--resize {text}:{method}"
            add(f"{method}_{text}", "any_rgb", ["rgb.png"], option, load(["rgb.png"], "rgb", size, method))
            add(f"{method}_{text}_rgba", "any_rgba", ["rgba.png"], option,
                load(["rgba.png"], "rgba", size, method))
            add(f"{method}_{text}_wide", "any_grey", ["grey16.png"], option,
                load(["grey16.png"], "grayscale", size, method))
            add(f"tf_{method}_{text}", "any_rgb", ["rgb.png"], f"--resize {text}:tf-{method}",
                load_by_tensorflow("rgb.png", "rgb", size, method))
    add("method_alone", "small_rgb", ["rgb.png"], "--resize bicubic", load(["rgb.png"], "rgb", (6, 8), "bicubic"))
    add("several", "small_rgb", ["rgb.png", "other_size.png", "grey.jpg"], "--resize 6x8:bilinear",
        load(["rgb.png", "other_size.png", "grey.jpg"], "rgb", (6, 8), "bilinear"))


def add_preprocessing(add):
    apps = keras.applications
    x = load(["rgb.png"], "rgb")
    add("preprocess_tf", "any_rgb", ["rgb.png"], "--scale 1/127.5 --mean 1",
        apps.mobilenet_v2.preprocess_input(x.copy()))
    add("preprocess_torch", "any_rgb", ["rgb.png"], "--scale 1/255 --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225",
        apps.densenet.preprocess_input(x.copy()))
    add("preprocess_caffe", "any_rgb", ["rgb.png"], "--bgr --mean 103.939,116.779,123.68",
        apps.resnet.preprocess_input(x.copy()))
    add("scale", "any_rgb", ["rgb.png"], "--scale 0.25", x * np.float32(0.25))


def main():
    FOLDER.mkdir(exist_ok=True)
    write_pictures(np.random.default_rng(5))
    write_models()
    lines, expected = [], {}

    def add(name, model, pictures, options, values):
        lines.append(" ".join([name, f"{model}.json", *pictures, *options.split()]))
        expected[name] = np.ascontiguousarray(values, np.float32)

    add_formats(add)
    add_sizes(add)
    add_preprocessing(add)
    (FOLDER / "cases.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    write_npz(FOLDER / "expected.npz", expected)
    print(len(lines), "cases")


if __name__ == "__main__":
    main()
