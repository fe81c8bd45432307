"""Coordination: emit one event per key and window; the key is (ticker, kind) or the ticker alone.

Windows lie on a fixed grid of available time, so the outcome does not depend on how channels interleave.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.kernels.compare import extreme_distance, reaches
from tickstock_cli.kernels.emit import TICK
from tickstock_cli.kernels.jit import kernel

WINDOW_STATE = np.dtype(
    [
        ("window", "i8"),  # number of the key's latest window; -1 = none
        ("held", "i8"),  # position of the best event so far that waits for the window's end; -1 = none
        ("competed", "i4"),
        ("settled", "i4"),  # 1 = the window's winner was emitted already
    ],
    align=True,
)
SUPERSEDED, REDUNDANT = range(2)


class CoordinationRules(NamedTuple):
    """Settings of the coordinator as plain numbers, and by kind code the least distances of session extremes."""

    window: int
    hold_top_source: bool
    by_ticker: bool
    kinds: int
    dedupe_extremes: bool
    min_price_change: NDArray[np.float64]
    min_percent_change: NDArray[np.float64]


@kernel
def is_redundant(event: Any, rules: CoordinationRules) -> bool:
    """Return whether a bar's extreme repeats one that ticks reported; NaN in ``tick_extreme`` = they reported none."""
    if not rules.dedupe_extremes or np.isnan(event["tick_extreme"]):
        return False
    kind = event["kind"]
    distance = (event["price"] - event["tick_extreme"]) * event["direction"]
    return not reaches(
        distance, extreme_distance(event["tick_extreme"], rules.min_price_change[kind], rules.min_percent_change[kind])
    )


@kernel
def beats(challenger: Any, holder: Any) -> bool:
    """Return whether a later event of the window outranks the one held; equals leave the earlier one in place."""
    if challenger["source"] != holder["source"]:
        return bool(challenger["source"] < holder["source"])
    if challenger["available_at"] != holder["available_at"]:
        return bool(challenger["available_at"] > holder["available_at"])
    if challenger["confidence"] != holder["confidence"]:
        return bool(challenger["confidence"] > holder["confidence"])
    if challenger["kind"] != holder["kind"]:
        return bool(challenger["kind"] < holder["kind"])
    return bool(challenger["tie_break"] > holder["tie_break"])


@kernel
def key_of(event: Any, rules: CoordinationRules) -> int:
    """Return the position of the event's key among the window states."""
    code: Any = np.int64(event["code"])
    return code if rules.by_ticker else code * rules.kinds + event["kind"]  # type: ignore[no-any-return]  # an integer of numba's


@kernel
def compete(
    events: NDArray[Any],
    first_new: int,
    states: NDArray[Any],
    watermark: int,
    rules: CoordinationRules,
    out: NDArray[Any],
    counts: NDArray[np.int64],
) -> int:
    """Choose one event per key and window, and close the windows that end by the watermark.

    Parameters
    ----------
    events
        The events held over, then from ``first_new`` on the new ones in merge order.
    states
        By key; ``held`` points into ``events``.
    watermark
        int64 ns; no later event is available earlier.
    out
        Receives the emitted events, in no particular order.
    counts
        Added to: superseded, redundant.

    Returns
    -------
    int
        Number of events emitted. ``states`` hold the positions of events that still wait.
    """
    emitted = 0
    for i in range(first_new, len(events)):
        event = events[i]
        if is_redundant(event, rules):
            counts[REDUNDANT] += 1
            continue
        state = states[key_of(event, rules)]
        window = event["available_at"] // rules.window
        if state["window"] != window:
            if state["held"] >= 0:
                emitted = _emit_held(events, state, out, emitted, rules)
            state["window"] = window
            state["competed"] = 0
            state["settled"] = 0
        state["competed"] += 1
        if state["settled"]:
            counts[SUPERSEDED] += 1
        elif event["source"] == TICK and not rules.hold_top_source:
            if state["held"] >= 0:
                counts[SUPERSEDED] += 1
                state["held"] = -1
            state["settled"] = 1
            out[emitted] = events[i]
            out[emitted]["emitted_at"] = event["available_at"]
            out[emitted]["merged"] = state["competed"]
            emitted += 1
        elif state["held"] < 0:
            state["held"] = i
        else:
            counts[SUPERSEDED] += 1
            if beats(event, events[state["held"]]):
                state["held"] = i
    for i in range(len(events)):
        state = states[key_of(events[i], rules)]
        if state["held"] == i and (state["window"] + 1) * rules.window <= watermark:
            emitted = _emit_held(events, state, out, emitted, rules)
    return emitted


@kernel
def _emit_held(events: NDArray[Any], state: Any, out: NDArray[Any], place: int, rules: CoordinationRules) -> int:
    out[place] = events[state["held"]]
    out[place]["emitted_at"] = (state["window"] + 1) * rules.window
    out[place]["merged"] = state["competed"]
    state["held"] = -1
    return place + 1


@kernel
def still_held(events: NDArray[Any], states: NDArray[Any], rules: CoordinationRules, out: NDArray[Any]) -> int:
    """Copy the events that still wait to the front of ``out`` and point their states there, and return their number."""
    held = 0
    for i in range(len(events)):
        state = states[key_of(events[i], rules)]
        if state["held"] == i:
            out[held] = events[i]
            held += 1
    for k in range(held):
        states[key_of(out[k], rules)]["held"] = k
    return held
