"""The repository as data: its packages, its parsed sources, the files it tracks."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest

PACKAGES = ("viewer", "engines", "inference", "resources")
UNTRACKED = {".git", ".venv", "demo-out", "build", "dist", "__pycache__", "node_modules"}


@pytest.fixture(scope="session")
def sources(root: Path) -> dict[Path, ast.Module]:
    """Every module of the packages, parsed; paths relative to the repository."""
    paths = [path for package in PACKAGES for path in sorted((root / package).rglob("*.py"))]
    return {path.relative_to(root): ast.parse(path.read_text("utf-8")) for path in paths}


@pytest.fixture(scope="session")
def tracked(root: Path) -> list[Path]:
    """Files that are or would be committed; without git, every file outside the usual build folders."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return [path for path in root.rglob("*") if path.is_file() and not _skipped(path.relative_to(root))]
    return [root / name for name in listed.split("\0") if name and (root / name).is_file()]


def _skipped(path: Path) -> bool:
    return any(part in UNTRACKED or part.endswith(("_cache", ".egg-info")) for part in path.parts)
