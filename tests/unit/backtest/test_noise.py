"""Random walks: nothing follows their events, so about one test in twenty may be small, and not more."""

from __future__ import annotations

from pathlib import Path

from tickstock_cli.backtest.request import BacktestRequest
from tickstock_cli.backtest.run import backtest
from tickstock_cli.synth.options import MarketOptions
from tickstock_cli.synth.writing import Feed, write_market

SEEDS, DAYS, SYMBOLS = range(4, 8), 15, 8
TICKS = DAYS * SYMBOLS * 1_170
"""A tick each 20 s."""


def noise(folder: Path, seed: int) -> Path:
    """Write the ticks of random walks."""
    options = MarketOptions(rows=TICKS, symbols=SYMBOLS, days=DAYS, seed=seed, pure_noise=True)
    write_market(options, folder, frozenset({Feed.TICKS}))
    return folder / "ticks.parquet"


def test_random_walks_are_seldom_called_significant(tmp_path: Path) -> None:
    """The events overlap: a plain t calls up to half of the cells significant.

    200 recordings, in docs/backtest.md, have shares of 0.02 to 0.05. Here 4 have 112 cells, which are not
    independent: less than none and more than an eighth would be a finding.
    """
    p, excess_p = [], []
    for seed in SEEDS:
        found = backtest(BacktestRequest([noise(tmp_path / str(seed), seed)])).study
        p += [cell.values["p"] for cell in found.table.cells if cell.values["p"] is not None]
        excess_p += [cell.values["excess_p"] for cell in found.table.cells if cell.values["excess_p"] is not None]

    for found_p in (p, excess_p):
        assert len(found_p) > 100
        assert 0.005 <= sum(value < 0.05 for value in found_p) / len(found_p) <= 0.12  # type: ignore[operator]  # numbers
