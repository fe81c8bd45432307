"""Live runs as a user starts them, against a vendor that the test plays, and the market that it plays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.cli.prepared import COMMAND, start_process
from tests.cli.processes import LONGEST_SECONDS
from tests.cli.serving import words
from tests.unit.engine.events import busy_morning
from tickstock_cli.core.recording_schema import RECORDED
from tickstock_cli.testing import SECOND
from tickstock_cli.vendors.polygon.server.vendor import PlayedVendor

KEY = "pk_Zq7TheKeyOfTheTests"
KEY_VARIABLE = "POLYGON_API_KEY"
CHANNELS = ("--channels", "T,AM,FMV")
EVERYTHING = ("T.*", "AM.*", "FMV.*")


@cache
def played_market() -> tuple[pa.RecordBatch, ...]:
    """Return a busy morning as the wire carries it: times in whole ms, no flags without conditions, trade ids.

    Without ids of its own, a second vendor counts them from 1 again, and its trades would be repeated ones.
    """
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in RECORDED}
    for number, record in enumerate(busy_morning()):
        values = {name: value for name, value in asdict(record).items() if name in RECORDED[record.record].names}
        assert record.timestamp is not None
        length = 60 * SECOND if record.record == "ohlcv" else 0
        ids = {"trade_id": str(number), "sequence": number} if record.record == "tick" else {}
        rows[record.record].append(values | ids | {"received_at": record.timestamp + length})
    return tuple(
        pa.RecordBatch.from_pylist(sorted(found, key=lambda row: row["received_at"]), schema=RECORDED[name])
        for name, found in rows.items()
    )


def between(begin: int, end: int) -> list[pa.RecordBatch]:
    """Return the rows of the market that are available in [begin, end), ns UTC."""
    found = []
    for batch in played_market():
        times = batch.column("received_at").to_numpy()
        found.append(batch.filter(pa.array((times >= begin) & (times < end))))
    return found


def write_market(folder: Path) -> Path:
    """Write the market as a recording."""
    folder.mkdir()
    for name, batch in zip(RECORDED, played_market(), strict=True):
        pq.write_table(pa.Table.from_batches([batch]), folder / f"{name}.parquet")
    return folder


@contextmanager
def live(
    *arguments: str | Path, folder: Path, program: str = COMMAND, **environment: str
) -> Iterator[subprocess.Popen[str]]:
    """Run ``tickstock live`` with a key in a folder meanwhile; warnings are errors there too."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TICKSTOCK_")}
    with start_process(
        "live",
        *arguments,
        program=program,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**inherited, KEY_VARIABLE: KEY, **environment},
        text=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def ended(process: subprocess.Popen[str], number: signal.Signals | None = None) -> tuple[str, str]:
    """Send a signal, if there is one, and wait for the end; return what stood on stdout and stderr."""
    if number is not None:
        process.send_signal(number)
    return words(process)


def until(condition: Callable[[], object], process: subprocess.Popen[str], what: str) -> None:
    """Wait until a condition holds; fail if the process ends before, or it never holds."""
    deadline = monotonic() + LONGEST_SECONDS
    while not condition():
        assert process.poll() is None, f"it ended before {what}: {words(process)}"
        assert monotonic() < deadline, f"{what} did not happen within {LONGEST_SECONDS} s"
        sleep(0.02)


def until_sent(vendor: PlayedVendor, process: subprocess.Popen[str]) -> None:
    """Wait until the vendor has sent everything that it plays."""
    player = vendor.player
    until(lambda: player.passes and vendor.hub.sent_events >= player.released, process, "everything was sent")


def detections(ledger: dict[str, int]) -> dict[str, int]:
    """Return what detectors found and suppressed."""
    return {name: count for name, count in ledger.items() if ".detected." in name or ".suppressed." in name}


def unbalanced(ledger: dict[str, int]) -> int:
    """Return the messages of the wire that no counter has."""
    rows = ("tick.read", "ohlcv.read", "fmv.read")
    ends = (*rows, "wire.status", "wire.bad_event", "wire.unknown_event", "wire.duplicate")
    return ledger["wire.events"] - sum(ledger.get(name, 0) for name in ends)


def files_with(text: str, folders: Sequence[Path]) -> list[Path]:
    """Return the files in folders whose bytes have a text, also as UTF-16."""
    marks = (text.encode(), text.encode("utf-16-le"))
    paths = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [path for path in paths if any(mark in path.read_bytes() for mark in marks)]


def summary_of(out: str) -> dict[str, Any]:
    """Return the object of ``--json``, which is all that stands on stdout."""
    found: dict[str, Any] = json.loads(out)
    return found
