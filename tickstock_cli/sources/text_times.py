"""Times written as text: which form they have, and their nanoseconds. Never through a float.

The form is found out from the first rows: a form fits if it reads every one of them. A date such as 01/02/2024 fits two
forms; then the user has to say which one it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pyarrow as pa

from tickstock_cli.core.batch import Int64s
from tickstock_cli.core.times import NS_PER_UNIT, epoch_unit
from tickstock_cli.sources.zones import in_utc

EPOCH = "since 1970"
"""Form of numbers since 1970; behind it the unit."""
EARLIEST_NS, LATEST_NS = 315_532_800 * 10**9, 4_102_444_800 * 10**9
"""1980 to 2100: times beyond are misread."""

_DATES = ("%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%Y.%m.%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%b-%Y", "%d %b %Y")
_CLOCKS = ("%H:%M:%S%.f", "%H:%M", "%H%M%S%.f", "%H%M", "%H%M%S%3f", "%I:%M:%S %p", "%I:%M %p")
_BARE = ("%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y%m%d%H%M%S%3f")
_ZONES = ("", "%#z", " %#z")
_DIGITS = re.compile(r"-?\d+(\.\d+)?")
_COMMA_FRACTION = r",(\d+)"
_NUMBER = r"^-?\d+(\.\d*)?$"
_BARE_TIME = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(([01]\d|2[0-3])[0-5]\d([0-5]\d(\d{3})?)?)?")
"""Dates and times without anything between year, month, day, hour and so on."""
_FIRST_YEAR = 1900
_UTC = r"\s*(?:UTC|GMT|[Zz])$"
_UTC_BEFORE_OFFSET = r"\s*(?:UTC|GMT)([+-]\d)"


@dataclass(frozen=True, slots=True)
class TimeForm:
    """The form of times.

    Parameters
    ----------
    form
        ``EPOCH`` with a unit behind it, or a format as `strftime` has them, with ``%.f`` for a fraction.
    zone
        Zone of times that have none; None where they have one, and where somebody else reckons with it.
    """

    form: str
    zone: str | None = None

    def __str__(self) -> str:
        """Return the words of the preview."""
        return self.form if self.zone is None else f"{self.form}, {self.zone}"

    @property
    def has_zone(self) -> bool:
        """Whether the texts say their zone, or count from 1970 UTC."""
        return self.form.startswith(EPOCH) or "z" in self.form

    @property
    def has_clock(self) -> bool:
        """Whether the texts say a time of day."""
        return self.form.startswith(EPOCH) or "%H" in self.form or "%I" in self.form

    def read(self, texts: Any) -> Int64s:
        """Return times in ns, UTC where the zone is known; 0 where a text is none."""
        values = _series(texts)
        if self.form.startswith(EPOCH):
            return in_steps(values, NS_PER_UNIT[self.form.removeprefix(f"{EPOCH}, in ")])
        times = _parsed(values, self.form).dt.epoch("ns").fill_null(0).to_numpy()
        if self.zone in (None, "UTC"):
            return times
        return in_utc(times, ZoneInfo(self.zone))

    def reads_any(self, texts: Sequence[str]) -> bool:
        """Return whether one of some texts has this form."""
        try:
            return bool((self.read(pa.array(texts)) != 0).any())
        except pl.exceptions.PolarsError:  # it is no form at all
            return False


def fitting_forms(values: Sequence[str]) -> list[str]:
    """Return the forms that read every one of some texts, at least one, the likeliest first."""
    if all(map(_DIGITS.fullmatch, values)) and not all(map(_BARE_TIME.fullmatch, values)):
        whole = sorted(abs(int(value.partition(".")[0])) for value in values)
        unit = epoch_unit(whole[(len(whole) - 1) // 2])
        if whole[-1] * NS_PER_UNIT[unit] >= EARLIEST_NS:
            return [f"{EPOCH}, in {unit}"]
    series = pl.Series(values)
    return [form for form in _forms(values[0]) if _reads(form, series)]


def _reads(form: str, texts: pl.Series) -> bool:
    """Return whether a form reads every text, and not all as years of two digits."""
    times = _parsed(texts, form)
    return not times.has_nulls() and int(times.dt.year().max()) >= _FIRST_YEAR  # type: ignore[arg-type]  # of no null


def unlike_the_first(values: Sequence[str]) -> str | None:
    """Return a text that no form of the first one reads; None if no form reads the first, or each reads all."""
    forms = fitting_forms(values[:1])
    return next((value for value in values if forms and not set(fitting_forms([value])) & set(forms)), None)


def are_ambiguous(forms: Sequence[str]) -> bool:
    """Return whether two forms differ in which of day and month is first."""
    return len({form.replace("%d", "%m") for form in forms}) < len(forms)


def clocks(texts: Any) -> Int64s:
    """Return times of day in ns since midnight; -1 where a text is none."""
    values = _series(texts)
    found = [values.str.to_time(form, strict=False) for form in _CLOCKS]
    first: pl.Series = reduce(lambda known, other: known.fill_null(other), found)
    return first.cast(pl.Int64).fill_null(-1).to_numpy()


def in_steps(values: pl.Series, step: int, other: int = 0) -> Int64s:
    """Return numbers of steps in ns, ``other`` for other texts; digits behind the point are taken one by one."""
    parts = values.str.split_exact(".", 1).struct
    whole = parts.field("field_0").cast(pl.Int64, strict=False).fill_null(0).to_numpy()
    digits = len(str(step)) - 1
    fraction = np.zeros(len(whole), dtype=np.int64)
    if digits and not (behind := parts.field("field_1")).is_null().all():
        padded = behind.fill_null("").str.slice(0, digits).str.pad_end(digits, "0")
        fraction = padded.cast(pl.Int64, strict=False).fill_null(0).to_numpy()
    in_range = np.abs(whole) <= np.iinfo(np.int64).max // step - 1
    is_number = values.str.contains(_NUMBER).fill_null(False).to_numpy()
    return np.where(in_range & is_number, whole * step + fraction, other)


def _series(texts: Any) -> pl.Series:
    return pl.Series(pl.from_arrow(texts)).cast(pl.String).str.strip_chars()


def _forms(example: str) -> list[str]:
    """Return the forms that a time like ``example`` may have."""
    between = "T" if re.match(r"[\d-]+T", example) else " "  # Z, UTC and offsets are zones
    with_clock = [f"{date}{between}{clock}{zone}" for date in _DATES for clock in _CLOCKS for zone in _ZONES]
    return [*(_BARE if _BARE_TIME.fullmatch(example) else ()), *with_clock, *_DATES]


def _parsed(values: pl.Series, form: str) -> pl.Series:
    # Behind a point or a comma, Python's %f is a fraction of any length, and polars' a count of nanoseconds.
    if ",%f" in form:
        values = values.str.replace(_COMMA_FRACTION, ".$1")
    form = form.replace(".%f", "%.f").replace(",%f", "%.f")
    if "%H" in form or "%I" in form:
        zone = "UTC" if "z" in form else None
        if zone is not None:
            values = values.str.replace(_UTC, "+00:00").str.replace(_UTC_BEFORE_OFFSET, "$1")
        return values.str.to_datetime(form, time_unit="ns", time_zone=zone, strict=False, ambiguous="earliest")
    return values.str.to_date(form, strict=False).cast(pl.Datetime("ns"))
