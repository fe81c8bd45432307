"""Golden cases: a folder holds rows, the events they give, and the story that leads from one to the other.

::

    tests/golden/<case>/
        case.toml                     title, why, and the settings that differ from the defaults
        ticks.csv, bars.csv, fmv.csv  a recording, one file a record type; whichever there are
        events.csv, ledger.toml       what comes out, without columns that no event of the case fills
        rejects.csv                   if rows are rejected: file, row number from 0, reason

Times are New York times, or have an offset of their own; integers are ns. In rows, an empty cell is null, ``''``
is an empty text, and the column ``note`` is for readers alone.
"""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from tests.differential.against import OUTPUTS, REJECTS, Replayed
from tests.oracle import Row
from tests.oracle.records import SECOND, Record
from tickstock_cli.core.times import parse_time

FOLDER = Path(__file__).parent
NEW_YORK = ZoneInfo("America/New_York")

ROWS: dict[str, Record] = {"ticks.csv": "tick", "bars.csv": "ohlcv", "fmv.csv": "fmv"}
EVENTS, LEDGER, REJECTED = EXPECTATIONS = ("events.csv", "ledger.toml", "rejects.csv")

TIMES = ("emitted_at", "timestamp", "available_at", "received_at")
TEXTS = ("ticker", "conditions")
INTEGERS = ("flags", "sequence", "exchange", "transactions")

EVENT_COLUMNS = {
    "always": ("emitted_at", "timestamp", "available_at", "ticker", "kind", "direction", "price"),
    "if any": ("previous", "percent_change", "volume", "rel_volume", "score", "strength", "trigger"),
    "also always": ("source", "phase", "priority", "confidence", "merged"),
}
"""All columns of events but ``event_id``, in the order in which they are best read."""


@dataclass(frozen=True)
class Case:
    """One folder."""

    folder: Path

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @cached_property
    def about(self) -> dict[str, Any]:
        """What case.toml says."""
        return tomllib.loads((self.folder / "case.toml").read_text(encoding="utf-8"))

    @property
    def settings(self) -> dict[str, Any]:
        """Settings by dotted key."""
        return dict(_flat(self.about.get("settings", {})))

    def rows(self) -> list[list[Row]]:
        """Return the rows of each file that the folder has."""
        files = [self.folder / name for name in self.recorded]
        return [
            [Row(ROWS[path.name], number, place, values) for place, values in enumerate(_read(path))]
            for number, path in enumerate(files)
        ]

    @property
    def recorded(self) -> list[str]:
        """Names of the files with rows, in the order of the merge."""
        return [name for name in ROWS if (self.folder / name).exists()]

    def expected(self) -> dict[str, str]:
        """Return the contents of the files that say what comes out."""
        paths = [self.folder / name for name in EXPECTATIONS]
        return {path.name: path.read_text(encoding="utf-8") for path in paths if path.exists()}

    def told(self, replayed: Replayed) -> dict[str, str]:
        """Return what these files hold if a replay is right."""
        events = pq.read_table(pa.BufferReader(replayed.files[OUTPUTS[0]])).to_pylist()
        rejects = pq.read_table(pa.BufferReader(replayed.files[REJECTS])).to_pylist()
        ledger = "".join(f"{name} = {count}\n" for name, count in replayed.ledger.items() if count)
        files = {EVENTS: _events_text(events), LEDGER: ledger}
        return files | ({REJECTED: self._rejects_text(rejects)} if rejects else {})

    def rewrite(self, files: dict[str, str]) -> None:
        """Replace what the folder says comes out."""
        for name in EXPECTATIONS:
            (self.folder / name).unlink(missing_ok=True)
        for name, text in files.items():
            (self.folder / name).write_text(text, encoding="utf-8")

    def _rejects_text(self, rejects: Sequence[dict[str, Any]]) -> str:
        names = [self.recorded[int(Path(row["file"]).name[:2])] for row in rejects]
        rows = [(name, str(row["row"]), row["reason"]) for name, row in zip(names, rejects, strict=True)]
        return _csv_text([("file", "row", "reason"), *rows])


def all_cases() -> list[Case]:
    """Return every case there is, by name."""
    return [Case(path.parent) for path in sorted(FOLDER.glob("*/case.toml"))]


def counted_names(ledger: str) -> set[str]:
    """Return the names that a ledger.toml counts."""
    return {name for name, _ in _flat(tomllib.loads(ledger))}


def _flat(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _read(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, strict=True))
    return [{name: _value(name, text.strip()) for name, text in row.items() if name != "note"} for row in rows]


def _value(column: str, text: str) -> Any:
    if not text:
        return None
    if column in TEXTS:
        return "" if text == "''" else text
    if column in INTEGERS:
        return int(text)
    if column in TIMES:
        return int(text) if text.lstrip("-").isdigit() else _time(text)
    return float(text)


def _time(text: str) -> int:
    has_offset = text.endswith("Z") or "+" in text or text.count("-") > 2
    if has_offset:
        return parse_time(text)
    whole, _, _ = text.partition(".")
    offset = datetime.fromisoformat(whole).replace(tzinfo=NEW_YORK).isoformat()[-6:]
    return parse_time(f"{text}{offset}")


def _new_york(time: int) -> str:
    seconds, fraction = divmod(time, SECOND)
    local = datetime.fromtimestamp(seconds, UTC).astimezone(NEW_YORK).isoformat()
    digits = f".{fraction:09d}".rstrip("0").rstrip(".")
    return f"{local[:-6]}{digits}{local[-6:]}"


def _events_text(events: Sequence[dict[str, Any]]) -> str:
    names = [
        name
        for group, columns in EVENT_COLUMNS.items()
        for name in columns
        if group != "if any" or any(event[name] is not None for event in events)
    ]
    return _csv_text([names, *([_cell(name, event[name]) for name in names] for event in events)])


def _cell(column: str, value: Any) -> str:
    if value is None:
        return ""
    if column in TIMES:
        return _new_york(value)
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _csv_text(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
