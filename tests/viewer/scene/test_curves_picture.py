"""The drawn curves: colours where the values are, panels for what there is."""

from pathlib import Path

import numpy as np
import pytest

from engines.training.curves import Curves, Look, Point
from viewer.scene.curves import LEFT, LOSS_HEIGHT, RIGHT, TOP, WIDTH, Panel, draw_curves, nice, save_curves, smoothed
from viewer.scene.theme import theme


def _points(count: int = 200, looked: bool = True) -> list[Point]:
    def look(step: int) -> Look | None:
        return Look(abs(step - 100) / 100 + 0.5, step / count) if looked and step % 20 == 0 else None

    return [Point(n, 2.0 if n < 100 else 1.0, 1.0 if n < 150 else 0.1, look(n)) for n in range(1, count + 1)]


def _rows_of(picture: np.ndarray, colour: tuple[int, int, int], column: int) -> np.ndarray:
    near = np.abs(picture[:, column, :3].astype(int) - colour).max(axis=-1) < 40
    return np.flatnonzero(near)


@pytest.mark.parametrize("ground", ["dark", "light"])
def test_the_loss_is_drawn_at_its_height(ground: str) -> None:
    picture, look = draw_curves(_points(looked=False), "run", ground), theme(ground)
    panel = Panel(TOP, LOSS_HEIGHT, 0.0, 2.0 * 1.08, 200)
    for step, loss in ((40, 2.0), (160, 1.0)):
        rows = _rows_of(picture, look.accent, round(panel.x(step)))
        assert rows.mean() == pytest.approx(panel.y(loss), abs=2.5)


def test_looks_add_a_panel_and_a_mark_at_the_best_one() -> None:
    plain, looked = draw_curves(_points(looked=False), "run"), draw_curves(_points(), "run")
    assert looked.shape[0] > plain.shape[0]
    column = round(Panel(TOP, LOSS_HEIGHT, 0, 1, 200).x(100))
    quiet = _rows_of(looked, theme().quiet, column)
    assert len(quiet) > LOSS_HEIGHT / 4
    assert len(_rows_of(looked, theme().quiet, column + 40)) < len(quiet) / 2


def test_falling_by_a_factor_of_twelve_makes_the_axis_logarithmic() -> None:
    points = [Point(n, 10.0 ** (-n / 50), 1.0) for n in range(1, 201)]
    picture, accent = draw_curves(points, "run"), theme().accent
    heights = [_rows_of(picture, accent, x).mean() for x in np.linspace(LEFT + 60, WIDTH - RIGHT - 60, 5).astype(int)]
    assert np.diff(heights) == pytest.approx(np.diff(heights).mean(), rel=0.08)  # a straight line


def test_smoothing_keeps_constants_and_length() -> None:
    assert smoothed(np.full(500, 3.0)) == pytest.approx(np.full(500, 3.0))
    noisy = np.random.default_rng(0).normal(0, 1, 1000)
    assert smoothed(noisy).std() < 0.4 * noisy.std()
    assert len(smoothed(np.array([1.0]))) == 1


@pytest.mark.parametrize(("value", "round_one"), [(0.3, 0.5), (1.0, 1.0), (1.1, 2.0), (23.0, 50.0), (0.0, 1.0)])
def test_nice_numbers(value: float, round_one: float) -> None:
    assert nice(value) == pytest.approx(round_one)


def test_a_table_becomes_a_picture_and_an_empty_one_none(tmp_path: Path) -> None:
    curves = Curves(tmp_path / "a.curves.csv")
    curves.flush()
    save_curves(tmp_path / "a.curves.csv", tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()
    curves.add(Point(1, 0.5, 1.0))
    curves.close()
    save_curves(tmp_path / "a.curves.csv", tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 1000
