"""The run that a server serves: its log and its ports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tickstock_cli.core.kinds import Kind
from tickstock_cli.serving.ports import ControlPort, EventLogPort, PricePort, StatusPort


@dataclass(frozen=True, slots=True)
class ServedRun:
    """A run to serve.

    Parameters
    ----------
    run
        Identity of the run: sequence numbers count within it.
    epoch, begins
        Number of the epoch, from 1: each seek of a replay begins another one; and the sequence number of its first
        event.
    about
        Information about the run for hello, as values that JSON can hold.
    kinds
        Kinds of events that the run can emit; empty = unknown.
    universes
        Tickers by the name of their universe, for subscriptions.
    control, prices
        None if the run has no control or keeps no prices.
    live
        False for a run that broke off: its log is not finished, but gets no more events.
    """

    log: EventLogPort
    run: str
    status: StatusPort
    about: Mapping[str, Any] = field(default_factory=dict)
    kinds: tuple[Kind, ...] = ()
    universes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    control: ControlPort | None = None
    prices: PricePort | None = None
    live: bool = True
    epoch: int = 1
    begins: int = 1

    @property
    def kind_names(self) -> list[str]:
        """Names of the kinds."""
        return [kind.name for kind in self.kinds]

    @property
    def id(self) -> str:
        """Identity of run and epoch for clients, which start again after a seek."""
        return self.run if self.epoch == 1 else f"{self.run}.{self.epoch}"

    @property
    def over(self) -> bool:
        """Whether no more events will follow."""
        return self.log.finished or not self.live

    @property
    def broken_off(self) -> bool:
        """Whether the run is over and did not come to its end."""
        return not self.live and not self.log.finished
