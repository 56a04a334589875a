"""The one command `insula`: finds the sub-command, turns errors into one sentence and an exit code."""

from __future__ import annotations

import argparse
import importlib.metadata
import logging
import os
import sys
import traceback
from collections.abc import Sequence

from inference.errors import InsulaError, JobCancelled
from viewer.commands.base import Command, Parser, WrongWords, print_json

OPENS = ("-h", "--help", "--version")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 2 wrong words, 3 refused, 4 engine failed, 5 cancelled."""
    words = list(sys.argv[1:] if argv is None else argv)
    as_json, debug = "--json" in words, "--debug" in words
    logging.basicConfig(level=logging.DEBUG if debug else logging.WARNING, stream=sys.stderr, format="%(message)s")
    try:
        parsed = parser().parse_args(with_view(words))
        return int(parsed.execute(parsed))
    except InsulaError as error:
        return _tell(error, as_json, debug)
    except KeyboardInterrupt:
        return _tell(JobCancelled(), as_json, debug)
    except BrokenPipeError:
        return _reader_left()
    except Exception as error:  # the last wall: a fault of ours must not become a traceback on a clinician's screen
        return _tell(_fault(error), as_json, debug)


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = Parser(
        prog="insula",
        description="Clinical viewer with edge AI. Demonstration models: not for diagnostic use.",
        epilog="`insula PATH` is short for `insula view PATH`. Each command has --help with an example.",
    )
    top.add_argument("--version", action="version", version=f"insula {importlib.metadata.version('insula')}")
    subparsers = top.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)
    for command in commands():
        command.add_to(subparsers)
    return top


def commands() -> tuple[Command, ...]:
    from viewer.commands import bench, compare, demo, doctor, engines, inspect, run, view

    return (
        view.COMMAND,
        demo.COMMAND,
        inspect.COMMAND,
        run.COMMAND,
        compare.COMMAND,
        doctor.COMMAND,
        engines.COMMAND,
        bench.COMMAND,
    )


def with_view(words: list[str]) -> list[str]:
    """`insula`, `insula PATH` and `insula --layout ... PATH` mean `insula view ...`."""
    names = {command.name for command in commands()}
    if words and (words[0] in names or words[0] in OPENS):
        return words
    return ["view", *words]


def _reader_left() -> int:
    """Whoever read our output has enough (`insula ... | head`): no fault of either."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _tell(error: InsulaError, as_json: bool, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    if as_json:
        print_json({"error": {"code": error.code, "message": error.message, "hint": error.hint}})
    else:
        print(f"insula: {error}", file=sys.stderr)
    return error.exit_code


def _fault(error: Exception) -> InsulaError:
    fault = InsulaError(
        f"Insula itself failed ({type(error).__name__}).",
        "Run the command again with --debug and report what it prints.",
    )
    fault.__cause__ = error
    return fault


__all__ = ["WrongWords", "main"]

if __name__ == "__main__":
    raise SystemExit(main())
