"""Files and folders that are whole or not there: filled under another name, then renamed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

LONGEST = 100
"""Characters of a name that its draft repeats; its endings decide what some libraries write."""


@contextmanager
def whole_file(path: Path, lasting: bool = True) -> Iterator[Path]:
    """A path beside `path` to fill; what was written there gets its name when the block ends well.

    If the block fails, the disk is full or the process dies, an older file of that name is as it was. Writers that
    meet do not mix: the last one to finish wins. The folder must exist.

    Args:
        lasting: The new file also outlives a power cut. Without it such a cut may leave an empty one.

    Raises:
        OSError: As the disk says; a block that wrote nothing counts as a missing file.
    """
    draft = _draft_of(path)
    try:
        yield draft
        if lasting:
            _sync(draft)
        draft.replace(path)
        if lasting:
            _sync_folder(path.parent)
    finally:
        with suppress(OSError):
            draft.unlink()


def write_whole(path: Path, content: str | bytes, lasting: bool = True) -> Path:
    """Write bytes, or text in UTF-8 with its line ends as they are; other arguments and errors as `whole_file`."""
    with whole_file(path, lasting) as draft:
        draft.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """An empty folder beside `folder` to fill; it takes that name, and an older one's place, when the block ends well.

    Missing folders above are made. An older folder stays until the new one can stand in its place.

    Raises:
        OSError: As the disk says; the older folder is as it was.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = _draft_of(folder)
    draft.mkdir()
    try:
        yield draft
        for file in (path for path in draft.rglob("*") if path.is_file()):
            _sync(file)
        _swap(draft, folder)
        _sync_folder(folder.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _draft_of(path: Path) -> Path:
    return path.with_name(f".partial-{token_hex(8)}-{path.name[-LONGEST:]}")


def _swap(draft: Path, folder: Path) -> None:
    """A folder with files in it cannot be renamed over another, so the older one steps aside for a moment."""
    older = _draft_of(folder)
    with suppress(FileNotFoundError):
        folder.replace(older)
    try:
        draft.replace(folder)
    except OSError:
        if older.exists():
            older.replace(folder)
        raise
    shutil.rmtree(older, ignore_errors=True)


def _sync(file: Path) -> None:
    with file.open("rb+" if os.name == "nt" else "rb") as stream:  # Windows syncs only what it may write
        os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    """The name itself reaches the disk. Windows has no such call, and some network disks refuse it."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
