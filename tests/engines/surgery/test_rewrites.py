"""Each change of the catalogue on graphs that need it: legal afterwards, and the same answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from engines.surgery.legality import Place, check
from engines.surgery.net import Net
from engines.surgery.report import check_document, check_text, checked
from engines.surgery.rewrites.base import Exactness, Leaky, Wish
from engines.surgery.rewriting import Outcome, prospect, rewritten
from engines.surgery.rules import rules
from inference.errors import InputRefused
from inference.result import Precision

WISH = Wish(rules("xavier-trt8.5"))
INT8 = replace(WISH, precision=Precision.INT8)
END = 2**31 - 1


def done(model: onnx.ModelProto, wish: Wish = WISH, fits: bool = True) -> Outcome:
    """The rewritten graph, whose proof held; its border is the old one."""
    outcome = rewritten(Net(model), wish)
    onnx.checker.check_model(outcome.model, full_check=True)
    assert outcome.after.fits is fits
    if not wish.border:
        assert outcome.model.graph.input == model.graph.input
        assert [v.name for v in outcome.model.graph.output] == [v.name for v in model.graph.output]
    return outcome


def ops(outcome: Outcome) -> list[str]:
    return [node.op_type for node in outcome.model.graph.node]


def names(outcome: Outcome) -> list[str]:
    return [step.rewrite.name for step in outcome.steps]


def random(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def whole(*values: int) -> np.ndarray:
    return np.asarray(values, np.int64)


def test_shape_arithmetic_is_computed_once(tiny: Any) -> None:
    """What an exporter writes for a view that keeps batch and channels."""
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Gather", ["s", "zero"], ["n"], axis=0),
        helper.make_node("Unsqueeze", ["n", "first"], ["n1"]),
        helper.make_node("Concat", ["n1", "rest"], ["target"], axis=0),
        helper.make_node("Reshape", ["x", "target"], ["a"]),
        helper.make_node("Identity", ["a"], ["b"]),
        helper.make_node("Dropout", ["b"], ["c"]),
        helper.make_node("Relu", ["c"], ["y"]),
    ]
    outcome = done(tiny(nodes, {"zero": np.int64(0), "first": whole(0), "rest": whole(8, 4, 8)}))
    assert ops(outcome) == ["Reshape", "Relu"]
    assert outcome.before.count(Place.GPU) == 7
    assert outcome.whole.most == 0.0
    assert set(names(outcome)) == {"fold-constants", "drop-idle"}


def test_what_does_nothing_at_the_border_goes_too(tiny: Any) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Identity", ["a"], ["y"])]
    assert ops(done(tiny(nodes))) == ["Relu"]
    stays = done(tiny([helper.make_node("Identity", ["x"], ["y"])]), fits=False)
    assert ops(stays) == ["Identity"]


def test_a_slice_that_turns_an_axis_round_is_not_idle(tiny: Any) -> None:
    bounds = {"from": whole(-1), "to": whole(-END), "axes": whole(2), "steps": whole(-1)}
    node = helper.make_node("Slice", ["x", *bounds], ["y"])
    assert ops(done(tiny([node], bounds), fits=False)) == ["Slice"]


def test_transpositions_that_undo_each_other_go(tiny: Any) -> None:
    nodes = [
        helper.make_node("Transpose", ["x"], ["a"], perm=[0, 2, 3, 1]),
        helper.make_node("LeakyRelu", ["a"], ["b"], alpha=0.2),
        helper.make_node("Transpose", ["b"], ["c"], perm=[0, 3, 1, 2]),
        helper.make_node("Sigmoid", ["c"], ["y"]),
    ]
    outcome = done(tiny(nodes))
    assert ops(outcome) == ["LeakyRelu", "Sigmoid"]
    assert outcome.whole.most == 0.0


def channels_last(tiny: Any) -> onnx.ModelProto:
    nodes = [
        helper.make_node("Transpose", ["x"], ["a"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["a", "w"], ["b"], pads=[1] * 4),
        helper.make_node("Transpose", ["b"], ["y"], perm=[0, 2, 3, 1]),
    ]
    return tiny(nodes, {"w": random(5, 3, 3, 3)}, (1, 8, 6, 3))


def test_a_border_with_channels_last_is_stripped_only_when_asked(tiny: Any) -> None:
    assert ops(done(channels_last(tiny))) == ["Transpose", "Conv", "Transpose"]
    outcome = done(channels_last(tiny), replace(WISH, border=True))
    assert ops(outcome) == ["Conv"]
    dims = [d.dim_value for d in outcome.model.graph.input[0].type.tensor_type.shape.dim]
    assert dims == [1, 3, 8, 6]
    assert outcome.whole.most == 0.0


@given(pads=st.lists(st.integers(0, 3), min_size=4, max_size=4), before_conv=st.booleans())
@settings(max_examples=15)
def test_padding_goes_into_the_convolution_or_becomes_one(pads: list[int], before_conv: bool, tiny: Any) -> None:
    if not any(pads):
        pads[0] = 1
    constants: dict[str, Any] = {"p": whole(0, 0, *pads[:2], 0, 0, *pads[2:])}
    nodes = [helper.make_node("Pad", ["x", "p"], ["a" if before_conv else "y"])]
    if before_conv:
        constants["w"] = random(3, 4, 5, 5)
        nodes.append(helper.make_node("Conv", ["a", "w"], ["y"], strides=[2, 2], pads=[0, 1, 0, 1]))
    outcome = done(tiny(nodes, constants))
    assert ops(outcome) == ["Conv"]
    assert outcome.whole.most == 0.0


def test_reflected_padding_stays(tiny: Any) -> None:
    nodes = [helper.make_node("Pad", ["x", "p"], ["y"], mode="reflect")]
    assert ops(done(tiny(nodes, {"p": whole(0, 0, 1, 1, 0, 0, 1, 1)}), fits=False)) == ["Pad"]


@pytest.mark.parametrize("groups", [1, 2])
def test_batch_norm_goes_into_the_convolution(groups: int, tiny: Any) -> None:
    weights = {"w": random(6, 4 // groups, 3, 3), "b": random(6)}
    weights |= {name: np.abs(random(6, seed=n)) + 0.1 for n, name in enumerate("gsmv")}
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["a"], group=groups),
        helper.make_node("BatchNormalization", ["a", *"gsmv"], ["y"], epsilon=1e-3),
    ]
    outcome = done(tiny(nodes, weights))
    assert ops(outcome) == ["Conv"]
    assert names(outcome) == ["fold-batch-norm"]


def test_a_norm_stays_where_something_else_reads_the_convolution(tiny: Any) -> None:
    weights = {"w": random(4, 4, 1, 1)} | {name: np.abs(random(4)) + 0.1 for name in "gsmv"}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"]),
        helper.make_node("BatchNormalization", ["a", *"gsmv"], ["b"]),
        helper.make_node("Add", ["a", "b"], ["y"]),
    ]
    assert ops(done(tiny(nodes, weights))) == ["Conv", "BatchNormalization", "Add"]


def focus(tiny: Any, order: list[tuple[int, int]], kernel: int, channels: int = 3) -> onnx.ModelProto:
    nodes, weights = [], {"w": random(4, 4 * channels, kernel, kernel), "b": random(4)}
    for number, (y, x) in enumerate(order):
        for axis, start, source, target in ((2, y, "x", f"r{number}"), (3, x, f"r{number}", f"s{number}")):
            bounds = {f"{target}.{n}": whole(v) for n, v in (("f", start), ("t", END), ("a", axis), ("s", 2))}
            weights |= bounds
            nodes.append(helper.make_node("Slice", [source, *bounds], [target], name=target))
    nodes.append(helper.make_node("Concat", [f"s{n}" for n in range(4)], ["j"], axis=1))
    nodes.append(helper.make_node("Conv", ["j", "w", "b"], ["y"], pads=[kernel // 2] * 4))
    return tiny(nodes, weights, (1, channels, 12, 8))


@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("order", [[(0, 0), (1, 0), (0, 1), (1, 1)], [(1, 1), (0, 1), (0, 0), (1, 0)]])
def test_focus_slices_become_one_convolution_of_stride_2(kernel: int, order: list[tuple[int, int]], tiny: Any) -> None:
    outcome = done(focus(tiny, order, kernel))
    assert ops(outcome) == ["Conv"]
    shape = next(w.dims for w in outcome.model.graph.initializer if len(w.dims) == 4)
    assert list(shape) == [4, 3, 2 * kernel, 2 * kernel]
    assert outcome.before.count(Place.GPU) == 8
    assert outcome.whole.share < 1e-5


@given(
    rows=st.tuples(st.integers(0, 4), st.integers(5, 11), st.integers(1, 3)),
    columns=st.tuples(st.integers(0, 4), st.integers(5, 9), st.integers(1, 3)),
    channels=st.tuples(st.integers(0, 2), st.integers(3, 6)),
)
@settings(max_examples=20)
def test_slices_become_kernels_that_pick(rows: Any, columns: Any, channels: Any, tiny: Any) -> None:
    starts, ends, steps = zip((*channels, 1), rows, columns, strict=True)
    bounds = {"f": whole(*starts), "t": whole(*ends), "a": whole(1, 2, 3), "s": whole(*steps)}
    outcome = done(tiny([helper.make_node("Slice", ["x", *bounds], ["y"])], bounds, (1, 6, 11, 9)), INT8)
    assert set(ops(outcome)) <= {"Conv", "Identity"}
    assert outcome.whole.most == 0.0


def split(tiny: Any, activation: str, at: tuple[int, int]) -> onnx.ModelProto:
    """The join of a C2f block: convolution, activation, split, one half through another convolution."""
    weights = {"w": random(6, 4, 1, 1), "b": random(6), "v": random(at[1], at[1], 3, 3), "parts": whole(*at)}
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["a"], name="before")]
    if activation == "SiLU":
        nodes += [helper.make_node("Sigmoid", ["a"], ["g"]), helper.make_node("Mul", ["a", "g"], ["h"])]
    else:
        nodes += [helper.make_node(activation, ["a"], ["h"])]
    nodes += [
        helper.make_node("Split", ["h", "parts"], ["l", "r"], axis=1),
        helper.make_node("Conv", ["r", "v"], ["q"], pads=[1] * 4),
        helper.make_node("Concat", ["l", "r", "q"], ["y"], axis=1),
    ]
    return tiny(nodes, weights)


@pytest.mark.parametrize("activation", ["Relu", "SiLU", "Identity"])
@pytest.mark.parametrize("at", [(3, 3), (2, 4)])
def test_a_split_takes_its_share_of_the_weights(activation: str, at: tuple[int, int], tiny: Any) -> None:
    model = split(tiny, activation, at)
    assert "Split" in ops(done(model))  # fp16 has slices
    outcome = done(model, INT8)
    kernels = sorted(list(w.dims) for w in outcome.model.graph.initializer if len(w.dims) == 4)
    assert sorted([[at[0], 4, 1, 1], [at[1], 4, 1, 1], [at[1], at[1], 3, 3]]) == kernels
    assert outcome.whole.share < 1e-6


def test_halves_taken_by_slices_take_their_share_of_the_weights_too(tiny: Any) -> None:
    model = split(tiny, "SiLU", (3, 3))
    bounds = {"zero": whole(0), "three": whole(3), "six": whole(6), "one": whole(1)}
    place = next(at for at, node in enumerate(model.graph.node) if node.op_type == "Split")
    del model.graph.node[place]
    halves = (("l", "zero", "three"), ("r", "three", "six"))
    for name, start, end in halves:
        model.graph.node.insert(place, helper.make_node("Slice", ["h", start, end, "one"], [name]))
    model.graph.initializer.extend(numpy_helper.from_array(values, name) for name, values in bounds.items())
    outcome = done(model, INT8)
    assert names(outcome) == ["split-weights"]
    assert sum(op == "Conv" for op in ops(outcome)) == 3
    assert outcome.whole.share < 1e-6


def test_a_split_of_something_else_is_picked(tiny: Any) -> None:
    nodes = [
        helper.make_node("MaxPool", ["x"], ["p"], kernel_shape=[2, 2]),
        helper.make_node("Split", ["p"], ["l", "r"], axis=1, num_outputs=2),
        helper.make_node("Add", ["l", "r"], ["y"]),
    ]
    outcome = done(tiny(nodes, opset=18), INT8)
    assert ops(outcome) == ["MaxPool", "Conv", "Conv", "Add"]
    assert outcome.whole.most == 0.0


MOVES = [("SpaceToDepth", {}), ("DepthToSpace", {"mode": "DCR"}), ("DepthToSpace", {"mode": "CRD"})]


@pytest.mark.parametrize(("op", "words"), MOVES)
def test_moves_between_channels_and_places(op: str, words: dict[str, str], tiny: Any) -> None:
    outcome = done(tiny([helper.make_node(op, ["x"], ["y"], blocksize=2, **words)], None, (1, 8, 6, 4)))
    assert ops(outcome) == ["Conv" if op == "SpaceToDepth" else "ConvTranspose"]
    assert outcome.whole.most == 0.0


NEAREST = (
    ("half_pixel", "round_prefer_ceil"),
    ("half_pixel", "round_prefer_floor"),
    ("pytorch_half_pixel", "round_prefer_floor"),
    ("tf_half_pixel_for_nn", "floor"),
    ("half_pixel_symmetric", "round_prefer_ceil"),
    ("asymmetric", "floor"),
)


@pytest.mark.parametrize(("place", "rounding"), NEAREST)
@pytest.mark.parametrize("factor", [2, 3])
def test_enlarging_by_sizes_becomes_enlarging_by_scales(place: str, rounding: str, factor: int, tiny: Any) -> None:
    words = {"mode": "nearest", "coordinate_transformation_mode": place, "nearest_mode": rounding}
    node = helper.make_node("Resize", ["x", "", "", "s"], ["y"], **words)
    outcome = done(tiny([node], {"s": whole(1, 4, 8 * factor, 8 * factor)}))
    assert outcome.whole.most == 0.0
    assert "resize-by-scales" in names(outcome)


@pytest.mark.parametrize("opset", [11, 13, 17])
@pytest.mark.parametrize("side", [8, 40, 64])
def test_a_gate_of_one_value_a_channel_is_spread_first(opset: int, side: int, tiny: Any) -> None:
    """Squeeze and excitation: the mean of each channel weighs it."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["m"]),
        helper.make_node("Sigmoid", ["m"], ["g"]),
        helper.make_node("Mul", ["x", "g"], ["y"]),
    ]
    outcome = done(tiny(nodes, None, (1, 3, side, side), opset=opset))
    spread = next(step for step in outcome.steps if step.rewrite.name == "spread-by-resize")
    assert spread.difference.most == 0.0
    assert ops(outcome).count("Resize") == {8: 1, 40: 2, 64: 2}[side]


