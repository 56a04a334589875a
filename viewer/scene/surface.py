"""The 3D pane without a window of its own: a faint head, lesions in it, wire boxes, a cube that says where left is."""

from __future__ import annotations

import sys
from os import environ

import numpy as np
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkUnsignedCharArray
from vtkmodules.vtkRenderingCore import (
    vtkCellPicker,
    vtkRenderer,
    vtkRenderWindow,
)

from inference.errors import InsulaError
from inference.result import Point
from viewer.scene import furniture, paint
from viewer.scene.actors import actors, cube_renderer, main_renderer
from viewer.scene.meshes import context_mesh, surface_mesh
from viewer.scene.theme import theme
from viewer.state.display import SurfacePane

# Where the camera stands as seen from the middle, and what is up: LPS.
_LOOKS: dict[str, tuple[Point, Point]] = {
    "oblique": ((0.75, -1.0, 0.6), (0.0, 0.0, 1.0)),
    "anterior": ((0.0, -1.0, 0.0), (0.0, 0.0, 1.0)),
    "posterior": ((0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "left": ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
    "right": ((-1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
    "superior": ((0.0, 0.0, 1.0), (0.0, -1.0, 0.0)),
    "inferior": ((0.0, 0.0, -1.0), (0.0, -1.0, 0.0)),
}
LOOKS = tuple(_LOOKS)


class SceneUnavailable(InsulaError):
    """3D pictures cannot be drawn on this machine."""

    code = "scene_unavailable"


class SurfaceScene:
    """Actors of the 3D pane, to be attached to any VTK window.

    Attributes:
        renderer: The head and what is in it.
    """

    def __init__(self) -> None:
        self.renderer: vtkRenderer = main_renderer(theme())
        self._cube: vtkRenderer = cube_renderer(theme())
        self._observer = self.renderer.AddObserver("StartEvent", lambda *_: self._turn_cube())
        self._shown: SurfacePane | None = None
        self._framed: object = None

    def attach(self, window: vtkRenderWindow) -> None:
        """Put both renderers, the head's and the cube's, into a window and make it fit for transparency."""
        window.SetNumberOfLayers(2)
        window.SetAlphaBitPlanes(1)
        window.SetMultiSamples(0)
        window.AddRenderer(self.renderer)
        window.AddRenderer(self._cube)

    def show(self, pane: SurfacePane) -> None:
        """Draw another pane. Meshes not yet made are made here: call `prepare` in a worker first."""
        same = self._shown is not None and _same_picture(self._shown, pane)
        self._shown = pane
        if same:
            return
        self.renderer.RemoveAllViewProps()
        for actor in actors(pane):
            self.renderer.AddActor(actor)
        key = pane.context if pane.context is not None else pane.mask
        if key is not self._framed:
            self._framed = key
            self.look("oblique")

    def look(self, view: str = "oblique") -> None:
        """Turn the camera to one of LOOKS and fit everything.

        Raises:
            KeyError: No such view.
        """
        toward, up = _LOOKS[view]
        camera = self.renderer.GetActiveCamera()
        camera.SetFocalPoint(0.0, 0.0, 0.0)
        camera.SetPosition(*toward)
        camera.SetViewUp(*up)
        camera.SetViewAngle(24.0)
        self.renderer.ResetCamera()
        camera.Zoom(1.4)
        self.renderer.ResetCameraClippingRange()

    def pick(self, x: int, y: int) -> Point | None:
        """Patient point in mm on the lesion or box under a pixel (from the lower left, as VTK counts), or None."""
        picker = vtkCellPicker()
        picker.SetTolerance(0.002)
        picker.PickFromListOn()
        for actor in self.renderer.GetActors():
            if actor.GetPickable():
                picker.AddPickList(actor)
        if not picker.Pick(x, y, 0, self.renderer):
            return None
        px, py, pz = picker.GetPickPosition()
        return float(px), float(py), float(pz)

    def _turn_cube(self) -> None:
        """The cube is seen from where the head is seen."""
        camera, cube = self.renderer.GetActiveCamera(), self._cube.GetActiveCamera()
        normal = camera.GetViewPlaneNormal()
        cube.SetFocalPoint(0.0, 0.0, 0.0)
        cube.SetPosition(*(4.0 * value for value in normal))
        cube.SetViewUp(*camera.GetViewUp())
        self._cube.ResetCameraClippingRange()


def prepare(pane: SurfacePane) -> None:
    """Make and keep every mesh of a pane; draws nothing, so any thread may call it."""
    if pane.context is not None:
        context_mesh(pane.context, pane.context_threshold)
    if pane.mask is not None:
        for label, _ in pane.colours:
            surface_mesh(pane.mask, label)


def render_offscreen(
    pane: SurfacePane, size: tuple[int, int], scale: float = 1.0, view: str = "oblique"
) -> NDArray[np.uint8]:
    """Draw a pane without a screen.

    Args:
        pane: What is true.
        size: (width, height) in device pixels.
        scale: Device pixels per logical pixel.
        view: One of LOOKS.

    Returns:
        (height, width, 4) uint8 RGBA, opaque.

    Raises:
        SceneUnavailable: This machine offers no OpenGL, not even in software.
    """
    look = theme()
    if pane.context is None and pane.mask is None:
        canvas = paint.new_canvas(size, look.surface_bottom)
    else:
        scene = SurfaceScene()
        scene.show(pane)
        scene.look(view)
        canvas = _picture(scene, size)
    furniture.draw_surface_words(canvas, pane, look, scale)
    return canvas


def _same_picture(a: SurfacePane, b: SurfacePane) -> bool:
    return (
        a.context is b.context
        and a.mask is b.mask
        and a.colours == b.colours
        and a.findings == b.findings
        and a.context_threshold == b.context_threshold
    )


def _picture(scene: SurfaceScene, size: tuple[int, int]) -> NDArray[np.uint8]:
    window = _offscreen_window()
    window.SetOffScreenRendering(True)
    window.SetSize(*size)
    scene.attach(window)
    window.Render()
    pixels = vtkUnsignedCharArray()
    window.GetRGBACharPixelData(0, 0, size[0] - 1, size[1] - 1, 1, pixels, 0)
    if pixels.GetNumberOfTuples() != size[0] * size[1]:
        raise SceneUnavailable("3D pictures cannot be drawn here.", "Install an OpenGL driver or Mesa (libegl1).")
    upward = vtk_to_numpy(pixels).reshape(size[1], size[0], 4)
    window.Finalize()
    canvas = np.array(upward[::-1], dtype=np.uint8)
    canvas[..., 3] = 255
    return canvas


def _offscreen_window() -> vtkRenderWindow:
    """A window that asks for no display where there is none (VTK's own choice tries X first and complains)."""
    if sys.platform.startswith("linux") and not environ.get("DISPLAY"):
        from vtkmodules.vtkRenderingOpenGL2 import vtkEGLRenderWindow

        return vtkEGLRenderWindow()
    return vtkRenderWindow()
