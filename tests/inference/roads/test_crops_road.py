"""Cells of a smear with an engine that knows colours: each drawn disc is found once, at its place, with its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inference.backends.base import TensorSpec
from inference.errors import BadOutput, InputRefused, JobCancelled, ManifestInvalid
from inference.result import Kind, Progress
from inference.roads.crops import boxes_of
from inference.run import run
from inference.steps.decode import iou_with
from inference.steps.region import Region
from inference.task import ChannelSpec, Output, Sampling, Task, read_task
from inference.volume import Channel, Geometry, Volume
from tests.inference.roads.test_roads import PROVENANCE, Answering, task
from tests.smears import RADII, SCENE, Disc, draw

LABELS = tuple(RADII)
SIDE, FIELD = 48, 256
TELL: Task = replace(
    task(
        Kind.BOXES,
        (ChannelSpec("COLOUR", "colour"),),
        Sampling("crops", size=(SIDE, SIDE), field=FIELD),
        Output(LABELS, score=0.5, iou=0.4, most=100),
        ("logits",),
    ),
    region=Region.SMEAR,
)


def colour_volume(pixels: np.ndarray) -> Volume:
    grid = Geometry.of_picture(*pixels.shape[:2])
    return Volume(pixels.mean(axis=2)[None].astype(np.float32), grid, Channel.COLOUR, colour=pixels[None])


def _tell(crop: np.ndarray) -> np.ndarray:
    """Purple and small, red, purple and large; anything that does not fill its box is nothing."""
    pixels = (crop[0].transpose(1, 2, 0) + 1.0) * 127.5
    shown = np.abs(pixels - 128).max(axis=2) > 3
    stained = shown & (pixels[..., 1] < 180)
    across = 2 * np.sqrt(stained.sum() / np.pi) * FIELD / SIDE
    fills = stained.sum() / max(shown.sum(), 1)
    purple = pixels[stained].mean(axis=0)[2] > 170 if stained.any() else False
    logits = np.full(4, -4.0)
    for n, (name, radius) in enumerate(RADII.items()):
        fits = purple == (name != "RBC") and abs(across - 2 * radius) < 0.25 * radius + 4
        logits[n] = 4.0 if fits and 0.4 < fills < 0.75 else -4.0
    logits[3] = 0.0
    return logits[None]


def _engine(tell: Callable[[np.ndarray], np.ndarray] = _tell) -> Answering:
    engine = Answering((1, 3, SIDE, SIDE), {"logits": tell})
    engine.inputs = (TensorSpec("input", (1, 3, SIDE, SIDE)),)
    return engine


def test_every_cell_is_found_named_and_counted() -> None:
    pixels = draw(SCENE)
    result = run({Channel.COLOUR: colour_volume(pixels)}, TELL, _engine(), PROVENANCE)
    assert result.counts == {"RBC": 4, "WBC": 1, "Platelets": 1}
    for disc in SCENE:
        edges = [np.array([b.i0, b.j0, b.i1, b.j1]) + 0.5 for b in result.boxes if b.label == disc.kind]
        assert iou_with(disc.box, np.array(edges)).max() > 0.5, disc
    assert {box.k for box in result.boxes} == {0}
    assert len(result.findings) == len(result.boxes) == len(SCENE)
    assert {finding.side for finding in result.findings} == {""}
    assert {finding.volume_ml for finding in result.findings} == {None}


def test_a_mirrored_smear_gives_mirrored_boxes() -> None:
    """What the finder says of a picture and of its mirror image differs by the pixels that halving leaves over."""
    discs = (Disc("RBC", 90, 100), Disc("WBC", 260, 120))
    found = []
    for pixels in (draw(discs, (240, 400)), draw(discs, (240, 400))[:, ::-1]):
        result = run({Channel.COLOUR: colour_volume(np.ascontiguousarray(pixels))}, TELL, _engine(), PROVENANCE)
        found.append(sorted((b.label, b.i0, b.i1, b.j0) for b in result.boxes))
    plain = [(label, 399 - i1, 399 - i0, j0) for label, i0, i1, j0 in found[1]]
    assert [row[0] for row in found[0]] == ["RBC", "WBC"]
    for one, other in zip(found[0], sorted(plain), strict=True):
        assert one[1:] == pytest.approx(other[1:], abs=6)


def test_what_is_no_smear_is_refused_before_anything_is_asked() -> None:
    engine = _engine()
    with pytest.raises(InputRefused, match="is stained"):
        run({Channel.COLOUR: colour_volume(draw((), (200, 200)))}, TELL, engine, PROVENANCE)
    assert engine.calls == 0


def test_a_network_that_says_the_same_of_everything_is_caught() -> None:
    with pytest.raises(BadOutput, match="constant"):
        run({Channel.COLOUR: colour_volume(draw(SCENE))}, TELL, _engine(lambda _: np.ones((1, 4))), PROVENANCE)


def test_it_tells_how_far_it_is_and_stops_when_told() -> None:
    seen: list[Progress] = []
    volume = colour_volume(draw(SCENE[:2], (200, 400)))
    run({Channel.COLOUR: volume}, TELL, _engine(), PROVENANCE, progress=seen.append)
    assert [step.stage for step in seen][:2] == ["prepare", "find"]
    assert seen[-1].stage == "cells"
    assert seen[-1].done == seen[-1].total >= 2
    with pytest.raises(JobCancelled):
        run({Channel.COLOUR: volume}, TELL, _engine(), PROVENANCE, progress=seen.append, cancelled=lambda: True)


def test_a_network_of_another_number_of_kinds_is_refused() -> None:
    with pytest.raises(BadOutput, match="tells 2 kinds apart, the task 3"):
        boxes_of(TELL, np.array([[0.0, 0.0, 9.0, 9.0]]), np.zeros((1, 3), np.float32))


MANIFEST = """
schema = 1
name = "cells"
title = "Cells"
version = "1"
kind = "boxes"
region = "smear"
intended_use = "x"
notice = "x"
licence = "x"
[model]
file = "model.onnx"
sha256 = ""
input = "input"
outputs = ["logits"]
[[channels]]
name = "COLOUR"
normalise = "colour"
[sampling]
kind = "crops"
size = [48, 48]
field = 256
[output]
labels = ["a", "b"]
[test_vector]
file = "v.npz"
"""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('region = "smear"', 'region = "head"', "known for smears only"),
        ('"COLOUR"\nnormalise = "colour"', '"CT"\nnormalise = "colour"', "one channel COLOUR"),
        ("[48, 48]", "[48, 32]", "a square size"),
        ("field = 256", "field = 32", "a field no smaller"),
        ('["logits"]', '["a", "b"]', "one output"),
        ('kind = "boxes"', 'kind = "mask"', "crops is for boxes"),
    ],
)
def test_a_manifest_that_cannot_be_meant_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    (tmp_path / "manifest.toml").write_text(MANIFEST)
    assert read_task(tmp_path).sampling.field == 256
    assert old in MANIFEST
    (tmp_path / "manifest.toml").write_text(MANIFEST.replace(old, new, 1))
    with pytest.raises(ManifestInvalid, match=words):
        read_task(tmp_path)
