"""Figures on prostate zones without a truth: each can come out wrong."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from engines.library import find
from engines.phantom.patients import PATIENTS
from engines.training.heads import HELD_OUT
from engines.training.measure_outlines import answer, dice
from engines.training.measure_prostate import (
    STUDY,
    T2_SERIES,
    behind_mm,
    largest_share,
    of_mask,
    on_real,
    read_series,
    zone_at,
)
from engines.training.recipe import read_recipe
from inference.backends.base import Engine
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.result import Precision
from inference.steps.region import Region
from inference.volume import Channel, Geometry, Mask

GRID = Geometry.from_axes((8, 40, 40), (1.0, 1.0, 3.0), (-20.0, -10.0, 0.0))
NAMES = {1: "peripheral zone", 2: "transition zone"}


def _mask(*, turned: bool = False) -> Mask:
    labels = np.zeros(GRID.shape, np.uint8)
    labels[2:6, 10:20, 10:30] = 2
    labels[2:6, 20:28, 8:32] = 1
    return Mask(np.ascontiguousarray(labels[:, ::-1]) if turned else labels, GRID, NAMES)


def test_sizes_are_those_of_the_boxes() -> None:
    figures = of_mask(_mask())
    assert figures["mL of the transition zone"] == pytest.approx(4 * 10 * 20 * 3 / 1000)
    assert figures["mL of the peripheral zone"] == pytest.approx(4 * 8 * 24 * 3 / 1000)
    assert figures["mL of the whole gland"] == pytest.approx(4.704)
    assert figures["width x depth x height, mm"] == "24 x 18 x 12"
    assert figures["share of the gland in its largest piece"] == 1.0


def test_behind_is_signed() -> None:
    assert behind_mm(_mask()) == pytest.approx(9.0)
    assert behind_mm(_mask(turned=True)) == pytest.approx(-9.0)
    assert np.isnan(behind_mm(Mask(np.zeros(GRID.shape, np.uint8), GRID, NAMES)))


def test_a_second_piece_takes_its_share() -> None:
    marked = np.zeros((4, 10, 10), bool)
    assert largest_share(marked) == 0.0
    marked[0, 0, :6] = True
    marked[3, 9, :2] = True
    assert largest_share(marked) == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("place", "zone"),
    [
        ((0.0, 5.0, 9.0), "transition zone"),
        ((0.0, 14.0, 9.0), "peripheral zone"),
        ((0.0, 25.0, 9.0), "outside"),
        ((900.0, 0.0, 0.0), "outside"),
    ],
)
def test_a_place_has_a_zone(place: tuple[float, float, float], zone: str) -> None:
    assert zone_at(_mask(), place) == zone


@pytest.fixture(scope="module")
def network() -> Iterator[Engine]:
    engine = OnnxRuntimeBackend().load(find("prostate-zones").task.model_path, Precision.FP32, "CPU")
    yield engine
    engine.close()


def test_the_shipped_bundle_is_what_its_recipe_states() -> None:
    task, recipe = find("prostate-zones").task, read_recipe("prostate-zones")
    assert task.region is Region.PELVIS
    assert list(task.output.labels) == recipe.manifest["output"]["labels"]
    assert list(task.sampling.size) == recipe.manifest["sampling"]["size"]
    assert task.model_path.stat().st_size < 3_000_000


def test_the_shipped_network_outlines_a_patient_it_never_saw(network: Engine) -> None:
    patient = PATIENTS["pelvis"](HELD_OUT)
    mask = answer(find("prostate-zones").task, network, {Channel.T2: patient.volumes[0]}).mask
    assert mask is not None
    for label in NAMES:
        assert dice(mask.labels == label, patient.mask.labels == label) > 0.6, NAMES[label]


def test_the_shipped_network_outlines_a_real_gland_in_its_place(
    network: Engine, shared_data: Callable[[str], Path]
) -> None:
    volume = read_series(next(shared_data(STUDY).glob(T2_SERIES)), Channel.T2)
    mask = answer(find("prostate-zones").task, network, {Channel.T2: volume}).mask
    assert mask is not None
    assert 20 < (mask.labels > 0).sum() * mask.geometry.voxel_ml < 90
    assert largest_share(mask.labels > 0) > 0.9
    assert behind_mm(mask) > 2


def test_without_the_study_there_are_no_figures(network: Engine, tmp_path: Path) -> None:
    assert on_real(find("prostate-zones").task, network, tmp_path) == {}
