"""The bundles that this machine has: those that ship, those that were installed, and any folder the user names."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from inference import cache
from inference.errors import EngineError, InputRefused, InsulaError, PrecisionAbsent
from inference.result import Precision
from inference.task import Task, read_task

PROOF, CALIBRATION = "proof.json", "calibration.npz"
SHIPPED = Path(__file__).parent / "models"


@dataclass(frozen=True)
class Bundle:
    """A folder with a manifest, a fp32 ONNX, a test vector and a card."""

    task: Task

    @property
    def folder(self) -> Path:
        return self.task.folder

    @property
    def model(self) -> Path:
        return self.task.model_path

    @property
    def sha256(self) -> str:
        return self.task.model.sha256

    @property
    def vector(self) -> Path:
        return self.task.vector_path

    @property
    def calibration(self) -> Path:
        """What int8 takes its ranges from: studies' own pictures where the bundle has some, else the test vector."""
        own = self.folder / CALIBRATION
        return own if own.is_file() else self.vector

    @property
    def card(self) -> Path:
        return self.folder / "card.md"

    @cached_property
    def refused(self) -> dict[str, str]:
        """Precision -> why this bundle does not run in it: it failed its test when it was deployed."""
        try:
            return dict(json.loads((self.folder / PROOF).read_text(encoding="utf-8"))["refused"])
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    @cached_property
    def found_sha256(self) -> str:
        """SHA-256 of the model file as it lies on disk now."""
        return cache.sha256(self.model)


def models_folder(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """Where installed bundles lie; it may not exist yet.

    `INSULA_MODELS` names it. Else it is `insula/models` in the place the platform gives to data: `LOCALAPPDATA` on
    Windows, `~/Library/Application Support` on macOS, elsewhere `XDG_DATA_HOME` when absolute (XDG Base Directory
    Specification), or `~/.local/share`.
    """
    named = environment.get("INSULA_MODELS")
    if named:
        return Path(named).expanduser()
    if platform == "win32":
        return Path(environment.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "insula" / "models"
    if platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "insula" / "models"
    xdg = Path(environment.get("XDG_DATA_HOME", ""))
    return (xdg if xdg.is_absolute() else Path.home() / ".local" / "share") / "insula" / "models"


def shipped() -> tuple[Bundle, ...]:
    """The bundles that come with Insula, by name. A folder without a manifest is no bundle.

    Raises:
        ManifestInvalid: One is damaged.
    """
    return tuple(Bundle(read_task(folder)) for folder in _folders(SHIPPED))


def bundles() -> tuple[Bundle, ...]:
    """The shipped bundles, then the installed ones, each by name. A damaged installed one is left out: see `damage`.

    Raises:
        ManifestInvalid: A shipped manifest is damaged.
    """
    return (*shipped(), *(found for found in map(_installed, _folders(models_folder())) if isinstance(found, Bundle)))


def damage() -> tuple[str, ...]:
    """A sentence for each installed bundle that cannot be read."""
    return tuple(found for found in map(_installed, _folders(models_folder())) if isinstance(found, str))


def _folders(parent: Path) -> list[Path]:
    """Folders with a manifest; hidden ones are drafts."""
    return sorted(p.parent for p in parent.glob("*/manifest.toml") if not p.parent.name.startswith("."))


def _installed(folder: Path) -> Bundle | str:
    try:
        task = read_task(folder)
    except InsulaError as error:
        return str(error)
    if task.name != folder.name or (SHIPPED / task.name).is_dir():
        return f"The installed bundle {folder} calls itself {task.name}. Install it again."
    return Bundle(task)


def find(name_or_folder: str) -> Bundle:
    """The shipped or installed bundle of that name, or the bundle in that folder.

    Raises:
        InputRefused: There is neither.
        ManifestInvalid: Its manifest is wrong.
    """
    for bundle in bundles():
        if bundle.task.name == name_or_folder:
            return bundle
    folder = Path(name_or_folder)
    if folder.is_dir():
        return Bundle(read_task(folder.resolve()))
    known = ", ".join(b.task.name for b in bundles())
    raise InputRefused(f"There is no task {name_or_folder!r}.", f"Choose one of {known}, or give a bundle's folder.")


def require_precision(bundle: Bundle, precision: Precision) -> None:
    """Raise PrecisionAbsent when the bundle failed its test in a precision."""
    why = bundle.refused.get(precision.value)
    if why is not None:
        raise PrecisionAbsent(
            f"{bundle.task.name} failed its test in {precision.value} when it was deployed ({why}).", "Choose fp32."
        )


def require_intact(bundle: Bundle) -> None:
    """Raise EngineError when the model file is missing or is not the one its manifest names."""
    if not bundle.model.is_file():
        raise EngineError(f"The bundle {bundle.task.name} has no {bundle.model.name}.", "Install the bundle again.")
    if bundle.found_sha256 != bundle.sha256:
        raise EngineError(
            f"The model of {bundle.task.name} is not the one its manifest names.", "Install the bundle again."
        )
