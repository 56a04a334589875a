"""Engine files: kept under a key of everything they depend on, whole or not at all, rebuilt when that changed."""

from __future__ import annotations

import functools
from contextlib import suppress
from pathlib import Path

from inference import cache
from inference.backends.tensorrt import build
from inference.backends.tensorrt.cuda import Facts
from inference.backends.tensorrt.graphs import Source
from inference.backends.tensorrt.library import tensorrt
from inference.backends.tensorrt.wish import Wish
from inference.result import CancelledFn, ProgressFn

_FOLDER = "tensorrt"


def machine_key(facts: Facts) -> str:
    """What an engine depends on besides the wish: library version, device and compute capability."""
    major, minor = facts.sm
    return cache.key(str(tensorrt().__version__), facts.name, f"{major}.{minor}", f"integrated={facts.integrated}")


def name_of(wish: Wish, facts: Facts) -> str:
    """The engine file's name inside the cache folder: the wish before the dash, the machine after it."""
    return f"{_FOLDER}/{wish.key}-{machine_key(facts)}.engine"


def kept(wish: Wish, facts: Facts) -> Path | None:
    """The engine file of a wish, if one is there that was made for this machine and is whole."""
    return cache.found(name_of(wish, facts))


def made(wish: Wish, facts: Facts, source: Source, progress: ProgressFn, cancelled: CancelledFn) -> Path:
    """Build a wish's engine file under the current CUDA context, and remove those made for another machine or version.

    Raises:
        EngineError, PlacementRefused, JobCancelled: As `build.build`; nothing is written then.
    """
    timing = f"{_FOLDER}/{machine_key(facts)}.timing"
    known = cache.found(timing)
    plan, learned = build.build(wish, source, known.read_bytes() if known else b"", progress, cancelled)
    target = cache.put(name_of(wish, facts), functools.partial(_write, plan))
    with suppress(OSError):
        cache.drop(f"{_FOLDER}/{wish.key}-*.engine", but=target)
    cache.put(timing, functools.partial(_write, learned))
    return target


def _write(content: bytes, path: Path) -> None:
    path.write_bytes(content)
