"""Codes of tickers are those of the symbol table, whatever the texts, their encoding and how they are cut."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.kernels.normalise import SKIPPED
from tickstock_cli.sources.ticker_codes import TickerCodes

tickers = st.one_of(
    st.none(), st.text(max_size=3), st.sampled_from(["A", "AA", "AAA", "BRK.B", "é", "AAAAAAAAAAAAAAAB"])
)


@given(st.lists(st.lists(tickers, max_size=30), max_size=6), st.integers(0, 5))
def test_codes_are_those_of_the_symbol_table(columns: list[list[str | None]], skipped: int) -> None:
    """New and known tickers, null, empty and beyond ASCII; also in a slice of a longer column."""
    symbols, plain = SymbolTable(), SymbolTable()
    codes = TickerCodes(symbols)
    for column in columns:
        found, some_are_skipped = codes.codes(pa.array(column, pa.string()).slice(skipped))
        names = [None if code < 0 else symbols.tickers[code] for code in found.tolist()]
        assert names == [ticker or None for ticker in column[skipped:]]
        assert not some_are_skipped
        plain.add(column[skipped:])

    assert sorted(symbols.tickers) == sorted(plain.tickers)


@given(st.lists(st.lists(tickers, max_size=30), max_size=6))
def test_strings_and_dictionaries_select_the_same_rows(columns: list[list[str | None]]) -> None:
    """Batches of both encodings take turns; a ticker nobody asked for never enters the symbol table."""
    wanted, symbols = frozenset({"A", "BRK.B", "é"}), SymbolTable()
    codes = TickerCodes(symbols, wanted)
    for column in columns:
        strings = pa.array(column, pa.string())
        for encoded in (strings, strings.dictionary_encode()):
            found, some_are_skipped = codes.codes(encoded)
            kept = [symbols.tickers[code] for code in found.tolist() if code != SKIPPED]
            assert kept == [ticker for ticker in column if ticker in wanted]
            assert some_are_skipped == (len(kept) < len(column))

    assert wanted.issuperset(symbols.tickers)


def test_a_market_that_comes_a_few_tickers_at_a_time_has_a_code_each() -> None:
    """The first seconds of a feed bring new tickers in every batch, and what is known grows many times."""
    symbols = SymbolTable()
    codes = TickerCodes(symbols)
    market = [f"T{number}" for number in range(700)]
    for start in range(0, len(market), 7):
        batch = [*market[start : start + 7], market[start // 2]]
        found, _ = codes.codes(pa.array(batch))
        assert [symbols.tickers[code] for code in found.tolist()] == batch

    assert list(symbols.tickers) == market
