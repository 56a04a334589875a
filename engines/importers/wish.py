"""What the user may say about an import."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from inference.result import CancelledFn, ProgressFn


@dataclass(frozen=True, slots=True)
class Wish:
    """How to import.

    Attributes:
        folds: nnU-Net: names of the folds to average; empty: all that have the checkpoint.
        mirror: nnU-Net: average over mirrored inputs, where training mirrored: eight times the work in 3D.
        channels: What each channel shows (CT, T1, T1C, T2, FLAIR, DWI, ADC); empty: told from the model's own names.
        examples: NIfTI files of one case, in the order of the channels, or one npz with `channels` [c, k, j, i] and
            `spacing`: what int8 ranges are measured on.
        trust: Open weights files that hold more than weights and plain data.
        window: Detector: the values that are black and white in its pictures; None: as its sidecar says.
        labels: Detector: names of its classes; empty: as the model says.
    """

    name: str = ""
    folds: tuple[str, ...] = ()
    checkpoint: str = "checkpoint_final.pth"
    mirror: bool = True
    channels: tuple[str, ...] = ()
    examples: tuple[Path, ...] = ()
    trust: bool = False
    window: tuple[float, float] | None = None
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Watch:
    """Who follows an import and may stop it."""

    progress: ProgressFn = lambda _: None
    cancelled: CancelledFn = lambda: False


@dataclass(frozen=True, slots=True)
class Imported:
    """A bundle that was made.

    Attributes:
        kind: "nnunet", "monai" or "detector".
        found: Sentences: what the source says of itself.
        assumed: Sentences: what it does not say and was taken for granted.
    """

    folder: Path
    kind: str
    found: tuple[str, ...]
    assumed: tuple[str, ...] = ()


Importer = Callable[[Path, Path, Wish, Watch], Imported]
