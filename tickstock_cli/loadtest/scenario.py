"""A scenario: the TOML document that describes a load test.

Every key's name, meaning, default and bounds are defined here only; `docs/scenarios.md` is generated from them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from tickstock_cli.config.section import Section
from tickstock_cli.core.times import NS_PER_SECOND
from tickstock_cli.loadtest.rate_curve import RateCurve
from tickstock_cli.loadtest.thresholds import LoadThresholds
from tickstock_cli.synth.options import MAX_SYMBOLS

RecordName = Literal["tick", "ohlcv", "fmv"]
RECORDS: tuple[RecordName, ...] = ("tick", "ohlcv", "fmv")
"""Record types, in the order in which rows of the same time are merged."""

FaultKind = Literal["drop", "duplicate", "reorder", "skew", "stall", "disconnect"]

FIRST_OPEN = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
"""The first regular second of 2026-03-02 in New York."""

_SLOTS_MS = 1_000


def _divides_a_second(milliseconds: float) -> float:
    if _SLOTS_MS / milliseconds % 1:
        raise ValueError("must divide 1000, as 1, 2, 2.5, 5, 10, 20, 50, 100, 250 and 500 do")
    return milliseconds


def _whole_second(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("needs a zone, as in 2026-03-02T09:30:00-05:00")
    if moment.microsecond:
        raise ValueError("must be a whole second")
    return moment.astimezone(UTC)


class Symbols(Section):
    """The number of tickers, and how their prices move."""

    tick: int = Field(default=0, ge=0, le=50_000, description="tickers with ticks")
    ohlcv: int = Field(default=0, ge=0, le=50_000, description="tickers with OHLCV bars, each in turn")
    fmv: int = Field(default=0, ge=0, le=50_000, description="tickers with fair market values")
    overlap: bool = Field(
        default=True,
        description="whether the types share tickers, from the first (busiest) one on; false: no ticker has two types",
    )
    skew: float = Field(
        default=1.0, ge=0, le=3, description="exponent of Zipf's law for ticks: 0 = all tickers equally busy"
    )
    correlation: float = Field(
        default=0.5, ge=0, le=1, description="how much tickers move together: 0 = each alone, 1 = all with the market"
    )
    volatility: float = Field(
        default=1.0, ge=0, le=20, description="how much prices move, in multiples of an ordinary day"
    )

    @property
    def count(self) -> int:
        """The number of different tickers."""
        counts = (self.tick, self.ohlcv, self.fmv)
        return max(counts) if self.overlap else sum(counts)

    def range_of(self, record: RecordName) -> range:
        """Return the indices of the tickers that have rows of a type."""
        counts = {"tick": self.tick, "ohlcv": self.ohlcv, "fmv": self.fmv}
        first = 0 if self.overlap else sum(counts[other] for other in RECORDS[: RECORDS.index(record)])
        return range(first, first + counts[record])


class Injections(Section):
    """Price moves that detectors should find, injected into the walks of some tickers.

    The given number begins in each minute, or as many as there is room for.
    """

    surges: int = Field(default=0, ge=0, le=10_000, description="sudden moves with heavy trading; number a minute")
    trends: int = Field(
        default=0, ge=0, le=10_000, description="steady moves over minutes; number that begins in a minute"
    )
    bar_surges: int = Field(
        default=0, ge=0, le=10_000, description="sudden moves of tickers with bars and no ticks; number a minute"
    )
    deviations: int = Field(
        default=0, ge=0, le=10_000, description="fair values held away from the market; number a minute"
    )
    halts: int = Field(
        default=0, ge=0, le=10_000, description="halts of trading, with a gap when it resumes; number a minute"
    )
    halt_seconds: int = Field(default=60, ge=5, le=3_600, description="length of a halt, in seconds")


class Stage(Section):
    """A part of the workload with its own rates; its length is in seconds of market time."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="lower case letters, digits and _; used by --set")
    seconds: int = Field(ge=1, le=7 * 86_400, description="length, in whole seconds of market time")
    tick: RateCurve = Field(
        default=RateCurve(begin=0, end=0),
        description='ticks a second: a number, a text as "8000/min", or a table of a ramp',
    )
    ohlcv: RateCurve = Field(default=RateCurve(begin=0, end=0), description="bars a second, likewise")
    fmv: RateCurve = Field(default=RateCurve(begin=0, end=0), description="fair market values a second, likewise")
    bar_spread: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="share of a round of bars in which they are sent: 1 = evenly, 0.05 = all in the first twentieth",
    )
    warm_up: bool = Field(default=False, description="whether the stage is shown and not judged")
    surge: bool = Field(default=False, description="whether the thresholds for surges and recovery apply to the stage")

    def rate(self, record: RecordName) -> RateCurve:
        """Return the curve of a type."""
        rate: RateCurve = getattr(self, record)
        return rate

    def rows(self, record: RecordName) -> int:
        """Return its rows of a type: the integral of the rate, rounded."""
        return self.due(record, self.seconds)

    def due(self, record: RecordName, passed: int) -> int:
        """Return its rows of a type due in its first ``passed`` seconds."""
        return round(self.rate(record).rows(passed, self.seconds))


