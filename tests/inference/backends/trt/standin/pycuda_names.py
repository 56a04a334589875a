"""Names and arguments of pycuda, read from its own sources: the C++ that declares the module, and driver.py."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

Arguments = tuple[tuple[str, bool], ...] | int


@dataclass
class Declared:
    """One class: its methods with their arguments, and the names that are values of it."""

    base: str = ""
    methods: dict[str, Arguments] = field(default_factory=dict)
    static: set[str] = field(default_factory=set)
    properties: set[str] = field(default_factory=set)
    values: set[str] = field(default_factory=set)


@dataclass
class Names:
    """The module: arguments are names with whether they may be left out, or a count where they have no names."""

    functions: dict[str, Arguments]
    classes: dict[str, Declared]
    errors: dict[str, str]


def read(source: Path) -> Names:
    """All that pycuda.driver declares."""
    cpp = (source / "src" / "wrapper" / "wrap_cudadrv.cpp").read_text()
    hpp = (source / "src" / "cpp" / "cuda.hpp").read_text()
    _, body = cpp.split("BOOST_PYTHON_MODULE(_driver)")
    body = re.sub(r"^\s*(#|//).*$", "", body, flags=re.MULTILINE)
    errors = dict(re.findall(r"DECLARE_EXC\((\w+), (\w+)", body))
    functions = _functions(body, cpp + hpp) | _python_functions((source / "pycuda" / "driver.py").read_text())
    return Names(functions, _classes(body, cpp, hpp), errors)


def _functions(body: str, code: str) -> dict[str, Arguments]:
    found: dict[str, Arguments] = {}
    for name, target, rest in re.findall(r'py::def\("(\w+)",\s*([\w:<>]+)([^;]*);', body):
        found[name] = _arguments(rest) or _arity(target.split("::")[-1], code)
    for name in re.findall(r"DEF_SIMPLE_FUNCTION\((\w+)\)", body):
        found[name] = _arity(name, code)
    return found


def _arguments(text: str) -> tuple[tuple[str, bool], ...]:
    found: list[tuple[str, bool]] = []
    for words, default in re.findall(r"py::args?\(([^)]*)\)(=)?", text):
        names = re.findall(r'"(\w+)"', words)
        found += [(name, bool(default)) for name in names if name != "self"]
    return tuple(found)


def _arity(name: str, code: str) -> int:
    """How many arguments a C++ function of that name takes."""
    match = re.search(rf"[\w*&>]\s+\*?{name}\s*\(([^()]*)\)\s*(?:const)?\s*\{{", code)
    if match is None:
        return -1
    inside = match[1].strip()
    return inside.count(",") + 1 if inside not in ("", "void") else 0


def _classes(body: str, cpp: str, hpp: str) -> dict[str, Declared]:
    found: dict[str, Declared] = {}
    pieces = re.split(r"(?=py::(?:class_|enum_)<)", body)
    for before, piece in pairwise(pieces):
        name = re.search(r'"(\w+)"', piece)[1]
        own = re.findall(r"typedef (\w+) cl;", before)
        found[name] = _declared(piece, _body(own[-1], hpp) if own else "", cpp)
        found[name].base = "HostPointer" if "bases<host_pointer>" in piece else ""
    return found


def _declared(piece: str, own: str, cpp: str) -> Declared:
    made = Declared()
    made.values = set(re.findall(r'\.value\("(\w+)"', piece)) | set(re.findall(r'cls\.attr\("(\w+)"\)', piece))
    made.static = set(re.findall(r'\.staticmethod\("(\w+)"\)', piece))
    made.properties = set(re.findall(r'\.add_property\("(\w+)"', piece))
    for name in re.findall(r"DEF_SIMPLE_METHOD\((\w+)\)", piece):
        made.methods[name] = _arity(name, own)
    for name, rest in re.findall(r'\.def\("(\w+)",((?:[^.]|\.(?!def|DEF|static|add_))*)', piece):
        target = re.search(r"[\w]+(?=\s*[,)<]|\s*$)", rest.split(",")[0])
        made.methods[name] = _arguments(rest) or (_method_arity(target[0], own, cpp) if target else -1)
    init = re.search(r"py::init<[^(]*\(?(py::arg\(\"(\w+)\"\))", piece)
    if init:
        made.methods["__init__"] = ((init[2], True),)
    return made


def _method_arity(name: str, own: str, cpp: str) -> int:
    """A method may be a C++ method, or a function whose first argument is the object."""
    inside, outside = _arity(name, own), _arity(name, cpp)
    return inside if inside >= 0 else max(outside - 1, -1)


def _body(name: str, hpp: str) -> str:
    """The text of a C++ class."""
    match = re.search(rf"class {name}\b[^;{{]*\{{", hpp)
    if match is None:
        return ""
    depth, place = 1, match.end()
    while depth and place < len(hpp):
        depth += {"{": 1, "}": -1}.get(hpp[place], 0)
        place += 1
    return hpp[match.end() : place]


def _python_functions(text: str) -> dict[str, Arguments]:
    found: dict[str, Arguments] = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef):
            needed = len(node.args.args) - len(node.args.defaults)
            found[node.name] = tuple((arg.arg, place >= needed) for place, arg in enumerate(node.args.args))
    return found
