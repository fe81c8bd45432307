"""Times written as text: which form they have, and their nanoseconds. Never through a float.

The form is found out from the first rows: a form fits if it reads every one of them. A date such as 01/02/2024 fits two
forms; then the user has to say which one it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pyarrow as pa

from tickstock_cli.core.batch import Int64s
from tickstock_cli.core.times import NS_PER_UNIT, epoch_unit
from tickstock_cli.errors import DataError
from tickstock_cli.sources.zones import in_utc

EPOCH = "since 1970"
"""Form of numbers since 1970; behind it the unit."""

_DATES = ("%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%Y.%m.%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%b-%Y", "%d %b %Y")
_CLOCKS = ("%H:%M:%S%.f", "%H:%M", "%H%M%S%.f", "%H%M", "%I:%M:%S %p", "%I:%M %p")
_ZONES = ("", "%#z", " %#z")
_DIGITS = re.compile(r"-?\d+(\.\d+)?")
_BARE_DATE = re.compile(r"(19|20)\d{6}")
_EARLIEST, _LATEST = 315_532_800 * 10**9, 4_102_444_800 * 10**9
"""1980 to 2100: times beyond are misread."""


@dataclass(frozen=True, slots=True)
class TimeForm:
    """The form of times.

    Parameters
    ----------
    form
        ``EPOCH`` with a unit behind it, or a format as `strftime` has them, with ``%.f`` for a fraction.
    zone
        Zone of times that have none; None where they have one.
    """

    form: str
    zone: str | None

    def __str__(self) -> str:
        """Return the words of the preview."""
        return self.form if self.zone is None else f"{self.form}, {self.zone}"

    def read(self, texts: Any) -> Int64s:
        """Return times in ns UTC; 0 where a text is none."""
        values = pl.Series(pl.from_arrow(texts)).cast(pl.String).str.strip_chars()
        if self.form.startswith(EPOCH):
            return in_steps(values, NS_PER_UNIT[self.form.removeprefix(f"{EPOCH}, in ")])
        times = _parsed(values, self.form).dt.epoch("ns").fill_null(0).to_numpy()
        if self.zone in (None, "UTC"):
            return times
        return in_utc(times, ZoneInfo(self.zone))


def time_form(texts: Sequence[str], zone: str | None, wanted: str | None, where: str) -> TimeForm:
    """Return the form of times.

    Parameters
    ----------
    texts
        Times of the first rows.
    zone
        Zone of times without one; None if the user named none.
    wanted
        The form that the user named; None is to find out.
    where
        File and column, for messages.

    Raises
    ------
    DataError
        No form fits, or two do; times lack a zone; or they would be before 1980 or behind 2100.
    """
    values = [text.strip() for text in texts if text.strip()]
    if not values:
        raise DataError(f"{where}: none of the first rows has a time")
    form = wanted or _found(values, where)
    if not form.startswith(EPOCH) and "z" not in form and zone is None:
        raise DataError(
            f"{where}: times such as {values[0]} have no zone; name it, as in --timezone America/New_York or "
            "--timezone UTC"
        )
    made = TimeForm(form, None if form.startswith(EPOCH) or "z" in form else zone)
    read = made.read(pa.array(values[:1]))
    if not _EARLIEST <= int(read[0]) <= _LATEST:
        raise DataError(
            f"{where}: {values[0]} cannot be read as {made}, or is no time between 1980 and 2100; name its form, as in "
            "--time-format '%Y%m%d %H:%M:%S'"
        )
    return made


def _found(values: Sequence[str], where: str) -> str:
    if all(_DIGITS.fullmatch(value) for value in values) and not all(_BARE_DATE.fullmatch(value) for value in values):
        whole = sorted(abs(int(value.partition(".")[0])) for value in values)
        unit = epoch_unit(whole[(len(whole) - 1) // 2])
        if whole[-1] * NS_PER_UNIT[unit] >= _EARLIEST:
            return f"{EPOCH}, in {unit}"
    series = pl.Series(values)
    fits = [form for form in _forms(values[0]) if not _parsed(series, form).has_nulls()]
    if not fits:
        raise DataError(
            f"{where}: no known form fits times such as {values[0]}; name it, as in --time-format '%d.%m.%Y %H:%M'"
        )
    if len({form.replace("%d", "%m") for form in fits}) < len(fits):
        raise DataError(
            f"{where}: {values[0]} can have the month or the day first; say which with --time-format '{fits[0]}' or "
            f"'{fits[1]}'"
        )
    return fits[0]


def _forms(example: str) -> list[str]:
    """Return the forms that a time like ``example`` may have."""
    between = "T" if re.match(r"[\d-]+T", example) else " "  # Z, UTC and offsets are zones
    clocks = [f"{date}{between}{clock}{zone}" for date in _DATES for clock in _CLOCKS for zone in _ZONES]
    return [*clocks, *_DATES]


def _parsed(values: pl.Series, form: str) -> pl.Series:
    if "%H" in form or "%I" in form:
        zone = "UTC" if "z" in form else None
        if zone is not None:
            values = values.str.replace(r"\s*(?:UTC|GMT|[Zz])$", "+00:00")
        return values.str.to_datetime(form, time_unit="ns", time_zone=zone, strict=False, ambiguous="earliest")
    return values.str.to_date(form, strict=False).cast(pl.Datetime("ns"))


def in_steps(values: pl.Series, step: int) -> Int64s:
    """Return numbers of steps in ns, 0 for other texts; digits behind the point are taken one by one."""
    parts = values.str.split_exact(".", 1).struct
    whole = parts.field("field_0").cast(pl.Int64, strict=False).fill_null(0).to_numpy()
    digits = len(str(step)) - 1
    fraction = np.zeros(len(whole), dtype=np.int64)
    if digits and not (behind := parts.field("field_1")).is_null().all():
        padded = behind.fill_null("").str.slice(0, digits).str.pad_end(digits, "0")
        fraction = padded.cast(pl.Int64, strict=False).fill_null(0).to_numpy()
    in_range = np.abs(whole) <= np.iinfo(np.int64).max // step - 1
    return np.where(in_range, whole * step + fraction, 0)
