"""Prints the test cases of the `onnx` package that the spec language can express, as JSON.

Three sources: the node cases, whose outputs ONNX's authors computed with NumPy, and the cases that were converted
from PyTorch's own test suite, whose outputs PyTorch computed, and resizing, padding and slices of other sizes and factors,
computed by ONNX's reference evaluator. Every number is printed as an exact fraction.

    {"cases": [{"name", "layers": [...], "x": tensor, "y": tensor, "tolerance": where given}],
     "left_out": [{"name", "reason"}]}

A tensor is {"dims", "values"}. The first two images of a batch become one case each. One-dimensional cases become images of height 1.
Attributes are written out in full, so that a layer here maps to one layer there.
"""

import importlib
import itertools
import json
import math
import pathlib
import sys
from fractions import Fraction

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.backend.test.case import node as node_cases
from onnx.backend.test.loader import load_model_tests
from onnx.reference import ReferenceEvaluator

MODULES = """abs averagepool batch_normalization clip conv convtranspose depthtospace gelu gemm globalaveragepool
    hardsigmoid hardswish leakyrelu maxpool mul pad prelu relu resize sigmoid slice softplus spacetodepth tanh
    upsample""".split()
ENTRYWISE = {
    "Abs", "Clip", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "PRelu", "Sigmoid", "Softplus", "Tanh",
}  # fmt: skip
OPERATORS = ENTRYWISE | {
    "AveragePool", "BatchNormalization", "Conv", "ConvTranspose", "DepthToSpace", "Gemm", "GlobalAveragePool",
    "MaxPool", "Mul", "Pad", "Relu", "Resize", "Slice", "SpaceToDepth", "Upsample",
}  # fmt: skip

# Cases whose inputs and outputs were typed in with so many decimals.
DECIMALS = {"test_averagepool_2d_ceil_last_window_starts_on_pad": 4}


class LeftOut(Exception):
    """The case lies outside of the language; the message says why."""


def exact(value):
    numerator, denominator = Fraction(float(value)).as_integer_ratio()
    return f"{numerator}/{denominator}"


def tensor(array, dims=None):
    array = np.asarray(array)
    return {"dims": list(dims or array.shape), "values": [exact(value) for value in array.ravel()]}


def image(array):
    """A batch without its first axis, and with a height."""
    shape = array.shape if array.ndim > 1 else (*array.shape, 1)
    channels, *space = shape
    if len(space) > 2:
        raise LeftOut("3-D")
    return tensor(array, [channels, *[1] * (2 - len(space)), *space])


def kernel(array):
    outputs, inputs, *space = array.shape
    if len(space) > 2:
        raise LeftOut("3-D")
    return tensor(array, [outputs, inputs, *[1] * (2 - len(space)), *space])


def pair(values, default=1):
    """One number for each of two axes; the missing first axis of 1-D cases takes `default`."""
    values = list(values)
    return [default] * (2 - len(values)) + values


def sides(pads):
    """ONNX's [starts..., ends...] as [top, left, bottom, right]."""
    half = len(pads) // 2
    return pair(pads[:half], 0) + pair(pads[half:], 0)


