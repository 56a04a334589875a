"""Readers: a folder in a known layout -> checked cases, or one sentence on what is wrong. Nothing is guessed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from engines.training.readers.bids import read_isles
from engines.training.readers.brats import read_brats
from engines.training.readers.cases import BoxSet, MaskCase, PairCase, Split
from engines.training.readers.ctorg import read_ctorg
from engines.training.readers.nnunet_raw import read_nnunet_raw
from engines.training.readers.pairs import read_outlined_volumes, read_picture_pairs, read_volume_pairs
from engines.training.readers.prostate3t import read_prostate3t
from engines.training.readers.voc import read_bccd, read_voc
from engines.training.readers.yolo import read_yolo
from engines.training.sources import DataSpec
from engines.training.words import named

T = TypeVar("T")
Reader = Callable[[Path, DataSpec], T]

BOXES: Mapping[str, Reader[BoxSet]] = {
    "yolo": lambda folder, _: read_yolo(folder),
    "voc": lambda folder, _: read_voc(folder),
    "bccd": lambda folder, _: read_bccd(folder),
}
MASKS: Mapping[str, Reader[Split[MaskCase]]] = {
    "nnunet-raw": lambda folder, spec: read_nnunet_raw(folder, spec.held_out),
    "isles": lambda folder, spec: read_isles(folder, spec.channels, spec.held_out),
    "brats": lambda folder, spec: read_brats(folder, spec.channels, spec.held_out),
    "ct-org": lambda folder, spec: read_ctorg(folder, spec.labels),
    "prostate-3t": lambda folder, spec: read_prostate3t(folder, spec.labels, spec.held_out),
    "outlined-volumes": lambda folder, spec: read_outlined_volumes(folder, spec.channels, spec.labels, spec.held_out),
}
PAIRS: Mapping[str, Reader[Split[PairCase]]] = {
    "paired-pictures": lambda folder, spec: read_picture_pairs(folder, spec.channels, spec.held_out),
    "paired-volumes": lambda folder, spec: read_volume_pairs(folder, spec.channels, spec.held_out),
}


def read_boxes(folder: Path, spec: DataSpec) -> BoxSet:
    """Marked pictures. Raises InputRefused where the layout is not known or the folder is not in it."""
    return named(BOXES, spec.reader, "reader")(folder, spec)


def read_masks(folder: Path, spec: DataSpec) -> Split[MaskCase]:
    """Outlined volumes. Raises InputRefused where the layout is not known or the folder is not in it."""
    return named(MASKS, spec.reader, "reader")(folder, spec)


def read_pairs(folder: Path, spec: DataSpec) -> Split[PairCase]:
    """Pairs of images. Raises InputRefused where the layout is not known or the folder is not in it."""
    return named(PAIRS, spec.reader, "reader")(folder, spec)
