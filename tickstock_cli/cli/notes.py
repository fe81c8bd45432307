"""Notes of a command, one line each on stderr: assumptions about its input, and reasons for missing events."""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from tickstock_cli.core.counted import counted, worded
from tickstock_cli.core.ledger import RECORD_TYPES
from tickstock_cli.core.times import format_time

if TYPE_CHECKING:
    from tickstock_cli.core.ledger import Ledger
    from tickstock_cli.core.stages import NamedSource
    from tickstock_cli.replaying import Request

MOST_FILES = 64
"""Files whose prices are looked at."""
LOW_PRICES = 50
"""Prices below so many of the least moves are low: 0.50 dollars."""
MANY_REJECTED = 20
"""One row of so many is worth a note: those of a feed are far fewer."""
MOST_NAMES = 20
"""Limit of the absent tickers that are named."""


def print_input_notes(source: NamedSource, told: Collection[str] = ()) -> list[str]:
    """Print the new notes about how an input is read, and return all notes so far."""
    notes = list(source.notes)
    _print([note for note in notes if note not in told])
    return notes


def print_notes_of(request: Request) -> list[str]:
    """Print the notes about the requested input before a command reads it, and return them; opens it once more.

    Raises
    ------
    TickstockError
        It cannot be read.
    """
    from tickstock_cli.build import settings_model
    from tickstock_cli.replaying import read_options
    from tickstock_cli.sources.opening import open_source

    settings = request.settings if request.settings is not None else settings_model()()
    with closing(open_source(request.paths, read_options(request, settings))) as source:
        return print_input_notes(source)


def print_checkpoint_note(request: Request) -> None:
    """Print a note about a checkpoint that a run without --resume replaces, or about a missing one with it."""
    if request.checkpoint is None:
        return
    from tickstock_cli.engine.checkpoint import CheckpointStore

    store = CheckpointStore(request.checkpoint, {})
    if request.resume:
        if not store.has_checkpoint():
            _print([f"there is no checkpoint in {request.checkpoint} yet: the run begins at the start"])
        return
    rows = store.kept_rows()
    if rows is not None:
        told = f"the checkpoint in {request.checkpoint}, {counted(rows, 'row')} in, is replaced"
        _print([f"{told}: without --resume a run begins anew"])


def print_run_notes(request: Request, source: NamedSource, ledger: Ledger) -> None:
    """Print notes about input that a complete run did not use: it would look like a quiet market."""
    _print(
        [
            *_absent(request, source),
            *(_nothing_read(request, source, ledger) or _unused(request, source, ledger)),
            *_unreachable(request, source, ledger),
        ]
    )


def _print(notes: list[str]) -> None:
    for note in notes:
        print(f"note: {note}", file=sys.stderr)


def _absent(request: Request, source: NamedSource) -> list[str]:
    """Return the note about selected tickers without rows."""
    absent = sorted((request.symbols or frozenset()) - set(source.symbols.tickers))
    if not absent:
        return []
    bounded = request.start is not None or request.end is not None
    more = [f"and {len(absent) - MOST_NAMES:,} more"] if absent[MOST_NAMES:] else []
    where = "in the recording between --start and --end" if bounded else "in the recording"
    return [f"not {where}: {', '.join([*absent[:MOST_NAMES], *more])}"]


def _nothing_read(request: Request, source: NamedSource, ledger: Ledger) -> list[str]:
    if request.symbols is not None or any(ledger[f"{record}.read"] for record in RECORD_TYPES):
        return []
    if source.rows == 0 or source.bounds == (None, None):
        return ["there is no row in the recording"]
    bounds = [
        f"{option} {format_time(time)}"
        for option, time in zip(("--start", "--end"), source.bounds, strict=True)
        if time is not None
    ]
    whole = source.whole_span
    spans = f"; it goes from {format_time(whole[0])} to {format_time(whole[1])}" if whole is not None else ""
    return [f"no row of the recording meets {' and '.join(bounds)}{spans}"]


