"""What goes wrong on the road: one sentence, the contract's exit code, nothing half-written."""

from __future__ import annotations

import json
import subprocess
import sys
from math import pi

import pytest

from viewer.cli import main


def ask(capsys, *words: object) -> tuple[int, dict]:
    code = main([*(str(w) for w in words), "--json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_the_good_bundle_finds_the_ball_on_either_backend(capsys, stroke_folder, make_bundle, tmp_path, backend):
    words = ("run", stroke_folder, "--out", tmp_path / "o", "--task", make_bundle("good"))
    code, found = ask(capsys, *words, "--backend", backend, "--precision", "fp32,fp16")
    assert code == 0
    assert [r["precision"] for r in found["results"]] == ["fp32", "fp16"]
    for result in found["results"]:
        (finding,) = result["findings"]
        assert finding["volume_ml"] == pytest.approx(4 / 3 * pi * 1.4**3, rel=0.12)
        assert finding["centroid_lps_mm"] == pytest.approx([-30, 0, 0], abs=2)
        assert finding["side"] == "R"
        assert result["backend"] == backend


@pytest.mark.parametrize(("kind", "says"), [("nan", "not numbers"), ("constant", "one constant")])
@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_broken_numbers_end_with_four_and_no_file(capsys, stroke_folder, make_bundle, tmp_path, kind, says, backend):
    words = ("run", stroke_folder, "--out", tmp_path / "o", "--task", make_bundle(kind), "--backend", backend)
    code, found = ask(capsys, *words)
    assert code == 4
    assert found["results"] == []
    assert says in found["skipped"][0]["reason"]
    assert not (tmp_path / "o").exists()


def test_one_broken_task_does_not_take_the_others_down(capsys, stroke_folder, make_bundle, tmp_path):
    tasks = ("--task", make_bundle("nan"), "--task", make_bundle("good"))
    code, found = ask(capsys, "run", stroke_folder, "--out", tmp_path / "o", *tasks)
    assert code == 4
    assert [r["task"] for r in found["results"]] == ["bright-good"]
    assert [s["task"] for s in found["skipped"]] == ["bright-nan"]


def test_a_damaged_model_is_never_run(capsys, stroke_folder, make_bundle, tmp_path):
    folder = make_bundle("good")
    with (folder / "model.onnx").open("ab") as file:
        file.write(b"\0")
    code, found = ask(capsys, "run", stroke_folder, "--out", tmp_path / "o", "--task", folder)
    assert code == 4
    assert "not the one its manifest names" in found["skipped"][0]["reason"]


@pytest.mark.parametrize("words", [("--backend", "abacus"), ("--backend", "onnxruntime", "--precision", "bf16")])
def test_an_engine_that_is_not_there_says_so(capsys, stroke_folder, make_bundle, tmp_path, words):
    code, found = ask(capsys, "run", stroke_folder, "--out", tmp_path / "o", "--task", make_bundle("good"), *words)
    assert code == 4
    reason = found["error"]["message"] if "error" in found else found["skipped"][0]["reason"]
    assert words[1] in reason


def test_a_file_in_place_of_the_output_folder_is_refused(capsys, stroke_folder, make_bundle, tmp_path):
    (tmp_path / "o").write_text("")
    code, found = ask(capsys, "run", stroke_folder, "--out", tmp_path / "o", "--task", make_bundle("good"))
    assert code == 3
    assert found["error"]["code"] == "export_failed"


def test_two_precisions_compare_as_one(capsys, stroke_folder, make_bundle):
    code, found = ask(capsys, "compare", stroke_folder, "--task", make_bundle("good"), "--precisions", "fp32,fp16")
    assert code == 0
    assert found["dice"] > 0.99
    assert {"a", "b", "voxels_only_a", "voxels_only_b", "volume_ml_a", "volume_ml_b"} <= set(found)
    assert (found["lesions_only_a"], found["lesions_only_b"]) == (0, 0)


SMALL_DISK = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from viewer import headless
from viewer.cli import main
write = headless.write_result
def into_a_full_disk(*words):
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))
    return write(*words)
headless.write_result = into_a_full_disk
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on file size")
def test_a_full_disk_ends_with_three_and_nothing_half_written(stroke_folder, make_bundle, tmp_path):
    words = ["run", str(stroke_folder), "--out", str(tmp_path / "o"), "--task", str(make_bundle("good")), "--json"]
    run = subprocess.run([sys.executable, "-c", SMALL_DISK, *words], capture_output=True, text=True, timeout=120)
    assert run.returncode == 3, run.stderr
    assert json.loads(run.stdout)["error"]["code"] == "export_failed"
    assert list((tmp_path / "o").iterdir()) == []


INTERRUPTED = """
import os, signal, sys
from inference.host.client import EngineHost
from viewer.cli import main
original = EngineHost.run
def pressing(host, order, volumes, progress, cancelled):
    def press(step):
        if step.stage == "tiles":
            os.kill(os.getpid(), signal.SIGINT)
        progress(step)
    return original(host, order, volumes, press, cancelled)
EngineHost.run = pressing
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_ctrl_c_during_a_job_ends_with_five(stroke_folder, make_bundle, tmp_path):
    words = ["run", str(stroke_folder), "--out", str(tmp_path / "o"), "--task", str(make_bundle("good")), "--json"]
    run = subprocess.run([sys.executable, "-c", INTERRUPTED, *words], capture_output=True, text=True, timeout=120)
    assert run.returncode == 5, run.stderr
    assert json.loads(run.stdout)["error"]["code"] == "cancelled"
    assert not (tmp_path / "o").exists()
