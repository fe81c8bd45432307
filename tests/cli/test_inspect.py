"""`tickstock inspect` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import Here
from tests.cli.market import morning
from tests.cli.running import error_line, run_tickstock

OPEN = 1_381_239_000_000_000_000
"""2013-10-08 09:30 in New York, ns."""
SECOND = 1_000_000_000


def write_ticks(path: Path, **columns: Any) -> Path:
    """Write ticks, one of them re-sent; columns can be replaced, added or (None) left out."""
    seconds = [0, 1, 1, 2, 30]
    ticks = {"ticker": ["IBM"] * 5, "timestamp": [OPEN + second * SECOND for second in seconds]}
    ticks |= {"price": [180.0, 181.0, 181.0, 182.0, 183.0], "size": [100, 200, 200, 300, 400]}
    pq.write_table(
        pa.table({name: column for name, column in {**ticks, **columns}.items() if column is not None}), path
    )
    return path


def test_json_describes_a_file_in_one_object(tmp_path: Path) -> None:
    """Type, rows, span, tickers, order, gaps, copies, guesses, and what a replay will take."""
    path = write_ticks(tmp_path / "ticks.parquet", venue=["N"] * 5)
    result = run_tickstock("inspect", path, "--json")
    assert (result.returncode, result.stderr) == (0, "")
    report = json.loads(result.stdout)
    (file,) = report["files"]
    assert (file["path"], file["type"], file["rows"], file["row_groups"]) == (str(path), "tick", 5, 1)
    assert (file["first"], file["last"]) == ("2013-10-08T13:30:00Z", "2013-10-08T13:30:30Z")
    assert (file["tickers"], file["some_tickers"]) == (1, ["IBM"])
    assert (file["sorted"], file["first_unsorted_row"]) == (True, None)
    assert (file["duplicates"], file["rejected"]) == (1, {})
    assert file["gaps"][0] == {"phase": "regular", "start": "2013-10-08T13:30:02Z", "seconds": 28.0}
    assert file["ignored"] == ["venue"]
    assert [(guess["what"], guess["value"]) for guess in file["guesses"]] == [("unit of timestamp", "ns")]
    assert (report["rows"], report["tickers"], report["rejected"]) == (5, 1, 0)
    assert report["replay_estimate"]["recorded_speed_seconds"] == 30.0


def test_a_terminal_shows_problems_and_remedies(tmp_path: Path) -> None:
    """Order, mapping, guesses and bad rows, each with what follows from it."""
    times = [OPEN, OPEN + 5 * SECOND, OPEN + 4 * SECOND, OPEN + 6 * SECOND, OPEN + 7 * SECOND]
    write_ticks(tmp_path / "ticks.parquet", timestamp=times, price=None, last=[1.0, 2.0, 3.0, -1.0, 5.0])
    result = run_tickstock("inspect", tmp_path, "--map", "price=last", environment={"COLUMNS": "80"})
    shown = " ".join(result.stdout.split())
    assert (result.returncode, result.stderr) == (0, "")
    assert "row 2 (2013-10-08T13:30:04Z) comes after 2013-10-08T13:30:05Z: replay with --sort or --late reject" in shown
    assert "rejected 1 price: replay with --rejects FILE to see them with --late reject: 1 price, 1 late" in shown
    assert "mapped price = last (double)" in shown
    assert (
        "guessed unit of timestamp is ns, because its values lie between 1381239000000000000 and 1381239007000000000"
        in shown
    )
    assert (
        "5 rows of 1 ticker in 1 file, 1 to be rejected (2 with --late reject) verdict: poor, 66 of 100 replay: "
        in shown
    )
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_lines_in_a_pipe_are_not_cut(tmp_path: Path) -> None:
    """What a terminal of 80 columns would break, `grep` finds."""
    write_ticks(tmp_path / "ticks.parquet")
    lines = [line.strip() for line in run_tickstock("inspect", tmp_path).stdout.splitlines()]
    assert (
        "guessed       unit of timestamp is ns, because its values lie between 1381239000000000000 and "
        "1381239030000000000" in lines
    )
    assert "longest gaps  regular  28 s from 2013-10-08 09:30:02" in lines
    size = f"{(tmp_path / 'ticks.parquet').stat().st_size / 1_024:.2f} KiB"
    assert f"holds         1 ticker (IBM), 1 row group, {size}" in lines
    assert "order         by time" in lines


def test_a_folder_with_a_broken_file_shows_the_others_and_ends_with_3(tmp_path: Path) -> None:
    """One bad file among many is what one inspects for."""
    write_ticks(tmp_path / "good.parquet")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1")
    result = run_tickstock("inspect", tmp_path, "--json")
    report = json.loads(result.stdout)
    assert [Path(file["path"]).name for file in report["files"]] == ["good.parquet"]
    assert [Path(file["path"]).name for file in report["unreadable"]] == ["bad.parquet"]
    assert result.returncode == 3
    assert result.stderr.startswith(f"error: cannot read {tmp_path / 'bad.parquet'}: it is damaged, cut off")


def test_a_file_that_cannot_be_recognised_is_one_line_and_exit_code_3(tmp_path: Path) -> None:
    """The line says what to do."""
    result = run_tickstock("inspect", write_ticks(tmp_path / "ticks.parquet", price=None, last=[1.0] * 5))
    assert result.returncode == 3
    assert error_line(result).endswith("say which columns hold them with --map price=last")


def test_files_of_one_name_in_many_folders_are_told_apart(tmp_path: Path) -> None:
    """In a tree of days, the folder is the name."""
    for day in (8, 9):
        (tmp_path / f"date=2013-10-0{day}").mkdir()
        write_ticks(tmp_path / f"date=2013-10-0{day}" / "part-0.parquet")
    shown = run_tickstock("inspect", tmp_path).stdout
    assert [line.split()[:2] for line in shown.splitlines() if line.startswith(" date=")] == [
        ["date=2013-10-08/part-0", "tick"],
        ["date=2013-10-09/part-0", "tick"],
    ]


def test_hundreds_of_files_alike_take_a_few_lines(tmp_path: Path) -> None:
    """One line for all, and one for each thing that is true of some."""
    for place in range(200):
        times = [OPEN + SECOND * second + place for second in (0, 1, 1, 2, 30)]
        write_ticks(tmp_path / f"part-{place:03d}.parquet", timestamp=times)
    write_ticks(tmp_path / "part-007.parquet", timestamp=[OPEN + SECOND * second for second in (9, 8, 7, 6, 5)])
    lines = run_tickstock("inspect", tmp_path).stdout.splitlines()
    shown = [" ".join(line.split()) for line in lines]
    assert len(lines) < 25
    assert "200 like part-000 tick 1,000 2013-10-08 09:30 - 09:30" in shown
    assert f"{tmp_path / 'part-000.parquet'} and 199 more like it" in shown
    assert any(
        line.startswith(f"unsorted 1 of 200 files, first {tmp_path / 'part-007.parquet'}: row 1 (") for line in shown
    )


def test_an_invalid_option_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    """The nearest one may be what was meant."""
    for arguments, line in (
        (["--map", "price"], "--map price: write ours=theirs, as in price=last"),
        (["--jsno"], "no such option: --jsno"),
        (
            ["--set", "session.calendar=LSE"],
            "session.calendar = \"LSE\" (in --set): must be 'XNYS', '24/7' or 'custom'",
        ),
    ):
        result = run_tickstock("inspect", write_ticks(tmp_path / "ticks.parquet"), *arguments)
        assert result.returncode == 2
        assert error_line(result).startswith(line)


def test_a_missing_path_is_one_line_and_exit_code_3(tmp_path: Path) -> None:
    """Nothing was inspected, so nothing is printed."""
    result = run_tickstock("inspect", tmp_path / "nowhere.parquet")
    assert result.returncode == 3
    assert error_line(result) == f"no such file or folder: {tmp_path / 'nowhere.parquet'}"


@pytest.mark.parametrize(
    "command",
    [
        ("inspect", "{}"),
        ("replay", "{}"),
        ("verify", "{}"),
        ("diff", "{}", "{}"),
        ("import", "csv", "{}", "--out", "days"),
    ],
)
def test_a_name_too_long_for_the_disk_is_that_of_a_missing_file(command: tuple[str, ...], tmp_path: Path) -> None:
    """The system has an error of its own for it, but a script has the code of a missing file."""
    name = f"{'a' * 300}.parquet"
    result = run_tickstock(*(word.format(name) for word in command), folder=tmp_path)
    assert result.returncode == 3
    assert name in error_line(result)


def test_outputs_of_tickstock_among_recordings_are_reported(here: Here, tmp_path: Path) -> None:
    """A file that stands in the folder and not in the table would be missed."""
    folder = morning(tmp_path / "recorded")
    here("replay", folder, "--out", str(folder / "events.parquet"))

    shown = here("inspect", folder).stdout
    plain = json.loads(here("inspect", folder, "--json").stdout)

    assert f"left out, because they are outputs of tickstock: {folder / 'events.parquet'}" in " ".join(shown.split())
    assert plain["left_out"] == [str(folder / "events.parquet")]


def test_files_beside_recordings_that_are_not_read_are_reported_once(here: Here, tmp_path: Path) -> None:
    """Half of a folder's tickers can be in CSV files, and the run would look complete."""
    folder = morning(tmp_path / "recorded")
    for name in ("MSFT.csv", "IBM.csv", "README.md"):
        (folder / name).write_text("time,price\n1,2\n")
    note = (
        f"2 .csv files are not read, first {folder / 'IBM.csv'}; tickstock import makes recordings of CSV and zip "
        "files, see tickstock import --help"
    )
    assert here("replay", folder, "--json").stderr == f"note: {note}\n"
    assert " ".join(here("inspect", folder).stdout.split()).count(note) == 1
    (plain,) = json.loads(here("inspect", folder, "--json").stdout)["not_read"]
    assert (plain["ending"], plain["files"], plain["first"]) == (".csv", 2, str(folder / "IBM.csv"))


