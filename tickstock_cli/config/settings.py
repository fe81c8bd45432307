"""All settings, as frozen pydantic models: the only place of a key's name, default and bounds.

The sections below belong to no detector; those of the running system stand in ``config.running``. A detector's
section is the ``Params`` model of its class; ``settings_model`` joins all kinds. Descriptions are user documentation:
`tickstock config init` prints them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from annotated_types import Len
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, create_model
from pydantic.fields import FieldInfo

from tickstock_cli.config.analysis import AnalysisSection, PricesSettings, StudySettings
from tickstock_cli.config.running import (
    EventLogSettings,
    FmvChannelSettings,
    MonitoringSettings,
    OhlcvChannelSettings,
    PipelineSettings,
    RouterSettings,
    SystemSettings,
    TickChannelSettings,
)
from tickstock_cli.config.section import RunningSection, Section
from tickstock_cli.config.session_hours import SessionHoursSettings
from tickstock_cli.config.universes import CORE, TickerFile, checked_name, checked_ticker
from tickstock_cli.config.zones import known_zone
from tickstock_cli.core.phases import Phase
from tickstock_cli.core.registry import unknown_name
from tickstock_cli.errors import SettingsError

SectionT = TypeVar("SectionT", bound=BaseModel)

Column = Literal[
    "ticker",
    "timestamp",
    "time_of_day",
    "received_at",
    "price",
    "size",
    "flags",
    "conditions",
    "exchange",
    "sequence",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "vwap",
    "transactions",
    "avg_volume",
    "percent_change",
    "interval",
    "fmv",
    "market_price",
    "confidence",
]
"""Columns of recordings, under our names."""

ScaledColumn = Literal["price", "size", "open", "high", "low", "close", "volume", "avg_volume", "fmv", "market_price"]
"""Columns whose values can be scaled."""


def _texts(value: Any) -> Any:
    """Return a value or a list of values as texts, as a filter compares them."""
    items = value if isinstance(value, list | tuple) else [value]
    return tuple(str(item).lower() if isinstance(item, bool) else str(item) for item in items)


WhereValues = Annotated[
    tuple[str, ...],
    BeforeValidator(_texts),
    Len(1),
    WithJsonSchema({"anyOf": [{"type": ["string", "number", "boolean"]}, {"type": "array", "items": {}}]}),
]
"""The values of a column that select rows; a single one needs no list."""


def _unique(values: tuple[str, ...]) -> tuple[str, ...]:
    twice = next((value for place, value in enumerate(values) if value in values[:place]), None)
    if twice is not None:
        raise ValueError(f"must name each item once, but {twice!r} occurs twice")
    return values


_LISTED = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
_IN_A_FILE = {"type": "string", "pattern": "^@"}
TickerList = Annotated[
    tuple[Annotated[str, AfterValidator(checked_ticker)], ...],
    AfterValidator(_unique),
    WithJsonSchema({"anyOf": [_LISTED, _IN_A_FILE]}),
]
UniverseName = Annotated[str, AfterValidator(checked_name)]


class SessionSettings(SessionHoursSettings):
    """The trading day: its calendar and the phases that count."""

    phases: Annotated[tuple[Phase, ...], AfterValidator(_unique)] = Field(
        default=("pre", "regular", "post"),
        min_length=1,
        description="phases whose ticks and fair market values count; rows of other phases are filtered",
    )


class GuardSettings(Section):
    """Protection from bad prints: a price far from the last good one is suspect until other rows confirm it."""

    outlier_percent: float = Field(
        default=10.0,
        ge=0,
        description="distance from the last good price that makes a tick suspect, in percent; 0 = off",
    )
    confirm_rows: int = Field(
        default=3, ge=1, description="suspect ticks at similar prices, including the last one, that confirm a new level"
    )


class CoordinatorSettings(Section):
    """Coordination of competing events: one per ticker, kind and window is emitted."""

    window_ms: int = Field(default=500, gt=0, description="length of a window, in milliseconds of recorded time")
    hold_top_source: bool = Field(
        default=False,
        description="hold tick events, which have the highest rank, until their window ends, too",
    )
    key: Literal["kind", "ticker"] = Field(
        default="kind", description="which events compete: those of one ticker and kind, or all of a ticker"
    )
    dedupe_extremes: bool = Field(
        default=True, description="drop a high or low of a bar if ticks have reported it already"
    )


class PrioritySettings(Section):
    """Order of live delivery, and universes; files only show it in the column priority."""

    core_universe: Annotated[TickerList, TickerFile()] = Field(
        default=(), description='tickers delivered first, or "@FILE" of them; an empty list means every ticker'
    )
    universes: Annotated[dict[UniverseName, Annotated[TickerList, Len(1)]], TickerFile()] = Field(
        default={},
        description='named lists of tickers, or "@FILE" of them, for subscriptions of clients',
    )

    def by_name(self) -> dict[str, tuple[str, ...]]:
        """Return all universes by name, the core universe first."""
        return {**({CORE: self.core_universe} if self.core_universe else {}), **self.universes}


class DetectorSettings(Section):
    """Which detectors run."""

    enabled: tuple[str, ...] = Field(
        default=(), description="detectors that run, in any order; a plugin's runs only if it is named here"
    )


class RecordingSettings(Section):
    """Reading of recordings with other column names, units or zones."""

    columns: dict[Column, str] = Field(
        default={}, description='our column names and the recording\'s, where they differ: price = "last"'
    )
    timestamp_unit: Literal["auto", "s", "ms", "us", "ns"] = Field(
        default="auto", description="unit of integer times; auto guesses it from their magnitude"
    )
    timezone: Annotated[str, AfterValidator(known_zone)] = Field(
        default="UTC", description="zone of recorded times without a zone, as in America/New_York"
    )
    time_format: str = Field(
        default="auto",
        min_length=2,
        description="form of times that are texts, as strftime has it, such as %m/%d/%Y %H:%M:%S; auto finds it in the "
        "first rows",
    )
    interval_seconds: int = Field(default=60, gt=0, description="length of bars without a column interval, in seconds")
    interval_unit: Literal["auto", "s", "min", "h", "d", "ms", "us", "ns"] = Field(
        default="auto",
        description="unit of numbers in a column interval; auto is s, unless the distance of bars denies it",
    )
    bar_label: Literal["auto", "start", "end"] = Field(
        default="auto", description="whether the time of a bar is its start or its end; auto is start"
    )
    flags: Literal["auto", "tickstock", "databento", "mt5"] = Field(
        default="auto",
        description="whose bits a column flags has; auto is tickstock, and other bits than its own are an error",
    )
    scale: dict[ScaledColumn, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = Field(
        default={},
        description="factors for recorded values: price = 1e-9 for prices in billionths, price for all columns of "
        "prices, size for all of volumes, unless a column has its own",
    )
    where: dict[str, WhereValues] = Field(
        default={}, description='rows to read, by the values of a column: action = "T", or a list of values'
    )
    copies: Literal["once", "all"] = Field(
        default="once", description="whether files with the same rows are read once, with a note, or all"
    )
    ticker_from: Literal["column", "filename", "folder"] = Field(
        default="column",
        description="where the ticker is in files without a column for it: filename takes the beginning of their "
        "names, folder the name of the innermost folder that is no date or kind",
    )


class LiveSettings(Section):
    """Rows of a live feed: what is made of them, and when a channel counts as silent."""

    late_print_seconds: float = Field(
        default=10,
        ge=0,
        description="a trade that is published this long after it happened changes no last price, high or low, in "
        "seconds; 0 = off",
    )
    dedup_seconds: float = Field(
        default=30,
        ge=0,
        description="after a connection is made again, trades received twice within this time are dropped, in seconds; "
        "0 = off",
    )
    stale_seconds: float = Field(
        default=10,
        gt=0,
        description="silence of a channel in regular hours that raises an alert, with many tickers, in seconds; "
        "for bars on top of their length",
    )
    stale_few_seconds: float = Field(
        default=120, gt=0, description="the same with fewer than live.many_tickers tickers, in seconds"
    )
    stale_quiet_seconds: float = Field(
        default=1_800, gt=0, description="the same before and after regular hours and at night, in seconds"
    )
    many_tickers: int = Field(default=100, ge=1, description="tickers that count as many; * always does")
    minute_quiet_seconds: float = Field(
        default=3,
        ge=0,
        description="a minute is complete once none of its bars has come for this long after its end, in seconds",
    )
    bars_from_trades_seconds: Literal[0, 1, 60] = Field(
        default=0,
        description="length of the bars that are made of trades, in seconds; 0 = none: bars are those of the feed",
    )


class Settings(BaseModel):
    """All sections of a run. Detector sections are added by ``settings_model``, under the detectors' names."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    detector_names: ClassVar[tuple[str, ...]] = ()
    """Detectors that have a section, in the order in which they see a row."""
    added_detectors: ClassVar[Mapping[str, type[Any]]] = {}
    """Classes of detectors that an embedding program has added, by name; they are in no registry."""
    source_names: ClassVar[tuple[str, ...]] = ()
    """Sources that have a section."""

    session: SessionSettings = SessionSettings()
    guard: GuardSettings = GuardSettings()
    coordinator: CoordinatorSettings = CoordinatorSettings()
    priority: PrioritySettings = PrioritySettings()
    detectors: DetectorSettings = DetectorSettings()
    recordings: RecordingSettings = RecordingSettings()
    live: LiveSettings = LiveSettings()
    prices: PricesSettings = PricesSettings()
    study: StudySettings = StudySettings()
    pipeline: PipelineSettings = PipelineSettings()
    system: SystemSettings = SystemSettings()
    router: RouterSettings = RouterSettings()
    tick_channel: TickChannelSettings = TickChannelSettings()
    ohlcv_channel: OhlcvChannelSettings = OhlcvChannelSettings()
    fmv_channel: FmvChannelSettings = FmvChannelSettings()
    monitoring: MonitoringSettings = MonitoringSettings()
    event_log: EventLogSettings = EventLogSettings()

    def section(self, name: str, model: type[SectionT]) -> SectionT:
        """Return a detector's section. ``settings_model`` adds these at run time, so no type checker knows them.

        Parameters
        ----------
        name
            The detector's name.
        model
            The detector's ``Params``.

        Raises
        ------
        SettingsError
            There is no such section, or it belongs to another detector.
        """
        section = getattr(self, name, None)
        if not isinstance(section, model):
            raise SettingsError(
                f"the settings have no section [{name}] of type {model.__name__}; "
                "build settings with build.settings_model()"
            )
        return section


