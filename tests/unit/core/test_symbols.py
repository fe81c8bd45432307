"""The symbol table: tickers by code, and their ranks as text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.core.symbols import SymbolTable

names = st.lists(st.text(min_size=1, max_size=4), unique=True, max_size=20)


class TestSymbolRanks:
    """A ticker's rank is its place among all tickers so far, sorted as text."""

    @given(names, st.data())
    def test_that_ranks_are_those_of_all_tickers_after_each_addition(
        self, tickers: list[str], data: st.DataObject
    ) -> None:
        """Tickers come by and by, and ranks are asked for in between."""
        table, start = SymbolTable(), 0
        while start < len(tickers):
            end = data.draw(st.integers(start + 1, len(tickers)))
            table.add(tickers[start:end])
            known = sorted(tickers[:end])
            assert table.ranks().tolist() == [known.index(ticker) for ticker in tickers[:end]]
            start = end
