"""What a user of a Jetson sees: the doctor's lines, and the self-test of the bundles that Insula ships."""

from __future__ import annotations

import json

import pytest
from standin.world import DESKTOP, World

from inference.backends import registry
from inference.backends.base import Backend
from inference.backends.tensorrt.backend import TensorRtBackend
from inference.result import Precision
from viewer import doctor
from viewer.scene import opengl

FP16 = Precision.FP16


@pytest.fixture
def alone(monkeypatch):
    """Only this backend, and no look at the screen."""
    monkeypatch.setattr(registry, "every", lambda: (TensorRtBackend(),))
    monkeypatch.setattr(doctor, "probe", opengl.OpenGL)


def test_it_is_a_backend():
    offered: Backend = TensorRtBackend()
    assert offered.name == registry.Known.TENSORRT.value
    assert next(iter(registry.Known)) is registry.Known.TENSORRT


def test_the_doctor_names_devices_and_precisions(install, alone):
    install("10.3.0", World(dla_cores=2))
    found = doctor.report()
    row = found["backends"][0]
    assert (row["name"], row["version"], row["why_not"]) == ("tensorrt", "10.3.0", None)
    assert row["hardware"] == [
        "GPU: Orin, compute capability 8.7, 30 GiB shared with the processor",
        "DLA cores: 2, with 16 loadables each",
    ]
    assert set(row["devices"]) == {"GPU", "DLA0", "DLA1"}
    assert row["devices"]["DLA0"]["fp32"]["kind"] == "absent"
    assert row["devices"]["DLA0"]["int8"]["kind"] == "native"
    text = doctor.text(found)
    assert "Backend    tensorrt 10.3.0" in text
    assert "GPU: Orin, compute capability 8.7" in text
    assert "DLA1  fp16  native" in text
    json.dumps(found)


def test_an_accelerator_is_chosen_before_the_processor(install):
    install("10.7.0", World(cards=[DESKTOP], dla_cores=0))
    choice = registry.choose(None, FP16)
    assert (choice.backend.name, choice.device) == ("tensorrt", "GPU")
    assert registry.choose(None, FP16, "CPU").backend.name != "tensorrt"


@pytest.mark.slow
def test_the_self_test_runs_every_bundle_on_every_device(install, alone):
    install("10.3.0", World(dla_cores=1))
    found = doctor.report(selftest=True)
    rows = {(row["task"], row["device"], row["precision"]): row for row in found["selftest"]}
    tasks = {task for task, _, _ in rows}
    assert len(tasks) == len(found["bundles"]) >= 3
    assert {(device, precision) for _, device, precision in rows} == {
        *(("GPU", precision.value) for precision in Precision),
        *(("DLA0", precision) for precision in ("fp16", "int8")),
    }
    wrong = {key: row["sentence"] for key, row in rows.items() if not row["passed"] and not row["refused"]}
    assert wrong == {}
    refused = {key: row["sentence"] for key, row in rows.items() if row["refused"]}
    assert {device for _, device, _ in refused} == {"DLA0"}
    assert {task for task, _, _ in refused} == {
        "blood-cells",
        "organs",
        "prostate-zones",
        "stroke-lesion",
        "tumour-regions",
    }
    assert all("DLA" in sentence for sentence in refused.values())
    text = doctor.text(found)
    assert "none stroke-lesion" in text
    assert "tensorrt DLA0 fp16" in text
