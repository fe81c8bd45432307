"""A window of seconds behind a tick, and the baseline before it, as sums that grow with every tick.

Ticks fall into one-second buckets. A closed bucket keeps the sums from the segment's start up to its end, so what lies
between two buckets is a difference: nothing is added or taken away when buckets leave the window. Only the place where
the window begins moves. The open bucket is part of ``Window``, which a kernel holds in registers while it reads the
ticks of one ticker.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.kernels.compare import micro_shares
from tickstock_cli.kernels.jit import inlined_kernel

WINDOW_FIELDS = [
    ("shares", "i8"),
    ("micros", "i8"),
    ("prices", "i8"),
    ("prices_before", "i8"),
    ("price", "f8"),
    ("price_before", "f8"),
    ("second", "i4"),
    ("priced", "i4"),
    ("priced_before", "i4"),
    ("oldest_second", "i4"),
    ("closed", "i4"),
    ("place", "i4"),
    ("oldest", "i4"),
    ("base", "i4"),  # number of the baseline's oldest bucket when it was last asked for
]
"""Fields of a state that holds a ``Window`` between batches; all zero is a ticker whose segment has not begun."""
BUCKET = np.dtype(
    [
        ("shares", "i8"),
        ("micros", "i8"),
        ("prices", "i8"),
        ("price", "f8"),
        ("second", "i4"),
        ("priced", "i4"),
    ],
    align=True,
)
"""A closed bucket: its second, and what ``Window`` held at its end."""
whole: Any = np.int64
"""Widens the short integers of states. mypy takes an int64 for no ``int``."""
NO_SECOND = -(2**30)
"""Before every baseline."""


class Window(NamedTuple):
    """The open bucket and the begin of the window; seconds count from the segment's first row.

    Parameters
    ----------
    second
        The open bucket; ``NO_SECOND`` before the first.
    shares, micros, prices
        Volume and number of prices since the segment's start; whole shares and millionths apart, see ``micro_shares``.
    price, priced
        The last price, and its second.
    closed, place
        How many buckets were closed, and the place of the next one in the ring.
    oldest, oldest_second
        Number and second of the window's oldest bucket; it can be the open one.
    prices_before, price_before, priced_before
        Number of prices, last price and its second at the end of the bucket before that one.
    """

    second: int
    shares: int
    micros: int
    prices: int
    price: float
    priced: int
    closed: int
    place: int
    oldest: int
    oldest_second: int
    prices_before: int
    price_before: float
    priced_before: int


@inlined_kernel
def new_window() -> Window:
    """Return the window at the start of a segment."""
    return Window(NO_SECOND, 0, 0, 0, np.nan, NO_SECOND, 0, 0, 0, 0, 0, np.nan, NO_SECOND)


@inlined_kernel
def load_window(state: Any) -> Window:
    """Return the window that a state holds."""
    return Window(
        whole(state["second"]),
        state["shares"],
        state["micros"],
        state["prices"],
        state["price"],
        whole(state["priced"]),
        whole(state["closed"]),
        whole(state["place"]),
        whole(state["oldest"]),
        whole(state["oldest_second"]),
        state["prices_before"],
        state["price_before"],
        whole(state["priced_before"]),
    )


@inlined_kernel
def store_window(state: Any, window: Window) -> None:
    """Write a window into a state."""
    state["second"] = window.second
    state["shares"] = window.shares
    state["micros"] = window.micros
    state["prices"] = window.prices
    state["price"] = window.price
    state["priced"] = window.priced
    state["closed"] = window.closed
    state["place"] = window.place
    state["oldest"] = window.oldest
    state["oldest_second"] = window.oldest_second
    state["prices_before"] = window.prices_before
    state["price_before"] = window.price_before
    state["priced_before"] = window.priced_before


@inlined_kernel
def place_of(number: int, closed: int, place: int, size: int) -> int:
    """Return the place of a closed bucket in a ring of ``size``, where the next one will be at ``place``."""
    found = place - (closed - number)
    return found if found >= 0 else found + size


@inlined_kernel
def bucket_of(window: Window, ring: NDArray[Any], number: int) -> Any:
    """Return a closed bucket by its number."""
    return ring[place_of(number, window.closed, window.place, len(ring))]


@inlined_kernel
def open_second(window: Window, ring: NDArray[Any], second: int, interval: int) -> Window:
    """Close the open bucket, open that of a later ``second``, and let what is older than ``interval`` seconds leave."""
    closed = window.closed
    place = window.place
    oldest = window.oldest
    oldest_second = window.oldest_second
    prices_before = window.prices_before
    price_before = window.price_before
    priced_before = window.priced_before
    if window.second == NO_SECOND:
        oldest_second = second
    else:
        bucket = ring[place]
        bucket["shares"] = window.shares
        bucket["micros"] = window.micros
        bucket["prices"] = window.prices
        bucket["price"] = window.price
        bucket["second"] = window.second
        bucket["priced"] = window.priced
        closed += 1
        place = place + 1 if place + 1 < len(ring) else 0
    while oldest < closed and oldest_second <= second - interval:
        left = ring[place_of(oldest, closed, place, len(ring))]
        prices_before = left["prices"]
        price_before = left["price"]
        priced_before = whole(left["priced"])
        oldest += 1
        oldest_second = second
        if oldest < closed:
            oldest_second = whole(ring[place_of(oldest, closed, place, len(ring))]["second"])
    return Window(
        second,
        window.shares,
        window.micros,
        window.prices,
        window.price,
        window.priced,
        closed,
        place,
        oldest,
        oldest_second,
        prices_before,
        price_before,
        priced_before,
    )


@inlined_kernel
def add_tick(window: Window, price: float, size: int, counts_volume: bool, is_last: bool) -> Window:
    """Add a tick to the open bucket: its volume, and its price if it may be a last one."""
    shares = 0
    micros = 0
    if counts_volume:
        shares = size // 1_000_000
        micros = size - shares * 1_000_000
    return Window(
        window.second,
        window.shares + shares,
        window.micros + micros,
        window.prices + (1 if is_last else 0),
        price if is_last else window.price,
        window.second if is_last else window.priced,
        window.closed,
        window.place,
        window.oldest,
        window.oldest_second,
        window.prices_before,
        window.price_before,
        window.priced_before,
    )


@inlined_kernel
def window_count(window: Window) -> int:
    """Return the number of prices in the window."""
    return window.prices - window.prices_before


@inlined_kernel
def reference_of(window: Window, ring: NDArray[Any], reach: int) -> float:
    """Return the baseline's last price, or without one the price of the window's oldest bucket that has one.

    The window has a price. ``reach`` is the length of window and baseline together, in seconds.
    """
    if window.priced_before > window.second - reach:
        return window.price_before
    for number in range(window.oldest, window.closed):
        bucket = bucket_of(window, ring, number)
        if bucket["prices"] > window.prices_before:
            return float(bucket["price"])
    return window.price


@inlined_kernel
def base_start(window: Window, ring: NDArray[Any], former: int, reach: int) -> int:
    """Return the number of the baseline's oldest bucket; ``former`` is an earlier answer in the same segment."""
    number = max(former, window.closed - len(ring))
    while number < window.oldest and bucket_of(window, ring, number)["second"] <= window.second - reach:
        number += 1
    return number


@inlined_kernel
def volume_between(window: Window, ring: NDArray[Any], first: int, end: int) -> float:
    """Return the volume of the buckets from number ``first`` to before ``end``, in millionths of shares."""
    shares = window.shares
    micros = window.micros
    if end <= window.closed:
        last = bucket_of(window, ring, end - 1)
        shares = last["shares"] if end > 0 else 0
        micros = last["micros"] if end > 0 else 0
    if first > 0:
        before = bucket_of(window, ring, first - 1)
        shares -= before["shares"]
        micros -= before["micros"]
    return micro_shares(shares, micros)


@inlined_kernel
def base_count(window: Window, ring: NDArray[Any], base: int) -> int:
    """Return the number of prices in the baseline that begins with bucket ``base``."""
    if base == 0:
        return window.prices_before
    return int(window.prices_before - bucket_of(window, ring, base - 1)["prices"])
