"""`insula engines ...`: the engine factory."""

from __future__ import annotations

import argparse
import time

from viewer.commands.base import Command, Parser, Words, print_answer
from viewer.commands.deploying import DEPLOY, INSTALL, REMOVE
from viewer.commands.describe import DESCRIBE
from viewer.commands.importing import IMPORT
from viewer.commands.profile import PROFILE
from viewer.commands.quantize import QUANTIZE
from viewer.commands.schedule import SCHEDULE
from viewer.commands.surgery import CHECK, REWRITE
from viewer.commands.training import TRAIN
from viewer.commands.verify import VERIFY
from viewer.commands.words import add_machine, precision


def _fill(parser: argparse.ArgumentParser) -> None:
    parts = parser.add_subparsers(metavar="WORK", required=True, parser_class=Parser)
    for command in (
        LIST,
        DESCRIBE,
        TRAIN,
        IMPORT,
        CHECK,
        REWRITE,
        QUANTIZE,
        VERIFY,
        BUILD,
        PROFILE,
        SCHEDULE,
        DEPLOY,
        INSTALL,
        REMOVE,
    ):
        command.add_to(parts)


def _execute(_words: Words) -> int:
    raise AssertionError("argparse asks for a sub-command")


def _nothing(_parser: argparse.ArgumentParser) -> None:
    return


def _list(words: Words) -> int:
    from engines.library import bundles

    found = [
        {
            "name": b.task.name,
            "title": b.task.title,
            "version": b.task.version,
            "kind": b.task.kind.value,
            "region": b.task.region.value,
            "channels": [c.name for c in b.task.channels],
            "optional": [c.name for c in b.task.channels if c.optional],
            "labels": list(b.task.output.labels),
            "megabytes": round(b.model.stat().st_size / 1e6, 2),
            "notice": b.task.notice,
            "folder": str(b.folder),
        }
        for b in bundles()
    ]
    lines = [f"{f['name']:<22} {f['version']:<7} {f['kind']:<7} {f['megabytes']:6.1f} MB  {f['title']}" for f in found]
    print_answer(words, {"bundles": found}, "\n".join(lines))
    return 0


def _build_fill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="a task's name or a bundle's folder")
    parser.add_argument("--precision", default="fp16", metavar="P", help="fp32, bf16, fp16 or int8")
    add_machine(parser)


def _build(words: Words) -> int:
    from engines.derive import graph_of
    from engines.library import find, require_intact
    from inference.backends import registry

    bundle, wanted = find(words.name), precision(words.precision)
    require_intact(bundle)
    choice = registry.choose(words.backend, wanted, words.device)
    file = graph_of(bundle, wanted, choice.backend.name)
    begin = time.perf_counter()
    choice.backend.load(file, wanted, choice.device).close()
    made = {
        "file": str(file),
        "backend": choice.backend.name,
        "device": choice.device,
        "precision": wanted.value,
        "precision_kind": choice.support.kind.value,
        "seconds": round(time.perf_counter() - begin, 2),
    }
    print_answer(words, made, f"{choice.why}. Built in {made['seconds']} s from {file}")
    return 0


LIST = Command("list", "The bundles on this machine.", "insula engines list", _nothing, _list)
BUILD = Command(
    "build",
    "Derive a bundle's graph for one precision and make its engine on a device; both are kept.",
    "insula engines build ct-to-mri --precision fp16 --device DLA0",
    _build_fill,
    _build,
)
COMMAND = Command("engines", "The engine factory.", "insula engines list", _fill, _execute)
