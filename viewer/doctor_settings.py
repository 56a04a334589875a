"""What a person set, and what of it this machine cannot follow: the settings' part of `insula doctor`."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from typing import Any

from inference import settings
from inference.backends import registry
from inference.backends.registry import Known
from inference.errors import InsulaError
from inference.result import Precision, PrecisionKind
from inference.settings import LaneSettings

Report = dict[str, Any]


def facts(devices: Collection[str], tasks: Collection[str]) -> Report:
    """The settings file held against the machine.

    Args:
        devices: What the backends here offer.
        tasks: Names of the bundles here.

    Returns:
        `{"file", "present", "lanes", "problems"}`; each problem is a sentence.
    """
    file = settings.path()
    try:
        found = settings.read()
    except InsulaError as error:
        return {"file": str(file), "present": file.is_file(), "lanes": [], "problems": [str(error)]}
    problems = [
        *_missing_providers(found),
        *(problem for lane in found.lanes for problem in _lane_problems(lane, devices, tasks)),
    ]
    lanes = [{"name": e.name, "device": e.device, "cores": e.cores, "tasks": e.tasks} for e in found.lanes]
    return {"file": str(file), "present": file.is_file(), "lanes": lanes, "problems": problems}


def lines(found: Report) -> Iterator[str]:
    """The same for a reader at a terminal."""
    yield f"\nSettings   {found['file']}{'' if found['present'] else ' (not there: the defaults hold)'}"
    for lane in found["lanes"]:
        cores = f", cores {' '.join(str(core) for core in lane['cores'])}" if lane["cores"] else ""
        yield f"           lane {lane['name']}: {lane['device']}{cores}; {', '.join(lane['tasks']) or 'any task'}"
    yield from (f"           PROBLEM: {problem}" for problem in found["problems"])


def _missing_providers(found: settings.Settings) -> Iterator[str]:
    if not found.onnxruntime.providers:
        return
    backend = registry.backend(Known.ONNXRUNTIME)
    why = backend.why_not()
    if why is not None:
        yield f"The settings name execution providers, but {why[0].lower()}{why[1:]}"
        return
    from inference.backends.providers import device_of

    for name in found.onnxruntime.providers:
        support = backend.support(Precision.FP32, device_of(name))
        if support.kind is PrecisionKind.ABSENT and name in support.note:
            yield f"{support.note[0].upper()}{support.note[1:]}."


def _lane_problems(lane: LaneSettings, devices: Collection[str], tasks: Collection[str]) -> Iterator[str]:
    if lane.device not in devices:
        yield f"Lane {lane.name} wants the device {lane.device}; here there is {', '.join(sorted(devices)) or 'none'}."
    for task in sorted(set(lane.tasks) - set(tasks)):
        yield f"Lane {lane.name} names the task {task}, which no bundle here has."
    beyond = sorted(core for core in lane.cores if core >= (os.cpu_count() or 1))
    if beyond:
        yield f"Lane {lane.name} names core {beyond[0]}; this machine's last is {(os.cpu_count() or 1) - 1}."
