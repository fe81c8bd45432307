"""Draws the explanation of a moment on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from tickstock_cli.core.calendar import market_zone
from tickstock_cli.core.rule_verdict import Check, Cooldown, Ending, Relation, RuleVerdict, Value
from tickstock_cli.core.time_input import local_clock
from tickstock_cli.core.times import format_duration, format_time
from tickstock_cli.review.admission import Admission, AdmissionStatus
from tickstock_cli.review.explain import Explanation, RowExplanation
from tickstock_cli.review.feed_gaps import FeedGap
from tickstock_cli.review.outcome import EventOutcome, Outcome

STYLES = {
    Ending.FIRED: "bold green",
    Ending.COOLDOWN: "bold yellow",
    Ending.HIDDEN: "magenta",
    Ending.WAITING: "dim",
}
WORDS = {
    Ending.FIRED: "fired",
    Ending.COOLDOWN: "held back by its cooldown",
    Ending.BELOW: "below its threshold",
    Ending.NOTHING_NEW: "nothing new",
    Ending.FILTERED: "filtered",
    Ending.WAITING: "not yet",
    Ending.HIDDEN: "hidden from it",
}
SIGNS = {Relation.AT_LEAST: "≥", Relation.AT_MOST: "≤", Relation.ABOVE: ">", Relation.BELOW: "<", Relation.IS: "="}
LARGE = 100_000
"""Figures from this value on are shown without a fraction."""
RECORDS = {"tick": "tick", "ohlcv": "bar", "fmv": "fair value"}


def explanation_view(explanation: Explanation) -> Group:
    """Draw a moment: verdicts and outcomes of events; then each row with all measured values."""
    zone = market_zone(explanation.calendar)
    heading = Text.assemble(
        (explanation.ticker, "bold"),
        f" at {format_time(explanation.at)}",
        (f"  {local_clock(explanation.at, zone)}", "dim"),
    )
    parts: list[RenderableType] = [heading, Text(), _summary(explanation.rows)]
    parts += [_event_outcome(event_outcome) for row in explanation.rows for event_outcome in row.event_outcomes]
    for row in explanation.rows:
        parts += [Text(), *_row_parts(row)]
    notes = [f"no {RECORDS[record]} of it until then" for record in explanation.absent]
    notes += [f"{name} is not among detectors.enabled" for name in explanation.disabled]
    if notes:
        parts += [Text(), Text("; ".join(notes), style="dim")]
    parts += [Text(_gap_words(gap, zone), style="yellow") for gap in explanation.gaps]
    return Group(*parts, Text())


def _gap_words(gap: FeedGap, zone: tzinfo) -> str:
    end = "an unknown time" if gap.end is None else local_clock(gap.end, zone)
    channels = f" ({', '.join(gap.channels)})" if gap.channels else ""
    return f"gap of the feed{channels}, {local_clock(gap.begin, zone)} to {end}: {gap.reason}; its rows did not come"


def _summary(rows: Sequence[RowExplanation]) -> Table:
    """Draw the result of each row, one line for each kind."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for row in rows:
        lines: list[tuple[str, Text]] = []
        if row.admission.status is not AdmissionStatus.ADMITTED:
            lines.append(("admission", _standing(row.admission)))
        for name, verdicts in row.verdicts.items():
            lines += [(_title(name, verdict), _ending(verdict)) for verdict in verdicts]
        for place, (title, outcome) in enumerate(lines):
            table.add_row("" if place else _name(row), title, outcome)
    return table


def _name(row: RowExplanation) -> str:
    if row.of == 1:
        return f"last {RECORDS[row.record]}"
    return f"{RECORDS[row.record]} {row.place} of {row.of} at its time"


def _row_parts(row: RowExplanation) -> list[RenderableType]:
    age = "at this very time" if not row.age else f"{format_duration(row.age)} before"
    values = "  ".join(f"{name}={_original(value)}" for name, value in row.values.items() if value is not None)
    parts: list[RenderableType] = [
        Rule(Text(f"{_name(row)}, {age}", style="bold"), align="left", style="dim"),
        Text.assemble((f"available {format_time(row.available_at)}  {row.path} row {row.row:,}", "dim")),
        Text(values),
        *_admission_parts(row.admission),
    ]
    for name, verdicts in row.verdicts.items():
        parts += [Text(), _detector(name, verdicts, row.timestamp)]
    return parts


def _admission_parts(admission: Admission) -> list[RenderableType]:
    head = _standing(admission)
    return [head, _checks(admission.checks)] if admission.checks else [head]


def _standing(admission: Admission) -> Text:
    style = {AdmissionStatus.ADMITTED: "green", AdmissionStatus.SUSPECT: "magenta"}.get(admission.status, "bold red")
    head = Text.assemble((admission.status.value, style))
    if admission.phase is not None:
        head.append(f", phase {admission.phase}")
    if admission.words:
        head.append(f": {admission.words}")
    return head


