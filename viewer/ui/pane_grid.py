"""The panes: two pixels apart, nothing else between the reader and the pictures."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from viewer.scene.theme import Theme
from viewer.state import actions
from viewer.state.display import DisplayState, Pane, SlicePane
from viewer.state.view import Layout
from viewer.ui.slice_view import SliceView
from viewer.ui.surface_view import SurfaceView
from viewer.ui.tools import Tool
from viewer.wish import Wish

GAP_PX = 2
PANES = 4


class PaneGrid(QWidget):
    """Holds one slice view per place and the one 3D view; shows those that the display state makes visible.

    Signals:
        wished: A Wish.
        menu_wanted: Index of a pane and the global position.
    """

    wished = Signal(object)
    menu_wanted = Signal(int, QPoint)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("Gaps")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.slices = tuple(SliceView(theme, self) for _ in range(PANES))
        self.surface = SurfaceView(theme, self)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(GAP_PX)
        self._placed: tuple[tuple[int, bool, int, int], ...] = ()
        self._surface_index = PANES - 1
        for index, view in enumerate(self.slices):
            view.hide()
            self._connect(index, view)
        self.surface.hide()
        self.surface.activated.connect(lambda: self._activate(self._surface_index))
        self.surface.maximised.connect(lambda: self._maximise(self._surface_index))

    def show_display(self, display: DisplayState) -> None:
        """Place what is visible and let each slice view show its pane; the 3D view is shown when it is built."""
        self._place(display)
        for index in display.visible:
            pane = display.panes[index]
            if isinstance(pane, SlicePane):
                self.slices[index].show_pane(pane)

    def widget(self, index: int) -> QWidget:
        """The widget that shows a pane now."""
        return self.surface if index == self._surface_index and not self.surface.isHidden() else self.slices[index]

    def set_tool(self, tool: Tool) -> None:
        for view in self.slices:
            view.tool = tool
            view.setCursor(tool.cursor)

    def _place(self, display: DisplayState) -> None:
        places = tuple(_places(display))
        if places == self._placed:
            return
        self._placed = places
        widgets: tuple[QWidget, ...] = (*self.slices, self.surface)
        for widget in widgets:
            self._grid.removeWidget(widget)
            widget.hide()
        for index, is_slice, row, column in places:
            if not is_slice:
                self._surface_index = index
            view = self.slices[index] if is_slice else self.surface
            self._grid.addWidget(view, row, column)
            view.show()
        for line in range(PANES):
            self._grid.setRowStretch(line, int(any(row == line for _, _, row, _ in places)))
            self._grid.setColumnStretch(line, int(any(column == line for _, _, _, column in places)))
        self.widget(display.active).setFocus()

    def _connect(self, index: int, view: SliceView) -> None:
        view.activated.connect(lambda: self._activate(index))
        view.maximised.connect(lambda: self._maximise(index))
        view.menu_wanted.connect(lambda at: self.menu_wanted.emit(index, at))
        view.scrolled.connect(lambda slices: self._wish(lambda now: actions.scroll(now.view, now.display, slices)))
        view.window_dragged.connect(
            lambda dx, dy: self._wish(lambda now: actions.drag_window(now.view, now.display, dx, dy))
        )
        view.panned.connect(lambda right, down: self._wish(lambda now: actions.pan(now.view, right, down)))
        view.zoomed.connect(lambda factor, about: self._wish(lambda now: actions.zoom(now.view, factor, about)))
        view.pointed.connect(lambda point: self._wish(lambda now: actions.move_crosshair(now.view, point)))

    def _activate(self, index: int) -> None:
        self._wish(lambda now: now.view if now.view.active == index else actions.set_active(now.view, index))

    def _maximise(self, index: int) -> None:
        self._wish(lambda now: actions.toggle_maximised(now.view, index))

    def _wish(self, wish: Wish) -> None:
        self.wished.emit(wish)


def _places(display: DisplayState) -> list[tuple[int, bool, int, int]]:
    """(index, whether it is a slice, row, column) of every visible pane."""
    columns = 1 if len(display.visible) == 1 else _columns(display.layout)
    return [
        (index, _is_slice(display.panes[index]), place // columns, place % columns)
        for place, index in enumerate(display.visible)
    ]


def _columns(layout: Layout) -> int:
    return layout.columns


def _is_slice(pane: Pane) -> bool:
    return isinstance(pane, SlicePane)
