"""Quotes as a stand-in for fair market values: the mid of bid and ask, a row when it moved."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tickstock_cli.core.batch import Float64s
from tickstock_cli.importing.format import ImportChunk
from tickstock_cli.importing.tables import columns_of, filled, one_batch
from tickstock_cli.importing.typed_rows import TypedRows

ONE_SIDED, CROSSED, UNCHANGED = "one_sided", "crossed", "unchanged"
"""Reasons of dropped quotes: without bid or ask; bid above ask; the mid is that of the ticker's quote before."""


class Mids:
    """Mids of the quotes of one file. A ticker's rows must stand together for unchanged mids to be found."""

    def __init__(self) -> None:
        self._ticker: str | None = None
        self._mid = 0.0

    def chunk(self, typed: TypedRows) -> ImportChunk:
        """Return the mids of quotes with columns ``ticker``, ``bid``, ``ask`` and ``timestamp``."""
        batch = one_batch(typed.rows)
        bid, ask = (filled(batch.column(name), 0.0) for name in ("bid", "ask"))
        two_sided, crossed = (bid > 0) & (ask > 0), bid > ask
        good = two_sided & ~crossed
        quotes = batch.filter(pa.array(good))
        mids = (bid[good] + ask[good]) / 2
        kept = self._moved(quotes.column("ticker"), mids)
        reasons = {ONE_SIDED: ~two_sided, CROSSED: two_sided & crossed, UNCHANGED: ~kept}
        dropped = Counter(typed.dropped)
        dropped.update({reason: int(rows.sum()) for reason, rows in reasons.items() if rows.any()})
        columns = columns_of(quotes.filter(pa.array(kept)))
        rows = {"ticker": columns["ticker"], "timestamp": columns["timestamp"], "fmv": pa.array(mids[kept])}
        return ImportChunk("fmv", pa.RecordBatch.from_pydict(rows), typed.read, dropped)

    def _moved(self, tickers: Any, mids: Float64s) -> NDArray[np.bool_]:
        """Return where a mid is another than in the row before, or that one is of another ticker."""
        moved = np.ones(len(mids), dtype=np.bool_)
        if not len(mids):
            return moved
        codes = filled(tickers.indices, -1)
        moved[1:] = (mids[1:] != mids[:-1]) | (codes[1:] != codes[:-1])
        moved[0] = tickers[0].as_py() != self._ticker or mids[0] != self._mid
        self._ticker, self._mid = tickers[-1].as_py(), float(mids[-1])
        return moved
