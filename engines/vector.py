"""A bundle's test vector: inputs and outputs of real forward passes, under the names of the graph's tensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from inference.backends.base import TensorSpec
from inference.backends.graph import Graph
from inference.errors import EngineError

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One forward pass: tensor name -> fp32 array."""

    feed: dict[str, Array]
    answer: dict[str, Array]


def samples(file: Path, border: Graph) -> list[Sample]:
    """Read every sample of an npz.

    An array has either the shape of its tensor, or one axis more in front that counts samples. Outputs may be absent.

    Raises:
        EngineError: The file cannot be read, or names, shapes or counts do not fit the graph.
    """
    stored = _arrays(file)
    feeds = [_stacked(stored, spec, file) for spec in border.inputs]
    answers = [_stacked(stored, spec, file) for spec in border.outputs if spec.name in stored]
    counts = {len(stack) for _, stack in (*feeds, *answers)}
    if len(counts) != 1:
        raise EngineError(f"{file.name} holds different numbers of samples.", "Make the test vector again.")
    return [Sample(dict(_at(feeds, index)), dict(_at(answers, index))) for index in range(counts.pop())]


def _arrays(file: Path) -> Mapping[str, NDArray[np.generic]]:
    try:
        with np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError, BadZipFile, EOFError) as error:
        raise EngineError(f"The test vector {file.name} cannot be read.", "Install the bundle again.") from error


def _stacked(stored: Mapping[str, NDArray[np.generic]], spec: TensorSpec, file: Path) -> tuple[str, Array]:
    array = stored.get(spec.name)
    if array is None or array.shape[array.ndim - len(spec.shape) :] != spec.shape or array.ndim > len(spec.shape) + 1:
        found = "is absent" if array is None else f"has shape {array.shape}"
        raise EngineError(
            f"In {file.name} the tensor {spec.name} {found}; the graph declares {spec.shape}.",
            "Make the test vector again.",
        )
    return spec.name, np.asarray(array, dtype=np.float32).reshape(-1, *spec.shape)


def _at(stacks: list[tuple[str, Array]], index: int) -> Iterator[tuple[str, Array]]:
    return ((name, stack[index]) for name, stack in stacks)
