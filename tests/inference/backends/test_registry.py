from __future__ import annotations

import subprocess
import sys

import pytest

from inference.backends import registry
from inference.backends.base import Support
from inference.errors import BackendMissing, PrecisionAbsent
from inference.result import Precision, PrecisionKind

NATIVE, EMULATED, ABSENT = PrecisionKind.NATIVE, PrecisionKind.EMULATED, PrecisionKind.ABSENT


class Stand:
    """A backend with a table in place of a library."""

    version = "1"

    def __init__(self, name, kinds, broken=False):
        self.name, self._kinds, self._broken = name, kinds, broken

    def why_not(self):
        return None

    def devices(self):
        if self._broken:
            raise BackendMissing("It cannot start.", "Install it again.")
        return tuple(self._kinds)

    def support(self, precision, device):
        return Support(self._kinds.get(device, ABSENT))


@pytest.fixture
def stand(monkeypatch):
    def put(*backends):
        monkeypatch.setattr(registry, "every", lambda: backends)

    return put


def chosen(precision=Precision.FP16, device=None):
    choice = registry.choose(None, precision, device)
    return choice.backend.name, choice.device


def test_the_first_of_equals_wins(stand):
    stand(Stand("a", {"CPU": NATIVE}), Stand("b", {"CPU": NATIVE}))
    assert chosen() == ("a", "CPU")


def test_native_beats_emulated(stand):
    stand(Stand("a", {"CPU": EMULATED}), Stand("b", {"CPU": NATIVE}))
    assert chosen() == ("b", "CPU")


def test_an_accelerator_beats_the_cpu_and_not_nativeness(stand):
    stand(Stand("a", {"CPU": NATIVE}), Stand("b", {"CPU": NATIVE, "GPU": NATIVE}))
    assert chosen() == ("b", "GPU")
    stand(Stand("a", {"CPU": NATIVE}), Stand("b", {"GPU": EMULATED}))
    assert chosen() == ("a", "CPU")


def test_a_device_can_be_asked_for(stand):
    stand(Stand("a", {"CPU": NATIVE, "GPU": NATIVE}))
    assert chosen(device="CPU") == ("a", "CPU")
    with pytest.raises(PrecisionAbsent, match="fp16 on DLA0"):
        chosen(device="DLA0")


def test_offers_name_the_best_device_or_all(stand):
    stand(Stand("a", {"CPU": NATIVE, "GPU": NATIVE, "NPU": ABSENT}), Stand("b", {"CPU": EMULATED}))
    best = {(choice.backend.name, choice.device) for choice, _ in registry.offers()}
    assert best == {("a", "GPU"), ("b", "CPU")}
    every = {(choice.backend.name, choice.device) for choice, _ in registry.offers(every_device=True)}
    assert every == best | {("a", "CPU")}


def test_a_library_that_cannot_start_is_passed_over(stand):
    stand(Stand("a", {"CPU": NATIVE}, broken=True), Stand("b", {"CPU": EMULATED}))
    assert chosen() == ("b", "CPU")


def test_nothing_there(stand):
    stand()
    with pytest.raises(BackendMissing, match="No backend"):
        chosen()


def test_here_openvino_is_first_and_fake_never_comes_by_itself():
    assert [found.name for found in registry.available()] == ["openvino", "onnxruntime"]
    assert registry.choose(None, Precision.FP32).backend.name == "openvino"
    assert registry.choose("fake", Precision.FP32).backend.name == "fake"
    assert "fake" not in {choice.backend.name for choice, _ in registry.offers()}


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.FP16])
def test_fp32_and_fp16_run_on_every_machine(precision):
    choice = registry.choose(None, precision)
    assert choice.support.kind is not ABSENT
    assert choice.why == (
        f"{choice.backend.name} on {choice.device} runs {precision.value} {choice.support.kind.value}"
    )


def test_an_unknown_name_lists_the_known():
    with pytest.raises(BackendMissing) as error:
        registry.choose("abacus", Precision.FP32)
    assert "tensorrt, openvino, onnxruntime, fake" in error.value.hint


def test_a_missing_library_is_refused_by_name(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(BackendMissing, match="cannot be used here"):
        registry.choose("openvino", Precision.FP32)
    assert [found.name for found in registry.available()] == ["onnxruntime"]


def test_asking_who_is_there_imports_no_runtime():
    code = (
        "import sys; from inference.backends import registry; registry.available();"
        "print([name for name in ('openvino', 'onnxruntime', 'onnx') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
