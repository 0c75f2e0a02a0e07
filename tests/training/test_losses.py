"""Losses on cases small enough for pencil and paper."""

import math

import pytest
import torch

from core.training.losses import (
    THIN_WEIGHT,
    absence_loss,
    bootstrapped_cross_entropy,
    clip_dice_loss,
    clip_loss,
    thin_structures,
)
from core.training.rollout import ClipPrediction


def logits_of(probabilities: list[list[float]]) -> torch.Tensor:
    """(1, K + 1, 1, 1, pixels) from one list a class."""
    return torch.tensor(probabilities).log().view(1, len(probabilities), 1, 1, -1)


def labels_of(*labels: int) -> torch.Tensor:
    return torch.tensor(labels).view(1, 1, 1, -1)


def test_cross_entropy_over_all_and_over_the_hardest_pixels():
    logits = logits_of([[0.5, 0.9, 0.2, 0.75], [0.5, 0.1, 0.8, 0.25]])
    labels = labels_of(0, 1, 1, 0)
    each = [-math.log(p) for p in (0.5, 0.1, 0.8, 0.75)]
    assert bootstrapped_cross_entropy(logits, labels, 1.0).item() == pytest.approx(sum(each) / 4)
    assert bootstrapped_cross_entropy(logits, labels, 0.5).item() == pytest.approx((each[0] + each[1]) / 2)
    assert bootstrapped_cross_entropy(logits, labels, 0.01).item() == pytest.approx(each[1]), "one pixel at least"


def test_the_hardest_pixels_are_those_of_each_frame():
    easy, hard = logits_of([[0.9, 0.8], [0.1, 0.2]]), logits_of([[0.3, 0.1], [0.7, 0.9]])
    logits, labels = torch.cat([easy, hard], 2), torch.zeros(1, 2, 1, 2, dtype=torch.long)
    expected = (-math.log(0.8) - math.log(0.1)) / 2
    assert bootstrapped_cross_entropy(logits, labels, 0.5).item() == pytest.approx(expected)


def test_ignored_pixels_cost_nothing():
    logits = logits_of([[0.5, 0.001], [0.5, 0.999]]).requires_grad_()
    labels = labels_of(0, 255)
    loss = bootstrapped_cross_entropy(logits, labels, 0.5) + clip_dice_loss(logits.softmax(1), labels).sum()
    loss.backward()
    assert bootstrapped_cross_entropy(logits, labels, 0.5).item() == pytest.approx(math.log(2))
    assert not logits.grad[..., 1].any() and logits.grad[..., 0].any()


def test_dice_of_a_clip():
    """Sums go over all frames of the clip: 1 - (2 sum pg + 1) / (sum p^2 + sum g^2 + 1)."""
    p = torch.tensor([1.0, 0.5, 0.5, 0.0]).view(1, 1, 2, 1, 2)
    labels = torch.tensor([1, 0, 1, 1]).view(1, 2, 1, 2)
    found = clip_dice_loss(torch.cat([1 - p, p], 1), labels)
    assert found.shape == (1, 1)
    assert found.item() == pytest.approx(1 - (2 * 1.5 + 1) / (1.5 + 3 + 1))


def test_dice_of_perfect_and_of_absent_objects():
    labels = torch.tensor([1, 1, 0, 0]).view(1, 1, 2, 2)
    perfect = torch.stack([labels == k for k in (0, 1, 2)], 1).float()
    assert clip_dice_loss(perfect, labels).tolist() == [[0, 0]], "object 2 is not there, and is not found"
    wrong = torch.zeros(1, 3, 1, 2, 2)
    wrong[:, 2] = 1
    assert clip_dice_loss(wrong, labels)[0].tolist() == pytest.approx([1 - 1 / 3, 1 - 1 / 5])


def test_an_absent_object_costs_what_its_likeliest_pixels_do():
    p = torch.zeros(1, 2, 2, 1, 1000)
    p[:, 0, 0, 0, :2] = torch.tensor([0.5, 0.75])  # object 1 on frame 0: two pixels of a thousand are its likeliest
    p[:, 1, :, 0, 7] = 0.9  # object 2, on both frames
    logits = torch.cat([1 - p.sum(1, keepdim=True), p], 1).clamp(1e-9).log()
    labels = torch.zeros(1, 2, 1, 1000, dtype=torch.long)
    labels[:, 1, 0, 0] = 1
    labels[:, :, 0, 7] = 2
    expected = (-math.log(0.5) - math.log(0.25)) / 2
    assert absence_loss(logits, labels).item() == pytest.approx(expected / 2, abs=1e-4), "on one of two frames"
    labels[:, 0, 0, :2] = 255
    assert absence_loss(logits, labels).item() == pytest.approx(0, abs=1e-4), "nothing is said of these pixels"
    labels[:, 0, 0, 500] = 1
    assert absence_loss(logits, labels).item() == 0, "all are there"


def test_clip_loss_is_the_sum_of_all_and_a_mean_over_objects_and_samples():
    torch.manual_seed(0)
    logits = torch.randn(2, 3, 2, 4, 4)
    labels = torch.randint(0, 3, (2, 2, 4, 4))
    labels[1][labels[1] == 2] = 255  # the second sample has one object only
    dice = clip_dice_loss(logits.softmax(1), labels)
    expected = bootstrapped_cross_entropy(logits, labels, 0.5, 1 + THIN_WEIGHT * thin_structures(labels))
    expected = expected + ((dice[0, 0] + dice[0, 1]) / 2 + dice[1].sum()) / 2 + absence_loss(logits, labels)
    found = clip_loss(ClipPrediction(logits, labels.to(torch.uint8)), 0.5)
    assert found.item() == pytest.approx(expected.item())


def test_thin_structures_are_poles_and_gaps_and_a_pixel_around_them():
    labels = torch.zeros(1, 1, 40, 40, dtype=torch.long)
    labels[..., 5:35, 4:20] = 1
    labels[..., 20:23, 4:20] = 0  # a gap of three pixels
    labels[..., 10, 20:36] = 2  # a rope
    thin = thin_structures(labels)[0, 0].bool()
    assert thin[20:23, 6:18].all() and thin[10, 24:34].all(), "the gap and the rope"
    assert thin[9:12, 24:34].all() and not thin[13:18, 24:34].any(), "and a pixel around them"
    assert not thin[7:18, 6:17].any() and not thin[26:33, 6:17].any(), "not the blocks"
    labels[..., 10, 20:36] = 255
    assert not thin_structures(labels)[0, 0, 10, 24:].any(), "nothing is said there"


def test_a_better_prediction_costs_less():
    labels = torch.zeros(1, 1, 8, 8, dtype=torch.long)
    labels[..., 2:6, 2:6] = 1
    right = torch.stack([labels == 0, labels == 1], 1).float()
    costs = [clip_loss(ClipPrediction(k * right, labels), 0.3).item() for k in (-4, 0, 2, 8)]
    assert costs == sorted(costs, reverse=True) and costs[-1] < 0.05
