"""Books of a strategy: what became of its signals, orders and money must add up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.errors import LedgerError
from tickstock_cli.trading.records import OUTCOMES, STATUSES
from tickstock_cli.trading.state import Books

_PART = 1_000_000_000

_NAMES = (
    *(f"signals.{outcome}" for outcome in OUTCOMES),
    *(f"orders.{status}" for status in STATUSES),
    "shares.asked",
    "shares.filled",
    "shares.cancelled",
    "shares.of_fills",
    "shares.held",
    "money.of_fills",
    "money.of_orders",
    "fees.of_fills",
    "fees.of_orders",
    "trades",
    "net.of_trades",
    "fills.early",
)


class BookTally:
    """Sums over the records of a simulation, as whole numbers, and the checks that they add up.

    Parameters
    ----------
    name
        Name of the strategy, for messages.
    cash
        Money at the start, in micro-dollars.
    """

    def __init__(self, name: str, cash: int) -> None:
        self._name = name
        self._cash = cash
        self._sums: dict[str, int] = dict.fromkeys(_NAMES, 0)

    def __getitem__(self, name: str) -> int:
        return self._sums[name]

    def add(self, records: Mapping[str, NDArray[Any]]) -> None:
        """Add records (arrays of ``RECORD_TYPES`` by name)."""
        sums = self._sums
        signals, orders, fills, trades = (records[name] for name in ("signals", "orders", "fills", "trades"))
        for number, outcome in enumerate(OUTCOMES):
            sums[f"signals.{outcome}"] += int(np.count_nonzero(signals["outcome"] == number))
        for number, status in enumerate(STATUSES):
            sums[f"orders.{status}"] += int(np.count_nonzero(orders["status"] == number))
        sums["shares.asked"] += _total(orders["shares"])
        sums["shares.filled"] += _total(orders["filled"])
        sums["shares.cancelled"] += _total(orders["cancelled"])
        sums["shares.of_fills"] += _total(fills["shares"])
        sums["shares.held"] += _total(fills["shares"] * fills["side"])
        sums["money.of_fills"] += _total(fills["shares"] * fills["price"] * fills["side"])
        sums["money.of_orders"] += _total(orders["notional"] * orders["side"])
        sums["fees.of_fills"] += _total(fills["fee"])
        sums["fees.of_orders"] += _total(orders["fees"])
        sums["trades"] += len(trades)
        sums["net.of_trades"] += _total(trades["net"])
        sums["fills.early"] += _total(fills["early"])

    def signals(self) -> dict[str, int]:
        """Return the numbers of signals: all, taken, and ignored by the reasons that occurred."""
        by_outcome = {outcome: self._sums[f"signals.{outcome}"] for outcome in OUTCOMES}
        ignored = {f"ignored.{outcome}": count for outcome, count in by_outcome.items() if count and outcome != "taken"}
        return {"signals": sum(by_outcome.values()), "taken": by_outcome["taken"], **ignored}

    def orders(self) -> dict[str, int]:
        """Return the numbers of orders that have ended: all, and by status; and the shares cancelled."""
        by_status = {status: self._sums[f"orders.{status}"] for status in STATUSES}
        return {
            "orders": sum(by_status.values()),
            **by_status,
            "cancelled_shares": self._sums["shares.cancelled"],
            "early_fills": self._sums["fills.early"],
        }

    def check(self, books: Books, selected: int) -> None:
        """Raise LedgerError unless signals, orders, shares and money add up.

        Parameters
        ----------
        books
            State of the simulation; all its records have been added.
        selected
            Number of signals that have come to a decision.
        """
        book, sums = books.book[0], self._sums
        slots = books.slots[: int(book["active"])]
        working = slots[slots["working"] > 0]
        ended = sum(sums[f"orders.{status}"] for status in STATUSES)
        self._equal("signals", selected, "taken + ignored", self.signals()["signals"])
        self._equal("orders", int(book["next_order"]), "ended + working", ended + len(working))
        self._equal(
            "shares ordered",
            sums["shares.asked"],
            "filled + cancelled",
            sums["shares.filled"] + sums["shares.cancelled"],
        )
        filled = sums["shares.filled"] + _total(working["filled"])
        self._equal("shares of orders", filled, "shares of fills", sums["shares.of_fills"])
        self._equal("shares held", _total(slots["shares"] * slots["side"]), "bought - sold", sums["shares.held"])
        money = sums["money.of_orders"] + _total(working["order_notional"] * working["order_side"])
        self._equal("money of orders", money, "money of fills", sums["money.of_fills"])
        fees = sums["fees.of_orders"] + _total(working["order_fee"])
        self._equal("fees of orders", fees, "fees of fills", sums["fees.of_fills"])
        expected = self._cash - sums["money.of_fills"] - sums["fees.of_fills"]
        self._equal("cash", int(book["cash"]), "start - fills - fees", expected)
        if not len(slots):
            self._equal("cash - start", int(book["cash"]) - self._cash, "net of trades", sums["net.of_trades"])

    def state(self) -> NDArray[np.int64]:
        """Return the sums in the order of their names."""
        return np.array(list(self._sums.values()), dtype=np.int64)

    def restore(self, sums: NDArray[np.int64]) -> None:
        """Set the sums to those of ``state``."""
        self._sums = dict(zip(_NAMES, sums.tolist(), strict=True))

    def _equal(self, what: str, is_now: int, parts: str, should_be: int) -> None:
        if is_now != should_be:
            raise LedgerError(
                f"the books of {self._name} do not add up: {what} {is_now:,} is not {parts} {should_be:,}"
            )


def _total(values: NDArray[np.signedinteger[Any]]) -> int:
    """Return the exact sum of integers; it may not fit into an int64."""
    wide = values.astype(np.int64)
    return int((wide // _PART).sum()) * _PART + int((wide % _PART).sum())
