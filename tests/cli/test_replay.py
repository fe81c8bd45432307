"""`tickstock replay` as a user runs it: what goes in, what comes out."""

from __future__ import annotations

import csv
import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import Here
from tests.cli.market import morning, write_columns, write_recording, written_columns
from tests.unit.engine.events import TEN, busy_morning, morning_events
from tickstock_cli.core.events import EVENT_SCHEMA
from tickstock_cli.core.times import format_time
from tickstock_cli.testing import MINUTE, SECOND, Tick, run_records


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """Return a recording of a busy morning."""
    return morning(tmp_path / "recorded")


def told(result: Any) -> dict[str, Any]:
    """Read the object of a command that ended well, and had nothing to remark."""
    assert (result.returncode, result.stderr) == (0, "")
    figures: dict[str, Any] = json.loads(result.stdout)
    return figures


def test_every_format_holds_every_event(here: Here, recorded: Path) -> None:
    """Three files at once, and one object: its keys are those that are documented, its figures those of the files."""
    figures = told(
        here("replay", recorded, "--out", "e.parquet", "--out", "e.jsonl", "--out", "e.csv", "--json")
    )  # fmt: skip

    events = morning_events().to_pylist()
    assert pq.read_table("e.parquet").to_pylist() == events
    assert [json.loads(line) for line in Path("e.jsonl").read_text().splitlines()] == events
    with Path("e.csv").open(newline="") as lines:
        assert [(row["ticker"], row["kind"], int(row["timestamp"])) for row in csv.DictReader(lines)] == [
            (event["ticker"], event["kind"], event["timestamp"]) for event in events
        ]
    whole = run_records(busy_morning()).result
    assert list(figures) == [
        "ledger", "events", "digest", "seconds", "rows_per_second", "peak_rss_bytes", "speed", "interrupted", "outputs",
        "drained", "plugins",
    ]  # fmt: skip
    assert [output["stands_as"] for output in figures["outputs"]] == ["e.parquet", "e.jsonl", "e.csv"]
    assert figures["speed"].keys() == {"requested", "achieved", "lateness_ms"}
    assert figures["speed"]["lateness_ms"] == {"p50": None, "p99": None, "max": None}
    assert (figures["ledger"], figures["digest"]) == (whole.ledger.as_dict(), whole.digest)
    assert (figures["events"], figures["speed"]["requested"], figures["interrupted"]) == (len(events), "max", False)


def test_the_summary_names_rows_events_and_outputs(here: Here, recorded: Path) -> None:
    """Counts by kind and source, the busiest tickers, figures and the whole ledger; with --table also events."""
    result = here("replay", recorded, "--table")

    lines = [line.split() for line in result.stdout.splitlines()]
    pairs = [pair for line in lines for pair in pairwise(line)]
    assert (result.returncode, result.stderr) == (0, "")
    assert f"{len(morning_events())} events" in result.stdout
    assert ("…", f"{len(morning_events()) - 30}") in pairs
    assert sum("▲ high" in line or "▼ low" in line for line in result.stdout.splitlines()) > 20
    for kind, count in Counter(morning_events()["kind"].to_pylist()).items():
        assert any(line[0] == kind and str(count) in line for line in lines if line)
    for name, count in run_records(busy_morning()).ledger.items():
        assert (name.partition(".")[2], f"{count:,}") in pairs


def test_bounds_and_tickers_select_rows(here: Here, recorded: Path) -> None:
    """--start is inclusive, --end is not; tickers come from the option or from a file; a time may be written anyhow."""
    start, end = TEN + 5 * MINUTE, TEN + 15 * MINUTE
    rows = [row for row in busy_morning() if row.ticker in ("IBM", "MSFT")]
    inside = [
        row
        for row in rows
        if row.timestamp is not None and start <= row.timestamp + MINUTE * (row.record == "ohlcv") < end
    ]
    Path("wanted.txt").write_text("IBM  # blue\nMSFT\n")

    by_option = told(here("replay", recorded, "--symbols", "MSFT,IBM", "--json"))
    bounded = told(
        here(
            "replay", recorded, "--symbols", "@wanted.txt", "--start", format_time(start), "--end", str(end), "--json"
        )
    )  # fmt: skip

    assert by_option["digest"] == run_records(rows).result.digest
    assert bounded["digest"] == run_records(inside).result.digest
    assert bounded["ledger"] == run_records(inside).ledger


