"""YOLO's layout: pictures and label files side by side, one line a box, in shares of the picture.

DIR/data.yaml            names: ['EDH', 'IPH']     (or names: with one "0: EDH" a line)
DIR/train/images/a.jpg   DIR/train/labels/a.txt
DIR/valid/images/b.jpg   DIR/valid/labels/b.txt        (and test, for measuring alone)
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from engines.training.readers.cases import Boxes, BoxPicture, BoxSet, Split
from inference.errors import InputRefused

PICTURES = (".jpg", ".jpeg", ".png", ".bmp")
Labelled = list[tuple[int, tuple[float, float, float, float]]]


def read_yolo(folder: Path) -> BoxSet:
    """The set's own parts: `train`, `valid` (or `val`), and `test` where it is there.

    Raises:
        InputRefused: A part, a name or a label line is missing or wrong.
    """
    classes = class_names(folder / "data.yaml")
    held_out = "val" if (folder / "val").is_dir() else "valid"
    split = Split(*(read_part(folder / part, len(classes)) for part in ("train", held_out)))
    test = read_part(folder / "test", len(classes)) if (folder / "test").is_dir() else ()
    return BoxSet(split, classes, test)


def read_part(folder: Path, classes: int) -> tuple[BoxPicture, ...]:
    """Pictures of `folder/images` by name; one without a label file has no boxes.

    Raises:
        InputRefused: There is no picture, or a label is wrong.
    """
    files = sorted(f for f in (folder / "images").glob("*") if f.suffix.lower() in PICTURES)
    if not files:
        raise InputRefused(f"{folder.name} has no folder images with pictures in it.", "Unpack the set again.")
    return tuple(_picture(file, folder / "labels" / f"{file.stem}.txt", classes) for file in files)


def class_names(file: Path) -> tuple[str, ...]:
    """The names in a data.yaml: a list in brackets, or a block of lines.

    Raises:
        InputRefused: The file is missing or names no class.
    """
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    block = re.search(r"^names:[ \t]*(\[.*?\]|(?:\n[ \t]*(?:-|\d+:).*)+)", text, re.M | re.S)
    found = re.findall(r"""(?:^[ \t]*(?:-|\d+:)[ \t]*|[\[,]\s*)['"]?([^'",\[\]\n]+?)['"]?[ \t]*(?=$|,|\])""",
                       block.group(1) if block else "", re.M)  # fmt: skip
    if not found:
        raise InputRefused(
            "The set has no data.yaml that names its classes.", "Add data.yaml with a line `names: [...]`."
        )
    return tuple(found)


def parse_labels(text: str, classes: int, where: str) -> Labelled:
    """Class and box (x0, y0, x1, y1 as shares) of each line: centre and size, or a polygon, which becomes its box.

    Raises:
        InputRefused: A line is neither, or names a class that there is not.
    """
    found: Labelled = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            label, *numbers = (float(word) for word in line.split())
        except ValueError:
            label, numbers = -1.0, []
        if not _is_sound(label, numbers, classes):
            raise InputRefused(f"Line {number} of {where} is no YOLO label.", "Correct or remove the line.")
        found.append((int(label), _box(numbers)))
    return found


def picture_size(file: Path) -> tuple[int, int]:
    """(width, height) of a picture.

    Raises:
        InputRefused: It is damaged.
    """
    try:
        with Image.open(file) as image:
            return image.size
    except (UnidentifiedImageError, OSError):
        raise InputRefused(f"The picture {file.name} cannot be read.", "Export it again or remove it.") from None


def _picture(file: Path, labels: Path, classes: int) -> BoxPicture:
    text = labels.read_text(encoding="utf-8", errors="replace") if labels.exists() else ""
    rows = parse_labels(text, classes, labels.name)
    size = picture_size(file)
    shares: Boxes = np.array([box for _, box in rows], dtype=np.float32).reshape(-1, 4)
    boxes = shares * np.array([*size, *size], dtype=np.float32)
    return BoxPicture(file.stem, file.stem, file, size, boxes, np.array([label for label, _ in rows], dtype=np.int64))


def _is_sound(label: float, numbers: list[float], classes: int) -> bool:
    whole = label == int(label) and 0 <= label < classes if np.isfinite(label) else False
    shaped = len(numbers) == 4 or (len(numbers) >= 6 and len(numbers) % 2 == 0)
    return whole and shaped and all(np.isfinite(numbers))


def _box(numbers: list[float]) -> tuple[float, float, float, float]:
    if len(numbers) == 4:
        x, y, w, h = numbers
        return x - w / 2, y - h / 2, x + w / 2, y + h / 2
    return min(numbers[::2]), min(numbers[1::2]), max(numbers[::2]), max(numbers[1::2])
