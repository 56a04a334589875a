"""The soak as a user sees it: a table, a document, wrong words, and Ctrl+C."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

import pytest

from viewer.cli import main
from viewer.commands.bench_soak import _lines


def ask(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = main(["bench", "soak", *words])
    return code, capsys.readouterr().out


TASK = ("--task", "ct-to-mri", "--backend", "onnxruntime")


def test_a_short_soak_prints_a_document(capsys):
    code, out = ask(capsys, "--minutes", "0.02", *TASK, "--json")
    found = json.loads(out)
    assert code == 0
    assert [(row["model"], row["precision"]) for row in found["engines"]] == [("ct-to-mri", "fp32")]
    assert found["engines"][0]["runs"] > 0
    assert {"memory", "clock", "temperature", "throttled", "power", "machine", "last_reading"} <= set(found)
    assert (found["power"]["joules"] is None) == bool(found["power"]["absent"])


def test_a_short_soak_prints_a_table(capsys):
    code, out = ask(capsys, "--minutes", "0.01", *TASK)
    assert code == 0
    assert "ct-to-mri onnxruntime fp32" in out
    assert out.rstrip().endswith("done")


@pytest.mark.parametrize("minutes", ["0", "-1", "nan", "5000"])
def test_minutes_that_make_no_sense_are_wrong_words(capsys, minutes):
    code, out = ask(capsys, "--minutes", minutes, "--json")
    assert code == 2
    assert json.loads(out)["error"]["code"] == "wrong_words"


def test_an_unknown_task_is_refused(capsys):
    code, out = ask(capsys, "--task", "read-minds", "--json")
    assert code == 3
    assert "read-minds" in json.loads(out)["error"]["message"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_ctrl_c_gives_what_was_measured_and_ends_with_five(tmp_path):
    """The program presses the key itself, after the fifth run."""
    program = (
        "import os, sys, signal; from engines import soak; from viewer.cli import main\n"
        "run, runs = soak.Runner.run, []\n"
        "def counted(self):\n"
        "    run(self); runs.append(1)\n"
        "    if len(runs) == 5: os.kill(os.getpid(), signal.SIGINT)\n"
        "soak.Runner.run = counted\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    begin = time.perf_counter()
    words = ["bench", "soak", "--minutes", "10", *TASK, "--json"]
    done = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, timeout=120, env=dict(os.environ)
    )
    assert done.returncode == 5, done.stderr
    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert found["cancelled"] is True
    assert found["engines"][0]["runs"] == 5
    assert time.perf_counter() - begin < 100


def moved(unit: str, first: float, last: float) -> dict[str, Any]:
    return {
        f"first_tenth_{unit}": first,
        f"last_tenth_{unit}": last,
        f"median_{unit}": first,
        "drift_percent": 100 * (last / first - 1),
        "absent": None,
    }


def test_a_machine_that_tells_everything_has_a_figure_on_every_line():
    document = {
        "seconds": 600.0,
        "readings": 600,
        "cancelled": False,
        "engines": [{"model": "m", "backend": "b", "precision": "int8", "runs": 9} | moved("ms", 10.0, 11.0)],
        "own_cpu": moved("percent", 190.0, 180.0),
        "memory": moved("mb", 300.0, 310.0) | {"slope_mb_per_min": 1.25, "peak_mb": 311.0},
        "clock": moved("mhz", 2200.0, 1980.0),
        "temperature": moved("c", 50.0, 70.0),
        "throttled": {"state": "yes", "reason": "The processor was too hot.", "percent_of_readings": 12.0},
        "power": {
            "joules": 9000.0,
            "mean_watts": 15.0,
            "fps": 30.0,
            "fps_per_watt": 2.0,
            "covers": ["ina3221"],
            "absent": None,
        },
    }
    text = "\n".join(_lines(document))
    for words in (
        "+10.0 % ms",
        "+1.25 MB/min",
        "-10.0 % MHz",
        "+40.0 % °C",
        "too hot",
        "15.0 W",
        "2.00 runs/s per watt",
    ):
        assert words in text
    assert "absent" not in text


def test_the_help_has_an_example(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["bench", "soak", "--help"])
    assert stop.value.code == 0
    assert "insula bench soak --minutes 10" in capsys.readouterr().out
