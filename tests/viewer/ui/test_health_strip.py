"""The strip shows what is told, and a dash with the reason for what is not."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from inference.health.energy import Energy
from inference.health.reading import (
    Clock,
    Load,
    Memory,
    Part,
    Rail,
    Reading,
    Scope,
    Temperature,
    Throttle,
    Throttled,
)
from inference.health.sampler import Sampler
from inference.health.watch import Watch
from inference.result import Kind, Precision, PrecisionKind, Provenance, Result, Seconds
from inference.volume import Geometry
from viewer.state.catalogue import Catalogue
from viewer.study import Series, SeriesKind, Study
from viewer.ui.health_strip import HealthStrip, efficiency, facts

pytestmark = pytest.mark.gui

BOARD = Part("ina3221", scope=Scope.BOARD, watts=18.44, rails=(Rail("VDD_GPU_SOC", 9.3), Rail("VDD_CPU_CV", 9.1)))
HEAT = Part("thermal", temperatures=(Temperature("cpu-thermal", 57.9), Temperature("gpu-thermal", 61.2)))
CLOCKS = Part("clocks", clocks=(Clock("CPU 0", 2201.0), Clock("GPU", 1300.0)))
FREE = Part("throttling", throttle=Throttle(Throttled.NO, "Nothing holds clocks down."))
MEMORY = Part(
    "memory",
    loads=(Load("processor", 36.6),),
    memories=(Memory("RAM", 9_100_000_000, 32_000_000_000, 3_100_000_000),),
)
WHOLE = Reading(0.0, (BOARD, HEAT, CLOCKS, FREE, MEMORY))
NOTHING = Reading(0.0, tuple(Part(p.source, f"No {p.source} here.", p.scope) for p in WHOLE.parts))


def words(reading: Reading) -> dict[str, str]:
    return {fact.name: fact.words for fact in facts(reading)}


def tips(reading: Reading) -> dict[str, str]:
    return {fact.name: fact.tip for fact in facts(reading)}


def test_a_board_that_tells_everything() -> None:
    assert words(WHOLE) == {
        "power": "18.4 W",
        "temperature": "61 °C",
        "clock": "2.20 GHz",
        "load": "37 % busy",
        "memory": "memory 3.1 of 32 GB",
    }
    assert "VDD_CPU_CV 9.1 W" in tips(WHOLE)["power"]
    assert "gpu-thermal" in tips(WHOLE)["temperature"]
    assert "9.1 GB" in tips(WHOLE)["memory"]


def test_a_machine_that_tells_nothing_shows_dashes_with_reasons_and_never_a_zero() -> None:
    assert set(words(NOTHING).values()) == {f"{name} –" for name in words(NOTHING)}
    assert tips(NOTHING)["power"] == "No ina3221 here."
    assert tips(NOTHING)["temperature"] == "No thermal here."
    assert tips(NOTHING)["clock"] == "No clocks here."
    assert all(tips(NOTHING).values())


def test_clocks_that_are_held_down_are_an_alarm_with_the_reason() -> None:
    held = Part("throttling", throttle=Throttle(Throttled.YES, "gpu-throttle-alert slows the machine down."))
    clock = facts(Reading(0.0, (CLOCKS, held)))[2]
    assert clock.alarm
    assert clock.words == "⚠ 2.20 GHz held down"
    assert clock.tip == "gpu-throttle-alert slows the machine down."
    assert facts(Reading(0.0, (held,)))[2].words == "⚠ clock held down"


def test_a_slow_clock_is_told_in_mhz_and_many_cores_do_not_fill_the_screen() -> None:
    slow = Part("clocks", clocks=tuple(Clock(f"CPU {n}", 729.0) for n in range(64)))
    assert words(Reading(0.0, (slow,)))["clock"] == "729 MHz"
    assert tips(Reading(0.0, (slow,)))["clock"].count("\n") <= 16


def test_the_widget_follows_the_reading(qtbot: Any) -> None:
    strip = HealthStrip()
    qtbot.addWidget(strip)
    strip.show()
    strip.show_health(WHOLE)
    assert strip.figures["power"].accessibleName() == "18.4 W"
    assert strip.figures["power"].toolTip() == tips(WHOLE)["power"]
    strip.show_health(NOTHING)
    assert strip.figures["power"].accessibleName() == "power –"
    assert strip.figures["power"].toolTip() == "No ina3221 here."
    strip.show_health(WHOLE)
    assert strip.figures["load"].accessibleName() == "37 % busy"


@pytest.mark.parametrize("reading", [WHOLE, NOTHING, replace(WHOLE, parts=(CLOCKS, HEAT))])
def test_every_line_fits_the_foot(qtbot: Any, reading: Reading) -> None:
    held = Part("throttling", throttle=Throttle(Throttled.YES, "Hot."))
    strip = HealthStrip()
    qtbot.addWidget(strip)
    strip.show_catalogue(costing(boxes=10.0))
    for shown in (reading, Reading(0.0, (*reading.parts[:3], held, MEMORY))):
        strip.show_health(shown)
        assert strip.sizeHint().width() <= 228
        assert strip.sizeHint().height() <= 66


GRID = Geometry.from_axes((30, 8, 8), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
SERIES = Series("ct", "CT", "CT", SeriesKind.VOLUME, (), 30, (30, 8, 8), GRID)


def costing(**joules: float | None) -> Catalogue:
    """A study of 30 slices with one result for each task."""
    results, sources = {}, {}
    for task, spent in joules.items():
        made = Provenance(task, "1", "0" * 64, "b", "1", "CPU", Precision.FP32, PrecisionKind.NATIVE)
        energy = Energy(1.0, spent, absent="" if spent else "No sensor.")
        results[task, Precision.FP32] = Result(task, Kind.BOXES, (), made, Seconds(infer=1.0), energy=energy)
        sources[task, Precision.FP32] = SERIES.uid
    return Catalogue(Study(Path(), 30, (SERIES,), ()), results=results, result_source=sources)


def test_efficiency_is_slices_per_joule_of_all_results_together() -> None:
    fact = efficiency(costing(boxes=10.0, outline=50.0))
    assert fact is not None
    assert fact.words == "1.00 FPS/W"
    assert "boxes FP32: 3.00 FPS/W, 10.0 J" in fact.tip
    assert "outline FP32: 0.60 FPS/W, 50.0 J" in fact.tip


def test_efficiency_that_nobody_knows_is_not_shown(qtbot: Any) -> None:
    assert efficiency(costing(boxes=None)) is None
    assert efficiency(Catalogue()) is None
    strip = HealthStrip()
    qtbot.addWidget(strip)
    strip.show_catalogue(costing(boxes=10.0))
    assert not strip.figures["efficiency"].isHidden()
    strip.show_catalogue(Catalogue())
    assert strip.figures["efficiency"].isHidden()


class Slow:
    """A sensor that takes its time: the window must not wait for it."""

    name = "ina3221"

    def __init__(self, seconds: float) -> None:
        self.seconds, self.closed = seconds, 0

    def read(self, now_s: float) -> Part:
        time.sleep(self.seconds)
        return BOARD

    def close(self) -> None:
        self.closed += 1


@pytest.mark.slow
def test_the_window_shows_the_machine_does_not_wait_for_it_and_closes_its_reader(
    qtbot: Any, loader: Any, runner: Any, nothing_left: None
) -> None:
    from viewer.app import Application, Options, start_qt

    source = Slow(0.5)
    watch = Watch(Sampler((source,)), period_s=0.1)
    app = Application(start_qt(), loader, runner, Options(size=(1280, 800)), watch)
    app.show()
    begin = time.perf_counter()
    app._show_health()
    assert time.perf_counter() - begin < 0.4, "a slow sensor held up the window"
    power = app.window.timing.health.figures["power"]
    qtbot.waitUntil(lambda: power.accessibleName() == "18.4 W", timeout=20_000)
    assert app.health is not None
    app.close()
    assert source.closed == 1
    app.window.deleteLater()
    qtbot.wait(1)


def test_a_window_without_a_watch_shows_no_figures(make_app: Callable[..., Any]) -> None:
    app = make_app(None, False)
    assert app.health is None
    assert app.window.timing.health.figures["power"].fact is None
