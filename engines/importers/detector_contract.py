"""What a detector's answer means: as the user, a sidecar or its metadata says; by its shape where nobody does."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from engines.importers.detector_sidecar import Sidecar, in_order
from engines.importers.labels import plain
from engines.importers.onnx_door import Border, Facts
from engines.importers.wish import Wish
from inference.errors import InputRefused
from inference.steps.heads import Head
from inference.steps.letterbox import Place

STRIDES = ((8, 16, 32), (8, 16, 32, 64), (4, 8, 16, 32))


@dataclass(frozen=True, slots=True)
class Contract:
    """Everything decided, and which of it was assumed."""

    output: str
    head: Head
    labels: tuple[str, ...]
    size: tuple[int, int]
    planes: int
    strides: tuple[int, ...]
    place: Place
    white: float
    channel: str
    window: tuple[float, float]
    score: float
    iou: float
    most: int
    licence: str
    beside: Sidecar
    assumed: tuple[str, ...]


# Where the slice lies, what white is, the least score and the overlap that each style's own project uses.
HABITS: Mapping[Head, tuple[Place, float, float, float]] = {
    Head.YOLOV8: (Place.CENTRE, 1.0, 0.25, 0.7),
    Head.CORNERS: (Place.CENTRE, 1.0, 0.25, 0.7),
    Head.YOLOX: (Place.CORNER, 255.0, 0.3, 0.45),
    Head.END_TO_END: (Place.CENTRE, 1.0, 0.25, 1.0),
}


def agreed(facts: Facts, beside: Sidecar, wish: Wish) -> Contract:
    """Everything decided.

    Raises:
        InputRefused: The graph is no detector of a known style, or something that nobody may guess is not said.
    """
    size, planes = _picture(facts)
    metadata = _metadata(facts.metadata)
    names = wish.labels or beside.names or metadata
    output = _output(facts, beside)
    style, strides, classes, assumed = _style(output.shape, beside, size, bool(names))
    labels = names or tuple(f"class {n}" for n in range(classes))
    _require_count(labels, classes)
    if not names:
        assumed += (f"its {classes} classes have no names",)
    place, white, score, iou = HABITS[style]
    if beside.place is None and beside.white is None:
        assumed += (f"pictures as its style has them: slice in the {place.value}, white is {white:g}",)
    channel, note = _channel(beside, wish)
    return Contract(
        output.name,
        style,
        labels,
        size,
        planes,
        () if beside.decoded else strides,
        place if beside.place is None else beside.place,
        white if beside.white is None else beside.white,
        channel,
        _window(beside, wish),
        score if beside.score is None else beside.score,
        iou if beside.iou is None else beside.iou,
        beside.most or 300,
        plain(beside.licence or facts.metadata.get("license", ""), most=200),
        beside,
        assumed + note,
    )


def _picture(facts: Facts) -> tuple[tuple[int, int], int]:
    shapes = [border.shape for border in facts.inputs]
    if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][0] != 1 or shapes[0][1] not in (1, 3):
        raise InputRefused(
            f"The graph takes {_said(shapes)}, not one picture [1, 3, rows, columns].", "Export it for one picture."
        )
    return (shapes[0][2], shapes[0][3]), shapes[0][1]


def _output(facts: Facts, beside: Sidecar) -> Border:
    found = [border for border in facts.outputs if beside.output in ("", border.name)]
    if len(found) != 1:
        names = ", ".join(f"{border.name} {list(border.shape)}" for border in facts.outputs)
        raise InputRefused(
            f"The graph has {len(facts.outputs)} outputs: {names}.",
            'Say which holds the boxes: {"output": NAME} in a JSON file beside it, with its name.',
        )
    return found[0]


def _style(
    shape: tuple[int, ...], beside: Sidecar, size: tuple[int, int], named: bool
) -> tuple[Head, tuple[int, ...], int, tuple[str, ...]]:
    """Head, strides, number of classes (0: any), and what was assumed."""
    options = _options(shape, size, beside.strides) if len(shape) == 3 and shape[0] == 1 else []
    if beside.style is not None:
        options = [option for option in options if option[0] is beside.style]
    if not options:
        wanted = f" of style {beside.style.value}" if beside.style else ""
        raise InputRefused(
            f"The graph answers {list(shape)}, which is no detector{wanted} that Insula knows.",
            "Known are [1, 4 + classes, cells], [1, cells, 5 + classes] and [1, boxes, 6]; export it without masks, "
            "key points and anchors.",
        )
    head, strides, classes = options[0]
    if head is Head.END_TO_END and not named:
        raise InputRefused("The model does not say what its classes are.", "Name them with --labels.")
    return head, strides, classes, () if beside.style else (f"style {head.value}, by the shape of its answer",)


def _options(
    shape: tuple[int, ...], size: tuple[int, int], strides: tuple[int, ...]
) -> list[tuple[Head, tuple[int, ...], int]]:
    """Every style that the shape fits."""
    _, rows, columns = shape
    counts = {
        sum((size[0] // s) * (size[1] // s) for s in steps): steps for steps in ((strides,) if strides else STRIDES)
    }
    found: list[tuple[Head, tuple[int, ...], int]] = []
    if columns in counts and rows > 4:
        found += [(head, counts[columns], rows - 4) for head in (Head.YOLOV8, Head.CORNERS)]
    if rows in counts and columns > 5:
        found.append((Head.YOLOX, counts[rows], columns - 5))
    if columns == 6:
        found.append((Head.END_TO_END, (), 0))
    return found


def _require_count(labels: tuple[str, ...], classes: int) -> None:
    if classes and len(labels) != classes:
        raise InputRefused(f"The model has {classes} classes and {len(labels)} names.", "Name each class once.")


def _channel(beside: Sidecar, wish: Wish) -> tuple[str, tuple[str, ...]]:
    if len(wish.channels) > 1:
        raise InputRefused("A detector looks at one kind of image.", "Name one with --channels.")
    said = wish.channels[0].upper() if wish.channels else beside.channel.upper()
    return (said, ()) if said else ("CT", ("it looks at CT",))


def _window(beside: Sidecar, wish: Wish) -> tuple[float, float]:
    given = wish.window or beside.window
    if len(given) != 2 or not given[0] < given[1]:
        raise InputRefused(
            "Nobody says which values are black and white in the detector's pictures.",
            "Say it with --window LOW,HIGH, as it was trained, for example --window 0,80.",
        )
    return float(given[0]), float(given[1])


def _metadata(found: Mapping[str, str]) -> tuple[str, ...]:
    """Names of classes as exporters store them: a dict or list, written as Python or JSON does."""
    if found.get("task", "detect") != "detect":
        raise InputRefused(f"The model is made to {plain(found['task'])}, not to detect.", "Give a detector.")
    try:
        return in_order(ast.literal_eval(found["names"]))
    except (KeyError, ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return ()


def _said(shapes: list[tuple[int, ...]]) -> str:
    return " and ".join(str(list(shape)) for shape in shapes) or "nothing"
