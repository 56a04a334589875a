"""`insula bench pipeline`: slices one by one through several models at once, in several schemes."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from inference.errors import InputRefused
from inference.volume import Volume
from viewer.commands.base import Command, Words, WrongWords, path_of, print_answer, stop_on_interrupt
from viewer.commands.progress import Bar

TASKS = ("ct-to-mri", "hemorrhage-detection")
SCANNER_S = 0.05
SEED = 12


def _fill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=path_of, nargs="?", help="study; default: the digital head of `insula demo`")
    parser.add_argument("--task", action="append", default=[], metavar="T", help=f"default: {' and '.join(TASKS)}")
    parser.add_argument(
        "--scheme", action="append", default=[], metavar="S", help="one-lane, naive, swapped, planned, in-turn (repeat)"
    )
    parser.add_argument("--lanes", metavar="L", help="cpu0=openvino@0,cpu1=onnxruntime@1 is the default on two cores")
    parser.add_argument("--pace", type=float, default=SCANNER_S, metavar="S", help="seconds between a scanner's slices")
    parser.add_argument("--slices", type=int, default=60, metavar="N", help="slices of each round")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="rounds of each scheme; the median counts")
    parser.add_argument(
        "--prove", action="store_true", help="hold the planned schedule's period against its forecast and say whether"
    )
    parser.add_argument("--png", type=path_of, metavar="FILE", help="draw the lanes of the last scheme at work")


def _execute(words: Words) -> int:
    from engines.pipeline_report import Wish, report

    if words.slices < 3 or words.rounds < 1 or words.pace < 0:
        raise WrongWords("There must be 3 slices, 1 round and a pace of 0 s or more.", "See the command's --help.")
    tasks = tuple(words.task) or TASKS
    wish = Wish(tasks, tuple(words.scheme), words.lanes, words.pace, words.slices, words.rounds, prove=words.prove)
    bar = Bar("bench pipeline")
    with stop_on_interrupt() as stopped:
        found = report(_volume(words.path, tasks, bar, stopped), wish, bar, stopped)
    bar.finish()
    if words.png:
        _draw(words.png, found["rows"])
    print_answer(words, found, _text(found))
    return 0 if found.get("proof", {"proved": True})["proved"] else 4


def _draw(file: Path, rows: list[dict[str, Any]]) -> None:
    """The last scheme's lanes while its last few slices were answered."""
    from inference.lanes import Span
    from viewer.scene.timeline import draw, save
    from viewer.state.timeline import chart_of_spans

    row = rows[-1]
    spans = [Span(s["lane"], s["label"], s["start_ms"] / 1e3, s["end_ms"] / 1e3) for s in row["spans"]]
    title = f"{row['scheme']}: {row['fps']:.1f} slices/s"
    save(draw(chart_of_spans(title, spans, tuple(lane["lane"] for lane in row["lanes"]))), file)


def _volume(path: Path | None, tasks: tuple[str, ...], bar: Bar, stopped: Callable[[], bool]) -> Volume:
    """The series that the first task asks for, of a study or of the digital head."""
    from engines.library import find
    from inference import cache
    from viewer.demo import open_demo
    from viewer.loading import read, scan
    from viewer.match import match

    where = path or open_demo(cache.folder() / "demo" / f"phantom-{SEED}", SEED, bar, stopped).study
    matches, skipped = match(scan(where, progress=bar, cancelled=stopped), [find(name).task for name in tasks])
    if skipped:
        raise InputRefused(skipped[0].reason, "Choose another study, or other tasks with --task.")
    return read(matches[0].source, progress=bar, cancelled=stopped)


def _text(found: dict[str, Any]) -> str:
    lines = [*found["lanes"], "", *_table("at full speed", found["rows"])]
    if "paced" in found:
        lines += ["", *_table(f"one slice every {found['paced'][0]['pace_s']:g} s", found["paced"])]
    lines += ["", "cuts (layers, counted from 0)", *_cuts(found["rows"])]
    return "\n".join([*lines, *_proof(found.get("proof"))])


def _table(title: str, rows: list[dict[str, Any]]) -> list[str]:
    """As the paper's tables: throughput of each lane; beside it idle time, latency and ratios."""
    lines = [f"{title}: {rows[0]['slices']} slices, median of {rows[0]['rounds']} rounds"]
    for row in rows:
        lanes = "  ".join(
            f"{lane['lane']} {lane['fps']:6.2f} FPS {lane['idle_percent']:5.1f} % idle" for lane in row["lanes"]
        )
        ratios = "  ".join(f"{one['ratio']:.2f}x {kind} ({one['baseline']})" for kind, one in row["ratios"].items())
        forecast = "" if row["forecast_ms"] is None else f"  forecast {row['forecast_ms']:.2f} ms"
        lines.append(f"  {row['scheme']:<22} {row['fps']:6.2f} slices/s  {lanes}")
        lines.append(
            f"  {'':<22} period {row['period_ms']:.2f} ms{forecast}  latency p50 {row['latency_p50_ms']:.1f} ms, "
            f"p95 {row['latency_p95_ms']:.1f} ms  {ratios}".rstrip()
        )
    return lines


def _cuts(rows: list[dict[str, Any]]) -> list[str]:
    return [
        f"  {row['scheme']:<22} {cut['model']}: "
        + ", then ".join(f"{s['first']}-{s['last']} on {s['device']}" for s in cut["segments"])
        for row in rows
        for cut in row["cuts"]
        if len(cut["segments"]) > 1
    ]


def _proof(proof: dict[str, Any] | None) -> list[str]:
    if proof is None:
        return []
    gains = ", ".join(f"{ratio:.2f}x {kind}" for kind, ratio in proof["faster_than"].items())
    return [
        "",
        f"planned schedule: forecast {proof['forecast_ms']:.2f} ms, measured {proof['measured_ms']:.2f} ms "
        f"({proof['forecast_over_measured']:.3f}, band +-{proof['band']:.0%})",
        f"against one model after the other: {gains}",
        f"{'proved' if proof['proved'] else 'NOT proved'}; forecast over measured in each attempt: {proof['attempts']}",
    ]


PIPELINE = Command(
    "pipeline",
    "A stream of slices through several models at once: FPS of each lane, idle time, latency, forecast.",
    "insula bench pipeline --scheme naive --scheme swapped --pace 0.05 --json",
    _fill,
    _execute,
)
