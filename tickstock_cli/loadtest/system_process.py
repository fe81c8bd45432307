"""The system under test, in a process of its own: the running system with event log and server, and nothing else.

It is what `tickstock replay --serve` runs, fed by rows that arrive. What is measured here is its own memory, CPU and
garbage collection.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import pyarrow as pa

from tickstock_cli.assembly import RunPlan, assemble
from tickstock_cli.broadcast.broadcast import Broadcast
from tickstock_cli.build import settings_from
from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.core.clock import SystemClock, wall_minus_monotonic
from tickstock_cli.core.metrics import BreakerState, ChannelMetrics
from tickstock_cli.core.schedule import Schedule
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.execution import execute
from tickstock_cli.engine.live import LiveDriver
from tickstock_cli.engine.market_clock import RowClock
from tickstock_cli.engine.observer import Observer, Observers
from tickstock_cli.engine.result import RunResult
from tickstock_cli.engine.run import RunOptions
from tickstock_cli.loadtest import transport
from tickstock_cli.loadtest.child import Child, run_child
from tickstock_cli.loadtest.latency_probe import LatencyProbe
from tickstock_cli.loadtest.transport.receiver import Receiver
from tickstock_cli.loadtest.transport_source import TransportSource
from tickstock_cli.replaying import Request
from tickstock_cli.runtime.opening import PipelineName
from tickstock_cli.runtime.pipeline import MultiChannelPipeline
from tickstock_cli.serving.hub import Limits
from tickstock_cli.serving.server import Address
from tickstock_cli.sources.rows import RowIngest

BATCH_ROWS = 8_192
"""Rows that are taken from the transport at once, at most: as many as a paced replay reads."""
SPARE_CLIENTS = 100


@dataclass(slots=True)
class System:
    """The parts of the running system that reports are made from."""

    child: Child
    latency_probe: LatencyProbe
    pipeline: MultiChannelPipeline
    broadcast: Broadcast
    receiver: Receiver
    anchor: int = 0

    def second(self, end: int) -> dict[str, Any]:  # noqa: ARG002 - what was done in it is done by now
        """Return the figures of the second that has just ended."""
        return {
            "latency": self.latency_probe.latency.take_second(),
            "memory_bytes": self.child.memory_bytes(),
            "gc_collections": collections(),
            **self.pipeline.call(self._channels()),
        }

    async def _channels(self) -> dict[str, Any]:
        """Look at the channels: their figures are for the system's own thread alone."""
        system = self.pipeline.system
        return {
            "done": dict(self.latency_probe.done),
            "events": self.latency_probe.events,
            "queues": {instance.name: instance.take_peak() for instance in system.instances()},
            "alerts": len(system.reporter.monitor.active),
            "breakers_open": sum(
                metrics.breaker.state is not BreakerState.CLOSED for metrics in system.reporter.channel_metrics()
            ),
        }

    async def _metrics(self) -> list[ChannelMetrics]:
        return self.pipeline.system.reporter.channel_metrics()

    def end(self, result: RunResult, kinds: Mapping[str, int], ended: int) -> dict[str, Any]:
        """Return the figures of the whole run."""
        system = self.pipeline.system
        latency = self.latency_probe.latency.take_second()
        metrics = self.pipeline.call(self._metrics())
        router = system.router.metrics()
        return {
            **self.second(ended),
            "latency": latency,
            "by_stage": self.latency_probe.latency.by_stage(),
            "ended_seconds": (ended - self.anchor) / 1e9,
            "interrupted": result.interrupted,
            "ledger": result.ledger.as_dict(),
            "digest": result.digest,
            "kinds": dict(kinds),
            "published": result.tally.events,
            "foreign_events": self.latency_probe.foreign_events,
            "failed_rows": self.latency_probe.failed,
            "breaks": self.receiver.breaks,
            "cut_off": self.broadcast.server.hub.cut_off,
            "router": {"decisions": router.decisions, "mean_us": router.decision_mean_us},
            "alert_history": [self._alert(alert) for alert in system.reporter.monitor.history],
            "breaker_history": [change for channel in metrics for change in self._changes(channel)],
        }

    def _alert(self, alert: Any) -> dict[str, Any]:
        anchored = wall_minus_monotonic() + self.anchor
        return {"at": (alert.raised_at - anchored) / 1e9, **alert.to_dict()}

    def _changes(self, channel: ChannelMetrics) -> list[dict[str, Any]]:
        return [
            {
                "at": (change.at - self.anchor) / 1e9,
                "channel": channel.name,
                "before": str(change.before),
                "after": str(change.after),
                "reason": change.reason,
            }
            for change in channel.breaker.transitions
        ]


