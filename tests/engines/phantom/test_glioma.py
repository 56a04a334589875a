"""Digital patients with a tumour: its parts, its size, what each image shows of it."""

from dataclasses import replace

import numpy as np
import pytest

from engines.phantom import glioma
from engines.phantom.glioma import CHANNELS, NAMES, draw_tumours, glioma_patient, parts
from engines.phantom.head import Head, make_head
from engines.phantom.lesions.growth import Growth
from engines.phantom.lesions.plan import LesionKind, LesionPlan, LesionSpec, Side
from engines.phantom.mri import Sampler
from engines.phantom.tissue import Tissue
from engines.phantom.training import brain_grid
from engines.phantom.tumour_scanner import Extra, acquire, draw_session, draw_veins
from inference.volume import Channel, Floats, Geometry

ML = 40.0
STEP_MM = 2.5
RING = Growth(rim=0.35, lobes=0.1, gaps=0.0, bright=1.0, oedema_mm=14.0)
CORE, OEDEMA, ENHANCING = NAMES


def head_with(growth: Growth, ml: float = ML) -> Head:
    spec = LesionSpec(LesionKind.TUMOUR, ml, Side.LEFT, growth)
    return make_head(5, lesions=LesionPlan((spec,)), step_mm=STEP_MM)


@pytest.fixture(scope="module")
def ring() -> Head:
    return head_with(RING)


def grid_of(head: Head) -> Geometry:
    return brain_grid(head, (2.5, 2.5, 2.5))


def seen(head: Head, session_seed: int) -> dict[Channel, Floats]:
    """Every channel over its white matter."""
    rng = np.random.default_rng(session_seed)
    drawn, grid = draw_session(rng), grid_of(head)
    session = replace(drawn, looks={c: replace(look, bias=0.0) for c, look in drawn.looks.items()})
    extra = Extra(np.zeros(head.shape, dtype=np.float32), np.zeros(head.shape, dtype=np.float32))
    take = Sampler(head, grid, True, None)
    white = head.fraction({Tissue.WHITE}, grid) > 0.95
    images = {c: acquire(take, c, session, extra, rng).voxels for c in CHANNELS}
    return {c: v / np.median(v[white]) for c, v in images.items()}


def test_the_tumour_has_the_size_asked_for_and_its_parts_fill_it(ring: Head) -> None:
    (lesion,) = ring.lesions
    truth = parts(ring, grid_of(ring))
    assert lesion.ml == pytest.approx(ML, rel=0.03)
    assert truth.volume_ml(CORE) + truth.volume_ml(ENHANCING) == pytest.approx(ML, rel=0.06)
    assert truth.volume_ml(OEDEMA) > 10
    assert truth.names == NAMES


def test_the_necrosis_lies_inside_the_rim_and_the_oedema_outside(ring: Head) -> None:
    truth = parts(ring, grid_of(ring))
    (lesion,) = ring.lesions
    distance = {}
    for value in NAMES:
        index = np.argwhere(truth.labels == value)[:, ::-1]
        world = truth.geometry.world_from_index(index)
        distance[value] = float(np.median(np.linalg.norm(world - np.array(lesion.centroid_lps_mm), axis=1)))
    assert distance[CORE] < distance[ENHANCING] < distance[OEDEMA]


@pytest.mark.parametrize("session", [1, 2, 3, 4])
def test_what_enhances_brightens_after_contrast_and_oedema_is_bright_on_flair(ring: Head, session: int) -> None:
    truth, image = parts(ring, grid_of(ring)).labels, seen(ring, session)
    rim = np.median(image[Channel.T1C][truth == ENHANCING])
    assert rim > 1.15 * np.median(image[Channel.T1][truth == ENHANCING])
    assert rim > 1.3 * np.median(image[Channel.T1C][truth == CORE])
    assert np.median(image[Channel.FLAIR][truth == OEDEMA]) > 1.15
    assert np.median(image[Channel.T2][truth == CORE]) > 1.3


def test_a_low_grade_tumour_does_not_enhance_and_a_dural_one_does_all_through() -> None:
    low, dural = (
        head_with(g, 20.0) for g in (Growth(oedema_mm=4.0, enhances=False), Growth(rim=2.0, outside=True, gaps=0))
    )
    pale, whole = parts(low, grid_of(low)), parts(dural, grid_of(dural))
    assert pale.volume_ml(OEDEMA) > 15
    assert pale.volume_ml(CORE) == pale.volume_ml(ENHANCING) == 0
    assert whole.volume_ml(ENHANCING) == pytest.approx(20.0, rel=0.1)
    assert whole.volume_ml(CORE) == 0


def test_a_healthy_head_has_no_parts_and_veins_only_where_there_is_water() -> None:
    head = make_head(5, step_mm=STEP_MM)
    assert not parts(head, grid_of(head)).labels.any()
    veins = draw_veins(head, np.random.default_rng(3))
    assert 0 < veins.mean() < 0.05
    assert veins.max() <= 1


def test_plans_hold_every_kind_and_healthy_heads_too() -> None:
    plans = [draw_tumours(np.random.default_rng([seed, 51])) for seed in range(200)]
    tumours = [[s for s in plan.specs if s.kind is LesionKind.TUMOUR] for plan in plans]
    growths = [s.growth for found in tumours for s in found if s.growth is not None]
    assert 22 < sum(not found for found in tumours) < 60
    assert any(g.outside for g in growths)
    assert any(not g.enhances for g in growths)
    assert any(g.rim < 1 for g in growths)
    assert all(0.5 <= s.ml <= 80 for found in tumours for s in found)


def test_the_same_seed_makes_the_same_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glioma, "STEP_MM", 5.0)
    monkeypatch.setattr(glioma, "PIXEL_MM", 5.0)
    first, again, other = glioma_patient(4), glioma_patient(4), glioma_patient(5)
    assert tuple(v.channel for v in first.volumes) == CHANNELS
    assert all(np.array_equal(a.voxels, b.voxels) for a, b in zip(first.volumes, again.volumes, strict=True))
    assert np.array_equal(first.mask.labels, again.mask.labels)
    assert first.mask.geometry.same_grid(first.volumes[0].geometry)
    assert first.volumes[0].voxels.shape != other.volumes[0].voxels.shape
