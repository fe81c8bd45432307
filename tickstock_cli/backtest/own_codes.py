"""Codes of tickers in a backtest of given events: some of them may never have a row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.prices.timeline import PriceSlice


class OwnCodes:
    """Codes of the tickers of given events, and then of the run's other tickers.

    Parameters
    ----------
    tickers
        Tickers of the events, by the code that the events have.
    """

    def __init__(self, tickers: Sequence[str]) -> None:
        self.symbols = SymbolTable(tickers)
        self._of_run: NDArray[np.int32] = np.empty(0, dtype=np.int32)

    def translated(self, part: PriceSlice, tickers: Sequence[str]) -> PriceSlice:
        """Return a slice whose rows have these codes; its events have them already.

        Parameters
        ----------
        tickers
            Tickers by the codes of the run.
        """
        new = tickers[len(self._of_run) :]
        if new:
            self._of_run = np.append(self._of_run, self.symbols.add(list(new)))
        return part._replace(
            prints=part.prints._replace(code=self._of_run[part.prints.code]),
            openings=part.openings._replace(code=self._of_run[part.openings.code]),
        )
