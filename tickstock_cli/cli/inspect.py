"""`tickstock inspect`: content and faults of recordings, and how they will be read."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import typer

from tickstock_cli.cli.options import (
    ConfigFile,
    Json,
    MapColumns,
    Sets,
    StoredPaths,
    TickerFromName,
    WhereValues,
    load_settings,
)
from tickstock_cli.errors import DataError

if TYPE_CHECKING:
    from tickstock_cli.core.trading_hours import MarketCalendar
    from tickstock_cli.inspection.report import Report


def inspect(
    paths: StoredPaths,
    config: ConfigFile = None,
    sets: Sets = None,
    maps: MapColumns = None,
    where: WhereValues = None,
    ticker_from: TickerFromName = None,
    as_json: Json = False,
) -> None:
    """Show what recordings hold, what is wrong with them and how they will be read.

    Reads every row and changes nothing. A file that no replay could read ends the command with exit code 3, after all
    others have been shown.
    """
    from tqdm import tqdm

    from tickstock_cli.cli.compiling import say_if_new
    from tickstock_cli.core.calendar import Calendar
    from tickstock_cli.inspection.inspect import inspect as run_inspection
    from tickstock_cli.kernels.survey import tally
    from tickstock_cli.replaying import Request, read_options
    from tickstock_cli.sources.discover import discover

    settings = load_settings(config, sets, maps, where, ticker_from).settings
    options = read_options(Request(paths), settings)
    if sys.stderr.isatty():
        say_if_new(tally, lambda: discover(paths))
    with tqdm(unit=" rows", unit_scale=True, file=sys.stderr, disable=not sys.stderr.isatty(), leave=False) as bar:

        def progress(rows: int, total: int) -> None:
            bar.total = total
            bar.update(rows)

        session = settings.session
        report = run_inspection(paths, options, Calendar(session.market_calendar), progress, session.phases)
    _print(report, settings.session.market_calendar, as_json)
    if report.unreadable:
        others = f" (and {len(report.unreadable) - 1} more)" if len(report.unreadable) > 1 else ""
        raise DataError(f"{report.unreadable[0].error}{others}")


def _print(report: Report, calendar: MarketCalendar, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(report.as_dict(), indent=2))
        return
    from tickstock_cli.cli.console import data_console
    from tickstock_cli.cli.render_inspect import render_report
    from tickstock_cli.core.shown_times import exchange_zone

    data_console().print(render_report(report, exchange_zone(calendar)))
