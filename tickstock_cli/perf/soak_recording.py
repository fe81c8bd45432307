"""The recording and the faults of a soak: a day of trades and minute bars, and a vendor with a bad day."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tickstock_cli.perf.wire_recording import write_trades

MINUTE_NS = 60_000_000_000
SEED = 24
PRICES = {"open": "first", "high": "max", "low": "min", "close": "last"}
EVENTS_OF_A_FAULT = 20

FRAMES = (
    'kind = "truncated_frame"',
    'kind = "not_an_array"',
    f'kind = "unknown_event"\nrows = {EVENTS_OF_A_FAULT}',
    f'kind = "unknown_keys"\nrows = {EVENTS_OF_A_FAULT}',
    f'kind = "float_fields"\nrows = {EVENTS_OF_A_FAULT}',
    f'kind = "missing_fields"\nrows = {EVENTS_OF_A_FAULT}\nfields = ["p", "s"]',
    f'kind = "time_unit"\nrows = {EVENTS_OF_A_FAULT}',
    f'kind = "late_print"\nrows = {EVENTS_OF_A_FAULT}',
    f'kind = "resent_bar"\nrows = {EVENTS_OF_A_FAULT}',
    'kind = "big_frame"\nbytes = 200_000\nseconds = 60',
    'kind = "silence"\nseconds = 60',
    'kind = "silence"\nseconds = 60\npongs = false',
)
"""Faults that a connection survives."""
DROPS = (
    'kind = "abort"',
    'kind = "close"\ncode = 1000\nshare = 0.5',
    'kind = "close"\ncode = 1012\nshare = 0.5',
    'kind = "slow_consumer"\nseconds = 60\nshare = 0.5',
)
CONNECTING = (
    'kind = "http_status"\nstatus = 503\nshare = 0.1',
    'kind = "abort_before_auth_reply"\nshare = 0.15',
    'kind = "auth_timeout"\nseconds = 10\nshare = 0.05',
    'kind = "max_connections"\nseconds = 60\nshare = 0.05',
    f'kind = "duplicates"\nrows = {EVENTS_OF_A_FAULT}',
)
SURVIVED_WITHIN, DROPPED_WITHIN = (1, 30), (10, 60)
"""Minutes of rows within which each of these is drawn, for every connection."""


def write_day(folder: Path, rows_per_second: float, hours: float, symbols: int) -> None:
    """Write the trades of some hours, and the bars of their minutes; the same ones for the same arguments."""
    trades = folder / "trades.parquet"
    write_trades(trades, [(rows_per_second, hours * 3_600)], symbols)
    table = pq.read_table(trades, columns=["ticker", "timestamp", "price", "size"])
    minutes = pc.multiply(pc.divide(table["timestamp"], MINUTE_NS), MINUTE_NS)
    table = table.set_column(0, "ticker", table["ticker"].cast(pa.string())).set_column(1, "timestamp", minutes)
    found = table.group_by(["timestamp", "ticker"], use_threads=False).aggregate(
        [("price", "first"), ("price", "max"), ("price", "min"), ("price", "last"), ("size", "sum")]
    )
    found = found.sort_by([("timestamp", "ascending"), ("ticker", "ascending")])
    prices = {name: found[f"price_{of}"] for name, of in PRICES.items()}
    bars = {"ticker": found["ticker"], "timestamp": found["timestamp"], **prices, "volume": found["size_sum"]}
    pq.write_table(pa.table({**bars, "interval": pa.repeat(60.0, len(found))}), folder / "bars.parquet")


def fault_file(rows_per_minute: float) -> str:
    """Return a file of faults: one every few minutes of the recording, and a drop every half an hour of it.

    Moments are drawn by row, so they do not depend on how busy the machine is; seconds are those of the recording.
    """

    def drawn(faults: tuple[str, ...], within: tuple[int, int]) -> Iterator[str]:
        low, high = (round(minutes * rows_per_minute) for minutes in within)
        return (f"[[fault]]\n{fault}\nafter_rows = [{low}, {high}]\n" for fault in faults)

    connecting = (f"[[fault]]\n{fault}\n" for fault in CONNECTING)
    head = f'seed = {SEED}\nclock = "market"\n'
    return "\n".join([head, *connecting, *drawn(FRAMES, SURVIVED_WITHIN), *drawn(DROPS, DROPPED_WITHIN)])
