"""Stocks from one address and fair market values from another, in one run of `tickstock live`."""

from __future__ import annotations

import json
import signal
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from tests.cli.conftest import Here
from tests.cli.live_runs import CHANNELS, between, ended, live, played_market, summary_of, unbalanced, until_sent
from tests.cli.running import run_tickstock
from tests.unit.engine.events import TEN
from tickstock_cli.testing import MINUTE
from tickstock_cli.vendors.polygon.server.vendor import PlayOptions, vendor_in_thread

BEGIN, RESTART, END = TEN, TEN + 12 * MINUTE, TEN + 60 * MINUTE
"""Of the market, and where one of the vendors is restarted, ns UTC."""
OPTIONS = PlayOptions(speed=600.0, start_on_subscribe=True)
STOCKS, BUSINESS = "T, AM", "FMV"


def rows_of(feed: str, begin: int = BEGIN, end: int = END) -> list[list[pa.RecordBatch]]:
    """Return the rows that a feed has."""
    ticks, bars, values = between(begin, end)
    return [[ticks, bars] if feed == STOCKS else [values]]


@pytest.mark.parametrize(("lost", "other"), [(STOCKS, BUSINESS), (BUSINESS, STOCKS)])
def test_a_lost_connection_leaves_the_other_alone(tmp_path: Path, lost: str, other: str) -> None:
    """Its gap is told, the ledger balances, and the recording of both replays to what was told."""
    with ExitStack() as stack:
        whole = stack.enter_context(vendor_in_thread(rows_of(other), OPTIONS))
        with vendor_in_thread(rows_of(lost, BEGIN, RESTART), OPTIONS) as before:
            stocks, business = (before, whole) if lost == STOCKS else (whole, before)
            addresses = ("--url", stocks.url, "--fmv-url", business.url)
            outputs = ("--record", "rec", "--out", "e.jsonl", "--json")
            process = stack.enter_context(live(*addresses, *CHANNELS, "--symbols", "*", *outputs, folder=tmp_path))
            until_sent(before, process)
            again = replace(OPTIONS, port=int(before.url.rpartition(":")[2]))
        after = stack.enter_context(vendor_in_thread(rows_of(lost, RESTART, END), again))
        until_sent(after, process)
        until_sent(whole, process)
        out, err = ended(process, signal.SIGINT)

    found = summary_of(out)
    assert process.returncode == 0, err
    (gap,) = found["gaps"]
    assert ", ".join(gap["channels"]) == lost
    assert gap["begin"] < gap["end"]
    assert f"feed: {lost}: {gap['reason']}; connecting again" in err
    assert f"feed: {lost}: streaming again" in err
    assert found["reconnects"] == 1
    assert found["subscriptions"] == {"wanted": 3, "acknowledged": 3, "silent": 0}
    assert unbalanced(found["ledger"]) == 0
    sent = [batch.num_rows for batch in played_market()]
    assert [found["ledger"][f"{record}.read"] for record in ("tick", "ohlcv", "fmv")] == sent

    parity = json.loads(run_tickstock("parity", tmp_path / "rec", "--json").stdout)
    replayed = json.loads(run_tickstock("replay", tmp_path / "rec", "--json").stdout)
    assert (parity["equal"], parity["events"]) == (True, found["events"])
    assert (replayed["digest"], replayed["events"]) == (found["digest"], found["events"])
    assert found["events"] > 0


def test_a_check_of_two_feeds_shows_both(tmp_path: Path) -> None:
    """Each address with what is acknowledged there."""
    with (
        vendor_in_thread(rows_of(STOCKS), OPTIONS) as stocks,
        vendor_in_thread(rows_of(BUSINESS), OPTIONS) as business,
    ):
        feeds = (stocks.url, business.url)
        addresses = ("--url", stocks.url, "--fmv-url", business.url)
        with live(*addresses, *CHANNELS, "--symbols", "*", "--check", folder=tmp_path) as process:
            out, err = ended(process)

    assert process.returncode == 0, err
    told = [" ".join(line.split()) for line in out.splitlines()]
    assert [told[at] for at in (0, 7)] == [f"{feed}/stocks" for feed in feeds]
    assert {f"{channel} 1 of 1 subscription acknowledged" for channel in ("T", "AM", "FMV")} <= set(told)


def test_an_address_for_fair_values_needs_their_channel(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing would ever connect there."""
    monkeypatch.setenv("POLYGON_API_KEY", "any")
    result = here("live", "--symbols", "A", "--url", "ws://127.0.0.1:9", "--fmv-url", "ws://127.0.0.1:8")

    assert result.returncode == 2
    assert "--fmv-url is about the channel FMV: add it, as in --channels T,AM,FMV" in result.stderr
