"""What holds for the events of any recording: no look-ahead, and nothing lost, whatever the rows hold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracle.strategies import Case, long_recordings, mixed_recordings
from tickstock_cli.replaying import Request, replay
from tickstock_cli.sources.options import Unsorted
from tickstock_cli.testing import ListSource, Record, as_record, run_records, settings_of

few_examples = settings(max_examples=settings().max_examples // 4)

NOON = 1_718_208_000 * 10**9
"""2024-06-12 12:00 in New York, ns."""

times = st.none() | st.integers(-(2**63), 2**63 - 1) | st.integers(NOON, NOON + 600 * 10**9)
numbers = st.none() | st.floats() | st.sampled_from([0.0, -0.0, 1e11, 5e-324, 1.7e308, 100.0])
GARBAGE: dict[str, st.SearchStrategy[Any]] = {
    "ticker": st.none() | st.sampled_from(["", "a", " ", "\x00", "[/]", "Ωμέγα", "x" * 300]),
    "timestamp": times,
    "received_at": times,
    "flags": st.none() | st.integers(0, 255),
}
"""What columns can hold, those of numbers apart."""
prices = st.sampled_from([100.0, 100.0, 100.5, 101.0, 99.0, 103.0, 97.0])
SOUND: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "tick": {"price": prices, "size": st.just(100.0), "flags": st.just(0)},
    "ohlcv": {
        **{name: st.just(100.0) for name in ("open", "low", "close")},
        "high": st.sampled_from([101.0, 102.0, 105.0]),
        "volume": st.sampled_from([1e3, 1e4]),
        "avg_volume": st.just(1e3),
        "percent_change": st.none(),
    },
    "fmv": {"fmv": prices, "market_price": st.just(100.0) | st.none(), "confidence": st.just(1.0)},
}
OPTIONAL = {"tick": ("flags",), "ohlcv": ("avg_volume", "percent_change"), "fmv": ("market_price", "confidence")}


def merged(case: Case) -> tuple[list[Record], list[int]]:
    """Return the records of a drawn recording in merge order, and when each can be known."""
    records = [as_record(row.record, row.values) for rows in case[0] for row in rows]
    source = ListSource(records)
    return [records[row] for row in source._merged], [source._available[row] for row in source._merged]


@few_examples
@given(long_recordings(200) | mixed_recordings(), st.data())
def test_a_prefix_of_the_input_gives_a_prefix_of_the_events(case: Case, data: st.DataObject) -> None:
    """No rule looks ahead: rows to come change nothing that was emitted before the last row of the prefix.

    Windows still open there may end differently, so what is emitted from that row's time on is not compared.
    """
    records, available = merged(case)
    if not records:
        return
    cut = data.draw(st.integers(1, len(records)))

    whole = run_records(records, case[1])
    part = run_records(records[:cut], case[1])

    final = sum(event["emitted_at"] < available[cut - 1] for event in whole.events)
    assert part.events[:final] == whole.events[:final]
    assert all(event["emitted_at"] >= available[cut - 1] for event in part.events[final:])
    assert part.rejects == [(row, reason) for row, reason in whole.rejects if row < cut]


@few_examples
@given(long_recordings(200) | mixed_recordings(), st.integers(1, 10))
def test_a_ticker_s_events_do_not_depend_on_other_tickers(case: Case, place: int) -> None:
    """All state belongs to one ticker: alone, it is told exactly what it is told in company."""
    records, _ = merged(case)
    names = sorted({record.ticker for record in records if record.ticker})
    if not names:
        return
    name = names[place % len(names)]

    alone = run_records([record for record in records if record.ticker == name], case[1])

    assert alone.events == [event for event in run_records(records, case[1]).events if event["ticker"] == name]


@st.composite
def garbage(draw: st.DrawFn) -> tuple[str, list[dict[str, Any]]]:
    """Draw rows of one type of which many are sound, and the others hold anything their columns' types can hold."""
    record = draw(st.sampled_from(sorted(SOUND)))
    columns = {"ticker": st.sampled_from("AB"), "timestamp": st.just(0), **SOUND[record]}
    for name in draw(st.sets(st.sampled_from(OPTIONAL[record]))):
        del columns[name]
    if draw(st.booleans()):
        columns["received_at"] = st.none()
    drawn = draw(st.lists(st.fixed_dictionaries(columns), min_size=1, max_size=60))
    step = draw(st.sampled_from([10**9, 10**10, 60 * 10**9]))
    rows = [{**row, "timestamp": NOON + place * step} for place, row in enumerate(drawn)]
    for place in draw(st.sets(st.integers(0, len(rows) - 1), max_size=20)):
        name = draw(st.sampled_from(sorted(columns)))
        rows[place][name] = draw(GARBAGE.get(name, numbers))
    return record, rows


def written(rows: Sequence[dict[str, Any]], path: Path) -> Path:
    """Write rows as they are."""
    types: dict[str, pa.DataType] = {"ticker": pa.string(), "flags": pa.uint8()}
    types |= dict.fromkeys(("timestamp", "received_at"), pa.int64())
    schema = pa.schema([(name, types.get(name, pa.float64())) for name in rows[0]])
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), path, row_group_size=7)
    return path


@settings(max_examples=settings().max_examples // 2)
@given(
    st.lists(garbage(), min_size=1, max_size=4),
    st.sampled_from([Unsorted.REJECT, Unsorted.SORT]),
    st.sampled_from([1, 3, 1000]),
    st.integers(1, 3),
)
def test_the_ledger_balances_on_garbage(
    files: list[tuple[str, list[dict[str, Any]]]], unsorted: Unsorted, batch_rows: int, workers: int
) -> None:
    """Any float, any time, any text: each row is processed or rejected by name, and each event ends somewhere."""
    with TemporaryDirectory() as folder:
        paths = [written(rows, Path(folder) / f"{place}.parquet") for place, (_, rows) in enumerate(files)]
        rejects = Path(folder) / "rejects.parquet"
        result = replay(
            Request(
                paths=paths,
                settings=settings_of({"recordings.timestamp_unit": "ns", "surge.min_data_points": 1}),
                unsorted=unsorted,
                rejects=str(rejects),
                batch_rows=batch_rows,
                workers=workers,
            )
        )
        kept = pq.read_table(rejects).to_pylist()

    ledger = result.ledger
    for record in SOUND:
        assert ledger[f"{record}.read"] == sum(len(rows) for name, rows in files if name == record)
    counted = sorted(reason for name in ledger for reason in [name.partition(".rejected.")[2]] * ledger[name] if reason)
    assert sorted(row["reason"] for row in kept) == counted
    assert len({(row["file"], row["row"]) for row in kept}) == len(kept)
    ledger.check()
