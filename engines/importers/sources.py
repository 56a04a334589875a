"""Which kind of model lies there, and who turns it into a bundle."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from enum import Enum
from pathlib import Path

from engines.importers.detector import import_detector
from engines.importers.monai import INFERENCE, METADATA, import_monai
from engines.importers.nnunet import import_nnunet
from engines.importers.parcel import top_of
from engines.importers.wish import Imported, Importer, Watch, Wish
from inference.errors import InputRefused


class Source(Enum):
    """Kinds of models that can be imported."""

    NNUNET = "nnunet"
    MONAI = "monai"
    DETECTOR = "detector"


IMPORTERS: Mapping[Source, Importer] = {
    Source.NNUNET: import_nnunet,
    Source.MONAI: import_monai,
    Source.DETECTOR: import_detector,
}


def import_any(source: Path, folder: Path, wish: Wish, watch: Watch | None = None) -> Imported:
    """Turn `source` into the bundle `folder`, whole or not at all.

    Raises:
        InputRefused: It is no model of a known kind, damaged, or needs something said.
        EngineError: The conversion failed.
        JobCancelled: The user stopped it.
    """
    return IMPORTERS[kind_of(source)](source, folder, wish, watch or Watch())


def kind_of(source: Path) -> Source:
    """What lies there, by the files that each kind must have.

    Raises:
        InputRefused: Nothing, or nothing known.
    """
    if not source.exists():
        raise InputRefused(f"There is no {source}.", "Give a file or a folder.")
    if source.is_file() and source.suffix.lower() == ".onnx":
        return Source.DETECTOR
    if source.is_dir() and (source / "plans.json").is_file():
        return Source.NNUNET
    if _is_monai(source):
        return Source.MONAI
    raise InputRefused(f"{source} is no model that can be imported.", _hint(source))


def _is_monai(source: Path) -> bool:
    if source.is_dir():
        return (source / METADATA).is_file() and (source / INFERENCE).is_file()
    try:
        with zipfile.ZipFile(source) as packed:
            return top_of(packed, METADATA) is not None
    except (zipfile.BadZipFile, OSError, EOFError):
        return False


def _hint(source: Path) -> str:
    above = next((p for p in source.parents if (p / "plans.json").is_file()), None) if source.is_dir() else None
    if above is not None:
        return f"Give the folder above it that holds plans.json: {above}."
    if source.is_dir() and (source / METADATA).is_file():
        return f"It looks like a MONAI bundle without {INFERENCE}; YAML is not read, so write it as JSON."
    return (
        "Give a detector's .onnx, the folder of a trained nnU-Net v2 model (plans.json beside fold_0), or a MONAI "
        "bundle (a folder or zip with configs/metadata.json and configs/inference.json)."
    )