def _detector(name: str, verdicts: Sequence[RuleVerdict], time: int) -> Group:
    """Draw a detector: the checks that its kinds share, then those of each kind."""
    shared = _shared(verdicts)
    parts: list[RenderableType] = []
    if len(verdicts) > 1 and shared:
        parts += [Text(name, style="bold"), _checks(verdicts[0].checks[:shared])]
    for verdict in verdicts:
        parts.append(Text.assemble((f"{_title(name, verdict)}: ", "bold"), _ending(verdict)))
        own = verdict.checks[shared if len(verdicts) > 1 else 0 :]
        parts.append(_checks(own, verdict.cooldown, time))
    return Group(*parts)


def _shared(verdicts: Sequence[RuleVerdict]) -> int:
    """Return the number of first checks that all verdicts share."""
    shared = 0
    for checks in zip(*(verdict.checks for verdict in verdicts), strict=False):
        if any(check != checks[0] for check in checks):
            break
        shared += 1
    return shared


def _title(detector: str, verdict: RuleVerdict) -> str:
    return verdict.kind if verdict.kind == detector else f"{detector} {verdict.kind}"


def _ending(verdict: RuleVerdict) -> Text:
    words = WORDS[verdict.ending]
    if verdict.ending is Ending.COOLDOWN and verdict.cooldown is not None:
        words = f"{words}, {format_duration(verdict.cooldown.left)} to go"
    elif verdict.decisive is not None:
        words = f"{words}: {because(verdict.decisive)}"
    return Text(words, style=STYLES.get(verdict.ending, ""))


def because(check: Check) -> str:
    """Return in words why a failed check ends a rule."""
    if check.unmet:
        return check.unmet
    if check.threshold == "yes":  # a condition whose detector gives no sentence for it
        return f'"{check.name}" does not hold'
    if check.threshold is None:
        return f"{check.name}: {_figure(check.value, check.unit)}"
    return f"{check.name} {_figure(check.value, check.unit)}, {_needs(check).removeprefix('= ')} is needed"


def _checks(checks: Sequence[Check], cooldown: Cooldown | None = None, time: int = 0) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(width=1)
    table.add_column(min_width=30)
    table.add_column(justify="right", min_width=14)
    table.add_column()
    for check in checks:
        needs = "" if check.threshold is None else _needs(check)
        table.add_row(_mark(check), check.name, _figure(check.value, check.unit), Text(needs, style="dim"))
    if cooldown is not None and cooldown.length:
        last = "no event yet" if cooldown.last is None else f"last event {format_duration(time - cooldown.last)} before"
        left = format_duration(cooldown.left) if cooldown.left else "over"
        mark = Text("✗", style="red") if cooldown.left else Text("✓", style="green")
        table.add_row(mark, f"cooldown of {format_duration(cooldown.length)}", left, Text(last, style="dim"))
    return table


def _needs(check: Check) -> str:
    sign = f"{SIGNS[check.relation]} " if check.relation is not None else ""
    return f"{sign}{_figure(check.threshold, check.unit)}"


def _mark(check: Check) -> Text:
    if check.passes is None:
        return Text("·", style="dim")
    return Text("✓", style="green") if check.passes else Text("✗", style="red")


def _figure(value: Value, unit: str) -> str:
    if value is None:
        return "none"
    if isinstance(value, str):
        return value
    if unit == "$":
        dollars, point, cents = f"{abs(value):,.10g}".partition(".")
        return f"{'-' if value < 0 else ''}${dollars}{point}{cents.ljust(2, '0') if point else ''}"
    whole = isinstance(value, int) or abs(value) >= LARGE
    return f"{value:,.0f} {unit}".rstrip() if whole else f"{value:,.6g} {unit}".rstrip()


def _event_outcome(event_outcome: EventOutcome) -> Text:
    event = event_outcome.event
    name = (f"{event['kind']} at {event['price']:.10g}: ", "bold")
    if event_outcome.outcome is Outcome.EMITTED:
        alone = "" if event["merged"] == 1 else f", the winner of {event['merged']} events of its window"
        return Text.assemble("⇒ ", name, (f"emitted at {format_time(event['emitted_at'])}{alone}", "bold green"))
    if event_outcome.outcome is Outcome.REDUNDANT:
        return Text.assemble(
            "⇒ ", name, (f"redundant: ticks had told of {event_outcome.tick_extreme:.10g} before", "yellow")
        )
    return Text.assemble("⇒ ", name, (f"superseded in its window by {_winner(event_outcome.winner or {})}", "yellow"))


def _winner(event: dict[str, Any]) -> str:
    return f"the {event['kind']} of {event['source']} at {format_time(event['timestamp'])}, {event['price']:.10g}"


def _original(value: Any) -> str:
    return f"{value:.12g}" if isinstance(value, float) else str(value)
