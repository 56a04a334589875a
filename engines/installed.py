"""Puts bundles where the viewer finds them, and takes them away again."""

from __future__ import annotations

import shutil
from pathlib import Path

from engines.importers.bundle import make_bundle
from engines.library import Bundle, bundles, models_folder, require_intact, shipped
from inference.errors import InputRefused
from inference.task import read_task


def install(folder: Path) -> Bundle:
    """Copy a bundle into the folder of installed ones; one of the same name is replaced.

    Raises:
        InputRefused: It is no bundle, bears the name of a shipped one, or the place cannot be written.
        EngineError: Its model is not the one that its manifest names.
    """
    bundle = Bundle(read_task(folder))
    require_intact(bundle)
    if bundle.task.name in {one.task.name for one in shipped()}:
        raise InputRefused(f"Insula itself ships a task called {bundle.task.name}.", "Give the bundle another name.")
    target = models_folder() / bundle.task.name
    if target.resolve() != folder.resolve():
        make_bundle(target, lambda draft: copied(folder, draft))
    return Bundle(read_task(target))


def remove(name: str) -> Path:
    """Take an installed bundle away; the folder where it was.

    Raises:
        InputRefused: There is none of that name, or it cannot be removed.
    """
    folder = models_folder() / name
    if Path(name).name != name or not (folder / "manifest.toml").is_file():
        known = ", ".join(bundle.task.name for bundle in bundles() if bundle.folder.parent == models_folder()) or "none"
        raise InputRefused(f"There is no installed task {name!r}.", f"Installed: {known}.")
    try:
        # The manifest goes first: what is left of a torn removal is no bundle any more.
        (folder / "manifest.toml").unlink()
        shutil.rmtree(folder)
    except OSError as error:
        raise InputRefused(f"{folder} cannot be removed ({error.strerror}).", "Remove the folder by hand.") from error
    return folder


def copied(folder: Path, draft: Path) -> None:
    """Copy a bundle's files; what else lies beside them stays."""
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            shutil.copyfile(path, draft / path.name)
