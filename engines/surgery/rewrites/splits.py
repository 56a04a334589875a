"""A split of channels, or slices that do the same, becomes narrower convolutions in front of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from engines.surgery import measures
from engines.surgery.net import Net, Node, copied, label
from engines.surgery.rewrites.base import Exactness, Rewrite, Wish, wherever
from engines.surgery.rewrites.idle import PER_VALUE
from engines.surgery.rewrites.slices import channels_of


def _split(net: Net, node: Node, _wish: Wish) -> bool:
    """Each part of the channels from its share of the weights of the convolution before, or picked by a 1x1 kernel."""
    shape, edges = net.fixed(node.input[0]), _edges(net, node)
    if len(shape) != 4 or not edges:
        return False
    shares = _shares(net, node, edges)
    if shares is None and node.op_type == "Slice":
        return False
    if shares is None:
        shares = [[channels_of(net, node, node.input[0], range(a, b), shape[1])] for a, b in edges]
    for share, name in zip(shares, node.output, strict=True):
        share[-1].output[0] = name
    net.swap([node], [made for share in shares for made in share])
    return True


def _edges(net: Net, node: Node) -> list[tuple[int, int]]:
    """From which channel to which each output goes; empty where something else is cut too."""
    if node.op_type == "Split":
        channels = [net.fixed(name)[1] for name in node.output if len(net.fixed(name)) == 4]
        along = net.setting(node, "axis", default=0) % 4 == 1 and len(channels) == len(node.output)
        return list(pairwise(np.cumsum([0, *channels]).tolist())) if along else []
    spans = measures.cuts(net, node)
    whole = all(span == (0, net.fixed(node.input[0])[axis], 1) for axis, span in spans.items() if axis != 1)
    start, stop, step = spans.get(1, (0, 0, 0))
    return [(start, stop)] if whole and step == 1 and start < stop else []


def _shares(net: Net, node: Node, edges: list[tuple[int, int]]) -> list[list[Node]] | None:
    if any(reader.op_type not in ("Slice", "Split") for reader in net.readers(node.input[0])):
        return None
    found = []
    for a, b in edges:
        narrow = _Narrow(net, slice(a, b))
        if narrow.of(node.input[0]) is None:
            return None
        found.append(narrow.made)
    return found


@dataclass(slots=True)
class _Narrow:
    """A stretch of a tensor's channels, computed alone: the chain back to its convolution, made again narrower."""

    net: Net
    share: slice
    made: list[Node] = field(default_factory=list)
    known: dict[str, str] = field(default_factory=dict)

    def of(self, name: str) -> str | None:
        """The tensor that holds the stretch of `name`; None where it cannot be computed alone."""
        if name in self.known:
            return self.known[name]
        maker = self.net.maker(name)
        if maker is None or self.net.is_output(name) or len(maker.output) != 1:
            return None
        inputs = self._inputs(maker)
        if inputs is None:
            return None
        made = copied(maker)
        made.name, made.output[0] = self.net.fresh(f"{label(maker)}.part"), self.net.fresh(f"{name}.part")
        made.input[:] = inputs
        self.made.append(made)
        self.known[name] = made.output[0]
        return str(made.output[0])

    def _inputs(self, maker: Node) -> list[str] | None:
        if maker.op_type == "Conv" and self.net.setting(maker, "group", default=1) == 1:
            kept = [self._kept(name) for name in maker.input[1:]]
            return None if None in kept else [maker.input[0], *(name for name in kept if name)]
        chained = maker.op_type in PER_VALUE or (maker.op_type in ("Mul", "Add") and len(self.net.live(maker)) == 2)
        if not chained or any(not self._ours(name) for name in self.net.live(maker)):
            return None
        parts = [self.of(name) if name in self.net.live(maker) else name for name in maker.input]
        return None if None in parts else [part for part in parts if part is not None]

    def _ours(self, name: str) -> bool:
        """Whether only this chain reads a tensor: an activation may read it beside the product that it feeds."""
        readers = self.net.readers(name)
        return len(readers) == 1 or {reader.op_type for reader in readers} <= {"Sigmoid", "Mul", "Tanh"}

    def _kept(self, name: str) -> str | None:
        values = self.net.array(name)
        return None if values is None else self.net.store(values[self.share], f"{name}.part")


SPLIT = Rewrite(
    "split-weights",
    "a split becomes two narrower convolutions in front of it, or kernels that pick channels",
    Exactness.ROUNDING,
    wherever(_split, {"Split", "Slice"}),
)
