"""Columns in group order through packed rows, against numpy's own indexing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.channels.fmv import FmvChannel, FmvColumns
from tickstock_cli.channels.ohlcv import BarColumns, OhlcvChannel
from tickstock_cli.channels.tick import TickChannel, TickColumns
from tickstock_cli.channels.workspace import Workspace, frozen
from tickstock_cli.kernels import packing
from tickstock_cli.kernels.rows import ROW_DTYPES, TICK_LOOKUP, BarRows, FmvRows, Groups, TickRows

KINDS: dict[str, tuple[Any, ...]] = {
    TickChannel.name: (TickColumns, packing.PACKED_TICK, packing.pack_ticks, packing.gather_ticks, TickRows),
    OhlcvChannel.name: (BarColumns, packing.PACKED_BAR, packing.pack_bars, packing.gather_bars, BarRows),
    FmvChannel.name: (FmvColumns, packing.PACKED_FMV, packing.pack_fmvs, packing.gather_fmvs, FmvRows),
}
GROUPS = Groups(np.empty(0, np.int32), np.zeros(1, np.int64), np.zeros(1, np.int64))
LOOKUPS = {"lookups": np.empty(0, TICK_LOOKUP)}


@pytest.mark.parametrize("record", KINDS)
@given(st.lists(st.integers(0, 200), min_size=8, max_size=8), st.permutations(range(8)), st.integers(0, 8))
def test_every_column_is_in_group_order(record: str, values: list[int], order: list[int], kept: int) -> None:
    """Each value arrives in its own column, in the rows asked for: of a share of them or of all, repeated or not."""
    columns, packed_type, pack, gather, kind = KINDS[record]
    names = [name for name in columns._fields if name not in ("available_at", "interval")]
    given_columns = {
        name: frozen(np.array(values, dtype=ROW_DTYPES[name]) + np.array(place, dtype=ROW_DTYPES[name]))
        for place, name in enumerate(names)
    }
    available_at, interval = frozen(np.array(values) + 1_000), frozen(np.array(values) * 60)
    times = {"available_at": available_at, "interval": interval}
    ticks = columns(*({**given_columns, **times}[name] for name in columns._fields))
    rows, workspace = np.array(order[:kept], dtype=np.int32), Workspace()
    packed, arrived = np.empty(8, packed_type), np.empty(kept, np.int64)
    out: Any = workspace.rows(kind, GROUPS, kept, **(LOOKUPS if kind is TickRows else {}))

    pack(ticks, packed)
    gather(ticks, packed, rows, arrived, out)

    assert arrived.tolist() == available_at[rows].tolist()
    for name in names:
        assert getattr(out, name).tolist() == given_columns[name][rows].tolist(), name
    if record == OhlcvChannel.name:
        assert out.end.tolist() == interval[rows].tolist()
