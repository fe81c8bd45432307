"""No row of a recording disappears from the results of a backtest without a word."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cli.market import write_recording
from tests.unit.backtest.days import walk
from tickstock_cli.backtest.request import BacktestRequest
from tickstock_cli.backtest.run import backtest
from tickstock_cli.backtest.words import row_words
from tickstock_cli.build import settings_from
from tickstock_cli.core.record_file import RecordFile
from tickstock_cli.errors import OutputError
from tickstock_cli.testing import Tick


def test_rejected_rows_are_counted_and_told(tmp_path: Path) -> None:
    """In the results, and as a sentence of the summary and the report."""
    rows = walk(1)
    last = rows[-1].timestamp or 0
    bad = [Tick("AAA", last + 1, None), Tick("AAA", last + 2, -1.0), Tick(None, last + 3, 100.0)]
    days = write_recording([*rows, *bad], tmp_path / "days")
    settings = settings_from({"study": {"horizons": ("1m",)}})
    result = backtest(BacktestRequest([days], settings, out=tmp_path / "out"))
    told = f"3 of {len(rows) + 3:,} tick rows were rejected: price 2, ticker 1."

    assert result.as_dict()["ledger"]["tick.rejected.price"] == 2
    assert row_words(result.ledger) == [told]
    assert told in (tmp_path / "out" / "report.html").read_text()


def test_bars_that_no_order_could_meet_are_told() -> None:
    """Only in very large recordings."""
    assert row_words({"prices.without_opening": 1_200}) == [
        "1,200 bars were received more than a week after their start: no order met their opening."
    ]


def test_records_that_a_file_has_lost_are_an_error(tmp_path: Path) -> None:
    """Half a table would look like a whole one."""
    file = RecordFile(tmp_path / "records", np.dtype("i8"))
    file.append(np.arange(10))
    file.close()
    (tmp_path / "records").write_bytes(bytes(40))
    with pytest.raises(OutputError, match="has lost records that this run wrote: 10 are wanted"):
        file.read()