class Clients(Section):
    """WebSocket clients that receive the events of the run."""

    count: int = Field(default=1, ge=0, le=10_000, description="number of clients")
    stalled: float = Field(default=0, ge=0, le=1, description="share of them that stop reading")
    kinds: tuple[str, ...] = Field(default=(), description="kinds of events they subscribe to; empty = all")

    @property
    def stalled_count(self) -> int:
        """The number of clients that stop reading."""
        return round(self.count * self.stalled)


class Fault(Section):
    """A fault of the feed; the seed decides which rows it affects."""

    kind: FaultKind = Field(
        description="drop: rows are never sent; duplicate: rows are sent again later; reorder: rows are sent late, "
        "after later ones; skew: the clock of some tickers' exchange is wrong; stall: the feed is silent for a while, "
        "then sends all rows at once; disconnect: a stall during which the connection is broken"
    )
    share: float = Field(
        default=0, ge=0, le=1, description="of the rows (drop, duplicate, reorder) or of the tickers (skew)"
    )
    ms: float = Field(
        default=0,
        ge=-3_600_000,
        le=3_600_000,
        description="milliseconds of market time: longest delay of a row (reorder), delay of the copy (duplicate), "
        "offset of the clock (skew; below 0: behind), length of the silence (stall, disconnect)",
    )
    every_seconds: int = Field(
        default=0, ge=0, le=86_400, description="seconds from one silence to the next (stall, disconnect)"
    )
    stages: tuple[str, ...] = Field(default=(), description="stages with the fault; empty = all")
    types: tuple[RecordName, ...] = Field(default=RECORDS, description="record types with the fault")

    @property
    def interrupts(self) -> bool:
        """Whether the fault silences the whole feed."""
        return self.kind in ("stall", "disconnect")

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> Self:
        if self.interrupts:
            if self.types != RECORDS:
                raise ValueError(f"a {self.kind} silences the whole feed; leave out types")
            if self.every_seconds == 0:
                raise ValueError(f"a {self.kind} needs every_seconds, above 0")
            if self.ms >= self.every_seconds * 1_000:
                raise ValueError(
                    f"ms is {self.ms:g}, but a silence must end before the next, {self.every_seconds} s on"
                )
        elif self.share == 0:
            raise ValueError(f"a {self.kind} needs share, above 0")
        if self.ms == 0 and self.kind != "drop":
            raise ValueError(f"a {self.kind} needs ms")
        if self.ms < 0 and self.kind != "skew":
            raise ValueError(f"ms is {self.ms:g}, but only a skew can be below 0")
        return self


