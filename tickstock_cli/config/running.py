"""Settings of the running system: channels, router, monitoring, event log. None of them changes an event."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from tickstock_cli.config.section import RunningSection

BatchingName = Literal["immediate", "size", "time", "hybrid", "adaptive"]
StrategyName = Literal["health_based", "hash_based", "round_robin", "load_based", "random"]


def _queue_rows(rows: int) -> Any:
    return Field(default=rows, ge=1, le=10_000_000, description="capacity of the queue of an instance, in rows")


def _batching(name: BatchingName) -> Any:
    return Field(
        default=name,
        description="when rows are taken from the queue: at once (immediate); in full batches or after a wait (size, "
        "hybrid); after a wait (time); in batches sized by the arrival rate within the timeout (adaptive)",
    )


def _batch_rows(rows: int) -> Any:
    return Field(default=rows, ge=1, le=1_000_000, description="most rows of a batch")


def _batch_wait_ms(milliseconds: int) -> Any:
    return Field(
        default=milliseconds,
        ge=1,
        le=60_000,
        description="longest wait of a row for its batch to fill, in milliseconds; immediate never waits",
    )


def _timeout_ms(milliseconds: int) -> Any:
    return Field(
        default=milliseconds,
        ge=1,
        le=60_000,
        description="time limit of a batch, in milliseconds; longer processing is counted and alerted, not cancelled",
    )


class ChannelSettings(RunningSection):
    """Settings of a channel; the three channels override some defaults."""

    instances: int = Field(default=1, ge=1, le=64, description="instances that share the channel's tickers")
    queue_rows: int = _queue_rows(1_000)
    batching: BatchingName = _batching("immediate")
    batch_rows: int = _batch_rows(1_000)
    batch_wait_ms: int = _batch_wait_ms(10)
    timeout_ms: int = _timeout_ms(25)
    breaker_failures: int = Field(
        default=5, ge=1, description="failed batches in a row that open an instance's circuit breaker"
    )
    breaker_failure_percent: float = Field(
        default=50,
        ge=0,
        le=100,
        description="share of failed batches in the window above which the breaker opens, in percent",
    )
    breaker_window: int = Field(default=20, ge=1, le=10_000, description="number of latest batches in that window")
    breaker_open_ms: int = Field(
        default=5_000, ge=1, description="how long an open breaker passes no batch, in milliseconds"
    )
    breaker_trials: int = Field(
        default=3, ge=1, le=1_000, description="successful batches that close the breaker again"
    )

    @model_validator(mode="after")
    def _a_batch_fits_into_the_queue(self) -> Self:
        if self.batch_rows > self.queue_rows:
            raise ValueError(
                f"a batch must fit into the queue: batch_rows {self.batch_rows} is above queue_rows {self.queue_rows}"
            )
        return self


class TickChannelSettings(ChannelSettings):
    """The running system's tick channel: every row at once."""


class OhlcvChannelSettings(ChannelSettings):
    """The running system's OHLCV channel: full batches, or the rows of a tenth of a second."""

    queue_rows: int = _queue_rows(8_000)
    batching: BatchingName = _batching("size")
    batch_rows: int = _batch_rows(100)
    batch_wait_ms: int = _batch_wait_ms(100)
    timeout_ms: int = _timeout_ms(50)


class FmvChannelSettings(ChannelSettings):
    """The running system's FMV channel: full batches, or the rows of half a second."""

    queue_rows: int = _queue_rows(500)
    batching: BatchingName = _batching("hybrid")
    batch_rows: int = _batch_rows(50)
    batch_wait_ms: int = _batch_wait_ms(500)
    timeout_ms: int = _timeout_ms(50)


class SystemSettings(RunningSection):
    """The running system as a whole."""

    drain_seconds: float = Field(
        default=10,
        ge=0,
        le=3_600,
        description="longest time at a stop to process queued rows, and for clients of a served run to get the last "
        "events; rows and clients that remain are counted and reported",
    )
    stop_seconds: float = Field(
        default=30,
        ge=0,
        le=3_600,
        description="longest time at a stop to wait for a batch under way, and again for outputs to be written; what "
        "takes longer is left, with an error",
    )
    market_clock: Literal["auto", "rows", "wall"] = Field(
        default="auto",
        description="how market time passes between the rows of an embedded system: auto is by the machine's clock "
        "while rows are of about now and by rows alone otherwise, rows is by rows alone, wall by the machine's clock",
    )


