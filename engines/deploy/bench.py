"""Where one deployment is worked on: its bundle so far, and which stages are done."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from engines.deploy.wish import Pictures, Stage, Wish
from engines.library import Bundle
from inference import cache
from inference.errors import InputRefused, InsulaError
from inference.result import CancelledFn
from inference.table import build
from inference.task import read_task
from inference.whole import write_whole

# Raised whenever a stage does other work, so that what an older one kept is not taken for it.
RECIPE = "1"
BUNDLE, DONE = "bundle", "done.json"


@dataclass(frozen=True, slots=True)
class Bench:
    """One deployment.

    Attributes:
        folder: In the cache, under a key of the source's files and the wish.
        pictures: Who turns studies into network inputs.
    """

    wish: Wish
    folder: Path
    pictures: Pictures
    cancelled: CancelledFn

    @property
    def bundle_folder(self) -> Path:
        return self.folder / BUNDLE

    @property
    def bundle(self) -> Bundle:
        return Bundle(read_task(self.bundle_folder))

    def done(self) -> tuple[Stage, ...]:
        """Stages of an earlier call, as long as what they made is still there."""
        try:
            found = json.loads((self.folder / DONE).read_text(encoding="utf-8"))
            self.bundle.model.stat()
            return tuple(replace(build(Stage, stage, DONE), kept=True) for stage in found)
        except (OSError, ValueError, InsulaError):
            return ()

    def note(self, done: tuple[Stage, ...]) -> None:
        """Write down what is done, whole or not at all."""
        write_whole(self.folder / DONE, json.dumps([asdict(stage) for stage in done]))


def folder_of(wish: Wish) -> Path:
    """Changes with every file of the source and of the calibration, and with every word of the wish.

    Raises:
        InputRefused: The source is not there.
    """
    if not _files(wish.source):
        raise InputRefused(f"There is no model at {wish.source}.", "Give a model's file or folder.")
    given = [wish.source, *wish.examples, *([] if wish.calibration is None else [wish.calibration])]
    seen = [f"{file.relative_to(path.parent)}:{_print(file)}" for path in given for file in _files(path)]
    words = json.dumps({**asdict(wish), "source": "", "calibration": "", "examples": ""}, default=str)
    return cache.folder() / "deploy" / cache.key(RECIPE, words, *seen)


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())


def _print(file: Path) -> str:
    """Small files by content; studies are large, and who changes one changes its size or its time."""
    stat = file.stat()
    return cache.sha256(file) if stat.st_size < 1 << 28 else f"{stat.st_size}:{stat.st_mtime_ns}"
