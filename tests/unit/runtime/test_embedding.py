"""The system as other programs use it: single records in, results and events out."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from pydantic import ValidationError

from tickstock_cli.errors import SchemaError, UsageError
from tickstock_cli.runtime.records import FMVData, OHLCVData, TickData, identify_data_type
from tickstock_cli.runtime.service import MarketDataService
from tickstock_cli.runtime.system import MultiChannelSystem
from tickstock_cli.testing import SECOND, new_york, settings_of

START = new_york("2024-06-12", "10:00:00")
PAGE = Path(__file__).parents[3] / "docs" / "embedding.md"


TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"^## ([^\n]+)\n(?:(?!^## ).)*?```python\n(.*?)```", TEXT, re.M | re.S))


def test_every_example_of_the_page_is_found() -> None:
    """An example that is not executed is the first one to be wrong."""
    assert len(EXAMPLES) == TEXT.count("```python")


@pytest.mark.parametrize("heading", EXAMPLES)
def test_an_example_of_the_page_on_embedding_runs_as_it_stands(
    heading: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """People copy it."""
    (tmp_path / "sample_data").symlink_to(PAGE.parents[1] / "sample_data")
    monkeypatch.chdir(tmp_path)

    exec(compile(EXAMPLES[heading], f"{PAGE}: {heading}", "exec"), {"__name__": "example"})


def test_a_started_system_is_ready_at_once() -> None:
    """Events may flow at once; health must not claim for the monitor's first interval that nothing is ready."""

    async def first_look() -> tuple[str, tuple[str, ...]]:
        system = MultiChannelSystem(settings_of({"monitoring.interval_ms": 60_000}))
        await system.initialize_system()
        status, complaints = (
            system.reporter.dashboard()["system_overview"]["status"],
            system.reporter.monitor.unhealthy_reasons(),
        )
        await system.shutdown()
        return status, complaints

    assert asyncio.run(first_look()) == ("ready", ())


def test_arrow_rows_and_single_records_give_the_same_result() -> None:
    """Twenty rising prices: as one Arrow table, and one by one."""

    async def feed(as_table: bool) -> dict[str, int]:
        system = MultiChannelSystem()
        await system.initialize_system()
        rows = [{"ticker": "ABC", "timestamp": START + n * SECOND, "price": 100.0 + n, "size": 10} for n in range(20)]
        if as_table:
            await system.process_tick_data(pa.Table.from_pylist(rows))
        else:
            await asyncio.gather(*(system.process_tick_data(row) for row in rows))
        await system.shutdown()
        return system.core.ledger.as_dict()

    whole = asyncio.run(feed(as_table=True))

    assert whole["tick.detected.high"] == 19
    assert whole == asyncio.run(feed(as_table=False))


def test_reasons_come_in_the_order_of_the_rows() -> None:
    """A caller can tell which of several records was refused, and why."""

    async def reasons() -> tuple[str, ...]:
        system = MultiChannelSystem()
        await system.initialize_system()
        bad = [TickData(ticker="A", timestamp=START, price=-1.0), TickData(ticker=None, timestamp=START, price=1.0)]
        result = await system.process_tick_data(bad)
        await system.shutdown()
        assert not result.success
        return result.rejected

    assert asyncio.run(reasons()) == ("price", "ticker")


@pytest.mark.parametrize(
    ("data", "record"),
    [
        (TickData(ticker="A", timestamp=1, price=1.0), "tick"),
        (OHLCVData(ticker="A", timestamp=1, open=1, high=1, low=1, close=1, volume=1), "ohlcv"),
        ({"ticker": "A", "timestamp": 1, "fmv": 1.0}, "fmv"),
        (pa.table({"ticker": ["A"], "timestamp": [1], "price": [1.0], "size": [1]}), "tick"),
        (pa.RecordBatch.from_pylist([{"ticker": "A", "timestamp": 1, "price": 1.0, "size": 1}]), "tick"),
        ({"ticker": "A"}, None),
        ("AAPL", None),
    ],
)
def test_the_record_type_follows_from_the_fields(data: object, record: str | None) -> None:
    """Records, mappings, columns; what fits nothing is no guess."""
    assert identify_data_type(data) == record