def test_a_gate_over_channels_stays(tiny: Any) -> None:
    nodes = [helper.make_node("Conv", ["x", "w"], ["g"]), helper.make_node("Mul", ["x", "g"], ["y"])]
    outcome = done(tiny(nodes, {"w": random(1, 4, 1, 1)}), fits=False)
    assert outcome.steps == ()


def test_an_old_resize_names_its_region(tiny: Any) -> None:
    node = helper.make_node(
        "Resize",
        ["x", "region", "", "s"],
        ["y"],
        mode="nearest",
        nearest_mode="floor",
        coordinate_transformation_mode="asymmetric",
    )
    empty = {"region": np.zeros(0, np.float32), "s": whole(1, 4, 16, 16)}
    node.input[2] = "none"
    outcome = done(tiny([node], empty | {"none": np.zeros(0, np.float32)}, opset=11))
    assert names(outcome) == ["resize-by-scales"]


def test_sizes_that_are_no_multiple_stay(tiny: Any) -> None:
    node = helper.make_node("Resize", ["x", "", "", "s"], ["y"], mode="linear")
    assert names(done(tiny([node], {"s": whole(1, 4, 12, 12)}), fits=False)) == []


def test_another_way_of_interpolating_needs_permission(tiny: Any) -> None:
    node = helper.make_node(
        "Resize", ["x", "", "f"], ["y"], mode="linear", coordinate_transformation_mode="align_corners"
    )
    model = tiny([node], {"f": np.asarray([1, 1, 2, 2], np.float32)})
    assert names(done(model, fits=False)) == []
    outcome = done(model, replace(WISH, approximate=True))
    assert outcome.steps[0].rewrite.exactness is Exactness.APPROXIMATE
    assert 0.001 < outcome.whole.share < 1


