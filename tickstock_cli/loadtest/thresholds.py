"""Thresholds of a load test. The defaults are the success table of the system's papers."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, Field, model_validator

from tickstock_cli.config.section import Section

OFF = "off"


class Threshold(Section):
    """A figure's limit. A number alone sets no early abort; "off" sets no limit."""

    limit: float | None = Field(
        description="limit of the figure; off = not judged; without the key, the default applies"
    )
    abort_after: float | None = Field(
        default=None,
        gt=0,
        description="the run ends early once the limit has been missed for this many seconds of wall time",
    )

    @model_validator(mode="before")
    @classmethod
    def _a_number_is_a_limit(cls, value: Any) -> Any:
        if value == OFF:
            return {"limit": None}
        if isinstance(value, int | float) and not isinstance(value, bool):
            return {"limit": value}
        return value

    @model_validator(mode="after")
    def _is_not_below_0(self) -> Self:
        if self.limit is not None and self.limit < 0:
            raise ValueError(f"the limit is {self.limit:g}, but a figure is never below 0")
        return self


def _limit(limit: float | None, description: str) -> Any:
    return Field(default=Threshold(limit=limit), description=description)


def _with_limit(model: type[BaseModel], name: str, entry: Any) -> Any:
    if isinstance(entry, dict) and "limit" not in entry and name in model.model_fields:
        return {"limit": model.model_fields[name].default.limit, **entry}
    return entry


class LoadThresholds(Section):
    """Limits by figure: a number, a table with `limit` and `abort_after`, or "off"."""

    @model_validator(mode="before")
    @classmethod
    def _a_table_may_leave_the_limit_as_it_is(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: _with_limit(cls, name, entry) for name, entry in value.items()}

    ohlcv_symbols_per_minute: Threshold = _limit(
        8_000, "bars processed a minute, at least; all of them where the scenario has fewer"
    )
    tick_p99_ms: Threshold = _limit(50, "99th percentile of the latency of ticks, from their due time; ms")
    tick_mean_ms: Threshold = _limit(10, "mean latency of ticks; ms")
    router_mean_ms: Threshold = _limit(5, "mean time of a routing decision; ms")
    end_to_end_p99_ms: Threshold = _limit(
        100, "99th percentile from an event's due time to its arrival at a client; ms"
    )
    memory_mib: Threshold = _limit(2_048, "maximum resident memory of the system; MiB")
    success_percent: Threshold = _limit(95, "rows processed without an error, of all rows due, at least; percent")
    lost_rows: Threshold = _limit(0, "rows sent and not read, and events that clients missed")
    dedup_percent: Threshold = _limit(
        100, "expected events delivered once, and planted duplicates rejected, at least; percent"
    )
    wrong_channel_rows: Threshold = _limit(0, "rows and events in a channel of another type")
    surge_p95_ms: Threshold = _limit(150, "95th percentile of the latency of ticks in surge stages; ms")
    recovery_seconds: Threshold = _limit(30, "seconds from the end of a surge until latency and backlog are as before")
