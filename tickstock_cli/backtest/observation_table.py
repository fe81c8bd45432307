"""Observations as rows of a table: one for each event and horizon, in the order of the events, then of the horizons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tickstock_cli.core.event_names import EventNames
from tickstock_cli.study.horizon_rows import placebo_means
from tickstock_cli.study.observations import CUT, OBSERVED, STATUSES, Observations

_FIELDS: list[pa.Field[Any]] = [
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
SCHEMA = pa.schema(_FIELDS)
"""Columns of ``observations.parquet``. Times are int64 ns UTC, prices dollars, returns basis points."""


def observation_rows(observations: Observations, horizons: Sequence[str], names: EventNames) -> pa.RecordBatch:
    """Return observations as rows of ``SCHEMA``."""
    records, placebo = observations
    times = len(horizons)
    status = records["status"].ravel()
    is_entered = (status == OBSERVED) | (status == CUT)
    mean, number = placebo_means(placebo.transpose(0, 2, 1).reshape(len(status), placebo.shape[1]))
    mean[status != OBSERVED], number[status != OBSERVED] = np.nan, 0
    returns = records["return_bps"].ravel()
    columns: dict[str, Any] = {
        "event_id": np.repeat(records["event_id"], times),
        "ticker": pa.array(names.tickers, pa.string()).take(np.repeat(records["code"], times)),
        "kind": pa.array(names.kinds, pa.string()).take(np.repeat(records["kind"], times)),
        "source": pa.array(names.sources, pa.string()).take(np.repeat(records["source"], times)),
        "direction": np.repeat(records["direction"], times),
        "horizon": pa.array(horizons, pa.string()).take(np.tile(np.arange(times), len(records))),
        "status": pa.array(STATUSES, pa.string()).take(status),
        "decision": np.repeat(records["decision"], times),
        "entry_time": pa.array(np.repeat(records["entry_time"], times), mask=~is_entered),
        "entry_price": pa.array(np.repeat(records["entry_price"], times), mask=~is_entered),
        "placebo_n": number,
        **{name: _nullable(records[name].ravel()) for name in ("return_bps", "mfe_bps", "mae_bps")},
        "placebo_bps": _nullable(mean + 0.0),
        "excess_bps": _nullable(returns - mean + 0.0),
    }
    return pa.RecordBatch.from_arrays([pa.array(columns[field.name], field.type) for field in SCHEMA], schema=SCHEMA)


def _nullable(values: NDArray[np.float64]) -> pa.Array[Any]:
    return pa.array(values, pa.float64(), from_pandas=True)
