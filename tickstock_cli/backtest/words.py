"""What a backtest found, in sentences: for the terminal and for the report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tickstock_cli.backtest.price_source import PriceSource
from tickstock_cli.backtest.strategy_result import StrategyResult
from tickstock_cli.backtest.study_result import StudyResult
from tickstock_cli.config.settings import Settings
from tickstock_cli.config.strategy import FillRules
from tickstock_cli.core.counted import counted, worded
from tickstock_cli.core.ledger import RECORD_TYPES
from tickstock_cli.study.calibration import LEVEL, TOO_SMALL_ABOVE, Calibration
from tickstock_cli.study.cells import StudyCell, Value
from tickstock_cli.study.event_days import PLACEBO_REACH_DAYS
from tickstock_cli.trading.figures import Figure

MOST_SENTENCES = 8
NOTABLE = 0.02
"""Share of the observations from which on a loss of them is a warning."""
MINUS = "\N{MINUS SIGN}"


def signed(value: float, digits: int = 1) -> str:
    """Return a number with its sign, as in +1.8; a rounded zero has none."""
    text = f"{value:+.{digits}f}"
    return text[1:] if not float(text) else text.replace("-", MINUS)


def unsigned(value: float, digits: int = 1) -> str:
    """Return a number with a sign if it is negative."""
    return signed(value, digits).removeprefix("+")


def interval(low: Value, high: Value, digits: int = 1) -> str:
    """Return the bounds of an interval, as in [−0.9, 4.4]; nothing without them."""
    if not isinstance(low, float) or not isinstance(high, float):
        return ""
    return f"[{unsigned(low, digits)}, {unsigned(high, digits)}]"


def probability(value: float) -> str:
    """Return a p or q with its sign of equality, as in ``0.41`` or ``< 0.0001``."""
    return "< 0.0001" if value < 0.0001 else f"{value:.2g}" if value < 0.995 else "1"


def direction_word(direction: Value) -> str:
    """Return ``up``, ``down`` or, for all directions, nothing."""
    return {1: "up", -1: "down"}.get(int(direction), "") if isinstance(direction, int) else ""


def cell_name(cell: StudyCell) -> str:
    """Return kind, direction, source and horizon, as in ``surge up, tick, 5m``."""
    values = cell.values
    first = " ".join(filter(None, (str(values["kind"]), direction_word(values["direction"]))))
    return ", ".join(str(part) for part in (first, values["source"], values["horizon"]) if part is not None)


def round_trip_bps(fill: FillRules) -> float:
    """Return what it costs to get in and out, in basis points of the price: half spread and slippage, twice."""
    return 2 * (fill.half_spread_bps + fill.slippage_bps)


def cost_words(fill: FillRules) -> str:
    """Return in words what ``round_trip_bps`` is made of."""
    parts = f"half a spread of {fill.half_spread_bps:g} bp and {fill.slippage_bps:g} bp of slippage"
    return f"Costs of {round_trip_bps(fill):g} bp: {parts}, once to get in and once to get out; fees come on top."


def family(study: StudyResult) -> list[StudyCell]:
    """Return the cells that are tests of their own: those of one kind, direction and source."""
    return [cell for cell in study.table.cells if cell.values["direction"] is not None]


def telling_cells(study: StudyResult) -> list[StudyCell]:
    """Return a cell of each kind, in the order of kinds: the one that differs most clearly from its placebo.

    Thin cells come last, and cells without a placebo are ranked by their own p.
    """
    best: dict[Value, StudyCell] = {}
    for cell in family(study):
        kind = cell.values["kind"]
        if kind not in best or _rank(cell) < _rank(best[kind]):
            best[kind] = cell
    return list(best.values())[:MOST_SENTENCES]


def cell_words(cell: StudyCell, costs_bps: float, calibration: Calibration, tests: int) -> str:
    """Return what a cell says, in one sentence.

    Parameters
    ----------
    costs_bps
        Costs of getting in and out.
    calibration
        Of its table.
    tests
        Number of tests that its q takes into account.
    """
    values = cell.values
    begin = f"{cell_name(cell)}: n = {values['n']:,}"
    mean = values["mean"]
    if not isinstance(mean, float):
        return f"{begin}: nothing observed"
    parts = [" ".join(filter(None, (f"{begin}, {signed(mean)} bp", interval(values["lo"], values["hi"]))))]
    excess = values["excess_mean"]
    if not isinstance(excess, float):
        reason = cell.unknown.get("excess_mean", "")
        parts.append(f"excess unknown ({reason})")
        parts.append(f"after {costs_bps:g} bp of costs, {signed(mean - costs_bps)}")
        return "; ".join(parts)
    placebo = values["placebo_mean"]
    some = "" if values["placebo_events"] == values["n"] else f" (for {values['placebo_events']:,} of them)"
    parts.append(f"the same stocks at the same time of the next days {signed(_number(placebo))}{some}")
    p = values["excess_p"]
    told = f" (p {probability(p)})" if isinstance(p, float) else ""
    parts.append(f"excess {signed(excess)}{told}: {verdict(cell, calibration, tests)}")
    parts.append(_after_costs(cell, excess, costs_bps, is_evidence=is_evidence(cell, calibration)))
    return "; ".join(parts)


def verdict(cell: StudyCell, calibration: Calibration, tests: int) -> str:
    """Return whether the excess of a cell is evidence, in a few words."""
    p, q = cell.values["excess_p"], cell.values["excess_q"]
    if not isinstance(p, float):
        return f"no test ({cell.unknown.get('excess_p', 'no placebo')})"
    if cell.values["excess_thin"]:
        return "too few to say"
    if _cries_wolf(calibration):
        return "no verdict, as p are too small on this recording"
    if is_evidence(cell, calibration):
        few = ", from few days or stocks" if cell.values["excess_few"] else ""
        return f"evidence{few}" if _number(cell.values["excess_mean"]) > 0 else f"evidence of the opposite{few}"
    if p < LEVEL and isinstance(q, float):
        return f"no evidence among {counted(tests, 'test')} (q {probability(q)})"
    return "no evidence"


def tests_of(study: StudyResult) -> int:
    """Return the number of tests of excess that were corrected together."""
    return sum(isinstance(cell.values["excess_q"], float) for cell in family(study))


def headline(study: StudyResult) -> str:
    """Return in one sentence how many cells say something."""
    tests = tests_of(study)
    if not study.counts["observed"]:
        return "Nothing was observed, so nothing can be said about these events."
    if not tests:
        return "No cell can be tested against a placebo, so nothing says that these events matter."
    found = sum(is_evidence(cell, study.table.calibration) for cell in family(study))
    if _cries_wolf(study.table.calibration):
        return f"No verdict: p of {counted(tests, 'test')} are too small on this recording, as the calibration says."
    if not found:
        return f"No evidence: q < {LEVEL:g} in none of {counted(tests, 'test')} of excess."
    return f"Evidence: q < {LEVEL:g} in {found:,} of {counted(tests, 'test')} of excess."


def calibration_words(calibration: Calibration) -> str:
    """Return whether the table of this recording can be trusted, in one or two sentences."""
    share = calibration.share
    if share is None:
        return "Calibration: unknown; no cell has enough events with two placebo days to test what cannot be."
    tests = counted(calibration.tests, "test")
    told = f"Calibration: where nothing can have happened, {share:.1%} of {tests} have p < {LEVEL:g}"
    if share > TOO_SMALL_ABOVE:
        return f"{told}: the p of this table are too small here. Take none of them at its word."
    return f"{told} (about 5% is right): this table does not cry wolf."


def count_words(study: StudyResult, settings: Settings, prices: PriceSource) -> list[str]:
    """Return what became of all observations, one line each; the first has their number."""
    counts = study.counts
    horizons = len(study.horizons)
    wait = settings.study.max_wait_bars_seconds if prices.is_bars else settings.study.max_wait_seconds
    phases = " and ".join(settings.prices.phases)
    print_word = "bar opened" if prices.is_bars else "tick came"
    reasons = {
        "observed": "observed",
        "no_direction": "no direction: the event says neither up nor down",
        "outside": f"outside: decided outside the {phases} phase",
        "no_entry": f"no entry: no {print_word} within {wait:g} s of the decision, or on that day",
        "cut": "cut: the horizon ends after the day, or after the recording",
    }
    total = counts["events"] * horizons
    first = f"{counted(counts['events'], 'event')} × {counted(horizons, 'horizon')} = {counted(total, 'observation')}"
    return [first, *(f"{counts[name]:,} {words}" for name, words in reasons.items() if counts[name])]


def warnings(study: StudyResult, settings: Settings, prices: PriceSource) -> list[str]:
    """Return what a reader of the results must know, one or two sentences each."""
    cells = family(study)
    counts = study.counts
    total = max(1, counts["events"] * len(study.horizons))
    observed = sum(_number(cell.values["n"]) for cell in cells)
    placebos = sum(_number(cell.values["placebo_events"]) for cell in cells)
    told = []
    if observed and not placebos:
        told.append(_no_placebo(settings))
    elif placebos < observed * (1 - NOTABLE):
        share = 1 - placebos / observed
        told.append(
            f"{share:.0%} of the observations have no placebo: no recorded day within {PLACEBO_REACH_DAYS} days behind "
            "them has the ticker's prices. They count for the mean, and not for the excess."
        )
    full = [cell for cell in cells if not cell.values["thin"]]
    few = [cell for cell in full if cell.values["excess_few" if placebos else "few"]]
    if few:
        at = _listed({str(cell.values["horizon"]) for cell in few}, study.horizons)
        told.append(
            f"{len(few):,} of {counted(len(full), 'cell')} rest on fewer than 10 clusters (few), at {at}: their errors "
            "are rough, and only more days make them better."
        )
    if len(full) < len(cells):
        told.append(
            f"{len(cells) - len(full):,} of {counted(len(cells), 'cell')} are thin (fewer than {settings.study.thin} "
            "observations): they are tested with none of the others."
        )
    for name, words in (
        ("no_entry", "found no price in time: what is judged leans to busy stocks"),
        ("cut", "end after the day or after the recording: what is judged leans to early events"),
    ):
        if counts[name] > NOTABLE * total:
            told.append(f"{counts[name] / total:.0%} of the observations {words}.")
    if prices.is_bars and settings.prices.open_slack_ms:
        told.append(
            f"Entries are opens of bars, up to {settings.prices.open_slack_ms / 1000:g} s before the decision "
            "(prices.open_slack_ms): 0 takes the next open only."
        )
    return told


def row_words(ledger: Mapping[str, int]) -> list[str]:
    """Return what became of rows that are no prices, a sentence each; none if every row was accepted."""
    told = []
    for record in RECORD_TYPES:
        prefix = f"{record}.rejected."
        reasons = {name.removeprefix(prefix): count for name, count in ledger.items() if name.startswith(prefix)}
        if reasons:
            listed = ", ".join(f"{reason} {count:,}" for reason, count in sorted(reasons.items()))
            rows = counted(ledger[f"{record}.read"], f"{record} row")
            told.append(f"{sum(reasons.values()):,} of {rows} were rejected: {listed}.")
    late = ledger.get("prices.without_opening", 0)
    if late:
        what = "{} {bar was|bars were} received more than a week after {its|their} start"
        told.append(worded(what + ": no order met {its|their} opening.", late))
    return told


def _no_placebo(settings: Settings) -> str:
    if not settings.study.placebo_days:
        return "study.placebo_days is 0: there is no placebo, so nothing tells a move from what the stock does anyway."
    return (
        f"There is no placebo: no event has a recorded day within {PLACEBO_REACH_DAYS} days behind it (one day alone "
        "has none). So nothing tells what followed the events from what these stocks do at that time of day anyway, "
        "and one day is one draw of the market. Record more days."
    )


def dollars(micros: int, *, sign: bool = False) -> str:
    """Return micro-dollars rounded to cents, as in −$1,234.50, or +$1,234.50 with ``sign``."""
    cents = abs(micros) // 10_000 + (abs(micros) % 10_000 >= 5_000)
    before = MINUS if micros < 0 and cents else "+" if sign and cents else ""
    return f"{before}${cents // 100:,}.{cents % 100:02d}"


def strategy_words(result: StrategyResult) -> str:
    """Return what a strategy earned, and whether that is more than chance, in one sentence."""
    figures = result.figures.figures
    trades, net = _whole(figures["trades"]), _whole(figures["net_micros"])
    if not trades:
        return f"{result.name}: no trade; {signal_words(result)}"
    cash, fees = dollars(result.cash_start_micros), dollars(_whole(figures["fees_micros"]))
    parts = [f"{result.name}: {counted(trades, 'trade')}, net {dollars(net, sign=True)} of {cash} after {fees} of fees"]
    mean, low, high = (figures[f"expectancy_{name}bps"] for name in ("", "lo_", "hi_"))
    if isinstance(mean, float):
        bounds = interval(low, high) if isinstance(low, float) and isinstance(high, float) else ""
        parts.append(" ".join(filter(None, (f"{signed(mean)} bp a trade", bounds))) + f": {_beyond_chance(low, high)}")
    return "; ".join([*parts, signal_words(result)])


def signal_words(result: StrategyResult) -> str:
    """Return what became of a strategy's signals."""
    ignored = {
        name.removeprefix("ignored."): count for name, count in result.signals.items() if name.startswith("ignored.")
    }
    told = f"{result.signals['taken']:,} of {counted(result.signals['signals'], 'signal')} taken"
    if not ignored:
        return told
    return f"{told}, ignored: " + ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in ignored.items())


