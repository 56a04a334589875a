"""The digital pelvis in numbers: size and place of the zones, their brightness, and that a seed decides everything."""

import numpy as np
import pytest

from engines.phantom.outlined import OutlinedPatient
from engines.phantom.pelvis.gland import Zones, shape_of, surface_of, urethra
from engines.phantom.pelvis.man import LEAST_ML, MOST_ML, Man, draw_man
from engines.phantom.pelvis.patient import PERIPHERAL, TRANSITION, pelvis_patient
from engines.phantom.pelvis.stage import Points, Stage
from engines.phantom.pelvis.stuff import Stuff, draw_signals
from inference.steps.head import mr_foreground
from inference.steps.region import Region, require_region
from inference.volume import Channel, Geometry

SEEDS = (4, 12)
MEN = range(30)
STEP_MM = 2.0


@pytest.fixture(scope="module")
def patients() -> list[OutlinedPatient]:
    return [pelvis_patient(seed) for seed in SEEDS]


@pytest.fixture(scope="module")
def men() -> list[tuple[Man, Zones]]:
    drawn = [draw_man(np.random.default_rng([seed, 61])) for seed in MEN]
    line = np.arange(-62, 62, STEP_MM, dtype=np.float32)
    z, y, x = np.meshgrid(line, line, line, indexing="ij")
    points = Points(x, np.abs(x), y, z)
    return [(man, shape_of(man.gland, points)) for man in drawn]


def _ml(inside: np.ndarray) -> float:
    return float((inside > 0).sum() * STEP_MM**3 / 1000)


def test_glands_are_as_large_as_those_of_men(men: list[tuple[Man, Zones]]) -> None:
    volumes = np.array([_ml(zones.whole) for _, zones in men])
    assert volumes.min() > LEAST_ML * 0.85
    assert volumes.max() < MOST_ML * 1.15
    assert 32 < np.median(volumes) < 58
    assert volumes.std() > 12


def test_the_inner_gland_lies_within_and_grows_faster_than_the_gland(men: list[tuple[Man, Zones]]) -> None:
    whole = np.array([_ml(zones.whole) for _, zones in men])
    share = np.array([_ml(zones.inner) / _ml(zones.whole) for _, zones in men])
    assert all((zones.inner <= zones.whole).all() for _, zones in men)
    assert 0.15 < share.min() < share.max() < 0.9
    assert np.corrcoef(np.log(whole), share)[0, 1] > 0.5


def test_the_urethra_runs_through_the_inner_gland(men: list[tuple[Man, Zones]]) -> None:
    for man, _ in men:
        knots = [k for k in urethra(man.gland) if abs(k[2]) < 0.6 * man.gland.half_mm[2]]
        x, y, z = (np.array([[[k[axis] for k in knots]]], dtype=np.float32) for axis in range(3))
        y = y - np.float32(man.gland.lean) * z
        assert (shape_of(man.gland, Points(x, np.abs(x), y, z)).inner > 0).all()


def test_a_median_lobe_belongs_to_the_surface() -> None:
    man = next(m for m in (draw_man(np.random.default_rng([s, 61])) for s in range(400)) if m.gland.median_mm > 4)
    _, b, c = man.gland.half_mm
    top = np.full((1, 1, 1), c + man.gland.median_mm * 0.5, dtype=np.float32)
    none = np.zeros_like(top)
    points = Points(none, none, none - np.float32(0.1 * b) - np.float32(man.gland.lean) * top, top)
    assert surface_of(man.gland, points)[0, 0, 0] > 0
    assert shape_of(man.gland, points).lobes[0, 0, 0] > 0


def test_one_seed_makes_one_patient_and_another_another(patients: list[OutlinedPatient]) -> None:
    again = pelvis_patient(SEEDS[0])
    assert again.volumes[0].voxels.tobytes() == patients[0].volumes[0].voxels.tobytes()
    assert again.mask.labels.tobytes() == patients[0].mask.labels.tobytes()
    assert again.volumes[0].voxels.shape != patients[1].volumes[0].voxels.shape


def test_a_patient_is_an_axial_t2_of_a_pelvis_with_both_zones(patients: list[OutlinedPatient]) -> None:
    for patient in patients:
        (volume,), mask = patient.volumes, patient.mask
        assert volume.channel is Channel.T2
        assert volume.geometry.same_grid(mask.geometry)
        assert mask.names == {PERIPHERAL: "peripheral zone", TRANSITION: "transition zone"}
        assert set(np.unique(mask.labels)) == {0, PERIPHERAL, TRANSITION}
        assert LEAST_ML * 0.8 < (mask.labels > 0).sum() * mask.geometry.voxel_ml < MOST_ML * 1.2
        assert 2.9 < volume.geometry.spacing_mm[2] < 4.1
        assert volume.geometry.spacing_mm[0] == pytest.approx(volume.geometry.spacing_mm[1])
        require_region(Region.PELVIS, volume)


def test_zones_lie_inside_the_body_and_inside_the_stack(patients: list[OutlinedPatient]) -> None:
    for patient in patients:
        labels, bright = patient.mask.labels, mr_foreground(patient.volumes[0].voxels)
        assert bright[labels == PERIPHERAL].mean() > 0.97
        assert not labels[0].any()
        assert not labels[-1].any()
        assert not labels[:, [0, -1]].any()
        assert not labels[:, :, [0, -1]].any()


def test_the_peripheral_zone_is_brighter_and_lies_behind(patients: list[OutlinedPatient]) -> None:
    for patient in patients:
        labels, values = patient.mask.labels, patient.volumes[0].voxels
        assert values[labels == PERIPHERAL].mean() > 1.1 * values[labels == TRANSITION].mean()
        middles = [np.argwhere(labels == zone).mean(axis=0)[::-1] for zone in (PERIPHERAL, TRANSITION)]
        behind = np.diff(patient.mask.geometry.world_from_index(middles)[:, 1])[0]
        assert behind < -3


def test_signals_keep_the_order_of_t2() -> None:
    drawn = [draw_signals(np.random.default_rng(seed)) for seed in range(60)]
    for s in drawn:
        assert s[Stuff.AIR] < s[Stuff.CORTEX] < s[Stuff.MUSCLE] < s[Stuff.PERIPHERAL] < s[Stuff.URINE]
        assert s[Stuff.TUMOUR] < s[Stuff.PERIPHERAL]
        assert s[Stuff.FAT] == 1
    usual = {stuff: float(np.median([s[stuff] for s in drawn])) for stuff in Stuff}
    assert usual[Stuff.MUSCLE] < usual[Stuff.ANTERIOR] < usual[Stuff.STROMAL] < usual[Stuff.STROMA]
    assert usual[Stuff.STROMA] < 0.6 * usual[Stuff.PERIPHERAL]
    assert 0.8 < usual[Stuff.PERIPHERAL] < 1.6


def test_a_window_holds_the_box_it_is_asked_for() -> None:
    geometry = Geometry.from_axes((20, 60, 60), (1.0, 1.0, 2.0), (-30.0, -30.0, -20.0))
    stage = Stage(geometry, 1.0, np.random.default_rng(1))
    low, high = (2.0, -10.0, -6.0), (12.0, 4.0, 8.0)
    points = stage.points(stage.window(low, high))
    assert points.left.min() < -high[0] < high[0] < points.left.max()
    assert points.y.min() < low[1] < high[1] < points.y.max()
    assert points.z.min() < low[2] < high[2] < points.z.max()
    outside = stage.box((500, 500, 500), (520, 520, 520))
    assert stage.image[outside].size == 0
