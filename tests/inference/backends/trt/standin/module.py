"""A module made from a specification: what the real one lacks raises, what it has does what `behaviour` says."""

from __future__ import annotations

import types
from collections.abc import Callable

from standin.signature import bind, fits, overloads

Behaviours = dict[tuple[str, str], Callable]
NO_CONSTRUCTOR = "Initialize self."


class Unsimulated(AssertionError):
    """The real library has this, and nobody wrote what it does: write it in `behaviour.py`."""


class NativeEnum:
    """As pybind11's: an index, a name, and no arithmetic."""

    _begun = True

    def __init__(self, value: int) -> None:
        self._value = int(value)

    @property
    def name(self) -> str:
        return next(name for name, item in type(self).__members__.items() if item._value == self._value)

    @property
    def value(self) -> int:
        return self._value

    def __index__(self) -> int:
        return self._value

    __int__ = __index__

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}.{self.name}: {self._value}>"


class Native:
    """As an object of a pybind11 class: no attribute beyond those of the class, and of no use before `__init__`."""

    _begun = False

    def __setattr__(self, name: str, value: object) -> None:
        generated = "_specified" in vars(type(self))
        known = any(name in vars(each) for each in type(self).__mro__)
        if generated and not name.startswith("_") and not known:
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        object.__setattr__(self, name, value)


def make(specification: dict, behaviours: Behaviours, world: object) -> types.ModuleType:
    """A module `tensorrt` of that version in that world."""
    module = types.ModuleType("tensorrt")
    names = specification["names"]
    classes: dict[str, type] = {}
    for name in sorted((n for n, s in names.items() if s["kind"] == "class"), key=lambda n: len(names[n]["bases"])):
        spec = names[name]
        classes[name] = _enum(name, spec) if spec["enum"] else _class(name, spec, classes, behaviours, world)
    for name, spec in names.items():
        if spec["kind"] == "function":
            setattr(module, name, _function(name, spec, classes, behaviours, world))
        elif spec["kind"] == "alias" and spec["of"][0] in classes:
            setattr(module, name, getattr(classes[spec["of"][0]], spec["of"][1]))
    vars(module).update(classes)
    module.__version__ = specification["version"]
    world.classes = classes
    _add_severities(classes)
    return module


def _add_severities(classes: dict[str, type]) -> None:
    """The one class inside a class; its members are on both loggers too."""
    severity = type("Severity", (NativeEnum,), {})
    severity.__members__ = {
        name: severity(value) for value, name in enumerate(("INTERNAL_ERROR", "ERROR", "WARNING", "INFO", "VERBOSE"))
    }
    for owner in (severity, classes["ILogger"], classes["Logger"]):
        for name, item in severity.__members__.items():
            setattr(owner, name, item)
    classes["ILogger"].Severity = classes["Logger"].Severity = severity


def _enum(name: str, spec: dict) -> type:
    made = type(name, (NativeEnum,), {"_specified": True})
    made.__members__ = {item: made(value) for item, value in spec["enum"].items()}
    for item, value in made.__members__.items():
        setattr(made, item, value)
    return made


def _class(name: str, spec: dict, classes: dict, behaviours: Behaviours, world: object) -> type:
    bases = [classes[base] for base in spec["bases"] if base in classes]
    space: dict = {"_specified": True}
    for member, how in spec["members"].items():
        if how["kind"] == "property":
            space[member] = _property(name, member, how, classes, behaviours, world)
        elif how["kind"] == "method" and (not member.startswith("__") or member in ("__init__",)):
            space[member] = _method(name, member, how["doc"], classes, behaviours, world)
    return type(name, (bases[0],) if bases else (Native,), space)


def _method(owner: str, name: str, doc: str, classes: dict, behaviours: Behaviours, world: object) -> Callable:
    def call(self, *args, **kwargs):
        if name == "__init__":
            if doc.startswith(NO_CONSTRUCTOR):
                raise TypeError(f"{owner}: No constructor defined!")
            self._begun = True
        bound = bind(f"{owner}.{name}", doc, classes, (self, *args), kwargs)
        bound.pop("self", None)
        does = _behaviour(behaviours, type(self), owner, name)
        if does is None and name == "__init__" and not args and not kwargs:
            return None
        if does is None:
            raise Unsimulated(f"{owner}.{name}")
        world.calls.append((owner, name))
        return does(world, self, **bound)

    call._doc = doc
    return call


def _behaviour(behaviours: Behaviours, kind: type, owner: str, name: str) -> Callable | None:
    owners = [owner, *(each.__name__ for each in kind.__mro__)]
    return next((behaviours[(each, name)] for each in owners if (each, name) in behaviours), None)


def _property(owner: str, name: str, how: dict, classes: dict, behaviours: Behaviours, world: object) -> property:
    def read(self):
        does = _behaviour(behaviours, type(self), owner, name)
        if does is not None:
            return does(world, self)
        try:
            return vars(self)[f"_p_{name}"]
        except KeyError:
            raise Unsimulated(f"{owner}.{name}") from None

    def write(self, value):
        kind = overloads(how["setter"])[-1][-1].type if overloads(how["setter"]) else ""
        if not fits(value, kind, classes):
            raise TypeError(f"{owner}.{name} takes {kind}, not {value!r}")
        world.calls.append((owner, f"{name}="))
        does = behaviours.get((owner, f"{name}="))
        if does is not None:
            does(world, self, value)
        vars(self)[f"_p_{name}"] = value

    return property(read, write if how["setter"] else None)


def _function(name: str, spec: dict, classes: dict, behaviours: Behaviours, world: object) -> Callable:
    def call(*args, **kwargs):
        bound = bind(name, spec["doc"], classes, args, kwargs)
        if ("", name) not in behaviours:
            raise Unsimulated(name)
        return behaviours[("", name)](world, **bound)

    return call


def native(world: object, name: str, /, **values: object) -> object:
    """An object that only the library itself can make."""
    kind = world.classes[name]
    made = kind.__new__(kind)
    made._begun = True
    vars(made).update({f"_p_{key}" if key in vars(kind) else f"_{key}": value for key, value in values.items()})
    return made
