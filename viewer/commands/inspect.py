"""`insula inspect`: the ledger of a path, and what can be done with it."""

from __future__ import annotations

import argparse

from viewer.commands.base import Command, Words, path_of, print_answer, stop_on_interrupt
from viewer.commands.progress import Bar


def _fill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=path_of, help="folder, file or zip")


def _execute(words: Words) -> int:
    from viewer import offers
    from viewer.dicom.inspect import report, text
    from viewer.loading import scan

    bar = Bar("inspect")
    with stop_on_interrupt() as stopped:
        study = scan(words.path, progress=bar, cancelled=stopped)
    bar.finish()
    found = offers.offers(study)
    document = {**report(study), "tasks": offers.document(*found)}
    print_answer(words, document, f"{text(study)}\n\n{offers.text(*found)}")
    return 0


COMMAND = Command(
    "inspect",
    "Account for every file: series, geometry, what was set aside and why; and which series feed which task.",
    "insula inspect /media/cd --json",
    _fill,
    _execute,
)
