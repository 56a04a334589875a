"""Words that several commands take, and how they become values."""

from __future__ import annotations

import argparse

from inference.result import Precision
from viewer.commands.base import WrongWords


def add_tasks(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--task", action="append", default=[], metavar="T", help="a task's name or a bundle's folder (repeat)"
    )


def add_machine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--backend", metavar="B", help="openvino, onnxruntime, fake; default: the best here")
    parser.add_argument("--device", metavar="D", help="CPU, GPU, ...; default: the backend's best")


def precision(text: str) -> Precision:
    """One precision word.

    Raises:
        WrongWords: It is none.
    """
    try:
        return Precision(text.strip().lower())
    except ValueError as error:
        known = ", ".join(p.value for p in Precision)
        raise WrongWords(f"{text!r} is not a precision.", f"Choose from {known}.") from error


def precisions(text: str) -> tuple[Precision, ...]:
    """Comma-separated precisions, each once."""
    return tuple(dict.fromkeys(precision(part) for part in text.split(",")))


def size(text: str) -> tuple[int, int]:
    """`1920x1080` as (width, height).

    Raises:
        WrongWords: It is not two numbers of at least 640x400.
    """
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()) or not (
        640 <= int(width) <= 16384 and 400 <= int(height) <= 16384
    ):
        raise WrongWords(f"{text!r} is not a window size.", "Write it as 1920x1080, at least 640x400.")
    return int(width), int(height)


def names(text: str) -> tuple[str, ...]:
    """Comma-separated names."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def window(text: str) -> tuple[float, float]:
    """`0,80` as the values that are black and white.

    Raises:
        WrongWords: It is not two numbers.
    """
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError as error:
        raise WrongWords(f"{text!r} is no window.", "Give the values that are black and white, as 0,80.") from error
    return low, high
