"""`insula run`: the road without a screen."""

from __future__ import annotations

import argparse

from viewer.commands.base import Command, Words, path_of, print_answer, stop_on_interrupt
from viewer.commands.progress import Bar
from viewer.commands.words import add_machine, add_tasks, precisions


def _fill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=path_of, help="folder, file or zip")
    parser.add_argument("--out", type=path_of, required=True, metavar="DIR", help="folder for the results")
    parser.add_argument("--precision", default="fp32", metavar="P", help="fp32,bf16,fp16,int8 (comma-separated)")
    add_tasks(parser)
    add_machine(parser)


def _execute(words: Words) -> int:
    from viewer.headless import Ask, run_study
    from viewer.report import document, text, write

    ask = Ask(tuple(words.task), precisions(words.precision), words.backend, words.device)
    bar = Bar("run")
    with stop_on_interrupt() as stopped:
        outcome = run_study(words.path, ask, words.out, bar, stopped)
    bar.finish()
    full = document(outcome.ran, outcome.skipped, outcome.health)
    if outcome.ran:
        write(full, words.out)
    print_answer(words, full, text(outcome.ran, outcome.skipped))
    return outcome.exit_code


COMMAND = Command(
    "run",
    "Run tasks on a study without a window; results are written on the source series' grid.",
    "insula run study.zip --out results --task stroke-lesion --precision fp32,fp16 --json",
    _fill,
    _execute,
)
