"""The form of times in CSV files: found out from the first rows, or named by the user."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from tickstock_cli.errors import DataError
from tickstock_cli.sources.text_times import (
    EARLIEST_NS,
    EPOCH,
    LATEST_NS,
    TimeForm,
    are_ambiguous,
    fitting_forms,
    unlike_the_first,
)


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
    if not EARLIEST_NS <= int(read[0]) <= LATEST_NS:
        raise DataError(
            f"{where}: {values[0]} cannot be read as {made}, or is no time between 1980 and 2100; name its form, as in "
            "--time-format '%Y%m%d %H:%M:%S'"
        )
    return made


def _found(values: Sequence[str], where: str) -> str:
    fits = fitting_forms(values)
    if not fits:
        other = unlike_the_first(values)
        both = values[0] if other is None else f"{values[0]} and {other}"
        raise DataError(
            f"{where}: no known form fits times such as {both}; name it, as in --time-format '%d.%m.%Y %H:%M'"
        )
    if are_ambiguous(fits):
        raise DataError(
            f"{where}: {values[0]} can have the month or the day first; say which with --time-format '{fits[0]}' or "
            f"'{fits[1]}'"
        )
    return fits[0]
