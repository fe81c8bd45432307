"""Draws the parity of a recorded folder on a terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tickstock_cli.cli.render_review import DIFFERENT, DIGEST_SHOWN, SAME, difference_line
from tickstock_cli.core.counted import counted
from tickstock_cli.core.shown_times import ShownZone
from tickstock_cli.review.parity import Parity

UNTOLD_SHOWN = 10


def parity_view(parity: Parity, zone: ShownZone) -> Group:
    """Draw a parity: one start a line, differences, untold events, and the verdict."""
    parts: list[RenderableType] = [_starts(parity, zone)]
    parts += [Text(difference_line(difference, "the live run", "the replay")) for difference in parity.differences]
    hidden = parity.total - len(parity.differences)
    if hidden and parity.differences:
        parts.append(Text(f"… and {hidden:,} more; see --limit", style="dim"))
    parts += [Text(line) for line in _untold(parity, zone)]
    parts += [Text(f"note: {note}") for note in parity.notes]
    if parity.equal:
        verdict = f"equal: the replay gives all {counted(parity.events, 'event')} that were told"
        if parity.events == 1:
            verdict = "equal: the replay gives the one event that was told"
        parts.append(Text(verdict, style="bold green"))
    else:
        parts.append(Text(f"not equal: {counted(parity.total, 'difference')}", style="bold red"))
    return Group(*parts)


def _starts(parity: Parity, zone: ShownZone) -> Table:
    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for name in ("start", f"at ({zone.name})", "end", "events", "untold", "digest", "replay"):
        table.add_column(name, justify="right" if name in ("start", "events", "untold") else "left")
    for start in parity.starts:
        table.add_row(
            str(start.start.number),
            zone.clock(start.start.at, 0),
            start.end.value,
            f"{start.events:,}",
            f"{len(start.untold):,}" if start.untold else "",
            start.digest[:DIGEST_SHOWN],
            SAME if start.equal else DIFFERENT,
        )
    return table


def _untold(parity: Parity, zone: ShownZone) -> list[str]:
    untold = parity.untold
    if not untold:
        return []
    lines = [f"untold, because the run was killed or still goes on: {len(untold):,}"]
    lines += [
        f"  {zone.clock(event['emitted_at'])} {event['ticker']} {event['kind']} {event['price']:.10g}"
        for event in untold[:UNTOLD_SHOWN]
    ]
    if len(untold) > UNTOLD_SHOWN:
        lines.append(f"  … and {len(untold) - UNTOLD_SHOWN:,} more; see --json")
    return lines
