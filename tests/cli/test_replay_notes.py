"""What a replay says on stderr of input that it guessed about or could not use."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from tests.cli.conftest import Here
from tests.cli.market import morning, write_columns, written_columns


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """Return a recording of a morning."""
    return morning(tmp_path / "recorded")


def test_an_ordinary_replay_has_no_notes(here: Here, recorded: Path) -> None:
    """Else nobody would read them."""
    assert here("replay", recorded, "--json").stderr == ""


def test_a_type_whose_rows_were_all_rejected_is_reported(here: Here, recorded: Path) -> None:
    """No events and exit code 0 would look like a quiet market."""
    ticks = written_columns(recorded / "ticks.parquet")
    rows = len(ticks["price"])
    write_columns(recorded / "ticks.parquet", {**ticks, "price": [0.0] * rows, "ticker": ["", *ticks["ticker"][1:]]})

    result = here("replay", recorded, "--json")

    assert result.returncode == 0
    assert result.stderr == (
        f"note: all {rows:,} tick rows were rejected: price {rows - 1:,}, ticker 1; "
        "see them with --rejects FILE or --strict\n"
    )


@pytest.mark.parametrize(("every", "is_told"), [(10, True), (40, False)])
def test_many_rejected_rows_are_reported(here: Here, recorded: Path, every: int, is_told: bool) -> None:
    """One row of ten without a price is no accident; one of forty is counted without a note."""
    ticks = written_columns(recorded / "ticks.parquet")
    rows = len(ticks["price"])
    prices = [0.0 if row % every == 0 else price for row, price in enumerate(ticks["price"])]
    write_columns(recorded / "ticks.parquet", {**ticks, "price": prices})

    told = here("replay", recorded, "--json").stderr

    note = f"note: {-(-rows // every):,} of {rows:,} tick rows were rejected: price; see them with --rejects FILE"
    assert (note in told) is is_told


def test_a_time_beyond_the_recording_is_reported_with_its_span(here: Here, recorded: Path) -> None:
    """A wrong year in --start selects nothing."""
    late = here("replay", recorded / "ticks.parquet", "--start", "2027-01-01", "--json")
    early = here("replay", recorded / "ticks.parquet", "--start", "2023-01-01", "--end", "2024-01-01", "--json")

    assert late.stderr.startswith(
        "note: no row of the recording meets --start 2027-01-01T00:00:00Z; it goes from 2024-"
    )
    assert "meets --start 2023-01-01T00:00:00Z and --end 2024-01-01T00:00:00Z; it goes from 2024-" in early.stderr


def test_a_recording_outside_market_hours_is_reported(here: Here, recorded: Path) -> None:
    """Eastern times that are taken to be UTC lie in the night: the note says where zones are set."""
    ticks = written_columns(recorded / "ticks.parquet")
    early = [time - 8 * 3600 * 10**9 for time in ticks["timestamp"]]
    columns = {**ticks, "timestamp": pa.array(early).cast(pa.timestamp("ns"))}
    write_columns(recorded / "ticks.parquet", columns)

    wrong = here("replay", recorded / "ticks.parquet", "--json")
    right = here("replay", recorded / "ticks.parquet", "--set", "recordings.timezone=America/Anchorage", "--json")

    guessed, unused = wrong.stderr.splitlines()
    assert "times without a zone are read as UTC" in guessed
    assert unused.startswith(f"note: all {len(early):,} usable tick rows lie outside market hours: see ")
    assert right.stderr == ""


def test_rows_of_the_night_are_reported_once_with_count_and_setting(here: Here, recorded: Path) -> None:
    """Since 6 December 2026 recordings have nights; whoever asks for them is not told."""
    ticks = written_columns(recorded / "ticks.parquet")
    night = [ticks["timestamp"][-1] + (12 * 3600 + second) * 10**9 for second in range(3)]
    longer = {name: [*column, *column[-3:]] for name, column in ticks.items()}
    write_columns(recorded / "ticks.parquet", {**longer, "timestamp": [*ticks["timestamp"], *night]})
    asked = ("--set", 'session.phases=["pre", "regular", "post", "overnight"]')

    result, inspected = here("replay", recorded, "--json"), here("inspect", recorded)

    rows = len(longer["price"])
    assert result.stderr == (
        f"note: 3 of {rows:,} usable tick rows lie in phases that session.phases leaves out; "
        "tickstock inspect counts them by phase\n"
    )
    assert "3 overnight: session.phases has only pre, regular, post" in " ".join(inspected.stdout.split())
    assert here("replay", recorded, "--json", *asked).stderr == ""


def test_rows_of_all_types_and_phases_that_are_left_out_share_a_note(here: Here, recorded: Path) -> None:
    """Before the open, after the close, in the night, ticks and fair values: one setting decides about all of them."""
    ticks = written_columns(recorded / "ticks.parquet")
    others = [ticks["timestamp"][0] + hours * 3600 * 10**9 for hours in (-2, 8, 12)]
    longer = {name: [*column, *column[-3:]] for name, column in ticks.items()}
    order = {**longer, "timestamp": [others[0], *ticks["timestamp"], *others[1:]]}
    write_columns(recorded / "ticks.parquet", order)
    fmv = {"ticker": ["AAPL"] * 2, "timestamp": [ticks["timestamp"][0], others[1]], "fmv": [100.0, 101.0]}
    write_columns(recorded / "fmv.parquet", fmv)

    told = here("replay", recorded, "--set", 'session.phases=["regular"]', "--json").stderr

    assert told == (
        f"note: 3 of {len(order['timestamp']):,} usable tick rows and 1 of 2 usable fmv rows lie in phases that "
        "session.phases leaves out; tickstock inspect counts them by phase\n"
    )


def test_a_second_run_into_the_same_folder_reads_what_the_first_one_read(here: Here, recorded: Path) -> None:
    """Events and rejected rows of a run before are no recordings."""
    run = (
        "replay",
        recorded,
        "--out",
        recorded / "events.parquet",
        "--rejects",
        recorded / "rejects.parquet",
        "--json",
    )
    first, second, looked_at = here(*run), here(*run), here("inspect", recorded)

    assert (first.stderr, second.returncode, looked_at.returncode) == ("", 0, 0)
    assert (
        second.stderr
        == f"note: left out, because they are outputs of tickstock: {recorded / 'events.parquet'} and 1 more\n"
    )
    assert [line for line in second.stdout.splitlines() if "digest" in line] == [
        line for line in first.stdout.splitlines() if "digest" in line
    ]


def test_an_output_that_is_named_as_a_recording_is_an_error(here: Here, recorded: Path) -> None:
    """One line, exit code 3."""
    here("replay", recorded, "--out", "e.parquet")

    result = here("replay", "e.parquet")

    assert result.returncode == 3
    assert result.stderr == (
        "error: e.parquet holds events that tickstock wrote, not a recording: name recordings only\n"
    )


@pytest.mark.parametrize(
    "command", [("verify",), ("explain", "--ticker", "IBM", "--at", "15:00"), ("replay", "--pipeline", "compare")]
)
def test_every_command_that_replays_reports_its_assumptions(
    here: Here, recorded: Path, command: tuple[str, ...]
) -> None:
    """A proof, or an explanation, of a market in the wrong zone is none."""
    ticks = written_columns(recorded / "ticks.parquet")
    columns = {**ticks, "timestamp": pa.array(ticks["timestamp"]).cast(pa.timestamp("ns"))}
    write_columns(recorded / "ticks.parquet", {name: column[:2] for name, column in columns.items()})

    told = here(command[0], recorded / "ticks.parquet", *command[1:], "--json").stderr

    assert told.count("note: in ") == 1
    assert "times without a zone are read as UTC" in told
