"""The work beside the engine: the same answers in the same order, every error, no thread left."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.errors import BadOutput, InputRefused, JobCancelled
from inference.result import Precision, PrecisionKind, Provenance
from inference.roads.stage import Clock
from inference.roads.walk import Steps, walk
from inference.run import run
from inference.volume import Channel
from tests.inference.roads.test_roads import (
    FIND,
    MAKE,
    OUTLINE,
    Answering,
    bright_and_low,
    cells_over,
    ct_head,
    stroke_pair,
)

ON = {d: Provenance("t", "1", "00", "b", "1", d, Precision.FP32, PrecisionKind.NATIVE) for d in ("CPU", "GPU")}


def helpers() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("insula-beside")]


@given(st.lists(st.integers(0, 99), max_size=9), st.sampled_from(["CPU", "GPU"]), st.integers(0, 3))
def test_nothing_is_lost_or_exchanged_and_one_piece_is_prepared_ahead(pieces, device, slow):
    prepared, asked, finished, lead = [], [], [], []

    def prepare(piece):
        lead.append(len(prepared) - len(asked))
        prepared.append(piece)
        return piece * 2

    def ask(piece, ready):
        time.sleep(1e-4 * (slow == 1))
        asked.append((piece, ready))
        return ready + 1

    def finish(piece, said):
        time.sleep(1e-4 * (slow == 2))
        finished.append((piece, said))

    walk(pieces, Steps(prepare, ask, finish), Clock(0.0), device)
    assert prepared == pieces
    assert asked == [(p, 2 * p) for p in pieces]
    assert finished == [(p, 2 * p + 1) for p in pieces]
    assert max(lead, default=0) <= 1
    assert not helpers()


@pytest.mark.parametrize("device", ["CPU", "GPU"])
@pytest.mark.parametrize("where", ["prepare", "ask", "finish"])
@pytest.mark.parametrize("at", [0, 3, 5])
def test_an_error_in_any_step_comes_out_as_itself_and_leaves_no_thread(device, where, at):
    error = InputRefused("The slice cannot be read.", "Choose another.")
    asked = []

    def step(name):
        def work(piece, *_):
            if name == "ask":
                asked.append(piece)
            if (name, piece) == (where, at):
                raise error

        return work

    with pytest.raises(InputRefused) as raised:
        walk(range(6), Steps(step("prepare"), step("ask"), step("finish")), Clock(0.0), device)
    assert raised.value is error
    assert asked == list(range(len(asked)))
    assert len(asked) <= at + 2
    assert not helpers()


def test_the_engine_is_asked_while_the_next_piece_is_prepared():
    together = threading.Barrier(2, timeout=20)

    def prepare(piece):
        if piece == 1:
            together.wait()

    def ask(piece, _):
        if piece == 0:
            together.wait()

    walk(range(3), Steps(prepare, ask, lambda *_: None), Clock(0.0), "GPU")
    assert not together.broken


def results(device: str) -> list[object]:
    ct, (dwi, adc, _) = ct_head((1, 1, -1)), stroke_pair()
    made = run({Channel.CT: ct}, MAKE, Answering((1, 1, 256, 256), {"out": lambda x: x * 0.9}), ON[device])
    found = run({Channel.CT: ct}, FIND, Answering((1, 1, 320, 320), {"p8": cells_over}), ON[device])
    engine = Answering((1, 2, 32, 32, 32), {"logits": bright_and_low})
    outlined = run({Channel.DWI: dwi, Channel.ADC: adc}, OUTLINE, engine, ON[device])
    return [
        made.volume.voxels.tobytes(),
        found.boxes,
        found.findings,
        outlined.mask.labels.tobytes(),
        outlined.findings,
    ]


def test_all_roads_answer_the_same_bits_with_and_without_work_beside_the_engine():
    assert results("CPU") == results("GPU")


@pytest.mark.parametrize("device", ["CPU", "GPU"])
def test_cancel_ends_the_work_beside_the_engine_too(device):
    big = ct_head()
    many = replace(big, voxels=np.tile(big.voxels, (12, 1, 1)), geometry=replace(big.geometry, shape=(108, 256, 256)))
    stopped = threading.Event()
    seen = []

    def progress(step):
        seen.append(step)
        if step.stage == "slices" and step.done == 5:
            stopped.set()
            seen.append(time.perf_counter())

    engine = Answering((1, 1, 256, 256), {"out": lambda x: x})
    with pytest.raises(JobCancelled):
        run({Channel.CT: many}, MAKE, engine, ON[device], progress=progress, cancelled=stopped.is_set)
    assert time.perf_counter() - seen[-1] < 0.5
    assert engine.calls <= 6
    assert not helpers()


def test_an_engine_that_fails_leaves_no_thread():
    broken = Answering((1, 1, 256, 256), {"out": lambda x: x * np.nan})
    with pytest.raises(BadOutput):
        run({Channel.CT: ct_head()}, MAKE, broken, ON["GPU"])
    assert not helpers()
