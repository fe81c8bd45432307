"""What a request says is to be read."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from tests.cli.market import write_recording
from tickstock_cli.build import settings_model
from tickstock_cli.core.garbage import no_gc
from tickstock_cli.core.time_input import parse_time_input
from tickstock_cli.engine.core import Core
from tickstock_cli.errors import UsageError
from tickstock_cli.replaying import Request, read_options, replay
from tickstock_cli.testing import Tick, new_york

OPEN = new_york("2024-06-12", "09:30:00")


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Write a tick a minute, from half an hour before the open to half an hour after it."""
    minutes = range(-30, 31)
    return write_recording([Tick("ABC", OPEN + minute * 60_000_000_000, 100.0) for minute in minutes], tmp_path)


@pytest.mark.parametrize(
    ("start", "end", "rows"),
    [("09:30", None, 31), ("09:30", "09:40", 10), (None, "9:30", 30), ("2024-06-12T13:30", "09:40:00.5", 11)],
)
def test_bounds_may_be_times_of_day(recording: Path, start: str | None, end: str | None, rows: int) -> None:
    """To begin with the opening bell is to say 09:30, whatever that is in UTC; on the market's clocks."""
    request = Request(
        [recording],
        start=None if start is None else parse_time_input(start),
        end=None if end is None else parse_time_input(end),
    )
    assert replay(request).ledger["tick.read"] == rows


def test_a_bound_that_is_a_time_of_day_is_on_the_date_of_the_whole_recording(recording: Path) -> None:
    """Not only on that of what the other bound leaves of it."""
    request = Request([recording], start=OPEN, end=parse_time_input("09:40"))
    options = read_options(request, settings_model()())
    assert (options.start, options.end) == (OPEN, new_york("2024-06-12", "09:40:00"))


def test_an_empty_range_of_bounds_is_an_error_with_its_times(recording: Path) -> None:
    """The line shows what was made of them."""
    request = Request([recording], start=parse_time_input("10:00"), end=parse_time_input("09:30"))
    with pytest.raises(UsageError, match="--start 2024-06-12T14:00:00Z is not before --end 2024-06-12T13:30:00Z"):
        replay(request)


def test_a_finished_replay_holds_no_memory(recording: Path) -> None:
    """A program that replays again and again grows by a core's state each time if only a full collection finds it."""

    def cores() -> int:
        return sum(isinstance(found, Core) for found in gc.get_objects())

    replay(Request([recording]))
    gc.collect()
    before = cores()
    with no_gc():
        replay(Request([recording]))
        assert cores() == before
