"""`insula bench ...`: measured numbers, each as a ratio against a named baseline in the same run."""

from __future__ import annotations

import argparse

from viewer.commands.base import Command, Parser, Words, print_answer
from viewer.commands.bench_engines import ENGINES
from viewer.commands.bench_pipeline import PIPELINE
from viewer.commands.bench_soak import SOAK


def _fill(parser: argparse.ArgumentParser) -> None:
    parts = parser.add_subparsers(metavar="WHAT", required=True, parser_class=Parser)
    for command in (ENGINES, PIPELINE, SOAK, VIEWER):
        command.add_to(parts)


def _execute(_words: Words) -> int:
    raise AssertionError("argparse asks for a sub-command")


def _viewer_fill(_parser: argparse.ArgumentParser) -> None:
    return


def _viewer(words: Words) -> int:
    from viewer.virtual_display import ensure_display

    ensure_display()
    from viewer.bench import bench_viewer, text

    found = bench_viewer()
    print_answer(words, found, text(found))
    return 0


VIEWER = Command(
    "viewer",
    "Start to window, folder to first slice, wheel step to pixels, memory of a 300-slice series.",
    "insula bench viewer --json",
    _viewer_fill,
    _viewer,
)
COMMAND = Command("bench", "Measure this machine.", "insula bench viewer --json", _fill, _execute)
