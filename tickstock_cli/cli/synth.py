"""`tickstock synth`: make a synthetic market."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tickstock_cli.errors import UsageError

if TYPE_CHECKING:
    from tickstock_cli.synth.writing import WrittenMarket


class ResolutionName(StrEnum):
    """Choices of --resolution."""

    NS = "ns"
    US = "us"
    MS = "ms"


def synth(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to make.")],
    rows: Annotated[int, typer.Option(help="Exact number of ticks.")] = 1_000_000,
    symbols: Annotated[int, typer.Option(help="Tickers, busiest first.")] = 500,
    seed: Annotated[int, typer.Option(help="The same seed and options give the same rows on every machine.")] = 1,
    day: Annotated[str, typer.Option("--date", metavar="YYYY-MM-DD", help="First New York session.")] = "2026-03-02",
    days: Annotated[int, typer.Option(help="Consecutive sessions.")] = 1,
    ticks: Annotated[bool, typer.Option(help="Write ticks.parquet.")] = True,
    bars: Annotated[bool, typer.Option(help="Write bars.parquet, minute bars of the ticks.")] = True,
    fmv: Annotated[bool, typer.Option(help="Write fmv.parquet, fair market values.")] = True,
    fmv_rows: Annotated[
        int | None, typer.Option(help="Fair market values without the injected ones.", show_default="rows / 20")
    ] = None,
    surges: Annotated[
        int | None,
        typer.Option(help="Surges to inject over all days.", show_default="12 a day per 500 symbols"),
    ] = None,
    opening_surges: Annotated[
        int | None,
        typer.Option(
            help="Surges in the first seconds after 09:30.",
            show_default="3 a day per 500 symbols",
        ),
    ] = None,
    trends: Annotated[
        int | None,
        typer.Option(help="Trends of 5 to 15 minutes.", show_default="8 a day per 500 symbols"),
    ] = None,
    deviations: Annotated[
        int | None,
        typer.Option(
            help="Fair values held away from the market.",
            show_default="12 a day per 500 symbols",
        ),
    ] = None,
    halts: Annotated[
        int | None,
        typer.Option(
            help="Trading halts with a gap when trading resumes.",
            show_default="2 a day per 500 symbols",
        ),
    ] = None,
    drift_bps: Annotated[
        int, typer.Option(help="Basis points by which the price drifts on after each surge; against it below 0.")
    ] = 0,
    drift_seconds: Annotated[int, typer.Option(help="Time of the drift, from the end of the surge.")] = 300,
    pure_noise: Annotated[
        bool, typer.Option("--pure-noise", help="Independent random walks of constant volatility, and nothing else.")
    ] = False,
    bad_prints: Annotated[int, typer.Option(help="Trades per million with a wrong price.")] = 20,
    resolution: Annotated[ResolutionName, typer.Option(help="Resolution of the times of trades.")] = ResolutionName.NS,
    fractional: Annotated[bool, typer.Option("--fractional", help="Some trades of fractions of a share.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing market in OUT.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as one JSON object.")] = False,
) -> None:
    """Make a synthetic market: ticks, minute bars, fair market values, and the ground truth of its injected moves.

    OUT gets ticks.parquet, bars.parquet and fmv.parquet, which `tickstock replay OUT` reads, and _truth.parquet,
    which `tickstock score` holds detections against.
    """
    from tqdm import tqdm

    from tickstock_cli.cli.compiling import say_if_new
    from tickstock_cli.synth.market import SyntheticMarket
    from tickstock_cli.synth.options import MarketOptions, Resolution
    from tickstock_cli.synth.running import run_span
    from tickstock_cli.synth.writing import Feed, write_market

    options = MarketOptions(
        rows=rows,
        symbols=symbols,
        seed=seed,
        first_day=_read_date(day),
        days=days,
        fmv_rows=fmv_rows,
        surges=surges,
        opening_surges=opening_surges,
        trends=trends,
        deviations=deviations,
        halts=halts,
        bad_prints=bad_prints,
        resolution=Resolution[resolution.name],
        fractional=fractional,
        drift_bps=drift_bps,
        drift_seconds=drift_seconds,
        pure_noise=pure_noise,
    )
    chosen = frozenset(feed for feed, wanted in ((Feed.TICKS, ticks), (Feed.BARS, bars), (Feed.FMV, fmv)) if wanted)
    say_if_new(run_span, lambda: SyntheticMarket(options))
    with tqdm(total=rows, unit=" ticks", unit_scale=True, file=sys.stderr, disable=not sys.stderr.isatty()) as bar:
        written = write_market(options, out, chosen, force=force, progress=bar.update)
    if as_json:
        typer.echo(json.dumps({**asdict(written), "folder": str(written.folder)}))
    else:
        typer.echo(_summary(written), err=True)


def _read_date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--date is {text!r}, but a date such as 2026-03-02 is wanted") from error


def _summary(written: WrittenMarket) -> str:
    rows = ", ".join(f"{count:,} {name}" for name, count in written.rows.items())
    injected = ", ".join(f"{count} {kind}" for kind, count in written.injected.items())
    return f"{written.folder}: {rows}\ninjected: {injected} (in {written.folder / '_truth.parquet'})"
