"""A detector's ONNX becomes a bundle: its graph, what its answer means, a test vector, a card."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from engines import child
from engines.importers import bundle
from engines.importers.detector_contract import Contract, agreed
from engines.importers.detector_numbers import seen
from engines.importers.detector_sidecar import sidecar
from engines.importers.examples import read_images
from engines.importers.onnx_door import Facts, Order
from engines.importers.wish import Imported, Watch, Wish
from inference import cache
from inference.errors import EngineError, InputRefused
from inference.result import Progress
from inference.steps.heads import Head
from inference.steps.letterbox import Letterbox, fit, greys
from inference.table import build
from inference.task import SCHEMA
from inference.volume import Floats

DOOR = "engines.importers.onnx_door"
MOST_SLICES = 3


def import_detector(source: Path, folder: Path, wish: Wish, watch: Watch) -> Imported:
    """Write the bundle `folder`, whole or not at all.

    Raises:
        InputRefused: The file is damaged, no detector of a known style, or needs something said.
        ManifestInvalid: The sidecar has wrong fields.
        JobCancelled: The user stopped it.
    """
    beside = sidecar(source)
    made: list[Contract] = []

    def fill(draft: Path) -> None:
        watch.progress(Progress("judge", 0, 2))
        facts = _facts(_asked(Order(str(source.absolute()), str(draft)), watch))
        contract = agreed(facts, beside, wish)
        np.savez(draft / bundle.PICTURES, pictures=_pictures(contract, wish.examples))
        watch.progress(Progress("judge", 1, 2))
        _asked(Order(str(draft / bundle.MODEL), str(draft), answer=True), watch)
        (draft / bundle.PICTURES).unlink()
        contract = seen(contract, _answer(draft, contract))
        manifest = _manifest(contract, facts, wish.name or _name(source), cache.sha256(draft / bundle.MODEL))
        bundle.finish(draft, manifest, _card(contract, source.name, wish))
        made.append(contract)

    bundle.make_bundle(folder, fill)
    watch.progress(Progress("judge", 2, 2))
    return Imported(folder, "detector", _found(made[0]), made[0].assumed)


def _asked(order: Order, watch: Watch) -> dict[str, Any]:
    try:
        return dict(json.loads(child.run(DOOR, (), watch.cancelled, json.dumps(asdict(order)))))
    except EngineError as error:
        reason = error.message.removeprefix("onnx_door failed: ")
        raise InputRefused(f"{Path(order.source).name} cannot be imported: {reason}", "Export it again.") from error


def _facts(said: dict[str, Any]) -> Facts:
    return build(Facts, said, "the model")


def _pictures(contract: Contract, files: tuple[Path, ...]) -> Floats:
    """Network inputs [n, 1, planes, rows, columns]: slices of a case, or smooth noise."""
    grey = _of_case(contract, files) if files else _smooth_noise(contract.size)
    scaled = grey * np.float32(contract.white / 255.0)
    return np.ascontiguousarray(np.repeat(scaled[:, None, None], contract.planes, axis=2))


def _of_case(contract: Contract, files: tuple[Path, ...]) -> Floats:
    """The slices that vary most."""
    channels, _ = read_images(files)
    if len(channels) != 1:
        raise InputRefused("A detector looks at one kind of image.", "Give one example file.")
    planes = greys(channels[0], *contract.window)
    fullest = np.argsort(-planes.std(axis=(1, 2)))[:MOST_SLICES]
    rows, columns = fit((planes.shape[1], planes.shape[2]), contract.size, contract.place)
    grid = Letterbox(rows, columns, ())
    return np.stack([grid.pick(planes[k]) for k in fullest])


def _smooth_noise(size: tuple[int, int]) -> Floats:
    noise = np.random.default_rng(0).standard_normal((2, *size))
    smooth = ndimage.gaussian_filter(noise, (0, 6, 6))
    return np.asarray(np.clip(np.rint(128 + 60 * smooth / smooth.std()), 0, 255), dtype=np.float32)


def _answer(draft: Path, contract: Contract) -> NDArray[np.float64]:
    """float64 [picture, cell or box, number]: what the model said to the test vector."""
    with np.load(draft / bundle.VECTOR, allow_pickle=False) as stored:
        answer = stored[contract.output][:, 0].astype(np.float64)
    return np.asarray(answer.transpose(0, 2, 1) if contract.head in (Head.YOLOV8, Head.CORNERS) else answer)


def _manifest(contract: Contract, facts: Facts, name: str, sha256: str) -> dict[str, Any]:
    low, high = contract.window
    return {
        "schema": SCHEMA,
        "name": name,
        "title": f"{name} ({contract.head.value})",
        "version": "1",
        "kind": "boxes",
        "intended_use": bundle.INTENDED_USE,
        "notice": bundle.NOTICE,
        "licence": contract.licence or bundle.LICENCE,
        "model": {
            "file": bundle.MODEL,
            "sha256": sha256,
            "input": facts.inputs[0].name,
            "outputs": [contract.output],
        },
        "channels": [{"name": contract.channel, "normalise": "window", "low": low, "high": high}],
        "sampling": {
            "kind": "letterbox",
            "size": list(contract.size),
            "place": contract.place.value,
            "planes": contract.planes,
            "top": contract.white,
        },
        "output": {
            "labels": list(contract.labels),
            "head": contract.head.value,
            "strides": list(contract.strides) if contract.head is Head.YOLOX else [],
            "score": contract.score,
            "iou": contract.iou,
            "most": contract.most,
        },
        "test_vector": {"file": bundle.VECTOR},
    }


def _found(contract: Contract) -> tuple[str, ...]:
    rows, columns = contract.size
    return (
        f"a detector of style {contract.head.value} for pictures of {rows} x {columns}",
        f"{len(contract.labels)} classes: {', '.join(contract.labels[:8])}{', ...' * (len(contract.labels) > 8)}",
        f"{contract.channel} in the window {contract.window[0]:g} to {contract.window[1]:g}",
    )


def _card(contract: Contract, file: str, wish: Wish) -> str:
    seen = "slices of a case that was given at import" if wish.examples else "smooth noise, so int8 ranges are guesses"
    return bundle.card(
        wish.name or file,
        (
            f"Imported from {file}. " + ". ".join(s[0].upper() + s[1:] for s in _found(contract)) + ".",
            "Assumed: " + ("; ".join(contract.assumed) or "nothing") + ".",
            f"The test vector was made from {seen}.",
        ),
        contract.licence or bundle.LICENCE,
    )


def _name(source: Path) -> str:
    return re.sub(r"[^a-z0-9]+", "-", source.stem.lower()).strip("-") or "detector"
