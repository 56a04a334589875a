"""A folded network computes what the network computes, with fewer multiply-adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from engines.library import find
from engines.surgery.fold import folded, merged
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.host.cost import cost_of
from inference.result import Precision
from tests.engines.surgery.conftest import graph

LIMIT = 5e-6
"""Of the answer's range: single precision, a few hundred products a voxel."""


@dataclass(frozen=True)
class Case:
    """A decoder's step: coarse features raised, joined with others in a given order, convolved."""

    places: tuple[int, ...]
    step: tuple[int, ...]
    kernel: tuple[int, ...]
    widths: tuple[int, int, int] = (6, 3, 4)
    others: tuple[int, ...] = (2,)
    first: int = 0
    bias: bool = True
    seed: int = 0

    def weights(self) -> dict[str, np.ndarray]:
        coarse, raised, out = self.widths
        rng = np.random.default_rng(self.seed)
        shapes = {"raise": (coarse, raised, *self.step), "over": (out, raised + sum(self.others), *self.kernel)}
        shapes |= {"shift": (out,)} | ({"lift": (raised,)} if self.bias else {})
        return {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}

    def inputs(self) -> dict[str, tuple[int, ...]]:
        fine = tuple(n * k for n, k in zip(self.places, self.step, strict=True))
        skips = {f"s{number}": (1, width, *fine) for number, width in enumerate(self.others)}
        return {"x": (1, self.widths[0], *self.places), **skips}

    def model(self, **conv: Any) -> onnx.ModelProto:
        parts = [f"s{number}" for number in range(len(self.others))]
        parts.insert(self.first, "u")
        words = {"pads": [n // 2 for n in self.kernel] * 2} | conv
        nodes = [
            helper.make_node("ConvTranspose", ["x", "raise", *["lift"] * self.bias], ["u"], strides=self.step),
            helper.make_node("Concat", parts, ["j"], axis=1),
            helper.make_node("Conv", ["j", "over", "shift"], ["y"], **words),
        ]
        return graph(nodes, self.weights(), inputs=self.inputs())

    def feed(self) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(self.seed + 1)
        return {name: rng.standard_normal(shape).astype(np.float32) for name, shape in self.inputs().items()}


@st.composite
def cases(draw: st.DrawFn) -> Case:
    axes = draw(st.integers(1, 3))
    each = st.lists(st.integers(1, 4), min_size=axes, max_size=axes).map(tuple)
    others = draw(st.lists(st.integers(1, 3), min_size=1, max_size=2).map(tuple))
    return Case(
        places=draw(each),
        step=draw(st.lists(st.integers(1, 3), min_size=axes, max_size=axes).map(tuple)),
        kernel=draw(st.lists(st.sampled_from([1, 3, 5]), min_size=axes, max_size=axes).map(tuple)),
        widths=draw(st.tuples(st.integers(1, 5), st.integers(4, 9), st.integers(1, 4))),
        others=others,
        first=draw(st.integers(0, len(others))),
        bias=draw(st.booleans()),
        seed=draw(st.integers(0, 9)),
    )


def answer(model: onnx.ModelProto, feed: Mapping[str, np.ndarray], folder: Path) -> np.ndarray:
    file = folder / "net.onnx"
    onnx.save(model, file)
    engine = OnnxRuntimeBackend(threads=1, optimise=False).load(file, Precision.FP32, "CPU")
    try:
        return next(iter(engine.infer(dict(feed)).values()))
    finally:
        engine.close()


def difference(before: np.ndarray, after: np.ndarray) -> float:
    """The largest, as a share of the range."""
    return float(np.abs(before - after).max() / (np.ptp(before) or 1.0))


def ops(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fold")


@given(case=cases())
@settings(max_examples=80, deadline=None)
def test_a_folded_step_answers_the_same(case: Case, folder: Path) -> None:
    model = case.model()
    made = folded(model)
    onnx.checker.check_model(made, full_check=True)
    assert (made.graph.input, made.graph.output) == (model.graph.input, model.graph.output)
    assert difference(answer(model, case.feed(), folder), answer(made, case.feed(), folder)) < LIMIT


NNUNET = [
    Case((4, 4, 4), (2, 2, 2), (3, 3, 3)),
    Case((4, 4, 4), (2, 2, 2), (3, 3, 3), bias=False),
    Case((3, 4, 4), (1, 2, 2), (1, 3, 3)),
    Case((3, 4, 4), (1, 2, 2), (3, 3, 3), first=1),
    Case((5, 4), (2, 2), (3, 3), widths=(6, 3, 5), others=(2, 3), first=1),
]


@pytest.mark.parametrize("case", NNUNET, ids=str)
def test_the_steps_of_nnunet_are_folded_and_cost_less(case: Case, folder: Path) -> None:
    model = case.model()
    made = folded(model)
    assert ops(made) == ["Concat"] * (case.bias + len(case.others) - 1) + ["Conv", "ConvTranspose", "Add"]
    assert difference(answer(model, case.feed(), folder), answer(made, case.feed(), folder)) < LIMIT
    assert macs(made, folder) < macs(model, folder)


def macs(model: onnx.ModelProto, folder: Path) -> int:
    onnx.save(model, folder / "cost.onnx")
    return cost_of(folder / "cost.onnx").macs


def test_the_border_lacks_the_bias_as_before(folder: Path) -> None:
    """All inputs zero: what is left is the bias alone, whole inside and less at each face, edge and corner."""
    case = Case((3, 3, 3), (2, 2, 2), (3, 3, 3))
    zero = {name: np.zeros_like(values) for name, values in case.feed().items()}
    before, after = answer(case.model(), zero, folder), answer(folded(case.model()), zero, folder)
    assert len(np.unique(before[0, 0].round(4))) == 27
    assert difference(before, after) < LIMIT


def test_one_axis_by_hand() -> None:
    """Step 2 and kernel 3: fine place o = 2l + r - t + 1 hears coarse place l through raise[r] and over[t]."""
    raising, over = np.asarray([[[1.0, 10.0]]]), np.asarray([[[1.0, 2.0, 3.0]]])
    np.testing.assert_array_equal(merged(raising, over), [[[3.0, 2 + 30.0, 1 + 20.0, 10.0]]])


def without(model: onnx.ModelProto, kind: str, **words: Any) -> onnx.ModelProto:
    """The same graph with other attributes on one kind of node."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    node = next(node for node in made.graph.node if node.op_type == kind)
    for name in words:
        kept = [attribute for attribute in node.attribute if attribute.name != name]
        del node.attribute[:]
        node.attribute.extend([*kept, helper.make_attribute(name, words[name])])
    return made


PLANE = Case((4, 4), (2, 2), (3, 3), widths=(4, 4, 5), others=(4,))
OTHER_FORMS = {
    "a step of two": PLANE.model(strides=[2, 2]),
    "holes": PLANE.model(dilations=[2, 2], pads=[2] * 4),
    "margins of another size": PLANE.model(pads=[0] * 4),
    "automatic margins": without(PLANE.model(), "Conv", auto_pad="SAME_UPPER"),
    "overlapping steps": without(PLANE.model(), "ConvTranspose", strides=[1, 1]),
    "cut margins": without(PLANE.model(), "ConvTranspose", pads=[1, 1, 1, 1]),
    "more fine places": without(PLANE.model(), "ConvTranspose", output_padding=[1, 1]),
}


@pytest.mark.parametrize("name", OTHER_FORMS)
def test_other_forms_stay_as_they_are(name: str) -> None:
    assert ops(folded(OTHER_FORMS[name])) == ["ConvTranspose", "Concat", "Conv"]


def tail(nodes: Sequence[Any], outputs: Sequence[str] = ("y", "z")) -> onnx.ModelProto:
    plain = PLANE.model()
    weights = {weight.name: numpy_helper.to_array(weight) for weight in plain.graph.initializer}
    return graph([*plain.graph.node, *nodes], weights, inputs=PLANE.inputs(), outputs=outputs)


def test_a_weight_that_repeats_another_is_seen_through(folder: Path) -> None:
    model = PLANE.model()
    up, join, conv = model.graph.node
    again = [helper.make_node("Identity", [name], [f"{name} again"]) for name in ("raise", "lift", "over")]
    up.input[1:], conv.input[1] = ["raise again", "lift again"], "over again"
    weights = {weight.name: numpy_helper.to_array(weight) for weight in model.graph.initializer}
    repeated = graph([*again, up, join, conv], weights, inputs=PLANE.inputs())
    made = folded(repeated)
    assert "Add" in ops(made)
    assert "Identity" not in ops(made)
    assert difference(answer(repeated, PLANE.feed(), folder), answer(made, PLANE.feed(), folder)) < LIMIT


@pytest.mark.parametrize("read", ["u", "j"])
def test_what_others_read_is_still_made(read: str) -> None:
    model = tail([helper.make_node("Relu", [read], ["z"])])
    assert ops(folded(model)) == ops(model)
    assert ops(folded(tail([], ("y", read)))) == ["ConvTranspose", "Concat", "Conv"]


def test_a_raise_that_would_cost_more_stays(folder: Path) -> None:
    dear = Case((4, 4), (2, 2), (3, 3), widths=(40, 1, 4)).model()
    assert ops(folded(dear)) == ["ConvTranspose", "Concat", "Conv"]
    assert macs(folded(dear), folder) == macs(dear, folder)


def test_groups_stay() -> None:
    plain = PLANE.model()
    weights = {weight.name: numpy_helper.to_array(weight) for weight in plain.graph.initializer}
    split = helper.make_node("Conv", ["j", "over", "shift"], ["y"], pads=[1] * 4, group=2)
    model = graph([*plain.graph.node[:2], split], weights | {"over": weights["over"][:, :4]}, inputs=PLANE.inputs())
    assert ops(folded(model)) == ["ConvTranspose", "Concat", "Conv"]


def test_the_shipped_unet_is_folded_at_every_level(folder: Path) -> None:
    bundle = find("stroke-lesion")
    made = folded(onnx.load(bundle.model))
    assert ops(made).count("ConvTranspose") == ops(made).count("Add") - 1 == 4
    with np.load(bundle.vector) as stored:
        feed = {bundle.task.model.input: stored[bundle.task.model.input][:1]}
    assert macs(made, folder) < 0.9 * cost_of(bundle.model).macs
    assert difference(answer(onnx.load(bundle.model), feed, folder), answer(made, feed, folder)) < 1e-4
