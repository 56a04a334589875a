from __future__ import annotations

import json
import time

import pytest

from engines.soak import Looks, Wish, soak
from inference.errors import InsulaError, PrecisionAbsent
from inference.health.reading import Clock, Part, Rail, Reading, Scope, Temperature, Throttle, Throttled
from inference.health.sampler import Sampler
from inference.result import Precision, Progress


class Board:
    """A board of 12 W at 50 degrees whose clock is held down."""

    name = "ina3221"
    closed = 0

    def read(self, now_s: float) -> Part:
        return Part(
            self.name,
            scope=Scope.BOARD,
            watts=12.0,
            rails=(Rail("VDD_IN", 12.0),),
            temperatures=(Temperature("cpu-thermal", 50.0),),
            clocks=(Clock("CPU 0", 1500.0),),
            throttle=Throttle(Throttled.YES, "Too hot."),
        )

    def close(self) -> None:
        self.closed += 1


class Mute:
    """A machine that tells nothing."""

    name = "mute"

    def read(self, now_s: float) -> Part:
        return Part(self.name, "It tells nothing.", Scope.BOARD)

    def close(self) -> None:
        return


def test_every_engine_takes_its_turn_and_the_board_is_told(small_bundle):
    board = Board()
    seen: list[Progress] = []
    wish = Wish((Precision.FP32, Precision.FP16), "onnxruntime")
    found = soak([small_bundle], 0.5, wish, seen.append, sampler=Sampler((board,)))
    json.dumps(found, allow_nan=False)
    assert [(row["model"], row["precision"]) for row in found["engines"]] == [
        ("small-net", "fp32"),
        ("small-net", "fp16"),
    ]
    runs = [row["runs"] for row in found["engines"]]
    assert 0 <= runs[0] - runs[1] <= 1
    assert runs[1] > 1
    for row in found["engines"]:
        assert row["backend"] == "onnxruntime"
        assert row["first_tenth_ms"] > 0
        assert row["drift_percent"] == pytest.approx(100 * (row["last_tenth_ms"] / row["first_tenth_ms"] - 1), abs=5)
    power = found["power"]
    assert power["joules"] == pytest.approx(12.0 * found["seconds"], rel=0.15)
    assert power["fps_per_watt"] == pytest.approx(power["fps"] / 12.0, rel=0.01)
    assert (found["temperature"]["median_c"], found["clock"]["median_mhz"]) == (50.0, 1500.0)
    assert found["throttled"] == {"state": "yes", "percent_of_readings": 100.0, "reason": "Too hot."}
    assert found["cancelled"] is False
    assert found["seconds"] >= 0.5
    assert found["own_cpu"]["median_percent"] > 1
    assert seen[-1].total == round(0.5)
    assert board.closed == 1


def test_what_a_machine_does_not_tell_is_absent_with_its_reason(small_bundle):
    found = soak([small_bundle], 0.05, Wish(backend="onnxruntime"), sampler=Sampler((Mute(),)))
    assert found["power"]["joules"] is None
    assert found["power"]["absent"] == "It tells nothing."
    for name in ("memory", "clock", "temperature"):
        assert found[name]["absent"]
    assert found["memory"]["slope_mb_per_min"] is None
    assert found["throttled"]["state"] == "unknown"
    assert found["throttled"]["percent_of_readings"] is None


def test_a_soak_that_is_stopped_gives_what_was_measured(small_bundle):
    stop_at = time.perf_counter() + 1.0
    found = soak(
        [small_bundle],
        3600.0,
        Wish(backend="onnxruntime"),
        cancelled=lambda: time.perf_counter() > stop_at,
        sampler=Sampler((Board(),)),
    )
    assert found["cancelled"] is True
    assert found["engines"][0]["runs"] > 0
    assert found["power"]["joules"] > 0
    assert found["seconds"] < 60


def test_a_soak_that_is_stopped_at_once_says_that_nothing_ran(small_bundle):
    found = soak([small_bundle], 60.0, Wish(backend="onnxruntime"), cancelled=lambda: True, sampler=Sampler((Mute(),)))
    assert found["cancelled"] is True
    assert found["engines"][0] == {
        "model": "small-net",
        "backend": "onnxruntime",
        "device": "CPU",
        "precision": "fp32",
        "runs": 0,
        "absent": "It was not run.",
    }


def test_a_wish_that_cannot_be_met_closes_the_readers(small_bundle):
    board = Board()
    with pytest.raises(PrecisionAbsent):
        soak([small_bundle], 1.0, Wish((Precision.BF16,), "onnxruntime"), sampler=Sampler((board,)))
    assert board.closed == 1


def test_a_bundle_that_is_damaged_is_an_error(small_bundle):
    small_bundle.model.write_bytes(b"nothing")
    with pytest.raises(InsulaError):
        soak([small_bundle], 1.0, Wish(backend="onnxruntime"), sampler=Sampler((Mute(),)))


def test_looks_keep_figures_and_not_readings():
    looks = Looks()
    for n in range(10):
        state = Throttled.YES if n == 3 else Throttled.NO
        looks.take(Reading(float(n), (Part("x", clocks=(Clock("CPU 0", 1.0),), throttle=Throttle(state, "A.")),)))
    assert looks.states == {Throttled.NO: 9, Throttled.YES: 1}
    assert len(looks.clock_mhz.value) == 10
    assert len(looks.celsius.value) == 0
