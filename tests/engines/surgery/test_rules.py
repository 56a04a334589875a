"""Every limit of every target, just inside and just outside, from the rule files themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from engines.surgery import measures, rules
from engines.surgery.net import Net
from engines.surgery.rules import Finding, Limit, Rules
from inference.errors import InputRefused
from inference.result import Precision

TARGETS = ("xavier-trt8.5", "orin-trt8.5", "orin-trt8.6", "orin-trt10.3", "orin-trt10.7", "orin-trt11.4")
Value = Any
Make = Callable[[Any, Value], Any]


def zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


def conv(tiny: Any, kernel: tuple[int, ...] = (3, 3), shape: Any = (1, 1, 80, 80), out: int = 1, **words: Any) -> Any:
    inside = shape[1] // words.get("group", 1)
    node = helper.make_node("Conv", ["x", "w"], ["y"], name="it", kernel_shape=kernel, **words)
    return tiny([node], {"w": zeros(out, inside, *kernel)}, shape)


def deconv(tiny: Any, kernel: tuple[int, ...] = (4, 4), shape: Any = (1, 2, 3, 3), out: int = 2, **words: Any) -> Any:
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], name="it", kernel_shape=kernel, **words)
    return tiny([node], {"w": zeros(shape[1], out // words.get("group", 1), *kernel)}, shape)


def pool(tiny: Any, op: str = "MaxPool", window: int = 8, outputs: int = 1, **words: Any) -> Any:
    names = ["y", "places"][:outputs]
    return tiny(
        [helper.make_node(op, ["x"], names, name="it", kernel_shape=[window, window], **words)], None, (1, 1, 40, 40)
    )


def plain(tiny: Any, op: str, shape: Any = (1, 4, 8, 8), constants: dict[str, Any] | None = None, **words: Any) -> Any:
    """One operation of x and constants."""
    given = constants or {}
    return tiny([helper.make_node(op, ["x", *given], ["y"], name="it", **words)], given, shape)


def computed(tiny: Any, op: str, live: int, shape: Any = (1, 4, 8, 8), weight: Any = None, **words: Any) -> Any:
    """One operation whose second operand is a constant, or flows."""
    weight = zeros(*shape) if weight is None else weight
    if live == 1:
        return plain(tiny, op, shape, {"w": weight}, **words)
    nodes = [helper.make_node("Relu", ["k"], ["w"]), helper.make_node(op, ["x", "w"], ["y"], name="it", **words)]
    return tiny(nodes, None, inputs={"x": shape, "k": weight.shape})


def resized(tiny: Any, factors: Any, shape: Any = (1, 1, 2, 2), by_sizes: bool = False, **words: Any) -> Any:
    words = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor", **words}
    if by_sizes:
        sizes = np.asarray([round(a * b) for a, b in zip(shape, factors, strict=True)], np.int64)
        node = helper.make_node("Resize", ["x", "", "", "s"], ["y"], name="it", **words)
        return tiny([node], {"s": sizes}, shape)
    node = helper.make_node("Resize", ["x", "", "s"], ["y"], name="it", **words)
    return tiny([node], {"s": np.asarray(factors, np.float32)}, shape)


def formed(tiny: Any, form: str) -> Any:
    mode, place, *rounding = form.split()
    words = {"nearest_mode": rounding[0]} if rounding else {}
    return resized(tiny, (1, 1, 2, 2), mode=mode, coordinate_transformation_mode=place, **words)


def sliced(tiny: Any, axis: int = 2, step: int = 1, start: int = 0) -> Any:
    bounds = {"from": [start], "to": [2**31 - 1], "axes": [axis], "steps": [step]}
    constants = {name: np.asarray(values, np.int64) for name, values in bounds.items()}
    return plain(tiny, "Slice", (2, 4, 8, 8), constants)


def sliced_by(tiny: Any, live: int) -> Any:
    if live == 1:
        return sliced(tiny)
    nodes = [
        helper.make_node("ReduceSum", ["x"], ["sum"], keepdims=1),
        helper.make_node("Reshape", ["sum", "one"], ["flat"]),
        helper.make_node("Cast", ["flat"], ["end"], to=TensorProto.INT64),
        helper.make_node("Slice", ["x", "from", "end"], ["y"], name="it"),
    ]
    return tiny(nodes, {"one": np.array([1]), "from": np.array([0])})


def joined(tiny: Any, axis: int = 1, inputs: int = 2, constants: int = 0) -> Any:
    names = ["x"] * inputs + ["c"] * constants
    weights = {"c": zeros(1, 4, 8, 8)} if constants else None
    return tiny([helper.make_node("Concat", names, ["y"], name="it", axis=axis)], weights)


def clipped(tiny: Any, low: float, high: float) -> Any:
    return plain(tiny, "Clip", constants={"low": np.float32(low), "high": np.float32(high)})


def spread(tiny: Any, how: str, op: str = "Mul") -> Any:
    shapes = {"uniform": (1,), "channel": (1, 4, 1, 1), "element": (1, 4, 8, 8), "other": (1, 1, 8, 1)}
    return plain(tiny, op, constants={"w": zeros(*shapes[how])})


def added(tiny: Any, shapes: int) -> Any:
    inputs = {"x": (1, 4, 8, 8), "z": (1, 4, 8, 8) if shapes == 1 else (1, 4, 1, 1)}
    return tiny([helper.make_node("Add", ["x", "z"], ["y"], name="it")], inputs=inputs)


def normed(tiny: Any, live: int) -> Any:
    names = ["g", "s", "m", "v"]
    weights = {name: zeros(4) for name in names[: 5 - live]}
    inputs: dict[str, tuple[int, ...]] = {"x": (1, 4, 8, 8)} | {name: (4,) for name in names if name not in weights}
    return tiny([helper.make_node("BatchNormalization", ["x", *names], ["y"], name="it")], weights, inputs=inputs)


def shuffled(tiny: Any, kept: int) -> Any:
    return plain(tiny, "Transpose", (2, 4, 8, 8), perm=[0, 2, 3, 1] if kept else [1, 0, 2, 3])


def reshaped(tiny: Any, live: int) -> Any:
    if live == 1:
        return plain(tiny, "Reshape", constants={"s": np.array([1, 8, 4, 8])})
    nodes = [
        helper.make_node("Cast", ["k"], ["s"], to=TensorProto.INT64),
        helper.make_node("Reshape", ["x", "s"], ["y"], name="it"),
    ]
    return tiny(nodes, None, inputs={"x": (1, 4, 8, 8), "k": (4,)})


def beside(tiny: Any, neighbours: int) -> Any:
    nodes = [helper.make_node("Reshape", ["x", "s"], ["r"], name="it"), helper.make_node("Relu", ["r"], ["y"])]
    if neighbours:
        nodes[1] = helper.make_node("Concat", ["r", "r"], ["y"], axis=1)
    return tiny(nodes, {"s": np.array([1, 8, 4, 8])})


def divided(tiny: Any, shapes: int) -> Any:
    inputs = {"x": (1, 4, 8, 8), "z": (1, 4, 8, 8) if shapes == 1 else (1, 4, 1, 1)}
    return tiny([helper.make_node("Div", ["x", "z"], ["y"], name="it")], inputs=inputs)


def padded(tiny: Any, form: str = "constant 0", readers: int = 1, batch: int = 0) -> Any:
    mode, value = form.split()
    constants = {"p": np.asarray([batch, 0, 1, 1, 0, 0, 1, 1]), "v": np.float32(0 if value == "0" else 3)}
    nodes = [helper.make_node("Pad", ["x", *constants], ["a"], name="it", mode=mode)]
    nodes += [helper.make_node("Relu", ["a"], [f"b{n}"]) for n in range(readers)]
    nodes.append(helper.make_node("Sum", [f"b{n}" for n in range(readers)], ["y"]))
    return tiny(nodes, constants)


def softmax(tiny: Any, shape: Any = (1, 4, 8, 8), axis: int = -3) -> Any:
    return plain(tiny, "Softmax", shape, axis=axis)


def unfixed(tiny: Any, count: int) -> Any:
    if not count:
        return plain(tiny, "Relu")
    model = sliced_by(tiny, 2)
    model.graph.node[-1].name, model.graph.node[-1].output[0] = "", "cut"
    model.graph.node.append(helper.make_node("Relu", ["cut"], ["y"], name="it"))
    return model


def of_format(tiny: Any, kind: str) -> Any:
    cast = helper.make_node("Cast", ["x"], ["a"], to=getattr(TensorProto, kind))
    return tiny([cast, helper.make_node("Abs", ["a"], ["b"], name="it"), helper.make_node("Cast", ["b"], ["y"], to=1)])


MAKERS: dict[tuple[str, str], Make] = {
    ("every", "unfixed"): unfixed,
    ("every", "formats"): of_format,
    ("every", "axes"): lambda tiny, v: plain(tiny, "Relu", (1, 4, 8, 8, 2, 2)[:v]),
    ("every", "batch"): lambda tiny, v: plain(tiny, "Relu", (v, 1, 1, 1)),
    ("every", "extents"): lambda tiny, v: plain(tiny, "Relu", (1, 1, 1, v)),
    ("convolution", "kernel axes"): lambda tiny, v: conv(tiny, (3, 3, 3)[:v], (1, 1, 8, 8, 8)[: v + 2]),
    ("convolution", "kernel"): lambda tiny, v: conv(tiny, (v, 1)),
    ("convolution", "strides"): lambda tiny, v: conv(tiny, strides=(v, 1)),
    ("convolution", "auto pad"): lambda tiny, v: conv(tiny, auto_pad=v),
    ("convolution", "pads"): lambda tiny, v: conv(tiny, (32, 32), pads=[0, v, v, 0]),
    ("convolution", "pads beyond kernel"): lambda tiny, v: conv(tiny, pads=[0, 0, 0, 2 + v]),
    ("convolution", "dilations"): lambda tiny, v: conv(tiny, (2, 2), dilations=(1, v)),
    ("convolution", "groups"): lambda tiny, v: conv(tiny, (1, 1), (1, v, 2, 2), v, group=v),
    ("convolution", "channels"): lambda tiny, v: conv(tiny, (1, 1), out=v),
    ("convolution", "live operands"): lambda tiny, v: computed(tiny, "Conv", v, weight=zeros(2, 4, 3, 3)),
    ("deconvolution", "kernel axes"): lambda tiny, v: deconv(tiny, (3, 3, 3)[:v], (1, 2, 8, 8, 8)[: v + 2]),
    ("deconvolution", "auto pad"): lambda tiny, v: deconv(tiny, auto_pad=v),
    ("deconvolution", "groups"): lambda tiny, v: deconv(tiny, group=v),
    ("deconvolution", "dilations"): lambda tiny, v: deconv(tiny, dilations=(v, 1)),
    ("deconvolution", "output padding"): lambda tiny, v: deconv(tiny, strides=(2, 2), output_padding=[0, v]),
    ("deconvolution", "pads"): lambda tiny, v: deconv(tiny, pads=[0, 0, 0, v]),
    ("deconvolution", "kernel"): lambda tiny, v: deconv(tiny, tuple(v) if isinstance(v, list) else (v, 2)),
    ("deconvolution", "strides"): lambda tiny, v: deconv(
        tiny, (2, 2), strides=tuple(v) if isinstance(v, list) else (v, 2)
    ),
    ("deconvolution", "square kernel"): lambda tiny, v: deconv(tiny, (v, v)),
    ("deconvolution", "square stride"): lambda tiny, v: deconv(tiny, (2, 2), strides=(v, v)),
    ("deconvolution", "channels"): lambda tiny, v: deconv(tiny, (1, 1), out=v),
    ("deconvolution", "live operands"): lambda tiny, v: computed(tiny, "ConvTranspose", v, weight=zeros(4, 2, 3, 3)),
    ("clip", "clip from"): lambda tiny, v: clipped(tiny, v, 6),
    ("clip", "clip to"): lambda tiny, v: clipped(tiny, 0, v),
    ("parametric-relu", "live operands"): lambda tiny, v: computed(tiny, "PRelu", v, weight=zeros(1, 4, 1, 1)),
    ("pooling", "kernel axes"): lambda tiny, v: plain(
        tiny, "MaxPool", (1, 1, 8, 8, 8)[: v + 2], kernel_shape=(2, 2, 2)[:v]
    ),
    ("pooling", "kernel"): lambda tiny, v: pool(tiny, window=v),
    ("pooling", "auto pad"): lambda tiny, v: pool(tiny, auto_pad=v),
    ("pooling", "pads"): lambda tiny, v: pool(tiny, pads=[v, 0, 0, 0]),
    ("pooling", "strides"): lambda tiny, v: pool(tiny, strides=[1, v]),
    ("pooling", "dilations"): lambda tiny, v: pool(tiny, window=3, dilations=[v, 1]),
    ("pooling", "answers"): lambda tiny, v: pool(tiny, outputs=v),
    ("pooling", "exclusive padding"): lambda tiny, v: pool(
        tiny, "AveragePool", pads=[1, 1, 1, 1], count_include_pad=1 - v
    ),
    ("elementwise", "live operands"): lambda tiny, v: computed(tiny, "Max", v) if v < 3 else None,
    ("elementwise", "shapes"): added,
    ("scale", "live operands"): lambda tiny, v: computed(tiny, "Mul", v),
    ("scale", "weight broadcast"): spread,
    ("batch-norm", "live operands"): normed,
    ("concatenation", "axis from end"): lambda tiny, v: joined(tiny, v) if v >= -4 else None,
    ("concatenation", "live operands"): lambda tiny, v: joined(tiny, inputs=v),
    ("concatenation", "constant operands"): lambda tiny, v: joined(tiny, constants=v),
    ("resize", "by sizes"): lambda tiny, v: resized(tiny, (1, 1, 2, 2), by_sizes=bool(v)),
    ("resize", "batch and channel scale"): lambda tiny, v: resized(tiny, (1, v, 2, 2)) if v >= 1 else None,
    ("resize", "scales"): lambda tiny, v: resized(tiny, (1, 1, v or 0.5, 1)),
    ("resize", "linear scales"): lambda tiny, v: resized(
        tiny, (1, 1, v, 1), mode="linear", coordinate_transformation_mode="half_pixel"
    ),
    ("resize", "resize form"): formed,
    ("slice", "steps"): lambda tiny, v: sliced(tiny, step=v),
    ("slice", "sliced batch"): lambda tiny, v: sliced(tiny, axis=0, start=v),
    ("slice", "live operands"): sliced_by,
    ("local-response-norm", "size"): lambda tiny, v: plain(tiny, "LRN", size=int(v)),
    ("shuffle", "batch kept"): shuffled,
    ("shuffle", "live operands"): reshaped,
    ("shuffle", "cut or joined beside a reshape"): beside,
    ("division", "live operands"): lambda tiny, v: computed(tiny, "Div", v) if v else None,
    ("division", "shapes"): divided,
    ("division", "weight broadcast"): lambda tiny, v: spread(tiny, v, "Div"),
    ("power", "live operands"): lambda tiny, v: computed(tiny, "Pow", v) if v else None,
    ("power", "weight broadcast"): lambda tiny, v: spread(tiny, v, "Pow"),
    ("padding", "pad form"): padded,
    ("padding", "pad readers"): lambda tiny, v: padded(tiny, readers=v),
    ("padding", "pad batch"): lambda tiny, v: padded(tiny, batch=v),
    ("softmax", "axis from end"): lambda tiny, v: softmax(tiny, axis=v) if -4 <= v < 0 else None,
    ("softmax", "softmax alone"): lambda tiny, v: softmax(tiny, (1, v, 1, 1)),
    ("softmax", "softmax beside others"): lambda tiny, v: softmax(tiny, (1, v, 2, 1)),
}
STRANGE = {
    "auto pad": ("SAME_UPPER", "SAME_LOWER"),
    "formats": ("INT64", "INT32"),
    "weight broadcast": ("other",),
    "resize form": (
        "nearest asymmetric ceil",
        "nearest align_corners floor",
        "linear asymmetric",
        "linear align_corners",
        "cubic half_pixel",
    ),
    "size": ("11", "13"),
    "pad form": ("constant 3", "reflect 0", "edge 0"),
}
# Measures that may be 0, and those that may be below it; the others begin at 1.
ZERO = {
    *("output padding", "exclusive padding", "pads", "by sizes", "sliced batch", "batch kept", "unfixed"),
    *("cut or joined beside a reshape", "constant operands", "scales", "pads beyond kernel", "pad batch", "clip from"),
}
SIGNED = {"axis from end", "clip to"}


@dataclass(frozen=True)
class Case:
    """A limit of a target with values on both sides."""

    target: str
    layer: str
    key: str
    limit: Limit

    @property
    def make(self) -> Make:
        return MAKERS[self.layer, self.limit.measure]

    @property
    def inside(self) -> list[Value]:
        if self.limit.among:
            return [word for word in self.limit.among if not (self.limit.measure == "formats" and word == "FLOAT16")]
        also = [[int(n) for n in words.split("x")] for words in self.limit.also]
        return [int(v) for v in (self.limit.least, self.limit.most) if v is not None and v >= self.lowest] + also

    @property
    def outside(self) -> list[Value]:
        if self.limit.among:
            return list(STRANGE[self.limit.measure])
        low = [] if self.limit.least is None else [int(self.limit.least) - 1]
        high = [] if self.limit.most is None else [int(self.limit.most) + 1]
        part = [1.5] if self.limit.whole else []
        return [v for v in (*low, *high, *part) if v >= self.lowest]

    @property
    def lowest(self) -> float:
        """Below it no graph can be made."""
        return -99 if self.limit.measure in SIGNED else 0 if self.limit.measure in ZERO else 1


def cases(target: str) -> Iterator[Case]:
    found = rules.rules(target)
    for key, limit in found.every.items():
        yield Case(target, "every", key, limit)
    for name, layer in found.layers.items():
        for key, limit in layer.limits.items():
            yield Case(target, name, key, limit)


def judged(found: Rules, model: Any, precision: Precision = Precision.FP16) -> Finding:
    net = Net(model)
    (node,) = (node for node in net.nodes if node.name == "it")
    return rules.judge(found, net, node, precision)


@pytest.mark.parametrize("target", TARGETS)
def test_each_limit_on_each_side(target: str, tiny: Any) -> None:
    """A value at the limit is taken; one beyond is refused, by that very rule or by one for every layer."""
    found, beyond = rules.rules(target), 0
    for case in cases(target):
        where = (target, case.layer, case.key)
        for value in case.inside:
            model = case.make(tiny, value)
            if model is not None and not (case.limit.selects and value != case.limit.least):
                assert judged(found, model).taken, (*where, value, judged(found, model))
        for value in case.outside:
            model = case.make(tiny, value)
            if model is None:
                continue
            finding = judged(found, model)
            if case.limit.selects and finding.taken:
                assert finding.rule != case.layer, (*where, value)  # another kind of layer serves it
                continue
            beyond += 1
            assert not finding.taken, (*where, value)
            own = f"{case.layer}.{case.key}"
            assert finding.rule == own or finding.rule.startswith("every."), (*where, value, finding.rule)
            assert finding.says
            assert all(key in found.sources for key in finding.source)
    assert beyond > 50


@pytest.mark.parametrize("target", TARGETS)
def test_each_precision_and_each_refusal(target: str, tiny: Any) -> None:
    found = rules.rules(target)
    for refusal, entry in found.refused.items():
        for op in entry.ops:
            net = Net(plain(tiny, "Relu"))
            net.nodes[0].op_type = op
            finding = rules.judge(found, net, net.nodes[0], Precision.FP16)
            assert (finding.taken, finding.rule) == (False, f"refused.{refusal}")
    cut = sliced(tiny)
    assert judged(found, cut, Precision.FP16).taken
    assert judged(found, cut, Precision.INT8).rule == "slice.precision"
    strange = plain(tiny, "Relu")
    strange.graph.node[0].op_type = "Det"
    assert judged(found, strange).rule == "unlisted"


def test_targets_differ_where_their_sources_say_so(tiny: Any) -> None:
    def takes(target: str, model: Any, precision: Precision = Precision.FP16) -> bool:
        return judged(rules.rules(target), model, precision).taken

    average = pool(tiny, "AveragePool", pads=[1, 1, 1, 1])
    both = computed(tiny, "Div", 2)
    assert [takes(t, softmax(tiny)) for t in TARGETS] == [False, True, True, True, True, True]
    assert [takes(t, average) for t in TARGETS] == [False, True, True, True, True, True]
    assert [takes(t, padded(tiny)) for t in TARGETS] == [False, False, False, False, True, True]
    assert [takes(t, both) for t in TARGETS] == [False, False, False, True, True, True]
    assert not takes("orin-trt8.6", softmax(tiny), Precision.INT8)


def test_targets_are_listed_and_unknown_ones_refused() -> None:
    assert rules.targets() == TARGETS
    with pytest.raises(InputRefused, match="no target 'nano'") as caught:
        rules.rules("nano")
    assert all(target in caught.value.hint for target in TARGETS)
    with pytest.raises(InputRefused):
        rules.rules("common")


def test_every_measure_is_used_and_every_rule_has_a_source() -> None:
    used = {case.limit.measure for target in TARGETS for case in cases(target)}
    assert used == set(measures.MEASURES)
    for target in TARGETS:
        found = rules.rules(target)
        assert all(layer.source for layer in found.layers.values())
        assert all(entry.source and entry.says for entry in found.refused.values())
