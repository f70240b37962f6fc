"""Writes pairs of small ONNX models, before and after a conversion, right ones and ones with a planted defect, into the
folder given: `NAME.before.onnx`, `NAME.after.onnx`, and `pairs.json` with the verdict that is right for each and words
that a report has to have: the node, the channel or tap, and the defect.

Each pair is run by ONNX's reference evaluator before it is written: outputs of a right one are near each other, those of
a wrong one are not, or have other sizes.
"""

import json
import pathlib
import sys
import zlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

F = np.float32
PAIRS = []


class Net:
    """A graph under construction on an input `x`; what a method returns is the name of a value."""

    def __init__(self, name):
        self.random = np.random.default_rng(zlib.crc32(name.encode()))
        self.nodes, self.arrays = [], []

    def array(self, values):
        self.arrays.append(numpy_helper.from_array(np.asarray(values), f"a{len(self.arrays)}"))
        return self.arrays[-1].name

    def op(self, operator, *operands, name=None, **settings):
        name = name or f"{operator.lower()}{len(self.nodes)}"
        inputs = [operand if isinstance(operand, str) else self.array(operand) for operand in operands]
        self.nodes.append(helper.make_node(operator, inputs, [name + "_out"], name=name, **settings))
        return name + "_out"

    def norm(self, x, statistics, epsilon=1e-5, name=None):
        return self.op("BatchNormalization", x, *statistics, name=name, epsilon=epsilon)

    def uniform(self, *shape, low=-1.0, high=1.0):
        return self.random.uniform(low, high, shape).astype(F)

    def statistics(self, channels):
        """Scale, shift, mean and variance."""
        ranges = [(0.5, 2.0), (-1.0, 1.0), (-1.0, 1.0), (0.5, 3.0)]
        return [self.uniform(channels, low=low, high=high) for low, high in ranges]

    def model(self, output, dims):
        value = lambda name, dims: helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)  # noqa: E731
        self.nodes.append(helper.make_node("Identity", [output], ["y"], name="result"))
        graph = helper.make_graph(self.nodes, "g", [value("x", dims)], [value("y", None)], self.arrays)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def fold(kernel, bias, statistics, epsilon=1e-5, axis=0):
    """Kernel and bias with batch normalization folded in, computed in float32 as converters do."""
    scale, shift, mean, variance = statistics
    factor = scale / np.sqrt(variance + F(epsilon))
    shape = [1] * kernel.ndim
    shape[axis] = -1
    return kernel * factor.reshape(shape), (bias - mean) * factor + shift


def pair(verdict, *words, channels=3, size=9):
    """A function of a net and of whether it is the one after makes both models of a pair."""

    def register(build):
        PAIRS.append((build, verdict, words, channels, size))
        return build

    return register


PADDED = {"pads": [1, 1, 1, 1]}
BLOCKS = {"kernel_shape": [2, 2], "strides": [2, 2]}


def folded(net, after, defect=None, **settings):
    kernel, bias, statistics = net.uniform(8, 3, 3, 3), net.uniform(8), net.statistics(8)
    if not after:
        return net.op("Relu", net.norm(net.op("Conv", "x", kernel, bias, name="conv", **PADDED), statistics, name="bn"))
    kernel, bias = fold(kernel, bias * F(defect != "bias"), statistics, 1e-3 if defect == "epsilon" else 1e-5)
    if defect == "tap":
        kernel[5, 1, 0, 2] *= F(1 + 2.0**-10)
    if defect == "channel":
        kernel[3] *= F(12.5)
        bias[3] *= F(12.5)
    if defect == "axes":
        kernel = np.ascontiguousarray(kernel.transpose(0, 1, 3, 2))
    return net.op("Relu", net.op("Conv", "x", kernel, bias, name="conv", **PADDED))


@pair("rounding", "Conv `conv`")
def folded_norm(net, after):
    return folded(net, after)


@pair("equal")
def folded_norm_without_rounding(net, after):
    kernel, bias = net.uniform(4, 3, 3, 3), np.zeros(4, F)
    scale = np.array([1, 2, 4, 0.5], F)
    statistics = [scale, np.array([1, -1, 0, 0.5], F), np.zeros(4, F), np.full(4, 3.75, F)]
    if after:
        return net.op("Relu", net.op("Conv", "x", kernel * (scale / F(2)).reshape(-1, 1, 1, 1), statistics[1], **PADDED))
    return net.op("Relu", net.norm(net.op("Conv", "x", kernel, bias, **PADDED), statistics, epsilon=0.25))


