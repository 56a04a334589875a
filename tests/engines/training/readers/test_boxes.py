"""YOLO and VOC: label lines, annotations, and the two real sets box for box."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from engines.training.readers import read_boxes
from engines.training.readers.voc import parse_annotation, read_bccd, read_voc
from engines.training.readers.yolo import class_names, parse_labels, read_yolo
from engines.training.sources import DataSpec
from inference.errors import InputRefused

SHARES = st.floats(0, 1, allow_nan=False).map(lambda x: round(x, 6))


@given(st.lists(st.tuples(st.integers(0, 4), SHARES, SHARES, SHARES, SHARES), max_size=8))
def test_centre_and_size_come_back_as_edges(rows: list[tuple[int, float, float, float, float]]) -> None:
    text = "\n".join(" ".join(map(str, row)) for row in rows)
    found = parse_labels(text, 5, "a.txt")
    assert [label for label, _ in found] == [row[0] for row in rows]
    for (_, (x0, y0, x1, y1)), (_, x, y, w, h) in zip(found, rows, strict=True):
        np.testing.assert_allclose([(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0], [x, y, w, h], atol=1e-9)


@given(st.integers(0, 4), st.lists(st.tuples(SHARES, SHARES), min_size=3, max_size=9))
def test_a_polygon_becomes_the_box_round_it(label: int, corners: list[tuple[float, float]]) -> None:
    text = f"{label} " + " ".join(f"{x} {y}" for x, y in corners)
    ((found, box),) = parse_labels(text, 5, "a.txt")
    xs, ys = zip(*corners, strict=True)
    assert found == label
    assert box == (min(xs), min(ys), max(xs), max(ys))


@given(st.text("0123456789. -enaif", max_size=40))
@settings(max_examples=200)
def test_any_text_is_labels_or_is_refused_with_its_line(text: str) -> None:
    found, said = [], ""
    try:
        found = parse_labels(text, 5, "a.txt")
    except InputRefused as error:
        said = error.message
    assert not said or said.endswith("of a.txt is no YOLO label.")
    assert all(0 <= label < 5 and np.isfinite(box).all() for label, box in found)


@pytest.mark.parametrize(
    "line", ["5 .5 .5 .1 .1", "0.5 .5 .5 .1 .1", "0 .5 .5 .1", "0 1 2 3 4 5", "x 1 2 3 4", "nan 1 1 1 1"]
)
def test_a_wrong_label_names_its_line(line: str) -> None:
    with pytest.raises(InputRefused, match=r"Line 2 of b\.txt"):
        parse_labels(f"0 .5 .5 .1 .1\n{line}\n", 5, "b.txt")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("nc: 2\nnames: ['EDH', \"IPH 2\"]\n", ("EDH", "IPH 2")),
        ("names:\n  0: cat\n  1: dog\nnc: 2\n", ("cat", "dog")),
        ("names:\n- a\n- b\n", ("a", "b")),
    ],
)
def test_class_names_are_read_in_every_usual_form(tmp_path: Path, text: str, names: tuple[str, ...]) -> None:
    (tmp_path / "data.yaml").write_text(text)
    assert class_names(tmp_path / "data.yaml") == names


def test_a_set_without_names_or_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match=r"data\.yaml"):
        read_yolo(tmp_path)
    (tmp_path / "data.yaml").write_text("names: ['a']")
    with pytest.raises(InputRefused, match="train has no folder images"):
        read_yolo(tmp_path)


def test_the_real_yolo_set_reads_whole(shared_data) -> None:  # type: ignore[no-untyped-def]
    found = read_yolo(shared_data("ct-hemorrhage-yolo"))
    assert (len(found.split.train), len(found.split.held_out), len(found.test)) == (719, 78, 0)
    assert found.classes == ("EDH", "IPH", "IVH", "SAH", "SDH")
    assert sum(found.count(name) for name in found.classes) == 679
    assert sum(len(p.boxes) for p in found.split.held_out) == 69
    assert all((p.boxes[:, 2:] > p.boxes[:, :2]).all() for p in found.split.train)


def test_bccd_is_counted_as_its_readme_counts_it(shared_data) -> None:  # type: ignore[no-untyped-def]
    found = read_bccd(shared_data("bccd"))
    assert (len(found.split.train), len(found.split.held_out), len(found.test)) == (205, 87, 72)
    assert {name: found.count(name) for name in found.classes} == {"RBC": 4155, "WBC": 372, "Platelets": 361}
    first = next(p for p in (*found.split.train, *found.split.held_out, *found.test) if p.name == "BloodImage_00000")
    assert first.boxes[0].tolist() == [259, 176, 491, 376]  # pixels 260 to 491 and 177 to 376, counted from 1


OBJECT = "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>2</ymin><xmax>{}</xmax><ymax>5</ymax></bndbox></object>"


def _voc(folder: Path, lists: dict[str, str], objects: str) -> Path:
    for part in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (folder / part).mkdir(parents=True)
    for part, names in lists.items():
        (folder / "ImageSets" / "Main" / f"{part}.txt").write_text(names)
    for name in {n for names in lists.values() for n in names.split()}:
        Image.new("RGB", (40, 30)).save(folder / "JPEGImages" / f"{name}.jpg")
        (folder / "Annotations" / f"{name}.xml").write_text(f"<annotation>{objects}</annotation>")
    return folder


def test_a_small_voc_set_reads_with_and_without_a_test_part(tmp_path: Path) -> None:
    found = read_voc(_voc(tmp_path / "a", {"train": "x\ny\n", "val": "z"}, OBJECT.format("cell", 1, 50)))
    assert found.classes == ("cell",)
    assert found.test == ()
    assert found.split.train[0].boxes.tolist() == [[0, 1, 40, 5]]  # cut at the picture
    with pytest.raises(InputRefused, match="y is listed twice"):
        read_voc(_voc(tmp_path / "b", {"train": "x\ny", "val": "y"}, ""))
    with pytest.raises(InputRefused, match=r"val\.txt"):
        read_voc(_voc(tmp_path / "c", {"train": "x"}, ""))


@pytest.mark.parametrize(
    "text",
    [
        "not xml",
        "<other/>",
        f"<annotation>{OBJECT.format('cell', 9, 3)}</annotation>",
        f"<annotation>{OBJECT.format('', 1, 3)}</annotation>",
        "<annotation><object><name>cell</name></object></annotation>",
        '<!DOCTYPE a [<!ENTITY b "c">]><annotation/>',
    ],
)
def test_a_wrong_annotation_is_refused_by_name(text: str) -> None:
    with pytest.raises(InputRefused, match=r"a\.xml is no VOC annotation"):
        parse_annotation(text, "a.xml")


def test_an_unknown_reader_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="Choose one of yolo, voc, bccd"):
        read_boxes(tmp_path, DataSpec("coco"))
