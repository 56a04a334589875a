"""nnU-Net itself, as the yardstick: makes a trained-model folder with nnU-Net's own code and predicts with it.

Needs the development dependency `nnunetv2`. As a program it runs in a process of its own, so that its memory can be
measured.
"""

from __future__ import annotations

import argparse
import importlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import ndimage
from torch import nn

from engines.importers.nnunet_recipe import Recipe, dataset, plans
from engines.volume_case import peak_mb
from engines.volume_yardstick import RECIPE
from inference.nnunet.plan import Spacing
from inference.volume import Floats, Labels


def network(recipe: Recipe, seed: int) -> nn.Module:
    """The network that nnU-Net builds for the recipe, with its own random weights."""
    torch.manual_seed(seed)
    managers = importlib.import_module("nnunetv2.utilities.plans_handling.plans_handler")
    trainer = importlib.import_module("nnunetv2.training.nnUNetTrainer.nnUNetTrainer").nnUNetTrainer
    manager = managers.PlansManager(plans(recipe))
    configuration = manager.get_configuration(recipe.configuration)
    heads = manager.get_label_manager(dataset(recipe)).num_segmentation_heads
    built: nn.Module = trainer.build_network_architecture(
        manager, configuration, len(recipe.channels), heads, enable_deep_supervision=False
    )
    return built


def train_briefly(net: nn.Module, samples: Iterable[tuple[Floats, Labels]], steps: int, regions: bool = False) -> None:
    """A few steps of Adam on (picture [c, *patch], target) pairs, in turn, every other one mirrored.

    The target is [*patch] of label numbers, or [head, *patch] of zeros and ones for regions.
    """
    pairs = [(torch.from_numpy(picture)[None], torch.from_numpy(target)[None]) for picture, target in samples]
    axes = tuple(range(2 - pairs[0][0].ndim, 0))
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-2)
    loss = nn.BCEWithLogitsLoss() if regions else nn.CrossEntropyLoss()
    net.train()
    for step in range(steps):
        picture, target = (torch.flip(one, axes) if step % 2 else one for one in pairs[step % len(pairs)])
        optimiser.zero_grad()
        loss(net(picture), target.float() if regions else target.long()).backward()
        optimiser.step()
    net.eval()


def write_model(folder: Path, recipe: Recipe, networks: Mapping[str, nn.Module]) -> Path:
    """A trained-model folder as nnU-Net leaves it: plans, data set, and one checkpoint for each fold's name."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plans.json").write_text(json.dumps(plans(recipe)), encoding="utf-8")
    (folder / "dataset.json").write_text(json.dumps(dataset(recipe)), encoding="utf-8")
    for fold, net in networks.items():
        place = folder / f"fold_{fold}"
        place.mkdir(exist_ok=True)
        checkpoint = {
            "network_weights": net.state_dict(),
            "optimizer_state": {},
            "grad_scaler_state": None,
            "logging": {"mean_fg_dice": [np.float64(0.5)]},
            "_best_ema": np.float64(0.5),
            "current_epoch": 1,
            "init_args": {"plans": plans(recipe), "configuration": recipe.configuration, "fold": fold},
            "trainer_name": "nnUNetTrainer",
            "inference_allowed_mirroring_axes": recipe.mirroring or None,
        }
        torch.save(checkpoint, place / "checkpoint_final.pth")
    return folder


def predictor(model: Path, folds: tuple[str, ...], mirror: bool) -> Any:
    """nnU-Net's own predictor on the CPU, which computes in float32 there."""
    made = importlib.import_module("nnunetv2.inference.predict_from_raw_data").nnUNetPredictor(
        use_mirroring=mirror, perform_everything_on_device=False, device=torch.device("cpu"), allow_tqdm=False
    )
    numbered = tuple(fold if fold == "all" else int(fold) for fold in folds)
    made.initialize_from_trained_model_folder(str(model), numbered, "checkpoint_final.pth")
    return made


def predict(made: Any, channels: Floats, spacing: Spacing) -> Labels:
    """Its answer to one image: uint8 [k, j, i]."""
    said = made.predict_single_npy_array(channels, {"spacing": list(spacing)})
    return np.asarray(said, dtype=np.uint8)


def yardstick(case: Path, model: Path, steps: int) -> None:
    """Train the yardstick's network for a moment on one image: to find what is bright in its first channel."""
    channels, _ = _case(case)
    net = network(RECIPE, seed=0)
    inside = channels[0] != 0
    tall = [(c - c[inside].mean()) / c[inside].std() * inside for c in channels]
    picture = ndimage.zoom(np.stack(tall), (1, 2, 2, 2), order=1).astype(np.float32)
    bright = ndimage.gaussian_filter(picture[0], 2.0)
    target = (bright > np.quantile(bright[bright != 0], 0.97)).astype(np.uint8)
    train_briefly(net, list(_crops(picture, target)), steps)
    write_model(model, RECIPE, {"0": net})


def _crops(picture: Floats, target: Labels) -> Iterator[tuple[Floats, Labels]]:
    """A few cubes of 64 voxels round places that are bright."""
    rng, places = np.random.default_rng(0), np.argwhere(target)
    for place in rng.permutation(places)[:8]:
        at = [min(max(int(p) - 32, 0), n - 64) for p, n in zip(place, target.shape, strict=True)]
        k, j, i = (slice(a, a + 64) for a in at)
        yield np.ascontiguousarray(picture[:, k, j, i]), np.ascontiguousarray(target[k, j, i])


def store_answer(model: Path, case: Path, answer: Path) -> None:
    """Predict one stored image; store the mask, the seconds and the peak."""
    channels, spacing = _case(case)
    begin = time.perf_counter()
    made = predictor(model, ("0",), mirror=False)
    loaded = time.perf_counter()
    labels = predict(made, channels, spacing)
    seconds = time.perf_counter() - loaded
    np.savez_compressed(
        answer,
        labels=labels,
        seconds=seconds,
        load_s=loaded - begin,
        around_s=np.nan,
        peak_mb=peak_mb(),
        version=version("nnunetv2"),
        device="CPU",
        kind="native",
    )


def _case(file: Path) -> tuple[Floats, Spacing]:
    with np.load(file) as stored:
        k, j, i = (float(mm) for mm in stored["spacing"])
        return stored["channels"], (k, j, i)


def main() -> None:
    """`train CASE MODEL` or `predict MODEL CASE ANSWER`."""
    parser = argparse.ArgumentParser()
    parts = parser.add_subparsers(dest="work", required=True)
    train, use = parts.add_parser("train"), parts.add_parser("predict")
    train.add_argument("case", type=Path)
    train.add_argument("model", type=Path)
    train.add_argument("--steps", type=int, default=40)
    for name in ("model", "case", "answer"):
        use.add_argument(name, type=Path)
    words = parser.parse_args()
    if words.work == "train":
        yardstick(words.case, words.model, words.steps)
    else:
        store_answer(words.model, words.case, words.answer)


if __name__ == "__main__":
    main()
