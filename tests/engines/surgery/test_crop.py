"""Another spelling of a transposed convolution, the same answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from engines.library import find
from engines.surgery.fold import folded
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.result import Precision
from tests.engines.surgery.conftest import graph

LIMIT = 5e-6


def answer(model: onnx.ModelProto, feed: np.ndarray, folder: Path) -> np.ndarray:
    file = folder / "net.onnx"
    onnx.save(model, file)
    engine = OnnxRuntimeBackend(threads=1, optimise=False).load(file, Precision.FP32, "CPU")
    try:
        return next(iter(engine.infer({model.graph.input[0].name: feed}).values()))
    finally:
        engine.close()


def ops(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def same(model: onnx.ModelProto, made: onnx.ModelProto, shape: tuple[int, ...], folder: Path) -> bool:
    onnx.checker.check_model(made, full_check=True)
    feed = np.random.default_rng(7).standard_normal(shape).astype(np.float32)
    before, after = answer(model, feed, folder), answer(made, feed, folder)
    return bool(np.abs(before - after).max() <= LIMIT * np.ptp(before))


def raised(out: int, cuts: list[dict[str, Any]], size: int = 4, bias: bool = True, **words: Any) -> onnx.ModelProto:
    """A transposed convolution of kernel 4 with slices behind it: each `starts`, `ends`, `axes`, perhaps `steps`."""
    rng, weights = np.random.default_rng(out), {}
    weights["w"] = rng.standard_normal((6, out, 4, 4)).astype(np.float32)
    weights["b"] = rng.standard_normal(out).astype(np.float32)
    last = "y" if not cuts else "t0"
    nodes = [helper.make_node("ConvTranspose", ["x", "w", *["b"] * bias], [last], **({"strides": [2, 2]} | words))]
    for place, cut in enumerate(cuts):
        bounds = [f"{name}{place}" for name in cut]
        weights |= {f"{name}{place}": np.asarray(values, np.int64) for name, values in cut.items()}
        end = "y" if place == len(cuts) - 1 else f"t{place + 1}"
        nodes.append(helper.make_node("Slice", [f"t{place}", *bounds], [end]))
    return graph(nodes, weights, shape=(1, 6, size, size + 1))


@given(
    out=st.integers(1, 8), low=st.integers(0, 2), high=st.integers(1, 3), bias=st.booleans(), margin=st.integers(0, 1)
)
@settings(max_examples=30, deadline=None)
def test_slices_become_margins(
    out: int, low: int, high: int, bias: bool, margin: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cuts = [
        {"starts": [low], "ends": [-high], "axes": [2]},
        {"starts": [1, 0], "ends": [-1, 1000], "axes": [3, 2], "steps": [1, 1]},
    ]
    model = raised(out, cuts, bias=bias, pads=[margin] * 4)
    made = folded(model)
    assert ops(made)[0] in ("ConvTranspose", "Conv")
    assert "Slice" not in ops(made) or ops(made)[0] == "Conv"
    assert same(model, made, (1, 6, 4, 5), tmp_path_factory.getbasetemp())


MARGINS = [{"starts": [1, 1], "ends": [-1, -1], "axes": [2, 3]}]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("out", [1, 3, 4])
def test_few_outputs_become_phases(out: int, bias: bool, tmp_path: Path) -> None:
    model = raised(out, MARGINS, bias=bias)
    made = folded(model)
    assert ops(made) == ["Conv", "DepthToSpace", "Slice"]
    assert same(model, made, (1, 6, 4, 5), tmp_path)


def test_many_outputs_keep_their_form(tmp_path: Path) -> None:
    made = folded(raised(5, MARGINS))
    assert ops(made) == ["ConvTranspose"]
    assert helper.get_attribute_value(made.graph.node[0].attribute[-1]) == [1] * 4
    assert same(raised(5, MARGINS), made, (1, 6, 4, 5), tmp_path)


@pytest.mark.parametrize(
    "cut",
    [
        {"starts": [1], "ends": [100], "axes": [1]},
        {"starts": [0], "ends": [100], "axes": [2], "steps": [2]},
    ],
    ids=["channels", "every second row"],
)
def test_other_slices_stay(cut: dict[str, Any]) -> None:
    assert ops(folded(raised(5, [cut]))) == ["ConvTranspose", "Slice"]


@pytest.mark.parametrize("words", [{"strides": [1, 1]}, {"pads": [0] * 4}, {"dilations": [2, 2]}])
def test_other_forms_are_no_phases(words: dict[str, Any]) -> None:
    assert ops(folded(raised(2, [], **({"pads": [1] * 4} | words)))) == ["ConvTranspose"]


def test_the_shipped_generator_loses_its_slices(tmp_path: Path) -> None:
    bundle = find("ct-to-mri")
    model = onnx.load(bundle.model)
    made = folded(model)
    assert ops(made).count("Slice") == 1 < ops(model).count("Slice")
    shape = tuple(dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim)
    assert same(model, made, shape, tmp_path)
