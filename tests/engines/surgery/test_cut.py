"""A graph cut anywhere computes what the whole computes, bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from engines import int8
from engines.library import Bundle, find
from engines.surgery import cut
from inference import cache
from inference.backends.base import Arrays
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.errors import EngineError
from inference.result import Precision

STRICT = OnnxRuntimeBackend(threads=1, optimise=False)
TASKS = ("ct-to-mri", "hemorrhage-detection")


def run(file: Path, feed: Arrays) -> dict[str, np.ndarray]:
    engine = STRICT.load(file, Precision.FP32, "CPU")
    try:
        return engine.infer({spec.name: feed[spec.name] for spec in engine.inputs})
    finally:
        engine.close()


def composed(parts: list[onnx.ModelProto], feed: Arrays, folder: Path) -> dict[str, np.ndarray]:
    """Every tensor that is alive after the last part."""
    tensors = dict(feed)
    for number, part in enumerate(parts):
        onnx.checker.check_model(part, full_check=True)
        file = folder / f"part{number}.onnx"
        onnx.save(part, file)
        tensors |= run(file, tensors)
    return tensors


def input_of(bundle: Bundle) -> dict[str, np.ndarray]:
    rows, columns = bundle.task.sampling.size
    picture = np.random.default_rng(3).uniform(-1, 1, (1, 1, rows, columns))
    return {bundle.task.model.input: picture.astype(np.float32)}


@pytest.mark.parametrize("task", TASKS)
def test_a_shipped_network_cut_at_every_candidate_equals_the_whole(task, tmp_path):
    bundle = find(task)
    model, feed = cut.read(bundle.model), input_of(bundle)
    whole = run(bundle.model, feed)
    points = cut.cut_points(model)
    assert 10 <= len(points) <= 25
    for chosen in (*((point,) for point in points), points):
        tensors = composed(cut.cut(model, chosen), feed, tmp_path)
        for name, expected in whole.items():
            np.testing.assert_array_equal(tensors[name], expected, err_msg=f"{task} cut after {chosen[0].after}")


@pytest.mark.parametrize("task", TASKS)
def test_the_bytes_at_a_cut_are_those_that_cross_it(task, tmp_path):
    bundle = find(task)
    model, feed = cut.read(bundle.model), input_of(bundle)
    for point in cut.cut_points(model):
        first, second = cut.cut(model, (point,))
        crossing = {value.name for value in second.graph.input}
        assert crossing == {spec.name for spec in point.live}
        assert crossing <= {value.name for value in first.graph.output} | set(feed)
        made = composed([first], feed, tmp_path)
        assert point.live_bytes == sum(made[name].nbytes for name in crossing)


def test_every_skip_of_a_u_net_crosses_its_bottleneck():
    model = cut.read(find("ct-to-mri").model)
    counts = [len(point.live) for point in cut.legal_points(model)]
    assert max(counts) >= 7
    assert counts[0] == 1


def test_blocks_cover_every_node_once_and_have_names_of_their_own():
    model = cut.read(find("hemorrhage-detection").model)
    points = cut.cut_points(model)
    found = cut.blocks(model, points)
    assert [block.first for block in found] == [0, *(point.after for point in points)]
    assert [block.last + 1 for block in found[:-1]] == [point.after for point in points]
    assert len({block.name for block in found}) == len(found)
    work = np.array([block.macs for block in found])
    assert work.max() < 0.3 * work.sum()


def test_fewer_candidates_where_fewer_are_asked():
    model = cut.read(find("hemorrhage-detection").model)
    legal = {point.after for point in cut.legal_points(model)}
    for most in (1, 4, 8):
        points = cut.cut_points(model, most)
        assert 1 <= len(points) <= most
        assert {point.after for point in points} <= legal


@st.composite
def graphs(draw: st.DrawFn) -> onnx.ModelProto:
    """Convolutions, sums and joins over any earlier tensors; one or two answers, perhaps read again by a later node."""
    random = np.random.default_rng(draw(st.integers(0, 99)))
    names, channels, nodes, weights = ["x"], {"x": 2}, [], []
    for number in range(draw(st.integers(2, 9))):
        out, kind = f"t{number}", draw(st.sampled_from(("Conv", "Relu", "Concat", "Add")))
        a, b = draw(st.sampled_from(names)), draw(st.sampled_from(names))
        if kind == "Conv" or (kind == "Add" and channels[a] != channels[b]):
            width = draw(st.integers(1, 3))
            kernel = random.normal(0, 0.5, (width, channels[a], 3, 3)).astype(np.float32)
            weights.append(numpy_helper.from_array(kernel, f"w{number}"))
            nodes.append(helper.make_node("Conv", [a, f"w{number}"], [out], pads=[1] * 4))
        elif kind == "Relu":
            width = channels[a]
            nodes.append(helper.make_node("Relu", [a], [out]))
        elif kind == "Add":
            width = channels[a]
            nodes.append(helper.make_node("Add", [a, b], [out]))
        else:
            width = channels[a] + channels[b]
            nodes.append(helper.make_node("Concat", [a, b], [out], axis=1))
        channels[out] = width
        names.append(out)
    answers = dict.fromkeys((names[-1], draw(st.sampled_from(names[1:]))))

    def value(name: str) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, channels[name], 5, 5))

    graph = helper.make_graph(nodes, "any", [value("x")], [value(name) for name in answers], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


@settings(max_examples=40)
@given(model=graphs(), data=st.data())
def test_any_graph_cut_at_any_legal_places_equals_the_whole(model, data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("any")
    feed = {"x": np.random.default_rng(5).normal(size=(1, 2, 5, 5)).astype(np.float32)}
    onnx.save(model, folder / "whole.onnx")
    whole = run(folder / "whole.onnx", feed)
    legal = cut.legal_points(model)
    chosen = [point for point in legal if data.draw(st.booleans())]
    tensors = composed(cut.cut(model, chosen), feed, folder)
    for name, expected in whole.items():
        np.testing.assert_array_equal(tensors[name], expected)


def test_a_quantised_graph_is_cut_only_where_fp32_crosses(tmp_path):
    bundle = find("hemorrhage-detection")
    int8.write(bundle.model, bundle.vector, tmp_path / "int8.onnx")
    model = cut.read(tmp_path / "int8.onnx")
    points = cut.cut_points(model)
    assert points
    whole = STRICT.load(tmp_path / "int8.onnx", Precision.INT8, "CPU").infer(input_of(bundle))
    middle = points[len(points) // 2]
    assert len(points) >= 10
    tensors = dict(input_of(bundle))
    for number, part in enumerate(cut.cut(model, (middle,))):
        onnx.save(part, tmp_path / f"{number}.onnx")
        engine = STRICT.load(tmp_path / f"{number}.onnx", Precision.INT8, "CPU")
        tensors |= engine.infer({spec.name: tensors[spec.name] for spec in engine.inputs})
    for name, expected in whole.items():
        np.testing.assert_array_equal(tensors[name], expected)


def test_a_graph_that_branches_is_refused():
    branch = helper.make_graph([], "then", [], [])
    node = helper.make_node("If", ["x"], ["y"], then_branch=branch, else_branch=branch)
    with pytest.raises(EngineError, match="branches or loops"):
        cut.legal_points(helper.make_model(helper.make_graph([node], "g", [], [])))


def test_points_that_do_not_rise_are_refused():
    model = cut.read(find("ct-to-mri").model)
    first, second = cut.cut_points(model)[:2]
    with pytest.raises(EngineError, match="do not rise"):
        cut.cut(model, (second, first))


def test_what_is_no_graph_is_refused(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"no graph")
    with pytest.raises(EngineError, match=r"a\.onnx is not a readable"):
        cut.read(tmp_path / "a.onnx")


def test_parts_are_kept_and_made_again_when_damaged(small_bundle: Bundle):
    points = cut.cut_points(cut.read(small_bundle.model))
    assert points
    files = cut.parts_for(small_bundle.model, small_bundle.sha256, points)
    assert len(files) == len(points) + 1
    before = [file.read_bytes() for file in files]
    stamps = [file.stat().st_mtime_ns for file in files]
    assert cut.parts_for(small_bundle.model, small_bundle.sha256, points) == files
    assert [file.stat().st_mtime_ns for file in files] == stamps
    files[-1].write_bytes(b"torn")
    assert cut.parts_for(small_bundle.model, small_bundle.sha256, points) == files
    assert [file.read_bytes() for file in files] == before
    assert cache.folder() in files[0].parents
    assert cut.parts_for(small_bundle.model, small_bundle.sha256, ()) == (small_bundle.model,)
