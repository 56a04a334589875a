"""The head as a reader and a ruler see it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from engines.phantom.head import Head, make_head
from engines.phantom.lesions.plan import LABELS, LesionKind, LesionPlan, LesionSpec, Side
from engines.phantom.tissue import Tissue
from inference.volume import Channel, Geometry

STEP_MM = 2.0
PLAN = LesionPlan(
    (
        LesionSpec(LesionKind.INFARCT, 18.0, Side.LEFT),
        LesionSpec(LesionKind.IPH, 12.0, Side.RIGHT),
        LesionSpec(LesionKind.INFARCT_OLD, 6.0, Side.RIGHT),
    )
)


@pytest.fixture(scope="module")
def head() -> Head:
    return make_head(5, lesions=PLAN, step_mm=STEP_MM)


@pytest.fixture(scope="module")
def grid(head: Head) -> Geometry:
    return around(head, 2.0)


def around(head: Head, spacing_mm: float) -> Geometry:
    low, high = head.box_lps_mm()
    low[2] = high[2] - 150
    count = np.ceil((high - low) / spacing_mm).astype(int)
    return Geometry.from_axes((int(count[2]), int(count[1]), int(count[0])), (spacing_mm,) * 3, low)


def test_the_same_seed_makes_the_same_head(head: Head, grid: Geometry) -> None:
    again = make_head(5, lesions=PLAN, step_mm=STEP_MM)
    assert all((a.cover == b.cover).all() for a, b in zip(head.layers, again.layers, strict=True))
    one, two = (h.render(Channel.CT, grid).voxels.tobytes() for h in (head, again))
    assert one == two
    assert make_head(6, step_mm=4.0).person != make_head(5, step_mm=4.0).person


def test_hu_of_tissues(head: Head, grid: Geometry) -> None:
    ct = head.render(Channel.CT, grid).voxels
    for tissues, low, high in (
        ({Tissue.GREY}, 34, 42),
        ({Tissue.WHITE}, 26, 33),
        ({Tissue.CSF}, 2, 15),
        ({Tissue.CLOT}, 52, 80),
        ({Tissue.FAT}, -110, -70),
        ({Tissue.BONE}, 700, 1700),
    ):
        pure = head.fraction(tissues, grid) > 0.93
        assert pure.sum() > 20, tissues
        assert low < ct[pure].mean() < high, tissues
    assert ct[0, 0, 0] < -900


def test_adc_of_tissues(head: Head, grid: Geometry) -> None:
    _, adc = head.diffusion(grid)
    assert adc.unit == "1e-3 mm2/s"
    for tissues, low, high in (
        ({Tissue.GREY}, 0.78, 1.05),
        ({Tissue.WHITE}, 0.65, 0.85),
        ({Tissue.CAUDATE, Tissue.THALAMUS}, 0.65, 0.85),
        ({Tissue.CSF}, 2.3, 3.3),
        ({Tissue.INFARCT_ACUTE, Tissue.INFARCT_SUBACUTE}, 0.3, 0.65),
    ):
        pure = head.fraction(tissues, grid) > 0.9
        assert pure.sum() > 10, tissues
        assert low < np.median(adc.voxels[pure]) < high, tissues


def test_infarct_stands_out_on_both(head: Head, grid: Geometry) -> None:
    dwi, adc = (v.voxels for v in head.diffusion(grid, bias=0))
    lesion = head.truth(grid, [LesionKind.INFARCT]).labels > 0
    white = head.fraction({Tissue.WHITE}, grid) > 0.95
    assert np.median(dwi[lesion]) > 1.25 * np.median(dwi[white])
    assert np.median(adc[lesion]) < 0.85 * np.median(adc[white])
    old = head.truth(grid, [LesionKind.INFARCT_OLD]).labels > 0
    assert np.median(adc[old]) > 1.2 * np.median(adc[white])


def test_diffusion_is_what_render_gives(head: Head, grid: Geometry) -> None:
    dwi, adc = head.diffusion(grid)
    assert (head.render(Channel.DWI, grid).voxels == dwi.voxels).all()
    assert (head.render(Channel.ADC, grid).voxels == adc.voxels).all()


def test_lesions_measure_what_was_asked(head: Head) -> None:
    for lesion, spec in zip(head.lesions, PLAN.specs, strict=True):
        assert lesion.ml == pytest.approx(spec.ml, rel=0.02)
        assert lesion.side == spec.side.value
        low, high = np.array(lesion.box_lps_mm)
        assert (low < lesion.centroid_lps_mm).all()
        assert (high > lesion.centroid_lps_mm).all()
        assert lesion.label == LABELS[lesion.kind]
    left, right = head.lesions[0].centroid_lps_mm[0], head.lesions[1].centroid_lps_mm[0]
    assert left > right


def test_truth_keeps_the_volume_on_any_grid(head: Head) -> None:
    true = {lesion.kind: lesion.ml for lesion in head.lesions}
    for spacing in (1.0, 2.0):
        mask = head.truth(around(head, spacing))
        for kind in (LesionKind.INFARCT, LesionKind.IPH):
            assert mask.volume_ml(LABELS[kind]) == pytest.approx(true[kind], rel=0.1)
    cover = head.cover(LesionKind.IPH, around(head, 3.0))
    assert cover.sum() * 0.027 == pytest.approx(true[LesionKind.IPH], rel=0.02)


def test_a_tilted_grid_sees_the_same_lesion(head: Head) -> None:
    flat = around(head, 2.0)
    affine = np.array(flat.affine)
    affine[1, 1], affine[2, 1] = 2 * np.cos(0.3), 2 * np.sin(0.3)
    affine[2, 3] -= 40
    sheared = Geometry((flat.shape[0] + 20, flat.shape[1] + 8, flat.shape[2]), affine)
    assert not sheared.is_orthogonal
    found = head.truth(sheared, [LesionKind.IPH]).volume_ml()
    assert found == pytest.approx(head.truth(flat, [LesionKind.IPH]).volume_ml(), rel=0.08)


def test_patient_left_is_right_in_the_picture(head: Head, grid: Geometry) -> None:
    """Row 0 is in front and column 0 at the patient's right: the left lesion lies at high i, the eyes at low j."""
    _, _, i = np.nonzero(head.truth(grid, [LesionKind.INFARCT]).labels)
    assert i.mean() > grid.shape[2] / 2
    low = around(head, 3.0)
    front = np.array(low.affine)
    front[2, 3] -= 30
    eyes = head.fraction({Tissue.VITREOUS}, Geometry(low.shape, front)) > 0.5
    assert np.nonzero(eyes)[1].mean() < low.shape[1] / 3


