"""Draws reviews on a terminal: verifications, differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tickstock_cli.core.counted import counted
from tickstock_cli.core.times import format_clock, format_time
from tickstock_cli.review.diff import CHANGED, ONLY_A, ONLY_B, Difference, EventComparison
from tickstock_cli.review.pipelines import PipelineComparison
from tickstock_cli.review.variants import Scope
from tickstock_cli.review.verify import VariantResult, Verification

DIGEST_SHOWN = 12
SAME, DIFFERENT = Text("same", style="green"), Text("DIFFERS", style="bold red")
MARKS = {ONLY_A: ("only A", "red"), ONLY_B: ("only B", "green"), CHANGED: ("changed", "yellow")}
INDENT = 9
"""Column at which the second line of a difference begins."""
DAY_NS = 86_400_000_000_000


def verification_view(verification: Verification) -> Group:
    """Draw a verification: one variant a line, and the verdict."""
    parts: list[RenderableType] = []
    for scope, title in ((Scope.WHOLE, "The whole recording"), (Scope.SLICE, f"A part, {verification.slice_words}")):
        variants = [result for result in verification.variants if result.variant.scope is scope]
        if variants:
            parts += [Text(f"{title}: {counted(variants[0].rows, 'row')}", style="bold"), _legs_table(variants)]
    return Group(*parts, _verdict(verification), Text())


def _legs_table(variants: Sequence[VariantResult]) -> Table:
    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    table.add_column("replayed")  # the column that a narrow terminal cuts
    table.add_column("events", justify="right", no_wrap=True)
    table.add_column("digest", no_wrap=True)
    if variants[0].backtest is not None:
        table.add_column("backtest", no_wrap=True)
    table.add_column("seconds", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for result in variants:
        table.add_row(*_leg_cells(result))
        for words in result.differs:
            table.add_row(Text(f"  {words}", style="red"))
    return table


def _leg_cells(result: VariantResult) -> list[RenderableType]:
    name = Text(result.variant.name)
    if result.stopped_at is not None:
        name.append(f" (at row {result.stopped_at:,})", style="dim")
    return [
        name,
        f"{result.events:,}",
        result.digest[:DIGEST_SHOWN],
        *([] if result.backtest is None else [result.backtest[:DIGEST_SHOWN]]),
        f"{result.seconds:.2f}",
        SAME if result.same else DIFFERENT,
    ]


def _verdict(verification: Verification) -> Text:
    variants = len(verification.variants)
    if verification.same:
        return Text(f"All {variants} variants agree: {_agreed(verification)}, byte for byte.", style="bold green")
    return Text(f"{len(verification.failed)} of {variants} variants differ.", style="bold red")


def _agreed(verification: Verification) -> str:
    judged = any(result.backtest is not None for result in verification.variants)
    return "events, digest, ledger, file and backtest" if judged else "events, digest, ledger and file"


def comparison_view(comparison: EventComparison, a: Path, b: Path) -> Group:
    """Draw a comparison: counts by kind, reasons, the first differences."""
    parts: list[RenderableType] = [
        Text.assemble(("A ", "bold"), f"{a}, {counted(comparison.rows_a, 'event')}"),
        Text.assemble(("B ", "bold"), f"{b}, {counted(comparison.rows_b, 'event')}"),
        _kinds_table(comparison),
    ]
    if comparison.equal:
        parts.append(Text("The files hold the same events in the same order.", style="bold green"))
    elif not comparison.total:
        parts.append(Text("The files hold the same events, but in another order.", style="bold red"))
    else:
        reasons = ", ".join(f"{reason.replace('_', ' ')} {count:,}" for reason, count in comparison.reasons.items())
        parts += [Text(f"reasons: {reasons}"), *_differences(comparison)]
    return Group(*parts, Text())


def _kinds_table(comparison: EventComparison) -> Table:
    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    table.add_column("kind")
    for name in ("only A", "only B", "changed", "equal"):
        table.add_column(name, justify="right")
    for kind, counts in comparison.kinds.items():
        cells = (counts.only_a, counts.only_b, counts.changed, counts.equal)
        table.add_row(kind, *(f"{count:,}" if count else "" for count in cells))
    return table


def _differences(comparison: EventComparison) -> list[RenderableType]:
    """Draw differences, two lines each: the event, and below it the reason over the whole width."""
    events = [_event_of(difference) for difference in comparison.differences]
    dated = len({event["timestamp"] // DAY_NS for event in events}) > 1
    columns = [[_clock(event["timestamp"], dated) for event in events], [event["ticker"] for event in events]]
    columns += [[f"{event['kind']} {event['price']:.10g}" for event in events], [event["source"] for event in events]]
    widths = [max(map(len, column), default=0) for column in columns]
    parts: list[RenderableType] = [Text("\nfirst differences (times in UTC)", style="bold")] if events else []
    for difference, *cells in zip(comparison.differences, *columns, strict=True):
        word, style = MARKS[difference.status]
        time, *rest = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        reason = difference.reason.replace("_", " ")
        parts.append(
            Text.assemble((word.ljust(INDENT), style), (time, "cyan"), "  ", "  ".join(rest), "  ", (reason, "bold"))
        )
        if difference.why:
            parts.append(Padding(Text(difference.why, style="dim"), (0, 0, 0, INDENT), expand=False))
    more = comparison.total - len(comparison.differences)
    if more:
        parts.append(Text(f"… and {more:,} more; see --limit", style="dim"))
    return parts


def _clock(time: int, dated: bool) -> str:
    """Write a time (ns) to the millisecond, UTC, with its date if not all are of one."""
    return format_clock(time) if dated else format_clock(time)[11:]


def difference_line(difference: Difference, a: str, b: str) -> str:
    """Return a difference in one line; ``a`` and ``b`` are names of the files."""
    event = _event_of(difference)
    name = f"{event['kind']} of {event['ticker']} at {format_time(event['timestamp'])} ({event['source']})"
    if difference.status == CHANGED:
        return f"{name} changed: {difference.why}"
    return f"{name} is only in {a if difference.status == ONLY_A else b}"


def difference_object(difference: Difference) -> dict[str, Any]:
    """Return a difference as plain values; times are int64 ns, and those for people end in ``_utc``."""
    return {
        "status": difference.status,
        "reason": difference.reason,
        "why": difference.why,
        "time_utc": format_time(_event_of(difference)["timestamp"]),
        "columns": {name: {"a": values[0], "b": values[1]} for name, values in difference.columns.items()},
        "a": difference.a,
        "b": difference.b,
    }


def _event_of(difference: Difference) -> Mapping[str, Any]:
    """Return the event in A, or else that in B."""
    event = difference.a if difference.a is not None else difference.b
    assert event is not None  # a difference has at least one event
    return event


def pipelines_view(comparison: PipelineComparison) -> Group:
    """Draw a comparison of pipelines: one a line, and the verdict."""
    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    table.add_column("path")
    for name in ("rows", "events", "seconds", "rows/s", "µs a row"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("digest", no_wrap=True)
    for name, result in (("multi", comparison.multi), ("linear", comparison.linear)):
        cells = [f"{result.rows:,}", f"{result.tally.events:,}", f"{result.seconds:.2f}"]
        cells += [f"{result.rows_per_second:,.0f}", f"{result.seconds * 1e6 / max(1, result.rows):.1f}"]
        table.add_row(name, *cells, result.digest[:DIGEST_SHOWN])
    ratio = comparison.linear.seconds / comparison.multi.seconds if comparison.multi.seconds else 0.0
    if comparison.same:
        words = f"Same events, same ledger. The linear path took {ratio:.1f}x the time of the running system."
        return Group(table, Text(words, style="bold green"), Text())
    return Group(table, Text("The paths differ.", style="bold red"), Text())