def test_rows_of_a_value_are_inspected_and_replayed(tmp_path: Path) -> None:
    """An order book stops both commands with the filter that mends it, and each says what it leaves out."""
    path = write_ticks(tmp_path / "book.parquet", action=["A", "T", "T", "C", "T"])
    for command in ("inspect", "replay"):
        refused = run_tickstock(command, path)
        assert refused.returncode == 3
        assert refused.stderr.endswith("with --where action=T, or name every value to read\n")
        read = run_tickstock(command, path, "--where", "action=T")
        assert read.returncode == 0
        assert "--where action=T leaves out 2 of 5 rows" in read.stdout + read.stderr
    assert "recordings.where.action" in run_tickstock("config", "show", "--where", "action=T").stdout


def test_a_narrow_terminal_keeps_names_of_settings_whole(tmp_path: Path) -> None:
    """They are to be copied; labels stand above their lines then."""
    minutes = [OPEN + minute * 60 * SECOND for minute in range(50)]
    bars = {name: [1.0] * 50 for name in ("open", "high", "low", "close", "volume")}
    table = pa.table({"ticker": ["IBM"] * 50, "timestamp": [OPEN + (at - OPEN) // 60 for at in minutes], **bars})
    pq.write_table(table, tmp_path / "bars.parquet")
    shown = run_tickstock("inspect", tmp_path, environment={"COLUMNS": "40"}).stdout
    assert "  warning\n" in shown
    assert "recordings.interval_seconds=1" in shown


@pytest.mark.parametrize(("columns", "is_table"), [(40, False), (60, False), (80, True), (200, True)])
def test_names_of_files_are_whole_at_any_width(here: Here, tmp_path: Path, columns: int, is_table: bool) -> None:
    """They are to be copied, too: where a table would cut them, each has a line of its own, broken behind folders."""
    for day in ("2026-03-02", "2026-03-03"):
        folder = tmp_path / "tree" / f"date={day}"
        folder.mkdir(parents=True)
        write_ticks(folder / "part-00000-of-00001.parquet", price=[float(day[-1])] * 5)
    shown = here("inspect", "tree", environment={"COLUMNS": str(columns)}).stdout
    lines = [line.strip() for line in shown.splitlines()]
    assert any(line.startswith("date=2026-03-02/part-00000-of-00001") for line in lines)
    assert any(line.endswith("part-00000-of-00001.parquet") for line in lines)
    assert ("file: type, rows, time (New York)" in lines) is not is_table
    assert "…" not in shown.replace("(IBM, …", "")


def test_what_was_asked_for_is_no_fault(tmp_path: Path) -> None:
    """It is told beside the warnings, and costs nothing; the worst of several files is named."""
    write_ticks(tmp_path / "a.parquet", action=["T", "T", "C", "T", "T"], price=[1.0, 1.0, 1.0, -1.0, 1.0])
    write_ticks(tmp_path / "b.parquet", action=["T"] * 5, ticker=["MSFT"] * 5)
    command = ("inspect", tmp_path, "--where", "action=T")
    first, second = json.loads(run_tickstock(*command, "--json").stdout)["files"]
    shown = run_tickstock(*command, environment={"COLUMNS": "200"}).stdout
    assert first["asked_for"] == ["--where action=T leaves out 1 of 5 rows"]
    assert (first["warnings"], second["warnings"]) == ([], [])
    assert first["score"] == 100 - sum(first["costs"].values())
    assert "  as asked      --where action=T leaves out 1 of 5 rows" in shown
    assert f"; the worst file has {first['score']}: {tmp_path / 'a.parquet'}" in shown


def test_contracts_of_other_exchanges_are_no_odd_lots(tmp_path: Path) -> None:
    """Lots of 100 shares are those of US equities: a future trades by the contract."""
    sizes = [1 + row % 7 for row in range(2_000)]
    times = [OPEN + row * 5 * SECOND for row in range(2_000)]
    table = pa.table({"ticker": ["ES"] * 2_000, "timestamp": times, "price": [5_000.0] * 2_000, "size": sizes})
    pq.write_table(table, tmp_path / "es.parquet")
    command = ("inspect", tmp_path, "--json")
    shares, contracts = (
        json.loads(run_tickstock(*command, *options).stdout)["files"][0]["costs"]
        for options in ((), ("--set", "session.calendar=24/7"))
    )
    assert shares["sizes"] == 5
    assert "sizes" not in contracts