@pytest.mark.parametrize("slope", [0.01, 0.3, 1.0, 2.5])
@pytest.mark.parametrize("leaky", [Leaky.MAX, Leaky.PRELU])
def test_leaky_relu_in_other_words(slope: float, leaky: Leaky, tiny: Any) -> None:
    model = tiny([helper.make_node("LeakyRelu", ["x"], ["y"], alpha=slope)])
    outcome = done(model, replace(WISH, leaky=leaky))
    assert ops(outcome) == {Leaky.PRELU: ["PRelu"], Leaky.MAX: ["Mul", "Max" if slope <= 1 else "Min"]}[leaky]
    assert outcome.whole.most == 0.0
    assert ops(done(model)) == ["LeakyRelu"]


MEANS = [(8, 8, 1), (20, 20, 2), (40, 24, 2), (64, 8, 2), (13, 13, 1), (1, 1, 0)]


@pytest.mark.parametrize(("rows", "columns", "count"), MEANS)
@pytest.mark.parametrize("op", ["GlobalAveragePool", "ReduceMean", "GlobalMaxPool"])
def test_means_become_chains_of_windows(op: str, rows: int, columns: int, count: int, tiny: Any) -> None:
    words = {"axes": [2, 3]} if op.startswith("Reduce") else {}
    model = tiny([helper.make_node(op, ["x"], ["y"], **words)], None, (1, 3, rows, columns))
    impossible = op == "GlobalMaxPool" and rows == 13
    outcome = done(model, fits=not impossible)
    if impossible:
        return
    assert len(ops(outcome)) == max(1, count)
    assert outcome.whole.most == 0.0 if op == "GlobalMaxPool" else outcome.whole.share < 1e-5


