"""Panes to draw, without a study around them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations, product
from typing import Any

import numpy as np
import pytest

from inference.volume import Geometry, Volume
from viewer.state.display import CornerText, SlicePane
from viewer.state.planes import centre, slice_count, slice_index
from viewer.state.view import Annotations, Content, Plane, Window


def pane_of(volume: Volume, plane: Plane = Plane.AXIAL, **wishes: Any) -> SlicePane:
    """A bare pane through the middle of a volume: no text, no crosshair; every field can be wished for."""
    point = wishes.pop("position_lps_mm", centre(volume.geometry))
    fields: dict[str, Any] = {
        "content": Content.SOURCE,
        "plane": plane,
        "volume_id": "v",
        "volume": volume,
        "index": slice_index(volume.geometry, plane, point),
        "count": slice_count(volume.geometry, plane),
        "position_lps_mm": point,
        "window": Window(200.0, 100.0),
        "preset": "",
        "zoom": 1.0,
        "pan_mm": (0.0, 0.0),
        "inverted": False,
        "layers": (),
        "boxes": (),
        "crosshair": False,
        "annotations": Annotations.NONE,
        "corners": CornerText(),
        "synthetic": volume.synthetic,
        "active": False,
    }
    return SlicePane(**{**fields, **wishes})


@pytest.fixture(scope="session")
def make_pane() -> Callable[..., SlicePane]:
    return pane_of


ORIENTATIONS = [
    np.eye(3)[:, list(order)] * np.array(signs)
    for order in permutations(range(3))
    for signs in product((1, -1), repeat=3)
]
NAMES = ["".join("RLAPIS"[2 * int(abs(axis).argmax()) + int(axis.sum() > 0)] for axis in d.T) for d in ORIENTATIONS]


@pytest.fixture(params=ORIENTATIONS, ids=NAMES)
def direction(request: pytest.FixtureRequest) -> np.ndarray:
    """Each of the 48 ways in which voxel axes can run along patient axes, 24 of them left-handed."""
    found: np.ndarray = request.param
    return found


LETTER_F = np.array(
    [
        [0, 0, 0, 0, 0, 0, 0],
        [0, 1, 1, 1, 1, 0, 0],
        [0, 1, 0, 0, 0, 0, 0],
        [0, 1, 1, 1, 0, 0, 0],
        [0, 1, 0, 0, 0, 0, 0],
        [0, 1, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0],
    ]
)
SPACING = np.array([2.0, 2.0, 4.0])


def patient_scene() -> np.ndarray:
    """[z, y, x] in patient axes, x to the left, y to the back, z up: an F on the axial slice 1, one bright voxel on
    the patient's left (x = 6, y = 7, z = 2), one on the right, front and top (x = 0, y = 0, z = 4)."""
    scene = np.zeros((5, 8, 7), dtype=np.float32)
    scene[1] = LETTER_F * 60.0
    scene[2, 7, 6] = 150.0
    scene[4, 0, 0] = 200.0
    return scene


def stored(direction: np.ndarray) -> Volume:
    """The same patient stored with voxel axes along `direction`."""
    scene = patient_scene()
    patient_axis = [int(abs(direction[:, axis]).argmax()) for axis in range(3)]
    signs = [float(direction[patient_axis[axis], axis]) for axis in range(3)]
    sizes = [scene.shape[2 - axis] for axis in patient_axis]
    spacing = SPACING[patient_axis]
    corner = np.zeros(3)
    for axis in range(3):
        if signs[axis] < 0:
            corner[patient_axis[axis]] = (sizes[axis] - 1) * spacing[axis]
    shape = (sizes[2], sizes[1], sizes[0])
    geometry = Geometry.from_axes(shape, spacing, corner, direction)
    k, j, i = np.indices(shape)
    points = geometry.world_from_index(np.stack([i, j, k], axis=-1))
    x, y, z = (np.rint(points[..., axis] / SPACING[axis]).astype(int) for axis in range(3))
    return Volume(scene[z, y, x], geometry, name="F")


@pytest.fixture
def letter_f(direction: np.ndarray) -> Volume:
    return stored(direction)