def test_selected_tickers_without_rows_are_reported(here: Here, recorded: Path) -> None:
    """A typo would look like a quiet market. The run is a run all the same."""
    typo = here("replay", recorded, "--symbols", "IBM,MSTF,APPL", "--json")
    early = here("replay", recorded, "--symbols", "IBM,AAPL", "--end", format_time(TEN + 1), "--json")
    many = here("replay", recorded, "--symbols", ",".join(f"X{number:02d}" for number in range(25)), "--json")

    assert (typo.returncode, typo.stderr) == (0, "note: not in the recording: APPL, MSTF\n")
    assert early.stderr == "note: not in the recording between --start and --end: AAPL, IBM\n"
    assert many.stderr.endswith("X18, X19, and 5 more\n")
    assert json.loads(many.stdout)["events"] == 0


def test_settings_come_from_file_environment_and_flags(here: Here, recorded: Path) -> None:
    """Each beats the one before it; what they say is what is computed."""
    Path("mine.toml").write_text("[highlow]\ncooldown_seconds = 60\n")

    def digest(*arguments: str, **how: dict[str, str]) -> str:
        return str(told(here("replay", recorded, "--json", *arguments, **how))["digest"])

    def expected(seconds: int) -> str:
        return run_records(busy_morning(), {"highlow.cooldown_seconds": seconds}).result.digest

    environment = {"TICKSTOCK_HIGHLOW__COOLDOWN_SECONDS": "30"}
    from_file = digest("--config", "mine.toml")
    from_environment = digest("--config", "mine.toml", environment=environment)
    from_flag = digest("--config", "mine.toml", "--set", "highlow.cooldown_seconds=5", environment=environment)

    assert [from_file, from_environment, from_flag] == [expected(60), expected(30), expected(5)]
    assert len({from_file, from_environment, from_flag}) == 3


def test_errors_name_mapped_columns_as_recorded(here: Here, recorded: Path) -> None:
    """A strict run names the recording's own column, not ours."""
    ticks = recorded / "ticks.parquet"
    columns = written_columns(ticks)
    columns["last"] = columns.pop("price")
    columns["last"][77] = -4.25
    write_columns(ticks, columns)

    counted = told(here("replay", recorded, "--map", "price=last", "--json"))
    strict = here("replay", recorded, "--map", "price=last", "--strict", "--json")

    assert counted["ledger"]["tick.rejected.price"] == 1
    assert (strict.returncode, strict.stdout) == (3, "")
    assert strict.stderr == (
        f"error: {ticks}: row 77 has a price that is no number above zero (last=-4.25); "
        "mend it, or run without --strict to reject and count such rows\n"
    )


def test_rejected_rows_are_kept_with_place_and_reason(here: Here, recorded: Path) -> None:
    """Their original columns, of ticks and bars in one file."""
    ticks, bars = recorded / "ticks.parquet", recorded / "bars.parquet"
    columns = written_columns(ticks)
    columns["price"][1234] = float("nan")
    columns["venue"] = ["Q"] * len(columns["price"])
    write_columns(ticks, columns)
    columns = written_columns(bars)
    columns["volume"][3] = -7.0
    write_columns(bars, columns)

    figures = told(here("replay", recorded, "--rejects", "bad.parquet", "--json"))

    bad = {row["reason"]: row for row in pq.read_table("bad.parquet").to_pylist()}
    assert set(bad) == {"price", "volume"}
    assert (bad["price"]["file"], bad["price"]["row"], bad["price"]["venue"]) == (str(ticks), 1234, "Q")
    assert (bad["volume"]["file"], bad["volume"]["row"], bad["volume"]["volume"]) == (str(bars), 3, -7.0)
    assert figures["ledger"]["tick.rejected.price"] + figures["ledger"]["ohlcv.rejected.volume"] == 2