def test_a_mean_that_drops_its_axes_stays(tiny: Any) -> None:
    node = helper.make_node("ReduceMean", ["x"], ["y"], axes=[2, 3], keepdims=0)
    assert ops(done(tiny([node]), fits=False)) == ["ReduceMean"]


def test_division_by_a_constant_and_squares(tiny: Any) -> None:
    nodes = [helper.make_node("Div", ["x", "c"], ["a"]), helper.make_node("Pow", ["a", "two"], ["y"])]
    outcome = done(tiny(nodes, {"c": random(1, 4, 1, 1) + 5, "two": np.float32(2)}))
    assert ops(outcome) == ["Mul", "Mul"]


@pytest.mark.parametrize("stride", [1, 2])
def test_an_average_that_counts_its_padding(stride: int, tiny: Any) -> None:
    words = {"kernel_shape": [3, 3], "strides": [stride] * 2, "pads": [1, 1, 1, 1]}
    model = tiny([helper.make_node("AveragePool", ["x"], ["y"], **words)])
    assert ops(done(model)) == ["AveragePool", "Mul"]
    assert ops(done(model, replace(WISH, rules=rules("orin-trt8.5")))) == ["AveragePool"]


def decoding(tiny: Any) -> onnx.ModelProto:
    """Two heads and what YOLO exports do with them: views of three axes, joined by place, the expectation over bins."""
    weights: dict[str, Any] = {"w": random(6, 16, 5, 5), "v": random(6, 16, 5, 5), "e": random(1, 6, 1, 1)}
    weights |= {"three": whole(1, 6, -1), "four": whole(1, 6, 1, -1), "c": np.float32(3)}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["near"], pads=[2] * 4),
        helper.make_node("Conv", ["x", "v"], ["far"], strides=[2, 2], pads=[2] * 4),
        helper.make_node("Reshape", ["near", "three"], ["a"]),
        helper.make_node("Reshape", ["far", "three"], ["b"]),
        helper.make_node("Concat", ["a", "b"], ["j"], axis=2),
        helper.make_node("Reshape", ["j", "four"], ["k"]),
        helper.make_node("Softmax", ["k"], ["p"], axis=1),
        helper.make_node("Conv", ["p", "e"], ["q"]),
        helper.make_node("Div", ["q", "c"], ["y"]),
    ]
    return tiny(nodes, weights, (1, 16, 8, 8))