def _unused(request: Request, source: NamedSource, ledger: Ledger) -> list[str]:
    """Return the notes about record types whose rows are rejected or lie outside market hours."""
    notes = []
    shown = f"they are in {request.rejects}" if request.rejects else "see them with --rejects FILE or --strict"
    for record in RECORD_TYPES:
        read, processed = ledger[f"{record}.read"], ledger[f"{record}.processed"]
        if read and not processed:
            what = worded(f"all {{}} {record} {{row was|rows were}} rejected", read)
            notes.append(f"{what}: {_reasons(ledger, record)}; {shown}")
            continue
        rejected = ledger.total(f"{record}.rejected.")
        if rejected * MANY_REJECTED >= read > 0:
            rows = counted(read, f"{record} row")
            notes.append(f"{rejected:,} of {rows} were rejected: {_reasons(ledger, record)}; {shown}")
    return [*notes, *_outside(ledger, source.notes)]


def _reasons(ledger: Ledger, record: str) -> str:
    """Return why rows were rejected, the most frequent reason first."""
    prefix = f"{record}.rejected."
    reasons = {name.removeprefix(prefix): ledger[name] for name in ledger if name.startswith(prefix)}
    most = sorted(reasons, key=lambda reason: (-reasons[reason], reason))
    return ", ".join(most if len(most) == 1 else (f"{reason} {reasons[reason]:,}" for reason in most))


def _zone_hint(notes: Sequence[str]) -> str:
    """Return the hint at the zone of times, if some have none."""
    return ", or set recordings.timezone" if any("times without a zone" in note for note in notes) else ""


def _outside(ledger: Ledger, notes: Sequence[str]) -> Iterator[str]:
    """Yield the notes about rows of phases that are left out: of bars, which have a rule of their own, only of all."""
    found = {
        record: (outside, ledger[f"{record}.processed"])
        for record in RECORD_TYPES
        if (outside := ledger[f"{record}.filtered.market_hours"])
    }
    bars, usable_bars = found.pop("ohlcv", (0, 1))
    if bars == usable_bars:
        what = worded("all {} usable ohlcv {row lies|rows lie} outside market hours", bars)
        yield (
            f"{what}, as bars before the open do, and daily ones, which begin at midnight: "
            f"--set ohlcv.regular_hours_only=false uses them{_zone_hint(notes)}"
        )
    if not found:
        return
    lie = "lies" if sum(outside for outside, _ in found.values()) == 1 else "lie"
    if all(outside == usable for outside, usable in found.values()):
        rows = " and ".join(f"all {counted(usable, f'usable {record} row')}" for record, (_, usable) in found.items())
        yield f"{rows} {lie} outside market hours: see session.calendar and session.phases{_zone_hint(notes)}"
    else:
        rows = " and ".join(
            f"{outside:,} of {counted(usable, f'usable {record} row')}" for record, (outside, usable) in found.items()
        )
        yield f"{rows} {lie} in phases that session.phases leaves out; tickstock inspect counts them by phase"


def _unreachable(request: Request, source: NamedSource, ledger: Ledger) -> Iterator[str]:
    """Yield the note about files whose prices are so low that no move reaches the least one of a high or low."""
    settings = request.effective_settings
    if not ledger["tick.processed"] or "highlow" not in settings.detectors.enabled:
        return
    from tickstock_cli.sources.price_span import price_span

    least = settings.highlow.min_price_change  # type: ignore[attr-defined]  # the detector's section
    for file in getattr(source, "files", ())[:MOST_FILES]:
        span = price_span(file) if file.record == "tick" else None
        if span is not None and span[1] < LOW_PRICES * least and span[1] - span[0] < least:
            yield (
                f"in {file.path}, prices lie between {span[0]:.10g} and {span[1]:.10g}, so no high or low can be "
                f"highlow.min_price_change={least:g} away from the last one: set it lower, as in "
                f"--set highlow.min_price_change={_power_of_ten(span[1] / 10_000)}"
            )


def _power_of_ten(number: float) -> str:
    return f"1e{math.floor(math.log10(number))}"
