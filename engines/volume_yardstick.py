"""What the yardstick measures: P1's network, and a DWI + ADC case of 112 x 112 x 73 voxels of 2 mm at 1 mm."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engines.importers.nnunet_recipe import Recipe
from inference.nnunet.plan import Spacing
from inference.volume import Floats

NAME = "nnunet-31m"
SHAPE = (73, 112, 112)
SPACING: Spacing = (2.0, 2.0, 2.0)
RECIPE = Recipe(
    channels=("DWI", "ADC"),
    labels={"lesion": 1},
    patch_size=(128, 128, 128),
    spacing=(1.0, 1.0, 1.0),
    features=(32, 64, 128, 256, 320, 320),
    schemes=("ZScoreNormalization", "ZScoreNormalization"),
    use_mask=(True, True),
)


def case_files(data: Path) -> tuple[Path, ...]:
    """DWI and ADC of the real case under a folder of data sets, or nothing."""
    found = [sorted(data.glob(f"stroke-deepisles*/**/*_{what}.nii.gz")) for what in ("dwi", "adc")]
    return tuple(files[0] for files in found) if all(found) else ()


def phantom() -> tuple[Floats, Spacing]:
    """The digital head on that grid: float32 [2, k, j, i] and mm along k, j, i."""
    from engines.phantom.training import dwi_adc_case

    dwi, adc, _ = dwi_adc_case(1, SPACING[::-1])
    return np.stack([_fitted(dwi), _fitted(adc)]), SPACING


def _fitted(values: Floats) -> Floats:
    """The middle of an image on the yardstick's grid, zeros where it is smaller."""
    out = np.zeros(SHAPE, dtype=np.float32)
    spans = [min(have, want) for have, want in zip(values.shape, SHAPE, strict=True)]
    there = tuple(slice((n - s) // 2, (n - s) // 2 + s) for n, s in zip(SHAPE, spans, strict=True))
    here = tuple(slice((n - s) // 2, (n - s) // 2 + s) for n, s in zip(values.shape, spans, strict=True))
    out[there] = values[here]
    return out
