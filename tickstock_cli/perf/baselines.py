"""Baselines: named limits that a version must meet on every machine, those of the older system and our own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import ClassVar

from pydantic import TypeAdapter, ValidationError

from tickstock_cli.core.counted import counted
from tickstock_cli.errors import DataError, UsageError
from tickstock_cli.measurement.documents import DOCUMENT
from tickstock_cli.measurement.verdict import TargetVerdict, number
from tickstock_cli.perf.benchmark_runs import Sample
from tickstock_cli.perf.recording import SIZES, Size

FOLDER = Path(__file__).parent / "baselines"
FORMAT = "tickstock perf baseline 1"


@dataclass(frozen=True, slots=True)
class BaselineLimit:
    """One figure and its limit: at most, or at least."""

    __pydantic_config__: ClassVar = DOCUMENT

    name: str
    title: str
    unit: str
    benchmark: str
    """The benchmark that measures it; empty without one."""
    key: str
    """The key of the figure in the benchmark."""
    at_most: float | None = None
    at_least: float | None = None
    scale: float = 1.0
    """Factor of measured figures: 1e-6 converts bytes to MB."""
    over: str = ""
    """``benchmark.key`` of the figure that this one is divided by, round by round."""
    note: str = ""
    """The way it is measured, or the reason why it is not."""
    full_size: bool = False
    """Whether the limit holds for the full recording only: in a smaller one, fixed costs have a larger share."""

    def benchmarks(self) -> list[str]:
        """Return the benchmarks that it needs."""
        return [name for name in (self.benchmark, self.over.partition(".")[0]) if name]


@dataclass(frozen=True, slots=True)
class Baseline:
    """A set of limits."""

    __pydantic_config__: ClassVar = DOCUMENT

    format: str
    name: str
    about: str
    limits: tuple[BaselineLimit, ...]
    tickers: int = 0
    """Least number that a recording must have for the limits to be reachable."""
    size: str = "usual"
    """Name of the recording's size; see `recording.SIZES`."""

    def sizes(self) -> tuple[Size, Size]:
        """Return the size of the full measurement, and that of --quick.

        Raises
        ------
        DataError
            There is no such size.
        """
        if self.size not in SIZES:
            raise DataError(f"baseline {self.name}: size is {self.size!r}; there are {', '.join(SIZES)}")
        return SIZES[self.size]

    def benchmarks(self) -> tuple[str, ...]:
        """Return the benchmarks that it needs."""
        return tuple(dict.fromkeys(name for limit in self.limits for name in limit.benchmarks()))


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
    """Raise an error if a size is below that of a baseline, which no version could meet then.

    Raises
    ------
    UsageError
        The recording would be too small.
    """
    if size.symbols < baseline.tickers:
        raise UsageError(
            f"baseline {baseline.name} is of {counted(baseline.tickers, 'ticker')}, and --quick measures "
            f"{size.symbols:,}: leave out --quick, and measure less by --only or --rounds"
        )


def judge_limits(
    baseline: Baseline, samples: Mapping[str, Sequence[Sample]], *, quick: bool = False
) -> list[TargetVerdict]:
    """Compare the medians of samples with limits.

    Parameters
    ----------
    quick
        Whether a smaller recording was measured: limits of the full recording are shown and not judged.
    """
    return [_judge(limit, samples, quick) for limit in baseline.limits]


def _judge(limit: BaselineLimit, samples: Mapping[str, Sequence[Sample]], quick: bool) -> TargetVerdict:
    at_least = limit.at_least is not None
    bound = limit.at_least if at_least else limit.at_most
    target = "" if bound is None else f"{'≥' if at_least else '≤'} {number(bound, limit.unit)}"
    values = _measured(limit, samples)
    if not values:
        missing = [name for name in limit.benchmarks() if name not in samples]
        found = [sample["left_out"] for sample in samples.get(limit.benchmark, ()) if "left_out" in sample]
        left_out = str(found[0]) if found else ""
        asked = bool(limit.benchmark) and not missing and not left_out
        note = f"benchmark {missing[0]} was not run" if missing else left_out or limit.note
        return TargetVerdict(limit.name, limit.title, target, bound, None, limit.unit, None, note, asked)
    measured = median(values)
    note = "; ".join(filter(None, [_range(values, limit.unit), limit.note]))
    if bound is None or (quick and limit.full_size):
        return TargetVerdict(limit.name, limit.title, target, bound, measured, limit.unit, None, note, asked=False)
    ok = measured >= bound if at_least else measured <= bound
    return TargetVerdict(limit.name, limit.title, target, bound, measured, limit.unit, ok, note)


def _range(values: Sequence[float], unit: str) -> str:
    if len(values) == 1:
        return ""
    return f"{number(min(values))} to {number(max(values), unit)} in {counted(len(values), 'round')}"


def _measured(limit: BaselineLimit, samples: Mapping[str, Sequence[Sample]]) -> list[float]:
    """Return the figure of each round; none if a round has none."""
    values = [sample.get(limit.key) for sample in samples.get(limit.benchmark, ())]
    figures = [float(value) * limit.scale for value in values if value is not None]
    if len(figures) < len(values):
        return []
    if limit.over:
        benchmark, _, key = limit.over.partition(".")
        base = samples.get(benchmark, ())
        figures = [figure / float(sample[key]) for figure, sample in zip(figures, base, strict=False)]
    return figures
