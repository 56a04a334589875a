"""What every test may ask for: real data by name, a cache of its own, a patient who must never appear in a log."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"
CANARY = "Zzyzx^Canary"

# Two busy cores make any single example slow now and then; the pytest timeout catches what truly hangs.
settings.register_profile("insula", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("insula"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "insula")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """GUI tests need a display; without one Qt would end the whole run."""
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return
    for item in items:
        if item.get_closest_marker("gui") is not None:
            item.add_marker(pytest.mark.skip(reason="no display; run under xvfb-run"))


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """A function from a name under the folder of real data to its path; skips the test, by name, where it is absent."""

    def find(relative: str) -> Path:
        path = SHARED_DATA / relative
        if not path.exists():
            pytest.skip(f"real data not here: {relative}")
        return path

    return find


@pytest.fixture(scope="session", autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Cache and settings of this run lie in a temporary folder, never in the user's own."""
    home = tmp_path_factory.mktemp("user")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INSULA_CACHE", str(home / "insula"))
        for name in ("CACHE", "CONFIG", "DATA", "STATE"):
            patch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
        yield home


@pytest.fixture
def canary() -> str:
    """A patient's name that no log may ever hold; write it into files that the code under test reads."""
    return CANARY


@pytest.fixture(autouse=True)
def no_patient_in_logs(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail a test whose code logged the canary."""
    yield
    for phase in ("setup", "call"):
        for record in caplog.get_records(phase):
            assert CANARY not in record.getMessage(), f"patient text in a log of {record.name}"
