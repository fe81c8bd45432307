"""The dashboard of a running load test: progress, rates due and processed, latencies, queues."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from time import monotonic
from types import TracebackType
from typing import Self

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text
from tqdm import tqdm

from tickstock_cli.cli.render_dashboard import duration
from tickstock_cli.loadtest.observation import LATENCIES, SearchTrial, Second, StageSpan
from tickstock_cli.loadtest.scenario import RECORDS
from tickstock_cli.measurement.histogram import Histogram, Summary

REFRESH_PER_SECOND = 4
"""Low, because drawing takes CPU time from the system under test."""
SHOWN_SECONDS = 60
BARS = " ▁▂▃▄▅▆▇█"
NOTHING = "–"


class LoadView:
    """An ``orchestrator.LoadTestProgress`` that rich redraws in place, in a thread of its own."""

    def __init__(self, name: str, speed: float, console: Console) -> None:
        self._title = name if speed == 1 else f"{name} at {speed:g}x"
        self._console = console
        self._phase = "starting"
        self._spans: tuple[StageSpan, ...] = ()
        self._begun = 0.0
        self._seconds: deque[Second] = deque(maxlen=SHOWN_SECONDS)
        self._summaries: dict[str, Summary] = {}
        self._p99s: deque[float] = deque(maxlen=SHOWN_SECONDS)
        self._live = Live(
            get_renderable=self.draw, console=console, refresh_per_second=REFRESH_PER_SECOND, transient=True
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def begun(self, spans: tuple[StageSpan, ...]) -> None:
        self._spans, self._begun = spans, monotonic()
        self._phase = ""
        self._seconds.clear()
        self._p99s.clear()
        self._summaries = {}

    def second(self, second: Second) -> None:
        self._seconds.append(second)
        self._summaries = {name: Histogram.decode(text).summary() for name, text in second.latency.items()}
        self._p99s.append(self._summaries.get("tick", Summary(0)).p99_ms or 0.0)

    def phase(self, words: str) -> None:
        self._phase = words

    def note(self, words: str) -> None:
        """Print a line above the dashboard; it stays on the terminal."""
        self._console.print(words, highlight=False)

    def draw(self) -> RenderableType:
        """Return the present dashboard."""
        return Group(*self._parts())

    def _parts(self) -> Iterator[RenderableType]:
        if not self._spans:
            yield Text.assemble((self._title, "bold"), "  ", (f"{self._phase}…", "dim"))
            return
        yield self._progress()
        if self._seconds:
            latest = self._seconds[-1]
            yield _rates(latest, self._summaries)
            yield _facts(latest)
            yield Text.assemble(("tick p99  ", "dim"), _curve(self._p99s), (" ms, a second each", "dim"))
        if self._phase:
            yield Text(f"{self._phase}…", style="dim")

    def _progress(self) -> Text:
        passed, length = monotonic() - self._begun, self._spans[-1].ends
        bar = tqdm.format_meter(
            min(passed, length), length, passed, ncols=max(20, self._console.width // 3), bar_format="|{bar}|"
        )
        stage = next((span.name for span in self._spans if span.begins <= passed < span.ends), "")
        left = f"{duration(max(0.0, length - passed))} left" if passed < length else "the schedule is over"
        return Text.assemble((self._title, "bold"), "  ", (stage, "cyan"), f"  {bar}  ", (left, "dim"))


def trial_line(trial: SearchTrial) -> str:
    """Return one line on a trial: its rate, its latency, and whether it was sustained."""
    p99 = NOTHING if trial.tick_p99_ms is None else f"{trial.tick_p99_ms:,.1f} ms"
    outcome = "sustained" if trial.sustained else f"not sustained: {trial.why}"
    return f"{trial.asked_per_second:,.0f} rows/s, tick p99 {p99}: {outcome}"


def _rates(second: Second, summaries: dict[str, Summary]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("", "asked/s", "processed/s", "p50 ms", "p99 ms", "max ms"):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for name in LATENCIES:
        summary = summaries.get(name, Summary(0))
        if name in RECORDS:
            counts = [f"{second.asked[name]:,}", f"{second.processed[name]:,}"]
        else:
            counts = ["", f"{summary.count:,}" if name == "event" else ""]
        figures = [summary.p50_ms, summary.p99_ms, summary.max_ms]
        table.add_row(name, *counts, *(NOTHING if value is None else f"{value:,.1f}" for value in figures))
    return table


def _facts(second: Second) -> Text:
    queued = sum(second.queues.values())
    cores = "  ".join(f"{side} {used:.2f}" for side, used in second.cpu_seconds.items())
    return Text.assemble(
        ("backlog ", "dim"),
        (f"{second.backlog:,}", "red" if second.backlog > sum(second.asked.values()) else ""),
        ("   queued ", "dim"),
        f"{queued:,}",
        ("   memory ", "dim"),
        f"{second.memory_bytes / 2**20:,.0f} MiB",
        ("   CPU ", "dim"),
        cores,
        ("   alerts ", "dim"),
        (f"{second.alerts:,}", "yellow" if second.alerts else ""),
        ("   breakers open ", "dim"),
        (f"{second.breakers_open:,}", "red" if second.breakers_open else ""),
    )


def _curve(values: Sequence[float]) -> str:
    """Return values as bars of text, scaled to the maximum, followed by the maximum."""
    most = max(values, default=0.0)
    if not most:
        return NOTHING
    return "".join(BARS[round(value / most * (len(BARS) - 1))] for value in values) + f" {most:,.1f}"
