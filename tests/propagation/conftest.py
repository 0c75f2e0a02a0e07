"""The small network on a CPU, and on the pretend device: tests that take it run on both."""

import pytest
from pretend_device import pretend

from core.network import PCVOS


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "cpu_only(why): not run on the pretend device")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "small_network" in metafunc.fixturenames:
        only = metafunc.definition.get_closest_marker("cpu_only")
        metafunc.parametrize("small_network", ["cpu"] if only else ["cpu", "cuda"], indirect=True)


@pytest.fixture
def small_network(request: pytest.FixtureRequest, small_network: PCVOS) -> PCVOS:
    """The small preset with stand-in weights, prepared for inference on the device of the parameter; for the time of
    the test there is such a device."""
    if request.param == "cpu":
        yield small_network
        return
    network = request.getfixturevalue("small_network_on_pretend_device")
    with pretend():
        yield network
