from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines import half
from engines.derive import model_for
from engines.library import find
from inference import cache
from inference.backends import graph
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.errors import EngineError, PrecisionAbsent
from inference.host.cost import cost_of
from inference.result import Precision


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("INSULA_CACHE", str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.fixture
def derive(small_bundle):
    return lambda precision: model_for(small_bundle.model, small_bundle.sha256, precision, small_bundle.vector)


def nodes_of(path):
    return {node.output[0]: node for node in onnx.load(path).graph.node}


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.BF16])
def test_fp32_and_bf16_are_the_bundles_own_file(small_bundle, derive, store, precision):
    assert derive(precision) == small_bundle.model
    assert not store.exists()


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.BF16, Precision.FP16])
def test_the_reference_runs_the_bundles_own_numbers(small_bundle, derive, precision):
    found = model_for(small_bundle.model, small_bundle.sha256, precision, small_bundle.vector, "onnxruntime")
    assert found == derive(precision)


def test_one_folded_graph_serves_fp32_and_bf16():
    """The shipped U-Net, whose upsamplings can be folded; half precision keeps its own form."""
    bundle = find("stroke-lesion")

    def graph_of(precision: Precision, backend: str) -> Path:
        return model_for(bundle.model, bundle.sha256, precision, bundle.vector, backend)

    whole = graph_of(Precision.FP32, "openvino")
    assert whole == graph_of(Precision.BF16, "openvino") != bundle.model
    assert graph.read(whole) == graph.read(bundle.model)
    assert cost_of(whole).macs < 0.9 * cost_of(bundle.model).macs
    assert graph_of(Precision.FP16, "openvino") == graph_of(Precision.FP16, "onnxruntime")
    stamp = whole.stat().st_mtime_ns
    assert graph_of(Precision.FP32, "openvino").stat().st_mtime_ns == stamp


@pytest.mark.parametrize("precision", [Precision.FP16, Precision.INT8])
def test_a_graph_is_derived_once_and_keeps_its_border(small_bundle, derive, precision):
    path = derive(precision)
    stamp = path.stat().st_mtime_ns
    assert derive(precision) == path
    assert path.stat().st_mtime_ns == stamp
    before, after = graph.read(small_bundle.model), graph.read(path)
    assert (after.inputs, after.outputs) == (before.inputs, before.outputs)
    assert after.precision is precision
    onnx.checker.check_model(onnx.load(path), full_check=True)


@pytest.mark.parametrize("precision", [Precision.FP16, Precision.INT8])
def test_the_same_bytes_every_time(derive, precision, store, monkeypatch, tmp_path):
    first = derive(precision).read_bytes()
    monkeypatch.setenv("INSULA_CACHE", str(tmp_path / "other"))
    second = derive(precision)
    assert second.is_relative_to(tmp_path / "other")
    assert second.read_bytes() == first


def test_a_corrupt_graph_is_made_again(derive):
    path = derive(Precision.FP16)
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    assert derive(Precision.FP16).read_bytes() == whole


def test_other_calibration_is_another_int8_graph(small_bundle, derive):
    first, half_graph = derive(Precision.INT8), derive(Precision.FP16)
    with np.load(small_bundle.vector) as stored:
        wider = {name: 3 * stored[name] for name in stored.files}
    np.savez(small_bundle.vector, **wider)
    assert derive(Precision.INT8) != first
    assert derive(Precision.INT8).read_bytes() != first.read_bytes()
    assert derive(Precision.FP16) == half_graph


def test_half_keeps_normalisation_in_single_precision(derive):
    path = derive(Precision.FP16)
    found = onnx.load(path)
    kinds = {weight.name: weight.data_type for weight in found.graph.initializer}
    assert kinds["first.half"] == kinds["last.half"] == kinds["bias.half"] == TensorProto.FLOAT16
    assert kinds["one"] == kinds["zero"] == kinds["scales"] == TensorProto.FLOAT
    assert not {"first", "last", "one.half"} & set(kinds)
    made = nodes_of(path)
    assert list(made["b"].input) == ["a", "one", "zero"]
    assert list(made["d.half"].input) == ["c.half", "", "scales"]
    assert made["logits"].op_type == "Cast"


