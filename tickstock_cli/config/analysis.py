"""Settings of what a backtest makes of prices and events. They change no event."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from tickstock_cli.config.section import Section
from tickstock_cli.core.phases import Phase
from tickstock_cli.core.quantities import parse_duration
from tickstock_cli.core.times import NS_PER_DAY
from tickstock_cli.errors import UsageError

CLOSE = "close"
"""The horizon that ends with the day."""


class AnalysisSection(Section):
    """A section that affects what a backtest computes from rows and events, not the events."""


def horizon_ns(text: str) -> int | None:
    """Return the length of a horizon in ns; None for ``close``.

    Raises
    ------
    ValueError
        It is none.
    """
    if text == CLOSE:
        return None
    if not text.endswith(("s", "m", "h")):
        raise ValueError(f"must be close or a duration with s, m or h behind it, as in 5m, was {text}")
    try:
        length = parse_duration(text)
    except UsageError as error:
        raise ValueError(str(error)) from error
    if not 0 < length < NS_PER_DAY:
        raise ValueError(f"must end within a day, was {text}; close is the day's end")
    return length


def _different(horizons: tuple[str, ...]) -> tuple[str, ...]:
    lengths = [horizon_ns(text) for text in horizons]
    for place, length in enumerate(lengths):
        if length in lengths[:place]:
            first = horizons[lengths.index(length)]
            raise ValueError(f"must name each length once, but {horizons[place]} is as long as {first}")
    return horizons


class PricesSettings(AnalysisSection):
    """The prices that a backtest uses."""

    source: Literal["auto", "tick", "ohlcv"] = Field(
        default="auto", description="ticks or bars; auto takes ticks if the recording has a file of them"
    )
    phases: tuple[Phase, ...] = Field(
        default=("regular",), min_length=1, description="phases whose prices are used, of session.phases"
    )
    open_slack_ms: float = Field(
        default=1_000,
        ge=0,
        le=86_400_000,
        description="a bar that opened this long before a decision can still be had at its open, in milliseconds; "
        "0 = the next open only",
    )


class StudySettings(AnalysisSection):
    """The event study: what prices did after events, beside the same stock at the same time of the following days."""

    latency_ms: float = Field(
        default=100,
        ge=0,
        le=86_400_000,
        description="time between an event and the decision about it, in milliseconds",
    )
    horizons: Annotated[tuple[str, ...], AfterValidator(_different)] = Field(
        default=("1m", "5m", "30m", CLOSE),
        min_length=1,
        description="times after the entry at which the move is measured: s, m, h, or close, the day's end",
    )
    max_wait_seconds: float = Field(
        default=60, ge=0, le=1e9, description="longest wait for the first tick after a decision, in seconds"
    )
    max_wait_bars_seconds: float = Field(
        default=300,
        ge=0,
        le=1e9,
        description="longest wait for the first opening of a bar after a decision, in seconds",
    )
    end_slack_seconds: float = Field(
        default=300,
        ge=0,
        le=1e9,
        description="a day counts as recorded to its end if its last row is available this long before it, in seconds",
    )
    placebo_days: int = Field(
        default=5, ge=0, le=14, description="following recorded days that serve as the placebo of an event"
    )
    thin: int = Field(
        default=30, ge=2, description="cells with fewer observations are marked thin and are in no correction"
    )
