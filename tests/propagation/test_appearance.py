"""What a mask covers, and what that says of it."""

from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import PCVOSError
from core.media.arrays import ArraySource
from core.network import PCVOS, load_network
from core.propagation import PropagationSettings, Propagator, host_masks
from core.propagation.appearance import DEFAULT_APPEARANCE, load_appearance, pooled, save_appearance
from core.propagation.confidence import Absence, Mask, confidence

SIZE = (48, 64)


def test_features_are_averaged_over_what_each_mask_covers():
    features = torch.arange(3 * 2 * 2, dtype=torch.float32).view(1, 3, 2, 2)
    shares = torch.tensor([[1, 0, 0, 1], [0, 0.5, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1]])
    means = pooled(shares, features.half())
    assert means.dtype == torch.float32 and means.shape == (4, 3)
    assert means[0].tolist() == features[0, :, [0, 1], [0, 1]].mean(1).tolist()
    assert means[1].tolist() == features[0, :, 0, 1].tolist()
    assert means[2].tolist() == [0, 0, 0]
    assert means[3].tolist() == features[0].mean((1, 2)).tolist()


def test_appearance_moves_the_confidence_of_masks_alone():
    says = np.array([2.0, 0.0, -1.0], np.float32)
    liked, disliked = (Mask(0.9, 0.2, np.array([value, 5.0], np.float32)) for value in (1, 0))
    assert confidence(disliked, says) < confidence(liked) == confidence(disliked) < confidence(liked, says)
    assert confidence(Mask(0.9, 0.2), says) == confidence(liked), "where it is not known it says nothing"
    assert confidence(Absence(True, 3, 0.9), says) == confidence(Absence(True, 3, 0.9))


def test_what_ships_is_for_the_features_that_ship():
    network = load_network(None, "cpu")
    says = load_appearance(network.features_fingerprint)
    assert says is not None and says.shape == (network.config.thin_dim + 1,)
    assert DEFAULT_APPEARANCE.stat().st_size < 10_000


def test_a_file_for_other_features_says_nothing_and_a_damaged_one_is_told(tmp_path: Path):
    path = tmp_path / "confidence.safetensors"
    assert load_appearance("ours", path) is None
    save_appearance(path, np.ones(3), "ours")
    assert load_appearance("ours", path).tolist() == [1, 1, 1] and load_appearance("theirs", path) is None
    other = tmp_path / "damaged.safetensors"
    other.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(PCVOSError, match=r"damaged\.safetensors is not a weights file"):
        load_appearance("ours", other)


def test_a_run_goes_by_the_appearance_of_what_was_annotated(small_network: PCVOS, monkeypatch):
    """The mean of the annotated frames on which an object is; one for all frames."""
    frames = np.random.default_rng(1).integers(0, 255, (9, *SIZE, 3), np.uint8)
    mask = np.zeros(SIZE, np.uint8)
    mask[8:30, 10:30], mask[20:40, 40:60] = 1, 2
    says = np.zeros(small_network.config.thin_dim + 1, np.float32)
    says[-1] = -1.0

    def run(annotated: dict[int, np.ndarray]):
        propagator = Propagator(small_network, ArraySource(frames), PropagationSettings(interval=3, resolution=None))
        for frame, labels in annotated.items():
            propagator.memory.add(frame, labels, [1, 2])
        clips = list(propagator.run())
        return clips, propagator.encoder.appearance()

    plain, at_first = run({0: mask})
    _, at_last = run({0: np.where(mask == 1, mask, 0), 8: mask})
    assert at_first[1].shape == (small_network.config.thin_dim,) and not np.allclose(at_first[1], at_first[2])
    assert not np.allclose(at_last[1], at_first[1]), "two frames show it"
    assert not np.allclose(at_last[2], at_first[2]), "another frame shows it, and the first says that it is not there"

    monkeypatch.setattr(host_masks, "load_appearance", lambda features: says)
    lower, _ = run({0: mask})
    for before, after in zip(plain, lower, strict=True):
        assert (before.labels == after.labels).all()
        for i, evidence in enumerate(after.evidence):
            for obj, seen in evidence.items():
                if isinstance(seen, Mask):
                    assert (seen.appearance == at_first[obj]).all()
                    assert after.confidence[obj][i] < before.confidence[obj][i]
                else:
                    assert after.confidence[obj][i] == before.confidence[obj][i]
    assert any(isinstance(seen, Mask) for clip in lower for evidence in clip.evidence for seen in evidence.values())
