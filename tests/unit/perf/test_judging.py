"""From samples to verdicts: certain, doubtful, exact; and results before speed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tickstock_cli.perf.judging import Change, compare, judge, verdicts
from tickstock_cli.perf.metrics import METRICS, Metric, Nature

QUIET = [1.00, 1.02, 0.99, 1.01, 1.00, 0.98, 1.01]


def metric(name: str) -> Metric:
    """Return a metric by its name."""
    return next(metric for metric in METRICS if metric.name == name)


def verdict_of(name: str, base: Sequence[float], head: Sequence[float], again: Sequence[float] = QUIET) -> Change:
    """Judge seven rounds of a metric."""
    return judge(metric(name), base, head, again).verdict


def test_a_slowdown_in_every_round_is_worse() -> None:
    """Half as slow again, and every round agrees."""
    assert verdict_of("replay_seconds", QUIET, [value * 1.5 for value in QUIET]) is Change.WORSE


def test_a_slowdown_within_tolerance_is_none() -> None:
    """Three percent are let pass, however certain."""
    assert verdict_of("replay_seconds", QUIET, [value * 1.03 for value in QUIET]) is Change.SAME


def test_rounds_that_disagree_are_unclear_until_more_have_been_measured() -> None:
    """Four of seven rounds look bad: that is no verdict yet. Eleven of fourteen are."""
    torn = [1.5, 1.5, 1.5, 1.5, 1.0, 1.0, 1.0]
    assert verdict_of("replay_seconds", [1.0] * 7, torn, [1.0] * 7) is Change.UNCLEAR

    decided = [*torn[:4], 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.0, 1.0]
    assert verdict_of("replay_seconds", [1.0] * 14, decided, [1.0] * 14) is Change.WORSE


def test_no_verdict_goes_below_the_noise_of_the_base() -> None:
    """A base that differs by a third from itself cannot show a fifth."""
    noisy = [1.0, 1.3, 0.8, 1.4, 0.7, 1.3, 0.8]

    assert verdict_of("replay_seconds", [1.0] * 7, [1.2] * 7, noisy) is Change.SAME
    assert verdict_of("replay_seconds", [1.0] * 7, [1.2] * 7, [1.0] * 7) is Change.WORSE


def test_a_machine_too_noisy_for_a_verdict_is_reported() -> None:
    """A pass on a noisy machine proves little, and the report must say so."""
    noisy = [{"cpu_seconds": seconds} for seconds in (1.0, 1.9, 0.6, 1.8, 0.5)]
    base: dict[str, list[dict[str, Any]]] = {"replay": [{"cpu_seconds": 1.0}] * 5}

    assert compare(base, base, {"replay": noisy}).blind() == ("replay, CPU time (below 2.00 times)",)
    assert compare(base, base, base).blind() == ()


def test_a_speedup_is_reported() -> None:
    """A speedup is a verdict of its own."""
    assert verdict_of("replay_seconds", QUIET, [value / 1.5 for value in QUIET]) is Change.BETTER


def test_a_negligible_slowdown_is_no_regression() -> None:
    """Twice of two milliseconds are four."""
    assert verdict_of("paced_p99_ms", [4.0] * 7, [12.0] * 7, [4.0] * 7) is Change.SAME
    assert verdict_of("paced_p99_ms", [40.0] * 7, [120.0] * 7, [40.0] * 7) is Change.WORSE


def test_kept_memory_is_judged_by_its_increase() -> None:
    """Growth may be nothing, or less than nothing: a ratio of it would say anything."""
    mib = float(2**20)
    assert verdict_of("growth_bytes", [-1000.0, 0.0, 500.0, 0.0, 0.0], [8 * mib] * 5) is Change.WORSE
    assert verdict_of("growth_bytes", [-1000.0, 0.0, 500.0, 0.0, 0.0], [mib / 2] * 5) is Change.SAME


@pytest.mark.parametrize(("head", "change"), [(282, Change.SAME), (300, Change.WORSE), (250, Change.BETTER)])
def test_work_is_judged_exactly(head: float, change: Change) -> None:
    """A counter that never varies needs no rounds to believe it."""
    assert verdict_of("kernel_calls", [282.0] * 3, [head] * 3) is change


def test_a_counter_that_varies_is_judged_by_that_much_less_strictly() -> None:
    """And says so."""
    judged = judge(metric("kernel_calls"), [100.0, 105.0], [103.0, 108.0], None)

    assert judged.verdict is Change.SAME
    assert judged.note == "differs by 5.0% from round to round"


def test_other_results_fail_whatever_the_speed() -> None:
    """Twice as fast and wrong is wrong."""
    base: dict[str, list[dict[str, Any]]] = {
        "replay": [{"digest": "aa", "rows": 7, "events": 3, "cpu_seconds": 1.0}] * 7
    }
    head = {"replay": [{"digest": "bb", "rows": 7, "events": 3, "cpu_seconds": 0.5}] * 7}

    comparison = compare(base, head, base)

    assert comparison.failed
    assert comparison.results == ("replay: digest is bb and was aa",)
    assert [verdict.name for verdict in verdicts(comparison) if verdict.failed] == ["results"]


def test_a_metric_that_the_base_lacks_is_not_asked() -> None:
    """A benchmark that came later is no reason to fail, and none to say that all is well."""
    base: dict[str, list[dict[str, Any]]] = {"replay": [{"cpu_seconds": 1.0}] * 7}
    head: dict[str, list[dict[str, Any]]] = {"replay": [{"cpu_seconds": 1.0, "seconds": 1.0}] * 7}

    told = {verdict.name: verdict for verdict in verdicts(compare(base, head, base))}

    assert told["replay_wall_seconds"].ok is None
    assert not told["replay_wall_seconds"].asked
    assert told["replay_wall_seconds"].note == "the base does not measure it"


def test_every_metric_is_named_once_and_every_time_has_a_tolerance() -> None:
    """A tolerance of nothing stands for judging by differences, and for counters."""
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    assert all(metric.tolerance > 0 for metric in METRICS if metric.nature in (Nature.TIME, Nature.LATENCY))
