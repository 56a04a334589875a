"""Real engines on real lanes: every plan gives the same answers in order, and two lanes truly work at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engines import bench_pipeline, layered, pipeline_report
from engines.bench_pipeline import ALL_CORES, ONE_CORE, Course, Scheme, compete, contestants
from engines.library import find
from engines.pipeline import Member, Pipeline, Run, whole_on
from engines.pipeline_rows import rows
from engines.stations import Station, usual
from inference.backends.fake import FakeBackend, Fault
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.errors import BadOutput, EngineError, InputRefused, JobCancelled
from inference.lanes import LaneSpec
from inference.result import Kind, Precision, PrecisionKind, Provenance
from inference.roads.detect import detect
from inference.roads.stage import Job
from inference.roads.synthesise import synthesise
from inference.schedule.plan import ModelPlan, Plan, Segment
from inference.schedule.profile import Layer, Profile
from inference.stream.slices import SliceTask, grid_of, slices_of
from inference.stream.stream import StreamStopped
from inference.task import Task
from inference.volume import Channel, Geometry, Volume

TASKS = ("ct-to-mri", "hemorrhage-detection")
SLICES = 6


@pytest.fixture(scope="module")
def head() -> Volume:
    """An ellipsoid of tissue in a skull, with a bright clot, on few coarse voxels."""
    geometry = Geometry.from_axes((SLICES, 100, 100), (2.2, 2.2, 6.0), (-109, -109, -15), frame_of_reference="1.2")
    k, j, i = np.indices(geometry.shape)
    x, y = (i - 50) * 2.2, (j - 50) * 2.2
    voxels = np.full(geometry.shape, -1000, np.float32)
    voxels[(x / 75) ** 2 + (y / 90) ** 2 < 1] = 900
    voxels[(x / 68) ** 2 + (y / 83) ** 2 < 1] = 32
    voxels[(x - 25) ** 2 + y**2 < (6 + 3 * k) ** 2] = 68
    return Volume(voxels, geometry, Channel.CT, "HU")


@pytest.fixture(scope="module")
def members(head: Volume) -> tuple[Member, ...]:
    return tuple(
        Member(layered.of_bundle(find(task), True, 6), SliceTask(eager(task), grid_of(eager(task), head)))
        for task in TASKS
    )


def eager(name: str) -> Task:
    """The task with a threshold so low that there are boxes on a drawn head."""
    task = find(name).task
    return replace(task, output=replace(task.output, score=0.02))


def halves(member: Member, first: str, second: str) -> ModelPlan:
    middle = member.layered.layers // 2
    return ModelPlan(member.name, (Segment(first, 0, middle), Segment(second, middle + 1, member.layered.layers - 1)))


def run(members: tuple[Member, ...], plan: Plan, head: Volume, count: int = SLICES) -> Run:
    with Pipeline(members, [plan], usual()) as pipeline:
        return pipeline.run(slices_of(head, members[0].work.grid, count))


def test_halves_that_swap_lanes_and_backends_answer_what_the_whole_answers(members, head):
    gan, detector = members
    alone = run(members, Plan((whole_on(gan.layered, "cpu1"), whole_on(detector.layered, "cpu1"))), head)
    plan = Plan((halves(gan, "cpu0", "cpu1"), halves(detector, "cpu1", "cpu0")))
    swapped = run(members, plan, head, 3 * SLICES)
    assert [one.number for one in swapped.answered] == list(range(3 * SLICES))
    for one in swapped.answered:
        expected = alone.answered[one.number % SLICES].answers
        assert [a.k for a in one.answers.values()] == [a.k for a in expected.values()]
        np.testing.assert_allclose(one.answers["ct-to-mri"].picture, expected["ct-to-mri"].picture, atol=0.5)
        boxes, others = one.answers["hemorrhage-detection"].boxes, expected["hemorrhage-detection"].boxes
        assert [b.label for b in boxes] == [b.label for b in others]
        for box, other in zip(boxes, others, strict=True):
            assert box.score == pytest.approx(other.score, abs=1e-3)
            assert (box.i0, box.j0, box.i1, box.j1) == pytest.approx((other.i0, other.j0, other.i1, other.j1), abs=0.1)
    assert _together_s(swapped) > 0.1 * min(_busy_s(swapped, lane) for lane in ("cpu0", "cpu1"))
    assert {span.label.rpartition(" #")[0] for span in swapped.spans if span.lane == "cpu0"} == {
        f"ct-to-mri 0-{gan.layered.layers // 2}",
        f"hemorrhage-detection {detector.layered.layers // 2 + 1}-{detector.layered.layers - 1}",
    }


def _busy_s(run: Run, lane: str) -> float:
    return sum(span.end_s - span.start_s for span in run.spans if span.lane == lane)


def _together_s(run: Run) -> float:
    """Time in which both lanes worked."""
    left = [span for span in run.spans if span.lane == "cpu0"]
    right = [span for span in run.spans if span.lane == "cpu1"]
    return sum(max(0.0, min(a.end_s, b.end_s) - max(a.start_s, b.start_s)) for a in left for b in right)


@pytest.mark.parametrize("task", TASKS)
def test_a_stream_says_what_a_run_over_the_study_says(task, members, head):
    member = next(m for m in members if m.name == task)
    engine = OnnxRuntimeBackend(threads=1).load(find(task).model, Precision.FP32, "CPU")
    provenance = Provenance(task, "1", "", "onnxruntime", "1", "CPU", Precision.FP32, PrecisionKind.NATIVE)
    job = Job(eager(task), (head,), engine, provenance, lambda _: None, lambda: False, 0.0)
    road = synthesise(job) if job.task.kind is Kind.VOLUME else detect(job)
    streamed = run((member,), Plan((whole_on(member.layered, "cpu1"),)), head)
    answers = [one.answers[task] for one in streamed.answered]
    if road.volume is not None:
        for answer in answers:
            np.testing.assert_array_equal(answer.picture, road.volume.voxels[answer.k])
    else:
        assert len(road.boxes) > SLICES
        assert tuple(box for answer in answers for box in answer.boxes) == road.boxes


def fakes(monkeypatch: pytest.MonkeyPatch, fault: Fault) -> None:
    monkeypatch.setattr(Station, "make_backend", lambda _: FakeBackend(fault))


def test_numbers_that_are_none_stop_the_stream_at_their_slice(members, head, monkeypatch):
    fakes(monkeypatch, Fault.NAN)
    with pytest.raises(StreamStopped, match="slice 0: ct-to-mri failed"):
        run(members[:1], Plan((whole_on(members[0].layered, "cpu0"),)), head)


def test_one_constant_for_every_slice_is_an_error(members, head, monkeypatch):
    fakes(monkeypatch, Fault.CONSTANT)
    with pytest.raises(BadOutput, match="one constant for every slice"):
        run(members[:1], Plan((whole_on(members[0].layered, "cpu0"),)), head)


def test_an_engine_that_hangs_is_stopped_by_cancelling(members, head, monkeypatch):
    fakes(monkeypatch, Fault.HANGS)
    asked = iter([False] * 3 + [True] * 1000)
    with (
        Pipeline(members[:1], [Plan((whole_on(members[0].layered, "cpu0"),))], usual()) as pipeline,
        pytest.raises(JobCancelled),
    ):
        pipeline.run(slices_of(head, members[0].work.grid, SLICES), cancelled=lambda: next(asked))


def test_a_task_of_whole_volumes_is_refused(head):
    bundle = find("stroke-lesion")
    with pytest.raises(InputRefused, match="needs a whole volume"):
        SliceTask(bundle.task, grid_of(find("ct-to-mri").task, head))


def invented(member: Member) -> Profile:
    """Every layer 1 ms on either lane."""
    lanes = ("cpu0", "cpu1")
    layer = Layer("l", dict.fromkeys(lanes, 1.0), dict.fromkeys(lanes, 0.1), dict.fromkeys(lanes, 1.0),
                  dict.fromkeys(lanes, True))  # fmt: skip
    return Profile(member.name, lanes, (layer,) * member.layered.layers)


@pytest.mark.slow
def test_a_competition_holds_every_scheme_against_named_baselines(members, head):
    measured = tuple(invented(member) for member in members)
    entered = contestants(members, usual(), tuple(Scheme), measured)
    course = Course(members, lambda: tuple(slices_of(head, members[0].work.grid, 3)), rounds=1)
    outcomes = compete(course, entered)
    found = rows(outcomes)
    names = [row["scheme"] for row in found]
    assert names[:2] == ["one-lane cpu0", "one-lane cpu1"]
    assert names[-4:] == ["naive", "swapped", "planned", "in-turn"]
    fastest = min(row["period_ms"] for row in found[:2])
    for row in found:
        assert row["ratios"][ONE_CORE]["ratio"] == pytest.approx(fastest / row["period_ms"], rel=0.01)
        assert (row["forecast_ms"] is None) == row["scheme"].endswith("-all")
        assert row["latency_p95_ms"] >= row["latency_p50_ms"] > 0
    assert found[-1]["forecast_ms"] == pytest.approx(sum(m.layered.layers for m in members) / 2)
    assert {span["lane"] for row in found[-4:] for span in row["spans"]} == {"cpu0", "cpu1"}
    assert found[-2]["forecast_ms"] == pytest.approx((sum(m.layered.layers for m in members) + 1) / 2, abs=1)
    if len(names) > 5:
        assert ALL_CORES in found[0]["ratios"]
    verdict = pipeline_report.verdict(outcomes)
    assert verdict["measured_ms"] == found[-2]["period_ms"]
    assert verdict["within_band"] == (abs(verdict["forecast_over_measured"] - 1) <= 0.10)


def test_what_a_scheme_needs_is_said(members):
    with pytest.raises(EngineError, match="needs two lanes"):
        contestants(members, usual()[:1], (Scheme.NAIVE,), None)
    with pytest.raises(EngineError, match="needs profiles"):
        contestants(members, usual(), (Scheme.SWAPPED,), None)
    with pytest.raises(InputRefused, match="'chaos' is no scheme"):
        pipeline_report._schemes(("chaos",))


def test_one_core_has_no_wider_baseline(members):
    one = replace(usual()[0], lane=LaneSpec("only", "CPU", frozenset({0})))
    assert [c.name for c in contestants(members, (one,), (Scheme.ONE_LANE,), None)] == ["one-lane only"]
    assert bench_pipeline.ROUNDS >= 3
