"""Detectors that truly find a bright square: real graphs, whose arithmetic is written down node by node.

Every one looks for the first and last row and column above half of white, and writes that box in its style.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CLASSES = ("other", "square")
BOXES = 300


class Sheet:
    """Nodes and constants, one after the other."""

    def __init__(self, size: tuple[int, int], white: float) -> None:
        self.size, self.white = size, white
        self.nodes: list[Any] = []
        self.stored: list[Any] = []

    def put(self, values: Any) -> str:
        name = f"c{len(self.stored)}"
        array = np.asarray(values)
        self.stored.append(
            numpy_helper.from_array(array.astype(np.int64 if array.dtype.kind == "i" else np.float32), name)
        )
        return name

    def do(self, kind: str, *given: Any, **words: Any) -> str:
        name = f"n{len(self.nodes)}"
        names = [one if isinstance(one, str) else self.put(one) for one in given]
        self.nodes.append(helper.make_node(kind, names, [name], **words))
        return name

    def square(self) -> tuple[str, str]:
        """[1, 4, 1] of x0, y0, x1, y1 in pixel edges, and [1, 1, 1] of 1 where there is a square, else 0."""
        grey = self.do("Slice", "images", np.array([0]), np.array([1]), np.array([1]))
        bright = self.do("Cast", self.do("Greater", grey, self.white / 2), to=TensorProto.FLOAT)
        edges = []
        for axis, length in ((3, self.size[1]), (2, self.size[0])):
            line = self.do("ReduceMax", bright, axes=[5 - axis], keepdims=1)
            line = self.do("Reshape", line, np.array([1, 1, length]))
            ramp = np.arange(length, dtype=np.float32)
            last = self.do("ReduceMax", self.do("Mul", line, ramp + 1), axes=[2], keepdims=1)
            first = self.do(
                "Sub", float(length), self.do("ReduceMax", self.do("Mul", line, length - ramp), axes=[2], keepdims=1)
            )
            edges.append((first, last))
        (x0, x1), (y0, y1) = edges
        there = self.do("Reshape", self.do("ReduceMax", bright, axes=[1, 2, 3], keepdims=1), np.array([1, 1, 1]))
        return self.do("Concat", x0, y0, x1, y1, axis=1), there

    def centred(self, box: str) -> str:
        """cx, cy, w, h; sides of at least one pixel."""
        low = self.do("Slice", box, np.array([0]), np.array([2]), np.array([1]))
        high = self.do("Slice", box, np.array([2]), np.array([4]), np.array([1]))
        middle = self.do("Mul", self.do("Add", low, high), 0.5)
        return self.do("Concat", middle, self.do("Max", self.do("Sub", high, low), 1.0), axis=1)

    def write(self, file: Path, out: tuple[int, ...], planes: int = 3, metadata: dict[str, str] | None = None) -> Path:
        last = self.nodes[-1].output[0]
        self.nodes.append(helper.make_node("Identity", [last], ["output0"]))
        picture = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, planes, *self.size])
        answer = helper.make_tensor_value_info("output0", TensorProto.FLOAT, list(out))
        graph = helper.make_graph(self.nodes, "finder", [picture], [answer], self.stored)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        helper.set_model_props(model, metadata or {})
        onnx.save(model, file)
        return file


def cells_of(size: tuple[int, int]) -> np.ndarray:
    """[cells, 3] of column, row and stride, in the order in which YOLOX stacks its maps."""
    found = [(c, r, s) for s in (8, 16, 32) for r in range(size[0] // s) for c in range(size[1] // s)]
    return np.array(found, dtype=np.float32)


def yolov8(file: Path, size: tuple[int, int], **words: Any) -> Path:
    """One box in the first cell; centre, size and probabilities."""
    sheet, count = Sheet(size, 1.0), len(cells_of(size))
    box, there = sheet.square()
    column = sheet.do("Concat", sheet.centred(box), sheet.do("Mul", there, 0.1), sheet.do("Mul", there, 0.9), axis=1)
    sheet.do("Pad", column, np.array([0, 0, 0, 0, 0, count - 1]), 0.0)
    return sheet.write(file, (1, 6, count), **words)


def corners(file: Path, size: tuple[int, int], **words: Any) -> Path:
    """As yolov8, but corners; every cell writes a box round itself, the first the square's."""
    sheet, grid = Sheet(size, 1.0), cells_of(size)
    box, there = sheet.square()
    middle = (grid[:, :2] + 0.5) * grid[:, 2:]
    own = np.concatenate([middle - 4, middle + 4], axis=1).T[None]
    first = sheet.do("Concat", box, sheet.do("Mul", there, 0.1), sheet.do("Mul", there, 0.9), axis=1)
    rest = np.concatenate([own, np.zeros((1, 2, len(grid)))], axis=1)[..., 1:]
    sheet.do("Concat", first, rest, axis=2)
    return sheet.write(file, (1, 6, len(grid)), **words)


def yolox(file: Path, size: tuple[int, int], decoded: bool = False, **words: Any) -> Path:
    """The same box from every cell, as its offset and log size there; some are surer than others."""
    sheet, grid = Sheet(size, 255.0), cells_of(size)
    box, there = sheet.square()
    row = sheet.do("Transpose", sheet.centred(box), perm=[0, 2, 1])
    middle = sheet.do("Slice", row, np.array([0]), np.array([2]), np.array([2]))
    sides = sheet.do("Slice", row, np.array([2]), np.array([4]), np.array([2]))
    step = grid[None, :, 2:]
    offset = sheet.do("Sub", sheet.do("Div", middle, step), grid[None, :, :2])
    share = sheet.do("Mul", there, np.linspace(0.9, 0.5, len(grid))[None, :, None])
    kinds = np.tile([[[0.1, 1.0]]], (1, len(grid), 1))
    if decoded:
        away = sheet.do("Mul", grid[None, :, :2] * step, 1.0)
        far = sheet.do("Mul", sheet.do("Sub", middle, away), 1e-6)
        sheet.do("Concat", sheet.do("Add", away, far), np.full((1, len(grid), 2), 8.0), share, kinds, axis=2)
    else:
        sheet.do("Concat", offset, sheet.do("Log", sheet.do("Div", sides, step)), share, kinds, axis=2)
    return sheet.write(file, (1, len(grid), 7), **words)


def end_to_end(file: Path, size: tuple[int, int], **words: Any) -> Path:
    """One row of corners, probability and class; the others are zeros."""
    sheet = Sheet(size, 1.0)
    box, there = sheet.square()
    row = sheet.do("Transpose", box, perm=[0, 2, 1])
    whole = sheet.do("Concat", row, sheet.do("Mul", there, 0.9), np.ones((1, 1, 1)), axis=2)
    sheet.do("Pad", whole, np.array([0, 0, 0, 0, BOXES - 1, 0]), 0.0)
    return sheet.write(file, (1, BOXES, 6), **words)


STYLES: dict[str, Callable[..., Path]] = {"yolov8": yolov8, "yolox": yolox, "end-to-end": end_to_end}
