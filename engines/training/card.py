"""A bundle's card: what a reader must know before trusting a picture."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from engines.training.device import Format
from engines.training.rates import RateKind
from engines.training.recipe import RECIPES, Course, Recipe

FIGURES = "## Held-out figures"
NOT_MEASURED = "Not measured yet."


def write(recipe: Recipe, seed: int, steps: int, data: str = "") -> str:
    """The card of a freshly trained bundle, without figures.

    Its prose is the recipe's, `engines/recipes/<task>.md`; a recipe without prose gets the table alone.

    Args:
        data: A sentence on the real cases, where there are any.
    """
    prose = RECIPES / f"{recipe.name}.md"
    about = prose.read_text(encoding="utf-8").strip() if prose.is_file() else str(recipe.manifest["intended_use"])
    course = _course(recipe.course)
    settings = ", ".join(f"{key} {value}" for key, value in recipe.settings.items())
    return (
        "\n\n".join(
            [
                f"# {recipe.manifest['title']} (`{recipe.name}` {recipe.manifest['version']})",
                f"**{recipe.manifest['notice']}.**",
                about,
                "## How it was trained",
                f"Seed {seed}, {steps} steps, {_made_up(recipe)}; {settings}. {course}",
                *([data] if data else []),
                f"    insula engines train {_given(recipe)} --data DIR --out DIR --seed {seed} --steps {steps}",
                FIGURES,
                NOT_MEASURED,
                "## Licence",
                f"Weights: {recipe.manifest['licence']}. The data sets keep their own licences, named above.",
            ]
        )
        + "\n"
    )


def _made_up(recipe: Recipe) -> str:
    return f"{recipe.phantom_cases} digital {'patients' if recipe.phantom else 'heads'}"


def _course(course: Course) -> str:
    rates = {
        RateKind.FADE: "warm-up over 100 steps, cosine fade over the last 35 %",
        RateKind.STEPS: f"learning rate down to its {course.last_share:g}-fold in {course.stages} equal stages",
        RateKind.POLY: "learning rate down to 0 as (1 - step / steps) ^ 0.9",
    }
    formats = {Format.BF16: "bfloat16 autocast", Format.FP16: "float16 autocast", Format.FP32: "float32"}
    looks = f", best of the looks at held-out cases every {course.look_every} steps" if course.look_every else ""
    return (
        f"One thread, {formats[course.format]}, running mean of the weights over about the last ninth of the steps"
        f"{looks}, {rates[course.rates]}."
    )


def _given(recipe: Recipe) -> str:
    shipped = (RECIPES / f"{recipe.name}.toml").is_file()
    return recipe.name if shipped else f"{recipe.name}.toml"


def with_figures(card: str, figures: str) -> str:
    """The card with its section of figures replaced."""
    before, rest = card.split(FIGURES, 1)
    after = rest[rest.index("## Licence") :]
    return f"{before}{FIGURES}\n\n{figures.strip()}\n\n{after}"


def as_table(figures: Mapping[str, Any], how: str) -> str:
    """Figures as Markdown, one row each, below a sentence on how they were measured."""
    rows = [f"| {name} | {value if isinstance(value, str) else json.dumps(value)} |" for name, value in figures.items()]
    return "\n".join([how, "", "| figure | value |", "|---|---|", *rows])
