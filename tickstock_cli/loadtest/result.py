"""A load test's result: the observation, the verdicts on it, and their JSON document.

`docs/schemas/load-result.json` describes the document; `result_folder` reads and writes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, ClassVar, Literal

from pydantic import TypeAdapter, ValidationError

from tickstock_cli import __version__
from tickstock_cli.errors import DataError
from tickstock_cli.loadtest.observation import Observation
from tickstock_cli.loadtest.verdicts import judge
from tickstock_cli.measurement import verdict as verdicts_of
from tickstock_cli.measurement.documents import DOCUMENT
from tickstock_cli.measurement.histogram import Histogram, Summary
from tickstock_cli.measurement.verdict import TargetVerdict


@dataclass(frozen=True, slots=True)
class Result:
    """An observation of a load test with its verdicts."""

    __pydantic_config__: ClassVar = DOCUMENT

    format: Literal[1]
    """Version of this document."""
    tickstock: str
    """Version of the package that wrote it."""
    data_hash: str
    """SHA-256 of the scenario as canonical JSON: the same hash and version are the same load, row for row."""
    passed: bool
    """Whether every verdict that was asked for is ok."""
    verdicts: tuple[TargetVerdict, ...]
    latency_ms: Mapping[str, Summary]
    """Figures of the histograms in ``observation.whole``."""
    observation: Observation

    @property
    def failures(self) -> list[TargetVerdict]:
        """Return the verdicts that fail the run."""
        return verdicts_of.failures(self.verdicts)

    @property
    def headline(self) -> str:
        """Return one line on how many targets were met."""
        asked = sum(verdict.asked for verdict in self.verdicts)
        if self.passed:
            return f"All {asked} targets were met."
        missed = sum(verdict.ok is False for verdict in self.failures)
        unmeasured = len(self.failures) - missed
        parts = [f"{missed} missed"] if missed else []
        parts += [f"{unmeasured} not measured"] if unmeasured else []
        return f"{len(self.failures)} of {asked} targets were not met: {', '.join(parts)}."


_ADAPTER = TypeAdapter(Result)


def judged(observation: Observation) -> Result:
    """Judge an observation by its scenario's thresholds."""
    latency = {name: Histogram.decode(text).summary() for name, text in observation.whole.items()}
    verdicts = tuple(judge(observation, latency))
    return Result(
        format=1,
        tickstock=__version__,
        data_hash=data_hash(observation.scenario),
        passed=not verdicts_of.failures(verdicts),
        verdicts=verdicts,
        latency_ms=latency,
        observation=observation,
    )


def data_hash(scenario: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a scenario as canonical JSON, in hex."""
    text = json.dumps(scenario, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(text.encode()).hexdigest()


def schema() -> dict[str, Any]:
    """Return the JSON schema of result.json."""
    return {**_ADAPTER.json_schema(), "title": "Result of tickstock loadtest"}


def to_json(result: Result) -> bytes:
    """Write result.json."""
    return _ADAPTER.dump_json(result, indent=1) + b"\n"


def from_json(text: bytes, place: str) -> Result:
    """Read result.json.

    Parameters
    ----------
    place
        Where the text comes from, for error messages.

    Raises
    ------
    DataError
        The text is no such document, or of another format.
    """
    try:
        return _ADAPTER.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the document"
        raise DataError(
            f"{place} is no result of this version's loadtest: {where}: {first['msg'].lower()}; run the load test anew"
        ) from error


def verdicts_json(results: Sequence[Result], labels: Sequence[str]) -> str:
    """Return verdicts and latency of results as JSON: one object, or a list of them if there are several."""
    objects = [
        {
            "result": label,
            "passed": result.passed,
            "headline": result.headline,
            "scenario": result.observation.name,
            "speed": result.observation.speed,
            "data_hash": result.data_hash,
            "plugins": [dict(plugin) for plugin in result.observation.plugins],
            "verdicts": [asdict(verdict) for verdict in result.verdicts],
            "latency_ms": {name: asdict(summary) for name, summary in result.latency_ms.items()},
        }
        for result, label in zip(results, labels, strict=True)
    ]
    return json.dumps(objects[0] if len(objects) == 1 else objects, indent=2, ensure_ascii=False)
