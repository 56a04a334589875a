"""Reads the arguments of one transform, and refuses what nobody has looked at."""

from __future__ import annotations

from typing import Any

from engines.importers.monai_config import Config, Part, refused

HARMLESS = ("keys", "allow_missing_keys", "device", "lazy", "meta_keys", "meta_key_postfix", "track_meta")
"""Arguments that change no number."""


class Words:
    """The arguments of one transform; remembers which were looked at."""

    def __init__(self, part: Part, config: Config) -> None:
        self._part, self._config = part, config
        self._left = {name for name in part.arguments if name not in HARMLESS}

    def get(self, name: str, default: Any) -> Any:
        """An argument, or what MONAI takes without it."""
        self._left.discard(name)
        if name not in self._part.arguments:
            return default
        return self._config.value(self._part.arguments[name])

    def drop(self, name: str) -> None:
        """Look away from an argument that changes no number."""
        self._left.discard(name)

    def only(self, name: str, *allowed: Any) -> None:
        """Refuse an argument that is none of these; the first is MONAI's own."""
        found = self.get(name, allowed[0] if allowed else None)
        found = found[0] if isinstance(found, list) and len(found) == 1 else found
        if not any(found is one or (type(found) is type(one) and found == one) for one in allowed):
            raise refused(f"{self._part.name} has {name} = {found!r}")

    def number(self, name: str, default: float | None) -> float | None:
        """A number, or None."""
        found = self.get(name, default)
        if found is None or (isinstance(found, int | float) and not isinstance(found, bool)):
            return None if found is None else float(found)
        raise refused(f"{self._part.name} has {name} = {found!r}")

    def needed(self, name: str) -> float:
        """A number that must be there."""
        found = self.number(name, None)
        if found is None:
            raise refused(f"{self._part.name} has no {name}")
        return found

    def flag(self, name: str, default: bool) -> bool:
        """True or False."""
        found = self.get(name, default)
        if not isinstance(found, bool):
            raise refused(f"{self._part.name} has {name} = {found!r}")
        return found

    def numbers(self, name: str, default: Any) -> tuple[float, ...]:
        """One number for every axis, as MONAI repeats one for all or the last for the rest."""
        found = self.get(name, default)
        listed = found if isinstance(found, list) else [found]
        if not listed or len(listed) > 3 or any(isinstance(n, bool) or not isinstance(n, int | float) for n in listed):
            raise refused(f"{self._part.name} has {name} = {found!r}")
        return tuple(float(n) for n in (*listed, *[listed[-1]] * (3 - len(listed))))

    def require_keys(self, key: str) -> None:
        """Refuse what works on anything but `key`."""
        found = self._config.value(self._part.arguments.get("keys", key))
        if found not in (key, [key]):
            raise refused(f"{self._part.name} works on {found!r}, not on {key!r} alone")

    def require_all_read(self) -> None:
        """Refuse arguments that nobody has looked at."""
        if self._left:
            raise refused(f"{self._part.name} has {', '.join(sorted(self._left))}")
