"""`insula engines import`: a model trained elsewhere becomes a bundle."""

from __future__ import annotations

import argparse

from viewer.commands.base import Command, Words, path_of, print_answer, stop_on_interrupt
from viewer.commands.progress import Bar


def _fill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", type=path_of, help="folder of a trained nnU-Net v2 model (plans.json, fold_X)")
    parser.add_argument("-o", "--out", type=path_of, required=True, metavar="BUNDLE", help="folder for the bundle")
    parser.add_argument("--name", default="", help="the task's name; default: from data set and configuration")
    parser.add_argument("--folds", type=_words, default=(), metavar="F", help="folds to average, as 0,1; default: all")
    parser.add_argument("--checkpoint", default="checkpoint_final.pth", metavar="FILE", help="file in each fold")
    parser.add_argument("--channels", type=_words, default=(), metavar="C", help="what each shows, as DWI,ADC")
    parser.add_argument(
        "--no-mirroring", action="store_true", help="do not average over mirrored inputs: one forward for eight in 3D"
    )
    parser.add_argument(
        "--example",
        type=path_of,
        action="append",
        default=[],
        metavar="NIFTI",
        help="one case for the int8 ranges: a file for each channel, in order (repeat)",
    )
    parser.add_argument("--trust", action="store_true", help="open checkpoints that can run code; only from friends")


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _execute(words: Words) -> int:
    from engines.importers.nnunet import Wish, import_model

    wish = Wish(
        name=words.name,
        folds=words.folds,
        checkpoint=words.checkpoint,
        mirror=not words.no_mirroring,
        channels=words.channels,
        examples=tuple(words.example),
        trust=words.trust,
    )
    bar = Bar("import")
    with stop_on_interrupt() as stopped:
        folder = import_model(words.source, words.out, wish, bar, stopped)
    bar.finish()
    print_answer(words, {"bundle": str(folder)}, f"bundle written to {folder}")
    return 0


IMPORT = Command(
    "import",
    "Turn a trained nnU-Net v2 model into a bundle (needs the [train] extra).",
    "insula engines import nnUNet_results/Dataset1/nnUNetTrainer__nnUNetPlans__3d_fullres -o stroke --channels DWI,ADC",
    _fill,
    _execute,
)
