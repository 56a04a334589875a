"""The networks that speed is promised for, made on first use: graph and inputs in the cache folder."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from inference import cache
from inference.errors import BackendMissing
from inference.volume import Floats

# Raised whenever a network or its input is made another way.
RECIPE = "1"


@dataclass(frozen=True, slots=True)
class Yardstick:
    """A network of a paper.

    Attributes:
        eager: Also run it in PyTorch itself, and hold every engine against that.
    """

    name: str
    shape: tuple[int, ...]
    eager: bool

    @property
    def model(self) -> Path:
        """Its fp32 ONNX.

        Raises:
            BackendMissing: PyTorch, which draws the network, is not installed.
        """
        require_torch()

        def make(target: Path) -> None:
            from engines.architectures.yardsticks import write_onnx

            write_onnx(self.name, self.example(), target)

        return cache.keep(f"yardsticks/{cache.key(self.name, RECIPE, str(self.shape))}.onnx", make)

    @property
    def calibration(self) -> Path:
        """npz of one realistic input under the name "input"."""

        def make(target: Path) -> None:
            with target.open("wb") as file:
                np.savez_compressed(file, input=self.example())

        return cache.keep(f"yardsticks/{cache.key(self.name, RECIPE, str(self.shape), 'input')}.npz", make)

    def example(self) -> Floats:
        """Something like a normalised head: smooth structures with noise inside an ellipsoid, 0 outside."""
        random = np.random.default_rng(31)
        places = np.indices(self.shape[2:], dtype=np.float32)
        middle = [(n - 1) / 2 for n in self.shape[2:]]
        distance = sum(((at - m) / (0.42 * n)) ** 2 for at, m, n in zip(places, middle, self.shape[2:], strict=True))
        channels = [_structure(random, self.shape[2:]) for _ in range(self.shape[1])]
        return np.where(np.asarray(distance) < 1, np.stack(channels), 0.0)[None].astype(np.float32)


YARDSTICKS = (
    Yardstick("nnunet-31m", (1, 2, 128, 128, 128), eager=True),
    Yardstick("pix2pix-54m", (1, 3, 256, 256), eager=False),
)


def require_torch() -> None:
    """Raise BackendMissing where the extra is not installed."""
    if importlib.util.find_spec("torch") is None:
        raise BackendMissing(
            "The yardstick networks are drawn by PyTorch, which is not installed.",
            "Install it with `pip install insula[train]`.",
        )


def usable() -> Iterator[Yardstick]:
    """All yardsticks where they can be made, none elsewhere."""
    if importlib.util.find_spec("torch") is not None:
        yield from YARDSTICKS


def _structure(random: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    smooth = ndimage.gaussian_filter(random.standard_normal(shape), 2.0)
    return np.asarray(smooth / smooth.std() + 0.2 * random.standard_normal(shape), dtype=np.float32)
