"""What is asked of a network: a task, read from a bundle's manifest."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from inference.errors import ManifestInvalid
from inference.nnunet.plan import read_plan
from inference.result import Kind
from inference.table import build
from inference.volume import Channel

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SCHEMA = 1
NORMALISATIONS = ("window", "zscore", "adc", "nnunet")
INSIDES = ("", "brain")
SAMPLINGS = ("slices", "tiles", "nnunet")


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """The ONNX file of a bundle and the names at its border."""

    file: str
    sha256: str
    input: str
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChannelSpec:
    """One input channel: what it must show and how it is normalised (`low`, `high` for "window" only)."""

    name: str
    normalise: str
    low: float = 0.0
    high: float = 0.0

    @property
    def channel(self) -> Channel:
        return Channel(self.name)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How voxels reach the network.

    Attributes:
        kind: "slices" (axial, spacing (row, column), size (rows, columns)),
            "tiles" (sliding window, spacing (x, y, z), size (k, j, i)) or
            "nnunet" (everything else as the file `plan` says).
        overlap: Share of a tile covered again by its neighbour.
        plan: Name of the sidecar, for "nnunet".
    """

    kind: str
    spacing_mm: tuple[float, ...] = ()
    size: tuple[int, ...] = ()
    overlap: float = 0.5
    plan: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """What the network's answer means.

    Attributes:
        labels: Class names; for masks label values count from 1.
        threshold: Probability above which a voxel belongs to a mask.
        min_ml: Components smaller than this are dropped from a mask.
        inside: "brain" keeps a mask inside the brain of the first channel; "" keeps all.
        strides, score, iou: For boxes.
        channel, low, high: For volumes: what they show, and the range that [-1, 1] is mapped to.
    """

    labels: tuple[str, ...] = ()
    threshold: float = 0.5
    min_ml: float = 0.0
    inside: str = ""
    strides: tuple[int, ...] = ()
    score: float = 0.3
    iou: float = 0.5
    channel: str = "UNKNOWN"
    low: float = 0.0
    high: float = 1.0


@dataclass(frozen=True, slots=True)
class VectorSpec:
    """File of stored inputs and outputs of one real forward pass."""

    file: str


@dataclass(frozen=True, slots=True)
class Task:
    """A task as its manifest states it; `folder` is the bundle."""

    name: str
    title: str
    version: str
    kind: Kind
    intended_use: str
    notice: str
    licence: str
    model: ModelSpec
    channels: tuple[ChannelSpec, ...]
    sampling: Sampling
    output: Output
    test_vector: VectorSpec
    folder: Path

    @property
    def model_path(self) -> Path:
        return self.folder / self.model.file

    @property
    def is_nnunet(self) -> bool:
        """Whether a sidecar says how voxels reach the network."""
        return self.sampling.kind == "nnunet"

    @property
    def plan_path(self) -> Path:
        return self.folder / self.sampling.plan

    @property
    def vector_path(self) -> Path:
        return self.folder / self.test_vector.file


def read_task(folder: Path) -> Task:
    """Read and check `folder/manifest.toml`.

    Raises:
        ManifestInvalid: It is missing or broken, or has unknown, missing or wrong fields (each is named).
    """
    path = folder / "manifest.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ManifestInvalid(f"{folder} holds no manifest.toml.", "Give the folder of a bundle.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ManifestInvalid(f"{path} cannot be read: {error}.", "Repair it or install the bundle again.") from error
    if table.pop("schema", None) != SCHEMA:
        raise ManifestInvalid(f"{path} is not of schema {SCHEMA}.", f"Write schema = {SCHEMA} or update Insula.")
    task = build(Task, {**table, "folder": folder}, str(path))
    _check(task, str(path))
    return task


def _check(task: Task, where: str) -> None:
    """Rules that hold between fields."""
    wrong = [
        *[f"channel {c.name!r} is not known" for c in task.channels if c.name not in Channel.__members__],
        *[f"normalise {c.normalise!r} is not known" for c in task.channels if c.normalise not in NORMALISATIONS],
        *[f"channel {c.name} needs low < high" for c in task.channels if c.normalise == "window" and c.low >= c.high],
    ]
    wrong += _sampling_faults(task.sampling)
    if not task.channels:
        wrong.append("channels is empty")
    if task.output.channel not in Channel.__members__:
        wrong.append(f"output.channel {task.output.channel!r} is not known")
    if task.output.inside not in INSIDES:
        wrong.append(f"output.inside {task.output.inside!r} is not known")
    if task.kind is not Kind.VOLUME and not task.output.labels:
        wrong.append("output.labels is empty")
    if task.kind is Kind.BOXES and len(task.output.strides) != len(task.model.outputs):
        wrong.append("output.strides must name one stride for each of model.outputs")
    if any(Path(f).name != f for f in (task.model.file, task.test_vector.file, task.sampling.plan)):
        wrong.append("files must lie in the bundle's own folder")
    if task.is_nnunet and not wrong:
        wrong += _plan_faults(task)
    if wrong:
        raise ManifestInvalid(f"{where}: {'; '.join(wrong)}.", "Correct the manifest.")


def _plan_faults(task: Task) -> list[str]:
    """The sidecar must be whole, and the manifest must say the same about channels and labels."""
    plan = read_plan(task.plan_path)
    rules = {
        "kind must be mask for an nnunet plan": task.kind is Kind.MASK,
        f"channels must be {len(plan.channels)}, as in the plan": len(task.channels) == len(plan.channels),
        'every channel needs normalise = "nnunet"': all(c.normalise == "nnunet" for c in task.channels),
        "output.labels must name the plan's labels": task.output.labels == tuple(plan.names.values()),
    }
    return [sentence for sentence, holds in rules.items() if not holds]


def _sampling_faults(sampling: Sampling) -> list[str]:
    if sampling.kind == "nnunet":
        given = bool(sampling.spacing_mm or sampling.size)
        return ["sampling of kind nnunet needs plan, and no spacing_mm or size"] if given or not sampling.plan else []
    sides = {"slices": 2, "tiles": 3}.get(sampling.kind)
    if sides is None:
        return [f"sampling.kind {sampling.kind!r} is not one of {', '.join(SAMPLINGS)}"]
    faults = []
    if len(sampling.size) != sides or len(sampling.spacing_mm) != sides:
        faults.append(f"sampling.size and spacing_mm need {sides} numbers")
    if min((*sampling.size, *sampling.spacing_mm), default=0) <= 0 or not 0 <= sampling.overlap < 1:
        faults.append("sampling must be positive, with 0 <= overlap < 1")
    return faults
