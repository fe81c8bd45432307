"""`tickstock backtest` as a user runs it."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from time import sleep

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.cli.altered import SCANS, SLUGGISH
from tests.cli.conftest import Here
from tests.cli.processes import running
from tests.cli.running import error_line
from tests.unit.backtest.days import DAYS, write_bars, write_walk
from tests.unit.backtest.planted import CLAIRVOYANT
from tickstock_cli import detectors
from tickstock_cli.backtest import price_source
from tickstock_cli.study.cells import CELL_KEYS
from tickstock_cli.testing import new_york

QUICK = ("--horizons", "1m,5m", "--set", "study.thin=5")

LOWS = """
from tickstock_cli.trading.protocol import SELL, MarketOrder, TradingStrategy

class Lows(TradingStrategy):
    settings = {"exit": {"after": "2m"}}

    def on_event(self, event, portfolio):
        return [MarketOrder(event.ticker, SELL, 10)] if event.kind == "low" else []
"""


@pytest.fixture
def days(here: Here, tmp_path: Path) -> Path:  # noqa: ARG001 - the folder is the test's own
    """Write four days of two tickers."""
    return write_walk(tmp_path / "days")


@pytest.mark.usefixtures("days")
def test_the_summary_fits_80_columns_and_says_what_it_means(here: Here) -> None:
    """First words, then the table, then what was not observed and what to be careful with."""
    result = here("backtest", "days", *QUICK, environment={"COLUMNS": "80"})
    lines = result.stdout.splitlines()
    text = " ".join(result.stdout.split())

    assert (result.returncode, result.stderr) == (0, "")
    assert max(map(len, lines)) <= 80
    assert " of excess" in lines[0]
    assert "• high up, tick, " in text
    assert "; the same stocks at the same time of the next days" in text
    assert "Calibration: where nothing can have happened, " in text
    assert "observations" in text
    assert "have no placebo" in text
    assert text.split()[-2] == "digest"


@pytest.mark.usefixtures("days")
def test_a_folder_gets_every_observation_every_cell_and_the_result(here: Here) -> None:
    """What --json prints is result.json; the counts are those of the files."""
    result = here("backtest", "days", *QUICK, "--out", "out", "--json")
    told = json.loads(result.stdout)
    observations = pq.read_table("out/observations.parquet")
    cells = pq.read_table("out/cells.parquet")
    study = told["study"]

    assert result.returncode == 0
    assert {**told, "seconds": 0, "peak_rss_bytes": 0} == {
        **json.loads(Path("out/result.json").read_text()),
        "seconds": 0,
        "peak_rss_bytes": 0,
    }
    assert observations.num_rows == 2 * study["counts"]["events"]
    assert observations["horizon"].to_pylist()[:4] == ["1m", "5m", "1m", "5m"]
    assert cells.column_names == list(study["cells"][0]) == list(CELL_KEYS)
    assert cells.to_pylist() == study["cells"]


@pytest.mark.usefixtures("days")
def test_results_are_never_read_as_recordings(here: Here) -> None:
    """A recording and its backtest may share a folder."""
    first = json.loads(here("backtest", "days", *QUICK, "--out", "days", "--json").stdout)
    second = here("backtest", "days", *QUICK, "--out", "days", "--json")

    assert json.loads(second.stdout)["digest"] == first["digest"]
    assert second.stderr.count("note: days holds other files, too, which were left as they are: ticks.parquet") == 1


def test_one_day_has_no_placebo_and_the_summary_says_what_that_means(here: Here, tmp_path: Path) -> None:
    """No number pretends to be an excess."""
    write_walk(tmp_path / "day", days=1)
    result = here("backtest", "day", *QUICK)
    cells = json.loads(here("backtest", "day", *QUICK, "--json").stdout)["study"]["cells"]
    text = " ".join(result.stdout.split())

    assert text.startswith("No cell can be tested against a placebo, so nothing says that these events matter.")
    assert "excess unknown (no observation has a placebo)" in text
    assert "There is no placebo: no event has a recorded day within 14 days behind it" in text
    assert {cell["excess_mean"] for cell in cells} == {cell["excess_p"] for cell in cells} == {None}


@pytest.mark.usefixtures("days")
def test_given_events_are_judged_instead_of_detected_ones(here: Here) -> None:
    """Anyone's, with a ticker, a time and a direction."""
    times = [new_york(day, "10:10:00") for day in DAYS[:3]]
    rows = [f"AAA,{time},up" for time in times]
    Path("mine.csv").write_text("\n".join(["ticker,time,direction", *rows, ""]))
    told = json.loads(here("backtest", "days", "--events", "mine.csv", "--horizons", "1m", "--json").stdout)

    assert told["study"]["counts"] == {
        "events": 3,
        "observed": 3,
        "no_direction": 0,
        "outside": 0,
        "no_entry": 0,
        "cut": 0,
    }
    assert told["study"]["cells"][0]["kind"] == "event"
    assert told["study"]["cells"][0]["placebo_events"] == 3


