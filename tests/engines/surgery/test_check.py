"""Verdicts and pieces of whole graphs: tiny ones, the papers' and those that ship."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from engines.library import find
from engines.surgery.files import real_feeds, write
from engines.surgery.legality import Place, check
from engines.surgery.net import Net
from engines.surgery.proof import Difference
from engines.surgery.reading import read
from engines.surgery.report import checked
from engines.surgery.rewrites import catalogue
from engines.surgery.rewrites.base import Crop, Exactness, Rewrite, Wish, wherever
from engines.surgery.rewriting import Outcome, changes, rewritten
from engines.surgery.rules import rules
from inference.errors import EngineError, InputRefused, JobCancelled
from inference.result import Precision

PAPER_TARGETS = ("orin-trt8.6", "xavier-trt8.5")
XAVIER = Wish(rules("xavier-trt8.5"))


def chain(tiny: Any, *ops: str) -> Net:
    """Operations in a row; Softmax is what Xavier refuses."""
    names = ["x", *(f"t{n}" for n in range(len(ops) - 1)), "y"]
    nodes = [helper.make_node(op, [names[n]], [names[n + 1]]) for n, op in enumerate(ops)]
    return Net(tiny(nodes))


def loadables(net: Net) -> int:
    return check(net, XAVIER.rules, Precision.FP16).loadables


def test_a_refused_node_cuts_a_row_in_two(tiny: Any) -> None:
    assert loadables(chain(tiny, "Relu", "Tanh")) == 1
    assert loadables(chain(tiny, "Relu", "Softmax", "Tanh")) == 2
    assert loadables(chain(tiny, "Softmax", "Relu", "Softmax")) == 1
    assert loadables(chain(tiny, "Softmax")) == 0


def test_a_skip_past_a_refused_node_joins_nothing(tiny: Any) -> None:
    """The last node reads the first piece and what the GPU made of it: it must wait, so it is a piece of its own."""
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Softmax", ["a"], ["b"]),
        helper.make_node("Add", ["a", "b"], ["y"]),
    ]
    found = check(Net(tiny(nodes)), XAVIER.rules, Precision.FP16)
    assert [verdict.loadable for verdict in found.verdicts] == [0, None, 1]


def test_a_refused_node_at_the_start_parts_nothing_behind_it(tiny: Any) -> None:
    """One branch begins on the GPU, one on the accelerator; nothing that they lead to must wait for itself."""
    nodes = [
        helper.make_node("Softmax", ["x"], ["s"]),
        helper.make_node("Relu", ["s"], ["a"]),
        helper.make_node("Tanh", ["x"], ["b"]),
        helper.make_node("Add", ["a", "b"], ["y"]),
    ]
    assert loadables(Net(tiny(nodes))) == 1


def test_two_branches_are_two_pieces_until_something_joins_them(tiny: Any) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Tanh", ["x"], ["b"])]
    assert loadables(Net(tiny(nodes, outputs=("a", "b")))) == 2
    assert loadables(Net(tiny([*nodes, helper.make_node("Add", ["a", "b"], ["y"])]))) == 1


def test_more_pieces_than_a_core_holds_do_not_fit(tiny: Any) -> None:
    for pieces, fits in ((16, True), (17, False)):
        nodes = [helper.make_node("Relu", ["x"], [f"y{n}"]) for n in range(pieces)]
        found = check(Net(tiny(nodes, outputs=[f"y{n}" for n in range(pieces)])), XAVIER.rules, Precision.FP16)
        assert (found.loadables, found.count(Place.GPU), found.fits) == (pieces, 0, fits)


def test_tensors_inside_a_piece_have_a_limit(tiny: Any) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Tanh", ["a"], ["y"])]
    net = Net(tiny(nodes, shape=(1, 8, 8192, 8192)))
    found = check(net, XAVIER.rules, Precision.FP16)
    assert (found.internal_bytes, found.fits) == (2**30, True)
    assert not check(net, replace(XAVIER.rules, internal_bytes=2**30 - 1), Precision.FP16).fits


def test_what_rests_on_weights_alone_is_no_node(tiny: Any) -> None:
    nodes = [
        helper.make_node("Transpose", ["w"], ["v"], perm=[0, 1, 3, 2]),
        helper.make_node("Conv", ["x", "v"], ["y"]),
    ]
    found = check(Net(tiny(nodes, {"w": np.ones((2, 4, 3, 3), np.float32)})), XAVIER.rules, Precision.FP16)
    assert [(verdict.op, verdict.place) for verdict in found.verdicts] == [("Conv", Place.DLA)]


def test_only_fp16_and_int8_are_checked(tiny: Any) -> None:
    with pytest.raises(InputRefused, match="does not compute in fp32"):
        check(chain(tiny, "Relu"), XAVIER.rules, Precision.FP32)


def broken(tmp_path: Path, kind: str, tiny: Any) -> Path:
    file = tmp_path / "model.onnx"
    if kind == "missing":
        return file
    model = tiny([helper.make_node("Relu", ["x"], ["y"])])
    if kind == "named axis":
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "batch"
    if kind == "branch":
        branch = helper.make_graph([], "then", [], [])
        model.graph.node.append(helper.make_node("If", ["x"], ["z"], then_branch=branch, else_branch=branch))
    if kind == "circle":
        model.graph.node[0].input[0] = "z"
        model.graph.node.append(helper.make_node("Relu", ["y"], ["z"]))
    data = model.SerializeToString()
    file.write_bytes({"text": b"no graph", "empty": b"", "torn": data[: len(data) // 2]}.get(kind, data))
    return file


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("missing", "There is no file"),
        ("text", "not a readable ONNX graph"),
        ("empty", "not a readable ONNX graph"),
        ("torn", "not a readable ONNX graph"),
        ("circle", "not a readable ONNX graph"),
        ("named axis", r"The input x of model\.onnx has no fixed shape \(batch x 4 x 8 x 8\)"),
        ("branch", "branches or loops"),
    ],
)
def test_what_cannot_be_checked_is_refused_in_one_sentence(kind: str, sentence: str, tmp_path: Path, tiny: Any) -> None:
    with pytest.raises(InputRefused, match=sentence) as caught:
        read(broken(tmp_path, kind, tiny))
    assert caught.value.hint
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def pix2pix(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The first paper's generator, an eighth as wide, as PyTorch exports it; random weights."""
    pytest.importorskip("torch", reason="the papers' networks are drawn with PyTorch")
    import torch

    from engines.architectures.pix2pix import Form, Generator
    from engines.training.export import to_onnx

    folder = tmp_path_factory.mktemp("pix2pix")
    example = np.random.default_rng(0).standard_normal((1, 3, 256, 256)).astype(np.float32)
    files = {}
    for form in (Form.ORIGINAL, Form.CROP):
        torch.manual_seed(31)
        files[form.name] = folder / f"{form.name}.onnx"
        to_onnx(Generator(3, 3, 8, form).eval(), example, ("input", ["output"]), files[form.name])
    return files


