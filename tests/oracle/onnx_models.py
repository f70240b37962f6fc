"""Writes the node cases of the `onnx` package that `convproof-network` reads, as files, into the folder given.

For each case N: `N.onnx`, `N.inI.npy` for its inputs and `N.out.npy` for its first output, as ONNX's reference evaluator computes
it in float64 from the inputs as they are, else as the case states it. Models of a few layers with random weights and inputs
follow. `names.json` lists the names, and for each whether the output was computed in float64.
"""

import importlib
import json
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.backend.test.case import node as node_cases
from onnx.reference import ReferenceEvaluator

MODULES = """add averagepool batchnorm clip concat conv convtranspose div flatten gemm globalaveragepool hardsigmoid
    hardswish layernormalization matmul maxpool mul neg pad reciprocal reducemean relu reshape sigmoid slice softmax
    spacetodepth depthtospace sqrt squeeze sub sum tanh transpose unsqueeze erf exp leakyrelu abs split gather""".split()
# What the evaluator computes in float32 whatever its operands, or by a function with constants in float32.
SINGLE = {"Erf", "Gelu", "HardSwish"}
FLOATS = (TensorProto.FLOAT, TensorProto.DOUBLE)


def cases():
    for module in MODULES:
        try:
            importlib.import_module(f"onnx.backend.test.case.node.{module}")
        except ModuleNotFoundError:
            continue
    for case in node_cases._NodeTestCases:
        inputs, outputs = case.data_sets[0]
        model = case.model
        if model.functions or len(model.graph.node) != 1 or "training" in case.name:
            continue
        kinds = [i.type.tensor_type.elem_type for i in model.graph.input]
        if kinds and kinds[0] in FLOATS and all(k in (*FLOATS, TensorProto.INT64) for k in kinds):
            if all(isinstance(a, np.ndarray) for a in [*inputs, outputs[0]]) and outputs[0].dtype in (np.float32, np.float64):
                yield case.name, model, inputs, outputs[0]


def doubled(model, inputs, stated):
    """The first output in float64, and whether the evaluator computed in it all the way."""
    wide = [x.astype(np.float64) if x.dtype.kind == "f" else x for x in inputs]
    names = [i.name for i in model.graph.input]
    try:
        output = ReferenceEvaluator(model).run(None, dict(zip(names, wide)))[0]
    except Exception:
        return stated, False
    single = any(node.op_type in SINGLE for node in model.graph.node)
    exact = not single and output.dtype == np.float64 and output.shape == stated.shape and np.allclose(output, stated, 1e-3, 1e-4)
    return (output, True) if exact else (stated, False)


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
    return f"network_{seed}", model, [image], ReferenceEvaluator(model).run(None, {"x": image})[0]



def main(folder):
    names = []
    for name, model, inputs, output in [*cases(), *(network(seed) for seed in range(12))]:
        onnx.save(model, str(folder / f"{name}.onnx"))
        output, exact = doubled(model, inputs, output)
        for n, array in enumerate(inputs):
            np.save(folder / f"{name}.in{n}.npy", array.astype(np.float64) if array.dtype.kind == "f" else array)
        np.save(folder / f"{name}.out.npy", output.astype(np.float64))
        names.append([name, exact])
    (folder / "names.json").write_text(json.dumps(names))


main(pathlib.Path(sys.argv[1]))
