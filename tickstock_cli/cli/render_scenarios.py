"""Draws the list of scenarios, and one scenario with its stages and rates."""

from __future__ import annotations

from collections.abc import Mapping

from rich.box import SIMPLE_HEAD
from rich.table import Table

from tickstock_cli.cli.console import data_console
from tickstock_cli.core.times import NS_PER_SECOND, format_duration, format_time
from tickstock_cli.loadtest.rate_curve import RateCurve
from tickstock_cli.loadtest.scenario import RECORDS, Fault, Scenario, Stage


def draw_list(found: Mapping[str, Scenario], speed: float) -> None:
    """Draw one line for each scenario."""
    table = _table("scenario", "what")
    for column in ("lasts", "rows"):
        table.add_column(column, justify="right", no_wrap=True)
    for name, scenario in found.items():
        rows = sum(scenario.rows(record) for record in RECORDS)
        table.add_row(name, scenario.title, wall_time(scenario.seconds, speed), f"{rows:,}")
    data_console().print(table)


def draw_one(name: str, scenario: Scenario, speed: float) -> None:
    """Draw a scenario: its stages with rates in rows a second of wall time, its tickers, faults and clients."""
    console = data_console()
    console.print(f"{name}: {scenario.title}", style="bold", highlight=False)
    if scenario.about:
        console.print(scenario.about.strip(), highlight=False)
    table = _table("stage")
    for column in ("lasts", *(f"{record}/s" for record in RECORDS), "rows"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("")
    for stage in scenario.stages:
        table.add_row(
            stage.name,
            wall_time(stage.seconds, speed),
            *(_rate(stage.rate(record), speed) for record in RECORDS),
            f"{sum(stage.rows(record) for record in RECORDS):,}",
            _remark(stage),
        )
    console.print(table)
    for line in _lines(scenario, speed):
        console.print(line, highlight=False)


def wall_time(seconds: float, speed: float) -> str:
    """Return the wall time of ``seconds`` of market time at a speed, as text."""
    return format_duration(round(seconds / speed * NS_PER_SECOND))


def _table(*columns: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column)
    return table


def _rate(rate: RateCurve, speed: float) -> str:
    begin, end = (f"{value * speed:,.1f}".removesuffix(".0") for value in (rate.begin, rate.end))
    return begin if begin == end else f"{begin} → {end}"


def _remark(stage: Stage) -> str:
    remarks = {
        "warm-up, not judged": stage.warm_up,
        "surge": stage.surge,
        f"bars in the first {stage.bar_spread:.0%} of a round": stage.bar_spread < 1,
    }
    return ", ".join(remark for remark, holds in remarks.items() if holds)


def _lines(scenario: Scenario, speed: float) -> list[str]:
    rows = {record: scenario.rows(record) for record in RECORDS}
    symbols = ", ".join(f"{len(scenario.symbols.range_of(record)):,} {record}" for record in RECORDS)
    clients = f"{scenario.clients.count:,}"
    if scenario.clients.stalled_count:
        clients += f", of which {scenario.clients.stalled_count:,} stop reading"
    lines = [
        f"rows       {sum(rows.values()):,}: " + ", ".join(f"{count:,} {record}" for record, count in rows.items()),
        f"wall time  {wall_time(scenario.seconds, speed)} at speed {speed:g}",
        f"begins     {format_time(scenario.start_ns)}, in slots of {scenario.slot_ms:g} ms",
        f"tickers    {scenario.symbols.count:,}: {symbols}",
        f"clients    {clients}",
    ]
    lines += [f"fault      {_fault(fault)}" for fault in scenario.faults]
    lines += [f"setting    {key} = {value}" for key, value in scenario.settings.items()]
    return lines


def _fault(fault: Fault) -> str:
    where = f" in {', '.join(fault.stages)}" if fault.stages else ""
    if fault.interrupts:
        return f"{fault.kind} for {fault.ms:g} ms every {fault.every_seconds} s{where}"
    length = f" by {fault.ms:g} ms" if fault.ms else ""
    of = "tickers" if fault.kind == "skew" else "rows"
    return f"{fault.kind} of {fault.share:.2%} of {', '.join(fault.types)} {of}{length}{where}"
