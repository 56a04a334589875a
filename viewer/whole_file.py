"""What a user saves is whole or not there; where that fails, one sentence says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from inference.errors import InputRefused
from inference.whole import whole_file


class ExportFailed(InputRefused):
    """A file could not be written; nothing is left of it, and an older file of that name is as it was."""

    code: ClassVar[str] = "export_failed"


def write_whole(path: Path, write: Callable[[Path], None]) -> Path:
    """Let `write` fill a temporary file beside `path`, then give it its name. Missing folders are made.

    Raises:
        ExportFailed: The folder cannot be written, the disk is full, or `write` raised OSError or RuntimeError.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as partial:
            write(partial)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "the writer failed"
        raise ExportFailed(
            f"{path.name} could not be written: {reason.lower()}.",
            "Check that the folder can be written and the disk has space.",
        ) from error
    return path


def write_text(path: Path, text: str) -> Path:
    """Write UTF-8 text. Raises ExportFailed as `write_whole`."""

    def write(partial: Path) -> None:
        partial.write_text(text, encoding="utf-8")

    return write_whole(path, write)
