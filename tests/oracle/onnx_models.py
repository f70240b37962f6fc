"""Writes every node case of the `onnx` package whose operators are named in `operators.json` of the folder given, or
every one where there is no such list, into that folder, as files.

For each case N: `N.onnx`, `N.inI.npy` for its inputs and `N.outI.npy` for its outputs, as ONNX's reference evaluator
computes them in float64 from the inputs as they are, else as the case states them. Models of a few layers with random
weights and inputs follow. `names.json` holds `cases`, each with its name, the number of its outputs and whether these were
computed in float64, and `left_out`, names with reasons.
"""

import json
import pathlib
import sys
import warnings

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.backend.test.case.node import collect_testcases
from onnx.reference import ReferenceEvaluator

# What the evaluator computes in float32 whatever its operands, or by a function with constants in float32.
SINGLE = {"Erf", "Gelu", "HardSwish"}
# Of other types arithmetic wraps around or rounds, which is not what is claimed anything about.
TYPES = {np.dtype(kind) for kind in ("float32", "float64", "int32", "int64", "bool")}


def reason_left_out(case, operators):
    """Why a case is no question to an evaluator over the reals; nothing if it is one."""
    inputs, outputs = case.data_sets[0]
    nodes = list(case.model.graph.node)
    others = {node.op_type for node in nodes} - operators if operators else None
    if others:
        return "operator not read: " + min(others)
    if case.model.functions:
        return "functions of its own"
    arrays = [*inputs, *outputs]
    if not all(isinstance(array, np.ndarray) for array in arrays):
        return "sequences, missing values or elements without a type in NumPy"
    strange = sorted({str(array.dtype) for array in arrays if array.dtype not in TYPES})
    if strange:
        return "elements of type " + strange[0]
    if not all(np.isfinite(array).all() for array in arrays if array.dtype.kind == "f"):
        return "values that are not finite"
    return None


def doubled(model, inputs, stated):
    """The outputs in float64, and whether the evaluator computed in it all the way."""
    wide = [x.astype(np.float64) if x.dtype.kind == "f" else x for x in inputs]
    names = [i.name for i in model.graph.input]
    try:
        outputs = ReferenceEvaluator(model).run(None, dict(zip(names, wide)))
    except Exception:
        return stated, False
    if any(node.op_type in SINGLE for node in model.graph.node):
        return stated, False
    if not all(isinstance(own, np.ndarray) for own in outputs):
        return stated, False
    near = all(
        own.shape == other.shape and np.allclose(own, other, 1e-3, 1e-4) and own.dtype != np.float32
        for own, other in zip(outputs, stated)
    )
    return (outputs, True) if near else (stated, False)


def network(seed):
    """A small model of random layers."""
    rng = np.random.default_rng(seed)
    nodes, constants = [], []

    def constant(*shape, low=-1.0, high=1.0):
        name = f"c{len(constants)}"
        constants.append(numpy_helper.from_array(rng.uniform(low, high, shape).astype(np.float32), name))
        return name

    def add(operator, *inputs, **attributes):
        nodes.append(helper.make_node(operator, inputs, [f"t{len(nodes)}"], **attributes))
        return nodes[-1].output[0]

    x, channels = "x", 3
    for _ in range(4):
        outputs = int(rng.integers(2, 5))
        x = add("Conv", x, constant(outputs, channels, 3, 3), constant(outputs), pads=[1, 1, 1, 1])
        channels = outputs
        match rng.integers(5):
            case 0:
                x = add("Relu", x)
            case 1:
                x = add("Add", add("Sigmoid", x), x)
            case 2:
                p = [constant(channels) for _ in range(3)] + [constant(channels, low=0.5)]
                x = add("HardSwish", add("BatchNormalization", x, *p))
            case 3:
                x = add("MaxPool", x, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
            case 4:
                x = add("AveragePool", x, kernel_shape=[2, 2], pads=[1, 0, 0, 1])
    x = add("Softmax", add("Flatten", add("GlobalAveragePool", x)), axis=-1)
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "g", [value("x", [1, 3, 7, 6])], [value(x, None)], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    image = rng.uniform(-1, 1, (1, 3, 7, 6)).astype(np.float32)
    return f"network_{seed}", model, [image], ReferenceEvaluator(model).run(None, {"x": image})


def saved(array):
    return array.astype(np.float64 if array.dtype.kind == "f" else np.int64)


def main(folder):
    listed = folder / "operators.json"
    operators = set(json.loads(listed.read_text())) if listed.exists() else None
    warnings.simplefilter("ignore")
    questions, left_out, names = [], [], []
    for case in collect_testcases(None):
        if case.model is None:
            continue
        reason = reason_left_out(case, operators)
        if reason:
            left_out.append([case.name, reason])
        else:
            questions.append((case.name, case.model, *case.data_sets[0]))
    for name, model, inputs, outputs in [*questions, *(network(seed) for seed in range(24))]:
        onnx.save(model, str(folder / f"{name}.onnx"))
        outputs, exact = doubled(model, inputs, outputs)
        for n, array in enumerate(inputs):
            np.save(folder / f"{name}.in{n}.npy", saved(array))
        for n, array in enumerate(outputs):
            np.save(folder / f"{name}.out{n}.npy", saved(array))
        names.append([name, len(outputs), exact])
    (folder / "names.json").write_text(json.dumps({"cases": names, "left_out": left_out}))


main(pathlib.Path(sys.argv[1]))
