"""Recipes, the TOML they become, and the card."""

import sys
from pathlib import Path

import pytest

from engines.training import card
from engines.training.detection import DetectionSettings
from engines.training.recipe import RECIPES, Recipe, read_recipe, settings_of
from engines.training.segmentation import SegmentationSettings
from engines.training.toml_text import toml_text
from engines.training.translation import TranslationSettings
from inference.errors import InputRefused

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

NAMES = {
    "ct-to-mri": TranslationSettings,
    "hemorrhage-detection": DetectionSettings,
    "stroke-lesion": SegmentationSettings,
}


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_recipe_reads_and_knows_its_settings(name: str) -> None:
    recipe = read_recipe(name)
    assert recipe.name == name
    assert settings_of(recipe, NAMES[name]) is not None
    assert (RECIPES / f"{name}.md").is_file()


def test_an_unknown_recipe_names_the_known_ones() -> None:
    with pytest.raises(InputRefused, match="ct-to-mri, hemorrhage-detection, stroke-lesion"):
        read_recipe("liver")


def test_an_invented_setting_is_named() -> None:
    recipe = read_recipe("ct-to-mri")
    odd = Recipe(recipe.kind, 1, 1, {**recipe.settings, "magic": 1}, recipe.manifest)
    with pytest.raises(InputRefused, match="magic"):
        settings_of(odd, TranslationSettings)


def test_a_recipe_without_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("steps = 3\n")
    with pytest.raises(InputRefused, match=r"x\.toml"):
        read_recipe(str(tmp_path / "x.toml"))


@pytest.mark.parametrize("name", NAMES)
def test_a_manifest_survives_being_written(name: str) -> None:
    manifest = read_recipe(name).manifest
    assert tomllib.loads(toml_text(manifest)) == manifest


def test_text_with_quotes_and_backslashes_survives() -> None:
    table = {"a": 'say "ä\\b"\n', "b": [1.5, 2], "t": {"c": [{"d": True}, {"d": False}]}}
    assert tomllib.loads(toml_text(table)) == table


def test_a_card_states_notice_command_and_licence_and_takes_figures() -> None:
    text = card.write(read_recipe("stroke-lesion"), seed=3, steps=70)
    assert "Demonstration model, not for diagnostic use" in text
    assert "insula engines train stroke-lesion --data DIR --out DIR --seed 3 --steps 70" in text
    assert card.NOT_MEASURED in text
    measured = card.with_figures(text, "| Dice | 0.5 |")
    assert "| Dice | 0.5 |" in measured
    assert card.NOT_MEASURED not in measured
    assert card.with_figures(measured, "none").count("## Licence") == 1