@pytest.mark.usefixtures("days")
def test_strategies_trade_the_events_with_books_of_their_own(here: Here) -> None:
    """One from a file and one in Python, above both a value of --set; every table begins with the strategy's name."""
    Path("highs.toml").write_text('[[enter]]\nkinds = ["high"]\n[exit]\nafter = "1m"\n')
    Path("lows_of_mine.py").write_text(LOWS)
    strategies = ("--strategy", "highs.toml", "--strategy", "lows_of_mine:Lows", "--set", "fees.per_share=0.01")
    result = here("backtest", "days", *QUICK, *strategies, "--out", "out", environment={"COLUMNS": "80"})
    told = json.loads(Path("out/result.json").read_text())["strategies"]
    trades = pq.read_table("out/trades.parquet")
    text = " ".join(result.stdout.split())

    assert (result.returncode, result.stderr) == (0, "")
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert [strategy["name"] for strategy in told] == ["highs", "Lows"]
    for strategy in told:
        mine = trades.filter(pc.equal(trades["strategy"], strategy["name"]))
        assert strategy["trades"] == mine.num_rows > 0
        assert strategy["net_micros"] == pc.sum(mine["net_micros"]).as_py()
        assert strategy["cash_end_micros"] == 100_000_000_000 + strategy["net_micros"]
        assert f"• {strategy['name']}: {mine.num_rows} trades, net " in text
    for name in ("signals", "orders", "fills", "equity"):
        assert pq.read_table(f"out/{name}.parquet").column_names[0] == "strategy"
    assert "unknown (fewer than 20 daily returns): annual return, " in text


@pytest.mark.usefixtures("days")
def test_signals_and_fills_are_in_the_check_and_in_one_digest(here: Here) -> None:
    """Checkpoints and batches change no trade."""
    Path("highs.toml").write_text('[[enter]]\nkinds = ["high"]\n[exit]\nafter = "1m"\n')
    traded = ("backtest", "days", *QUICK, "--strategy", "highs.toml", "--json")
    whole = json.loads(here(*traded, "--check-lookahead", "2").stdout)
    other = json.loads(here(*traded, "--batch-rows", "13", "--checkpoint", "kept").stdout)

    assert whole["lookahead"]["same"] is True
    assert all(cut["signals"] > 0 for cut in whole["lookahead"]["cuts"])
    assert whole["digest"] == other["digest"]
    assert whole["strategies"] == other["strategies"]


@pytest.mark.usefixtures("days")
def test_the_check_for_look_ahead_passes_for_our_detectors(here: Here) -> None:
    """An option without a number, as people will type it; the result has every cut."""
    result = here("backtest", "--check-lookahead", "3", "days", *QUICK, "--out", "out")
    checked = json.loads(Path("out/result.json").read_text())["lookahead"]

    assert result.returncode == 0
    assert "No look-ahead: cut off at 3 moments, the recording gives the same " in result.stdout
    assert "Warm-up: begun later, at 3 moments, " in result.stdout
    assert checked["same"] is True
    assert len(checked["cuts"]) == len(checked["starts"]) == 3


