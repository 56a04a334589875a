"""The scripts that a stranger runs first."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPTS = (
    "packaging/setup.sh",
    "packaging/demo.sh",
    "packaging/test.sh",
    "packaging/lock.sh",
    "packaging/jetson.sh",
    ".ci/run",
)


@pytest.mark.parametrize("script", SCRIPTS)
def test_it_is_executable_bash(root: Path, script: str) -> None:
    path = root / script
    assert os.access(path, os.X_OK)
    assert path.read_text().startswith("#!/usr/bin/env bash\n")
    subprocess.run(["bash", "-n", str(path)], check=True)


def test_ci_runs_what_a_developer_runs(root: Path) -> None:
    lines = (root / ".ci" / "run").read_text().splitlines()
    commands = [line for line in lines if line and not line.startswith("#")]
    assert len(commands) == 1
    assert commands[0].startswith("exec bash ")
    assert commands[0].endswith('packaging/test.sh"')


def test_setup_refuses_an_unknown_kind(root: Path) -> None:
    done = subprocess.run(["bash", "packaging/setup.sh", "everything"], cwd=root, capture_output=True, text=True)
    assert done.returncode == 1
    assert 'Say runtime or test, not "everything".' in done.stderr


def jetson(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "packaging/jetson.sh", *arguments], cwd=root, capture_output=True, text=True)


def test_jetson_shows_its_steps_anywhere(root: Path) -> None:
    done = jetson(root, "--dry-run")
    steps = [line.strip() for line in done.stderr.splitlines() if line.startswith("    ")]
    assert done.returncode == 0
    assert [step.split()[0] for step in steps] == ["env", "ln", "ln", "ln", "env", ".venv/bin/python"]
    assert steps[0].endswith("bash packaging/setup.sh runtime")
    assert "--no-binary pycuda --require-hashes" in steps[4]
    assert "insula doctor --selftest" in done.stderr


@pytest.mark.skipif(Path("/etc/nv_tegra_release").exists(), reason="this is a Jetson")
def test_jetson_refuses_another_machine_in_one_sentence(root: Path) -> None:
    done = jetson(root)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "no Jetson with JetPack 6: run bash packaging/setup.sh instead." in done.stderr
