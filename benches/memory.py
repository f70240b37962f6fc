"""Measures the most memory that claims take, as whole processes: a table for docs/performance.md.

    cargo build --release && python3 benches/memory.py target/release/convproof

Needs nothing but Python. A free kernel counts as float32; the target is ten times the weights and 50 MB.
"""

import array
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile

CHAIN = "kernel A[C,C,3,3] kernel B[C,C,3,3] kernel D[C,C,3,3] kernel E[C,C,3,3] kernel F[C,C,3,3]\n"
BLOCK = """kernel A[C,C,3,3] kernel P[C,C,1,1] kernel g[C] kernel b[C] kernel m[C] kernel v[C]
kernel t[C] = g / sqrt(v + 1e-5)
stack T = (conv(A, padding=1) -> batchnorm(g, b, m, v)) + conv(P) + id
"""
FREE = [
    ("two 3×3 as one, 512 channels", 512, CHAIN + "prove conv(A) -> conv(B) == conv(A * B)", 2 * 9),
    ("five 3×3 as one, 512 channels", 512, CHAIN + "prove conv(A) -> conv(B) -> conv(D) -> conv(E) -> conv(F) == conv(A * B * D * E * F)", 5 * 9),
    ("two exchanged, 512 channels (refuted)", 512, CHAIN + "refute conv(A) -> conv(B) == conv(B) -> conv(A)", 2 * 9),
    (
        "RepVGG with batchnorm, 512 channels",
        512,
        BLOCK + "prove T == conv(scale_rows(A, t) + pad(P + eye(C), 1), padding=1, bias=b - hadamard(m, t))",
        10,
    ),
    (
        "the same, the 1×1 not in the middle (refuted)",
        512,
        BLOCK + "refute T == conv(scale_rows(A, t) + pad(P + eye(C), [2,1,0,1]), padding=1, bias=b - hadamard(m, t))",
        10,
    ),
    (
        "space_to_depth there and back, 256 channels",
        256,
        "kernel A[C,1024,3,3]\nprove depth_to_space(2) -> space_to_depth(2) -> conv(A) == conv(A)",
        4 * 9,
    ),
]
FOLDED = [
    (
        "conv, batchnorm ~= float32 fold, 256 channels",
        "K F f g0 b0 m0 v0",
        "prove conv(K, padding=1) -> batchnorm(g0, b0, m0, v0) ~= conv(F, padding=1, bias=f) within 1e-3",
        2 * 9,
    ),
    (
        "RepVGG ~= float32 sum, 256 channels",
        "K P R r g0 b0 m0 v0 g1 b1 m1 v1 g2 b2 m2 v2",
        "prove (conv(K, padding=1) -> batchnorm(g0, b0, m0, v0)) + (conv(P) -> batchnorm(g1, b1, m1, v1)) "
        "+ batchnorm(g2, b2, m2, v2) ~= conv(R, padding=1, bias=r) within 1e-3",
        2 * 9 + 1,
    ),
    ("one tap off by 2⁻²⁰, 256 channels (refuted)", "K T", "refute conv(K, padding=1) == conv(T, padding=1)", 2 * 9),
]


def save(path, shape, values):
    """A float32 array as NumPy stores it."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode()
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + array.array("f", values).tobytes())


def weights(folder, c):
    """Kernels, statistics, and what they are folded into, with `c` channels."""
    draw = random.Random(7)

    def uniform(count, low, high):
        return [draw.uniform(low, high) for _ in range(count)]

    kernel, point = uniform(9 * c * c, -0.02, 0.02), uniform(c * c, -0.02, 0.02)
    norms = [[uniform(c, 0.5, 1.5), uniform(c, -1, 1), uniform(c, -1, 1), uniform(c, 0.5, 2)] for _ in range(3)]
    factors = [[g / math.sqrt(v + 1e-5) for g, v in zip(gamma, var)] for gamma, _, _, var in norms]
    offsets = [[b - m * f for b, m, f in zip(beta, mean, factor)] for (_, beta, mean, _), factor in zip(norms, factors)]
    fold = [value * factors[0][at // (9 * c)] for at, value in enumerate(kernel)]
    total = list(fold)
    for o in range(c):
        for i in range(c):
            total[(o * c + i) * 9 + 4] += point[o * c + i] * factors[1][o] + (factors[2][o] if o == i else 0)
    tap = list(array.array("f", kernel))
    tap[len(tap) // 2 + 4] += 2.0**-20
    for name, values in [("K", kernel), ("F", fold), ("R", total), ("T", tap)]:
        save(folder / f"{name}.npy", (c, c, 3, 3), values)
    save(folder / "P.npy", (c, c, 1, 1), point)
    save(folder / "f.npy", (c,), offsets[0])
    save(folder / "r.npy", (c,), [sum(parts) for parts in zip(*offsets)])
    for at, norm in enumerate(norms):
        for name, values in zip("gbmv", norm):
            save(folder / f"{name}{at}.npy", (c,), values)


def measured(program, path):
    """Megabytes held at most, and seconds of processor time in the program itself."""
    run = subprocess.Popen([program, "check", path], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(run.pid, 0)
    assert status == 0, f"{path} does not hold"
    return usage.ru_maxrss / 1024, usage.ru_utime


def main():
    """Measures and prints the table."""
    program, *folder = sys.argv[1:]
    if folder:
        return weights(pathlib.Path(folder[0]), 256)
    print("| claim | weights | memory | allowed | processor |\n| --- | --- | --- | --- | --- |")

    def row(name, path, count):
        size = 4 * count / 1e6
        held, seconds = measured(program, path)
        print(f"| {name} | {size:.1f} MB | {held:.0f} MB | {10 * size + 50:.0f} MB | {seconds * 1e3:.0f} ms |")

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        path = folder / "claim.cf"
        for label, channels, text, kernels in FREE:
            path.write_text(text.replace("C,C", f"{channels},{channels}").replace("[C", f"[{channels}").replace("(C)", f"({channels})"))
            row(label, path, kernels * channels**2)
        # By a process of its own: what this one holds when it starts another counts as held by that.
        subprocess.run([sys.executable, __file__, program, name], check=True)
        for label, names, claim, kernels in FOLDED:
            path.write_text("".join(f'kernel {own} = load("{own}.npy")\n' for own in names.split()) + claim)
            row(label, path, kernels * 256**2)


main()