@pytest.mark.parametrize("target", PAPER_TARGETS)
@pytest.mark.parametrize("precision", [Precision.FP16, Precision.INT8])
def test_the_papers_generator_becomes_legal_in_one_piece(
    target: str, precision: Precision, pix2pix: dict[str, Path]
) -> None:
    outcome = rewritten(read(pix2pix["ORIGINAL"]), Wish(rules(target), precision))
    assert outcome.before.refused == {"deconvolution.padding": 8}
    assert outcome.before.loadables == 9
    assert (outcome.after.count(Place.GPU), outcome.after.loadables, outcome.after.fits) == (0, 1, True)
    steps = {step.rewrite.name: step for step in outcome.steps}
    assert len(steps["crop"].nodes) == 8
    assert steps["crop"].difference == Difference(0.0, 0.0)
    assert outcome.whole.share < 1e-5


def test_the_papers_cropping_is_legal_in_fp16_and_not_in_int8(pix2pix: dict[str, Path]) -> None:
    net = read(pix2pix["CROP"])
    assert check(net, XAVIER.rules, Precision.FP16).fits
    assert check(net, XAVIER.rules, Precision.INT8).refused == {"slice.precision": 16}


@pytest.mark.parametrize("crop", [Crop.DELTA, Crop.DEPTH_TO_SPACE])
def test_the_papers_generator_may_be_cropped_otherwise(crop: Crop, pix2pix: dict[str, Path]) -> None:
    outcome = rewritten(read(pix2pix["ORIGINAL"]), replace(XAVIER, crop=crop))
    assert outcome.after.fits
    assert "Slice" not in {node.op_type for node in outcome.model.graph.node}


