"""What one server serves: a run's log, and the ports that the run has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tickstock_cli.serving.ports import ControlPort, EventLogPort, PricePort, StatusPort


@dataclass(frozen=True, slots=True)
class ServedRun:
    """A run to serve.

    Parameters
    ----------
    run
        Identity of the run: sequence numbers count within it.
    epoch, begins
        How often its market has jumped, counted from 1, and the number of the first event told since: those before
        it lie in this market's past. See ``id``.
    about
        What hello tells of the run, as JSON can hold it.
    kinds
        Kinds of events that it can tell; empty = not known.
    universes
        Tickers by the name of their universe, which subscriptions can name.
    control, prices
        None where the run cannot be steered, or knows no prices.
    live
        False if nothing will follow although the log is not finished: the run broke off.
    """

    log: EventLogPort
    run: str
    status: StatusPort
    about: Mapping[str, Any] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()
    universes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    control: ControlPort | None = None
    prices: PricePort | None = None
    live: bool = True
    epoch: int = 1
    begins: int = 1

    @property
    def id(self) -> str:
        """What clients know the run by: with the epoch, because after a jump they begin afresh."""
        return self.run if self.epoch == 1 else f"{self.run}.{self.epoch}"

    @property
    def over(self) -> bool:
        """Whether no more events will follow."""
        return self.log.finished or not self.live