@pytest.mark.usefixtures("days")
def test_a_detector_that_cheats_ends_with_exit_code_4(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """The results are written and printed all the same, and say so."""
    monkeypatch.setitem(detectors.PARTS, "highlow", CLAIRVOYANT)
    result = here("backtest", "days", *QUICK, "--check-lookahead", "3", "--out", "out")

    assert result.returncode == 4
    assert "LOOK-AHEAD: " in result.stdout
    assert result.stderr.splitlines()[-1].startswith("error: what was decided depends on rows that came later: ")
    assert json.loads(Path("out/result.json").read_text())["lookahead"]["same"] is False


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (("--horizons", "5x"), 2, "close or a duration with s, m or h behind it, as in 5m, was 5x"),
        (("--horizons", "1m,60s"), 2, "must name each length once, but 60s is as long as 1m"),
        (("--set", "study.latency_ms=1e300"), 2, "must be less than or equal to 86400000"),
        (("--set", "prices.open_slack_ms=1e18"), 2, "must be less than or equal to 86400000"),
        (("--set", "study.max_wait_seconds=1e12"), 2, "must be less than or equal to 1000000000"),
        (("--set", "study.end_slack_seconds=1e300"), 2, "must be less than or equal to 1000000000"),
        (("--set", "study.horizon=1m"), 2, "unknown setting study.horizon (in --set); did you mean study.horizons?"),
        (("--set", "prices.source=ohlcv"), 3, "no file of prices.source ohlcv in days: a backtest needs prices"),
        (("--resume",), 2, "--resume needs --checkpoint DIR: the folder of the backtest to go on with"),
        (("--out", "a-file"), 1, "cannot write a-file: it is a file, and a backtest needs a folder; name another one"),
        (("--out", "a-file/below"), 1, "part of its path is a file, not a folder; choose another name"),
        (("--events", "none.csv"), 3, "none.csv does not exist"),
        (("--events", "a-file.csv"), 3, "a-file.csv has no column ticker or symbol; it has name, when"),
        (("--truth", "nowhere"), 3, "nowhere does not exist; name the truth of a market, or its folder"),
        (("--sort", "--late", "reject"), 2, "--sort and --late reject exclude each other; choose one"),
        (("--set", "exit.stop_percent=1"), 2, "--set exit.stop_percent=1 is for a strategy: name one with --strategy"),
        (
            ("--strategy", "none.toml"),
            2,
            "cannot read the strategy none.toml: no such file or directory; name an existing",
        ),
        (("--strategy", "s.toml", "--strategy", "s.toml"), 2, "are both named s: give one of them another name"),
        (("--strategy", "s.toml", "--set", "exit.stop=1"), 2, "unknown key exit.stop (in --set); did you mean stop_pe"),
        (("--strategy", "nowhere:Class"), 2, "cannot load the strategy nowhere:Class: ModuleNotFoundError"),
        (("--check-lookahead", "99999999"), 2, "must be less than or equal to 10000"),
    ],
)
@pytest.mark.usefixtures("days")
def test_a_mistake_is_one_line(here: Here, arguments: tuple[str, ...], code: int, line: str) -> None:
    """What is wrong, which value, what to do; no folder is left behind."""
    Path("a-file").touch()
    Path("s.toml").write_text('[[enter]]\nkinds = ["high"]\n')
    Path("a-file.csv").write_text("name,when\nAAA,1\n")
    given = arguments if "--out" in arguments else (*arguments, "--out", "out")
    result = here("backtest", "days", *given)

    assert line in error_line(result)
    assert result.returncode == code
    assert not Path("out").exists()


def test_a_horizon_below_the_bars_is_refused(here: Here, tmp_path: Path) -> None:
    """Bars of a minute know no price of 30 seconds later."""
    write_bars(tmp_path / "bars")

    assert error_line(here("backtest", "bars", "--horizons", "30s")) == (
        "study.horizons has 30s, but the recording has bars of 60 s: name horizons of at least that"
    )


@pytest.mark.usefixtures("days")
def test_the_truth_is_scored_in_the_same_summary(here: Here) -> None:
    """A user's table of labelled moves: kind, ticker, direction, start, end."""
    begun, ended = new_york(DAYS[0], "10:00:00"), new_york(DAYS[-1], "16:00:00")
    moved = {"kind": ["high"], "ticker": ["AAA"], "direction": [1], "start": [begun], "end": [ended]}
    pq.write_table(pa.table(moved), "truth.parquet")
    result = here("backtest", "days", *QUICK, "--truth", "truth.parquet", "--json")
    score = json.loads(result.stdout)["score"]

    assert score["kinds"]["high"]["injected"] == score["kinds"]["high"]["found"] == 1
    assert "high" not in score["unscored"]


