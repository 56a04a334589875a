"""`insula demo`: the digital head as a study, opened, its tasks run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from viewer.commands.base import Command, Words, path_of, print_answer, stop_on_interrupt
from viewer.commands.progress import Bar
from viewer.commands.view import fill_window, options
from viewer.commands.words import precision


def _fill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=path_of, default=Path("insula-demo"), metavar="DIR", help="folder for the study")
    parser.add_argument("--seed", type=int, default=9, metavar="N", help="which digital head")
    fill_window(parser)


def _execute(words: Words) -> int:
    from viewer.demo import open_demo

    bar = Bar("demo")
    with stop_on_interrupt() as stopped:
        truth = open_demo(words.out / f"phantom-{words.seed}", words.seed, bar, stopped)
    bar.finish()
    if words.screenshot is not None:
        return _draw(words, truth)
    if words.json:
        return _run(words, truth)
    return _open(words, truth.study)


def _open(words: Words, study: Path) -> int:
    from viewer.virtual_display import require_display

    require_display()
    from viewer.app import build

    return build(options(words, study)).run()


def _draw(words: Words, truth: Any) -> int:
    """Draw the window with every task done; the report holds the very results on the picture."""
    from viewer.headless import write_all
    from viewer.virtual_display import ensure_display

    ensure_display()
    from viewer.app import build

    application = build(options(words, truth.study))
    catalogue = application.run_until_done_and_capture(words.screenshot, at_finding=True)
    ran = write_all(catalogue, words.out / "results")
    _tell(words, ran, (), truth, application.health)
    return 0


def _run(words: Words, truth: Any) -> int:
    from viewer.headless import Ask, run_study

    ask = Ask((), (precision(words.precision),), words.backend, words.device)
    bar = Bar("demo")
    with stop_on_interrupt() as stopped:
        outcome = run_study(truth.study, ask, words.out / "results", bar, stopped)
    bar.finish()
    _tell(words, outcome.ran, outcome.skipped, truth, outcome.health)
    return outcome.exit_code


def _tell(words: Words, ran: Any, skipped: Any, truth: Any, health: Any) -> None:
    from viewer.report import document, text, write
    from viewer.truth import add_truth, truth_text

    full = add_truth(document(ran, skipped, health), truth)
    if full["results"]:
        write(full, words.out / "results")
    print_answer(words, full, f"{text(ran, skipped)}\n{truth_text(full)}")


COMMAND = Command(
    "demo",
    "Make the digital-head study, open it and run its tasks.",
    "insula demo --out demo-out --screenshot demo.png --json",
    _fill,
    _execute,
)
