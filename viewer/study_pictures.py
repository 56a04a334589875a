"""Network inputs from a folder of studies or pictures, prepared as the task itself prepares them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from engines.quantize.pictures import IMAGES, Picture, image_volume, labelled_files, of_volumes
from inference.backends.base import Engine
from inference.errors import InputRefused
from inference.result import CancelledFn, Progress, ProgressFn
from inference.task import Task
from inference.volume import Channel, Volume
from viewer.loading import read, release, scan
from viewer.match import match


def study_pictures(
    folder: Path, task: Task, engine: Engine, most: int | None, progress: ProgressFn, cancelled: CancelledFn
) -> list[Picture]:
    """What the network sees of every study or grey picture in a folder.

    Each sub-folder (or zip) is a study; where none is one that the task takes, the folder is a study itself. Studies
    that the task refuses are left out.

    Args:
        engine: The task's fp32 engine: the task really runs.
        most: Stop once so many pictures are there; None: all.

    Raises:
        InputRefused: There is nothing that the task takes; the last reason stands in the sentence.
        JobCancelled: `cancelled` said so.
    """
    if not folder.exists():
        raise InputRefused(f"There is nothing at {folder}.", "Check the path.")
    files = labelled_files(folder, IMAGES) if folder.is_dir() else []
    places = files or [(place, "") for place in _studies(folder)]
    found: list[Picture] = []
    reason = "it is empty"
    for done, (place, label) in enumerate(places):
        if (most is not None and len(found) >= most) or (place == folder and found):
            break
        progress(Progress("reading pictures", done, len(places)))
        try:
            made = _of(place, task, engine, f"study {done + 1}", cancelled)  # a folder may bear a patient's name
        except InputRefused as refusal:
            reason = refusal.message
            continue
        found += [Picture(one.feed, label or one.label, one.source) for one in made]
    if not found:
        raise InputRefused(f"{folder.name} holds nothing that {task.name} takes: {reason}", "Choose another folder.")
    return found


def _studies(folder: Path) -> list[Path]:
    inside = sorted(p for p in folder.iterdir() if p.is_dir() or p.suffix == ".zip") if folder.is_dir() else []
    return [*inside, folder]


def _of(place: Path, task: Task, engine: Engine, name: str, cancelled: CancelledFn) -> list[Picture]:
    if place.is_file() and place.suffix.lower() in IMAGES:
        volume = image_volume(place, task)
        return of_volumes(task, {volume.channel: volume}, engine, name, cancelled)
    study = scan(place, cancelled=cancelled)
    try:
        matches, skipped = match(study, (task,))
        if not matches:
            raise InputRefused(skipped[0].reason, "Choose another study.")
        series = matches[0].series
        volumes: Mapping[Channel, Volume] = {c: read(one, cancelled=cancelled) for c, one in series.items()}
        return of_volumes(task, volumes, engine, name, cancelled)
    finally:
        release(study)
