"""MONAI bundles become bundles, or are refused with the name of what cannot be done exactly."""

from __future__ import annotations

import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import monai_bundles as made
import numpy as np
import pytest
import torch

from engines.importers.sources import Source, import_any, kind_of
from engines.importers.wish import Imported, Wish
from engines.library import Bundle, find
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.errors import EngineError, InputRefused
from inference.monai.plan import Kind, read_plan
from inference.result import Precision, PrecisionKind, Provenance, Result
from inference.run import run
from inference.volume import Channel, Geometry, Volume

pytestmark = pytest.mark.filterwarnings("ignore")
PROVENANCE = Provenance("t", "1", "00", "b", "1", "CPU", Precision.FP32, PrecisionKind.NATIVE)


def ran(bundle: Bundle, volumes: dict[Channel, Volume]) -> Result:
    with closing(OnnxRuntimeBackend().load(bundle.model, Precision.FP32, "CPU")) as engine:
        return run(volumes, bundle.task, engine, PROVENANCE)


def ball(geometry: Geometry) -> np.ndarray:
    """bool [k, j, i]: 9 mm round (12, -8, 5)."""
    index = np.moveaxis(np.indices(geometry.shape), 0, -1)[..., ::-1]
    return np.asarray(np.linalg.norm(geometry.world_from_index(index) - [12, -8, 5], axis=-1) < 9)


GRIDS = [
    Geometry.from_axes((24, 40, 36), (1.6, 1.4, 2.5), (-17, -34, -26)),
    Geometry.from_axes((24, 40, 36), (1.6, 1.4, 2.5), (40, 22, 31), np.diag([-1, -1, -1])),
    Geometry.from_axes((36, 24, 40), (1.4, 2.5, 1.6), (-17, -26, 38), [[0, 0, 1], [0, 1, 0], [-1, 0, 0]]),
]


def test_a_ball_is_outlined_where_it_is(tmp_path: Path, monai_here: None) -> None:
    folder = made.write(tmp_path / "in", script=made.Bright())
    found = import_any(folder, tmp_path / "bundle", Wish())
    bundle = find(str(found.folder))
    for grid in GRIDS:
        truth = ball(grid)
        volume = Volume(np.where(truth, 203.5, -96.5).astype(np.float32), grid, Channel.CT, "HU")
        result = ran(bundle, {Channel.CT: volume})
        assert result.mask is not None
        found_ml, true_ml = result.mask.volume_ml(), float(truth.sum()) * grid.voxel_ml
        assert found_ml == pytest.approx(true_ml, rel=0.25)
        (finding,) = result.findings
        assert finding.label == "blob"
        assert np.array(finding.centroid_lps_mm) == pytest.approx([12, -8, 5], abs=0.8)
        assert "MONAI bundle 0.5.4" in " ".join(result.notes)


def test_what_was_found_is_said_and_kept(tmp_path: Path, monai_here: None) -> None:
    folder = made.write(tmp_path / "in", script=made.Bright())
    found: Imported = import_any(folder, tmp_path / "bundle", Wish(name="blobs"))
    bundle = find(str(found.folder))
    plan = read_plan(bundle.task.plan_path)
    assert (found.kind, bundle.task.name, bundle.task.title) == ("monai", "blobs", "Bright blobs")
    assert "Bright blobs, version 0.5.4" in found.found[0]
    assert [change.kind for change in plan.changes] == [Kind.ORIENTATION, Kind.SPACING, Kind.RANGE]
    assert plan.changes[1].pixdim == (1.5, 1.5, 2.0)
    assert (plan.changes[2].a_min, plan.changes[2].a_max, plan.changes[2].clip) == (-57.0, 164.0, True)
    assert (plan.roi_size, plan.overlap, plan.gaussian) == (made.ROI, (0.5, 0.5, 0.5), False)
    assert bundle.task.output.labels == ("blob",)
    assert "Copyright as the bundle says: Nobody" in bundle.card.read_text()
    assert sorted(p.name for p in bundle.folder.iterdir()) == [
        "card.md", "manifest.toml", "model.onnx", "monai.json", "test_vector.npz",
    ]  # fmt: skip


