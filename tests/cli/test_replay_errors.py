"""What stops `tickstock replay`: one line, the right exit code, and nothing that was there is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Here
from tests.cli.market import morning, write_columns, written_columns
from tests.cli.prepared import COMMAND, run_prepared
from tests.cli.running import error_line

OUTPUTS = ("--out", "e.parquet", "--out", "e.jsonl", "--out", "e.csv", "--rejects", "r.parquet")
WRITTEN = ("e.parquet", "e.jsonl", "e.csv", "r.parquet")
BYTES_ALLOWED = 30_000
"""Less than an event file of the morning, more than the files that a command writes besides."""


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """Return a recording, beside outputs of yesterday."""
    for name in WRITTEN:
        (tmp_path / name).write_bytes(b"yesterday")
    return morning(tmp_path / "recorded")


def contents(folder: Path) -> dict[str, bytes]:
    """Read every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


USAGE = {
    "--speed 0": "--speed must be max or a number above 0, was 0",
    "--speed -2": "--speed must be max or a number above 0, was -2",
    "--speed nan": "--speed must be max or a number above 0, was nan",
    "--speed inf": "--speed must be max or a number above 0, was inf",
    "--speed 1e400": "--speed must be max or a number above 0, was 1e400",
    "--speed fast": "--speed must be max or a number above 0, was fast",
    "--workers 0": "invalid value for '--workers': must be greater than or equal to 1",
    "--workers 65": "invalid value for '--workers': must be less than or equal to 64",
    "--batch-rows 0": (
        "invalid value for '--batch-rows': must be greater than or equal to 1; see tickstock replay --help"
    ),
    "--late maybe": "invalid value for '--late': 'maybe' is not one of 'fail', 'reject'; see tickstock replay --help",
    "--sort --late reject": "--sort and --late reject exclude each other; choose one",
    "--resume": "--resume needs --checkpoint DIR: the folder of the run to go on with",
    "--checkpoint-seconds 5": "--checkpoint-seconds needs --checkpoint DIR: the folder to keep checkpoints in",
    "--checkpoint-seconds inf": "--checkpoint-seconds must be a number of 0 or more, was inf",
    "--start yesterday": "cannot read 'yesterday' as a time; write 2013-10-08, 2013-10-08T09:30:00.5-04:00",
    "--start 2024-06-12 --end 2024-06-12": (
        "--start 2024-06-12T00:00:00Z is not before --end 2024-06-12T00:00:00Z: no row can lie between them"
    ),
    "--symbols ,": "--symbols , names no ticker; write A,B or @FILE",
    "--symbols @none.txt": (
        "cannot read the tickers of --symbols @none.txt: no such file or directory; name a text file"
    ),
    "--symbols A --symbols @recorded/ticks.parquet": (
        "cannot read the tickers of --symbols @recorded/ticks.parquet: it is not text; name a text file"
    ),
    "--map price=bid --map price=ask": "--map price=ask: price is mapped to bid already; map it once",
    "--map prce=last": 'recordings.columns.prce = "last" (in --map): there is no prce; did you mean price?',
    "--map price=lst": "cannot map price=lst: no recording has a column lst; the columns are ticker, timestamp, ",
    "--map last": "--map last: write ours=theirs, as in price=last",
    "--set surge.triger=any": "unknown setting surge.triger (in --set); did you mean surge.trigger?",
    "--set surge.trigger=all": 'surge.trigger = "all" (in --set): must be ',
    "--config none.toml": "cannot read the configuration none.toml: no such file or directory; name an existing file",
    "--out - --json": "--json and --out - both write to stdout; write the events to a file",
    "--out e.xlsx": "unknown format of output 'e.xlsx': name a file that ends in ",
    "--rejects r.csv": "rejected rows are written as Parquet: name a file that ends in .parquet, not r.csv",
    "--out n.csv --out ./n.csv": "./n.csv is named as an output twice; give each output a name of its own",
    "--out - --out -": "- is named as an output twice; give each output a name of its own",
    "--out n.parquet --rejects n.parquet": "n.parquet is named as an output twice; give each output a name of its own",
    "--out recorded/ticks.parquet": (
        "recorded/ticks.parquet is a recording to be read and would be replaced; name another output"
    ),
    "--rejects recorded/../recorded/fmv.parquet": (
        "recorded/../recorded/fmv.parquet is a recording to be read and would be replaced; name another output"
    ),
}


