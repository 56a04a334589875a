"""Pairs: files of the same name in two folders, flat pictures or volumes; and volumes with their outlines.

    DIR/CT/p01.png      DIR/MRI/p01.png           pictures of one size
    DIR/CT/p01.nii.gz   DIR/MRI/p01.nii.gz        volumes on one grid
    DIR/DWI/p01.nii.gz  DIR/ADC/p01.nii.gz   DIR/outlines/p01.nii.gz

A name may go on after the patient: p01_a and p01_b, with an underscore, are two cases of the patient p01.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engines.training.readers.cases import MaskCase, PairCase, Split, mask_case, scan, split_by_patient
from engines.training.readers.volume_file import header, stem_of, volume_files
from engines.training.readers.yolo import PICTURES, picture_size
from inference.errors import GeometryMismatch, InputRefused
from inference.volume import Geometry

OUTLINES = "outlines"


def read_picture_pairs(folder: Path, channels: Sequence[str], share: float) -> Split[PairCase]:
    """Flat pictures; `channels` names the two folders, what is given first.

    Raises:
        InputRefused: A picture has no partner, or is of another size.
    """
    source, target = _two(channels)
    return split_by_patient([_pictures(a, b) for a, b in _matched(folder / source, folder / target)], share)


def read_volume_pairs(folder: Path, channels: Sequence[str], share: float) -> Split[PairCase]:
    """Volumes; `channels` names the two folders, what is given first.

    Raises:
        InputRefused: A volume has no partner.
        GeometryMismatch: Two partners lie on different grids.
    """
    source, target = _two(channels)
    return split_by_patient([_volumes(a, b) for a, b in _matched(folder / source, folder / target)], share)


def read_outlined_volumes(
    folder: Path, channels: Sequence[str], labels: Sequence[str], share: float
) -> Split[MaskCase]:
    """One folder of volumes a channel and the folder `outlines`, which lies on the grid of the first channel.

    Raises:
        InputRefused: A file is missing in one of the folders, or nothing names channels or labels.
        GeometryMismatch: An outline lies on another grid.
    """
    if not channels or not labels:
        raise InputRefused("The recipe names no channels or no labels.", "Write data.channels and data.labels.")
    every = [_matched(folder / channels[0], folder / part) for part in (*channels, OUTLINES)]
    named = dict(enumerate(labels, start=1))
    cases = []
    for row in zip(*every, strict=True):
        files = [b for _, b in row]
        scans = [scan(file, channel) for file, channel in zip(files[:-1], channels, strict=True)]
        cases.append(mask_case(stem_of(files[0]), _patient(files[0]), scans, files[-1], named))
    return split_by_patient(cases, share)


def _two(channels: Sequence[str]) -> tuple[str, str]:
    if len(channels) != 2:
        raise InputRefused("The recipe does not name two folders of pairs.", "Write data.channels with two names.")
    return channels[0], channels[1]


def _matched(one: Path, other: Path) -> list[tuple[Path, Path]]:
    """Files of the same name without suffix, by name."""
    first, second = ({stem_of(file): file for file in _files(part)} for part in (one, other))
    alone = sorted(set(first) ^ set(second))
    if alone:
        missing = other if alone[0] in first else one
        raise InputRefused(f"{alone[0]} is missing in the folder {missing.name}.", "Add it, or remove its partner.")
    return [(file, second[stem]) for stem, file in sorted(first.items())]


def _files(folder: Path) -> list[Path]:
    found = volume_files(folder) or sorted(f for f in folder.glob("*") if f.suffix.lower() in PICTURES)
    if not found:
        raise InputRefused(f"There is no folder {folder.name} with images in it.", "Give the folder that holds it.")
    return found


def _pictures(source: Path, target: Path) -> PairCase:
    if picture_size(source) != picture_size(target):
        raise InputRefused(f"The two pictures {source.stem} differ in size.", "Bring them onto one grid first.")
    return PairCase(source.stem, _patient(source), source, target)


def _volumes(source: Path, target: Path) -> PairCase:
    geometry: Geometry = header(source)
    if not geometry.same_grid(header(target)):
        raise GeometryMismatch(f"The two volumes {stem_of(source)} lie on different grids.", "Resample one of them.")
    return PairCase(stem_of(source), _patient(source), source, target, geometry)


def _patient(file: Path) -> str:
    return stem_of(file).split("_", 1)[0]
