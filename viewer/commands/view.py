"""`insula view`: the window, or its picture."""

from __future__ import annotations

import argparse

from viewer.commands.base import Command, Words, path_of, print_answer
from viewer.commands.words import add_machine, add_tasks, precision, size

LAYOUTS = ("1x1", "2x1", "3x1", "2x2")


def fill_window(parser: argparse.ArgumentParser) -> None:
    """Words of everything that opens a window."""
    parser.add_argument("--screenshot", type=path_of, metavar="PNG", help="draw, save, quit; works with no display")
    parser.add_argument("--size", default="1920x1080", metavar="WxH", help="size of the window")
    parser.add_argument("--layout", choices=LAYOUTS, default="2x2")
    parser.add_argument("--precision", default="fp32", metavar="P", help="precision shown first")
    add_machine(parser)


def _fill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=path_of, nargs="?", help="folder, file or zip")
    add_tasks(parser)
    fill_window(parser)


def _execute(words: Words) -> int:
    from viewer.virtual_display import any_display, require_display

    shown = size(words.size), precision(words.precision)
    if words.screenshot is None:
        require_display()
    with any_display():
        from viewer.app import Options, build

        application = build(
            Options(
                path=words.path,
                tasks=tuple(words.task),
                precision=shown[1],
                backend=words.backend,
                device=words.device,
                layout=words.layout,
                size=shown[0],
            )
        )
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