def collections() -> int:
    """Return how many garbage collections there were, of any generation."""
    return sum(int(generation["collections"]) for generation in gc.get_stats())


class EventsByKind(Observer):
    """Counts the events of a run by kind."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def released(self, events: pa.RecordBatch, count: int) -> None:  # noqa: ARG002 - the observer's
        self.counts.update(str(kind) for kind in events.column("kind").to_pylist())


def work(child: Child) -> None:
    """Prepare, wait for the start, run to the end of what arrives, and stay until told to stop."""
    job = child.job
    settings = settings_from(job["settings"])
    symbols, control, clock = SymbolTable(), Control(job["speed"]), SystemClock()
    with ExitStack() as stack:
        receiver = Receiver(transport.TRANSPORTS.load(job["transport"])(), job["address"])
        stack.callback(receiver.close)
        symbols.add(receiver.opening.tickers)
        request = Request([job["title"]], settings, speed=job["speed"])
        limits = Limits(max_clients=job["clients"] + SPARE_CLIENTS)
        log = Path(job["folder"], "log")
        broadcast = stack.enter_context(Broadcast(request, control, Address(port=0), log, limits))
        broadcast.opened(None, repeatable=False, is_live=True)
        latency_probe, kinds = LatencyProbe(job["ends"]), EventsByKind()
        plan = RunPlan(
            TransportSource(receiver, symbols, settings.recordings.interval_seconds),
            settings,
            control,
            Observers(broadcast, kinds),
            PipelineName.MULTI,
            options=RunOptions(batch_rows=BATCH_ROWS),
            open_sinks=partial(broadcast.open_sinks, ()),
            taps=broadcast.taps,
            runtime_observer=latency_probe,
            attach=broadcast.attach,
        )
        parts = assemble(plan, stack)
        pipeline = cast(MultiChannelPipeline, parts.ready_pipeline())
        latency_probe.know({instance.number: instance.record for instance in pipeline.system.instances()})
        pipeline.prepare(_first_moment(job["start"], symbols))
        system = System(child, latency_probe, pipeline, broadcast, receiver)

        host, port = broadcast.server.host, broadcast.server.port
        system.anchor = child.ready(url=f"ws://{host}:{port}/ws", gc_collections=collections())
        child.on_stop(control.stop)
        child.every_second(system.anchor, system.second)
        driver = LiveDriver(clock, control, RowClock(), Schedule(system.anchor, job["start"], job["speed"]))
        pipeline.system.reporter.watch_arrivals(driver.arrivals)
        parts.driver = driver  # only now is it known when the load begins
        result = execute(parts)
        broadcast.finish()
        child.report("done", **system.end(result, kinds.counts, clock.now()))
        child.stopped.wait()


def _first_moment(start: int, symbols: SymbolTable) -> MergedBatch:
    """Return a row at the load's beginning, to prepare for: nobody processes it."""
    row = pa.RecordBatch.from_pydict(
        {"ticker": [symbols.tickers[0]], "timestamp": [start], "price": [1.0], "size": [1]}
    )
    return RowIngest(symbols, 60).merged(row)


if __name__ == "__main__":
    run_child(work)
