"""What the networks are trained on."""

from __future__ import annotations

import numpy as np
import pytest

from engines.phantom.lesions.plan import HAEMORRHAGES, LesionKind, draw_bleeds, draw_infarcts, draw_mixed
from engines.phantom.tissue import Tissue
from engines.phantom.training import STROKE_TISSUES, ct_boxes_slices, ct_mr_slices, dwi_adc_case, stroke_patient


def test_pairs_show_the_same_head() -> None:
    ct, mr = ct_mr_slices(2, size=128, spacing_mm=1.8, slices=6)
    assert ct.shape == mr.shape == (6, 128, 128)
    assert ct.dtype == mr.dtype == np.float32
    head = ct[3] > -300
    assert mr[3][head].mean() > 4 * mr[3][~head].mean()
    brain = (ct[3] > 15) & (ct[3] < 50)
    assert np.median(mr[3][ct[3] > 900]) < 0.5 * np.median(mr[3][brain])
    _, i = np.nonzero(ct[3] > 200)
    assert abs((i.min() + i.max()) / 2 - 63.5) < 6


def test_boxes_hold_blood() -> None:
    seed = next(s for s in range(50) if draw_is_bleeding(s))
    ct, boxes = ct_boxes_slices(seed, size=160, spacing_mm=1.44, slices=8)
    assert ct.shape == (8, 160, 160)
    found = [(k, *box) for k, row in enumerate(boxes) for box in row]
    assert found
    for _, kind, x0, y0, x1, y1 in found:
        assert 0 <= kind < len(HAEMORRHAGES)
        assert 0 <= x0 < x1 <= 160
        assert 0 <= y0 < y1 <= 160
    k, _, x0, y0, x1, y1 = max(found, key=lambda b: (b[4] - b[2]) * (b[5] - b[3]))
    inside = ct[k, int(y0) : int(y1), int(x0) : int(x1)]
    assert ((inside > 48) & (inside < 95)).mean() > 0.1


def draw_is_bleeding(seed: int) -> bool:
    rng = np.random.default_rng([seed, 6])
    return bool(rng.random() >= 0.125)


@pytest.mark.parametrize("seed", [1, 2])
def test_stroke_cases(seed: int) -> None:
    dwi, adc, truth = dwi_adc_case(seed, (3.0, 3.0, 3.0))
    assert dwi.shape == adc.shape == truth.shape
    assert set(np.unique(truth)) <= {0, 1}
    assert np.isfinite(dwi).all()
    assert 0 <= adc.min() <= adc.max() < 5
    again = dwi_adc_case(seed, (3.0, 3.0, 3.0))
    assert (again[0] == dwi).all()
    assert (again[2] == truth).all()


def test_tissues_fill_no_voxel_twice_and_hold_the_infarct() -> None:
    patient = stroke_patient(next(s for s in range(99) if draw_is_large(s)), (4.0, 4.0, 4.0))
    assert patient.tissues.shape == (len(STROKE_TISSUES), *patient.dwi.shape)
    total = patient.tissues.astype(int).sum(axis=0)
    assert total.max() <= 255 + len(STROKE_TISSUES)
    fresh = {Tissue.INFARCT_RIM, Tissue.INFARCT_ACUTE, Tissue.INFARCT_SUBACUTE}
    held = sum(patient.tissues[n].astype(int) for n, group in enumerate(STROKE_TISSUES) if group & fresh)
    assert patient.cover.max() > 200
    assert np.mean(held[patient.cover > 240] > 170) > 0.9
    assert patient.cover[held == 0].max() <= 1


def draw_is_large(seed: int) -> bool:
    specs = draw_infarcts(np.random.default_rng([seed, 7])).specs
    return any(spec.kind is LesionKind.INFARCT and spec.ml > 30 for spec in specs)


def test_drawn_infarcts_are_mostly_small() -> None:
    rng = np.random.default_rng(0)
    sizes = [s.ml for _ in range(300) for s in draw_infarcts(rng).specs]
    assert np.median(sizes) < 3
    assert max(sizes) > 100
    assert min(sizes) < 0.1
    assert any(not draw_mixed(rng).specs for _ in range(30))
    assert all(1 <= len(draw_bleeds(rng).specs) <= 3 for _ in range(30))
