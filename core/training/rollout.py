"""One training sample through the network: an annotated frame, then two clips predicted whole (paper Sec. 3.6)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from core.network.aggregation import aggregation_logits
from core.network.decoder import enlarge
from core.network.imagenet import normalise
from core.network.matching import read_dense
from core.network.pcvos import PCVOS, KeyFeatures
from core.training.data import IGNORE


@dataclass(frozen=True)
class Objects:
    """The objects of a batch, laid out flat: object n belongs to sample `owner[n]` and has label `label[n]` there."""

    owner: Tensor
    label: Tensor

    def one_hot(self, labels: Tensor) -> Tensor:
        """Labels (B, ...) to masks (N, ...), float."""
        return (labels[self.owner] == self.label.view(-1, *[1] * (labels.dim() - 1))).float()

    def others(self, masks: Tensor, samples: int) -> Tensor:
        """Sum over the other objects of the same sample: (N, ...) to (N, ...)."""
        total = masks.new_zeros(samples, *masks.shape[1:]).index_add_(0, self.owner, masks)
        return total[self.owner] - masks

    def by_sample(self, x: Tensor, samples: int) -> Tensor:
        """(N, ...) to (B, K, ...), K the largest label, zero where a sample has fewer objects."""
        most = int(self.label.max())
        out = x.new_zeros(samples, most, *x.shape[1:])
        out[self.owner, self.label - 1] = x
        return out


def list_objects(labels: Tensor) -> Objects:
    """Objects of a batch of label clips (B, T, S, S)."""
    pairs = [
        (b, k) for b, clip in enumerate(labels) for k in range(1, int(torch.where(clip == IGNORE, 0, clip).max()) + 1)
    ]
    owner, label = torch.tensor(pairs, device=labels.device).unbind(1)
    return Objects(owner, label)


@dataclass(frozen=True)
class ClipPrediction:
    """A clip as predicted: aggregated logits (B, K + 1, D, S, S) and the label maps (B, D, S, S) it should be."""

    logits: Tensor
    labels: Tensor


def rollout(
    network: PCVOS,
    frames: Tensor,
    labels: Tensor,
    length: int,
    true_memory: float,
    generator: torch.Generator,
    segment: int = 0,
) -> list[ClipPrediction]:
    """Predict the clips of each sample one after another.

    The memory of a clip is the annotated frame and the last frame of each clip before, with the mask *predicted*
    there, gradients kept; with probability `true_memory` the true mask stands in for it. Matching uses the softmax
    over all memory; top-k has no place in training (paper Sec. 4.1). Nor has progressive matching there; with
    `segment` it has one here, so that raw readouts learn to be values.

    Args:
        frames: uint8 (B, 1 + n * length, 3, S, S), RGB. labels: uint8 (B, 1 + n * length, S, S).
        segment: within a clip, memory is augmented every so many frames [F, Sec. 3.5]; 0: not at all.
    """
    samples, count = labels.shape[:2]
    objects = list_objects(labels)
    images = normalise(frames)
    features = network.encode_key(images.flatten(0, 1).contiguous(memory_format=torch.channels_last))
    features = features.each(lambda feature: feature.unflatten(0, (samples, count)))

    memory = _Memory(network, images, features, objects)
    memory.write(0, objects.one_hot(labels[:, 0]))
    predictions = []
    for start in range(1, count, length):
        clip = slice(start, start + length)
        probabilities = _predict(network, features, memory, objects, clip, segment or length)
        logits = aggregation_logits(objects.by_sample(probabilities, samples), dim=1)
        predictions.append(ClipPrediction(logits, labels[:, clip]))
        if start + length < count:
            last = start + length - 1
            soft = logits[:, :, -1].softmax(1)[:, 1:]
            masks = soft[objects.owner, objects.label - 1]
            if torch.rand((), generator=generator) < true_memory:  # where the labels say nothing, the prediction stays
                masks = torch.where((labels[:, last] == IGNORE)[objects.owner], masks, objects.one_hot(labels[:, last]))
            memory.write(last, masks)
    return predictions


class _Memory:
    """Keys (B, N, C_k) and values (objects, N, C_v) written so far."""

    def __init__(self, network: PCVOS, images: Tensor, features: KeyFeatures, objects: Objects):
        self.network, self.images, self.features, self.objects = network, images, features, objects
        self.keys: Tensor | None = None
        self.values: Tensor | None = None

    def write(self, frame: int, masks: Tensor) -> None:
        """Encode frame `frame` with object masks (N, S, S)."""
        owner = self.objects.owner
        value = self.network.encode_value(
            self.images[owner, frame],
            self.features.f4[owner, frame],
            self.features.f16[owner, frame],
            masks.unsqueeze(1),
            self.objects.others(masks, len(self.images)).unsqueeze(1),
        )
        key = self.features.key[:, frame].flatten(2).mT
        value = value.flatten(2).mT
        self.keys = key if self.keys is None else torch.cat([self.keys, key], 1)
        self.values = value if self.values is None else torch.cat([self.values, value], 1)


def _read(keys: Tensor, memory: _Memory, owner: Tensor, segment: int) -> Tensor:
    """Readouts (objects, D h w, C_v) of a clip with keys (B, D, C_k, h, w); every `segment` frames, the last one's
    key and raw readout become temporary memory for those behind it (paper Eq. 4)."""
    cells = keys.shape[-2] * keys.shape[-1]
    queries = keys.permute(0, 1, 3, 4, 2).flatten(1, 3)[owner]
    assert memory.keys is not None and memory.values is not None, "nothing is in memory"
    known, values = memory.keys[owner], memory.values
    readouts = []
    for query in queries.split(segment * cells, 1):
        readouts.append(read_dense(query, known, values))
        known = torch.cat([known, query[:, -cells:]], 1)
        values = torch.cat([values, readouts[-1][:, -cells:]], 1)
    return torch.cat(readouts, 1)


def _predict(
    network: PCVOS, features: KeyFeatures, memory: _Memory, objects: Objects, clip: slice, segment: int
) -> Tensor:
    """Each object's own probability on the clip, (N, D, S, S), float32."""
    owner = objects.owner
    h, w = features.key.shape[-2:]
    readout = _read(features.key[:, clip], memory, owner, segment)
    readout = readout.view(len(owner), -1, h, w, readout.shape[-1]).permute(0, 4, 1, 2, 3)
    refined = network.refine(None if features.local is None else features.local[owner, clip].transpose(1, 2), readout)
    per_frame = lambda x: x[owner, clip].flatten(0, 1)  # noqa: E731
    logits = network.decode(
        refined.transpose(1, 2).flatten(0, 1).contiguous(memory_format=torch.channels_last),
        per_frame(features.thin),
        per_frame(features.skip8),
        per_frame(features.skip4),
    )
    return torch.sigmoid(enlarge(logits.float(), 4)).squeeze(1).unflatten(0, (len(owner), -1))
