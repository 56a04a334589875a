"""`insula view`: the window, or its picture."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from viewer.commands.base import Command, Words, path_of, print_answer
from viewer.commands.words import add_machine, add_tasks, precision, size

if TYPE_CHECKING:
    from viewer.app import Options

LAYOUTS = ("1x1", "2x1", "3x1", "2x2")


def fill_window(parser: argparse.ArgumentParser) -> None:
    """Words of everything that opens a window."""
    parser.add_argument("--screenshot", type=path_of, metavar="PNG", help="draw, save, quit; works with no display")
    parser.add_argument("--size", default="1920x1080", metavar="WxH", help="size of the window")
    parser.add_argument("--layout", choices=LAYOUTS, default="2x2")
    parser.add_argument("--precision", default="fp32", metavar="P", help="precision shown first")
    parser.add_argument("--theme", choices=("dark", "light"), default="dark")
    parser.add_argument("--no-patient-text", action="store_true", help="leave the patient's name off the screen")
    add_machine(parser)


def options(words: Words, path: Path | None, tasks: tuple[str, ...] = ()) -> Options:
    """What the words ask of the window."""
    from viewer.app import Options

    return Options(
        path=path,
        tasks=tasks,
        precision=precision(words.precision),
        backend=words.backend,
        device=words.device,
        layout=words.layout,
        size=size(words.size),
        patient_text=not words.no_patient_text,
        theme=words.theme,
    )


def _fill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=path_of, nargs="?", help="folder, file or zip")
    add_tasks(parser)
    fill_window(parser)


def _execute(words: Words) -> int:
    from viewer.virtual_display import ensure_display, require_display

    chosen = options(words, words.path, tuple(words.task))
    if words.screenshot is None:
        require_display()
    ensure_display()
    from viewer.app import build

    application = build(chosen)
    if words.screenshot is None:
        return application.run()
    application.run_until_done_and_capture(words.screenshot)
    print_answer(words, {"screenshot": str(words.screenshot)}, f"saved {words.screenshot}")
    return 0


COMMAND = Command(
    "view",
    "Open the window on a study (`insula PATH` for short).",
    "insula view study --task ct-to-mri --screenshot picture.png",
    _fill,
    _execute,
)
