"""A recipe: everything that decides what a trained bundle is, in one file."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from inference.errors import InputRefused

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


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way to make one bundle.

    Attributes:
        kind: Which trainee.
        steps: Steps of the shipped run.
        phantom_cases: Digital heads to learn from.
        settings: Numbers of the trainee.
        manifest: The bundle's manifest; the model's checksum is filled in at export.
    """

    kind: RecipeKind
    steps: int
    phantom_cases: int
    settings: Mapping[str, Any]
    manifest: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.manifest["name"])


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
        return Recipe(**{**table, "kind": RecipeKind(table["kind"])})
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise InputRefused(f"The recipe {path.name} cannot be used: {error}.", "Correct the recipe.") from error


def settings_of(recipe: Recipe, cls: type[S]) -> S:
    """The recipe's settings as a frozen dataclass.

    Raises:
        InputRefused: A setting is not known.
    """
    known = {f.name for f in fields(cls)}  # type: ignore[arg-type]
    unknown = sorted(set(recipe.settings) - known)
    if unknown:
        raise InputRefused(
            f"The recipe {recipe.name} has unknown settings: {', '.join(unknown)}.",
            f"Known: {', '.join(sorted(known))}.",
        )
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in recipe.settings.items()}
    return cls(**values)
