"""Rows of Polygon's flat files as rows of recordings: trades, with flags as those of a live feed, and bars."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa

from tickstock_cli.importing.format import ImportChunk
from tickstock_cli.importing.tables import above_zero, columns_of, filled, one_batch
from tickstock_cli.importing.typed_rows import TypedRows
from tickstock_cli.vendors.polygon.conditions import UNREADABLE, RegularHours, trade_flags

CORRECTIONS = {
    1: "corrected_original",
    7: "erroneous",
    8: "cancelled",
    10: "cancel_record",
    11: "error_record",
}
"""Reasons of dropped trades, by the number in the column ``correction``; 12 is the trade that counts instead."""

LATE_PRINT = "late_print"
UNREADABLE_CONDITION = "unreadable condition"
"""Words for rows that a replay counts, but not for their price."""

_INT16 = range(-(2**15), 2**15)


class TradeRows:
    """Trades as ticks.

    Parameters
    ----------
    late_print_seconds
        As for `vendors.polygon.conditions.trade_flags`.
    """

    def __init__(self, late_print_seconds: float) -> None:
        self._late_print_seconds = late_print_seconds
        self._hours = RegularHours()

    def chunk(self, typed: TypedRows) -> ImportChunk:
        """Return the ticks of trades with our columns, ``conditions`` as text and ``correction``."""
        batch, corrected = _without_corrected(one_batch(typed.rows))
        dropped = Counter(typed.dropped) + corrected
        columns = columns_of(batch)
        columns.pop("correction", None)
        for name in {"participant_timestamp", "trf_id"} & columns.keys():
            columns[name] = above_zero(columns[name])
        columns["conditions"] = _condition_lists(columns["conditions"])
        columns["flags"], noted = self._flags(columns)
        return ImportChunk("tick", pa.RecordBatch.from_pydict(columns), typed.read, dropped, noted)

    def _flags(self, columns: dict[str, Any]) -> tuple[pa.Array[Any], dict[str, int]]:
        times = filled(columns["timestamp"], 0)
        printed = columns.get("participant_timestamp")
        ids = columns["conditions"].values.to_numpy()
        made = trade_flags(
            ids,
            columns["conditions"].offsets.to_numpy(),
            times,
            np.zeros_like(times) if printed is None else filled(printed, 0),
            self._hours,
            self._late_print_seconds,
        )
        noted = {f"unknown condition {unknown}": int((ids == unknown).sum()) for unknown in made.unknown}
        if unreadable := int((ids == UNREADABLE).sum()):
            noted[UNREADABLE_CONDITION] = unreadable
        if made.late:
            noted[LATE_PRINT] = made.late
        return pa.array(made.flags), noted


def bar_chunk(typed: TypedRows, interval: float) -> ImportChunk:
    """Return bars of ``interval`` seconds with our columns."""
    batch = one_batch(typed.rows)
    columns = {**columns_of(batch), "interval": pa.array(np.full(batch.num_rows, interval))}
    return ImportChunk("ohlcv", pa.RecordBatch.from_pydict(columns), typed.read, typed.dropped)


def _without_corrected(batch: pa.RecordBatch) -> tuple[pa.RecordBatch, Counter[str]]:
    """Return the trades that count, and how many others there were, by reason."""
    dropped: Counter[str] = Counter()
    if "correction" not in batch.schema.names:
        return batch, dropped
    numbers = filled(batch.column("correction"), 0)
    if not numbers.any():
        return batch, dropped
    for number, count in zip(*np.unique(numbers, return_counts=True), strict=True):
        if int(number) in CORRECTIONS:
            dropped[CORRECTIONS[int(number)]] = int(count)
    return batch.filter(pa.array(~np.isin(numbers, list(CORRECTIONS)))), dropped


def _condition_lists(texts: Any) -> Any:
    """Return the ids of lists such as ``12,37``; texts are few, so each is read once."""
    known = [[_condition(word) for word in text.split(",") if word.strip()] for text in texts.dictionary.to_pylist()]
    lists = pa.array([*known, []], pa.list_(pa.int16()))
    return lists.take(pa.array(filled(texts.indices, len(known))))


def _condition(word: str) -> int:
    try:
        number = int(word)
    except ValueError:
        return UNREADABLE
    return number if number in _INT16 else UNREADABLE
