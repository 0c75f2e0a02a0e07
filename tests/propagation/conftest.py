"""The networks on a CPU, and on the pretend device: tests that take one run on both."""

from collections.abc import Iterator

import pytest
from pretend_device import pretend

from core.network import PCVOS


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "cpu_only(why): not run on the pretend device")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    only = metafunc.definition.get_closest_marker("cpu_only")
    for name in {"small_network", "paper_network"}.intersection(metafunc.fixturenames):
        metafunc.parametrize(name, ["cpu"] if only else ["cpu", "cuda"], indirect=True)


@pytest.fixture
def small_network(request: pytest.FixtureRequest, small_network: PCVOS) -> Iterator[PCVOS]:
    """The small preset with stand-in weights, prepared for inference on the device of the parameter; for the time of
    the test there is such a device."""
    yield from _on_device(request, small_network)


@pytest.fixture
def paper_network(request: pytest.FixtureRequest, paper_network: PCVOS) -> Iterator[PCVOS]:
    """The published architecture likewise."""
    yield from _on_device(request, paper_network)


def _on_device(request: pytest.FixtureRequest, on_cpu: PCVOS) -> Iterator[PCVOS]:
    if request.param == "cpu":
        yield on_cpu
        return
    network = request.getfixturevalue(f"{request.fixturename}_on_pretend_device")
    with pretend():
        yield network
