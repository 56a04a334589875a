"""A recipe: everything that decides what a trained bundle is, in one file."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from engines.training.device import Format
from engines.training.rates import RateFn, RateKind, rate_of
from engines.training.sources import DataSpec
from inference.errors import InputRefused, ManifestInvalid
from inference.table import build

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

RECIPES = Path(__file__).parent.parent / "recipes"

S = TypeVar("S")


class RecipeKind(Enum):
    """Which trainee a recipe asks for."""

    DETECTION = "detection"
    TRANSLATION = "translation"
    SEGMENTATION = "segmentation"
    OUTLINE = "outline"
    CLASSIFICATION = "classification"


@dataclass(frozen=True, slots=True)
class Course:
    """How a run goes, the same words for every kind of trainee.

    Attributes:
        rates: How the learning rate changes.
        last_share: Share of the rate at the end, for "steps".
        stages: Levels of the rate, for "steps".
        memory: Longest running mean of the weights, as the share kept at each step.
        look_every: Steps between looks at held-out cases; 0: none, and the last weights are what the run gives.
        patience: Looks without a better one that end the run; 0: never.
        format: Number format of the forward pass.
    """

    rates: RateKind = RateKind.FADE
    last_share: float = 1e-3
    stages: int = 4
    memory: float = 0.998
    look_every: int = 0
    patience: int = 0
    format: Format = Format.BF16

    @property
    def rate(self) -> RateFn:
        """Share of the learning rate at a step."""
        return rate_of(self.rates, self.last_share, self.stages)


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way to make one bundle.

    Attributes:
        kind: Which trainee.
        manifest: The bundle's manifest; the model's checksum is filled in at export.
        steps: Steps of a whole run, where `epochs` is 0.
        epochs: Or how often each case is seen.
        phantom: Which digital patients an outline is learned from (`engines.phantom.patients`); "" for none.
        phantom_cases: How many digital patients, or heads, to learn from.
        settings: Numbers of the trainee.
        course: Learning rate, looks, early stopping, number format.
        data: Where real cases come from.
    """

    kind: RecipeKind
    manifest: Mapping[str, Any]
    steps: int = 0
    epochs: int = 0
    phantom: str = ""
    phantom_cases: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    course: Course = field(default_factory=Course)
    data: DataSpec = field(default_factory=DataSpec)

    @property
    def name(self) -> str:
        return str(self.manifest["name"])

    @property
    def fingerprint(self) -> str:
        """Of what decides a run's weights beside its seed; the length may change from run to run."""
        seen = {name: self.manifest.get(name) for name in ("channels", "sampling")}
        drawn = self.phantom, self.phantom_cases
        parts = (self.kind, drawn, sorted(self.settings.items()), self.course, self.data, seen)
        return hashlib.sha256(json.dumps(parts, default=str, sort_keys=True).encode()).hexdigest()[:16]


def read_recipe(name_or_file: str) -> Recipe:
    """The recipe of that name, or the one in that file.

    Raises:
        InputRefused: There is neither, or it lacks or invents a field.
    """
    path = Path(name_or_file) if name_or_file.endswith(".toml") else RECIPES / f"{name_or_file}.toml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in RECIPES.glob("*.toml")))
        raise InputRefused(f"There is no recipe {name_or_file!r}.", f"Choose one of {known}, or give a .toml file.")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        return _recipe(table)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise InputRefused(f"The recipe {path.name} cannot be used: {error}.", "Correct the recipe.") from error


def settings_of(recipe: Recipe, cls: type[S]) -> S:
    """The recipe's settings as a frozen dataclass.

    Raises:
        InputRefused: A setting is not known, or is of the wrong kind.
    """
    return _built(cls, dict(recipe.settings), f"{recipe.name}: settings")


def _recipe(table: dict[str, Any]) -> Recipe:
    course = _built(Course, table.pop("course", {}), "course")
    data = _built(DataSpec, table.pop("data", {}), "data")
    recipe = Recipe(**{**table, "kind": RecipeKind(table["kind"]), "course": course, "data": data})
    if (recipe.steps > 0) == (recipe.epochs > 0):
        raise ValueError("it must name either steps or epochs")
    if recipe.phantom and (recipe.kind is not RecipeKind.OUTLINE or recipe.phantom_cases < 1):
        raise ValueError("a phantom is for kind outline and needs phantom_cases")
    if recipe.phantom and data.reader:
        raise ValueError("it must name either a phantom or a reader")
    if course.look_every < 0 or course.stages < 1 or course.patience < 0:
        raise ValueError("course needs at least one stage, and a look_every and patience that are not negative")
    if course.patience and not course.look_every:
        raise ValueError("course has patience and no look_every, so nothing would ever be looked at")
    if not (0 < course.last_share <= 1 and 0 <= course.memory < 1 and 0 < data.held_out < 1):
        raise ValueError("last_share, memory and held_out are shares between 0 and 1")
    return recipe


def _built(cls: type[S], table: dict[str, Any], where: str) -> S:
    try:
        return build(cls, table, where)
    except ManifestInvalid as error:
        raise InputRefused(error.message, "Correct the recipe.") from error
