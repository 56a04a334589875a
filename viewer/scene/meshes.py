"""Surfaces from voxels, in LPS mm. Pure and slow (up to a second): call them in a worker, the answers are kept."""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonCore import VTK_FLOAT, VTK_UNSIGNED_CHAR, vtkPoints
from vtkmodules.vtkCommonDataModel import vtkImageData, vtkPolyData
from vtkmodules.vtkFiltersCore import (
    vtkAppendPolyData,
    vtkFlyingEdges3D,
    vtkMassProperties,
    vtkPolyDataNormals,
    vtkQuadricDecimation,
    vtkReverseSense,
    vtkSurfaceNets3D,
    vtkTriangleFilter,
    vtkWindowedSincPolyDataFilter,
)

from inference.memo import remembered
from inference.volume import Geometry, Labels, Mask, Points, Volume

CONTEXT_MM = 2.6
CONTEXT_TRIANGLES = 60_000
PART_VOXELS = 250_000
FAR_VOXELS = 30.0
"""A part that reaches further from its middle than this is not scaled by more than one voxel."""

_CORNERS = np.ones((3, 3, 3), dtype=bool)
_PASS_BAND = 0.08
_ITERATIONS = 20


@remembered
def surface_mesh(mask: Mask, label: int) -> vtkPolyData:
    """Smoothed surface of one label.

    Each connected part (26 neighbours) starts as its exact voxel faces, is smoothed with a windowed sinc
    (Taubin et al., ECCV 1996), and is then scaled about its centre to the volume of its voxels: no lesion shrinks
    or vanishes, however small. What spreads far, like bones, moves by one voxel at most for that and stays in its
    place; a part of more than PART_VOXELS is drawn from blocks of voxels. Volumes shown to the reader still come
    from voxels, never from here.

    Args:
        mask: Labels.
        label: Which of them.

    Returns:
        Triangles with normals in LPS mm; empty where the label is absent.
    """
    parts, _ = ndimage.label(mask.labels == label, _CORNERS)
    joined = vtkAppendPolyData()
    joined.AddInputData(vtkPolyData())
    for number, box in enumerate(ndimage.find_objects(parts), start=1):
        start = np.array([side.start for side in box][::-1], dtype=np.float64) - 1.0
        joined.AddInputData(_part(np.pad(parts[box] == number, 1), start))
    joined.Update()
    return _placed(joined.GetOutput(), mask.geometry.affine)


@remembered
def context_mesh(volume: Volume, threshold: float) -> vtkPolyData:
    """Outer surface of the largest connected thing above a threshold: a skull, a head.

    Made from block means of about CONTEXT_MM, at most some CONTEXT_TRIANGLES triangles: it is there to find one's
    way, not to be read.

    Args:
        volume: Voxels.
        threshold: In the volume's unit.

    Returns:
        Triangles with normals in LPS mm; empty where nothing lies above the threshold.
    """
    coarse, geometry = _coarser(volume)
    parts, count = ndimage.label(coarse > threshold)
    if not count:
        return vtkPolyData()
    largest = parts == 1 + int(np.argmax(np.bincount(parts.ravel())[1:]))
    solid = np.pad(ndimage.binary_fill_holes(largest), 2).astype(np.float32)
    contour = vtkFlyingEdges3D()
    contour.SetInputData(_image(ndimage.gaussian_filter(solid, 0.7), np.full(3, -2.0), VTK_FLOAT))
    contour.SetValue(0, 0.5)
    contour.ComputeNormalsOff()
    contour.Update()
    return _placed(_decimated(_smoothed(contour.GetOutput(), 0.1)), geometry.affine)


def mesh_ml(mesh: vtkPolyData) -> float:
    """Volume that a closed mesh in mm encloses, in mL."""
    return 0.0 if not mesh.GetNumberOfPolys() else _enclosed(mesh) / 1000.0


def _part(solid: NDArray[np.bool_], start: Points) -> vtkPolyData:
    """One connected part in index coordinates; `solid` has a margin of one voxel and begins at `start`."""
    step = ceil((np.count_nonzero(solid) / PART_VOXELS) ** (1.0 / 3.0))
    mesh = _faces(solid, start) if step == 1 else _blocks(solid, start, step)
    points = _points(mesh)
    middle = points.mean(axis=0)
    reach = float(np.linalg.norm(points - middle, axis=1).max())
    growth = float(np.count_nonzero(solid) / _enclosed(mesh)) ** (1.0 / 3.0)
    if reach > FAR_VOXELS:
        growth = min(max(growth, 1.0 - 1.0 / reach), 1.0 + 1.0 / reach)
    _set_points(mesh, middle + (points - middle) * growth)
    return mesh


def _blocks(solid: NDArray[np.bool_], start: Points, step: int) -> vtkPolyData:
    """Faces of blocks that are filled by half and more; of the voxels themselves where no block is."""
    shares = solid.astype(np.float32)
    for axis in range(3):
        shares = _block_means(shares, axis, step)
    filled = np.pad(shares >= 0.5, 1)
    if not filled.any():
        return _faces(solid, start)
    mesh = _faces(filled, np.zeros(3))
    _set_points(mesh, start + (step - 1) / 2.0 + (_points(mesh) - 1.0) * step)
    return mesh


