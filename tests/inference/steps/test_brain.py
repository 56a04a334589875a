from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from inference.steps.brain import brain_mask
from inference.steps.resample import isotropic_like, to_grid
from inference.volume import Geometry


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return float(2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b)))


def test_brain_is_parted_from_a_bright_jaw_and_a_dim_scalp():
    k, j, i = (np.indices((60, 90, 80)) * 2.0).astype(float)
    brain = ((i - 80) / 65) ** 2 + ((j - 90) / 78) ** 2 + ((k - 70) / 45) ** 2 < 1
    scalp = ((i - 80) / 75) ** 2 + ((j - 90) / 88) ** 2 + ((k - 70) / 55) ** 2 < 1
    jaw = ((i - 80) / 25) ** 2 + ((j - 15) / 12) ** 2 + ((k - 12) / 9) ** 2 < 1
    ventricle = ((i - 80) / 8) ** 2 + ((j - 90) / 25) ** 2 + ((k - 70) / 12) ** 2 < 1
    dwi = np.where(scalp, 30.0, 2.0) + np.where(brain, 90.0, 0.0) + np.where(jaw, 250.0, 0.0)
    dwi[ventricle] = 15.0
    found = brain_mask(dwi.astype(np.float32), (2.0, 2.0, 2.0))
    assert dice(found, brain) > 0.9  # it has a rim of 3 mm
    assert found[brain].mean() > 0.99
    assert not found[jaw & ~brain].any()
    assert found[ventricle].all()


def test_an_empty_image_has_no_brain():
    assert not brain_mask(np.zeros((10, 10, 10), np.float32), (2.0, 2.0, 2.0)).any()


def over_the_whole_image(dwi: np.ndarray, spacing_mm: tuple[float, float, float]) -> np.ndarray:
    """The same by its definition, no box anywhere."""
    head = dwi[dwi > 0.12 * np.percentile(dwi, 99.0)]
    bright = dwi > 0.4 * np.percentile(head, 75.0)
    pieces, count = ndimage.label(ndimage.distance_transform_edt(bright, spacing_mm[::-1]) > 4.5)
    if not count:
        return np.zeros(dwi.shape, bool)
    core = pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:])
    grown = ndimage.distance_transform_edt(~core, spacing_mm[::-1]) <= 7.5
    return np.stack([ndimage.binary_fill_holes(plane) for plane in grown])


@pytest.mark.parametrize("seed", range(12))
def test_looking_only_near_the_head_changes_no_voxel(seed: int) -> None:
    random = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(random.standard_normal((24, 30, 28)), 3.0)
    dwi = np.clip(field / field.std(), 0.0, None).astype(np.float32)
    # Half of the cases run into the border of the image, the others stand free in it.
    dwi = dwi if seed % 2 else np.pad(dwi, ((5, 9), (14, 3), (6, 11)))
    spacing = ((2.0, 2.0, 2.0), (1.0, 1.5, 3.0))[seed % 3 == 0]
    expected = over_the_whole_image(dwi, spacing)
    assert np.array_equal(brain_mask(dwi, spacing), expected)
    assert expected.any()


@pytest.mark.parametrize("subject", ["Subject01", "Subject02"])
def test_two_real_brains_are_those_that_were_published_with_them(shared_data, subject):
    folder = shared_data(f"stroke-ads-jhu/{subject}")
    dwi, mask = (sitk.ReadImage(str(folder / f"{subject}_{what}.nii.gz")) for what in ("DWI", "Mask"))
    axes = np.array(dwi.GetDirection()).reshape(3, 3)
    grid = Geometry.from_axes(dwi.GetSize()[::-1], dwi.GetSpacing(), dwi.GetOrigin(), axes)
    work = isotropic_like(grid, (2.0, 2.0, 2.0))
    voxels, published = (to_grid(sitk.GetArrayFromImage(x).astype(np.float32), grid, work) for x in (dwi, mask))
    found = brain_mask(voxels, work.spacing_mm)
    assert dice(found, published > 0.5) > 0.92
    assert found[published > 0.5].mean() > 0.96