@pytest.mark.parametrize("options", USAGE)
def test_the_error_of_an_option_has_its_value(here: Here, recorded: Path, options: str) -> None:
    """Exit code 2. The recording is whole, too: it may have been named as an output by mistake."""
    before = contents(recorded.parent)

    result = here("replay", "recorded", *options.split())

    assert result.returncode == 2
    assert error_line(result).startswith(USAGE[options])
    assert contents(recorded.parent) == before


def test_an_unknown_setting_in_the_environment_is_an_error(here: Here, recorded: Path) -> None:
    """With the variable's name."""
    result = here("replay", recorded, environment={"TICKSTOCK_GUARD__OUTLIER_PERCENTAGE": "5"})

    assert result.returncode == 2
    assert error_line(result) == (
        "unknown setting guard.outlier_percentage (in TICKSTOCK_GUARD__OUTLIER_PERCENTAGE); "
        "did you mean guard.outlier_percent?"
    )


def spoil(recorded: Path, how: str) -> str:
    """Spoil the ticks of a recording in some way, and return how the error begins."""
    ticks = recorded / "ticks.parquet"
    whole = ticks.read_bytes()
    columns = written_columns(ticks)
    if how == "missing":
        ticks.unlink()
        (recorded / "bars.parquet").unlink()
        (recorded / "fmv.parquet").unlink()
        return "no recordings in recorded: no file below it is named *.parquet"
    if how == "cut off":
        ticks.write_bytes(whole[: len(whole) // 2])
        return "cannot read recorded/ticks.parquet: it is damaged, cut off or not a Parquet file"
    if how == "empty":
        ticks.write_bytes(b"")
        return "cannot read recorded/ticks.parquet: it is damaged, cut off or not a Parquet file"
    if how == "damaged within":
        middle = len(whole) // 2
        ticks.write_bytes(whole[:middle] + b"\xff" * 4000 + whole[middle + 4000 :])
        return "cannot read recorded/ticks.parquet: "
    if how == "text for numbers":
        write_columns(ticks, {**columns, "price": [str(price) for price in columns["price"]]})
        return "recorded/ticks.parquet: column price has type string, expected a number"
    if how == "text for times":
        write_columns(ticks, {**columns, "timestamp": ["10:00"] * len(columns["price"])})
        return "recorded/ticks.parquet: 10:00 in column timestamp is a time of day: "
    if how == "no price":
        del columns["price"]
        write_columns(ticks, columns)
        return "recorded/ticks.parquet is not recognised: "
    columns["timestamp"][400] -= 3600 * 10**9
    write_columns(ticks, columns)
    return "recorded/ticks.parquet is not in time order: row 400 ("


@pytest.mark.parametrize(
    "how",
    [
        "missing",
        "cut off",
        "empty",
        "damaged within",
        "text for numbers",
        "text for times",
        "no price",
        "out of order",
    ],
)
def test_bad_recordings_are_exit_code_3_and_leave_old_outputs(here: Here, recorded: Path, how: str) -> None:
    """Whether it shows before the first row or after a thousand: what and where, in one line."""
    told = spoil(recorded, how)
    before = contents(recorded.parent)

    result = here("replay", "recorded", *OUTPUTS, "--batch-rows", "300", "--json")

    assert result.returncode == 3
    assert error_line(result).startswith(told)
    assert contents(recorded.parent) == before


def test_a_missing_path_is_an_error(here: Here) -> None:
    """Exit code 3, and a glob says that it found nothing."""
    for path in ("none.parquet", "none/*.parquet"):
        result = here("replay", path)
        assert result.returncode == 3
        assert path in error_line(result)


def test_a_strict_run_stops_at_the_first_bad_row(here: Here, recorded: Path) -> None:
    """File, row, column, value; neither events nor rejected rows are written."""
    ticks = recorded / "ticks.parquet"
    columns = written_columns(ticks)
    columns["size"][2468] = -1.0
    columns["price"][3333] = 0.0
    write_columns(ticks, columns)
    before = contents(recorded.parent)

    result = here("replay", "recorded", "--strict", *OUTPUTS, "--batch-rows", "100", "--json")

    assert result.returncode == 3
    assert error_line(result) == (
        "recorded/ticks.parquet: row 2468 has a size that is no number from 0 to 1e11 (size=-1.0); "
        "mend it, or run without --strict to reject and count such rows"
    )
    assert contents(recorded.parent) == before


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--out none/e.csv", "cannot write none/e.csv: its folder does not exist; create it first"),
        (
            "--out e.csv/e.csv",
            "cannot write e.csv/e.csv: part of its path is a file, not a folder; choose another name",
        ),
        ("--out folder.csv", "cannot write folder.csv: it is a folder; name a file inside it"),
        ("--rejects none/r.parquet", "cannot write none/r.parquet: its folder does not exist; create it first"),
        ("--checkpoint e.csv", "cannot write checkpoint e.csv: file exists; free space or name another folder"),
        (
            "--checkpoint recorded",
            "checkpoint folder recorded holds other files (bars.parquet); name an empty or new folder",
        ),
    ],
)
def test_an_output_that_cannot_be_opened_fails_before_any_work(
    here: Here, recorded: Path, option: str, told: str
) -> None:
    """Exit code 1. Outputs that could be opened are taken back."""
    (recorded.parent / "folder.csv").mkdir()
    before = contents(recorded.parent)

    result = here("replay", "recorded", *OUTPUTS, *option.split())

    assert result.returncode == 1
    assert error_line(result) == told
    assert contents(recorded.parent) == before


