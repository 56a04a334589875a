"""`insula engines profile`: how long each layer of a model takes on each lane, and what a cut costs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from viewer.commands.base import Command, Words, path_of, print_answer, stop_on_interrupt
from viewer.commands.progress import Bar


def _fill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="an ONNX file, a task's name or a bundle's folder")
    parser.add_argument("-o", "--out", type=path_of, required=True, metavar="A.json", help="the profile")
    parser.add_argument(
        "--lanes", metavar="L", help="NAME=BACKEND[:DEVICE][/PRECISION][@CORE[+CORE]],...; default: two CPU lanes"
    )
    parser.add_argument("--most", type=int, default=20, metavar="N", help="cut points at most")
    parser.add_argument("--rounds", type=int, default=9, metavar="N", help="timings of each part; the median counts")
    parser.add_argument("--alone", action="store_true", help="leave the other lanes idle meanwhile")


def _execute(words: Words) -> int:
    from engines import stations
    from engines.profile import profile
    from inference.schedule.profile import to_document, write

    model = _layered(words.model, words.most)
    placed = stations.parse(words.lanes) if words.lanes else stations.usual()
    bar = Bar("engines profile")
    with stop_on_interrupt() as stopped:
        found = profile(model, placed, loaded=not words.alone, rounds=words.rounds, progress=bar, cancelled=stopped)
    bar.finish()
    try:
        write(found, words.out)
    except OSError as error:
        from inference.errors import InputRefused

        raise InputRefused(f"{words.out} cannot be written ({error.strerror}).", "Choose another place.") from error
    document = to_document(found)
    print_answer(words, {"file": str(words.out), **document}, _text(document, words.out))
    return 0


def _layered(name: str, most: int) -> Any:
    from engines import layered
    from engines.library import find

    path = Path(name).expanduser()
    return layered.of_model(path, most) if path.suffix == ".onnx" else layered.of_bundle(find(name), False, most)


def _text(document: dict[str, Any], file: Path) -> str:
    lanes = document["devices"]
    lines = [f"{'layer':<44} " + " ".join(f"{lane + ' ms':>12} {'cut ms':>8}" for lane in lanes) + "   live MB"]
    for number, layer in enumerate(document["layers"]):
        times = " ".join(f"{layer['ms'][lane]:12.3f} {layer['transition_ms'][lane]:8.3f}" for lane in lanes)
        lines.append(f"{number:>2} {layer['name'][-41:]:<41} {times} {layer.get('live_bytes', 0) / 1e6:9.2f}")
    whole = " ".join(f"{sum(layer['ms'][lane] for layer in document['layers']):12.3f} {'':8}" for lane in lanes)
    return "\n".join([*lines, f"{'whole':<44} {whole}", f"written to {file}"])


PROFILE = Command(
    "profile",
    "Time each layer of a model on each lane, the others loaded, and what a cut after it costs.",
    "insula engines profile ct-to-mri -o ct-to-mri.json --lanes cpu0=openvino@0,cpu1=onnxruntime@1",
    _fill,
    _execute,
)
