"""Zip files: unpacked into a private folder that goes when the program ends, or sooner by `remove`.

Names that leave the folder, links, encrypted members and bombs are refused before a byte is written; the bytes are
counted again while they are written, since a header may lie.
"""

from __future__ import annotations

import atexit
import shutil
import stat
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from inference.errors import InputRefused, JobCancelled
from inference.result import CancelledFn, Progress, ProgressFn

MOST_BYTES = 16 << 30
MOST_MEMBERS = 100_000
MOST_RATIO = 200
SMALL_BYTES = 64 << 20
CHUNK = 1 << 20
HINT = "Unpack it with a tool that you trust and open the folder."
_folders: set[Path] = set()


def extract(
    archive: Path, *, progress: ProgressFn | None = None, cancelled: CancelledFn | None = None
) -> tuple[Path, tuple[Path, ...]]:
    """Unpack into a private folder. Returns the folder and the files in it.

    Raises:
        InputRefused: The archive is damaged, encrypted, too large, or holds names that lead outside it.
        JobCancelled: `cancelled` said so; nothing is left behind.
    """
    folder = Path(tempfile.mkdtemp(prefix="insula-"))
    _folders.add(folder)
    try:
        with zipfile.ZipFile(archive) as zipped:
            members = [member for member in zipped.infolist() if not member.is_dir()]
            _require_safe(members, folder)
            files = []
            for done, member in enumerate(members, start=1):
                if cancelled is not None and cancelled():
                    raise JobCancelled
                files.append(_unpack(zipped, member, folder))
                if progress is not None:
                    progress(Progress("unpack", done, len(members)))
        return folder, tuple(files)
    except BaseException as error:
        remove(folder)
        if isinstance(error, (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError)):
            raise InputRefused("The zip file is damaged or of a kind that cannot be unpacked.", HINT) from None
        raise


def remove(folder: Path) -> None:
    """Delete a folder that `extract` made."""
    if folder in _folders:
        _folders.discard(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _require_safe(members: list[zipfile.ZipInfo], folder: Path) -> None:
    for member in members:
        _require_inside(member)
    unpacked = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    swollen = unpacked > SMALL_BYTES and unpacked > MOST_RATIO * max(packed, 1)
    if len(members) > MOST_MEMBERS or unpacked > MOST_BYTES or swollen:
        raise InputRefused(
            f"The zip file would unpack to {unpacked >> 20} MB in {len(members)} files: refused as unsafe.", HINT
        )
    if unpacked > shutil.disk_usage(folder).free:
        raise InputRefused(
            f"There is no room to unpack {unpacked >> 20} MB.", "Free some space in the temporary folder."
        )


def _require_inside(member: zipfile.ZipInfo) -> None:
    name = member.filename.replace("\\", "/")
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or ":" in name:
        raise InputRefused("The zip file holds a name that leads outside its folder.", HINT)
    if stat.S_ISLNK(member.external_attr >> 16):
        raise InputRefused("The zip file holds a link.", HINT)
    if member.flag_bits & 1:
        raise InputRefused("The zip file is encrypted.", "Unpack it with its password and open the folder.")


def _unpack(zipped: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> Path:
    target = folder / PurePosixPath(member.filename.replace("\\", "/"))
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with zipped.open(member) as source, target.open("xb") as sink:
        while chunk := source.read(CHUNK):
            written += len(chunk)
            if written > member.file_size:
                raise InputRefused("The zip file holds more than it says: refused as unsafe.", HINT)
            sink.write(chunk)
    return target


@atexit.register
def _remove_all() -> None:
    for folder in tuple(_folders):
        remove(folder)
