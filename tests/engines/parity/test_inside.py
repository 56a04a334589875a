"""Bisection names the layer that was changed, whatever lies between it and the outputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from engines import half, int8
from engines.parity.inside import Inside, evenly
from engines.parity.proof import beyond
from engines.parity.step import Run, Stored
from inference.errors import EngineError
from inference.result import Precision

LAYERS = ("stem", "down", "deep", "up", "join", "left", "right")


@pytest.mark.parametrize("layer", LAYERS)
def test_the_one_layer_whose_weight_was_changed_is_named(nets, step_of, feed, layer: str) -> None:  # type: ignore[no-untyped-def]
    inside = Inside(step_of(nets()), step_of(nets(layer, 0.5)))
    found = inside.search(feed, lambda numbers: beyond(numbers, Precision.FP32))
    assert found.first is not None
    assert found.first.name == f"conv {layer}"
    assert found.first.numbers.max_rel > 1e-3


def test_equal_graphs_part_nowhere(nets, step_of, feed) -> None:  # type: ignore[no-untyped-def]
    found = Inside(step_of(nets()), step_of(nets())).search(feed, lambda numbers: beyond(numbers, Precision.FP32))
    assert found.first is None
    assert all(layer.numbers.max_abs == 0 for layer in found.seen)


def test_a_half_precision_graph_is_read_through_its_own_names(nets, step_of, feed, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    half.write(nets(), tmp_path / "half.onnx")
    inside = Inside(step_of(nets()), step_of(tmp_path / "half.onnx", Precision.FP16))
    errors = [layer.numbers.rms_rel for layer in inside.look(feed, ["stem", "deep", "join"])]
    assert all(1e-6 < error < 2e-3 for error in errors)


def test_a_wrecked_scale_is_found_at_the_layer_that_reads_it(  # type: ignore[no-untyped-def]
    nets, step_of: Callable[..., Run], feed, tmp_path: Path
) -> None:
    np.savez(tmp_path / "vector.npz", **feed)
    int8.write(nets(), tmp_path / "vector.npz", tmp_path / "int8.onnx")
    assert _first_fault(nets, step_of, feed, tmp_path / "int8.onnx") is None
    _scale(tmp_path / "int8.onnx", "x.scale", 400.0)
    assert _first_fault(nets, step_of, feed, tmp_path / "int8.onnx") == "conv stem"


def _first_fault(nets, step_of, feed, file: Path) -> str | None:  # type: ignore[no-untyped-def]
    inside = Inside(step_of(nets()), step_of(file, Precision.INT8))
    first = inside.search(feed, lambda numbers: beyond(numbers, Precision.INT8)).first
    return None if first is None else first.name


def _scale(file: Path, name: str, factor: float) -> None:
    model = onnx.load(file)
    (held,) = (weight for weight in model.graph.initializer if weight.name == name)
    held.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(held) * np.float32(factor), name))
    onnx.save(model, file)


def test_a_step_without_a_graph_cannot_be_looked_into(nets, step_of) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(EngineError, match="no graph"):
        Inside(Stored([]), step_of(nets()))


def test_marks_are_spread_and_never_too_many() -> None:
    names = [str(n) for n in range(100)]
    assert evenly(names, 4) == ["20", "40", "60", "80"]
    assert evenly(names[:3], 4) == names[:3]
