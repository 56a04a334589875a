"""What is committed: no unfinished work, no machine's paths, no package index, nothing big but the models."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

BUNDLES_MB = 45
FILE_MB = 5

# Written in pieces, so that this file does not hold what it looks for.
FORBIDDEN = {
    "a package index": "|".join(
        ("pypi" + r"\.org", "pythonhosted" + r"\.org", "download" + r"\.pytorch", "/simple" + "/")
    ),
    "a machine's path": "|".join(("/work" + "/", "/root" + "/", "/home" + r"/\w", "/Users" + r"/\w", r"[A-Z]:\\Users")),
    "unfinished work": "|".join(("TO" + "DO", "FIX" + "ME", "raise NotImplemented" + "Error", r"\bXX" + r"X\b")),
    "a merge left open": "|".join(("<" * 7 + " ", ">" * 7 + " ")),
}


def texts(files: list[Path]) -> dict[Path, str]:
    found = {}
    for path in files:
        try:
            found[path] = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
    return found


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str, tracked: list[Path], root: Path) -> None:
    pattern = re.compile(FORBIDDEN[what])
    found = [
        f"{path.relative_to(root)}:{number}: {line.strip()[:80]}"
        for path, text in texts(tracked).items()
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]
    assert found == []


def megabytes(path: Path) -> float:
    return path.stat().st_size / 1e6


def test_only_models_are_big(tracked: list[Path], root: Path) -> None:
    models = root / "engines" / "models"
    big = [str(path.relative_to(root)) for path in tracked if megabytes(path) > FILE_MB and models not in path.parents]
    assert big == []


def test_all_bundles_together_stay_small(tracked: list[Path], root: Path) -> None:
    models = root / "engines" / "models"
    assert sum(megabytes(path) for path in tracked if models in path.parents) <= BUNDLES_MB


def test_test_files_have_names_of_their_own(root: Path) -> None:
    names = [path.name for path in (root / "tests").rglob("test_*.py")]
    assert sorted({name for name in names if names.count(name) > 1}) == []
