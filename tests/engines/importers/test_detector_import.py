"""Detectors of three styles become bundles, and what they find lies where it is in the patient."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import numpy as np
import onnx
import pytest
import square_finders as finders

from engines.importers.sources import Source, import_any, kind_of
from engines.importers.wish import Imported, Wish
from engines.library import find
from engines.vector import samples
from inference.backends import graph
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.errors import BadOutput, InputRefused, ManifestInvalid
from inference.result import Precision, PrecisionKind, Provenance, Result
from inference.run import run
from inference.steps.heads import Head
from inference.steps.letterbox import Place
from inference.volume import Channel, Geometry, Volume

SIZE = (128, 128)
PROVENANCE = Provenance("t", "1", "00", "b", "1", "CPU", Precision.FP32, PrecisionKind.NATIVE)
BONE = Wish(window=(0.0, 1000.0), labels=finders.CLASSES)


def turned(degrees: float, about: int) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    other = [a for a in range(3) if a != about]
    out = np.eye(3)
    out[np.ix_(other, other)] = [[c, -s], [s, c]]
    return out


GRIDS = {
    "plain": Geometry.from_axes((5, 90, 120), (0.8, 0.8, 5), (-40, -30, 10)),
    "tall, unequal pixels": Geometry.from_axes((5, 128, 70), (0.7, 1.1, 4), (12, 3, -9)),
    "right to left": Geometry.from_axes((5, 90, 120), (0.8, 0.8, 5), (40, -30, 10), np.diag([-1, 1, 1])),
    "back to front": Geometry.from_axes((5, 90, 120), (0.8, 0.8, 5), (-40, 30, 10), np.diag([1, -1, 1])),
    "head to feet": Geometry.from_axes((5, 90, 120), (0.8, 0.8, 5), (-40, -30, 10), np.diag([1, 1, -1])),
    "tilted": Geometry.from_axes((5, 100, 64), (0.9, 0.9, 5), (-40, 20, 0), turned(20, 0) @ turned(8, 2)),
    "tilted, all turned round": Geometry.from_axes(
        (5, 64, 100), (0.9, 0.6, 5), (40, 20, 0), turned(-17, 0) @ turned(5, 1) @ np.diag([-1, -1, -1])
    ),
}
LOW, HIGH = np.array([37, 11, 1]), np.array([51, 30, 3])
"""First and last voxel (i, j, k) of the bright square: off every axis of symmetry."""


def ct(geometry: Geometry) -> Volume:
    voxels = np.zeros(geometry.shape, np.float32)
    voxels[LOW[2] : HIGH[2] + 1, LOW[1] : HIGH[1] + 1, LOW[0] : HIGH[0] + 1] = 1200.0
    return Volume(voxels, geometry, Channel.CT, "HU")


def found_in(folder: Path, volume: Volume) -> Result:
    bundle = find(str(folder))
    with closing(OnnxRuntimeBackend().load(bundle.model, Precision.FP32, "CPU")) as engine:
        return run({Channel.CT: volume}, bundle.task, engine, PROVENANCE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("detectors")


@pytest.fixture
def bundles(folder: Path, door_here: None) -> dict[str, Imported]:
    """One bundle of each style; made once."""
    made = {}
    for style, write in finders.STYLES.items():
        if not (folder / style).is_dir():
            write(folder / f"{style}.onnx", SIZE)
            import_any(folder / f"{style}.onnx", folder / style, BONE)
        made[style] = folder / style
    return made


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("style", finders.STYLES)
def test_the_square_is_found_where_it_is(style: str, grid: str, bundles: dict[str, Path]) -> None:
    geometry = GRIDS[grid]
    result = found_in(bundles[style], ct(geometry))
    (finding,) = result.findings
    assert finding.label == "square"
    assert sorted(box.k for box in result.boxes) == [1, 2, 3]
    for box in result.boxes:
        edges = np.array([box.i0, box.j0, box.i1, box.j1])
        assert np.abs(edges - [LOW[0] - 0.5, LOW[1] - 0.5, HIGH[0] + 0.5, HIGH[1] + 0.5]).max() <= 0.5
    corners = np.array([[(LOW - 0.5, HIGH + 0.5)[(n >> a) & 1][a] for a in range(3)] for n in range(8)])
    world = geometry.world_from_index(corners)
    half = 0.5 * np.abs(geometry.affine[:3, :3]).sum(axis=1)
    assert (np.abs(np.array(finding.box_lps_mm) - [world.min(0), world.max(0)]) <= half).all()
    (centre,) = geometry.world_from_index([(LOW + HIGH) / 2])
    inside = geometry.index_from_world(finding.centroid_lps_mm) - (LOW + HIGH) / 2
    assert np.abs(inside[:2]).max() <= 0.5, centre


def test_a_volume_without_a_square_has_no_finding(bundles: dict[str, Path]) -> None:
    empty = Volume(np.zeros((2, 90, 120), np.float32), Geometry.from_axes((2, 90, 120), (1, 1, 1)), Channel.CT, "HU")
    assert found_in(bundles["end-to-end"], empty).findings == ()
    with pytest.raises(BadOutput, match="one constant"):
        found_in(bundles["yolov8"], empty)


def test_what_was_found_and_assumed_is_said(folder: Path, door_here: None) -> None:
    made = import_any(finders.yolox(folder / "said.onnx", SIZE), folder / "said", Wish(window=(-10, 90)))
    assert made.kind == "detector"
    assert "style yolox" in made.found[0]
    said = " ".join(made.assumed)
    assert "by the shape" in said
    assert "CT" in said
    assert "no names" in said
    assert "255" in said
    assert "Assumed: style yolox" in find(str(folder / "said")).card.read_text()


def test_a_sidecar_decides_and_leaves_nothing_to_assume(folder: Path, door_here: None) -> None:
    file = finders.yolov8(folder / "beside.onnx", SIZE)
    sidecar = {
        "style": "yolov8", "names": {"0": "a", "1": "b"}, "window": [-160, 240], "channel": "ct", "white": 255,
        "place": "corner", "score": 0.5, "iou": 0.4, "most": 7, "licence": "MIT",
    }  # fmt: skip
    file.with_suffix(".json").write_text(json.dumps(sidecar))
    made = import_any(file, folder / "beside", Wish())
    task = find(str(folder / "beside")).task
    assert made.assumed == ()
    assert task.output.labels == ("a", "b")
    assert (task.channels[0].low, task.channels[0].high) == (-160, 240)
    assert (task.sampling.top, task.sampling.place) == (255.0, Place.CORNER)
    assert (task.output.score, task.output.iou, task.output.most) == (0.5, 0.4, 7)
    assert task.licence == "MIT"


def test_metadata_names_the_classes_and_the_licence(folder: Path, door_here: None) -> None:
    metadata = {"names": "{0: 'a', 1: 'b'}", "task": "detect", "license": "AGPL-3.0", "stride": "32"}
    import_any(finders.yolov8(folder / "meta.onnx", SIZE, metadata=metadata), folder / "meta", Wish(window=(0, 80)))
    task = find(str(folder / "meta")).task
    assert task.output.labels == ("a", "b")
    assert task.licence == "AGPL-3.0"


def test_names_in_metadata_are_read_and_never_run(folder: Path, tmp_path: Path, door_here: None) -> None:
    harm = f"__import__('pathlib').Path({str(tmp_path / 'harm')!r}).touch()"
    file = finders.yolov8(folder / "harm.onnx", SIZE, metadata={"names": harm})
    import_any(file, folder / "harm", Wish(window=(0, 80)))
    assert not (tmp_path / "harm").exists()
    assert find(str(folder / "harm")).task.output.labels == ("class 0", "class 1")


def test_boxes_in_pixels_are_recognised(folder: Path, door_here: None) -> None:
    made = import_any(finders.yolox(folder / "pixels.onnx", SIZE, decoded=True), folder / "pixels", BONE)
    assert "in pixels already" in " ".join(made.assumed)
    task = find(str(folder / "pixels")).task
    assert (task.output.head, task.output.strides) == (Head.YOLOX, ())


def test_corners_are_told_from_centres_and_need_one_word_more(folder: Path, door_here: None) -> None:
    file = finders.corners(folder / "corners.onnx", SIZE)
    with pytest.raises(InputRefused, match="where the slice lies"):
        import_any(file, folder / "corners", BONE)
    file.with_suffix(".json").write_text('{"place": "corner"}')
    made = import_any(file, folder / "corners", BONE)
    assert "style corners, by the numbers" in " ".join(made.assumed)
    grid = GRIDS["right to left"]
    (finding,) = found_in(folder / "corners", ct(grid)).findings
    middle = grid.index_from_world(finding.centroid_lps_mm)[:2]
    assert np.abs(middle - (LOW + HIGH)[:2] / 2).max() <= 0.5


def test_of_several_outputs_one_must_be_named(folder: Path, door_here: None) -> None:
    file = finders.end_to_end(folder / "two.onnx", SIZE)
    model = onnx.load(file)
    model.graph.output.append(onnx.helper.make_tensor_value_info("n0", onnx.TensorProto.FLOAT, [1, 1, *SIZE]))
    onnx.save(model, file)
    with pytest.raises(InputRefused, match="2 outputs: output0") as caught:
        import_any(file, folder / "two", BONE)
    assert "output" in caught.value.hint
    file.with_suffix(".json").write_text('{"output": "output0"}')
    import_any(file, folder / "two", BONE)
    assert len(found_in(folder / "two", ct(GRIDS["plain"])).findings) == 1


def test_names_are_one_line_of_what_can_be_seen(folder: Path, door_here: None) -> None:
    metadata = {"names": json.dumps(["a\n\u202eevil\x7f", "\u200b"])}
    import_any(finders.yolov8(folder / "odd.onnx", SIZE, metadata=metadata), folder / "odd", Wish(window=(0, 80)))
    assert find(str(folder / "odd")).task.output.labels == ("a evil", "class 1")


def test_one_grey_plane_is_enough(folder: Path, door_here: None) -> None:
    import_any(finders.yolov8(folder / "grey.onnx", SIZE, planes=1), folder / "grey", BONE)
    assert len(found_in(folder / "grey", ct(GRIDS["plain"])).findings) == 1


def test_a_case_makes_the_test_vector(folder: Path, tmp_path: Path, bundles: dict[str, Path]) -> None:
    np.savez(tmp_path / "case.npz", channels=ct(GRIDS["plain"]).voxels[None], spacing=(5.0, 0.8, 0.8))
    wish = Wish(window=(0, 1000), labels=finders.CLASSES, examples=(tmp_path / "case.npz",))
    import_any(folder / "yolov8.onnx", tmp_path / "bundle", wish)
    bundle = find(str(tmp_path / "bundle"))
    stored = samples(bundle.vector, graph.read(bundle.model))
    assert len(stored) == 3
    assert all(sample.answer["output0"][..., 5, 0].max() == pytest.approx(0.9) for sample in stored)
    assert "a case that was given" in bundle.card.read_text()


@pytest.mark.parametrize(
    ("write", "wish", "sentence"),
    [
        (finders.yolov8, Wish(labels=finders.CLASSES), "black and white"),
        (finders.yolov8, Wish(window=(0, 1), labels=("a",)), "2 classes and 1 names"),
        (finders.yolov8, Wish(window=(0, 1), channels=("CT", "T1")), "one kind of image"),
        (finders.yolov8, Wish(window=(0, 1), channels=("PET",)), "PET"),
        (finders.end_to_end, Wish(window=(0, 1)), "what its classes are"),
    ],
)
def test_what_nobody_may_guess_is_asked_for(write, wish: Wish, sentence: str, tmp_path: Path, door_here: None) -> None:
    file = write(tmp_path / "model.onnx", SIZE)
    with pytest.raises((InputRefused, ManifestInvalid), match=sentence):
        import_any(file, tmp_path / "bundle", wish)
    assert [p.name for p in tmp_path.iterdir()] == ["model.onnx"]


def test_a_sidecar_with_a_wrong_field_names_it(tmp_path: Path, door_here: None) -> None:
    file = finders.yolov8(tmp_path / "model.onnx", SIZE)
    file.with_suffix(".json").write_text('{"treshold": 1}')
    with pytest.raises(ManifestInvalid, match="treshold"):
        import_any(file, tmp_path / "bundle", BONE)


def test_raw_scores_are_no_probabilities(tmp_path: Path, door_here: None) -> None:
    sheet = finders.Sheet(SIZE, 1.0)
    _, there = sheet.square()
    sheet.do("Add", sheet.do("Mul", there, np.zeros((1, 6, 1))), np.full((1, 6, 336), -4.0))
    file = sheet.write(tmp_path / "model.onnx", (1, 6, 336))
    with pytest.raises(InputRefused, match="no probabilities"):
        import_any(file, tmp_path / "bundle", BONE)


def test_another_answer_is_no_detector(tmp_path: Path, door_here: None) -> None:
    sheet = finders.Sheet(SIZE, 1.0)
    _, there = sheet.square()
    sheet.do("Mul", there, np.zeros((1, 25200, 85)))
    file = sheet.write(tmp_path / "model.onnx", (1, 25200, 85))
    with pytest.raises(InputRefused, match=r"25200, 85\], which is no detector"):
        import_any(file, tmp_path / "bundle", BONE)


def test_sources_are_told_apart_by_their_files(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").touch()
    (tmp_path / "net" / "fold_0").mkdir(parents=True)
    (tmp_path / "net" / "plans.json").touch()
    assert kind_of(tmp_path / "m.onnx") is Source.DETECTOR
    assert kind_of(tmp_path / "net") is Source.NNUNET
    with pytest.raises(InputRefused, match="no model") as caught:
        kind_of(tmp_path / "net" / "fold_0")
    assert str(tmp_path / "net") in caught.value.hint
    with pytest.raises(InputRefused, match="There is no"):
        kind_of(tmp_path / "nothing")
