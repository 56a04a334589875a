"""`insula engines check` and `insula engines rewrite`: what an accelerator takes, and graphs that it takes whole."""

from __future__ import annotations

import argparse
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from viewer.commands.base import Command, Words, WrongWords, path_of, print_answer, stop_on_interrupt
from viewer.commands.progress import Bar
from viewer.commands.words import precision

if TYPE_CHECKING:
    from engines.surgery.rewrites.base import Wish

E = TypeVar("E", bound=Enum)


def _fill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="an ONNX file with fixed shapes, a task's name or a bundle's folder")
    parser.add_argument(
        "--target",
        required=True,
        metavar="T",
        help="xavier-trt8.5, orin-trt8.5, orin-trt8.6, orin-trt10.3, orin-trt10.7 or orin-trt11.4",
    )
    parser.add_argument("--precision", default="fp16", metavar="P", help="fp16 (default) or int8")
    parser.add_argument(
        "--shape",
        action="append",
        default=[],
        metavar="NAME=1x3x256x256",
        help="the shape of an input that the file leaves open (repeat)",
    )


def _rewrite_fill(parser: argparse.ArgumentParser) -> None:
    _fill(parser)
    parser.add_argument("-o", "--out", type=path_of, required=True, metavar="OUT.onnx", help="the rewritten graph")
    parser.add_argument("--inputs", type=path_of, metavar="NPZ", help="real inputs, under their tensors' names")
    parser.add_argument("--crop", metavar="C", help="slice (default in fp16), delta (default in int8), depth-to-space")
    parser.add_argument("--leaky-relu", default="keep", metavar="L", help="keep (default), max or prelu")
    parser.add_argument("--change-border", action="store_true", help="strip transposes there; cut a decode tail off")
    parser.add_argument("--allow-approximate", action="store_true", help="also changes that are not exact")


def _check(words: Words) -> int:
    from engines.surgery.reading import read
    from engines.surgery.report import check_document, check_text, checked

    found = checked(read(_model(words.model), _shapes(words.shape)), _wish(words), words.target)
    print_answer(words, check_document(found), check_text(found))
    return 0


def _rewrite(words: Words) -> int:
    from engines.surgery import report
    from engines.surgery.files import real_feeds, write
    from engines.surgery.reading import read
    from engines.surgery.rewriting import rewritten

    wish, source = _wish(words), _model(words.model)
    if words.out.resolve() == source.resolve():
        raise WrongWords("The rewritten graph would replace the one it is made from.", "Name another file with -o.")
    bar = Bar("engines rewrite")
    with stop_on_interrupt() as stopped:
        net = read(source, _shapes(words.shape))
        outcome = rewritten(net, wish, real_feeds(source, net, words.inputs), bar, stopped)
        files = tuple(str(file) for file in write(outcome, words.out))
    bar.finish()
    told = (words.target, outcome, wish.rules, files)
    print_answer(words, report.rewrite_document(*told), report.rewrite_text(*told))
    return 0


def _wish(words: Words) -> Wish:
    from engines.surgery.rewrites.base import Crop, Leaky, Wish
    from engines.surgery.rules import rules

    asked = vars(words)
    return Wish(
        rules(words.target),
        precision(words.precision),
        _choice(Crop, asked["crop"]) if asked.get("crop") else None,
        _choice(Leaky, asked.get("leaky_relu", "keep")),
        asked.get("change_border", False),
        asked.get("allow_approximate", False),
    )


def _choice(kind: type[E], text: str) -> E:
    try:
        return kind(text)
    except ValueError as error:
        known = ", ".join(str(member.value) for member in kind)
        raise WrongWords(f"{text!r} is no such choice.", f"Choose from {known}.") from error


def _shapes(texts: list[str]) -> dict[str, tuple[int, ...]]:
    found = {}
    for text in texts:
        name, _, sizes = text.rpartition("=")
        parts = sizes.lower().split("x")
        if not name or not all(part.isdecimal() and int(part) > 0 for part in parts):
            raise WrongWords(f"{text!r} is no shape.", "Write it as images=1x3x256x256.")
        found[name] = tuple(map(int, parts))
    return found


def _model(name: str) -> Path:
    from engines.library import find

    path = Path(name).expanduser()
    return path if path.suffix == ".onnx" or path.is_file() else find(name).model


CHECK = Command(
    "check",
    "Which nodes of a graph an accelerator takes, by which rule, and what would help.",
    "insula engines check ct-to-mri --target orin-trt8.6 --precision int8",
    _fill,
    _check,
)
REWRITE = Command(
    "rewrite",
    "Change a graph so that an accelerator takes it, and prove that it answers the same.",
    "insula engines rewrite gan.onnx -o gan-dla.onnx --target xavier-trt8.5",
    _rewrite_fill,
    _rewrite,
)
