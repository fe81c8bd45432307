"""The contract of transports as a battery of tests.

In a test module, pytest runs the methods of a subclass:

    class TestShm(TransportContract):
        transport = SharedMemory
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from tickstock_cli.loadtest.rows import SCHEMAS
from tickstock_cli.loadtest.transport.base import BrokenLinkError, Frame, Opening, Transport
from tickstock_cli.loadtest.transport.receiver import Receiver
from tickstock_cli.loadtest.transport.sender import Sender
from tickstock_cli.testing.raising import raises

TICKERS = ("AAPL", "BRK.A", "ÅÄÖ", "Z")
OPEN = 1_772_461_800_000_000_000
"""2026-03-02 09:30 New York."""
ENOUGH = 1_000_000


class Pair:
    """Both ends of one transport, connected."""

    def __init__(self, transport: type[Any], folder: Path, pool: ThreadPoolExecutor) -> None:
        self.form: Transport = transport()
        listener = self.form.listen(folder)
        self.sender = Sender(self.form, listener, Opening(TICKERS, SCHEMAS))
        connected = pool.submit(self.sender.connect, 5.0)
        self.receiver = Receiver(transport(), listener.address)
        connected.result()

    def send(self, *frames: Frame) -> None:
        """Send frames."""
        self.sender.send([(one.number, self.form.write(one)) for one in frames])

    def read(self, count: int) -> list[Frame]:
        """Read ``count`` frames."""
        found: list[Frame] = []
        while len(found) < count:
            more = self.receiver.read(1)
            assert more, f"the transport ended behind {len(found)} of {count} frames"
            found += more
        return found

    def close(self) -> None:
        """Close both ends."""
        self.receiver.close()
        self.sender.close()


class TransportContract:
    """The contract of every transport. ``tmp_path`` is pytest's folder of one test."""

    transport: type[Any]
    """The class, which conforms to `loadtest.transport.base.Transport` and is built without arguments."""

    def test_rows_arrive_as_they_were_sent(self, tmp_path: Path) -> None:
        """Rows of every type arrive unchanged, so that all transports give one digest."""
        sent = [frame(0, 5, 3, 4), frame(1, 0), frame(2, 1), frame(3, 700, 0, 1)]
        with self._connected(tmp_path) as (pair, _):
            pair.send(*sent)
            arrived = pair.read(4)
            tickers = pair.receiver.opening.tickers

        assert tickers == TICKERS
        for before, after in zip(sent, arrived, strict=True):
            assert (after.number, after.until, list(after.parts)) == (before.number, before.until, list(before.parts))
            for record, rows in before.parts.items():
                assert after.parts[record].schema == rows.schema
                assert after.parts[record].to_pydict() == rows.to_pydict()

    def test_a_break_loses_nothing_and_repeats_nothing(self, tmp_path: Path) -> None:
        """Frames that were lost with a connection, and only those, are sent again on the next one."""
        with self._connected(tmp_path) as (pair, pool):
            arrived = pool.submit(pair.read, 60)
            for number in range(60):
                if number in (7, 8, 40):
                    pair.sender.cut()
                pair.send(frame(number, 20 + number))

            assert [one.number for one in arrived.result(30)] == list(range(60))
            assert pair.sender.breaks == 3
            assert pair.receiver.breaks == 3

    def test_the_end_is_told_and_confirmed(self, tmp_path: Path) -> None:
        """The generator may leave only once the system has all frames; the system must get the end."""
        with self._connected(tmp_path) as (pair, pool):
            pair.send(frame(0, 3))
            finished = pool.submit(pair.sender.finish)

            assert [one.number for one in pair.read(1)] == [0]
            assert pair.receiver.read(ENOUGH) == []
            finished.result(10)

    def test_a_system_may_leave_as_soon_as_it_has_confirmed_the_end(self, tmp_path: Path) -> None:
        """The generator gets the confirmation together with the closed connection, and does not wait."""
        with self._connected(tmp_path) as (pair, pool):
            pair.send(frame(0, 3))

            def read_and_leave() -> None:
                pair.read(1)
                assert pair.receiver.read(ENOUGH) == []
                pair.receiver.close()

            left = pool.submit(read_and_leave)
            pair.sender.finish()
            left.result(10)

            assert pair.sender.breaks == 0

    def test_a_system_that_leaves_is_noticed(self, tmp_path: Path) -> None:
        """A generator must end with an error if its system has ended."""
        with self._connected(tmp_path) as (pair, _):
            pair.close()
            with raises(BrokenLinkError, ""):
                pair.send(*(frame(number, 50_000) for number in range(3)))

    def test_a_message_that_is_none_is_refused(self, tmp_path: Path) -> None:
        """A partial frame, or other bytes, must never be read as rows."""
        with self._connected(tmp_path) as (pair, _):
            whole = bytes(pair.form.write(frame(0, 10)))
            for broken in (whole[: len(whole) // 2], whole[:3], b"", b"GET / HTTP/1.1\r\n\r\n" * 9):
                with raises(BrokenLinkError, ""):
                    pair.form.read(broken)

    def test_an_address_where_nobody_listens_is_an_error(self, tmp_path: Path) -> None:
        """A system without a generator ends with an error of one line."""
        form: Transport = self.transport()
        listener = form.listen(tmp_path)
        listener.close()
        with raises(BrokenLinkError, "nothing listens"):
            form.connect(listener.address)

    @contextmanager
    def _connected(self, folder: Path) -> Iterator[tuple[Pair, ThreadPoolExecutor]]:
        """Return both ends, and threads for the other end."""
        with ThreadPoolExecutor(2) as pool:
            pair = Pair(self.transport, folder, pool)
            try:
                yield pair, pool
            finally:
                pair.close()


def frame(number: int, ticks: int, bars: int = 0, fmvs: int = 0) -> Frame:
    """Return a frame with these numbers of rows."""
    counts = {"tick": ticks, "ohlcv": bars, "fmv": fmvs}
    parts = {
        record: pa.RecordBatch.from_arrays([_column(field, count) for field in SCHEMAS[record]], schema=SCHEMAS[record])
        for record, count in counts.items()
        if count
    }
    return Frame(number, OPEN + number, parts)


def _column(field: pa.Field[pa.DataType], count: int) -> pa.Array[pa.Scalar[pa.DataType]]:
    """Return values that an inexact format would change: nanoseconds, thirds, large numbers, nulls."""
    if field.name == "ticker":
        places = pa.array([row % len(TICKERS) for row in range(count)], pa.int32())
        return pa.DictionaryArray.from_arrays(places, pa.array(TICKERS, pa.string()))
    if pa.types.is_timestamp(field.type):
        return pa.array([OPEN + 7 * row + 1 for row in range(count)], pa.int64()).view(field.type)
    if pa.types.is_integer(field.type):
        return pa.array([10**15 + row for row in range(count)], field.type)
    return pa.array([None if row % 3 == 2 else 1e6 / (row + 3) for row in range(count)], field.type)
