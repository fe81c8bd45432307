"""Observations as rows of a table: one for each event and horizon, in the order of the events, then of the horizons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tickstock_cli.backtest.tap import EventNames
from tickstock_cli.study.observations import CUT, OBSERVED, STATUSES

SCHEMA = pa.schema(
    [
        pa.field("event_id", pa.uint64(), nullable=False),
        pa.field("ticker", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("direction", pa.int8(), nullable=False),
        pa.field("horizon", pa.string(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
        pa.field("decision", pa.int64(), nullable=False),
        pa.field("entry_time", pa.int64()),
        pa.field("entry_price", pa.float64()),
        pa.field("return_bps", pa.float64()),
        pa.field("mfe_bps", pa.float64()),
        pa.field("mae_bps", pa.float64()),
        pa.field("placebo_bps", pa.float64()),
        pa.field("placebo_n", pa.int32(), nullable=False),
        pa.field("excess_bps", pa.float64()),
    ]
)
"""Columns of ``observations.parquet``. Times are int64 ns UTC, prices dollars, returns basis points."""


def placebo_mean(placebo: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Return mean and number of the placebos that are not NaN along the second axis (days), in their order."""
    is_observed = ~np.isnan(placebo)
    number = is_observed.sum(axis=1, dtype=np.int32)
    total = np.zeros(number.shape)
    for day in range(placebo.shape[1]):
        total = np.where(is_observed[:, day], total + placebo[:, day], total)
    with np.errstate(invalid="ignore"):
        return np.where(number > 0, total / number + 0.0, np.nan), number


def observation_rows(records: NDArray[Any], horizons: Sequence[str], names: EventNames) -> pa.RecordBatch:
    """Return records of ``study.observations`` as rows of ``SCHEMA``."""
    times = len(horizons)
    status = records["status"].ravel()
    is_entered = (status == OBSERVED) | (status == CUT)
    mean, number = placebo_mean(records["placebo"])
    returns = records["return_bps"]
    columns: dict[str, Any] = {
        "event_id": np.repeat(records["event_id"], times),
        "ticker": pa.array(names.tickers, pa.string()).take(pa.array(np.repeat(records["code"], times))),
        "kind": pa.array(names.kinds, pa.string()).take(pa.array(np.repeat(records["kind"], times))),
        "source": pa.array(names.sources, pa.string()).take(pa.array(np.repeat(records["source"], times))),
        "direction": np.repeat(records["direction"], times),
        "horizon": pa.array(horizons, pa.string()).take(pa.array(np.tile(np.arange(times), len(records)))),
        "status": pa.array(STATUSES, pa.string()).take(pa.array(status)),
        "decision": np.repeat(records["decision"], times),
        "entry_time": pa.array(np.repeat(records["entry_time"], times), mask=~is_entered),
        "entry_price": pa.array(np.repeat(records["entry_price"], times), mask=~is_entered),
        "placebo_n": number.ravel(),
        **{name: _nullable(records[name]) for name in ("return_bps", "mfe_bps", "mae_bps")},
        "placebo_bps": _nullable(mean),
        "excess_bps": _nullable(returns - mean + 0.0),
    }
    return pa.RecordBatch.from_arrays([pa.array(columns[field.name], field.type) for field in SCHEMA], schema=SCHEMA)


def _nullable(values: NDArray[np.float64]) -> pa.Array[Any]:
    return pa.array(values.ravel(), pa.float64(), from_pandas=True)
