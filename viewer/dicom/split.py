"""Taking one SeriesInstanceUID apart into stacks that can each be one volume, and saying why."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from viewer.dicom.image import Image
from viewer.study import SeriesKind

ORIENTATION_TOLERANCE = 0.005
POSITION_DIGITS = 2
FEW_IMAGES = 3
MANY_IMAGES = 5
VOLUME_MODALITIES = ("CT", "MR", "PT")
SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
PARAMETRIC_MAP = "1.2.840.10008.5.1.4.1.1.30"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
LOCALIZER_WORDS = re.compile(
    r"\b(localizers?|localisers?|locali[sz]er|scout|survey|pilot|topogram|scanogram|3[- ]?plane loc)\b", re.I
)

Images = tuple[Image, ...]
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Part:
    """Images that belong together, and why they stand apart from the others of their series."""

    images: Images
    kind: SeriesKind
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trait:
    """A property that may tell repeated positions apart: what it is called, and its value for an image."""

    name: str
    of: Callable[[Image], Hashable]
    unit: str = ""


TRAITS = (
    Trait("b-value", lambda image: image.b_value, " s/mm2"),
    Trait("echo time", lambda image: image.echo_time, " ms"),
    Trait("image type", lambda image: "/".join(image.image_type[2:]) or "/".join(image.image_type)),
    Trait("inversion time", lambda image: image.inversion_time, " ms"),
    Trait("temporal position", lambda image: image.temporal),
    Trait("acquisition number", lambda image: image.acquisition),
    Trait("stack", lambda image: image.stack),
    Trait("rescale", lambda image: (image.slope, image.intercept)),
    Trait("trigger time", lambda image: image.trigger, " ms"),
)


def split(images: Sequence[Image]) -> tuple[Part, ...]:
    """Parts of one series: kind, then size and orientation, then whatever tells repeated positions apart."""
    parts = []
    for kind, alike in _grouped(images, kind_of):
        if kind is not SeriesKind.VOLUME:
            parts.append(Part(alike, kind))
            continue
        parts.extend(_stacks(alike))
    if len(parts) > 1:
        parts = [_named(part, len(images)) for part in parts]
    return tuple(parts)


def kind_of(image: Image) -> SeriesKind:
    """What one image can be used for, from its class, colour and ImageType."""
    if image.sop_class in SEGMENTATIONS or image.modality == "SEG":
        return SeriesKind.SEGMENTATION
    if image.samples > 1 or image.photometric.startswith(("PALETTE", "RGB", "YBR")):
        return SeriesKind.CAPTURE
    if image.sop_class.startswith(SECONDARY_CAPTURE) and not image.has_place:
        return SeriesKind.CAPTURE
    if "LOCALIZER" in image.image_type or LOCALIZER_WORDS.search(f"{image.description} {image.protocol}"):
        return SeriesKind.LOCALIZER
    if image.modality not in VOLUME_MODALITIES or image.sop_class == PARAMETRIC_MAP:
        return SeriesKind.OTHER
    return SeriesKind.VOLUME


def _stacks(images: Images) -> list[Part]:
    """Stacks of one size and orientation, the largest first; each without repeated positions."""
    groups = sorted((group for _, group in _grouped(images, _size)), key=len, reverse=True)
    oriented = [part for group in groups for part in _by_orientation(group)]
    return [phase for part in oriented for phase in _phases(part)]


def _size(image: Image) -> Hashable:
    spacing = tuple(round(length, 3) for length in image.spacing)
    return image.has_place, image.rows, image.columns, spacing, image.frame_of_reference


def _by_orientation(images: Images) -> list[Part]:
    if not images[0].has_place:
        return [Part(images, SeriesKind.VOLUME)]
    clusters: list[list[Image]] = []
    for image in images:
        for cluster in clusters:
            if np.abs(np.subtract(cluster[0].orientation, image.orientation)).max() < ORIENTATION_TOLERANCE:
                cluster.append(image)
                break
        else:
            clusters.append([image])
    clusters.sort(key=len, reverse=True)
    return [_oriented(tuple(cluster), len(clusters[0])) for cluster in clusters]


def _oriented(images: Images, largest: int) -> Part:
    """A few images that cross a large stack are its localizer."""
    if len(images) <= FEW_IMAGES and largest >= MANY_IMAGES:
        return Part(images, SeriesKind.LOCALIZER, ("It lies in another plane than the other images of its series.",))
    return Part(images, SeriesKind.VOLUME)


def _phases(part: Part) -> list[Part]:
    """Split until no position repeats."""
    most = _most_repeated(part.images)
    if part.kind is not SeriesKind.VOLUME or most < 2:
        return [part]
    for trait in TRAITS:
        groups = _grouped(part.images, trait.of)
        if 1 < len(groups) <= most and max(_most_repeated(group) for _, group in groups) < most:
            groups = sorted(groups, key=lambda pair: _sortable(pair[0]))
            return [phase for key, group in groups for phase in _phases(_phase(part, group, trait, key))]
    return _by_occurrence(part, most)


def _phase(part: Part, images: Images, trait: Trait, key: Hashable) -> Part:
    shown = "none" if key in (None, "") else f"{key:g}" if isinstance(key, float) else str(key)
    reason = f"Several images lie at each position; these have {trait.name} {shown}{trait.unit}."
    return replace(part, images=images, reasons=(*part.reasons, reason))


def _by_occurrence(part: Part, most: int) -> list[Part]:
    """Nothing in the header tells them apart: first images of each position, second ones, and so on."""
    seen: Counter[Hashable] = Counter()
    groups: list[list[Image]] = [[] for _ in range(most)]
    for image in sorted(part.images, key=lambda image: (image.acquisition, image.time, image.instance, image.frame)):
        place = _place(image)
        groups[seen[place]].append(image)
        seen[place] += 1
    return [
        replace(part, images=tuple(group), reasons=(*part.reasons, _occurrence(number, most)))
        for number, group in enumerate(groups, start=1)
    ]


def _occurrence(number: int, most: int) -> str:
    return f"Up to {most} images lie at one position; these come at place {number} in order of acquisition."


def _most_repeated(images: Iterable[Image]) -> int:
    counts = Counter(_place(image) for image in images if image.has_place)
    return max(counts.values(), default=1)


def _place(image: Image) -> Hashable:
    """Position along the image's own normal: two images at one position repeat it even if shifted sideways."""
    row, column = np.reshape(image.orientation, (2, 3))
    return round(float(np.dot(image.position, np.cross(row, column))), POSITION_DIGITS)


def _named(part: Part, total: int) -> Part:
    images = "1 image" if len(part.images) == 1 else f"{len(part.images)} images"
    return replace(part, reasons=(f"{images} of {total} in this series.", *part.reasons))


def _grouped(images: Iterable[Image], key: Callable[[Image], Key]) -> list[tuple[Key, Images]]:
    groups: dict[Key, list[Image]] = {}
    for image in images:
        groups.setdefault(key(image), []).append(image)
    return [(value, tuple(group)) for value, group in groups.items()]


def _sortable(key: Hashable) -> tuple[bool, float, str]:
    number = float(key) if isinstance(key, (int, float)) else 0.0
    return key is not None, number, str(key)
