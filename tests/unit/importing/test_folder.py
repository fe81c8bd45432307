"""The folder of imports: what came before, what was replaced, what failed, what is in the way."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.unit.importing.flat_files import BARS, OPEN, TRADES, trade, write_gz
from tests.unit.importing.test_polygon_flatfiles import imported, rows_of
from tickstock_cli.errors import UsageError
from tickstock_cli.importing.csv_files import CsvFiles
from tickstock_cli.importing.csv_options import CsvOptions
from tickstock_cli.importing.folder import ImportFolder
from tickstock_cli.importing.format import ImportFormat
from tickstock_cli.importing.lean import LeanFiles, LeanOptions
from tickstock_cli.importing.polygon_flatfiles import FlatFileOptions, PolygonFlatFiles
from tickstock_cli.importing.run import ImportRequest, run_import

NAME = "2024-01-03.csv.gz"


def flat_file(folder: Path, *prices: str) -> Path:
    """Write trades of one ticker at the given prices."""
    return write_gz(folder / "trades_v1" / NAME, TRADES, [trade("A", at, price) for at, price in enumerate(prices)])


def test_the_manifest_has_a_line_a_file(tmp_path: Path) -> None:
    """With its hash, its rows, and where they are."""
    source = flat_file(tmp_path, "10", "11")

    imported([source], tmp_path / "out")

    (line,) = (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()
    told = json.loads(line)
    assert told["source"] == f"trades_v1/{NAME}"
    assert (told["size"], told["rows"], told["written"]) == (source.stat().st_size, 2, 2)
    assert told["outputs"] == ["2024-01-03/tick.parquet"]
    assert len(told["sha256"]) == 64


def test_a_file_that_moved_is_still_the_same(tmp_path: Path) -> None:
    """Its data set, its name and its hash say so."""
    imported([flat_file(tmp_path / "downloads", "10")], tmp_path / "out")

    (result,) = imported([flat_file(tmp_path / "archive", "10")], tmp_path / "out")

    assert result.state == "skipped"


def test_a_replaced_file_is_told_apart_and_imported_on_request(tmp_path: Path) -> None:
    """The vendor publishes days anew; the old rows go only when the new ones are whole."""
    out = tmp_path / "out"
    imported([flat_file(tmp_path, "10", "11")], out)
    source = flat_file(tmp_path, "20", "21", "22")

    (kept,) = imported([source], out)
    before = [row["price"] for row in rows_of(out / "2024-01-03" / "tick.parquet")]
    (anew,) = imported([source], out, replace=True)

    assert (kept.state, before) == ("replaced", [10.0, 11.0])
    assert "was replaced since it was imported" in str(kept.error)
    assert anew.state == "reimported"
    assert [row["price"] for row in rows_of(out / "2024-01-03" / "tick.parquet")] == [20.0, 21.0, 22.0]
    assert [path.name for path in (out / "2024-01-03").iterdir()] == ["tick.parquet"]


def test_dates_that_a_replaced_file_no_longer_has_go(tmp_path: Path) -> None:
    """Their folders, too."""
    out = tmp_path / "out"
    day = 86_400 * 10**9
    write_gz(tmp_path / NAME, TRADES, [trade("A", 0, "1"), trade("A", day, "2")])
    imported([tmp_path / NAME], out)
    write_gz(tmp_path / NAME, TRADES, [trade("A", day, "3")])

    imported([tmp_path / NAME], out, replace=True)

    assert sorted(str(path.relative_to(out)) for path in out.rglob("*.parquet")) == ["2024-01-04/tick.parquet"]
    assert not (out / "2024-01-03").exists()


def test_another_file_of_the_same_date_gets_a_file_of_its_own(tmp_path: Path) -> None:
    """Nothing that is there is overwritten."""
    out = tmp_path / "out"
    imported([write_gz(tmp_path / "first.csv.gz", TRADES, [trade("A", 0, "1")])], out)

    (result,) = imported([write_gz(tmp_path / "second.csv.gz", TRADES, [trade("B", 0, "2")])], out)

    assert result.entry is not None
    assert result.entry.outputs == ("2024-01-03/tick.2.parquet",)
    assert pq.read_table(out / "2024-01-03").num_rows == 2


class TestFaultyDownloads:
    """Each kind has a state of its own, and the other files are imported all the same."""

    def test_kinds_are_told_apart(self, tmp_path: Path) -> None:
        """Missing, empty, an error page, cut short, damaged, a recording already."""
        folder = tmp_path / "in"
        good = write_gz(folder / "good.csv.gz", TRADES, [trade("A", at, "10") for at in range(2_000)])
        whole = good.read_bytes()
        (folder / "empty.csv.gz").write_bytes(b"")
        (folder / "page.csv.gz").write_text('<?xml version="1.0"?>\n<Error><Code>NoSuchKey</Code></Error>')
        (folder / "zipped-page.csv.gz").write_bytes(gzip.compress(b"<!DOCTYPE html><html>Forbidden</html>"))
        (folder / "cut.csv.gz").write_bytes(whole[: len(whole) // 2])
        (folder / "damaged.csv.gz").write_bytes(whole[:-8] + b"\0\0\0\0" + whole[-4:])

        pq.write_table(pa.table({"ticker": ["A"]}), folder / "recording.csv.gz")

        names = ["missing", "empty", "page", "zipped-page", "cut", "damaged", "recording", "good"]
        results = imported([folder / f"{name}.csv.gz" for name in names], tmp_path / "out")

        assert [result.state for result in results] == [
            *["not_published"] * 4,
            "truncated",
            "damaged",
            "wrong_data",
            "imported",
        ]
        assert [result.error.exit_code for result in results if result.error is not None] == [5, 5, 5, 5, 3, 3, 3]
        assert "tickstock replay and inspect read as it is" in str(results[6].error)
        assert "NoSuchKey" in str(results[2].error)
        assert [path.name for path in (tmp_path / "out").rglob("*.parquet")] == ["tick.parquet"]

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            (gzip.compress(b"ticker,price\n"), "is packed twice: unpack it once with gzip -dc"),
            (b"a.csv" + bytes(252) + b"ustar" + bytes(250), "is a tar archive: unpack it"),
            (b"SQLite format 3\0" + bytes(84), "is an SQLite database"),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "is a pointer of Git LFS to a file"),
            (bytes(range(2, 256)), "is binary data, no text"),
            (bytes(4_000), "is binary data, no text"),
        ],
    )
    def test_what_is_no_text_is_named(self, content: bytes, told: str, tmp_path: Path) -> None:
        """It was shown as the names of columns."""
        for path in (tmp_path / "a.csv.gz", tmp_path / "minute" / "a" / "20240103_trade.zip"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzip.compress(content))
        formats: list[ImportFormat] = [
            PolygonFlatFiles(FlatFileOptions()),
            CsvFiles(CsvOptions()),
            LeanFiles(LeanOptions()),
        ]

        for part, name in zip(formats, ("a.csv.gz", "a.csv.gz", "minute/a/20240103_trade.zip"), strict=True):
            sources = part.sources([tmp_path / name])
            (result,) = run_import(part, ImportRequest("any", sources, tmp_path / part.__class__.__name__))
            assert (result.state, told in str(result.error)) == ("wrong_data", True)

    def test_an_answer_of_a_server_in_json_is_no_data_yet(self, tmp_path: Path) -> None:
        """Like a page of an error: try it later."""
        (tmp_path / NAME).write_text('{"status":"ERROR","message":"not entitled"}')

        (result,) = imported([tmp_path / NAME], tmp_path / "out")

        assert result.state == "not_published"

    def test_a_file_of_two_gzip_members_is_whole(self, tmp_path: Path) -> None:
        """As `cat a.gz b.gz` writes it."""
        first = write_gz(tmp_path / "first.csv.gz", TRADES, [trade("A", 0, "10")]).read_bytes()
        second = gzip.compress(f"{trade('A', 1, '11')}\n".encode())
        (tmp_path / "both.csv.gz").write_bytes(first + second)

        (result,) = imported([tmp_path / "both.csv.gz"], tmp_path / "out", block_bytes=10)

        assert result.entry is not None
        assert result.entry.written == 2


def test_folders_of_something_else_are_left_alone(tmp_path: Path) -> None:
    """An import writes only to a new or empty folder, or to that of imports."""
    source = flat_file(tmp_path / "in", "10")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "letter.txt").write_text("dear")
    (tmp_path / "live").mkdir()
    (tmp_path / "live" / "run.json").write_text("{}")

    with pytest.raises(UsageError, match=r"holds letter\.txt and was not made by an import"):
        imported([source], tmp_path / "notes")
    with pytest.raises(UsageError, match="holds recorded live runs"):
        imported([source], tmp_path / "live")


def test_two_imports_do_not_write_to_one_folder(tmp_path: Path) -> None:
    """The second one says so."""
    with ImportFolder(tmp_path / "out").locked(), pytest.raises(UsageError, match="another import writes to"):
        imported([flat_file(tmp_path, "10")], tmp_path / "out")


def test_times_are_dated_by_new_york(tmp_path: Path) -> None:
    """An evening in New York is the next day's in UTC; the night after 20:00 belongs to the next date."""
    hours = [int(hour * 3_600) * 10**9 for hour in (0, 10.25, 10.75)]
    source = write_gz(tmp_path / NAME, TRADES, [trade("A", at, "10") for at in hours])

    imported([source], tmp_path / "out")

    found = {
        path.parent.name: [row["timestamp"] - OPEN for row in rows_of(path)] for path in tmp_path.rglob("*.parquet")
    }
    assert found == {"2024-01-03": hours[:2], "2024-01-04": hours[2:]}


