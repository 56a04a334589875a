"""Memory: what a job will need against what the machine has free, before anything is loaded."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inference.errors import MemoryRefused
from inference.host.cost import Cost
from inference.monai import plan as monai_plan
from inference.nnunet.orient import network_spacing
from inference.nnunet.plan import read_plan
from inference.result import Kind
from inference.task import Task
from inference.volume import Geometry

# A runtime keeps the weights as it read them and as its kernels want them.
WEIGHT_COPIES = 2
# Runtimes lay tensors out anew between kernels and do not pack them without gaps.
LIVE_SLACK = 1.5
# Libraries, thread pools and kernels of an engine, whatever its model.
ENGINE_BYTES = 150 << 20
# Left to the window and to everything else that runs.
RESERVE_BYTES = 256 << 20
# Grids of a mask's roads: each channel resampled and normalised; each label as sum, mean, odds and share, for which
# the road of nnU-Net keeps one field.
CHANNEL_GRIDS, LABEL_GRIDS, NNUNET_LABEL_GRIDS = 2, 4, 1
# What that road holds on the image's own grid beside its channels: mask, probability, and slabs of work.
NNUNET_SOURCE_GRIDS = 3
# What finding cells on a smear holds, in grids of the picture: planes, votes and labels, measured at its peak.
SMEAR_GRIDS = 12
# MONAI's: one label at a time in float64 along one axis after the other, the best so far, their sum, and the mask.
MONAI_SOURCE_GRIDS = 9
# Files of control groups, version 2 and version 1: the limit, what is used, and what of that can be had back.
_GROUPS = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "total_inactive_file"),
)


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes that a job asks for beyond its volumes, which lie in shared memory already.

    Attributes:
        engine: Weights and library; 0 where the engine is loaded.
        activations: Values between the nodes of its graph.
        grids: Resampled volumes, logits, and the answer.
    """

    engine: int
    activations: int
    grids: int

    @property
    def total(self) -> int:
        return self.engine + self.activations + self.grids


def need_of(task: Task, source: Geometry, cost: Cost, loaded: bool) -> Need:
    """Estimate a job; high rather than low.

    Args:
        source: Grid of the task's first channel.
        loaded: The engine is there already: its weights and its values are counted among what is not free.
    """
    engine = 0 if loaded else WEIGHT_COPIES * cost.weight_bytes + ENGINE_BYTES
    activations = 0 if loaded else int(LIVE_SLACK * cost.live_bytes)
    return Need(engine, activations, 4 * _grid_elements(task, source) + cost.answer_bytes)


def require(need: Need, free: int | None, title: str) -> None:
    """Refuse a job that does not fit.

    Args:
        free: From `free_bytes`; None lets every job pass.
        title: The task's title.

    Raises:
        MemoryRefused: With both figures.
    """
    if free is None or need.total + RESERVE_BYTES <= free:
        return
    raise MemoryRefused(
        f"{title} needs about {_gb(need.total + RESERVE_BYTES)} of memory and {_gb(free)} are free.",
        "Close other studies or programs, or choose a smaller precision or a smaller series.",
    )


def free_bytes(meminfo: Path = Path("/proc/meminfo"), groups: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Memory that can be had now without swapping; None where the system does not say."""
    found = [_windows_free() if sys.platform == "win32" else _linux_free(meminfo), *_group_free(groups)]
    known = [one for one in found if one is not None]
    return min(known) if known else None


def _grid_elements(task: Task, source: Geometry) -> int:
    here = _elements(source.shape)
    if task.sampling.kind == "crops":
        return here * SMEAR_GRIDS
    if task.kind is Kind.BOXES:
        return 0
    if task.kind is Kind.VOLUME:
        return here
    spacing = np.asarray(_network_spacing(task, source))
    work = _elements(np.ceil(np.asarray(source.shape[::-1]) * source.spacing_mm / spacing) + 1)
    labels = len(task.output.labels) + 1
    channels = len(task.channels)
    if task.is_nnunet:
        return work * (CHANNEL_GRIDS * channels + NNUNET_LABEL_GRIDS * labels) + here * (channels + NNUNET_SOURCE_GRIDS)
    beside = channels + MONAI_SOURCE_GRIDS if task.sampling.kind == "monai" else labels + 1
    return work * (CHANNEL_GRIDS * channels + LABEL_GRIDS * labels) + here * beside


def _network_spacing(task: Task, source: Geometry) -> tuple[float, ...]:
    if task.sampling.kind == "monai":
        return monai_plan.read_plan(task.plan_path).spacing(source.spacing_mm)
    return network_spacing(source, read_plan(task.plan_path)) if task.is_nnunet else task.sampling.spacing_mm


def _elements(shape: Iterable[float]) -> int:
    return int(np.prod([int(side) for side in shape], dtype=np.int64))


def _linux_free(meminfo: Path) -> int | None:
    try:
        lines = meminfo.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


def _windows_free() -> int | None:
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_uint32),
            ("load", ctypes.c_uint32),
            *((name, ctypes.c_uint64) for name in ("total", "free", "page", "page_free", "virtual", "v_free", "ext")),
        )

    status = Status(length=ctypes.sizeof(Status))
    library = getattr(ctypes, "windll", None)
    if library is None or not library.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return None
    return int(status.free)


def _group_free(groups: Path) -> list[int | None]:
    """A container's own limit, less what it uses and cannot give back at once."""
    return [_one_group(groups / limit, groups / used, idle) for limit, used, idle in _GROUPS]


def _one_group(limit: Path, used: Path, idle: str) -> int | None:
    try:
        most, now = int(limit.read_text(encoding="ascii")), int(used.read_text(encoding="ascii"))
        stat = (line.split() for line in (used.parent / "memory.stat").read_text(encoding="ascii").splitlines())
        reclaimable = next((int(words[1]) for words in stat if words[0] == idle), 0)
    except (OSError, ValueError):  # absent, or "max"
        return None
    return most - now + reclaimable


def _gb(count: int) -> str:
    return f"{count / 1e9:.1f} GB"
