"""Live runs into a folder, without a vendor and without a clock: fed flat out, flushed and killed at chosen steps."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa

from tests.cli.small_disk import small_disk
from tests.unit.recording.making import SECOND, at
from tickstock_cli.assembly import RunPlan, assemble
from tickstock_cli.build import build_event_schema, settings_model
from tickstock_cli.config.settings import Settings
from tickstock_cli.core.calendar import Calendar
from tickstock_cli.core.recording_schema import RECORDED
from tickstock_cli.core.stages import Sink
from tickstock_cli.engine.execution import execute
from tickstock_cli.engine.run import RunOptions
from tickstock_cli.engine.taps import TapStep
from tickstock_cli.errors import FailedOutputsError
from tickstock_cli.recording.folder import RecordedFolder
from tickstock_cli.recording.recorder import Recorder
from tickstock_cli.recording.recover import recover
from tickstock_cli.recording.starting import start_entry
from tickstock_cli.recording.warm_state import warm_state
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.row_stream import RowStream

TICKERS = ("AAA", "BBB", "CCC")
BEGIN = at("2026-01-05 09:59:30")


class KilledError(Exception):
    """The process ends here, as by kill -9."""


@dataclass
class Feed(RowStream):
    """Rows that came together, group by group."""

    groups: Sequence[Sequence[pa.RecordBatch]]

    def __post_init__(self) -> None:
        RowStream.__init__(self, "feed:", ReadOptions(keep_originals=False), repeatable=False)

    def record_batches(self) -> Iterator[Sequence[pa.RecordBatch]]:
        yield from self.groups


class SteppedRecorder(Recorder):
    """Flushes after chosen steps of the run, counted from 0, on a full disk in some of them; dies in one."""

    flushes: Collection[int] = ()
    full: Collection[int] = ()
    killed_at: int | None = None
    step = 0

    def observe(self, step: TapStep) -> None:
        super().observe(step)
        if self.step == self.killed_at:
            raise KilledError
        if self.step in self.flushes:
            with small_disk(1) if self.step in self.full else nullcontext():
                self.flush()
        self.step += 1


@dataclass(frozen=True)
class Life:
    """One start: its rows, after which steps it flushes, in which of them the disk is full, in which it is killed."""

    groups: Sequence[Sequence[pa.RecordBatch]]
    flushes: Collection[int] = ()
    killed_at: int | None = None
    full: Collection[int] = ()
    settings: Settings = field(default_factory=lambda: settings_model()())


def live(path: Path, life: Life, sinks: Sequence[Sink] = (), **options: Any) -> SteppedRecorder:
    """Run a start in a folder, as `tickstock live --record` does; return its recorder."""
    options.setdefault("wall", lambda: 0)
    with RecordedFolder(path).locked(create=True) as folder, ExitStack() as stack:
        recover(folder)
        warm = warm_state(path, life.settings)
        start = folder.add_start(start_entry(life.settings, ["live"], at=0, floor=warm.floor))
        recording = SteppedRecorder(folder, Calendar("XNYS"), build_event_schema(life.settings), **options)
        recording.flushes, recording.full, recording.killed_at = life.flushes, life.full, life.killed_at
        feed = Feed(life.groups)
        feed.listen(recording)
        run = RunOptions(batch_rows=5)
        plan = RunPlan(
            feed,
            life.settings,
            options=run,
            open_sinks=lambda schema: sinks,  # noqa: ARG005 - as OpenSinks
            taps={"recording": recording},
            initial=warm.initial,
        )
        try:
            with suppress(FailedOutputsError):
                execute(assemble(plan, stack))
        except KilledError:
            recording._writer.close(finish=False)
        else:
            recording.close()
            folder.end_start(start.number, {"at": 0})
        return recording


def market(seed: int, begin: int = BEGIN, groups: int = 40) -> list[list[pa.RecordBatch]]:
    """Return groups of rows whose prices move enough for events; each has one time of arrival per type."""
    rng = Random(seed)
    prices = dict.fromkeys(TICKERS, 20.0)
    time = begin
    found = []
    for number in range(groups):
        time += rng.choice((1, 1_000_000, 100_000_000, 700_000_000, 2 * SECOND))
        ticks = []
        for _ in range(rng.randint(1, 4)):
            ticker = rng.choice(TICKERS)
            prices[ticker] *= 1 + rng.choice((-0.004, -0.002, 0.0, 0.002, 0.004))
            price = round(prices[ticker], 2)
            ticks.append(
                {"ticker": ticker, "timestamp": time - 1_000, "price": price, "size": 100.0, "received_at": time}
            )
        group = [_rows("tick", ticks)]
        if number % 10 == 9:
            time += 1
            bar: dict[str, Any] = dict.fromkeys(("open", "high", "low", "close"), prices["AAA"])
            bar |= {"ticker": "AAA", "timestamp": time - 61 * SECOND, "volume": 1e6, "interval": 60.0}
            group.append(_rows("ohlcv", [bar | {"received_at": time}]))
        found.append(group)
    return found


def _rows(record: str, rows: list[dict[str, Any]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, schema=RECORDED[record])
