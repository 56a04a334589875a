"""MONAI bundles as projects publish them: metadata.json, inference.json and weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

ROI = (16, 16, 8)


class Bright(nn.Module):
    """Says that what is above a half is a lesion, smoothed a little so that windows' borders matter."""

    def __init__(self, channels: int = 1, heads: int = 2) -> None:
        super().__init__()
        self.heads = heads
        self.smooth = nn.Conv3d(channels, 1, 3, padding=1, bias=False)
        nn.init.constant_(self.smooth.weight, 1.0 / (27 * channels))

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        field = 8 * (self.smooth(picture) - 0.5)
        return torch.cat([-field, field], dim=1) if self.heads == 2 else field


PREPROCESSING: list[dict[str, Any]] = [
    {"_target_": "LoadImaged", "keys": "image"},
    {"_target_": "EnsureChannelFirstd", "keys": "image"},
    {"_target_": "Orientationd", "keys": "image", "axcodes": "RAS"},
    {"_target_": "Spacingd", "keys": "image", "pixdim": "@pixdim", "mode": "bilinear"},
    {
        "_target_": "ScaleIntensityRanged", "keys": "image",
        "a_min": -57, "a_max": 164, "b_min": 0, "b_max": 1, "clip": True,
    },
    {"_target_": "EnsureTyped", "keys": "image", "device": "@device"},
]  # fmt: skip
POSTPROCESSING: list[dict[str, Any]] = [
    {"_target_": "Activationsd", "keys": "pred", "softmax": True},
    {
        "_target_": "Invertd", "keys": "pred", "transform": "@preprocessing", "orig_keys": "image",
        "nearest_interp": False, "to_tensor": True,
    },
    {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
]  # fmt: skip
SAVE = {"_target_": "SaveImaged", "keys": "pred", "output_dir": "$@bundle_root + '/eval'"}
INFERER = {"_target_": "SlidingWindowInferer", "roi_size": list(ROI), "sw_batch_size": 4, "overlap": 0.5}
UNET = {
    "_target_": "UNet", "spatial_dims": 3, "in_channels": 1, "out_channels": 2,
    "channels": [4, 8, 16], "strides": [2, 2], "num_res_units": 1, "norm": "batch",
}  # fmt: skip


def metadata(channels: Mapping[str, str], labels: Mapping[str, str], modality: str) -> dict[str, Any]:
    """Content of metadata.json."""
    return {
        "schema": "meta_schema_20220324",
        "version": "0.5.4",
        "monai_version": "1.4.0",
        "name": "Bright blobs",
        "copyright": "Nobody",
        "network_data_format": {
            "inputs": {"image": {"type": "image", "modality": modality, "num_channels": len(channels),
                                 "spatial_shape": list(ROI), "dtype": "float32", "channel_def": dict(channels)}},
            "outputs": {"pred": {"type": "image", "num_channels": len(labels), "spatial_shape": list(ROI),
                                 "channel_def": dict(labels)}},
        },
    }  # fmt: skip


def inference(**own: Any) -> dict[str, Any]:
    """Content of inference.json; arguments replace whole parts of it."""
    parts = {
        "imports": ["$import glob"],
        "bundle_root": ".",
        "device": "$torch.device('cpu')",
        "pixdim": [1.5, 1.5, 2.0],
        "network_def": UNET,
        "network": "$@network_def.to(@device)",
        "inferer": INFERER,
        "evaluator": {"_target_": "SupervisedEvaluator", "device": "@device"},
        "run": ["$@evaluator.run()"],
        **own,
    }
    before, after = parts.pop("before", PREPROCESSING), parts.pop("after", [*POSTPROCESSING, SAVE])
    return {
        **parts,
        "preprocessing": {"_target_": "Compose", "transforms": before},
        "postprocessing": {"_target_": "Compose", "transforms": after},
    }


def write(
    folder: Path,
    script: nn.Module | None = None,
    state: nn.Module | None = None,
    channels: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    modality: str = "CT",
    **own: Any,
) -> Path:
    """A bundle's folder with TorchScript of a network, a state dict, or both."""
    for name in ("configs", "models"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    found = metadata(channels or {"0": "image"}, labels or {"0": "background", "1": "blob"}, modality)
    (folder / "configs" / "metadata.json").write_text(json.dumps(found))
    (folder / "configs" / "inference.json").write_text(json.dumps(inference(**own)))
    if script is not None:
        torch.jit.save(torch.jit.script(script.eval()), str(folder / "models" / "model.ts"))
    if state is not None:
        torch.save(state.state_dict(), folder / "models" / "model.pt")
    return folder
