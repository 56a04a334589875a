"""How often each grey value occurs, with the window shaded."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSizePolicy, QWidget

from inference.volume import Floats, Volume
from viewer.scene.theme import Theme
from viewer.state.corners import number
from viewer.state.display import DisplayState, SlicePane
from viewer.state.view import Window
from viewer.ui.parts import Elided, column, label
from viewer.ui.style import qcolor

SAMPLES = 150_000
BINS = 96
WIDTHS_SHOWN = 2.2


def sample(volume: Volume) -> Floats:
    """Some 150 000 measured values, evenly taken in all three directions and sorted."""
    step = max(1, round((volume.voxels.size / SAMPLES) ** (1 / 3)))
    every = (slice(None, None, step),) * 3
    values = volume.voxels[every]
    keep = np.isfinite(values)
    if volume.valid is not None:
        keep &= volume.valid[every]
    return np.sort(values[keep])


def span(values: Floats, window: Window) -> tuple[float, float]:
    """Range shown: the window with its surroundings, never beyond the values."""
    low = max(float(values[0]), window.level - WIDTHS_SHOWN * window.width)
    high = min(float(values[-1]), window.level + WIDTHS_SHOWN * window.width)
    return (low, high) if high > low else (window.level - window.width, window.level + window.width)


def counts(values: Floats, low: float, high: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bin edges (n + 1,) and the square roots of counts (n,), the highest 1."""
    edges = np.linspace(low, high, BINS + 1)
    found = np.sqrt(np.diff(np.searchsorted(values, edges)).astype(np.float64))
    # One bin of background would flatten everything else, so the scale stops at a high quantile.
    top = float(np.quantile(found, 0.985)) or float(found.max()) or 1.0
    return edges, np.minimum(found / top, 1.0)


class Histogram(QWidget):
    """Of the volume in the active pane; square-root counts."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.plot = pg.PlotWidget(background=theme.card)
        self.plot.setFixedHeight(92)
        self.plot.setAccessibleName("Histogram of the active picture")
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.plot.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.plot.hideAxis("left")
        self.plot.hideAxis("bottom")
        self.plot.hideButtons()
        self.plot.getPlotItem().setContentsMargins(0, 0, 0, 0)
        self.plot.getViewBox().setDefaultPadding(0)
        self.curve = pg.PlotCurveItem(
            [0.0, 1.0],
            [0.0],
            pen=pg.mkPen(qcolor(theme.accent), width=1.2),
            brush=qcolor(theme.accent, 70),
            fillLevel=0.0,
            stepMode="center",
        )
        self.shade = pg.LinearRegionItem(
            movable=False, brush=qcolor(theme.text, 34), pen=pg.mkPen(qcolor(theme.text, 120))
        )
        for item in (self.shade, self.curve):
            self.plot.addItem(item)
            item.hide()
        self._caption = Elided("", "small")
        whole = column(6)
        whole.addWidget(label("HISTOGRAM", "section"))
        whole.addWidget(self.plot)
        whole.addWidget(self._caption)
        self.setLayout(whole)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._known: tuple[Volume, Floats] | None = None
        self._shown: tuple[Volume, Window] | None = None

    def show_display(self, display: DisplayState) -> None:
        pane = display.panes[display.active]
        if not isinstance(pane, SlicePane) or pane.volume is None:
            return  # the last histogram stays while the 3D pane is active
        self.setVisible(pane.volume.colour is None)  # colours have no window to be set by it
        if self._shown is None or self._shown[0] is not pane.volume or self._shown[1] != pane.window:
            self._shown = (pane.volume, pane.window)
            self._draw(pane.volume, pane.window)

    def _draw(self, volume: Volume, window: Window) -> None:
        if self._known is None or self._known[0] is not volume:
            self._known = (volume, sample(volume))
        values = self._known[1]
        if not values.size:
            return
        low, high = span(values, window)
        edges, heights = counts(values, low, high)
        self.curve.show()
        self.shade.show()
        self.curve.setData(edges, heights)
        self.shade.setRegion((window.level - window.width / 2, window.level + window.width / 2))
        self.plot.setXRange(low, high, padding=0)
        self.plot.setYRange(0, 1.06, padding=0)
        unit = f" {volume.unit}" if volume.unit else ""
        self._caption.setText(f"{number(low)} to {number(high)}{unit} · square root of counts")
