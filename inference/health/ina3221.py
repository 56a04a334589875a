"""The INA3221 power monitors of a Jetson, through Linux's hwmon files.

Each chip watches three supplies: `in1..3_input` in mV, `curr1..3_input` in mA, `in1..3_label` the rail's name.
`in4..7` are voltages over the shunts and `curr4` a sum; they are no rails. Source: Linux, hwmon/ina3221.
"""

from __future__ import annotations

from pathlib import Path

from inference.health.files import Unread, entries, maybe_number, maybe_text, number
from inference.health.rails import counted, total_watts
from inference.health.reading import Part, Rail, Scope

CHANNELS = (1, 2, 3)


class Ina3221:
    """Rails of the board and their sum.

    Args:
        root: Where the system's files lie; "/" on a real machine.
    """

    name = "ina3221"

    def __init__(self, root: Path = Path("/")) -> None:
        self._hwmon = root / "sys/class/hwmon"

    def read(self, now_s: float) -> Part:  # noqa: ARG002 - every source is asked the same way
        chips = [chip for chip in entries(self._hwmon, "hwmon*") if maybe_text(chip / "name") == self.name]
        if not chips:
            return Part(self.name, "There is no INA3221 power monitor here.", Scope.BOARD)
        try:
            rails = counted(rail for chip in chips for rail in _rails(chip))
        except Unread as unread:
            return Part(self.name, str(unread), Scope.BOARD)
        watts = total_watts(rails)
        if watts is None:
            return Part(self.name, "The power monitor has no rail that is switched on.", Scope.BOARD)
        return Part(self.name, scope=Scope.BOARD, watts=watts, rails=rails)

    def close(self) -> None:
        """Nothing is held."""


def _rails(chip: Path) -> list[Rail]:
    """Channels that are wired and switched on; a rail that cannot be read makes the whole sum unknown."""
    found = []
    for channel in CHANNELS:
        label = maybe_text(chip / f"in{channel}_label")
        if label in ("", "NC") or maybe_number(chip / f"in{channel}_enable") == 0:
            continue
        millivolts, milliamperes = number(chip / f"in{channel}_input"), number(chip / f"curr{channel}_input")
        found.append(Rail(label, millivolts * milliamperes / 1e6))
    return found
