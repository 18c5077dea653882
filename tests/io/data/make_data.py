#!/usr/bin/env python3
"""Write arrays.zip, zip64.npz and kinds.h5: files by real NumPy, gzip and h5py that the readers must read or refuse.

    pip install numpy h5py && python make_data.py

arrays.zip holds .npy and IDX files as raw bytes. Every readable array has the values value(i) = (7 * i) % 23, minus 5
for signed types, i counting in C order; bool has i % 3 == 0. kinds.h5 has the same values in HDF5's many forms,
zip64.npz in two stored members whose sizes and offsets stand where those of archives over 4 GiB do.
"""
import gzip
import io
import os
import struct
import zipfile

import h5py
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
DTYPES = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"]
IDX_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def values(dtype, shape):
    i = np.arange(int(np.prod(shape)))
    kind = np.dtype(dtype).kind
    numbers = i % 3 == 0 if kind == "b" else (7 * i) % 23 - (0 if kind == "u" else 5)
    return numbers.astype(dtype).reshape(shape)


def npy(array, version=(1, 0), **arguments):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version=version, **arguments)
    return buffer.getvalue()


def readable():
    for code in DTYPES:
        for endian in ("<", ">") if int(code[1]) > 1 else ("|",):
            for order in "CF":
                array = np.array(values(code, (2, 3, 4)).astype(endian + code), order=order)
                yield f"{code}_{'big' if endian == '>' else 'little'}_{order}.npy", npy(array)
    yield "f4_version2.npy", npy(values("f4", (5,)), (2, 0))
    yield "f4_version3.npy", npy(values("f4", (5,)), (3, 0))
    yield "f4_scalar.npy", npy(values("f4", ()))
    yield "f4_empty.npy", npy(values("f4", (0, 3)))
    # A header of more than 64 KiB, which only versions 2 and 3 can have.
    plain = npy(values("i2", (5,)), (2, 0))
    size = struct.unpack("<I", plain[8:12])[0]
    header = plain[12:12 + size].rstrip().ljust(70000 - 1) + b"\n"
    yield "i2_longheader.npy", plain[:8] + struct.pack("<I", len(header)) + header + plain[12 + size:]


def refused():
    yield "refused_complex.npy", npy(np.zeros(3, np.complex64))
    yield "refused_object.npy", npy(np.array([1, "a"], object), allow_pickle=True)
    yield "refused_structured.npy", npy(np.zeros(3, [("a", "f4"), ("b", "i4")]))
    yield "refused_bytes.npy", npy(np.array([b"abc"]))
    yield "refused_string.npy", npy(np.array(["abc"]))
    yield "refused_date.npy", npy(np.array(["2024-01-01"], "M8[D]"))
    yield "refused_longdouble.npy", npy(np.zeros(3, np.longdouble))
    yield "refused_rank9.npy", npy(np.zeros((1,) * 9, "f4"))


def idx():
    for code, dtype in IDX_TYPES.items():
        array = values(np.dtype(dtype), (2, 3, 4))
        content = bytes([0, 0, code, 3]) + struct.pack(">3I", 2, 3, 4) + array.tobytes()
        name = f"idx_{np.dtype(dtype).str[1:]}"
        yield f"{name}.idx", content
        yield f"{name}.idx.gz", gzip.compress(content, mtime=0)


def write_arrays():
    with zipfile.ZipFile(os.path.join(HERE, "arrays.zip"), "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in [*readable(), *refused(), *idx()]:
            info = zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)


def write_zip64():
    limit, zipfile.ZIP64_LIMIT = zipfile.ZIP64_LIMIT, 16
    np.savez(os.path.join(HERE, "zip64.npz"), a=values("u1", (2, 3, 4)), b=values("i1", (2, 3, 4)))
    zipfile.ZIP64_LIMIT = limit


def write_hdf5():
    with h5py.File(os.path.join(HERE, "kinds.h5"), "w") as file:
        for code in DTYPES[:-1]:
            for endian in "<>":
                file[f"{code}_{'big' if endian == '>' else 'little'}"] = values(code, (2, 3, 4)).astype(endian + code)
        shape = (5, 7)
        file.create_dataset("chunked", data=values("f4", shape), chunks=(2, 3))
        file.create_dataset("gzip", data=values("f4", shape), chunks=(2, 3), compression="gzip", shuffle=True,
                            fletcher32=True)
        file.create_dataset("unwritten", shape, "f4")
        file.create_dataset("scalar", data=np.float32(-5))
        file.create_dataset("empty", (0, 3), "f4")
        file["null"] = h5py.Empty("f4")
        file.create_dataset("refused_lzf", data=values("f4", shape), chunks=(2, 3), compression="lzf")
        file["refused_bool"] = values("b1", (4,))
        file["refused_text"] = np.array([b"abc", b"de"])
        file["refused_compound"] = np.zeros(3, [("a", "f4"), ("b", "i4")])
        file["refused_rank9"] = np.zeros((1,) * 9, "f4")
        file.create_dataset("refused_external", (4,), "f4", external=[("elsewhere.bin", 0, 16)])
        layout = h5py.VirtualLayout((4,), "f4")
        layout[:] = h5py.VirtualSource("elsewhere.h5", "x", (4,))
        file.create_virtual_dataset("refused_virtual", layout)
        file["link_out"] = h5py.ExternalLink("elsewhere.h5", "/x")
        file["link_soft"] = h5py.SoftLink("/scalar")
        write_attributes(file.create_group("texts"))


def write_attributes(group):
    ascii_type, utf8_type = h5py.string_dtype("ascii"), h5py.string_dtype("utf-8")
    group.attrs.create("variable_utf8", "größe", dtype=utf8_type)
    group.attrs.create("variable_ascii", "size", dtype=ascii_type)
    group.attrs.create("fixed_utf8", "größe".encode(), dtype=h5py.string_dtype("utf-8", 10))
    group.attrs.create("fixed_ascii", np.bytes_(b"size"))
    group.attrs.create("list_fixed", np.array([b"a", b"bcd", b""]))
    group.attrs.create("list_variable", ["a", "bcd", ""], dtype=utf8_type)
    group.attrs["list_empty"] = np.zeros(0)
    group.attrs.create("split0", np.array([b"a"]))
    group.attrs.create("split1", np.array([b"bcd", b""]))
    group.attrs["number"] = 3.0
    # Padded with blanks, as Fortran programs write.
    padded = h5py.h5t.C_S1.copy()
    padded.set_size(8)
    padded.set_strpad(h5py.h5t.STR_SPACEPAD)
    space = h5py.h5s.create(h5py.h5s.SCALAR)
    attribute = h5py.h5a.create(group.id, b"padded", padded, space)
    attribute.write(np.array(b"size    ", "S8"), mtype=padded)


if __name__ == "__main__":
    write_arrays()
    write_zip64()
    write_hdf5()
