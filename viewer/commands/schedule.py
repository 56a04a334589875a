"""`insula engines schedule`: where to cut each model so that no device waits."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from inference.schedule.objective import Objective
from viewer.commands.base import Command, Words, WrongWords, path_of, print_answer, stop_on_interrupt

if TYPE_CHECKING:
    from inference.schedule.search import Schedule


def _fill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", action="append", default=[], metavar="FILE", help="a model's profile (repeat)")
    parser.add_argument(
        "--trtexec",
        action="append",
        default=[],
        metavar="MODEL:gpu=FILE,dla=FILE",
        help="a model's layer times as trtexec --exportProfile writes them, one file per device (repeat)",
    )
    parser.add_argument("--objective", default="period", metavar="O", help="period (default) or makespan")
    parser.add_argument("--max-cuts", type=int, default=1, metavar="N", help="cuts of each model; default 1")
    parser.add_argument("--contention", default="none", metavar="TABLE", help="none, or a measured table (CSV, JSON)")
    parser.add_argument("--dla-cores", type=int, default=1, metavar="N", help="accelerator cores called dla; default 1")
    parser.add_argument("--loadables", type=int, default=16, metavar="N", help="subgraphs per core; default 16")
    parser.add_argument("--seconds", type=float, default=20.0, metavar="S", help="for the solver; default 20")
    parser.add_argument("--png", type=path_of, metavar="FILE", help="draw the timeline")
    parser.add_argument("--paper-tables", action="store_true", help="the published tables beside a roofline fit")


def _execute(words: Words) -> int:
    return _paper(words) if words.paper_tables else _plan(words)


def _plan(words: Words) -> int:
    from inference.schedule import contention, document
    from inference.schedule.cores import with_cores
    from inference.schedule.profile import read
    from inference.schedule.search import schedule
    from inference.schedule.trtexec import read_named

    profiles = (*(read(path_of(p)) for p in words.profile), *(read_named(text) for text in words.trtexec))
    if not profiles:
        raise WrongWords("No profile was given.", "Name one with --profile FILE; `insula engines profile` writes them.")
    if words.dla_cores < 1 or words.max_cuts < 0 or words.loadables < 0 or words.seconds <= 0:
        raise WrongWords("Cores, cuts, loadables and seconds must not be negative.", "Correct the number.")
    table = contention.NONE if words.contention == "none" else contention.read(path_of(words.contention))
    with stop_on_interrupt() as stopped:
        found = schedule(
            tuple(with_cores(profile, words.dla_cores) for profile in profiles),
            _objective(words.objective),
            words.max_cuts,
            table,
            words.loadables,
            words.seconds,
            stopped,
        )
    if words.png:
        _draw(words.png, found)
    print_answer(words, document.document(found), document.table(found))
    return 0


def _objective(text: str) -> Objective:
    try:
        return Objective(text.strip().lower())
    except ValueError as error:
        raise WrongWords(f"{text!r} is no objective.", "Choose period or makespan.") from error


def _paper(words: Words) -> int:
    from engines.paper_tables import document, report, text

    found = report()
    print_answer(words, document(found), text(found))
    return 0


def _draw(path: Path, found: Schedule) -> None:
    from viewer.scene.timeline import drawn, save

    save(drawn(found), path)


SCHEDULE = Command(
    "schedule",
    "Where to cut each model so that its parts swap devices without idle time.",
    "insula engines schedule --profile gan.json --profile detector.json --objective makespan --png plan.png",
    _fill,
    _execute,
)
