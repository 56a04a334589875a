"""Which layers run where, and how tensors lie at the border of an engine."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum
from typing import ClassVar

from inference.errors import EngineError

_DEVICE = re.compile(r"(GPU|DLA)(\d*)")


class Unit(Enum):
    """What computes a layer; the values are TensorRT's names of its device types."""

    GPU = "GPU"
    DLA = "DLA"


class Border(Enum):
    """How inputs and outputs lie in memory.

    PLAIN is fp32, row by row; TensorRT converts on the GPU. NATIVE is what GPU and DLA both compute with, so that two
    engines meet without conversion: fp16 in groups of 16 channels, or int8 in groups of 32 where the range is known.
    The others are the DLA's own for images: rows padded, or up to 4 channels side by side (inputs only; outputs are
    NATIVE then).
    """

    PLAIN = "plain"
    NATIVE = "native"
    DLA_LINEAR = "dla linear"
    DLA_HWC4 = "dla hwc4"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Layers `first` to `last`, both counted in, by their index in the parsed network."""

    first: int
    last: int
    unit: Unit


@dataclass(frozen=True, slots=True)
class Placement:
    """Where each layer of a model runs.

    Attributes:
        unit: Where a layer runs that nothing below names.
        stretches: Layers by index; a later stretch wins.
        layers: Layers by name; a name wins over an index.
        core: The DLA core that an engine is loaded on.
        gpu: The GPU, by its CUDA index.
        fallback: Whether a layer that cannot run on the DLA may run on the GPU. If not, that is an error.
        border: How inputs and outputs lie.
        direct: Refuse to convert at the border rather than convert unseen (TensorRT's DIRECT_IO).
    """

    unit: Unit = Unit.GPU
    stretches: tuple[Stretch, ...] = ()
    layers: tuple[tuple[str, Unit], ...] = ()
    core: int = 0
    gpu: int = 0
    fallback: bool = False
    border: Border = Border.PLAIN
    direct: bool = False

    def unit_of(self, index: int, name: str) -> Unit:
        """Where one layer is wished to run."""
        by_name = dict(self.layers)
        if name in by_name:
            return by_name[name]
        held = [stretch.unit for stretch in self.stretches if stretch.first <= index <= stretch.last]
        return held[-1] if held else self.unit

    @property
    def uses_dla(self) -> bool:
        units = (self.unit, *(stretch.unit for stretch in self.stretches), *(unit for _, unit in self.layers))
        return Unit.DLA in units

    @property
    def only_dla(self) -> bool:
        """Whether every layer is wished on the DLA."""
        return self.unit is Unit.DLA and not self.stretches and not self.layers


class PlacementRefused(EngineError):
    """The model cannot be laid out as wished: a layer has no place there, or the device is full."""

    code: ClassVar[str] = "placement_refused"


def on(device: str) -> Placement:
    """The placement of a whole model on a device as `Backend.load` names it: "GPU", "GPU1", "DLA0".

    On a DLA core the border is NATIVE, since fp32 would have to be converted on the GPU.

    Raises:
        PlacementRefused: There is no such kind of device.
    """
    match = _DEVICE.fullmatch(device)
    if match is None:
        raise PlacementRefused(f"TensorRT knows no device {device}.", "Choose GPU, or DLA0 on a Jetson.")
    number = int(match[2] or 0)
    if match[1] == Unit.GPU.value:
        return Placement(gpu=number)
    return replace(Placement(Unit.DLA, border=Border.NATIVE), core=number)
