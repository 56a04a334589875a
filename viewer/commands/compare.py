"""`insula compare`: two precisions, or two backends, on one study."""

from __future__ import annotations

import argparse
import math
from dataclasses import asdict
from typing import Any

from viewer.commands.base import Command, Words, WrongWords, path_of, print_answer, stop_on_interrupt
from viewer.commands.progress import Bar
from viewer.commands.words import precision


def _fill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=path_of, help="folder, file or zip")
    parser.add_argument("--task", required=True, metavar="T", help="a task's name or a bundle's folder")
    parser.add_argument("--precisions", default="fp32,fp16", metavar="A,B", help="two of fp32, bf16, fp16, int8")
    parser.add_argument("--backends", metavar="A,B", help="two backends (or one for both); default: the best here")
    parser.add_argument("--device", metavar="D", help="CPU, GPU, ...")


def _execute(words: Words) -> int:
    from viewer.headless import run_pair

    precisions = [precision(p) for p in _two(words.precisions, "precisions")]
    backends: list[str | None] = [*_two(words.backends, "backends")] if words.backends else [None, None]
    bar = Bar("compare")
    with stop_on_interrupt() as stopped:
        sides = list(zip(backends, precisions, strict=True))
        a, b = run_pair(words.path, words.task, sides, words.device, bar, stopped)
    bar.finish()
    document = compare(a, b)
    print_answer(words, document, "\n".join(f"{key:<16} {value}" for key, value in document.items()))
    return 0


def compare(a: Any, b: Any) -> dict[str, Any]:
    """The document of the contract for two results of one task on one grid."""
    from inference.metrics import likeness, match_boxes
    from viewer.state.compare import compare_masks

    document: dict[str, Any] = {"a": _name(a), "b": _name(b)}
    if a.mask is not None and b.mask is not None:
        document |= asdict(compare_masks(a.mask, b.mask))
    elif a.volume is not None and b.volume is not None:
        like = likeness(a.volume.voxels, b.volume.voxels)
        psnr = round(like.psnr_db, 3) if math.isfinite(like.psnr_db) else None
        document |= {"ssim": like.ssim, "psnr_db": psnr, "mse": like.mse, "max_abs": like.max_abs}
    else:
        pairs = match_boxes(a.boxes, b.boxes)
        document |= {"matched": pairs.matched, "only_a": pairs.only_a, "only_b": pairs.only_b}
        document["max_score_delta"] = pairs.max_score_delta
    return document


def _name(result: Any) -> str:
    made = result.provenance
    return f"{made.backend} {made.device} {made.precision.value} ({made.precision_kind.value})"


def _two(text: str, what: str) -> tuple[str, str]:
    parts = [p.strip() for p in text.split(",")]
    if len(parts) == 1:
        parts *= 2
    if len(parts) != 2 or not all(parts):
        raise WrongWords(f"--{what} needs two names.", "Write them as fp32,fp16.")
    return parts[0], parts[1]


COMMAND = Command(
    "compare",
    "Compare two precisions or backends of one task on one study.",
    "insula compare study --task stroke-lesion --precisions fp32,fp16 --json",
    _fill,
    _execute,
)
