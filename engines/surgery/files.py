"""Real inputs in, rewritten graphs out."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from engines import vector
from engines.surgery.net import Net
from engines.surgery.rewriting import Outcome
from inference.backends.base import Arrays, TensorSpec
from inference.backends.graph import Graph
from inference.errors import EngineError, InputRefused
from inference.result import Precision
from inference.task import read_task
from inference.whole import whole_file


def real_feeds(model: Path, net: Net, inputs: Path | None) -> list[Arrays]:
    """The inputs of an npz, and of the test vector where the model lies in a bundle.

    Raises:
        InputRefused: The npz does not fit the model.
        EngineError: The bundle's test vector does not.
    """
    border = Graph(tuple(TensorSpec(v.name, net.fixed(v.name)) for v in net.inputs), (), Precision.FP32)
    try:
        given = vector.samples(inputs, border) if inputs is not None else []
    except EngineError as error:
        raise InputRefused(error.message, "Give an npz with an array for each input, under its name.") from error
    return [sample.feed for sample in (*given, *_stored(model, border))]


def _stored(model: Path, border: Graph) -> list[vector.Sample]:
    if not (model.parent / "manifest.toml").is_file():
        return []
    task = read_task(model.parent)
    return vector.samples(task.vector_path, border) if task.model_path.resolve() == model.resolve() else []


def write(outcome: Outcome, out: Path) -> tuple[Path, ...]:
    """Write the graph, and its tail beside it as NAME.tail.onnx; whole or not at all.

    Raises:
        InputRefused: The place cannot be written.
    """
    files = [(outcome.model, out)]
    if outcome.tail is not None:
        files.append((outcome.tail, out.with_name(f"{out.stem}.tail.onnx")))
    try:
        with ExitStack() as drafts:  # no file gets its name before the last one is written
            for model, file in files:
                _save(model, drafts.enter_context(whole_file(file)))
    except OSError as error:
        raise InputRefused(f"{out} cannot be written ({error.strerror}).", "Choose another place.") from error
    return tuple(file for _, file in files)


def _save(model: Any, file: Path) -> None:
    import onnx

    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, file)
