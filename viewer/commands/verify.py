"""`insula engines verify`: does every way to run a network here say what the first one says?"""

from __future__ import annotations

import argparse
from contextlib import closing
from typing import TYPE_CHECKING

from viewer.commands.base import Command, Words, WrongWords, offer_trust, path_of, print_answer, stop_on_interrupt
from viewer.commands.progress import Bar

if TYPE_CHECKING:
    from engines.library import Bundle
    from engines.parity.cases import Case
    from engines.parity.proof import Wish
    from engines.parity.step import Step
    from inference.result import CancelledFn, ProgressFn


def _fill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="a task's name or a bundle's folder; default: every bundle here")
    parser.add_argument("--heads", type=int, default=3, metavar="N", help="digital heads to measure on; default 3")
    parser.add_argument("--data", type=path_of, metavar="DIR", help="studies whose pictures are cases too")
    parser.add_argument("--cases", type=int, default=12, metavar="N", help="pictures of --data at most; default 12")
    parser.add_argument(
        "--graph",
        type=path_of,
        action="append",
        default=[],
        metavar="ONNX",
        help="another graph of the same network, rewritten or quantised, as a step (repeat)",
    )
    parser.add_argument(
        "--budget",
        type=float,
        default=None,
        metavar="D",
        help="points of the task's score that a step may lose; default 3",
    )
    parser.add_argument(
        "--pytorch",
        type=path_of,
        metavar="DIR",
        help="the nnU-Net folder that the bundle was imported from, as the first step",
    )
    offer_trust(parser)
    parser.add_argument("--every-device", action="store_true", help="every device of each backend, not the best alone")
    parser.add_argument("--report", type=path_of, metavar="HTML", help="write all of it as one page with plots")


def _execute(words: Words) -> int:
    from engines.library import bundles, find
    from engines.parity.document import document, lines
    from engines.parity.page import write
    from engines.parity.proof import prove

    chosen = (find(words.name),) if words.name else bundles()
    if words.data is not None and len(chosen) != 1:
        raise WrongWords("--data needs a task's name.", "Name the task that the studies are for.")
    if (words.graph or words.pytorch) and len(chosen) != 1:
        raise WrongWords("--graph and --pytorch need a task's name.", "Name the bundle that they belong to.")
    if words.heads < 0 or words.cases < 1:
        raise WrongWords("Heads and cases must not be negative.", "Correct the number.")
    wish, bar = _wish(words), Bar("verify")
    with stop_on_interrupt() as stopped:
        proofs = [prove(b, wish, _own_cases(words, b, bar, stopped), _original(words, b), bar, stopped) for b in chosen]
        if words.report is not None:
            write(proofs, words.report)
    bar.finish()
    found = {"passed": all(p.passed for p in proofs), "bundles": [document(p) for p in proofs]}
    checks = [check for one in found["bundles"] for check in one["checks"]]  # type: ignore[attr-defined]
    print_answer(words, {**found, "checks": checks}, "\n".join(line for p in proofs for line in lines(p)))
    return 0 if found["passed"] else 4


def _wish(words: Words) -> Wish:
    from engines.parity.gates import Budget
    from engines.parity.proof import Wish

    budget = Budget() if words.budget is None else Budget(words.budget, asked=True)
    return Wish(words.heads, budget, tuple(words.graph), words.every_device, words.report is not None)


def _original(words: Words, bundle: Bundle) -> Step | None:
    if words.pytorch is None:
        return None
    try:
        from engines.importers.pytorch_step import NnUnetStep
    except ImportError as error:
        raise WrongWords("PyTorch is not installed here.", "Install the [train] extra, or drop --pytorch.") from error
    return NnUnetStep(words.pytorch, bundle.task, words.trust)


def _own_cases(words: Words, bundle: Bundle, progress: ProgressFn, cancelled: CancelledFn) -> list[Case]:
    """Pictures of the user's studies, as the task itself prepares them."""
    if words.data is None:
        return []
    from engines.parity.cases import Case, Origin
    from engines.quantize.choose import spread
    from inference.backends.onnxruntime import OnnxRuntimeBackend
    from inference.result import Precision
    from viewer.study_pictures import study_pictures

    with closing(OnnxRuntimeBackend().load(bundle.model, Precision.FP32, "CPU")) as engine:
        pool = study_pictures(words.data, bundle.task, engine, None, progress, cancelled)
    chosen = enumerate(spread(pool, words.cases), start=1)
    return [Case(f"{one.source}, {n}", Origin.DATA, one.source, one.feed) for n, one in chosen]


VERIFY = Command(
    "verify",
    "Run a bundle step by step, from its stored answer to the lowest precision, and hold each step to its gates.",
    "insula engines verify stroke-lesion --heads 6 --report stroke.html",
    _fill,
    _execute,
)
