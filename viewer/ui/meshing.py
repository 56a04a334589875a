"""Surfaces for the 3D pane, built in the background before it shows them."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from inference.errors import InsulaError
from viewer.jobs import SCENE, Jobs, Request
from viewer.state.display import DisplayState, SurfacePane

Key = tuple[int, float, int, tuple[int, ...]]
KEPT = 12


def surface_key(pane: SurfacePane) -> Key:
    """What the meshes of a pane depend on; voxels by identity."""
    context = 0 if pane.context is None else id(pane.context.voxels)
    mask = 0 if pane.mask is None else id(pane.mask.labels)
    return context, pane.context_threshold, mask, tuple(label for label, _ in pane.colours)


class MeshAhead(QObject):
    """Lets a pane through when its meshes are there.

    Args:
        build: Makes (and remembers) the meshes of a pane; slow, runs in the background.

    Signals:
        ready: A SurfacePane that can be shown without waiting.
        told: One sentence when meshes could not be made.
    """

    ready = Signal(object)
    told = Signal(str)

    def __init__(self, jobs: Jobs, build: Callable[[SurfacePane], object]) -> None:
        super().__init__()
        self._jobs, self._build = jobs, build
        self._built: dict[Key, SurfacePane] = {}
        self._request: Request | None = None
        self._asked: Key | None = None
        self._wanted: SurfacePane | None = None

    def follow(self, display: DisplayState, loading: bool, generation: int) -> None:
        """Look at a new display state; while its volume is still loading nothing is built."""
        pane = next((display.panes[n] for n in display.visible if isinstance(display.panes[n], SurfacePane)), None)
        if not isinstance(pane, SurfacePane):
            return
        self._wanted = pane
        key = surface_key(pane)
        if key in self._built or (pane.context is None and pane.mask is None):
            self.ready.emit(pane)
        elif not loading and key != self._asked:
            self._ask(pane, key, generation)

    def _ask(self, pane: SurfacePane, key: Key, generation: int) -> None:
        if self._request is not None:
            self._jobs.drop(self._request.number)
        self._asked = key
        self._request = self._jobs.submit(
            "surface",
            "Build 3D surfaces",
            SCENE,
            lambda _: self._build(pane),
            done=lambda _: self._done(key, pane),
            failed=self._failed,
            generation=generation,
        )

    def _done(self, key: Key, pane: SurfacePane) -> None:
        self._request, self._asked = None, None
        # The pane is kept with its key, so that the identities in the key stay taken.
        self._built[key] = pane
        while len(self._built) > KEPT:
            del self._built[next(iter(self._built))]
        if self._wanted is not None and surface_key(self._wanted) == key:
            self.ready.emit(self._wanted)

    def _failed(self, error: InsulaError) -> None:
        self._request = None
        self.told.emit(f"The 3D surfaces could not be built. {error.hint}")
