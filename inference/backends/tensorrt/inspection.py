"""What TensorRT made of a network, read back from the engine."""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import dataclass
from typing import Any

from inference.backends.tensorrt.library import tensorrt
from inference.backends.tensorrt.placement import Placement, PlacementRefused

# Networks that one DLA core holds at a time, over all engines loaded on it.
LOADABLES = 16
_MOVING_TYPES = {"Reformat", "NoOp", "Signal", "Wait"}
_MOVING_NAMES = (" to nvm", " from nvm", " copy finish")


@dataclass(frozen=True, slots=True)
class Inspection:
    """The layers of an engine, fused as they run.

    Attributes:
        gpu: Layers that the GPU computes.
        dla: Pieces that the DLA computes; each is one loadable.
        moves: Copies and conversions between them.
    """

    gpu: tuple[str, ...]
    dla: tuple[str, ...]
    moves: tuple[str, ...]

    @property
    def loadables(self) -> int:
        """How many of the core's 16 places the engine takes."""
        return len(self.dla)

    @property
    def sentence(self) -> str:
        return f"{len(self.gpu)} layers on the GPU, {self.loadables} of {LOADABLES} DLA loadables"


def inspect(engine: Any, placement: Placement) -> Inspection:
    """Read an engine's layers back."""
    json_format = tensorrt().LayerInformationFormat.JSON
    layers = json.loads(engine.create_engine_inspector().get_engine_information(json_format))["Layers"]
    found: dict[str, list[str]] = {"gpu": [], "dla": [], "moves": []}
    for layer in layers:
        name, kind = (layer, "") if isinstance(layer, str) else (layer["Name"], layer.get("LayerType", ""))
        found[_where(name, kind, placement)].append(name)
    return Inspection(tuple(found["gpu"]), tuple(found["dla"]), tuple(found["moves"]))


def _where(name: str, kind: str, placement: Placement) -> str:
    if kind in _MOVING_TYPES or name.endswith(_MOVING_NAMES) or name.startswith("Reformatting CopyNode"):
        return "moves"
    # The GPU's own fused pieces bear such names too, and say that they are the Myelin compiler's.
    foreign = placement.uses_dla and name.startswith("{ForeignNode[") and not kind.startswith("Myelin")
    return "dla" if kind == "DLA" or foreign else "gpu"


def require_no_fallback(found: Inspection, placement: Placement) -> None:
    """Refuse an engine that computes on the GPU though all of it was wished on the DLA.

    Raises:
        PlacementRefused: Names how many layers and the first.
    """
    if placement.only_dla and not placement.fallback and found.gpu:
        raise PlacementRefused(
            f"{len(found.gpu)} of the model's layers run on the GPU, the first is {found.gpu[0]}.",
            "Run it on the GPU, cut it so that these layers lie there, or allow fallback.",
        )


class Core:
    """The places of one DLA core, taken by the engines that are loaded on it."""

    def __init__(self) -> None:
        self._taken: Counter[tuple[int, int]] = Counter()
        self._lock = threading.Lock()

    def take(self, placement: Placement, loadables: int) -> None:
        """Take places before an engine runs.

        Raises:
            PlacementRefused: Not that many are free.
        """
        where = (placement.gpu, placement.core)
        with self._lock:
            if self._taken[where] + loadables > LOADABLES:
                raise PlacementRefused(
                    f"The model needs {loadables} loadables and DLA core {placement.core} has "
                    f"{LOADABLES - self._taken[where]} of {LOADABLES} left.",
                    "Close another engine, use the other core, or cut the model into fewer pieces.",
                )
            self._taken[where] += loadables

    def give_back(self, placement: Placement, loadables: int) -> None:
        with self._lock:
            self._taken[(placement.gpu, placement.core)] -= loadables

    def taken(self, core: int, gpu: int = 0) -> int:
        """How many places of a core are taken now."""
        with self._lock:
            return self._taken[(gpu, core)]


CORES = Core()
