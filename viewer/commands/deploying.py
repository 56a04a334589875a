"""`insula engines deploy, install, remove`: models on their way into the viewer and out of it."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from viewer.commands.base import Command, Words, offer_trust, path_of, print_answer, stop_on_interrupt
from viewer.commands.progress import Bar
from viewer.commands.words import names, window


def _deploy_fill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=path_of, help="what `engines import` takes, or a bundle's folder")
    parser.add_argument("--target", default="", metavar="T", help="the accelerator to rewrite for, as orin-trt8.6")
    parser.add_argument("--calibration", type=path_of, metavar="DIR", help="studies for the ranges of int8")
    parser.add_argument("--count", type=int, default=100, metavar="N", help="calibration pictures at most; default 100")
    parser.add_argument("--labels", type=names, default=(), metavar="L", help="a detector's classes, in order")
    parser.add_argument("--window", type=window, default=(), metavar="LOW,HIGH", help="a detector's black and white")
    parser.add_argument("--name", default="", help="the task's name; default: from the model")
    parser.add_argument("--channels", type=names, default=(), metavar="C", help="what each shows, as DWI,ADC")
    parser.add_argument(
        "--example",
        type=path_of,
        action="append",
        default=[],
        metavar="FILE",
        help="a real case for int8 ranges (repeat)",
    )
    parser.add_argument("--no-mirroring", action="store_true", help="do not average over mirrored inputs")
    offer_trust(parser)


def _deploy(words: Words) -> int:
    from viewer.deploy import Wish, deploy

    wish = Wish(
        words.model,
        words.target,
        words.calibration,
        words.count,
        words.name,
        words.channels,
        words.labels,
        words.window,
        tuple(words.example),
        not words.no_mirroring,
        words.trust,
    )
    bar = Bar("deploy")
    with stop_on_interrupt() as stopped:
        done = deploy(wish, bar, stopped)
    bar.finish()
    print_answer(words, asdict(done), done.text)
    return 0


def _install_fill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundle", type=path_of, help="a bundle's folder")


def _install(words: Words) -> int:
    from engines.installed import install

    bundle = install(words.bundle)
    print_answer(
        words, {"task": bundle.task.name, "folder": str(bundle.folder)}, f"{bundle.task.name} is in {bundle.folder}"
    )
    return 0


def _remove_fill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="name of an installed task")


def _remove(words: Words) -> int:
    from engines.installed import remove

    folder = remove(words.name)
    print_answer(words, {"task": words.name, "folder": str(folder)}, f"{words.name} is removed")
    return 0


DEPLOY = Command(
    "deploy",
    "Import, check, rewrite, quantize, build, verify and install a model; run again, it goes on where it ended.",
    "insula engines deploy nnUNetTrainer__nnUNetPlans__3d_fullres --channels DWI,ADC --calibration studies",
    _deploy_fill,
    _deploy,
)
INSTALL = Command(
    "install", "Put a bundle where the viewer finds it.", "insula engines install my-bundle", _install_fill, _install
)
REMOVE = Command("remove", "Take an installed task away.", "insula engines remove my-task", _remove_fill, _remove)
