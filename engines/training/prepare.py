"""From a recipe to a trainee that is ready to learn: digital heads, listed sets or the user's own folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from engines.training import heads
from engines.training.boxed_slices import BoxedSlices, boxed_slices
from engines.training.detection import DetectionSettings, DetectionTrainee
from engines.training.order import Order, Prepared
from engines.training.paired_slices import joined
from engines.training.prepare_cases import classification, outline, require_classes
from engines.training.prepare_pairs import paired_slices
from engines.training.readers import read_boxes
from engines.training.recipe import RecipeKind, settings_of
from engines.training.segmentation import SegmentationSettings, SegmentationTrainee
from engines.training.sources import folder_of, sentence
from engines.training.translation import TranslationSettings, TranslationTrainee
from inference.errors import InputRefused
from inference.steps.tiles import cut, pad_to


def prepare(order: Order) -> Prepared:
    """Read the data of an order and make its trainee.

    Raises:
        InputRefused: Recipe and data do not fit each other, or one of them cannot be used.
    """
    return PREPARE[order.recipe.kind](order)


def _detection(order: Order) -> Prepared:
    low, high = order.window()
    spec, settings = order.recipe.data, settings_of(order.recipe, DetectionSettings)
    found = read_boxes(folder_of(spec, order.data), spec)
    require_classes(found.classes, order.labels())
    side = int(order.recipe.manifest["sampling"]["size"][0])
    real, held_out = boxed_slices(found.split.train, side), boxed_slices(found.split.held_out, side)
    digital = [heads.as_boxed(h, low, high) for h in order.heads(heads.bleeding_head)]
    phantom = _all_boxed(digital) if digital else None
    example = digital[0].pixels[len(digital[0]) // 2] if digital else real.pixels[0]
    picture = example.astype(np.float32)[None, None] / 127.5 - 1.0
    trainee = DetectionTrainee(real, phantom, len(found.classes), settings, order.seed, order.arithmetic)
    look = partial(trainee.look, slices=held_out)
    said = sentence(spec, f"{len(real)} pictures")
    return Prepared(trainee, picture, _epoch(len(real), settings.batch), look, said)


def _all_boxed(parts: list[BoxedSlices]) -> BoxedSlices:
    return BoxedSlices(
        np.concatenate([p.pixels for p in parts]),
        tuple(b for p in parts for b in p.boxes),
        tuple(c for p in parts for c in p.labels),
        tuple(n for p in parts for n in p.names),
    )


def _translation(order: Order) -> Prepared:
    low, high = order.window()
    parts = [heads.as_pairs(h, low, high) for h in order.heads(heads.paired_head)]
    said = ""
    if order.recipe.data.reader:
        real = paired_slices(order)
        parts, said = [*parts, real], sentence(order.recipe.data, f"{len(real)} pairs of slices")
    pairs, settings = joined(parts), settings_of(order.recipe, TranslationSettings)
    if settings.batch < 2:
        raise InputRefused(
            "The generator's batch norm needs two pictures or more.", "Write settings.batch of at least 2."
        )
    example = pairs.source[len(pairs) // 2].astype(np.float32)[None, None]
    trainee = TranslationTrainee(pairs, settings, order.seed, order.arithmetic)
    return Prepared(trainee, example, _epoch(len(pairs), settings.batch), data=said)


def _segmentation(order: Order) -> Prepared:
    cases = [heads.as_lesion_case(h) for h in order.heads(heads.stroke_head)]
    settings = settings_of(order.recipe, SegmentationSettings)
    padded, _ = pad_to(cases[0].channels, (settings.size,) * 3)
    first = [(n - settings.size) // 2 for n in padded.shape[1:]]
    ((_, tile),) = cut(padded, [(first[0], first[1], first[2])], (settings.size,) * 3)
    example = np.ascontiguousarray(tile[None])
    trainee = SegmentationTrainee(cases, settings, order.seed, order.arithmetic)
    return Prepared(trainee, example, _epoch(len(cases), settings.batch))


def _epoch(cases: int, batch: int) -> int:
    return max(1, -(-cases // batch))


PREPARE: Mapping[RecipeKind, Callable[[Order], Prepared]] = {
    RecipeKind.DETECTION: _detection,
    RecipeKind.TRANSLATION: _translation,
    RecipeKind.SEGMENTATION: _segmentation,
    RecipeKind.OUTLINE: outline,
    RecipeKind.CLASSIFICATION: classification,
}
