"""The nouns of health: one reading of the machine, part by part. What is absent carries a reason, never a zero."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from statistics import mean

# Sensors on the chips that compute, as the systems name them; disks, batteries and wireless cards are left out.
_CHIP = re.compile(r"cpu|gpu|core|pkg|package|tctl|tdie|k10temp|zenpower|soc|\btj|\bcv\d", re.IGNORECASE)
_NO_POWER = "No sensor of this machine tells power."


class Scope(Enum):
    """What a source's watts cover."""

    BOARD = "board"
    PROCESSOR = "processor"
    GPU = "gpu"


class Throttled(Enum):
    """Whether clocks are held down by heat, power or current."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Throttle:
    """Whether clocks are held down, and one sentence that says why or how that is known."""

    state: Throttled
    reason: str


@dataclass(frozen=True, slots=True)
class Rail:
    """One measured supply.

    Attributes:
        watts: Its power now.
        counted: It is part of its source's total; a rail that another one feeds is not.
    """

    name: str
    watts: float
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Temperature:
    """One sensor, in degrees Celsius."""

    name: str
    celsius: float


@dataclass(frozen=True, slots=True)
class Clock:
    """One clock, in MHz."""

    name: str
    mhz: float


@dataclass(frozen=True, slots=True)
class Load:
    """How busy a unit is, in percent. A clock that runs is not a load."""

    name: str
    percent: float


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes in use and in all; `own_bytes` is what this program and its children hold, None where nothing tells."""

    name: str
    used_bytes: int
    total_bytes: int
    own_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What one source tells.

    Attributes:
        source: Its name: "ina3221", "nvml", "rapl", ...
        absent: One sentence that says why it tells nothing; "" when it tells something.
        scope: What its watts cover; None for a source that never tells power.
        watts: Power now; None where it does not tell it, with the reason in `watts_absent`.
        joules: A counter of energy since any past moment, exacter than watts between two readings; None without one.
    """

    source: str
    absent: str = ""
    scope: Scope | None = None
    watts: float | None = None
    watts_absent: str = ""
    joules: float | None = None
    rails: tuple[Rail, ...] = ()
    temperatures: tuple[Temperature, ...] = ()
    clocks: tuple[Clock, ...] = ()
    loads: tuple[Load, ...] = ()
    memories: tuple[Memory, ...] = ()
    throttle: Throttle | None = None

    @property
    def why_no_watts(self) -> str:
        return self.absent or self.watts_absent


@dataclass(frozen=True)
class Reading:
    """Everything the machine tells at one moment.

    Attributes:
        at_s: Seconds of `time.perf_counter`.
        parts: One for each source, absent ones too.
    """

    at_s: float
    parts: tuple[Part, ...]

    @cached_property
    def powered(self) -> tuple[Part, ...]:
        """The parts whose watts make the total: a whole board alone, or processors and GPUs together."""
        telling = [part for part in self.parts if part.watts is not None]
        boards = [part for part in telling if part.scope is Scope.BOARD]
        return tuple(boards[:1] or telling)

    @property
    def watts(self) -> float | None:
        """Power of what `covers` names; None where nothing tells it, for the reason in `watts_absent`."""
        return sum(part.watts or 0.0 for part in self.powered) if self.powered else None

    @property
    def covers(self) -> tuple[str, ...]:
        """Sources in the total."""
        return tuple(part.source for part in self.powered)

    @property
    def watts_absent(self) -> str:
        """Why there are no watts, "" when there are; one sentence for each source that might have told them."""
        if self.powered:
            return ""
        reasons = [part.why_no_watts for part in self.parts if part.scope is not None and part.why_no_watts]
        return " ".join(dict.fromkeys(reasons)) or _NO_POWER

    @property
    def temperatures(self) -> tuple[Temperature, ...]:
        return tuple(one for part in self.parts for one in part.temperatures)

    @property
    def hottest(self) -> Temperature | None:
        """The warmest sensor on a chip that computes, or None."""
        on_chips = [one for one in self.temperatures if _CHIP.search(one.name)]
        return max(on_chips, key=lambda one: one.celsius, default=None)

    @property
    def clocks(self) -> tuple[Clock, ...]:
        return tuple(one for part in self.parts for one in part.clocks)

    @property
    def cpu_mhz(self) -> float | None:
        """Mean clock of the processor's cores, or None."""
        cores = [one.mhz for one in self.clocks if one.name.lower().startswith("cpu")]
        return mean(cores) if cores else None

    @property
    def loads(self) -> tuple[Load, ...]:
        return tuple(one for part in self.parts for one in part.loads)

    @property
    def memory(self) -> Memory | None:
        """The machine's main memory, or None."""
        found = (one for part in self.parts for one in part.memories if one.name == "RAM")
        return max(found, key=lambda one: one.own_bytes is not None, default=None)

    @property
    def throttle(self) -> Throttle:
        """Yes as soon as one source says so, no when one says no and none says yes."""
        said = [part.throttle for part in self.parts if part.throttle is not None]
        for state in (Throttled.YES, Throttled.NO):
            reasons = [one.reason for one in said if one.state is state]
            if reasons:
                return Throttle(state, " ".join(dict.fromkeys(reasons)))
        reasons = [one.reason for one in said]
        return Throttle(Throttled.UNKNOWN, " ".join(reasons) or "No source tells whether clocks are held down.")

    def absent(self) -> dict[str, str]:
        """Source -> why it tells nothing, for those that tell nothing."""
        return {part.source: part.absent for part in self.parts if part.absent}
