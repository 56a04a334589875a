from __future__ import annotations

import json
import sys

import pytest

from inference import cache
from inference.backends import onnxruntime, openvino
from inference.errors import ManifestInvalid
from viewer import doctor
from viewer.dicom import codecs
from viewer.scene import opengl


@pytest.fixture(scope="module")
def found():
    return doctor.report()


def test_the_report_is_json(found):
    written = json.dumps(found, allow_nan=False)
    assert json.dumps(json.loads(written)) == written


def test_each_backend_has_a_kind_for_every_precision(found):
    backends = {offered["name"]: offered for offered in found["backends"]}
    assert set(backends) == {"tensorrt", "openvino", "onnxruntime"}
    assert "not installed" in backends.pop("tensorrt")["why_not"]
    for offered in backends.values():
        table = offered["devices"]["CPU"]
        assert set(table) == {"fp32", "bf16", "fp16", "int8"}
        assert table["fp32"]["kind"] == "native"
        assert table["fp16"]["kind"] in ("native", "emulated")
        assert all(support["note"] for support in table.values() if support["kind"] != "native")


def test_a_hidden_library_is_said(monkeypatch):
    openvino._core.cache_clear()
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.setattr(doctor, "probe", opengl.OpenGL)
    found = doctor.report()
    monkeypatch.undo()
    offered = next(each for each in found["backends"] if each["name"] == "openvino")
    assert offered["devices"] == {}
    assert "pip install openvino" in offered["why_not"]
    assert "OpenVINO is not installed" in doctor.text(found)


def test_a_library_that_cannot_start_is_said(monkeypatch):
    def broken(name):
        raise OSError("libsomething.so: cannot open shared object file")

    onnxruntime._library.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(onnxruntime.importlib, "import_module", broken)
        row = doctor._backend(onnxruntime.OnnxRuntimeBackend())
    assert row["version"] is None
    assert "cannot start" in row["why_not"]


def test_the_codecs_of_the_declared_dependencies_are_there(found):
    read = {codec["name"]: codec for codec in found["codecs"]}
    assert len(read) == len(codecs.SYNTAXES)
    assert [name for name, codec in read.items() if not codec["decodes"]] == []
    assert read["Explicit VR Little Endian"]["by"] == ()
    assert "pyjpegls" in read["JPEG-LS Lossless Image Compression"]["by"]


def test_opengl_names_its_renderer(found):
    assert found["opengl"]["problem"] == ""
    assert found["opengl"]["renderer"]
    assert found["opengl"]["version"][0].isdigit()


def test_a_crashing_driver_does_not_take_the_doctor_down(monkeypatch, tmp_path):
    crash = tmp_path / "python"
    crash.write_text("#!/bin/sh\nkill -SEGV $$\n")
    crash.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(crash))
    assert "exit status -11" in opengl.probe().problem
    crash.write_text("#!/bin/sh\nexec sleep 60\n")
    assert "did not answer" in opengl.probe(timeout_s=0.2).problem


def test_the_cache_is_measured(tmp_path, monkeypatch):
    monkeypatch.setenv("INSULA_CACHE", str(tmp_path / "not" / "yet"))
    assert doctor._cache()["used_mb"] == 0
    assert doctor._cache()["free_gb"] > 0
    cache.keep("thing.bin", lambda path: path.write_bytes(bytes(2_000_000)))
    assert doctor._cache()["used_mb"] == 2.0


def test_a_damaged_bundle_is_a_problem_and_no_crash(monkeypatch):
    def damaged():
        raise ManifestInvalid("A manifest is wrong.", "Repair it.")

    monkeypatch.setattr(doctor, "bundles", damaged)
    monkeypatch.setattr(doctor, "probe", opengl.OpenGL)
    found = doctor.report(selftest=True)
    assert found["problems"] == ["A manifest is wrong. Repair it."]
    assert found["selftest"] == []
    assert "A manifest is wrong." in doctor.text(found)


def test_the_text_says_what_the_report_holds(found):
    lines = doctor.text(found)
    assert found["machine"]["cpu"] in lines
    assert found["opengl"]["renderer"] in lines
    assert found["cache"]["folder"] in lines
    for offered in found["backends"]:
        assert f"{offered['name']} {offered['version']}" in lines or f"{offered['name']}: {offered['why_not']}" in lines
    for bundle in found["bundles"]:
        assert bundle["task"] in lines


def test_check_lines_tell_good_from_bad():
    check = {"task": "t", "backend": "b", "device": "GPU", "precision": "fp16", "precision_kind": "native"}
    check |= {"sentence": "differs", "passed": True, "refused": False}
    assert doctor._check_line(check).split() == ["ok", "t", "b", "GPU", "fp16", "native", "differs"]
    assert doctor._check_line({**check, "passed": False}).split()[0] == "FAIL"
    assert doctor._check_line({**check, "passed": False, "refused": True}).split()[0] == "none"
