"""Observers of a replay on a terminal: a live view with keys, or a progress bar."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from tickstock_cli.core.shown_times import ShownZone, exchange_zone
from tickstock_cli.core.stages import NamedSource
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.observer import Observer, Observers
from tickstock_cli.replaying import Request

if TYPE_CHECKING:
    from tickstock_cli.cli.event_sample import EventSample
    from tickstock_cli.cli.live_view import LiveView
    from tickstock_cli.cli.meter import ProgressMeter
    from tickstock_cli.runtime.pipeline import MultiChannelPipeline


def watch(
    stack: ExitStack,
    request: Request,
    source: NamedSource,
    control: Control,
    sample: EventSample | None,
    dashboard: Sequence[MultiChannelPipeline] | None,
) -> Observer:
    """Return the observer of a run: a live view for a paced run on a terminal, else a progress bar."""
    watcher: Observer
    if _shown(request) and control.speed is not None and _has_keyboard():
        watcher = stack.enter_context(_live_view(stack, request, source, control, dashboard))
    else:
        watcher = watch_progress(stack, request, source, control=control)
    return watcher if sample is None else Observers(sample, watcher)


def _has_keyboard() -> bool:
    from tickstock_cli.cli.keys import has_keyboard

    return has_keyboard()


def _live_view(
    stack: ExitStack,
    request: Request,
    source: NamedSource,
    control: Control,
    dashboard: Sequence[MultiChannelPipeline] | None,
) -> LiveView:
    """Return a live view, and let keys steer the run."""
    from rich.console import Console

    from tickstock_cli.build import event_kinds
    from tickstock_cli.cli.keys import Keys, paced_keys
    from tickstock_cli.cli.live_view import LiveView
    from tickstock_cli.cli.render_phrases import KindPhrases
    from tickstock_cli.cli.status_lines import PacedLines

    stack.enter_context(Keys(paced_keys(control)))
    zone = run_zone(request)
    status = PacedLines(_meter(request, source, control), control, source.symbols.tickers, zone)
    return LiveView(status, Console(file=sys.stderr), zone, dashboard, KindPhrases(event_kinds(request.settings)))


def watch_progress(
    stack: ExitStack, request: Request, source: NamedSource, title: str = "", control: Control | None = None
) -> Observer:
    """Return a progress bar, if it is shown; a title tells several bars in a row apart."""
    if not _shown(request):
        return Observer()  # and nothing of what draws is imported
    from tickstock_cli.cli.progress import ProgressBar

    bar = ProgressBar(_meter(request, source, control or Control(request.speed)), title)
    stack.callback(bar.close)
    return bar


def run_zone(request: Request) -> ShownZone:
    """Return the zone in which the times of a run are shown: that of its exchange."""
    assert request.settings is not None  # a command has loaded them
    return exchange_zone(request.settings.session.market_calendar)


def _meter(request: Request, source: NamedSource, control: Control) -> ProgressMeter:
    from tickstock_cli.cli.meter import Extent, ProgressMeter

    unbounded = request.start is None and request.end is None and request.symbols is None
    extent = Extent(source.rows or 0, source.span, unbounded and source.rows is not None)
    return ProgressMeter(extent, lambda: 0.0 if control.paused else control.speed, zone=run_zone(request))


def _shown(request: Request) -> bool:
    return sys.stderr.isatty() and not ("-" in request.outs and stdout_may_reach_a_terminal())


def stdout_may_reach_a_terminal() -> bool:
    """Return whether printed lines can reach the terminal on which progress is drawn, perhaps through a pipe.

    Lines and progress would overwrite each other.
    """
    return not stat.S_ISREG(os.fstat(sys.stdout.fileno()).st_mode)
