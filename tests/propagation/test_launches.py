"""The work that a GPU is asked for: kernels launched, and times that the host waits, counted on the pretend device."""

import copy

import numpy as np
import pytest
import torch
from pretend_device import PretendDevice, pretend

from core.media.arrays import ArraySource
from core.network import PCVOS, SMALL
from core.network.preparation import prepare
from core.propagation import PropagationSettings, Propagator


def _counted(interval: int, objects: int, memory: int, drawn: int) -> tuple[float, float, PretendDevice]:
    """Launches and waits a frame: 720p footage, the network at 480p in fp16, of a clip and some more; behind `memory`
    annotated frames."""
    frames = np.broadcast_to(np.zeros(3, np.uint8), (memory + drawn, 720, 1280, 3))
    labels = np.zeros((720, 1280), np.uint8)
    for obj in range(1, objects + 1):
        labels[200:400, 150 * obj : 150 * obj + 100] = obj
    with pretend(values=False) as device, torch.inference_mode():
        network = prepare(copy.deepcopy(PCVOS(SMALL)), torch.device("cuda"))
        settings = PropagationSettings(interval=interval, distractors=False)
        propagator = Propagator(network, ArraySource(frames), settings)
        for frame in range(memory):
            propagator.memory.add(frame, labels, range(1, objects + 1))
        propagator.prepare()
        device.log.reset()
        assert sum(len(clip.frames) for clip in propagator.run(start=memory)) == drawn
    return device.log.launches.total() / drawn, device.log.waits.total() / drawn, device


@pytest.mark.parametrize(
    ("interval", "objects", "memory", "launches", "waits"),
    [
        (15, 1, 10, 120, 3.5),
        pytest.param(15, 1, 40, 120, 3.5, marks=pytest.mark.long),
        pytest.param(15, 8, 10, 200, 3.5, marks=pytest.mark.long),
        (1, 1, 10, 360, 6),
    ],
)
def test_launches_and_waits_a_frame(interval: int, objects: int, memory: int, launches: float, waits: float):
    found, waited, device = _counted(interval, objects, memory, interval + 5 if interval > 1 else 6)
    assert found <= launches, device.log.launches.most_common(20)
    assert waited <= waits, device.log.waits.most_common(20)
