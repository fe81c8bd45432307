"""Items of which no row has come so far, though the vendor acknowledged them: it does for an unknown ticker, too."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from tickstock_cli.vendors.polygon.gaps import RECORD_OF_CHANNEL
from tickstock_cli.vendors.polygon.subscriptions import EVERY


class SilentItems:
    """The tickers of each channel of which no row has come.

    Parameters
    ----------
    items
        The wanted items.
    """

    def __init__(self, items: Iterable[str]) -> None:
        self._silent: dict[str, set[str]] = {}
        for item in items:
            channel, _, ticker = item.partition(".")
            self._silent.setdefault(RECORD_OF_CHANNEL[channel], set()).add(ticker)

    def came(self, record: str, rows: pa.RecordBatch) -> None:
        """Take rows of a record type, at least one."""
        silent = self._silent.get(record)
        if silent:
            silent.discard(EVERY)
            if silent:
                silent.difference_update(rows.column("ticker").unique().to_pylist())

    def count(self, missing: Iterable[str]) -> int:
        """Return the number of silent items, without ``missing`` ones, which were not acknowledged."""
        unacknowledged: dict[str, set[str]] = {}
        for item in missing:
            channel, _, ticker = item.partition(".")
            unacknowledged.setdefault(RECORD_OF_CHANNEL[channel], set()).add(ticker)
        return sum(len(silent - unacknowledged.get(record, set())) for record, silent in self._silent.items())
