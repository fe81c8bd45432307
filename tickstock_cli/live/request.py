"""What a live run is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

from tickstock_cli.config.settings import Settings
from tickstock_cli.core.time_input import TimeInput, local_clock
from tickstock_cli.core.times import NS_PER_DAY, NS_PER_SECOND
from tickstock_cli.errors import UsageError
from tickstock_cli.runtime.opening import PipelineName

TITLE_TICKERS = 3
"""Tickers that the title of a run names; a run may have thousands."""


@dataclass(frozen=True, slots=True)
class RelayAddress:
    """Where a feed is relayed to local clients.

    Parameters
    ----------
    key
        What clients must send; None accepts any.
    opened
        Called with the address once it listens.
    """

    host: str
    port: int
    key: str | None = field(default=None, repr=False)
    opened: Callable[[str], object] = lambda url: None  # noqa: ARG005


@dataclass(frozen=True, slots=True)
class LiveRequest:
    """A live run.

    Parameters
    ----------
    target
        The feed: scheme and tickers, as in ``polygon:AAPL,MSFT``.
    outs
        Targets of events (by suffix; ``-`` is stdout).
    record
        Folder of the recording; None keeps none.
    max_size
        Most bytes of the recording; whole oldest days go first. None: no limit.
    keep_days
        Days of the recording that are kept; None: all.
    ends_at, duration_ns
        End of the run, ns UTC, or the time it lasts from when its feed is opened; None: it goes on until it is stopped.
    pipeline
        How rows get to the core: the running system, or the direct path, which costs less and has no channels.
    shadow, shadow_name
        A second configuration that runs on the same rows, and its file; None: there is none.
    relay
        Serves the feed to local clients in the vendor's format; None: it is not relayed.
    command_line, secrets
        The words of the command, for the recording, and texts that must not be in it.
    """

    target: str
    settings: Settings
    outs: Sequence[str] = ()
    record: Path | None = None
    max_size: int | None = None
    keep_days: int | None = None
    ends_at: int | None = None
    duration_ns: int | None = None
    pipeline: PipelineName = PipelineName.MULTI
    shadow: Settings | None = None
    shadow_name: str = ""
    relay: RelayAddress | None = None
    command_line: Sequence[str] = ()
    secrets: Sequence[str] = field(default=(), repr=False)

    @property
    def title(self) -> str:
        """What is run, in one short line.

        Examples
        --------
        >>> from tickstock_cli.config.settings import Settings
        >>> LiveRequest("polygon:*", Settings()).title, LiveRequest("polygon:A,B,C,D,E", Settings()).title
        ('polygon live, all tickers', 'polygon live, A, B, C and 2 more')
        """
        vendor, _, names = self.target.partition(":")
        tickers = names.split(",")
        more = len(tickers) - TITLE_TICKERS
        shown = ", ".join(tickers[:TITLE_TICKERS]) + (f" and {more:,} more" if more > 0 else "")
        return f"{vendor} live, {'all tickers' if names == '*' else shown}"

    @property
    def has_minute_bars(self) -> bool:
        """Whether the feed has bars of a minute, of the vendor or made from trades."""
        section = getattr(self.settings, self.target.partition(":")[0], None)
        return self.settings.live.bars_from_trades_seconds == 60 or "AM" in getattr(section, "channels", ())


def next_moment(until: TimeInput, now: int, zone: tzinfo) -> int:
    """Return a moment in ns UTC: on the clocks of ``zone``, unless it has one; for a time of day, the next one.

    Raises
    ------
    UsageError
        The moment is past.
    """
    if not until.of_day:
        moment = _on_the_clocks(until.ns, zone) if until.has_no_zone else until.ns
        if moment <= now:
            raise UsageError(f"--until {until.text} is past: it is {local_clock(now, zone)}; name a later time")
        return moment
    local = datetime.fromtimestamp(now // NS_PER_SECOND, UTC).astimezone(zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    for days in range(3):
        wanted = midnight + timedelta(days=days, microseconds=until.ns // 1_000)
        moment = int(wanted.replace(tzinfo=zone).timestamp()) * NS_PER_SECOND + until.ns % NS_PER_SECOND
        if moment > now:
            return moment
    return now + NS_PER_DAY


def _on_the_clocks(ns: int, zone: tzinfo) -> int:
    """Return the moment (ns UTC) at which the clocks of a zone show what those of UTC show at ``ns``."""
    shown = datetime.fromtimestamp(ns // NS_PER_SECOND, UTC).replace(tzinfo=zone)
    return int(shown.timestamp()) * NS_PER_SECOND + ns % NS_PER_SECOND
