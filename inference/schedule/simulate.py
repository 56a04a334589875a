"""The event simulator: what a plan costs when segments meet on the devices and share the memory.

A device runs one segment at a time and never preempts it; a model's segments run in order; between two of them the
model pays the transition while it occupies no device. Where a contention table is given, layers that overlap slow
each other down for exactly as long as they overlap.
"""

from __future__ import annotations

from dataclasses import dataclass

from inference.lanes import Span
from inference.schedule.contention import NONE, Contention
from inference.schedule.cost import Task, all_tasks, loads
from inference.schedule.events import Piece, Stream, round_queues, run
from inference.schedule.plan import Plan, check, unique_names
from inference.schedule.profile import Profile
from inference.schedule.steady import Cycle, cycle

Work = tuple[tuple[Task, ...], ...]
WARM_FRAMES = 5
COUNTED_FRAMES = 8


@dataclass(frozen=True, slots=True)
class Timeline:
    """What happens when.

    Attributes:
        lanes: Devices of the profiles, in their order, idle ones too.
        spans: One for each segment that ran; label "model first-last", seconds from the first frame's start.
        makespan_ms: One frame of every model, from the first start to the last end.
        period_ms: Time between frames in the steady state, one frame of every model in each period.
        window_s: Part of the spans that idle time is counted in: the whole round, or whole periods of a stream.
        latency_ms: For each model, from a frame's first start to its last end.
    """

    lanes: tuple[str, ...]
    spans: tuple[Span, ...]
    makespan_ms: float
    period_ms: float
    window_s: tuple[float, float]
    latency_ms: tuple[float, ...]

    def idle_percent(self) -> dict[str, float]:
        """Share of the window in which each lane did nothing."""
        return {lane: idle_percent(self.spans, lane, self.window_s) for lane in self.lanes}


def idle_percent(spans: tuple[Span, ...], lane: str, window_s: tuple[float, float]) -> float:
    """Share of a window in which a lane did nothing, in percent; spans of one lane may overlap."""
    begin, end = window_s
    clipped = sorted((max(s.start_s, begin), min(s.end_s, end)) for s in spans if s.lane == lane)
    busy, reached = 0.0, begin
    for start, stop in clipped:
        busy += max(0.0, stop - max(start, reached))
        reached = max(reached, stop)
    return 100.0 * (1.0 - busy / (end - begin)) if end > begin else 100.0


def simulate(profiles: tuple[Profile, ...], plan: Plan, contention: Contention = NONE, frames: int = 1) -> Timeline:
    """Run a plan.

    Args:
        frames: 1 for one round (makespan); more for a stream in its steady state, a frame in every period.

    Raises:
        ProfileInvalid: The plan does not fit the profiles.
    """
    check(profiles, plan)
    work = all_tasks(profiles, plan)
    names = unique_names(plan)
    one = _round(work, plan, contention)
    period = period_ms(work, contention)
    pieces, window = one, (0.0, max(p.end for p in one))
    if frames > 1:
        table = cycle(work)
        pieces = _stream(work, table, contention, frames, period) if contention else _timetable(work, table, frames)
        window = _whole_periods(pieces, table, frames, period)
    return Timeline(
        lanes=lanes_of(profiles),
        spans=tuple(_span(plan, names, piece) for piece in pieces),
        makespan_ms=max(p.end for p in one),
        period_ms=period,
        window_s=(window[0] / 1e3, window[1] / 1e3),
        latency_ms=tuple(_latency(pieces, m) for m in range(len(plan.models))),
    )


def lanes_of(profiles: tuple[Profile, ...]) -> tuple[str, ...]:
    """Every device that a profile names, once, in order."""
    return tuple(dict.fromkeys(d for profile in profiles for d in profile.devices))


def makespan_ms(work: Work, plan: Plan, contention: Contention = NONE) -> float:
    """One frame of every model, from the first start to the last end."""
    return max(piece.end for piece in _round(work, plan, contention))


def period_ms(work: Work, contention: Contention = NONE) -> float:
    """Time between frames in the steady state.

    Without contention it is the load of the busiest device: the timetable of `steady.cycle` never lets it wait. With
    contention the devices keep that timetable's order and the pace of a saturated stream is counted.
    """
    free = max(loads(work).values())
    if not contention:
        return free
    frames = WARM_FRAMES + COUNTED_FRAMES + 2
    pieces = _stream(work, cycle(work), contention, frames, 0.0)
    return max(free, *(_pace(pieces, work, device) for device in loads(work)))


def _round(work: Work, plan: Plan, contention: Contention) -> tuple[Piece, ...]:
    return run(work, Stream(queues=round_queues(work, plan.order)), contention)


def _stream(work: Work, table: Cycle, contention: Contention, frames: int, every_ms: float) -> tuple[Piece, ...]:
    return run(work, Stream(frames, table.queues(work, frames), frames, every_ms), contention)


def _timetable(work: Work, table: Cycle, frames: int) -> tuple[Piece, ...]:
    """A stream that keeps to its timetable, as it does when nothing slows it down."""
    return tuple(
        Piece(m, s, frame, start + frame * table.period_ms, start + frame * table.period_ms + work[m][s].ms)
        for frame in range(frames)
        for m, model in enumerate(table.starts_ms)
        for s, start in enumerate(model)
    )


def _pace(pieces: tuple[Piece, ...], work: Work, device: str) -> float:
    """Time between frames on one device of a saturated stream, once it is warm."""
    ends: dict[int, float] = {}
    for p in pieces:
        if work[p.model][p.segment].segment.device == device:
            ends[p.frame] = max(ends.get(p.frame, 0.0), p.end)
    return (ends[WARM_FRAMES + COUNTED_FRAMES - 1] - ends[WARM_FRAMES - 1]) / COUNTED_FRAMES


def _whole_periods(pieces: tuple[Piece, ...], table: Cycle, frames: int, period: float) -> tuple[float, float]:
    """Whole periods in which the stream is warm; all of it when it is too short for that."""
    first = table.in_flight + 2
    if frames < first + 2:
        return 0.0, max(p.end for p in pieces)
    return first * period, frames * period


def _latency(pieces: tuple[Piece, ...], model: int) -> float:
    """Of the frame in the middle."""
    frames = sorted({p.frame for p in pieces})
    middle = frames[len(frames) // 2]
    own = [p for p in pieces if p.model == model and p.frame == middle]
    return max(p.end for p in own) - min(p.start for p in own)


def _span(plan: Plan, names: tuple[str, ...], piece: Piece) -> Span:
    segment = plan.models[piece.model].segments[piece.segment]
    label = f"{names[piece.model]} {segment.first}-{segment.last}"
    return Span(segment.device, label, piece.start / 1e3, piece.end / 1e3)
