"""A file is whole or not there: written under another name, synced, then renamed."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from inference.errors import InputRefused


class ExportFailed(InputRefused):
    """A file could not be written; nothing is left of it, and an older file of that name is as it was."""

    code: ClassVar[str] = "export_failed"


def write_whole(path: Path, write: Callable[[Path], None]) -> Path:
    """Let `write` fill a temporary file beside `path`, then give it its name. Missing folders are made.

    Raises:
        ExportFailed: The folder cannot be written, the disk is full, or `write` raised OSError or RuntimeError.
    """
    partial = path.with_name(f".partial-{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(partial)
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "the writer failed"
        raise ExportFailed(
            f"{path.name} could not be written: {reason.lower()}.",
            "Check that the folder can be written and the disk has space.",
        ) from error
    finally:
        with suppress(OSError):
            partial.unlink()
    return path


def write_text(path: Path, text: str) -> Path:
    """Write UTF-8 text. Raises ExportFailed as `write_whole`."""

    def write(partial: Path) -> None:
        partial.write_text(text, encoding="utf-8")

    return write_whole(path, write)
