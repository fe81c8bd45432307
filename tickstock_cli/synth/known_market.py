"""What is known of a written market from its options alone, without reading its rows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tickstock_cli.errors import TickstockError
from tickstock_cli.storage.fetching import local_copy
from tickstock_cli.synth.tickers import make_tickers
from tickstock_cli.synth.timeline import find_sessions

OPTIONS_NAME = "_synth.json"


@dataclass(frozen=True, slots=True)
class KnownMarket:
    """The tickers of a market, and its days as ISO dates in New York."""

    tickers: frozenset[str]
    days: frozenset[str]


def known_market(folder: Path) -> KnownMarket | None:
    """Return the market of a folder or of a prefix of a store; None if its options are not there or cannot be read."""
    try:
        options = json.loads(local_copy(folder / OPTIONS_NAME).read_text(encoding="utf-8"))["options"]
        sessions = find_sessions(date.fromisoformat(options["first_day"]), options["days"])
        tickers = make_tickers(options["seed"], options["symbols"])
    except (OSError, TickstockError, ValueError, KeyError, TypeError):
        return None
    return KnownMarket(frozenset(tickers), frozenset(session.day.isoformat() for session in sessions))
