"""The report of a recording is one file, however the run was cut."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.backtest.days import write_walk
from tickstock_cli.backtest.request import BacktestRequest
from tickstock_cli.backtest.run import backtest
from tickstock_cli.backtest.strategies import named_strategies
from tickstock_cli.build import settings_from
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.observer import Observer
from tickstock_cli.errors import CheckpointError

STRATEGY = """
[[enter]]
[exit]
stop_percent = 0.2
after = "5m"
"""


class _StopAfter(Observer):
    """Stops a run after some rows."""

    def __init__(self, control: Control, rows: int) -> None:
        self._control = control
        self._rows = rows

    def advanced(self, rows: int, market_time: int) -> None:  # noqa: ARG002 - the observer's signature
        if rows >= self._rows:
            self._control.stop()


@pytest.fixture
def walk(tmp_path: Path) -> BacktestRequest:
    """Return a backtest of four days with a strategy that trades every event."""
    rules = tmp_path / "all.toml"
    rules.write_text(STRATEGY)
    settings = settings_from({"study": {"horizons": ("1m", "5m"), "thin": 5}})
    path = write_walk(tmp_path / "days")
    return BacktestRequest([path], settings, strategies=named_strategies([str(rules)]), out=tmp_path / "whole")


def test_a_run_that_was_stopped_and_went_on_writes_the_same_bytes(walk: BacktestRequest, tmp_path: Path) -> None:
    """Curves around events and prices around trades are part of the checkpoint; batches are of another size."""
    backtest(walk)
    page = (tmp_path / "whole" / "report.html").read_bytes()
    parts = replace(walk, batch_rows=50, checkpoint=tmp_path / "kept", out=tmp_path / "parts")
    control = Control()
    backtest(parts, control, lambda _: _StopAfter(control, 500))
    backtest(replace(parts, batch_rows=70, resume=True))

    assert (tmp_path / "parts" / "report.html").read_bytes() == page
    assert page.count(b'<td class="number"><details>') > 3
    assert page.count(b'class="plot trade"') == page.count(b'<td class="number"><details>')


def test_a_checkpoint_without_a_report_cannot_go_on_with_one(walk: BacktestRequest, tmp_path: Path) -> None:
    """Its charts would lack what came before."""
    kept = replace(walk, batch_rows=50, checkpoint=tmp_path / "kept")
    control = Control()
    backtest(replace(kept, out=None), control, lambda _: _StopAfter(control, 500))
    with pytest.raises(CheckpointError, match="of a backtest without --out: start without --resume"):
        backtest(replace(kept, resume=True))
