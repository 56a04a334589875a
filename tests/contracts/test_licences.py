"""What is installed to run Insula may be shipped with it."""

from __future__ import annotations

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

COPYLEFT = re.compile(r"\bA?GPL|\bGNU (Affero )?General Public", re.IGNORECASE)

# Qt for Python offers "LGPL-3.0 or GPL-2.0 or GPL-3.0 or commercial"; the LGPL is chosen: its shared libraries are
# loaded unchanged from their own package and can be replaced by the user.
LGPL_CHOSEN = {"pyside6-essentials", "shiboken6"}


def locked(root: Path) -> dict[str, Requirement]:
    """Distributions that the runtime lock names for this machine."""
    lines = (root / "packaging" / "lock" / "runtime.txt").read_text().splitlines()
    wanted = [Requirement(line.rstrip(" \\")) for line in lines if line and not line.startswith((" ", "#"))]
    return {need.name: need for need in wanted if need.marker is None or need.marker.evaluate()}


def licence(found: Distribution) -> str:
    """Licence words of a distribution: the SPDX expression, else the classifiers, else the first line of free text."""
    said = {name: found.metadata.get_all(name) or [] for name in ("License-Expression", "Classifier", "License")}
    classifiers = [line for line in said["Classifier"] if line.startswith("License")]
    free = [line for text in said["License"] for line in text.strip().splitlines()[:1]]
    return " ".join([*said["License-Expression"], *classifiers, *free]).strip()


@pytest.fixture(scope="module")
def licences(root: Path) -> dict[str, str]:
    words = {}
    for name in locked(root):
        try:
            words[name] = licence(distribution(name))
        except PackageNotFoundError:
            words[name] = "NOT INSTALLED"
    return words


def test_everything_locked_is_installed_and_says_its_licence(licences: dict[str, str]) -> None:
    assert {name: words for name, words in licences.items() if words in ("", "NOT INSTALLED")} == {}


def test_nothing_at_run_time_is_copyleft(licences: dict[str, str]) -> None:
    copyleft = {name for name, words in licences.items() if COPYLEFT.search(words.replace("LGPL", ""))}
    assert copyleft - LGPL_CHOSEN == set()


@pytest.mark.parametrize("name", sorted(LGPL_CHOSEN))
def test_qt_still_offers_the_lgpl(name: str, licences: dict[str, str]) -> None:
    assert "LGPL" in licences[name]


@pytest.mark.parametrize("words", ["GPL-3.0-only", "AGPL-3.0", "License :: OSI Approved :: GNU General Public License"])
def test_copyleft_is_seen(words: str) -> None:
    assert COPYLEFT.search(words)


@pytest.mark.parametrize("words", ["MIT", "LGPL-3.0-only", "GNU Lesser General Public License v3"])
def test_permissive_is_let_through(words: str) -> None:
    assert not COPYLEFT.search(words)
