"""A bundle's transforms as changes that run here exactly; every other is named and refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from engines.importers.monai_config import Config, Part, refused
from engines.importers.monai_words import Words
from inference.monai.plan import Change, Kind

# Transforms that read, type or place what is a float32 array here anyway, and the arguments that would not be nothing.
NOTHING: Mapping[str, Mapping[str, tuple[Any, ...]]] = {
    "LoadImaged": {
        "reader": (None, "ITKReader", "NibabelReader", "itkreader", "nibabelreader"),
        "image_only": (True, False),
        "ensure_channel_first": (True, False),
        "dtype": (None, "float32"),
    },
    "EnsureChannelFirstd": {"channel_dim": (None, "no_channel"), "strict_check": (True, False)},
    "AddChanneld": {},
    "EnsureTyped": {"data_type": ("tensor",), "dtype": (None, "float32"), "track_meta": (True, None)},
    "ToTensord": {"dtype": (None, "float32")},
    "CastToTyped": {"dtype": ("float32",)},
    "ToDeviced": {},
}


def changes(parts: Iterable[Part], config: Config) -> tuple[Change, ...]:
    """The preprocessing.

    Raises:
        InputRefused: A transform, or an argument of one, cannot be done exactly.
    """
    found = []
    for part in parts:
        words = Words(part, config)
        words.require_keys("image")
        if part.name in NOTHING:
            for name, allowed in NOTHING[part.name].items():
                words.only(name, *allowed)
        elif part.name in MADE:
            found.append(MADE[part.name](words))
        else:
            raise refused(f"its preprocessing uses {part.name}")
        words.require_all_read()
    return tuple(found)


def _orientation(words: Words) -> Change:
    words.only("as_closest_canonical", False)
    words.only("labels", None)
    return Change(Kind.ORIENTATION, axcodes=str(words.get("axcodes", "")).upper())


def _spacing(words: Words) -> Change:
    for name, allowed in {
        "mode": ("bilinear",),
        "padding_mode": ("border",),
        "diagonal": (False,),
        "align_corners": (False, None),
        "dtype": ("float64",),
        "scale_extent": (False,),
        "recompute_affine": (False,),
        "min_pixdim": (None,),
        "max_pixdim": (None,),
        "ensure_same_shape": (True, False),
    }.items():
        words.only(name, *allowed)
    return Change(Kind.SPACING, pixdim=words.numbers("pixdim", None))


def _crop(words: Words) -> Change:
    words.only("source_key", "image")
    words.only("channel_indices", None)
    words.only("mode", "constant")
    for name in ("start_coord_key", "end_coord_key"):
        words.get(name, None)
    margin, k = words.numbers("margin", 0), words.numbers("k_divisible", 1)
    smaller = words.get("allow_smaller", None)
    if smaller not in (None, True, False) or (smaller is None and any(margin)):
        raise refused("CropForegroundd has a margin and does not say allow_smaller, whose default MONAI 1.5 changed")
    return Change(
        Kind.CROP,
        margin=tuple(int(n) for n in margin),
        k_divisible=tuple(int(n) for n in k),
        allow_smaller=bool(smaller),
    )


def _range(words: Words) -> Change:
    words.only("dtype", "float32")
    return Change(
        Kind.RANGE,
        a_min=words.needed("a_min"),
        a_max=words.needed("a_max"),
        b_min=words.number("b_min", None),
        b_max=words.number("b_max", None),
        clip=words.flag("clip", False),
    )


def _scale(words: Words) -> Change:
    words.only("factor", None)
    words.only("dtype", "float32")
    minv, maxv = words.number("minv", 0.0), words.number("maxv", 1.0)
    if minv is None and maxv is None:
        raise refused("ScaleIntensityd has neither minv nor maxv")
    return Change(Kind.SCALE, minv=minv, maxv=maxv, channel_wise=words.flag("channel_wise", False))


def _normalize(words: Words) -> Change:
    words.only("dtype", "float32")
    given: dict[str, tuple[float, ...]] = {}
    for name in ("subtrahend", "divisor"):
        found = words.get(name, None)
        listed = [] if found is None else found if isinstance(found, list) else [found]
        if any(isinstance(n, bool) or not isinstance(n, int | float) for n in listed):
            raise refused(f"NormalizeIntensityd has {name} = {found!r}")
        given[name] = tuple(float(n) for n in listed)
    return Change(
        Kind.NORMALIZE,
        subtrahend=given["subtrahend"],
        divisor=given["divisor"],
        nonzero=words.flag("nonzero", False),
        channel_wise=words.flag("channel_wise", False),
    )


MADE: Mapping[str, Callable[[Words], Change]] = {
    Kind.ORIENTATION.value: _orientation,
    Kind.SPACING.value: _spacing,
    Kind.CROP.value: _crop,
    Kind.RANGE.value: _range,
    Kind.SCALE.value: _scale,
    Kind.NORMALIZE.value: _normalize,
}
