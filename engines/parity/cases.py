"""The inputs that every step of the ladder answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.vector import Sample
from inference.backends.base import TensorSpec

Feed = dict[str, NDArray[np.float32]]


class Origin(Enum):
    """Where an input comes from. Inputs under stress look like no picture: they find faults, and measure nothing."""

    VECTOR = "test vector"
    STRESS = "stress"
    PHANTOM = "phantom"
    DATA = "data"

    @property
    def is_picture(self) -> bool:
        return self is not Origin.STRESS


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One input of a network.

    Attributes:
        subject: Whom it shows. Pictures of one head are not independent, so tests run over subjects.
        feed: Input name -> float32 array.
        truth: What a perfect answer would say, in the form that the task's judge reads; None where nobody knows.
    """

    name: str
    origin: Origin
    subject: str
    feed: Feed
    truth: Any = None


def of_vector(samples: Sequence[Sample]) -> list[Case]:
    """The test vector's own samples."""
    return [
        Case(f"test vector {n}", Origin.VECTOR, f"test vector {n}", sample.feed)
        for n, sample in enumerate(samples, start=1)
    ]


def under_stress(inputs: Sequence[TensorSpec], seed: int = 0) -> list[Case]:
    """Noise, and silence with one impulse in the middle: what no picture would show shows here."""
    rng = np.random.default_rng(seed)
    noise = {spec.name: rng.standard_normal(spec.shape, np.float32) for spec in inputs}
    silence = {spec.name: np.zeros(spec.shape, np.float32) for spec in inputs}
    for array in silence.values():
        array[tuple(n // 2 if place > 1 else slice(None) for place, n in enumerate(array.shape))] = 1.0
    return [Case("noise", Origin.STRESS, "", noise), Case("zeros with an impulse", Origin.STRESS, "", silence)]
