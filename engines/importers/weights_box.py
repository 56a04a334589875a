"""How a stranger's weights are opened: as tensors and plain data, or not at all. For processes with walls."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch

ONLY_WEIGHTS, NOT_ONLY_WEIGHTS = "TORCH_FORCE_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"
"""PyTorch's own switches for libraries that load everything."""


def opened(file: Path, trust: bool, named: str = "") -> dict[str, Any]:
    """Content of a torch file.

    The reader is PyTorch's own for untrusted files: an unpickler with a list of what it may make, to which NumPy's
    scalars are added. Code runs only with `trust`, and then still inside this process's walls.

    Raises:
        ValueError: It holds anything else, or is damaged; one sentence, for the user.
    """
    name = named or file.name
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if trust:
                return dict(torch.load(file, map_location="cpu", weights_only=False))
            with only_plain_data():
                return dict(torch.load(file, map_location="cpu", weights_only=True))
    except MemoryError:
        raise
    except Exception as error:
        raise ValueError(f"{name} is damaged or holds more than weights and plain data") from error


@contextmanager
def only_plain_data() -> Iterator[None]:
    """Inside, `torch.load` reads weights and plain data alone, also for a library that asks it to run code.

    Raises:
        ValueError: A file holds anything else; one sentence, for the user.
    """
    before = {name: os.environ.pop(name, None) for name in (ONLY_WEIGHTS, NOT_ONLY_WEIGHTS)}
    os.environ[ONLY_WEIGHTS] = "1"
    try:
        with torch.serialization.safe_globals(_plain_numbers()):
            yield
    except UnpicklingError as error:
        raise ValueError("A checkpoint is damaged or holds more than weights and plain data") from error
    finally:
        del os.environ[ONLY_WEIGHTS]
        os.environ.update({name: value for name, value in before.items() if value is not None})


def _plain_numbers() -> list[Any]:
    """NumPy's own scalars, which training logs are made of."""
    scalar = np.float64(0).__reduce__()[0]
    kinds = [type(np.dtype(kind)) for kind in ("float64", "float32", "int64", "int32", "bool")]
    return [scalar, (scalar, "numpy.core.multiarray.scalar"), np.dtype, *kinds]
