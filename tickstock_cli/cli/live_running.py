"""A live run for a command: its view while it runs, its summary at the end."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

import typer
from rich.console import Console

from tickstock_cli.build import event_kinds
from tickstock_cli.cli.broadcasting import broadcasting, hand_over
from tickstock_cli.cli.compiling import warm_up_saying_so
from tickstock_cli.cli.console import data_console
from tickstock_cli.cli.failure_notes import FailureNotes
from tickstock_cli.cli.feed_lines import FeedLines
from tickstock_cli.cli.feed_notes import FeedNotes
from tickstock_cli.cli.interrupting import stop_on_interrupt
from tickstock_cli.cli.keys import Keys, has_keyboard
from tickstock_cli.cli.live_view import LiveView
from tickstock_cli.cli.render_feed import live_summary
from tickstock_cli.cli.render_phrases import KindPhrases
from tickstock_cli.cli.watching import run_zone, stdout_may_reach_a_terminal
from tickstock_cli.core.calendar import Calendar
from tickstock_cli.core.counted import counted
from tickstock_cli.core.feed import FeedListener
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.observer import Observer, Observers
from tickstock_cli.errors import FailedOutputsError
from tickstock_cli.live.checking import check_request
from tickstock_cli.live.ending import LiveEnd
from tickstock_cli.live.first_rows import NightNotice
from tickstock_cli.live.minute_notices import MinuteNotices
from tickstock_cli.live.notices import GapNotices, minute_notice
from tickstock_cli.live.run import replay_request, run_live
from tickstock_cli.sinks.opening import open_all

if TYPE_CHECKING:
    from tickstock_cli.broadcast.broadcast import Broadcast
    from tickstock_cli.core.shown_times import ShownZone
    from tickstock_cli.live.feed import VendorFeed
    from tickstock_cli.live.request import LiveRequest
    from tickstock_cli.live.result import LiveResult
    from tickstock_cli.runtime.pipeline import MultiChannelPipeline
    from tickstock_cli.serving.server import Address


def run(request: LiveRequest, address: Address | None, log: Path | None, *, dashboard: bool, as_json: bool) -> None:
    """Run live, show it, and print the summary.

    Raises
    ------
    UsageError
        There is no key, or what is asked for contradicts itself: told before anything is compiled, served or recorded.
    TickstockError
        The feed ended for good, an output could not be written, or the run failed.
    """
    check_request(request)
    end = LiveEnd(request.ends_at, time.time_ns, request.duration_ns)
    replayed, control = replay_request(request), Control()
    running: list[MultiChannelPipeline] = []
    failed: FailedOutputsError | None = None
    warm_up_saying_so(request.settings, lambda: None)
    with broadcasting(replayed, control, address, log, request.title) as broadcast, stop_on_interrupt(end):
        minutes, listeners = _notices(request, broadcast)
        listeners = (SpokenNotices() if _has_view(request) else FeedNotes(run_zone(replayed)), *listeners)
        with ExitStack() as stack:

            def observe(feed: VendorFeed) -> Observer:
                view = _view(stack, request, feed, end, running if dashboard else None)
                watcher = Observers(view, minutes, FailureNotes())
                return watcher if broadcast is None else broadcast.beside(watcher, feed)

            def attach(pipeline: MultiChannelPipeline) -> None:
                running.append(pipeline)
                if broadcast is not None:
                    broadcast.attach(pipeline)

            opened = open_all if broadcast is None else broadcast.open_sinks
            taps = None if broadcast is None else broadcast.taps
            try:
                result = run_live(
                    request,
                    end,
                    observe,
                    listeners,
                    attach=attach,
                    open_sinks=opened,
                    taps=taps,
                    control=control,
                    progress=_say_warm_up(),
                )
            except FailedOutputsError as error:
                failed, result = error, cast("LiveResult", error.result)
        if broadcast is not None:
            broadcast.finish()
            hand_over(broadcast, request.settings.system.drain_seconds)
    _print(result, as_json, run_zone(replayed), stderr="-" in request.outs)
    if failed is not None:
        raise failed
    if (failure := result.failure or result.recording_failure) is not None:
        raise failure


def _notices(request: LiveRequest, broadcast: Broadcast | None) -> tuple[Observer, tuple[FeedListener, ...]]:
    """Return what finds complete minutes, and the listeners that post notices to the clients of a server."""
    session = request.settings.session
    spoken = (NightNotice(Calendar(session.market_calendar), session.phases, _say),)
    if broadcast is None:
        return Observer(), spoken
    post, zone = broadcast.server.hub.notices.post, run_zone(replay_request(request))
    quiet_ns = round(request.settings.live.minute_quiet_seconds * 1e9)
    minutes = MinuteNotices(
        lambda minute: post(minute_notice(minute, zone)), quiet_ns, from_bars=request.has_minute_bars
    )
    return minutes, (*spoken, minutes, GapNotices(post, zone))


class SpokenNotices(FeedListener):
    """Prints what a feed tells its user, such as that it connects again, behind a view that shows the feed."""

    def notice(self, text: str) -> None:
        _say(text)


def _say(text: str) -> None:
    with suppress(OSError, ValueError):  # nobody may read stderr: an error of a listener would end the feed
        print(f"note: {text}", file=sys.stderr)


def _say_warm_up() -> Callable[[int, int], None]:
    """Return what prints, once, that state is made from an earlier recording."""
    said: list[int] = []

    def progress(rows: int, total: int) -> None:  # noqa: ARG001 - as `run_live` calls it
        if not said:
            said.append(total)
            print(f"going on from the recording: replaying its {counted(total, 'row')}", file=sys.stderr)

    return progress


def _view(
    stack: ExitStack, request: LiveRequest, feed: VendorFeed, end: LiveEnd, running: list[MultiChannelPipeline] | None
) -> Observer:
    """Return the live view on a terminal; none elsewhere."""
    if not _has_view(request):
        return Observer()
    stack.enter_context(Keys({b"q": end.stop}))
    zone = run_zone(replay_request(request))
    phrases = KindPhrases(event_kinds(request.settings))
    return stack.enter_context(LiveView(FeedLines(feed.health, zone), Console(file=sys.stderr), zone, running, phrases))


def _has_view(request: LiveRequest) -> bool:
    """Return whether the run is shown on a terminal, which events on stdout could reach, too."""
    hidden = "-" in request.outs and stdout_may_reach_a_terminal()
    return not hidden and sys.stderr.isatty() and has_keyboard()


def _print(result: LiveResult, as_json: bool, zone: ShownZone, *, stderr: bool) -> None:
    if as_json:
        typer.echo(json.dumps(result.as_dict(), indent=2))
    else:
        data_console(stderr=stderr).print(live_summary(result, zone))
