"""Tables III to VI of paper p0 beside what the simulator gives from a roofline profile. A fit, not a validation.

The paper swaps two models between GPU and accelerator: the first begins on the accelerator, the second on the GPU.
It names neither board, precision, detector size nor how layers are numbered. So two efficiencies (share of the
roofline that GPU and DLA reach) are fitted to the eight frame rates of the models that run without fallback; the
four of the plain model are then predicted. Run it with `python -m engines.paper_tables`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import groupby, product
from math import exp, log, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.roofline import Board, Cost, board, kept_costs, profile
from inference.errors import EngineError
from inference.schedule.contention import NONE
from inference.schedule.cost import all_tasks
from inference.schedule.events import Stream, run
from inference.schedule.plan import ModelPlan, Plan, Segment
from inference.schedule.profile import Profile

Floats = NDArray[np.float64]

BOARD = "agx-xavier-fp16"
FRAMES = 40
IN_FLIGHT = 1
GRID = 24
ZOOMS = 3
LEAST_SHARE, MOST_SHARE = 0.04, 1.2
GRAPHS = "2"


@dataclass(frozen=True, slots=True)
class Published:
    """One row of Tables III and IV, or V and VI: the cuts as printed, and frames per second."""

    tables: str
    model: str
    partner: str
    cut_to_gpu: int
    cut_to_dla: int
    gpu_fps: float
    dla_fps: float


PAPER = (
    Published("III, IV", "pix2pix-original", "pix2pix-original", 4, 14, 172.59, 86.94),
    Published("III, IV", "pix2pix-crop", "pix2pix-crop", 4, 53, 161.84, 147.66),
    Published("III, IV", "pix2pix-conv", "pix2pix-conv", 4, 48, 155.64, 144.06),
    Published("V, VI", "pix2pix-original", "detector", 2, 12, 160.00, 141.87),
    Published("V, VI", "pix2pix-crop", "detector", 9, 50, 156.26, 156.08),
    Published("V, VI", "pix2pix-conv", "detector", 6, 46, 152.65, 151.85),
)
FITTED = tuple(row for row in PAPER if row.model != "pix2pix-original")


@dataclass(frozen=True, slots=True)
class Row:
    """A published row and the simulated one.

    Attributes:
        cut_to_gpu, cut_to_dla: Layers before each cut, of `layers` of each model; numbered by our graphs.
        gpu_fps, dla_fps: Of the model that ends on the GPU, and of the one that ends on the accelerator.
        fallbacks: Times in a frame that a layer leaves the accelerator because it is refused there.
        gpu_only_fps: Frames of both models each when the GPU works alone.
    """

    published: Published
    fitted: bool
    cut_to_gpu: int
    cut_to_dla: int
    layers: tuple[int, int]
    gpu_fps: float
    dla_fps: float
    fallbacks: int
    gpu_only_fps: float


@dataclass(frozen=True, slots=True)
class Report:
    """The fit: `error_percent` is the root mean square over the fitted frame rates."""

    board: Board
    efficiency: Mapping[str, float]
    error_percent: float
    rows: tuple[Row, ...]


def report(on: str = BOARD) -> Report:
    """Fit the two efficiencies and predict every row.

    Raises:
        EngineError: PyTorch, which draws the networks, is not installed.
    """
    where = board(on)
    share = _fitted(where)
    rows = tuple(_simulated(row, where, share) for row in PAPER)
    return Report(where, share, _error_percent(rows), rows)


def document(found: Report) -> dict[str, Any]:
    """The report as JSON."""
    return {
        "kind": "fit",
        "board": found.board.title,
        "efficiency": {device: round(share, 4) for device, share in found.efficiency.items()},
        "fit_error_percent": round(found.error_percent, 2),
        "rows": [asdict(row) for row in found.rows],
    }


def text(found: Report) -> str:
    """The report as a table."""
    share = ", ".join(f"{device.upper()} {100 * value:.0f} %" for device, value in found.efficiency.items())
    lines = [
        f"A fit, not a validation: {found.board.title}; share of the roofline reached: {share}.",
        "",
        f"{'':<9}{'':<36}{'cuts':>17}  {'GPU FPS':>16}  {'DLA FPS':>16}  {'DLA / GPU':>11}  {'GPU only':>8}",
        f"{'tables':<9}{'models':<36}{'paper':>8}{'ours':>9}" + f"  {'paper':>8}{'ours':>8}" * 2 + "  paper  ours",
    ]
    lines += [_line(row) for row in found.rows]
    return "\n".join([*lines, "", *_notes(found)])


def _line(row: Row) -> str:
    paper = row.published
    ratios = f"  {paper.dla_fps / paper.gpu_fps:5.3f} {row.dla_fps / row.gpu_fps:5.3f}"
    return (
        f"{paper.tables:<9}{paper.model + ' + ' + paper.partner:<36}"
        f"{f'{paper.cut_to_gpu}/{paper.cut_to_dla}':>8}{f'{row.cut_to_gpu}/{row.cut_to_dla}':>9}"
        f"  {paper.gpu_fps:8.2f}{row.gpu_fps:8.2f}  {paper.dla_fps:8.2f}{row.dla_fps:8.2f}{ratios}"
        f"  {row.gpu_only_fps:8.1f}{'' if row.fitted else '  predicted'}"
    )


def _notes(found: Report) -> tuple[str, ...]:
    return (
        f"The fit's error is {found.error_percent:.1f} % (root mean square of the eight fitted frame rates).",
        "The published rates of crop and conv differ by 4 %, their work by 43 %, which no roofline can follow:",
        "the rates seem to hold a cost of every frame (decoding, copies) that is not the networks'.",
        "Cuts cannot be compared: the paper counts TensorRT's layers, these are groups of our own graphs.",
        "The plain model's padded deconvolutions are refused by the accelerator and go back to the GPU:",
        "; ".join(f"{r.published.tables}: {r.fallbacks} per frame" for r in found.rows if r.fallbacks) + ".",
    )


def _error_percent(rows: tuple[Row, ...]) -> float:
    pairs = [
        pair for r in rows if r.fitted for pair in ((r.gpu_fps, r.published.gpu_fps), (r.dla_fps, r.published.dla_fps))
    ]
    return 100 * sqrt(sum(log(ours / theirs) ** 2 for ours, theirs in pairs) / len(pairs))


def _fitted(where: Board) -> dict[str, float]:
    """The two shares with the least sum of squared relative errors: a grid, then finer ones around its best."""
    pairs = [(row, _floors(row.model, where), _floors(row.partner, where)) for row in FITTED]

    def loss(logs: Iterable[float]) -> float:
        gpu, dla = map(exp, logs)
        off = 0.0
        for row, first, second in pairs:
            fps = 1000 / float(_swap_times(first, second, gpu, dla).min())
            off += log(fps / row.gpu_fps) ** 2 + log(fps / row.dla_fps) ** 2
        return off

    centre = [(log(LEAST_SHARE) + log(MOST_SHARE)) / 2] * 2
    half = (log(MOST_SHARE) - log(LEAST_SHARE)) / 2
    for _ in range(ZOOMS):
        axes = [np.linspace(middle - half, middle + half, GRID) for middle in centre]
        centre = [float(value) for value in min(product(*axes), key=loss)]
        half *= 2.5 / GRID
    return {"gpu": exp(centre[0]), "dla": exp(centre[1])}


@dataclass(frozen=True, slots=True, eq=False)
class _Floors:
    """A model on a board, at each place of a cut: roofline time of the layers before it, and what the cut costs."""

    gpu: Floats
    dla: Floats
    leave_gpu: Floats
    leave_dla: Floats
    refused: NDArray[np.bool_]


@lru_cache(maxsize=32)
def _floors(name: str, where: Board) -> _Floors:
    layers = profile(name, _costs(name), where, {"gpu": 1.0, "dla": 1.0}).layers
    gpu, dla = (np.cumsum([0.0, *(layer.ms[d] for layer in layers)]) for d in ("gpu", "dla"))
    leave_gpu, leave_dla = (np.array([0.0, *(layer.transition_ms[d] for layer in layers)]) for d in ("gpu", "dla"))
    refused = np.logical_or.accumulate([False, *(not layer.legal["dla"] for layer in layers)])
    return _Floors(gpu, dla, leave_gpu, leave_dla, refused)


def _swap_times(first: _Floors, second: _Floors, gpu: float, dla: float) -> Floats:
    """Time of one frame of each for every pair of cuts: the busier device's load or the longer model's own time.

    As in the paper nobody looks at refused layers, except that the first model's part on the accelerator has none.
    """
    head_dla, tail_gpu = first.dla / dla, (first.gpu[-1] - first.gpu) / gpu
    head_gpu, tail_dla = second.gpu / gpu, (second.dla[-1] - second.dla) / dla
    own = np.maximum(
        (head_dla + first.leave_dla + tail_gpu)[:, None], (head_gpu + second.leave_gpu + tail_dla)[None, :]
    )
    loads = np.maximum(head_dla[:, None] + tail_dla[None, :], tail_gpu[:, None] + head_gpu[None, :])
    times = np.where(first.refused[:, None], np.inf, np.maximum(own, loads))
    times[[0, -1], :] = times[:, [0, -1]] = np.inf
    return times


def _simulated(row: Published, where: Board, share: Mapping[str, float]) -> Row:
    first, second = (profile(name, _costs(name), where, share) for name in (row.model, row.partner))
    times = _swap_times(_floors(row.model, where), _floors(row.partner, where), share["gpu"], share["dla"])
    to_gpu, to_dla = (int(n) for n in np.unravel_index(int(np.argmin(times)), times.shape))
    plan = _swap(first, second, to_gpu, to_dla)
    gpu_fps, dla_fps = _free_running((first, second), plan)
    alone = sum(layer.ms["gpu"] for model in (first, second) for layer in model.layers)
    lengths = (len(first.layers), len(second.layers))
    fallbacks = sum(max(0, len(model.segments) // 2 - 1) for model in plan.models)
    return Row(row, row in FITTED, to_gpu, to_dla, lengths, gpu_fps, dla_fps, fallbacks, 1000 / alone)


def _swap(first: Profile, second: Profile, to_gpu: int, to_dla: int) -> Plan:
    """The first model begins on the accelerator, the second on the GPU; refused layers fall back to the GPU."""
    wishes = (
        ["dla" if n < to_gpu else "gpu" for n in range(len(first.layers))],
        ["gpu" if n < to_dla else "dla" for n in range(len(second.layers))],
    )
    return Plan(tuple(_fallen(p, wish) for p, wish in zip((first, second), wishes, strict=True)))


def _fallen(model: Profile, wish: list[str]) -> ModelPlan:
    real = [d if layer.legal[d] else "gpu" for layer, d in zip(model.layers, wish, strict=True)]
    runs = [(d, [n for n, _ in run]) for d, run in groupby(enumerate(real), key=lambda pair: pair[1])]
    return ModelPlan(model.model, tuple(Segment(d, numbers[0], numbers[-1]) for d, numbers in runs))


def _free_running(profiles: tuple[Profile, Profile], plan: Plan) -> tuple[float, float]:
    """Frames per second of each model when both take what they can get: (ends on the GPU, ends on the DLA)."""
    pieces = run(all_tasks(profiles, plan), Stream(FRAMES, None, IN_FLIGHT), NONE)
    last = [len(model.segments) - 1 for model in plan.models]
    ends = [[p.end for p in pieces if p.model == m and p.segment == last[m]] for m in range(2)]
    stop = min(max(times) for times in ends)
    return _rate(ends[0], stop), _rate(ends[1], stop)


def _rate(ends: list[float], stop: float) -> float:
    """Frames per second in the middle part, where both models still run."""
    inside = [end for end in ends if 0.2 * stop <= end <= stop]
    return 1000 * (len(inside) - 1) / (inside[-1] - inside[0]) if len(inside) > 1 else 1000 / stop


@lru_cache(maxsize=8)
def _costs(name: str) -> tuple[Cost, ...]:
    def make(file: Any) -> None:
        try:
            from engines.training.paper_graphs import write
        except ImportError as error:
            raise EngineError(
                "The published networks are drawn with PyTorch, which is not installed.",
                "Install the extra with `pip install insula[train]`.",
            ) from error
        write(name, file)

    return kept_costs(f"paper-{GRAPHS}-{name}", make)


def main() -> None:
    print(text(report()))


if __name__ == "__main__":
    main()
