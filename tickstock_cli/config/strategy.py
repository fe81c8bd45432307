"""A trading strategy as frozen pydantic models: the sections of a strategy's TOML file.

The rules are those of docs/backtest.md, section 3. Descriptions are user documentation.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from tickstock_cli.config.section import Section
from tickstock_cli.core.phases import Phase
from tickstock_cli.core.quantities import parse_duration
from tickstock_cli.errors import UsageError

_CLOCK = re.compile(r"(?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?", re.ASCII)
_DAY_SECONDS = 86_400
_LONGEST_DAYS = 10_000


def parse_clock(text: str) -> int:
    """Return a time of day in ns since midnight.

    Raises
    ------
    UsageError
        The text is no time of day between 00:00 and 24:00.

    Examples
    --------
    >>> parse_clock("09:35"), parse_clock("24:00")
    (34500000000000, 86400000000000)
    """
    match = _CLOCK.fullmatch(text)
    if match is not None:
        hour, minute, second = (int(match[part] or 0) for part in ("hour", "minute", "second"))
        seconds = hour * 3_600 + minute * 60 + second
        if minute < 60 and second < 60 and seconds <= _DAY_SECONDS:
            return seconds * 1_000_000_000
    raise UsageError(f'a time of day must be hours and minutes, as in "09:35", was {text}')


def duration_ns(text: str) -> int:
    """Return a duration of a strategy in ns; 0 if it is switched off by an empty text."""
    return parse_duration(text) if text else 0


def _duration(text: str) -> str:
    try:
        length = duration_ns(text)
    except UsageError as error:
        raise ValueError(f"{error}; an empty text is off") from error
    if length > _LONGEST_DAYS * _DAY_SECONDS * 1_000_000_000:
        raise ValueError(f"must be at most {_LONGEST_DAYS} d, was {text}; an empty text is off")
    return text


def _between(clocks: tuple[str, ...]) -> tuple[str, ...]:
    if not clocks:
        return clocks
    if len(clocks) != 2:
        raise ValueError('must be two times of day, as in ["09:35", "15:30"]')
    try:
        first, last = (parse_clock(clock) for clock in clocks)
    except UsageError as error:
        raise ValueError(str(error)) from error
    if first >= last:
        raise ValueError("must begin before it ends")
    return clocks


Duration = Annotated[str, AfterValidator(_duration)]


class StrategyHead(Section):
    """The strategy itself: its name, its reaction time, its money."""

    name: str = Field(default="", description="name in reports and files; empty is the name of the file")
    latency_ms: float = Field(
        default=100, ge=0, le=86_400_000, description="time from an event or price to the decision, in milliseconds"
    )
    cash: float = Field(default=100_000, ge=0.01, le=1e12, description="money at the start, in dollars")


class EnterRule(Section):
    """A rule of entry: filters of events. An event belongs to the first rule all of whose filters hold."""

    kinds: tuple[str, ...] = Field(default=(), description="kinds of events; empty is every kind")
    directions: tuple[Literal[-1, 0, 1], ...] = Field(
        default=(), description="directions of events; empty is every one"
    )
    sources: tuple[str, ...] = Field(
        default=(), description="sources of events: tick, ohlcv, fmv, or those of given events; empty is every source"
    )
    phases: tuple[Phase, ...] = Field(default=(), description="phases of events; empty is every phase")
    tickers: tuple[str, ...] = Field(default=(), description="tickers; empty is every ticker")
    between: Annotated[tuple[str, ...], AfterValidator(_between)] = Field(
        default=(),
        description='local times of the decision, the first included, the second not, as in ["09:35", "15:30"]; '
        "empty is any time",
    )
    min_score: float | None = Field(default=None, description="least score; an event without a score fails")
    min_strength: int | None = Field(default=None, ge=1, le=3, description="least strength, from 1 to 3")
    min_rel_volume: float | None = Field(default=None, ge=0, description="least relative volume")
    min_abs_percent_change: float | None = Field(
        default=None, ge=0, description="least size of the change in percent, in either direction"
    )
    side: Literal["follow", "fade", "long", "short"] = Field(
        default="follow", description="trade in the event's direction, against it, or always long or short"
    )


class ExitRules(Section):
    """When a position is closed: the earliest decision wins."""

    stop_percent: float = Field(default=0, ge=0, description="loss against the average entry, in percent; 0 = off")
    trail_percent: float = Field(default=0, ge=0, description="loss against the best price since, in percent; 0 = off")
    target_percent: float = Field(default=0, ge=0, description="gain on the average entry, in percent; 0 = off")
    after: Duration = Field(default="10m", description='time from the first fill to the exit; "" = off')
    session_end: Duration = Field(
        default="5m",
        description="time before the end of the day at which positions are closed and entries are cancelled; "
        '"" = positions are held overnight',
    )
    on_opposite: bool = Field(default=False, description="close a position when a signal of the other side comes")


class SizeRules(Section):
    """How many shares are bought or sold short."""

    rule: Literal["notional", "equity_percent", "risk"] = Field(
        default="notional",
        description="dollars a position, percent of the equity, or percent of the equity lost if the stop is hit",
    )
    value: float = Field(default=10_000, gt=0, le=1e12, description="dollars, or percent of the equity")
    max_positions: int = Field(
        default=10, ge=1, le=1_000_000, description="most tickers with a position or a working order"
    )
    max_gross_percent: float = Field(
        default=100, gt=0, le=1e6, description="most that all positions are worth, in percent of the equity"
    )


class FillRules(Section):
    """What an order gets: part of the prints after its decision, at their price and costs."""

    participation: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="share of a print's or bar's volume that orders get; 0 = the whole order at the first print, "
        "for comparison only",
    )
    half_spread_bps: float = Field(default=1, ge=0, description="half of the spread, in hundredths of a percent")
    half_spread_min: float = Field(default=0.005, ge=0, description="least half of the spread, in dollars a share")
    slippage_bps: float = Field(default=1, ge=0, description="slippage on top, in hundredths of a percent")
    timeout_seconds: float = Field(
        default=60, ge=0, le=1e9, description="time that an entry meets ticks, in seconds; its rest is cancelled then"
    )
    timeout_bars_seconds: float = Field(
        default=300,
        ge=0,
        le=1e9,
        description="the same for bars, in seconds; at least the length of the recording's longest bar",
    )


class FeeRules(Section):
    """What a broker charges for an order."""

    minimum: float = Field(default=0, ge=0, le=1e9, description="least fee of an order, in dollars")
    per_share: float = Field(default=0.005, ge=0, le=1e6, description="fee of a share, in dollars")
    bps: float = Field(default=0, ge=0, le=1e6, description="fee on the money traded, in hundredths of a percent")


class StrategySettings(Section):
    """A strategy: rules of entry, exit and size, and what its orders cost."""

    strategy: StrategyHead = StrategyHead()
    enter: tuple[EnterRule, ...] = ()
    exit: ExitRules = ExitRules()
    size: SizeRules = SizeRules()
    fill: FillRules = FillRules()
    fees: FeeRules = FeeRules()

    @model_validator(mode="after")
    def _risk_needs_a_stop(self) -> StrategySettings:
        if self.size.rule == "risk" and not self.exit.stop_percent:
            raise ValueError('size.rule = "risk" needs a stop: set exit.stop_percent')
        return self

    @property
    def name(self) -> str:
        """Return the strategy's name."""
        return self.strategy.name
