"""The menu of a pane: what it shows, in which plane, with which window."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMenu, QWidget

from viewer.state import actions
from viewer.state.display import DisplayState, SlicePane
from viewer.state.view import Content, Plane, Window
from viewer.state.windows import presets
from viewer.wish import Wish, put_content

CONTENTS = {
    Content.SOURCE: "Source",
    Content.SYNTHETIC: "Synthetic MRI",
    Content.BOXES: "Source with boxes",
    Content.MASK: "Source with outlines",
    Content.SURFACE: "3D",
}


class PaneMenu(QMenu):
    """Signal `wished`: what the chosen line asks for."""

    wished = Signal(object)

    def __init__(self, display: DisplayState, index: int, parent: QWidget) -> None:
        super().__init__(parent)
        pane = display.panes[index]
        if isinstance(pane, SlicePane):
            self._add_windows(pane)
            self._add_planes(pane)
            self.addSeparator()
        content = pane.content if isinstance(pane, SlicePane) else Content.SURFACE
        self._add_contents(content)
        self.addSeparator()
        self._line("One pane and back\tdouble click", lambda now: actions.toggle_maximised(now.view, index))
        self._line("Reset\tR", lambda now: actions.reset_pane(now.view, now.display))
        self._line("Invert\tI", lambda now: actions.invert(now.view))

    def _add_windows(self, pane: SlicePane) -> None:
        if pane.volume is None:
            return
        for preset in presets(pane.volume):
            key = "" if preset.key is None else f"\t{preset.key}"
            window = preset.window
            line = f"{preset.name}   W {window.width:g} L {window.level:g}{key}"
            self._line(line, _window(window), pane.window == window)
        self._line("Auto\t0", lambda now: actions.auto(now.view, now.display), pane.preset == "Auto")
        self.addSeparator()

    def _add_planes(self, pane: SlicePane) -> None:
        for plane in Plane:
            self._line(plane.value.capitalize(), _plane(plane), pane.plane is plane)

    def _add_contents(self, now: Content) -> None:
        menu = self.addMenu("Show")
        for content, words in CONTENTS.items():
            self._line(words, _content(content), content is now, menu)

    def _line(self, words: str, wish: Wish, checked: bool = False, menu: QMenu | None = None) -> None:
        action = (menu or self).addAction(words)
        action.setCheckable(checked)
        action.setChecked(checked)
        action.triggered.connect(lambda: self.wished.emit(wish))


def _window(window: Window) -> Wish:
    return lambda now: actions.set_window(now.view, now.display, window)


def _plane(plane: Plane) -> Wish:
    return lambda now: actions.set_plane(now.view, plane)


def _content(content: Content) -> Wish:
    return lambda now: put_content(now, content)
