"""Whose data a run learns from: listed public sets for weights that ship, or the user's own folder for the user's own.

A recipe that ships names its set, and only sets on the list are opened for it. A recipe of the user's names no set: the
folder given with --data is the set, its licence is the user's business, and the card says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from inference.errors import InputRefused


class NotForTraining(InputRefused):
    """A data set's licence does not let its images shape weights that ship."""

    code = "not_for_training"


@dataclass(frozen=True, slots=True)
class DataSpec:
    """Where a recipe's real cases come from.

    Attributes:
        reader: How the folder is laid out, a name of `engines.training.readers`; "" where there are no real cases.
        source: Folder name of a listed set; "" for the user's own folder.
        channels: The image files of a case, in the order of the manifest's channels, where the layout leaves it open.
        labels: Names of label values from 1 (or of classes from 0), where the layout leaves it open.
        held_out: Share of the patients kept for looks, where the set has no split of its own.
    """

    reader: str = ""
    source: str = ""
    channels: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    held_out: float = 0.2

    @property
    def is_own(self) -> bool:
        """Whether the cases are the user's, so that the weights are too."""
        return bool(self.reader) and not self.source


@dataclass(frozen=True, slots=True)
class Source:
    """A data set that may train.

    Attributes:
        folder: Its name below the data root.
        licence: As its source states it.
        holds: What it is, in a few words.
    """

    folder: str
    licence: str
    holds: str


TRAINABLE: Mapping[str, Source] = MappingProxyType(
    {
        s.folder: s
        for s in (
            Source("ct-hemorrhage-yolo", "CC BY 4.0", "head CT slices with boxes of five kinds of haemorrhage"),
            Source("bccd", "MIT", "blood smears with boxes of white cells, red cells and platelets"),
            Source("pairs-ct-mr-pet-sarcoma", "CC BY 3.0", "CT, T1 MR and PET of limbs with sarcoma"),
            Source("mr-brain-tumour-pyradiomics", "BSD-3", "two brain MR with a tumour label"),
            Source("ms-mri-ljubljana-p01", "CC BY", "T1, T2 and FLAIR of one patient with multiple sclerosis"),
            Source("ct-body-totalseg", "Apache-2.0", "abdomen CT with organ labels that a model made"),
        )
    }
)


def training_folder(data: Path | None, name: str) -> Path:
    """Folder of a data set that may train.

    Raises:
        NotForTraining: The set is not on the list.
        InputRefused: It is not there.
    """
    if name not in TRAINABLE:
        raise NotForTraining(
            f"{name} may not train weights that ship.", f"Train on {', '.join(TRAINABLE)} or the phantom."
        )
    if data is None or not (data / name).is_dir():
        raise InputRefused(f"The data set {name} was not found.", "Give the folder that holds it with --data.")
    return data / name


def own_folder(data: Path | None) -> Path:
    """The user's folder.

    Raises:
        InputRefused: None was given, or it is not there.
    """
    if data is None or not data.is_dir():
        raise InputRefused(
            "The recipe learns from your own cases, and there is no such folder.", "Give it with --data DIR."
        )
    return data


def folder_of(spec: DataSpec, data: Path | None) -> Path:
    """The folder that a recipe's reader opens.

    Raises:
        NotForTraining: It names a set that is not on the list.
        InputRefused: The folder is not there.
    """
    return own_folder(data) if spec.is_own else training_folder(data, spec.source)


def sentence(spec: DataSpec, cases: str) -> str:
    """Where the cases came from and whose the weights are, for the card."""
    if spec.is_own:
        return (
            f"Trained on {cases} of the user's own folder (layout: {spec.reader}). Insula knows nothing of their "
            "origin, consent or licence; whoever passes these weights on answers for that."
        )
    known = TRAINABLE[spec.source]
    return f"Trained on {cases} of {known.folder} ({known.licence}): {known.holds}."
