"""The JSON file that may lie beside a detector's ONNX."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engines.importers.labels import plain
from inference.errors import InputRefused
from inference.steps.heads import Head
from inference.steps.letterbox import Place
from inference.table import build

MOST_SIDECAR_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A JSON file beside the model, with its name: every field may be left out.

    Attributes:
        output: Which of several outputs holds the boxes.
        style: "yolov8", "corners", "yolox" or "end-to-end".
        names: Of the classes, in their order.
        window: Values of the image that are black and white in the pictures.
        channel: What the image shows.
        white: The number that white is in the network's input: 1 or 255.
        place: "centre" or "corner": where the slice lies in the picture.
        decoded: For "yolox": boxes are in pixels already.
        score, iou, most: What is shown: the least score, the overlap from which the weaker box goes, boxes a picture.
    """

    output: str = ""
    style: Head | None = None
    names: tuple[str, ...] = ()
    window: tuple[float, ...] = ()
    channel: str = ""
    white: float | None = None
    place: Place | None = None
    strides: tuple[int, ...] = ()
    decoded: bool | None = None
    score: float | None = None
    iou: float | None = None
    most: int | None = None
    licence: str = ""


def sidecar(model: Path) -> Sidecar:
    """The JSON beside the model, if there is one.

    Raises:
        InputRefused: It is not readable.
        ManifestInvalid: It has unknown or wrong fields (each is named).
    """
    file = model.with_suffix(".json")
    if not file.is_file():
        return Sidecar()
    try:
        if file.stat().st_size > MOST_SIDECAR_BYTES:
            raise ValueError("too large")
        table = dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise InputRefused(f"{file.name} beside the model is not readable JSON.", "Repair or remove it.") from error
    return build(Sidecar, {**table, "names": in_order(table.get("names", ()))}, file.name)


def in_order(names: Any) -> tuple[str, ...]:
    """Names of a list, or of a table by number."""
    if isinstance(names, Mapping):
        names = [names[key] for key in sorted(names, key=int)]
    return tuple(plain(name, f"class {n}") for n, name in enumerate(names))
