"""Recipes, the TOML they become, and the card."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from engines.training import card
from engines.training.detection import DetectionSettings
from engines.training.learner import LearnSettings
from engines.training.rates import RateKind
from engines.training.recipe import RECIPES, read_recipe, settings_of
from engines.training.segmentation import SegmentationSettings
from engines.training.sources import TRAINABLE, sentence
from engines.training.toml_text import toml_text
from engines.training.translation import TranslationSettings
from inference.errors import InputRefused

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

NAMES = {
    "blood-cells": LearnSettings,
    "ct-to-mri": TranslationSettings,
    "hemorrhage-detection": DetectionSettings,
    "organs": LearnSettings,
    "organs-ct-org": LearnSettings,
    "prostate-3t": LearnSettings,
    "prostate-zones": LearnSettings,
    "stroke-lesion": SegmentationSettings,
    "tumour-compressed": LearnSettings,
    "tumour-mobile": LearnSettings,
    "tumour-regions": LearnSettings,
}


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_recipe_reads_and_knows_its_settings(name: str) -> None:
    recipe = read_recipe(name)
    assert recipe.name == name
    assert settings_of(recipe, NAMES[name]) is not None
    assert (RECIPES / f"{name}.md").is_file()
    assert recipe.data.source in {"", *TRAINABLE}
    assert recipe.data.is_own == (recipe.manifest["licence"] == "yours")


def test_an_unknown_recipe_names_the_known_ones() -> None:
    with pytest.raises(InputRefused, match=r"ct-to-mri, hemorrhage-detection.*stroke-lesion"):
        read_recipe("liver")


def test_an_invented_setting_is_named() -> None:
    recipe = read_recipe("ct-to-mri")
    odd = replace(recipe, settings={**recipe.settings, "magic": 1})
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


def test_a_setting_of_the_wrong_kind_is_named() -> None:
    recipe = read_recipe("ct-to-mri")
    with pytest.raises(InputRefused, match="batch"):
        settings_of(replace(recipe, settings={**recipe.settings, "batch": "many"}), TranslationSettings)


def _changed(tmp_path: Path, *changes: tuple[str, str]) -> str:
    text = (RECIPES / "blood-cells.toml").read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "mine.toml").write_text(text)
    return str(tmp_path / "mine.toml")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("steps = 2400", "steps = 2400\nepochs = 3", "either steps or epochs"),
        ("steps = 2400", "", "either steps or epochs"),
        ("look_every = 300", "", "patience and no look_every"),
        ("stages = 4", "stages = 0", "at least one stage"),
        ('rates = "steps"', 'rates = "wavy"', "rates has a wrong value"),
        ("last_share = 0.001", "last_share = 2.0", "shares between 0 and 1"),
        ('source = "bccd"', 'source = "bccd"\nsplit = 3', "unknown: split"),
    ],
)
def test_a_recipe_that_contradicts_itself_is_refused(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    with pytest.raises(InputRefused, match=sentence):
        read_recipe(_changed(tmp_path, (old, new)))


def test_the_fingerprint_follows_what_shapes_weights_and_nothing_else(tmp_path: Path) -> None:
    first = read_recipe("blood-cells")
    assert first.course.rates is RateKind.STEPS
    longer = read_recipe(_changed(tmp_path, ("steps = 2400", "steps = 5000"), ('version = "0.1.0"', 'version = "1"')))
    assert longer.fingerprint == first.fingerprint
    for change in (("rate = 0.001", "rate = 0.002"), ("[48, 48]", "[32, 32]"), ("stages = 4", "stages = 3")):
        assert read_recipe(_changed(tmp_path, change)).fingerprint != first.fingerprint


def test_the_card_says_whose_the_data_are(tmp_path: Path) -> None:
    own = read_recipe(_changed(tmp_path, ('source = "bccd"', ""), ('name = "blood-cells"', 'name = "my-cells"')))
    assert own.data.is_own
    text = card.write(own, 0, 5, sentence(own.data, "9 crops"))
    assert "Trained on 9 crops of the user's own folder (layout: bccd)" in text
    assert "insula engines train my-cells.toml --data DIR" in text
    shipped = read_recipe("blood-cells")
    assert "of bccd (MIT)" in sentence(shipped.data, "9 crops")
