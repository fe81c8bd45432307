"""The live run as a function: a feed in, events out, and a recording of both.

1. The feed is opened; with a recording that has rows, detectors first go on from where its last run was.
2. The rows are recorded as they come, run through the pipeline, and the events told are recorded.
3. The feed ends: the time is up, somebody asks for it, or the vendor refuses. What was received is processed.
4. The ledger of the wire must balance with that of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import cast

from tickstock_cli.core.feed import FeedListener, FeedRelay
from tickstock_cli.core.stages import NamedSource
from tickstock_cli.core.stamps import Stamps
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.observer import Observer, Observers
from tickstock_cli.engine.result import RunResult
from tickstock_cli.engine.taps import Tap
from tickstock_cli.errors import FailedOutputsError
from tickstock_cli.live.ending import LiveEnd
from tickstock_cli.live.feed import VendorFeed
from tickstock_cli.live.first_rows import OnFirstRows
from tickstock_cli.live.gap_log import GapLog
from tickstock_cli.live.recording import Recording, open_recording
from tickstock_cli.live.request import LiveRequest
from tickstock_cli.live.result import LiveResult
from tickstock_cli.live.told_latency import ToldLatency
from tickstock_cli.recording.warm_state import WarmState
from tickstock_cli.replaying import OpenSinks, Request, replay
from tickstock_cli.runtime.pipeline import MultiChannelPipeline
from tickstock_cli.sinks.opening import open_all


def replay_request(request: LiveRequest) -> Request:
    """Return a live run as a replay of its feed, which it is to everything behind the source."""
    return Request(
        paths=(request.target,),
        settings=request.settings,
        outs=request.outs,
        pipeline=request.pipeline,
        shadow=request.shadow,
        shadow_name=request.shadow_name,
    )


def run_live(
    request: LiveRequest,
    end: LiveEnd,
    observe: Callable[[VendorFeed], Observer],
    listeners: tuple[FeedListener, ...] = (),
    attach: Callable[[MultiChannelPipeline], None] | None = None,
    open_sinks: OpenSinks = open_all,
    taps: Mapping[str, Tap] | None = None,
    control: Control | None = None,
    progress: Callable[[int, int], object] = lambda rows, total: None,  # noqa: ARG005 - shows nothing
) -> LiveResult:
    """Run until the feed ends.

    Parameters
    ----------
    observe
        Called once with the opened feed; returns the observer of the run.
    listeners
        Are told what the feed receives.
    attach, open_sinks, taps, control
        As `replaying.replay` takes them.
    progress
        Called while state is made from an earlier recording: with the number of rows replayed, and of all.

    Raises
    ------
    TickstockError
        As `replaying.replay` raises them. A feed that ends for good raises none: the result has its ``failure``.
    """
    try:
        with ExitStack() as stack:
            run = _Run(request, end, observe, listeners, stack)
            recording = stack.enter_context(open_recording(request, run.report))
            if recording is not None:
                run.go_on(recording, progress)
                stack.enter_context(recording.recorder)
            result, failed = run.replay(attach, open_sinks, taps or {}, control)
            if run.relay is not None:
                result = replace(result, relay=run.relay.health())
            if recording is not None:
                told = {"events": result.run.tally.events, "digest": result.run.digest}
                recorded = recording.end({**told, "interrupted": result.run.interrupted})
                result = replace(result, recording=recorded)
    finally:
        end.close()
    result.check()
    if failed is not None:
        failed.result = result
        raise failed
    return result


class _Run:
    """The parts of one live run that are known once its feed is open."""

    def __init__(
        self,
        request: LiveRequest,
        end: LiveEnd,
        observe: Callable[[VendorFeed], Observer],
        listeners: tuple[FeedListener, ...],
        stack: ExitStack,
    ) -> None:
        self._stack = stack
        self.relay: FeedRelay | None = None
        self._request = request
        self._end = end
        self._observe = observe
        self._gaps = GapLog()
        self._listeners = (self._gaps, *listeners)
        self._pipeline: MultiChannelPipeline | None = None
        self._recording: Recording | None = None
        self._warm = WarmState(None, 0)

    def go_on(self, recording: Recording, progress: Callable[[int, int], object]) -> None:
        """Begin the recording, and take the state of the runs before."""
        self._recording = recording
        self._warm = recording.begin(progress)

    def _recorders(self, feed: VendorFeed) -> tuple[FeedListener, ...]:
        """Return the listeners that the recording needs."""
        recording = self._recording
        if recording is None:
            return ()

        def note_clock() -> None:
            if (offset := feed.clock_offset_ns) is not None:
                recording.note_clock_offset(offset)

        return recording.recorder, OnFirstRows(note_clock)

    def report(self, problem: str | None) -> None:
        """Report a problem of the recording; None: it records."""
        self._report("recording", problem)

    def report_relay(self, problem: str | None) -> None:
        """Report a problem of the relay, likewise."""
        self._report("relay", problem)

    def _report(self, part: str, problem: str | None) -> None:
        """Report a problem: an alert of the running system; without one, a line for the user."""
        if self._pipeline is not None:
            self._pipeline.system.reporter.report(part, problem)
            return
        for listener in self._listeners:
            listener.notice(f"the {part} works again" if problem is None else problem)

    def replay(
        self,
        attach: Callable[[MultiChannelPipeline], None] | None,
        open_sinks: OpenSinks,
        taps: Mapping[str, Tap],
        control: Control | None,
    ) -> tuple[LiveResult, FailedOutputsError | None]:
        """Run to the end of the feed; return the result, and the error of outputs that failed."""

        def attached(pipeline: MultiChannelPipeline) -> None:
            self._pipeline = pipeline
            if attach is not None:
                attach(pipeline)

        taps = taps if self._recording is None else {**taps, "recording": self._recording.recorder}
        failed: FailedOutputsError | None = None
        try:
            run = replay(
                replay_request(self._request),
                control,
                self._opened,
                attach=attached,
                open_sinks=open_sinks,
                taps=taps,
                initial=self._warm.initial,
            )
        except FailedOutputsError as error:
            failed, run = error, cast(RunResult, error.result)
        feed, latency = self._feed, self._latency
        gaps = tuple(self._gaps.gaps)
        return (
            LiveResult(run, feed.wire_ledger(), gaps, feed.health(), latency.figures(), failure=feed.failure),
            failed,
        )

    def _opened(self, source: NamedSource) -> Observer:
        """Take the opened feed, before its first row; return the observer of the run."""
        feed = self._feed = cast(VendorFeed, source)
        feed.stamps = Stamps(floor=self._warm.floor)
        for listener in (*self._listeners, *self._recorders(feed)):
            feed.listen(listener)
        if (to := self._request.relay) is not None:
            self.relay = self._stack.enter_context(feed.relay(to.host, to.port, to.key, self.report_relay))
            feed.listen(self.relay)
            to.opened(self.relay.url)
        latency = self._latency = ToldLatency(feed.stamps.now)
        self._end.feed_opened(feed.interrupt)
        return Observers(self._observe(feed), latency)
