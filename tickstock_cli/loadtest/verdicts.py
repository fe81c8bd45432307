"""Verdicts on the targets of a load test: the table of the system's papers with the scenario's thresholds.

A target is met, missed, not measured (with the reason; this fails the run like a miss), or not asked: the scenario has
no such rows or clients, or sets no limit. Latencies cover the judged stages, without warm-up; counts of rows, events
and bytes cover the whole run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import ge, gt, le, lt

from tickstock_cli.core.counted import counted, worded
from tickstock_cli.loadtest.observation import Observation, Second, StageSpan
from tickstock_cli.loadtest.scenario import RECORDS
from tickstock_cli.measurement.histogram import Histogram, Summary
from tickstock_cli.measurement.verdict import TargetVerdict, number

MIB = 1 << 20

OFFERED = "offered_percent"

CALM_SHARE = 0.5
"""After a surge the backlog is normal at up to this share of a second's rows: fair values wait half a second."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """The measured value of a target, or the reason why there is none."""

    value: float | None
    note: str = ""
    asked: bool = True
    missed: bool = False
    """The target was missed whatever its limit is; the value is only a bound."""
    limit: float | None = None
    """Replaces the scenario's limit where the workload is too small to reach it."""


def unmeasured(reason: str) -> Measurement:
    """Return the measurement of a target that should have been measured."""
    return Measurement(None, reason)


def not_asked(reason: str) -> Measurement:
    """Return the measurement of a target that the scenario does not concern."""
    return Measurement(None, reason, asked=False)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """An observation with the values that several targets share."""

    seen: Observation
    latency: Mapping[str, Summary]
    """Summaries over the judged stages, by name."""
    judged: tuple[Second, ...]
    """Seconds of the judged stages."""
    limits: Mapping[str, float | None]

    def asked(self, kind: str) -> int:
        """Return the rows of a type that were due in the judged stages."""
        return sum(second.asked.get(kind, 0) for second in self.judged)

    def stage(self, span: StageSpan, kind: str) -> Summary:
        """Return the latency of a type in a stage."""
        encoded = self.seen.by_stage.get(span.name, {}).get(kind)
        return Histogram.decode(encoded).summary() if encoded else Summary(0)


@dataclass(frozen=True, slots=True)
class Target:
    """A line of the table: a title, a comparison, and how to measure it."""

    title: str
    sign: str
    unit: str
    measure: Callable[[Evaluation], Measurement]


SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    "<": lt,
    "≤": le,
    ">": gt,
    "≥": ge,
    "=": lambda measured, limit: measured == limit,
}


def judge(seen: Observation, latency: Mapping[str, Summary]) -> list[TargetVerdict]:
    """Return a verdict on every target, those on the run itself first.

    Parameters
    ----------
    latency
        Summaries of ``seen.whole``.
    """
    warm = {span.name for span in seen.stages if span.warm_up}
    judged = tuple(second for second in seen.seconds if second.stage and second.stage not in warm)
    evaluation = Evaluation(seen, latency, judged, limits_of(seen))
    verdicts = [
        _verdict(name, target, evaluation.limits[name], target.measure(evaluation)) for name, target in TARGETS.items()
    ]
    return [_completed(seen), _offered(evaluation), *verdicts]


def limits_of(seen: Observation) -> dict[str, float | None]:
    """Return the scenario's limits by target; None for a target without a limit."""
    return {name: threshold["limit"] for name, threshold in seen.scenario["thresholds"].items()}


def _verdict(name: str, target: Target, limit: float | None, measured: Measurement) -> TargetVerdict:
    if limit is not None and measured.limit is not None:
        limit = measured.limit
    words = "" if limit is None else f"{target.sign} {number(limit, target.unit)}"
    asked = measured.asked and limit is not None
    ok: bool | None = None
    if asked and measured.value is not None and limit is not None:
        ok = not measured.missed and SIGNS[target.sign](measured.value, limit)
    return TargetVerdict(name, target.title, words, limit, measured.value, target.unit, ok, measured.note, asked)


def _completed(seen: Observation) -> TargetVerdict:
    """Return the verdict on whether the run reached its end; half a run proves nothing about the other half."""
    length = seen.stages[-1].ends
    reached = min(length, max((second.at + 1 for second in seen.seconds), default=0.0))
    share = 100.0 if seen.aborted is None else min(100 * reached / length, 99.99)
    ok = seen.aborted is None
    return TargetVerdict("completed_percent", "Ran to its end", "= 100 %", 100, share, "%", ok, seen.aborted or "")


def _offered(evaluation: Evaluation) -> TargetVerdict:
    """Return the verdict on the generator; a late generator makes the system look slower than it is."""
    seen = evaluation.seen
    due = sum(evaluation.seen.truth.rows.values())
    share = 100 * min(1.0, sum(seen.sent.values()) / due) if due else None
    note = seen.slow_why if seen.slow_side == "generator" else ""
    if share is None:
        note = "no row was due"
    ok = None if share is None else share == 100 and seen.slow_side != "generator"
    return TargetVerdict(OFFERED, "Load made, and in time", "= 100 %", 100, share, "%", ok, note)