def test_a_zip_is_a_bundle_too(tmp_path: Path, monai_here: None) -> None:
    folder = made.write(tmp_path / "in", script=made.Bright())
    with zipfile.ZipFile(tmp_path / "bright.zip", "w") as out:
        for one in sorted(folder.rglob("*.*")):
            out.write(one, f"bright/{one.relative_to(folder)}")
    assert kind_of(tmp_path / "bright.zip") is Source.MONAI
    assert (
        find(str(import_any(tmp_path / "bright.zip", tmp_path / "bundle", Wish()).folder)).task.name == "bright-blobs"
    )


def test_several_channels_and_one_threshold(tmp_path: Path, monai_here: None) -> None:
    after = [
        {"_target_": "Activationsd", "keys": "pred", "sigmoid": True},
        made.POSTPROCESSING[1],
        {"_target_": "AsDiscreted", "keys": "pred", "threshold": 0.5},
    ]
    folder = made.write(
        tmp_path / "in", script=made.Bright(2, 1), channels={"0": "DWI", "1": "ADC"}, modality="MR",
        labels={"0": "lesion"}, after=after,
        before=[*made.PREPROCESSING[:3], {"_target_": "ScaleIntensityd", "keys": "image", "channel_wise": True}],
    )  # fmt: skip
    bundle = find(str(import_any(folder, tmp_path / "bundle", Wish()).folder))
    assert [c.name for c in bundle.task.channels] == ["DWI", "ADC"]
    grid = GRIDS[0]
    voxels = np.where(ball(grid), 200.0, 10.0).astype(np.float32)
    result = ran(bundle, {c: Volume(voxels, grid, c) for c in (Channel.DWI, Channel.ADC)})
    assert len(result.findings) == 1
    assert result.findings[0].label == "lesion"


def test_a_case_makes_the_test_vector(tmp_path: Path, monai_here: None) -> None:
    np.savez(tmp_path / "case.npz", channels=np.where(ball(GRIDS[0]), 200.0, -200.0)[None], spacing=(2.5, 1.4, 1.6))
    folder = made.write(tmp_path / "in", script=made.Bright())
    found = import_any(folder, tmp_path / "bundle", Wish(examples=(tmp_path / "case.npz",)))
    with np.load(find(str(found.folder)).vector) as stored:
        assert stored["input"].shape == (3, 1, 1, *made.ROI)
        assert (stored["input"].min(), stored["input"].max()) == (0.0, 1.0)
        assert stored["logits"].shape == (3, 1, 2, *made.ROI)


def test_channels_must_be_clear(tmp_path: Path) -> None:
    folder = made.write(tmp_path / "in", script=made.Bright(), modality="MR")
    with pytest.raises(InputRefused, match="image show is not clear"):
        import_any(folder, tmp_path / "bundle", Wish())


SPACING, RANGE, INVERT = made.PREPROCESSING[3], made.PREPROCESSING[4], made.POSTPROCESSING[1]
BEFORE: list[tuple[dict[str, Any], str]] = [
    ({"_target_": "Resized", "keys": "image", "spatial_size": [96, 96, 96]}, "Resized"),
    ({"_target_": "monai.transforms.HistogramNormalized", "keys": "image"}, "HistogramNormalized"),
    ({"_target_": "os.system", "command": "true"}, "system"),
    ({**SPACING, "mode": 3}, "Spacingd has mode = 3"),
    ({**SPACING, "mode": "nearest"}, "Spacingd has mode = 'nearest'"),
    ({**SPACING, "diagonal": True}, "diagonal"),
    ({**SPACING, "max_pixdim": 3.0}, "max_pixdim"),
    ({**SPACING, "keys": ["image", "label"]}, "works on"),
    ({**RANGE, "surprise": 1}, "surprise"),
    ({**made.PREPROCESSING[2], "axcodes": "RAA"}, "axcodes"),
    ({**made.PREPROCESSING[0], "reader": "NumpyReader"}, "NumpyReader"),
    ({"_target_": "CropForegroundd", "keys": "image", "source_key": "image", "margin": 2}, "allow_smaller"),
    ({"_target_": "CropForegroundd", "keys": "image", "source_key": "label"}, "source_key"),
    ({"_target_": "EnsureTyped", "keys": "image", "dtype": "float16"}, "float16"),
]


