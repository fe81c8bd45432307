"""The calendar of a session: a known one, or one that the configuration describes."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from tickstock_cli.config.section import Section
from tickstock_cli.config.strategy import parse_clock
from tickstock_cli.config.zones import known_zone
from tickstock_cli.core.calendar import is_zone
from tickstock_cli.core.phases import Phase
from tickstock_cli.core.trading_hours import CustomCalendar, MarketCalendar, PhaseHours, hours_of_date
from tickstock_cli.errors import UsageError

NS = 1_000_000_000
CUSTOM = "custom"
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _clock(text: str) -> str:
    try:
        parse_clock(text)
    except UsageError as error:
        raise ValueError(str(error).replace("a time of day must", "must")) from error
    return text


def _date(value: Any) -> Any:
    """Return a date of TOML as text."""
    return value.isoformat() if type(value) is date else value


def _is_date(text: str) -> str:
    try:
        parsed = date.fromisoformat(text)
    except ValueError as error:
        raise ValueError("must be a date, as in 2026-12-25") from error
    return parsed.isoformat()


def _zone(name: str) -> str:
    if name and not is_zone(known_zone(name)):
        raise ValueError("must be the name of a time zone, as in America/Chicago")
    return name


Clock = Annotated[str, AfterValidator(_clock)]
Dates = tuple[Annotated[str, BeforeValidator(_date), AfterValidator(_is_date)], ...]


class SessionHours(Section):
    """Hours of a phase by the clocks of ``session.zone``."""

    phase: Phase = Field(description="name of the phase; what no phase covers is closed")
    start: Clock = Field(description="its first instant")
    end: Clock = Field(description="the first instant behind it; before its start, it is of the next day")


class SessionHoursSettings(Section):
    """The calendar of a session. The settings below ``calendar`` describe a custom one."""

    calendar: Literal["XNYS", "24/7", "custom"] = Field(
        default="XNYS",
        description="exchange calendar; 24/7 has one phase, regular, and days that begin at midnight UTC; custom is "
        "that of session.zone, hours, weekdays, holidays and half_days",
    )
    zone: Annotated[str, AfterValidator(_zone)] = Field(
        default="", description="time zone of a custom calendar, as in America/Chicago"
    )
    hours: tuple[SessionHours, ...] = Field(
        default=(),
        description="phases of a day of a custom calendar in the order in which they follow each other, as in "
        '[{phase = "regular", start = "17:00", end = "16:00"}]; a day that begins in the evening has the date on which '
        "it ends",
    )
    weekdays: tuple[Weekday, ...] = Field(
        default=get_args(Weekday)[:5], min_length=1, description="dates with trading of a custom calendar"
    )
    holidays: Dates = Field(default=(), description='dates without trading of a custom calendar, as in ["2026-12-25"]')
    half_days: Dates = Field(
        default=(), description="dates of a custom calendar on which trading ends at session.half_day_end"
    )
    half_day_end: Clock = Field(default="13:00", description="end of trading on half-days of a custom calendar")

    @model_validator(mode="after")
    def _fits(self) -> SessionHoursSettings:
        if self.calendar != CUSTOM:
            own = [name for name in ("zone", "hours", "holidays", "half_days") if getattr(self, name)]
            if own:
                raise ValueError(f'session.{own[0]} describes a custom calendar: set session.calendar = "custom", too')
            return self
        missing = [name for name in ("zone", "hours") if not getattr(self, name)]
        if missing:
            raise ValueError(f'calendar = "custom" needs session.{" and session.".join(missing)}')
        if any(hours.phase == "closed" for hours in self.hours):
            raise ValueError("session.hours must not name closed: it is what no phase covers")
        both = set(self.holidays) & set(self.half_days)
        if both:
            raise ValueError(f"{min(both)} is among session.holidays and session.half_days")
        hours = self._day_hours
        if self.half_days and parse_clock(self.half_day_end) // NS <= hours[0].start:
            raise ValueError("session.half_day_end must be after the start of the day's first phase")
        return self

    @property
    def _day_hours(self) -> tuple[PhaseHours, ...]:
        phases = [PhaseHours(one.phase, parse_clock(one.start) // NS, parse_clock(one.end) // NS) for one in self.hours]
        try:
            return hours_of_date(phases)
        except ValueError as error:
            raise ValueError(f"session.hours {error}") from error

    @property
    def market_calendar(self) -> MarketCalendar:
        """The calendar by its name, or as described."""
        if self.calendar != CUSTOM:
            return self.calendar
        known = get_args(Weekday)
        return CustomCalendar(
            self.zone,
            self._day_hours,
            frozenset(known.index(day) for day in self.weekdays),
            frozenset(map(date.fromisoformat, self.holidays)),
            frozenset(map(date.fromisoformat, self.half_days)),
            parse_clock(self.half_day_end) // NS,
        )
