"""How runs of load tests differ in what they measured: load, speed, transport, plugins, machine, packages, commit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tickstock_cli.loadtest.observation import Observation
from tickstock_cli.loadtest.result import Result
from tickstock_cli.measurement.machine import alike, changed_packages


def run_differences(results: Sequence[Result]) -> list[str]:
    """Return a sentence for each difference of a run from the first that makes their figures hard to compare."""
    return [words for place, other in enumerate(results[1:], 2) for words in _differences(place, results[0], other)]


def _differences(place: int, first: Result, other: Result) -> Iterator[str]:
    a, b = first.observation, other.observation
    if first.data_hash != other.data_hash:
        loads = f"{a.name} {first.data_hash[:12]} and {b.name} {other.data_hash[:12]}"
        yield f"Run {place} had another load than run 1: {loads}"
    for name in ("speed", "transport"):
        if getattr(a, name) != getattr(b, name):
            yield f"Run {place} had another {name} than run 1: {getattr(a, name)} and {getattr(b, name)}"
    of_a, of_b = _plugins(a), _plugins(b)
    for name in sorted(of_a.keys() | of_b.keys()):
        if of_a.get(name) != of_b.get(name):
            yield f"Run {place} had another {name} than run 1: {of_a.get(name, 'none')} and {of_b.get(name, 'none')}"
    for words in alike(a.machine, b.machine):
        yield f"Run {place} was on another machine than run 1: {words}"
    for words in changed_packages(a.machine, b.machine):
        yield f"Run {place} had another package than run 1: {words}"
    if a.machine.commit != b.machine.commit:
        yield f"Run {place} was of another commit than run 1: {a.machine.commit} and {b.machine.commit}"


def _plugins(seen: Observation) -> dict[str, str]:
    """Return package and version of each plugin, by family and name."""
    return {f"{one['family']} {one['name']}": f"{one['distribution']} {one['version']}" for one in seen.plugins}
