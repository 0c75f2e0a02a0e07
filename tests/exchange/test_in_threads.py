"""Jobs side by side, their results in order, no more of them in memory than need be."""

import threading
from functools import partial

import pytest

from core.exchange.parallel import in_threads


def test_results_come_in_order_and_jobs_are_made_only_when_they_are_needed():
    made = []

    def jobs():
        for number in range(50):
            made.append((number, threading.current_thread()))
            yield partial(pow, number, 2)

    results = in_threads(jobs(), threads=3)
    assert next(results) == 0
    assert len(made) == 6
    assert list(results) == [number**2 for number in range(1, 50)]
    assert {thread for _, thread in made} == {threading.current_thread()}


def test_an_error_comes_in_its_turn():
    results = in_threads([lambda: 1, lambda: 1 / 0, lambda: 3], threads=2)
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_closed_it_starts_nothing_more_and_leaves_no_thread():
    before = threading.active_count()
    ran = []
    results = in_threads((partial(ran.append, number) for number in range(1000)), threads=2)
    next(results)
    results.close()
    assert len(ran) <= 4
    assert threading.active_count() == before
