"""Leaves out objects whose rows are all outside the wanted times, by their footers, before anything else is fetched.

A footer is a few kilobytes at the end of an object. It says the smallest and largest time of its rows, but not yet how
they are read, so that a wide margin is left: an object is left out only where no reading would select a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.parquet as pq

from tickstock_cli.core.times import NS_PER_DAY, NS_PER_UNIT, epoch_unit
from tickstock_cli.errors import DataError
from tickstock_cli.sources.discover import FoundFile
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.row_groups import ArrowFooter
from tickstock_cli.storage.listing import StoredObject
from tickstock_cli.storage.reading import opened
from tickstock_cli.storage.stores import asking

_AT_ONCE = 16
_MARGIN = 2 * NS_PER_DAY
"""More than any zone shifts a time, together with the length of a bar of a day."""
_BAR_MARGIN = 45 * NS_PER_DAY
"""More than the longest usual bar: it is available that long after its time."""
_EARLIEST = 473_385_600 * NS_PER_UNIT["s"]
"""1985: numbers below are no times."""
_TIMES = ("timestamp", "received_at")
_MARKS_OF_BARS = {"open", "o", "interval"}


def within(found: Sequence[FoundFile], options: ReadOptions) -> list[FoundFile]:
    """Return the files without objects that have no row in [start, end); the first one stays if none has any."""
    stored = [file for file in found if file.stored is not None]
    if len(stored) < 2 or (options.start is None and options.end is None):
        return list(found)
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="tickstock-footer") as pool:
        outside = pool.map(lambda file: file.stored is not None and _is_outside(file.stored, options), stored)
    left_out = {file.path for file, is_outside in zip(stored, outside, strict=True) if is_outside}
    return [file for file in found if file.path not in left_out] or [found[0]]


def _is_outside(stored: StoredObject, options: ReadOptions) -> bool:
    """Return whether no row of an object can be selected; False where its footer does not tell."""
    try:
        with asking(stored.name), opened(stored.name) as source:
            metadata = pq.read_metadata(source)
            span = _span(metadata, options)
            names = {name.lower() for name in metadata.schema.names}
    except (DataError, pa.ArrowException):
        return False  # fetching it says why
    if span is None:
        return False
    low, high = span
    after = _BAR_MARGIN if names & _MARKS_OF_BARS else _MARGIN
    is_before = options.start is not None and high + after < options.start
    is_behind = options.end is not None and low - _MARGIN >= options.end
    return is_before or is_behind


def _span(metadata: pq.FileMetaData, options: ReadOptions) -> tuple[int, int] | None:
    """Return the smallest and largest time, ns, of the columns of times; None if a row group does not state them."""
    if options.timestamp_unit != "auto":
        return None  # the magnitude of times is not that of their unit
    footer = ArrowFooter(metadata)
    names = [name for name in (options.columns.get(name, name) for name in _TIMES) if name in footer.columns]
    stored = [footer.columns[name] for name in names]
    if any(column.physical_type != "INT64" or column.logical_type == "DECIMAL" for column in stored):
        return None  # days, texts, or decimals
    stated = [found for name in names for found in footer.stated(name)]
    known = [found for found in stated if found is not None]
    if not known or len(known) < len(stated):
        return None
    bounds = [bound for found in known for bound in (found.low, found.high)]
    times = [bound * NS_PER_UNIT[epoch_unit(bound)] for bound in bounds]
    return (min(times), max(times)) if min(times) >= _EARLIEST else None