def unknown_words(result: StrategyResult) -> list[str]:
    """Return which figures of a strategy cannot be had and why, one line for each reason."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in result.figures.unknown.items():
        by_reason.setdefault(reason, []).append(name.removesuffix("_micros").replace("_", " "))
    return [f"unknown ({reason}): {', '.join(names)}" for reason, names in by_reason.items()]


def strategy_warnings(result: StrategyResult) -> list[str]:
    """Return what a reader of a strategy's figures must know."""
    told = []
    if not result.settings.fill.participation:
        told.append(f"{result.name} fills whole orders at one print (fill.participation 0): for comparison only.")
    if result.orders["early_fills"]:
        told.append(
            f"{counted(result.orders['early_fills'], 'fill')} of {result.name} took the open of a bar that began up to "
            "prices.open_slack_ms before the decision."
        )
    if result.forced_shares:
        told.append(
            f"{result.name} closed {counted(result.forced_shares, 'share')} at the end of a day at its last price, "
            "whatever the volume."
        )
    return told


def _beyond_chance(low: Figure, high: Figure) -> str:
    if not isinstance(low, float) or not isinstance(high, float):
        return "no interval, so it may be chance"
    if low <= 0 <= high:
        return "it may be chance"
    return "more than chance" if low > 0 else "it loses, and not by chance"


