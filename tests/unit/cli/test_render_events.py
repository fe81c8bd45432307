"""Events on a terminal: nothing is cut without a sign, and nothing is rounded away."""

from __future__ import annotations

from typing import Any

import pytest
from rich.console import Console

from tickstock_cli.cli.render_events import EventTable
from tickstock_cli.cli.render_phrases import format_price
from tickstock_cli.cli.render_watch import EventLines
from tickstock_cli.core.shown_times import exchange_zone
from tickstock_cli.testing import MILLISECOND, new_york

EVENT: dict[str, Any] = {
    "timestamp": new_york("2024-06-12", "16:26:23") + 580 * MILLISECOND,
    "ticker": "IBM",
    "kind": "high",
    "price": 18.61,
    "percent_change": 0.16,
    "source": "tick",
    "direction": 1,
    "previous": 18.58,
    "rel_volume": None,
    "trigger": None,
    "strength": None,
    "score": None,
    "phase": "regular",
    "merged": 1,
}
ZONE = exchange_zone("XNYS")
WAS: dict[str, Any] = {"price": 18_581.0, "previous": 18_580.0, "phase": "post", "merged": 12}
WHOLE = "was 18,580.00, post, 1 of 12"
DAY = 86_400_000 * MILLISECOND


def shown(what: Any, width: int) -> list[str]:
    """Draw at a width, as lines without the blanks behind them."""
    console = Console(width=width, record=True, file=None, color_system=None, legacy_windows=False)
    with console.capture() as capture:
        console.print(what)
    return [line.rstrip() for line in capture.get().splitlines()]


@pytest.mark.parametrize("width", range(45, 141, 5))
@pytest.mark.parametrize("dated", [False, True])
def test_a_detail_is_shown_whole_or_with_an_ellipsis_or_omitted(dated: bool, width: int) -> None:
    """A terminal that is too narrow must not make another price of "was 18,580.00"."""
    events = [{**EVENT, **WAS}, {**EVENT, **WAS, "timestamp": EVENT["timestamp"] + DAY * dated}]

    lines = shown(EventTable(events, ZONE), width)

    assert all(len(line) <= width for line in lines)
    for line in lines[-2:]:
        _, found, detail = line.partition("was ")
        assert f"{found}{detail}" in ("", WHOLE) or (line.endswith("…") and WHOLE.startswith(f"was {detail[:-1]}"))
        assert "18,581.00" in line


@pytest.mark.parametrize("width", range(54, 141, 5))
@pytest.mark.parametrize("dated", [False, True])
def test_lines_of_events_cut_no_detail(dated: bool, width: int) -> None:
    """The line of an event is all that a watching user ever sees of it."""
    events = [{**EVENT, **WAS}, {**EVENT, **WAS, "timestamp": EVENT["timestamp"] + DAY * dated}]

    lines = shown(EventLines(events, ZONE), width)

    assert all(len(line) <= width for line in lines)
    text = " ".join(" ".join(lines).split())
    assert [text.count(word) for word in ("18,581.00", "18,580.00,", "post,", "1 of 12", "…")] == [2, 2, 2, 2, 0]


def test_narrow_lines_have_the_date_in_a_line_of_its_own_when_it_changes() -> None:
    """Six columns in each line are better spent on the detail; the day of the batch before is known."""
    events = [EVENT, EVENT, {**EVENT, "timestamp": EVENT["timestamp"] + DAY}]

    lines = shown(EventLines(events, ZONE, day_before=ZONE.day(EVENT["timestamp"])), 80)

    assert [line.split()[0] for line in lines] == ["16:26:23.580", "16:26:23.580", "2024-06-13", "16:26:23.580"]


def test_a_usual_event_fits_eighty_columns() -> None:
    """That is what a new terminal has, also if the events are of several days."""
    lines = shown(EventTable([EVENT, {**EVENT, "timestamp": EVENT["timestamp"] + DAY}], ZONE), 80)

    assert lines[0].split() == ["time", "(New", "York)", "ticker", "event", "price", "change", "source", "detail"]
    assert lines[2:] == [
        f"06-1{day} 16:26:23.580  IBM     ▲ high      18.61   +0.16%  tick    was 18.58" for day in (2, 3)
    ]


def test_a_clock_is_as_wide_as_all_others() -> None:
    """A fraction that ends in zeros does not draw the zone's letter into it."""
    first, second = shown(
        EventTable([EVENT, {**EVENT, "timestamp": EVENT["timestamp"] - 580 * MILLISECOND}], ZONE), 80
    )[2:]

    assert (first.split()[0], second.split()[0]) == ("16:26:23.580", "16:26:23.000")


@pytest.mark.parametrize(
    ("price", "text"),
    [
        (1234567.891, "1,234,567.89"),
        (1.0, "1.00"),
        (0.9999, "0.9999"),
        (0.5, "0.5000"),
        (0.0042, "0.0042"),
        (0.00421, "0.00421"),
        (0.00001234567, "0.00001235"),
        (0.0, "0.00"),
    ],
)
def test_prices_below_a_dollar_are_shown_with_more_digits(price: float, text: str) -> None:
    """Two digits would show every one of them as 0.00."""
    assert format_price(price) == text


def test_the_table_shows_small_prices_whole() -> None:
    """In the price and in the detail."""
    line = shown(EventTable([{**EVENT, "price": 0.0042, "previous": 0.0041}], ZONE), 80)[-1]

    assert "0.0042" in line
    assert line.endswith("was 0.0041")


def test_events_that_are_left_out_are_counted_between_the_halves() -> None:
    """The first and the last ones are shown."""
    lines = shown(EventTable([{**EVENT, "ticker": "A"}, {**EVENT, "ticker": "B"}], ZONE, skipped=1_234), 80)[2:]

    assert [line.split()[:3] for line in lines] == [
        ["16:26:23.580", "A", "▲"],
        ["…", "1,234", "more"],
        ["16:26:23.580", "B", "▲"],
    ]
