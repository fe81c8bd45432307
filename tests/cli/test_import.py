"""`tickstock import` turns files of vendors into recordings."""

from __future__ import annotations

import csv
import gzip
import json
import os
import pty
import re
import subprocess
from decimal import Decimal
from pathlib import Path
from random import Random
from time import sleep

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.prepared import start_process
from tests.cli.processes import running
from tests.cli.running import error_line, run_tickstock
from tests.unit.importing.flat_files import OPEN, QUOTES, TRADES, trade, write_gz


def flat_file(folder: Path, rows: int = 3) -> Path:
    """Write rising trades, sorted by ticker."""
    lines = [trade(ticker, at * 10**9, f"{10 + at}") for ticker in ("A", "B") for at in range(rows)]
    return write_gz(folder / "trades_v1" / "2024-01-03.csv.gz", TRADES, lines)


def test_an_imported_file_replays(tmp_path: Path) -> None:
    """One line says what was imported; the replay needs no option."""
    flat_file(tmp_path)

    imported = run_tickstock("import", "polygon-flatfiles", "trades_v1", "--out", "days", folder=tmp_path)
    replayed = run_tickstock("replay", "days", folder=tmp_path)

    assert imported.returncode == 0, imported.stderr
    assert imported.stdout == "trades_v1/2024-01-03.csv.gz: 6 tick to days/2024-01-03/tick.parquet\n"
    assert replayed.returncode == 0, replayed.stderr
    assert re.search(r"^processed +6$", replayed.stdout, re.M)


def test_each_file_has_a_line_and_the_worst_one_decides(tmp_path: Path) -> None:
    """A file that is not there yet ends with 5, a damaged one with 3."""
    good = flat_file(tmp_path)
    (tmp_path / "cut.csv.gz").write_bytes(good.read_bytes()[:-20])
    command = ("import", "polygon-flatfiles", "--out", "days")

    early = run_tickstock(*command, good, "tomorrow.csv.gz", folder=tmp_path)
    cut = run_tickstock(*command, good, "tomorrow.csv.gz", "cut.csv.gz", folder=tmp_path)

    assert (early.returncode, cut.returncode) == (5, 3)
    assert "2024-01-03.csv.gz: 6 tick to days" in early.stdout
    assert early.stderr == "error: tomorrow.csv.gz: there is no such file; it may not be published yet\n"
    assert "imported before" in cut.stdout
    assert "cut.csv.gz: is cut short" in cut.stderr


def test_other_options_are_told_and_replace_takes_them(tmp_path: Path) -> None:
    """A wrong zone is mended by the same command with the right one; until then no row is silently of the old."""
    (tmp_path / "A.csv").write_text("time,price,size\n2024-01-03 10:00:00,10,5\n")
    command = ("import", "csv", "A.csv", "--out", "days", "--ticker-from", "filename", "--timezone")
    run_tickstock(*command, "UTC", folder=tmp_path)

    same = run_tickstock(*command, "UTC", folder=tmp_path)
    other = run_tickstock(*command, "America/New_York", folder=tmp_path)
    planned = run_tickstock(*command, "America/New_York", "--dry-run", folder=tmp_path)
    anew = run_tickstock(*command, "America/New_York", "--replace", folder=tmp_path)

    assert same.stdout.endswith("; skipped\n")
    assert "with other options (--ticker-from filename, --timezone UTC); skipped: --replace imports" in other.stdout
    assert planned.stdout == other.stdout
    assert anew.stdout.endswith("in place of the rows it had before\n"), anew.stderr
    (time,) = pq.read_table(tmp_path / "days" / "2024-01-03" / "tick.parquet").column("timestamp").to_pylist()
    assert time == 1_704_294_000 * 10**9


def test_a_folder_of_all_data_sets(tmp_path: Path) -> None:
    """Quotes are left out unless they are asked for, which concerns the trades in no way."""
    flat_file(tmp_path / "flat")
    quotes = [f"A,11,{10 + at}.10,1,11,{10 + at}.00,1,,,{OPEN + at},{at},{OPEN + at},3,0" for at in range(3)]
    write_gz(tmp_path / "flat" / "quotes_v1" / "2024-01-03.csv.gz", QUOTES, quotes)
    command = ("import", "polygon-flatfiles", "flat", "--out", "days")

    first = run_tickstock(*command, folder=tmp_path)
    then = run_tickstock(*command, "--quotes-as-fmv", folder=tmp_path)

    assert first.returncode == 0, first.stderr
    assert first.stderr == "note: left out 1 file of quotes; --quotes-as-fmv imports their mids as fair values\n"
    assert "3 fmv to days/2024-01-03/fmv.parquet" in then.stdout
    assert then.stdout.endswith("; skipped\n")
    assert "other options" not in then.stdout


