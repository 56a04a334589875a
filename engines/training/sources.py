"""Which data sets weights that ship may be trained on. Nothing else is ever opened by training."""

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
        for s in (Source("ct-hemorrhage-yolo", "CC BY 4.0", "head CT slices with boxes of five kinds of haemorrhage"),)
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
