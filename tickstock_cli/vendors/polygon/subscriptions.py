"""Subscriptions: the items that are wanted, how they are asked for, and which the vendor has acknowledged.

An item is a channel and a ticker, ``T.AAPL``, or all tickers of a channel, ``T.*``. The wanted items are ours: after
every connection the whole set is asked for. The vendor acknowledges items by name; it says nothing of an unknown
channel, and it does not name an item that it refuses. So what is not acknowledged in time is asked for again, once, and
then reported.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from tickstock_cli.errors import UsageError

EVERY = "*"
CHUNK_BYTES = 8_000
"""Limit of the items of one command, in bytes: the vendor's own is unknown."""
SHOWN = 5
"""Most items that a message names."""
ACK = "subscribed to: "


def wanted_items(channels: Sequence[str], tickers: Sequence[str]) -> tuple[str, ...]:
    """Return the items of all channels and tickers; ``*`` stands for every ticker.

    Raises
    ------
    UsageError
        Second and minute bars are asked for together, or there is no ticker.
    """
    if "A" in channels and "AM" in channels:
        raise UsageError(
            "A and AM are both bars of the same tickers, and a run processes one of them: ask for A (seconds) "
            "or AM (minutes)"
        )
    if not tickers:
        raise UsageError("no ticker is asked for: name some, as in AAPL,MSFT, or * for all")
    named = [EVERY] if EVERY in tickers else list(dict.fromkeys(tickers))
    return tuple(f"{channel}.{ticker}" for channel in dict.fromkeys(channels) for ticker in named)


def chunks(items: Iterable[str], limit: int = CHUNK_BYTES) -> Iterator[str]:
    """Yield comma lists of items, each of at most ``limit`` bytes; a longer item is alone."""
    waiting: list[str] = []
    size = 0
    for item in items:
        length = len(item.encode())
        if waiting and size + 1 + length > limit:
            yield ",".join(waiting)
            waiting, size = [], 0
        size += length + (1 if waiting else 0)
        waiting.append(item)
    if waiting:
        yield ",".join(waiting)


def command(params: str) -> str:
    """Return the message that subscribes to a comma list of items."""
    return json.dumps({"action": "subscribe", "params": params}, separators=(",", ":"), ensure_ascii=False)


class Subscriptions:
    """Wanted and acknowledged items of one connection.

    Parameters
    ----------
    wanted
        Items, each once.
    """

    def __init__(self, wanted: Sequence[str]) -> None:
        self.wanted = tuple(wanted)
        self._missing: dict[str, None] = {}
        self.refusals: dict[str, int] = {}
        """How often the vendor said that it refuses an item, by its words, since the connection was made."""
        self.begin()

    def begin(self) -> None:
        """Forget what was acknowledged: the connection is another one."""
        self._missing = dict.fromkeys(self.wanted)
        self.refusals = {}

    @property
    def acknowledged(self) -> int:
        """The number of acknowledged items."""
        return len(self.wanted) - len(self._missing)

    @property
    def missing(self) -> tuple[str, ...]:
        """The items that are not acknowledged, in the order of ``wanted``."""
        return tuple(self._missing)

    def by_channel(self) -> dict[str, tuple[int, int]]:
        """Return the numbers of acknowledged and wanted items of each channel."""
        wanted = Counter(item.partition(".")[0] for item in self.wanted)
        missing = Counter(item.partition(".")[0] for item in self._missing)
        return {channel: (count - missing[channel], count) for channel, count in wanted.items()}

    def acknowledge(self, message: str) -> bool:
        """Take the message of a success; return whether it acknowledges an item that was missing."""
        if not message.startswith(ACK):
            return False
        before = len(self._missing)
        for item in message[len(ACK) :].split(","):
            self._missing.pop(item.strip(), None)
        return len(self._missing) < before

    def refuse(self, words: str) -> None:
        """Take the words of an error, which name no item."""
        self.refusals[words] = self.refusals.get(words, 0) + 1

    def report(self) -> str | None:
        """Return a line about the missing items; None if there are none."""
        if not self._missing:
            return None
        shown = ", ".join(list(self._missing)[:SHOWN])
        more = ", …" if len(self._missing) > SHOWN else ""
        why = f" ({'; '.join(self.refusals)})" if self.refusals else ""
        return f"{len(self._missing):,} of {len(self.wanted):,} not acknowledged: {shown}{more}{why}"
