"""`insula bench engines`: medians of engines that take turns, each beside its baseline."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from viewer.commands.base import Command, Words, path_of, print_answer, stop_on_interrupt
from viewer.commands.progress import Bar

CHOICES = ("shipped", "yardsticks", "volumes")


def _fill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=15.0, metavar="S", help="time for each model")
    parser.add_argument(
        "--models",
        default="shipped,yardsticks",
        metavar="LIST",
        help="of shipped, yardsticks (the papers' networks, drawn by PyTorch) and volumes (beside nnU-Net itself)",
    )
    parser.add_argument("--data", type=path_of, metavar="DIR", help="real data sets for the volumes")


def _execute(words: Words) -> int:
    parts = _parts(words.models)
    bar = Bar("bench engines")
    with stop_on_interrupt() as stopped:
        found = _measured(parts, words, bar, stopped)
    bar.finish()
    print_answer(words, found, _text(found))
    return 0


def _parts(text: str) -> tuple[str, ...]:
    from viewer.commands.base import WrongWords

    parts = tuple(part.strip() for part in text.split(",") if part.strip())
    unknown = [part for part in parts if part not in CHOICES]
    if unknown or not parts:
        raise WrongWords(f"There are no models called {text!r}.", f"Choose from {', '.join(CHOICES)}.")
    return parts


def _measured(parts: tuple[str, ...], words: Words, bar: Bar, stopped: Any) -> dict[str, Any]:
    from dataclasses import asdict

    from engines import own_time, peak
    from engines.bench import of_bundle, of_yardstick, report
    from engines.library import bundles

    shipped = bundles() if "shipped" in parts else ()
    subjects = [*map(of_bundle, shipped), *map(of_yardstick, _yardsticks("yardsticks" in parts))]
    rates = peak.rates() if subjects else {}
    found = report(subjects, words.seconds, bar, stopped, rates)
    if shipped:
        found["rows"] += [asdict(row) for row in own_time.rows(shipped, own_time.phantom(), stopped)]
    if "volumes" in parts:
        from engines import volume_bench

        data: Path | None = words.data
        found["rows"] += [asdict(row) for row in volume_bench.rows(data, bar, stopped)]
    return found


def _yardsticks(wanted: bool) -> tuple[Any, ...]:
    from engines import yardsticks
    from inference.errors import BackendMissing

    if not wanted:
        return ()
    try:
        yardsticks.require_torch()
    except BackendMissing as error:
        print(error, file=sys.stderr)
    return tuple(yardsticks.usable())


def _text(found: dict[str, Any]) -> str:
    machine = found["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    title = f"{machine['cpu']}, {machine['cores']} cores, {' '.join(machine['cpu_flags'])}; {versions}"
    rates = ", ".join(f"{name} {rate:.0f}" for name, rate in machine["peak_gmac_per_s"].items())
    peak = [f"it multiplies at most (GMAC/s): {rates}"] if rates else []
    return "\n".join([title, *peak, *map(_line, found["rows"])])


def _line(row: dict[str, Any]) -> str:
    ratio = "" if row["ratio"] is None else f"{row['ratio']:6.2f}x {row['baseline']}"
    bound = f"  (at best {row['bound_ms']:.1f} ms)" if row.get("bound_ms") else ""
    around = row.get("around_percent")
    share = "" if around is None else f"  {around:.1f} % around the engine"
    start = f"{row['model']:<27} {row['backend']:<13} {row['precision']:<5} {row['median_ms']:10.2f} ms"
    return f"{start} {ratio}{bound}{share}{_of_volume(row)}"


def _of_volume(row: dict[str, Any]) -> str:
    """What a whole volume costs in memory and accuracy."""
    if row.get("peak_mb") is None:
        return ""
    overlap = "" if row["dice_fp32"] is None else f"  Dice to fp32 {row['dice_fp32']:.4f}"
    memory = f"{row['peak_mb']:.0f} MB ({100 * row['memory_ratio']:.0f} %)"
    return f"  {memory}  agrees {row['agreement']:.6f}{overlap}"


ENGINES = Command(
    "engines",
    "Median time of every model on every backend and precision here, beside a baseline in the same run.",
    "insula bench engines --models yardsticks --json",
    _fill,
    _execute,
)
