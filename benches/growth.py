"""Times claims about free kernels with more and more channels: a table for docs/performance.md and docs/growth.svg.

    cargo build --release && python3 benches/growth.py target/release/convproof docs/growth.svg

Needs nothing but Python. Each figure is the least `elapsed_ms` of several runs: decide, replay and explain, without reading the spec.
"""

import json
import math
import pathlib
import subprocess
import sys
import tempfile

CHANNELS = [8, 16, 32, 64, 128, 256, 512, 1024]
RUNS = 30

CHAINS = """
kernel A[C,C,3,3]
kernel B[C,C,3,3]
kernel D[C,C,3,3]
kernel E[C,C,3,3]
kernel F[C,C,3,3]
prove "two 3×3 as one": conv(A) -> conv(B) == conv(A * B)
prove "five 3×3 as one": conv(A) -> conv(B) -> conv(D) -> conv(E) -> conv(F) == conv(A * B * D * E * F)
prove "section 8, channels on every layer":
    conv(A) -> avgpool(2) -> conv(B) -> avgpool(2) -> conv(D) -> avgpool(2) -> conv(E) -> avgpool(2) -> conv(F)
    == conv(A * dilate(B, 2) * dilate(D, 4) * dilate(E, 8) * dilate(F, 16)) -> avgpool(16)
refute "A, B against B, A": conv(A) -> conv(B) == conv(B) -> conv(A)
"""

BLOCK = """
kernel A[C,C,3,3]
kernel K1[C,C,1,1]
VECTORS
scalar e
stack T = (conv(A, padding=1) -> batchnorm(g3, b3, m3, v3, e)) + (conv(K1) -> batchnorm(g1, b1, m1, v1, e)) + batchnorm(g0, b0, m0, v0, e)
kernel t3[C] = g3 / sqrt(v3 + e)
kernel t1[C] = g1 / sqrt(v1 + e)
kernel t0[C] = g0 / sqrt(v0 + e)
kernel b[C] = b3 - hadamard(m3, t3) + b1 - hadamard(m1, t1) + b0 - hadamard(m0, t0)
kernel bm[C] = b3 - hadamard(m3, t3) + b1 - hadamard(m1, t1) + b0 + hadamard(m0, t0)
kernel K[C,C,3,3] = scale_rows(A, t3) + pad(scale_rows(K1, t1) + scale_rows(eye(C), t0), 1, 1, 1, 1)
kernel Ki[C,C,3,3] = scale_rows(A, t3) + pad(scale_rows(K1, t1), 1, 1, 1, 1)
kernel Km[C,C,3,3] = scale_rows(A, t3) + pad(scale_rows(K1, t1) + scale_rows(eye(C), t0), 2, 1, 0, 1)
kernel Kc[C,C,3,3] = scale_columns(A, t3) + pad(scale_rows(K1, t1) + scale_rows(eye(C), t0), 1, 1, 1, 1)
prove "RepVGG folded": T == conv(K, padding=1, bias=b)
refute "without the identity": T == conv(Ki, padding=1, bias=b)
refute "the 1×1 not in the middle": T == conv(Km, padding=1, bias=b)
refute "inputs scaled instead of outputs": T == conv(Kc, padding=1, bias=b)
refute "the sign of a mean": T == conv(K, padding=1, bias=bm)
refute "the bias forgotten": T == conv(K, padding=1)
"""

SHOWN = ["two 3×3 as one", "section 8, channels on every layer", "RepVGG folded", "the 1×1 not in the middle"]
COLOURS = ["#1f6f8b", "#5a8f29", "#8e4585", "#c0562f"]
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 700, 360, 60, 230, 16, 44


def measured(program, channels):
    """The least time of each claim, by label, and whether it held."""
    vectors = "\n".join(f"kernel {name}{at}[C]" for at in "310" for name in "gbmv")
    least = {}
    for spec in (CHAINS, BLOCK):
        text = spec.replace("VECTORS", vectors).replace("[C", f"[{channels}").replace(",C,", f",{channels},")
        text = text.replace("eye(C)", f"eye({channels})")
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "growth.cf"
            path.write_text(text)
            for _ in range(RUNS):
                run = subprocess.run([program, "check", "--format", "json", str(path)], capture_output=True, text=True)
                for claim in claims(json.loads(run.stdout)):
                    assert claim["holds"], f"{claim['label']} at {channels}: {claim['method']}"
                    label = claim["label"]
                    least[label] = min(least.get(label, math.inf), claim["elapsed_ms"])
    return least


def claims(report):
    """All claims of a report."""
    if isinstance(report, dict):
        if "elapsed_ms" in report and "label" in report:
            yield report
        report = list(report.values())
    if isinstance(report, list):
        for part in report:
            yield from claims(part)


def table(times):
    """The rows in Markdown."""
    print("| claim | " + " | ".join(f"{c:,}" for c in CHANNELS) + " |")
    print("| --- |" + " --- |" * len(CHANNELS))
    for label in times[CHANNELS[0]]:
        print(f"| {label} | " + " | ".join(f"{times[c][label]:.2g} ms" for c in CHANNELS) + " |")


def plot(times):
    """A picture with both axes logarithmic."""
    low, high = -1.5, 2.0
    across = (WIDTH - LEFT - RIGHT) / (len(CHANNELS) - 1)

    def x(at):
        return LEFT + across * at

    def y(time):
        share = (math.log10(time) - low) / (high - low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">']
    out.append(f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>')
    for time in [0.1, 1, 10, 100]:
        out.append(f'<path d="M{LEFT} {y(time):.1f}H{x(len(CHANNELS) - 1):.1f}" stroke="#dddddd"/>')
        out.append(f'<text x="{LEFT - 8}" y="{y(time) + 4:.1f}" text-anchor="end">{time:g} ms</text>')
    for at, channels in enumerate(CHANNELS):
        out.append(f'<text x="{x(at):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{channels:,}</text>')
    out.append(f'<text x="{x(3.5):.1f}" y="{HEIGHT - 8}" text-anchor="middle">channels</text>')
    for label, colour in zip(SHOWN, COLOURS):
        points = [(x(at), y(times[c][label])) for at, c in enumerate(CHANNELS)]
        line = "L".join(f"{px:.1f} {py:.1f}" for px, py in points)
        out.append(f'<path d="M{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3" fill="{colour}"/>' for px, py in points]
    # Labels at the ends of the lines, at least a line apart.
    ends = sorted(zip(SHOWN, COLOURS), key=lambda own: y(times[CHANNELS[-1]][own[0]]))
    last = 0.0
    for label, colour in ends:
        last = max(last + 15, y(times[CHANNELS[-1]][label]) + 4)
        out.append(f'<text x="{x(len(CHANNELS) - 1) + 8:.1f}" y="{last:.1f}" fill="{colour}">{label}</text>')
    return "\n".join([*out, "</svg>\n"])


def main():
    """Measures, prints the table and writes the picture."""
    program, picture = sys.argv[1:]
    times = {channels: measured(program, channels) for channels in CHANNELS}
    table(times)
    pathlib.Path(picture).write_text(plot(times))


main()
