"""The directions of the house hold, and each rule fails when it is broken."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGES = ("viewer", "engines", "inference")


@dataclass(frozen=True)
class Offence:
    """A module with one import that must not be, and the contract that must notice."""

    module: str
    imports: str
    contract: str


OFFENCES = (
    Offence("inference/offence.py", "engines", "floors"),
    Offence("inference/offence.py", "viewer.study", "floors"),
    Offence("engines/offence.py", "viewer.study", "floors"),
    Offence("viewer/state/offence.py", "viewer.ui", "road"),
    Offence("viewer/scene/offence.py", "viewer.ui", "road"),
    Offence("viewer/state/offence.py", "viewer.scene", "road"),
    Offence("viewer/dicom/offence.py", "viewer.state", "dicom-apart"),
    Offence("inference/steps/offence.py", "inference.backends.base", "steps-pure"),
    Offence("inference/backends/offence.py", "inference.run", "backends-apart"),
    Offence("viewer/scene/offence.py", "PySide6.QtCore", "qt"),
    Offence("viewer/state/offence.py", "pyqtgraph", "qt"),
    Offence("inference/offence.py", "PySide6", "qt"),
    Offence("viewer/state/offence.py", "vtkmodules.vtkCommonCore", "vtk"),
    Offence("viewer/ui/offence.py", "vtkmodules.vtkCommonCore", "vtk"),
    Offence("viewer/offence.py", "pydicom", "pydicom"),
    Offence("engines/phantom/offence.py", "pydicom", "pydicom"),
    Offence("viewer/offence.py", "torch", "torch"),
    Offence("engines/phantom/offence.py", "torch", "torch"),
    Offence("inference/backends/offence.py", "torch", "torch"),
    Offence("inference/stream/offence.py", "ortools", "solver"),
    Offence("inference/offence.py", "tensorrt", "runtimes"),
    Offence("viewer/offence.py", "pycuda", "runtimes"),
)


def lint(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = Path(sys.executable).with_name("lint-imports")
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    words = [str(command), "--no-cache", "--no-logo", *arguments]
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def copy(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages and their contracts, copied to where they may be broken."""
    folder = tmp_path_factory.mktemp("house")
    for package in PACKAGES:
        shutil.copytree(root / package, folder / package, ignore=shutil.ignore_patterns("models", "__pycache__"))
    shutil.copy(root / "pyproject.toml", folder)
    return folder


def test_every_rule_holds(copy: Path) -> None:
    done = lint(copy)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("offence", OFFENCES, ids=lambda o: f"{o.module} -> {o.imports}")
def test_a_broken_rule_is_seen(copy: Path, offence: Offence) -> None:
    path = copy / offence.module
    path.write_text(f"import {offence.imports}\n")
    try:
        done = lint(copy, "--contract", offence.contract)
    finally:
        path.unlink()
    assert done.returncode == 1
    assert "BROKEN" in done.stdout
    assert offence.module.removesuffix(".py").replace("/", ".") in done.stdout
