"""A profile nobody measured: the least time that a board's peaks allow, divided by an efficiency.

Each layer takes the longer of computing at the device's peak and moving its bytes at the memory's. A cut moves every
live tensor once; leaving a device costs a fixed time on top. Such a profile ranks plans; it promises no milliseconds.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from inference.errors import EngineError
from inference.result import Precision
from inference.schedule.profile import Layer, Profile

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FP32_BYTES = 4
TARGET = "xavier-trt8.5"


@dataclass(frozen=True, slots=True)
class Peak:
    """One device: 1e12 operations/s (a multiply-add is two), and the cost of leaving it before any byte moves."""

    tflops: float
    leave_ms: float


@dataclass(frozen=True, slots=True, eq=False)
class Board:
    """A board at one precision."""

    name: str
    title: str
    bytes_per_value: int
    dram_gbps: float
    devices: Mapping[str, Peak]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one layer of a graph asks for, whatever runs it; bytes as in fp32.

    Attributes:
        live_bytes: Of all tensors that cross a cut after it.
        dla: An accelerator takes all of its operations.
    """

    name: str
    macs: int
    traffic_bytes: int
    weight_bytes: int
    live_bytes: int
    dla: bool


def board(name: str) -> Board:
    """A board of resources/boards.toml.

    Raises:
        EngineError: There is none of that name.
    """
    table = tomllib.loads(files("resources").joinpath("boards.toml").read_text(encoding="utf-8"))
    if name not in table:
        raise EngineError(f"There is no board {name}.", f"Choose from {', '.join(table)}.")
    found = table[name]
    devices = {key: Peak(**value) for key, value in found.items() if isinstance(value, dict)}
    return Board(name, found["title"], found["bytes_per_value"], found["dram_gbps"], devices)


def costs(model: Path, target: str = TARGET) -> tuple[Cost, ...]:
    """The layers of an ONNX graph: groups of nodes between all places where it may be cut.

    Args:
        target: The rule set that says what an accelerator takes in fp16.

    Raises:
        EngineError: The file is no ONNX graph with fixed shapes.
        InputRefused: An input has no fixed shape, or there is no such target.
    """
    from engines.surgery.cut import blocks, legal_points, read
    from engines.surgery.flow import Flow
    from engines.surgery.legality import refused_tensors
    from engines.surgery.net import Net
    from engines.surgery.rules import rules

    graph = read(model)
    points = legal_points(graph)
    nodes = Flow(graph).nodes
    live = [*(point.live_bytes for point in points), 0]
    refused = refused_tensors(Net(graph, model.name), rules(target), Precision.FP16)
    return tuple(
        Cost(
            f"{number} {block.name}",
            block.macs,
            block.traffic_bytes,
            block.weight_bytes,
            bytes_after,
            refused.isdisjoint(name for node in nodes[block.first : block.last + 1] for name in node.output),
        )
        for number, (block, bytes_after) in enumerate(zip(blocks(graph, points), live, strict=True))
    )


def profile(model: str, layers: tuple[Cost, ...], on: Board, efficiency: Mapping[str, float]) -> Profile:
    """A profile of a board.

    Args:
        efficiency: Share of the roofline that each device reaches, above 0; the fit's parameters.
    """
    return Profile(model, tuple(on.devices), tuple(_layer(cost, on, efficiency) for cost in layers))


def _layer(cost: Cost, on: Board, efficiency: Mapping[str, float]) -> Layer:
    share = on.bytes_per_value / FP32_BYTES
    moved = cost.traffic_bytes * share

    def ms(device: str) -> float:
        floor = max(2e-9 * cost.macs / on.devices[device].tflops, 1e-6 * moved / on.dram_gbps)
        return round(floor / efficiency[device], 9)

    times = {device: ms(device) for device in on.devices}
    crossing = 1e-6 * cost.live_bytes * share / on.dram_gbps
    return Layer(
        name=cost.name,
        ms=times,
        transition_ms={device: peak.leave_ms + crossing for device, peak in on.devices.items()},
        bandwidth_gbps={device: 1e-6 * moved / t if t > 0 else 0.0 for device, t in times.items()},
        legal={device: cost.dla or not device.startswith("dla") for device in on.devices},
        live_bytes=round(cost.live_bytes * share),
        memory_bytes=round(cost.weight_bytes * share),
    )


def kept_costs(name: str, make: Callable[[Path], None]) -> tuple[Cost, ...]:
    """Costs of a graph from the cache; the graph is made, read and dropped when they are not there.

    Args:
        name: Changes when the graph does.
        make: Writes the ONNX graph.

    Raises:
        EngineError: The graph cannot be made or the cache cannot be written.
    """
    from inference import cache

    def write(target: Path) -> None:
        draft = target.with_suffix(".onnx")
        try:
            make(draft)
            target.write_text(json.dumps([asdict(cost) for cost in costs(draft)]), encoding="utf-8")
        finally:
            draft.unlink(missing_ok=True)

    found: list[dict[str, Any]] = json.loads(
        cache.keep(f"costs/{name}.{TARGET}.json", write).read_text(encoding="utf-8")
    )
    return tuple(Cost(**entry) for entry in found)
