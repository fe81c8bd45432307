"""Judges samples: which metrics are worse, better or unclear. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from statistics import median

from tickstock_cli.measurement.verdict import TargetVerdict, number
from tickstock_cli.perf.benchmark_runs import Sample
from tickstock_cli.perf.metrics import METRICS, RESULTS, Metric, Nature
from tickstock_cli.perf.ratios import Interval, apart, interval, ratios_of

BLIND = 0.5
"""A margin above this hides large slowdowns."""
TELLING = ("replay", "paced")
"""Benchmarks that report results, such as digests."""

BY_PROBE = Mapping[str, Sequence[Sample]]


class Change(StrEnum):
    """The change of a metric."""

    SAME = "same"
    WORSE = "worse"
    BETTER = "better"
    UNCLEAR = "unclear"
    """It looks worse, but the rounds disagree: more rounds are needed."""
    UNKNOWN = "not measured"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A metric on both sides.

    Parameters
    ----------
    change
        Head over base with the interval of its median; a difference, in the metric's unit, for memory kept.
    margin
        Allowed growth: the greater of tolerance and noise.
    """

    metric: Metric
    verdict: Change
    base: float | None = None
    head: float | None = None
    change: Interval | None = None
    margin: float = 0.0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The comparison of two sides."""

    judgements: tuple[Judgement, ...]
    results: tuple[str, ...]
    """Differences of the sides' results; empty if they agree."""
    results_known: bool = True
    """Whether a benchmark that reports results ran on both sides."""

    @property
    def failed(self) -> bool:
        """Return whether the head is worse."""
        return bool(self.results) or any(judgement.verdict is Change.WORSE for judgement in self.judgements)

    def blind(self) -> tuple[str, ...]:
        """Return in words the metrics whose noise would hide a slowdown by half."""
        return tuple(
            f"{judged.metric.title} (below {1 + judged.margin:.2f} times)"
            for judged in self.judgements
            if judged.metric.nature is Nature.TIME and judged.margin > BLIND
        )

    def doubtful(self) -> tuple[str, ...]:
        """Return the benchmarks whose metrics look worse and need more rounds."""
        looks = (Change.WORSE, Change.UNCLEAR)
        return tuple(
            dict.fromkeys(
                judgement.metric.benchmark
                for judgement in self.judgements
                if judgement.verdict in looks and judgement.metric.nature is not Nature.WORK
            )
        )


def compare(base: BY_PROBE, head: BY_PROBE, again: BY_PROBE | None = None) -> Comparison:
    """Compare the samples of two sides.

    Parameters
    ----------
    again
        Samples of a second measurement of the base in the same rounds, for its noise. None: the noise is estimated,
        less certainly, from differences between the base's rounds.
    """
    judgements = []
    for metric in METRICS:
        if not base.get(metric.benchmark) and not head.get(metric.benchmark):
            continue
        values = {
            name: _values(side.get(metric.benchmark, ()), metric.key) for name, side in (("base", base), ("head", head))
        }
        itself = _values(again.get(metric.benchmark, ()), metric.key) if again is not None else None
        judgements.append(judge(metric, values["base"], values["head"], itself))
    known = any(base.get(benchmark) and head.get(benchmark) for benchmark in TELLING)
    return Comparison(tuple(judgements), tuple(_other_results(base, head)), known)


def judge(metric: Metric, base: Sequence[float], head: Sequence[float], again: Sequence[float] | None) -> Judgement:
    """Judge one metric."""
    if not base and not head:
        return Judgement(metric, Change.UNKNOWN, note="this machine does not count it")
    if not base or not head:
        where = "the base" if not base else "the head"
        return Judgement(metric, Change.UNKNOWN, note=f"{where} does not measure it")
    if metric.nature is Nature.WORK:
        return _judge_work(metric, base, head)
    if metric.tolerance == 0.0:
        return _judge_growth(metric, base, head)
    rounds = min(len(base), len(head))
    base, head = base[:rounds], head[:rounds]
    itself = ratios_of(again[:rounds], base) if again else [after / before for before, after in pairwise(base)] or [1.0]
    margin = max(metric.tolerance, apart(itself))
    change = interval(ratios_of(head, base))
    before, after = median(base), median(head)
    verdict = Change.SAME
    if change.median > 1 + margin and after - before > metric.floor:
        verdict = Change.WORSE if change.low > 1 + margin else Change.UNCLEAR
    elif change.high < 1 / (1 + margin) and before - after > metric.floor:
        verdict = Change.BETTER
    return Judgement(metric, verdict, before, after, change, margin)


