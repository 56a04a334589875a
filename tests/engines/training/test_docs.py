"""What the page on training shows is true: its recipe reads, and it names every reader, network, loss and optimiser."""

import re
from pathlib import Path

import pytest

from engines.training.criteria import CRITERIA
from engines.training.learner import OPTIMISERS, LearnSettings
from engines.training.networks import OUTLINERS
from engines.training.readers import BOXES, MASKS, PAIRS
from engines.training.recipe import RECIPES, RecipeKind, read_recipe, settings_of


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "training.md").read_text(encoding="utf-8")


def test_the_recipe_on_the_page_reads(page: str, tmp_path: Path) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", page, re.S)
    (tmp_path / "shown.toml").write_text(text)
    recipe = read_recipe(str(tmp_path / "shown.toml"))
    assert recipe.kind is RecipeKind.OUTLINE
    assert recipe.data.is_own
    assert settings_of(recipe, LearnSettings).network == "unet3d"


def test_the_page_names_all_there_is(page: str) -> None:
    names = [*BOXES, *MASKS, *PAIRS, *OUTLINERS, *CRITERIA, *OPTIMISERS, *(p.stem for p in RECIPES.glob("*.toml"))]
    assert [name for name in names if name not in page] == []
