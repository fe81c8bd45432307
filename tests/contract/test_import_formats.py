"""Every registered import format keeps one contract. Adding a format adds its example here.

1. The size of blocks and of what is sorted in memory decides nothing: same bytes out.
2. A killed import that is started again gives the bytes of one that was not.
3. Every row of a file is written, or dropped by a reason.
4. What is written is what a replay reads without sorting.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pyarrow.parquet as pq
import pytest

from tests.unit.importing.flat_files import TRADES, trade, write_gz
from tickstock_cli.errors import UnknownPartError
from tickstock_cli.importing import FORMATS
from tickstock_cli.importing import folder as folder_module
from tickstock_cli.importing.folder import ImportFolder
from tickstock_cli.importing.results import SourceResult
from tickstock_cli.importing.run import ImportRequest, run_import
from tickstock_cli.sources.discover import discover
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.recordings import Recordings


def _flat_files(folder: Path) -> list[Path]:
    """Write two days of trades."""
    day = 86_400 * 10**9
    lines = [
        trade(ticker, at * 1_000, f"{10 + at % 7}.25", size=f"{at % 5 + 0.5}", correction="8" if at % 11 == 5 else "0")
        for ticker in ("A", "BRK.B", "Z")
        for at in range(0, 400, 3)
    ]
    later = [trade("A", day + at, "11") for at in range(20)]
    return [
        write_gz(folder / "trades_v1" / "2024-01-03.csv.gz", TRADES, lines),
        write_gz(folder / "trades_v1" / "2024-01-04.csv.gz", TRADES, later),
    ]


def _csv(folder: Path) -> list[Path]:
    """Write bars of two tickers, a file each."""
    folder.mkdir()
    paths = [folder / "A.csv", folder / "B.csv"]
    for path in paths:
        lines = [
            f"{path.stem},2024-01-0{day}T15:{minute:02}:00Z,1,2,0.5,1.5,{minute}.25\n"
            for day in (3, 4)
            for minute in range(59, -1, -2)
        ]
        path.write_text("symbol,time,open,high,low,close,volume\n" + "".join(lines), encoding="utf-8")
    return paths


def _lean(folder: Path) -> list[Path]:
    """Write trades of two dates and tickers."""
    lines = [f"{34_200_000 + at % 40}.5,{100_000 + at},{at},N,0,0\n" for at in range(60)]
    paths = [folder / "tick" / ticker / f"2013100{day}_trade.zip" for day in (7, 8) for ticker in ("aa", "bb")]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        with ZipFile(path, "w") as archive:
            archive.writestr("rows.csv", "".join(lines))
    return paths


EXAMPLES: dict[str, Callable[[Path], list[Path]]] = {
    "polygon-flatfiles": _flat_files,
    "lean": _lean,
    "csv": _csv,
}
"""Format -> writes files with at least 100 rows, of two dates, to a folder, and returns them."""


@pytest.fixture(params=list(FORMATS.parts))
def name(request: pytest.FixtureRequest) -> str:
    """Each registered format."""
    return str(request.param)


def _import(name: str, paths: Sequence[Path], out: Path, **sizes: Any) -> list[SourceResult]:
    part = FORMATS.load_own(name)
    format_ = part(part.Params())
    return list(run_import(format_, ImportRequest(name, format_.sources(paths), out, **sizes), now=lambda: 0))


def _bytes(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def test_every_format_has_an_example() -> None:
    """So that no line of the table is left out of the contract."""
    assert EXAMPLES.keys() == FORMATS.parts.keys()


def test_an_unknown_format_is_an_error() -> None:
    """The message lists those there are."""
    with pytest.raises(UnknownPartError, match="polygon-flatfiles"):
        FORMATS.load("polygon")


@pytest.mark.parametrize("sizes", [{"block_bytes": 300}, {"run_bytes": 4_000}, {"block_bytes": 777, "run_bytes": 500}])
def test_sizes_decide_nothing(name: str, sizes: dict[str, int], tmp_path: Path) -> None:
    """Byte for byte, the manifest included."""
    paths = EXAMPLES[name](tmp_path / "in")

    _import(name, paths, tmp_path / "usual")
    _import(name, paths, tmp_path / "small", **sizes)

    assert _bytes(tmp_path / "small") == _bytes(tmp_path / "usual")


def test_every_row_is_accounted_for(name: str, tmp_path: Path) -> None:
    """Rows of the files that the manifest lists, and rows in them."""
    paths = EXAMPLES[name](tmp_path / "in")

    entries = [result.entry for result in _import(name, paths, tmp_path / "out")]

    written = 0
    for entry in entries:
        assert entry is not None
        assert entry.rows == entry.written + sum(entry.dropped.values())
        written += entry.written
    outputs = {name for entry in entries if entry is not None for name in entry.outputs}
    assert written >= 100
    assert sum(pq.read_metadata(tmp_path / "out" / name).num_rows for name in outputs) == written
    assert {str(Path(found.path).relative_to(tmp_path / "out")) for found in discover([tmp_path / "out"])} == outputs


def test_the_same_files_again_are_skipped(name: str, tmp_path: Path) -> None:
    """And nothing in the folder changes."""
    paths = EXAMPLES[name](tmp_path / "in")
    _import(name, paths, tmp_path / "out")
    before = _bytes(tmp_path / "out")

    again = _import(name, paths, tmp_path / "out")

    assert {result.state for result in again} == {"skipped"}
    assert _bytes(tmp_path / "out") == before


class _KilledError(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize("step", range(1, 9))
def test_a_killed_import_goes_on_as_if_it_had_not_been(
    name: str, step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it is killed: at each operation that makes something visible."""
    paths = EXAMPLES[name](tmp_path / "in")
    _import(name, paths, tmp_path / "whole")
    calls = 0

    def dying(operation: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == step:
                raise _KilledError
            return operation(*arguments, **options)

        return call

    with monkeypatch.context() as patch:
        for module, operation in (
            (folder_module, "replace_file"),
            (folder_module, "append_lines"),
            (os, "replace"),
            (shutil, "rmtree"),
        ):
            patch.setattr(module, operation, dying(getattr(module, operation)))
        killed = False
        try:
            _import(name, paths, tmp_path / "out")
        except _KilledError:
            killed = True
    assert killed
    with ImportFolder(tmp_path / "out").locked() as out:
        listed = {output for entry in out.entries().values() for output in entry.outputs}
    visible = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").glob("[0-9]*/*.parquet")}
    assert visible == listed, "a file that no import vouches for"

    _import(name, paths, tmp_path / "out")

    assert _bytes(tmp_path / "out") == _bytes(tmp_path / "whole")


def test_a_replay_reads_the_rows_in_order(name: str, tmp_path: Path) -> None:
    """No file needs --sort, and available times never descend."""
    paths = EXAMPLES[name](tmp_path / "in")
    results = _import(name, paths, tmp_path / "out")

    source = Recordings.open([str(tmp_path / "out")], ReadOptions())
    try:
        rows = sum(len(batch) for batch in source.batches(64))
    finally:
        source.close()

    assert rows == sum(result.entry.written for result in results if result.entry is not None)
