"""Which key asks for what."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt

from viewer.state import actions
from viewer.state.view import ViewState
from viewer.wish import Now, Wish, disagreement, next_pane

MANY = 10
OPACITY_STEP = 0.1


def _scroll(slices: int) -> Wish:
    return lambda now: actions.scroll(now.view, now.display, slices)


def _preset(digit: int) -> Wish:
    return lambda now: actions.preset(now.view, now.display, digit)


def _header_window(now: Now) -> ViewState:
    return actions.header_window(now.view, now.display, now.catalogue)


WISHES: Mapping[Qt.Key, Wish] = {
    Qt.Key.Key_Up: _scroll(-1),
    Qt.Key.Key_Down: _scroll(1),
    Qt.Key.Key_PageUp: _scroll(-MANY),
    Qt.Key.Key_PageDown: _scroll(MANY),
    Qt.Key.Key_Home: lambda now: actions.go_first(now.view, now.display),
    Qt.Key.Key_End: lambda now: actions.go_last(now.view, now.display),
    Qt.Key.Key_Left: lambda now: next_pane(now, -1),
    Qt.Key.Key_Right: lambda now: next_pane(now, 1),
    Qt.Key.Key_QuoteLeft: _header_window,
    Qt.Key.Key_F: lambda now: actions.flip_precision(now.view),
    Qt.Key.Key_D: disagreement,
    Qt.Key.Key_G: lambda now: actions.toggle_overlay(now.view),
    Qt.Key.Key_BracketLeft: lambda now: actions.change_opacity(now.view, -OPACITY_STEP),
    Qt.Key.Key_BracketRight: lambda now: actions.change_opacity(now.view, OPACITY_STEP),
    Qt.Key.Key_X: lambda now: actions.toggle_crosshair(now.view),
    Qt.Key.Key_Space: lambda now: actions.cycle_annotations(now.view),
    Qt.Key.Key_R: lambda now: actions.reset_pane(now.view, now.display),
    Qt.Key.Key_I: lambda now: actions.invert(now.view),
    **{Qt.Key(Qt.Key.Key_0.value + digit): _preset(digit) for digit in range(10)},
}


def leave_one_pane(now: Now) -> ViewState:
    """Esc: back from one pane alone."""
    return actions.toggle_maximised(now.view) if now.view.maximised is not None else now.view
