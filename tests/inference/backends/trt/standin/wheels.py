"""The real packages that packaging/setup.sh unpacks, and how a wheel without its libraries is made to import."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(sys.prefix) / "tensorrt"
VERSIONS = ("8.6.1", "10.3.0", "10.7.0", "11.4.0.106")
PYCUDA = "pycuda-2026.1"
LIBRARIES = ("nvinfer", "nvinfer_plugin", "nvonnxparser", "nvparsers")
# Functions of the absent libraries that the bindings link to; the rest comes with the compiler's own.
LINKED = re.compile(r"(create|get|init)\w+|_ZN\d+nv\w+")


def unpacked(name: str) -> Path:
    """The folder of an unpacked package; skips the test where it is absent."""
    path = FOLDER / name
    if not path.is_dir():
        pytest.skip(f"not unpacked here: {name} (bash packaging/setup.sh test)")
    return path


def specification(version: str, scratch: Path) -> dict:
    """All names and signatures of the real bindings of a version."""
    wheel = unpacked(version)
    if shutil.which("gcc") is None or shutil.which("nm") is None:
        pytest.skip("no gcc here to make the libraries that the bindings link to")
    libraries = _empty_libraries(wheel / "tensorrt_bindings" / "tensorrt.so", version, scratch)
    target = scratch / "names.json"
    reader = Path(__file__).with_name("reader.py")
    environment = {**os.environ, "LD_LIBRARY_PATH": str(libraries)}
    subprocess.run([sys.executable, str(reader), str(wheel), str(target)], env=environment, check=True, timeout=60)
    return json.loads(target.read_text())


def _empty_libraries(bindings: Path, version: str, scratch: Path) -> Path:
    listed = subprocess.run(["nm", "-D", "--undefined-only", str(bindings)], capture_output=True, text=True, check=True)
    names = sorted({word for word in listed.stdout.split() if LINKED.fullmatch(word)})
    source = scratch / "empty.c"
    source.write_text("".join(f"void *{name}(void) {{ return 0; }}\n" for name in names))
    major = version.split(".", maxsplit=1)[0]
    for library in LIBRARIES:
        file = f"lib{library}.so.{major}"
        command = ["gcc", "-shared", "-fPIC", f"-Wl,-soname,{file}", "-o", str(scratch / file), str(source)]
        subprocess.run(command, check=True)
    return scratch
