"""How a backtest looks on a narrow terminal and on a wide one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.backtest.days import write_walk
from tests.unit.cli.test_render_review import drawn
from tickstock_cli.backtest.lookahead import CutResult, LookaheadResult, StartResult
from tickstock_cli.backtest.request import BacktestRequest
from tickstock_cli.backtest.run import BacktestResult, backtest
from tickstock_cli.build import settings_from
from tickstock_cli.cli.render_backtest import backtest_view
from tickstock_cli.study.cells import StudyCell

SETTINGS = settings_from({"study": {"horizons": ("1m", "5m", "close"), "thin": 5}})
SECOND = 1_000_000_000


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> BacktestResult:
    """Backtest four days once."""
    return backtest(BacktestRequest([write_walk(tmp_path_factory.mktemp("days") / "days")], SETTINGS))


@pytest.mark.parametrize("width", [80, 200])
def test_the_table_has_one_line_a_cell_at_any_width(result: BacktestResult, width: int) -> None:
    """Its heading, a line for each kind, direction and source, and below it the horizons in their order."""
    lines = drawn(backtest_view(result, SETTINGS), width)
    heading = next(place for place, line in enumerate(lines) if line.split()[:3] == ["n", "mean", "bp"])
    groups = [line for line in lines[heading + 2 :] if line.split()[-1:] == ["tick"]]
    first = lines.index(groups[0])

    assert max(map(len, lines)) <= width
    assert groups[:2] == ["high up tick", "low down tick"]
    assert [line.split()[0] for line in lines[first + 1 : first + 4]] == ["1m", "5m", "close"]
    assert all(len(line) == 78 for line in lines[first + 1 : first + 4] if not line.endswith(("-", "thin")))


def _not_thin(cells: Sequence[StudyCell]) -> list[StudyCell]:
    return [StudyCell({**cell.values, "thin": False}) for cell in cells]


def test_thin_cells_are_counted_and_not_shown(result: BacktestResult) -> None:
    """Unless there are no others: a table without a row would hide that there is something."""
    cells = result.study.table.cells
    thin = [StudyCell({**cell.values, "thin": True}) for cell in cells]

    def shown(*drawn_cells: StudyCell) -> str:
        study = replace(result.study, table=replace(result.study.table, cells=drawn_cells))
        return "\n".join(drawn(backtest_view(replace(result, study=study), SETTINGS), 80))

    assert "2 thin cells not shown: --out and --json have all" in shown(*thin[:2], *_not_thin(cells[2:]))
    assert "not shown" not in shown(*thin)
    assert shown(*thin).count("\n  1m ") == sum(
        cell.values["direction"] is not None and cell.values["horizon"] == "1m" for cell in cells
    )


def test_a_failed_check_names_the_first_cut_and_the_event(result: BacktestResult) -> None:
    """And how many of the cuts fail."""
    good = CutResult(1_718_028_000 * SECOND, 10, 9, 8, 0, 0, None)
    bad = replace(
        good, at=good.at + SECOND, difference="high up of AAA (tick), decided then: found only with later rows"
    )
    lines = drawn(backtest_view(replace(result, lookahead=LookaheadResult((good, bad), ())), SETTINGS), 80)
    text = " ".join(" ".join(lines).split())

    assert "LOOK-AHEAD: 1 of 2 cuts change what was decided before them." in text
    assert "cut at 2024-06-10T14:00:01Z: high up of AAA (tick), decided then: found only with later rows" in text


def test_the_warm_up_is_the_longest_and_what_cannot_be_known_is_said(result: BacktestResult) -> None:
    """A start near the end of the recording shows nothing."""
    start = StartResult(1_718_028_000 * SECOND, 100, 5, 60, 1_500 * SECOND)
    late = replace(start, unchanged=0, warm_up_ns=None)

    def told(*starts: StartResult) -> str:
        checked = replace(result, lookahead=LookaheadResult((), starts))
        return " ".join(" ".join(drawn(backtest_view(checked, SETTINGS), 200)).split())

    assert "begun later, at 2 moments, events are the same from 25 min 0 s on; 1 start had too little" in told(
        start, late
    )
    assert "begun later, at 1 moment, the recording gives other events up to its end" in told(late)


def test_an_interrupted_backtest_says_so_first(result: BacktestResult) -> None:
    """Its figures are those of the rows so far."""
    stopped = replace(result, run=replace(result.run, interrupted=True), interrupted=True)

    assert drawn(backtest_view(stopped, SETTINGS), 80)[0] == "Stopped early: what follows is of 968 rows."


def test_written_files_are_named(result: BacktestResult) -> None:
    """On the last line, with their folder."""
    written = replace(result, outputs=(Path("found/cells.parquet"), Path("found/result.json")))

    assert drawn(backtest_view(written, SETTINGS), 80)[-1] == "found: cells.parquet, result.json"
