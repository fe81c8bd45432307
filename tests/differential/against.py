"""Runs a recording of the oracle through the real thing, from Parquet files to event files, and compares."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.oracle import Result, Row, run
from tests.oracle.admission import Arrival, merge
from tests.oracle.random_cases import random_case
from tests.oracle.settings import complete
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.observer import Observer
from tickstock_cli.engine.result import RunResult
from tickstock_cli.engine.snapshots import Snapshots
from tickstock_cli.engine.taps import Tap
from tickstock_cli.replaying import Request, read_options, replay
from tickstock_cli.sources.recordings import Recordings
from tickstock_cli.synth.market import SyntheticMarket
from tickstock_cli.synth.options import MarketOptions
from tickstock_cli.testing import settings_of

TEXT = ("ticker", "conditions")
INTEGER = ("timestamp", "received_at", "sequence", "exchange", "transactions")
CLOSE = 1e-12
"""Relative distance that two orders of the same float operations may leave."""

OUTPUTS = ("events.parquet", "events.jsonl", "events.csv")
REJECTS = "rejects.parquet"


@dataclass(frozen=True)
class Replayed:
    """A run's figures and the bytes of every file it wrote. Two of them are equal if nothing tells them apart."""

    ledger: dict[str, int]
    digest: str
    files: dict[str, bytes]

    @classmethod
    def of(cls, result: RunResult, folder: Path) -> Replayed:
        """Read what a run left in its folder."""
        files = {name: (folder / name).read_bytes() for name in (*OUTPUTS, REJECTS)}
        return cls(result.ledger.as_dict(), result.digest, files)


class Recording:
    """A recording of the oracle, written as Parquet files into a folder.

    Parameters
    ----------
    flat
        Settings by dotted key.
    """

    def __init__(self, rows_by_file: Sequence[Sequence[Row]], flat: dict[str, Any], folder: Path) -> None:
        self.folder = folder
        self.settings = settings_of({"recordings.timestamp_unit": "ns", **flat})
        self._rows = rows_by_file
        self._flat = flat
        written = (_write(rows, number, folder) for number, rows in enumerate(rows_by_file) if rows)
        self.paths: list[Path | str] = list(written)

    def into(self, folder: Path) -> Recording:
        """Return this recording for runs that write into another folder."""
        other = copy(self)
        other.folder = folder
        return other

    def replay(
        self,
        control: Control | None = None,
        observer: Observer | None = None,
        snapshots: Snapshots | None = None,
        taps: Mapping[str, Tap] | None = None,
        **how: Any,
    ) -> RunResult:
        """Replay into the folder; ``how`` is anything else that a request can say."""
        request = Request(
            paths=self.paths,
            settings=self.settings,
            outs=[str(self.folder / name) for name in OUTPUTS],
            rejects=str(self.folder / REJECTS),
            **how,
        )
        return replay(request, control, lambda _: observer or Observer(), snapshots=snapshots, taps=taps)

    @property
    def span(self) -> tuple[int, int]:
        """First and last available time (ns UTC), as the files' footers tell them."""
        with Recordings.open(self.paths, read_options(Request(self.paths), self.settings)) as recordings:
            return recordings.span or (1, 1)

    def replayed(self, **how: Any) -> Replayed:
        """Replay from the first row to the last."""
        return Replayed.of(self.replay(**how), self.folder)

    def replayed_with_stops(self, stops: Sequence[int], **how: Any) -> Replayed:
        """Replay, stopped and resumed after as many steps as each of ``stops`` says."""
        for number, steps in enumerate(stops):
            control = Control()
            self.replay(
                control, StopAfter(steps, control), checkpoint=self.folder / "checkpoint", resume=number > 0, **how
            )
        return self.replayed(checkpoint=self.folder / "checkpoint", resume=bool(stops), **how)

    def streams(self) -> bytes:
        """Return the rows as Arrow streams, in merge order: a new one wherever the file changes."""
        tables = [_table(rows) for rows in self._rows]
        places = [{row.row: place for place, row in enumerate(rows)} for rows in self._rows]
        sink = pa.BufferOutputStream()
        for number, run_of_rows in groupby((arrival.row for arrival in self._merged()), lambda row: row.file):
            taken = [places[number][row.row] for row in run_of_rows]
            with pa.ipc.new_stream(sink, tables[number].schema) as stream:
                stream.write_table(tables[number].take(taken))
        return sink.getvalue().to_pybytes()

    def _merged(self) -> list[Arrival]:
        return merge(self._rows, complete(self._flat))

    def expected(self, late_reject: bool = False) -> Result:
        """Ask the oracle."""
        return run(self._rows, self._flat, late_reject)

    def differences(self, replayed: Replayed, late_reject: bool = False) -> list[str]:
        """Tell in words where a replay and the oracle differ; empty if nowhere."""
        expected = self.expected(late_reject)
        events = pq.read_table(pa.BufferReader(replayed.files[OUTPUTS[0]])).to_pylist()
        rejects = pq.read_table(pa.BufferReader(replayed.files[REJECTS])).to_pylist()
        return [
            *_ledger_differences(replayed.ledger, expected.ledger),
            *_event_differences(events, expected.events),
            *self._reject_differences(rejects, expected.rejects),
        ]

    def _reject_differences(self, rejects: list[Any], expected: Sequence[tuple[int, int, str]]) -> list[str]:
        """Compare without order: where in it rows of no usable time stand is nobody's rule."""
        names = {int(Path(path).name[:2]): str(path) for path in self.paths}
        wanted = {(names[file], row, reason) for file, row, reason in expected}
        found = {(row["file"], row["row"], row["reason"]) for row in rejects}
        both = len(rejects) == len(expected) and found == wanted
        return (
            [] if both else [f"rejected only here: {sorted(found - wanted)}, by the oracle: {sorted(wanted - found)}"]
        )


