"""Which of many pictures calibrate: spread evenly, or as many of each class (paper p2, section III-B)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from engines.quantize.pictures import Picture
from inference.errors import InputRefused

FEW, MANY = 100, 1000
"""Between these lie the calibration sets that paper p2 used."""
HELD = 0.2
MOST_HELD = 12


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """Pictures that calibrate, and some that are held back to measure what eight bits cost."""

    calibrate: tuple[Picture, ...]
    held: tuple[Picture, ...]

    @property
    def classes(self) -> dict[str, int]:
        """Class -> pictures that calibrate."""
        return dict(sorted(Counter(picture.label for picture in self.calibrate).items()))


def choose(pool: Sequence[Picture], count: int, balanced: bool = False, hold: bool = True) -> Chosen:
    """Choose at most `count` pictures; the same pool gives the same choice.

    Args:
        balanced: As many of each class as there are, instead of the distribution that the pool has.
        hold: Keep every fifth of the chosen, at most 12, out of the calibration.

    Raises:
        InputRefused: There is no picture, too few to hold any back, or a balanced choice was asked of one class.
    """
    if not pool:
        raise InputRefused("The calibration folder gave no picture.", "Give studies that the task accepts, or npz.")
    if balanced and len({picture.label for picture in pool}) < 2:
        raise InputRefused(
            "All calibration pictures are of one class, so they cannot be balanced.",
            "Leave --balanced out, or sort the files into folders named after their classes.",
        )
    chosen = _balanced(pool, count) if balanced else spread(pool, count)
    if not hold:
        return Chosen(tuple(chosen), ())
    if len(chosen) < 2:
        raise InputRefused("One calibration picture leaves none to measure with.", "Give more, or drop --budget.")
    held = spread(chosen, max(1, min(MOST_HELD, round(HELD * len(chosen)))))
    out = {id(picture) for picture in held}
    return Chosen(tuple(picture for picture in chosen if id(picture) not in out), tuple(held))


def spread(pool: Sequence[Picture], count: int) -> list[Picture]:
    """At most `count` of them, evenly spaced, in their order."""
    if len(pool) <= count:
        return list(pool)
    return [pool[int((place + 0.5) * len(pool) / count)] for place in range(count)]


def _balanced(pool: Sequence[Picture], count: int) -> list[Picture]:
    """Round after round one of each class while it has any."""
    classes = sorted({picture.label for picture in pool})
    share: Counter[str] = Counter()
    room = Counter(picture.label for picture in pool)
    while sum(share.values()) < min(count, len(pool)):
        for label in classes:
            if share[label] < room[label] and sum(share.values()) < count:
                share[label] += 1
    kept: list[Picture] = []
    for label in classes:
        kept += spread([picture for picture in pool if picture.label == label], share[label])
    return kept
