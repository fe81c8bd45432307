"""Sentences and rates on an observation, for the terminal and the report: remarks, summary line, capacity."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tickstock_cli.core.counted import counted
from tickstock_cli.loadtest.observation import OTHERS, Observation
from tickstock_cli.loadtest.scenario import RECORDS
from tickstock_cli.measurement.verdict import number

NAMES = {
    "tick": "ticks",
    "ohlcv": "bars",
    "fmv": "fair values",
    "event": "events to the log",
    "client": "events to clients",
}
"""Titles of the latencies, by name."""

BUSY_SHARE = 0.25
"""Other processes that use at least this share of the CPUs are remarked on."""


@dataclass(frozen=True, slots=True)
class RateLine:
    """Rows a wall second of one type: means over the judged stages, and the maxima of a second."""

    kind: str
    asked: float
    asked_most: int
    sent: float
    processed: float
    processed_most: int


def rates(seen: Observation) -> list[RateLine]:
    """Return the rates of every type that has rows in the judged stages."""
    warm = {span.name for span in seen.stages if span.warm_up}
    judged = [second for second in seen.seconds if second.stage and second.stage not in warm]
    lines = []
    for kind in RECORDS:
        asked, sent, processed = (
            [getattr(second, column).get(kind, 0) for second in judged] for column in ("asked", "sent", "processed")
        )
        if sum(asked):
            count = len(judged)
            lines.append(
                RateLine(
                    kind, sum(asked) / count, max(asked), sum(sent) / count, sum(processed) / count, max(processed)
                )
            )
    return lines


def remarks(seen: Observation) -> list[str]:
    """Return the sentences that a reader needs before the figures."""
    return [*_remarks(seen), *seen.notes]


def _remarks(seen: Observation) -> Iterator[str]:
    if seen.aborted:
        yield f"The run ended before its scenario did: {seen.aborted}. Figures cover the time before."
    if seen.speed != 1:
        yield (
            f"Compressed {seen.speed:g}x: {seen.speed:g} market seconds were sent in each wall second, so the rates of "
            f"the scenario were scaled by {seen.speed:g}. Latencies, waits and recovery are in wall time."
        )
    if seen.slow_side:
        yield f"The {seen.slow_side} did not keep up: {seen.slow_why}."
    warm = [span.name for span in seen.stages if span.warm_up]
    if warm:
        yield f"Warm-up stages are shown and not judged: {', '.join(warm)}."
    machine = seen.machine
    if machine.load_1m > BUSY_SHARE * machine.cpus:
        yield (
            f"The machine was busy before the run began: {machine.load_1m:.1f} processes wanted its {machine.cpus} "
            "CPUs. Figures may be worse because of it."
        )
    yield from _others(seen)
    if seen.truth.reason:
        yield f"The events were not compared with the expected ones: {seen.truth.reason}."


def _others(seen: Observation) -> Iterator[str]:
    """Yield a sentence on the CPU time of other processes, if they used much."""
    warm = {span.name for span in seen.stages if span.warm_up}
    used = [
        second.cpu_seconds[OTHERS]
        for second in seen.seconds
        if OTHERS in second.cpu_seconds and second.stage and second.stage not in warm
    ]
    if used and sum(used) / len(used) > BUSY_SHARE * seen.machine.cpus:
        yield (
            f"Other processes used {sum(used) / len(used):.1f} of the machine's {seen.machine.cpus} CPUs while it ran, "
            f"{max(used):.1f} in the worst second. Latencies are worse because of it; a narrow miss may be due to them."
        )


def capacity_words(seen: Observation) -> str | None:
    """Return a sentence on the result of the search for the highest sustainable rate; None without a search."""
    found = seen.capacity
    if found is None:
        return None
    if found.factor is None or found.rows_per_second is None:
        kept = [trial.asked_per_second for trial in found.probes if trial.sustained]
        if kept:
            return (
                f"No rate was sustained: {number(max(kept))} rows a second were sustained once, and not when repeated."
            )
        return f"No rate was sustained: the lowest of {counted(len(found.probes), 'rate')} tried failed, too."
    rate = f"{number(found.rows_per_second)} rows a second, {found.factor:.3g} times the scenario's"
    if not found.bounded:
        return f"At least {rate}; no trial failed."
    return f"Highest sustainable rate: {rate}."


def summary_line(seen: Observation) -> str:
    """Return one line on the run: scenario, speed, transport, rows, events and length."""
    length = max((second.at + 1 for second in seen.seconds), default=0.0)
    rows = sum(seen.sent.values())
    speed = "in real time" if seen.speed == 1 else f"at {seen.speed:g}x"
    done = f"{counted(rows, 'row')} and {counted(seen.events, 'event')}"
    return f"{seen.name} {speed} over {seen.transport}: {done} in {number(length)} s"