def _whole(figure: Figure) -> int:
    return figure if isinstance(figure, int) else 0


def _after_costs(cell: StudyCell, excess: float, costs_bps: float, *, is_evidence: bool) -> str:
    """Return what is left of an excess; with its interval, and traded against the event, if there is evidence."""
    told = f"after {costs_bps:g} bp of costs, "
    if not is_evidence:
        return told + signed(excess - costs_bps)
    bounds = [_number(cell.values[key]) for key in ("excess_lo", "excess_hi")]
    low, high = bounds if excess > 0 else (-bounds[1], -bounds[0])
    faded = "" if excess > 0 else "faded, "
    return f"{faded}{told}{signed(abs(excess) - costs_bps)} {interval(low - costs_bps, high - costs_bps)}"


def _rank(cell: StudyCell) -> tuple[bool, float, float]:
    values = cell.values
    has_placebo = isinstance(values["excess_p"], float)
    thin = values["excess_thin"] if has_placebo else values["thin"]
    p = values["excess_p"] if has_placebo else values["p"]
    return bool(thin), _number(p) if isinstance(p, float) else 1.0, -_number(values["n"])


def is_evidence(cell: StudyCell, calibration: Calibration) -> bool:
    """Return whether a cell's excess differs from 0 among all tests, on a recording whose p can be trusted."""
    q = cell.values["excess_q"]
    return isinstance(q, float) and q < LEVEL and not _cries_wolf(calibration)


def _cries_wolf(calibration: Calibration) -> bool:
    return calibration.share is not None and calibration.share > TOO_SMALL_ABOVE


def _number(value: Value) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _listed(names: Iterable[str], order: Sequence[str]) -> str:
    return ", ".join(sorted(names, key=order.index))
