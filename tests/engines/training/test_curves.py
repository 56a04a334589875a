"""The table of a run: what was added comes back, whatever a crash left behind."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.training.curves import Curves, Look, Point, read_curves

FINITE = st.floats(allow_nan=False, allow_infinity=False)
LOOKS = st.none() | st.builds(Look, FINITE, st.none() | FINITE)
VALUES = st.lists(st.tuples(FINITE, FINITE, LOOKS), min_size=1, max_size=12)


def _written(file: Path, values: list[tuple[float, float, Look | None]]) -> list[Point]:
    points = [Point(n, *value) for n, value in enumerate(values, start=1)]
    curves = Curves(file)
    for point in points:
        curves.add(point)
    curves.close()
    return points


@given(VALUES)
def test_points_come_back_to_the_last_bit(tmp_path_factory: pytest.TempPathFactory, values) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path_factory.mktemp("curves") / "a.csv"
    assert read_curves(file) == [] if file.exists() else True
    points = _written(file, values)
    assert read_curves(file) == points


@given(VALUES, st.integers(0, 400))
def test_a_file_cut_anywhere_gives_the_whole_lines_before_the_cut(
    tmp_path_factory: pytest.TempPathFactory,
    values,  # type: ignore[no-untyped-def]
    cut: int,
) -> None:
    file = tmp_path_factory.mktemp("curves") / "a.csv"
    points = _written(file, values)
    text = file.read_text()[:cut]
    file.write_text(text)
    assert read_curves(file) == points[: max(0, text.count("\n") - 1)]


def test_going_on_drops_what_lies_beyond_the_checkpoint(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    points = _written(file, [(1.0, 1.0, None)] * 6)
    again = Curves(file, after=4)
    again.add(Point(5, 9.0, 1.0))
    again.close()
    assert read_curves(file) == [*points[:4], Point(5, 9.0, 1.0)]
    assert [f.name for f in tmp_path.iterdir()] == ["a.csv"]
