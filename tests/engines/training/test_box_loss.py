"""The detector's loss and assignment, against the decoder that inference uses."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.architectures.detector import STRIDES
from engines.training.box_loss import assign, detection_loss, flatten, generalised_iou, pair_iou
from inference.steps import decode


def _maps(seed: int, side: int = 64) -> list[torch.Tensor]:
    torch.manual_seed(seed)
    return [torch.randn(1, 7, side // s, side // s) for s in STRIDES]


def test_flattened_boxes_are_those_of_the_decoder() -> None:
    maps = _maps(0)
    flat, decoded = flatten(maps, STRIDES), decode.decode([m.numpy() for m in maps], STRIDES)
    np.testing.assert_allclose(flat.boxes[0].numpy(), decoded.boxes, rtol=1e-5, atol=1e-4)


@given(st.integers(0, 2**31))
@settings(max_examples=30)
def test_generalised_iou_is_bounded_and_meets_iou_on_equal_boxes(seed: int) -> None:
    torch.manual_seed(seed)
    corner = torch.rand(6, 2) * 50
    boxes = torch.cat([corner, corner + 1 + torch.rand(6, 2) * 40], dim=1)
    other = boxes.flip(0)
    value = generalised_iou(boxes, other)
    assert bool(((value >= -1.0) & (value <= 1.0 + 1e-5)).all())
    assert bool((value <= pair_iou(boxes, other).diagonal() + 1e-5).all())
    torch.testing.assert_close(generalised_iou(boxes, boxes), torch.ones(6))


def test_assigned_cells_lie_near_their_box_and_belong_to_one() -> None:
    flat = flatten(_maps(1), STRIDES)
    boxes = torch.tensor([[8.0, 8.0, 24.0, 30.0], [40.0, 36.0, 60.0, 52.0]])
    cells, owner, overlap = assign(flat, 0, boxes, torch.tensor([0, 1]))
    assert set(owner.tolist()) == {0, 1}
    assert len(set(cells.tolist())) == len(cells)
    assert bool(((overlap >= 0) & (overlap <= 1)).all())
    middle = (boxes[owner, :2] + boxes[owner, 2:]) / 2
    assert bool(((flat.centres[cells] - middle).abs().amax(1) <= 4.0 * flat.strides[cells]).all())


def test_the_loss_falls_when_the_maps_say_the_truth() -> None:
    maps = [m.requires_grad_() for m in _maps(2)]
    truth = [(torch.tensor([[10.0, 12.0, 40.0, 44.0]]), torch.tensor([1]))]
    optimiser = torch.optim.Adam(maps, 0.1)
    losses = []
    for _ in range(60):
        loss = detection_loss(flatten(maps, STRIDES), truth)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    best = decode.keep_best(decode.decode([m.detach().numpy() for m in maps], STRIDES), 0.1, 0.5)
    assert losses[-1] < 0.2 * losses[0]
    assert best.classes[0] == 1
    assert decode.iou_with(best.boxes[0], np.array([[10.0, 12.0, 40.0, 44.0]]))[0] > 0.8


def test_an_empty_picture_only_lowers_objectness() -> None:
    maps = [m.requires_grad_() for m in _maps(3)]
    detection_loss(flatten(maps, STRIDES), [(torch.empty(0, 4), torch.empty(0, dtype=torch.long))]).backward()
    assert all(m.grad is not None and bool((m.grad[:, 4] > 0).all()) for m in maps)
    assert all(m.grad is not None and float(m.grad[:, :4].abs().sum() + m.grad[:, 5:].abs().sum()) == 0 for m in maps)
