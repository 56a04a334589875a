"""Every module imports, and names what it gives truthfully."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

Sources = dict[Path, ast.Module]

# Each runtime library is named in its own room only, so a machine without it runs everything else. The two files
# of engines use tools that ONNX Runtime brings for changing graphs, never its runtime.
ROOMS = {
    "torch": ("engines/architectures/", "engines/training/", "engines/importers/"),
    "openvino": ("inference/backends/openvino",),
    "onnxruntime": ("inference/backends/onnxruntime", "engines/half.py", "engines/int8.py"),
    "tensorrt": ("inference/backends/tensorrt",),
    "pycuda": ("inference/backends/tensorrt",),
}


def module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def needs(tree: ast.Module) -> set[str]:
    """Top-level names of everything a module imports, also inside functions and by import_module("...")."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            names |= {arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)}
    return {name.split(".")[0] for name in names}


def test_every_module_imports(sources: Sources) -> None:
    for path in sources:
        module = importlib.import_module(module_name(path))
        for name in getattr(module, "__all__", ()):
            assert hasattr(module, name), f"{path}: __all__ names {name}, which is not there"


def test_every_package_has_its_marker(root: Path, sources: Sources) -> None:
    folders = {path.parent for path in sources}
    assert [str(folder) for folder in sorted(folders) if not (root / folder / "__init__.py").exists()] == []


def test_public_modules_say_what_they_are_for(sources: Sources) -> None:
    assert [str(path) for path, tree in sources.items() if tree.body and not ast.get_docstring(tree)] == []


@pytest.mark.parametrize("library", ROOMS)
def test_a_runtime_library_stays_in_its_room(library: str, sources: Sources) -> None:
    strangers = [
        str(path)
        for path, tree in sources.items()
        if library in needs(tree) and not path.as_posix().startswith(ROOMS[library])
    ]
    assert strangers == []


def loaded_after(code: str) -> set[str]:
    """Top-level modules in a fresh interpreter after running the code."""
    report = "import sys; print('\\n'.join({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    program = f"try:\n    {code}\nexcept SystemExit as stop:\n    assert not stop.code, stop.code\n{report}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


HELP = "import sys; sys.argv = ['insula', '--help']; import viewer.cli; sys.exit(viewer.cli.main())"


@pytest.mark.parametrize("code", ["import viewer.cli", HELP], ids=["import", "--help"])
def test_the_command_starts_light(code: str) -> None:
    heavy = {"torch", "openvino", "onnxruntime", "onnx", "PySide6", "vtkmodules", "vtk", "pyqtgraph", "SimpleITK"}
    assert loaded_after(code) & heavy == set()


def test_a_heavy_import_would_be_seen() -> None:
    assert "onnx" in loaded_after("import onnx")
