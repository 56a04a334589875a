"""What is asked of a network: a task, read from a bundle's manifest."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from inference.errors import ManifestInvalid
from inference.monai import plan as monai_plan
from inference.nnunet.plan import read_plan
from inference.result import Kind, Pieces
from inference.steps.heads import Head
from inference.steps.letterbox import Place
from inference.steps.region import Region
from inference.table import build
from inference.volume import Channel

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SCHEMA = 1
NORMALISATIONS = ("window", "zscore", "adc", "relative", "nnunet", "monai", "colour")
INSIDES = ("", "brain", "skull")
SAMPLINGS = ("slices", "tiles", "nnunet", "monai", "letterbox", "crops")
IMPORTED = ("nnunet", "monai", "letterbox")
PLANNED = ("nnunet", "monai")


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """The ONNX file of a bundle and the names at its border.

    Attributes:
        whole: Operations, by the first tensor that each makes, which int8 leaves in single precision because rounding
            them costs too much.
    """

    file: str
    sha256: str
    input: str
    outputs: tuple[str, ...]
    whole: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChannelSpec:
    """One input channel: what it must show and how it is normalised (`low`, `high` for "window" only).

    `bias_field`: the coil's smooth brightness is divided out first (masks only, MR only).
    `optional`: a study may lack it; the network then gets zeros, and the result says so. Never the first channel.
    """

    name: str
    normalise: str
    low: float = 0.0
    high: float = 0.0
    bias_field: bool = False
    optional: bool = False

    @property
    def channel(self) -> Channel:
        return Channel(self.name)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How voxels reach the network.

    Attributes:
        kind: "slices" (axial, spacing (row, column), size (rows, columns)),
            "tiles" (sliding window, spacing (x, y, z), size (k, j, i)),
            "nnunet" or "monai" (everything else as the file `plan` says),
            "letterbox" (whole axial slices in pictures of size (rows, columns)) or
            "crops" (things found on a colour picture, each in the middle of a square of size (rows, columns)).
        overlap: Share of a tile covered again by its neighbour.
        plan: Name of the sidecar, for "nnunet" and "monai".
        place, planes, top: For "letterbox": where the slice lies in the picture, equal channels, and the number that
            white is.
        field: For "crops": how many pixels of the picture a side of the square spans.
    """

    kind: str
    spacing_mm: tuple[float, ...] = ()
    size: tuple[int, ...] = ()
    overlap: float = 0.5
    plan: str = ""
    place: Place = Place.CENTRE
    planes: int = 1
    top: float = 1.0
    field: int = 0


@dataclass(frozen=True, slots=True)
class Output:
    """What the network's answer means.

    Attributes:
        labels: Class names; for masks label values count from 1.
        threshold: Probability above which a voxel belongs to a mask.
        min_ml: Components smaller than this are dropped from a mask.
        pieces: For masks: whether each connected piece is a finding (lesions), or each label (structures).
        paired: Labels of structures that there is one of on each side of the body: one finding for each.
        inside: "brain" keeps a mask inside the brain of the first channel, a diffusion image; "skull" inside the skull
            of the first channel, a T1 image, and shows the network nothing outside it; "" keeps all.
        head: For boxes: how the network writes them down.
        strides, score, iou, most: For boxes: input pixels per cell, the least score, the overlap from which the weaker
            of two is dropped, and how many of a picture are kept.
        channel, low, high: For volumes: what they show, and the range that [-1, 1] is mapped to.
    """

    labels: tuple[str, ...] = ()
    threshold: float = 0.5
    min_ml: float = 0.0
    pieces: Pieces = Pieces.LESIONS
    paired: tuple[str, ...] = ()
    inside: str = ""
    strides: tuple[int, ...] = ()
    score: float = 0.3
    iou: float = 0.5
    head: Head = Head.MAPS
    most: int = 50
    channel: str = "UNKNOWN"
    low: float = 0.0
    high: float = 1.0


@dataclass(frozen=True, slots=True)
class VectorSpec:
    """File of stored inputs and outputs of one real forward pass."""

    file: str


@dataclass(frozen=True, slots=True)
class Task:
    """A task as its manifest states it.

    Attributes:
        folder: The bundle.
        region: Part of the body that it is made for. An imported model that names none asks for none: `Region.ANY`.
    """

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
    region: Region = Region.HEAD

    def __post_init__(self) -> None:
        if self.is_imported and self.region is Region.HEAD:
            object.__setattr__(self, "region", Region.ANY)

    @property
    def model_path(self) -> Path:
        return self.folder / self.model.file

    @property
    def is_nnunet(self) -> bool:
        """Whether a sidecar says how voxels reach the network."""
        return self.sampling.kind == "nnunet"

    @property
    def is_imported(self) -> bool:
        """Whether it was made elsewhere, so that its own pipeline says how it is run."""
        return self.sampling.kind in IMPORTED

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
    if any(c.bias_field and (task.sampling.kind != "tiles" or c.name == "CT") for c in task.channels):
        wrong.append("bias_field is for MR channels of tasks that work in tiles")
    if not task.channels:
        wrong.append("channels is empty")
    if task.output.channel not in Channel.__members__:
        wrong.append(f"output.channel {task.output.channel!r} is not known")
    wrong += _optional_faults(task)
    wrong += _pieces_faults(task)
    if task.output.inside not in INSIDES:
        wrong.append(f"output.inside {task.output.inside!r} is not known")
    if task.output.inside == "skull" and any(c.normalise != "zscore" for c in task.channels):
        wrong.append('output.inside "skull" is for channels normalised by "zscore"')
    if task.kind is not Kind.VOLUME and not task.output.labels:
        wrong.append("output.labels is empty")
    wrong += _box_faults(task)
    if any(Path(f).name != f for f in (task.model.file, task.test_vector.file, task.sampling.plan)):
        wrong.append("files must lie in the bundle's own folder")
    if task.sampling.kind in PLANNED and not wrong:
        wrong += _plan_faults(task)
    if wrong:
        raise ManifestInvalid(f"{where}: {'; '.join(wrong)}.", "Correct the manifest.")