def _faces(solid: NDArray[np.bool_], start: Points) -> vtkPolyData:
    nets = vtkSurfaceNets3D()
    nets.SetInputData(_image(solid.astype(np.uint8), start, VTK_UNSIGNED_CHAR))
    nets.SetValue(0, 1)
    nets.SmoothingOff()
    nets.SetOutputMeshTypeToTriangles()
    nets.Update()
    return _smoothed(nets.GetOutput(), _PASS_BAND)


def _smoothed(mesh: vtkPolyData, pass_band: float) -> vtkPolyData:
    sinc = vtkWindowedSincPolyDataFilter()
    sinc.SetInputData(mesh)
    sinc.SetNumberOfIterations(_ITERATIONS)
    sinc.SetPassBand(pass_band)
    sinc.BoundarySmoothingOff()
    sinc.FeatureEdgeSmoothingOff()
    sinc.NonManifoldSmoothingOn()
    sinc.NormalizeCoordinatesOn()
    sinc.Update()
    smoothed = vtkPolyData()
    smoothed.ShallowCopy(sinc.GetOutput())
    return smoothed


def _decimated(mesh: vtkPolyData) -> vtkPolyData:
    triangles = mesh.GetNumberOfPolys()
    if triangles <= CONTEXT_TRIANGLES:
        return mesh
    decimation = vtkQuadricDecimation()
    decimation.SetInputData(mesh)
    decimation.SetTargetReduction(1.0 - CONTEXT_TRIANGLES / triangles)
    decimation.Update()
    fewer: vtkPolyData = decimation.GetOutput()
    return fewer


def _placed(mesh: vtkPolyData, affine: Points) -> vtkPolyData:
    """Move from indices (i, j, k) to LPS mm; a left-handed grid would turn the surface inside out, so it is turned."""
    if not mesh.GetNumberOfPolys():
        return vtkPolyData()
    moved = vtkPolyData()
    moved.DeepCopy(mesh)
    moved.GetPointData().Initialize()
    moved.GetCellData().Initialize()
    _set_points(moved, _points(moved) @ affine[:3, :3].T + affine[:3, 3])
    if np.linalg.det(affine[:3, :3]) < 0:
        reverse = vtkReverseSense()
        reverse.SetInputData(moved)
        reverse.ReverseCellsOn()
        reverse.ReverseNormalsOff()
        reverse.Update()
        moved = reverse.GetOutput()
    return _with_normals(moved)


def _with_normals(mesh: vtkPolyData) -> vtkPolyData:
    normals = vtkPolyDataNormals()
    normals.SetInputData(mesh)
    normals.SplittingOff()
    normals.ConsistencyOff()
    normals.Update()
    shaded: vtkPolyData = normals.GetOutput()
    return shaded


def _coarser(volume: Volume) -> tuple[NDArray[np.float32], Geometry]:
    """Means of whole blocks of voxels, and the grid on which they lie."""
    steps = [max(1, round(CONTEXT_MM / spacing)) for spacing in volume.geometry.spacing_mm]
    voxels = volume.voxels if volume.valid is None else np.where(volume.valid, volume.voxels, volume.voxels.min())
    blocks: NDArray[np.float32] = voxels
    for axis, step in zip((2, 1, 0), steps, strict=True):
        blocks = _block_means(blocks, axis, step)
    affine = volume.geometry.affine.copy()
    affine[:3, 3] = volume.geometry.world_from_index([(step - 1) / 2.0 for step in steps])
    affine[:3, :3] *= steps
    return blocks, Geometry((blocks.shape[0], blocks.shape[1], blocks.shape[2]), affine)


def _block_means(values: NDArray[np.float32], axis: int, step: int) -> NDArray[np.float32]:
    if step == 1:
        return values
    short = ceil(values.shape[axis] / step) * step - values.shape[axis]
    padding = [(0, short if n == axis else 0) for n in range(3)]
    padded = np.pad(values, padding, mode="edge") if short else values
    shape = [*padded.shape[:axis], -1, step, *padded.shape[axis + 1 :]]
    means: NDArray[np.float32] = padded.reshape(shape).mean(axis=axis + 1, dtype=np.float32)
    return means


def _image(voxels: Labels | NDArray[np.float32], origin: Points, kind: int) -> vtkImageData:
    image = vtkImageData()
    image.SetDimensions(*voxels.shape[::-1])
    image.SetOrigin(*(float(value) for value in origin))
    image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(voxels).ravel(), deep=True, array_type=kind))
    return image


def _enclosed(mesh: vtkPolyData) -> float:
    triangles = vtkTriangleFilter()
    triangles.SetInputData(mesh)
    mass = vtkMassProperties()
    mass.SetInputConnection(triangles.GetOutputPort())
    mass.Update()
    return float(mass.GetVolume())


def _points(mesh: vtkPolyData) -> Points:
    return np.asarray(vtk_to_numpy(mesh.GetPoints().GetData()), dtype=np.float64)


def _set_points(mesh: vtkPolyData, where: Points) -> None:
    points = vtkPoints()
    points.SetData(numpy_to_vtk(np.ascontiguousarray(where, dtype=np.float32), deep=True))
    mesh.SetPoints(points)
