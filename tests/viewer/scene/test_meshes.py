"""Surfaces hold what the voxels hold: their volume, their parts, their place, their outside."""

from __future__ import annotations

import numpy as np
import pytest
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkFiltersCore import vtkPolyDataConnectivityFilter

from inference.volume import Channel, Geometry, Mask, Volume
from viewer.scene.actors import see_through
from viewer.scene.meshes import CONTEXT_TRIANGLES, context_mesh, mesh_ml, surface_mesh

GRIDS = {"thick": ((0.5, 0.5, 5.0), (14, 100, 100)), "even": ((1.0, 1.0, 1.0), (50, 50, 50))}


def ball(shape: tuple[int, int, int], spacing: tuple[float, float, float], radius: float) -> np.ndarray:
    index = np.stack(np.indices(shape)[::-1], axis=-1)
    offset = (index - (np.array(shape[::-1]) // 2 + 0.2)) * np.array(spacing)
    return ((offset**2).sum(axis=-1) <= radius**2).astype(np.uint8)


def points(mesh: vtkPolyData) -> np.ndarray:
    return np.asarray(vtk_to_numpy(mesh.GetPoints().GetData()))


def parts(mesh: vtkPolyData) -> int:
    connectivity = vtkPolyDataConnectivityFilter()
    connectivity.SetInputData(mesh)
    connectivity.SetExtractionModeToAllRegions()
    connectivity.Update()
    return int(connectivity.GetNumberOfExtractedRegions())


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("radius", [1.3, 3.0, 5.0, 10.0, 20.0])
def test_no_lesion_shrinks(grid: str, radius: float) -> None:
    spacing, shape = GRIDS[grid]
    mask = Mask(ball(shape, spacing, radius), Geometry.from_axes(shape, spacing, (3.0, -7.0, 11.0)))
    assert mask.volume_ml() > 0
    assert mesh_ml(surface_mesh(mask, 1)) == pytest.approx(mask.volume_ml(), rel=0.02)


def test_every_part_stays_a_part_of_its_size() -> None:
    labels = np.zeros((20, 40, 40), dtype=np.uint8)
    labels[3, 3, 3] = 1
    labels[10:12, 10:12, 10:13] = 1
    labels[15:18, 30:36, 30:36] = 1
    labels[5, 30, 5] = 2
    mask = Mask(labels, Geometry.from_axes(labels.shape, (1.0, 1.0, 3.0)), {1: "a", 2: "b"})
    mesh = surface_mesh(mask, 1)
    assert parts(mesh) == 3
    assert mesh_ml(mesh) == pytest.approx(mask.volume_ml(1), rel=0.02)
    assert mesh_ml(surface_mesh(mask, 2)) == pytest.approx(0.003, rel=0.02)
    assert surface_mesh(mask, 3).GetNumberOfPolys() == 0


def test_a_surface_lies_where_its_voxels_lie_and_looks_outward(direction: np.ndarray) -> None:
    labels = np.zeros((12, 14, 16), dtype=np.uint8)
    labels[4:8, 5:9, 6:12] = 1
    geometry = Geometry.from_axes(labels.shape, (1.0, 1.5, 2.0), (-20.0, 30.0, 5.0), direction)
    mesh = surface_mesh(Mask(labels, geometry), 1)
    found = points(mesh)
    middle = geometry.world_from_index((8.5, 6.5, 5.5))
    assert np.allclose((found.min(axis=0) + found.max(axis=0)) / 2, middle, atol=0.1)
    normals = vtk_to_numpy(mesh.GetPointData().GetNormals())
    assert ((normals * (found - middle)).sum(axis=1) > 0).mean() > 0.99
    triangles = vtk_to_numpy(mesh.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    a, b, c = (found[triangles[:, corner]] for corner in range(3))
    outward = (np.cross(b - a, c - a) * ((a + b + c) / 3 - middle)).sum(axis=1)
    assert (outward > 0).mean() > 0.99


def test_sheared_grids_keep_their_volume() -> None:
    affine = np.eye(4)
    affine[1, 2] = 0.35
    affine[2, 2] = 4.0
    labels = ball((14, 40, 40), (1.0, 1.0, 4.0), 9.0)
    mask = Mask(labels, Geometry(labels.shape, affine))
    assert mesh_ml(surface_mesh(mask, 1)) == pytest.approx(mask.volume_ml(), rel=0.02)


def test_the_head_is_one_smooth_thing_without_its_table() -> None:
    values = np.full((40, 80, 80), -1000.0, np.float32)
    values[ball(values.shape, (1.5, 1.5, 3.0), 45.0) > 0] = 300.0
    values[:, 76:78, 10:70] = 400.0
    values[2, 2, 2] = 3000.0
    volume = Volume(values, Geometry.from_axes(values.shape, (1.5, 1.5, 3.0)), Channel.CT, "HU")
    mesh = context_mesh(volume, 200.0)
    assert parts(mesh) == 1
    assert 0 < mesh.GetNumberOfPolys() <= CONTEXT_TRIANGLES
    assert mesh_ml(mesh) == pytest.approx(4 / 3 * np.pi * 45.0**3 / 1000.0, rel=0.08)
    assert np.allclose(points(mesh).mean(axis=0), (40.2 * 1.5, 40.2 * 1.5, 20.2 * 3.0), atol=1.5)


def test_fine_grids_are_made_coarser_in_place() -> None:
    values = np.zeros((60, 120, 120), np.float32)
    values[ball(values.shape, (0.45, 0.45, 1.0), 18.0) > 0] = 1000.0
    volume = Volume(values, Geometry.from_axes(values.shape, (0.45, 0.45, 1.0), (10.0, 20.0, 30.0)), Channel.T1)
    mesh = context_mesh(volume, 500.0)
    assert mesh_ml(mesh) == pytest.approx(4 / 3 * np.pi * 18.0**3 / 1000.0, rel=0.06)
    assert np.allclose(points(mesh).mean(axis=0), (10 + 60.2 * 0.45, 20 + 60.2 * 0.45, 30 + 30.2), atol=0.5)


def test_nothing_above_the_threshold_is_an_empty_surface() -> None:
    volume = Volume(np.zeros((4, 4, 4), np.float32), Geometry.from_axes((4, 4, 4), (2.0, 2.0, 2.0)))
    assert context_mesh(volume, 1.0).GetNumberOfPolys() == 0


def test_a_surface_is_made_once() -> None:
    mask = Mask(ball((10, 10, 10), (1.0, 1.0, 1.0), 3.0), Geometry.from_axes((10, 10, 10), (1.0, 1.0, 1.0)))
    assert surface_mesh(mask, 1) is surface_mesh(mask, 1)


def test_what_spreads_far_stays_in_its_place() -> None:
    """Thin ribs lose volume to smoothing; scaled about their middle they would leave the body."""
    labels = np.zeros((20, 160, 160), np.uint8)
    ring = np.hypot(*(axis - 79.5 for axis in np.indices((160, 160))))
    labels[9:11, np.abs(ring - 70) < 1.2] = 1
    mesh = surface_mesh(Mask(labels, Geometry.from_axes(labels.shape, (1.0, 1.0, 1.0), (-79.5, -79.5, -9.5))), 1)
    away = np.linalg.norm(points(mesh)[:, :2], axis=1)
    assert away.min() > 67.0
    assert away.max() < 73.0
    assert away.mean() == pytest.approx(70.0, abs=0.8)


def test_a_large_structure_is_drawn_from_blocks_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("viewer.scene.meshes.PART_VOXELS", 4000)
    shape, spacing = (60, 60, 60), (1.0, 1.0, 1.0)
    grid = Geometry.from_axes(shape, spacing, (-29.5, -29.5, -29.5))
    mask = Mask(ball(shape, spacing, 24.0), grid)
    mesh = surface_mesh(mask, 1)
    assert mesh_ml(mesh) == pytest.approx(mask.volume_ml(), rel=0.02)
    assert points(mesh).mean(axis=0) == pytest.approx([0.7, 0.7, 0.7], abs=0.5)
    monkeypatch.setattr("viewer.scene.meshes.PART_VOXELS", 250_000)
    fine = surface_mesh(Mask(mask.labels.copy(), grid), 1)
    assert mesh.GetNumberOfPolys() < fine.GetNumberOfPolys() / 4


def test_a_thin_sheet_that_no_block_holds_is_drawn_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("viewer.scene.meshes.PART_VOXELS", 50)
    labels = np.zeros((30, 30, 30), np.uint8)
    labels[15, 2:28, 2:28] = 1
    mask = Mask(labels, Geometry.from_axes((30, 30, 30), (1.0, 1.0, 1.0)))
    assert surface_mesh(mask, 1).GetNumberOfPolys() > 0


def test_what_encloses_another_label_is_drawn_faint() -> None:
    labels = ball((50, 50, 50), (1.0, 1.0, 1.0), 20.0)
    labels[ball((50, 50, 50), (1.0, 1.0, 1.0), 8.0) > 0] = 2
    labels[0:3, 0:3, 0:3] = 3
    mask = Mask(labels, Geometry.from_axes((50, 50, 50), (1.0, 1.0, 1.0)), {1: "rim", 2: "core", 3: "apart", 4: "none"})
    rim, core, apart, none = see_through([surface_mesh(mask, label) for label in (1, 2, 3, 4)])
    assert rim < 0.6
    assert (core, apart, none) == (1.0, 1.0, 1.0)