def test_an_invalid_record_is_an_error_with_its_field() -> None:
    """A wrong type raises before anything is counted; so does one type where another was promised."""

    async def refuse() -> None:
        system = MultiChannelSystem()
        await system.initialize_system()
        with pytest.raises(SchemaError, match=r"cannot tell what \{'tick': 'A'\} records: a tick has"):
            await system.router.route_data({"tick": "A"})
        with pytest.raises(SchemaError, match="expected fmv rows, but these are tick"):
            await system.process_fmv_data(TickData(ticker="A", timestamp=START, price=1.0))
        with pytest.raises(ValidationError, match="price"):
            await system.process_tick_data({"ticker": "A", "timestamp": START, "price": "dear", "size": 1})
        await system.shutdown()
        assert system.core.ledger.as_dict() == {}

    asyncio.run(refuse())


def test_a_call_to_a_system_that_does_not_run_is_an_error() -> None:
    """Before it is initialized, and after its end; to initialize it twice changes nothing."""

    async def ask() -> None:
        system = MultiChannelSystem()
        tick = TickData(ticker="A", timestamp=START, price=1.0)
        with pytest.raises(UsageError, match="await its initialize_system"):
            await system.process_tick_data(tick)
        assert await system.initialize_system()
        assert await system.initialize_system()
        assert (await MarketDataService(system).handle_tick_data(tick)).success
        assert (
            await system.process_tick_data(
                pa.table({"ticker": ["A"], "timestamp": [1], "price": [1.0], "size": [1.0]}).slice(0, 0)
            )
        ).rows == 0
        await system.shutdown()
        with pytest.raises(UsageError, match="the system has ended"):
            await system.process_tick_data(tick)

    asyncio.run(ask())


def test_datetimes_need_a_zone() -> None:
    """A time without a zone is no time."""
    there = datetime(2024, 6, 12, 10, tzinfo=ZoneInfo("America/New_York"))
    assert FMVData(ticker="A", timestamp=there, fmv=1.0).timestamp == there
    with pytest.raises(ValidationError, match="timezone"):
        FMVData(ticker="A", timestamp=there.replace(tzinfo=None), fmv=1.0)


@pytest.mark.parametrize(
    ("timestamp", "unit"), [(START // SECOND, "s"), (START // 1_000_000, "ms"), (START // 1_000, "us")]
)
def test_times_in_another_unit_than_ns_are_refused(timestamp: int, unit: Literal["s", "ms", "us"]) -> None:
    """Taken as ns, they would all lie in 1970, and every event with them."""

    async def story() -> None:
        async with MultiChannelSystem() as system:
            with pytest.raises(
                SchemaError, match=f"timestamp is {timestamp}, which in ns is a moment of the seventies"
            ):
                await system.process_tick_data({"ticker": "A", "timestamp": timestamp, "price": 1.0, "size": 1})
            rows = pa.table(
                {
                    "ticker": ["A"],
                    "timestamp": pa.array([timestamp], pa.timestamp(unit, "UTC")),
                    "price": [1.0],
                    "size": [1],
                }
            )
            assert (await system.process_tick_data(rows)).success

    asyncio.run(story())


@pytest.mark.parametrize("timestamp", [2**63, -(2**63) - 1, datetime(9999, 1, 1, tzinfo=ZoneInfo("UTC"))])
def test_times_beyond_int64_are_refused_by_name(timestamp: int | datetime) -> None:
    """An OverflowError out of a column says neither which field nor which value."""
    with pytest.raises(ValidationError, match=r"timestamp\n.*int64 ns can hold, 1677 to 2262"):
        TickData(ticker="A", timestamp=timestamp, price=1.0)