def test_bars_of_another_length_need_a_folder_of_their_own(tmp_path: Path) -> None:
    """A replay would take the bar of a day for another one of its first minute."""
    bar = f"A,1,1,1,1,1,{OPEN},1"
    minutes, days = (write_gz(tmp_path / name / NAME, BARS, [bar]) for name in ("minute_aggs_v1", "day_aggs_v1"))
    imported([minutes], tmp_path / "out")

    (refused,) = imported([days], tmp_path / "out")
    (other,) = imported([days], tmp_path / "other")

    assert "has bars of 86400 s, but" in str(refused.error)
    assert (refused.state, other.state) == ("wrong_data", "imported")


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    """Reading it waited for a writer that never came."""
    os.mkfifo(tmp_path / NAME)

    (result,) = imported([tmp_path / NAME], tmp_path / "out")

    assert result.state == "unreadable"
    assert "is a pipe or a device, not a file" in str(result.error)


class TestCopies:
    """The rows of a file count once, however often it is there."""

    TEXT = "ticker,timestamp,price,size\nA,2024-01-03T14:30:00Z,10,1\n"

    @staticmethod
    def copies(folder: Path, *names: str) -> list[Path]:
        """Write the same trades under several names."""
        return [write_gz(folder / name, TRADES, [trade("A", 0, "10")]) for name in names]

    @pytest.mark.parametrize(
        "names",
        [
            ("trades_v1/2024-01-03.csv.gz", "trades_v1/2024-01-03 (1).csv.gz"),
            ("a/trades_v1/2024-01-03.csv.gz", "b/trades_v1/2024-01-03.csv.gz"),
            ("a/2024-01-03.csv.gz", "b/copy.csv.gz"),
        ],
    )
    def test_a_file_of_the_same_bytes_is_skipped(self, names: tuple[str, str], tmp_path: Path) -> None:
        """Browsers name a second download so; it had its rows twice."""
        first, second = self.copies(tmp_path / "in", *names)

        results = imported([first, second], tmp_path / "out")

        assert [result.state for result in results] == ["imported", "skipped"]
        assert (results[1].copy_of, results[1].entry) == (first, results[0].entry)
        assert pq.read_table(tmp_path / "out" / "2024-01-03").num_rows == 1

    def test_a_moved_file_without_a_data_set_is_still_the_same(self, tmp_path: Path) -> None:
        """And is imported anew from where it is now."""
        (old,) = self.copies(tmp_path, "downloads/trades.csv.gz")
        imported([old], tmp_path / "out")
        new = old.rename(tmp_path / "moved.csv.gz")

        (skipped,) = imported([new], tmp_path / "out")
        part = PolygonFlatFiles(FlatFileOptions(late_print_seconds=5))
        options = {"late_print_seconds": 5}
        request = ImportRequest(
            "polygon-flatfiles", part.sources([new]), tmp_path / "out", replace=True, options=options
        )
        (anew,) = run_import(part, request)

        assert (skipped.state, anew.state) == ("skipped", "reimported")
        assert anew.entry is not None
        assert anew.entry.path == str(new)
        assert pq.read_table(tmp_path / "out" / "2024-01-03").num_rows == 1

    def test_an_unpacked_file_beside_the_packed_one_is_told(self, tmp_path: Path) -> None:
        """Of the same name and other bytes; it had all rows of the day twice."""
        packed = flat_file(tmp_path, "10", "11")
        plain = packed.with_suffix("")
        plain.write_bytes(gzip.decompress(packed.read_bytes()))

        first, second = imported([tmp_path / "trades_v1"], tmp_path / "out")

        assert (first.state, second.state) == ("imported", "wrong_data")
        assert f"has the name of {plain}, but other bytes: name one of them" in str(second.error)
        assert pq.read_table(tmp_path / "out" / "2024-01-03").num_rows == 2

    def test_a_copy_of_a_file_that_fails_is_held_back(self, tmp_path: Path) -> None:
        """One error is the reason, and both are named."""
        paths = [write_gz(tmp_path / name, TRADES, ["A,1"]) for name in ("a.csv.gz", "b.csv.gz")]

        results = imported(paths, tmp_path / "out")

        assert [result.state for result in results] == ["wrong_data", "held_back"]
        assert f"because {paths[0]}, which has the same name or bytes, failed" in str(results[1].error)

    def test_csv_files_are_copies_unless_their_names_say_the_ticker(self, tmp_path: Path) -> None:
        """All files of a command are one group; the rows of both were written."""
        paths = [tmp_path / "in" / name for name in ("A.csv", "B.csv")]
        paths[0].parent.mkdir()
        for path in paths:
            path.write_text(self.TEXT)

        part = CsvFiles(CsvOptions())
        results = list(run_import(part, ImportRequest("csv", part.sources(paths), tmp_path / "out")))
        named = CsvFiles(CsvOptions(ticker_from="filename"))

        assert [result.state for result in results] == ["imported", "skipped"]
        assert pq.read_table(tmp_path / "out" / "2024-01-03").num_rows == 1
        assert not any(source.is_told_by_bytes for source in named.sources(paths))

    def test_a_file_of_lean_in_two_folders_counts_once(self, tmp_path: Path) -> None:
        """Files of a date are one group; their paths say what they are, and the same bytes can be of two tickers."""
        paths = [tmp_path / folder for folder in ("a/minute/aapl", "b/minute/aapl", "a/minute/msft")]
        for path in paths:
            path.mkdir(parents=True)
            with ZipFile(path / "20240103_trade.zip", "w") as archive:
                archive.writestr(ZipInfo("rows.csv"), "34200000,1,1,1,1,1\n")
        part = LeanFiles(LeanOptions())

        results = list(run_import(part, ImportRequest("lean", part.sources([tmp_path]), tmp_path / "out")))

        assert sorted(result.state for result in results) == ["imported", "imported", "skipped"]
        assert pq.read_table(tmp_path / "out" / "2024-01-03")["ticker"].to_pylist() == ["AAPL", "MSFT"]


def test_a_manifest_of_a_later_version_is_read(tmp_path: Path) -> None:
    """What it says more was an error of tickstock's own, and so was a line of which something is missing."""
    source = flat_file(tmp_path, "10")
    imported([source], tmp_path / "out")
    manifest = tmp_path / "out" / "manifest.jsonl"
    line = {**json.loads(manifest.read_text()), "planet": "Earth"}
    manifest.write_text(f'{{"source": "x", "sha256": "y", "outputs": []}}\n{json.dumps(line)}\n')

    (result,) = imported([source], tmp_path / "out")

    assert result.state == "skipped"
