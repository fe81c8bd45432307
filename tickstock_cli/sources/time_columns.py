"""Columns of times in every type that holds them, as nanoseconds."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from tickstock_cli.core.batch import Int64s
from tickstock_cli.core.times import NS_PER_DAY, NS_PER_UNIT
from tickstock_cli.kernels import normalise
from tickstock_cli.sources.plain_numbers import frozen, real, whole
from tickstock_cli.sources.zones import in_utc

if TYPE_CHECKING:
    from tickstock_cli.sources.text_times import TimeForm

_NS_PER_MICROSECOND = NS_PER_UNIT["us"]
_NARROW_BITS = 32
"""Bits of the narrower type of times of day."""
_LARGEST_MICROSECONDS = 2.0**63 / _NS_PER_MICROSECOND
_WIDE_DECIMAL = pa.decimal256(56, 9)


@dataclass(frozen=True, slots=True)
class TimeEncoding:
    """Encoding of a time column.

    Parameters
    ----------
    step
        Nanoseconds per step since 1970.
    zone
        Zone of local times; None if they are in UTC.
    form
        Form of texts; None if times are no texts.
    """

    step: int
    zone: ZoneInfo | None = None
    form: TimeForm | None = None

    def read(self, column: pa.Array[Any], clock: pa.Array[Any] | None = None) -> Int64s:
        """Return times in ns UTC, 0 where unusable; those of ``clock``, times of day, are added to them."""
        times = nanoseconds(column, self.step) if self.form is None else frozen(self.form.read(column))
        if clock is not None:
            times = _with_clock(times, clock)
        return times if self.zone is None else frozen(in_utc(times, self.zone))


def type_step(type_: pa.DataType) -> int | None:
    """Return the nanoseconds per step of a time column; None if its type does not define them."""
    if pt.is_date32(type_):
        return NS_PER_DAY
    if pt.is_date64(type_):
        return NS_PER_UNIT["ms"]
    return NS_PER_UNIT[type_.unit] if isinstance(type_, pa.TimestampType) else None


def nanoseconds(array: pa.Array[Any], ns_per_step: int) -> Int64s:
    """Return a column of times or numbers in ns; 0 where null or beyond an int64.

    A double of the time in our days holds microseconds, and not much more: those of floats are rounded to them.
    """
    if pt.is_floating(array.type):
        return _of_floats(real(array, 0.0), ns_per_step)
    if pt.is_decimal(array.type):
        return _of_decimals(array, ns_per_step)
    if pt.is_date32(array.type):
        array = array.view(pa.int32())
    steps = whole(array.view(pa.int64()) if pt.is_timestamp(array.type) or pt.is_date64(array.type) else array, 0)
    if ns_per_step == 1:
        return steps
    out = np.empty(len(steps), dtype=np.int64)
    normalise.scale_times(steps, ns_per_step, out)
    return frozen(out)


def _of_floats(steps: Any, ns_per_step: int) -> Int64s:
    microseconds = np.rint(steps * (ns_per_step / _NS_PER_MICROSECOND))
    usable = np.abs(microseconds) < _LARGEST_MICROSECONDS  # false for NaN
    return frozen(np.where(usable, microseconds, 0.0).astype(np.int64) * _NS_PER_MICROSECOND)


def _of_decimals(array: Any, ns_per_step: int) -> Int64s:
    """Return decimals in ns, exactly; what is beyond an int64 becomes 0."""
    try:
        steps = pc.multiply(pc.cast(array, _WIDE_DECIMAL, safe=False), pa.scalar(Decimal(ns_per_step)))
        return whole(pc.cast(steps, pa.int64(), safe=False), 0)
    except pa.ArrowInvalid:  # one of them is beyond every type
        return _of_floats(real(array, 0.0), ns_per_step)


def _with_clock(days: Int64s, clock: pa.Array[Any]) -> Int64s:
    """Return days (ns) with times of day added; 0 where one is missing."""
    since = _clocks(clock)
    return frozen(np.where((days > 0) & (since >= 0), days + since, 0))


def _clocks(column: pa.Array[Any]) -> Int64s:
    """Return times of day in ns since midnight, below 0 where one is missing."""
    if not (pt.is_time(column.type) or pt.is_duration(column.type)):
        from tickstock_cli.sources.text_times import clocks

        return clocks(column)
    type_: Any = column.type
    steps = whole(column.view(pa.int32() if type_.bit_width == _NARROW_BITS else pa.int64()), -1)
    return steps * NS_PER_UNIT[type_.unit]
