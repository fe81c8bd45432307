"""The result of a gate as Markdown, for CI systems. The verdict comes first."""

from __future__ import annotations

from collections.abc import Sequence

from tickstock_cli.measurement.machine import Machine, facts
from tickstock_cli.measurement.verdict import TargetVerdict, number
from tickstock_cli.perf.judging import Change, Comparison, Judgement, figure, note_of, target_of
from tickstock_cli.perf.metrics import Nature

SIGNS = {
    Change.SAME: "same",
    Change.WORSE: "**worse**",
    Change.BETTER: "better",
    Change.UNCLEAR: "unclear",
    Change.UNKNOWN: "not measured",
}


def comparison_summary(title: str, comparison: Comparison, machine: Machine, notes: Sequence[str] = ()) -> str:
    """Write a comparison."""
    worse = [judged for judged in comparison.judgements if judged.verdict is Change.WORSE]
    lines = [f"## {title}: {'failed' if comparison.failed else 'passed'}", ""]
    lines += [f"- results differ: {told}" for told in comparison.results]
    lines += [f"- {judged.metric.title}: {change_of(judged)}, allowed {target_of(judged)}" for judged in worse]
    if not comparison.failed:
        equal = "rows, events and digest are equal" if comparison.results_known else "results were not compared"
        lines.append(f"Nothing became worse beyond doubt; {equal}.")
    lines += ["", "| metric | base | head | change | allowed | verdict |", "|---|---:|---:|---|---|---|"]
    lines += [_row(judged) for judged in comparison.judgements]
    lines += ["", *(f"{note}  " for note in notes)]
    lines.append(", ".join(f"{name} {text}" for name, text in facts(machine).items()))
    return "\n".join(lines) + "\n"


def limits_summary(title: str, verdicts: Sequence[TargetVerdict], machine: Machine) -> str:
    """Write verdicts on limits."""
    failed = any(verdict.failed for verdict in verdicts)
    lines = [f"## {title}: {'failed' if failed else 'passed'}", ""]
    lines += ["| figure | limit | measured | verdict | |", "|---|---|---:|---|---|"]
    for verdict in verdicts:
        word = f"**{verdict.word}**" if verdict.failed else verdict.word
        measured = number(verdict.measured, verdict.unit) if verdict.measured is not None else ""
        lines.append(f"| {verdict.title} | {verdict.target} | {measured} | {word} | {verdict.note} |")
    lines += ["", ", ".join(f"{name} {text}" for name, text in facts(machine).items())]
    return "\n".join(lines) + "\n"


def change_of(judged: Judgement) -> str:
    """Write a change with its interval: 1.52× (1.48 to 1.60)."""
    change = judged.change
    if change is None:
        return ""
    if judged.metric.nature is Nature.MEMORY and judged.metric.tolerance == 0.0:
        low, middle, high = (f"{value / 2**20:+.1f}" for value in (change.low, change.median, change.high))
        return f"{middle} MiB ({low} to {high})"
    if change.low == change.high:
        return f"{change.median:.3f}×"
    return f"{change.median:.2f}× ({change.low:.2f} to {change.high:.2f})"


def _row(judged: Judgement) -> str:
    note = note_of(judged)
    cells = [
        judged.metric.title,
        figure(judged.base, judged.metric.unit),
        figure(judged.head, judged.metric.unit),
        change_of(judged),
        target_of(judged) if judged.change is not None else "",
        SIGNS[judged.verdict] + (f": {note}" if note else ""),
    ]
    return f"| {' | '.join(cells)} |"
