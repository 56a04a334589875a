"""Opens a model's folder or zip: only files that are asked for, that really lie in it, and that are not too large."""

from __future__ import annotations

import json
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from inference.errors import InputRefused

MOST_BYTES = 4 << 30
MOST_TEXT_BYTES = 8 << 20
MOST_ENTRIES = 10_000
MOST_FOLD = 1000
"""How many times larger than in the zip a file may be: weights hardly shrink, and bombs do a hundred thousand times."""
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Parcel:
    """A folder whose files may be opened by their names."""

    folder: Path

    def file(self, name: str) -> Path | None:
        """A file of the folder, if it is there.

        Raises:
            InputRefused: It is a link out of the folder, no plain file, or too large.
        """
        path = self.folder / name
        if not path.exists():
            return None
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise InputRefused(f"{name} is a link that leads out of the model's folder.", "Put the file itself there.")
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            raise InputRefused(f"{name} is no file of a size that a model has.", "Give the model as it was published.")
        return path

    def json(self, name: str) -> dict[str, Any]:
        """A JSON object of the folder.

        Raises:
            InputRefused: It is absent, too large or no JSON object.
        """
        path = self.file(name)
        try:
            if path is None or path.stat().st_size > MOST_TEXT_BYTES:
                raise ValueError
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise InputRefused(f"The model holds no readable {name}.", "Give the model as it was published.") from error


@contextmanager
def opened(source: Path, names: tuple[str, ...]) -> Iterator[Parcel]:
    """The model's folder; a zip's files of those names in a folder that lasts as long as the block.

    Raises:
        InputRefused: The zip is damaged, a bomb, or holds paths or links that lead out of it.
    """
    if source.is_dir():
        yield Parcel(source)
        return
    with TemporaryDirectory(prefix="insula-import-") as place:
        try:
            with zipfile.ZipFile(source) as packed:
                _unpack(packed, names, Path(place))
        except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError) as error:
            raise InputRefused(
                f"{source.name} is damaged or no plain zip.", "Copy it again, or give a folder."
            ) from error
        yield Parcel(Path(place))


def top_of(packed: zipfile.ZipFile, name: str) -> str | None:
    """The folder in the zip that holds `name`, "" for none; None where `name` is nowhere near the top."""
    tops = [e[: -len(name)] for e in packed.namelist() if e == name or e.endswith("/" + name)]
    near = sorted((top for top in tops if top.count("/") <= 1), key=len)
    return near[0] if near else None


def _unpack(packed: zipfile.ZipFile, names: tuple[str, ...], place: Path) -> None:
    entries = packed.infolist()
    if len(entries) > MOST_ENTRIES:
        raise InputRefused(f"The zip holds {len(entries)} files, more than a model has.", "Give the model's folder.")
    for entry in entries:
        _require_plain(entry)
    top = top_of(packed, names[0]) or ""
    for name in names:
        if top + name in packed.NameToInfo:
            _copy(packed, packed.NameToInfo[top + name], place / name)


def _require_plain(entry: zipfile.ZipInfo) -> None:
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in entry.filename.partition("/")[0]:
        raise InputRefused("The zip holds a file with a path that leads out of it.", "Do not trust this file.")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise InputRefused("The zip holds a link.", "Give the model's folder, or a zip of files alone.")


def _copy(packed: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    """Count what really comes out: a bomb may declare less."""
    most = min(MOST_BYTES, max(CHUNK, entry.compress_size * MOST_FOLD))
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with packed.open(entry) as source, target.open("wb") as out:
        while chunk := source.read(CHUNK):
            written += len(chunk)
            if written > most:
                raise InputRefused(
                    f"{PurePosixPath(entry.filename).name} in the zip unfolds to more than a model holds.",
                    "Do not trust this file.",
                )
            out.write(chunk)
