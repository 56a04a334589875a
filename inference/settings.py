"""What a person may set: `insula.toml` in the configuration folder, read strictly.

Example::

    [onnxruntime]
    providers = ["VitisAIExecutionProvider"]
    fallback = false
    [onnxruntime.options.VitisAIExecutionProvider]
    config_file = "/opt/vitis/vaip_config.json"

    [openvino]
    threads = 4
    [openvino.options]
    ENABLE_CPU_PINNING = "YES"

    [[lanes]]
    name = "dla0"
    device = "DLA0"
    tasks = ["ct-to-mri"]
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inference.errors import InputRefused, ManifestInvalid
from inference.lanes import LaneSpec
from inference.table import build

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = "insula.toml"
Options = dict[str, str]


class SettingsInvalid(InputRefused):
    """The settings file has unknown or wrong fields, or cannot be read."""

    code = "settings_invalid"


@dataclass(frozen=True, slots=True)
class OnnxRuntimeSettings:
    """Table `[onnxruntime]`.

    Attributes:
        providers: Execution providers beside the CPU's, best first, by ONNX Runtime's names.
        options: Provider -> its options, as text.
        fallback: Whether a provider may leave nodes to the CPU; else such a model is refused with the count.
        threads: CPU threads of one engine; None leaves it to the library.
    """

    providers: tuple[str, ...] = ()
    options: dict[str, Options] = field(default_factory=dict)
    fallback: bool = False
    threads: int | None = None


@dataclass(frozen=True, slots=True)
class OpenVinoSettings:
    """Table `[openvino]`: threads as above; options are OpenVINO's properties and win over Insula's own."""

    options: Options = field(default_factory=dict)
    threads: int | None = None


@dataclass(frozen=True, slots=True)
class LaneSettings:
    """One of `[[lanes]]`. Lanes work at the same time, each its own jobs one after the other.

    Attributes:
        name: Row on the timeline.
        device: As a backend takes it; a task that no lane names runs on the first lane of its device.
        cores: Processor cores; empty: all.
        tasks: Tasks that run here, in the precisions that the device has.
    """

    name: str
    device: str = "CPU"
    cores: tuple[int, ...] = ()
    tasks: tuple[str, ...] = ()

    @property
    def spec(self) -> LaneSpec:
        return LaneSpec(self.name, self.device, frozenset(self.cores))


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole file; every part may be left out."""

    onnxruntime: OnnxRuntimeSettings = field(default_factory=OnnxRuntimeSettings)
    openvino: OpenVinoSettings = field(default_factory=OpenVinoSettings)
    lanes: tuple[LaneSettings, ...] = ()


def path(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """The settings file; it may not exist.

    `INSULA_SETTINGS` names it. Else it is `insula/insula.toml` in `APPDATA` on Windows, elsewhere in `XDG_CONFIG_HOME`
    when absolute (XDG Base Directory Specification), or `~/.config`.
    """
    named = environment.get("INSULA_SETTINGS")
    if named:
        return Path(named).expanduser()
    if platform == "win32":
        return Path(environment.get("APPDATA") or Path.home() / "AppData" / "Roaming") / "insula" / FILE
    xdg = Path(environment.get("XDG_CONFIG_HOME", ""))
    return (xdg if xdg.is_absolute() else Path.home() / ".config") / "insula" / FILE


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings; the defaults where there is no file.

    Raises:
        SettingsInvalid: The file cannot be read, was named and is not there, or has unknown or wrong fields.
    """
    file = path(environment)
    table = _table(file, named="INSULA_SETTINGS" in environment)
    try:
        settings = build(Settings, table, str(file))
    except ManifestInvalid as error:
        raise SettingsInvalid(error.message, "Correct the settings file.") from error
    _check(settings, file)
    return settings


def _table(file: Path, named: bool) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        if named:
            raise SettingsInvalid(f"There is no settings file {file}.", "Correct INSULA_SETTINGS.") from error
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SettingsInvalid(f"{file} cannot be read: {error}.", "Correct the settings file.") from error


def _check(settings: Settings, file: Path) -> None:
    """Rules that hold between fields."""
    threads = (settings.onnxruntime.threads, settings.openvino.threads)
    names = [lane.name for lane in settings.lanes]
    tasks = [task for lane in settings.lanes for task in lane.tasks]
    unnamed = sorted(set(settings.onnxruntime.options) - set(settings.onnxruntime.providers))
    wrong = [
        *[f"onnxruntime.options names {name}, which onnxruntime.providers does not" for name in unnamed],
        *["threads must be at least 1" for count in threads if count is not None and count < 1],
        *[f"two lanes are called {name}" for name in sorted({name for name in names if names.count(name) > 1})],
        *[f"the task {task} is on two lanes" for task in sorted({task for task in tasks if tasks.count(task) > 1})],
        *[f"lane {lane.name} has a negative core" for lane in settings.lanes if min(lane.cores, default=0) < 0],
    ]
    if wrong:
        raise SettingsInvalid(f"{file}: {'; '.join(wrong)}.", "Correct the settings file.")
