"""A parsed network of the stand-in: layers and tensors made from ONNX nodes, and the rules that a builder checks."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from standin.module import native
from standin.world import World

KINDS = {
    "Conv": "CONVOLUTION",
    "ConvTranspose": "DECONVOLUTION",
    "Relu": "ACTIVATION",
    "LeakyRelu": "ACTIVATION",
    "Tanh": "ACTIVATION",
    "Sigmoid": "ACTIVATION",
    "MaxPool": "POOLING",
    "Concat": "CONCATENATION",
    "Add": "ELEMENTWISE",
    "Mul": "ELEMENTWISE",
    "Min": "ELEMENTWISE",
    "BatchNormalization": "SCALE",
    "Resize": "RESIZE",
    "Constant": "CONSTANT",
    "Slice": "SLICE",
    "MatMul": "MATRIX_MULTIPLY",
    "Log": "UNARY",
    "Neg": "UNARY",
    "Softplus": "ACTIVATION",
    "Flatten": "SHUFFLE",
    "Reshape": "SHUFFLE",
    "Squeeze": "SHUFFLE",
    "Unsqueeze": "SHUFFLE",
    "Cast": "CAST",
    "Identity": "IDENTITY",
    "QuantizeLinear": "QUANTIZE",
    "DequantizeLinear": "DEQUANTIZE",
    "InstanceNormalization": "NORMALIZATION",
}
ON_DLA = (
    "CONVOLUTION",
    "DECONVOLUTION",
    "ACTIVATION",
    "POOLING",
    "ELEMENTWISE",
    "CONCATENATION",
    "SLICE",
    "SCALE",
    "RESIZE",
)
DTYPES = {TensorProto.FLOAT: "FLOAT", TensorProto.FLOAT16: "HALF", TensorProto.INT8: "INT8", TensorProto.UINT8: "UINT8"}


class Parsed:
    """The content of an INetworkDefinition."""

    def __init__(self, content: bytes, world: World, native_norms: bool, strong: bool) -> None:
        self.model = onnx.shape_inference.infer_shapes(onnx.load_from_string(content))
        onnx.checker.check_model(self.model)
        self.world = world
        self.strong = strong
        graph = self.model.graph
        self.weights = {tensor.name: tensor for tensor in graph.initializer}
        self.values = {value.name: value for value in (*graph.input, *graph.value_info, *graph.output)}
        self.tensors: dict[str, object] = {}
        self.inputs = [self.tensor(value.name) for value in graph.input if value.name not in self.weights]
        self.outputs = [self.tensor(value.name) for value in graph.output]
        # What is constant becomes weights of the layer that reads it.
        nodes = [node for node in graph.node if node.op_type != "Constant"]
        self.layers = [self._layer(index, node, native_norms) for index, node in enumerate(nodes)]

    def complaints(self) -> list[str]:
        """What the real parser would refuse."""
        found = []
        for node in self.model.graph.node:
            if node.op_type not in KINDS:
                found.append(f"No importer registered for op: {node.op_type}")
            if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
                zero = numpy_helper.to_array(self.weights[node.input[2]])
                if zero.dtype != np.int8 or zero.any():
                    found.append(f"{node.name}: TensorRT only supports symmetric quantization")
        return found

    def tensor(self, name: str) -> object:
        if name not in self.tensors:
            proto = self.values[name].type.tensor_type
            self.tensors[name] = native(
                self.world,
                "ITensor",
                name=name,
                shape=tuple(dim.dim_value for dim in proto.shape.dim),
                dtype=getattr(self.world.classes["DataType"], DTYPES[proto.elem_type]),
                allowed_formats=1,
                reach=None,
            )
        return self.tensors[name]

    def _layer(self, index: int, node: onnx.NodeProto, native_norms: bool) -> object:
        kind = KINDS.get(node.op_type, "IDENTITY")
        if kind == "NORMALIZATION" and not native_norms:
            kind = "PLUGIN_V2"
        return native(
            self.world,
            "ILayer",
            name=node.name or f"(Unnamed Layer* {index}) [{node.op_type}]",
            type=getattr(self.world.classes["LayerType"], kind),
            num_outputs=len(node.output),
            num_inputs=sum(name not in self.weights for name in node.input),
            node=node,
            parsed=self,
            types={},
        )

    def may_run_on_dla(self, layer: object) -> bool:
        """What the builder answers beforehand; for Q/DQ layers that is not known, so the worst is taken."""
        return layer.type.name in ON_DLA and self.runs_on_dla(layer)

    def runs_on_dla(self, layer: object) -> bool:
        """What the build does in the end."""
        if layer.type.name not in (*ON_DLA, "QUANTIZE", "DEQUANTIZE"):
            return False
        return all(len(self.tensor(name).shape) == 4 for name in layer._node.output)


def quantised(model: onnx.ModelProto, reaches: dict[str, float]) -> onnx.ModelProto:
    """The model computing in 8 bits where ranges are known: each such tensor is rounded before it is read."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    graph = made.graph
    nodes = []
    for name, reach in reaches.items():
        graph.initializer.append(numpy_helper.from_array(np.float32(reach / 127), f"{name}__step"))
        graph.initializer.append(numpy_helper.from_array(np.int8(0), f"{name}__nought"))
        known = [f"{name}__step", f"{name}__nought"]
        nodes.append(onnx.helper.make_node("QuantizeLinear", [name, *known], [f"{name}__q"]))
        nodes.append(onnx.helper.make_node("DequantizeLinear", [f"{name}__q", *known], [f"{name}__d"]))
    for node in graph.node:
        node.input[:] = [f"{name}__d" if name in reaches else name for name in node.input]
    ordered = _ordered([*nodes, *graph.node], {value.name for value in (*graph.input, *graph.initializer)})
    del graph.node[:]
    graph.node.extend(ordered)
    return made


def _ordered(nodes: list, known: set[str]) -> list:
    """Nodes after what they read."""
    done, left = [], list(nodes)
    while left:
        ready = next(node for node in left if set(node.input) <= known | {""})
        left.remove(ready)
        known |= set(ready.output)
        copy = onnx.NodeProto()
        copy.CopyFrom(ready)
        done.append(copy)
    return done