def test_half_rounds_each_weight_to_the_nearest(small_bundle, derive):
    before = {w.name: numpy_helper.to_array(w) for w in onnx.load(small_bundle.model).graph.initializer}
    for weight in onnx.load(derive(Precision.FP16)).graph.initializer:
        if weight.name.endswith(".half"):
            expected = before[weight.name.removesuffix(".half")].astype(np.float16)
            np.testing.assert_array_equal(numpy_helper.to_array(weight), expected)


def test_a_tensor_read_in_both_forms_is_cast_once(tmp_path):
    """A skip connection: the convolution wants it in half precision, the two sums want it whole."""
    nodes = [
        helper.make_node("InstanceNormalization", ["x", "one", "zero"], ["a"]),
        helper.make_node("Conv", ["a", "w"], ["b"]),
        helper.make_node("Conv", ["a", "w"], ["c"]),
        helper.make_node("InstanceNormalization", ["b", "one", "zero"], ["d"]),
        helper.make_node("InstanceNormalization", ["b", "one", "zero"], ["e"]),
        helper.make_node("Sum", ["c", "d", "e"], ["y"]),
    ]
    shape = (1, 2, 4, 4)
    arrays = {"w": np.ones((2, 2, 1, 1)), "one": np.ones(2), "zero": np.zeros(2)}
    weights = [numpy_helper.from_array(values.astype(np.float32), name) for name, values in arrays.items()]
    save(tmp_path / "skip.onnx", nodes, weights, shape, shape)
    half.write(tmp_path / "skip.onnx", tmp_path / "half.onnx")
    casts = [node.output[0] for node in onnx.load(tmp_path / "half.onnx").graph.node if node.op_type == "Cast"]
    assert sorted(casts) == ["a.half", "b", "d.half", "e.half", "y"]
    given = {"x": np.random.default_rng(0).standard_normal(shape, np.float32)}
    assert np.allclose(
        ask(tmp_path / "half.onnx", Precision.FP16, given), ask(tmp_path / "skip.onnx", None, given), atol=0.02
    )


def save(path, nodes, weights, shape, answer):
    border = [helper.make_tensor_value_info(name, TensorProto.FLOAT, s) for name, s in (("x", shape), ("y", answer))]
    made = helper.make_graph(nodes, "net", border[:1], border[1:], weights)
    onnx.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)


def ask(path, precision, given):
    return OnnxRuntimeBackend().load(path, precision or Precision.FP32, "CPU").infer(given)["y"]


def test_a_weight_beyond_half_precision_is_refused_and_nothing_stays(tmp_path, store):
    heavy = numpy_helper.from_array(np.full((3, 3), 70000, np.float32), "heavy")
    path = tmp_path / "heavy.onnx"
    save(path, [helper.make_node("MatMul", ["x", "heavy"], ["y"])], [heavy], (1, 3), (1, 3))
    with pytest.raises(PrecisionAbsent, match="heavy is beyond 65504"):
        model_for(path, cache.sha256(path), Precision.FP16)
    assert [found for found in store.rglob("*") if found.is_file()] == []


def test_int8_weights_are_whole_steps_per_channel(small_bundle, derive):
    path = derive(Precision.INT8)
    stored = {w.name: numpy_helper.to_array(w) for w in onnx.load(path).graph.initializer}
    before = {w.name: numpy_helper.to_array(w) for w in onnx.load(small_bundle.model).graph.initializer}
    steps, scale = stored["first.0.q"], stored["first.0.scale"]
    assert steps.dtype == np.int8
    assert scale.shape == (4,)
    assert (np.abs(steps).reshape(4, -1).max(axis=1) == 127).all()
    spread = scale.reshape(4, 1, 1, 1, 1)
    assert (np.abs(steps * spread - before["first"]) <= 0.5001 * spread).all()
    assert "first" not in stored


