"""BraTS, as its years name it, and as BIDS.

    2023 and later   DIR/BraTS-GLI-00000-000/BraTS-GLI-00000-000-t1n.nii.gz   (t1c, t2w, t2f, seg)
    2018 to 2021     DIR/BraTS2021_00000/BraTS2021_00000_t1.nii.gz            (t1ce, t2, flair, seg)
    BIDS             DIR/sub-X/anat/sub-X_T1w.nii.gz                          (ce-T1w, ce-gadolinium_T1w, T2w, FLAIR)
                     DIR/derivatives/**/sub-X_dseg.nii.gz                     (or _seg)

Labels: 1 necrotic core, 2 oedema, 3 enhancing tumour. Up to 2021 the third is stored as 4; it is read as 3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from engines.training.readers.cases import MaskCase, Split, mask_case, scan, split_by_patient
from engines.training.readers.volume_file import one_volume, stem_of
from inference.errors import InputRefused

CHANNELS = ("T1", "T1C", "T2", "FLAIR")
NAMED = {1: "necrotic core", 2: "oedema", 3: "enhancing tumour"}
OLD_VALUES = {4: 3}
NEW = {"T1": "t1n", "T1C": "t1c", "T2": "t2w", "FLAIR": "t2f"}
OLD = {"T1": "t1", "T1C": "t1ce", "T2": "t2", "FLAIR": "flair"}
BIDS = {
    "T1": re.compile(r"(?<!ce-)(?<!ce-gadolinium_)(?<![a-z0-9])T1w$"),
    "T1C": re.compile(r"_ce-(gadolinium_)?T1w$"),
    "T2": re.compile(r"_T2w$"),
    "FLAIR": re.compile(r"_FLAIR$"),
}


def read_brats(folder: Path, channels: Sequence[str], share: float) -> Split[MaskCase]:
    """Every case with an outline.

    Args:
        channels: Which of T1, T1C, T2, FLAIR; none: all four.

    Raises:
        InputRefused: It is none of the three layouts, or a case lacks an image.
        GeometryMismatch: Images and outline of a case differ in their grids.
    """
    wanted = tuple(channels) or CHANNELS
    unknown = sorted(set(wanted) - set(CHANNELS))
    if unknown:
        raise InputRefused(f"BraTS has no channel {unknown[0]}.", f"Choose from {', '.join(CHANNELS)}.")
    cases = [_case(part, wanted) for part in sorted(folder.glob("BraTS*")) if part.is_dir()]
    cases = cases or [_bids_case(folder, part, wanted) for part in sorted(folder.glob("sub-*")) if part.is_dir()]
    if not cases:
        raise InputRefused("The folder holds no BraTS cases.", "Give the folder that holds BraTS-GLI-... or sub-...")
    return split_by_patient(cases, share)


def _case(folder: Path, channels: Sequence[str]) -> MaskCase:
    name = folder.name
    modern = re.fullmatch(r"(BraTS-[A-Za-z]+-\d+)-\d+", name)
    joint, suffixes = ("-", NEW) if modern else ("_", OLD)
    files = {channel: one_volume(folder, f"{name}{joint}{suffixes[channel]}") for channel in channels}
    outline = one_volume(folder, f"{name}{joint}seg")
    patient = modern.group(1) if modern else name
    return _made(name, patient, files, outline, {} if modern else OLD_VALUES)


def _bids_case(root: Path, folder: Path, channels: Sequence[str]) -> MaskCase:
    images = {stem_of(file): file for file in sorted(folder.rglob("*.nii*"))}
    files = {channel: _only(images, BIDS[channel]) for channel in channels}
    outlines = {stem_of(f): f for f in sorted((root / "derivatives").rglob(f"{folder.name}_*.nii*"))}
    return _made(folder.name, folder.name, files, _only(outlines, re.compile(r"_(d?seg)$")), {})


def _only(files: Mapping[str, Path], ending: re.Pattern[str]) -> Path | None:
    found = [file for stem, file in files.items() if ending.search(stem)]
    return found[0] if len(found) == 1 else None


def _made(
    name: str, patient: str, files: Mapping[str, Path | None], outline: Path | None, renumbered: Mapping[int, int]
) -> MaskCase:
    missing = [channel for channel, file in files.items() if file is None]
    if missing or outline is None:
        what = f"{missing[0]} image" if missing else "outline"
        raise InputRefused(f"The case {name} has no {what}, or more than one.", "Complete or remove the case.")
    scans = [scan(file, channel) for channel, file in files.items() if file is not None]
    return mask_case(name, patient, scans, outline, NAMED, renumbered)