class Scenario(Section):
    """A load test: tickers, stages with rates, faults, clients, thresholds, and settings of the system."""

    title: str = Field(min_length=1, description="one line for lists and reports")
    about: str = Field(default="", description="purpose of the scenario")
    seed: int = Field(default=1, ge=0, lt=2**64, description="seed of everything random")
    start: Annotated[datetime, AfterValidator(_whole_second)] = Field(
        default=FIRST_OPEN, description="market time of the first second, with its zone"
    )
    slot_ms: Annotated[float, Field(gt=0, le=_SLOTS_MS), AfterValidator(_divides_a_second)] = Field(
        default=10,
        description="length of a slot in ms of market time; rows of a slot become available together at its end",
    )
    symbols: Symbols = Field(description="tickers and how they move")
    moves: Injections = Field(default=Injections(), description="price moves that are injected")
    stages: tuple[Stage, ...] = Field(min_length=1, description="one after the other")
    clients: Clients = Field(default=Clients(), description="WebSocket clients")
    faults: tuple[Fault, ...] = Field(default=(), description="faults of the feed")
    thresholds: LoadThresholds = Field(default=LoadThresholds(), description="limits of the figures")
    settings: dict[str, Any] = Field(
        default={}, description="settings of the system under test, by dotted name, as with replay --set"
    )

    @property
    def seconds(self) -> int:
        """Length in seconds of market time."""
        return sum(stage.seconds for stage in self.stages)

    def rows(self, record: RecordName) -> int:
        """Return the rows of a type over all stages."""
        return sum(stage.rows(record) for stage in self.stages)

    def document(self) -> dict[str, Any]:
        """Return the scenario with all defaults as JSON values; ``Scenario.model_validate`` reads it back."""
        return self.model_dump(mode="json", by_alias=True)

    @property
    def start_ns(self) -> int:
        """Market time of the first second, int64 ns UTC."""
        return int(self.start.timestamp()) * NS_PER_SECOND

    @property
    def slot_ns(self) -> int:
        """Length of a slot in ns."""
        return round(self.slot_ms * 1_000_000)

    @model_validator(mode="after")
    def _stages_have_names_of_their_own(self) -> Self:
        names = [stage.name for stage in self.stages]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two stages are named {name}; every stage needs a name of its own")
        for number, fault in enumerate(self.faults):
            for name in fault.stages:
                if name not in names:
                    raise ValueError(f"faults[{number}].stages: there is no stage {name}; there are {', '.join(names)}")
        return self

    @model_validator(mode="after")
    def _rates_have_tickers(self) -> Self:
        if self.symbols.count == 0:
            raise ValueError("there is no ticker; raise symbols.tick, symbols.ohlcv or symbols.fmv")
        if self.symbols.count > MAX_SYMBOLS:
            raise ValueError(f"there are {self.symbols.count} tickers in all, but {MAX_SYMBOLS} at most are allowed")
        for stage in self.stages:
            for record in RECORDS:
                count, most = len(self.symbols.range_of(record)), stage.rate(record).most
                if most and not count:
                    raise ValueError(f"stage {stage.name} has rows of {record}, but symbols.{record} is 0; raise it")
                if record == "ohlcv" and most > count:
                    raise ValueError(
                        f"stage {stage.name}: ohlcv is {most:g} rows a second, but {count} tickers give one bar a "
                        "second each at most; lower it, or raise symbols.ohlcv"
                    )
        return self

    def scaled(self, factor: float) -> Scenario:
        """Return the scenario with rates ``factor`` times as high; a ticker has at most one bar a second."""
        stages = tuple(
            stage.model_copy(
                update={
                    "tick": stage.tick.scaled(factor),
                    "ohlcv": stage.ohlcv.scaled(factor, self.symbols.ohlcv),
                    "fmv": stage.fmv.scaled(factor),
                }
            )
            for stage in self.stages
        )
        return self.model_copy(update={"stages": stages})
