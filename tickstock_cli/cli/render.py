"""Draws results of runs on a terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tickstock_cli.core.counted import counted
from tickstock_cli.engine.output_states import OutputEnd
from tickstock_cli.engine.result import RunResult

TOP_TICKERS = 8


def summary(result: RunResult, *, has_speed: bool = True) -> Group:
    """Draw the results of a run: events by kind and source, top tickers, the ledger, figures.

    Parameters
    ----------
    has_speed
        Whether the run had a speed: a live one has none.
    """
    if not result.tally.events:
        return Group(Text("no events", style="bold"), Text(), _figures(result, has_speed), *_details(result))
    columns = Columns([_kinds(result), _tickers(result), _figures(result, has_speed)], padding=(0, 3))
    return Group(columns, *_details(result))


def _details(result: RunResult) -> list[RenderableType]:
    return [*_rollout(result), *_shadow(result), *_outputs(result), _ledger(result)]


def _rollout(result: RunResult) -> list[RenderableType]:
    """Draw both sides of a gradual rollout, if the run was one."""
    if result.rollout is None:
        return []
    from tickstock_cli.cli.render_dashboard import RolloutView

    return [RolloutView(result.rollout.as_dict()), Text()]


def _shadow(result: RunResult) -> list[RenderableType]:
    """Draw the events of a run and of its shadow side by side, if it had one."""
    shadow = result.shadow
    if shadow is None:
        return []
    table = _small_table(f"shadow {shadow.config}: {counted(shadow.events, 'event')}")
    for heading in ("kind", "both", "only this run", "only the shadow"):
        table.add_column(heading, justify="left" if heading == "kind" else "right")
    for kind, counts in shadow.by_kind.items():
        table.add_row(kind, *(f"{counts[side]:,}" for side in ("both", "main", "shadow")))
    parts: list[RenderableType] = [table, Text(f"digest {shadow.digest[:16]}")]
    if shadow.own.reason is not None:
        parts.append(Text(f"the shadow failed: {shadow.own.reason}", style="bold red"))
    return [*parts, Text()]


def speed_words(speed: float | None, digits: int = 10) -> str:
    """Write a speed; None is flat out.

    Examples
    --------
    >>> speed_words(None), speed_words(0.5), speed_words(1e6), speed_words(3424123.4, digits=4)
    ('max', '0.5x', '1,000,000x', '3,424,000x')
    """
    if speed is None:
        return "max"
    rounded = float(f"{speed:.{digits}g}")
    return f"{rounded:,.0f}x" if abs(rounded) >= 1000 and rounded.is_integer() else f"{rounded:,.{digits}g}x"


def _small_table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)


def _kinds(result: RunResult) -> Table:
    tally = result.tally
    sources = [name for name, _ in tally.by_source.most_common()]
    table = _small_table(counted(tally.events, "event"))
    table.add_column("kind")
    for source in sources:
        table.add_column(source, justify="right")
    table.add_column("all", justify="right", style="bold")
    for kind, count in tally.by_kind.most_common():
        cells = [tally.by_kind_and_source[kind, source] for source in sources]
        table.add_row(kind, *(f"{cell:,}" if cell else "" for cell in cells), f"{count:,}")
    return table


def _tickers(result: RunResult) -> Table:
    table = _small_table("most events")
    table.add_column("ticker", style="bold")
    table.add_column("events", justify="right")
    ranked = sorted(result.tally.by_ticker.items(), key=lambda item: (-item[1], item[0]))
    for ticker, count in ranked[:TOP_TICKERS]:
        table.add_row(Text(ticker), f"{count:,}")  # as text, because a ticker in brackets would be markup
    return table


def _figures(result: RunResult, has_speed: bool) -> Table:
    table = _small_table("run")
    table.add_column("")
    table.add_column("", justify="right")
    table.show_header = False
    table.add_row("rows", f"{result.rows:,}")
    if result.rows_before:
        table.add_row("rows before resuming", f"{result.rows_before:,}")
    table.add_row("rows/s", f"{result.rows_per_second:,.0f}")
    table.add_row("seconds", f"{result.seconds:,.2f}")
    table.add_row("peak memory", f"{result.peak_rss_bytes / 2**20:,.0f} MiB")
    if has_speed:
        table.add_row("speed asked", " then ".join(map(speed_words, result.speed.asked)))
        table.add_row("speed reached", speed_words(result.speed.achieved, digits=4))
    if result.speed.lateness_ms is not None:
        late = result.speed.lateness_ms
        for name in ("p50", "p99", "max"):
            table.add_row(f"late {name}", f"{late[name]:,.2f} ms")
    table.add_row("digest", result.digest[:16])
    for plugin in result.plugins:
        table.add_row(f"{plugin.family} {plugin.name}", f"{plugin.distribution} {plugin.version}")
    return table


def _outputs(result: RunResult) -> list[RenderableType]:
    """Draw the end of every output, if there is one."""
    reports = (*result.outputs, *(() if result.shadow is None else result.shadow.outputs))
    if not reports:
        return []
    table = _small_table("outputs")
    table.show_header = False
    table.add_column("", overflow="fold")
    table.add_column("", overflow="fold")
    for report in reports:
        style = "bold red" if report.state is OutputEnd.FAILED else ""
        table.add_row(Text(report.output), Text(report.words(), style=style))
    return [table]


def _ledger(result: RunResult) -> RenderableType:
    """Draw the ledger: a column a stage, names without the stage's own."""
    columns = []
    counts = result.ledger.as_dict()
    for stage in ("tick", "ohlcv", "fmv", "coordinator"):
        mine = {name: count for name, count in counts.items() if name.startswith(f"{stage}.")}
        if not mine:
            continue
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column("", style="dim")
        table.add_column("", justify="right")
        table.add_row(Text(stage, style="bold"), "")
        for name in sorted(mine, key=_ledger_rank):
            table.add_row(name.removeprefix(f"{stage}."), f"{mine[name]:,}")
        columns.append(table)
    heading = Text("ledger: every row and every event, accounted for", style="bold")
    return Padding(Group(heading, Text(), Columns(columns, padding=(0, 4))), (0, 0, 1, 0))


def _ledger_rank(name: str) -> tuple[int, str]:
    order = ("read", "processed", "rejected", "suspect", "filtered", "suppressed", "detected", "emitted")
    stem = name.split(".")[1]
    return (order.index(stem) if stem in order else len(order), name)
