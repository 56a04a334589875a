"""Piece by piece through the engine, with the work before and after each piece beside it where that pays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from inference.roads.stage import Clock

Piece = TypeVar("Piece")
Ready = TypeVar("Ready")
Said = TypeVar("Said")


@dataclass(frozen=True, slots=True)
class Steps(Generic[Piece, Ready, Said]):
    """What is done with a piece.

    Attributes:
        prepare: What the engine reads.
        ask: The engine's answer; on the thread that walks, which alone calls the engine and tells of progress.
        finish: Puts the answer where it belongs; one piece after the other, in order.
    """

    prepare: Callable[[Piece], Ready]
    ask: Callable[[Piece, Ready], Said]
    finish: Callable[[Piece, Said], None]


class Beside:
    """Where work is done that the engine need not wait for: on one thread, or at once where it has no core to itself.

    On a CPU the engine's threads share every layer evenly among all cores, and the layer waits for the one that had
    to share its core: the whole gained nothing on two cores. Any other device leaves the processor free meanwhile.
    """

    def __init__(self, device: str) -> None:
        self._worker: Executor = _AtOnce() if device == "CPU" else ThreadPoolExecutor(1, "insula-beside")

    def submit(self, work: Callable[..., Said], *about: Any) -> Future[Said]:
        """Do it after all that was given before; its answer or error comes through the future."""
        return self._worker.submit(work, *about)

    def close(self) -> None:
        """Drop what still waits, let the running piece end, and end the thread."""
        self._worker.shutdown(wait=True, cancel_futures=True)


def walk(pieces: Sequence[Piece], steps: Steps[Piece, Ready, Said], clock: Clock, device: str) -> None:
    """Take all pieces through, in order: at most one is prepared ahead, and one waits to be finished.

    The clock counts what this thread spends, waiting included, so that the parts add up to the wall time.

    Raises:
        JobCancelled, InsulaError: As a step raised it; no thread is left behind.
    """
    with closing(Beside(device)) as beside:
        coming: list[Future[Ready]] = []
        ending: list[Future[None]] = []
        for at, piece in enumerate(pieces):
            with clock.part("preprocess"):
                ready = (coming or [beside.submit(steps.prepare, piece)]).pop().result()
                coming = [beside.submit(steps.prepare, following) for following in pieces[at + 1 : at + 2]]
            said = steps.ask(piece, ready)
            with clock.part("postprocess"):
                _settle(ending)
                ending = [beside.submit(steps.finish, piece, said)]
        with clock.part("postprocess"):
            _settle(ending)


def _settle(work: list[Future[None]]) -> None:
    for future in work:
        future.result()


class _AtOnce(Executor):
    """Does the work where it is given."""

    def submit(self, work: Callable[..., Any], /, *about: Any, **named: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(work(*about, **named))
        return done
