"""`insula engines ...`: the engine factory."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from viewer.commands.base import Command, Parser, Words, path_of, print_answer, stop_on_interrupt
from viewer.commands.importing import IMPORT
from viewer.commands.profile import PROFILE
from viewer.commands.progress import Bar
from viewer.commands.schedule import SCHEDULE
from viewer.commands.words import precision


def _fill(parser: argparse.ArgumentParser) -> None:
    parts = parser.add_subparsers(metavar="WORK", required=True, parser_class=Parser)
    for command in (LIST, DESCRIBE, TRAIN, IMPORT, VERIFY, BUILD, PROFILE, SCHEDULE):
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
            "channels": [c.name for c in b.task.channels],
            "megabytes": round(b.model.stat().st_size / 1e6, 2),
            "notice": b.task.notice,
            "folder": str(b.folder),
        }
        for b in bundles()
    ]
    lines = [f"{f['name']:<22} {f['version']:<7} {f['kind']:<7} {f['megabytes']:6.1f} MB  {f['title']}" for f in found]
    print_answer(words, {"bundles": found}, "\n".join(lines))
    return 0


def _describe_fill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="a task's name or a bundle's folder")


def _describe(words: Words) -> int:
    from engines.describe import describe
    from engines.library import find

    bundle = find(words.name)
    found = describe(bundle.task.name, "shipped", bundle.model)
    print_answer(words, found, "\n".join(f"{key:<11} {value}" for key, value in found.items()))
    return 0


def _train_fill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", help="ct-to-mri, hemorrhage-detection, stroke-lesion")
    parser.add_argument("--data", type=path_of, metavar="DIR", help="folder of the data sets that the recipe names")
    parser.add_argument("--out", type=path_of, required=True, metavar="DIR", help="folder for the bundle")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, help="training steps; default: the recipe's")


def _train(words: Words) -> int:
    from engines.training.train import train

    bar = Bar(f"train {words.recipe}")
    with stop_on_interrupt() as stopped:
        folder = train(
            words.recipe,
            words.data,
            words.out,
            seed=words.seed,
            steps=words.steps,
            progress=bar,
            cancelled=stopped,
        )
    bar.finish()
    print_answer(words, {"bundle": str(folder)}, f"bundle written to {folder}")
    return 0


def _verify(words: Words) -> int:
    from engines.library import find
    from engines.verify import checks

    found = checks(find(words.name))
    lines = [
        f"{'ok  ' if c['passed'] else 'FAIL'} {c['backend']:<12} {c['precision']:<5} {c['sentence']}" for c in found
    ]
    print_answer(words, {"checks": found}, "\n".join(lines))
    return 0 if all(c["passed"] for c in found) else 4


def _build_fill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="a task's name or a bundle's folder")
    parser.add_argument("--precision", default="fp16", metavar="P", help="fp32, bf16, fp16 or int8")


def _build(words: Words) -> int:
    from engines.derive import model_for
    from engines.library import find, require_intact

    bundle = find(words.name)
    require_intact(bundle)
    file: Path = model_for(bundle.model, bundle.sha256, precision(words.precision), bundle.vector)
    print_answer(words, {"file": str(file)}, json.dumps(str(file)))
    return 0


LIST = Command("list", "The bundles on this machine.", "insula engines list", _nothing, _list)
DESCRIBE = Command(
    "describe",
    "Parameters, multiply-adds, inputs and outputs of a network.",
    "insula engines describe stroke-lesion --json",
    _describe_fill,
    _describe,
)
TRAIN = Command(
    "train",
    "Train a shipped recipe from a seed (needs the [train] extra).",
    "insula engines train stroke-lesion --out my-bundles",
    _train_fill,
    _train,
)
VERIFY = Command(
    "verify",
    "Run a bundle on its stored test vector with every backend and precision here.",
    "insula engines verify ct-to-mri",
    _describe_fill,
    _verify,
)
BUILD = Command(
    "build",
    "Derive and cache a bundle's graph for one precision.",
    "insula engines build ct-to-mri --precision fp16",
    _build_fill,
    _build,
)
COMMAND = Command("engines", "The engine factory.", "insula engines list", _fill, _execute)