def test_a_decode_tail_is_cut_off_and_both_parts_answer_as_the_whole(tiny: Any) -> None:
    assert done(decoding(tiny), fits=False).tail is None
    outcome = done(decoding(tiny), replace(WISH, border=True))
    assert [value.name for value in outcome.model.graph.output] == ["near", "far"]
    assert [value.name for value in outcome.tail.graph.output] == ["y"]
    assert "Conv" in {node.op_type for node in outcome.tail.graph.node}
    assert outcome.steps[-1].rewrite.name == "cut-tail"
    assert outcome.steps[-1].difference.most == 0.0
    assert outcome.whole.share < 1e-6  # the division in the tail became a product
    assert outcome.after.loadables == 2


def test_a_check_says_which_words_would_make_a_graph_fit(tiny: Any) -> None:
    told = checked(Net(decoding(tiny)), WISH, "xavier-trt8.5")
    assert "With --change-border it fits: 2 nodes, 2 loadables." in check_text(told)
    rewrites = {node["name"]: node["rewrite"] for node in check_document(told)["nodes"]}
    assert rewrites["a"] == "cut-tail (--change-border)"
    assert rewrites["near"] is None


def test_a_refused_node_with_work_behind_it_is_no_tail(tiny: Any) -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"]),
        helper.make_node("Softmax", ["a"], ["b"], axis=1),
        helper.make_node("Conv", ["b", "w"], ["y"]),
    ]
    outcome = done(tiny(nodes, {"w": random(4, 4, 3, 3)}), replace(WISH, border=True), fits=False)
    assert outcome.steps == ()
    assert outcome.tail is None


