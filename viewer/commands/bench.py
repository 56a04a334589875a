"""`insula bench ...`: measured numbers, each as a ratio against a named baseline in the same run."""

from __future__ import annotations

import argparse
from typing import Any

from viewer.commands.base import Command, Parser, Words, print_answer, stop_on_interrupt
from viewer.commands.progress import Bar


def _fill(parser: argparse.ArgumentParser) -> None:
    parts = parser.add_subparsers(metavar="WHAT", required=True, parser_class=Parser)
    for command in (ENGINES, VIEWER):
        command.add_to(parts)


def _execute(_words: Words) -> int:
    raise AssertionError("argparse asks for a sub-command")


def _engines_fill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=15.0, metavar="S", help="time for each bundle")


def _engines(words: Words) -> int:
    from engines.bench import report
    from engines.library import bundles

    bar = Bar("bench engines")
    with stop_on_interrupt() as stopped:
        found = report(bundles(), words.seconds, bar, stopped)
    bar.finish()
    print_answer(words, found, "\n".join(_engine_line(row) for row in found["rows"]))
    return 0


def _engine_line(row: dict[str, Any]) -> str:
    ratio = "" if row["ratio"] is None else f"{row['ratio']:5.2f}x {row['baseline']}"
    return f"{row['model']:<22} {row['backend']:<12} {row['precision']:<5} {row['median_ms']:9.2f} ms  {ratio}"


def _viewer_fill(_parser: argparse.ArgumentParser) -> None:
    return


def _viewer(words: Words) -> int:
    from viewer.virtual_display import ensure_display

    ensure_display()
    from viewer.bench import bench_viewer, text

    found = bench_viewer()
    print_answer(words, found, text(found))
    return 0


ENGINES = Command(
    "engines",
    "Median time of every bundle on every backend and precision here.",
    "insula bench engines --json",
    _engines_fill,
    _engines,
)
VIEWER = Command(
    "viewer",
    "Start to window, folder to first slice, wheel step to pixels, memory of a 300-slice series.",
    "insula bench viewer --json",
    _viewer_fill,
    _viewer,
)
COMMAND = Command("bench", "Measure this machine.", "insula bench viewer --json", _fill, _execute)
