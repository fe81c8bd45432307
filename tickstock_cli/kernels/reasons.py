"""Reasons to reject a row, `semantics` section 2: those in its own values, and those in its place after others.

A row's reason is chosen from the last that can apply to the first, without a branch: so many rows are judged at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tickstock_cli.kernels.compare import SECOND_NS, reaches
from tickstock_cli.kernels.jit import inlined_kernel

REASONS = (
    "",
    "ticker",
    "timestamp",
    "future",
    "price",
    "size",
    "volume",
    "range",
    "fmv",
    "market_price",
    "confidence",
    "late",
    "duplicate",
)
"""Reasons to reject a row, by the codes below; 0 = accepted."""
(
    ACCEPTED,
    TICKER,
    TIMESTAMP,
    FUTURE,
    PRICE,
    SIZE,
    VOLUME,
    RANGE,
    FMV,
    MARKET_PRICE,
    CONFIDENCE,
    LATE,
    DUPLICATE,
) = range(13)

MAX_AHEAD_NS = 60 * SECOND_NS
"""A timestamp more than this after ``received_at`` is from the future."""


@inlined_kernel
def is_price(value: float) -> bool:
    """Return whether a price is usable: a number, finite, above zero."""
    return (value > 0.0) & (value < np.inf)


@inlined_kernel
def timing_reason(timestamp: int, available_at: int, reason: int) -> int:
    """Return the first reason in a row's times to reject it, or ``reason``.

    Without a recorded arrival, ``available_at`` is never before ``timestamp``, so no such row is from the future.
    """
    reason = FUTURE if timestamp - available_at > MAX_AHEAD_NS else reason
    return TIMESTAMP if timestamp <= 0 else reason


@inlined_kernel
def tick_reason(ticks: Any, i: int) -> int:
    """Return the first reason in the values of a tick of a batch to reject it, or ACCEPTED."""
    reason = SIZE if ticks.size[i] < 0 else ACCEPTED
    reason = reason if is_price(ticks.price[i]) else PRICE
    return timing_reason(ticks.timestamp[i], ticks.available_at[i], reason)


@inlined_kernel
def _is_within(price: float, low: float, high: float) -> bool:
    """Return whether a price is in ``[low, high]``, or out of it by at most 1e-9 of the bound, as in adjusted bars."""
    return reaches(price, low) & (price <= high + high * 1e-9)


@inlined_kernel
def bar_reason(bars: Any, i: int) -> int:
    """Return the first reason in the values of a bar of a batch to reject it, or ACCEPTED."""
    high = bars.high[i]
    low = bars.low[i]
    inside = _is_within(bars.open[i], low, high) & _is_within(bars.close[i], low, high)
    reason = ACCEPTED if reaches(high, low) & inside else RANGE
    reason = VOLUME if bars.volume[i] < 0 else reason
    prices = is_price(bars.open[i]) & is_price(high) & is_price(low) & is_price(bars.close[i])
    reason = reason if prices else PRICE
    return timing_reason(bars.timestamp[i], bars.available_at[i], reason)


@inlined_kernel
def fmv_reason(fmvs: Any, i: int) -> int:
    """Return the first reason in a fair value's values of a batch to reject it, or ACCEPTED."""
    confidence = fmvs.confidence[i]
    reason = ACCEPTED if (confidence >= 0.0) & (confidence <= 1.0) else CONFIDENCE
    market = fmvs.market_price[i]
    reason = reason if np.isnan(market) | is_price(market) else MARKET_PRICE
    reason = reason if is_price(fmvs.fmv[i]) else FMV
    return timing_reason(fmvs.timestamp[i], fmvs.available_at[i], reason)


@inlined_kernel
def order_reason(timestamp: int, last: int, reason: int) -> int:
    """Return ``reason``, the first in a row's values, or the one in its place after the ticker's last accepted row."""
    return LATE if (reason == ACCEPTED) & (timestamp < last) else reason


@inlined_kernel
def bar_order_reason(timestamp: int, last: int, reason: int) -> int:
    """Return ``order_reason``, and of bars that one which comes again."""
    return DUPLICATE if (reason == ACCEPTED) & (timestamp == last) else order_reason(timestamp, last, reason)
