"""What every command shares: its place in the parser, its output, and stopping."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, ClassVar

from inference.errors import InsulaError, JobCancelled

Words = argparse.Namespace
Subparsers = Any
Execute = Callable[[Words], int]


class WrongWords(InsulaError):
    """The command line cannot be understood."""

    code: ClassVar[str] = "wrong_words"
    exit_code: ClassVar[int] = 2


class Parser(argparse.ArgumentParser):
    """argparse that raises instead of printing, so that `--json` holds for wrong words too."""

    def error(self, message: str) -> Any:
        sentence = message[:1].upper() + message[1:]
        raise WrongWords(f"{sentence}.", f"See `{self.prog} --help`.")


@dataclass(frozen=True, slots=True)
class Command:
    """A name, one line of help, an example, and how to fill its parser."""

    name: str
    summary: str
    example: str
    fill: Callable[[argparse.ArgumentParser], None]
    execute: Execute

    def add_to(self, subparsers: Subparsers) -> None:
        parser = subparsers.add_parser(
            self.name,
            help=self.summary,
            description=self.summary,
            epilog=f"example:\n  {self.example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self.fill(parser)
        common(parser)
        parser.set_defaults(execute=self.execute)


def common(parser: argparse.ArgumentParser) -> None:
    """Words that every command takes."""
    parser.add_argument("--json", action="store_true", help="print one JSON document; logs go to standard error")
    parser.add_argument("--debug", action="store_true", help="show tracebacks and detailed logs")


def print_json(document: object) -> None:
    """One document on standard output."""
    json.dump(document, sys.stdout, indent=2, ensure_ascii=False, allow_nan=False)
    sys.stdout.write("\n")


def print_answer(words: Words, document: object, text: str) -> None:
    """The JSON document with `--json`, the text otherwise."""
    if words.json:
        print_json(document)
    else:
        print(text)


def path_of(text: str) -> Path:
    return Path(text).expanduser()


def offer_trust(parser: argparse.ArgumentParser) -> None:
    """`--trust`, which says the same wherever a stranger's checkpoints are opened."""
    parser.add_argument("--trust", action="store_true", help="open checkpoints that can run code; only from friends")


@contextmanager
def stop_on_interrupt() -> Iterator[Callable[[], bool]]:
    """Ctrl+C asks the running job to stop; the yielded function says whether it was pressed."""
    pressed = threading.Event()

    def press(_number: int, _frame: FrameType | None) -> None:
        if pressed.is_set():
            raise KeyboardInterrupt
        pressed.set()

    before = signal.signal(signal.SIGINT, press)
    try:
        yield pressed.is_set
    except KeyboardInterrupt as error:
        raise JobCancelled from error
    finally:
        signal.signal(signal.SIGINT, before)
