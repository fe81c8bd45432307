"""A short look at the feed of a live run: what is granted, how far behind it is."""

from __future__ import annotations

from contextlib import closing
from typing import Protocol, cast

from tickstock_cli.core.feed_check import FeedCheck
from tickstock_cli.live.request import LiveRequest
from tickstock_cli.live.run import replay_request
from tickstock_cli.replaying import read_options
from tickstock_cli.sources.opening import open_source


class CheckedFeed(Protocol):
    """A feed that can be looked at."""

    def check(self) -> tuple[FeedCheck, ...]:
        """Connect, subscribe and listen for a moment; return what each connection found."""

    def close(self) -> None:
        """Close the connections. Idempotent."""


def check_request(request: LiveRequest) -> None:
    """Check a request without connecting.

    Raises
    ------
    UsageError
        There is no key, or what is asked for contradicts itself.
    """
    _feed(request).close()


def check_feed(request: LiveRequest) -> tuple[FeedCheck, ...]:
    """Connect to the feed, subscribe, listen for a moment, and return what each connection found.

    Raises
    ------
    UsageError
        There is no key, or what is asked for contradicts itself.
    """
    with closing(_feed(request)) as feed:
        return feed.check()


def _feed(request: LiveRequest) -> CheckedFeed:
    replayed = replay_request(request)
    return cast(CheckedFeed, open_source(replayed.paths, read_options(replayed, request.settings)))
