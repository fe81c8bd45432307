"""What must be known of bars before the first one: how late they can be available after they began."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tickstock_cli.backtest.price_source import price_source
from tickstock_cli.build import settings_model
from tickstock_cli.sources.options import ReadOptions, Unsorted
from tickstock_cli.testing import MINUTE, SECOND, new_york

OPEN = new_york("2024-06-12", "09:30:00")


@pytest.mark.parametrize(("unsorted", "lag"), [(Unsorted.REJECT, 110 * SECOND), (Unsorted.SORT, MINUTE)])
def test_a_bar_out_of_order_is_as_late_as_the_rows_before_it(tmp_path: Path, unsorted: Unsorted, lag: int) -> None:
    """With --late reject it is available with them, 50 s after its end: its opening is an entry all the same."""
    prices = {name: [1.0, 2.0] for name in ("open", "high", "low", "close")}
    bars = {"ticker": ["A", "B"], "timestamp": [OPEN + 50 * SECOND, OPEN], **prices, "volume": [9.0, 9.0]}
    recorded = tmp_path / "bars.parquet"
    pq.write_table(pa.table(bars), recorded)

    found = price_source([recorded], ReadOptions(unsorted=unsorted), settings_model()())

    assert (found.is_bars, found.lag_ns, found.longest_interval_ns) == (True, lag, MINUTE)
