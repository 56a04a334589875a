"""An nnU-Net v2 trained-model folder becomes a bundle: one graph over its folds, the plan, a manifest, a card."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engines import child
from engines.importers import bundle
from engines.importers.channels import shown
from engines.importers.nnunet_order import Facts, Order, resolved
from engines.importers.parcel import Parcel
from engines.importers.wish import Imported, Watch, Wish
from inference.errors import EngineError, InputRefused
from inference.nnunet.plan import ChannelPlan, Intensity, LabelPlan, Plan, read_plan
from inference.result import CancelledFn, Progress, ProgressFn
from inference.table import build
from inference.task import read_task


def import_nnunet(source: Path, folder: Path, wish: Wish, watch: Watch) -> Imported:
    """As `import_model`, with what was found."""
    import_model(source, folder, wish, watch.progress, watch.cancelled)
    task = read_task(folder)
    plan = read_plan(task.plan_path)
    found = (
        f"an nnU-Net v2 model: {plan.dataset_name}, {plan.configuration}, folds {', '.join(plan.folds)}",
        f"channels {', '.join(c.name for c in plan.channels)}; labels {', '.join(task.output.labels)}",
    )
    shown = ", ".join(f"{c.name} is {spec.name}" for c, spec in zip(plan.channels, task.channels, strict=True))
    return Imported(folder, "nnunet", found, () if wish.channels else (f"by their names, {shown}",))


def import_model(
    source: Path,
    folder: Path,
    wish: Wish | None = None,
    progress: ProgressFn = lambda _: None,
    cancelled: CancelledFn = lambda: False,
) -> Path:
    """Convert `source` and write the bundle `folder`, whole or not at all.

    Raises:
        InputRefused: `source` is no trained-model folder, or of a kind that cannot run here.
        EngineError: The conversion failed.
        JobCancelled: `cancelled` became true.
    """
    asked = wish or Wish()
    parcel = Parcel(source)
    dataset, plans = _json(parcel, "dataset.json"), _json(parcel, "plans.json")
    folds = asked.folds or _folds(source, asked.checkpoint)
    _require_checkpoints(parcel, folds, asked.checkpoint)
    labels, order = _labels(dataset)
    channels = _channel_names(dataset)

    def fill(draft: Path) -> None:
        progress(Progress("convert", 0, 2))
        heads = len(labels) if order else len(labels) + 1
        wanted = Order(
            str(source), folds, asked.checkpoint, heads, len(channels), str(draft / bundle.MODEL), asked.trust
        )
        facts = _converted(wanted, cancelled)
        try:
            plan = _plan(dataset, plans, facts, folds, (labels, order), asked.mirror)
        except KeyError as error:
            raise InputRefused(
                f"plans.json or dataset.json has no {error.args[0]}.", "Give a complete folder."
            ) from error
        progress(Progress("convert", 1, 2))
        bundle.write(draft, plan, shown(channels, asked.channels), asked.name or _name(plan), asked.examples)

    bundle.make_bundle(folder, fill)
    progress(Progress("convert", 2, 2))
    return folder


def _json(parcel: Parcel, name: str) -> dict[str, Any]:
    try:
        return parcel.json(name)
    except InputRefused as error:
        raise InputRefused(
            f"{parcel.folder} holds no readable {name}.",
            "Give the folder of a trained nnU-Net v2 model: dataset.json, plans.json and fold_X beside each other.",
        ) from error


def _folds(source: Path, checkpoint: str) -> tuple[str, ...]:
    """Numbered folds if there are any, else the one trained on all cases; as nnU-Net chooses."""
    found = sorted(p.parent.name.removeprefix("fold_") for p in source.glob(f"fold_*/{checkpoint}"))
    return tuple(fold for fold in found if fold != "all") or tuple(found)


def _require_checkpoints(parcel: Parcel, folds: tuple[str, ...], checkpoint: str) -> None:
    if any(Path(part).name != part for part in (checkpoint, *folds)):
        raise InputRefused(
            "Folds and checkpoints are names, not paths.", "Name them as they lie in the model's folder."
        )
    missing = [f"fold_{fold}" for fold in folds if parcel.file(f"fold_{fold}/{checkpoint}") is None]
    if missing or not folds:
        what = f"{', '.join(missing)} has no" if missing else "No fold holds"
        raise InputRefused(f"{what} {checkpoint}.", "Name other folds with --folds, or another --checkpoint.")


def _channel_names(dataset: Mapping[str, Any]) -> tuple[str, ...]:
    named = dataset.get("channel_names") or dataset.get("modality") or {}
    return tuple(str(named[key]) for key in sorted(named, key=int))


def _labels(dataset: Mapping[str, Any]) -> tuple[tuple[LabelPlan, ...], tuple[int, ...]]:
    """Foreground labels and the painting order of regions; without regions, labels stand in the order of values."""
    given = dataset.get("labels") or {}
    if given.get("background") != 0:
        raise InputRefused("dataset.json names no background.", "Give a model trained by nnU-Net v2.")
    named = {str(n): tuple(v) if isinstance(v, list) else (int(v),) for n, v in given.items() if n != "ignore"}
    foreground = [
        LabelPlan(name, tuple(int(v) for v in values)) for name, values in named.items() if set(values) != {0}
    ]
    if any(len(label.values) > 1 for label in foreground):
        order = tuple(int(v) for v in dataset.get("regions_class_order") or ())
        if len(order) != len(foreground):
            raise InputRefused("dataset.json has regions and no regions_class_order for them.", "Complete it.")
        return tuple(foreground), order
    return tuple(sorted(foreground, key=lambda label: label.values)), ()


def _converted(order: Order, cancelled: CancelledFn) -> Facts:
    """Run the converter in a process of its own.

    Raises:
        EngineError: It could not; its sentence says why.
    """
    try:
        said = child.run("engines.importers.nnunet_convert", (), cancelled, json.dumps(asdict(order)))
    except EngineError as error:
        raise EngineError(f"The model could not be converted: {error.message}", _hint(error.message)) from error
    return build(Facts, json.loads(said), "the converter's answer")


def _hint(reason: str) -> str:
    if "too large" in reason:
        return "Choose fewer folds with --folds."
    if "plain data" in reason:
        return "If you trust where the model comes from, import it with --trust."
    if "No module named" in reason or "not installed" in reason:
        return "Install what is missing: `pip install insula[train] dynamic-network-architectures`."
    return "Check that the folder is complete and from nnU-Net v2."


def _plan(
    dataset: Mapping[str, Any],
    plans: Mapping[str, Any],
    facts: Facts,
    folds: tuple[str, ...],
    labels: tuple[tuple[LabelPlan, ...], tuple[int, ...]],
    mirror: bool,
) -> Plan:
    own = resolved(plans, facts.configuration)
    if own.get("previous_stage"):
        raise InputRefused(
            "The model is the second stage of a cascade.", "Import a configuration that works on images alone."
        )
    table = {
        "dataset_name": plans["dataset_name"],
        "plans_name": plans["plans_name"],
        "configuration": facts.configuration,
        "trainer_name": facts.trainer_name,
        "folds": folds,
        "network_class_name": facts.network_class_name,
        "image_reader_writer": dataset.get("overwrite_image_reader_writer") or plans["image_reader_writer"],
        "file_ending": dataset["file_ending"],
        "num_training": int(dataset.get("numTraining", 0)),
        "preprocessor_name": own["preprocessor_name"],
        "label_manager": plans.get("label_manager", "LabelManager"),
        "transpose_forward": plans["transpose_forward"],
        "transpose_backward": plans["transpose_backward"],
        "spacing": own["spacing"],
        "patch_size": own["patch_size"],
        "batch_size": own["batch_size"],
        "allowed_mirroring_axes": facts.allowed_mirroring_axes,
        "mirror": mirror,
        **{f"resampling_{what}": _resampling(own, what) for what in ("data", "seg", "probabilities")},
    }
    typed = {"channels": (), "labels": ()}
    plan = build(Plan, {**table, **typed}, "plans.json")
    channels = _channels(_channel_names(dataset), plans, own)
    return bundle.checked(plan, channels, *labels)


def _resampling(own: Mapping[str, Any], what: str) -> dict[str, Any]:
    kwargs = {k: v for k, v in own[f"resampling_fn_{what}_kwargs"].items() if k != "is_seg"}
    return {"function": own[f"resampling_fn_{what}"], **kwargs}


def _channels(names: tuple[str, ...], plans: Mapping[str, Any], own: Mapping[str, Any]) -> tuple[ChannelPlan, ...]:
    statistics = plans.get("foreground_intensity_properties_per_channel") or {}
    return tuple(
        build(
            ChannelPlan,
            {
                "name": name,
                "normalization_scheme": own["normalization_schemes"][n],
                "use_mask_for_norm": own["use_mask_for_norm"][n],
                "intensity": _intensity(statistics.get(str(n))),
            },
            "plans.json",
        )
        for n, name in enumerate(names)
    )


def _intensity(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    keys = Intensity.__dataclass_fields__
    return {key: found[key] for key in keys} if found and all(key in found for key in keys) else None


def _name(plan: Plan) -> str:
    return re.sub(r"[^a-z0-9]+", "-", f"{plan.dataset_name}-{plan.configuration}".lower()).strip("-")
