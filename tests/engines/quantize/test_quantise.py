"""Eight bits: the same bytes each time, the same numbers in each spelling, and harmful layers left out."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import onnx
import pytest

from engines import int8
from engines.quantize import partial
from engines.quantize.cost import BudgetMissed
from engines.quantize.order import Order, Quantised, quantise
from engines.quantize.pictures import Picture
from engines.quantize.spelling import Target, table
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.backends.openvino import OpenVinoBackend
from inference.errors import EngineError, InputRefused, JobCancelled
from inference.result import Precision, Progress

LAYERS = ("first", "second", "third", "y")


def read_table(text: str) -> dict[str, float]:
    """Tensor -> scale, as a calibrator reads it."""
    rows = (line.rpartition(": ") for line in text.splitlines()[1:] if line)
    return {name: float(struct.unpack(">f", bytes.fromhex(digits))[0]) for name, _, digits in rows}


def made(net: Path, pool: list[Picture], **how: object) -> Quantised:
    return quantise(Order(net, **how), pool, net.with_name("int8.onnx"))  # type: ignore[arg-type]


def ask(file: Path, picture: Picture, precision: Precision = Precision.INT8) -> np.ndarray:
    return OnnxRuntimeBackend(1, optimise=False).load(file, precision, "CPU").infer(picture.feed)["y"]


def test_the_same_order_gives_the_same_bytes_and_other_pictures_others(net: Path, pool: list[Picture]) -> None:
    first, again = made(net, pool), made(net, pool)
    assert first.sha256 == again.sha256
    assert first.calibrated == 20
    assert first.int8_layers == 4
    assert made(net, pool[:3]).sha256 != first.sha256


def test_both_spellings_give_the_same_numbers_bit_for_bit(net: Path, pool: list[Picture]) -> None:
    plain = made(net, pool)
    signed = quantise(Order(net, Target.TENSORRT), pool, net.with_name("signed.onnx"))
    assert signed.sha256 != plain.sha256
    for picture in pool[:4]:
        np.testing.assert_array_equal(ask(signed.file, picture), ask(plain.file, picture))
    stored = {one.name: one for one in onnx.load(signed.file).graph.initializer}
    zeros = [onnx.numpy_helper.to_array(one) for name, one in stored.items() if name.endswith(".zero")]
    assert all(zero.dtype == np.int8 and not zero.any() for zero in zeros)
    unsigned = [one for one in onnx.load(plain.file).graph.initializer if one.data_type == onnx.TensorProto.UINT8]
    assert unsigned


@pytest.mark.parametrize("target", [Target.OPENVINO, Target.TENSORRT])
def test_openvino_reads_the_unsigned_spelling_and_onnx_runtime_both(
    net: Path, pool: list[Picture], target: Target
) -> None:
    file = quantise(Order(net, target, budget=1.0), pool, net.with_name("int8.onnx")).file
    strict = ask(file, pool[0])
    optimised = OnnxRuntimeBackend(1).load(file, Precision.INT8, "CPU").infer(pool[0].feed)["y"]
    assert np.sqrt(np.mean((optimised - strict) ** 2)) < 5e-3 * np.ptp(strict)
    if target is Target.OPENVINO:
        fast = OpenVinoBackend(1).load(file, Precision.INT8, "CPU").infer(pool[0].feed)["y"]
        assert np.sqrt(np.mean((fast - strict) ** 2)) < 5e-3 * np.ptp(strict)


def test_exactly_the_harmful_layer_is_left_out(net: Path, pool: list[Picture]) -> None:
    every = made(net, pool)
    spared = made(net, pool, budget=2.0)
    assert spared.before is not None
    assert spared.after is not None
    assert spared.before > 4.0
    assert spared.after <= 2.0
    assert [cost.layer for cost in spared.layers if cost.left_out] == ["second"]
    assert spared.layers[0].layer == "second"
    assert spared.layers[0].points > 4 * spared.layers[1].points
    assert {cost.layer for cost in spared.layers} == set(LAYERS)
    assert partial.layers(onnx.load(spared.file)) == ("first", "third", "y")
    assert (every.int8_layers, spared.int8_layers) == (4, 3)
    truth = ask(net, pool[1], Precision.FP32)
    error = np.sqrt(np.mean((ask(spared.file, pool[1]) - truth) ** 2)) / np.ptp(truth)
    assert error < 0.02
    assert made(net, pool, budget=2.0).sha256 == spared.sha256


def test_a_budget_that_nothing_keeps_is_refused_and_nothing_is_written(net: Path, pool: list[Picture]) -> None:
    with pytest.raises(BudgetMissed, match="no part of the model stays within"):
        made(net, pool, budget=1e-6)
    assert not net.with_name("int8.onnx").exists()


def test_a_generous_budget_leaves_every_layer_in_eight_bits(net: Path, pool: list[Picture]) -> None:
    found = made(net, pool, budget=99.0)
    assert found.int8_layers == 4
    assert found.before == found.after


@pytest.fixture
def both(net: Path, pool: list[Picture], tmp_path: Path) -> tuple[onnx.ModelProto, onnx.ModelProto]:
    """The int8 graph and its source."""
    np.savez(tmp_path / "vector.npz", x=np.stack([picture.feed["x"] for picture in pool]))
    int8.write(net, tmp_path / "vector.npz", tmp_path / "whole.onnx")
    return onnx.load(tmp_path / "whole.onnx"), onnx.load(net)


def test_without_all_layers_the_graph_is_the_fp32_one_again(both, net, pool, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    whole = partial.without(*both, LAYERS)
    assert not {"QuantizeLinear", "DequantizeLinear"} & {node.op_type for node in whole.graph.node}
    onnx.save(whole, tmp_path / "again.onnx")
    again = ask(tmp_path / "again.onnx", pool[0], Precision.FP32)
    np.testing.assert_array_equal(again, ask(net, pool[0], Precision.FP32))


@pytest.mark.parametrize("layer", LAYERS)
def test_one_layer_takes_with_it_only_what_rounds_for_it(both, layer: str) -> None:  # type: ignore[no-untyped-def]
    one = partial.without(*both, {layer})
    assert partial.layers(one) == tuple(name for name in LAYERS if name != layer)
    inputs = {node.output[0]: list(node.input) for node in one.graph.node}
    source = {node.output[0]: list(node.input) for node in both[1].graph.node}
    assert inputs[layer] == source[layer]
    assert (inputs["third.n"][0] == "third") == (layer == "third")
    assert (inputs["both"] == source["both"]) == (layer == "y")
    onnx.checker.check_model(one)


def test_a_layer_that_is_not_there_is_an_error(both) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(EngineError, match="The layer ghost"):
        partial.without(*both, {"ghost"})


def test_the_table_holds_every_tensor_with_one_scale_for_what_is_joined(net: Path, pool: list[Picture]) -> None:
    found = quantise(Order(net, Target.DLA, tensorrt="8.5.1"), pool, net.with_name("dla.onnx"))
    assert found.table == net.with_name("dla.calibration")
    assert found.file.read_bytes() == net.read_bytes()
    text = found.table.read_text()
    assert text.splitlines()[0] == "TRT-8501-EntropyCalibration2"
    scales = read_table(text)
    assert set(scales) == {"x", "first", "second", "second.a", "third", "third.n", "third.a", "third.b", "both", "y"}
    assert scales["third.a"] == scales["third.b"] == scales["both"]
    most = max(float(np.abs(picture.feed["x"]).max()) for picture in pool)
    assert scales["x"] == pytest.approx(most / 127, rel=1e-6)
    largest = max(float(np.abs(ask(net, picture, Precision.FP32)).max()) for picture in pool)
    assert scales["y"] == pytest.approx(largest / 127, rel=1e-6)


def test_a_layer_left_out_has_no_scale_in_the_table(net: Path, pool: list[Picture]) -> None:
    found = quantise(Order(net, Target.DLA, budget=2.0), pool, net.with_name("dla.onnx"))
    assert found.table is not None
    assert "second" not in read_table(found.table.read_text())


@pytest.mark.parametrize(("version", "number"), [("8.5.2", "8502"), ("8.6.2", "8602"), ("10.3.0", "100300")])
def test_the_table_names_its_version_as_tensorrt_does(
    net: Path, pool: list[Picture], version: str, number: str
) -> None:
    assert table(onnx.load(net), [pool[0].feed], version).startswith(f"TRT-{number}-EntropyCalibration2\n")
    with pytest.raises(InputRefused, match="not a version"):
        table(onnx.load(net), [pool[0].feed], "newest")


def test_an_int8_graph_is_no_source_and_a_stopped_order_leaves_nothing(net: Path, pool: list[Picture]) -> None:
    done = made(net, pool)
    with pytest.raises(InputRefused, match="not an fp32 graph"):
        quantise(Order(done.file), pool, net.with_name("twice.onnx"))
    with pytest.raises(JobCancelled):
        quantise(Order(net), pool, net.with_name("stopped.onnx"), cancelled=lambda: True)
    asked = iter([False, False, True])
    with pytest.raises(JobCancelled):
        quantise(Order(net, budget=2.0), pool, net.with_name("stopped.onnx"), cancelled=lambda: next(asked))
    assert not net.with_name("stopped.onnx").exists()


def test_progress_counts_layers(net: Path, pool: list[Picture]) -> None:
    told: list[Progress] = []
    quantise(Order(net, budget=99.0), pool, net.with_name("int8.onnx"), told.append)
    assert [one.done for one in told if one.stage == "layers"] == [0, 1, 2, 3]
