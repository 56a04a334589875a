"""What the settings wish and the machine lacks is said before it fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from viewer import doctor_settings

SETTINGS = """
[onnxruntime]
providers = ["VitisAIExecutionProvider"]
[[lanes]]
name = "dla"
device = "DLA0"
tasks = ["ct-to-mri", "ct-to-pet"]
[[lanes]]
name = "far"
cores = [0, 4095]
"""


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "insula.toml"
    monkeypatch.setenv("INSULA_SETTINGS", str(file))
    return file


def test_each_wish_that_the_machine_cannot_follow_is_named(written: Path) -> None:
    written.write_text(SETTINGS)
    found = doctor_settings.facts({"CPU"}, ["ct-to-mri"])
    assert [lane["name"] for lane in found["lanes"]] == ["dla", "far"]
    said = "\n".join(found["problems"])
    for words in ("VitisAIExecutionProvider", "wants the device DLA0; here there is CPU", "ct-to-pet", "core 4095"):
        assert words in said
    assert len(found["problems"]) == 4
    assert sum("PROBLEM" in line for line in doctor_settings.lines(found)) == 4


def test_what_the_machine_has_is_no_problem(written: Path) -> None:
    written.write_text("[[lanes]]\nname = 'a'\ncores = [0]\ntasks = ['t']")
    found = doctor_settings.facts({"CPU"}, ["t"])
    assert (found["present"], found["problems"]) == (True, [])
    assert "lane a: CPU, cores 0; t" in "\n".join(doctor_settings.lines(found))


def test_a_damaged_file_is_a_problem_and_no_crash(written: Path) -> None:
    written.write_text("[[lanes]")
    (problem,) = doctor_settings.facts({"CPU"}, [])["problems"]
    assert "cannot be read" in problem
