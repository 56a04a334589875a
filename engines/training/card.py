"""A bundle's card: what a reader must know before trusting a picture."""

from __future__ import annotations

from engines.training.recipe import RECIPES, Recipe

FIGURES = "## Held-out figures"
NOT_MEASURED = "Not measured yet."


def write(recipe: Recipe, seed: int, steps: int) -> str:
    """The card of a freshly trained bundle, without figures.

    Its prose is the recipe's, `engines/recipes/<task>.md`; a recipe without prose gets the table alone.
    """
    prose = RECIPES / f"{recipe.name}.md"
    about = prose.read_text(encoding="utf-8").strip() if prose.is_file() else str(recipe.manifest["intended_use"])
    settings = ", ".join(f"{key} {value}" for key, value in recipe.settings.items())
    return (
        "\n\n".join(
            [
                f"# {recipe.manifest['title']} (`{recipe.name}` {recipe.manifest['version']})",
                f"**{recipe.manifest['notice']}.**",
                about,
                "## How it was trained",
                f"Seed {seed}, {steps} steps, {recipe.phantom_cases} digital heads; {settings}. One thread, bfloat16 "
                "autocast, running mean of the weights over about the last ninth of the steps, warm-up over 100 "
                "steps, cosine fade over the last 35 %.",
                f"    insula engines train {recipe.name} --data DIR --out DIR --seed {seed} --steps {steps}",
                FIGURES,
                NOT_MEASURED,
                "## Licence",
                f"Weights: {recipe.manifest['licence']}. The data sets keep their own licences, named above.",
            ]
        )
        + "\n"
    )


def with_figures(card: str, figures: str) -> str:
    """The card with its section of figures replaced."""
    before, rest = card.split(FIGURES, 1)
    after = rest[rest.index("## Licence") :]
    return f"{before}{FIGURES}\n\n{figures.strip()}\n\n{after}"