def test_flags_of_an_import_are_ours(tmp_path: Path) -> None:
    """Half of today's trades are odd lots: neither a note nor points for bits that we wrote ourselves."""
    lines = [trade("A", at * 10**9, f"{10 + at % 3}", conditions="37" if at % 2 else "") for at in range(200)]
    write_gz(tmp_path / "trades_v1" / "2024-01-03.csv.gz", TRADES, lines)
    run_tickstock("import", "polygon-flatfiles", "trades_v1", "--out", "days", folder=tmp_path)

    replayed = run_tickstock("replay", "days", folder=tmp_path)
    (file,) = json.loads(run_tickstock("inspect", "days", "--json", folder=tmp_path).stdout)["files"]

    assert (replayed.returncode, "flags" in replayed.stderr) == (0, False)
    assert file["warnings"] == []


@pytest.mark.parametrize("path", ["A.csv", "folder"])
def test_replay_and_inspect_of_text_name_the_import(path: str, tmp_path: Path) -> None:
    """A new user has CSV files, and tries them."""
    (tmp_path / "folder").mkdir()
    for file in (tmp_path / "A.csv", tmp_path / "folder" / "A.CSV.GZ"):
        file.write_text("time,price,size\n")

    for command in ("replay", "inspect"):
        assert "tickstock import --help" in error_line(run_tickstock(command, path, folder=tmp_path))


