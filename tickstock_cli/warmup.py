"""Loading or compiling every kernel on a handful of rows, so that a run's own time holds no compilation."""

from __future__ import annotations

import logging
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tickstock_cli.build import build_core
from tickstock_cli.config.settings import Settings
from tickstock_cli.core.batch import DTYPES, BarBatch, Batch, FmvBatch, MergedBatch, TickBatch
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.kernels.compiling import before_compiling
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.plan import MOST_READERS
from tickstock_cli.sources.recordings import Recordings
from tickstock_cli.sources.slabs import SLAB_ROWS
from tickstock_cli.sources.ticker_codes import TickerCodes

LOGGER = logging.getLogger("tickstock.start")
SOME_TIME = 1_717_594_200_000_000_000


def warm_up(settings: Settings) -> None:
    """Run a row of each type, and one that makes an event, through a core of its own."""
    symbols = SymbolTable(["A"])
    core = build_core(settings, symbols)
    for order, price in enumerate((100.0, 105.0)):  # the second is a new high: coordination has something to do
        time = SOME_TIME + order * 60_000_000_000
        tick = _row(TickBatch, order, timestamp=time, available_at=time, price=price, size=1)
        core.step(MergedBatch(tick, BarBatch.empty(), FmvBatch.empty(), order, time, ()))
    core.step(
        MergedBatch(
            TickBatch.empty(),
            _row(BarBatch, 2, interval=1, open=1.0, high=1.0, low=1.0, close=1.0, volume=1),
            _row(FmvBatch, 3, fmv=1.0, market_price=1.0, confidence=1.0),
            2,
            SOME_TIME + 120_000_000_000,
            (),
        )
    )
    core.finish()


def warm_up_logged(settings: Settings) -> None:
    """Do as ``warm_up``, and log a warning if that means compiling kernels: a program seems to hang otherwise."""
    with before_compiling(lambda: LOGGER.warning("compiling the kernels: this takes up to a minute, once per machine")):
        warm_up(settings)


def warm_up_reading() -> None:
    """Read small files and strings, so that the kernels that read and merge rows are there, too."""
    times = [SOME_TIME, SOME_TIME + 1]
    ticks = {"ticker": ["A", None], "timestamp": times, "price": [1.0, None], "size": [1, None]}
    fmvs = {"ticker": ["A", "B"], "timestamp": times, "fmv": [1.0, 1.0], "market_price": [None, 1.0]}
    with TemporaryDirectory(prefix="tickstock-warm-") as folder:
        for name, columns in (("ticks", ticks), ("fmv", fmvs), ("more", {**ticks, "size": [1.5, None]})):
            pq.write_table(pa.table(columns), Path(folder, f"{name}.parquet"))
        with Recordings.open([folder], ReadOptions()) as recordings:
            for _ in recordings.batches(1):
                pass
    TickerCodes(SymbolTable()).codes(pa.array(["A"]))  # a feed has its tickers as strings


def warm_up_many_files() -> None:
    """Read more small files than have readers side by side, so that the kernels that gather them are there, too."""
    with TemporaryDirectory(prefix="tickstock-warm-") as folder:
        for number in range(MOST_READERS + 2):
            count = 2 if number else SLAB_ROWS  # more than one slab in all
            times = [SOME_TIME + number + place * 1_000 for place in range(count)]
            ticks = {"ticker": [f"T{number}"] * count, "timestamp": times, "price": [1.0] * count, "size": [1] * count}
            pq.write_table(pa.table({**ticks, "flags": [1] * count}), Path(folder, f"{number}.parquet"))
        with Recordings.open([folder], ReadOptions()) as recordings:
            for _ in recordings.batches(SLAB_ROWS):
                pass


def _row(kind: type[Any], order: int, **values: float) -> Any:
    """Return a batch of one row."""
    fixed = {"timestamp": SOME_TIME, "available_at": SOME_TIME, "order": order, **values}
    names = (
        *Batch.__dataclass_fields__,
        *(name for name in kind.__dataclass_fields__ if name not in Batch.__dataclass_fields__),
    )
    return kind(*(np.array([fixed.get(name, 0)], dtype=DTYPES[name]) for name in names))
