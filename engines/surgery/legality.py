"""Which nodes of a graph a target's accelerator takes, and in how many pieces."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from math import prod

from engines.surgery.net import Net, Node, label
from engines.surgery.rules import Finding, Rules, judge
from inference.errors import InputRefused
from inference.result import Precision

_BYTES = {Precision.FP16: 2, Precision.INT8: 1}


class Place(Enum):
    """Where a node runs."""

    DLA = "dla"
    GPU = "gpu"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is decided about one node.

    Attributes:
        name, op: Of the node, as the graph has them.
        finding: The rule that decides and why.
        loadable: Which accelerator subgraph it belongs to, counted from 0; None on the GPU.
    """

    name: str
    op: str
    finding: Finding
    loadable: int | None = None

    @property
    def place(self) -> Place:
        return Place.DLA if self.finding.taken else Place.GPU


@dataclass(frozen=True, slots=True)
class Legality:
    """A whole graph on a target.

    Attributes:
        internal_bytes: Of the tensors inside the largest subgraph.
        fits: Every node is taken, the subgraphs are no more than a core holds, and the tensors inside each are small
            enough.
    """

    verdicts: tuple[Verdict, ...]
    loadables: int
    internal_bytes: int
    fits: bool

    def count(self, place: Place) -> int:
        return sum(verdict.place is place for verdict in self.verdicts)

    @property
    def refused(self) -> Counter[str]:
        """How many nodes each rule keeps off the accelerator."""
        return Counter(verdict.finding.rule for verdict in self.verdicts if verdict.place is Place.GPU)


def check(net: Net, rules: Rules, precision: Precision) -> Legality:
    """Judge every node that computes with the input; what rests on weights alone is computed once.

    Loadables are an estimate: runs of taken nodes that hang together, with no way out to the GPU and back in between,
    as TensorRT forms them.

    Raises:
        InputRefused: The precision is not one that an accelerator computes in.
    """
    if precision not in _BYTES:
        raise InputRefused(f"A DLA does not compute in {precision.value}.", "Choose fp16 or int8.")
    nodes = [node for node in net.nodes if not net.is_constant(node.output[0])]
    findings = [judge(rules, net, node, precision) for node in nodes]
    loadables = _loadables(nodes, [finding.taken for finding in findings])
    verdicts = tuple(
        Verdict(label(node), node.op_type, finding, loadable)
        for node, finding, loadable in zip(nodes, findings, loadables, strict=True)
    )
    count = len(set(loadables) - {None})
    inside = _internal_bytes(net, nodes, loadables, _BYTES[precision])
    fits = all(finding.taken for finding in findings) and count <= rules.loadables and inside <= rules.internal_bytes
    return Legality(verdicts, count, inside, fits)


def refused_tensors(net: Net, rules: Rules, precision: Precision) -> set[str]:
    """What the nodes make that a target does not take."""
    return {name for node in net.nodes if not judge(rules, net, node, precision).taken for name in node.output}


def _loadables(nodes: list[Node], taken: list[bool]) -> list[int | None]:
    """The subgraph of each node, None on the GPU.

    A node's depth counts how often the way to it has left the accelerator; only nodes of one depth may share a
    subgraph, or it would wait for itself.
    """
    makers = {name: place for place, node in enumerate(nodes) for name in node.output}
    depth: list[int] = []
    groups: list[int] = []
    for place, node in enumerate(nodes):
        before = [makers[name] for name in node.input if name in makers]
        depth.append(max((depth[b] + (taken[b] and not taken[place]) for b in before), default=0))
        joined = [b for b in before if taken[b] and taken[place] and depth[b] == depth[place]]
        home = min((groups[b] for b in joined), default=place)
        old = {groups[b] for b in joined}
        groups = [home if group in old else group for group in groups] + [home]
    numbers: dict[int, int] = {}
    return [
        numbers.setdefault(group, len(numbers)) if runs else None for group, runs in zip(groups, taken, strict=True)
    ]


def _internal_bytes(net: Net, nodes: list[Node], loadables: list[int | None], bytes_each: int) -> int:
    """Of the subgraph with most: tensors that it makes and that nothing outside reads."""
    totals: Counter[int] = Counter()
    homes = {id(node): loadable for node, loadable in zip(nodes, loadables, strict=True)}
    for node, loadable in zip(nodes, loadables, strict=True):
        if loadable is None:
            continue
        for name in node.output:
            readers = net.readers(name)
            if readers and not net.is_output(name) and all(homes[id(reader)] == loadable for reader in readers):
                totals[loadable] += bytes_each * prod(net.fixed(name))
    return max(totals.values(), default=0)
