"""`insula engines describe`: what a network is made of."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from viewer.commands.base import Command, Words, print_answer


def _fill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name", nargs="?", help="a network of the papers, a task's name or a bundle's folder; none: list them"
    )
    parser.add_argument("--variant", default="", metavar="V", help="form of a network; default: the first listed")


def _execute(words: Words) -> int:
    from engines.describe import describable, describe_named

    if words.name is None:
        listed = describable()
        print_answer(words, listed, "\n".join(_listed(listed)))
    else:
        found = describe_named(words.name, words.variant)
        print_answer(words, found, "\n".join(_told(found)))
    return 0


def _listed(every: Mapping[str, Any]) -> Iterator[str]:
    for network in every["networks"]:
        yield f"{network['name']:<22} {network['title']}"
        yield f"  {network['source']}"
        for variant in network["variants"]:
            yield f"  --variant {variant['name']:<24} {variant['about']}"
    for bundle in every["bundles"]:
        yield f"{bundle['name']:<22} {bundle['title']} (shipped bundle)"


def _told(found: Mapping[str, Any]) -> Iterator[str]:
    for key, value in found.items():
        if key in ("inputs", "outputs"):
            text = ", ".join(f"{end['name']} {'x'.join(map(str, end['shape']))}" for end in value)
        else:
            text = f"{value:,}" if isinstance(value, int) else str(value)
        if text:
            yield f"{key:<11} {text}"


DESCRIBE = Command(
    "describe",
    "Parameters, multiply-adds, inputs and outputs of a network; without a name, what there is.",
    "insula engines describe pix2pix --variant cropping --json",
    _fill,
    _execute,
)
