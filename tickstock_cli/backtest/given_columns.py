"""Turns columns of anyone's events into the values of ours, in bulk; a value that is none is an error."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tickstock_cli.core.times import MAX_NS, NS_PER_DAY, NS_PER_SECOND, NS_PER_UNIT, TIME_FORMS, UNIT_LIMITS, parse_time
from tickstock_cli.errors import DataError, SchemaError, UsageError

Bools = NDArray[np.bool_]
Float64s = NDArray[np.float64]
Int64s = NDArray[np.int64]

DIRECTIONS = {
    **dict.fromkeys(("up", "long", "buy"), 1.0),
    **dict.fromkeys(("down", "short", "sell"), -1.0),
    **dict.fromkeys(("", "none", "null"), 0.0),
}
"""Words of a direction, in small letters."""

_ISO = (
    r"(?i)^(?<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ](?<hour>[0-9]{2}):(?<minute>[0-9]{2})(?::(?<second>[0-9]{2})(?:[.,](?<fraction>[0-9]{1,9}))?)?"
    r"\s?(?<zone>Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?$"
)
"""The form of ISO times that ``parse_time`` reads."""
_INTEGER = r"^[0-9]{1,19}$"
_BARE_DATE = r"^(?:19|20)[0-9]{6}$"
_LATEST_NS = 9_214_646_400 * NS_PER_SECOND  # 2262-01-01: decisions about an event, and waits, come later
_MAX_SECONDS = MAX_NS // NS_PER_SECOND - 1


@dataclass(frozen=True, slots=True)
class GivenColumn:
    """A column of the file ``path`` of events.

    Its methods raise a DataError that names file, row (from 0), column and value, and a SchemaError where the whole
    column has a type that cannot be meant.
    """

    path: Path
    values: pl.Series

    def times(self) -> Int64s:
        """Return times as int64 ns UTC, above 0.

        Integers have the unit of their magnitude (``core.times.epoch_unit``); what has no zone is in UTC.
        """
        dtype, values = self.values.dtype, self.values
        if isinstance(dtype, pl.Datetime):
            return self._checked_times(_scaled(values.to_physical(), NS_PER_UNIT[dtype.time_unit]))
        if dtype == pl.Date:
            return self._checked_times(_scaled(values.to_physical(), NS_PER_DAY))
        if dtype.is_integer():
            return self._checked_times(_since_epoch(values))
        text = self._text(TIME_FORMS).str.strip_chars()
        whole = text.str.contains(_INTEGER) & ~text.str.contains(_BARE_DATE)
        return self._checked_times(np.where(_bools(whole), _since_epoch(text), _iso_times(text)))

    def directions(self) -> NDArray[np.int8]:
        """Return directions, 1, -1 or 0, as int8; nothing and NaN are 0."""
        wanted = f"but 1, -1, 0, {', '.join(word for word in DIRECTIONS if word)} is wanted"
        if self.values.dtype.is_numeric():
            found = self.values.cast(pl.Float64).fill_null(0.0)
        else:
            words = self._text("write 1, -1 and 0, or words").fill_null("").str.strip_chars().str.to_lowercase()
            numbers = words.cast(pl.Float64, strict=False)
            found = words.replace_strict(DIRECTIONS, default=None, return_dtype=pl.Float64).fill_null(numbers)
            found = found.fill_null(np.inf)
        found = found.fill_nan(0.0)
        self._check(_bools(found.is_in([-1.0, 0.0, 1.0])), wanted)
        return found.to_numpy().astype(np.int8)

    def numbers(self) -> Float64s:
        """Return numbers as float64, NaN where there is none."""
        if self.values.dtype.is_numeric():
            found, is_empty = self.values.cast(pl.Float64), self.values.is_null()
        else:
            text = self._text("write numbers").str.strip_chars()
            found, is_empty = text.cast(pl.Float64, strict=False), text.is_null() | (text == "")
        values: Float64s = found.fill_null(np.inf).to_numpy().copy()
        values[_bools(is_empty)] = np.nan
        self._check(~np.isinf(values), "but a number, or nothing, is wanted")
        return values

    def whole(self, most: int) -> Int64s:
        """Return integers of 0 to ``most`` (at most 2**53) as int64, 0 where there is none."""
        values = np.nan_to_num(self.numbers(), nan=0.0)
        is_whole = (values >= 0) & (values <= most) & (values == np.floor(values))
        self._check(is_whole, f"but a whole number from 0 to {most} is wanted")
        return values.astype(np.int64)

    def ids(self) -> pl.Series:
        """Return ids as UInt64, null where there is none."""
        values = self.values
        if not values.dtype.is_integer():
            text = self._text("write whole numbers from 0 to 2**64 - 1").str.strip_chars()
            values = text.to_frame("id").select(pl.when(pl.col("id") != "").then("id")).to_series()
        ids = values.cast(pl.UInt64, strict=False)
        self._check(_bools(ids.is_not_null() | values.is_null()), "but a whole number from 0 to 2**64 - 1 is wanted")
        return ids

    def names(self, default: str | None) -> pl.Series:
        """Return names, ``default`` where there is none; without a default each row needs one."""
        text = self._text("write text")
        if default is None:
            self._check(_bools(text.fill_null("") != ""), "but a name is wanted")
            return text
        return (
            text.to_frame("name")
            .select(pl.when(pl.col("name") != "").then("name").otherwise(pl.lit(default)))
            .to_series()
        )

    def positions(self, names: tuple[str, ...]) -> Int64s:
        """Return the position of each value in ``names``, -1 where there is none."""
        text = self.names("")
        places = text.replace_strict({"": -1} | {name: place for place, name in enumerate(names)}, default=-2)
        found: Int64s = places.cast(pl.Int64).to_numpy()
        self._check(found != -2, f"but {', '.join(names)} is wanted")
        return found

    def _text(self, remedy: str) -> pl.Series:
        if self.values.dtype not in (pl.String, pl.Null, pl.Categorical, pl.Enum):
            raise SchemaError(f"{self.path}: column {self.values.name} has the type {self.values.dtype}; {remedy}")
        return self.values.cast(pl.String)

    def _checked_times(self, times: Int64s) -> Int64s:
        is_right = (times > 0) & (times < _LATEST_NS)
        if not is_right.all():
            value = self.values[int(np.argmin(is_right))]
            try:
                if isinstance(value, str):
                    parse_time(value)
            except UsageError as error:
                self._check(is_right, f"but {error}")
            self._check(is_right, f"but a time from 1970 to 2261 is wanted; {TIME_FORMS}")
        return times

    def _check(self, is_right: Bools, wanted: str) -> None:
        if not is_right.all():
            row = int(np.argmin(is_right))
            value = self.values[row]
            shown = "empty" if value is None or value == "" else repr(value) if isinstance(value, str) else str(value)
            raise DataError(f"{self.path}: row {row}: {self.values.name} is {shown}, {wanted}")


def _bools(values: pl.Series) -> Bools:
    return values.fill_null(value=False).to_numpy()


def _since_epoch(values: pl.Series) -> Int64s:
    """Return integers of the unit that the magnitude of each says in ns; 0 where there is none."""
    whole = values.cast(pl.Int64, strict=False).fill_null(0)
    lengths = np.array(list(NS_PER_UNIT.values()))
    steps = lengths[np.searchsorted(UNIT_LIMITS, whole.to_numpy(), side="right")]
    return _scaled(whole, steps)


def _scaled(steps: pl.Series, ns_per_step: int | Int64s) -> Int64s:
    """Return whole steps in ns; 0 where there is none, or it is not above 0 or beyond an int64."""
    whole: Int64s = steps.cast(pl.Int64, strict=False).fill_null(0).to_numpy()
    return whole * ((whole > 0) & (whole <= MAX_NS // ns_per_step)) * ns_per_step


def _iso_times(text: pl.Series) -> Int64s:
    """Return ISO texts as ns UTC; 0 where one is none, or beyond an int64."""
    parts = text.to_frame("text").select(pl.col("text").str.extract_groups(_ISO)).unnest("text")

    def number(part: pl.Expr) -> pl.Expr:
        return part.cast(pl.Int64, strict=False).fill_null(0)

    hour, minute, second = (number(pl.col(name)) for name in ("hour", "minute", "second"))
    zone = pl.col("zone").str.replace(":", "", literal=True)
    zone_hour, zone_minute = number(zone.str.slice(1, 2)), number(zone.str.slice(3, 2))
    east = pl.when(zone.str.starts_with("-")).then(-1).otherwise(1) * (zone_hour * 3_600 + zone_minute * 60)
    day = pl.col("date").str.to_date("%Y-%m-%d", strict=False).to_physical().cast(pl.Int64)
    seconds = day * 86_400 + hour * 3_600 + minute * 60 + second - east
    fits = (hour < 24) & (minute < 60) & (second < 60) & (zone_hour < 24) & (zone_minute < 60)
    fits &= seconds.is_between(1, _MAX_SECONDS)
    ns = seconds * NS_PER_SECOND + number(pl.col("fraction").str.pad_end(9, "0"))
    times: Int64s = parts.select(pl.when(fits).then(ns).otherwise(0)).to_series().to_numpy()
    return times
