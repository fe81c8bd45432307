"""Codes of the tickers of live rows, whose batches are small and share no dictionary."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tickstock_cli.core.batch import Int32s
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.kernels.tickers import FREE, UNKNOWN, fill_table, find_codes
from tickstock_cli.sources.columns import frozen, valid


class LiveCodes:
    """Looks up tickers in a symbol table, and adds new ones.

    Parameters
    ----------
    symbols
        Only this object adds tickers to it.
    """

    def __init__(self, symbols: SymbolTable) -> None:
        self._symbols = symbols
        self._learn([])

    def codes(self, tickers: pa.Array[pa.StringScalar]) -> Int32s:
        """Return the codes of a column of strings; -1 for null and the empty string."""
        codes = self._found(tickers)
        if codes is None:
            self._learn(tickers.unique().to_pylist())
            codes = self._found(tickers)
            assert codes is not None  # all of them are known now
        return codes

    def _found(self, tickers: pa.Array[pa.StringScalar]) -> Int32s | None:
        """Return the codes; None if a ticker is new."""
        out = np.empty(len(tickers), dtype=np.int32)
        offsets, data = _buffers(tickers)
        find_codes(offsets, data, self._offsets, self._data, self._table, out)
        if tickers.null_count:
            out[~valid(tickers)] = -1
        return None if (out == UNKNOWN).any() else frozen(out)

    def _learn(self, tickers: list[str | None]) -> None:
        self._symbols.add(tickers)
        self._offsets, self._data = _buffers(pa.array(self._symbols.tickers, pa.string()))
        table = np.full(1 << (2 * len(self._symbols) + 1).bit_length(), FREE, dtype=np.int32)
        fill_table(self._offsets, self._data, table)
        self._table: Int32s = frozen(table)


def _buffers(texts: pa.Array[pa.StringScalar]) -> tuple[Int32s, NDArray[np.uint8]]:
    """Return the offsets and bytes of texts, as views."""
    _, offsets, data = texts.buffers()
    if offsets is None or not len(texts):
        return frozen(np.zeros(1, dtype=np.int32)), frozen(np.empty(0, dtype=np.uint8))
    places = np.frombuffer(memoryview(offsets), dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    content = np.empty(0, np.uint8) if data is None else np.frombuffer(memoryview(data), dtype=np.uint8)
    return frozen(places), frozen(content)
