"""Where derived files are kept, and how they get there whole."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from inference.errors import EngineError
from inference.whole import whole_file, write_whole

Make = Callable[[Path], None]


def folder(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """The cache folder; it may not exist yet.

    `INSULA_CACHE` names it. Else it is `insula` in the place the platform gives to caches: `LOCALAPPDATA` on Windows,
    `~/Library/Caches` on macOS, elsewhere `XDG_CACHE_HOME` when absolute (XDG Base Directory Specification), or
    `~/.cache`.
    """
    named = environment.get("INSULA_CACHE")
    return Path(named).expanduser() if named else _platform_folder(environment, platform) / "insula"


def _platform_folder(environment: Mapping[str, str], platform: str) -> Path:
    if platform == "win32":
        return Path(environment.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if platform == "darwin":
        return Path.home() / "Library" / "Caches"
    xdg = Path(environment.get("XDG_CACHE_HOME", ""))
    return xdg if xdg.is_absolute() else Path.home() / ".cache"


def key(*parts: str) -> str:
    """A short name that changes when any part does; order and borders between parts count."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def sha256(file: Path) -> str:
    """A file's SHA-256 in lower-case hex."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def keep(name: str, make: Make) -> Path:
    """The cached file of a name, made when it is absent or damaged.

    Args:
        name: File name inside the cache folder.
        make: Writes the content to the path it is given.

    Raises:
        EngineError: The folder cannot be written.
    """
    return found(name) or put(name, make)


def found(name: str) -> Path | None:
    """The cached file of a name if it is there and whole.

    Raises:
        EngineError: It cannot be read.
    """
    target = folder() / name
    try:
        return target if _intact(target) else None
    except OSError as error:
        raise _unusable(error) from error


def put(name: str, make: Make) -> Path:
    """Make a cached file, in place of an older one of that name; other arguments and errors as `keep`."""
    target = folder() / name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(target, lasting=False) as draft:  # the seal tells what a power cut tore
            make(draft)
        write_whole(_seal(target), sha256(target), lasting=False)
    except OSError as error:
        raise _unusable(error) from error
    return target


def drop(pattern: str, but: Path | None = None) -> None:
    """Remove cached files and their seals by a pattern inside the cache folder, all but one if that is named."""
    spared = set() if but is None else {but, _seal(but)}
    for path in folder().glob(pattern):
        for each in {path, _seal(path)} - spared:
            each.unlink(missing_ok=True)


def _unusable(error: OSError) -> EngineError:
    return EngineError(
        f"The cache folder {folder()} cannot be written ({error.strerror}).",
        "Free some space, or name another folder in the variable INSULA_CACHE.",
    )


def _seal(target: Path) -> Path:
    return target.with_name(target.name + ".sha256")


def _intact(target: Path) -> bool:
    """Whether the content is what was written: a seal that does not fit means a torn or damaged file."""
    seal = _seal(target)
    return target.is_file() and seal.is_file() and seal.read_text(encoding="ascii", errors="replace") == sha256(target)
