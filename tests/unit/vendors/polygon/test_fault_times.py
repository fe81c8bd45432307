"""Times of faults: seconds of the wall or of the recording, and times of the recording."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.unit.vendors.polygon.played_client import raw_client
from tests.unit.vendors.polygon.recorded_rows import OPEN, SECOND, trades
from tests.unit.vendors.polygon.test_server_faults import plan
from tickstock_cli.core.calendar import DAY_NS, market_zone
from tickstock_cli.core.times import format_time
from tickstock_cli.errors import SettingsError, UsageError
from tickstock_cli.vendors.polygon.server.fault_plan import FaultPlan, load_faults
from tickstock_cli.vendors.polygon.server.vendor import PlayedVendor, PlayOptions

TEN_TRADES = [trades(*["AAPL"] * 6), trades(*["AAPL"] * 4, first=7)]
"""One a second; the first is a second after the opening. As fast as clients read, they are two releases."""
NEW_YORK = market_zone("XNYS")


def after(seconds: float) -> str:
    """Return a time after the opening, as a user writes it."""
    return format_time(OPEN + round(seconds * SECOND))


def rows_until_dropped(faults: FaultPlan, speed: float | None = 1e9, clients: int = 1, loop: bool = False) -> list[int]:
    """Play ten trades to clients, one after the other; return how many each got before its connection was dropped."""
    found = []

    async def story() -> None:
        options = PlayOptions(speed=speed, start_on_subscribe=True, loop=loop)
        async with PlayedVendor(TEN_TRADES, options, faults) as vendor:
            for _ in range(clients):
                async with raw_client(vendor.url) as client:
                    await client.subscribe("T.*")
                    events, code = await client.until_closed()
                    assert code == 1006
                    found.append(len(events))

    asyncio.run(story())
    return found


@pytest.mark.parametrize("speed", [None, 1e9, 50.0])
def test_a_fault_at_a_time_happens_before_the_first_row_from_then_on(speed: float | None) -> None:
    """Whatever the speed is, and though a release goes on beyond it: a run with faults can be repeated."""
    assert rows_until_dropped(plan({"kind": "abort", "at": after(4.5)}), speed) == [4]
    assert rows_until_dropped(plan({"kind": "abort", "at": after(4)}), speed) == [3]


def test_a_connection_that_is_made_later_has_no_fault_of_a_time_that_has_passed() -> None:
    """Otherwise a drop at 10:15 would drop every connection of the rest of the day."""
    faults = plan({"kind": "abort", "at": after(2.5)}, {"kind": "abort", "at": after(8.5)})
    assert rows_until_dropped(faults, speed=None, clients=2) == [2, 2]


def test_a_time_is_drawn_with_the_seed_for_each_connection() -> None:
    """As seconds and rows are."""

    def drawn(seed: int) -> list[int]:
        faults = plan({"kind": "abort", "at": [after(1), after(6)]}, seed=seed)
        return rows_until_dropped(faults, speed=None, clients=4, loop=True)

    assert drawn(1) == drawn(1) != drawn(2)
    assert len(set(drawn(1))) > 1


def test_a_time_of_day_is_of_the_recordings_date(tmp_path: Path) -> None:
    """By the clocks of its market; TOML has times, too, and a recording of two dates needs the date."""
    path = tmp_path / "faults.toml"
    path.write_text(
        '[[fault]]\nkind = "abort"\nat = "09:30:04.5"\n'
        '[[fault]]\nkind = "abort"\nat = 09:30:04.5\n'
        '[[fault]]\nkind = "abort"\nat = 2026-06-02T09:30:04.5-04:00\n'
    )
    faults = load_faults(path)
    dated = faults.dated((OPEN, OPEN + 10 * SECOND), NEW_YORK)

    assert [fault.at for fault in dated.fault if fault.kind == "abort"] == [after(4.5)] * 3
    with pytest.raises(UsageError, match=r"the date of 09:30:04\.5 is unclear; write it too, as in 2026-06-02T"):
        faults.dated((OPEN, OPEN + DAY_NS), NEW_YORK)


def test_seconds_can_be_those_of_the_recording() -> None:
    """At speed 60 a minute of the market is a second of the wall; how late a print is, stays as it is."""
    faults = plan(
        {"kind": "abort", "after_seconds": [60, 300]},
        {"kind": "silence", "after_seconds": 600, "seconds": 30},
        {"kind": "close", "after_rows": 60},
        {"kind": "late_print", "after_seconds": 60, "seconds": 600},
        {"kind": "auth_timeout", "seconds": 6},
        clock="market",
    )

    at_sixty: list[dict[str, Any]] = faults.at_speed(60).model_dump(exclude_unset=True)["fault"]

    assert [{key: value for key, value in fault.items() if key != "kind"} for fault in at_sixty] == [
        {"after_seconds": (1.0, 5.0)},
        {"after_seconds": 10.0, "seconds": 0.5},
        {"after_rows": 60},
        {"after_seconds": 1.0, "seconds": 600.0},
        {"seconds": 0.1},
    ]
    assert plan({"kind": "abort", "after_seconds": 60}).at_speed(60) == plan({"kind": "abort", "after_seconds": 60})


def test_seconds_of_the_recording_pass_as_fast_as_it_is_played() -> None:
    """An hour at speed 100,000 is over soon."""

    async def story() -> int:
        faults = plan({"kind": "close", "after_seconds": 3_600}, clock="market")
        async with PlayedVendor(TEN_TRADES, PlayOptions(speed=1e5), faults) as vendor, raw_client(vendor.url) as client:
            return (await client.until_closed())[1]

    assert asyncio.run(story()) == 1001


def test_without_a_speed_there_are_no_seconds_of_the_recording() -> None:
    """As fast as clients read, a second has no length: better told than guessed."""
    with pytest.raises(SettingsError, match=r'clock = "market" need a speed: --speed max has no seconds'):
        PlayedVendor(TEN_TRADES, PlayOptions(speed=None), plan(clock="market"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('at = "noon"', r'fault 1 \(abort\): at: must be a time of the recording, as in "10:15" or "2026-03-02T10:15'),
        ('at = "10:15"\nafter_rows = 5', "after_rows and at exclude each other; choose one"),
        ('at = ["10:15"]', r"fault 1 \(abort\): at: "),
    ],
)
def test_a_mistake_in_a_time_is_one_line(text: str, words: str, tmp_path: Path) -> None:
    """It is found before anything is served."""
    path = tmp_path / "faults.toml"
    path.write_text(f'[[fault]]\nkind = "abort"\n{text}\n')
    with pytest.raises(SettingsError, match=words) as refused:
        load_faults(path)
    assert "\n" not in str(refused.value)
