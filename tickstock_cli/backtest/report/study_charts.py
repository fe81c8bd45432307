"""Charts of a study: curves around events, half-hours, distributions of returns."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.backtest.report.plot import Axis, Plot, Point, key, plain, value_axis
from tickstock_cli.backtest.report.values import bps, group_name
from tickstock_cli.backtest.words import interval, signed
from tickstock_cli.config.analysis import horizon_ns
from tickstock_cli.core.counted import counted
from tickstock_cli.kernels.compare import SECOND_NS
from tickstock_cli.study.breakdowns import BINS, KindBreakdown, ReturnHistogram
from tickstock_cli.study.cells import StudyCell
from tickstock_cli.study.event_paths import EventCurve
from tickstock_cli.study.path_kernels import BEFORE, OFFSETS

MINUTES = (OFFSETS / (60 * SECOND_NS)).tolist()
"""Offsets of curves in minutes."""

MOST_BEFORE = 1.5
"""What lies before the entry is cut at so many times the greatest move behind it, which would look flat beside it."""

CURVE_KEYS = key([("events", "events"), ("placebo", "placebo"), ("error", "95 % interval of the events' mean")])
HISTOGRAM_KEYS = key([("events-area", "events"), ("placebo", "placebo"), ("median", "median of events")])


def curve_figure(curve: EventCurve, name: str, cells: Sequence[StudyCell]) -> str:
    """Return the chart of a curve.

    Parameters
    ----------
    cells
        The study's cells of the same name, one a horizon; their intervals are drawn where a horizon has a place.
    """
    spans = [
        (length / (60 * SECOND_NS), low, high)
        for cell in cells
        if (length := horizon_ns(str(cell.values["horizon"]))) is not None
        and length <= OFFSETS[-1]
        and isinstance(low := cell.values["lo"], float)
        and isinstance(high := cell.values["hi"], float)
    ]
    lines = [_points(curve.events), _points(curve.placebo)]
    seen = [y for line in lines for minute, y in line if y is not None and minute >= 0]
    limit = MOST_BEFORE * max(1.0, *(abs(y) for y in (*seen, *(y for _, *ends in spans for y in ends))))
    seen += [max(-limit, min(limit, y)) for line in lines for minute, y in line if y is not None and minute < 0]
    x = Axis(-5, 30, [(at, _minutes(at)) for at in (-5, 0, 10, 20, 30)])
    y = value_axis([*seen, *(y for span in spans for y in span[1:])])
    plot = Plot(x, y, f"Mean path around {name}, events and placebo, in basis points", 210, "cut")
    plot.upright(0, "entry")
    plot.level(0, "zero")
    plot.line(lines[1], "placebo")
    plot.spans(spans, "error")
    plot.line(lines[0], "events")
    plot.hover((minute, _curve_words(curve, place, minute)) for place, minute in enumerate(MINUTES))
    numbers = int(curve.events_number[BEFORE]), int(curve.placebo_number[BEFORE])
    count = f"{counted(numbers[0], 'event')}, {counted(numbers[1], 'placebo moment')}"
    begun = f"; {bps(float(curve.events[0]))} bp five minutes before" if curve.events_number[0] else ""
    return figure(name, count + begun, plot)


def half_hour_figure(parts: KindBreakdown) -> str:
    """Return the chart of a kind's excess by half-hour, or of its return where no event has a placebo."""
    has_placebo = any(cell.values["placebo_events"] for _, cell in parts.by_half_hour)
    prefix, mean, what = ("excess_", "excess_mean", "excess") if has_placebo else ("", "mean", "return")
    known = [
        (place, start, cell, value)
        for place, (start, cell) in enumerate(parts.by_half_hour)
        if isinstance(value := cell.values[mean], float)
    ]
    spans = [
        (float(place), low, high)
        for place, _, cell, _ in known
        if isinstance(low := cell.values[f"{prefix}lo"], float)
        and isinstance(high := cell.values[f"{prefix}hi"], float)
    ]
    count = len(parts.by_half_hour)
    every = -(-count // 6)
    labels = [(float(place), start) for place, (start, _) in enumerate(parts.by_half_hour) if place % every == 0]
    low, high = _without_outliers([value for *_, value in known], spans)
    plot = Plot(
        Axis(-0.5, count - 0.5, labels),
        value_axis([low, high]),
        f"Mean {what} of {parts.kind} by half-hour, in basis points",
        180,
    )
    plot.level(0, "zero")
    plot.spans(spans, "error")
    plot.dots([(float(place), value) for place, _, _, value in known], "dots")
    plot.hover((float(place), _half_hour_words(start, cell, prefix, mean, what)) for place, start, cell, _ in known)
    events = sum(int(cell.values["n"] or 0) for _, cell in parts.by_half_hour)
    return figure(parts.kind, f"mean {what}, {counted(events, 'event')}", plot)


def histogram_figure(found: ReturnHistogram, name: str, median: float | None) -> str:
    """Return the chart of a distribution: shares of events and of placebo returns by bin."""
    width = 2 * found.limit_bps / BINS
    edges = [-found.limit_bps + (place - 1) * width for place in range(BINS + 3)]
    bins = list(pairwise(edges))
    shares = [100 * number / max(1, sum(found.events)) for number in found.events]
    most = max([*shares, 1e-9])
    placebos = sum(found.placebo)
    placebo = [100 * number / placebos for number in found.placebo] if placebos else []
    limit = found.limit_bps
    labels = [(value, plain(value)) for value in (-limit, -limit / 2, 0.0, limit / 2, limit)]
    y = value_axis([most, *placebo], most=4)
    plot = Plot(
        Axis(edges[0], edges[-1], labels), y, f"Distribution of the returns after {name}, percent of events", 170
    )
    plot.bars(((*ends, share) for ends, share in zip(bins, shares, strict=True)), "events-area")
    if placebo:
        steps = [(x, share) for ends, share in zip(bins, placebo, strict=True) for x in ends]
        plot.line(steps, "placebo")
    plot.upright(0, "zero")
    if median is not None:
        plot.upright(median, "median")
    plot.hover(
        ((left + right) / 2, _bin_words(found, place, left, right, placebos))
        for place, (left, right) in enumerate(bins)
    )
    told = f"{counted(sum(found.events), 'event')}" + (
        f", {counted(placebos, 'placebo return')}" if placebos else ", no placebo"
    )
    return figure(name, f"{told}; percent by return in bp", plot)


def figure(title: str, about: str, plot: Plot) -> str:
    """Return a chart with its title."""
    return f"<figure><figcaption><b>{escape(title)}</b> {escape(about)}</figcaption>{plot.html()}</figure>"


def curve_name(curve: EventCurve, kinds: Sequence[str], sources: Sequence[str]) -> str:
    """Return the name of a curve's cell."""
    return group_name(kinds[curve.kind], curve.direction, sources[curve.source])


def _points(values: NDArray[np.float64]) -> list[Point]:
    return [
        (minute, None if np.isnan(value) else value) for minute, value in zip(MINUTES, values.tolist(), strict=True)
    ]


def _minutes(at: int) -> str:
    return "entry" if at == 0 else f"{signed(at, 0)} min" if at == 30 else signed(at, 0)


def _curve_words(curve: EventCurve, place: int, minute: float) -> str:
    at = (
        "at the entry"
        if minute == 0
        else f"{signed(minute * 60, 0)} s"
        if abs(minute) < 5
        else f"{signed(minute, 0)} min"
    )
    told = [at]
    for name, values, numbers in (
        ("events", curve.events, curve.events_number),
        ("placebo", curve.placebo, curve.placebo_number),
    ):
        number = int(numbers[place])
        told.append(f"{name} {bps(float(values[place]))} bp (n {number:,})" if number else f"{name}: no price")
    return "\n".join(told)


def _half_hour_words(start: str, cell: StudyCell, prefix: str, mean: str, what: str) -> str:
    value, number = cell.values[mean], cell.values["placebo_events" if prefix else "n"]
    bounds = interval(cell.values[f"{prefix}lo"], cell.values[f"{prefix}hi"])
    told = bps(value) if isinstance(value, float) else "unknown"
    return f"{start}: {what} {told} bp\n{bounds or cell.unknown.get(f'{prefix}lo', '')}\nn {number:,}"


def _bin_words(found: ReturnHistogram, place: int, left: float, right: float, placebos: int) -> str:
    if place == 0:
        where = f"below {bps(right)} bp"
    elif place == BINS + 1:
        where = f"above {bps(left)} bp"
    else:
        where = f"{bps(left)} to {bps(right)} bp"
    told = f"{where}\nevents {100 * found.events[place] / max(1, sum(found.events)):.1f} %"
    return told + (f"\nplacebo {100 * found.placebo[place] / placebos:.1f} %" if placebos else "")


def _without_outliers(values: Sequence[float], spans: Sequence[tuple[float, float, float]]) -> tuple[float, float]:
    """Return a range that holds all values, and intervals as far as they are not many times wider than most."""
    ends = sorted(max(abs(low), abs(high)) for _, low, high in spans)
    limit = 3 * ends[len(ends) // 2] if ends else 0.0
    found = [*values, *(min(max(y, -limit), limit) for _, *bounds in spans for y in bounds)]
    return min(found, default=0.0), max(found, default=0.0)
