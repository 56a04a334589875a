"""What the left button does."""

from __future__ import annotations

from enum import Enum

from PySide6.QtCore import Qt


class Tool(Enum):
    """Left button in 2D panes; the value is the word on the screen, `key` the key that chooses it."""

    WINDOW = "Window"
    PAN = "Pan"
    ZOOM = "Zoom"
    SCROLL = "Scroll"

    @property
    def key(self) -> Qt.Key:
        return {
            Tool.WINDOW: Qt.Key.Key_W,
            Tool.PAN: Qt.Key.Key_P,
            Tool.ZOOM: Qt.Key.Key_Z,
            Tool.SCROLL: Qt.Key.Key_S,
        }[self]

    @property
    def cursor(self) -> Qt.CursorShape:
        return {
            Tool.WINDOW: Qt.CursorShape.CrossCursor,
            Tool.PAN: Qt.CursorShape.OpenHandCursor,
            Tool.ZOOM: Qt.CursorShape.SizeVerCursor,
            Tool.SCROLL: Qt.CursorShape.SizeVerCursor,
        }[self]
