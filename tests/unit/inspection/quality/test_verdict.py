"""What an inspection says of the quality of a file, and how it scores it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.core.batch import BarBatch, FmvBatch, TickBatch
from tickstock_cli.core.calendar import Calendar
from tickstock_cli.inspection.inspect import inspect
from tickstock_cli.inspection.quality import ASPECTS, aspects_of
from tickstock_cli.inspection.quality.aspects import QualityFinding
from tickstock_cli.inspection.quality.verdict import costs as quality_costs
from tickstock_cli.inspection.quality.verdict import verdict
from tickstock_cli.inspection.report import FileReport
from tickstock_cli.inspection.survey import Survey
from tickstock_cli.sources.recordings import ReadOptions, Recordings, Unsorted

OPEN = 1_381_239_000_000_000_000
"""2013-10-08 09:30 in New York, ns: a full session of 23,400 s follows."""
SECOND = 1_000_000_000
SESSION = 23_400


def written(path: Path, seconds: Any, ticker: str = "IBM", **columns: Any) -> Path:
    """Write ticks so many seconds after the open; columns can be replaced or added."""
    times = OPEN + (np.asarray(seconds, dtype=np.float64) * SECOND).astype(np.int64)
    rows = len(times)
    sizes = np.where(np.arange(rows) % 3 == 0, 100, 37)
    table = {"ticker": [ticker] * rows, "timestamp": times, "price": np.full(rows, 180.0), "size": sizes}
    pq.write_table(pa.table({**table, **columns}), path)
    return path


def found(*paths: Path) -> FileReport:
    """Inspect, and return the report of the first file."""
    return inspect(paths, ReadOptions(), Calendar("XNYS")).files[0]


def finding(report: FileReport, aspect: str) -> QualityFinding:
    """Return the one finding of an aspect."""
    (one,) = (finding for finding in report.verdict.findings if finding.aspect == aspect)
    return one


def costs(report: FileReport) -> set[str]:
    """Return the aspects that cost points."""
    return {finding.aspect for finding in report.verdict.findings if finding.points}


class TestScore:
    """A score of 100 less what the findings cost."""

    def test_a_whole_session_of_a_trade_a_second_has_nothing_wrong(self, tmp_path: Path) -> None:
        """Full marks, and a word for them."""
        report = found(written(tmp_path / "a.parquet", range(SESSION)))
        assert (report.verdict.score, report.verdict.word, report.verdict.line) == (100, "good", "good, 100 of 100")

    def test_what_costs_is_named_in_the_line_the_most_expensive_first(self, tmp_path: Path) -> None:
        """A third of the rows are rejected (40 points at most), and the row behind them is out of order (2)."""
        prices = np.full(3_000, 180.0)
        prices[:1_000] = -1.0
        seconds = np.arange(3_000.0) * 7.8
        seconds[2_500] = 9_000.0
        report = found(written(tmp_path / "a.parquet", seconds, price=prices))
        assert report.verdict.line == "poor, 43 of 100 (rejected -40, begin -15, unsorted -2)"

    @given(st.lists(st.tuples(st.sampled_from("abcd"), st.floats(0, 30)), max_size=8))
    def test_costs_add_up_to_what_is_missing(self, told: list[tuple[str, float]]) -> None:
        """In whole points, and all that is told as a cost is at least one."""
        found = verdict([QualityFinding(aspect, "", points) for aspect, points in told], usable=True)
        lost = quality_costs(found.findings)
        assert found.score == max(1, 100 - sum(lost.values()))
        assert set(lost) == {aspect for aspect, points in told if points}
        assert all(f"{aspect} -{points}" in found.line for aspect, points in lost.items())

    def test_a_file_without_a_usable_row_is_unusable(self, tmp_path: Path) -> None:
        """0 of 100 is kept for that."""
        report = found(written(tmp_path / "a.parquet", range(5), price=[-1.0] * 5))
        assert (report.verdict.score, report.verdict.word) == (0, "unusable")

    def test_rows_that_are_there_twice_cost(self, tmp_path: Path) -> None:
        """Some equal trades are usual; half of all rows is a file that was written twice."""
        report = found(written(tmp_path / "a.parquet", np.repeat(np.arange(SESSION), 2), size=[100] * SESSION * 2))
        assert finding(report, "duplicates").points == 20

    def test_the_recording_has_the_mean_of_its_files_by_rows(self, tmp_path: Path) -> None:
        """A small bad file does not spoil a large good one."""
        good = written(tmp_path / "a.parquet", range(SESSION))
        bad = written(tmp_path / "b.parquet", range(0, SESSION, 10), "MSFT", size=[1] * (SESSION // 10))
        report = inspect([good, bad], ReadOptions(), Calendar("XNYS"))
        assert [file.verdict.score for file in report.files] == [100, 90]
        assert report.score == (100 * SESSION + 90 * SESSION // 10) // (SESSION + SESSION // 10)


class TestGaps:
    """A ticker is held against its own rate."""

    def test_ten_minutes_without_a_row_are_a_gap_of_a_ticker_that_trades_every_second(self, tmp_path: Path) -> None:
        """The finding has the ticker, the length, and the time of the last row before."""
        seconds = [second for second in range(SESSION) if not 3_600 < second < 4_200]
        gap = finding(found(written(tmp_path / "a.parquet", seconds)), "gaps")
        assert "IBM, 10 min 0 s" in gap.text
        assert gap.since == OPEN + 3_600 * SECOND
        assert gap.points > 0

    def test_the_same_ten_minutes_are_nothing_for_a_ticker_that_trades_twice_a_minute(self, tmp_path: Path) -> None:
        """30 seconds apart, ten minutes are 20 times its distance."""
        seconds = [second for second in range(0, SESSION, 30) if not 3_600 < second < 4_200]
        assert "gaps" not in costs(found(written(tmp_path / "a.parquet", seconds)))

    def test_a_gap_over_two_files_of_a_day_is_found(self, tmp_path: Path) -> None:
        """Hourly files are one session; the finding is that of the file behind the gap."""
        before = written(tmp_path / "a.parquet", range(3_600))
        after = written(tmp_path / "b.parquet", range(7_200, SESSION))
        first, second = inspect([before, after], ReadOptions(), Calendar("XNYS")).files
        assert "gaps" not in costs(first)
        assert finding(second, "gaps").since == OPEN + 3_599 * SECOND

    def test_nights_and_the_hours_around_the_session_are_no_gaps(self, tmp_path: Path) -> None:
        """Two whole sessions, and a trade in the evening between them."""
        day = 86_400
        seconds = [*range(SESSION), SESSION + 7_200, *range(day, day + SESSION)]
        assert not costs(found(written(tmp_path / "a.parquet", seconds)))

    def test_twelve_missing_minutes_of_bars_are_a_gap(self, tmp_path: Path) -> None:
        """Minute bars of every minute but twelve; two missing ones are nothing."""
        few = bars(tmp_path / "few.parquet", [minute for minute in range(390) if not 100 < minute <= 102])
        many = bars(tmp_path / "many.parquet", [minute for minute in range(390) if not 100 < minute <= 112])
        assert not costs(found(few))
        assert "13 min 0 s" in finding(found(many), "gaps").text


class TestEnds:
    """A liquid ticker has rows at both ends of a session."""

    def test_a_recording_that_stopped_at_noon_says_so(self, tmp_path: Path) -> None:
        """Four hours before the close."""
        end = finding(found(written(tmp_path / "a.parquet", range(9_000))), "end")
        assert "1 of 1 session of liquid tickers" in end.text
        assert "IBM, by 4 h 0 min" in end.text

    def test_a_recording_that_began_late_says_so(self, tmp_path: Path) -> None:
        """Ten minutes after the open."""
        begin = finding(found(written(tmp_path / "a.parquet", range(600, SESSION))), "begin")
        assert "IBM, by 10 min 0 s" in begin.text

    def test_an_illiquid_ticker_may_be_silent_at_the_end(self, tmp_path: Path) -> None:
        """Uneven distances around a minute: nobody expects a trade at the close."""
        seconds = np.cumsum(np.tile([20, 90, 70], 100))
        assert not costs(found(written(tmp_path / "a.parquet", seconds)))

    def test_bars_of_a_whole_session_end_at_the_close(self, tmp_path: Path) -> None:
        """The last bar starts a minute before."""
        assert not costs(found(bars(tmp_path / "a.parquet", range(390))))


class TestSizes:
    """Sizes that are shares."""

    def test_round_lots_and_fractions_are_counted(self, tmp_path: Path) -> None:
        """A quarter round lots, a quarter fractions."""
        sizes = np.tile([100.0, 0.5, 37.0, 51.0], SESSION // 4)
        report = found(written(tmp_path / "a.parquet", range(SESSION), size=sizes))
        assert report.quality["sizes"] == {"round_lots": 0.25, "fractional": 0.25, "zero": 0.0}
        assert finding(report, "sizes").text == "25 % are round lots, 25 % have fractions of shares"

    def test_sizes_that_are_never_round_lots_may_be_lots(self, tmp_path: Path) -> None:
        """1, 2 and 3 hundred shares, written as 1, 2 and 3."""
        sizes = np.tile([1, 2, 3], SESSION // 3)
        advice = finding(found(written(tmp_path / "a.parquet", range(SESSION), size=sizes)), "sizes").advice
        assert advice == "if they are lots, set recordings.scale.size=100"

    def test_one_size_for_all_trades_is_no_size(self, tmp_path: Path) -> None:
        """A filler value of an exporter."""
        report = found(written(tmp_path / "a.parquet", range(SESSION), size=[1] * SESSION))
        assert finding(report, "sizes").points == 10


class TestDelays:
    """Times of arrival against times of rows."""

    def test_rows_received_before_their_time_show_a_clock_that_is_behind(self, tmp_path: Path) -> None:
        """Every tenth row arrives 40 ms before it was made."""
        delays = np.where(np.arange(SESSION) % 10 == 0, -40_000_000, 5_000_000)
        times = OPEN + np.arange(SESSION) * SECOND
        clock = finding(found(written(tmp_path / "a.parquet", range(SESSION), received_at=times + delays)), "clock")
        assert "2,340 rows" in clock.text
        assert "by up to 40 ms" in clock.text

    def test_delays_are_known_to_a_tenth(self, tmp_path: Path) -> None:
        """Half within 5 ms, one in fifty takes 80 ms."""
        delays = np.where(np.arange(SESSION) % 50 == 0, 80_000_000, 5_000_000)
        times = OPEN + np.arange(SESSION) * SECOND
        report = found(written(tmp_path / "a.parquet", range(SESSION), received_at=times + delays))
        assert report.quality["delays"]["median_seconds"] == pytest.approx(0.005, rel=0.1)
        assert report.quality["delays"]["p99_seconds"] == pytest.approx(0.080, rel=0.1)
        assert not costs(report)

    def test_a_delayed_feed_is_told_from_a_network(self, tmp_path: Path) -> None:
        """15 minutes."""
        times = OPEN + np.arange(SESSION) * SECOND
        report = found(written(tmp_path / "a.parquet", range(SESSION), received_at=times + 900 * SECOND))
        assert "a delayed feed" in finding(report, "delay").text

    def test_no_more_delay_is_told_than_there_was(self, tmp_path: Path) -> None:
        """Delays are counted in steps: what half of the rows exceed is the lower bound of one."""
        times = OPEN + np.arange(SESSION) * SECOND
        report = found(written(tmp_path / "a.parquet", range(SESSION), received_at=times + 272 * 86_400 * SECOND))
        assert "half of the rows were received more than 270 d 9 h after their time" in finding(report, "delay").text


class TestConditions:
    """Condition ids of trades."""

    def test_an_id_of_no_table_is_named_with_its_count(self, tmp_path: Path) -> None:
        """Ids 12 and 37 are known, 90 is not."""
        ids = pa.array([[12, 37], [90], [], None] * (SESSION // 4), pa.list_(pa.int32()))
        flags = pa.array([0] * SESSION, pa.uint8())
        report = found(written(tmp_path / "a.parquet", range(SESSION), conditions=ids, flags=flags))
        assert report.quality["conditions"]["unknown"] == {"90": SESSION // 4}
        assert "90 (5,850)" in finding(report, "conditions").text

    def test_conditions_without_flags_are_not_used_and_that_is_said(self, tmp_path: Path) -> None:
        """As text, like in the real recordings."""
        report = found(written(tmp_path / "a.parquet", range(SESSION), conditions=["20"] * SESSION))
        assert "no flags" in finding(report, "conditions").text


class TestChecksums:
    """Page checksums."""

    @pytest.mark.parametrize("protected", [True, False])
    @pytest.mark.parametrize("dictionary", [True, False])
    def test_a_file_says_whether_its_pages_are_protected(
        self, tmp_path: Path, protected: bool, dictionary: bool
    ) -> None:
        """Whatever the first page is, of values or of a dictionary."""
        path = written(tmp_path / "a.parquet", range(SESSION))
        pq.write_table(pq.read_table(path), path, write_page_checksum=protected, use_dictionary=dictionary)
        assert found(path).quality["checksums"] == {"checksums": protected}


class TestAspects:
    """The contract of every registered aspect."""

    @pytest.mark.parametrize("name", [name for name, _ in ASPECTS])
    def test_the_steps_of_a_pass_do_not_matter(self, tmp_path: Path, name: str) -> None:
        """An aspect finds the same at any number of rows a step."""
        seconds = np.sort(np.random.default_rng(7).uniform(0, 12_000, 600))
        times = OPEN + (seconds * SECOND).astype(np.int64) + 3_000_000
        path = written(tmp_path / "a.parquet", seconds, received_at=times)
        other = bars(tmp_path / "b.parquet", range(0, 390, 2))
        outcomes = [measured(name, [path, other], rows) for rows in (1, 97, 10_000)]
        assert outcomes[0] == outcomes[1] == outcomes[2]

    @pytest.mark.parametrize("name", [name for name, _ in ASPECTS])
    def test_no_rows_are_no_findings_that_cost(self, tmp_path: Path, name: str) -> None:
        """An empty file is the business of the counts, not of an aspect."""
        path = written(tmp_path / "a.parquet", np.zeros(0), ticker="", size=pa.array([], pa.int64()))
        table = pq.read_table(path)
        pq.write_table(table.set_column(0, "ticker", pa.array([], pa.string())), path)
        assert not [points for _, points in measured(name, [path], 10)[0][1] if points]


def measured(name: str, paths: Sequence[Path], rows: int) -> list[tuple[dict[str, Any], list[tuple[str, float]]]]:
    """Return what an aspect finds in files if it sees so many rows at once."""
    with Recordings.open(paths, ReadOptions(unsorted=Unsorted.REJECT)) as recordings:
        aspect = aspects_of(recordings.files, recordings.symbols)[name]
        survey = Survey(len(recordings.files), recordings.symbols, Calendar("XNYS"), {name: aspect})
        for step in recordings.batches(rows):
            survey.add(step)
        aspect.finish()
        results = [aspect.measured(file) for file in recordings.files]
        return [(dict(one.figures), [(each.text, each.points) for each in one.findings]) for one in results]


def bars(path: Path, minutes: Sequence[int] | Iterator[int]) -> Path:
    """Write minute bars of IBM that begin so many minutes after the open."""
    times = [OPEN + minute * 60 * SECOND for minute in minutes]
    prices = {name: [180.0] * len(times) for name in ("open", "high", "low", "close")}
    table = {"ticker": ["IBM"] * len(times), "timestamp": times, **prices, "volume": [1_000] * len(times)}
    pq.write_table(pa.table(table), path)
    return path


def test_every_batch_type_has_rules_for_gaps() -> None:
    """A new record type cannot be forgotten."""
    from tickstock_cli.inspection.quality.rhythm import RULES

    assert set(RULES) == {TickBatch, BarBatch, FmvBatch}
