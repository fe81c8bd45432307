"""What the figures of a load test are held against. The defaults are the success table of the system's papers."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, Field, model_validator

from tickstock_cli.config.section import Section

OFF = "off"


class Threshold(Section):
    """A figure's limit. A bare number is one without early abort; "off" is none."""

    limit: float | None = Field(
        description="the figure must not be beyond it; off = not judged; left out, the default stays"
    )
    abort_after: float | None = Field(
        default=None, gt=0, description="seconds (wall time) for which it may be missed before the run is ended early"
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
        8_000, "bars processed a minute, at least (or all, where fewer are asked)"
    )
    tick_p99_ms: Threshold = _limit(50, "99th percentile of a tick's latency, from when it was due; ms")
    tick_mean_ms: Threshold = _limit(10, "mean of the same; ms")
    router_mean_ms: Threshold = _limit(5, "mean time the router takes to decide; ms")
    end_to_end_p99_ms: Threshold = _limit(
        100, "99th percentile from an event's row being due to a client having it; ms"
    )
    memory_mib: Threshold = _limit(2_048, "greatest resident memory of the system; MiB")
    success_percent: Threshold = _limit(95, "rows processed of those that were sent, at least; percent")
    lost_rows: Threshold = _limit(0, "rows sent and never read")
    dedup_percent: Threshold = _limit(100, "events delivered once and planted duplicates rejected, at least; percent")
    wrong_channel_rows: Threshold = _limit(0, "rows processed by another channel than their type's")
    surge_p95_ms: Threshold = _limit(150, "95th percentile of a tick's latency in stages that are a surge; ms")
    recovery_seconds: Threshold = _limit(30, "from the end of a surge until latency and backlog are as before; seconds")
