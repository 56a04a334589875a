"""Real stroke patients to measure on, none of which may train."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from inference.volume import Channel, Geometry, Volume

B_VALUE = 1.0
"""1000 s/mm2 in the unit that gives 1e-3 mm2/s: the b-value where a case names none."""

ADC_LIMIT = 4.5


@dataclass(frozen=True, slots=True)
class RealCase:
    """A real patient below the data root.

    Attributes:
        adc: Its ADC map; "" where it is worked out from `still`.
        still: Its image without diffusion weighting.
        mask: Published outline, "" where there is none.
    """

    name: str
    dwi: str
    adc: str = ""
    still: str = ""
    mask: str = ""

    def files(self) -> tuple[str, ...]:
        return tuple(name for name in (self.dwi, self.adc, self.still, self.mask) if name)


_ISLES = "stroke-deepisles-case0001/sub-strokecase0001_ses-0001_"
_ADS1 = "stroke-ads-jhu/Subject01/Subject01_"
_ADS2 = "stroke-ads-jhu/Subject02/Subject02_"
_OUTLINE = "DAGMNet_CH3_Lesion_Predict.nii.gz"
REAL_CASES = (
    RealCase("real, ISLES case 0001", f"{_ISLES}dwi.nii.gz", f"{_ISLES}adc.nii.gz"),
    RealCase("real, ADS Subject01", f"{_ADS1}DWI.nii.gz", still=f"{_ADS1}b0.nii.gz", mask=f"{_ADS1}{_OUTLINE}"),
    RealCase("real, ADS Subject02", f"{_ADS2}DWI.nii.gz", f"{_ADS2}ADC.nii.gz", mask=f"{_ADS2}{_OUTLINE}"),
)


def read_case(case: RealCase, data: Path) -> dict[Channel, Volume]:
    """DWI and ADC of a real case."""
    dwi = read_volume(data / case.dwi, Channel.DWI)
    if case.adc:
        return {Channel.DWI: dwi, Channel.ADC: read_volume(data / case.adc, Channel.ADC)}
    return {Channel.DWI: dwi, Channel.ADC: derived_adc(dwi, read_volume(data / case.still, Channel.UNKNOWN))}


def derived_adc(dwi: Volume, still: Volume) -> Volume:
    """ADC = -ln(DWI / b0) / b at b = 1000 s/mm2, in 1e-3 mm2/s from 0 to 4.5; 0 where either image has no signal.

    Both images must lie on one grid. Where a scanner gave the two different gains or echo times, every voxel is off by
    the same amount.
    """
    signal = (dwi.voxels > 0) & (still.voxels > 0)
    ratio = np.divide(still.voxels, dwi.voxels, out=np.ones_like(dwi.voxels), where=signal)
    adc = np.where(signal, np.clip(np.log(np.maximum(ratio, 1e-6)) / B_VALUE, 0.0, ADC_LIMIT), 0.0)
    return Volume(adc.astype(np.float32), dwi.geometry, Channel.ADC, unit="1e-3 mm2/s")


def read_volume(file: Path, channel: Channel) -> Volume:
    """A NIfTI file as a volume in LPS mm."""
    image = sitk.ReadImage(str(file), sitk.sitkFloat32)
    direction = np.array(image.GetDirection()).reshape(3, 3)
    voxels = sitk.GetArrayFromImage(image)
    geometry = Geometry.from_axes(voxels.shape, image.GetSpacing(), image.GetOrigin(), direction)
    return Volume(voxels, geometry, channel)
