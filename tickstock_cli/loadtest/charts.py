"""Charts of a load test as plotly.js specifications; colours are variables of the page's style sheet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tickstock_cli.loadtest.observation import LATENCIES, OTHERS, Observation, Second, StageSpan
from tickstock_cli.loadtest.remarks import NAMES
from tickstock_cli.loadtest.scenario import RECORDS
from tickstock_cli.measurement.histogram import Histogram
from tickstock_cli.measurement.page import Chart

Trace = dict[str, Any]
Layout = dict[str, Any]

POINTS = 600
"""Limit of the points of a line. In longer runs a point stands for several seconds."""

COLOURS = tuple(f"var(--c{number})" for number in range(1, 9))
COLOUR = dict(zip(LATENCIES, COLOURS, strict=False))
MIB = 1 << 20

NARROW_SHARE = 0.07
"""Stages shorter than this share of the run have no name in charts: names would overlap."""
PHONE_SHARE = 0.25
"""Stages shorter than this share have no name on a phone."""

OVER_TIME = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p99.9": 99.9, "max": 100.0}
"""Percentiles of the chart of latency over time, by button."""

SHARES = {2: "50 %", 10: "90 %", 100: "99 %", 1_000: "99.9 %", 10_000: "99.99 %", 100_000: "99.999 %"}
"""1 / (1 - share) -> label on the axis."""


@dataclass(frozen=True, slots=True)
class SecondGroup:
    """Consecutive seconds that share a point: counts are means a second, levels are maxima."""

    at: float
    seconds: tuple[Second, ...]

    def mean(self, read: Callable[[Second], float]) -> float:
        """Return the mean of a figure."""
        return sum(map(read, self.seconds)) / len(self.seconds)

    def most(self, read: Callable[[Second], float]) -> float:
        """Return the greatest of a figure."""
        return max(map(read, self.seconds))

    def latency(self, kind: str) -> Histogram | None:
        """Return the latencies of all seconds; None without records."""
        found = [Histogram.decode(second.latency[kind]) for second in self.seconds if kind in second.latency]
        if not found:
            return None
        for other in found[1:]:
            found[0].add(other)
        return found[0]


def group_seconds(seconds: Sequence[Second]) -> list[SecondGroup]:
    """Return the seconds in at most ``POINTS`` groups of equal size."""
    size = -(-len(seconds) // POINTS) or 1
    return [
        SecondGroup(seconds[place].at, tuple(seconds[place : place + size])) for place in range(0, len(seconds), size)
    ]


def charts(seen: Observation, limits: Mapping[str, float | None]) -> list[Chart]:
    """Return the charts of one run.

    Parameters
    ----------
    limits
        Limits by target; charts show them as lines.
    """
    along = group_seconds(seen.seconds)
    return [
        latency_over_time(seen, along, limits.get("tick_p99_ms")),
        percentiles(seen),
        rates_over_time(seen, along),
        queues(seen, along),
        resources(seen, along, limits.get("memory_mib")),
        alarms(seen, along),
        capacity(seen),
    ]


def latency_over_time(seen: Observation, along: Sequence[SecondGroup], limit: float | None) -> Chart:
    """Draw latency over time; a button selects the percentile."""
    traces: list[Trace] = []
    for kind in LATENCIES:
        found = [(span.at, histogram) for span in along if (histogram := span.latency(kind)) is not None]
        times = [at for at, _ in found]
        for name, percent in OVER_TIME.items():
            values = [histogram.percentile_us(percent) / 1000 for _, histogram in found]
            if values:
                traces.append({**line(NAMES[kind], times, values, COLOUR[kind]), "meta": name})
    layout = _timed(seen)
    layout["yaxis"] = log_axis("ms")
    if limit is not None:
        _add_limit(layout, limit, f"tick p99 limit {limit:g} ms")
    about = "From due time to the end of processing or delivery, by wall second."
    choices = tuple(OVER_TIME)
    return Chart("latency", "Latency over time", about, traces, layout, height=400, choices=choices, chosen="p99")


def percentiles(seen: Observation) -> Chart:
    """Draw the latency distribution of each name over the judged stages."""
    traces = [percentile_line(NAMES[kind], seen.whole[kind], COLOUR[kind]) for kind in LATENCIES if kind in seen.whole]
    about = "The latency that a share of the rows or events does not exceed, in the judged stages; slowest at right."
    return Chart("percentiles", "Latency by percentile", about, traces, percentile_layout())


def percentile_line(name: str, encoded: str, colour: str) -> Trace:
    """Draw a histogram over 1 / (1 - share), up to the share of a single record."""
    histogram = Histogram.decode(encoded)
    steps = list(histogram.distribution())
    rests = [min(1 / (1 - share), histogram.count) if share < 1 else histogram.count for _, share, _ in steps]
    trace = line(name, rests, [value / 1000 for value, _, _ in steps], colour)
    words = [f"{100 * (1 - 1 / rest):.6g} %" for rest in rests]
    return {**trace, "text": words, "hovertemplate": "%{text}: %{y:.3g} ms<extra>%{fullData.name}</extra>"}


def percentile_layout() -> Layout:
    """Return the axes of a percentile chart."""
    axis = {"type": "log", "tickvals": list(SHARES), "ticktext": list(SHARES.values()), "tickangle": 0}
    return {"xaxis": axis, "yaxis": log_axis("ms"), "hovermode": "closest"}


def rates_over_time(seen: Observation, along: Sequence[SecondGroup]) -> Chart:
    """Draw rows asked, sent and processed, one panel for each type."""
    kinds = [kind for kind in RECORDS if any(second.asked.get(kind) for second in seen.seconds)]
    times = [span.at for span in along]
    traces: list[Trace] = []
    layout = _timed(seen)
    for panel, kind in enumerate(kinds):
        for column, dash, colour in (
            ("asked", "dash", "var(--c8)"),
            ("sent", "dot", COLOURS[1]),
            ("processed", "solid", COLOURS[0]),
        ):
            values = [span.mean(_entry(column, kind)) for span in along]
            axis = "y" if panel == 0 else f"y{panel + 1}"
            trace = line(f"{NAMES[kind]} {column}", times, values, colour, dash)
            traces.append({**trace, "name": column, "legendgroup": column, "showlegend": panel == 0, "yaxis": axis})
        _add_panel(layout, panel, len(kinds), f"{NAMES[kind]} a second")
    about = "Rows due by the schedule, sent by the generator and processed by the system, by wall second."
    return Chart(
        "rates", "Rates asked, sent and processed", about, traces, layout, height=170 * max(1, len(kinds)) + 90
    )


def queues(seen: Observation, along: Sequence[SecondGroup]) -> Chart:
    """Draw the backlog and the maximum depth of every queue."""
    times = [span.at for span in along]
    backlog = [span.most(lambda second: second.backlog) for span in along]
    traces = [
        {**line("backlog, all rows due", times, backlog, "var(--c8)"), "fill": "tozeroy", "fillcolor": "var(--band)"}
    ]
    names = list(dict.fromkeys(name for second in seen.seconds for name in second.queues))
    for place, name in enumerate(names):
        depths = [span.most(_entry("queues", name)) for span in along]
        traces.append(line(name, times, depths, COLOURS[place % 7]))
    layout = _timed(seen)
    layout["yaxis"] = {"title": {"text": "rows"}, "rangemode": "tozero"}
    about = "Rows that were due and not processed, wherever they waited, and the maximum depth of each channel's queue."
    return Chart("queues", "Backlog and queues", about, traces, layout)


def resources(seen: Observation, along: Sequence[SecondGroup], limit: float | None) -> Chart:
    """Draw memory of the system, CPUs of each process, and garbage collections."""
    times = [span.at for span in along]
    memory = [span.most(lambda second: second.memory_bytes / MIB) for span in along]
    traces = [line("memory of the system", times, memory, COLOURS[3])]
    for place, side in enumerate(dict.fromkeys(side for second in seen.seconds for side in second.cpu_seconds)):
        used = [span.mean(_entry("cpu_seconds", side)) for span in along]
        traces.append(
            {**line(f"CPUs of {side if side == OTHERS else f'the {side}'}", times, used, COLOURS[place]), "yaxis": "y2"}
        )
    collections = [span.mean(lambda second: second.gc_collections) for span in along]
    bars = {"type": "bar", "name": "garbage collections", "x": times, "y": collections, "yaxis": "y3"}
    traces.append({**bars, "marker": {"color": "var(--c8)"}})
    layout = _timed(seen)
    for panel, title in enumerate(("MiB", "CPUs used", "GC a second")):
        _add_panel(layout, panel, 3, title)
    if limit is not None and memory and max(memory) > limit / 2:
        _add_limit(layout, limit, f"memory limit {limit:,.0f} MiB", log=False)
    about = "The system runs in a process of its own; memory and garbage collections are those of that process."
    return Chart("resources", "Memory, CPU and garbage collection", about, traces, layout, height=560)


def alarms(seen: Observation, along: Sequence[SecondGroup]) -> Chart:
    """Draw the active alerts and the open breakers; without either, the chart has no traces."""
    times = [span.at for span in along]
    alerts = [span.most(lambda second: second.alerts) for span in along]
    breakers = [span.most(lambda second: second.breakers_open) for span in along]
    about = "Alerts of the monitor that were active, and channel instances whose circuit breaker was not closed."
    if not any(alerts) and not any(breakers):
        return Chart("alarms", "Alerts and breakers", about, [], {})
    traces = [
        {**line(name, times, values, colour), "line": {"color": colour, "shape": "hv", "width": 2}}
        for name, values, colour in (("alerts", alerts, COLOURS[1]), ("breakers not closed", breakers, "var(--limit)"))
    ]
    layout = _timed(seen)
    layout["yaxis"] = {"rangemode": "tozero", "dtick": max(1, round(max(*alerts, *breakers) / 5))}
    return Chart("alarms", "Alerts and breakers", about, traces, layout, height=240)


def capacity(seen: Observation) -> Chart:
    """Draw the search for the highest sustainable rate; without a search, the chart has no traces."""
    about = "Each point is a trial at a multiple of the scenario's rates; on the line, all rows are processed."
    if seen.capacity is None or not seen.capacity.probes:
        return Chart("capacity", "Highest sustainable rate", about, [], {})
    trials = sorted(seen.capacity.probes, key=lambda trial: trial.asked_per_second)
    most = trials[-1].asked_per_second
    traces: list[Trace] = [line("keeping up", [0, most], [0, most], "var(--c8)", "dot")]
    for sustained, name, colour in ((True, "sustained", "var(--c3)"), (False, "not sustained", "var(--limit)")):
        shown = [trial for trial in trials if trial.sustained is sustained]
        points = line(name, [p.asked_per_second for p in shown], [p.processed_per_second for p in shown], colour)
        words = [f"{p.factor:.3g}x{': ' if p.why else ''}{p.why}" for p in shown]
        hover = "%{text}<br>asked %{x:,.0f}, processed %{y:,.0f}<extra></extra>"
        traces.append(
            {
                **points,
                "mode": "markers",
                "marker": {"color": colour, "size": 10},
                "text": words,
                "hovertemplate": hover,
            }
        )
    p99 = [(trial.asked_per_second, trial.tick_p99_ms) for trial in trials if trial.tick_p99_ms is not None]
    traces.append({**line("tick p99", [x for x, _ in p99], [y for _, y in p99], COLOURS[0]), "yaxis": "y2"})
    layout: Layout = {
        "hovermode": "closest",
        "xaxis": {"title": {"text": "rows asked a second"}, "rangemode": "tozero"},
    }
    _add_panel(layout, 0, 2, "rows processed a second")
    _add_panel(layout, 1, 2, "tick p99, ms")
    layout["yaxis2"]["type"] = "log"
    return Chart("capacity", "Highest sustainable rate", about, traces, layout, height=460)


def line(name: str, x: Sequence[float], y: Sequence[float], colour: str, dash: str = "solid") -> Trace:
    """Draw a line."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [_short(value) for value in x],
        "y": [_short(value) for value in y],
        "line": {"color": colour, "width": 2 if dash == "solid" else 1.5, "dash": dash},
    }


