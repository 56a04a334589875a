"""How a stranger's weights are opened: as tensors and plain data, or not at all. For processes with walls."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch


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
            with torch.serialization.safe_globals(_plain_numbers()):
                return dict(torch.load(file, map_location="cpu", weights_only=True))
    except MemoryError:
        raise
    except Exception as error:
        raise ValueError(f"{name} is damaged or holds more than weights and plain data") from error


def _plain_numbers() -> list[Any]:
    """NumPy's own scalars, which training logs are made of."""
    scalar = np.float64(0).__reduce__()[0]
    kinds = [type(np.dtype(kind)) for kind in ("float64", "float32", "int64", "int32", "bool")]
    return [scalar, (scalar, "numpy.core.multiarray.scalar"), np.dtype, *kinds]