def test_an_unsorted_file_is_refused_sorted_or_read_as_it_is(here: Here, recorded: Path) -> None:
    """The refusal names the first row out of order and both ways out; both work."""
    ticks = recorded / "ticks.parquet"
    columns = written_columns(ticks)
    order = list(range(len(columns["price"])))
    order[1500], order[1000] = order[1000], order[1500]  # 500 rows are 166 s; later ones of the ticker are not late
    write_columns(ticks, {name: [values[row] for row in order] for name, values in columns.items()})

    refused = here("replay", recorded, "--json")
    sorted_ = told(here("replay", recorded, "--sort", "--json"))
    as_it_is = told(here("replay", recorded, "--late", "reject", "--json"))

    moved = columns["timestamp"]
    assert (refused.returncode, refused.stdout) == (3, "")
    assert refused.stderr == (
        f"error: {ticks} is not in time order: row 1001 ({format_time(moved[1001])}) comes after "
        f"{format_time(moved[1500])}: sort while reading with --sort, or continue with --late reject\n"
    )
    assert sorted_["digest"] == run_records(busy_morning()).result.digest
    assert as_it_is["ledger"]["tick.rejected.late"] > 0
    assert as_it_is["ledger"]["tick.read"] == sorted_["ledger"]["tick.read"]


def test_recordings_without_rows_are_replayed(here: Here, recorded: Path, tmp_path: Path) -> None:
    """No row, no row group, a row group without rows: alone they give valid outputs, beside others they do nothing."""
    schema = pq.read_schema(recorded / "ticks.parquet")
    empty = tmp_path / "empty"
    empty.mkdir()
    pq.write_table(schema.empty_table(), empty / "none.parquet")
    with pq.ParquetWriter(empty / "no-groups.parquet", schema):
        pass
    with pq.ParquetWriter(empty / "empty-group.parquet", schema) as writer:
        writer.write_table(schema.empty_table())

    outputs = ("--out", "e.parquet", "--out", "e.csv", "--out", "e.jsonl", "--rejects", "r.parquet")
    without = here("replay", empty, *outputs, "--json")
    alone = json.loads(without.stdout)
    beside = told(here("replay", recorded, empty, "--json"))
    summary = here("replay", empty, "--table")

    assert (alone["ledger"], alone["events"]) == ({}, 0)
    assert pq.read_table("e.parquet").schema.equals(EVENT_SCHEMA)
    assert [len(Path(name).read_text().splitlines()) for name in ("e.csv", "e.jsonl")] == [1, 0]
    assert pq.read_table("r.parquet").num_rows == 0
    assert beside["digest"] == run_records(busy_morning()).result.digest
    note = "note: there is no row in the recording\n"
    assert [(run.returncode, run.stderr) for run in (without, summary)] == [(0, note)] * 2
    assert "no events" in summary.stdout


@pytest.mark.parametrize("speed", ["100000", "1e9", "33333.3"])
def test_a_paced_replay_gives_the_same_events_and_its_lateness(here: Here, recorded: Path, speed: str) -> None:
    """Speed asked for and reached, and lateness of every row in ms."""
    figures = told(here("replay", recorded, "--speed", speed, "--json"))

    lateness = figures["speed"]["lateness_ms"]
    assert figures["digest"] == run_records(busy_morning()).result.digest
    assert figures["speed"]["requested"] == float(speed)
    assert figures["speed"]["achieved"] > 0
    assert 0 <= lateness["p50"] <= lateness["p99"] <= lateness["max"]