def _entry(column: str, name: str) -> Callable[[Second], float]:
    """Return a function of one entry in a second's column; 0 where the entry is missing."""
    return lambda second: getattr(second, column).get(name, 0)


def _short(value: float) -> float:
    """Return a value rounded to five digits, which keeps the page of a long run small."""
    return float(f"{value:.5g}")


def log_axis(unit: str) -> Layout:
    """Return an axis of powers of ten."""
    return {"type": "log", "title": {"text": unit}, "dtick": 1, "tickformat": ",~r"}


def _timed(seen: Observation) -> Layout:
    """Return a layout whose x axis is the run's time, with a band for every other stage and for surges."""
    end = max([span.ends for span in seen.stages] + [second.at + 1 for second in seen.seconds])
    return {
        "xaxis": {"ticksuffix": " s", "range": [0, end]},
        "shapes": [_band(span, place) for place, span in enumerate(seen.stages) if span.surge or place % 2],
        "annotations": [_stage_name(span, end) for span in seen.stages if span.ends - span.begins > NARROW_SHARE * end],
    }


def _band(span: StageSpan, place: int) -> Layout:
    return {
        "type": "rect", "xref": "x", "yref": "paper", "x0": span.begins, "x1": span.ends, "y0": 0, "y1": 1,
        "line": {"width": 0}, "fillcolor": "var(--surge)" if span.surge else "var(--band)", "layer": "below",
        "name": f"stage {place}",
    }  # fmt: skip


