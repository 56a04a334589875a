"""`insula doctor`: what this machine has."""

from __future__ import annotations

import argparse

from viewer.commands.base import Command, Words, print_answer


def _fill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--selftest", action="store_true", help="run each engine on its stored test vector")


def _execute(words: Words) -> int:
    from viewer.doctor import report, text

    found = report(selftest=words.selftest)
    print_answer(words, found, text(found))
    return 0 if all(check["passed"] or check["refused"] for check in found.get("selftest", [])) else 4


COMMAND = Command(
    "doctor",
    "Tell what this machine has: backends, devices, precisions, display, codecs, memory.",
    "insula doctor --selftest",
    _fill,
    _execute,
)