def square_root(value):
    """To 200 bits, far beyond the precision of the outputs."""
    scale = 1 << 400
    return Fraction(math.isqrt(value.numerator * scale // value.denominator), 1 << 200)


def window(attributes, space, size):
    """Sizes, strides and dilations of a window, and its padding: sides or the name of a rule."""
    if len(space) > 2:
        raise LeftOut("3-D")
    auto = attributes.get("auto_pad", b"NOTSET").decode()
    pads = attributes.get("pads", [0] * 2 * len(space))
    return {
        "size": pair(size),
        "stride": pair(attributes.get("strides", [1] * len(space))),
        "dilation": pair(attributes.get("dilations", [1] * len(space))),
        "padding": auto if auto.startswith("SAME") else sides(pads),
    }


def conv(inputs, attributes, _):
    x, weights, *bias = inputs
    shape = window(attributes, x.shape[2:], weights.shape[2:])
    bias = tensor(bias[0]) if bias else None
    return [{"kind": "conv", **shape, "kernel": kernel(weights), "bias": bias, "groups": attributes.get("group", 1)}]


def conv_transpose(inputs, attributes, _):
    x, weights, *bias = inputs
    space = x.shape[2:]
    shape = window(attributes, space, weights.shape[2:])
    more = pair(attributes.get("output_padding", [0] * len(space)), 0)
    output = attributes.get("output_shape")
    if isinstance(shape["padding"], str):
        output = [length * stride for length, stride in zip(space, shape["stride"][2 - len(space) :])]
    if output:
        # The formula of the operator's specification.
        starts, ends = [], []
        for axis, wanted in enumerate(pair(output)):
            length, stride = pair(space)[axis], shape["stride"][axis]
            reach = (shape["size"][axis] - 1) * shape["dilation"][axis] + 1
            total = stride * (length - 1) + more[axis] + reach - wanted
            less = total // 2
            upper = shape["padding"] == "SAME_UPPER"
            starts.append(less if upper else total - less)
            ends.append(total - less if upper else less)
        shape["padding"] = starts + ends
    bias = tensor(bias[0]) if bias else None
    group = attributes.get("group", 1)
    return [
        {"kind": "conv_transpose", **shape, "kernel": kernel(weights), "bias": bias, "groups": group,
         "output_padding": more}
    ]  # fmt: skip


def average_pool(inputs, attributes, _):
    shape = window(attributes, inputs[0].shape[2:], attributes["kernel_shape"])
    if shape["dilation"] != [1, 1]:
        raise LeftOut("dilated pooling")
    return [
        {"kind": "average_pool", **shape, "count_include_pad": bool(attributes.get("count_include_pad", 0)),
         "ceil_mode": bool(attributes.get("ceil_mode", 0))}
    ]  # fmt: skip


def max_pool(inputs, attributes, _):
    shape = window(attributes, inputs[0].shape[2:], attributes["kernel_shape"])
    if shape["dilation"] != [1, 1]:
        raise LeftOut("dilated pooling")
    return [{"kind": "max_pool", **shape, "ceil_mode": bool(attributes.get("ceil_mode", 0))}]


def batch_normalization(inputs, attributes, _):
    if attributes.get("training_mode", 0):
        raise LeftOut("statistics of the batch itself")
    _, scale, shift, mean, variance = ([Fraction(float(v)) for v in values.ravel()] for values in inputs)
    epsilon = Fraction(float(np.float32(attributes.get("epsilon", 1e-5))))
    factors = [s / square_root(v + epsilon) for s, v in zip(scale, variance)]
    text = lambda values: {"dims": [len(values)], "values": [str(value) for value in values]}  # noqa: E731
    return [
        {"kind": "bias", "vector": text([-m for m in mean])},
        {"kind": "scale", "vector": text(factors)},
        {"kind": "bias", "vector": text(shift)},
    ]


def pad(inputs, attributes, _):
    mode = attributes.get("mode", b"constant").decode()
    rank = inputs[0].ndim
    pads = list(attributes["pads"] if "pads" in attributes else inputs[1])
    if len(inputs) > 3:
        axes = [int(axis) % rank for axis in inputs[3]]
        given, pads = pads, [0] * 2 * rank
        for n, axis in enumerate(axes):
            pads[axis], pads[axis + rank] = given[n], given[n + len(axes)]
    pads = [int(count) for count in pads]
    if any(pads[axis] or pads[axis + rank] for axis in (0, 1)):
        raise LeftOut("padding of batches or channels")
    value = float(inputs[2]) if len(inputs) > 2 else attributes.get("value", 0.0)
    padding = sides(pads[2:rank] + pads[rank + 2 :])
    if mode != "constant":
        return [{"kind": "pad_mode", "padding": padding, "mode": mode}]
    if value:
        return [{"kind": "pad_value", "padding": padding, "value": tensor(np.array([value]))}]
    return [{"kind": "pad", "padding": padding}]


def gemm(inputs, attributes, _):
    if attributes.get("transA", 0):
        raise LeftOut("transposed input")
    weights = inputs[1] if attributes.get("transB", 0) else inputs[1].T
    fraction = lambda name: Fraction(float(np.float32(attributes.get(name, 1.0))))  # noqa: E731
    alpha, beta = fraction("alpha"), fraction("beta")
    values = [str(alpha * Fraction(float(value))) for value in weights.ravel()]
    bias = None
    if len(inputs) > 2:
        if inputs[2].ndim > 1 and inputs[2].shape[0] > 1:
            raise LeftOut("a bias that differs from row to row")
        bias = np.broadcast_to(inputs[2].ravel(), len(weights))
        bias = {"dims": [len(weights)], "values": [str(beta * Fraction(float(value))) for value in bias]}
    return [{"kind": "dense", "weights": {"dims": [1, 1, *weights.shape], "values": values}, "bias": bias}]


def upsample(inputs, attributes, _):
    if attributes.get("mode", b"nearest") != b"nearest":
        raise LeftOut("interpolation")
    _, _, *factor = (int(scale) for scale in inputs[1])
    return [{"kind": "upsample", "factor": pair(factor)}]


def resize(inputs, attributes, output):
    if attributes.get("antialias", 0) or attributes.get("exclude_outside", 0):
        raise LeftOut("another filter")
    x, sizes = inputs[0], inputs[3] if len(inputs) > 3 else None
    rank = x.ndim
    axes = [int(axis) % rank for axis in attributes.get("axes", range(rank))]
    factors = [Fraction(1)] * rank
    for n, axis in enumerate(axes):
        given = float(inputs[2][n]) if sizes is None else 0.0
        factors[axis] = Fraction(given).limit_denominator(1000)
        if sizes is not None or abs(float(factors[axis]) - given) > 1e-6:
            factors[axis] = Fraction(output.shape[axis], x.shape[axis])
    if factors[:2] != [1, 1]:
        raise LeftOut("resizing of batches or channels")
    coordinates = attributes.get("coordinate_transformation_mode", b"half_pixel").decode()
    if coordinates == "pytorch_half_pixel" and 1 not in output.shape[2:]:
        coordinates = "half_pixel"
    if coordinates not in ("half_pixel", "asymmetric", "align_corners"):
        raise LeftOut(f"coordinates {coordinates}")
    whole = all((n * factor).denominator == 1 for n, factor in zip(x.shape, factors))
    if coordinates == "align_corners" and not whole:
        raise LeftOut("corners aligned with a place between entries")
    mode = attributes.get("mode", b"nearest").decode()
    rounding = attributes.get("nearest_mode", b"round_prefer_floor").decode()
    if mode == "nearest" and rounding != ("floor" if coordinates == "asymmetric" else "round_prefer_floor"):
        raise LeftOut(f"rounding by {rounding}")
    factor = pair([[f.numerator, f.denominator] for f in factors[2:]], [1, 1])
    a = exact(np.float32(attributes.get("cubic_coeff_a", -0.75)))
    return [{"kind": "resize", "factor": factor, "mode": mode, "coordinates": coordinates, "a": a}]


def entrywise(operator, inputs, attributes):
    """Each entry is a channel, so that slopes may differ from entry to entry."""
    x = inputs[0]
    number = lambda name, usual: exact(np.float32(attributes.get(name, usual)))  # noqa: E731
    if operator == "LeakyRelu":
        slopes = tensor(np.array([np.float32(attributes.get("alpha", 0.01))]))
        return [{"kind": "leaky_relu", "slopes": slopes}]
    if operator == "PRelu":
        slopes = inputs[1]
        if slopes.ndim == 1 and slopes.size not in (1, x.shape[-1]):
            # Old cases have one slope for each channel.
            slopes = slopes.reshape(-1, *[1] * (x.ndim - 2))
        return [{"kind": "leaky_relu", "slopes": tensor(np.broadcast_to(slopes, x.shape).ravel())}]
    if operator == "Clip":
        if len(inputs) < 3 or inputs[1] is None or inputs[2] is None or inputs[1] > inputs[2]:
            raise LeftOut("a clip without both ends in order")
        return [{"kind": "clip", "low": exact(inputs[1]), "high": exact(inputs[2])}]
    if operator == "HardSigmoid":
        return [{"kind": "hard_sigmoid", "slope": number("alpha", 0.2), "offset": number("beta", 0.5)}]
    tanh = operator == "Gelu" and attributes.get("approximate", b"none") == b"tanh"
    return [{"kind": "entrywise", "name": "GeluTanh" if tanh else operator}]


def depth_to_space(inputs, attributes, _):
    """DCR mode has the phases outermost in the channels, CRD (PyTorch) the channels."""
    block = attributes["blocksize"]
    layers = [{"kind": "depth_to_space", "block": block}]
    if attributes.get("mode", b"DCR") == b"DCR":
        channels = inputs[0].shape[1] // block**2
        order = [phase * channels + channel for channel in range(channels) for phase in range(block**2)]
        layers.insert(0, {"kind": "permute", "order": order})
    return layers


def space_to_depth(inputs, attributes, _):
    block = attributes["blocksize"]
    layers = [{"kind": "space_to_depth", "block": block}]
    if attributes.get("mode", b"DCR") == b"DCR":
        channels = inputs[0].shape[1]
        order = [channel * block**2 + phase for phase in range(block**2) for channel in range(channels)]
        layers.append({"kind": "permute", "order": order})
    return layers


def part(inputs, attributes, _):
    """A slice of channels, rows and columns; images may come without a batch."""
    if len(inputs) < 3:
        raise LeftOut("ends as attributes")
    x, starts, ends, *more = inputs
    axes = more[0] if more else range(len(starts))
    steps = more[1] if len(more) > 1 else [1] * len(starts)
    ranges = [range(n) for n in x.shape]
    for start, end, axis, step in zip(starts, ends, axes, steps):
        ranges[axis] = range(x.shape[axis])[slice(int(start), int(end), int(step))]
    *batch, channels, rows, columns = ranges
    if any(len(indices) < length for indices, length in zip(batch, x.shape)) or channels.step != 1:
        raise LeftOut("batches, or steps of channels")
    if any(not indices or indices.step < 0 for indices in (channels, rows, columns)):
        raise LeftOut("nothing, or backwards")
    _, height, width = x.shape[-3:]
    cut = [rows[0], columns[0], height - 1 - rows[-1], width - 1 - columns[-1]]
    return [
        {"kind": "select", "from": channels[0], "to": channels[-1] + 1},
        {"kind": "pad", "padding": [-side for side in cut]},
        {"kind": "subsample", "step": [rows.step, columns.step]},
    ]


LAYERS = {
    "AveragePool": average_pool,
    "BatchNormalization": batch_normalization,
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "DepthToSpace": depth_to_space,
    "Gemm": gemm,
    "GlobalAveragePool": lambda *_: [{"kind": "global_average"}],
    "MaxPool": max_pool,
    "Pad": pad,
    "Relu": lambda *_: [{"kind": "relu"}],
    "Resize": resize,
    "Slice": part,
    "SpaceToDepth": space_to_depth,
    "Upsample": upsample,
}


def translate(name, model, inputs, output):
    """One case for each of the first two images of the batch."""
    nodes = model.graph.node
    values = {weight.name: numpy_helper.to_array(weight) for weight in model.graph.initializer}
    names = [value.name for value in model.graph.input if value.name not in values]
    values.update(zip(names, inputs))
    if name == "test_PixelShuffle":
        x = inputs[0]
        layers = [{"kind": "depth_to_space", "block": output.shape[2] // x.shape[2]}]
    elif len(nodes) > 1:
        raise LeftOut("several nodes: " + " ".join(node.op_type for node in nodes))
    else:
        attributes = {a.name: helper.get_attribute_value(a) for a in nodes[0].attribute}
        arguments = [values[argument] if argument else None for argument in nodes[0].input]
        x = arguments[0]
        if nodes[0].op_type == "Mul":
            # Both factors as channels of one image, of which each entry is one.
            both = np.concatenate([np.broadcast_to(factor, output.shape).ravel() for factor in arguments])
            yield {"name": name, "layers": [{"kind": "product", "channels": output.size}],
                   "x": tensor(both, [both.size, 1, 1]), "y": tensor(output, [output.size, 1, 1])}  # fmt: skip
            return
        if nodes[0].op_type in ENTRYWISE:
            layers = entrywise(nodes[0].op_type, arguments, attributes)
            column = lambda array: tensor(array, [array.size, 1, 1])  # noqa: E731
            yield {"name": name, "layers": layers, "x": column(x), "y": column(output)}
            return
        if nodes[0].op_type != "Resize":
            arguments = [argument for argument in arguments if argument is not None]
        if x.ndim == 3 and nodes[0].op_type in ("Relu", "Slice"):
            x, output = x[np.newaxis], output[np.newaxis]
        if x.ndim > 4:
            raise LeftOut("3-D")
        layers = LAYERS[nodes[0].op_type](arguments, attributes, output)
    for n in range(min(len(x), 2)):
        suffix = f" [{n}]" if len(x) > 1 else ""
        case = {"name": name + suffix, "layers": layers, "x": image(x[n]), "y": image(output[n])}
        if name in DECIMALS:
            case["tolerance"] = f"{Fraction(1, 10 ** DECIMALS[name])}"
        yield case


def sources():
    """Name, model, inputs and first output of every case that consists of the operators above."""
    for module in MODULES:
        importlib.import_module(f"{node_cases.__name__}.{module}")
    for case in node_cases._NodeTestCases:
        if case.model is not None and {node.op_type for node in case.model.graph.node} <= OPERATORS:
            inputs, outputs = case.data_sets[0]
            yield case.name, case.model, inputs, outputs[0]
    for kind in ("pytorch-converted", "pytorch-operator"):
        for case in sorted(load_model_tests(kind=kind), key=lambda case: case.name):
            folder = pathlib.Path(case.model_dir)
            model = onnx.load(folder / "model.onnx")
            operators = {node.op_type for node in model.graph.node}
            if not operators <= OPERATORS and case.name != "test_PixelShuffle":
                continue
            data = folder / "test_data_set_0"
            count = len(list(data.glob("input_*.pb")))
            paths = [data / f"input_{n}.pb" for n in range(count)] + [data / "output_0.pb"]
            arrays = [numpy_helper.to_array(onnx.load_tensor(str(path))) for path in paths]
            yield case.name, model, arrays[:-1], arrays[-1]


def model_of(node, inputs, constants):
    values = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in inputs]
    output = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)
    initializers = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph([node], "g", values, [output], initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)])


