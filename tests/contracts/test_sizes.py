"""Rooms stay small and have one door each."""

from __future__ import annotations

import ast
from pathlib import Path

import grimp
import pytest

LINES_PER_FILE = 450
LINES_PER_FUNCTION = 70

Sources = dict[Path, ast.Module]


def test_no_file_is_too_long(root: Path, sources: Sources) -> None:
    lengths = {str(path): len((root / path).read_text("utf-8").splitlines()) for path in sources}
    assert {path: lines for path, lines in lengths.items() if lines > LINES_PER_FILE} == {}


def test_no_function_is_too_long(sources: Sources) -> None:
    long = [
        f"{path}:{node.lineno} {node.name} has {node.end_lineno - node.lineno + 1} lines"
        for path, tree in sources.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= LINES_PER_FUNCTION
    ]
    assert long == []


def test_no_relative_imports(sources: Sources) -> None:
    relative = [
        f"{path}:{node.lineno}"
        for path, tree in sources.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level > 0
    ]
    assert relative == []


def cycles(graph: grimp.ImportGraph) -> list[tuple[str, ...]]:
    """Modules that reach themselves again, each cycle as the chain that closes it."""
    found: set[tuple[str, ...]] = set()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            back = graph.find_shortest_chain(imported, module)
            if back is not None:
                found.add(tuple(sorted(back)))
    return sorted(found)


def test_no_import_cycles() -> None:
    assert (
        cycles(grimp.build_graph("viewer", "engines", "inference", cache_dir=None, exclude_type_checking_imports=True))
        == []
    )


def test_a_cycle_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "roundabout"
    package.mkdir()
    for name, text in {"__init__": "", "a": "import roundabout.b", "b": "import roundabout.a"}.items():
        (package / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    assert cycles(grimp.build_graph("roundabout", cache_dir=None)) == [("roundabout.a", "roundabout.b")]


def test_packaging_never_shadows_the_real_one(root: Path) -> None:
    assert list((root / "packaging").rglob("__init__.py")) == []
