"""`insula engines import`: a model trained elsewhere becomes a bundle."""

from __future__ import annotations

import argparse

from viewer.commands.base import Command, Words, offer_trust, path_of, print_answer, stop_on_interrupt
from viewer.commands.progress import Bar
from viewer.commands.words import names, window


def _fill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", type=path_of, help="a detector's .onnx, a nnU-Net v2 folder, a MONAI bundle")
    parser.add_argument("-o", "--out", type=path_of, required=True, metavar="BUNDLE", help="folder for the bundle")
    parser.add_argument("--name", default="", help="the task's name; default: the model's own")
    parser.add_argument(
        "--folds", type=names, default=(), metavar="F", help="nnU-Net: folds to average, as 0,1; default: all"
    )
    parser.add_argument(
        "--checkpoint", default="checkpoint_final.pth", metavar="FILE", help="nnU-Net: file in each fold"
    )
    parser.add_argument("--channels", type=names, default=(), metavar="C", help="what each shows, as DWI,ADC")
    parser.add_argument(
        "--no-mirroring", action="store_true", help="nnU-Net: do not average over mirrored inputs, eight times the work"
    )
    parser.add_argument(
        "--window", type=window, metavar="LOW,HIGH", help="detector: values that are black and white, as 0,80"
    )
    parser.add_argument("--labels", type=names, default=(), metavar="L", help="detector: names of its classes")
    parser.add_argument(
        "--example",
        type=path_of,
        action="append",
        default=[],
        metavar="NIFTI",
        help="one case for the int8 ranges: a file for each channel, in order (repeat)",
    )
    offer_trust(parser)


def _execute(words: Words) -> int:
    from engines.importers.sources import import_any
    from engines.importers.wish import Watch, Wish

    wish = Wish(
        name=words.name,
        folds=words.folds,
        checkpoint=words.checkpoint,
        mirror=not words.no_mirroring,
        channels=words.channels,
        examples=tuple(words.example),
        trust=words.trust,
        window=words.window,
        labels=words.labels,
    )
    bar = Bar("import")
    with stop_on_interrupt() as stopped:
        made = import_any(words.source, words.out, wish, Watch(bar, stopped))
    bar.finish()
    lines = [f"found {s}" for s in made.found] + [f"assumed {s}" for s in made.assumed]
    document = {"bundle": str(made.folder), "kind": made.kind, "found": made.found, "assumed": made.assumed}
    print_answer(words, document, "\n".join([*lines, f"bundle written to {made.folder}"]))
    return 0


IMPORT = Command(
    "import",
    "Turn a model trained elsewhere into a bundle; what kind it is, its files say.",
    "insula engines import detector.onnx -o nodules --window=-1000,400 --labels nodule",
    _fill,
    _execute,
)
