"""Reading the small files in which Linux tells its state; a failure becomes a sentence."""

from __future__ import annotations

import errno
from pathlib import Path


class Unread(Exception):
    """A file told nothing; the text is one sentence that says why."""


def read_text(file: Path) -> str:
    """The file's text without the white space around it.

    Raises:
        Unread: It is not there, may not be read, or its sensor gives no value now.
    """
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except PermissionError as error:
        raise Unread(f"{file.name} needs read permission (ask the administrator, or run as root).") from error
    except FileNotFoundError as error:
        raise Unread(f"{file.name} is not there.") from error
    except OSError as error:
        kind = errno.errorcode.get(error.errno or 0, "an error")
        raise Unread(f"{file.name} gives no value now ({kind}).") from error


def number(file: Path) -> int:
    """The whole number in a file.

    Raises:
        Unread: As `read_text`, or what it holds is no number.
    """
    text = read_text(file)
    if not (text.isascii() and text.removeprefix("-").isdecimal()) or len(text) > 20:
        raise Unread(f"{file.name} holds no number.")
    return int(text)


def maybe_number(file: Path) -> int | None:
    """The whole number in a file, or None."""
    try:
        return number(file)
    except Unread:
        return None


def maybe_text(file: Path) -> str:
    """The file's text, or ""."""
    try:
        return read_text(file)
    except Unread:
        return ""


def entries(folder: Path, pattern: str) -> tuple[Path, ...]:
    """Entries of a folder in a stable order, numbers by value; none where the folder cannot be read."""
    try:
        return tuple(sorted(folder.glob(pattern), key=lambda path: (len(path.name), path.name)))
    except OSError:
        return ()
