"""Advice that leads to the setting which helps."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import Here
from tests.cli.running import error_line
from tickstock_cli.core.times import parse_time

NEW_YORK = "recordings.timezone=America/New_York"


def write(path: Path, texts: list[str], **columns: Any) -> None:
    """Write ticks of A at times without a zone, with some columns replaced."""
    times = pa.array([parse_time(text) for text in texts]).cast(pa.timestamp("ns"))
    ticks = {"ticker": ["A"] * len(texts), "timestamp": times, "price": [1.0] * len(texts), "size": [1] * len(texts)}
    pq.write_table(pa.table({**ticks, **columns}), path)


class TestMarketHours:
    """All rows lie outside market hours."""

    def test_daily_bars_name_their_own_setting(self, here: Here, tmp_path: Path) -> None:
        """`session.phases` and the calendar do nothing for bars, and a date has no zone to set."""
        dates = pa.array([20_514, 20_515], pa.date32())
        prices = {name: [5.0, 6.0] for name in ("open", "high", "low", "close", "volume")}
        pq.write_table(pa.table({"ticker": ["A", "A"], "date": dates, **prices}), tmp_path / "days.parquet")
        *_, note = here("replay", "days.parquet", "--set", NEW_YORK).stderr.splitlines()
        assert note == (
            "note: all 2 usable ohlcv rows lie outside market hours, as bars before the open do, and daily ones, "
            "which begin at midnight: --set ohlcv.regular_hours_only=false uses them"
        )
        used = here("replay", "days.parquet", "--set", NEW_YORK, "--set", "ohlcv.regular_hours_only=false")
        assert "market hours" not in used.stderr

    def test_the_zone_is_named_only_where_times_have_none(self, here: Here, tmp_path: Path) -> None:
        """A zone cannot be set for times that have one."""
        write(tmp_path / "night.parquet", ["2026-03-02 04:00"])
        assert (
            here("replay", "night.parquet")
            .stderr.splitlines()[-1]
            .endswith("session.phases, or set recordings.timezone")
        )
        write(tmp_path / "night.parquet", [], timestamp=pa.array([parse_time("2026-03-02 04:00")]), **_one_row())
        assert (
            here("replay", "night.parquet").stderr.splitlines()[-1].endswith("see session.calendar and session.phases")
        )


def _one_row() -> dict[str, Any]:
    return {"ticker": ["A"], "price": [1.0], "size": [1]}


class TestMappings:
    """Names of columns in a configuration."""

    def test_a_wrong_mapping_says_which_file_has_it(self, here: Here, tmp_path: Path) -> None:
        """The user who gave no option looks there."""
        write(tmp_path / "a.parquet", ["2026-03-02 15:00"])
        (tmp_path / "tickstock.toml").write_text('[recordings.columns]\nprice = "lats"\n')
        told = error_line(here("replay", "a.parquet"))
        assert told.startswith("cannot map price=lats: no recording has a column lats; ")
        assert told.endswith(" (recordings.columns.price is set by tickstock.toml)")
        (tmp_path / "tickstock.toml").unlink()
        assert "is set by" not in error_line(here("replay", "a.parquet", "--map", "price=lats"))

    def test_a_configuration_may_begin_with_a_mark(self, here: Here, tmp_path: Path) -> None:
        """Editors on Windows write a byte order mark."""
        write(tmp_path / "a.parquet", ["2026-03-02 15:00"])
        (tmp_path / "tickstock.toml").write_bytes(codecs.BOM_UTF8 + b'[recordings]\ntimezone = "America/New_York"\n')
        assert here("replay", "a.parquet").returncode == 0


class TestZones:
    """Times without a zone."""

    @pytest.mark.parametrize(
        ("start", "read"),
        [("2026-03-02 09:35", 2), ("2026-03-02T09:35:00", 2), ("2026-03-02 09:35Z", 3), ("2026-03-03", 1)],
    )
    def test_start_has_the_zone_of_the_recording(self, here: Here, tmp_path: Path, start: str, read: int) -> None:
        """A time without a zone is one of `recordings.timezone`, as the recorded ones are."""
        write(tmp_path / "a.parquet", ["2026-03-02 09:34", "2026-03-02 09:35", "2026-03-03 00:00"])
        result = here("replay", "a.parquet", "--set", NEW_YORK, "--start", start, "--json")
        assert f'"tick.read": {read}\n' in result.stdout

    def test_a_start_that_clocks_skipped(self, here: Here, tmp_path: Path) -> None:
        """It is no time of that zone."""
        write(tmp_path / "a.parquet", ["2026-03-02 09:34"])
        told = error_line(here("replay", "a.parquet", "--set", NEW_YORK, "--start", "2026-03-08 02:30"))
        assert told == "2026-03-08 02:30 does not exist on the clocks of America/New_York, which were set forward then"

    def test_the_hour_that_came_twice(self, here: Here, tmp_path: Path) -> None:
        """Rows in order look unsorted where clocks were set back: the message says so, and so does inspect."""
        write(tmp_path / "a.parquet", ["2026-11-01 01:30", "2026-11-01 01:59", "2026-11-01 01:00"])
        told = error_line(here("replay", "a.parquet", "--set", NEW_YORK))
        assert "the clocks of America/New_York were set back then, at the end of daylight saving time (DST)" in told
        assert "(DST)" in " ".join(here("inspect", "a.parquet", "--set", NEW_YORK).stdout.split())
        write(tmp_path / "a.parquet", ["2026-11-02 01:30", "2026-11-02 01:00"])
        assert "DST" not in error_line(here("replay", "a.parquet", "--set", NEW_YORK))


class TestLowPrices:
    """Prices far below a cent."""

    def test_moves_that_cannot_be_reached(self, here: Here, tmp_path: Path) -> None:
        """The note has a setting with which there are highs."""
        times = [f"2026-03-02 15:00:0{second}" for second in range(4)]
        write(tmp_path / "a.parquet", times, price=[0.0000100, 0.0000105, 0.0000110, 0.0000115])
        result = here("replay", "a.parquet", "--set", "recordings.timezone=Etc/UTC")
        assert "prices lie between 1e-05 and 1.15e-05, so no high or low can be" in result.stderr
        assert "--set highlow.min_price_change=1e-9" in result.stderr
        lower = here("replay", "a.parquet", "--set", "highlow.min_price_change=1e-9", "--json")
        assert '"tick.detected.high": 3' in lower.stdout
        assert "min_price_change" not in lower.stderr


def test_a_narrow_terminal_keeps_the_names_of_files(here: Here, tmp_path: Path) -> None:
    """At 40 columns times go below each other, and names stay whole."""
    write(tmp_path / "IBM.parquet", ["2026-03-02 15:00", "2026-03-03 15:00"])
    head = here("inspect", "IBM.parquet", environment={"COLUMNS": "40"}).stdout.splitlines()[:8]
    assert any(line.split()[:3] == ["IBM", "tick", "2"] for line in head), head


def test_a_rejected_row_is_told_under_the_name_of_its_column(here: Here, tmp_path: Path) -> None:
    """Also where a known layout has found the column."""
    times = [parse_time("2026-03-02 15:00") // 10**6] * 2
    pq.write_table(pa.table({"sym": ["A", "A"], "p": [1.0, 0.0], "s": [1, 1], "t": times}), tmp_path / "a.parquet")
    told = error_line(here("replay", "a.parquet", "--strict"))
    assert "row 1 has a price that is no number above zero (p=0.0)" in told
