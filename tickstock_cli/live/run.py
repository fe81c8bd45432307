"""The live run as a function: a feed in, events out, and a recording of both.

1. The feed is opened; with a recording that has rows, detectors first go on from where its last run was.
2. The rows are recorded as they come, run through the pipeline, and the events told are recorded.
3. The feed ends: the time is up, somebody asks for it, or the vendor refuses. What was received is processed.
4. The ledger of the wire must balance with that of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from tickstock_cli.core.feed import FeedListener
from tickstock_cli.core.stages import NamedSource
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.observer import Observer, Observers
from tickstock_cli.engine.result import RunResult
from tickstock_cli.engine.taps import Tap
from tickstock_cli.errors import FailedOutputsError
from tickstock_cli.live.ending import LiveEnd
from tickstock_cli.live.feed import Feed
from tickstock_cli.live.gap_log import GapLog
from tickstock_cli.live.request import LiveRequest
from tickstock_cli.live.result import LiveResult
from tickstock_cli.live.told_latency import ToldLatency
from tickstock_cli.replaying import OpenSinks, Request, replay
from tickstock_cli.runtime.opening import PipelineName
from tickstock_cli.runtime.pipeline import MultiChannelPipeline
from tickstock_cli.sinks.opening import open_all


def replay_request(request: LiveRequest) -> Request:
    """Return a live run as a replay of its feed, which it is to everything behind the source."""
    return Request(paths=(request.target,), settings=request.settings, outs=request.outs, pipeline=PipelineName.MULTI)


def run_live(
    request: LiveRequest,
    end: LiveEnd,
    observe: Callable[[Feed], Observer],
    listeners: tuple[FeedListener, ...] = (),
    attach: Callable[[MultiChannelPipeline], None] | None = None,
    open_sinks: OpenSinks = open_all,
    taps: Mapping[str, Tap] | None = None,
    control: Control | None = None,
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

    Raises
    ------
    TickstockError
        As `replaying.replay` raises them. A feed that ends for good raises none: the result has its ``failure``.
    """
    gaps = GapLog()
    opened: list[tuple[Feed, ToldLatency]] = []

    def begin(source: NamedSource) -> Observer:
        feed = cast(Feed, source)
        latency = ToldLatency(feed.stamps.now)
        opened.append((feed, latency))
        for listener in (gaps, *listeners):
            feed.listen(listener)
        end.feed_opened(feed.interrupt)
        return Observers(observe(feed), latency)

    failed: FailedOutputsError | None = None
    try:
        run = replay(replay_request(request), control, begin, attach=attach, open_sinks=open_sinks, taps=taps)
    except FailedOutputsError as error:
        failed, run = error, cast(RunResult, error.result)
    finally:
        end.close()
    feed, latency = opened[0]
    result = LiveResult(
        run,
        feed.wire_ledger(),
        tuple(gaps.gaps),
        feed.health(),
        latency.figures(),
        failure=feed.failure,
    )
    result.check()
    if failed is not None:
        failed.result = result
        raise failed
    return result
