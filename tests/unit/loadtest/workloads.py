"""Small scenarios, their rows as tables, and their replay through the real core."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from tickstock_cli.loadtest.scenario import RECORDS, Scenario
from tickstock_cli.loadtest.workload import Slot, Workload
from tickstock_cli.replaying import Request, replay
from tickstock_cli.testing import settings_of

BUSY: dict[str, Any] = {
    "title": "small and busy",
    "seed": 7,
    "symbols": {"tick": 20, "ohlcv": 60, "fmv": 30, "volatility": 3.0},
    "moves": {"surges": 4, "trends": 1, "bar_surges": 4, "deviations": 4, "halts": 2, "halt_seconds": 20},
    "stages": [
        {"name": "calm", "seconds": 60, "tick": 40, "ohlcv": "60/min", "fmv": 5, "warm_up": True},
        {"name": "open", "seconds": 75, "tick": {"from": 40, "to": 160}, "ohlcv": 2.5, "fmv": 9, "bar_spread": 0.25},
        {"name": "after", "seconds": 50, "tick": 33.3, "ohlcv": "60/min", "fmv": "100/min"},
    ],
}
"""Every type, ramps, rounds of bars that are no minutes, and stages that end within a round."""


def scenario(document: dict[str, Any] | None = None, **changes: Any) -> Scenario:
    """Return a scenario: ``BUSY`` unless told otherwise, with top-level keys changed."""
    return Scenario.model_validate({**(document or BUSY), **changes})


class PlantedCounts(Counter[str]):
    """The counts of all slots of a workload, by name."""

    def sent(self) -> dict[str, int]:
        """Return the rows sent, by type."""
        return {record: self[f"{record}.sent"] for record in RECORDS}

    def duplicated(self) -> dict[str, int]:
        """Return the rows sent a second time, by type."""
        return {record: self[f"{record}.duplicated"] for record in RECORDS}

    def rejected(self) -> dict[str, int]:
        """Return the counts of rejected rows that the ledger must have."""
        return {name: count for name, count in self.items() if ".rejected." in name}


class BuiltWorkload:
    """A workload with all its slots and their counts."""

    def __init__(self, workload: Workload, slots: list[Slot]) -> None:
        self.workload = workload
        self.slots = slots
        self.planted = PlantedCounts()
        for slot in slots:
            self.planted.update(slot.counts)

    @cached_property
    def tables(self) -> dict[str, pl.DataFrame]:
        """Return the rows of each type, with the number, stage and due time of their slot; times are int64 ns."""
        return {record: _table(self.slots, record) for record in RECORDS}


def make(document: Scenario, most_rows: int = 4_096) -> BuiltWorkload:
    """Make all slots of a workload."""
    workload = Workload(document)
    return BuiltWorkload(workload, list(workload.slots(most_rows)))


@cache
def make_busy(**changes: Any) -> BuiltWorkload:
    """Make all slots of ``BUSY``, with top-level keys changed, once."""
    return make(scenario(**changes))


def _table(slots: Iterable[Slot], record: Any) -> pl.DataFrame:
    parts = [(slot, slot.parts[record]) for slot in slots if record in slot.parts]
    if not parts:
        return pl.DataFrame({"slot": [], "stage": [], "due": []})
    table = pl.DataFrame(pa.Table.from_batches([part for _, part in parts]))
    counts = pl.Series([part.num_rows for _, part in parts])
    columns = {"slot": [slot.number for slot, _ in parts], "stage": [slot.stage for slot, _ in parts]}
    places = pl.DataFrame({**columns, "due": [slot.due for slot, _ in parts], "rows": counts})
    repeated = places.select(pl.col("slot", "stage", "due").repeat_by("rows").explode())
    return pl.concat(
        [
            table.with_columns(pl.col("ticker").cast(pl.String), pl.col("timestamp", "received_at").dt.epoch("ns")),
            repeated,
        ],
        how="horizontal",
    )


@dataclass(frozen=True)
class Replayed:
    """Events and ledger of a workload."""

    events: pl.DataFrame
    ledger: dict[str, int]

    def kinds(self, source: str | None = None) -> set[str]:
        """Return the kinds of events there are, of one source or of all."""
        events = self.events if source is None else self.events.filter(pl.col("source") == source)
        return set(events["kind"].cast(pl.String))

    def rejected(self) -> dict[str, int]:
        """Return the rejected rows by the ledger's names."""
        return {name: count for name, count in self.ledger.items() if ".rejected." in name}


def run_core(made: BuiltWorkload, folder: Path) -> Replayed:
    """Replay a workload flat out, from files."""
    paths = []
    for record in RECORDS:
        batches = [slot.parts[record] for slot in made.slots if record in slot.parts]
        if batches:
            paths.append(str(folder / f"{record}.parquet"))
            pq.write_table(pa.Table.from_batches(batches), paths[-1])
    out = folder / "events.parquet"
    settings = settings_of(made.workload.scenario.settings)
    result = replay(Request(paths=paths, settings=settings, outs=[str(out)]))
    return Replayed(pl.read_parquet(out), result.ledger.as_dict())
