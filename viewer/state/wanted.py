"""What all panes of one screen share, and which result each kind of pane shows."""

from __future__ import annotations

from dataclasses import dataclass

from inference.result import Kind, Point, Precision, Result
from inference.volume import Mask
from viewer.state import choose
from viewer.state.catalogue import Catalogue
from viewer.state.view import ViewState


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """The wishes, what is there, the series read from and the linked point."""

    view: ViewState
    catalogue: Catalogue
    source: str | None
    position: Point

    def task(self, kind: Kind, wished: str | None = None) -> str | None:
        """Task whose results of this kind are shown; `wished` is a pane's volume id."""
        return choose.task_for(kind, self.source, wished, self.view.precision, self.catalogue)

    def result(self, kind: Kind, wished: str | None = None) -> Result | None:
        """That task's result at the wished precision."""
        return choose.result_of(self.task(kind, wished), self.view.precision, self.catalogue)

    def ground(self, kind: Kind, wished: str | None = None) -> str | None:
        """Series uid on whose grid the results of this kind lie."""
        return choose.ground_of(self.task(kind, wished), self.source, self.catalogue)


def compared_precisions(view: ViewState) -> tuple[Precision, Precision]:
    """The two precisions in a fixed order, finer first, so that A and B stay put when they are flipped."""
    order = tuple(Precision)
    first, second = sorted((view.precision, view.compare), key=order.index)
    return first, second


def compared_results(wanted: Wanted, wished: str | None = None) -> tuple[Result, Result] | None:
    """Results of one mask task at both precisions; None while one is missing or where the grids differ."""
    task = wanted.task(Kind.MASK, wished)
    a, b = (choose.result_of(task, precision, wanted.catalogue) for precision in compared_precisions(wanted.view))
    if a is None or b is None or a is b or a.mask is None or b.mask is None:
        return None
    return (a, b) if a.mask.geometry.same_grid(b.mask.geometry) else None


def compared_masks(wanted: Wanted, wished: str | None = None) -> tuple[Mask, Mask] | None:
    """Masks of `compared_results`."""
    pair = compared_results(wanted, wished)
    if pair is None or pair[0].mask is None or pair[1].mask is None:
        return None
    return pair[0].mask, pair[1].mask