def test_int8_ranges_cover_every_sample(small_bundle, derive):
    stored = {w.name: numpy_helper.to_array(w) for w in onnx.load(derive(Precision.INT8)).graph.initializer}
    with np.load(small_bundle.vector) as vector:
        most = np.abs(vector["input"]).max()
    assert float(stored["input.scale"]) == pytest.approx(most / 127, rel=1e-6)
    assert stored["input.zero"] == np.uint8(128)


def test_one_weight_and_one_tensor_read_twice_are_quantised_once(tmp_path):
    weight = numpy_helper.from_array(np.eye(3, dtype=np.float32), "w")
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("Gemm", ["x", "w"], ["b"], transB=1),
        helper.make_node("MatMul", ["x", "w"], ["c"]),
        helper.make_node("Sum", ["a", "b", "c"], ["y"]),
    ]
    path, given = tmp_path / "twice.onnx", np.asarray([[1.0, -0.5, 0.25]], np.float32)
    save(path, nodes, [weight], (1, 3), (1, 3))
    np.savez(tmp_path / "vector.npz", x=given)
    derived = model_for(path, cache.sha256(path), Precision.INT8, tmp_path / "vector.npz")
    kinds = [node.op_type for node in onnx.load(derived).graph.node]
    assert kinds.count("QuantizeLinear") == 1
    assert kinds.count("DequantizeLinear") == 3
    assert np.allclose(ask(derived, Precision.INT8, {"x": given}), 3 * given, atol=0.02)


@pytest.mark.parametrize(("transposed", "axis"), [(0, 1), (1, 0)])
def test_a_gemm_has_one_scale_per_output(tmp_path, transposed, axis):
    """Outputs of very different size: one scale for all would round the small one away."""
    matrix = np.asarray([[100.0, 0.01], [-50.0, 0.02], [25.0, 0.04]], np.float32)
    weight = numpy_helper.from_array(np.ascontiguousarray(matrix.T) if transposed else matrix, "w")
    path, given = tmp_path / "gemm.onnx", np.asarray([[1.0, 0.5, 1.0]], np.float32)
    save(path, [helper.make_node("Gemm", ["x", "w"], ["y"], transB=transposed)], [weight], (1, 3), (1, 2))
    np.savez(tmp_path / "vector.npz", x=given)
    derived = model_for(path, cache.sha256(path), Precision.INT8, tmp_path / "vector.npz")
    assert nodes_of(derived)[f"w.{axis}.dq"].attribute[0].i == axis
    np.testing.assert_allclose(ask(derived, Precision.INT8, {"x": given}), given @ matrix, rtol=0.02)


def test_int8_needs_calibration_and_something_to_quantise(small_bundle, tmp_path):
    with pytest.raises(PrecisionAbsent, match="no calibration data"):
        model_for(small_bundle.model, small_bundle.sha256, Precision.INT8, None)
    path = tmp_path / "plain.onnx"
    save(path, [helper.make_node("Relu", ["x"], ["y"])], [], (1, 3), (1, 3))
    np.savez(tmp_path / "vector.npz", x=np.ones((1, 3), np.float32))
    with pytest.raises(PrecisionAbsent, match="nothing to run in int8"):
        model_for(path, cache.sha256(path), Precision.INT8, tmp_path / "vector.npz")


def test_a_model_that_is_not_the_manifests_is_refused(small_bundle):
    with pytest.raises(EngineError, match="not the file its manifest describes"):
        model_for(small_bundle.model, "0" * 64, Precision.FP16)
    with pytest.raises(EngineError, match="no model file"):
        model_for(Path("nowhere.onnx"), "0" * 64, Precision.FP16)