def _judge_growth(metric: Metric, base: Sequence[float], head: Sequence[float]) -> Judgement:
    """Judge a metric that can be zero or negative, by differences."""
    change = interval([after - before for after, before in zip(head, base, strict=False)])
    verdict = Change.SAME
    if change.median > metric.floor:
        verdict = Change.WORSE if change.low > metric.floor else Change.UNCLEAR
    return Judgement(metric, verdict, median(base), median(head), change, metric.floor)


def _judge_work(metric: Metric, base: Sequence[float], head: Sequence[float]) -> Judgement:
    """Judge a counter: exactly if it is the same in every round, otherwise with its variation as margin."""
    spread = max(max(values) / min(values) - 1 if min(values) else 0.0 for values in (base, head))
    margin = metric.tolerance + spread
    before, after = median(base), median(head)
    ratio = after / before if before else (1.0 if not after else float("inf"))
    verdict = Change.WORSE if ratio > 1 + margin else Change.BETTER if ratio < 1 / (1 + margin) else Change.SAME
    note = "" if not spread else f"differs by {spread:.1%} from round to round"
    return Judgement(metric, verdict, before, after, Interval(ratio, ratio, ratio, 1.0), margin, note)


def _other_results(base: BY_PROBE, head: BY_PROBE) -> Iterable[str]:
    for benchmark in TELLING:
        for key in RESULTS:
            told = {
                name: {sample.get(key) for sample in side.get(benchmark, ())}
                for name, side in (("base", base), ("head", head))
            }
            if told["base"] and told["head"] and told["base"] != told["head"]:
                texts = {name: ", ".join(sorted(str(value)[:12] for value in values)) for name, values in told.items()}
                yield f"{benchmark}: {key} is {texts['head']} and was {texts['base']}"
            elif len(told["head"]) > 1:
                yield f"{benchmark}: {key} differs from round to round"


def verdicts(comparison: Comparison) -> list[TargetVerdict]:
    """Return the comparison as verdicts, for JUnit and tables; results first."""
    told = "; ".join(comparison.results)
    known = comparison.results_known
    why = told if known else f"no benchmark that tells: {' or '.join(TELLING)}"
    same = not told if known else None
    title = "same rows, events and digest"
    answer = [TargetVerdict("results", title, "equal to the base", None, None, "", same, why, asked=known)]
    for judgement in comparison.judgements:
        metric, change = judgement.metric, judgement.change
        known = judgement.verdict is not Change.UNKNOWN
        answer.append(
            TargetVerdict(
                metric.name,
                metric.title,
                target_of(judgement) if known else "",
                None if change is None else _limit(judgement),
                None if change is None else round(change.median, 4),
                metric.unit if metric.tolerance == 0.0 and metric.nature is Nature.MEMORY else "times the base",
                judgement.verdict is not Change.WORSE if known else None,
                told_of(judgement),
                asked=known,
            )
        )
    return answer


def target_of(judgement: Judgement) -> str:
    """Return in words the allowed growth of a metric."""
    metric = judgement.metric
    if metric.nature is Nature.MEMORY and metric.tolerance == 0.0:
        return f"at most {number(metric.floor / 2**20, 'MiB')} more"
    return f"at most {1 + judgement.margin:.2f} times"


def told_of(judgement: Judgement) -> str:
    """Return in words the change of a metric, its interval, and remarks."""
    change, note = judgement.change, note_of(judgement)
    if change is None:
        return note
    sides = f"{figure(judgement.base, judgement.metric.unit)} → {figure(judgement.head, judgement.metric.unit)}"
    spans = (
        ""
        if change.low == change.high or judgement.metric.tolerance == 0.0
        else f", {change.low:.2f} to {change.high:.2f}"
    )
    return f"{sides}{spans}{f'; {note}' if note else ''}"


def figure(value: float | None, unit: str) -> str:
    """Return one side's figure as text, in a unit that fits its size."""
    if value is None:
        return ""
    if unit == "bytes":
        return number(value / 2**20, "MiB")
    if unit == "s" and abs(value) < 1:
        return number(value * 1000, "ms")
    return number(value, unit)


def note_of(judgement: Judgement) -> str:
    """Return the remarks on a metric."""
    if judgement.verdict is Change.UNCLEAR:
        return "looks worse, but the rounds disagree"
    return judgement.note


def _limit(judgement: Judgement) -> float:
    metric = judgement.metric
    growth = metric.nature is Nature.MEMORY and metric.tolerance == 0.0
    return metric.floor if growth else round(1 + judgement.margin, 4)


def _values(samples: Sequence[Sample], key: str) -> list[float]:
    return [sample[key] for sample in samples if sample.get(key) is not None]
