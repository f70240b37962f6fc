"""Writes arrays with NumPy's and safetensors' own writers to the folder given, and prints what they hold as JSON:

    [{"file", "entry": name or null, "dims", "values": fractions in C order}]
"""

import json
import pathlib
import sys
from fractions import Fraction

import ml_dtypes
import numpy as np
from safetensors.numpy import save_file

TYPES = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64".split()
FOLDER = pathlib.Path(sys.argv[1])
EXPECTED = []


def expect(file, entry, array):
    values = [Fraction(int(v)) if array.dtype.kind in "biu" else Fraction(float(v)) for v in array.ravel(order="C")]
    EXPECTED.append(
        {"file": file, "entry": entry, "dims": list(array.shape), "values": [str(value) for value in values]}
    )


def main():
    random = np.random.default_rng(1)
    arrays = {}
    for name in TYPES:
        dtype = np.dtype(name)
        if dtype.kind in "iu":
            least, most = np.iinfo(dtype).min, np.iinfo(dtype).max
            array = random.integers(least, most, (3, 2, 4), dtype, endpoint=True)
            array.flat[:2] = least, most
        elif dtype.kind == "f":
            array = random.normal(size=(3, 2, 4)).astype(dtype)
            array.flat[:3] = np.finfo(dtype).max, np.finfo(dtype).tiny, np.finfo(dtype).smallest_subnormal
        else:
            array = random.integers(0, 1, (3, 2, 4), endpoint=True).astype(dtype)
        arrays[name] = array
        for label, variant in {
            "plain": array,
            "swapped": array.astype(dtype.newbyteorder()),
            "fortran": np.asfortranarray(array),
            "vector": array[0, 0],
            "scalar": array[1, 1, 1],
            "empty": array[:0],
        }.items():
            file = f"{name}-{label}.npy"
            np.save(FOLDER / file, variant)
            expect(file, None, np.asarray(variant))
    np.savez(FOLDER / "stored.npz", **arrays)
    np.savez_compressed(FOLDER / "deflated.npz", **arrays)
    tensors = arrays | {"bfloat16": random.normal(size=(5, 1)).astype(ml_dtypes.bfloat16)}
    save_file(tensors, FOLDER / "all.safetensors", metadata={"format": "np"})
    for file, held in (("stored.npz", arrays), ("deflated.npz", arrays), ("all.safetensors", tensors)):
        for name, array in held.items():
            expect(file, name, array)
    json.dump(EXPECTED, sys.stdout)


main()
