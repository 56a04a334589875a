"""The demo study: one digital head with known bleeds and infarcts, as a DICOM study with its truth beside it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engines.phantom.head import Head, make_head
from engines.phantom.lesions.plan import LesionKind, LesionPlan, LesionSpec, Side
from engines.phantom.signal import standard_scanner
from inference.errors import JobCancelled
from inference.result import CancelledFn, Progress, ProgressFn
from inference.volume import Channel, Geometry, Volume
from viewer.dicom.write_series import PhantomPatient, SeriesToWrite, StudyNotWritten, Timing, WriteOptions, write_study
from viewer.whole_file import write_text

Point = tuple[float, float, float]
DEMO_PLAN = LesionPlan(
    (
        LesionSpec(LesionKind.INFARCT, 16.0, Side.RIGHT),
        LesionSpec(LesionKind.INFARCT, 6.0, Side.LEFT),
        LesionSpec(LesionKind.IPH, 22.0, Side.LEFT),
        LesionSpec(LesionKind.SDH, 55.0, Side.RIGHT),
    )
)
GRIDS = {Channel.CT: (512, 0.46, 5.0), Channel.DWI: (128, 1.8, 4.0), Channel.ADC: (128, 1.8, 4.0)}
TRUTH_FILE = "truth.json"
STUDY_FOLDER = "study"
MR_DESCRIPTIONS = {
    Channel.DWI: "DWI b1000 trace",
    Channel.ADC: "ADC",
    Channel.T2: "T2 ax",
    Channel.FLAIR: "FLAIR ax",
    Channel.T1: "T1 ax",
}
"""What an emergency examination for stroke or bleeding holds: no contrast medium."""


@dataclass(frozen=True, slots=True)
class TrueLesion:
    """One lesion of the demo, known exactly.

    Attributes:
        label: Kind as findings name it.
        ml: Volume.
        side: "L", "R" or "M".
        centroid_lps_mm: Centre of gravity.
        box_lps_mm: Smallest and largest corner, axis-aligned in LPS.
    """

    label: str
    ml: float
    side: str
    centroid_lps_mm: Point
    box_lps_mm: tuple[Point, Point]


@dataclass(frozen=True, slots=True)
class DemoTruth:
    """What the demo study holds.

    Attributes:
        study: Folder of the DICOM files.
        seed: What everything was drawn from.
        lesions: All lesions.
    """

    study: Path
    seed: int
    lesions: tuple[TrueLesion, ...]


def open_demo(
    folder: Path, seed: int = 9, progress: ProgressFn | None = None, cancelled: CancelledFn | None = None
) -> DemoTruth:
    """The demo study of that seed in `folder`, made when it is not there yet.

    Raises:
        StudyNotWritten: The folder holds something else, or the disk refused.
        JobCancelled: `cancelled()` became true.
    """
    known = read_truth(folder)
    if known is not None and known.seed == seed:
        return known
    return make_demo(folder, seed, progress, cancelled)


def read_truth(folder: Path) -> DemoTruth | None:
    """What an earlier `make_demo` wrote into `folder`, or None where it wrote nothing whole."""
    try:
        document = json.loads((folder / TRUTH_FILE).read_text(encoding="utf-8"))
        lesions = tuple(_lesion(one) for one in document["lesions"])
        truth = DemoTruth(folder / document["study"], int(document["seed"]), lesions)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return truth if truth.study.is_dir() else None


def _lesion(one: dict[str, Any]) -> TrueLesion:
    low, high = one["box_lps_mm"]
    return TrueLesion(one["label"], one["ml"], one["side"], _point(one["centroid_lps_mm"]), (_point(low), _point(high)))


def _point(xyz: list[float]) -> Point:
    x, y, z = xyz
    return float(x), float(y), float(z)


def make_demo(
    folder: Path,
    seed: int = 9,
    progress: ProgressFn | None = None,
    cancelled: CancelledFn | None = None,
    *,
    step_mm: float = 1.0,
) -> DemoTruth:
    """Write `folder/study` (CT, DWI, ADC, T2, FLAIR, T1, T1 with contrast of one head) and `folder/truth.json`.

    Args:
        folder: Where to; made if absent.
        seed: The same seed writes the same bytes.
        progress: Told of every stage.
        cancelled: Asked between stages and images.
        step_mm: Grid of the head; coarser is faster and less sharp.

    Raises:
        StudyNotWritten: `folder/study` exists already, or the disk refused. ExportFailed: The same of the truth.
        JobCancelled: `cancelled()` became true.
    """
    study = folder / STUDY_FOLDER
    if study.exists():
        raise StudyNotWritten("There is already a demo study in this folder.", "Choose a new folder.")
    steps = _Steps(progress, cancelled)
    steps.next()
    head = make_head(seed, lesions=DEMO_PLAN, step_mm=step_mm)
    series = [_ct(head, steps)]
    series += [_mr(head, channel, steps) for channel in MR_DESCRIPTIONS]
    steps.next()
    write_study(study, series, PhantomPatient(id=f"PHANTOM-{seed}"), WriteOptions(seed), cancelled)
    truth = DemoTruth(study, seed, tuple(_known(head)))
    _write_truth(folder / TRUTH_FILE, truth)
    steps.next()
    return truth


class _Steps:
    """Counts stages, reports them and stops between them."""

    def __init__(self, progress: ProgressFn | None, cancelled: CancelledFn | None) -> None:
        self._progress, self._cancelled, self._done = progress, cancelled, -1

    def next(self) -> None:
        if self._cancelled is not None and self._cancelled():
            raise JobCancelled
        self._done += 1
        if self._progress is not None:
            self._progress(Progress("demo study", self._done, len(MR_DESCRIPTIONS) + 3))


def _ct(head: Head, steps: _Steps) -> SeriesToWrite:
    steps.next()
    return SeriesToWrite((head.render(Channel.CT, demo_grid(head, Channel.CT)),), "Head CT 5 mm")


def _mr(head: Head, channel: Channel, steps: _Steps) -> SeriesToWrite:
    steps.next()
    volume: Volume = head.render(channel, demo_grid(head, channel), bias=0.6)
    return SeriesToWrite((volume,), MR_DESCRIPTIONS[channel], _timing(channel))


def _timing(channel: Channel) -> Timing:
    scanner = standard_scanner()
    sequence = scanner.sequences[Channel.DWI if channel is Channel.ADC else channel]
    return Timing(
        sequence.tr,
        sequence.te,
        sequence.ti,
        sequence.b if channel is Channel.DWI else None,
        scanner.tesla,
    )


def demo_grid(head: Head, channel: Channel) -> Geometry:
    """Axial slices from the orbits to above the vertex, the head in the middle."""
    size, spacing_mm, gap_mm = GRIDS.get(channel, (256, 0.9, 4.0))
    low, high = head.box_lps_mm()
    count = int(168 / gap_mm)
    half = (size - 1) / 2 * spacing_mm
    origin = ((low[0] + high[0]) / 2 - half, (low[1] + high[1]) / 2 - half, high[2] + 6 - (count - 1) * gap_mm)
    return Geometry.from_axes((count, size, size), (spacing_mm, spacing_mm, gap_mm), origin)


def _known(head: Head) -> list[TrueLesion]:
    return [
        TrueLesion(one.kind.value, round(one.ml, 4), one.side, one.centroid_lps_mm, one.box_lps_mm)
        for one in head.lesions
    ]


def _write_truth(file: Path, truth: DemoTruth) -> None:
    document = {"seed": truth.seed, "study": truth.study.name, "lesions": [asdict(one) for one in truth.lesions]}
    write_text(file, json.dumps(document, indent=2) + "\n")
