"""Reading ahead: in order, bounded, and nothing left running."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event
from threading import enumerate as running_threads

import pytest

from tickstock_cli.engine.prefetch import Prefetch
from tickstock_cli.errors import DataError

DEPTH = 2


class Numbers:
    """Counts up to ``last`` and remembers how far it came and that it was closed; fails at ``bad``."""

    def __init__(self, last: int, bad: int | None = None, error: BaseException | None = None) -> None:
        self.given = 0
        self.closed = False
        self._last = last
        self._bad = bad
        self._error = error or DataError("row group 3 is damaged")

    def read(self) -> Iterator[int]:
        """Return the numbers."""
        try:
            for number in range(self._last):
                if number == self._bad:
                    raise self._error
                self.given += 1
                yield number
        finally:
            self.closed = True


def readers() -> list[str]:
    """Return the reader threads that run."""
    return [thread.name for thread in running_threads() if thread.name == "tickstock-reader"]


@pytest.mark.parametrize("last", [0, 1, 100])
def test_items_come_in_order_and_once(last: int) -> None:
    """Also none at all; then the thread is gone."""
    numbers = Numbers(last)

    with Prefetch(numbers.read(), DEPTH) as ahead:
        assert list(ahead) == list(range(last))

    assert numbers.closed
    assert readers() == []


def test_the_reader_stays_a_bounded_number_of_items_ahead() -> None:
    """Memory does not depend on how slow the consumer is: what waits, one in hand, and the one being used."""
    numbers = Numbers(500)

    with Prefetch(numbers.read(), DEPTH) as ahead:
        for number in ahead:
            assert numbers.given <= number + 1 + DEPTH + 1


@pytest.mark.parametrize("error", [DataError("row group 3 is damaged"), KeyboardInterrupt(), MemoryError()])
def test_an_error_in_the_reader_reaches_the_caller_in_its_place(error: BaseException) -> None:
    """Behind the items that were read before it, as the same exception: a damaged part takes no earlier one away."""
    numbers = Numbers(10, bad=3, error=error)
    got: list[int] = []

    with pytest.raises(type(error)) as raised, Prefetch(numbers.read(), DEPTH) as ahead:
        got.extend(ahead)

    assert got == [0, 1, 2]
    assert raised.value is error
    assert numbers.closed
    assert readers() == []


@pytest.mark.parametrize("taken", [0, 1, 7])
def test_leaving_early_closes_what_was_read(taken: int) -> None:
    """Files are closed and the thread ends though its queue is full and nobody takes any more."""
    numbers = Numbers(10_000)

    with Prefetch(numbers.read(), DEPTH) as ahead:
        for number, _ in zip(ahead, range(taken), strict=False):
            assert number < 10

    assert numbers.closed
    assert numbers.given < 20
    assert readers() == []


def test_an_error_of_the_caller_ends_the_reader_too() -> None:
    """And it is the caller's error that is seen, not one of tidying up."""
    numbers = Numbers(10_000)

    with pytest.raises(ZeroDivisionError), Prefetch(numbers.read(), DEPTH) as ahead:
        all(1 / (number - 2) for number in ahead)

    assert numbers.closed
    assert readers() == []


def test_a_stopped_consumer_stops_waiting_for_items() -> None:
    """A pipe may be silent for hours: whoever leaves ends the wait at its other end, too."""
    silence = Event()

    def waiting() -> Iterator[int]:
        yield 1
        silence.wait()

    with Prefetch(waiting(), DEPTH, stopped=lambda: True, interrupt=silence.set) as ahead:
        assert list(ahead) == [1]

    assert readers() == []
