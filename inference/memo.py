"""Remember what was worked out about a volume or a mask for as long as its voxels live."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from numpy.typing import NDArray

from inference.volume import Mask, Volume

P = ParamSpec("P")
R = TypeVar("R")


def remembered(function: Callable[P, R]) -> Callable[P, R]:
    """Keep answers by the identity of the volumes and masks given, and by the value of all else.

    The arrays are held weakly: when one of them is freed, so is every answer made from it.
    Arguments must be positional.
    """
    answers: dict[tuple[object, ...], R] = {}

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        key = tuple(_key(argument) for argument in args)
        if key not in answers:
            answers[key] = function(*args, **kwargs)
            for argument in args:
                if (array := _array(argument)) is not None:
                    weakref.finalize(array, answers.pop, key, None).atexit = False
        return answers[key]

    return wrapper


def _array(argument: object) -> NDArray[Any] | None:
    if isinstance(argument, Volume):
        return argument.voxels
    return argument.labels if isinstance(argument, Mask) else None


def _key(argument: object) -> object:
    array = _array(argument)
    return argument if array is None else id(array)
