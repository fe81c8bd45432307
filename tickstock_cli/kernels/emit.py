"""Writes the fields of an event that every detector fills alike."""

from __future__ import annotations

from typing import Any

import numpy as np

from tickstock_cli.kernels.jit import kernel

TICK, WEBSOCKET, OHLCV, FMV, CHANNEL = range(5)
"""Event sources in the order of their priority."""


@kernel
def put_event(
    event: Any, rows: Any, i: int, code: int, kind: int, source: int, timestamp: int, phase: int, direction: int
) -> None:
    """Write the common fields from row ``i`` of grouped rows, and blank those that the caller may set.

    The channel adds merge order and available time from the batch: events are few, rows are many.
    """
    event["row"] = rows.row[i]
    event["timestamp"] = timestamp
    event["emitted_at"] = 0
    event["code"] = code
    event["merged"] = 0
    event["kind"] = kind
    event["source"] = source
    event["phase"] = phase
    event["direction"] = direction
    event["strength"] = 0
    event["trigger"] = 0
    event["price"] = np.nan
    event["confidence"] = 1.0
    event["percent_change"] = np.nan
    event["previous"] = np.nan
    event["volume"] = np.nan
    event["rel_volume"] = np.nan
    event["score"] = np.nan
    event["tie_break"] = 0.0
    event["tick_extreme"] = np.nan
    event["own0"] = np.nan
    event["own1"] = np.nan
    event["own2"] = np.nan
    event["own3"] = np.nan
