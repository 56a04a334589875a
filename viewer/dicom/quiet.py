"""pydicom and gdcm speak of odd files in warnings that may quote patient text; here they are heard by nobody."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import gdcm
from pydicom import config

_lock = threading.Lock()
_inside = 0
_caught = warnings.catch_warnings()


def silence_libraries() -> None:
    """Stop pydicom's logger and gdcm's own lines on standard error."""
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
    config.settings.reading_validation_mode = config.IGNORE
    gdcm.Trace.WarningOff()
    gdcm.Trace.ErrorOff()
    gdcm.Trace.DebugOff()


@contextmanager
def quiet() -> Iterator[None]:
    """No Python warning leaves the block.

    What a warning would say about a file is found and said by this package in its own words. The warning filters are
    one list for the whole process, so threads that overlap share one change of it.
    """
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _inside, _caught
    with _lock:
        if _inside == 0:
            _caught = warnings.catch_warnings()
            _caught.__enter__()
            warnings.simplefilter("ignore")
        _inside += 1


def _leave() -> None:
    global _inside
    with _lock:
        _inside -= 1
        if _inside == 0:
            _caught.__exit__(None, None, None)


silence_libraries()
