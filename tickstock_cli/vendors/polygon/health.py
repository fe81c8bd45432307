"""The state of a feed of one or two connections, as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tickstock_cli.core.metrics import SourceHealth, SourceState

if TYPE_CHECKING:  # the state is asked for before a socket is needed
    from tickstock_cli.vendors.polygon.connection import FeedConnection

DOING = ("cooling", "connecting", "authenticating", "subscribing", "streaming", "stopped")
"""States of connections. That of a feed with two of them is the one that comes first here."""


def feed_health(connections: Sequence[FeedConnection], wanted: int) -> SourceHealth:
    """Return the state of connections.

    Parameters
    ----------
    wanted
        Number of items, for the time before there is a connection.
    """
    if not connections:
        return SourceHealth(SourceState.CONNECTING, wanted=wanted, acknowledged=0, doing=DOING[1])
    first = min(connections, key=lambda one: DOING.index(one.facts.state))
    problems = [f"{one.facts.prefix}{one.facts.problem}" for one in connections if one.facts.problem is not None]
    return SourceHealth(
        _state(first),
        first.facts.since,
        authenticated=all(one.facts.authenticated for one in connections),
        wanted=sum(len(one.subscriptions.wanted) for one in connections),
        acknowledged=sum(one.subscriptions.acknowledged for one in connections),
        reconnects=sum(max(0, one.facts.connects - 1) for one in connections),
        problem="; ".join(problems) or None,
        doing=str(first.facts.state),
    )


def _state(connection: FeedConnection) -> SourceState:
    match str(connection.facts.state):
        case "streaming":
            return SourceState.CONNECTED
        case "stopped":
            return SourceState.ENDED
        case _:
            return SourceState.RECONNECTING if connection.facts.was_authenticated else SourceState.CONNECTING