def test_a_replay_may_be_slower_than_the_market(here: Here, tmp_path: Path) -> None:
    """A tenth of a second at half speed; it takes no less than two tenths."""
    rows = [Tick("IBM", TEN + place * SECOND // 100, 100.0 + place) for place in range(11)]
    write_recording(rows, tmp_path / "short")

    figures = told(here("replay", "short", "--speed", "0.5", "--json"))

    assert figures["seconds"] >= 0.2
    assert figures["speed"]["achieved"] <= 0.5


def test_tickers_are_text_whatever_they_look_like(here: Here, tmp_path: Path) -> None:
    """Brackets are no markup, and what is not ASCII is a name like any other."""
    names = ["[/]", "[bold]", "Ωμέγα", "a b", "{}", "%s"]
    rows = [Tick(name, TEN + place * SECOND, 100.0 * 1.01**place) for place in range(5) for name in names]
    write_recording(rows, tmp_path / "odd")

    result = here("replay", "odd", "--table", "--out", "e.jsonl")

    assert (result.returncode, result.stderr) == (0, "")
    assert all(result.stdout.count(name) >= 4 for name in names)
    assert {json.loads(line)["ticker"] for line in Path("e.jsonl").read_text().splitlines()} == set(names)


def test_workers_and_batch_sizes_change_no_output(here: Here, recorded: Path) -> None:
    """Files are equal to the last byte."""
    here("replay", recorded, "--out", "one.parquet", "--out", "one.jsonl", "--json")
    here("replay", recorded, "--out", "two.parquet", "--out", "two.jsonl", "--workers", "3", "--batch-rows", "97")

    for suffix in (".parquet", ".jsonl"):
        assert Path(f"one{suffix}").read_bytes() == Path(f"two{suffix}").read_bytes()


def test_an_existing_output_is_replaced_atomically(here: Here, recorded: Path) -> None:
    """Nothing temporary stays beside it."""
    Path("e.parquet").write_bytes(b"yesterday")
    told(here("replay", recorded, "--out", "e.parquet", "--json"))

    assert pq.read_table("e.parquet").num_rows == len(morning_events())
    assert sorted(path.name for path in Path().iterdir()) == ["e.parquet", "recorded"]


@pytest.mark.usefixtures("recorded")
def test_replacing_a_checkpoint_is_reported(here: Here) -> None:
    """Whoever forgets --resume should learn it before hours of work are gone."""
    run = ("replay", "recorded", "--checkpoint", "kept", "--checkpoint-seconds", "0", "--json")
    first, again, resumed = here(*run), here(*run), here(*run, "--resume")

    assert (first.stderr, resumed.stderr) == ("", "")
    assert again.stderr.startswith("note: the checkpoint in kept, ")
    assert again.stderr.endswith(" rows in, is replaced: without --resume a run begins anew\n")


def test_a_rollout_shows_both_paths_at_the_end(here: Here, recorded: Path) -> None:
    """Half of the tickers through the channels: the events of either path alone, and each says where it was found."""
    share = ("--pipeline", "rollout", "--set", "pipeline.rollout_percent=50")
    whole = json.loads(here("replay", recorded, "--json").stdout)
    rolled = json.loads(here("replay", recorded, "--json", "--provenance", "--out", "e.parquet", *share).stdout)
    summary = here("replay", recorded, *share).stdout

    assert rolled["digest"] == whole["digest"]
    assert rolled["ledger"] == whole["ledger"]
    assert set(pq.read_table("e.parquet")["channel"].to_pylist()) >= {"linear", "tick-1"}
    rows = sum(rolled["rollout"][side]["processed"] for side in ("multi", "linear"))
    assert rows == sum(rolled["ledger"][f"{record}.read"] for record in ("tick", "ohlcv", "fmv"))
    assert "rollout 50 % of the tickers by shard (32 of 64)  fallbacks 0" in summary
