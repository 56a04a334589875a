"""Painting: soft edges, organ numbers, windows; the solids that are painted."""

from __future__ import annotations

import numpy as np
import pytest

from engines.phantom.trunk.canvas import AIR_HU, Canvas
from engines.phantom.trunk.solids import bent, ellipsoid, oval, plates, profile, tube
from engines.phantom.trunk.waves import waves
from inference.volume import Geometry

SPACING = (2.0, 2.0, 3.0)


@pytest.fixture
def canvas(monkeypatch: pytest.MonkeyPatch) -> Canvas:
    """A body of the atlas' own size, not warped."""
    monkeypatch.setattr("engines.phantom.trunk.canvas.WARP_MM", 0.0)
    geometry = Geometry.from_axes((40, 60, 70), SPACING, (-69.0, -59.0, -58.5))
    return Canvas(geometry, (1.0, 1.0, 1.0), np.random.default_rng(0))


def ml(canvas: Canvas, label: int) -> float:
    return float((canvas.labels == label).sum()) * canvas.geometry.voxel_ml


def test_an_ellipsoid_fills_its_volume_and_its_edge_is_shared(canvas: Canvas):
    part = ellipsoid(canvas, (10, -5, 3), (30, 20, 36))
    assert part is not None
    canvas.paint(*part, 50.0, 1)
    assert ml(canvas, 1) == pytest.approx(4 / 3 * np.pi * 30 * 20 * 36 / 1000, rel=0.03)
    at = np.argwhere(canvas.labels == 1).mean(axis=0)[::-1]
    assert canvas.geometry.world_from_index(at) == pytest.approx((10, -5, 3), abs=0.5)
    edge = (canvas.hu > AIR_HU + 50) & (canvas.hu < 0)
    assert edge.any()
    assert canvas.hu.max() == pytest.approx(50.0)


def test_a_part_within_an_organ_may_keep_its_number(canvas: Canvas):
    whole, core = (ellipsoid(canvas, (0, 0, 0), (r, r, r)) for r in (30.0, 12.0))
    assert whole is not None
    assert core is not None
    canvas.paint(*whole, 50.0, 4)
    before = ml(canvas, 4)
    canvas.paint(*core, 200.0, None)
    assert ml(canvas, 4) == before
    canvas.paint(*core, 20.0)
    assert ml(canvas, 4) == pytest.approx(before - 4 / 3 * np.pi * 12**3 / 1000, rel=0.05)


def test_what_the_scan_does_not_show_has_no_window(canvas: Canvas):
    assert ellipsoid(canvas, (0, 0, 400), (20, 20, 20)) is None
    assert not list(tube(canvas, [(0, 0, 300, 5), (0, 0, 320, 5)]))


def test_a_tube_is_as_thick_as_its_knots(canvas: Canvas):
    for part in tube(canvas, bent([(-40, 0, 0, 8), (0, 0, 0, 8), (40, 0, 0, 8)], 9)):
        canvas.paint(*part, 30.0, 2)
    middle = canvas.labels[:, :, 35]
    assert middle.sum() / 2 * 6.0 == pytest.approx(np.pi * 8**2, rel=0.12)


def test_a_plate_stands_on_both_sides_and_is_twice_its_half_thickness(canvas: Canvas):
    part = plates(canvas, ([(20, -30, -40, 5), (20, 30, -40, 5)], [(20, -30, 40, 5), (20, 30, 40, 5)]))
    assert part is not None
    canvas.paint(*part, 500.0, 5)
    row = canvas.labels[20, 30] == 5
    assert row.sum() * SPACING[0] == pytest.approx(2 * 10, abs=4.1)
    assert np.array_equal(row, row[::-1])


def test_an_outline_has_the_widths_of_its_profile(canvas: Canvas):
    half, front, back = profile(canvas.z_line, ((-60, 40, -30, 20), (0, 40, -30, 20), (60, 40, -30, 20)))
    canvas.paint(canvas.everywhere(), oval(canvas.everywhere(), half, front, back, 0.0), 0.0, 1)
    inside = np.argwhere(canvas.labels[20] == 1) * 2.0 - (59.0, 69.0)
    assert inside[:, 0].min() == pytest.approx(-30, abs=2)
    assert inside[:, 0].max() == pytest.approx(20, abs=2)
    assert np.abs(inside[:, 1]).max() == pytest.approx(40, abs=2)


def test_a_profile_goes_through_its_rows():
    z = np.array([0.0, 10.0, 30.0], dtype=np.float32)
    (values,) = profile(z, ((0, 5), (10, 7), (30, 3)))
    assert values == pytest.approx([5, 7, 3])


def test_waves_are_even_on_average_and_smooth():
    geometry = Geometry.from_axes((50, 60, 70), SPACING)
    made = waves(np.random.default_rng(1), geometry, (20.0, 20.0, 20.0))
    assert made.shape == geometry.shape
    assert 0.5 < made.std() < 1.2
    assert np.abs(np.diff(made, axis=2)).max() < 0.5
