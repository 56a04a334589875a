"""Small parts of the border: messages whole or not at all, silence measured, endings in words."""

from __future__ import annotations

import io
import pickle
import signal
import sys
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference import errors
from inference.errors import EngineCrashed, EngineKilled, InsulaError, JobCancelled
from inference.host import endings, patience
from inference.host.calls import Call
from inference.host.channel import Sender, receive
from inference.host.cost import Cost
from inference.host.messages import Cancel, Done, Failed, Step, Taken
from inference.result import Progress

STEP = Step(1, Progress("tiles", 0, 1), patience_s=0.05)


@given(st.lists(st.binary(max_size=300), max_size=5), st.integers(0, 40))
def test_messages_arrive_whole_and_in_order_or_not_at_all(bodies, cut):
    pipe = io.BytesIO()
    sender = Sender(pipe)
    for body in bodies:
        sender.send(body)
    whole = pipe.getvalue()
    torn = io.BytesIO(whole[: max(0, len(whole) - cut)])
    seen = list(iter(lambda: receive(torn), None))
    assert seen == bodies[: len(seen)]
    assert cut > 0 or seen == bodies


def every_error() -> list[type[InsulaError]]:
    return [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, InsulaError)]


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_every_error_crosses_as_itself(kind):
    error = kind() if kind is JobCancelled else kind("It broke.", "Mend it.")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert (again.message, again.hint, again.exit_code, str(again)) == (
        error.message,
        error.hint,
        error.exit_code,
        str(error),
    )


def test_silence_counts_from_the_last_sign_and_not_in_a_queue():
    call = Call(Cancel(1), None, patience_s=0.05)
    time.sleep(0.1)
    assert call.silence(None) == 0.05
    call.inbox.put(Taken(1))
    call.next(0)
    time.sleep(0.1)
    assert call.silence(None) is None
    call.inbox.put(STEP)
    call.next(0)
    assert call.begun
    assert call.silence(None) is None
    time.sleep(0.1)
    assert call.silence(None) == 0.05
    assert call.silence(9.0) is None
    call.inbox.put(Done(1, None))
    call.next(0)
    assert call.silence(None) is None


def test_an_end_is_heard_behind_other_messages():
    call = Call(Cancel(1), None, 9.0)
    for message in (STEP, STEP, Failed(1, JobCancelled())):
        call.inbox.put(message)
    assert call.ends_within(5.0)
    assert not call.ends_within(0.01)


@pytest.mark.skipif(sys.platform == "win32", reason="needs timers that signal")
@pytest.mark.skipif(threading.current_thread() is not threading.main_thread(), reason="signals reach the main thread")
def test_a_slow_signal_does_not_stop_the_waiting():
    """A handler that takes longer than the wait itself once made the wait endless."""
    before = signal.signal(signal.SIGALRM, lambda *_: time.sleep(0.05))
    signal.setitimer(signal.ITIMER_REAL, 0.005)
    try:
        assert Call(Cancel(1), None, 9.0).next(0.02) is None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        (-11, EngineCrashed, "segmentation fault"),
        (-7, EngineCrashed, "memory that is not there"),
        (-6, EngineCrashed, "the library gave up"),
        (-15, EngineCrashed, "SIGTERM"),
        (-99, EngineCrashed, "signal 99"),
        (-9, EngineKilled, "most likely because memory ran out"),
        (0xC0000005, EngineCrashed, "segmentation fault"),
        (3, EngineCrashed, "exit status 3"),
    ],
)
def test_an_ending_is_told_in_one_sentence(status, kind, says):
    error = endings.ended(status)
    assert type(error) is kind
    assert says in error.message
    assert error.message.count(".") == 1


@given(st.integers(0, 10**13), st.integers(0, 10**9), st.integers(0, 10**9))
def test_more_work_may_take_longer(macs, weights, voxels):
    small = patience.patience(Cost(weights, 0, 0, macs), voxels, "openvino")
    large = patience.patience(Cost(2 * weights + 1, 0, 0, 2 * macs + 1), 2 * voxels + 1, "openvino")
    assert patience.BASE_S <= small.step_s < large.step_s
    assert patience.BASE_S <= small.load_s < large.load_s
    assert patience.patience(Cost(weights, 0, 0, macs), voxels, "tensorrt").load_s > small.load_s + 3000


@pytest.mark.parametrize(("text", "seconds"), [("12.5", 12.5), ("", None), ("soon", None), ("0", None), ("-3", None)])
def test_the_user_may_set_the_limit(text, seconds):
    assert patience.fixed({patience.VARIABLE: text}) == seconds
    assert patience.fixed({}) is None
