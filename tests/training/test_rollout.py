"""Training samples through the network."""

import numpy as np
import pytest
import torch
from stand_in_weights import video

from core.media.arrays import ArraySource
from core.network import PCVOS, SMALL, load_network
from core.network.checkpoint import DEFAULT_WEIGHTS
from core.propagation import PropagationSettings, Propagator
from core.training.data import IGNORE
from core.training.losses import clip_loss
from core.training.rollout import ClipPrediction, list_objects, rollout
from core.training.stages import FROM_IMAGENET


@pytest.fixture(scope="module")
def network() -> PCVOS:
    torch.manual_seed(1)
    network = PCVOS(SMALL)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(not name.startswith(FROM_IMAGENET.frozen))
    return network


def sample(name: str, objects: int, count: int = 5, size: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    """Frames (1, T, 3, S, S) and labels (1, T, S, S), uint8."""
    frames, labels = video(name, count, size, size, objects)
    return torch.from_numpy(frames).permute(0, 3, 1, 2)[None], torch.from_numpy(labels)[None]


def run(
    network: PCVOS,
    frames: torch.Tensor,
    labels: torch.Tensor,
    length: int = 2,
    true_memory: float = 0.0,
    segment: int = 0,
) -> list[ClipPrediction]:
    return rollout(network, frames, labels, length, true_memory, torch.Generator().manual_seed(0), segment)


def test_each_clip_is_predicted_whole(network: PCVOS):
    frames, labels = sample("rollout", 2)
    with torch.no_grad():
        predictions = run(network, frames, labels)
    assert [tuple(p.logits.shape) for p in predictions] == [(1, 3, 2, 64, 64)] * 2
    assert torch.equal(predictions[0].labels, labels[:, 1:3]) and torch.equal(predictions[1].labels, labels[:, 3:5])
    total = predictions[0].logits.softmax(1).sum(1)
    torch.testing.assert_close(total, torch.ones_like(total))


def test_gradients_reach_every_part_that_is_trained(network: PCVOS):
    frames, labels = sample("rollout", 2)
    network.zero_grad()
    sum(clip_loss(p, 1.0) for p in run(network, frames, labels)).backward()
    for name, parameter in network.named_parameters():
        if name.startswith(FROM_IMAGENET.frozen):
            assert parameter.grad is None, name
        else:
            assert parameter.grad is not None and parameter.grad.isfinite().all(), name
            assert parameter.grad.abs().max() > 0, name


def test_the_predicted_mask_is_remembered_with_its_gradient(network: PCVOS):
    """The loss of the second clip alone reaches the decoder's output on the first clip, unless the true mask stood in
    for it."""
    frames, labels = sample("rollout", 1)
    outputs = []

    def keep(module: torch.nn.Module, args: tuple, output: torch.Tensor) -> None:
        output.retain_grad()
        outputs.append(output)

    hook = network.decoder.register_forward_hook(keep)
    try:
        for true_memory, reached in ((0.0, True), (1.0, False)):
            outputs.clear()
            network.zero_grad()
            clip_loss(run(network, frames, labels, true_memory=true_memory)[1], 1.0).backward()
            assert (outputs[0].grad is not None and bool(outputs[0].grad[-1].abs().max() > 0)) == reached
            assert outputs[0].grad is None or not outputs[0].grad[:-1].any(), "of the last frame only"
    finally:
        hook.remove()


def test_what_the_network_sees_of_the_labels(network: PCVOS):
    """The annotated frame, and the last one of a clip only where the true mask is asked for."""
    frames, labels = sample("rollout", 2)
    other = labels.clone()
    other[:, 2] = torch.roll(other[:, 2], 20, dims=-1)
    with torch.no_grad():
        for true_memory, differs in ((0.0, False), (1.0, True)):
            one, two = (run(network, frames, seen, true_memory=true_memory) for seen in (labels, other))
            assert torch.equal(one[0].logits, two[0].logits)
            assert torch.equal(one[1].logits, two[1].logits) != differs


def test_samples_of_a_batch_do_not_see_each_other(network: PCVOS):
    one, two = sample("rollout", 2), sample("another", 1)
    with torch.no_grad():
        alone = [run(network, *s) for s in (one, two)]
        batch = run(network, *(torch.cat(pair) for pair in zip(one, two, strict=True)))
    for clip in range(2):
        torch.testing.assert_close(batch[clip].logits[:1], alone[0][clip].logits, atol=1e-4, rtol=1e-4)
        probabilities = batch[clip].logits[1:].softmax(1)
        assert probabilities[:, 2].max() < 1e-5, "an object that the sample does not have"
        expected = alone[1][clip].logits.softmax(1)
        torch.testing.assert_close(probabilities[:, :2], expected, atol=1e-4, rtol=1e-3)


def test_ignored_pixels_belong_to_no_object():
    labels = torch.tensor([[[0, 1, 255]], [[2, 0, 1]]], dtype=torch.uint8).view(2, 1, 1, 3)
    objects = list_objects(labels)
    assert list(zip(objects.owner.tolist(), objects.label.tolist(), strict=True)) == [(0, 1), (1, 1), (1, 2)]
    masks = objects.one_hot(labels)[:, 0, 0]
    assert masks.tolist() == [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
    assert objects.others(masks, 2).tolist() == [[0, 0, 0], [1, 0, 0], [0, 0, 1]]


@pytest.mark.parametrize("segment", [0, 1, 2])
def test_training_and_inference_compute_the_same(small_network: PCVOS, segment: int):
    """With all of memory read, the engine does what a rollout does, with progressive matching and without; a rollout
    keeps what the network doubts."""
    frames, labels = sample("consistent", 2, count=7)
    with torch.no_grad():
        predictions = run(small_network, frames, labels, length=3, segment=segment)
    expected = torch.cat([p.logits.argmax(1) for p in predictions], 1)[0].numpy()
    settings = PropagationSettings(interval=3, progressive=segment, top_k=10_000, resolution=None, keep_lost=True)
    propagator = Propagator(small_network, ArraySource(frames[0].permute(0, 2, 3, 1).numpy()), settings)
    propagator.memory.add(0, labels[0, 0].numpy())
    found = np.concatenate([clip.labels for clip in propagator.run()])
    assert (found[1:] == expected).mean() >= 0.999


def test_progressive_matching_changes_what_later_frames_of_a_clip_read():
    network = load_network(DEFAULT_WEIGHTS)
    frames, labels = sample("progressive", 1, count=7)
    with torch.no_grad():
        without, with_it = (run(network, frames, labels, length=3, segment=n)[0].logits for n in (0, 1))
    changed = (without - with_it).abs().amax((0, 1, 3, 4))
    assert changed[1:].min() > 5 * changed[0], "refinement passes a little of it on to the first frame"


def test_where_labels_say_nothing_memory_keeps_what_was_predicted(network: PCVOS):
    """A remembered frame without a mask: as if the true mask were never taken."""
    frames, labels = sample("rollout", 1)
    labels[:, 2] = IGNORE
    with torch.no_grad():
        taken, predicted = (run(network, frames, labels, true_memory=share)[1] for share in (1.0, 0.0))
    torch.testing.assert_close(taken.logits, predicted.logits)