@pytest.mark.parametrize(("transform", "sentence"), BEFORE)
def test_a_transform_that_cannot_be_done_exactly_is_named(
    transform: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    folder = made.write(tmp_path / "in", script=made.Bright(), before=[*made.PREPROCESSING, transform])
    with pytest.raises(InputRefused, match=sentence):
        import_any(folder, tmp_path / "bundle", Wish())
    assert [p.name for p in tmp_path.iterdir()] == ["in"]


REST: list[tuple[dict[str, Any], str]] = [
    ({"inferer": {"_target_": "SimpleInferer"}}, "SimpleInferer"),
    ({"inferer": {**made.INFERER, "padding_mode": "reflect"}}, "reflect"),
    ({"inferer": {**made.INFERER, "roi_size": [96, 96, -1]}}, "as large as the image"),
    ({"inferer": {**made.INFERER, "overlap": 1.0}}, "overlap"),
    ({"inferer": {**made.INFERER, "process_fn": "@f"}}, "process_fn"),
    ({"after": made.POSTPROCESSING[:2]}, "does not end in labels"),
    ({"after": [made.POSTPROCESSING[0], made.POSTPROCESSING[2]]}, "does not bring masks back"),
    ({"after": [made.POSTPROCESSING[0], made.POSTPROCESSING[2], INVERT]}, "Invertd in this place"),
    ({"after": [made.POSTPROCESSING[0], {**INVERT, "nearest_interp": True}, made.POSTPROCESSING[2]]}, "nearest"),
    ({"after": [*made.POSTPROCESSING, {"_target_": "KeepLargestConnectedComponentd", "keys": "pred"}]}, "KeepLargest"),
    ({"after": [*made.POSTPROCESSING[:2], {"_target_": "AsDiscreted", "keys": "pred", "threshold": 0.5}]}, "overlap"),
]


@pytest.mark.parametrize(("own", "sentence"), REST)
def test_a_window_or_a_way_back_that_cannot_be_done_exactly_is_named(
    own: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    folder = made.write(tmp_path / "in", script=made.Bright(), **own)
    with pytest.raises(InputRefused, match=sentence):
        import_any(folder, tmp_path / "bundle", Wish())


def test_transforms_that_are_switched_off_do_not_count(tmp_path: Path, monai_here: None) -> None:
    off = {"_target_": "Resized", "keys": "image", "_disabled_": True}
    folder = made.write(tmp_path / "in", script=made.Bright(), before=[*made.PREPROCESSING, off])
    assert len(read_plan(import_any(folder, tmp_path / "bundle", Wish()).folder / "monai.json").changes) == 3


def test_axes_that_nobody_turns_are_said(tmp_path: Path, monai_here: None) -> None:
    before = [*made.PREPROCESSING[:2], *made.PREPROCESSING[4:]]
    folder = made.write(tmp_path / "in", script=made.Bright(), before=before)
    assert "no Orientationd" in " ".join(import_any(folder, tmp_path / "bundle", Wish()).assumed)


def test_a_network_that_answers_something_else_is_refused(tmp_path: Path, monai_here: None) -> None:
    folder = made.write(tmp_path / "in", script=torch.nn.Conv3d(1, 2, 3))
    with pytest.raises(EngineError, match="where its metadata promises"):
        import_any(folder, tmp_path / "bundle", Wish())
    folder = made.write(tmp_path / "in", script=torch.nn.Conv3d(4, 2, 3))
    with pytest.raises(EngineError, match="does not take windows"):
        import_any(folder, tmp_path / "bundle", Wish())


def test_a_configuration_in_yaml_is_asked_for_as_json(tmp_path: Path) -> None:
    folder = made.write(tmp_path / "in")
    (folder / "configs" / "inference.json").rename(folder / "configs" / "inference.yaml")
    with pytest.raises(InputRefused, match="no model") as caught:
        kind_of(folder)
    assert "YAML is not read" in caught.value.hint


def test_without_weights_it_says_what_lacks(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="neither"):
        import_any(made.write(tmp_path / "in"), tmp_path / "bundle", Wish())
