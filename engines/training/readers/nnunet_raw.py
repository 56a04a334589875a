"""nnU-Net v2's raw layout (documentation/dataset_format.md of MIC-DKFZ/nnUNet).

DIR/dataset.json                 {"channel_names": {"0": "DWI"}, "labels": {"background": 0, "lesion": 1},
                                  "numTraining": 2, "file_ending": ".nii.gz"}
DIR/imagesTr/case_0000.nii.gz    one file a channel: _0000, _0001, ...
DIR/labelsTr/case.nii.gz
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engines.training.readers.cases import MaskCase, Split, mask_case, scan, split_by_patient
from engines.training.readers.volume_file import SUFFIXES
from inference.errors import GeometryMismatch, InputRefused

HINT = "Correct dataset.json as nnU-Net's documentation describes it."


@dataclass(frozen=True, slots=True)
class Described:
    """What dataset.json says: channel names in order, label value -> name, and the ending of every file."""

    channels: tuple[str, ...]
    labels: Mapping[int, str]
    ending: str
    count: int


def read_nnunet_raw(folder: Path, share: float) -> Split[MaskCase]:
    """All cases of imagesTr and labelsTr. nnU-Net names cases, not patients: each case counts as a patient.

    Raises:
        InputRefused: A file or field is missing or wrong.
        GeometryMismatch: Images and outline of a case lie on different grids.
    """
    said = described(folder / "dataset.json")
    files = sorted((folder / "labelsTr").glob(f"*{said.ending}"))
    names = [f.name.removesuffix(said.ending) for f in files]
    if len(names) != said.count:
        raise InputRefused(
            f"dataset.json speaks of {said.count} training cases, labelsTr holds {len(names)}.", "Make both agree."
        )
    _require_no_more_images(folder / "imagesTr", said, set(names))
    return split_by_patient([_case(folder, name, said) for name in names], share)


def described(file: Path) -> Described:
    """Read dataset.json.

    Raises:
        InputRefused: It is missing, is of nnU-Net v1 or of the Decathlon, or asks for regions.
    """
    try:
        table: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if "modality" in table:
            raise InputRefused(
                "dataset.json is of nnU-Net v1 or the Decathlon.", "Convert the set with nnUNetv2_convert_MSD_dataset."
            )
        channels = {int(place): str(name) for place, name in table["channel_names"].items()}
        labels = table["labels"]
        if any(isinstance(value, list) for value in labels.values()):
            raise InputRefused(
                "dataset.json asks for regions (lists of labels).", "Give each label a number of its own."
            )
        values = {int(value): str(name) for name, value in labels.items()}
        said = Described(tuple(channels[n] for n in range(len(channels))), values, str(table["file_ending"]),
                         int(table["numTraining"]))  # fmt: skip
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError, AttributeError):
        raise InputRefused("The folder has no dataset.json of nnU-Net v2.", HINT) from None
    return _checked(said)


def _checked(said: Described) -> Described:
    if said.ending not in SUFFIXES:
        raise InputRefused(
            f"Files ending in {said.ending} are not read.", f"Save them as one of {', '.join(SUFFIXES)}."
        )
    if sorted(said.labels) != list(range(len(said.labels))) or len(said.labels) < 2 or not said.channels:
        raise InputRefused("The labels of dataset.json are not numbered 0, 1, 2, ... from the background.", HINT)
    named = {value: name for value, name in said.labels.items() if value}
    return Described(said.channels, named, said.ending, said.count)


def _case(folder: Path, name: str, said: Described) -> MaskCase:
    files = [folder / "imagesTr" / f"{name}_{n:04d}{said.ending}" for n in range(len(said.channels))]
    scans = [scan(file, channel) for file, channel in zip(files, said.channels, strict=True)]
    for other in scans[1:]:
        if not other.geometry.same_grid(scans[0].geometry):
            raise GeometryMismatch(
                f"{other.file.name} does not lie on the grid of {scans[0].file.name}.", "Resample the case's images."
            )
    return mask_case(name, name, scans, folder / "labelsTr" / f"{name}{said.ending}", said.labels)


def _require_no_more_images(folder: Path, said: Described, names: set[str]) -> None:
    found = {f.name.removesuffix(said.ending)[:-5] for f in folder.glob(f"*{said.ending}")}
    if found - names:
        raise InputRefused(
            f"The case {min(found - names)} has images and no outline.", "Add it to labelsTr or remove it."
        )
