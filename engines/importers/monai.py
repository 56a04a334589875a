"""A MONAI bundle, a folder or a zip, becomes a bundle here: its graph, its plan, a manifest, a card."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from engines import child
from engines.importers import bundle
from engines.importers.channels import shown
from engines.importers.examples import read_images
from engines.importers.monai_order import NETWORKS, Order
from engines.importers.monai_plan import Read, read_config
from engines.importers.parcel import Parcel, opened
from engines.importers.wish import Imported, Watch, Wish
from inference import cache, sidecar
from inference.errors import EngineError, InputRefused
from inference.monai.plan import Plan
from inference.monai.prepare import loaded, prepared
from inference.result import Progress
from inference.steps import windows
from inference.task import SCHEMA
from inference.volume import Floats, Geometry

METADATA, INFERENCE = "configs/metadata.json", "configs/inference.json"
STATE, SCRIPT = "models/model.pt", "models/model.ts"
PLAN = "monai.json"
MOST_TILES = 3


def import_monai(source: Path, folder: Path, wish: Wish, watch: Watch) -> Imported:
    """Write the bundle `folder`, whole or not at all.

    Raises:
        InputRefused: It is damaged, or something in it cannot be done exactly here; it is named.
        EngineError: The weights could not be converted.
        JobCancelled: The user stopped it.
    """
    with opened(source, (METADATA, INFERENCE, STATE, SCRIPT)) as parcel:
        read = read_config(parcel.json(METADATA), parcel.json(INFERENCE))
        channels = shown(read.channels, wish.channels)
        bundle.require_channels(channels)
        name = wish.name or _name(read, source)

        def fill(draft: Path) -> None:
            watch.progress(Progress("convert", 0, 2))
            _converted(_order(read, parcel, draft / bundle.MODEL, wish.trust), watch)
            watch.progress(Progress("convert", 1, 2))
            bundle.write_vector(draft, _pictures(read.plan, wish.examples))
            (draft / PLAN).write_text(sidecar.text(read.plan), encoding="utf-8")
            manifest = _manifest(read, channels, name, cache.sha256(draft / bundle.MODEL))
            bundle.finish(draft, manifest, _card(read, channels, bool(wish.examples)))

        bundle.make_bundle(folder, fill)
    watch.progress(Progress("convert", 2, 2))
    return Imported(folder, "monai", _found(read, channels), read.assumed)


def _order(read: Read, parcel: Parcel, model: Path, trust: bool) -> Order:
    """Which weights are opened: the state dict where its class may be made, else TorchScript.

    Raises:
        InputRefused: There are none for what may be made.
    """
    state, script = parcel.file(STATE), parcel.file(SCRIPT)
    plan, network = read.plan, read.network
    shape = (plan.channels, *plan.roi_size)
    if state is not None and network.name in NETWORKS:
        return Order(str(state), network.name, network.arguments, shape, plan.heads, str(model), trust)
    if script is not None:
        return Order(str(script), "", {}, shape, plan.heads, str(model), trust)
    if state is None:
        raise InputRefused(f"The model holds neither {STATE} nor {SCRIPT}.", "Give the bundle with its weights.")
    what = f"is a {network.name}" if network.name else "is not described"
    raise InputRefused(
        f"The network {what}, and {STATE} holds its weights alone.",
        f"Known are {', '.join(NETWORKS)}; of any other, give {SCRIPT} too.",
    )


def _converted(order: Order, watch: Watch) -> None:
    """Run the converter in a process of its own.

    Raises:
        EngineError: It could not; its sentence says why.
    """
    try:
        child.run("engines.importers.monai_convert", (), watch.cancelled, json.dumps(asdict(order)))
    except EngineError as error:
        reason = error.message.removeprefix("monai_convert failed: ")
        raise EngineError(f"The model could not be converted: {reason}", _hint(reason)) from error


def _hint(reason: str) -> str:
    if "plain data" in reason:
        return "If you trust where it comes from, add --trust."
    return "Check that the bundle is whole, and that `pip install torch monai` has been done."


def _pictures(plan: Plan, files: tuple[Path, ...]) -> Floats:
    """Network inputs [n, 1, c, *roi]: windows of a case, or smooth noise."""
    a, b, c = plan.roi_size
    if not files:
        noise = np.random.default_rng(0).standard_normal((2, 1, plan.channels, a, b, c))
        smooth = ndimage.gaussian_filter(noise, (0, 0, 0, 1.5, 1.5, 1.5))
        return np.asarray(smooth / smooth.std(), dtype=np.float32)
    channels, (k, j, i) = read_images(files)
    if len(channels) != plan.channels:
        raise InputRefused(f"The model has {plan.channels} channels.", "Give one example file for each.")
    grid = Geometry.from_axes((channels.shape[1], channels.shape[2], channels.shape[3]), (i, j, k))
    picture, _ = prepared(loaded(channels, grid), plan.changes)
    wide, _ = windows.padded(picture.voxels, (a, b, c), plan.cval)
    places = windows.starts((wide.shape[1], wide.shape[2], wide.shape[3]), (a, b, c), plan.overlap)
    cuts = [windows.cut(wide, place, (a, b, c)) for place in places]
    fullest = sorted(cuts, key=lambda tile: -float(tile.std()))[:MOST_TILES]
    return np.ascontiguousarray(np.stack(fullest)[:, None])


def _manifest(read: Read, channels: tuple[str, ...], name: str, sha256: str) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "name": name,
        "title": read.title or name,
        "version": "1",
        "kind": "mask",
        "intended_use": bundle.INTENDED_USE,
        "notice": bundle.NOTICE,
        "licence": bundle.LICENCE,
        "model": {"file": bundle.MODEL, "sha256": sha256, "input": "input", "outputs": ["logits"]},
        "channels": [{"name": channel, "normalise": "monai"} for channel in channels],
        "sampling": {"kind": "monai", "plan": PLAN},
        "output": {"labels": list(read.plan.labels)},
        "test_vector": {"file": bundle.VECTOR},
    }


def _found(read: Read, channels: tuple[str, ...]) -> tuple[str, ...]:
    plan = read.plan
    steps = ", ".join(change.kind.value for change in plan.changes) or "no transform"
    blend = "gaussian" if plan.gaussian else "constant"
    return (
        f"a MONAI bundle: {read.title or 'without a name'}, version {plan.version}, {plan.network}",
        f"channels {', '.join(channels)}; labels {', '.join(plan.labels)}",
        f"{steps}; windows of {' x '.join(map(str, plan.roi_size))}, overlap {plan.overlap[0]:g}, {blend}",
    )


def _card(read: Read, channels: tuple[str, ...], real: bool) -> str:
    seen = "one case that was given at import" if real else "smooth noise, so int8 ranges are guesses"
    told = ". ".join(one[0].upper() + one[1:] for one in _found(read, channels))
    assumed = "; ".join(read.assumed) or "nothing"
    rights = (f"Copyright as the bundle says: {read.licence}.",) if read.licence else ()
    parts = (f"{told}.", f"Assumed: {assumed}.", f"The test vector was made from {seen}.", *rights)
    return bundle.card(read.title or "MONAI bundle", parts, bundle.LICENCE)


def _name(read: Read, source: Path) -> str:
    return re.sub(r"[^a-z0-9]+", "-", (read.title or source.stem).lower()).strip("-") or "monai"
