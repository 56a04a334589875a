"""Digital trunks: volumes and HU of the organs, sides, and that a seed decides everything."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from engines.phantom.outlined import OutlinedPatient
from engines.phantom.trunk.patient import ORGANS, trunk_patient
from inference.volume import Channel

WHOLE = (24, 30)
"""Seeds whose scans reach from the thighs to the chest."""
SMALL = 68
"""A seed whose scan has few voxels."""
ML = {"liver": (700, 2800), "bladder": (15, 800), "lungs": (700, 8000), "kidneys": (90, 620), "bone": (900, 3800)}
HU = {"liver": (-15, 160), "bladder": (-15, 480), "lungs": (-960, -600), "kidneys": (15, 320), "bone": (40, 700)}


@pytest.fixture(scope="module")
def patients() -> dict[int, OutlinedPatient]:
    return {seed: trunk_patient(seed) for seed in WHOLE}


def parts(patient: OutlinedPatient) -> dict[str, np.ndarray]:
    return {name: patient.mask.labels == value for value, name in ORGANS.items()}


@pytest.mark.parametrize("seed", WHOLE)
def test_organs_are_as_large_as_an_adults(patients: dict[int, OutlinedPatient], seed: int):
    patient = patients[seed]
    for name, inside in parts(patient).items():
        low, high = ML[name]
        assert low < inside.sum() * patient.mask.geometry.voxel_ml < high, name


@pytest.mark.parametrize("seed", WHOLE)
def test_organs_look_as_on_ct(patients: dict[int, OutlinedPatient], seed: int):
    hu = patients[seed].volumes[0].voxels
    for name, inside in parts(patients[seed]).items():
        low, high = HU[name]
        assert low < np.median(hu[inside]) < high, name
    assert np.percentile(hu[parts(patients[seed])["bone"]], 90) > 200


@pytest.mark.parametrize("seed", WHOLE)
def test_liver_lies_right_above_the_bladder_and_lungs_above_it(patients: dict[int, OutlinedPatient], seed: int):
    geometry = patients[seed].mask.geometry
    middle = {
        name: geometry.world_from_index(np.argwhere(inside).mean(axis=0)[::-1])
        for name, inside in parts(patients[seed]).items()
    }
    assert middle["liver"][0] < -20
    assert middle["bladder"][2] < middle["kidneys"][2] < middle["liver"][2] < middle["lungs"][2]
    assert middle["bladder"][1] < middle["kidneys"][1]
    assert abs(middle["bladder"][0]) < 25


@pytest.mark.parametrize("seed", WHOLE)
def test_organs_lie_inside_the_body_and_both_kidneys_beside_the_spine(patients: dict[int, OutlinedPatient], seed: int):
    patient = patients[seed]
    tissue, _ = ndimage.label(patient.volumes[0].voxels > -300)
    body = tissue == 1 + np.argmax(np.bincount(tissue.ravel())[1:])
    inside = np.stack([ndimage.binary_fill_holes(plane) for plane in body])
    organs = (patient.mask.labels > 0) & (patient.mask.labels < 5)
    assert (organs & ~inside).sum() < 0.002 * organs.sum()
    x = patient.mask.geometry.world_from_index(np.argwhere(parts(patient)["kidneys"])[:, ::-1])[:, 0]
    assert 0.2 < (x > 0).mean() < 0.8
    assert np.abs(x).min() > 12


def test_a_seed_decides_every_byte(patients: dict[int, OutlinedPatient]):
    first, again = trunk_patient(SMALL), trunk_patient(SMALL)
    assert again.volumes[0].voxels.tobytes() == first.volumes[0].voxels.tobytes()
    assert again.mask.labels.tobytes() == first.mask.labels.tobytes()
    assert again.mask.geometry.same_grid(first.mask.geometry)
    shapes = {p.volumes[0].geometry.shape for p in (first, *patients.values())}
    assert len(shapes) == 1 + len(WHOLE)


def test_a_patient_is_one_ct_in_hu_with_named_labels(patients: dict[int, OutlinedPatient]):
    (volume,), mask = patients[WHOLE[0]].volumes, patients[WHOLE[0]].mask
    assert (volume.channel, volume.unit) == (Channel.CT, "HU")
    assert volume.voxels.min() >= -1024
    assert volume.voxels.max() <= 3071
    assert tuple(mask.names.values()) == ("liver", "bladder", "lungs", "kidneys", "bone")
    assert mask.geometry.same_grid(volume.geometry)
    assert np.array_equal(np.diag(volume.geometry.direction), (1.0, 1.0, 1.0))
