"""Writes what stands in an imported bundle beside its graph."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from engines.importers.examples import pictures
from engines.training.toml_text import toml_text
from inference import cache, sidecar
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.errors import InputRefused, ManifestInvalid
from inference.nnunet.plan import ChannelPlan, LabelPlan, Plan, faults
from inference.result import Precision
from inference.task import SCHEMA, read_task
from inference.volume import Channel, Floats
from inference.whole import whole_folder

MODEL, PLAN, VECTOR = "model.onnx", "nnunet.json", "test_vector.npz"
PICTURES = "pictures.npz"
"""What the test vector will be made of, while a bundle is filled."""
GRAIN = 2.0**-8
NOTICE = "Imported model, not checked by Insula; not for diagnostic use"
INTENDED_USE = "What the model's own authors state; Insula makes no claim for it."
LICENCE = "the model's own"


def make_bundle(folder: Path, fill: Callable[[Path], None]) -> None:
    """Fill a hidden folder beside `folder` and give it that name only when it is whole.

    Raises:
        InputRefused: The place cannot be written, or holds something that is no bundle.
    """
    if folder.exists() and not (folder / "manifest.toml").is_file():
        raise InputRefused(f"{folder} exists and is no bundle.", "Give another folder with -o.")
    try:
        with whole_folder(folder) as draft:
            fill(draft)
    except OSError as error:
        raise InputRefused(f"{folder} cannot be written ({error.strerror}).", "Give another folder with -o.") from error


def checked(
    plan: Plan, channels: tuple[ChannelPlan, ...], labels: tuple[LabelPlan, ...], order: tuple[int, ...]
) -> Plan:
    """The plan with its channels and labels, if its rules hold.

    Raises:
        ManifestInvalid: They do not; each is named.
    """
    full = replace(plan, channels=channels, labels=labels, regions_class_order=order)
    wrong = faults(full)
    if wrong:
        raise ManifestInvalid(
            f"The model cannot run here: {'; '.join(wrong)}.", "Check its plans.json and dataset.json."
        )
    return full


def write(folder: Path, plan: Plan, channels: tuple[str, ...], name: str, examples: tuple[Path, ...]) -> None:
    """Plan, test vector, manifest and card beside the graph that already lies in `folder`."""
    require_channels(channels)
    (folder / PLAN).write_text(sidecar.text(plan), encoding="utf-8")
    write_vector(folder, pictures(plan, examples))
    finish(folder, _manifest(plan, channels, name, cache.sha256(folder / MODEL)), _card(plan, name, bool(examples)))


def finish(folder: Path, manifest: dict[str, Any], card: str) -> None:
    """Manifest and card beside graph and test vector.

    Raises:
        ManifestInvalid: The manifest does not hold together.
    """
    (folder / "manifest.toml").write_text(toml_text(manifest), encoding="utf-8")
    (folder / "card.md").write_text(card, encoding="utf-8")
    read_task(folder)


def require_channels(channels: tuple[str, ...]) -> None:
    """Raise InputRefused for a kind of image that Insula does not know."""
    unknown = [name for name in channels if name not in Channel.__members__]
    if unknown:
        known = ", ".join(Channel.__members__)
        raise InputRefused(f"{', '.join(unknown)} is not a kind of image that Insula knows.", f"Choose from {known}.")


def write_vector(folder: Path, inputs: Floats) -> None:
    """Inputs [n, 1, c, ...] in steps that compress, and what ONNX Runtime answers to each."""
    coarse = np.asarray(np.round(inputs / GRAIN) * GRAIN, dtype=np.float32)
    with closing(OnnxRuntimeBackend().load(folder / MODEL, Precision.FP32, "CPU")) as engine:
        given, said = engine.inputs[0].name, [engine.infer({engine.inputs[0].name: picture}) for picture in coarse]
    answers: dict[str, Any] = {name: np.stack([one[name] for one in said]) for name in said[0]}
    np.savez_compressed(folder / VECTOR, **{given: coarse, **answers})


def _manifest(plan: Plan, channels: tuple[str, ...], name: str, sha256: str) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "name": name,
        "title": f"{plan.dataset_name} ({plan.configuration})",
        "version": "1",
        "kind": "mask",
        "intended_use": INTENDED_USE,
        "notice": NOTICE,
        "licence": LICENCE,
        "model": {"file": MODEL, "sha256": sha256, "input": "input", "outputs": ["logits"]},
        "channels": [{"name": channel, "normalise": "nnunet"} for channel in channels],
        "sampling": {"kind": "nnunet", "plan": PLAN},
        "output": {"labels": list(plan.names.values())},
        "test_vector": {"file": VECTOR},
    }


def _card(plan: Plan, name: str, real: bool) -> str:
    seen = "one case that was given at import" if real else "smooth noise, so int8 ranges are guesses"
    labels = ", ".join(f"{value} {text}" for value, text in plan.names.items())
    mirrored = "averaged over mirrored inputs" if plan.mirror and plan.allowed_mirroring_axes else "not mirrored"
    told = (
        f"Imported from nnU-Net v2: {plan.plans_name}, {plan.configuration}, trainer {plan.trainer_name}, "
        f"{len(plan.folds)} fold(s) ({', '.join(plan.folds)}), trained on {plan.num_training} cases; {mirrored}.",
        f"Channels: {', '.join(channel.name for channel in plan.channels)}. Labels: {labels}.",
        f"The test vector was made from {seen}.",
    )
    return card(f"{plan.dataset_name} (`{name}`)", told, LICENCE)


def card(title: str, told: tuple[str, ...], licence: str) -> str:
    """Text of card.md: a title, the notice, paragraphs, and what nobody measured."""
    said = "The model's own; ask its authors." if licence == LICENCE else f"As the model says: {licence}."
    parts = (f"# {title}", f"**{NOTICE}.**", *told, "## Held-out figures\n\nNot measured by Insula.")
    return "\n\n".join((*parts, f"## Licence\n\n{said}\n"))
