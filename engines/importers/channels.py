"""What a model's channels show, by the names that data sets give them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from inference.errors import InputRefused

SYNONYMS: Mapping[str, str] = {
    "t1ce": "T1C", "t1gd": "T1C", "t1c": "T1C", "t1n": "T1", "t1w": "T1", "t1": "T1", "t2w": "T2", "t2": "T2",
    "flair": "FLAIR", "t2f": "FLAIR", "dwi": "DWI", "trace": "DWI", "adc": "ADC", "ct": "CT",
}  # fmt: skip


def shown(names: tuple[str, ...], given: tuple[str, ...]) -> tuple[str, ...]:
    """What each channel shows, for matching with a study's series.

    Args:
        names: The model's own.
        given: The user's, which count alone where there are some.

    Raises:
        InputRefused: Names say nothing, or the user names too few or too many.
    """
    if given and len(given) != len(names):
        raise InputRefused(f"The model has {len(names)} channels: {', '.join(names)}.", "Name one for each.")
    if given:
        return tuple(name.upper() for name in given)
    found = [SYNONYMS.get(re.sub(r"[^a-z0-9]", "", name.lower()), "") for name in names]
    unclear = [name for name, what in zip(names, found, strict=True) if not what]
    if unclear or len(set(found)) != len(found):
        raise InputRefused(
            f"What the channels {', '.join(unclear or names)} show is not clear from their names.",
            "Say it with --channels, for example --channels DWI,ADC.",
        )
    return tuple(found)
