"""The facts behind `insula doctor`: what this machine has, and what it can therefore do."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engines import machine
from engines.library import Bundle, bundles, damage
from engines.verify import checks
from inference import cache
from inference.backends import registry
from inference.backends.base import Backend
from inference.errors import InsulaError
from inference.health.sampler import read_once
from inference.health.words import part_documents, part_lines
from inference.result import Precision
from viewer import doctor_settings
from viewer.dicom.codecs import codecs
from viewer.scene.opengl import probe

Report = dict[str, Any]


def report(selftest: bool = False) -> Report:
    """Gather the facts; nothing is raised, what fails is said in its place.

    Args:
        selftest: Also run every bundle on its test vector with each backend and precision (field `selftest`).
    """
    found, damage = _found_bundles()
    backends = [_backend(offered) for offered in registry.every()]
    devices = {device for offered in backends for device in offered["devices"]}
    facts: Report = {
        "machine": asdict(machine.facts()),
        "backends": backends,
        "settings": doctor_settings.facts(devices, [bundle.task.name for bundle in found]),
        "display": _display(),
        "opengl": asdict(probe()),
        "sensors": part_documents(read_once()),
        "codecs": [asdict(codec) for codec in codecs()],
        "cache": _cache(),
        "bundles": [_bundle(bundle) for bundle in found],
        "problems": damage,
    }
    if selftest:
        facts["selftest"] = [check for bundle in found for check in checks(bundle, every_device=True)]
    return facts


def _found_bundles() -> tuple[tuple[Bundle, ...], list[str]]:
    try:
        return bundles(), list(damage())
    except InsulaError as error:
        return (), [str(error)]


def _backend(offered: Backend) -> Report:
    why_not = offered.why_not()
    if why_not is None:
        try:
            precisions = {device: _precisions(offered, device) for device in offered.devices()}
            # Only a backend of devices that differ from machine to machine tells which they are.
            hardware = list(getattr(offered, "hardware", tuple)())
            found = {"name": offered.name, "version": offered.version, "why_not": None, "hardware": hardware}
            return {**found, "devices": precisions}
        except InsulaError as error:
            why_not = str(error)
    return {"name": offered.name, "version": None, "why_not": why_not, "hardware": [], "devices": {}}


def _precisions(offered: Backend, device: str) -> Report:
    supports = {precision: offered.support(precision, device) for precision in Precision}
    return {p.value: {"kind": support.kind.value, "note": support.note} for p, support in supports.items()}


def _display() -> Report:
    return {
        "DISPLAY": os.environ.get("DISPLAY"),
        "WAYLAND_DISPLAY": os.environ.get("WAYLAND_DISPLAY"),
        "native": sys.platform in ("win32", "darwin"),
        "xvfb": shutil.which("Xvfb"),
    }


def _cache() -> Report:
    folder = cache.folder()
    files = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    return {
        "folder": str(folder),
        "used_mb": round(sum(path.stat().st_size for path in files) / 1e6, 1),
        "free_gb": round(shutil.disk_usage(_existing(folder)).free / 1e9, 1),
    }


def _existing(folder: Path) -> Path:
    """The folder or the nearest of its parents that is there."""
    return next(place for place in (folder, *folder.absolute().parents) if place.is_dir())


def _bundle(bundle: Bundle) -> Report:
    intact = bundle.model.is_file() and bundle.found_sha256 == bundle.sha256
    return {"task": bundle.task.name, "version": bundle.task.version, "folder": str(bundle.folder), "intact": intact}


def text(found: Report) -> str:
    """The report for a reader at a terminal."""
    return "\n".join(_lines(found))


def _lines(found: Report) -> Iterator[str]:
    yield from _machine_lines(found["machine"])
    yield from _backend_lines(found["backends"])
    yield from doctor_settings.lines(found["settings"])
    yield from _screen_lines(found["display"], found["opengl"])
    yield "\nSensors"
    yield from (f"           {line}" for line in part_lines(found["sensors"]))
    yield from _codec_lines(found["codecs"])
    store = found["cache"]
    yield f"\nCache      {store['folder']} ({store['used_mb']} MB used, {store['free_gb']} GB free)"
    yield from _bundle_lines(found["bundles"], found["problems"])
    if "selftest" in found:
        yield "\nSelf-test"
        yield from (_check_line(check) for check in found["selftest"])


def _machine_lines(facts: Report) -> Iterator[str]:
    yield f"System     {facts['system']}, Python {facts['python']}"
    yield f"Processor  {facts['cpu']} ({facts['architecture']}, {facts['cores']} cores)"
    yield f"           {' '.join(facts['cpu_flags']) or 'instruction sets not reported'}"
    if facts["memory_gib"] is not None:
        yield f"Memory     {facts['memory_gib']} GiB, {facts['free_memory_gib']} GiB free"


def _backend_lines(backends: Iterable[Report]) -> Iterator[str]:
    for offered in backends:
        if offered["why_not"] is not None:
            yield f"\nBackend    {offered['name']}: {offered['why_not']}"
            continue
        yield f"\nBackend    {offered['name']} {offered['version']}"
        yield from (f"           {line}" for line in offered["hardware"])
        for device, precisions in offered["devices"].items():
            for name, support in precisions.items():
                yield f"           {device:<5} {name:<5} {support['kind']:<9} {support['note']}".rstrip()


def _screen_lines(display: Report, opengl: Report) -> Iterator[str]:
    places = [f"{name}={display[name]}" for name in ("DISPLAY", "WAYLAND_DISPLAY") if display[name]]
    there = "the desktop's own" if display["native"] else ", ".join(places) or "none"
    virtual = f" (Xvfb for pictures: {display['xvfb']})" if display["xvfb"] else ""
    yield f"\nDisplay    {there}{virtual}"
    yield f"OpenGL     {opengl['problem'] or opengl['renderer'] + ', ' + opengl['version']}"


def _codec_lines(found: Iterable[Report]) -> Iterator[str]:
    yield "\nDICOM pixels"
    for codec in found:
        how = ", ".join(codec["by"]) or "built in" if codec["decodes"] else "cannot be read here"
        yield f"           {codec['name']}: {how}"


def _bundle_lines(found: list[Report], problems: list[str]) -> Iterator[str]:
    yield "\nBundles"
    for bundle in found:
        yield f"           {bundle['task']} {bundle['version']}{'' if bundle['intact'] else '  DAMAGED'}"
    if not found:
        yield "           none"
    yield from (f"           {problem}" for problem in problems)


def _check_line(check: Report) -> str:
    verdict = "ok  " if check["passed"] else "none" if check["refused"] else "FAIL"
    place = f"{check['backend']} {check['device']} {check['precision']}"
    return f"      {verdict} {check['task']:<22} {place:<22} {check['precision_kind']:<9} {check['sentence']}"