@contextmanager
def on_disk(rows_by_file: Sequence[Sequence[Row]], flat: dict[str, Any]) -> Iterator[Recording]:
    """Return a recording in a folder that goes away."""
    with TemporaryDirectory() as folder:
        yield Recording(rows_by_file, flat, Path(folder))


class StopAfter(Observer):
    """Stops a run after so many steps, as a key does."""

    def __init__(self, steps: int, control: Control) -> None:
        self._left = steps
        self._control = control

    def advanced(self, rows: int, market_time: int) -> None:  # noqa: ARG002 - the observer's
        """Count a step."""
        self._left -= 1
        if self._left <= 0:
            self._control.stop()


class FailAfter(Observer):
    """Breaks a run off after so many steps, as a power cut does."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    def advanced(self, rows: int, market_time: int) -> None:  # noqa: ARG002 - the observer's
        """Count a step."""
        self._left -= 1
        if self._left <= 0:
            raise KeyboardInterrupt


def compile_kernels() -> None:
    """Make a small market and run a small recording of all types: every kernel is compiled and kept on disk."""
    deque(SyntheticMarket(MarketOptions(rows=300, symbols=3)).portions(), maxlen=0)
    with on_disk(*random_case(0, 200)) as recording:
        recording.replayed()


def _ledger_differences(ours: dict[str, int], theirs: dict[str, int]) -> list[str]:
    names = sorted(set(ours) | set(theirs))
    return [
        f"ledger {name}: {ours.get(name, 0)}, oracle {theirs.get(name, 0)}"
        for name in names
        if ours.get(name, 0) != theirs.get(name, 0)
    ]


def _event_differences(ours: list[Any], theirs: list[Any]) -> list[str]:
    found = [] if len(ours) == len(theirs) else [f"{len(ours)} events, oracle {len(theirs)}"]
    for place, (mine, other) in enumerate(zip(ours, theirs, strict=False)):
        unequal = [name for name in other if not same_value(mine[name], other[name])]
        if unequal:
            shown = ", ".join(f"{name} {mine[name]!r}, oracle {other[name]!r}" for name in unequal)
            found.append(f"event {place} ({other['ticker']} {other['kind']} {other['timestamp']}): {shown}")
            break
    return found


def same_value(mine: Any, other: Any) -> bool:
    """Return whether two values are equal, but for the last digits of floats."""
    if isinstance(mine, float) and isinstance(other, (int, float)):
        return math.isclose(mine, other, rel_tol=CLOSE, abs_tol=1e-300)
    return bool(mine == other)


def _write(rows: Sequence[Row], number: int, folder: Path) -> Path:
    """Write one file, in small row groups."""
    path = folder / f"{number:02d}-{rows[0].record}.parquet"
    pq.write_table(_table(rows), path, row_group_size=97)
    return path


def _table(rows: Sequence[Row]) -> pa.Table:
    names = rows[0].values if rows else {}
    return pa.table({name: _column(name, [row.values[name] for row in rows]) for name in names})


def _column(name: str, values: list[Any]) -> pa.Array[Any]:
    if name in TEXT:
        return pa.array(values, pa.string())
    if name in INTEGER:
        return pa.array(values, pa.int64())
    if name == "flags":
        return pa.array(values, pa.uint8())
    whole = all(value is None or isinstance(value, int) for value in values)
    return pa.array(values, pa.int64()) if whole else pa.array(values, pa.float64())