def evaluated():
    """Resizing and padding by the reference evaluator, at sizes and factors that the node cases leave out."""
    random = np.random.default_rng(3)
    image = lambda size: random.integers(-9, 10, (1, 2, *size)).astype(np.float32)  # noqa: E731
    modes = [
        {"mode": "linear"},
        {"mode": "cubic"},
        {"mode": "cubic", "cubic_coeff_a": -0.5},
        {"mode": "nearest", "nearest_mode": "round_prefer_floor"},
        {"mode": "nearest", "nearest_mode": "floor"},
    ]
    for mode in modes:
        floor = mode.get("nearest_mode") == "floor"
        for coordinates in ["asymmetric"] if floor else ["half_pixel", "align_corners"]:
            for size, factor in [((5, 4), (2, 3)), ((6, 6), (0.5, 1.5)), ((3, 8), (4, 0.25)), ((1, 2), (2, 2)), ((4, 9), (1, 2))]:
                if coordinates == "align_corners" and any((n * f) % 1 for n, f in zip(size, factor)):
                    continue
                x = image(size)
                scales = np.array([1, 1, *factor], np.float32)
                node = helper.make_node(
                    "Resize", ["x", "", "scales"], ["y"], coordinate_transformation_mode=coordinates, **mode
                )
                model = model_of(node, ["x"], {"scales": scales})
                words = [*(str(value) for value in mode.values()), coordinates, f"{size} by {factor}"]
                yield "resize " + " ".join(words), model, [x], ReferenceEvaluator(model).run(None, {"x": x})[0]
    for size, starts, ends, steps in [((7, 8), (1, 0), (-1, 7), (2, 3)), ((5, 9), (0, 2), (5, 9), (4, 1)), ((3, 3), (-2, 1), (9, 9), (1, 5))]:
        x = image(size)
        node = helper.make_node("Slice", ["x", "starts", "ends", "axes", "steps"], ["y"])
        lists = {"starts": starts, "ends": ends, "axes": (2, 3), "steps": steps}
        model = model_of(node, ["x"], {name: np.array(values) for name, values in lists.items()})
        yield f"slice {size} {starts} {ends} {steps}", model, [x], ReferenceEvaluator(model).run(None, {"x": x})[0]
    for mode in ["reflect", "edge", "wrap"]:
        for size, pads in [((5, 6), (1, 2, 3, 0)), ((4, 4), (3, 3, 3, 3)), ((7, 3), (6, 0, 0, 2))]:
            x = image(size)
            top, left, bottom, right = pads
            node = helper.make_node("Pad", ["x", "pads"], ["y"], mode=mode)
            model = model_of(node, ["x"], {"pads": np.array([0, 0, top, left, 0, 0, bottom, right])})
            yield f"pad {mode} {size} {pads}", model, [x], ReferenceEvaluator(model).run(None, {"x": x})[0]


def main():
    cases, left_out = [], []
    for name, model, inputs, output in itertools.chain(sources(), evaluated()):
        try:
            cases.extend(translate(name, model, inputs, output))
        except LeftOut as reason:
            left_out.append({"name": name, "reason": str(reason)})
    json.dump({"cases": cases, "left_out": left_out}, sys.stdout)


main()