def settings_model(
    sections: Mapping[str, type[BaseModel]],
    enabled: Sequence[str] | None = None,
    unknown: Callable[[str], str] | None = None,
    sources: Mapping[str, type[BaseModel]] | None = None,
) -> type[Settings]:
    """Build the model of all settings.

    Parameters
    ----------
    sections
        Per detector, by name and in the order of their registration, its ``Params``; every field has a default.
    enabled
        Detectors that run by default; None is all of them.
    unknown
        Returns "no detector named …" for a name that has no section; None knows of no others.
    sources
        Per source that has settings, by name, its ``Params``; every field has a default.
    """
    sources = sources or {}
    fields: dict[str, Any] = {name: (params, params()) for name, params in {**sections, **sources}.items()}
    names = tuple(sections)
    detectors = _detectors_section(names, names if enabled is None else tuple(enabled), unknown)
    model = create_model("Settings", __base__=Settings, detectors=(detectors, detectors()), **fields)
    model.detector_names = names
    model.source_names = tuple(sources)
    return model


def _detectors_section(
    names: tuple[str, ...], default: tuple[str, ...], unknown: Callable[[str], str] | None
) -> type[DetectorSettings]:
    def known(enabled: tuple[str, ...]) -> tuple[str, ...]:
        for name in enabled:
            if name not in names:
                message = unknown(name) if unknown is not None else unknown_name("detector", name, names)
                raise ValueError(f"must name detectors, but there is {message}")
        return enabled

    field = DetectorSettings.model_fields["enabled"]
    checked = Annotated[tuple[str, ...], AfterValidator(_unique), AfterValidator(known)]
    return create_model(
        "DetectorSettings",
        __base__=DetectorSettings,
        __doc__=DetectorSettings.__doc__,
        enabled=(checked, Field(default=default, min_length=1, description=field.description)),
    )


def setting_keys(model: type[Settings]) -> dict[str, FieldInfo]:
    """Return every key, dotted, in the order of the sections, with its pydantic field."""
    return {
        f"{section}.{name}": field
        for section, sub_model in setting_sections(model).items()
        for name, field in sub_model.model_fields.items()
    }


def setting_sections(model: type[Settings]) -> dict[str, type[BaseModel]]:
    """Return the model of every section, by the section's name."""
    sections: dict[str, type[BaseModel]] = {}
    for name, field in model.model_fields.items():
        section = field.annotation
        if not (isinstance(section, type) and issubclass(section, BaseModel)):
            raise TypeError(f"section {name} is not a pydantic model: {section!r}")
        sections[name] = section
    return sections


def deciding_settings(settings: Settings) -> dict[str, Any]:
    """Return the settings that affect events, as JSON values.

    Not those of the running system and its clients, nor those of what a backtest computes from events.
    """
    sections = setting_sections(type(settings))
    others = {name for name, section in sections.items() if issubclass(section, RunningSection | AnalysisSection)}
    values = settings.model_dump(mode="json", exclude=others)
    # The set of core tickers affects the column priority; their order and other universes do not.
    values["priority"] = {"core_universe": sorted(settings.priority.core_universe)}
    return values
