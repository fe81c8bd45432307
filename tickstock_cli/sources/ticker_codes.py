"""Codes of tickers in the run's symbol table.

Files have their tickers as dictionaries, which are read once each. Other sources have plain strings: their batches can
be small and share no dictionary, so tickers are found by their bytes, and no Python text is made of a known one.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt
from numpy.typing import NDArray

from tickstock_cli.core.arrow_arrays import text_array
from tickstock_cli.core.batch import Int32s
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.kernels import normalise
from tickstock_cli.kernels.tickers import FREE, UNKNOWN, fill_table, find_codes
from tickstock_cli.sources.plain_numbers import frozen, valid, values
from tickstock_cli.sources.recognise import Layout

FEW_TICKERS = 64
"""A dictionary of at most so many is looked up by Python texts."""


def with_readable_tickers(rows: pa.RecordBatch, layout: Layout) -> pa.RecordBatch:
    """Return rows with a ticker column that `TickerCodes` reads: other types become a dictionary."""
    if "ticker" not in layout.columns:  # a folder's name has it
        return rows
    place = rows.schema.get_field_index(layout.columns["ticker"])
    tickers = rows.column(place)
    if pt.is_dictionary(tickers.type) or pt.is_string(tickers.type) or pt.is_null(tickers.type):
        return rows
    return rows.set_column(place, rows.schema.field(place).name, tickers.dictionary_encode())


class TickerCodes:
    """Maps ticker columns of one source to codes of the run's symbol table.

    Parameters
    ----------
    wanted
        The selected tickers; None selects all.
    """

    def __init__(self, symbols: SymbolTable, wanted: frozenset[str] | None = None) -> None:
        self._known = _KnownTickers(symbols, wanted)
        self._selects = wanted is not None
        self._dictionary: Any = None
        self._table: Int32s = frozen(np.empty(0, dtype=np.int32))

    def another(self) -> TickerCodes:
        """Return the codes for another source, which share what is known of tickers."""
        return copy(self)

    def codes(self, column: Any) -> tuple[Int32s, bool]:
        """Return the codes of a ticker column, and whether some rows are not selected (code SKIPPED).

        Parameters
        ----------
        column
            An array of strings, of a dictionary of strings, or of nulls. Null and the empty string have code -1.
        """
        out = np.empty(len(column), dtype=np.int32)
        if pt.is_null(column.type):
            out[:] = self._known.of_null
            return frozen(out), self._selects
        if pt.is_string(column.type):
            places, table = self._known.plain(column)
        else:
            places, table = self._indices(column), self._table
        skipped = normalise.look_up(places, table, out)
        return frozen(out), bool(skipped)

    def _indices(self, column: Any) -> Int32s:
        """Return the dictionary indices of a column, -1 for null, after its dictionary was read into the table."""
        if self._dictionary is None or not column.dictionary.equals(self._dictionary):
            self._dictionary = column.dictionary
            self._table = self._known.table_of(self._dictionary)
        indices = column.indices if pt.is_int32(column.indices.type) else pc.cast(column.indices, pa.int32())
        return values(indices, np.int32, -1)


class _KnownTickers:
    """The tickers that were seen, and their codes."""

    def __init__(self, symbols: SymbolTable, wanted: frozenset[str] | None) -> None:
        self._symbols = symbols
        self._wanted = wanted
        self._codes: dict[str | None, int] = dict(zip([None], self._new_codes([None]), strict=True))
        self._places = _Places()
        self._plain_table = _codes([self.of_null])

    @property
    def of_null(self) -> int:
        """The code of null and the empty string."""
        return self._codes[None]

    def table_of(self, dictionary: Any) -> Int32s:
        """Return the codes of a dictionary's tickers, and last that of null."""
        if len(dictionary) > FEW_TICKERS and pt.is_string(dictionary.type) and not dictionary.null_count:
            places, table = self.plain(dictionary)
            out = np.empty(len(places) + 1, dtype=np.int32)
            normalise.look_up(places, table, out[:-1])
            out[-1] = self.of_null
            return frozen(out)
        tickers: list[str | None] = dictionary.to_pylist()
        self._learn(tickers)
        return _codes([*map(self._codes.__getitem__, tickers), self.of_null])

    def plain(self, column: pa.Array[pa.StringScalar]) -> tuple[Int32s, Int32s]:
        """Return the places of strings in the table of plain ones, -1 for null and empty, and that table."""
        found = self._places.of(column)
        if (found == UNKNOWN).any():
            new = [ticker for ticker in column.take(np.flatnonzero(found == UNKNOWN)).unique().to_pylist() if ticker]
            self._learn(new)
            self._places.add(new)
            codes = np.array([self._codes[ticker] for ticker in (*new, None)], dtype=np.int32)
            self._plain_table = frozen(np.concatenate([self._plain_table[:-1], codes]))
            found = self._places.of(column)
        return frozen(found), self._plain_table

    def _learn(self, tickers: Sequence[str | None]) -> None:
        new = [ticker for ticker in tickers if ticker not in self._codes]
        self._codes.update(zip(new, self._new_codes(new), strict=True))

    def _new_codes(self, tickers: list[str | None]) -> list[int]:
        codes = np.full(len(tickers), normalise.SKIPPED, dtype=np.int32)
        wanted = [place for place, ticker in enumerate(tickers) if self._wanted is None or ticker in self._wanted]
        codes[wanted] = self._symbols.add([tickers[place] for place in wanted])
        return [int(code) for code in codes]


class _Places:
    """The places of strings in the order in which they were added, found by their bytes."""

    def __init__(self) -> None:
        self._offsets, self._data = _buffers(text_array([]))
        self._table: Int32s = np.full(2, FREE, dtype=np.int32)

    def add(self, new: list[str]) -> None:
        """Add strings that are not there."""
        offsets, data = _buffers(text_array(new))
        first = len(self._offsets) - 1
        self._offsets = frozen(np.concatenate([self._offsets, offsets[1:] + self._offsets[-1]]))
        self._data = frozen(np.concatenate([self._data, data[: offsets[-1]]]))
        if 2 * len(self._offsets) > len(self._table):
            self._table = np.full(1 << (4 * len(self._offsets)).bit_length(), FREE, dtype=np.int32)
            first = 0
        fill_table(self._offsets, self._data, first, self._table)

    def of(self, texts: pa.Array[pa.StringScalar]) -> Int32s:
        """Return the places, -1 for null and the empty string, UNKNOWN for new ones."""
        out = np.empty(len(texts), dtype=np.int32)
        offsets, data = _buffers(texts)
        find_codes(offsets, data, self._offsets, self._data, self._table, out)
        if texts.null_count:  # bytes of null mean nothing
            out[~valid(texts)] = -1
        return out


def _codes(codes: list[int]) -> Int32s:
    """Return a table for `normalise.look_up`, whose last entry is the code of null."""
    return frozen(np.array(codes, dtype=np.int32))


def _buffers(texts: pa.Array[pa.StringScalar]) -> tuple[Int32s, NDArray[np.uint8]]:
    """Return the offsets and bytes of texts, as views."""
    _, offsets, data = texts.buffers()
    if offsets is None or not len(texts):
        return frozen(np.zeros(1, dtype=np.int32)), frozen(np.empty(0, dtype=np.uint8))
    places = np.frombuffer(memoryview(offsets), dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    content = np.empty(0, np.uint8) if data is None else np.frombuffer(memoryview(data), dtype=np.uint8)
    return frozen(places), frozen(content)
