"""Installed bundles stand beside the shipped ones, and a damaged one harms none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engines import installed, library
from engines.library import PROOF, Bundle, require_precision
from inference.errors import EngineError, InputRefused, PrecisionAbsent
from inference.result import Precision


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INSULA_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def names() -> list[str]:
    return [bundle.task.name for bundle in library.bundles()]


def test_an_installed_bundle_is_found_by_name_and_goes_again(small_bundle: Bundle, models: Path) -> None:
    before = names()
    (small_bundle.folder / ".draft").write_text("not the bundle's")
    made = installed.install(small_bundle.folder)
    assert names() == [*before, "small-net"]
    assert library.find("small-net").folder == models / "small-net" == made.folder
    assert sorted(p.name for p in made.folder.iterdir()) == ["manifest.toml", "model.onnx", "vector.npz"]
    installed.install(small_bundle.folder)
    installed.install(made.folder)
    assert names() == [*before, "small-net"]
    assert installed.remove("small-net") == models / "small-net"
    assert names() == before
    assert list(models.iterdir()) == []


def test_a_shipped_name_is_not_taken_over(small_bundle: Bundle, models: Path) -> None:
    manifest = small_bundle.folder / "manifest.toml"
    manifest.write_text(manifest.read_text().replace('"small-net"', '"ct-to-mri"'))
    with pytest.raises(InputRefused, match="ships a task called ct-to-mri"):
        installed.install(small_bundle.folder)
    assert not models.exists()


def test_a_changed_model_is_not_installed(small_bundle: Bundle, models: Path) -> None:
    small_bundle.model.write_bytes(small_bundle.model.read_bytes() + b"\0")
    with pytest.raises(EngineError, match="not the one its manifest names"):
        installed.install(small_bundle.folder)
    assert not models.exists()


def test_a_damaged_installed_bundle_is_named_and_the_others_stay(small_bundle: Bundle, models: Path) -> None:
    before = names()
    installed.install(small_bundle.folder)
    (models / "small-net" / "manifest.toml").write_text("schema = 1\nname = 3")
    assert names() == before
    (said,) = library.damage()
    assert "manifest.toml" in said


@pytest.mark.parametrize("name", ["none", "../small-net", "", "ct-to-mri"])
def test_only_what_is_installed_is_removed(name: str, small_bundle: Bundle) -> None:
    with pytest.raises(InputRefused, match="no installed task"):
        installed.remove(name)
    assert small_bundle.folder.is_dir()


def test_a_precision_that_failed_its_test_is_refused(small_bundle: Bundle) -> None:
    require_precision(small_bundle, Precision.INT8)
    (small_bundle.folder / PROOF).write_text(json.dumps({"refused": {"int8": "openvino: differs by 1"}}))
    proved = Bundle(small_bundle.task)
    require_precision(proved, Precision.FP32)
    with pytest.raises(PrecisionAbsent, match=r"small-net failed its test in int8 .*differs by 1"):
        require_precision(proved, Precision.INT8)


@pytest.mark.parametrize(
    ("environment", "platform", "expected"),
    [
        ({"INSULA_MODELS": "/m"}, "linux", Path("/m")),
        ({"XDG_DATA_HOME": "/d"}, "linux", Path("/d/insula/models")),
        ({"XDG_DATA_HOME": "d"}, "linux", Path.home() / ".local/share/insula/models"),
        ({"LOCALAPPDATA": "/l"}, "win32", Path("/l/insula/models")),
        ({}, "darwin", Path.home() / "Library/Application Support/insula/models"),
    ],
)
def test_where_they_lie(environment: dict[str, str], platform: str, expected: Path) -> None:
    assert library.models_folder(environment, platform) == expected
