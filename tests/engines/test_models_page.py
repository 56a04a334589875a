"""The page of the models holds what the cards hold: a section for each bundle, and no figure of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engines.library import Bundle, shipped

ROW = re.compile(r"^\| (?!figure)(?!-)[^|]+ \| [^|]+ \|$", re.M)


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "models.md").read_text(encoding="utf-8")


def section(page: str, name: str) -> str:
    parts = re.split(r"^## ", page, flags=re.M)
    (found,) = (part for part in parts if part.startswith(f"{name}\n"))
    return found


@pytest.mark.parametrize("bundle", shipped(), ids=lambda bundle: bundle.task.name)
def test_a_shipped_bundle_has_its_section_with_figures_of_its_card(bundle: Bundle, page: str) -> None:
    found, card = section(page, bundle.task.name), (bundle.folder / "card.md").read_text(encoding="utf-8")
    assert f"| [{bundle.task.name}](#{bundle.task.name}) |" in page
    assert "No weights ship yet" not in found
    rows = ROW.findall(found)
    assert rows
    assert [row for row in rows if row not in card] == []


def test_every_link_of_the_table_leads_to_a_section(page: str) -> None:
    names = re.findall(r"^\| \[([a-z-]+)\]\(#\1\)", page, flags=re.M)
    assert len(names) >= len(shipped())
    for name in names:
        assert section(page, name)