def test_a_graph_that_draws_random_numbers_cannot_be_proved(tiny: Any) -> None:
    nodes = [helper.make_node("RandomNormalLike", ["x"], ["n"]), helper.make_node("Add", ["x", "n"], ["y"])]
    with pytest.raises(InputRefused, match="draws random numbers"):
        rewritten(Net(tiny(nodes)), WISH)


def test_a_graph_in_half_precision_is_checked_but_not_rewritten(tiny: Any) -> None:
    nodes = [
        helper.make_node("Cast", ["x"], ["a"], to=TensorProto.FLOAT16),
        helper.make_node("ConvTranspose", ["a", "w"], ["b"], pads=[1] * 4),
        helper.make_node("Cast", ["b"], ["y"], to=TensorProto.FLOAT),
    ]
    net = Net(tiny(nodes, {"w": random(4, 4, 3, 3).astype(np.float16)}))
    found = check(net, WISH.rules, WISH.precision)
    assert found.refused == {"refused.conversion": 2, "deconvolution.padding": 1}
    with pytest.raises(InputRefused, match="half precision"):
        rewritten(net, WISH)


def test_an_old_opset_is_checked_but_not_rewritten(tiny: Any) -> None:
    """Bounds and limits were attributes then."""
    nodes = [
        helper.make_node("Slice", ["x"], ["a"], starts=[1, 1], ends=[7, 7], axes=[2, 3]),
        helper.make_node("Clip", ["a"], ["y"], min=0.0, max=6.0),
    ]
    net = Net(tiny(nodes, opset=9))
    assert check(net, WISH.rules, WISH.precision).fits
    assert check(net, WISH.rules, Precision.INT8).refused == {"slice.precision": 1}
    assert prospect(net, INT8).helps == {}
    with pytest.raises(InputRefused, match="opset 9"):
        rewritten(net, INT8)


