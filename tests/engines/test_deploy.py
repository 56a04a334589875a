"""One call from a model to an installed task; what is done stays done."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines import installed
from engines.deploy import chain, stages
from engines.deploy.bench import folder_of
from engines.deploy.wish import Deployed, Wish
from engines.library import Bundle, find
from engines.quantize.pictures import Picture
from inference import cache
from inference.errors import EngineError, InputRefused, JobCancelled
from inference.result import CancelledFn, Progress, ProgressFn
from inference.task import Task

NAMES = ["import", "check", "rewrite", "quantize", "build", "verify", "install"]


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSULA_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("INSULA_CACHE", str(tmp_path / "cache"))


def deploy(wish: Wish, progress: ProgressFn = lambda _: None, cancelled: CancelledFn = lambda: False) -> Deployed:
    def pictures(folder: Path, task: Task, *_: object) -> list[Picture]:
        given = np.load(folder / "pictures.npy")
        return [Picture({task.model.input: one}, "", "study") for one in given]

    return chain.deploy(wish, pictures, progress, cancelled)


def left() -> list[Path]:
    return [path for path in (cache.folder() / "deploy").glob("*") if path.is_dir()]


def test_a_bundle_is_tested_and_installed(small_bundle: Bundle) -> None:
    steps: list[Progress] = []
    done = deploy(Wish(small_bundle.folder), steps.append)
    assert [stage.name for stage in done.stages] == NAMES
    assert [step.stage for step in steps] == [*NAMES, "install"]
    assert (steps[-1].done, steps[-1].total) == (7, 7)
    assert "fp32" in done.stages[5].sentence
    assert find("small-net").folder == Path(done.folder)
    assert "insula run STUDY --out DIR --task small-net" in done.text
    assert left() == []


def test_a_second_call_goes_on_where_the_first_failed(small_bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Path) -> Bundle:
        raise InputRefused("The disk is full.", "Free some space.")

    with monkeypatch.context() as patch:
        patch.setattr(installed, "install", full)
        with pytest.raises(InputRefused, match="disk is full"):
            deploy(Wish(small_bundle.folder))
    assert len(left()) == 1
    done = deploy(Wish(small_bundle.folder))
    assert [stage.kept for stage in done.stages] == [True] * 6 + [False]
    assert left() == []


def test_another_file_is_another_deployment(small_bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = iter([False, False, True])
    with pytest.raises(JobCancelled):
        deploy(Wish(small_bundle.folder), cancelled=lambda: next(stop, True))
    (small_bundle.folder / "card.md").write_text("# Changed")
    assert not any(stage.kept for stage in deploy(Wish(small_bundle.folder)).stages)


def test_a_torn_note_means_from_the_start(small_bundle: Bundle) -> None:
    key = folder_of(Wish(small_bundle.folder))
    (key / "bundle").mkdir(parents=True)
    (key / "done.json").write_text('[{"name": "imp')
    assert not any(stage.kept for stage in deploy(Wish(small_bundle.folder)).stages)


def test_a_model_that_answers_otherwise_than_stored_is_not_installed(small_bundle: Bundle, tmp_path: Path) -> None:
    with np.load(small_bundle.vector) as stored:
        wrong = {name: stored[name] * (1.5 if name == "logits" else 1) for name in stored}
    np.savez(small_bundle.vector, **wrong)
    with pytest.raises(EngineError, match="failed its test in fp32"):
        deploy(Wish(small_bundle.folder))
    assert not (tmp_path / "models").exists()


def test_a_precision_that_fails_is_written_down(small_bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    def rows(_: Bundle) -> list[dict[str, object]]:
        row = {"backend": "openvino", "refused": False, "sentence": "differs"}
        return [{**row, "precision": "fp32", "passed": True}, {**row, "precision": "int8", "passed": False}]

    monkeypatch.setattr(stages, "checks", rows)
    deploy(Wish(small_bundle.folder))
    assert find("small-net").refused == {"int8": "openvino: differs"}


@pytest.mark.parametrize("source", ["nowhere", "empty"])
def test_nothing_to_deploy_is_refused(source: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputRefused, match="no model at"):
        deploy(Wish(tmp_path / source))
    assert left() == []


def test_the_source_stays_as_it_was(small_bundle: Bundle, tmp_path: Path) -> None:
    before = shutil.copytree(small_bundle.folder, tmp_path / "before")
    deploy(Wish(small_bundle.folder))
    for path in before.iterdir():
        assert (small_bundle.folder / path.name).read_bytes() == path.read_bytes()


def test_studies_give_the_ranges_of_int8(small_bundle: Bundle, tmp_path: Path) -> None:
    studies = tmp_path / "studies"
    studies.mkdir()
    given = np.random.default_rng(3).standard_normal((5, 1, 1, 8, 8, 8), np.float32)
    np.save(studies / "pictures.npy", given)
    done = deploy(Wish(small_bundle.folder, calibration=studies, count=4))
    assert "4 pictures" in done.stages[3].sentence
    made = find("small-net")
    assert made.calibration == made.folder / "calibration.npz"
    with np.load(made.calibration) as kept:
        assert kept["input"].shape == (4, 1, 1, 8, 8, 8)
        assert all(any((one == picture).all() for picture in given) for one in kept["input"])
    assert small_bundle.calibration == small_bundle.vector


@pytest.mark.parametrize(
    ("wish", "says"), [({"target": "orin-trt99"}, "orin-trt99"), ({"calibration": Path("/no/studies")}, "nothing at")]
)
def test_what_would_fail_late_fails_first(small_bundle: Bundle, wish: dict[str, Any], says: str) -> None:
    steps: list[Progress] = []
    with pytest.raises(InputRefused, match=says):
        deploy(Wish(small_bundle.folder, **wish), steps.append)
    assert steps == []


def test_a_volume_network_stays_on_the_gpu_with_the_reason(small_bundle: Bundle) -> None:
    done = deploy(Wish(small_bundle.folder, target="orin-trt8.6"))
    assert done.stages[1].sentence.startswith("GPU only")
    assert find("small-net").sha256 == small_bundle.sha256


def test_a_flat_network_is_rewritten_for_the_accelerator(tmp_path: Path) -> None:
    shipped = find("ct-to-mri")
    folder = tmp_path / "gan"
    shutil.copytree(shipped.folder, folder)
    manifest = folder / "manifest.toml"
    manifest.write_text(manifest.read_text().replace('name = "ct-to-mri"', 'name = "gan"'))
    done = deploy(Wish(folder, target="xavier-trt8.5"))
    assert done.stages[2].sentence.count("Fits: all") == 1
    made = find("gan")
    assert made.sha256 != shipped.sha256
    assert made.found_sha256 == made.sha256