@pair("different", "first at Conv `conv`", "the bias of Conv `conv` is missing")
def bias_forgotten(net, after):
    return folded(net, after, "bias")


@pair("different", "first at Conv `conv`", "with an epsilon of 0.001 in BatchNormalization `bn` nothing differs")
def other_epsilon(net, after):
    return folded(net, after, "epsilon")


@pair("different", "first at Conv `conv`", "one weight alone", "channel 5, input channel 1, tap [0, 0, -1, 1]")
def one_tap_off(net, after):
    return folded(net, after, "tap")


@pair("different", "first at Conv `conv`", "channel 3 is 12.5", "1 of 8 channels")
def one_channel_larger(net, after):
    return folded(net, after, "channel")


@pair("different", "first at Conv `conv`", "two axes exchanged")
def axes_exchanged(net, after):
    return folded(net, after, "axes")


def training_block(net, after, blocks):
    x = "x"
    for n in range(blocks):
        wide, point = net.uniform(8, 8, 3, 3), net.uniform(8, 8, 1, 1)
        wide_norm, point_norm, own_norm = (net.statistics(8) for _ in range(3))
        if after:
            straight = np.zeros((8, 8, 3, 3), F)
            straight[np.arange(8), np.arange(8), 1, 1] = 1
            parts = [fold(wide, F(0), wide_norm), fold(straight, F(0), own_norm)]
            parts.append(fold(np.pad(point, [(0, 0), (0, 0), (1, 1), (1, 1)]), F(0), point_norm))
            kernel, bias = (sum(values) for values in zip(*parts))
            x = net.op("Relu", net.op("Conv", x, kernel, bias, name=f"deployed{n}", **PADDED))
        else:
            branches = [net.norm(net.op("Conv", x, wide, **PADDED), wide_norm), net.norm(x, own_norm)]
            branches.append(net.norm(net.op("Conv", x, point), point_norm))
            x = net.op("Relu", net.op("Sum", *branches))
    return x


@pair("rounding", "Conv `deployed", channels=8, size=7)
def three_branches(net, after):
    return training_block(net, after, 3)


