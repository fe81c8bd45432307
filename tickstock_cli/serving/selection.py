"""A subscription resolved against the served run: filters, order of delivery, first sequence number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tickstock_cli.core.priority import PriorityManager
from tickstock_cli.errors import DamagedError
from tickstock_cli.serving.bounded import shortened
from tickstock_cli.serving.encoded import Row
from tickstock_cli.serving.protocol import Error, Subscribe
from tickstock_cli.serving.served import ServedRun


@dataclass(frozen=True, slots=True)
class Selection:
    """Filters of a subscription; None does not filter. ``priorities`` orders the events of one message."""

    kinds: frozenset[str] | None = None
    tickers: frozenset[str] | None = None
    sources: frozenset[str] | None = None
    min_priority: int | None = None
    priorities: PriorityManager = field(default_factory=PriorityManager)

    @property
    def everything(self) -> bool:
        """Whether all events match."""
        return all(wanted is None for wanted in (self.kinds, self.tickers, self.sources, self.min_priority))

    def matches(self, row: Row) -> bool:
        """Return whether an event matches the filters."""
        return (
            (self.kinds is None or row.kind in self.kinds)
            and (self.tickers is None or row.ticker in self.tickers)
            and (self.sources is None or row.source in self.sources)
            and (self.min_priority is None or row.priority <= self.min_priority)
        )


class RejectedError(Exception):
    """A subscription does not fit this run. ``error`` is the answer, with the name of the field."""

    def __init__(self, error: Error) -> None:
        super().__init__(error.message)
        self.error = error


def select(served: ServedRun, wanted: Subscribe) -> Selection:
    """Resolve the filters of a client. With both tickers and a universe, a ticker must be in both.

    Raises
    ------
    RejectedError
        The run has no such kind or universe.
    """
    unknown = [kind for kind in wanted.kinds or () if served.kinds and kind not in served.kind_names]
    if unknown:
        message = f"no kind of event is named {unknown[0]!r}; the kinds are {', '.join(served.kind_names)}"
        raise RejectedError(Error(code="invalid", message=message, field="kinds"))
    tickers = _set(wanted.tickers)
    if wanted.universe is not None:
        universe = universe_named(served, wanted.universe, "universe")
        tickers = universe if tickers is None else tickers & universe
    own = wanted.user_universe
    preferred = universe_named(served, own, "user_universe") if isinstance(own, str) else _set(own)
    priorities = PriorityManager(user_universe=preferred)
    return Selection(_set(wanted.kinds), tickers, _set(wanted.sources), wanted.min_priority, priorities)


def universe_named(served: ServedRun, name: str, field: str) -> frozenset[str]:
    """Return the tickers of a universe of the run.

    Raises
    ------
    RejectedError
        The run has no universe of this name; the error names the ``field`` of the message.
    """
    if name not in served.universes:
        known = f"the universes are {', '.join(served.universes)}" if served.universes else "this run has none"
        message = f"no universe is named {shortened(name)!r}; {known}"
        raise RejectedError(Error(code="invalid", message=message, field=field))
    return served.universes[name]


def _set(names: Sequence[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


def first_wanted(served: ServedRun, wanted: Subscribe) -> int:
    """Return the first sequence number of a subscription.

    Raises
    ------
    RejectedError
        The subscription is for another run, for a deleted event, or for one beyond the next event.
    """
    if wanted.run is not None and wanted.run != served.id:
        message = f"this is run {served.id}, not {wanted.run}: leave run out and begin at first or now"
        raise RejectedError(Error(code="other_run", message=message, field="run"))
    first, following = served.log.first_sequence, served.log.next_sequence
    if wanted.start == "now":
        return following
    if wanted.start == "first":
        return first
    if wanted.start > following:
        message = f"from is {wanted.start}, but the next event is {following}: does the number belong to another run?"
        raise RejectedError(Error(code="ahead", message=message, field="from", next_sequence=following))
    if wanted.start < first:
        raise RejectedError(expired(wanted.start, first))
    return wanted.start


def unreadable(error: DamagedError) -> Error:
    """Return the answer to a request for events that cannot be read; it names the first event behind them."""
    return Error(
        code="unreadable",
        message=f"{error}; the events go on with {error.next_sequence}",
        first_sequence=error.first_sequence,
        next_sequence=error.next_sequence,
    )


def expired(wanted: int, first: int) -> Error:
    """Return the answer to a request for a deleted event; ``first`` is the oldest number that is kept."""
    return Error(
        code="expired",
        message=f"event {wanted} is no longer kept; the oldest event is {first}: subscribe from there",
        field="from",
        first_sequence=first,
    )
