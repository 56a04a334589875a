"""Where Insula puts pictures, and what it calls them. No name of a file tells who the patient is."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QStandardPaths


def pictures_folder() -> Path:
    """The user's folder for pictures, with one of Insula's own in it."""
    found = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
    return Path(found or Path.home()) / "Insula"


def screenshot_name(now: datetime) -> str:
    """ "insula-20261120-143005-123.png"."""
    return f"insula-{now:%Y%m%d-%H%M%S}-{now.microsecond // 1000:03d}.png"