class PipelineSettings(RunningSection):
    """The share of tickers that take the running system's channels under `--pipeline rollout`."""

    rollout_percent: float = Field(
        default=1,
        ge=0,
        le=100,
        description="share of the tickers that take the multi-channel path under --pipeline rollout, in percent, by "
        "shard; the others take the linear path; it can be changed while the system runs",
    )


class RouterSettings(RunningSection):
    """Assignment of tickers to the instances of a channel, and the limits of a healthy instance."""

    strategy: StrategyName = Field(
        default="health_based", description="how the 64 shards of tickers are assigned to a channel's instances"
    )
    seed: int = Field(default=0, ge=0, description="seed of the strategy random")
    overflow: Literal["wait", "spill"] = Field(
        default="wait",
        description="policy for a full queue: wait blocks the source, spill writes the rows to disk and processes them "
        "later",
    )
    unhealthy_error_percent: float = Field(
        default=10, ge=0, le=100, description="share of failed rows above which an instance is unhealthy, in percent"
    )
    unhealthy_mean_ms: float = Field(
        default=5_000,
        gt=0,
        description="mean processing time of a batch above which an instance is unhealthy, in milliseconds",
    )


def _rising(levels: tuple[float, ...]) -> tuple[float, ...]:
    if len(levels) != 3 or sorted(levels) != list(levels):
        raise ValueError("must be three rising numbers: warning, error, critical")
    return levels


def _falling(levels: tuple[float, ...]) -> tuple[float, ...]:
    if len(levels) != 3 or sorted(levels, reverse=True) != list(levels):
        raise ValueError("must be three falling numbers: warning, error, critical")
    return levels


Percent = Annotated[float, Field(ge=0)]
Rising = Annotated[tuple[Percent, ...], AfterValidator(_rising)]
Falling = Annotated[tuple[Percent, ...], AfterValidator(_falling)]


class MonitoringSettings(RunningSection):
    """Alerts of the running system. Three numbers are the thresholds of a warning, an error and a critical alert."""

    interval_ms: int = Field(default=1_000, ge=10, le=60_000, description="interval of the checks, in milliseconds")
    window_seconds: float = Field(
        default=10, ge=1, le=3_600, description="sliding window of latency, success and throughput, in seconds"
    )
    latency_percent: Rising = Field(
        default=(100, 200, 400),
        description="p99 of row latency, in percent of its limit: the batch wait plus the timeout",
    )
    success_percent: Falling = Field(default=(99, 95, 90), description="rows without an error, in percent")
    queue_percent: Rising = Field(default=(75, 90, 100), description="rows in a queue, in percent of its capacity")
    memory_percent: Rising = Field(default=(75, 90, 100), description="resident memory, in percent of memory_limit_mib")
    memory_limit_mib: int = Field(default=2_048, ge=1, description="memory limit of the system, in MiB")
    cooldown_seconds: float = Field(
        default=60,
        ge=0,
        description="an alert that returns within this time is the same alert and is not reported again",
    )
    resolve_after_seconds: float = Field(
        default=10, ge=0, description="an alert is resolved when its condition has been absent for this time"
    )
    history: int = Field(default=500, ge=1, le=100_000, description="alerts that are kept")


class EventLogSettings(RunningSection):
    """The event log of a served run: its memory, and the retention of events on disk."""

    memory_mib: int = Field(
        default=64,
        ge=1,
        le=65_536,
        description="memory for the newest events, which are read without disk access, in MiB",
    )
    keep_mib: int = Field(
        default=0,
        ge=0,
        description="events kept on disk, in MiB; beyond it the oldest are deleted; 0 = keep everything",
    )
    keep_hours: float = Field(
        default=0, ge=0, description="age at which events are deleted, in hours of recorded time; 0 = keep everything"
    )