def test_a_checkpoint_of_other_settings_or_files_is_refused(here: Here, recorded: Path) -> None:
    """It is told what differs; the checkpoint stays as it was."""
    run = ("replay", "recorded", "--checkpoint", "kept", "--checkpoint-seconds", "0", "--batch-rows", "1000", "--json")
    assert here(*run).returncode == 0
    kept = contents(recorded.parent / "kept")
    other_setting = here(*run, "--resume", "--set", "fmv.cooldown_seconds=1")
    other_rows = here(*run, "--resume", "--symbols", "IBM", "--end", "2024-06-12T14:20")
    columns = written_columns(recorded / "fmv.parquet")
    columns["fmv"][0] = 117.0
    write_columns(recorded / "fmv.parquet", columns)
    other_file = here(*run, "--resume")
    (recorded.parent / "kept" / "checkpoint.json").write_bytes(kept["checkpoint.json"][:-200])
    damaged = here(*run, "--resume")

    belongs = "checkpoint kept belongs to another run: "
    advice = " differ; give the same ones, or start without --resume"
    assert [result.returncode for result in (other_setting, other_rows, other_file, damaged)] == [1, 1, 1, 1]
    assert error_line(other_setting) == f"{belongs}the settings{advice}"
    assert error_line(other_rows) == f"{belongs}--end and --symbols{advice}"
    assert error_line(other_file) == f"{belongs}the recordings{advice}"
    assert error_line(damaged).startswith("checkpoint kept is damaged (checkpoint.json: ")
    assert error_line(damaged).endswith("): start without --resume")


LIMITED = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({BYTES_ALLOWED}, {BYTES_ALLOWED})); {COMMAND}"
"""A program that limits itself: no file that it writes may get larger, as if its disk got full then."""


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("outs", [("e.parquet", "e.csv"), ("e.csv", "e.jsonl", "e.parquet")])
def test_a_full_disk_leaves_old_outputs(recorded: Path, outs: tuple[str, ...]) -> None:
    """A real process, no output of which fits: yesterday's files stay, and the reason of each is in one line."""
    before = contents(recorded.parent)

    named = [word for out in outs for word in ("--out", out)]
    result = run_prepared("replay", "recorded", *named, program=LIMITED, cwd=recorded.parent)

    last = result.stderr.splitlines()[-1]
    assert result.returncode == 1
    assert last.startswith("error: every output failed: ")
    for out in outs:
        assert f"cannot write {out}: the file is larger than this system or shell (ulimit -f) allows" in last
    assert contents(recorded.parent) == before


@pytest.mark.usefixtures("compiled")
def test_a_disk_that_is_full_for_the_only_output_leaves_the_old_one(recorded: Path) -> None:
    """Nothing is left to write: the run ends at once, and yesterday's file stays."""
    before = contents(recorded.parent)

    result = run_prepared("replay", "recorded", "--out", "e.csv", program=LIMITED, cwd=recorded.parent)

    assert result.returncode == 1
    assert error_line(result) == (
        "cannot write e.csv: the file is larger than this system or shell (ulimit -f) allows; "
        "write elsewhere or raise the limit"
    )
    assert contents(recorded.parent) == before
