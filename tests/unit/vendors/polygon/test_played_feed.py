"""Our client of the vendor, played: every field of every row, and a balanced ledger whatever fault is made."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, groupby
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.vendors.polygon.openssl import NEEDS_OPENSSL
from tests.unit.vendors.polygon.recorded_rows import OPEN, bars, fair_values, recorded, trades
from tests.unit.vendors.polygon.scripted_vendor import Feed
from tickstock_cli.vendors.polygon.attempt import Intervals
from tickstock_cli.vendors.polygon.server.fault_plan import FaultPlan
from tickstock_cli.vendors.polygon.server.vendor import PlayOptions, vendor_in_thread

ROWS = 300


class Endless:
    """Trades of one ticker without an end, each once: whatever a fault costs, more come."""

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for first in count(1, 100):
            yield trades(*["AAPL"] * 100, first=first, every_ns=1_000_000)


def plan(*faults: dict[str, Any], **more: Any) -> FaultPlan:
    """Return the plan of a file with these faults."""
    return FaultPlan.model_validate({"fault": faults, **more})


def without_stamps(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows by type, without the time of their receipt, which is each run's own."""
    kept = [{name: value for name, value in row.items() if name != "received_at"} for row in rows]
    return sorted(kept, key=len)


def test_every_field_of_every_row_comes_back() -> None:
    """What the wire carries is what the recording had: conditions, fractions of shares, ids, off-exchange prints."""
    odd = {
        "ticker": "BRK.B",
        "timestamp": OPEN,
        "price": 431.07,
        "size": 0.25,
        "flags": 5,
        "conditions": [14, 37],
        "exchange": 4,
        "sequence": 7,
        "trade_id": "71675577320245",
        "tape": 1,
        "participant_timestamp": OPEN - 3_000_000,
        "trf_id": 201,
        "received_at": OPEN,
    }
    played = [[recorded("tick", odd), bars("BRK.B"), fair_values("BRK.B")]]

    with vendor_in_thread(played, PlayOptions(speed=None)) as vendor:
        feed = Feed(vendor.url, "*", channels=("T", "AM", "FMV"))
        feed.read(3)

    expected = [row for batch in played[0] for row in batch.to_pylist()]
    assert without_stamps(feed.rows) == without_stamps(expected)


MOMENT = st.integers(0, ROWS // 2)
STREAM_FAULTS = st.sampled_from(
    [
        {"kind": "abort"},
        {"kind": "close", "code": 1000},
        {"kind": "close", "code": 1012},
        {"kind": "truncated_frame"},
        {"kind": "not_an_array"},
        {"kind": "unknown_event"},
        {"kind": "unknown_keys"},
        {"kind": "float_fields"},
        {"kind": "missing_fields", "fields": ["p", "t"]},
        {"kind": "missing_fields", "fields": ["sym"]},
        {"kind": "time_unit", "unit": "ns"},
        {"kind": "late_print"},
        {"kind": "duplicates", "rows": 20},
        {"kind": "slow_consumer", "seconds": 0.02},
    ]
)
CONNECT_FAULTS = st.sampled_from(
    [
        {"kind": "http_status", "status": 503},
        {"kind": "abort_before_auth_reply"},
        {"kind": "auth_timeout", "seconds": 0.02},
        {"kind": "max_connections", "seconds": 0.0},
    ]
)
FAULTS = st.lists(
    st.one_of(
        st.builds(lambda fault, after: {**fault, "after_rows": after, "times": 1}, STREAM_FAULTS, MOMENT),
        st.builds(lambda fault: {**fault, "times": 1}, CONNECT_FAULTS),
    ),
    max_size=5,
)


@settings(max_examples=settings().max_examples // 4)
@given(FAULTS, st.integers(0, 2**16), st.sampled_from(["together", "each"]))
def test_the_ledger_balances_over_drawn_faults(faults: list[dict[str, Any]], seed: int, acks: str) -> None:
    """Every row that was received is a row; at the end everything wanted is acknowledged."""
    with vendor_in_thread(
        Endless(), PlayOptions(speed=None, events_per_frame=7), plan(*faults, seed=seed, acks=acks)
    ) as vendor:
        feed = Feed(vendor.url, "AAPL,MSFT")
        for batch in feed.source.record_batches():
            health = feed.source.health()
            if health.doing == "streaming":
                assert health.acknowledged == health.wanted == 2
            feed.take(batch)
            if len(feed.rows) >= ROWS:
                feed.source.interrupt()
        feed.source.close()

    assert feed.source.failure is None
    stamps = [row["received_at"] for row in feed.rows]
    assert stamps == sorted(stamps)
    ledger = feed.source.wire_ledger()
    others = ("wire.status", "wire.bad_event", "wire.unknown_event", "wire.duplicate")
    assert ledger["wire.events"] == len(feed.rows) + sum(ledger[name] for name in others)


def test_a_silent_peer_without_pongs_is_left_and_the_rest_of_the_rows_comes() -> None:
    """It looks connected for ever."""
    faults = plan({"kind": "silence", "pongs": False, "after_rows": 3, "times": 1})
    with vendor_in_thread(Endless(), PlayOptions(speed=None, events_per_frame=1), faults) as vendor:
        feed = Feed(vendor.url, intervals=Intervals(watch=0.01, ping=0.5))
        for batch in feed.source.record_batches():
            feed.take(batch)
            if feed.source.gaps and feed.source.health().doing == "streaming":
                feed.source.interrupt()
        feed.source.close()

    assert feed.source.gaps[0].reason == "nothing came for 0.5 s after a ping"


def test_a_frame_of_nearly_a_megabyte_is_read() -> None:
    """No limit of the vendor's is known; one client's is a million bytes."""
    rows = [trades(*["AAPL"] * 10_000, every_ns=1_000_000)]
    faults = plan({"kind": "big_frame", "bytes": 900_000, "times": 1})
    with vendor_in_thread(rows, PlayOptions(speed=None), faults) as vendor:
        feed = Feed(vendor.url)
        assert len(feed.read(10_000)) == 10_000

    assert feed.source.wire_ledger()["wire.bad_frame"] == 0
    assert max(len(list(together)) for _, together in groupby(row["received_at"] for row in feed.rows)) > 5_000


def test_a_bar_that_is_sent_again_is_a_row_like_the_first_one() -> None:
    """The recording has both; a ticker's later row of the same time is what detectors reject as a duplicate."""
    faults = plan({"kind": "resent_bar", "rows_later": 1})
    with vendor_in_thread([bars("AAPL", "MSFT")], PlayOptions(speed=None), faults) as vendor:
        feed = Feed(vendor.url, "*", channels=("AM",))
        feed.read(3)

    assert sorted((row["ticker"], row["volume"]) for row in feed.rows) == [
        ("AAPL", 1_234.5),
        ("AAPL", 1_334.5),
        ("MSFT", 1_234.5),
    ]


@NEEDS_OPENSSL
def test_a_certificate_of_another_host_is_told_as_a_wrong_host() -> None:
    """Every name below the vendor's domain resolves: a typo shows in the certificate only."""
    with vendor_in_thread([], PlayOptions(), plan(tls={"name": "socket.massive.com"})) as vendor:
        feed = Feed(vendor.url)
        feed.read(1)

    assert "probably a wrong host name" in str(feed.source.failure)


def test_compressed_frames_are_read() -> None:
    """If the user asks for them, and the vendor has them."""
    with vendor_in_thread([trades("AAPL", "AAPL")], PlayOptions(speed=None)) as vendor:
        feed = Feed(vendor.url, compression=True)
        assert len(feed.read(2)) == 2
