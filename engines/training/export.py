"""From trained weights to a bundle: ONNX, manifest, test vector and card, or nothing at all."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import warnings
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import nn

from engines.training.toml_text import toml_text
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.errors import EngineError
from inference.result import Precision
from inference.task import read_task
from inference.volume import Floats

OPSET = 17
PARITY = 5e-4
"""Largest difference allowed, as a share of the output's range. Instance norm sums the 262,144 voxels of a tile; a
runtime that adds them one by one in single precision is off by 1e-4 after 18 of them. Others stay below 1e-5."""

INPUT_GRAIN = 2.0**-8
OUTPUT_GRAIN = 2.0**-11
"""Stored numbers are multiples of these, so that they compress; the input is one before the network sees it."""


def export_bundle(network: nn.Module, manifest: Mapping[str, Any], example: Floats, card: str, folder: Path) -> Path:
    """Write the bundle `folder`, replacing an older one only when the new one is whole and checked.

    Args:
        network: What to ship.
        manifest: Without the model's checksum.
        example: A real normalised input with its batch axis, float32.
        card: Text of card.md.

    Raises:
        EngineError: ONNX Runtime does not answer what PyTorch does, within 5e-4 of the output's range.
    """
    return _whole(folder, lambda partial: _fill_bundle(network.eval(), manifest, example, card, partial))


def export_network(network: nn.Module, manifest: Mapping[str, Any], example: Floats, card: str, folder: Path) -> Path:
    """Write what no task of the viewer can run yet: the same files as a bundle, described by network.toml.

    Raises:
        EngineError: ONNX Runtime does not answer what PyTorch does.
    """
    return _whole(folder, lambda partial: _fill(network.eval(), manifest, example, card, partial, "network.toml"))


def _whole(folder: Path, fill: Callable[[Path], None]) -> Path:
    """Fill a folder beside the final one and put it in its place once it is whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        fill(partial)
        partial.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        partial.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def to_onnx(network: nn.Module, example: Floats, names: tuple[str, list[str]], file: Path) -> None:
    """Write a static fp32 ONNX graph of one picture or tile, checked by ONNX's own checker."""
    plain = network.to(memory_format=torch.contiguous_format)
    with warnings.catch_warnings():
        # The tracing exporter is deprecated, but it alone folds batch norm and leaves no helper functions behind.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            plain,
            (torch.from_numpy(example),),
            str(file),
            input_names=[names[0]],
            output_names=names[1],
            opset_version=OPSET,
            dynamo=False,
        )
    onnx.checker.check_model(str(file), full_check=True)


def answers(file: Path, example: Floats) -> dict[str, Floats]:
    """What ONNX Runtime says to one input, by output name."""
    engine = OnnxRuntimeBackend().load(file, Precision.FP32, "CPU")
    with closing(engine):
        return engine.infer({engine.inputs[0].name: example})


def _fill_bundle(network: nn.Module, manifest: Mapping[str, Any], example: Floats, card: str, folder: Path) -> None:
    _fill(network, manifest, example, card, folder, "manifest.toml")
    read_task(folder)


def _fill(
    network: nn.Module, manifest: Mapping[str, Any], example: Floats, card: str, folder: Path, described: str
) -> None:
    model = manifest["model"]
    file = folder / model["file"]
    example = _coarse(example, INPUT_GRAIN)
    to_onnx(network, example, (model["input"], list(model["outputs"])), file)
    spoken = answers(file, example)
    _require_parity(network, example, spoken)
    checksum = hashlib.sha256(file.read_bytes()).hexdigest()
    text = toml_text({**manifest, "model": {**model, "sha256": checksum}})
    (folder / described).write_text(text, encoding="utf-8")
    stored = {name: _coarse(value, OUTPUT_GRAIN) for name, value in spoken.items()}
    arrays: dict[str, Any] = {model["input"]: example, **stored}
    np.savez_compressed(folder / manifest["test_vector"]["file"], **arrays)
    (folder / "card.md").write_text(card, encoding="utf-8")


def _coarse(values: Floats, grain: float) -> Floats:
    return np.asarray(np.round(values / grain) * grain, dtype=np.float32)


def _require_parity(network: nn.Module, example: Floats, spoken: Mapping[str, Floats]) -> None:
    with torch.no_grad():
        said = network(torch.from_numpy(example))
    parts = said if isinstance(said, tuple) else (said,)
    for (name, found), expected in zip(spoken.items(), (p.numpy() for p in parts), strict=True):
        scale = max(float(np.ptp(expected)), 1e-6)
        error = float(np.abs(found - expected).max()) / scale
        if not error <= PARITY:
            raise EngineError(f"The exported model differs from the trained one ({name}: {error:.1e}).", "Train again.")
