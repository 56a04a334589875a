"""Execution providers by name, with the ones that this build of ONNX Runtime really has and lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from inference.backends import providers, registry
from inference.backends.onnxruntime import OnnxRuntimeBackend, _installed
from inference.errors import PrecisionAbsent
from inference.result import Precision, PrecisionKind
from inference.settings import OnnxRuntimeSettings, SettingsInvalid

AZURE = "AzureExecutionProvider"
VITIS = "VitisAIExecutionProvider"


@pytest.fixture
def wish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A function that makes a text the settings file."""

    def write(text: str) -> None:
        file = tmp_path / "insula.toml"
        file.write_text(text)
        monkeypatch.setenv("INSULA_SETTINGS", str(file))

    return write


def needs(provider: str, there: bool) -> None:
    if (provider in _installed()) is not there:
        pytest.skip(f"another build: {provider}")


def test_a_provider_that_the_build_lacks_is_said(wish, net) -> None:
    needs(VITIS, there=False)
    wish(f'[onnxruntime]\nproviders = ["{VITIS}"]')
    backend = OnnxRuntimeBackend()
    assert "VITISAI" not in backend.devices()
    support = backend.support(Precision.FP32, "VITISAI")
    assert support.kind is PrecisionKind.ABSENT
    assert VITIS in support.note
    assert "CPUExecutionProvider" in support.note
    with pytest.raises(PrecisionAbsent, match=VITIS):
        backend.load(net("flat"), Precision.FP32, "VITISAI")


def test_a_provider_that_takes_no_node_is_refused_with_the_count(wish, net) -> None:
    needs(AZURE, there=True)
    wish(f'[onnxruntime]\nproviders = ["{AZURE}"]\nfallback = true')
    backend = OnnxRuntimeBackend()
    assert backend.devices()[0] == "AZURE"
    with pytest.raises(PrecisionAbsent, match=rf"{AZURE} runs 0 of the model's \d+ nodes") as caught:
        backend.load(net("flat"), Precision.FP32, "AZURE")
    assert caught.value.hint == "Choose the device CPU."


def test_the_cpu_runs_every_node_of_its_own(net) -> None:
    session = OnnxRuntimeBackend()._session(net("flat"), "CPU")
    placed = providers.placement(session)
    assert set(placed) == {providers.CPU}
    assert placed[providers.CPU] >= 4


class Part:
    def __init__(self, name: str, count: int) -> None:
        self.ep_name = name
        self._count = count

    def get_nodes(self) -> list[None]:
        return [None] * self._count


class Split:
    """A session some of whose nodes stay on the CPU, as the library reports it."""

    def __init__(self, own: int, rest: int) -> None:
        self._parts = [(VITIS, own), (providers.CPU, rest)]

    def get_providers(self) -> list[str]:
        return [name for name, _ in self._parts]

    def get_provider_graph_assignment_info(self) -> list[Part]:
        return [Part(name, count) for name, count in self._parts]


def test_nodes_left_to_the_cpu_are_an_error_unless_allowed() -> None:
    with pytest.raises(PrecisionAbsent, match="runs 9 of the model's 12 nodes and leaves 3") as caught:
        providers.require_placed(Split(9, 3), VITIS, fallback=False)
    assert "fallback = true" in caught.value.hint
    assert providers.require_placed(Split(9, 3), VITIS, fallback=True) == {VITIS: 9, providers.CPU: 3}
    assert providers.require_placed(Split(9, 0), VITIS, fallback=False)[VITIS] == 9


@pytest.mark.parametrize(
    ("name", "device"),
    [("CUDAExecutionProvider", "GPU"), ("CPUExecutionProvider", "CPU"), ("CoreMLExecutionProvider", "COREML")],
)
def test_devices_have_short_names(name: str, device: str) -> None:
    assert providers.device_of(name) == device


def test_options_reach_the_provider_and_tf32_stays_off() -> None:
    given = OnnxRuntimeSettings(providers=(VITIS,), options={VITIS: {"config_file": "a"}})
    assert providers.wish(VITIS, given) == [(VITIS, {"config_file": "a"}), providers.CPU]
    assert providers.wish(providers.CUDA, given)[0] == (providers.CUDA, {"use_tf32": "0"})
    assert providers.wish(providers.CPU, given) == [providers.CPU]


def test_wrong_settings_stop_the_choice(wish) -> None:
    wish("[onnxruntime]\nprovider = 1")
    with pytest.raises(SettingsInvalid, match="provider"):
        registry.choose("onnxruntime", Precision.FP32)


def test_threads_come_from_the_settings(wish, net) -> None:
    wish("[onnxruntime]\nthreads = 1\n[openvino]\nthreads = 1")
    options = OnnxRuntimeBackend()._session(net("flat"), "CPU").get_session_options()
    assert options.intra_op_num_threads == 1
    compiled = registry.OpenVinoBackend()._compiled(net("flat"), "CPU", "f32")
    assert compiled.get_property("INFERENCE_NUM_THREADS") == 1
