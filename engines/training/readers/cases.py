"""What readers give: cases as files that were found and checked, their geometry in LPS mm, split by patient."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from engines.training.readers.volume_file import header, labels_of, voxels_of
from inference.errors import GeometryMismatch, InputRefused
from inference.volume import Channel, Floats, Geometry, Mask, Volume

Boxes = NDArray[np.float32]


class HasPatient(Protocol):
    """Anything that belongs to one patient."""

    @property
    def patient(self) -> str: ...


C = TypeVar("C", bound=HasPatient)


@dataclass(frozen=True, slots=True)
class Split(Generic[C]):
    """Cases to learn from and cases to look at; no patient is in both."""

    train: tuple[C, ...]
    held_out: tuple[C, ...]

    def __len__(self) -> int:
        return len(self.train) + len(self.held_out)


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """One image file whose header was read: what it shows and where it lies."""

    file: Path
    channel: str
    geometry: Geometry

    def volume(self) -> Volume:
        """Its voxels, float32."""
        channel = Channel.__members__.get(self.channel, Channel.UNKNOWN)
        return Volume(self._voxels(), self.geometry, channel, "HU" if channel is Channel.CT else "", self.channel)

    def _voxels(self) -> Floats:
        return voxels_of(self.file)


@dataclass(frozen=True, slots=True, eq=False)
class MaskCase:
    """Images of one patient and what is outlined in them.

    Attributes:
        name: Of the case; never shown to anyone but the user who trains.
        patient: Cases of one patient stay on one side of the split.
        scans: One per channel; the outline lies on the grid of the first.
        outline: File of label values.
        labels: Label value -> name, without the background.
        renumbered: Stored value -> label value, where they differ; 0 makes it background.
    """

    name: str
    patient: str
    scans: tuple[Scan, ...]
    outline: Path
    labels: Mapping[int, str]
    renumbered: Mapping[int, int]

    def words(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of channels and labels."""
        return tuple(s.channel for s in self.scans), tuple(self.labels.values())

    def identity(self) -> str:
        """Changes with the files and with how their values are read."""
        files = (*(s.file for s in self.scans), self.outline)
        stamps = [(str(f), f.stat().st_size, f.stat().st_mtime_ns) for f in files]
        return repr((stamps, sorted(self.renumbered.items())))

    def read(self) -> tuple[tuple[Volume, ...], Mask]:
        """Images and outline."""
        return tuple(scan.volume() for scan in self.scans), self.mask()

    def mask(self) -> Mask:
        """Its label values, on the grid of the first scan.

        Raises:
            InputRefused: They are no whole numbers, or one of them has no name.
        """
        table = np.arange(256, dtype=np.uint8)
        table[list(self.renumbered)] = list(self.renumbered.values())
        found = table[labels_of(self.outline)]
        strange = sorted(set(np.unique(found).tolist()) - {0, *self.labels})
        if strange:
            raise InputRefused(
                f"The outline {self.outline.name} holds the label {strange[0]}, which has no name.",
                "Name every label, or correct the outline.",
            )
        return Mask(found, self.scans[0].geometry, dict(self.labels))


@dataclass(frozen=True, slots=True, eq=False)
class PairCase:
    """Two images of one patient that show the same place: what a network is given and what it should make."""

    name: str
    patient: str
    source: Path
    target: Path
    geometry: Geometry | None = None
    """Of both, for volumes; flat pictures have none."""


@dataclass(frozen=True, slots=True, eq=False)
class BoxPicture:
    """A picture and what is marked in it.

    Attributes:
        size: (width, height) in pixels.
        boxes: float32 (m, 4): x0, y0, x1, y1 in pixel edges.
        labels: int64 (m,): place of each box's class among the set's classes.
    """

    name: str
    patient: str
    file: Path
    size: tuple[int, int]
    boxes: Boxes
    labels: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class BoxSet:
    """Marked pictures and the names of their classes.

    Attributes:
        split: To learn from, and to look at while learning.
        test: For the last word only: neither learning nor early stopping sees them.
    """

    split: Split[BoxPicture]
    classes: tuple[str, ...]
    test: tuple[BoxPicture, ...] = ()

    def count(self, name: str) -> int:
        """Boxes of a class in the whole set."""
        label = self.classes.index(name)
        every = (*self.split.train, *self.split.held_out, *self.test)
        return sum(int((picture.labels == label).sum()) for picture in every)


def scan(file: Path, channel: str) -> Scan:
    """Read a file's header.

    Raises:
        InputRefused: It is missing, damaged, or does not say where it lies.
    """
    return Scan(file, channel, header(file))


def mask_case(
    name: str,
    patient: str,
    scans: Sequence[Scan],
    outline: Path,
    labels: Mapping[int, str],
    renumbered: Mapping[int, int] | None = None,
) -> MaskCase:
    """A case whose outline lies on its first scan's grid.

    Raises:
        GeometryMismatch: It does not.
    """
    if not header(outline).same_grid(scans[0].geometry):
        raise GeometryMismatch(
            f"The outline {outline.name} does not lie on the grid of {scans[0].file.name}.",
            "Draw or resample the outline on that image.",
        )
    return MaskCase(name, patient, tuple(scans), outline, labels, renumbered or {})


def split_by_patient(cases: Sequence[C], share: float) -> Split[C]:
    """Hold out whole patients, about `share` of them and at least one, the same ones wherever the folder lies.

    Raises:
        InputRefused: There are fewer than two patients.
    """
    patients = sorted({case.patient for case in cases}, key=_lot)
    if len(patients) < 2:
        raise InputRefused(
            "The data set holds fewer than two patients, so none can be held out.", "Add cases of other patients."
        )
    count = min(len(patients) - 1, max(1, round(share * len(patients))))
    kept = set(patients[:count])
    return Split(tuple(c for c in cases if c.patient not in kept), tuple(c for c in cases if c.patient in kept))


def _lot(patient: str) -> str:
    return hashlib.sha256(patient.encode()).hexdigest()
