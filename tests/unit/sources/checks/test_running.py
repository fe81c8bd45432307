"""Files that share columns: what a check finds in one does not depend on the files that were opened before."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tickstock_cli.errors import DataError
from tickstock_cli.sources.checks.facts import Facts
from tickstock_cli.sources.discover import discover
from tickstock_cli.sources.file_opener import FileOpener
from tickstock_cli.sources.options import ReadOptions

NOON = 1_381_248_000_000_000_000
SECOND = 1_000_000_000
MIDNIGHT = NOON - 16 * 3_600 * SECOND
"""Of UTC: noon is that of New York."""
ROWS: dict[str, dict[str, Any]] = {
    "clean": {},
    "fixed point": {"price": [1_852_100_000_000.0] * 4},
    "nines": {"price": [185.21, 185.21, 185.21, 9999.99]},
    "no sizes": {"size": [0] * 4},
    "padded": {"ticker": [" IBM"] * 4},
    "nan": {"ticker": ["nan"] * 4},
    "foreign flags": {"flags": [60] * 4},
    "old times": {"timestamp": [NOON // 4 + place for place in range(4)]},
    "dates": {"timestamp": [20131008] * 4},
    "clocks of New York": {"timestamp": [MIDNIGHT + minute * 60 * SECOND for minute in (570, 600, 900, 959)]},
    "days": {"timestamp": [MIDNIGHT] * 4},
}


def write(path: Path, **columns: Any) -> None:
    """Write four ticks of one schema."""
    rows: dict[str, Any] = {
        "ticker": ["IBM"] * 4,
        "timestamp": [NOON + place * SECOND for place in range(4)],
        "price": [185.21, 185.25, 185.2, 185.3],
        "size": [100] * 4,
        "flags": [0] * 4,
        **columns,
    }
    pq.write_table(pa.table(rows), path)


def found(opener: FileOpener, path: Path) -> str:
    """Return what opening a file tells: its oddities, or the error."""
    (file,) = discover([path])
    try:
        return "; ".join(map(str, opener.open(file).checked.oddities))
    except DataError as error:
        return str(error)


def test_each_file_is_told_the_same_after_any_other(tmp_path: Path) -> None:
    """A clean one opens the way for odd ones, and the other way round."""
    for name, columns in ROWS.items():
        write(tmp_path / f"{name}.parquet", **columns)
    alone = {name: found(FileOpener(ReadOptions()), tmp_path / f"{name}.parquet") for name in ROWS}
    assert [name for name, told in alone.items() if not told] == ["clean"]
    for first, second in permutations(ROWS, 2):
        opener = FileOpener(ReadOptions())
        told = [found(opener, tmp_path / f"{name}.parquet") for name in (first, second)]
        assert told == [alone[first], alone[second]]


@pytest.mark.parametrize("order", [1, -1])
def test_files_of_a_block_are_told_the_same_as_alone(tmp_path: Path, order: int) -> None:
    """What their footers state is looked at together, and each file by itself where that does not suffice."""
    alone = {}
    for name, columns in ROWS.items():
        write(tmp_path / f"{name}.parquet", **columns)
        alone[name] = found(FileOpener(ReadOptions()), tmp_path / f"{name}.parquet")
    for name in ROWS:
        for place in range(3):
            write(tmp_path / f"clean {place}.parquet")
        paths = [tmp_path / f"{one}.parquet" for one in ("clean 0", "clean 1", name, "clean 2")][::order]
        told = {}
        for one, file in FileOpener(ReadOptions()).open_each(discover(paths)):
            name_of_one = Path(one.path).stem
            if isinstance(file, DataError):
                told[name_of_one] = str(file)
            else:
                told[name_of_one] = "; ".join(map(str, file.checked.oddities))
        assert told == {name: alone[name], "clean 0": "", "clean 1": "", "clean 2": ""}


def facts(path: Path, asked: list[str]) -> Facts:
    """Return the facts of a file whose rows nobody has; ``asked`` grows by each request for them."""
    write(path)
    (file,) = discover([path])
    opened = FileOpener(ReadOptions()).open(file)

    def scan(column: str) -> list[pa.RecordBatch]:
        asked.append(column)
        return []

    return Facts(
        path=str(path),
        layout=opened.layout,
        schema=opened.schema,
        partitions={},
        options=ReadOptions(),
        reader=opened.reader,
        first=None,  # type: ignore[arg-type]  # nobody asks for it
        first_rows=lambda _: pa.RecordBatch.from_pylist([]),
        scan=scan,
    )


def test_what_holds_for_all_files_must_not_ask_for_the_rows_of_one(tmp_path: Path) -> None:
    """Its answer would be taken for that of the others, under ``python -O`` as well; so it is not kept."""
    asked: list[str] = []
    mine = facts(tmp_path / "a.parquet", asked)
    assert mine.once(lambda all_files: all_files.record) == "tick"

    def flags(all_files: Facts) -> list[pa.RecordBatch]:
        return list(all_files.scan("flags"))

    for _ in range(2):
        with pytest.raises(RuntimeError, match=r"flags asks for what is the own of .*a\.parquet"):
            mine.once(flags)
    assert asked == ["flags", "flags"]


def test_what_is_asked_once_is_not_asked_again(tmp_path: Path) -> None:
    """Not even where it is nothing."""
    times = []

    def ask(_: Facts) -> None:
        times.append(1)

    mine = facts(tmp_path / "a.parquet", [])
    mine.once(ask)
    mine.once(ask)
    assert len(times) == 1


def write_bars(path: Path, minutes: list[int]) -> None:
    """Write bars of one ticker that begin at minutes after noon."""
    count = len(minutes)
    times = pa.array([NOON + minute * 60 * SECOND for minute in minutes], pa.timestamp("ns", "UTC"))
    prices = {name: [185.0] * count for name in ("open", "high", "low", "close")}
    pq.write_table(pa.table({"ticker": ["IBM"] * count, "timestamp": times, **prices, "volume": [1] * count}), path)


def test_bars_are_told_the_same_after_any_other(tmp_path: Path) -> None:
    """Their first rows are sorted once for all checks of a file, not for those of the next file."""
    rows = {"clean": list(range(10)), "twice": sorted([*range(10), *range(10)]), "five": list(range(0, 50, 5))}
    for name, minutes in rows.items():
        write_bars(tmp_path / f"{name}.parquet", minutes)
    alone = {name: found(FileOpener(ReadOptions()), tmp_path / f"{name}.parquet") for name in rows}
    assert not alone["clean"]
    assert alone["twice"]
    for first, second in permutations(rows, 2):
        opener = FileOpener(ReadOptions())
        told = [found(opener, tmp_path / f"{name}.parquet") for name in (first, second)]
        assert told == [alone[first], alone[second]]


def test_who_takes_what_another_check_kept_has_asked_the_file(tmp_path: Path) -> None:
    """Otherwise what it finds would be taken for that of all files alike."""
    mine = facts(tmp_path / "a.parquet", [])
    mine.kept["bars"] = "of this file"
    mine.was_asked = False
    assert mine.kept["bars"] == "of this file"
    assert mine.was_asked
