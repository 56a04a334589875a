"""A model as the layers of a profile: groups of nodes between cut points, each range of them a graph of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engines.library import Bundle, require_intact
from engines.surgery import cut
from inference import cache
from inference.schedule.plan import ModelPlan

PREPARE, FINISH = "prepare", "finish"


@dataclass(frozen=True, slots=True)
class Layered:
    """A model and where it may be cut.

    Attributes:
        name: For plans and reports.
        points: Between the blocks, one fewer than those.
        ends: Whether its layers begin with "prepare" (a slice becomes the network's input) and end with "finish"
            (the network's answer goes back onto the slice). Both run wherever the plan puts them.
    """

    name: str
    model: Path
    sha256: str
    points: tuple[cut.CutPoint, ...]
    blocks: tuple[cut.Block, ...]
    ends: bool

    @property
    def layers(self) -> int:
        return len(self.blocks) + (2 if self.ends else 0)

    def block_ends(self, plan: ModelPlan) -> tuple[int, ...]:
        """For each segment, the number of blocks that have run when it is done."""
        shift = 1 if self.ends else 0
        return tuple(min(max(s.last + 1 - shift, 0), len(self.blocks)) for s in plan.segments)

    def parts(self, plan: ModelPlan) -> tuple[Path | None, ...]:
        """For each segment its graph; None where it only prepares or finishes.

        Raises:
            EngineError: The model cannot be read or the cache folder cannot be written.
        """
        done = self.block_ends(plan)
        inner = sorted({end for end in done if 0 < end < len(self.blocks)})
        files = iter(cut.parts_for(self.model, self.sha256, tuple(self.points[end - 1] for end in inner)))
        begins = (0, *done[:-1])
        return tuple(next(files) if end > begin else None for begin, end in zip(begins, done, strict=True))


def of_bundle(bundle: Bundle, ends: bool, most: int = cut.MOST) -> Layered:
    """The layers of a task's fp32 graph.

    Raises:
        EngineError: The bundle is damaged, or its graph branches or loops.
    """
    require_intact(bundle)
    return _layered(bundle.task.name, bundle.model, bundle.sha256, ends, most)


def of_model(model: Path, most: int = cut.MOST) -> Layered:
    """The layers of any fp32 ONNX file.

    Raises:
        EngineError: It is none, or it branches or loops.
    """
    digest = cache.sha256(model) if model.is_file() else ""
    return _layered(model.stem, model, digest, False, most)


def _layered(name: str, model: Path, sha256: str, ends: bool, most: int) -> Layered:
    graph = cut.read(model)
    points = cut.cut_points(graph, most)
    return Layered(name, model, sha256, points, cut.blocks(graph, points), ends)
