"""Packed rows in the order of their tickers, against Python's own sort."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.channels.fmv import FmvChannel, FmvColumns
from tickstock_cli.channels.grouping import NO_LOOKUPS, group
from tickstock_cli.channels.ohlcv import BarColumns, OhlcvChannel
from tickstock_cli.channels.tick import TickChannel, TickColumns
from tickstock_cli.channels.workspace import Workspace, frozen
from tickstock_cli.kernels import packing
from tickstock_cli.kernels.reasons import ACCEPTED, FMV, PRICE
from tickstock_cli.kernels.rows import ROW_DTYPES

KINDS: dict[str, tuple[Any, ...]] = {
    TickChannel.name: (TickColumns, packing.PACKED_TICK, packing.pack_ticks, PRICE),
    OhlcvChannel.name: (BarColumns, packing.PACKED_BAR, packing.pack_bars, PRICE),
    FmvChannel.name: (FmvColumns, packing.PACKED_FMV, packing.pack_fmvs, FMV),
}
PRICES = {"open", "high", "low", "close", "price", "fmv", "market_price"}


@pytest.mark.parametrize("record", KINDS)
@given(
    st.integers(1, 3_000).flatmap(lambda tickers: st.tuples(st.just(tickers), st.lists(st.integers(-1, tickers - 1)))),
    st.randoms(use_true_random=False),
)
def test_rows_come_to_their_tickers_with_their_values(record: str, drawn: tuple[int, list[int]], random: Any) -> None:
    """However many tickers there are, rows keep their order within one; an unusable price is named as the reason."""
    kind, packed_type, pack, unusable = KINDS[record]
    tickers, codes = drawn
    mine = np.array([random.random() < 0.9 for _ in range(tickers)])
    number = np.arange(len(codes))
    prices = number % 3 + 10.0
    prices[number % 5 == 4] = -1.0
    columns = {name: frozen((number % 7 + 1).astype(ROW_DTYPES.get(name, "i8"))) for name in kind._fields}
    columns |= dict.fromkeys(PRICES & {*columns}, frozen(prices)) | {"confidence": frozen(np.ones(len(codes)))}
    batch = kind(*(columns[name] for name in kind._fields))
    code = np.array(codes, dtype=np.int32)

    packed = group(code, NO_LOOKUPS, mine, partial(pack, batch), packed_type, Workspace()).packed

    expected = sorted((row for row in number.tolist() if codes[row] >= 0 and mine[codes[row]]), key=codes.__getitem__)
    assert packed["row"].tolist() == expected
    for name in {*packed_type.names} - {"row", "own", "reason"}:
        assert packed[name].tolist() == columns[name][expected].tolist(), name
    assert packed["reason"].tolist() == [unusable if prices[row] < 0 else ACCEPTED for row in expected]


def test_few_buckets_hold_all_tickers() -> None:
    """A market has 32 at most, and each ticker of a handful its own; only many millions of tickers need more."""
    assert [packing.bucket_bits(tickers) for tickers in (0, 1, 6, 32, 33, 8_000, 2**21)] == [0, 0, 0, 0, 1, 8, 16]
    assert packing.bucket_bits(2**30) == 16
