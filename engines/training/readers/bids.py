"""Folders named as BIDS does: sub-X/ses-Y/..., files sub-X_ses-Y_suffix.nii.gz; and the stroke sets that lie so.

ISLES 2022 (Hernandez Petzsche et al. 2022), as downloaded or with its images below rawdata:

    DIR/sub-strokecase0001/ses-0001/dwi/sub-strokecase0001_ses-0001_dwi.nii.gz      (and _adc)
    DIR/sub-strokecase0001/ses-0001/anat/sub-strokecase0001_ses-0001_FLAIR.nii.gz
    DIR/derivatives/sub-strokecase0001/ses-0001/sub-strokecase0001_ses-0001_msk.nii.gz
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engines.training.readers.cases import MaskCase, Split, mask_case, scan, split_by_patient
from engines.training.readers.volume_file import stem_of, volume_files
from inference.errors import InputRefused

ISLES_CHANNELS = ("DWI", "ADC")
RAW_FOLDERS = ("rawdata", "raw_data", ".")
MASK = "msk"


def read_isles(folder: Path, channels: Sequence[str], share: float) -> Split[MaskCase]:
    """Every session that has an outline.

    Args:
        channels: Which images, the outline's grid first: DWI, ADC, FLAIR; none: DWI and ADC.

    Raises:
        InputRefused: There is no outline, or a session lacks an image.
        GeometryMismatch: An outline does not lie on its DWI's grid.
    """
    wanted = tuple(channels) or ISLES_CHANNELS
    raw = next(folder / name for name in RAW_FOLDERS if any((folder / name).glob("sub-*")) or name == ".")
    outlines = sorted((folder / "derivatives").glob(f"sub-*/ses-*/**/*_{MASK}.nii.gz"))
    if not outlines:
        raise InputRefused(
            "The folder has no outlines derivatives/sub-*/ses-*/*_msk.nii.gz.", "Give the set's own folder."
        )
    return split_by_patient([_session(raw, outline, wanted) for outline in outlines], share)


def _session(raw: Path, outline: Path, channels: Sequence[str]) -> MaskCase:
    name = stem_of(outline).removesuffix(f"_{MASK}")
    patient, session = name.split("_")[:2]
    scans = [scan(image_of(raw / patient / session, channel), channel) for channel in channels]
    return mask_case(name, patient, scans, outline, {1: "lesion"})


def image_of(folder: Path, channel: str) -> Path:
    """The one file anywhere below a session whose last word is the channel, in small or capital letters.

    Raises:
        InputRefused: There is none, or more than one.
    """
    below = [folder, *(f for f in sorted(folder.glob("*")) if f.is_dir())]
    files = [file for part in below for file in volume_files(part)]
    found = [file for file in files if stem_of(file).rsplit("_", 1)[-1].lower() == channel.lower()]
    if len(found) != 1:
        count = "no" if not found else "more than one"
        raise InputRefused(f"{folder.parent.name} {folder.name} has {count} {channel} image.", "Complete or remove it.")
    return found[0]
