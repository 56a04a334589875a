"""Node by node, what a deep learning accelerator takes: the networks made for one, and two that are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper, shape_inference
from torch import nn

from engines.architectures.cell_cnn import CellCnn
from engines.architectures.compressed_unet import CompressedUNet
from engines.architectures.detector import GridDetector
from engines.architectures.mobile_unet import MobileUNet
from engines.architectures.organ_unet import OrganUNet
from engines.architectures.pix2pix import Form, Generator
from engines.architectures.prostate_vnet import ProstateVNet
from engines.training.export import to_onnx

PLAIN = {"Relu", "Sigmoid", "Tanh", "LeakyRelu", "BatchNormalization", "Add", "Constant", "Identity"}
NEAREST, LINEAR = ("nearest", "asymmetric", "floor"), ("linear", "half_pixel")


class Graph:
    """A graph with its shapes and constants."""

    def __init__(self, file: Path) -> None:
        model = shape_inference.infer_shapes(onnx.load(file), strict_mode=True, data_prop=True)
        self.nodes = model.graph.node
        values = (*model.graph.input, *model.graph.value_info, *model.graph.output)
        self.shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in values}
        self.constants = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
        for node in self.nodes:
            if node.op_type == "Constant":
                self.constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
            elif node.op_type == "Identity" and node.input[0] in self.constants:
                self.constants[node.output[0]] = self.constants[node.input[0]]

    def broken(self) -> set[str]:
        """Operations with a node that an accelerator would hand to the GPU."""
        return {node.op_type for node in self.nodes if not self._taken(node)}

    def _taken(self, node: Any) -> bool:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        if any(len(self.shapes[name]) != 4 for name in node.input if name and name not in self.constants):
            return False
        return node.op_type in PLAIN or bool(getattr(self, f"_{node.op_type.lower()}", _refused)(node, attributes))

    def _conv(self, node: Any, of: dict[str, Any]) -> bool:
        pads, kernel = of.get("pads", [0] * 4), of["kernel_shape"]
        return (
            all(1 <= n <= 32 for n in kernel)
            and max(pads) < min(*kernel, 32)
            and all(1 <= n <= 8 for n in of["strides"])
            and max(self.constants[node.input[1]].shape[:2]) <= 8192
        )

    def _convtranspose(self, _node: Any, of: dict[str, Any]) -> bool:
        even = not any(of.get("pads", [0])) and not any(of.get("output_padding", [0]))
        return even and of["group"] == 1 and set(of["dilations"]) == {1} and max(of["kernel_shape"]) < 23

    def _maxpool(self, _node: Any, of: dict[str, Any]) -> bool:
        return max(of["kernel_shape"]) <= 8 and max(of["pads"]) <= 7 and max(of["strides"]) <= 16

    _averagepool = _maxpool

    def _concat(self, node: Any, of: dict[str, Any]) -> bool:
        return of["axis"] == 1 and len({tuple(self.shapes[name][2:]) for name in node.input}) == 1

    def _resize(self, node: Any, of: dict[str, Any]) -> bool:
        form = tuple(of[name].decode() for name in ("mode", "coordinate_transformation_mode", "nearest_mode"))
        scales = self.constants[node.input[2]]
        known = form == NEAREST or form[:2] == LINEAR
        return known and len(node.input) == 3 and scales.tolist() == [1, 1, 2, 2]

    def _slice(self, node: Any, _of: dict[str, Any]) -> bool:
        _, _, axes, steps = (self.constants[name] for name in node.input[1:])
        return 0 not in axes and set(steps.tolist()) == {1}

    def _clip(self, node: Any, _of: dict[str, Any]) -> bool:
        low, high = (float(self.constants[name]) for name in node.input[1:])
        return low == 0 and 1 <= high <= 127

    def _softmax(self, node: Any, of: dict[str, Any]) -> bool:
        """In half precision, on Orin; not on Xavier."""
        return of["axis"] in (1, 2, 3) and self.shapes[node.input[0]][of["axis"]] <= 1024


def _refused(_node: Any, _of: dict[str, Any]) -> bool:
    return False


def graph_of(network: nn.Module, shape: tuple[int, ...], file: Path, outputs: int = 1) -> Graph:
    names = [f"o{n}" for n in range(outputs)]
    to_onnx(network.eval(), np.zeros(shape, np.float32), ("input", names), file)
    return Graph(file)


@pytest.mark.parametrize(
    ("make", "shape", "outputs"),
    [
        (GridDetector, (1, 1, 96, 64), 3),
        (lambda: Generator(width=2, form=Form.CROP), (1, 1, 256, 256), 1),
        (lambda: Generator(width=2, form=Form.CONV), (1, 1, 256, 256), 1),
        (lambda: Generator(width=2, form=Form.SMALL), (1, 1, 256, 256), 1),
        (OrganUNet, (1, 1, 32, 32), 1),
        (MobileUNet, (1, 4, 32, 32), 1),
        (ProstateVNet, (1, 1, 32, 32), 1),
        (lambda: CellCnn(4, (48, 64)), (1, 3, 48, 64), 1),
    ],
)
def test_nothing_falls_back(make: Callable[[], nn.Module], shape: tuple[int, ...], outputs: int, tmp_path) -> None:  # type: ignore[no-untyped-def]
    assert graph_of(make(), shape, tmp_path / "m.onnx", outputs).broken() == set()


def test_the_padded_generator_falls_back_at_its_transposed_convolutions(tmp_path: Path) -> None:
    network = Generator(width=2, form=Form.ORIGINAL)
    assert graph_of(network, (1, 1, 256, 256), tmp_path / "m.onnx").broken() == {"ConvTranspose"}


def test_group_norm_falls_back(tmp_path: Path) -> None:
    network = CompressedUNet(widths=(8, 8))
    found = graph_of(network, (1, 4, 16, 16), tmp_path / "m.onnx").broken()
    assert {"InstanceNormalization", "Reshape"} <= found <= {"InstanceNormalization", "Reshape", "Mul"}