def test_parts_of_the_brain_are_in_proportion(head: Head, grid: Geometry) -> None:
    volume = {
        name: float(head.fraction(tissues, grid).sum()) * grid.voxel_ml
        for name, tissues in {
            "brain": set(Tissue) & {Tissue.GREY, Tissue.WHITE, Tissue.TRACT, Tissue.FOLIA, Tissue.STEM},
            "grey": {Tissue.GREY},
            "white": {Tissue.WHITE, Tissue.TRACT, Tissue.LEUKOARAIOSIS},
            "water": {Tissue.CSF},
        }.items()
    }
    assert 900 < volume["brain"] < 1700
    assert 0.6 < volume["grey"] / volume["white"] < 2.2
    assert 0.05 < volume["water"] / volume["brain"] < 0.6


@pytest.mark.parametrize("kind", list(LesionKind))
def test_every_kind_can_be_made(kind: LesionKind) -> None:
    made = make_head(9, lesions=LesionPlan((LesionSpec(kind, 8.0, Side.LEFT),)), step_mm=2.5).lesions
    assert len(made) == 1
    assert made[0].ml == pytest.approx(8.0, rel=0.1) or made[0].kind is LesionKind.IVH
    assert made[0].ml > 2


@pytest.mark.parametrize("ml", [0.02, 0.1, 1.0, 150.0])
def test_infarcts_of_all_sizes(ml: float) -> None:
    made = make_head(3, lesions=LesionPlan((LesionSpec(LesionKind.INFARCT, ml),)), step_mm=2.0).lesions
    assert made[0].ml == pytest.approx(ml, rel=0.15)


def test_diffusion_is_spread_as_in_real_cases(shared_data: Callable[[str], Path]) -> None:
    """Quantiles of DWI over its median, and of ADC, lie near those of a real case at 2 mm."""
    folder = shared_data("stroke-deepisles-case0001")
    real_dwi, real_adc = (
        sitk.GetArrayFromImage(sitk.ReadImage(str(next(folder.glob(f"*_{name}.nii.gz"))))) for name in ("dwi", "adc")
    )
    inside = real_dwi > 0
    older = next(h for h in (make_head(s, step_mm=2.0) for s in range(40, 60)) if 0.5 < h.person.atrophy < 0.85)
    grid = around(older, 2.0)
    dwi, adc = (v.voxels for v in older.diffusion(grid, bias=0.5))
    mask = older.brain(grid) > 0.5
    shares = [25, 50, 75, 95]
    ours, theirs = (np.percentile(a, shares) / np.median(a) for a in (dwi[mask], real_dwi[inside]))
    np.testing.assert_allclose(ours, theirs, atol=0.35)
    ours, theirs = np.percentile(adc[mask], [25, 50, 75]), np.percentile(real_adc[inside], [25, 50, 75])
    np.testing.assert_allclose(ours, theirs, atol=0.45)
