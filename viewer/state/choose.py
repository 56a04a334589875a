"""Which series and which result a pane shows when nobody has said so."""

from __future__ import annotations

from inference.result import Kind, Precision, Result
from inference.volume import Channel, Volume
from viewer.state.catalogue import Catalogue
from viewer.state.view import ViewState
from viewer.study import GeometryState, Series

_RESULT = "result:"
_ORDER = (
    Channel.CT,
    Channel.DWI,
    Channel.T2,
    Channel.FLAIR,
    Channel.T1C,
    Channel.T1,
    Channel.ADC,
    Channel.COLOUR,
    Channel.UNKNOWN,
)


def result_id(task: str) -> str:
    """Id of a task's result as a volume; the same for every precision, so that a window stays when they are flipped."""
    return _RESULT + task


def task_of(volume_id: str | None) -> str | None:
    """The task of a result's id, or None for a series uid."""
    return volume_id[len(_RESULT) :] if volume_id is not None and volume_id.startswith(_RESULT) else None


def series_of(catalogue: Catalogue, uid: str) -> Series | None:
    """The series with this uid."""
    series = () if catalogue.study is None else catalogue.study.series
    return next((one for one in series if one.uid == uid), None)


def source_id(view: ViewState, catalogue: Catalogue) -> str | None:
    """The series wished for, else the best one: CT first, then DWI, T2, ...; the larger of two alike."""
    known = {series.uid for series in catalogue.study.series} if catalogue.study else set()
    if view.source_id is not None and (view.source_id in known or view.source_id in catalogue.volumes):
        return view.source_id
    return _best_series(catalogue) or _best_volume(catalogue)


def _best_series(catalogue: Catalogue) -> str | None:
    if catalogue.study is None:
        return None
    usable = [one for one in catalogue.study.series if one.is_shown]
    if not usable:
        return None
    return min(usable, key=lambda one: (one.state is GeometryState.BLOCKED, _rank(one.channel), -_slices(one))).uid


def _best_volume(catalogue: Catalogue) -> str | None:
    return min(catalogue.volumes, key=lambda uid: _rank(catalogue.volumes[uid].channel), default=None)


def _rank(channel: Channel) -> int:
    return _ORDER.index(channel)


def _slices(series: Series) -> int:
    return 0 if series.acquired_shape is None else series.acquired_shape[0]


def task_for(
    kind: Kind, source: str | None, wished: str | None, precision: Precision, catalogue: Catalogue
) -> str | None:
    """The task whose result a pane of this kind shows: the one wished for, else one made from the source, else any.

    Among those, one that has a result at this precision goes first.
    """
    if wished is not None and (task := task_of(wished)) is not None:
        return task
    made = [key for key, result in catalogue.results.items() if result.kind is kind]
    if not made:
        return None
    best = min(made, key=lambda key: (catalogue.result_source.get(key) != source, key[1] is not precision))
    return best[0]


def result_of(task: str | None, precision: Precision, catalogue: Catalogue) -> Result | None:
    """A task's result at a precision."""
    return None if task is None else catalogue.results.get((task, precision))


def steady_volume(task: str, volume: Volume, catalogue: Catalogue) -> Volume:
    """The volume whose statistics give the window: one for all precisions, so that flipping changes only voxels."""
    made = (result_of(task, precision, catalogue) for precision in Precision)
    return next((one.volume for one in made if one is not None and one.volume is not None), volume)


def kind_of(task: str, catalogue: Catalogue) -> Kind | None:
    """What a task makes, as far as is known here."""
    made = (result.kind for (name, _), result in catalogue.results.items() if name == task)
    return catalogue.kinds.get(task) or next(made, None)


def channel_of(uid: str, catalogue: Catalogue) -> Channel:
    """What a series shows, from its header or its volume."""
    series = series_of(catalogue, uid)
    if series is not None and series.channel is not Channel.UNKNOWN:
        return series.channel
    volume = volume_of(uid, catalogue)
    return Channel.UNKNOWN if volume is None else volume.channel


def ground_of(task: str | None, source: str | None, catalogue: Catalogue) -> str | None:
    """Series uid on whose grid a task's results lie; the source where there is none yet."""
    found = (uid for key, uid in catalogue.result_source.items() if key[0] == task)
    return next(found, source)


def volume_of(uid: str | None, catalogue: Catalogue) -> Volume | None:
    """The volume of a series, if it has been read."""
    return None if uid is None else catalogue.volumes.get(uid)


def failure_of(kind: Kind, precision: Precision, catalogue: Catalogue) -> str:
    """Why no task of this kind has a result at this precision, or "" while one of them may still answer."""
    tasks = [task for task, makes in catalogue.kinds.items() if makes is kind]
    failed = [catalogue.failures.get((task, precision), "") for task in tasks]
    return failed[0] if failed and all(failed) else ""
