"""Networks that many tests share."""

import copy
import os
from collections import Counter

import hypothesis
import pytest
import torch
from pretend_device import pretend
from stand_in_network import stand_in_network

from core.network import PAPER, PCVOS, SMALL
from core.network.preparation import prepare

os.environ["PCVOS_MEASURE"] = "off"  # masks are the same in every run of the tests, on whatever machine
hypothesis.settings.register_profile("project", deadline=None, derandomize=True)  # the same on every machine
hypothesis.settings.load_profile("project")
torch.set_num_threads(1)  # the networks see thumbnails here, and threads cost more than they give


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole", action="store_true", help="also what takes long, and all cases of all tests")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: run with --whole only")


_MANY = 8  # cases of one test that all run
_SPARSEST = 4


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without --whole: nothing long; of each test on the pretend device the first of its cases; and of a test with many
    cases every second to fourth."""
    if config.getoption("--whole"):
        return
    cases = Counter(item.nodeid.partition("[")[0] for item in items)
    seen: Counter[tuple[str, bool]] = Counter()
    left_out = []
    for item in items:
        test = item.nodeid.partition("[")[0]
        params = item.callspec.params if hasattr(item, "callspec") else {}
        on_device = "cuda" in (params.get("small_network"), params.get("paper_network"))
        number, step = seen[test, on_device], min(1 + cases[test] // (_MANY + 1), _SPARSEST)
        seen[test, on_device] += 1
        if item.get_closest_marker("long") or (number if on_device else number % step):
            left_out.append(item)
    config.hook.pytest_deselected(items=left_out)
    gone = set(left_out)
    items[:] = [item for item in items if item not in gone]


@pytest.fixture(scope="session")
def plain_paper_network() -> PCVOS:
    """The published architecture with stand-in weights, as `PCVOS(PAPER)` makes it."""
    return stand_in_network(PAPER)


@pytest.fixture(scope="session")
def paper_network(plain_paper_network: PCVOS) -> PCVOS:
    """The same, prepared for inference."""
    return prepare(copy.deepcopy(plain_paper_network))


@pytest.fixture(scope="session")
def paper_network_on_pretend_device(plain_paper_network: PCVOS) -> PCVOS:
    """The same on `pretend_device`'s GPU."""
    with pretend():
        return prepare(copy.deepcopy(plain_paper_network), torch.device("cuda"))


@pytest.fixture(scope="session")
def small_network() -> PCVOS:
    """The small preset with stand-in weights, prepared for inference."""
    return prepare(stand_in_network(SMALL))


@pytest.fixture(scope="session")
def small_network_on_pretend_device() -> PCVOS:
    """The same on `pretend_device`'s GPU."""
    with pretend():
        return prepare(stand_in_network(SMALL), torch.device("cuda"))