def _stage_name(span: StageSpan, end: float) -> Layout:
    text = span.name.replace("_", " ") + (" (not judged)" if span.warm_up else "")
    return {
        "name": "narrow" if span.ends - span.begins < PHONE_SHARE * end else "stage",
        "x": (span.begins + span.ends) / 2, "xref": "x", "y": 1, "yref": "paper", "yanchor": "bottom",
        "text": text, "showarrow": False, "font": {"size": 11, "color": "var(--quiet)"},
    }  # fmt: skip


def _add_panel(layout: Layout, panel: int, panels: int, title: str) -> None:
    """Add a panel's y axis below the panels before it; panels share the x axis."""
    gap = 0.07 if panels > 1 else 0
    height = (1 - gap * (panels - 1)) / panels
    top = 1 - panel * (height + gap)
    name = "yaxis" if panel == 0 else f"yaxis{panel + 1}"
    layout[name] = {
        "domain": [max(0.0, round(top - height, 4)), round(top, 4)],
        "title": {"text": title, "font": {"size": 11}},
        "rangemode": "tozero",
    }
    if panel == panels - 1:
        layout["xaxis"]["anchor"] = "y" if panel == 0 else f"y{panel + 1}"


def _add_limit(layout: Layout, limit: float, words: str, log: bool = True) -> None:
    shape = {
        "type": "line", "xref": "paper", "yref": "y", "x0": 0, "x1": 1, "y0": limit, "y1": limit,
        "line": {"color": "var(--limit)", "width": 1, "dash": "dash"},
    }  # fmt: skip
    layout.setdefault("shapes", []).append(shape)
    annotation = {
        "x": 1, "xref": "paper", "xanchor": "right", "y": float(np.log10(limit)) if log else limit, "yref": "y",
        "yanchor": "bottom", "text": words, "showarrow": False, "font": {"size": 11, "color": "var(--limit)"},
    }  # fmt: skip
    layout.setdefault("annotations", []).append(annotation)
