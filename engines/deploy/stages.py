"""The stages of a deployment; each answers one sentence, and leaves the bundle whole."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from engines import installed
from engines.deploy.bench import Bench
from engines.derive import graph_of
from engines.importers import sources
from engines.importers import wish as importing
from engines.importers.bundle import make_bundle
from engines.library import CALIBRATION, PROOF
from engines.quantize.choose import FEW, choose
from engines.surgery.files import real_feeds, write
from engines.surgery.reading import read
from engines.surgery.report import checked, sentence
from engines.surgery.rewrites.base import Wish as Surgery
from engines.surgery.rewriting import rewritten
from engines.surgery.rules import rules
from engines.verify import checks
from inference import cache
from inference.backends import registry
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.errors import EngineError, InputRefused, JobCancelled, PrecisionAbsent
from inference.result import Precision
from inference.whole import whole_file, write_whole

NO_TARGET = "No accelerator was named."
Work = Callable[[Bench], str]


def bring_in(bench: Bench) -> str:
    """Import the source, or copy it where it is a bundle."""
    wish, target = bench.wish, bench.bundle_folder
    shutil.rmtree(target, ignore_errors=True)
    if (wish.source / "manifest.toml").is_file():
        make_bundle(target, lambda draft: installed.copied(wish.source, draft))
        return "It is a bundle already."
    asked = importing.Wish(
        name=wish.name,
        channels=wish.channels,
        examples=wish.examples,
        mirror=wish.mirror,
        trust=wish.trust,
        labels=wish.labels,
        window=(wish.window[0], wish.window[1]) if len(wish.window) == 2 else None,
    )
    made = sources.import_any(wish.source, target, asked, importing.Watch(cancelled=bench.cancelled))
    return " ".join((*made.found, *(f"Assumed: {words}" for words in made.assumed)))


def check(bench: Bench) -> str:
    """What the target's accelerator would take of the graph as it is."""
    if not bench.wish.target:
        return NO_TARGET
    found = checked(read(bench.bundle.model), _surgery(bench), bench.wish.target)
    return sentence(found.found, found.rules)


def rewrite(bench: Bench) -> str:
    """Put a graph that answers the same into the place of one that the accelerator does not take whole."""
    if not bench.wish.target:
        return NO_TARGET
    model = bench.bundle.model
    net = read(model)
    outcome = rewritten(net, _surgery(bench), real_feeds(model, net, None), cancelled=bench.cancelled)
    if not outcome.steps:
        return "Nothing to rewrite." if outcome.after.fits else "No exact change helps it; it stays on the GPU."
    write(outcome, model)
    _tell_manifest(bench)
    done = ", ".join(f"{step.rewrite.name} ({len(step.nodes)})" for step in outcome.steps)
    return f"{done}. {sentence(outcome.after, rules(bench.wish.target))}"


def calibrate(bench: Bench) -> str:
    """Keep what the network sees of the calibration studies: int8 takes its ranges from it."""
    wish, bundle = bench.wish, bench.bundle
    if wish.calibration is None:
        return "No studies were given; int8 takes its ranges from the test vector."
    with closing(OnnxRuntimeBackend().load(bundle.model, Precision.FP32, "CPU")) as engine:
        pool = bench.pictures(wish.calibration, bundle.task, engine, 3 * wish.count, lambda _: None, bench.cancelled)
    chosen = choose(pool, wish.count, hold=False).calibrate
    stacks: dict[str, Any] = {name: np.stack([p.feed[name] for p in chosen]) for name in chosen[0].feed}
    with whole_file(bench.bundle_folder / CALIBRATION) as draft:
        np.savez_compressed(draft, **stacks)
    few = f" Fewer than {FEW}: the ranges may be too narrow." if len(chosen) < FEW else ""
    return f"{len(chosen)} pictures of the studies give the ranges of int8.{few}"


def make(bench: Bench) -> str:
    """Derive the graph of each precision that an engine here runs."""
    bundle, made, refused = bench.bundle, [], []
    for offer, precision in registry.offers():
        if bench.cancelled():
            raise JobCancelled
        try:
            graph_of(bundle, precision, offer.backend.name)
            made.append(precision.value)
        except PrecisionAbsent as error:
            refused.append(f"{precision.value}: {error.message}")
    return " ".join([f"Graphs for {', '.join(dict.fromkeys(made))}.", *dict.fromkeys(refused)])


def verify(bench: Bench) -> str:
    """fp32 must pass; another precision that fails is written down, and the viewer refuses it."""
    found = [row for row in checks(bench.bundle) if not row["refused"]]
    failed = {row["precision"]: f"{row['backend']}: {row['sentence']}" for row in found if not row["passed"]}
    if Precision.FP32.value in failed:
        raise EngineError(f"The model failed its test in fp32 ({failed[Precision.FP32.value]}).", "Export it again.")
    write_whole(bench.bundle_folder / PROOF, json.dumps({"refused": failed}, indent=2))
    passed = dict.fromkeys(row["precision"] for row in found if row["precision"] not in failed)
    return " ".join([f"Passed: {', '.join(passed)}.", *(f"{name} refused: {why}." for name, why in failed.items())])


def install(bench: Bench) -> str:
    """Put the bundle where the viewer finds it."""
    return f"Installed as {installed.install(bench.bundle_folder).task.name}."


STAGES: tuple[tuple[str, Work], ...] = (
    ("import", bring_in),
    ("check", check),
    ("rewrite", rewrite),
    ("quantize", calibrate),
    ("build", make),
    ("verify", verify),
    ("install", install),
)


def require_sound(bench: Bench) -> None:
    """Refuse what would fail late: an unknown target, a calibration folder that is not there.

    Raises:
        InputRefused: With what to change.
    """
    if bench.wish.target:
        rules(bench.wish.target)
    if bench.wish.calibration is not None and not bench.wish.calibration.exists():
        raise InputRefused(f"There is nothing at {bench.wish.calibration}.", "Check the calibration's path.")


def _surgery(bench: Bench) -> Surgery:
    return Surgery(rules(bench.wish.target))


def _tell_manifest(bench: Bench) -> None:
    """The manifest names the digest of the model that lies beside it now."""
    manifest: Path = bench.bundle_folder / "manifest.toml"
    task = bench.bundle.task
    text = manifest.read_text(encoding="utf-8").replace(task.model.sha256, cache.sha256(task.model_path))
    write_whole(manifest, text)
    assert bench.bundle.task == replace(task, model=replace(task.model, sha256=cache.sha256(task.model_path)))
