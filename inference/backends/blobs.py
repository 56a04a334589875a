"""Engines of OpenVINO kept between starts, whole and sealed, under a key of all they depend on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from inference import cache
from inference.errors import EngineError


def compiled(core: Any, version: str, model: Path, device: str, options: dict[str, Any]) -> Any:
    """A compiled model, from the cache folder where it was made before.

    The key holds the model's digest, the library's version, the processor and every option, so a stale blob is never
    run; a torn one does not fit its seal. Where nothing can be kept the model is compiled as if there were no cache.

    Raises:
        RuntimeError: The library refuses the model.
    """
    made: list[Any] = []

    def write(target: Path) -> None:
        made.append(core.compile_model(str(model), device, options))
        target.write_bytes(made[0].export_model().getvalue())

    try:
        blob = cache.keep(_name(core, version, model, device, options), write)
        return made[0] if made else core.import_model(blob.read_bytes(), device, options)
    except (EngineError, OSError, RuntimeError):
        return made[0] if made else core.compile_model(str(model), device, options)


def _name(core: Any, version: str, model: Path, device: str, options: dict[str, Any]) -> str:
    parts = (cache.sha256(model), version, str(core.get_property(device, "FULL_DEVICE_NAME")), device)
    return f"openvino/{cache.key(*parts, repr(sorted(options.items())))}.blob"