def _none_of(rows: str, evaluation: Evaluation) -> Measurement:
    """Return the measurement of a target whose rows are missing in the judged stages."""
    if not evaluation.judged:
        return not_asked(f"the run ended before the judged stages{_because(evaluation.seen)}")
    return not_asked(f"no {rows} in the judged stages")


def _symbols(evaluation: Evaluation) -> Measurement:
    seen = evaluation.seen
    if not evaluation.asked("ohlcv"):
        return _none_of("bars", evaluation)
    done = evaluation.latency.get("ohlcv", Summary(0)).count
    # Bars that were never processed count as due in the judged stages, whichever stage they were due in.
    missing = seen.truth.rows.get("ohlcv", 0) - sum(evaluation.stage(span, "ohlcv").count for span in seen.stages)
    due = done + max(0, missing)
    taken = len(evaluation.judged) + _overtime(evaluation)
    minutes = len(evaluation.judged) * seen.speed / 60
    symbols, limit = seen.scenario["symbols"]["ohlcv"], evaluation.limits["ohlcv_symbols_per_minute"]
    value = min(symbols, round(done / (taken * seen.speed / 60)))
    most = min(symbols, round(due / minutes))
    note = f"{done:,} of {counted(due, 'bar')} of {number(minutes)} market minutes, in {taken} s"
    if limit is not None and most < limit:
        return Measurement(value, f"{note}; the scenario has only {number(most)} a minute", limit=most)
    return Measurement(value, note)


def _overtime(evaluation: Evaluation) -> int:
    """Return the seconds that bars took after the judged stages; the last batch may take one without counting."""
    last = evaluation.judged[-1].at
    later = [second.at for second in evaluation.seen.seconds if second.at > last + 1 and second.processed.get("ohlcv")]
    return round(max(later) - last - 1) if later else 0


def _latency(kind: str, figure: str) -> Callable[[Evaluation], Measurement]:
    def read(evaluation: Evaluation) -> Measurement:
        summary = evaluation.latency.get(kind, Summary(0))
        if not summary.count:
            if kind in RECORDS and not evaluation.asked(kind):
                return _none_of(f"{kind} rows", evaluation)
            return unmeasured(f"no latency of {kind} was measured{_because(evaluation.seen)}")
        return Measurement(getattr(summary, figure))

    return read


def _end_to_end(evaluation: Evaluation) -> Measurement:
    clients = evaluation.seen.clients
    to_log = evaluation.latency.get("event", Summary(0)).p99_ms
    log_words = f"to the event log p99 was {number(to_log, 'ms')}" if to_log is not None else "no event was published"
    if clients is None or clients.count <= clients.stalled:
        return not_asked(f"the scenario has no clients that read; {log_words}")
    summary = evaluation.latency.get("client", Summary(0))
    if not summary.count:
        return unmeasured(f"no client received an event in the judged stages; {log_words}")
    deliveries = worded("{} {delivery|deliveries}", summary.count)
    return Measurement(summary.p99_ms, f"p99 of {deliveries} to WebSocket clients; {log_words}")


def _router(evaluation: Evaluation) -> Measurement:
    router = evaluation.seen.router
    if router is None or not router.decisions:
        return unmeasured(f"the router made no decision{_because(evaluation.seen)}")
    return Measurement(router.mean_us / 1000, f"mean of {counted(router.decisions, 'decision')}")


def _memory(evaluation: Evaluation) -> Measurement:
    seconds = evaluation.seen.seconds
    if not seconds:
        return unmeasured(f"no second was recorded{_because(evaluation.seen)}")
    most = max(seconds, key=lambda second: second.memory_bytes)
    return Measurement(most.memory_bytes / MIB, f"the system's process, {number(most.at)} s into the run")


def _success(evaluation: Evaluation) -> Measurement:
    seen = evaluation.seen
    due, read = sum(seen.truth.rows.values()), _read(seen)
    if read is None or not due:
        return unmeasured(f"the system reported no ledger{_because(seen)}")
    well = max(0, sum(read.values()) - seen.failed_rows)
    note = f"{counted(seen.failed_rows, 'row')} failed" if seen.failed_rows else ""
    return Measurement(100 * min(1.0, well / due), note)


def _lost(evaluation: Evaluation) -> Measurement:
    seen, read = evaluation.seen, _read(evaluation.seen)
    if read is None:
        return unmeasured(f"the system reported no ledger{_because(seen)}")
    rows = sum(max(0, seen.sent.get(kind, 0) - read[kind]) for kind in RECORDS)
    gaps = seen.clients.gaps if seen.clients else 0
    if rows and seen.aborted:
        text = worded("{} {row was on its|rows were on their} way when the run ended", rows)
        return unmeasured(f"{text}{_because(seen)}")
    note = (
        f"{counted(rows, 'row')} sent and not read, {counted(gaps, 'event')} that clients missed"
        if rows or gaps
        else ""
    )
    return Measurement(rows + gaps, note or f"{counted(sum(seen.sent.values()), 'row')} sent, all read")


