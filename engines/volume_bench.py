"""The yardstick for whole volumes: the nnU-Net of 31 million weights on one real case, nnU-Net itself beside Insula.

Each takes its turn in a process of its own that reports its peak memory; what is timed is from an image in memory to
a mask in memory, with the engine loaded, without mirroring.
"""

from __future__ import annotations

import importlib.util
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from math import isnan
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from engines import child
from engines.importers.nnunet import import_model
from engines.importers.wish import Wish
from engines.timed import Timed
from engines.volume_yardstick import NAME, RECIPE, case_files, phantom
from inference import cache
from inference.backends import registry
from inference.errors import BackendMissing, PrecisionAbsent
from inference.result import CancelledFn, Precision, Progress, ProgressFn
from inference.volume import Labels
from inference.whole import whole_folder

BASELINE = "nnunetv2 fp32"
BACKEND = "openvino"
TRAINING_STEPS = 16
ROUNDS = 3
PRECISIONS = (Precision.FP32, Precision.BF16, Precision.INT8)


@dataclass(frozen=True, slots=True)
class VolumeRow(Timed):
    """One way to label the volume: its time, and what memory and accuracy it costs.

    Attributes:
        peak_mb: Most memory of its process, MB; the largest of the rounds.
        memory_ratio: That over nnU-Net's.
        around_percent: Share of the time in which the engine did not work; None for nnU-Net.
        agreement: Share of voxels labelled as nnU-Net labels them.
        dice_fp32: Overlap of the foreground with our own fp32.
    """

    peak_mb: float
    memory_ratio: float
    load_ms: float
    around_percent: float | None
    agreement: float
    dice_fp32: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What one process answered; `around_s` is not a number where it is not known."""

    labels: Labels
    seconds: float
    load_s: float
    around_s: float
    peak_mb: float
    version: str
    device: str
    kind: str


Answers = dict[Precision | None, list[Said]]


def rows(
    data: Path | None,
    progress: ProgressFn = lambda _: None,
    cancelled: CancelledFn = lambda: False,
    rounds: int = ROUNDS,
) -> list[VolumeRow]:
    """Measure nnU-Net and our precisions in turn.

    The network is made by nnU-Net's own code, trained for a moment and imported, once; it lies in the cache folder.

    Args:
        data: Folder of data sets that may hold the case; None, or a folder without it: a phantom of that size.
        rounds: How often each takes its turn.

    Returns:
        The row of nnU-Net first.

    Raises:
        BackendMissing: nnU-Net is not installed.
        EngineError: A process failed.
        JobCancelled: `cancelled` became true.
    """
    if importlib.util.find_spec("nnunetv2") is None:
        raise BackendMissing(
            "nnU-Net is not installed, and it makes and times this yardstick.",
            "Install it with `pip install nnunetv2`.",
        )
    turns: list[Precision | None] = [None, *(p for p in PRECISIONS if _runs(p))]
    steps = rounds * len(turns) + 1
    with tempfile.TemporaryDirectory(prefix="insula-volume-") as scratch:
        case = _stored_case(data, Path(scratch))
        progress(Progress("model", 0, steps))
        place = _yardstick(case, cancelled)
        answers: Answers = {turn: [] for turn in turns}
        for done in range(rounds * len(turns)):
            turn = turns[done % len(turns)]
            progress(Progress(turn.value if turn else "nnunetv2", done + 1, steps))
            answers[turn].append(_turn(turn, place, case, Path(scratch) / "answer.npz", cancelled))
    progress(Progress("done", steps, steps))
    return [_row(turn, answers) for turn in turns]


def _runs(precision: Precision) -> bool:
    try:
        registry.choose(BACKEND, precision, "CPU")
    except (BackendMissing, PrecisionAbsent):
        return False
    return True


def _stored_case(data: Path | None, scratch: Path) -> Path:
    from engines.importers.examples import read_images

    files = case_files(data) if data else ()
    channels, spacing = read_images(files) if files else phantom()
    case = scratch / "case.npz"
    np.savez(case, channels=channels, spacing=np.asarray(spacing))
    return case


def _yardstick(case: Path, cancelled: CancelledFn) -> Path:
    """Folder with `model` (nnU-Net's) and `bundle` (ours), made on first use for this case."""
    name = cache.key("volumes", cache.sha256(case), str(RECIPE), str(TRAINING_STEPS), version("torch"))
    place = cache.folder() / "volumes" / name
    if place.is_dir():
        return place
    with whole_folder(place) as draft:
        words = ["train", str(case), str(draft / "model"), "--steps", str(TRAINING_STEPS)]
        child.run("engines.importers.nnunet_reference", words, cancelled)
        wish = Wish(name=NAME, mirror=False, channels=RECIPE.channels, examples=(case,))
        import_model(draft / "model", draft / "bundle", wish, cancelled=cancelled)
    return place


def _turn(turn: Precision | None, place: Path, case: Path, answer: Path, cancelled: CancelledFn) -> Said:
    if turn is None:
        words = ["predict", str(place / "model"), str(case), str(answer)]
        child.run("engines.importers.nnunet_reference", words, cancelled)
    else:
        words = [str(place / "bundle"), turn.value, BACKEND, str(case), str(answer)]
        # So that making the graph is not part of what is measured.
        child.run("engines.volume_case", [*words, "--derive"], cancelled)
        child.run("engines.volume_case", words, cancelled)
    return _said(answer)


def _said(answer: Path) -> Said:
    with np.load(answer) as stored:
        fields: dict[str, Any] = {key: stored[key] for key in stored.files if key != "labels"}
        labels = stored["labels"]
    return Said(labels=labels, **{key: value.item() for key, value in fields.items()})


def _row(turn: Precision | None, answers: Answers) -> VolumeRow:
    own, base, plain = answers[turn], answers[None], answers.get(Precision.FP32)
    seconds, peak = median(said.seconds for said in own), max(said.peak_mb for said in own)
    around = 100 * median(said.around_s / said.seconds for said in own)
    return VolumeRow(
        model=NAME,
        backend="nnunetv2" if turn is None else BACKEND,
        version=own[0].version,
        device=own[0].device,
        precision=Precision.FP32.value if turn is None else turn.value,
        precision_kind=own[0].kind,
        median_ms=round(1e3 * seconds, 1),
        best_ms=round(1e3 * min(said.seconds for said in own), 1),
        runs=len(own),
        baseline=BASELINE,
        ratio=round(median(said.seconds for said in base) / seconds, 3),
        peak_mb=round(peak, 1),
        memory_ratio=round(peak / max(said.peak_mb for said in base), 3),
        load_ms=round(1e3 * median(said.load_s for said in own), 1),
        around_percent=None if isnan(around) else round(around, 2),
        agreement=float(np.mean(own[0].labels == base[0].labels)),
        dice_fp32=dice(own[0].labels, plain[0].labels) if plain else None,
    )


def dice(a: Labels, b: Labels) -> float:
    """Overlap of two foregrounds; two empty ones agree."""
    both, either = np.count_nonzero((a > 0) & (b > 0)), np.count_nonzero(a) + np.count_nonzero(b)
    return 2 * both / either if either else 1.0