def _optional_faults(task: Task) -> list[str]:
    rules = {
        "the first channel cannot be optional": not any(c.optional for c in task.channels[:1]),
        "optional is for channels of masks that work in tiles": task.sampling.kind == "tiles"
        or not any(c.optional for c in task.channels),
    }
    return [sentence for sentence, holds in rules.items() if not holds]


def _pieces_faults(task: Task) -> list[str]:
    output = task.output
    structures = output.pieces is Pieces.STRUCTURES
    rules = {
        "output.pieces is for masks": task.kind is Kind.MASK or not structures,
        "output.paired is for pieces = structures": structures or not output.paired,
        "output.paired must name labels": set(output.paired) <= set(output.labels),
    }
    return [sentence for sentence, holds in rules.items() if not holds]


def _box_faults(task: Task) -> list[str]:
    output, sampling = task.output, task.sampling
    if task.kind is not Kind.BOXES:
        whole_pictures = sampling.kind in ("letterbox", "crops")
        return [f"sampling of kind {sampling.kind} is for boxes"] if whole_pictures else []
    if sampling.kind == "crops":
        return _crop_faults(task)
    maps, whole = output.head is Head.MAPS, sampling.kind == "letterbox"
    rules = {
        "output.strides must name one stride for each of model.outputs": not maps
        or len(output.strides) == len(task.model.outputs),
        f"output.head {output.head.value} needs one output": maps or len(task.model.outputs) == 1,
        f"output.head {output.head.value} needs sampling of kind letterbox": maps or whole,
        "a letterbox needs one channel with a window": not whole
        or (len(task.channels) == 1 and task.channels[0].normalise == "window"),
        "output.most, strides, sampling.planes and top must be positive": min(
            output.most, sampling.planes, sampling.top, *output.strides
        )
        > 0,
        "output.score and iou lie between 0 and 1": 0 <= output.score <= 1 and 0 <= output.iou <= 1,
    }
    return [sentence for sentence, holds in rules.items() if not holds]


def _crop_faults(task: Task) -> list[str]:
    output, colour = task.output, [c.name == "COLOUR" and c.normalise == "colour" for c in task.channels]
    rules = {
        'crops need one channel COLOUR with normalise = "colour"': colour == [True],
        'crops need region = "smear": what is found, and how, is known for smears only': task.region is Region.SMEAR,
        "crops need one output": len(task.model.outputs) == 1,
        "output.most must be positive, and score and iou lie between 0 and 1": output.most > 0
        and 0 <= output.score <= 1
        and 0 <= output.iou <= 1,
    }
    return [sentence for sentence, holds in rules.items() if not holds]


def _plan_faults(task: Task) -> list[str]:
    """The sidecar must be whole, and the manifest must say the same about channels and labels."""
    kind = task.sampling.kind
    if kind == "nnunet":
        plan = read_plan(task.plan_path)
        channels, labels = len(plan.channels), tuple(plan.names.values())
    else:
        bundle = monai_plan.read_plan(task.plan_path)
        channels, labels = bundle.channels, bundle.labels
    rules = {
        f"kind must be mask for a plan of {kind}": task.kind is Kind.MASK,
        f"channels must be {channels}, as in the plan": len(task.channels) == channels,
        f'every channel needs normalise = "{kind}"': all(c.normalise == kind for c in task.channels),
        "output.labels must name the plan's labels": task.output.labels == labels,
    }
    return [sentence for sentence, holds in rules.items() if not holds]


def _sampling_faults(sampling: Sampling) -> list[str]:
    if sampling.kind in PLANNED:
        given = bool(sampling.spacing_mm or sampling.size)
        sentence = f"sampling of kind {sampling.kind} needs plan, and no spacing_mm or size"
        return [sentence] if given or not sampling.plan else []
    if sampling.kind == "letterbox":
        wrong = len(sampling.size) != 2 or min(sampling.size) < 1 or bool(sampling.spacing_mm)
        return ["sampling of kind letterbox needs size (rows, columns), and no spacing_mm"] if wrong else []
    if sampling.kind == "crops":
        square = len(sampling.size) == 2 and sampling.size[0] == sampling.size[1] and not sampling.spacing_mm
        right = square and 1 <= sampling.size[0] <= sampling.field
        return [] if right else ["sampling of kind crops needs a square size, a field no smaller, and no spacing_mm"]
    sides = {"slices": 2, "tiles": 3}.get(sampling.kind)
    if sides is None:
        return [f"sampling.kind {sampling.kind!r} is not one of {', '.join(SAMPLINGS)}"]
    faults = []
    if len(sampling.size) != sides or len(sampling.spacing_mm) != sides:
        faults.append(f"sampling.size and spacing_mm need {sides} numbers")
    if min((*sampling.size, *sampling.spacing_mm), default=0) <= 0 or not 0 <= sampling.overlap < 1:
        faults.append("sampling must be positive, with 0 <= overlap < 1")
    return faults
