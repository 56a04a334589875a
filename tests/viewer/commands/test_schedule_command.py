"""`insula engines schedule`: published numbers, other inputs, words that are wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inference.schedule.profile import Layer, Profile, write
from viewer.cli import main

PUBLISHED = Path(__file__).resolve().parents[4] / "shared" / "design" / "profiles"


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """Two models whose halves swap without idle time: 4 ms on each device."""

    def layer(name: str, gpu: float, dla: float) -> Layer:
        same = {"gpu": 0.1, "dla": 0.1}
        return Layer(name, {"gpu": gpu, "dla": dla}, same, {"gpu": 60.0, "dla": 40.0}, {"gpu": True, "dla": True})

    gan = Profile("gan", ("gpu", "dla"), (layer("down", 4, 2), layer("up", 2, 5)))
    detector = Profile("detector", ("gpu", "dla"), (layer("stem", 2, 6), layer("head", 5, 2)))
    paths = [write(p, tmp_path / f"{p.model}.json") for p in (gan, detector)]
    return str(paths[0]), str(paths[1])


def answer(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict:  # type: ignore[type-arg]
    assert main(["engines", "schedule", *words, "--json"]) == code
    document: dict = json.loads(capsys.readouterr().out)  # type: ignore[type-arg]
    return document


def test_the_published_optimum_through_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    pair = [PUBLISHED / f"{name}-xavier.json" for name in ("googlenet", "alexnet")]
    if not all(path.exists() for path in pair):
        pytest.skip("published profiles not here")
    found = answer(capsys, "--profile", str(pair[0]), "--profile", str(pair[1]), "--objective", "makespan")
    assert found["makespan_ms"] == 2.52
    assert found["optimal"] is True
    assert found["baselines"]["gpu_only_ms"] == 3.51
    assert found["baselines"]["naive_split_ms"] == 3.84
    assert found["cuts"] == [
        {
            "model": "googlenet",
            "segments": [{"device": "gpu", "first": 0, "last": 5}, {"device": "dla", "first": 6, "last": 9}],
        },
        {
            "model": "alexnet",
            "segments": [{"device": "dla", "first": 0, "last": 2}, {"device": "gpu", "first": 3, "last": 7}],
        },
    ]


def test_every_promised_field_is_there(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "--profile", files[0], "--profile", files[1])
    assert found["objective"] == "period"
    assert found["period_ms"] == 4
    assert found["makespan_ms"] == pytest.approx(4.1)
    assert found["lower_bound_ms"] <= 4
    assert found["optimal"] is True
    assert found["baselines"]["gpu_only_ms"] == 13
    assert found["baselines"]["gpu_two_streams_ms"] == 13
    assert found["baselines"]["naive_split_ms"] == 7
    assert found["baselines"]["naive_split"] == ["dla", "gpu"]
    assert found["idle_percent"] == {"gpu": 0, "dla": 0}
    assert found["loadables"] == {"dla": 2}


def test_more_models_and_cores_go_to_the_solver(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    words = [word for path in (files[0], files[1], files[0]) for word in ("--profile", path)]
    found = answer(capsys, *words, "--dla-cores", "2", "--max-cuts", "1")
    assert found["method"] == "CP-SAT"
    assert found["optimal"] is True
    assert {s["device"] for cut in found["cuts"] for s in cut["segments"]} <= {"gpu", "dla0", "dla1"}


def test_people_get_a_table_and_a_picture(
    files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    png = tmp_path / "plan.png"
    assert main(["engines", "schedule", "--profile", files[0], "--profile", files[1], "--png", str(png)]) == 0
    said = capsys.readouterr().out
    for words in ("Period 4.000 ms", "dla 0  ->  gpu 1", "GPU only", "naive split", "Proven optimal", "fair share"):
        assert words in said
    picture = np.asarray(Image.open(png))
    assert picture.shape[1] == 1600
    assert len(np.unique(picture.reshape(-1, picture.shape[2]), axis=0)) > 50


def test_a_contention_table_slows_the_plan(
    files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "table.csv"
    rows = "".join(f"{d},{a},{b},{1 + 0.3 * (b > 0)}\n" for d in ("gpu", "dla") for a in (0, 100) for b in (0, 30))
    table.write_text("device,own_gbps,other_gbps,slowdown\n" + rows)
    found = answer(capsys, "--profile", files[0], "--profile", files[1], "--contention", str(table))
    assert found["contention_free_bound_ms"] == 4
    assert found["period_ms"] == pytest.approx(5.2, rel=0.02)
    assert found["gap_percent"] == pytest.approx(30, abs=2)


def test_trtexec_files_are_profiles_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def exported(name: str, *layers: tuple[str, float]) -> str:
        entries = [{"name": n, "timeMs": ms, "averageMs": ms, "percentage": 50.0} for n, ms in layers]
        (tmp_path / name).write_text(json.dumps([{"count": 1}, *entries]))
        return str(tmp_path / name)

    gpu = exported("gpu.json", ("a", 1.0), ("b", 2.0))
    dla = exported("dla.json", ("{ForeignNode[a...b]}", 2.5))
    found = answer(capsys, "--trtexec", f"net:gpu={gpu},dla={dla}")
    assert found["period_ms"] == 2.5
    assert found["cuts"] == [{"model": "net", "segments": [{"device": "dla", "first": 0, "last": 0}]}]


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ([], 2, "No profile was given"),
        (["--profile", "{a}", "--objective", "beauty"], 2, "is no objective"),
        (["--profile", "{a}", "--max-cuts", "-1"], 2, "must not be negative"),
        (["--profile", "{a}", "--dla-cores", "0"], 2, "must not be negative"),
        (["--profile", "gone.json"], 3, "cannot be read"),
        (["--profile", "{a}", "--contention", "gone.csv"], 3, "cannot be read"),
    ],
)
def test_wrong_words_and_files_end_with_a_sentence(
    words: list[str], code: int, sentence: str, files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    found = answer(capsys, *(word.format(a=files[0]) for word in words), code=code)
    assert sentence in found["error"]["message"]
    assert found["error"]["hint"]


def test_a_picture_that_cannot_be_written_is_said(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "--profile", files[0], "--png", "/dev/null/plan.png", code=3)
    assert found["error"]["code"] == "export_failed"
