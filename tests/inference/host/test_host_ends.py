"""However a viewer ends, its host ends too, and no piece of shared memory stays."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from inference.host.segments import FOLDER

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc and sends signals")

# A viewer in small: it runs one job after the other on the device of the second word and says when one has begun.
VIEWER = """
import pickle, sys
from inference.host.client import EngineHost
order, volumes = pickle.loads(open(sys.argv[1], "rb").read())
host = EngineHost()
said = []
def say(step):
    if step.stage == "tiles" and not said:
        said.append(print(host.pid, flush=True))
host.run(order, volumes, say)
if sys.argv[2] == "leave":
    sys.exit(0)
"""


@pytest.fixture
def viewer(tmp_path, head, order, mask_task, lives_on):
    """Starts one; gives it and its host's process id when its job has begun."""
    begun: list[subprocess.Popen[str]] = []

    def start(device: str, ending: str = "stay") -> tuple[subprocess.Popen[str], int]:
        file = tmp_path / "job"
        file.write_bytes(pickle.dumps((order(mask_task, device=device), head)))
        words = [sys.executable, "-c", VIEWER, str(file), ending]
        one = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        begun.append(one)
        assert one.stdout is not None
        return one, int(one.stdout.readline())

    yield start
    for one in begun:
        one.kill()
        one.communicate()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGKILL, -9), (signal.SIGTERM, -15)])
def test_a_viewer_that_is_ended_takes_its_host_along(viewer, wait, lives_on, number, status):
    one, host = viewer("BUSY")
    assert lives_on(host)
    one.send_signal(number)
    _, errors = one.communicate(timeout=20)
    assert one.returncode == status
    assert wait(lambda: not lives_on(host))
    assert list(FOLDER.glob(f"insula-{one.pid}-*")) == []
    assert errors == ""


def test_leaving_without_goodbye_is_enough(viewer, wait, lives_on):
    one, host = viewer("CPU", "leave")
    _, errors = one.communicate(timeout=20)
    assert one.returncode == 0
    assert wait(lambda: not lives_on(host))
    assert errors == ""


def test_one_process_and_no_name_while_a_job_runs(viewer):
    """Shared memory in Python brings a tracker process; ours is not needed and not there."""
    one, host = viewer("HANGS")
    threads = Path(f"/proc/{one.pid}/task").iterdir()
    assert [pid for thread in threads for pid in (thread / "children").read_text().split()] == [str(host)]
    assert [thread for thread in Path(f"/proc/{host}/task").iterdir() if (thread / "children").read_text()] == []
    assert list(FOLDER.glob(f"insula-{one.pid}-*")) == []
    assert f"/dev/shm/insula-{one.pid}" in Path(f"/proc/{host}/maps").read_text()
