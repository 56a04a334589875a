"""The bundles that this machine has: those that ship, and any folder the user names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from inference import cache
from inference.errors import EngineError, InputRefused
from inference.task import Task, read_task

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
    def card(self) -> Path:
        return self.folder / "card.md"

    @cached_property
    def found_sha256(self) -> str:
        """SHA-256 of the model file as it lies on disk now."""
        return cache.sha256(self.model)


def bundles() -> tuple[Bundle, ...]:
    """The shipped bundles, by name. A folder without a manifest is no bundle.

    Raises:
        ManifestInvalid: A shipped manifest is damaged.
    """
    folders = sorted(p.parent for p in SHIPPED.glob("*/manifest.toml"))
    return tuple(Bundle(read_task(folder)) for folder in folders)


def find(name_or_folder: str) -> Bundle:
    """The shipped bundle of that name, or the bundle in that folder.

    Raises:
        InputRefused: There is neither.
        ManifestInvalid: Its manifest is wrong.
    """
    for bundle in bundles():
        if bundle.task.name == name_or_folder:
            return bundle
    folder = Path(name_or_folder)
    if folder.is_dir():
        return Bundle(read_task(folder))
    known = ", ".join(b.task.name for b in bundles())
    raise InputRefused(f"There is no task {name_or_folder!r}.", f"Choose one of {known}, or give a bundle's folder.")


def require_intact(bundle: Bundle) -> None:
    """Raise EngineError when the model file is missing or is not the one its manifest names."""
    if not bundle.model.is_file():
        raise EngineError(f"The bundle {bundle.task.name} has no {bundle.model.name}.", "Install the bundle again.")
    if bundle.found_sha256 != bundle.sha256:
        raise EngineError(
            f"The model of {bundle.task.name} is not the one its manifest names.", "Install the bundle again."
        )
