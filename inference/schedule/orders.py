"""In which order segments may be served when each model's own order is kept."""

from __future__ import annotations

from collections.abc import Iterator

Order = tuple[tuple[int, int], ...]


def orders(lengths: tuple[int, ...]) -> Iterator[Order]:
    """Every interleaving of the models' segments, as (model, segment); the models' first segments come first."""
    yield from _after((0,) * len(lengths), lengths)


def _after(done: tuple[int, ...], lengths: tuple[int, ...]) -> Iterator[Order]:
    if done == lengths:
        yield ()
        return
    open_models = [m for m, count in enumerate(lengths) if done[m] < count]
    for model in sorted(open_models, key=lambda m: (done[m], m)):
        step = (*done[:model], done[model] + 1, *done[model + 1 :])
        for rest in _after(step, lengths):
            yield ((model, done[model]), *rest)
