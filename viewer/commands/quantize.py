"""`insula engines quantize`: an int8 graph, calibrated with real pictures."""

from __future__ import annotations

import argparse
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from viewer.commands.base import Command, Words, WrongWords, path_of, print_answer, stop_on_interrupt
from viewer.commands.progress import Bar

if TYPE_CHECKING:
    from engines.quantize.order import Quantised
    from engines.quantize.pictures import Picture
    from engines.quantize.spelling import Target
    from inference.result import CancelledFn, ProgressFn
    from inference.task import Task

READ_PER_PICTURE = 3
"""So many pictures are read for each that is wanted, so that there is a choice."""


def _fill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=path_of, metavar="IN.onnx", help="the fp32 graph")
    parser.add_argument("-o", "--out", type=path_of, required=True, metavar="OUT.onnx", help="the int8 graph")
    parser.add_argument(
        "--calibration",
        type=path_of,
        metavar="DIR",
        help="npz of network inputs, or with --task studies, NIfTI, PNG; folders' names are classes",
    )
    parser.add_argument("--heads", type=int, default=0, metavar="N", help="digital heads to calibrate with, for --task")
    parser.add_argument("--task", metavar="T", help="a task's name or a bundle's folder, which prepares the pictures")
    parser.add_argument(
        "--count", type=int, default=500, metavar="N", help="pictures at most, 100 to 1000; default 500"
    )
    parser.add_argument("--balanced", action="store_true", help="as many pictures of each class")
    parser.add_argument(
        "--budget", type=float, metavar="D", help="points that int8 may cost; layers that cost more stay as they are"
    )
    parser.add_argument("--target", default="openvino", metavar="T", help="openvino, onnxruntime, tensorrt or dla")
    parser.add_argument("--tensorrt", default="8.5.2", metavar="V", help="version that a DLA's ranges are for")


def _execute(words: Words) -> int:
    from engines.library import find
    from engines.quantize.choose import MANY
    from engines.quantize.order import Order, quantise

    if not 1 <= words.count <= MANY:
        raise WrongWords(f"--count must lie between 1 and {MANY}.", "Choose 100 to 1000 where there are so many.")
    task = find(words.task).task if words.task else None
    order = Order(
        words.model,
        _target(words.target),
        words.count,
        words.balanced,
        words.budget,
        task,
        words.tensorrt,
    )
    bar = Bar("quantize")
    with stop_on_interrupt() as stopped:
        pool = _pool(words, task, bar, stopped)
        made = quantise(order, pool, words.out, bar, stopped)
    bar.finish()
    print_answer(words, {**asdict(made), "file": str(made.file), "table": _named(made.table)}, _text(made))
    return 0


def _target(text: str) -> Target:
    from engines.quantize.spelling import Target

    try:
        return Target(text.strip().lower())
    except ValueError as error:
        known = ", ".join(target.value for target in Target)
        raise WrongWords(f"{text!r} is not a target.", f"Choose from {known}.") from error


def _pool(words: Words, task: Task | None, progress: ProgressFn, cancelled: CancelledFn) -> list[Picture]:
    """npz files hold inputs as they are; anything else the task prepares."""
    from engines.quantize.pictures import labelled_files, of_npz
    from inference.backends import graph
    from inference.backends.onnxruntime import OnnxRuntimeBackend
    from inference.result import Precision

    if (words.calibration is None) == (words.heads < 1):
        raise WrongWords("Calibration needs pictures from one place.", "Give either --calibration DIR or --heads N.")
    if words.heads > 0:
        return _heads(words.heads, task, progress, cancelled)
    folder: Path = words.calibration
    border = graph.read(words.model)
    stored = [(folder, "")] if folder.suffix == ".npz" else labelled_files(folder, (".npz",))
    if stored:
        return [picture for file, label in stored for picture in of_npz(file, border, label)]
    if task is None:
        raise WrongWords(f"{folder.name} holds no npz.", "Name the task whose steps prepare the pictures with --task.")
    from viewer.study_pictures import study_pictures

    with closing(OnnxRuntimeBackend().load(words.model, Precision.FP32, "CPU")) as engine:
        return study_pictures(folder, task, engine, READ_PER_PICTURE * words.count, progress, cancelled)


def _heads(count: int, task: Task | None, progress: ProgressFn, cancelled: CancelledFn) -> list[Picture]:
    from engines.quantize.pictures import of_heads

    if task is None:
        raise WrongWords("--heads needs a task.", "Name the task with --task.")
    return of_heads(task, count, progress, cancelled)


def _named(file: Path | None) -> str | None:
    return None if file is None else str(file)


def _text(made: Quantised) -> str:
    from engines.quantize.choose import FEW

    classes = ", ".join(f"{count} {label}" for label, count in made.classes.items() if label)
    few = f"; fewer than {FEW}, so ranges may be too narrow" if made.calibrated < FEW else ""
    lines = [f"calibrated with {made.calibrated} pictures{f' ({classes})' if classes else ''}{few}"]
    if made.before is not None and made.after is not None:
        lines.append(f"{'layer':<64} {'points':>8} {'rms':>9}")
        lines += [f"{c.layer[-64:]:<64} {c.points:8.3f} {c.rms:9.1e}{'  left out' * c.left_out}" for c in made.layers]
        lines.append(f"points lost on {made.held} held-back pictures: {made.before:.3f}, now {made.after:.3f}")
    if made.table is None:
        lines.append(f"{made.int8_layers} layers in int8, written to {made.file}")
    else:
        lines.append(f"ranges for {made.int8_layers} int8 layers written to {made.table}, their graph to {made.file}")
    return "\n".join(lines)


QUANTIZE = Command(
    "quantize",
    "Write an int8 graph, calibrated with pictures that the task itself prepares.",
    "insula engines quantize model.onnx -o int8.onnx --calibration studies --task stroke-lesion --budget 0.5",
    _fill,
    _execute,
)
