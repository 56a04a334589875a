"""The settings file is read strictly: what it does not know it names."""

from __future__ import annotations

from pathlib import Path

import pytest

from inference import settings
from inference.lanes import LaneSpec

WHOLE = """
[onnxruntime]
providers = ["VitisAIExecutionProvider"]
fallback = true
threads = 3
[onnxruntime.options.VitisAIExecutionProvider]
config_file = "vaip.json"
[openvino]
threads = 2
[openvino.options]
ENABLE_HYPER_THREADING = "NO"
[[lanes]]
name = "cpu0"
cores = [0, 1]
[[lanes]]
name = "gpu"
device = "GPU"
"""


def read(tmp_path: Path, text: str) -> settings.Settings:
    file = tmp_path / "insula.toml"
    file.write_text(text, encoding="utf-8")
    return settings.read({"INSULA_SETTINGS": str(file)})


def test_every_table_is_read(tmp_path: Path) -> None:
    found = read(tmp_path, WHOLE)
    assert found.onnxruntime.providers == ("VitisAIExecutionProvider",)
    assert found.onnxruntime.options == {"VitisAIExecutionProvider": {"config_file": "vaip.json"}}
    assert (found.onnxruntime.fallback, found.onnxruntime.threads) == (True, 3)
    assert (found.openvino.threads, found.openvino.options) == (2, {"ENABLE_HYPER_THREADING": "NO"})
    assert [lane.spec for lane in found.lanes] == [LaneSpec("cpu0", "CPU", frozenset({0, 1})), LaneSpec("gpu", "GPU")]


def test_no_file_means_defaults(tmp_path: Path) -> None:
    assert settings.read({"XDG_CONFIG_HOME": str(tmp_path)}) == settings.Settings()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("colour = 1", "colour"),
        ("[onnxruntime]\nprovider = ['a']", "provider"),
        ("[onnxruntime]\nproviders = 'a'", "providers"),
        ("[onnxruntime]\nfallback = 1", "fallback"),
        ("[onnxruntime.options.A]\nx = 'y'", "names A"),
        ("[onnxruntime]\nproviders = ['A']\n[onnxruntime.options.A]\nx = 1", "options.A.x"),
        ("[openvino]\nthreads = 0", "at least 1"),
        ("[[lanes]]\ncores = [1]", "missing: name"),
        ("[[lanes]]\nname = 'a'\n[[lanes]]\nname = 'a'", "two lanes are called a"),
        ("[[lanes]]\nname = 'a'\ncores = [-1]", "negative core"),
        ("[[lanes]]\nname = 'a'\ntasks = ['t']\n[[lanes]]\nname = 'b'\ntasks = ['t']", "task t is on two lanes"),
        ("[onnxruntime", "cannot be read"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(settings.SettingsInvalid, match=named) as caught:
        read(tmp_path, text)
    assert caught.value.hint == "Correct the settings file."


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(settings.SettingsInvalid, match="no settings file"):
        settings.read({"INSULA_SETTINGS": str(tmp_path / "none.toml")})


@pytest.mark.parametrize(
    ("environment", "platform", "expected"),
    [
        ({"XDG_CONFIG_HOME": "/x"}, "linux", Path("/x/insula/insula.toml")),
        ({"XDG_CONFIG_HOME": "relative"}, "linux", Path.home() / ".config/insula/insula.toml"),
        ({"APPDATA": "/roaming"}, "win32", Path("/roaming/insula/insula.toml")),
        ({"INSULA_SETTINGS": "/own.toml", "APPDATA": "/roaming"}, "win32", Path("/own.toml")),
    ],
)
def test_where_it_lies(environment: dict[str, str], platform: str, expected: Path) -> None:
    assert settings.path(environment, platform) == expected
