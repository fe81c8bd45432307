"""Codes of live tickers are those of the symbol table, whatever the texts and however they are cut."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.sources.live_codes import LiveCodes

tickers = st.one_of(
    st.none(), st.text(max_size=3), st.sampled_from(["A", "AA", "AAA", "BRK.B", "é", "AAAAAAAAAAAAAAAB"])
)


@given(st.lists(st.lists(tickers, max_size=30), max_size=6), st.integers(0, 5))
def test_codes_are_those_of_the_symbol_table(columns: list[list[str | None]], skipped: int) -> None:
    """New and known tickers, null, empty and beyond ASCII; also in a slice of a longer column."""
    symbols, plain = SymbolTable(), SymbolTable()
    codes = LiveCodes(symbols)
    for column in columns:
        found = codes.codes(pa.array(column, pa.string()).slice(skipped))
        names = [None if code < 0 else symbols.tickers[code] for code in found.tolist()]
        assert names == [ticker or None for ticker in column[skipped:]]
        plain.add(column[skipped:])

    assert sorted(symbols.tickers) == sorted(plain.tickers)
