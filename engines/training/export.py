"""From trained weights to a bundle: ONNX, manifest, test vector and card, or nothing at all."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping
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
from inference.whole import whole_folder

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
        example: Real normalised inputs, float32, the first axis counting them; the graph takes one at a time. Several
            give int8 truer ranges.
        card: Text of card.md.

    Raises:
        EngineError: ONNX Runtime does not answer what PyTorch does, within 5e-4 of the output's range.
    """
    with whole_folder(folder) as partial:
        _fill_bundle(network.eval(), manifest, example, card, partial)
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
    _fill(network, manifest, example, card, folder)
    read_task(folder)


def _fill(network: nn.Module, manifest: Mapping[str, Any], example: Floats, card: str, folder: Path) -> None:
    model = manifest["model"]
    file = folder / model["file"]
    example = _coarse(example, INPUT_GRAIN)
    to_onnx(network, example[:1], (model["input"], list(model["outputs"])), file)
    ones = [example[at : at + 1] for at in range(len(example))]
    spoken = [answers(file, one) for one in ones]
    for one, said in zip(ones, spoken, strict=True):
        _require_parity(network, one, said)
    checksum = hashlib.sha256(file.read_bytes()).hexdigest()
    text = toml_text({**manifest, "model": {**model, "sha256": checksum}})
    (folder / "manifest.toml").write_text(text, encoding="utf-8")
    stored = {name: _coarse(_stacked([said[name] for said in spoken]), OUTPUT_GRAIN) for name in spoken[0]}
    arrays: dict[str, Any] = {model["input"]: _stacked(ones), **stored}
    np.savez_compressed(folder / manifest["test_vector"]["file"], **arrays)
    (folder / "card.md").write_text(card, encoding="utf-8")


def _stacked(ones: list[Floats]) -> Floats:
    """One sample as it is; several with one axis more, as `engines.vector` reads them."""
    return ones[0] if len(ones) == 1 else np.stack(ones)


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
