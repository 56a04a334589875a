"""Words in the corners."""

from __future__ import annotations

import pytest

from inference.result import Precision, PrecisionKind, Provenance
from viewer.state.corners import date_text, engine_text, number, point_text, position_text, window_text
from viewer.state.view import Plane, Window


@pytest.mark.parametrize(
    ("value", "text"),
    [(80.0, "80"), (-600.0, "-600"), (12.34, "12.3"), (1.2, "1.2"), (0.00123, "0.00123"), (1234.5, "1234"), (0.0, "0")],
)
def test_numbers_are_no_longer_than_they_need(value: float, text: str) -> None:
    assert number(value) == text


def test_positions_speak_in_letters() -> None:
    assert position_text((1.0, 2.0, -42.04), Plane.AXIAL) == "I 42.0 mm"
    assert position_text((1.0, 2.0, -42.0), Plane.CORONAL) == "P 2.0 mm"
    assert position_text((-1.0, 2.0, -42.0), Plane.SAGITTAL) == "R 1.0 mm"
    assert point_text((-21.4, -12.0, 42.0)) == "R 21.4 A 12.0 S 42.0"


def test_windows_and_engines() -> None:
    assert window_text(Window(80.0, 40.0), "Brain") == "W 80 L 40 · Brain"
    assert window_text(Window(80.0, 40.0), "") == "W 80 L 40"
    made = Provenance("stroke", "2", "", "onnxruntime", "1", "CPU", Precision.FP16, PrecisionKind.EMULATED)
    assert engine_text(made) == "stroke 2 · FP16 emulated · onnxruntime CPU"


@pytest.mark.parametrize(("stored", "shown"), [("20261120", "2026-11-20"), ("2026", "2026"), ("", "")])
def test_dates(stored: str, shown: str) -> None:
    assert date_text(stored) == shown
