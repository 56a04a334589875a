"""Random networks of many operations: whatever is changed, the answers stay and nothing gets worse."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import onnx
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from engines.surgery.legality import Place
from engines.surgery.net import Net
from engines.surgery.rewrites.base import Crop, Leaky, Wish
from engines.surgery.rewriting import prospect, rewritten
from engines.surgery.rules import rules, targets
from inference.result import Precision

KINDS = (
    *("conv", "deconv", "norm", "leaky", "silu", "pad", "crop", "thin", "split", "resize", "identity", "transposes"),
    *("dropout", "average", "divide", "skip", "mean", "view"),
)


class Drawing:
    """A network that grows at one tensor; its numbers are drawn from one source."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.nodes: list[Any] = []
        self.weights: dict[str, Any] = {}
        self.at, self.shape, self.start = "x", (1, 4, 8, 8), "x"

    def weight(self, values: Any) -> str:
        name = f"w{len(self.weights)}"
        self.weights[name] = np.asarray(values)
        return name

    def normal(self, *shape: int) -> str:
        """A kernel that neither dampens nor swells what it reads."""
        spread = 1 / np.sqrt(np.prod(shape[1:]))
        return self.weight(self.random.normal(0, spread, shape).astype(np.float32))

    def whole(self, *values: int) -> str:
        return self.weight(np.asarray(values, np.int64))

    def add(self, op: str, *extra: str, **words: Any) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, [self.at, *extra], [name], name=f"n{len(self.nodes)}", **words))
        self.at = name
        return name

    def sized(self, channels: int | None = None, rows: int | None = None, columns: int | None = None) -> None:
        batch, c, h, w = self.shape
        self.shape = (batch, channels or c, rows or h, columns or w)

    def grow(self, kind: str) -> None:
        getattr(self, f"_{kind}")()

    def _conv(self) -> None:
        self.add("Conv", self.normal(6, self.shape[1], 3, 3), auto_pad="SAME_UPPER")
        self.sized(6)

    def _deconv(self) -> None:
        pads = self.random.integers(0, 3, 4).tolist()
        self.add("ConvTranspose", self.normal(self.shape[1], 3, 4, 3), strides=[2, 1], pads=pads)
        rows, columns = 2 * self.shape[2] + 2 - pads[0] - pads[2], self.shape[3] + 2 - pads[1] - pads[3]
        self.sized(3, rows, columns)

    def _norm(self) -> None:
        numbers = [self.weight(self.random.uniform(0.5, 2, self.shape[1]).astype(np.float32)) for _ in range(4)]
        self.add("BatchNormalization", *numbers)

    def _leaky(self) -> None:
        self.add("LeakyRelu", alpha=0.2)

    def _silu(self) -> None:
        before = self.at
        gate = self.add("Sigmoid")
        self.at = before
        self.add("Mul", gate)

    def _pad(self) -> None:
        self.add("Pad", self.whole(0, 0, 1, 0, 0, 0, 2, 1))
        self.sized(None, self.shape[2] + 3, self.shape[3] + 1)

    def _crop(self) -> None:
        for axis in (2, 3):
            self.add("Slice", self.whole(1), self.whole(2**31 - 1), self.whole(axis))
        self.sized(None, self.shape[2] - 1, self.shape[3] - 1)

    def _thin(self) -> None:
        self.add("Slice", self.whole(0), self.whole(2**31 - 1), self.whole(2), self.whole(2))
        self.sized(None, -(-self.shape[2] // 2))

    def _split(self) -> None:
        parts = [1, self.shape[1] - 1]
        name = f"t{len(self.nodes)}"
        outputs = [f"{name}a", f"{name}b"]
        self.nodes.append(helper.make_node("Split", [self.at, self.whole(*parts)], outputs, axis=1))
        self.nodes.append(helper.make_node("Concat", outputs[::-1], [name], axis=1))
        self.at = name

    def _resize(self) -> None:
        shape = (*self.shape[:2], 2 * self.shape[2], 2 * self.shape[3])
        self.add("Resize", "", "", self.whole(*shape), mode="nearest", nearest_mode="round_prefer_ceil")
        self.sized(None, *shape[2:])

    def _identity(self) -> None:
        self.add("Identity")

    def _dropout(self) -> None:
        self.add("Dropout")

    def _transposes(self) -> None:
        self.add("Transpose", perm=[0, 2, 3, 1])
        self.add("Relu")
        self.add("Transpose", perm=[0, 3, 1, 2])

    def _average(self) -> None:
        self.add("AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1])

    def _divide(self) -> None:
        self.add("Div", self.weight(np.float32(3)))

    def _skip(self) -> None:
        before = self.at
        turned = self.add("Tanh")
        self.at = before
        self.add("Add", turned)

    def _mean(self) -> None:
        before = self.at
        middle = self.add("GlobalAveragePool")
        self.at = before
        self.add("Sub", middle)

    def _view(self) -> None:
        before = self.at
        size = self.add("Shape")
        self.at = before
        self.add("Reshape", size)


def network(tiny: Any, kinds: list[str], seed: int) -> onnx.ModelProto:
    drawing = Drawing(seed)
    for kind in kinds:
        if min(drawing.shape[2:]) > 3 and max(drawing.shape[2:]) < 60 and drawing.shape[1] > 1:
            drawing.grow(kind)
    drawing.add("Tanh")
    drawing.nodes[-1].output[0] = "y"
    return tiny(drawing.nodes, drawing.weights)


@given(
    kinds=st.lists(st.sampled_from(KINDS), min_size=3, max_size=8),
    seed=st.integers(0, 99),
    target=st.sampled_from(targets()),
    precision=st.sampled_from((Precision.FP16, Precision.INT8)),
    crop=st.sampled_from((None, *Crop)),
    leaky=st.sampled_from(Leaky),
    border=st.booleans(),
)
@settings(max_examples=25)
def test_no_change_moves_an_answer_or_makes_things_worse(
    kinds: list[str],
    seed: int,
    target: str,
    precision: Precision,
    crop: Crop | None,
    leaky: Leaky,
    border: bool,
    tiny: Any,
) -> None:
    wish = replace(Wish(rules(target), precision), crop=crop, leaky=leaky, border=border)
    net = Net(network(tiny, kinds, seed))
    outcome = rewritten(net, wish)
    onnx.checker.check_model(outcome.model, full_check=True)
    assert outcome.after.count(Place.GPU) <= outcome.before.count(Place.GPU)
    assert outcome.whole.share < 1e-4
    again = rewritten(Net(outcome.model), wish)
    assert again.steps == ()
    assert set(prospect(net, wish).helps) <= {verdict.name for verdict in outcome.before.verdicts} | {
        node.output[0] for node in net.nodes
    }
