"""`insula bench soak`: engines in turn for minutes; what drifts of latency, memory, clocks, temperature and power."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from inference.errors import JobCancelled
from viewer.commands.base import Command, Words, WrongWords, print_answer, stop_on_interrupt
from viewer.commands.progress import Bar
from viewer.commands.words import add_machine, add_tasks, precisions

MINUTES = 10.0


def _fill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--minutes", type=float, default=MINUTES, metavar="M", help="for how long (default 10)")
    parser.add_argument("--precision", default="fp32", metavar="P", help="fp32,bf16,fp16,int8 (comma-separated)")
    add_tasks(parser)
    add_machine(parser)


def _execute(words: Words) -> int:
    from engines.library import bundles, find
    from engines.soak import Wish, soak

    if not 0 < words.minutes <= 24 * 60:
        raise WrongWords("The minutes must lie between 0 and 1440.", "Write for instance `--minutes 10`.")
    chosen = tuple(find(name) for name in dict.fromkeys(words.task)) if words.task else bundles()
    wish = Wish(precisions(words.precision), words.backend, words.device)
    bar = Bar("bench soak")
    with stop_on_interrupt() as stopped:
        found = soak(chosen, 60.0 * words.minutes, wish, bar, stopped)
    bar.finish()
    print_answer(words, found, "\n".join(_lines(found)))
    return JobCancelled.exit_code if found["cancelled"] else 0


def _lines(found: dict[str, Any]) -> Iterator[str]:
    yield f"{'':<36} {'first tenth':>12} {'last tenth':>12} {'drift':>9}"
    for row in found["engines"]:
        name = f"{row['model']} {row['backend']} {row['precision']}"
        yield _row(name, row, "ms", f"   {row['runs']} runs")
    yield _row(
        "processor time had", found["own_cpu"], "percent", "   (100 % is one core; where it moves, others took it)"
    )
    memory = found["memory"]
    slope = memory["slope_mb_per_min"]
    yield _row("memory", memory, "mb", "" if slope is None else f"   {slope:+.2f} MB/min after the first tenth")
    yield _row("clock", found["clock"], "mhz")
    yield _row("temperature", found["temperature"], "c")
    yield f"{'clocks held down':<36} {found['throttled']['state']}: {found['throttled']['reason']}"
    yield _power_line(found["power"])
    stopped = "stopped early, figures until then" if found["cancelled"] else "done"
    yield f"{found['seconds']:.0f} s, {found['readings']} readings, {stopped}"


def _row(name: str, figures: dict[str, Any], unit: str, more: str = "") -> str:
    if figures["absent"]:
        return f"{name:<36} absent: {figures['absent']}"
    first, last = figures[f"first_tenth_{unit}"], figures[f"last_tenth_{unit}"]
    percent = figures["drift_percent"]
    moved = "" if percent is None else f"{percent:+.1f} %"
    return f"{name:<36} {first:>12.1f} {last:>12.1f} {moved:>9} {_UNITS[unit]}{more}"


def _power_line(power: dict[str, Any]) -> str:
    if power["joules"] is None:
        return f"{'power':<36} absent: {power['absent']}"
    return (
        f"{'power':<36} {power['mean_watts']:.1f} W, {power['joules']:.0f} J, {power['fps']:.1f} runs/s, "
        f"{power['fps_per_watt']:.2f} runs/s per watt ({', '.join(power['covers'])})"
    )


_UNITS = {"ms": "ms", "mb": "MB", "mhz": "MHz", "c": "°C", "percent": "%"}
SOAK = Command(
    "soak",
    "Run the engines in turn for minutes and print what drifts: latency, memory, clocks, temperature, power.",
    "insula bench soak --minutes 10 --json",
    _fill,
    _execute,
)
