"""A live run of the feed: what it tells is what a replay of its rows tells, over frames, types and a reconnect."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.unit.vendors.polygon.scripted_vendor import Client, Script, trade, vendor
from tickstock_cli import build
from tickstock_cli.core.feed import FeedListener
from tickstock_cli.core.recording_schema import RECORDED
from tickstock_cli.engine.observer import Observer
from tickstock_cli.live.ending import LiveEnd
from tickstock_cli.live.request import LiveRequest
from tickstock_cli.live.run import run_live
from tickstock_cli.replaying import Request, replay

TICKERS = ("AAPL", "MSFT", "IBM")


class Kept(FeedListener):
    """Keeps rows by record type, and ends the run after so many."""

    def __init__(self, end: LiveEnd, rows: int) -> None:
        self.batches: dict[str, list[pa.RecordBatch]] = {record: [] for record in RECORDED}
        self._end = end
        self._left = rows

    def rows(self, batches: Sequence[pa.RecordBatch]) -> None:
        for batch in batches:
            record = next(name for name, schema in RECORDED.items() if schema == batch.schema)
            self.batches[record].append(batch)
            self._left -= batch.num_rows
        if self._left <= 0:
            self._end.stop()


def market(first: int, frames: int, *, ends: bool) -> Script:
    """Return a script that sends frames of trades and fair values whose prices run up and down; some break off."""

    async def script(client: Client) -> None:
        await client.ready(len(TICKERS) * 2)
        for frame in range(first, first + frames):
            now = time.time_ns() // 1_000_000
            price = 100 * 1.03 ** (abs(frame % 40 - 20))
            await client.tell(
                *[trade(frame * 10 + place, ticker, p=price, t=now) for place, ticker in enumerate(TICKERS)],
                *[{"ev": "FMV", "sym": ticker, "fmv": price * 1.02, "t": now} for ticker in TICKERS],
            )
            await client.received()
        if ends:
            client.abort()
        await client.stay()

    return script


def settings_for(url: str) -> Any:
    """Return settings of the feed, in which rows of any time of day count."""
    polygon = {"url": url, "channels": ["T", "FMV"], "seed": 1}
    return build.settings_from({"polygon": polygon, "session": {"calendar": "24/7"}})


def saved(kept: Kept, folder: Path) -> Path:
    """Write the rows that were kept as a recording."""
    for record, batches in kept.batches.items():
        if batches:
            pq.write_table(pa.Table.from_batches(batches), folder / f"{record}.parquet")
    return folder


def test_a_live_run_tells_what_a_replay_of_its_rows_tells(tmp_path: Path) -> None:
    """Windows that end in silence, frames of two types, a lost connection: the digest is that of the recording."""
    rows = 6 * 120
    end = LiveEnd(None, time.time_ns)
    kept = Kept(end, rows)
    with vendor(market(0, 60, ends=True), market(60, 60, ends=False)) as played:
        settings = settings_for(played.url)
        live = run_live(LiveRequest(f"polygon:{','.join(TICKERS)}", settings), end, lambda _: Observer(), (kept,))

    again = replay(Request([saved(kept, tmp_path)], settings))

    assert live.run.tally.events > 0
    assert live.run.digest == again.digest
    assert live.run.arrivals is not None
    assert (live.run.arrivals.received, live.run.arrivals.late) == (rows, 0)
    assert (len(live.gaps), live.failure) == (1, None)


async def twelve_seconds(client: Client) -> None:
    """Send trades of twelve seconds of a minute ago, ten a second, in one frame: no pause of a machine parts them."""
    await client.ready(len(TICKERS))
    begin = (time.time_ns() // 10**9 - 60) * 1_000
    await client.tell(
        *[
            trade(number, ticker, p=100 * 1.02 ** (number % 50), t=begin + number * 100)
            for number in range(120)
            for ticker in TICKERS
        ]
    )
    await client.stay()


def test_bars_of_trades_and_a_shadow_are_those_of_a_replay(tmp_path: Path) -> None:
    """Bars are rows like others: recorded, in the ledger, and the same again; the shadow gets the same rows."""
    end = LiveEnd(None, time.time_ns)
    kept = Kept(end, len(TICKERS) * (120 + 12))
    with vendor(twelve_seconds) as played:
        common: dict[str, Any] = {
            "polygon": {"url": played.url, "channels": ["T"], "seed": 1},
            "session": {"calendar": "24/7"},
            "live": {"bars_from_trades_seconds": 1},
        }
        settings = build.settings_from(common)
        shadow = build.settings_from({**common, "coordinator": {"key": "ticker"}})
        request = LiveRequest(f"polygon:{','.join(TICKERS)}", settings, shadow=shadow, shadow_name="one-each.toml")
        live = run_live(request, end, lambda _: Observer(), (kept,))
    again = replay(Request([saved(kept, tmp_path)], settings, shadow=shadow))

    assert sum(batch.num_rows for batch in kept.batches["ohlcv"]) == live.wire["bars.told"] == len(TICKERS) * 12
    assert live.run.ledger["ohlcv.read"] == live.wire["bars.told"]
    assert live.run.shadow is not None
    assert again.shadow is not None
    assert (live.run.digest, live.run.shadow.digest) == (again.digest, again.shadow.digest)
    assert 0 < live.run.shadow.events < live.run.tally.events
