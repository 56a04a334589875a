"""Actors and renderers of the 3D pane: how it looks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkFiltersSources import vtkOutlineSource
from vtkmodules.vtkRenderingAnnotation import vtkAnnotatedCubeActor
from vtkmodules.vtkRenderingCore import vtkActor, vtkLightKit, vtkPolyDataMapper, vtkRenderer
from vtkmodules.vtkRenderingOpenGL2 import vtkOpenGLRenderer

from inference.result import Finding
from inference.volume import Points
from viewer.scene.meshes import context_mesh, surface_mesh
from viewer.scene.theme import Theme, theme
from viewer.state.display import Colour, SurfacePane
from viewer.state.palette import palette

_CUBE_CORNER = (0.86, 0.02, 0.99, 0.24)
_BONE_OPACITY = 0.32
_OUTER_OPACITY = 0.45


def actors(pane: SurfacePane) -> list[vtkActor]:
    """The faint head (which a click goes through), one surface per label, one wire frame per boxed finding."""
    look, found = theme(), []
    if pane.context is not None:
        bone = _actor(context_mesh(pane.context, pane.context_threshold), look.bone, _BONE_OPACITY)
        bone.SetPickable(False)
        bone.GetProperty().BackfaceCullingOn()
        found.append(bone)
    if pane.mask is not None:
        meshes = [(surface_mesh(pane.mask, label), colour) for label, colour in pane.colours]
        opacities = see_through([mesh for mesh, _ in meshes])
        found += [_actor(mesh, colour, opacity) for (mesh, colour), opacity in zip(meshes, opacities, strict=True)]
    return found + [_wire(finding, palette().box) for finding in pane.findings]


def see_through(meshes: Sequence[vtkPolyData]) -> list[float]:
    """Opacity of each surface: faint where it is larger than another and holds its middle, and so would hide it."""
    boxes = [np.reshape(mesh.GetBounds(), (3, 2)) for mesh in meshes if mesh.GetNumberOfPolys()]
    return [_OUTER_OPACITY if _hides_one(mesh, boxes) else 1.0 for mesh in meshes]


def _hides_one(mesh: vtkPolyData, boxes: Sequence[Points]) -> bool:
    low, high = np.reshape(mesh.GetBounds(), (3, 2)).T
    smaller = [box for box in boxes if np.prod(box[:, 1] - box[:, 0]) < np.prod(high - low)]
    middles = [box.mean(axis=1) for box in smaller]
    return any(bool((low <= middle).all() and (middle <= high).all()) for middle in middles)


def _actor(mesh: vtkPolyData, colour: Colour, opacity: float = 1.0) -> vtkActor:
    mapper = vtkPolyDataMapper()
    mapper.SetInputData(mesh)
    mapper.ScalarVisibilityOff()
    actor = vtkActor()
    actor.SetMapper(mapper)
    surface = actor.GetProperty()
    surface.SetColor(*_rgb(colour))
    surface.SetOpacity(opacity)
    surface.SetInterpolationToPhong()
    surface.SetAmbient(0.12)
    surface.SetDiffuse(0.85)
    surface.SetSpecular(0.25)
    surface.SetSpecularPower(30.0)
    return actor


def _wire(finding: Finding, colour: Colour) -> vtkActor:
    low, high = finding.box_lps_mm
    outline = vtkOutlineSource()
    outline.SetBounds(low[0], high[0], low[1], high[1], low[2], high[2])
    outline.Update()
    actor = _actor(outline.GetOutput(), colour)
    actor.GetProperty().LightingOff()
    actor.GetProperty().SetLineWidth(2.0)
    return actor


def main_renderer(look: Theme) -> vtkRenderer:
    """Dark ground, studio lights that follow the camera, and depth peeling so that transparency is sorted rightly."""
    renderer = vtkOpenGLRenderer()
    renderer.SetBackground(*_rgb(look.surface_bottom))
    renderer.SetBackground2(*_rgb(look.surface_top))
    renderer.GradientBackgroundOn()
    renderer.SetUseDepthPeeling(True)
    renderer.SetMaximumNumberOfPeels(6)
    renderer.SetOcclusionRatio(0.02)
    renderer.UseFXAAOn()
    lights = vtkLightKit()
    lights.SetKeyLightIntensity(0.95)
    lights.SetKeyToFillRatio(2.5)
    lights.AddLightsToRenderer(renderer)
    return renderer


def cube_renderer(look: Theme) -> vtkRenderer:
    """A cube with the letters of the patient (LPS axes) in the lower right corner, in a layer of its own."""
    cube = vtkAnnotatedCubeActor()
    for axis, (plus, minus) in zip("XYZ", (("L", "R"), ("P", "A"), ("S", "I")), strict=True):
        getattr(cube, f"Set{axis}PlusFaceText")(plus)
        getattr(cube, f"Set{axis}MinusFaceText")(minus)
        for side in ("Plus", "Minus"):
            getattr(cube, f"Get{axis}{side}FaceProperty")().SetColor(*_rgb(look.text))
    cube.SetFaceTextScale(0.6)
    cube.SetXFaceTextRotation(-90)
    cube.SetYFaceTextRotation(0)
    cube.SetZFaceTextRotation(-90)
    cube.GetCubeProperty().SetColor(*_rgb(look.line))
    cube.GetTextEdgesProperty().SetColor(*_rgb(look.text))
    renderer = vtkOpenGLRenderer()
    renderer.SetLayer(1)
    renderer.InteractiveOff()
    renderer.SetViewport(*_CUBE_CORNER)
    renderer.AddActor(cube)
    return renderer


def _rgb(colour: Colour) -> tuple[float, float, float]:
    return colour[0] / 255.0, colour[1] / 255.0, colour[2] / 255.0
