"""One slice through one slice-wise task: prepare the network's input, run its parts, place the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from inference.backends.base import Arrays, Engine
from inference.errors import InputRefused
from inference.result import Box, Kind
from inference.roads.detect import boxes_on_slice
from inference.roads.stage import spread_over_places
from inference.roads.synthesise import picture_on_slice
from inference.steps import normalise
from inference.steps.slices import SliceGrid, slice_grid
from inference.task import Task
from inference.volume import Floats, Volume


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """A source slice as it arrives.

    Attributes:
        k: Its index on the source grid.
        values: float32 [j, i].
    """

    k: int
    values: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Parcel:
    """A slice on its way through a network: the tensors alive by name."""

    k: int
    tensors: Arrays


@dataclass(frozen=True, slots=True, eq=False)
class SliceAnswer:
    """What a task says about one slice: a picture [j, i] or boxes, both on the source's grid.

    Attributes:
        spread: Largest difference between two places of the raw answer, relative; 0 for one constant.
    """

    k: int
    spread: float
    picture: Floats | None = None
    boxes: tuple[Box, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class SliceTask:
    """A slice-wise task laid on a source grid; the same arithmetic as a run over the whole study.

    Raises:
        InputRefused: The task wants whole volumes.
    """

    task: Task
    grid: SliceGrid

    def __post_init__(self) -> None:
        if self.task.sampling.kind != "slices" or self.task.kind not in (Kind.VOLUME, Kind.BOXES):
            raise InputRefused(
                f"The task {self.task.name} needs a whole volume and cannot follow slices.",
                "Choose a task that works slice by slice.",
            )

    def prepare(self, item: Slice) -> Parcel:
        """The network's input of a slice."""
        spec = self.task.channels[0]
        picked = self.grid.pick(item.values[None], 0, spec.low)
        return Parcel(item.k, {self.task.model.input: normalise.window(picked, spec.low, spec.high)[None, None]})

    def finish(self, parcel: Parcel) -> SliceAnswer:
        """The network's answer, back on the source slice."""
        maps = tuple(parcel.tensors[name] for name in self.task.model.outputs)
        if self.task.kind is Kind.VOLUME:
            picture = picture_on_slice(self.task, self.grid, maps[0][0, 0])
            return SliceAnswer(parcel.k, spread_over_places(maps[0][0]), picture=picture)
        spread = max(spread_over_places(m[0, 4:]) for m in maps)
        return SliceAnswer(parcel.k, spread, boxes=tuple(boxes_on_slice(self.task, self.grid, parcel.k, maps)))


def through(engine: Engine, keep: frozenset[str]) -> Callable[[Parcel], Parcel]:
    """A step that runs one part of a network.

    Args:
        keep: Tensors that later steps need; all others are let go.
    """
    names = [spec.name for spec in engine.inputs]

    def run(parcel: Parcel) -> Parcel:
        made = engine.infer({name: parcel.tensors[name] for name in names})
        together: Mapping[str, Floats] = {**parcel.tensors, **made}
        return replace(parcel, tensors={name: array for name, array in together.items() if name in keep})

    return run


def grid_of(task: Task, volume: Volume) -> SliceGrid:
    """The task's field of view on a source volume.

    Raises:
        InputRefused: No head is in sight.
    """
    rows, columns = task.sampling.size[:2]
    return slice_grid(volume, (rows, columns), (task.sampling.spacing_mm[0], task.sampling.spacing_mm[1]))


def slices_of(volume: Volume, grid: SliceGrid, count: int | None = None) -> Iterator[Slice]:
    """A volume's axial slices from feet to head, again and again until there are `count` of them."""
    for number in range(len(grid.slices) if count is None else count):
        k = grid.slices[number % len(grid.slices)]
        yield Slice(k, volume.voxels[k])
