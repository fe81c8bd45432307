"""`tickstock live --check`: what the key is good for, in a few lines."""

from __future__ import annotations

import json

import typer

from tickstock_cli.cli.feed_lines import lag_words
from tickstock_cli.core.counted import counted
from tickstock_cli.core.feed_check import FeedCheck
from tickstock_cli.errors import FeedError
from tickstock_cli.live.checking import check_feed
from tickstock_cli.live.request import LiveRequest

MOST_MISSING = 10
"""Limit of the subscriptions that are named."""


def check(request: LiveRequest, as_json: bool) -> None:
    """Look at the feed for a moment and print what was found.

    Raises
    ------
    FeedError
        A connection cannot be used, or a subscription was not acknowledged.
    """
    found = check_feed(request)
    if as_json:
        typer.echo(json.dumps({"connections": [one.as_dict() for one in found]}, indent=2))
    else:
        for one in found:
            typer.echo("\n".join(_lines(one)))
    for one in found:
        if one.problem is not None:
            raise FeedError(f"{one.url}: {one.problem}")
        if one.missing:
            raise FeedError(
                f"{one.url}: {len(one.missing):,} of {counted(one.wanted, 'subscription')} are not acknowledged"
            )


def _lines(found: FeedCheck) -> list[str]:
    lines = [found.url, f"  authenticated  {'yes' if found.authenticated else 'no'}"]
    for channel, (acknowledged, wanted) in found.channels.items():
        lines.append(f"  {channel:<13}  {acknowledged:,} of {counted(wanted, 'subscription')} acknowledged")
    if found.missing:
        more = f" and {len(found.missing) - MOST_MISSING:,} more" if found.missing[MOST_MISSING:] else ""
        lines.append(f"  missing        {', '.join(found.missing[:MOST_MISSING])}{more}")
    lines += [f"  refused        {refusal}" for refusal in found.refusals]
    lag = "no row came meanwhile" if found.lag_ms is None else lag_words(found.lag_ms)
    offset = "unknown" if found.clock_offset_ms is None else f"{found.clock_offset_ms / 1_000:+,.1f} s"
    return [*lines, f"  rows           {found.rows:,}", f"  lag            {lag}", f"  clock offset   {offset}"]