@pytest.mark.usefixtures("days")
def test_ctrl_c_prints_the_results_so_far_and_writes_no_file(tmp_path: Path) -> None:
    """Half a recording under the name of a result would pass for one."""
    slow = ("backtest", "days", *QUICK, "--batch-rows", "10", "--out", "out", "--checkpoint", "kept")
    with running(*slow, folder=tmp_path, detector=SLUGGISH) as process:
        while not SCANS.exists() and process.poll() is None:
            sleep(0.01)
        process.send_signal(signal.SIGINT)
        told, error = process.communicate()

    assert process.returncode == 130
    assert told.startswith("Stopped early: what follows is of ")
    assert error.splitlines()[-1].startswith("stopped after ")
    assert error.endswith(" rows; no file was written to out; go on with --checkpoint kept --resume\n")
    assert not Path("out").exists()


def test_a_move_beyond_all_numbers_is_bad_data(here: Here, tmp_path: Path) -> None:
    """Its return would be infinite, and so would every mean with it."""
    times = [new_york("2024-06-12", f"10:{minute:02d}:00") for minute in range(10)]
    prices = [1e-300] * 5 + [1e300] * 5
    columns = {"ticker": ["A"] * 10, "timestamp": times, "price": prices, "size": [100.0] * 10}
    pq.write_table(pa.table(columns), tmp_path / "ticks.parquet")
    (tmp_path / "mine.csv").write_text(f"ticker,time,direction\nA,{times[1]},up\n")
    result = here("backtest", "ticks.parquet", "--events", "mine.csv", "--horizons", "7m")

    assert result.returncode == 3
    note, error = result.stderr.splitlines()
    assert "prices are beyond 1,000,000" in note
    assert error == (
        "error: a price of the recording is beyond 1e280 times an earlier one of its ticker and day; correct it"
    )


def test_bars_received_two_years_later_are_had_at_their_open_and_their_close_is_not_known(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the day is available when a horizon ends, so no price has moved. Among many bars, such never open."""
    times = [new_york("2024-06-12", f"10:{minute:02d}:00") for minute in range(10)]
    received = [new_york("2026-06-12", "10:00:00")] * 10
    prices = {name: [100.0 + minute for minute in range(10)] for name in ("open", "high", "low", "close")}
    columns = {"ticker": ["A"] * 10, "timestamp": times, **prices, "volume": [100.0] * 10, "received_at": received}
    pq.write_table(pa.table(columns), tmp_path / "bars.parquet")
    (tmp_path / "mine.csv").write_text(f"ticker,time,direction\nA,{times[1] - 200_000_000},up\n")
    here("backtest", "bars.parquet", "--events", "mine.csv", "--horizons", "5m", "--out", "out")
    (row,) = pq.read_table("out/observations.parquet").to_pylist()

    assert (row["status"], row["entry_time"], row["entry_price"]) == ("observed", times[1], 101.0)
    assert (row["return_bps"], row["mfe_bps"], row["mae_bps"]) == (0.0, 0.0, 0.0)
    monkeypatch.setattr(price_source, "MANY_BARS", 9)
    here("backtest", "bars.parquet", "--events", "mine.csv", "--horizons", "5m", "--out", "out")
    assert pq.read_table("out/observations.parquet")["status"].to_pylist() == ["no_entry"]


@pytest.mark.usefixtures("days")
def test_a_strategy_may_name_the_sources_of_given_events(here: Here) -> None:
    """Anyone's events have a source of their own, and "given" without one."""
    Path("rule.toml").write_text('[[enter]]\nsources = ["desk"]\n')
    rows = [
        f"AAA,{new_york(day, '10:10:00')},up,{source}" for day, source in zip(DAYS, ("desk", "", "tick"), strict=False)
    ]
    Path("mine.csv").write_text("\n".join(["ticker,time,direction,source", *rows, ""]))
    told = here("backtest", "days", "--events", "mine.csv", "--strategy", "rule.toml", "--json")

    assert json.loads(told.stdout)["strategies"][0]["signals"] == {"signals": 1, "taken": 1}
    assert "no source of events named 'desk'" in here("backtest", "days", "--strategy", "rule.toml").stderr
