"""Commands of clients: text or binary frames, each one JSON object with an action and parameters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

PREFIXES = frozenset({"T", "Q", "A", "AM", "FMV", "LULD", "NOI", "LV"})
"""Prefixes of items that the vendor knows. Others get no answer at all."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command. ``params`` is a key, or items separated by commas."""

    action: str
    params: str

    @property
    def items(self) -> list[str]:
        """The items, each once, without the spaces around them."""
        return list(dict.fromkeys(item for part in self.params.split(",") if (item := part.strip())))


def parse_command(frame: str | bytes) -> Command | None:
    """Return the command of a frame, or None if it is none."""
    try:
        fields = msgspec.json.decode(frame)
    except (msgspec.DecodeError, UnicodeError):
        return None
    if not isinstance(fields, dict):
        return None
    action, params = fields.get("action"), fields.get("params", "")
    return Command(action, params) if isinstance(action, str) and isinstance(params, str) else None


def known_items(items: Iterable[str]) -> list[str]:
    """Return the items with a prefix that the vendor knows; the ticker begins behind the first dot."""
    return [item for item in items if item.partition(".")[0] in PREFIXES and item.partition(".")[2]]


def everything_of(item: str) -> str:
    """Return the item that covers all tickers of an item's prefix.

    Examples
    --------
    >>> everything_of("T.BRK.B")
    'T.*'
    """
    return f"{item.partition('.')[0]}.*"
