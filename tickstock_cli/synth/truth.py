"""The injections as a table: the ground truth for scoring detections."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from tickstock_cli.synth.files import TIME
from tickstock_cli.synth.injections import Injection, InjectionKind
from tickstock_cli.synth.market import SyntheticMarket

_FIELDS: list[pa.Field[Any]] = [
    pa.field("kind", pa.string(), nullable=False),  # kind of the event, or halt
    pa.field("ticker", pa.string(), nullable=False),
    pa.field("direction", pa.int8(), nullable=False),
    pa.field("start", TIME, nullable=False),
    pa.field("end", TIME, nullable=False),
    pa.field("magnitude_percent", pa.float64(), nullable=False),
    pa.field("rel_volume", pa.float64()),
    pa.field("rows", pa.int64(), nullable=False),
]
TRUTH_SCHEMA = pa.schema(_FIELDS)
"""``[start, end)`` is the time of the move or the halt. ``magnitude_percent`` is above 0: the move, the fair value's
distance from the market, or the gap after the halt. ``rel_volume`` is the planned pace of trading relative to the five
minutes before. ``rows`` is the number of extra rows."""

DRIFT_FIELDS: list[pa.Field[Any]] = [pa.field("drift_bps", pa.float64()), pa.field("drift_seconds", pa.int64())]
"""Columns of a market with drifts: from a move's ``end`` on, its price drifts by ``drift_bps`` basis points in its
``direction``, evenly over ``drift_seconds``. Null after moves without a drift."""


ALL_KINDS = frozenset(InjectionKind)


def truth_table(market: SyntheticMarket, kinds: frozenset[InjectionKind] = ALL_KINDS) -> pa.Table:
    """Return a market's injections of ``kinds`` as rows of ``TRUTH_SCHEMA``, in order of their start.

    The columns of ``DRIFT_FIELDS`` follow if the market has drifts.
    """
    injections = _injections(market, kinds)
    columns: dict[str, list[Any]] = {
        "kind": [injection.kind.name.lower() for injection in injections],
        "ticker": [market.tickers[injection.symbol] for injection in injections],
        "direction": [injection.direction for injection in injections],
        "start": [market.plan.timeline.second_ns(injection.start) for injection in injections],
        "end": [market.plan.timeline.second_ns(injection.end) for injection in injections],
        "magnitude_percent": [injection.magnitude / 1_000 for injection in injections],
        "rel_volume": [
            None if injection.rel_volume is None else injection.rel_volume / 1_000 for injection in injections
        ],
        "rows": [injection.rows for injection in injections],
    }
    schema = TRUTH_SCHEMA
    if market.plan.options.drift_bps:
        schema = pa.schema([*_FIELDS, *DRIFT_FIELDS])
        drifts = [injection.drift_seconds > 0 for injection in injections]
        for name in schema.names[len(_FIELDS) :]:
            values = [getattr(injection, name) for injection in injections]
            columns[name] = [value if drift else None for value, drift in zip(values, drifts, strict=True)]
    return pa.Table.from_pydict(columns, schema=schema)


def count_kinds(market: SyntheticMarket, kinds: frozenset[InjectionKind] = ALL_KINDS) -> dict[str, int]:
    """Return the number of injections of ``kinds`` by kind; 0 for each other kind."""
    counts = {kind.name.lower(): 0 for kind in InjectionKind}
    for injection in _injections(market, kinds):
        counts[injection.kind.name.lower()] += 1
    return counts


def _injections(market: SyntheticMarket, kinds: frozenset[InjectionKind]) -> list[Injection]:
    return [injection for injection in market.plan.injections if injection.kind in kinds]
