"""The first step of a ladder for an imported nnU-Net: the trained network itself, in PyTorch, as nnU-Net builds it.

nnU-Net opens its checkpoints so that they can run code; whoever asks for this step trusts them.
"""

from __future__ import annotations

import importlib.util
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engines.parity.step import Place
from inference.backends.base import Arrays, Engine
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.errors import InputRefused
from inference.nnunet.plan import read_plan
from inference.result import Precision
from inference.task import Task


class NnUnetStep:
    """PyTorch in fp32, the mean of the bundle's folds.

    Args:
        source: The trained-model folder that the bundle was imported from.

    Raises:
        InputRefused: The task is no nnU-Net, or nnU-Net is not installed.
    """

    name = "pytorch fp32"
    precision = Precision.FP32
    exact = True

    def __init__(self, source: Path, task: Task) -> None:
        if not task.is_nnunet:
            raise InputRefused(f"{task.name} was not made by nnU-Net.", "Leave --pytorch out.")
        if importlib.util.find_spec("nnunetv2") is None:
            raise InputRefused("nnU-Net is not installed here.", "Install it with `pip install nnunetv2`.")
        self._source, self._task = source, task
        self._folds = read_plan(task.plan_path).folds
        self._made: Any = None

    @property
    def place(self) -> Place:
        return Place("pytorch", str(torch.__version__), "CPU", "native")

    def graph(self) -> Path | None:
        return None

    def run(self, feed: Arrays) -> dict[str, NDArray[np.float32]] | None:
        if self._made is None:
            self._made = self._opened()
        total: Any = 0.0
        for weights in self._made.list_of_parameters:
            self._made.network.load_state_dict(weights)
            with torch.inference_mode():
                total = total + self._made.network.eval()(torch.from_numpy(feed[self._task.model.input]))
        return {self._task.model.outputs[0]: (total / len(self._made.list_of_parameters)).numpy()}

    def open(self, model: Path) -> Engine:
        return OnnxRuntimeBackend(optimise=False).load(model, Precision.FP32, "CPU")

    def close(self) -> None:
        self._made = None

    def _opened(self) -> Any:
        try:
            with redirect_stdout(sys.stderr):  # nnU-Net talks while it loads
                from engines.importers.nnunet_reference import predictor

                return predictor(self._source, self._folds, mirror=False)
        except (OSError, KeyError, RuntimeError) as error:
            raise InputRefused(
                f"{self._source.name} is not the folder that {self._task.name} was imported from.",
                "Give the trained-model folder: dataset.json, plans.json and fold_X beside each other.",
            ) from error