@pytest.mark.parametrize("target", PAPER_TARGETS)
@pytest.mark.parametrize("task", ["ct-to-mri", "hemorrhage-detection"])
@pytest.mark.parametrize("precision", [Precision.FP16, Precision.INT8])
def test_the_shipped_slice_networks_fit_in_one_piece(target: str, task: str, precision: Precision) -> None:
    net, wish = read(find(task).model), Wish(rules(target), precision)
    for _ in changes(net, wish):
        pass
    found = check(net, wish.rules, precision)
    assert (found.count(Place.GPU), found.loadables, found.fits) == (0, 1, True)


def test_a_shipped_network_is_proved_on_its_test_vector_too() -> None:
    model = find("ct-to-mri").model
    net = read(model)
    real = real_feeds(model, net, None)
    assert len(real) == 1
    outcome = rewritten(net, replace(XAVIER, precision=Precision.INT8), real)
    assert outcome.feeds == (4, 1)
    assert outcome.after.fits


def test_volumes_run_on_the_gpu_only_and_the_reason_is_said() -> None:
    found = checked(read(find("stroke-lesion").model), XAVIER, "xavier-trt8.5").found
    assert found.count(Place.DLA) == 0
    assert set(found.refused) == {"every.pictures", "refused.normalisation"}


def test_a_change_that_does_not_hold_what_it_claims_is_not_written(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil(net: Net, node: Any, _wish: Wish) -> bool:
        net.swap([node], [net.node("Tanh", [node.input[0]], node.output[0], "spoilt")])
        return True

    lie = Rewrite("lie", "tanh for relu", Exactness.ROUNDING, wherever(spoil, {"Relu"}, only_refused=False))
    monkeypatch.setattr(catalogue.constants, "FOLD", lie)
    with pytest.raises(EngineError, match=r"The change lie moved the answers of .* nothing was written"):
        rewritten(chain(tiny, "Relu"), XAVIER)


def test_claims_are_held_to_their_figures() -> None:
    assert Difference(0.0, 0.0).within(Exactness.BITWISE)
    assert not Difference(1e-9, 1e-9).within(Exactness.BITWISE)
    assert Difference(1e-3, 0.9e-5).within(Exactness.ROUNDING)
    assert not Difference(1e-9, 1.1e-5).within(Exactness.ROUNDING)
    assert not Difference(float("nan"), float("nan")).within(Exactness.APPROXIMATE)


def outcome_of(tiny: Any) -> Outcome:
    return rewritten(chain(tiny, "Relu", "Identity", "Tanh"), XAVIER)


def test_files_are_written_whole_or_not_at_all(tiny: Any, tmp_path: Path) -> None:
    assert write(outcome_of(tiny), tmp_path / "out.onnx") == (tmp_path / "out.onnx",)
    assert [node.op_type for node in onnx.load(tmp_path / "out.onnx").graph.node] == ["Relu", "Tanh"]
    with pytest.raises(InputRefused, match="cannot be written"):
        write(outcome_of(tiny), tmp_path / "gone" / "out.onnx")
    assert [file.name for file in tmp_path.iterdir()] == ["out.onnx"]


def test_a_rewrite_can_be_stopped(tiny: Any) -> None:
    with pytest.raises(JobCancelled):
        rewritten(chain(tiny, "Relu", "Identity", "Tanh"), XAVIER, cancelled=lambda: True)
