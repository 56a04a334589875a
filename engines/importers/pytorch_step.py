"""The first step of a ladder for an imported nnU-Net: the trained network itself, in PyTorch, as nnU-Net builds it.

It runs in a process with walls (`engines.importers.pytorch_door`), because its checkpoints are a stranger's.
"""

from __future__ import annotations

import importlib.util
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engines.parity.step import Place
from engines.talk import Talk
from inference.backends.base import Arrays, Engine
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.errors import EngineError, InputRefused
from inference.nnunet.plan import read_plan
from inference.result import Precision
from inference.task import Task

DOOR = "engines.importers.pytorch_door"


class NnUnetStep:
    """PyTorch in fp32, the mean of the bundle's folds.

    Args:
        source: The trained-model folder that the bundle was imported from.
        trust: Open checkpoints that can run code, too; they run it behind the walls.

    Raises:
        InputRefused: The task is no nnU-Net, or nnU-Net is not installed.
    """

    name = "pytorch fp32"
    precision = Precision.FP32
    exact = True

    def __init__(self, source: Path, task: Task, trust: bool = False) -> None:
        if not task.is_nnunet:
            raise InputRefused(f"{task.name} was not made by nnU-Net.", "Leave --pytorch out.")
        if importlib.util.find_spec("nnunetv2") is None:
            raise InputRefused("nnU-Net is not installed here.", "Install it with `pip install nnunetv2`.")
        self._task = task
        folds = read_plan(task.plan_path).folds
        self._order = json.dumps({"source": str(source.absolute()), "folds": folds, "trust": trust})
        self._door: Talk | None = None

    @property
    def place(self) -> Place:
        return Place("pytorch", version("torch"), "CPU", "native")

    def graph(self) -> Path | None:
        return None

    def run(self, feed: Arrays) -> dict[str, NDArray[np.float32]] | None:
        if self._door is None:
            self._door = self._opened()
        return {self._task.model.outputs[0]: self._door.answer(feed[self._task.model.input])}

    def open(self, model: Path) -> Engine:
        return OnnxRuntimeBackend(optimise=False).load(model, Precision.FP32, "CPU")

    def close(self) -> None:
        if self._door is not None:
            self._door.close()
        self._door = None

    def _opened(self) -> Talk:
        try:
            return Talk(DOOR, self._order)
        except EngineError as error:
            raise InputRefused(error.message, _hint(error.message)) from error


def _hint(reason: str) -> str:
    if "plain data" in reason:
        return "If you trust where the model comes from, give --trust."
    return "Give the trained-model folder: dataset.json, plans.json and fold_X beside each other."
