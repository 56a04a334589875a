"""What every change shares: how exact it claims to be, what it may do, and how it walks a graph."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import Enum

from engines.surgery.net import Net, Node, label
from engines.surgery.rules import Rules, judge
from inference.result import Precision

MOST_KERNEL = 32
SHARE = 1e-5
"""Largest difference of a change that only rounds differently, as a share of the answer's range."""


class Exactness(Enum):
    """What a change claims; the proof holds it to that."""

    BITWISE = "bitwise"
    ROUNDING = "rounding"
    APPROXIMATE = "approximate"


class Crop(Enum):
    """How the border of a deconvolution without padding is taken off."""

    SLICE = "slice"
    DELTA = "delta"
    DEPTH_TO_SPACE = "depth-to-space"


class Leaky(Enum):
    """How a leaky ReLU is written."""

    KEEP = "keep"
    MAX = "max"
    PRELU = "prelu"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a rewrite is for and may do.

    Attributes:
        crop: None leaves the choice to the precision: slices in fp16, delta kernels in int8, which has no slice.
        border: Inputs and outputs may change their layout, and a decode tail may be cut off.
        approximate: Changes that are not exact are allowed.
    """

    rules: Rules
    precision: Precision = Precision.FP16
    crop: Crop | None = None
    leaky: Leaky = Leaky.KEEP
    border: bool = False
    approximate: bool = False

    def refuses(self, net: Net, node: Node) -> bool:
        return not judge(self.rules, net, node, self.precision).taken


Change = Callable[[Net, Node, Wish], bool]
Apply = Callable[[Net, Wish], list[str]]


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A change of the catalogue.

    Attributes:
        says: What it does, for people.
        apply: Changes the graph wherever it helps; the names of the nodes it replaced.
        needs_border: It changes the border of the graph.
    """

    name: str
    says: str
    exactness: Exactness
    apply: Apply
    needs_border: bool = False


def wherever(change: Change, ops: Collection[str], only_refused: bool = True) -> Apply:
    """Try a change at each node of some operations, until it finds no more.

    Args:
        only_refused: Leave nodes alone that the target takes.
    """

    def apply(net: Net, wish: Wish) -> list[str]:
        touched: list[str] = []
        for node in list(net.nodes):
            alive = any(node is other for other in net.nodes)
            if not alive or node.op_type not in ops or (only_refused and not _mendable(net, node, wish)):
                continue
            if change(net, node, wish):
                touched.append(label(node))
                net.refresh()
        return touched

    return apply


def repeated(apply: Apply) -> Apply:
    """A change again and again until it finds no more: one place may wait for another."""

    def until_done(net: Net, wish: Wish) -> list[str]:
        touched: list[str] = []
        while found := apply(net, wish):
            touched += found
        return touched

    return until_done


def _mendable(net: Net, node: Node, wish: Wish) -> bool:
    """Whether a node is refused for something that can be changed; no change makes three dimensions two."""
    return len(net.fixed(node.input[0])) == 4 and wish.refuses(net, node)
