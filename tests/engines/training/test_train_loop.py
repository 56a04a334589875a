"""The loop: what stops goes on, and ends where an unbroken run ends."""

from pathlib import Path
from typing import Any

import pytest
import torch

from engines.training.loop import FADE_SHARE, WARM_UP_STEPS, Run, blend, rate_at, save, step_rng, train_loop
from inference.errors import BadOutput, JobCancelled
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


def _ignore(_: Progress) -> None:
    pass


def test_a_run_learns_and_its_mean_follows(tmp_path: Path) -> None:
    mean = train_loop(Line(), Run(300, 0, tmp_path / "c.pt", 0.9), _ignore, lambda: False)
    assert mean.weight.item() == pytest.approx(3.0, abs=0.05)  # type: ignore[union-attr]


def test_a_stopped_run_ends_where_an_unbroken_one_ends(tmp_path: Path) -> None:
    whole = train_loop(Line(), Run(40, 0, tmp_path / "a.pt"), _ignore, lambda: False)
    seen: list[int] = []
    with pytest.raises(JobCancelled):
        train_loop(Line(), Run(40, 0, tmp_path / "b.pt"), lambda p: seen.append(p.done), lambda: len(seen) >= 17)
    assert seen[-1] == 17
    resumed = train_loop(Line(), Run(40, 0, tmp_path / "b.pt"), lambda p: seen.append(p.done), lambda: False)
    assert seen[17] == 18
    assert torch.equal(whole.weight, resumed.weight)  # type: ignore[arg-type]


def test_another_seed_does_not_take_up_the_checkpoint(tmp_path: Path) -> None:
    train_loop(Line(), Run(5, 0, tmp_path / "c.pt"), _ignore, lambda: False)
    seen: list[int] = []
    train_loop(Line(1), Run(5, 1, tmp_path / "c.pt"), lambda p: seen.append(p.done), lambda: False)
    assert seen == [1, 2, 3, 4, 5]


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(BadOutput):
        train_loop(Line(broken=True), Run(5, 0, tmp_path / "c.pt"), _ignore, lambda: False)
    assert not (tmp_path / "c.pt").exists()


def test_the_rate_warms_up_stays_and_fades() -> None:
    rates = [rate_at(n, 1000) for n in range(1000)]
    plateau = rates[WARM_UP_STEPS : int(1000 * (1 - FADE_SHARE))]
    assert rates[0] == pytest.approx(0.01)
    assert set(plateau) == {1.0}
    assert rates[-1] == pytest.approx(0.01, abs=0.01)
    assert all(a >= b for a, b in zip(rates[WARM_UP_STEPS:], rates[WARM_UP_STEPS + 1 :], strict=False))


def test_the_plateau_does_not_depend_on_the_length_of_the_run() -> None:
    assert [rate_at(n, 1000) for n in range(650)] == [rate_at(n, 3000) for n in range(650)]


def test_blend_moves_weights_and_statistics_and_copies_counts() -> None:
    kept, new = torch.nn.BatchNorm1d(2), torch.nn.BatchNorm1d(2)
    new.running_mean.fill_(10.0)  # type: ignore[union-attr]
    new.num_batches_tracked.fill_(7)  # type: ignore[union-attr]
    blend(kept, new, 0.9)
    assert kept.running_mean.tolist() == pytest.approx([1.0, 1.0])  # type: ignore[union-attr]
    assert kept.num_batches_tracked.item() == 7  # type: ignore[union-attr]


def test_no_partial_checkpoint_stays(tmp_path: Path) -> None:
    line = Line()
    save(line, line.network, 3, Run(5, 0, tmp_path / "c.pt"))
    assert [f.name for f in tmp_path.iterdir()] == ["c.pt"]
