"""What the methods of the stand-in are entered in, and what several of them need."""

from __future__ import annotations

import weakref
from collections.abc import Callable

import numpy as np
import onnxruntime

from standin.world import Misuse, World

DOES: dict[tuple[str, str], Callable] = {}
STRONG_SINCE = 11
NATIVE_NORMS_SINCE = 10


def does(owner: str, name: str) -> Callable:
    def keep(function: Callable) -> Callable:
        DOES[(owner, name)] = function
        return function

    return keep


def major(world: World) -> int:
    return int(world.version.split(".")[0])


def log(world: World, logger: object, text: str) -> None:
    logger.log(world.classes["ILogger"].Severity.ERROR, text)


def remember(world: World, logger: object) -> None:
    """The real library keeps the first logger, and calls it after its owner let go of it."""
    if world.logger is not None and world.logger() is not logger:
        raise Misuse("the library keeps another logger already")
    world.logger = weakref.ref(logger)


def computed(model: bytes, feed: dict) -> dict:
    """The fp32 answers of ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    kinds = {"tensor(float16)": np.float16, "tensor(float)": np.float32}
    typed = {each.name: feed[each.name].astype(kinds[each.type]) for each in session.get_inputs()}
    names = [each.name for each in session.get_outputs()]
    return {name: array.astype(np.float32) for name, array in zip(names, session.run(names, typed), strict=True)}
