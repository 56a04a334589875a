"""The lock names what pyproject.toml asks for, with hashes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

APART = {"torch"}  # installed in a step of its own: its wheels differ from place to place
EXTRAS = {"runtime": (), "test": ("dev", "train")}
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
MACHINES = ("x86_64", "aarch64")


def environment(python: str, machine: str) -> dict[str, str]:
    return {
        "python_version": python,
        "python_full_version": f"{python}.5",
        "platform_machine": machine,
        "sys_platform": "linux",
        "platform_python_implementation": "CPython",
    }


def asked(root: Path, kind: str) -> list[Requirement]:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    words = project["dependencies"] + [w for extra in EXTRAS[kind] for w in project["optional-dependencies"][extra]]
    return [need for need in map(Requirement, words) if need.name not in APART]


def locked(root: Path, kind: str, where: dict[str, str]) -> dict[str, str]:
    """Name -> version in one environment."""
    lines = (root / "packaging" / "lock" / f"{kind}.txt").read_text().splitlines()
    found: dict[str, str] = {}
    for line in lines:
        if not line or line.startswith((" ", "#")):
            continue
        need = Requirement(line.rstrip(" \\"))
        if need.marker is None or need.marker.evaluate(where):
            name = canonicalize_name(need.name)
            assert name not in found, f"{name} is named twice for {where}"
            found[name] = str(need.specifier).removeprefix("==")
    return found


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("kind", EXTRAS)
def test_the_lock_answers_the_project(root: Path, kind: str, python: str, machine: str) -> None:
    where = environment(python, machine)
    versions = locked(root, kind, where)
    for need in asked(root, kind):
        if need.marker is None or need.marker.evaluate(where):
            version = versions.get(canonicalize_name(need.name))
            assert version is not None, f"{need} is not locked; run packaging/lock.sh"
            assert need.specifier.contains(version), f"{need} is locked at {version}; run packaging/lock.sh"


@pytest.mark.parametrize("python", PYTHONS)
def test_both_locks_name_the_same_versions(root: Path, python: str) -> None:
    where = environment(python, "x86_64")
    runtime, test = locked(root, "runtime", where), locked(root, "test", where)
    assert {name: version for name, version in runtime.items() if test.get(name) != version} == {}


@pytest.mark.parametrize("kind", EXTRAS)
def test_every_line_has_a_hash(root: Path, kind: str) -> None:
    text = (root / "packaging" / "lock" / f"{kind}.txt").read_text().replace("\\\n", " ")
    assert [line for line in text.splitlines() if line and "--hash=sha256:" not in line] == []


def test_the_interfaces_of_tensorrt_are_locked(root: Path) -> None:
    """What the tests of the TensorRT backend are held against; the list is read line by line, not as one set."""
    text = (root / "packaging" / "lock" / "tensorrt.txt").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    needs = [Requirement(line.split("--hash", maxsplit=1)[0].strip()) for line in lines]
    assert [str(need.specifier).removeprefix("==") for need in needs] == [
        "8.6.1", "10.3.0", "10.7.0", "11.4.0.106", "2026.1"
    ]  # fmt: skip
    assert all("--hash=sha256:" in line for line in lines)
