"""Words from a stranger's file, before they reach a manifest or a screen."""

from __future__ import annotations

import re

MOST_LETTERS = 64
UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
"""Control characters, and those that turn the direction of writing round or are not seen."""


def plain(text: object, otherwise: str = "", most: int = MOST_LETTERS) -> str:
    """One line of what can be seen, or `otherwise` where nothing is left."""
    return " ".join(UNSEEN.sub(" ", str(text)).split())[:most].strip() or otherwise