def _dedup(evaluation: Evaluation) -> Measurement:
    seen, expected = evaluation.seen, evaluation.seen.truth
    if expected.digest is None or expected.events is None or seen.digest is None:
        return unmeasured(expected.reason or f"there are no expected events to compare with{_because(seen)}")
    planted = sum(expected.duplicates.values())
    unlike = sum(abs(count - seen.ledger.get(name, 0)) for name, count in expected.rejected.items())
    repeats = seen.clients.repeats if seen.clients else 0
    unexpected = abs(seen.events - expected.events) or int(seen.digest != expected.digest)
    wrong = unlike + repeats + unexpected
    parts = [
        (unexpected, "{} {event that differs|events that differ} from the expected ones"),
        (repeats, "{} {event|events} that a client received twice"),
        (unlike, "{} {row|rows} rejected too many or too few"),
    ]
    note = ", ".join(worded(text, count) for count, text in parts if count)
    note = note or f"{counted(seen.events, 'event')} as expected; {counted(planted, 'planted duplicate')} rejected"
    return Measurement(100 * max(0.0, 1 - wrong / max(1, seen.events + planted)), note)


def _wrong_channel(evaluation: Evaluation) -> Measurement:
    seen, read = evaluation.seen, _read(evaluation.seen)
    if read is None:
        return unmeasured(f"the system reported no ledger{_because(seen)}")
    rows = sum(max(0, read[kind] - seen.sent.get(kind, 0)) for kind in RECORDS)
    note = f"{counted(rows, 'row')} and {counted(seen.foreign_events, 'event')}" if rows or seen.foreign_events else ""
    return Measurement(rows + seen.foreign_events, note)


def _surge(evaluation: Evaluation) -> Measurement:
    surges = [span for span in evaluation.seen.stages if span.surge]
    if not surges:
        return not_asked("no stage of the scenario is a surge")
    found = [(p95, span.name) for span in surges if (p95 := evaluation.stage(span, "tick").p95_ms) is not None]
    if found:
        worst, name = max(found)
        return Measurement(worst, f"of ticks in {name}")
    names = {span.name for span in surges}
    within = [second for second in evaluation.judged if second.stage in names]
    if not within:
        return not_asked(f"the run ended before the surge{_because(evaluation.seen)}")
    if not any(second.asked.get("tick") for second in within):
        return not_asked("no ticks in the surge")
    return unmeasured(f"no tick was measured in the surge{_because(evaluation.seen)}")


def _recovery(evaluation: Evaluation) -> Measurement:
    surges = [span for span in evaluation.seen.stages if span.surge]
    if not surges:
        return not_asked("no stage of the scenario is a surge")
    after = [second for second in evaluation.seen.seconds if second.at + 1 > surges[-1].ends]
    if not after:
        return unmeasured("the run ended with its surge")
    limit = evaluation.limits["tick_p99_ms"]
    for second in after:
        if _calm(second, limit):
            # A second that is calm as a whole is calm from its beginning.
            return Measurement(
                max(0.0, second.at - surges[-1].ends), "until tick p99 and backlog were as before the surge"
            )
    passed = after[-1].at + 1 - surges[-1].ends
    return Measurement(passed, f"not recovered when the run ended, {number(passed)} s after the surge", missed=True)


def _calm(second: Second, limit: float | None) -> bool:
    if second.backlog > CALM_SHARE * sum(second.asked.values()):
        return False
    encoded = second.latency.get("tick")
    if not encoded or limit is None:
        return True
    p99 = Histogram.decode(encoded).summary().p99_ms
    return p99 is None or p99 < limit


def _read(seen: Observation) -> dict[str, int] | None:
    """Return the rows that each channel read; None without a ledger."""
    return {kind: seen.ledger.get(f"{kind}.read", 0) for kind in RECORDS} if seen.ledger else None


def _because(seen: Observation) -> str:
    return f" ({seen.aborted})" if seen.aborted else ""


TARGETS: Mapping[str, Target] = {
    "ohlcv_symbols_per_minute": Target("OHLCV symbols a minute", "≥", "", _symbols),
    "tick_p99_ms": Target("Tick latency p99", "<", "ms", _latency("tick", "p99_ms")),
    "tick_mean_ms": Target("Tick latency mean", "<", "ms", _latency("tick", "mean_ms")),
    "router_mean_ms": Target("Router overhead", "<", "ms", _router),
    "end_to_end_p99_ms": Target("End to end p99", "<", "ms", _end_to_end),
    "memory_mib": Target("Memory", "<", "MiB", _memory),
    "success_percent": Target("Success", ">", "%", _success),
    "lost_rows": Target("Loss", "=", "", _lost),
    "dedup_percent": Target("Deduplication", "=", "%", _dedup),
    "wrong_channel_rows": Target("Isolation: wrong channel", "=", "", _wrong_channel),
    "surge_p95_ms": Target("Surge latency p95", "<", "ms", _surge),
    "recovery_seconds": Target("Recovery after the surge", "<", "s", _recovery),
}
"""Key in the scenario's thresholds -> target, in the order of the papers' table."""
