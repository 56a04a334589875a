"""The pipeline's promises apart from parity: order of work, errors, cancelling, memory."""

from __future__ import annotations

import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from inference.errors import BadOutput, InputRefused, JobCancelled
from inference.nnunet.export import mask_of, probability_of
from inference.nnunet.plan import LabelPlan, Plan
from inference.nnunet.predict import Network, Watch, averaged, predict
from inference.nnunet.prepare import prepared
from inference.volume import Floats

MM = (2.0, 2.0, 2.0)


def image(shape: tuple[int, int, int] = (20, 22, 18)) -> Floats:
    return np.random.default_rng(1).uniform(1, 2, (1, *shape)).astype(np.float32)


def bright(picture: Floats) -> Floats:
    """A network that says lesion where the picture is bright."""
    return np.stack([-picture[0, 0], picture[0, 0]])[None]


def test_labels_lie_where_the_network_said(plan: Plan) -> None:
    whole = np.zeros((1, 30, 32, 28), np.float32)
    whole[0, 4:24, 5:27, 6:24] = image()[0]
    said = predict(whole, MM, plan, Network(bright))
    inside = whole[0] != 0
    assert np.array_equal(said.labels == 1, inside & (whole[0] > whole[0][inside].mean()))
    assert said.probability[said.labels == 1].min() > 0.5
    assert not said.probability[said.labels == 0].any()


def test_the_network_works_while_an_answer_is_used(plan: Plan) -> None:
    """Tile 2 is asked for before tile 1 was reported as done."""
    seen: list[str] = []
    second = threading.Event()

    def ask(picture: Floats) -> Floats:
        seen.append("asked")
        if len(seen) >= 2:
            second.set()
        return bright(picture)

    def tile(done: int, total: int) -> None:
        if done == 1 and total > 1:
            assert second.wait(20)

    averaged(image(), plan, Network(ask), Watch(tile))
    assert second.is_set()


def test_every_forward_pass_is_reported(plan: Plan) -> None:
    seen: list[tuple[int, int]] = []
    mirrored = replace(plan, mirror=True, allowed_mirroring_axes=(2,))
    averaged(image((8, 12, 8)), mirrored, Network(bright), Watch(lambda done, total: seen.append((done, total))))
    assert seen == [(n, 4) for n in range(5)]


def test_cancelling_stops_a_running_network_at_once(plan: Plan) -> None:
    started, stopped = threading.Event(), threading.Event()

    def ask(picture: Floats) -> Floats:
        started.set()
        if stopped.wait(60):
            raise JobCancelled
        return bright(picture)

    begin = time.perf_counter()
    with pytest.raises(JobCancelled):
        averaged(image(), plan, Network(ask, stopped.set), Watch(cancelled=started.is_set))
    assert time.perf_counter() - begin < 30


def test_cancelling_between_tiles_asks_no_more(plan: Plan) -> None:
    count = 0

    def ask(picture: Floats) -> Floats:
        nonlocal count
        count += 1
        return bright(picture)

    with pytest.raises(JobCancelled):
        averaged(image(), plan, Network(ask), Watch(cancelled=lambda: count >= 2))
    assert count <= 3


@pytest.mark.parametrize(
    "answer", [lambda p: np.zeros((1, 2, *p.shape[2:]), np.float32), lambda p: np.full((1, 2, *p.shape[2:]), np.nan)]
)
def test_answers_without_sense_are_errors(plan: Plan, answer) -> None:
    with pytest.raises(BadOutput):
        averaged(image(), plan, Network(answer), Watch())


def test_an_error_of_the_network_ends_the_job(plan: Plan) -> None:
    def ask(_picture: Floats) -> Floats:
        raise BadOutput("Broken.", "Mend it.")

    with pytest.raises(BadOutput, match="Broken"):
        averaged(image(), plan, Network(ask), Watch())


def test_an_image_thinner_than_a_voxel_is_refused(plan: Plan) -> None:
    with pytest.raises(InputRefused, match="thinner"):
        predict(image((1, 9, 9)), (0.5, 2.0, 2.0), plan, Network(bright))


def test_the_way_back_holds_slabs_and_not_fields(plan: Plan) -> None:
    """40 classes at full size would be 40 fields of float32; the way back takes a few."""
    many = replace(
        plan,
        labels=tuple(LabelPlan(str(n), (n,)) for n in range(1, 40)),
        spacing=(4.0, 4.0, 4.0),
        transpose_forward=(0, 1, 2),
    )
    with ThreadPoolExecutor(2) as workers:
        _, frame = prepared(image((66, 64, 64)), (1.0, 1.0, 1.0), many, workers)
        logits = np.random.default_rng(0).standard_normal((40, *frame.worked), np.float32)
        tracemalloc.start()
        labels = mask_of(logits, frame, many, workers)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert set(np.unique(labels)) <= set(range(40))
    assert peak < 0.35 * 40 * labels.size * 4


def test_scores_stand_at_labelled_voxels_alone(plan: Plan) -> None:
    regions = replace(plan, labels=(LabelPlan("a", (1, 2)), LabelPlan("b", (2,))), regions_class_order=(4, 9))
    with ThreadPoolExecutor(2) as workers:
        _, frame = prepared(image((8, 8, 8)), MM, regions, workers)
        logits = np.full((2, *frame.worked), -3, np.float32)
        logits[0, :4], logits[1, :2] = 2, 5
        labels = mask_of(logits, frame, regions, workers)
    assert [int(labels[k, 0, 0]) for k in (0, 3, 5)] == [9, 4, 0]
    score = probability_of(logits, frame, regions, labels)
    assert score[0, 0, 0] == pytest.approx(1 / (1 + np.exp(-5)))
    assert score[3, 0, 0] == pytest.approx(1 / (1 + np.exp(-2)))
    assert score[5, 0, 0] == 0
