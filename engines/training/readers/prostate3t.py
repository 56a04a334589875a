"""Prostate-3T with the outlines of the NCI-ISBI 2013 challenge.

    DIR/Prostate-3T/Prostate3T-01-0001.nii.gz      T2 volumes; the archive gives DICOM: convert it first
    DIR/NCI_ISBI_Challenge-Prostate3T_Training_Segmentations/Prostate3T-01-0001.nrrd

The outlines hold 1 and 2; the files do not say which is the peripheral zone and which the central gland, so the recipe
names both (data.labels).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engines.training.readers.cases import MaskCase, Split, mask_case, scan, split_by_patient
from engines.training.readers.volume_file import one_volume, stem_of, volume_files
from inference.errors import InputRefused

IMAGES = "Prostate-3T"
OUTLINES = "NCI_ISBI_Challenge-Prostate3T_Training_Segmentations"


def read_prostate3t(folder: Path, labels: Sequence[str], share: float) -> Split[MaskCase]:
    """Every patient with an outline.

    Args:
        labels: Names of the values 1 and 2.

    Raises:
        InputRefused: The labels have no names, or an image is missing.
        GeometryMismatch: An outline does not lie on its image's grid.
    """
    if len(labels) != 2:
        raise InputRefused(
            "The recipe does not name the two zones.", "Write data.labels with two names, for 1 and for 2."
        )
    outlines = [f for f in volume_files(folder / OUTLINES) if f.name.startswith("Prostate3T-")]
    if not outlines:
        raise InputRefused(f"The folder holds no {OUTLINES}.", "Unpack the challenge's outlines there.")
    named = dict(enumerate(labels, start=1))
    return split_by_patient([_case(folder, outline, named) for outline in outlines], share)


def _case(folder: Path, outline: Path, labels: dict[int, str]) -> MaskCase:
    patient = "-".join(stem_of(outline).split("-")[:3])[:18]
    image = one_volume(folder / IMAGES, patient)
    if image is None:
        raise InputRefused(f"There is no volume of {patient} in {IMAGES}.", "Convert its DICOM series to NIfTI first.")
    return mask_case(patient, patient, [scan(image, "T2")], outline, labels)
