"""Loading or compiling every kernel on a handful of rows, so that a run's own time holds no compilation."""

from __future__ import annotations

from typing import Any

import numpy as np

from tickstock_cli.build import build_core
from tickstock_cli.core.batch import DTYPES, BarBatch, Batch, FmvBatch, MergedBatch, TickBatch
from tickstock_cli.core.symbols import SymbolTable

SOME_TIME = 1_717_594_200_000_000_000


def warm_up(settings: Any) -> None:
    """Run one row of each type through a core of its own."""
    symbols = SymbolTable(["A"])
    core = build_core(settings, symbols)
    core.step(
        MergedBatch(
            _row(TickBatch, 0, price=1.0, size=1),
            _row(BarBatch, 1, interval=1, open=1.0, high=1.0, low=1.0, close=1.0, volume=1),
            _row(FmvBatch, 2, fmv=1.0, market_price=1.0, confidence=1.0),
            0,
            SOME_TIME,
            (),
        )
    )
    core.finish()


def _row(kind: type[Any], order: int, **values: float) -> Any:
    """Give a batch of one row."""
    fixed = {"timestamp": SOME_TIME, "available_at": SOME_TIME, "order": order, **values}
    names = (
        *Batch.__dataclass_fields__,
        *(name for name in kind.__dataclass_fields__ if name not in Batch.__dataclass_fields__),
    )
    return kind(*(np.array([fixed.get(name, 0)], dtype=DTYPES[name]) for name in names))
