"""Names behind the codes of events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tickstock_cli.core.events import SOURCES
from tickstock_cli.core.symbols import SymbolTable


@dataclass(frozen=True, slots=True)
class EventNames:
    """Names behind the codes of events.

    Parameters
    ----------
    symbols
        Tickers by code; the table grows during a run.
    kinds, sources
        In the order of outputs.
    """

    symbols: SymbolTable
    kinds: tuple[str, ...]
    sources: tuple[str, ...] = SOURCES

    @property
    def tickers(self) -> Sequence[str]:
        """Tickers by code."""
        return self.symbols.tickers
