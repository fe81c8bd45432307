"""Which faults a connection has, and when: drawn once per connection, from the seed and its number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC
from random import Random
from typing import TypeVar

from tickstock_cli.core.time_input import parse_time_input
from tickstock_cli.vendors.polygon.server.fault_plan import FaultPlan
from tickstock_cli.vendors.polygon.server.faults import TimedFault, VendorFault

F = TypeVar("F", bound=VendorFault)


@dataclass(slots=True)
class ArmedFault:
    """A fault of one connection that has not happened yet.

    Parameters
    ----------
    place
        Its place in the file, from 0.
    after_seconds, after_rows, at
        When, if the fault is a timed one; all are None for the first subscription. ``at`` is ns UTC of the recording.
    """

    place: int
    fault: VendorFault
    after_seconds: float | None = None
    after_rows: int | None = None
    at: int | None = None

    @property
    def has_moment(self) -> bool:
        """Whether the fault waits for a time or a row."""
        return any(when is not None for when in (self.after_seconds, self.after_rows, self.at))


class VendorFaults:
    """Hands out faults to connections, and counts those that happened.

    Attributes
    ----------
    happened
        Faults that happened, by kind.
    """

    def __init__(self, plan: FaultPlan) -> None:
        self._plan = plan
        self._happened: Counter[int] = Counter()
        self.happened: Counter[str] = Counter()

    def of_connection(self, number: int) -> ConnectionFaults:
        """Return the faults of a connection."""
        return ConnectionFaults(self._armed(number), self.happens)

    def _armed(self, number: int) -> Iterator[ArmedFault]:
        for place, fault in enumerate(self._plan.fault):
            rng = Random(f"{self._plan.seed}/{place}/{number}")
            if not fault.concerns(number) or rng.random() >= fault.share:
                continue
            armed = ArmedFault(place, fault)
            if isinstance(fault, TimedFault):
                seconds, rows = fault.after_seconds, fault.after_rows
                armed.after_seconds = rng.uniform(*seconds) if isinstance(seconds, tuple) else seconds
                armed.after_rows = rng.randint(*rows) if isinstance(rows, tuple) else rows
                armed.at = _moment(fault, rng)
            yield armed

    def happens(self, armed: ArmedFault) -> bool:
        """Count a fault that happens now; return False if it has happened as often as it may."""
        times = armed.fault.times
        if times is not None and self._happened[armed.place] >= times:
            return False
        self._happened[armed.place] += 1
        self.happened[armed.fault.kind] += 1
        return True


class ConnectionFaults:
    """The faults of one connection that have not happened yet."""

    def __init__(
        self, armed: Iterable[ArmedFault] = (), happens: Callable[[ArmedFault], bool] = lambda _: True
    ) -> None:
        self._armed = list(armed)
        self._happens = happens

    def take(self, kind: type[F]) -> F | None:
        """Return a fault of a kind that happens now, if there is one, and forget it."""
        for armed in self._armed:
            if isinstance(armed.fault, kind):
                self._armed.remove(armed)
                return armed.fault if self._happens(armed) else None
        return None

    def lasting(self, kind: type[F]) -> list[tuple[ArmedFault, F]]:
        """Return the faults of a kind that a client can meet again and again."""
        return [(armed, armed.fault) for armed in self._armed if isinstance(armed.fault, kind)]

    def strikes(self, armed: ArmedFault) -> bool:
        """Count a lasting fault that a client meets; return False if it has happened as often as it may."""
        return self._happens(armed)

    def timed(self) -> list[ArmedFault]:
        """Return the faults that happen some time after the connection was made."""
        return [armed for armed in self._armed if armed.after_seconds is not None]

    def with_first_subscription(self) -> list[ArmedFault]:
        """Return the timed faults that have no moment of their own."""
        timed = [armed for armed in self._armed if isinstance(armed.fault, TimedFault)]
        return [armed for armed in timed if not armed.has_moment]

    def by_rows(self) -> list[ArmedFault]:
        """Return the faults that happen after some rows, in their order."""
        found = [armed for armed in self._armed if armed.after_rows is not None]
        return sorted(found, key=lambda armed: armed.after_rows or 0)

    def by_market_time(self) -> list[ArmedFault]:
        """Return the faults that happen at a time of the recording, in their order."""
        found = [armed for armed in self._armed if armed.at is not None]
        return sorted(found, key=lambda armed: armed.at or 0)

    def happens(self, armed: ArmedFault) -> bool:
        """Forget a fault that happens now; return False if it has happened as often as it may."""
        self._armed.remove(armed)
        return self._happens(armed)


def _moment(fault: TimedFault, rng: Random) -> int | None:
    """Return the time of the recording at which a fault happens, ns UTC."""
    if fault.at is None:
        return None
    # A time of day without a date is an error here; `FaultPlan.dated` gives it one.
    bounds = [
        parse_time_input(text).resolved(None, UTC) for text in ([fault.at] if isinstance(fault.at, str) else fault.at)
    ]
    return rng.randint(bounds[0], bounds[-1])