def test_a_narrow_terminal_shows_whole_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hour that a zone gives is what a user must judge before anything is written."""
    monkeypatch.setenv("COLUMNS", "60")
    (tmp_path / "A.csv").write_text("Date,Time,Price,Size\n03.01.2024,09:30:00,10,5\n")

    zone = ("--timezone", "America/New_York")
    told = run_tickstock(
        "import", "csv", "A.csv", "--out", "days", "--ticker", "A", *zone, "--dry-run", folder=tmp_path
    )

    assert "2024-01-03T14:30:00Z" in told.stdout
    assert "…" not in told.stdout


def test_an_import_goes_to_a_folder(tmp_path: Path) -> None:
    """`--out` that is a file is told as such."""
    source = flat_file(tmp_path)

    failed = run_tickstock("import", "polygon-flatfiles", source, "--out", source, folder=tmp_path)

    assert "it is a file, not a folder" in error_line(failed)


def test_results_as_json(tmp_path: Path) -> None:
    """One object a file, with its entry of the manifest."""
    flat_file(tmp_path)

    result = run_tickstock("import", "polygon-flatfiles", "trades_v1", "no.gz", "--out", "d", "--json", folder=tmp_path)

    good, missing = json.loads(result.stdout)
    assert (good["state"], good["entry"]["written"]) == ("imported", 6)
    assert (missing["state"], missing["entry"]) == ("not_published", None)


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    """It says what is new."""
    flat_file(tmp_path)

    result = run_tickstock("import", "polygon-flatfiles", "trades_v1", "--out", "days", "--dry-run", folder=tmp_path)

    assert result.stdout == "trades_v1/2024-01-03.csv.gz: new\n"
    assert not (tmp_path / "days").exists()


def test_options_of_the_format_are_checked(tmp_path: Path) -> None:
    """With exit code 2, and the name of the option."""
    flat_file(tmp_path)

    result = run_tickstock(
        "import", "polygon-flatfiles", "trades_v1", "--out", "days", "--late-print-seconds", "-1", folder=tmp_path
    )

    assert result.returncode == 2
    assert error_line(result) == "--late-print-seconds -1.0: must be greater than or equal to 0"


def test_quotes_come_as_fair_values_on_request(tmp_path: Path) -> None:
    """The option is one of the format."""
    quote = "A,1,10.02,1,2,10,1,,,0,1,1704292200000000000,1,0"
    write_gz(tmp_path / "quotes_v1" / "2024-01-03.csv.gz", QUOTES, [quote])
    command = ("import", "polygon-flatfiles", "quotes_v1", "--out", "days")

    refused = run_tickstock(*command, folder=tmp_path)
    result = run_tickstock(*command, "--quotes-as-fmv", folder=tmp_path)

    assert refused.returncode == 3
    assert "1 fmv to days/2024-01-03/fmv.parquet" in result.stdout


def test_a_gzip_bomb_of_one_line_is_an_error(tmp_path: Path) -> None:
    """Of one line, as every other."""
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(b"a" * 1_000_000))

    result = run_tickstock("import", "polygon-flatfiles", "bomb.csv.gz", "--out", "days", folder=tmp_path)

    assert result.returncode == 3
    assert len(error_line(result)) < 500


def judged_plainly(line: dict[str, str]) -> dict[str, object]:
    """Return a trade as a tick, by the rules as they are written: for the conditions of `busy_day` alone."""
    conditions = {int(word) for word in line["conditions"].split(",") if word}
    time, printed = int(line["sip_timestamp"]), int(line["participant_timestamp"])
    is_late = printed > 0 and time - printed > 10 * 10**9
    flags = (5 if conditions & {12, 37} or is_late else 0) | (7 if 15 in conditions else 0)
    price, size = (float(Decimal(line[name])) for name in ("price", "size"))
    return {"ticker": line["ticker"], "timestamp": time, "price": price, "size": size, "flags": flags}


def busy_day(folder: Path) -> Path:
    """Write rising and falling trades in regular hours, some of them flagged, cancelled or printed late."""
    second, rng = 10**9, Random(1)
    lines = []
    for ticker in ("A", "BRK.B", "NA"):
        cents = 10_000
        for at in range(400):
            cents += rng.choice((-9, 7, 8))
            conditions = rng.choice(("", "", "14", "37", "12,37", "15", "14,41"))
            printed = rng.choice((1, 1, 11 * second))
            correction = rng.choice(("0", "0", "0", "8"))
            size = f"{rng.randint(1, 300)}.{rng.randint(0, 999_999):06}"
            lines.append(
                trade(
                    ticker,
                    at * 3 * second + rng.randint(0, second),
                    f"{cents / 100:.2f}",
                    size=size,
                    conditions=conditions,
                    correction=correction,
                    printed=printed,
                    number=at + 1,
                )
            )
    return write_gz(folder / "2024-01-03.csv.gz", TRADES, lines)


def test_a_replay_of_an_import_is_that_of_a_plain_reading(tmp_path: Path) -> None:
    """The csv module and Decimal read the file, a few lines judge it, and the events are the same."""
    source = busy_day(tmp_path)
    with gzip.open(source, "rt", newline="") as file:
        rows = [judged_plainly(line) for line in csv.DictReader(file) if line["correction"] == "0"]
    rows.sort(key=lambda row: str(row["timestamp"]))
    (tmp_path / "plain").mkdir()
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "plain" / "ticks.parquet")

    imported = run_tickstock("import", "polygon-flatfiles", source, "--out", "days", folder=tmp_path)
    replays = [
        json.loads(run_tickstock("replay", name, "--json", folder=tmp_path).stdout) for name in ("days", "plain")
    ]

    assert imported.returncode == 0, imported.stderr
    assert replays[0]["events"] > 20
    assert replays[0]["digest"] == replays[1]["digest"]


def test_a_killed_import_starts_anew(tmp_path: Path) -> None:
    """It is killed while it reads a file that takes a while; the folder shows nothing of it."""
    lines = [trade("A", at, "10") for at in range(300_000)]
    path = write_gz(tmp_path / "trades_v1" / "2024-01-03.csv.gz", TRADES, lines)
    with running("import", "polygon-flatfiles", path, "--out", "days", folder=tmp_path) as process:
        while not (tmp_path / "days" / ".importing").exists():
            assert process.poll() is None
            sleep(0.01)
        process.kill()
        process.wait()
    left = [entry.name for entry in (tmp_path / "days").iterdir()]

    again = run_tickstock("import", "polygon-flatfiles", path, "--out", "days", folder=tmp_path)
    once = run_tickstock("import", "polygon-flatfiles", path, "--out", "once", folder=tmp_path)

    assert left == [".importing"]
    assert (again.returncode, once.returncode) == (0, 0), again.stderr
    assert sorted(entry.name for entry in (tmp_path / "days").iterdir()) == ["2024-01-03", "manifest.jsonl"]
    day = "2024-01-03/tick.parquet"
    assert (tmp_path / "days" / day).read_bytes() == (tmp_path / "once" / day).read_bytes()


BARS = "Date;Time;Open;High;Low;Close;Volume;Note\n" + "".join(
    f"03.01.2024;09:{minute}:00;184,22;184,5;184;184,25;{minute};x\n" for minute in range(30, 35)
)
CSV = ("import", "csv", "AAPL.csv", "--out", "days", "--ticker-from", "filename", "--timezone", "America/New_York")


class TestCsv:
    """`import csv` shows how it reads files before it writes."""

    @pytest.fixture
    def bars(self, tmp_path: Path) -> Path:
        """Write a file as European tools do."""
        (tmp_path / "AAPL.csv").write_text(BARS, encoding="utf-8")
        return tmp_path

    def test_a_dry_run_shows_columns_and_types(self, bars: Path) -> None:
        """With the first value, as it is written and as it is read."""
        result = run_tickstock(*CSV, "--dry-run", folder=bars)

        assert result.returncode == 0, result.stderr
        assert "AAPL.csv: ohlcv, utf-8, semicolons, decimal comma" in result.stdout
        assert re.search(
            r"timestamp +Date\+Time +time: .*America/New_York +03.01.2024 .* 2024-01-03T14:30:00Z", result.stdout
        )
        assert re.search(r"open +Open +number +184,22 +184.22", result.stdout)
        assert re.search(r"interval +\(no column\) +seconds +60", result.stdout)
        assert "not read: Note\n" in result.stdout
        assert not (bars / "days").exists()

    def test_a_dry_run_as_json(self, bars: Path) -> None:
        """For programs: the same table."""
        result = run_tickstock(*CSV, "--dry-run", "--json", folder=bars)

        (told,) = json.loads(result.stdout)
        assert (told["state"], told["read_as"]["record"], told["read_as"]["ignored"]) == ("new", "ohlcv", ["Note"])
        assert told["read_as"]["columns"][0]["read"] == "AAPL"

    def test_without_a_terminal_it_does_not_ask(self, bars: Path) -> None:
        """A script has looked before, with --dry-run."""
        result = run_tickstock(*CSV, folder=bars)

        assert result.stdout == "AAPL.csv: 5 ohlcv to days/2024-01-03/ohlcv.parquet\n"

    def test_on_a_terminal_it_asks(self, bars: Path) -> None:
        """No leaves nothing behind; yes imports; --yes does not ask."""
        refused, shown = self._answered("n\n", bars)
        assert (refused, (bars / "days").exists()) == (130, False)
        assert "decimal comma" in shown
        assert "import? [y/N]" in shown

        assert self._answered("y\n", bars)[0] == 0
        assert (bars / "days" / "2024-01-03" / "ohlcv.parquet").exists()
        code, shown = self._answered("", bars, "--yes")
        assert (code, "import?" in shown) == (0, False)

    @staticmethod
    def _answered(answer: str, folder: Path, *options: str) -> tuple[int, str]:
        """Run the import on a terminal with an answer typed in; return its exit code and what it showed there."""
        ours, theirs = pty.openpty()
        os.write(ours, answer.encode())
        process = start_process(
            *CSV, *options, stdin=theirs, stderr=theirs, stdout=subprocess.DEVNULL, cwd=folder, env=dict(os.environ)
        )
        code = process.wait(timeout=120)
        os.close(theirs)
        shown = b""
        try:
            while read := os.read(ours, 65_536):
                shown += read
        except OSError:  # the terminal is closed
            pass
        os.close(ours)
        return code, shown.decode()

    def test_what_is_unclear_is_one_line(self, bars: Path) -> None:
        """With exit code 3, and the option that says it."""
        result = run_tickstock("import", "csv", "AAPL.csv", "--out", "days", "--ticker", "AAPL", folder=bars)

        assert result.returncode == 3
        assert "have no zone; name it, as in --timezone America/New_York" in error_line(result)
