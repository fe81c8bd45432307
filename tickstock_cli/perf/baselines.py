"""Baselines: limits that a version must keep wherever it runs, by name. Shipped: the old system's, and our own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import ClassVar

from pydantic import TypeAdapter, ValidationError

from tickstock_cli.errors import DataError, UsageError
from tickstock_cli.measurement.documents import DOCUMENT
from tickstock_cli.measurement.verdict import TargetVerdict, number
from tickstock_cli.perf.benchmark_runs import Sample
from tickstock_cli.perf.recording import Size

FOLDER = Path(__file__).parent / "baselines"
FORMAT = "tickstock perf baseline 1"


@dataclass(frozen=True, slots=True)
class Limit:
    """One figure and its limit: at most, or at least."""

    __pydantic_config__: ClassVar = DOCUMENT

    name: str
    title: str
    unit: str
    benchmark: str
    """Which benchmark measures it; empty if none does."""
    key: str
    """Under which key."""
    at_most: float | None = None
    at_least: float | None = None
    scale: float = 1.0
    """Measured figures are multiplied by it: 1e-6 makes MB of bytes."""
    over: str = ""
    """``benchmark.key`` of the figure that this one is divided by, round by round."""
    note: str = ""
    """Why it is not measured, or how it is."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """Limits that belong together."""

    __pydantic_config__: ClassVar = DOCUMENT

    format: str
    name: str
    about: str
    limits: tuple[Limit, ...]
    tickers: int = 0
    """A recording must have so many for the limits to be reached."""

    def benchmarks(self) -> tuple[str, ...]:
        """Return the benchmarks that it needs."""
        needed = [limit.benchmark for limit in self.limits if limit.benchmark]
        needed += [limit.over.partition(".")[0] for limit in self.limits if limit.over]
        return tuple(dict.fromkeys(needed))


def shipped() -> list[str]:
    """Return the names of the baselines that come with tickstock."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def find_baseline(text: str) -> Baseline | None:
    """Return the baseline that a name or a file holds; None if it is neither.

    Raises
    ------
    DataError
        The file is a baseline, but cannot be understood.
    """
    path = FOLDER / f"{text}.json" if text in shipped() else Path(text)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(document, dict) or not str(document.get("format", "")).startswith("tickstock perf baseline"):
        return None
    try:
        return TypeAdapter(Baseline).validate_python(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DataError(f"{path}: {where}: {first['msg'].lower()}") from error


def check_size(baseline: Baseline, size: Size) -> None:
    """Refuse to measure less than a baseline is about: it could not be kept, whatever the version.

    Raises
    ------
    UsageError
        The recording would be too small.
    """
    if size.symbols < baseline.tickers:
        raise UsageError(
            f"baseline {baseline.name} is of {baseline.tickers:,} tickers, and --quick measures {size.symbols:,}: "
            "leave out --quick, and measure less by --only or --rounds"
        )


def judge_limits(baseline: Baseline, samples: Mapping[str, Sequence[Sample]]) -> list[TargetVerdict]:
    """Hold samples against limits, by their medians."""
    return [_judge(limit, samples) for limit in baseline.limits]


def _judge(limit: Limit, samples: Mapping[str, Sequence[Sample]]) -> TargetVerdict:
    at_least = limit.at_least is not None
    bound = limit.at_least if at_least else limit.at_most
    target = f"{'≥' if at_least else '≤'} {number(bound, limit.unit)}"
    measured = _measured(limit, samples)
    if measured is None:
        asked = limit.benchmark in samples
        note = f"benchmark {limit.benchmark} was not run" if limit.benchmark and not asked else limit.note
        return TargetVerdict(limit.name, limit.title, target, bound, None, limit.unit, None, note, asked)
    assert bound is not None  # a limit has one of the two
    ok = measured >= bound if at_least else measured <= bound
    return TargetVerdict(limit.name, limit.title, target, bound, measured, limit.unit, ok, limit.note)


def _measured(limit: Limit, samples: Mapping[str, Sequence[Sample]]) -> float | None:
    values = [sample.get(limit.key) for sample in samples.get(limit.benchmark, ())]
    if not values or None in values:
        return None
    figures = [float(value) * limit.scale for value in values if value is not None]
    if limit.over:
        benchmark, _, key = limit.over.partition(".")
        figures = [figure / float(sample[key]) for figure, sample in zip(figures, samples[benchmark], strict=False)]
    return median(figures)
