"""Puts both stand-ins where the backend imports the real libraries."""

from __future__ import annotations

import gc
import importlib.machinery
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from inference.backends.tensorrt import backend, cuda, library, listeners
from standin import behaviour, driver, module, running, verbs
from standin.pycuda_names import Names
from standin.world import World

# Importing them enters what the methods do.
SIMULATED = (behaviour, running)
CACHES = (library.tensorrt, cuda.driver, cuda.gpu, backend._dla_cores, listeners.log)


@contextmanager
def installed(specification: dict, names: Names, world: World, version: str | None = None) -> Iterator[World]:
    """A process in which both libraries are there; at its end nothing may be leaked or left on a thread's stack.

    Args:
        version: Speak of another version than the specification's, for generations whose API is the same.
    """
    made = module.make(specification, verbs.DOES, world)
    made.__version__ = world.version = version or specification["version"]
    _finish(made, world)
    package = types.ModuleType("pycuda")
    package.driver = driver.make(names, world)
    with pytest.MonkeyPatch.context() as patch:
        for name, each in {"tensorrt": made, "pycuda": package, "pycuda.driver": package.driver}.items():
            each.__spec__ = importlib.machinery.ModuleSpec(name, None)
            patch.setitem(sys.modules, name, each)
        _forget()
        try:
            yield world
        finally:
            _forget()
    gc.collect(1)
    assert world.stack == [], "a context was left current"
    assert world.memory.leaked == 0, f"{world.memory.leaked} bytes were never freed"
    assert world.complaints == []


def _forget() -> None:
    for each in CACHES:
        each.cache_clear()


def _finish(made: types.ModuleType, world: World) -> None:
    """What the specification cannot say: memory that converts to bytes, loggers that may be called, formats by bit."""
    made.IHostMemory.__bytes__ = lambda self: self._content
    made.ITensor._formats = {name: int(item) for name, item in made.TensorFormat.__members__.items()}
