"""The loop: what stops goes on, and ends where an unbroken run ends."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from engines.training import checkpoint
from engines.training.checkpoint import Kept
from engines.training.curves import Look, read_curves
from engines.training.loop import Run, Stopped, blend, step_rng, train_loop
from engines.training.rates import FADE_SHARE, WARM_UP_STEPS, RateKind, fade, rate_of
from inference.errors import BadOutput, InputRefused, JobCancelled
from inference.result import Progress


class Line:
    """Fits y = 3 x with Adam; each step draws its own x."""

    def __init__(self, seed: int = 0, broken: bool = False) -> None:
        torch.manual_seed(seed)
        self.network = torch.nn.Linear(1, 1)
        self._optimiser = torch.optim.Adam(self.network.parameters(), 0.1)
        self._seed, self._broken = seed, broken

    def learn(self, step: int, rate: float) -> float:
        x = torch.tensor(step_rng(self._seed, step).standard_normal((8, 1)), dtype=torch.float32)
        loss = (self.network(x) - 3 * x).square().mean() * (float("nan") if self._broken else 1.0)
        self._optimiser.param_groups[0]["lr"] = 0.1 * rate
        self._optimiser.zero_grad()
        loss.backward()
        self._optimiser.step()
        return float(loss.detach())

    def state(self) -> dict[str, Any]:
        return {"network": self.network.state_dict(), "optimiser": self._optimiser.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self._optimiser.load_state_dict(state["optimiser"])


def _run(folder: Path, steps: int, **more: Any) -> Run:
    return Run(**{"steps": steps, "seed": 0, "checkpoint": folder / "c.pt", "curves": folder / "c.csv", **more})


def _walk(line: Line, run: Run, stop_at: int | None = None) -> torch.nn.Linear:
    seen: list[int] = []

    def note(progress: Progress) -> None:
        seen.append(progress.done)

    return train_loop(line, run, note, lambda: stop_at is not None and len(seen) >= stop_at)  # type: ignore[return-value]


def test_a_run_learns_and_its_mean_follows(tmp_path: Path) -> None:
    mean = _walk(Line(), _run(tmp_path, 300, memory=0.9))
    assert mean.weight.item() == pytest.approx(3.0, abs=0.05)


def test_a_stopped_run_ends_where_an_unbroken_one_ends_and_so_do_its_curves(tmp_path: Path) -> None:
    whole = _walk(Line(), _run(tmp_path / "a", 40))
    with pytest.raises(Stopped, match=r"after 17 of 40 steps.*--resume") as stopped:
        _walk(Line(), _run(tmp_path / "b", 40), stop_at=17)
    assert isinstance(stopped.value, JobCancelled)
    assert stopped.value.exit_code == 5
    resumed = _walk(Line(), _run(tmp_path / "b", 40))
    assert torch.equal(whole.weight, resumed.weight)
    assert (tmp_path / "a" / "c.csv").read_bytes() == (tmp_path / "b" / "c.csv").read_bytes()
    assert [p.step for p in read_curves(tmp_path / "b" / "c.csv")] == list(range(1, 41))


def test_a_run_is_prolonged_bit_for_bit_where_the_rate_does_not_depend_on_its_length(tmp_path: Path) -> None:
    straight, prolonged = Line(), Line()
    _walk(straight, _run(tmp_path / "a", 6, rate=lambda step, steps: 1.0))
    _walk(Line(), _run(tmp_path / "b", 3, rate=lambda step, steps: 1.0))
    _walk(prolonged, _run(tmp_path / "b", 6, rate=lambda step, steps: 1.0))
    for one, other in zip(straight.network.parameters(), prolonged.network.parameters(), strict=True):
        assert one.detach().numpy().tobytes() == other.detach().numpy().tobytes()


def test_lines_written_after_the_checkpoint_are_written_again(tmp_path: Path) -> None:
    whole, run = _run(tmp_path / "a", 12), _run(tmp_path / "b", 12)
    _walk(Line(), whole)
    with pytest.raises(Stopped):
        _walk(Line(), run, stop_at=5)
    kept = checkpoint.read(run.checkpoint)
    text = run.curves.read_text() + "6,0.5,1.0,,\n7,0.4,1"  # a crash later, in the middle of a line
    run.curves.write_text(text)
    _walk(Line(), run)
    assert kept.step == 5
    assert run.curves.read_bytes() == whole.curves.read_bytes()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"seed": 1}, r"with seed 0.*--seed 0"),
        ({"recipe": "other"}, "other settings"),
        ({"steps": 4}, r"5 steps behind it, more than 4.*--steps 5"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_and_kept(tmp_path: Path, changes, sentence: str) -> None:  # type: ignore[no-untyped-def]
    run = _run(tmp_path, 5, recipe="one")
    _walk(Line(), run)
    before = run.checkpoint.read_bytes()
    with pytest.raises(InputRefused, match=sentence):
        _walk(Line(), replace(run, **changes))
    assert run.checkpoint.read_bytes() == before


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    run = _run(tmp_path, 5)
    run.checkpoint.write_bytes(b"half a file")
    with pytest.raises(InputRefused, match=r"c\.pt cannot be read"):
        _walk(Line(), run)


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(BadOutput):
        _walk(Line(broken=True), _run(tmp_path, 5))
    assert not (tmp_path / "c.pt").exists()


def _falling_then_rising(best: int) -> Any:
    """A look whose loss is least at look number `best`, and a list of the weights it was shown."""
    shown: list[float] = []

    def look(network: torch.nn.Module) -> Look:
        shown.append(float(network.weight.detach()))  # type: ignore[arg-type]
        return Look(abs(len(shown) - best) + 1.0, 0.5)

    return look, shown


def test_patience_ends_a_run_and_the_best_weights_are_kept(tmp_path: Path) -> None:
    look, shown = _falling_then_rising(best=3)
    mean = _walk(Line(), _run(tmp_path, 100, look=look, look_every=4, patience=2))
    assert len(shown) == 5
    assert mean.weight.item() == shown[2]
    points = read_curves(tmp_path / "c.csv")
    assert points[-1].step == 20
    assert [p.step for p in points if p.look is not None] == [4, 8, 12, 16, 20]


def test_patience_and_best_weights_outlive_a_stop(tmp_path: Path) -> None:
    look, shown = _falling_then_rising(best=2)
    run = _run(tmp_path, 100, look=look, look_every=4, patience=3)
    with pytest.raises(Stopped):
        _walk(Line(), run, stop_at=13)
    mean = _walk(Line(), run)
    assert len(shown) == 5
    assert mean.weight.item() == shown[1]


def test_the_rate_warms_up_stays_and_fades() -> None:
    rates = [fade(n, 1000) for n in range(1000)]
    plateau = rates[WARM_UP_STEPS : int(1000 * (1 - FADE_SHARE))]
    assert rates[0] == pytest.approx(0.01)
    assert set(plateau) == {1.0}
    assert rates[-1] == pytest.approx(0.01, abs=0.01)
    assert all(a >= b for a, b in zip(rates[WARM_UP_STEPS:], rates[WARM_UP_STEPS + 1 :], strict=False))


def test_the_plateau_does_not_depend_on_the_length_of_the_run() -> None:
    assert [fade(n, 1000) for n in range(650)] == [fade(n, 3000) for n in range(650)]


def test_a_recipe_asks_for_the_step_decay_of_the_paper() -> None:
    rate = rate_of(RateKind.STEPS, 1e-3, 4)
    assert [round(1e-3 * rate(n, 400), 9) for n in (0, 99, 100, 200, 300, 399)] == [1e-3, 1e-3, 1e-4, 1e-5, 1e-6, 1e-6]


def test_blend_moves_weights_and_statistics_and_copies_counts() -> None:
    kept, new = torch.nn.BatchNorm1d(2), torch.nn.BatchNorm1d(2)
    new.running_mean.fill_(10.0)  # type: ignore[union-attr]
    new.num_batches_tracked.fill_(7)  # type: ignore[union-attr]
    blend(kept, new, 0.9)
    assert kept.running_mean.tolist() == pytest.approx([1.0, 1.0])  # type: ignore[union-attr]
    assert kept.num_batches_tracked.item() == 7  # type: ignore[union-attr]


def test_no_partial_checkpoint_stays(tmp_path: Path) -> None:
    line = Line()
    checkpoint.write(Kept(0, 3, "", line.state(), line.network.state_dict()), tmp_path / "c.pt")
    assert [f.name for f in tmp_path.iterdir()] == ["c.pt"]