@pair("rounding", "Conv `", channels=8, size=6)
def depthwise_branches(net, after):
    kernels = [net.uniform(8, 1, 3, 3) for _ in range(4)] + [net.uniform(8, 1, 1, 1)]
    norms = [net.statistics(8) for _ in kernels]
    point, point_norm = net.uniform(12, 8, 1, 1), net.statistics(12)
    pads = lambda kernel: [kernel.shape[2] // 2] * 4  # noqa: E731
    if after:
        wide = [np.pad(k, [(0, 0), (0, 0), *[((3 - k.shape[2]) // 2,) * 2] * 2]) for k in kernels]
        parts = [fold(kernel, F(0), norm) for kernel, norm in zip(wide, norms)]
        kernel, bias = (sum(values) for values in zip(*parts))
        x = net.op("Relu", net.op("Conv", "x", kernel, bias, group=8, **PADDED))
        return net.op("Relu", net.op("Conv", x, *fold(point, F(0), point_norm)))
    branches = [
        net.norm(net.op("Conv", "x", kernel, group=8, pads=pads(kernel)), norm) for kernel, norm in zip(kernels, norms)
    ]
    return net.op("Relu", net.norm(net.op("Conv", net.op("Relu", net.op("Sum", *branches)), point), point_norm))


@pair("rounding", channels=8, size=6)
def value_with_two_readers(net, after):
    kernel, bias, statistics = net.uniform(8, 8, 3, 3), net.uniform(8), net.statistics(8)
    if after:
        shared = net.op("Conv", "x", *fold(kernel, bias, statistics), **PADDED)
    else:
        shared = net.norm(net.op("Conv", "x", kernel, bias, **PADDED), statistics)
    return net.op("Mul", net.op("Sigmoid", shared), net.op("Add", shared, "x"))


def transposed(net, after, axis):
    kernel, bias, statistics = net.uniform(6, 6, 3, 3), net.uniform(6), net.statistics(6)
    if after:
        kernel, bias = fold(kernel, bias, statistics, axis=axis)
    x = net.op("ConvTranspose", "x", kernel, bias, name="up", strides=[2, 2])
    return net.op("Sigmoid", x if after else net.norm(x, statistics))


@pair("rounding", "ConvTranspose `up`", channels=6, size=4)
def transposed_fold(net, after):
    return transposed(net, after, 1)


@pair("different", "first at ConvTranspose `up`", "scaled along the wrong axis", channels=6, size=4)
def transposed_fold_of_the_other_axis(net, after):
    return transposed(net, after, 0)


def saturating(net, after, spelling):
    x = net.op("Conv", "x", net.uniform(8, 3, 3, 3), name="conv", **PADDED)
    if after and spelling == "operator":
        return net.op("HardSwish", x)
    if after and spelling == "sigmoid":
        return net.op("Mul", net.op("HardSigmoid", x, alpha=1 / 6, beta=0.5), x)
    shifted = net.op("Add", x, F(3))
    bounds = [] if after else [F(6)]
    gate = net.op("Clip", shifted, F(0), *bounds, name="gate")
    return net.op("Div", net.op("Mul", x, gate), F(6))


@pair("equal")
def hard_swish(net, after):
    return saturating(net, after, "operator")


@pair("rounding")
def hard_swish_by_a_rounded_sixth(net, after):
    return saturating(net, after, "sigmoid")


@pair("different", "Clip `gate`", "the upper bound of the clip is lost", "the upper bound of Clip `gate` is missing")
def upper_bound_lost(net, after):
    return saturating(net, after, "none")


@pair("equal")
def maximum_before_relu(net, after):
    x = net.op("Conv", "x", net.uniform(8, 3, 3, 3))
    if after:
        return net.op("Relu", net.op("MaxPool", x, **BLOCKS))
    return net.op("MaxPool", net.op("Relu", x), **BLOCKS)


@pair("equal")
def channels_equalised(net, after):
    first, second = net.uniform(8, 3, 3, 3), net.uniform(4, 8, 3, 3)
    powers = (2.0 ** net.random.integers(-3, 4, 8)).astype(F)
    if after:
        first, second = first * powers.reshape(-1, 1, 1, 1), second / powers.reshape(1, -1, 1, 1)
    return net.op("Conv", net.op("Relu", net.op("Conv", "x", first, **PADDED)), second, **PADDED)


@pair("equal", size=8)
def every_other_place(net, after):
    kernel = net.uniform(8, 12, 3, 3)
    if after:
        x = net.op("SpaceToDepth", "x", blocksize=2)
    else:
        cut = lambda row, column: net.op(  # noqa: E731
            "Slice", "x", np.array([row, column]), np.array([1 << 30, 1 << 30]), np.array([2, 3]), np.array([2, 2])
        )
        x = net.op("Concat", *[cut(row, column) for row in (0, 1) for column in (0, 1)], axis=1)
    return net.op("Sigmoid", net.op("Conv", x, kernel, **PADDED))


def mean_as_convolution(net, after, size):
    x = net.op("Relu", "x")
    if after:
        kernel = np.full((4, 1, size, size), 1 / size**2, F)
        return net.op("Conv", x, kernel, name="mean", group=4, strides=[size, size])
    return net.op("AveragePool", x, kernel_shape=[size, size], strides=[size, size])


@pair("equal", channels=4)
def mean_of_four(net, after):
    return mean_as_convolution(net, after, 2)


@pair("rounding", "Conv `mean`", channels=4)
def mean_of_nine(net, after):
    return mean_as_convolution(net, after, 3)


@pair("equal")
def convolutions_joined(net, after):
    kernels = [net.uniform(outputs, 3, 3, 3) for outputs in (8, 5, 3)]
    if after:
        return net.op("Relu", net.op("Conv", "x", np.concatenate(kernels), **PADDED))
    return net.op("Concat", *[net.op("Relu", net.op("Conv", "x", k, **PADDED)) for k in kernels], axis=1)


@pair("equal")
def sums_in_another_order(net, after):
    a, b, c = (net.op("Relu", net.op("Conv", "x", net.uniform(6, 3, 3, 3))) for _ in range(3))
    total = net.op("Add", a, net.op("Add", c, b)) if after else net.op("Add", net.op("Add", a, b), c)
    return net.op("Relu", net.op("Conv", total, net.uniform(4, 6, 1, 1)))


@pair("equal")
def shape_computed(net, after):
    x = net.op("GlobalAveragePool", net.op("Relu", net.op("Conv", "x", net.uniform(8, 3, 3, 3))))
    weights, bias = net.uniform(8, 5), net.uniform(5)
    if after:
        x = net.op("Gemm", net.op("Flatten", x), np.ascontiguousarray(weights.T), bias, transB=1)
    else:
        batch = net.op("Slice", net.op("Shape", x), np.array([0]), np.array([1]), np.array([0]))
        x = net.op("Reshape", x, net.op("Concat", batch, np.array([-1]), axis=0))
        x = net.op("Add", net.op("MatMul", x, weights), bias)
    return net.op("Softmax", x, axis=-1)


@pair("different", "AveragePool `pool`", "`count_include_pad` of AveragePool `pool` is missing",
      "only within 1 of the border", channels=4)  # fmt: skip
def padding_counted(net, after):
    settings = {} if after else {"count_include_pad": 1}
    return net.op("AveragePool", net.op("Relu", "x"), name="pool", kernel_shape=[3, 3], **PADDED, **settings)


def merged(net, after, with_bias):
    point, wide = net.uniform(6, 3, 1, 1), net.uniform(4, 6, 3, 3)
    bias = net.uniform(6, low=0.2) * F(with_bias)
    if after:
        kernel = np.einsum("omhw,mi->oihw", wide.astype(float), point[:, :, 0, 0].astype(float)).astype(F)
        return net.op("Relu", net.op("Conv", "x", kernel, np.einsum("omhw,m->o", wide, bias), name="merged", **PADDED))
    return net.op("Relu", net.op("Conv", net.op("Conv", "x", point, bias), wide, name="wide", **PADDED))


@pair("different", "first at Conv `merged`", "equal away from the border", "width 1 x 1", "within 1 of the border")
def bias_through_padding(net, after):
    return merged(net, after, True)


@pair("rounding", "Conv `merged`")
def no_bias_through_padding(net, after):
    return merged(net, after, False)


def pads_taken_in(net, after, pads):
    kernel = net.uniform(8, 3, 3, 3)
    if after:
        return net.op("Relu", net.op("Conv", "x", kernel, name="conv", pads=pads))
    return net.op("Relu", net.op("Conv", net.op("Pad", "x", np.array([0, 0, 0, 1, 0, 0, 2, 1])), kernel))


@pair("equal")
def padding_taken_in(net, after):
    return pads_taken_in(net, after, [0, 1, 2, 1])


@pair("different", "first at Conv `conv`", "different sizes", "[0, 1, 2, 1] before, [0, 2, 1, 1] after")
def padding_in_another_order(net, after):
    return pads_taken_in(net, after, [0, 2, 1, 1])


@pair("different", "first at Conv `conv`", "the image moved by 2 x 0", "[0, 1, 2, 1] before, [2, 1, 0, 1] after")
def padding_ends_exchanged(net, after):
    return pads_taken_in(net, after, [2, 1, 0, 1])


@pair("different", "MaxPool `pool`", "exactly where H % 2 == 0 and W % 2 == 0",
      "`ceil_mode` of MaxPool `pool` is missing", "no longer rounded up", channels=4)  # fmt: skip
def rounding_up_lost(net, after):
    settings = {} if after else {"ceil_mode": 1}
    return net.op("MaxPool", net.op("Relu", "x"), name="pool", **BLOCKS, **settings)


@pair("different", "Conv `half`", "exactly where H % 2 == 0 and W % 2 == 0")
def padding_right_for_even_sizes(net, after):
    kernel, point = net.uniform(4, 3, 3, 3), net.uniform(4, 4, 1, 1)
    settings = {"pads": [0, 0, 1, 1]} if after else {"auto_pad": "SAME_UPPER"}
    x = net.op("Conv", "x", kernel, name="half", strides=[2, 2], **settings)
    return net.op("Relu", net.op("Conv", x, point))


def grouped(net, after, order):
    kernel, bias, statistics = net.uniform(8, 2, 3, 3), net.uniform(8), net.statistics(8)
    if after:
        right, shift = fold(kernel, bias, statistics)
        factors = (right / kernel)[:, 0, 0, 0][order]
        kernel, bias = (right if order == sorted(order) else kernel * factors.reshape(-1, 1, 1, 1)), shift
    x = net.op("Conv", "x", kernel, bias, name="grouped", group=4, **PADDED)
    return net.op("Relu", x if after else net.norm(x, statistics))


@pair("rounding", "Conv `grouped`", channels=8)
def grouped_fold(net, after):
    return grouped(net, after, list(range(8)))


@pair("different", "first at Conv `grouped`", "6 channels have the scale of another one: channel 1 that of 4",
      "6 of 8 channels differ, the first [1, 2, 3, 4, 5, 6]", channels=8)  # fmt: skip
def grouped_fold_in_another_order(net, after):
    return grouped(net, after, [0, 4, 1, 5, 2, 6, 3, 7])


def padded_maximum(net, after, relu):
    x = net.op("Conv", "x", net.uniform(4, 3, 3, 3))
    x = net.op("Relu", x) if relu else net.op("Add", x, F(-3))
    settings = {"name": "pool", "kernel_shape": [3, 3], "strides": [2, 2]}
    if after:
        return net.op("MaxPool", x, **settings, **PADDED)
    return net.op("MaxPool", net.op("Pad", x, np.array([0, 0, 1, 1, 0, 0, 1, 1])), **settings)


@pair("different", "MaxPool `pool`", "only within 1 of the border", "other settings")
def zeros_before_a_maximum(net, after):
    return padded_maximum(net, after, False)


@pair("equal")
def zeros_before_a_maximum_of_relu(net, after):
    return padded_maximum(net, after, True)


@pair("different", "Conv `conv`", "only in the last row and the last column",
      "`mode` of Pad `pad0` is missing")  # fmt: skip
def last_row_and_column(net, after):
    kernel = net.uniform(4, 3, 2, 2)
    if after:
        x = net.op("Conv", "x", kernel, name="conv", pads=[0, 0, 1, 1])
    else:
        edges = net.op("Pad", "x", np.array([0, 0, 0, 0, 0, 0, 1, 1]), mode="edge")
        x = net.op("Conv", edges, kernel, name="conv")
    return net.op("Relu", x)


@pair("equal", size=6)
def normalization_spelled_out(net, after):
    scale, shift = net.uniform(6), net.uniform(6)
    if after:
        return net.op("LayerNormalization", "x", scale, shift, axis=-1, epsilon=2.0**-10)
    mean = lambda x: net.op("ReduceMean", x, axes=[-1])  # noqa: E731
    centred = net.op("Sub", "x", mean("x"))
    spread = net.op("Sqrt", net.op("Add", mean(net.op("Mul", centred, centred)), F(2.0**-10)))
    return net.op("Add", net.op("Mul", net.op("Div", centred, spread), scale), shift)


@pair("rounding", "Conv `conv`")
def half_precision(net, after):
    kernel = net.uniform(8, 3, 3, 3)
    if after:
        kernel = net.op("Cast", kernel.astype(np.float16), to=TensorProto.FLOAT)
    return net.op("Relu", net.op("Conv", "x", kernel, name="conv"))


def main(folder):
    listed = []
    for build, verdict, words, channels, size in PAIRS:
        name = build.__name__
        dims = [None, channels, "H", "W"] if size != 6 or channels != 3 else [None, channels, "H", 6]
        models = []
        for after in (False, True):
            net = Net(name)
            models.append(net.model(build(net, after), dims))
        image = Net(name + " image").uniform(1, channels, size, size, low=-6, high=6)
        before, after = (ReferenceEvaluator(model).run(None, {"x": image})[0] for model in models)
        near = before.shape == after.shape and np.allclose(before, after, 1e-2, 1e-2 * np.abs(before).max())
        exact = before.shape == after.shape and np.allclose(before, after, 1e-4, 1e-5 * np.abs(before).max())
        assert near if verdict in ("equal", "rounding") else not exact, f"{name}: {verdict}?"
        for side, model in zip(("before", "after"), models):
            onnx.save(model, str(folder / f"{name}.{side}.onnx"))
        listed.append({"name": name, "verdict": verdict, "words": words})
    (folder / "pairs.json").write_text(json.dumps(listed))


main(pathlib.Path(sys.argv[1]))
