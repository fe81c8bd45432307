"""Draws the results of a backtest on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tickstock_cli.backtest.lookahead import LookaheadResult
from tickstock_cli.backtest.lookahead_words import difference_words, lookahead_words, warm_up_words
from tickstock_cli.backtest.run import BacktestResult
from tickstock_cli.backtest.words import (
    MINUS,
    calibration_words,
    cell_words,
    cost_words,
    count_words,
    direction_word,
    dollars,
    family,
    headline,
    interval,
    round_trip_bps,
    row_words,
    signed,
    strategy_warnings,
    strategy_words,
    telling_cells,
    tests_of,
    unknown_words,
    warnings,
)
from tickstock_cli.config.settings import Settings
from tickstock_cli.config.strategy import FillRules
from tickstock_cli.core.counted import counted
from tickstock_cli.study.calibration import LEVEL
from tickstock_cli.study.cells import StudyCell, Value
from tickstock_cli.trading.figures import Figure

HEADINGS = ("", "n", "mean bp", "95 %", "placebo", "excess", "95 %", "q")
WIDTHS = (8, 7, 8, 16, 8, 8, 16, 7)
"""Columns of the table: together 78, so that they fit any terminal."""
UNKNOWN = "-"


def backtest_view(result: BacktestResult, settings: Settings) -> Group:
    """Draw a backtest: what it says in words, its table, what was not observed, warnings, checks."""
    study = result.study
    fill = FillRules()
    tests, calibration = tests_of(study), study.table.calibration
    parts: list[RenderableType] = []
    if result.run.interrupted:
        parts.append(Text(f"Stopped early: what follows is of {counted(result.run.rows, 'row')}.", style="bold yellow"))
    parts.append(Text(headline(study), style="bold"))
    parts += [_bullet(cell_words(cell, round_trip_bps(fill), calibration, tests)) for cell in telling_cells(study)]
    if study.table.cells:
        parts += [Text(cost_words(fill), style="dim"), Text(calibration_words(calibration))]
    parts.append(Text())
    parts += _table(family(study))
    parts += _strategies(result)
    first, *rest = count_words(study, settings, result.prices)
    parts += [Text(first, style="bold"), *(Text(f"  {words}") for words in rest), Text()]
    parts += [_bullet(words, "!", "yellow") for words in warnings(study, settings, result.prices)]
    parts += [_bullet(words, "!", "yellow") for words in row_words(result.ledger)]
    for strategy in result.strategies:
        parts += [_bullet(words, "!", "yellow") for words in strategy_warnings(strategy)]
    if result.lookahead is not None:
        parts += [Text(), *_lookahead(result.lookahead)]
    if result.score is not None:
        from tickstock_cli.cli.score import score_table, unscored_words

        parts += [Text(), score_table(result.score)]
        parts += [Text(unscored_words(result.score))] if result.score.unscored else []
    return Group(*parts, Text(), *_end(result))


def _bullet(words: str, mark: str = "•", style: str = "") -> RenderableType:
    """Return words behind a mark, their further lines indented."""
    grid = Table.grid(padding=(0, 1))
    grid.add_row(Text(mark, style=style or "dim"), Text(words, style=style))
    return grid


def _table(cells: Sequence[StudyCell]) -> list[RenderableType]:
    """Draw the cells that are not thin, under a line for each kind, direction and source; all if all are thin."""
    shown = [cell for cell in cells if not cell.values["thin"]] or list(cells)
    if not shown:
        return []
    lines: list[RenderableType] = [Text(_line(HEADINGS), style="bold"), Text("─" * sum(WIDTHS), style="dim")]
    for name, group in groupby(shown, _group):
        lines.append(Text(name, style="bold cyan"))
        lines += [_row(cell) for cell in group]
    left = len(cells) - len(shown)
    notes = ["* few days or stocks"] if any(_rate(cell).endswith("*") for cell in shown) else []
    notes += [f"{counted(left, 'thin cell')} not shown: --out and --json have all"] if left else []
    if notes:
        lines.append(Text("; ".join(notes), style="dim"))
    return [*lines, Text()]


def _group(cell: StudyCell) -> str:
    values = cell.values
    return " ".join(filter(None, (str(values["kind"]), direction_word(values["direction"]), str(values["source"]))))


def _row(cell: StudyCell) -> Text:
    values = cell.values
    text = Text(
        _line(
            (
                f"  {values['horizon']}",
                f"{values['n']:,}",
                _bps(values["mean"]),
                interval(values["lo"], values["hi"], _digits(values["lo"], values["hi"])) or UNKNOWN,
                _bps(values["placebo_mean"]),
                _bps(values["excess_mean"]),
                interval(values["excess_lo"], values["excess_hi"], _digits(values["excess_lo"], values["excess_hi"]))
                or UNKNOWN,
                _rate(cell),
            )
        )
    )
    q, excess = values["excess_q"], values["excess_mean"]
    if isinstance(q, float) and isinstance(excess, float) and q < LEVEL:
        text.stylize("green" if excess > 0 else "magenta", sum(WIDTHS[:5]))
    return text


def _strategies(result: BacktestResult) -> list[RenderableType]:
    """Draw the strategies: one line each, and below them what their figures say in words."""
    if not result.strategies:
        return []
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
    table.add_column("strategy", overflow="fold")
    for heading in ("net", "fees", "trades", "hit rate", "drawdown", "exposure"):
        table.add_column(heading, justify="right", no_wrap=True)
    for strategy in result.strategies:
        figures = strategy.figures.figures
        table.add_row(
            Text(strategy.name),
            dollars(strategy.cash_end_micros - strategy.cash_start_micros, sign=True),
            dollars(strategy.as_dict()["fees_micros"]),
            f"{figures['trades']:,}",
            *(_share(figures[name]) for name in ("hit_rate", "max_drawdown", "exposure")),
        )
    lines: list[RenderableType] = [table]
    unknown = [unknown_words(strategy) for strategy in result.strategies]
    of_all = [words for words in unknown[0] if all(words in other for other in unknown[1:])]
    for strategy, own in zip(result.strategies, unknown, strict=True):
        lines.append(_bullet(strategy_words(strategy)))
        lines += [_unknown(words) for words in own if words not in of_all]
    return [*lines, *map(_unknown, of_all), Text()]


def _unknown(words: str) -> RenderableType:
    return Padding(Text(words, style="dim"), (0, 0, 0, 2))


def _share(value: Figure) -> str:
    return f"{value:.1%}".replace("-", MINUS) if isinstance(value, int | float) else UNKNOWN


def _line(cells: Sequence[str]) -> str:
    first, *rest = (
        cell.ljust(width) if place == 0 else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(cells, WIDTHS, strict=True))
    )
    return first + "".join(rest)


def _bps(value: Value) -> str:
    return signed(value, _digits(value)) if isinstance(value, float) else UNKNOWN


def _digits(*values: Value) -> int:
    """Return the digits behind the point of numbers that share a column: none from 100 on."""
    return 0 if any(isinstance(value, float) and abs(value) >= 99.95 for value in values) else 1


def _rate(cell: StudyCell) -> str:
    """Return q of the excess; ``few`` marks one of few clusters."""
    q = cell.values["excess_q"]
    if cell.values["excess_thin"] and isinstance(cell.values["excess_p"], float):
        return "thin"
    if not isinstance(q, float):
        return UNKNOWN
    return f"{'<' if q < 0.001 else ''}{max(q, 0.001):.3f}{'*' if cell.values['excess_few'] else ''}"


def _lookahead(result: LookaheadResult) -> Iterator[RenderableType]:
    """Draw the check for look-ahead, and the warm-up."""
    difference = difference_words(result)
    style = "bold red" if difference else "green" if result.cuts else ""
    yield Text(lookahead_words(result), style=style)
    if difference:
        yield Padding(Text(difference), (0, 0, 0, 2))
    if result.starts:
        yield Text(warm_up_words(result))


def _end(result: BacktestResult) -> Iterator[RenderableType]:
    judged = counted(result.study.counts["events"], "event")
    rows = f"{counted(result.run.rows, 'row')}, {judged} in {result.seconds:.1f} s"
    yield Text(f"{rows}; digest {result.digest[:12]}", style="dim")
    if result.outputs:
        names = ", ".join(path.name for path in result.outputs)
        yield Text(f"{result.outputs[0].parent}: {names}", style="dim")
