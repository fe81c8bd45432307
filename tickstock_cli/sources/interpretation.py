"""How recorded columns are read: from their names and types, and from guesses about the first rows."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from tickstock_cli.core.counted import counted
from tickstock_cli.core.times import NS_PER_SECOND, NS_PER_UNIT, epoch_unit
from tickstock_cli.errors import SchemaError, UsageError
from tickstock_cli.sources.columns import ColumnReader
from tickstock_cli.sources.first_rows import FirstRows
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.plain_numbers import real, valid, whole
from tickstock_cli.sources.recognise import Layout
from tickstock_cli.sources.records import TEXT
from tickstock_cli.sources.time_columns import TimeEncoding, type_step

if TYPE_CHECKING:
    from tickstock_cli.sources.text_times import TimeForm

HEAD_ROWS = 1_000
"""Rows that guesses use."""

TIME_COLUMNS = ("timestamp", "received_at")

DEFAULT_ZONE = "UTC"

_CLOCK_ALONE = re.compile(r"\d{1,2}:\d\d(:\d\d([.,]\d+)?)?( ?[AaPp][Mm])?$")
"""A time of day without its day."""

ISO_FORM = "%Y-%m-%d %H:%M:%S%.f"

_ZONE_NOTE = (
    "times without a zone are read as UTC; if they have another zone, set it, as in "
    "--set recordings.timezone=America/New_York"
)
_INTERVAL_ADVICE = "if they have another length, set it, as in --set recordings.interval_seconds=300"


@dataclass(frozen=True, slots=True)
class Guess:
    """A guess about a property that the recording does not state.

    Parameters
    ----------
    why
        Completes "… because".
    note
        Note for the user: the guess affects results and can be wrong. None = no note.
    """

    what: str
    value: str
    why: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Interpretation:
    """How rows of one layout are read.

    Parameters
    ----------
    encodings
        Encoding of each time column, by our name.
    guesses
        Guesses about the rows.
    """

    layout: Layout
    encodings: Mapping[str, TimeEncoding]
    interval_ns: int
    guesses: tuple[Guess, ...]
    reader: ColumnReader
    bars_at_end: bool = False
    """Whether the recorded times of bars are their ends."""
    selects_rows: bool = False
    """Whether some rows are left out by their values."""
    bounded: frozenset[str] = frozenset()
    """The time columns, by our name, whose bounds in a footer are numbers that count as its values do."""

    def of(self, path: str, layout: Layout) -> Interpretation:
        """Return the same of a file that is read likewise."""
        return Interpretation(
            layout,
            self.encodings,
            self.interval_ns,
            self.guesses,
            self.reader.of(path, layout),
            self.bars_at_end,
            self.selects_rows,
            self.bounded,
        )


def interpret(
    path: str, layout: Layout, first: FirstRows, options: ReadOptions, stored: pa.Schema | None = None
) -> Interpretation:
    """Return how rows of a layout are read.

    Parameters
    ----------
    path
        Path of the rows, for messages.
    first
        The first rows. They are decoded only where the footer does not tell what is asked.
    stored
        The columns as the file has them, whose bounds its footer states; None: there is no footer.
    """
    encodings, guesses = _time_encodings(path, layout, first, options)
    if layout.understood is not None:
        known = layout.understood
        guesses.insert(0, Guess("layout", known.layout, "of the names of its columns", known.reading.note))
    interval_ns = options.interval_seconds * NS_PER_SECOND
    reader = ColumnReader(path, layout, encodings, interval_ns, options)
    if layout.record.name == "ohlcv" and not reader.has("interval"):
        guesses.append(_interval_guess(reader, first.decoded(), interval_ns))
    return Interpretation(
        layout,
        encodings,
        interval_ns,
        tuple(guesses),
        reader,
        options.bar_label == "end",
        bool(options.where),
        frozenset() if stored is None else _bounded(stored, layout, encodings),
    )


def _bounded(stored: pa.Schema, layout: Layout, names: Iterable[str]) -> frozenset[str]:
    types = {name: stored.field(layout.columns[name]).type for name in names}
    return frozenset(
        name
        for name, type_ in types.items()
        if pt.is_timestamp(type_) or pt.is_date(type_) or pt.is_signed_integer(type_)
    )


def _time_encodings(
    path: str, layout: Layout, first: FirstRows, options: ReadOptions
) -> tuple[dict[str, TimeEncoding], list[Guess]]:
    """Return the encoding of each time column, and the guesses about them."""
    unit = options.timestamp_unit
    if unit != "auto" and unit not in NS_PER_UNIT:
        raise UsageError(f"timestamp unit is {unit!r}, but auto, {', '.join(NS_PER_UNIT)} are allowed")
    encodings: dict[str, TimeEncoding] = {}
    guesses: list[Guess] = []
    for name in TIME_COLUMNS:
        if name not in layout.columns:
            continue
        theirs = layout.columns[name]
        type_ = first.schema.field(theirs).type
        step = type_step(type_)
        is_text = TEXT.accepts(type_)
        if is_text or step is not None:
            form = _text_form(path, first, theirs, options) if is_text else None
            has_zone = form.has_zone if form is not None else isinstance(type_, pa.TimestampType) and bool(type_.tz)
            is_set = options.timezone != DEFAULT_ZONE
            encodings[name] = TimeEncoding(
                step or 1, ZoneInfo(options.timezone) if is_set and not has_zone else None, form
            )
            if form is not None:
                guesses.append(Guess(f"form of {name}", str(form), "the first texts have it"))
            if not (has_zone or is_set):
                why = f"texts such as {form} have none" if form is not None else f"type {type_} has none"
                guesses.append(Guess(f"time zone of {name}", DEFAULT_ZONE, why, None if first.is_empty else _ZONE_NOTE))
        elif unit != "auto":
            encodings[name] = TimeEncoding(NS_PER_UNIT[unit])
        else:
            guessed, why = _guess_unit(first, theirs)
            encodings[name] = TimeEncoding(NS_PER_UNIT[guessed])
            guesses.append(Guess(f"unit of {name}", guessed, why))
    return encodings, guesses


def _text_form(path: str, first: FirstRows, name: str, options: ReadOptions) -> TimeForm:
    """Return the form of times in a column of texts.

    Raises
    ------
    SchemaError
        No form fits the first of them, or two do.
    """
    from tickstock_cli.sources.text_times import TimeForm, are_ambiguous, fitting_forms, unlike_the_first

    texts: list[Any] = [] if first.is_empty else first.column(name).drop_null().unique().to_pylist()
    if not texts:
        texts = [bound for bound in first.extremes(name) or () if isinstance(bound, str)]
    values = [text.strip() for text in texts if any(character.isdigit() for character in text)]
    if options.time_format != "auto":
        if values and not TimeForm(options.time_format).reads_any(values):
            raise SchemaError(
                f"{path}: recordings.time_format={options.time_format} fits none of the first texts in column {name}, "
                f"such as {values[0]}"
            )
        return TimeForm(options.time_format)
    forms = fitting_forms(values) if values else [ISO_FORM]
    if forms and not are_ambiguous(forms):
        return TimeForm(forms[0])
    if forms:
        told = f"{values[0]} in column {name} can have the month or the day first"
        forms = [form for form in forms if "%d" in form][:2]
    else:
        other = unlike_the_first(values)
        both = values[0] if other is None else f"{values[0]} and {other}"
        told = f"no known form fits {'the' if other is None else 'all'} texts in column {name}, such as {both}"
        if _CLOCK_ALONE.match(values[0]):
            raise SchemaError(
                f"{path}: {values[0]} in column {name} is a time of day: map the column that has its day, too, as with "
                f"--map timestamp=DAY --map {shlex.quote(f'time_of_day={name}')}"
            )
        forms = ["%d.%m.%Y %H:%M:%S"]
    raise SchemaError(
        f"{path}: {told}: say which form times have, as in "
        f"{' or '.join(f'--set recordings.time_format={shlex.quote(form)}' for form in forms)}, or write datetimes"
    )


def _interval_guess(reader: ColumnReader, head: pa.RecordBatch, interval_ns: int) -> Guess:
    """Guess the length of bars; add a note unless the first bars of a ticker have this distance."""
    starts = reader.times(head, 0).timestamp
    tickers = reader.array(head, "ticker")
    codes = valid(tickers).astype(np.int64)
    if not pt.is_null(tickers.type):
        encoded: Any = tickers if pt.is_dictionary(tickers.type) else tickers.dictionary_encode()
        codes = whole(encoded.indices, -1)
    order = np.lexsort((starts, codes))
    apart = np.diff(starts[order])[np.diff(codes[order]) == 0]
    apart = apart[apart > 0]
    spacing_agrees = not len(head) or (len(apart) > 0 and int(apart.min()) == interval_ns)
    seconds = interval_ns // NS_PER_SECOND
    note = f"bars without a column interval are read as {seconds} s long; {_INTERVAL_ADVICE}"
    return Guess("interval", f"{seconds} s", "there is no column interval", None if spacing_agrees else note)


def _guess_unit(first: FirstRows, name: str) -> tuple[str, str]:
    """Guess the unit of numbers: that of all, or of the median of the positive ones among the first rows."""
    type_ = first.schema.field(name).type
    if pt.is_integer(type_):
        low, high = first.extremes(name) or (0, 0)
        if 0 < low <= high and epoch_unit(low) == epoch_unit(high):
            return epoch_unit(low), f"its values lie between {low} and {high}"
    column = first.column(name)
    if pt.is_null(column.type):
        return "ns", "it holds nulls only"
    numbers: Any = whole(column, 0) if pt.is_integer(type_) else real(column, 0.0)
    positive = np.sort(numbers[numbers > 0])
    if not len(positive):
        return "ns", f"none of the first {counted(len(column), 'row')} is above 0"
    median = int(positive[(len(positive) - 1) // 2])
    return epoch_unit(median), f"the median of the first {counted(len(column), 'row')} is {median}"


def first_available(reader: ColumnReader, head: pa.RecordBatch) -> int:
    """Return the available time (int64 ns) of the first of the first rows that has one; 0 if none has."""
    times = reader.times(head, 0)
    if times.known is None:
        return int(times.available[0]) if len(times.available) else 0
    return int(times.available[times.known.argmax()]) if times.known.any() else 0
