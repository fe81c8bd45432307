"""Runs all checks on a file, and gathers what they found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from tickstock_cli.sources.checks import CHECKS
from tickstock_cli.sources.checks.facts import Facts, Oddity, RecordingCheck, Watcher, no_watch
from tickstock_cli.sources.plain_numbers import Bools


@dataclass(frozen=True, slots=True)
class Checked:
    """The outcome of the checks of one file.

    Parameters
    ----------
    oddities
        What was found when the file was opened.
    watches
        Each begins to watch the rows of one reading.
    """

    oddities: tuple[Oddity, ...] = ()
    watches: tuple[Callable[[], Watcher], ...] = ()


def checked(facts: Facts) -> Checked:
    """Run the checks of a file's record type.

    Raises
    ------
    SchemaError
        The file cannot be read as it is; the message has the remedy.
    """
    return _together(facts, (check for check in CHECKS if facts.record in check.records))


class SharedChecks:
    """Checks of files that are read alike: what asked nothing of the first one finds the same in the others."""

    def __init__(self) -> None:
        self._steps: list[RecordingCheck | Checked] | None = None
        """The checks that ask each file, and what the others found, if anything."""

    def of(self, facts: Facts) -> Checked:
        """Run the checks of a file's record type; raises SchemaError as ``checked`` does."""
        if self._steps is None:
            return self._first(facts)
        return _together(facts, self._steps)

    def _first(self, facts: Facts) -> Checked:
        steps: list[RecordingCheck | Checked] = []
        everything: list[Checked] = []
        for check in CHECKS:
            if facts.record in check.records:
                facts.was_asked = False
                found = _together(facts, [check])
                everything.append(found)
                if facts.was_asked or facts.layout.constants:  # these are the file's own, too
                    steps.append(check)
                elif found.oddities or found.watches:
                    steps.append(found)
        self._steps = steps
        return _together(facts, everything)


def _together(facts: Facts, steps: Iterable[RecordingCheck | Checked]) -> Checked:
    """Run checks, and gather what they find, with what others have found."""
    oddities: list[Oddity] = []
    watches: list[Callable[[], Watcher]] = []
    for step in steps:
        if isinstance(step, Checked):
            oddities += step.oddities
            watches += step.watches
            continue
        oddities += step.look(facts)
        if step.watch is not no_watch and (watch := step.watch(facts)) is not None:
            watches.append(watch)
    return Checked(tuple(oddities), tuple(watches))


class Watchers:
    """The watchers of one reading of one file."""

    def __init__(self, watches: Sequence[Callable[[], Watcher]] = ()) -> None:
        self._watchers = [watch() for watch in watches]

    def __bool__(self) -> bool:
        return bool(self._watchers)

    def __iter__(self) -> Iterator[Watcher]:
        return iter(self._watchers)

    def see(self, rows: pa.RecordBatch, chosen: Bools | None, first: int) -> None:
        """Show rows to every watcher; raises as they do."""
        for watcher in self._watchers:
            watcher.see(rows, chosen, first)

    def oddities(self) -> list[Oddity]:
        """Return what the rows so far have shown."""
        return [oddity for watcher in self._watchers for oddity in watcher.oddities()]


def joined(found: Mapping[str, Iterable[Oddity]]) -> Iterator[tuple[list[str], Oddity]]:
    """Yield each oddity of several files once, with the files that have it, and with its counts summed."""
    paths: dict[str, list[str]] = {}
    counts: dict[str, tuple[int, ...]] = {}
    for path, oddities in found.items():
        for oddity in oddities:
            paths.setdefault(oddity.text, []).append(path)
            before = counts.get(oddity.text, (0,) * len(oddity.counts))
            counts[oddity.text] = tuple(map(sum, zip(before, oddity.counts, strict=True)))
    for text, mine in paths.items():
        yield mine, Oddity(text, counts[text])