def test_an_operation_of_another_domain_is_not_onnx_s_own(tiny: Any) -> None:
    net = Net(tiny([helper.make_node("Relu", ["x"], ["y"])]))
    net.nodes[0].domain = "com.example"
    assert check(net, WISH.rules, WISH.precision).refused == {"unlisted": 1}


def quantised(tiny: Any, op: str) -> onnx.ModelProto:
    """Two tensors of different ranges, joined in int8."""
    weights: dict[str, Any] = {f"s{n}": np.float32(v) for n, v in enumerate((0.04, 0.05, 0.045))}
    weights |= {"z": np.int8(0)}
    nodes = []
    for number, source in enumerate(("x", "r")):
        pair = [f"s{number}", "z"]
        nodes.append(helper.make_node("QuantizeLinear", [source, *pair], [f"q{number}"]))
        nodes.append(helper.make_node("DequantizeLinear", [f"q{number}", *pair], [f"d{number}"]))
    words = {"axis": 1} if op == "Concat" else {}
    return tiny(
        [
            helper.make_node("Relu", ["x"], ["r"]),
            *nodes,
            helper.make_node(op, ["d0", "d1"], ["j"], name="join", **words),
            helper.make_node("QuantizeLinear", ["j", "s2", "z"], ["q2"]),
            helper.make_node("DequantizeLinear", ["q2", "s2", "z"], ["y"]),
        ],
        weights,
    )


@pytest.mark.parametrize("op", ["Concat", "Add"])
def test_joined_ranges_become_the_largest_with_permission(op: str, tiny: Any) -> None:
    model = quantised(tiny, op)
    wish = replace(INT8, approximate=True)
    assert names(done(model, INT8, fits=False)) == []
    outcome = done(model, wish, fits=False)
    assert names(outcome) == ["unify-ranges"]
    scales = {node.input[1] for node in outcome.model.graph.node if node.op_type == "QuantizeLinear"}
    assert scales == ({"s1"} if op == "Concat" else {"s1", "s2"})
    assert 0 < outcome.whole.most <= 0.1


def test_volumes_are_left_alone(tiny: Any) -> None:
    nodes = [
        helper.make_node("ConvTranspose", ["x", "w"], ["a"], pads=[1] * 6),
        helper.make_node("LeakyRelu", ["a"], ["y"]),
    ]
    outcome = done(tiny(nodes, {"w": random(2, 2, 3, 3, 3)}, (1, 2, 4, 4, 4)), fits=False)
    assert outcome.steps == ()
    assert outcome.after.refused == {"every.pictures": 2}


def test_numbers_of_the_graph_are_kept_apart(tiny: Any) -> None:
    """Two nodes that share a weight do not spoil it for each other."""
    weights = {"w": random(4, 4, 3, 3)} | {name: np.abs(random(4)) + 0.1 for name in "gsmv"}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], pads=[1] * 4),
        helper.make_node("BatchNormalization", ["a", *"gsmv"], ["b"]),
        helper.make_node("Conv", ["b", "w"], ["y"], pads=[1] * 4),
    ]
    outcome = done(tiny(nodes, weights))
    assert ops(outcome) == ["Conv", "Conv"]
    assert outcome.model.graph.output[0].type.tensor_type.elem_type == TensorProto.FLOAT
