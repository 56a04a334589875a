"""Pascal VOC's layout: one XML file a picture, and lists of names as its split. BCCD lies so below its folder BCCD.

DIR/JPEGImages/a.jpg   DIR/Annotations/a.xml
DIR/ImageSets/Main/train.txt   DIR/ImageSets/Main/val.txt   (and test.txt, for measuring alone)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from engines.training.readers.cases import BoxPicture, BoxSet, Split
from engines.training.readers.yolo import PICTURES, picture_size
from inference.errors import InputRefused

Named = list[tuple[str, tuple[float, float, float, float]]]
MOST_XML_BYTES = 1 << 20


def read_bccd(folder: Path) -> BoxSet:
    """BCCD as its repository holds it."""
    inner = folder / "BCCD"
    return read_voc(inner if inner.is_dir() else folder)


def read_voc(folder: Path) -> BoxSet:
    """All pictures of the lists; classes in the order of their names.

    Raises:
        InputRefused: A list, picture or annotation is missing or wrong, or a name is in two lists.
    """
    parts = [_listed(folder, part) for part in ("train", "val", "test")]
    _require_apart(parts)
    rows = {name: _annotation(folder, name) for part in parts for name in part}
    classes = tuple(sorted({label for marks in rows.values() for label, _ in marks}))
    train, held_out, test = (tuple(_picture(folder, name, rows[name], classes) for name in part) for part in parts)
    return BoxSet(Split(train, held_out), classes, test)


def parse_annotation(text: str, where: str) -> Named:
    """Name and box (x0, y0, x1, y1 in pixel edges) of each object.

    VOC counts pixels from 1 and includes the last one: pixel 1 to pixel 4 are the edges 0 and 4.

    Raises:
        InputRefused: It is no VOC annotation, or a box has no size.
    """
    try:
        root = _tree(text)
        return [_object(part) for part in root.iter("object")]
    except (ElementTree.ParseError, AttributeError, TypeError, ValueError):
        raise InputRefused(f"{where} is no VOC annotation.", "Correct or remove it.") from None


def _tree(text: str) -> ElementTree.Element:
    if len(text) > MOST_XML_BYTES or "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("not a plain annotation")
    root = ElementTree.fromstring(text)
    if root.tag != "annotation":
        raise ValueError("not an annotation")
    return root


def _object(part: ElementTree.Element) -> tuple[str, tuple[float, float, float, float]]:
    name, box = (part.findtext("name") or "").strip(), part.find("bndbox")
    if not name or box is None:
        raise ValueError("an object without name or box")
    x0, y0, x1, y1 = (float(box.findtext(key) or "nan") for key in ("xmin", "ymin", "xmax", "ymax"))
    if not np.isfinite([x0, y0, x1, y1]).all() or x1 < x0 or y1 < y0:
        raise ValueError("a box turned inside out")
    return name, (x0 - 1.0, y0 - 1.0, x1, y1)


def _listed(folder: Path, part: str) -> list[str]:
    file = folder / "ImageSets" / "Main" / f"{part}.txt"
    names = file.read_text(encoding="utf-8").split("\n") if file.is_file() else []
    found = [line.split()[0] for line in names if line.strip()]
    if not found and part != "test":
        raise InputRefused(
            f"The set has no list ImageSets/Main/{part}.txt.", "Write the names of its pictures into it."
        )
    return found


def _require_apart(parts: Sequence[list[str]]) -> None:
    seen: set[str] = set()
    for name in (name for part in parts for name in part):
        if name in seen:
            raise InputRefused(
                f"The picture {name} is listed twice.", "Keep each picture in one list of ImageSets/Main."
            )
        seen.add(name)


def _annotation(folder: Path, name: str) -> Named:
    file = folder / "Annotations" / f"{name}.xml"
    if not file.is_file():
        raise InputRefused(
            f"The picture {name} has no Annotations/{name}.xml.", "Add it or take the name off its list."
        )
    return parse_annotation(file.read_text(encoding="utf-8", errors="replace"), file.name)


def _picture(folder: Path, name: str, marks: Named, classes: Sequence[str]) -> BoxPicture:
    file = next((f for s in PICTURES if (f := folder / "JPEGImages" / f"{name}{s}").is_file()), None)
    if file is None:
        raise InputRefused(f"There is no picture {name} in JPEGImages.", "Add it or take the name off its list.")
    width, height = picture_size(file)
    whole = np.array([box for _, box in marks], dtype=np.float32).reshape(-1, 4)
    boxes = np.clip(whole, 0, np.array([width, height, width, height], dtype=np.float32))
    labels = np.array([classes.index(label) for label, _ in marks], dtype=np.int64)
    return BoxPicture(name, name, file, (width, height), boxes, labels)
