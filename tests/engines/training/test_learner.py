"""The trainee of every network: repeatable, in every number format, on what recipes name."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from engines.architectures.compressed_unet import CompressedUNet
from engines.architectures.prostate_vnet import ProstateVNet
from engines.training.criteria import CRITERIA, criterion_of
from engines.training.device import Arithmetic, Format, require_device
from engines.training.learner import OPTIMISERS, Learner, LearnSettings, Pair
from engines.training.loop import Run, Stopped, train_loop
from engines.training.networks import CLASSIFIERS, OUTLINERS, Border, LogSigmoid, answering_logits, network_of
from engines.training.scores import Confusion
from inference.errors import InputRefused


class Stripes:
    """Pictures with upright or level stripes."""

    count = 40

    def draw(self, count: int, rng: np.random.Generator) -> Pair:
        labels = rng.integers(2, size=count)
        wave = np.sign(np.sin(np.arange(8) * 1.6 + rng.uniform(0, 6, (count, 1))))
        pictures = np.where(labels[:, None, None] == 1, wave[:, None, :], wave[:, :, None])
        noisy = pictures + rng.normal(0, 0.3, pictures.shape)
        return torch.from_numpy(noisy[:, None]).float(), torch.from_numpy(labels)

    def held_out(self) -> Iterator[Pair]:
        yield self.draw(32, np.random.default_rng(1))


def _network() -> torch.nn.Module:
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 6, 3), torch.nn.BatchNorm2d(6), torch.nn.ReLU(), torch.nn.Dropout(0.3),
        torch.nn.Flatten(), torch.nn.Linear(6 * 36, 2),
    )  # fmt: skip


def _learner(form: Format = Format.FP32, optimiser: str = "adam", seed: int = 3) -> Learner:
    settings = LearnSettings("own", "cross-entropy", optimiser, batch=8, rate=5e-3)
    return Learner(_network, Stripes(), criterion_of("cross-entropy"), settings, Arithmetic("cpu", form), seed)


def _run(folder: Path, learner: Learner) -> Run:
    return Run(6, 3, folder / "c.pt", folder / "c.csv", look=learner.look, look_every=2)


def _bytes(network: torch.nn.Module) -> list[bytes]:
    return [value.numpy().tobytes() for value in network.state_dict().values()]


@pytest.mark.parametrize("form", list(Format))
def test_six_steps_are_three_and_three_bit_for_bit_with_dropout_and_scaler(tmp_path: Path, form: Format) -> None:
    straight = _learner(form)
    whole = train_loop(straight, _run(tmp_path / "a", straight), lambda _: None, lambda: False)
    seen: list[int] = []
    first = _learner(form)
    with pytest.raises(Stopped):
        train_loop(first, _run(tmp_path / "b", first), lambda p: seen.append(p.done), lambda: len(seen) >= 3)
    torch.manual_seed(99)  # whatever happened in between
    second = _learner(form)
    resumed = train_loop(second, _run(tmp_path / "b", second), lambda _: None, lambda: False)
    assert _bytes(whole) == _bytes(resumed)
    assert _bytes(straight.network) == _bytes(second.network)
    assert (tmp_path / "a" / "c.csv").read_bytes() == (tmp_path / "b" / "c.csv").read_bytes()


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("form", [Format.FP32, Format.FP16])
def test_every_optimiser_learns_in_every_format(optimiser: str, form: Format) -> None:
    learner = _learner(form, optimiser)
    before = learner.look(learner.network.eval())
    for step in range(60):
        learner.learn(step, 1.0)
    after = learner.look(learner.network.eval())
    assert after.loss < 0.5 * before.loss
    assert after.score is not None
    assert after.score > 0.9


def test_another_seed_learns_otherwise() -> None:
    one, other = _learner(seed=1), _learner(seed=2)
    assert one.learn(0, 1.0) != other.learn(0, 1.0)


def test_fp16_keeps_a_scaler_in_its_state_and_fp32_does_not() -> None:
    assert _learner(Format.FP16).state()["scaler"]["scale"] > 1
    assert _learner(Format.FP32).state()["scaler"] == {}


@pytest.mark.parametrize("name", CRITERIA)
def test_every_loss_is_least_where_the_answer_is_right(name: str) -> None:
    labels = torch.randint(3, (2, 4, 8, 8), generator=torch.Generator().manual_seed(0))
    right = torch.nn.functional.one_hot(labels, 3).movedim(-1, 1).float() * 12 - 6
    assert float(criterion_of(name)(right, labels)) < 0.05
    assert float(criterion_of(name)(right, (labels + 1) % 3)) > 0.5


@pytest.mark.parametrize(
    ("known", "name", "border", "widths"),
    [
        (OUTLINERS, "unet3d", Border(2, 3, (8, 16, 16)), (4, 4)),
        (OUTLINERS, "organ-unet", Border(1, 6, (1, 32, 32)), ()),
        (OUTLINERS, "prostate-vnet", Border(1, 3, (1, 32, 32)), ()),
        (OUTLINERS, "mobile-unet", Border(4, 4, (1, 32, 32)), ()),
        (OUTLINERS, "compressed-unet", Border(4, 5, (1, 32, 32)), (8, 16, 16)),
        (CLASSIFIERS, "cell-cnn", Border(3, 3, (64, 64)), ()),
    ],
)
def test_every_named_network_answers_logits_of_its_border(known, name, border, widths) -> None:  # type: ignore[no-untyped-def]
    network = network_of(known, name, border, widths).eval()
    with torch.no_grad():
        logits = network(torch.zeros(2, border.channels, *border.size))
    assert tuple(logits.shape) == (2, border.labels, *(() if known is CLASSIFIERS else border.size))


@pytest.mark.parametrize(
    ("make", "normalised"),
    [
        (lambda: ProstateVNet(3), lambda p: p),
        (lambda: CompressedUNet(1, 3, (8, 8)), lambda p: p / p.sum(1, keepdim=True)),
    ],
)
def test_softmax_of_the_logits_are_the_network_s_own_probabilities(make, normalised) -> None:  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    network, picture = make().eval(), torch.randn(2, 1, 32, 32)
    with torch.no_grad():
        own = network(picture)
        torch.testing.assert_close(answering_logits(network)(picture).softmax(1), normalised(own))


def test_the_logarithm_of_a_sigmoid_holds_far_from_zero() -> None:
    far = torch.tensor([-500.0, -1.0, 0.0, 500.0])
    torch.testing.assert_close(LogSigmoid()(far), torch.nn.functional.logsigmoid(far))


@pytest.mark.parametrize(
    "refused",
    [
        lambda: network_of(OUTLINERS, "vgg", Border(1, 2, (8, 8, 8)), ()),
        lambda: criterion_of("hinge"),
        lambda: _learner(optimiser="lion"),
        lambda: require_device("tpu"),
    ],
)
def test_a_name_that_nobody_knows_is_refused_with_those_there_are(refused) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputRefused, match=r"Choose"):
        refused()


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_a_gpu_that_is_not_there_is_said() -> None:
    with pytest.raises(InputRefused, match="sees no CUDA device"):
        require_device("cuda")


def test_counts_give_recall_precision_and_dice() -> None:
    seen = Confusion()
    seen.add(np.array([0, 0, 1, 1]), np.array([0, 0, 0, 1]), 3)
    seen.add(np.array([1, 2]), np.array([1, 1]), 3)
    assert seen.counts.tolist() == [[2, 1, 0], [0, 2, 1], [0, 0, 0]]
    assert seen.recall() == [pytest.approx(2 / 3), pytest.approx(2 / 3), None]
    assert seen.precision() == [1.0, pytest.approx(2 / 3), 0.0]
    assert seen.balanced_accuracy() == pytest.approx(2 / 3)
    assert seen.mean_dice() == pytest.approx((4 / 6 + 0.0) / 2)
    assert Confusion().balanced_accuracy() == 0.0
