"""Events that faults alter on their way to one client."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from tickstock_cli.vendors.polygon.server.faults import (
    AlteringFault,
    FloatFields,
    LatePrint,
    MissingFields,
    ResentBar,
    TimeUnit,
    UnknownEvent,
    UnknownKeys,
)

Event = dict[str, Any]

UNKNOWN = "ZZZ"
"""Type of the events that no client knows."""
BARS = ("A", "AM")
TIMES = {"T": ("t", "pt", "trft"), "A": ("s", "e"), "AM": ("s", "e")}
"""Fields in ms; those of other events are ``t`` alone."""
TRF_EXCHANGE = 4
TRF_ID = 202
MORE_SHARES = 100
"""What a bar that is sent again has more of."""


class Alteration:
    """Alters the next events that it applies to. One client's; it can hold events back."""

    def __init__(self, rows: int | None, change: Callable[[Event], Sequence[Event] | None]) -> None:
        self._left = rows
        self._change = change

    @property
    def done(self) -> bool:
        """Whether no event will be altered any more."""
        return self._left == 0

    def __call__(self, event: Event) -> Sequence[Event]:
        """Return what to send for an event."""
        changed = None if self._left == 0 else self._change(event)
        if changed is None:
            return (event,)
        if self._left is not None:
            self._left -= 1
        return changed


class Resending(Alteration):
    """Sends bars again, with more volume, some events later."""

    def __init__(self, fault: ResentBar) -> None:
        super().__init__(fault.rows, self._remember)
        self._later = fault.rows_later
        self._row = 0
        self._waiting: deque[tuple[int, Event]] = deque()

    @property
    def done(self) -> bool:
        return super().done and not self._waiting

    def __call__(self, event: Event) -> Sequence[Event]:
        self._row += 1
        due = [self._waiting.popleft()[1]] if self._waiting and self._waiting[0][0] <= self._row else []
        return [*super().__call__(event), *due]

    def _remember(self, event: Event) -> Sequence[Event] | None:
        if event["ev"] not in BARS:
            return None
        self._waiting.append((self._row + self._later, _with_more_volume(event)))
        return (event,)


def alteration(fault: AlteringFault) -> Alteration:
    """Return the alteration that a fault makes, from its beginning."""
    match fault:
        case UnknownEvent():
            return Alteration(fault.rows, lambda event: ({"ev": UNKNOWN, "sym": event["sym"], "zz": 1}, event))
        case UnknownKeys():
            return Alteration(fault.rows, lambda event: ({**event, "zz": 1, "zzz": {"of": [1, "two", None]}},))
        case FloatFields():
            return Alteration(fault.rows, lambda event: (_with_floats(event),))
        case MissingFields():
            gone = frozenset(fault.fields)
            return Alteration(fault.rows, lambda event: ({key: event[key] for key in event if key not in gone},))
        case TimeUnit():
            return Alteration(fault.rows, lambda event: (_with_unit(event, fault.unit),))
        case LatePrint():
            return Alteration(fault.rows, lambda event: _as_late_print(event, round(fault.seconds * 1_000)))
        case ResentBar():
            return Resending(fault)
    raise AssertionError(f"{fault.kind} alters events")


def altered(events: Sequence[bytes], alterations: Sequence[Alteration]) -> list[bytes]:
    """Return what is sent for each of some events that pass all alterations in their order: one or several events.

    Several are joined by commas, so that they share a frame.
    """
    return [b",".join(map(msgspec.json.encode, _sent_for(event, alterations))) for event in events]


def _sent_for(event: bytes, alterations: Sequence[Alteration]) -> Sequence[Event]:
    sent: Sequence[Event] = (msgspec.json.decode(event),)
    for alter in alterations:
        sent = [out for one in sent for out in (alter(one) if one["ev"] != UNKNOWN else (one,))]
    return sent


def _with_floats(event: Event) -> Event:
    return {key: float(value) if isinstance(value, int) else value for key, value in event.items()}


def _with_unit(event: Event, unit: str) -> Event:
    changed = dict(event)
    for key in TIMES.get(event["ev"], ("t",)):
        if key in event:
            changed[key] = event[key] // 1_000 if unit == "s" else event[key] * {"us": 1_000, "ns": 1_000_000}[unit]
    return changed


def _as_late_print(event: Event, late_ms: int) -> Sequence[Event] | None:
    if event["ev"] != "T" or "t" not in event:
        return None
    times = {"pt": event["t"] - late_ms, "trft": event["t"]}
    return ({**event, "x": TRF_EXCHANGE, "trfi": TRF_ID, **times},)


def _with_more_volume(event: Event) -> Event:
    changed = dict(event)
    if "v" in event:
        changed["v"] = event["v"] + MORE_SHARES
    if "dv" in event:
        whole, dot, fraction = event["dv"].partition(".")
        changed["dv"] = f"{int(whole) + MORE_SHARES}{dot}{fraction}"
    return changed
