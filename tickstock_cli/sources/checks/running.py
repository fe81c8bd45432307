"""Runs all checks on a file, and gathers what they found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from tickstock_cli.sources.checks import CHECKS
from tickstock_cli.sources.checks.facts import Facts, Oddity, RecordingCheck, Watcher, no_watch
from tickstock_cli.sources.checks.stated import StatedFacts
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
    found = _Found()
    for check in CHECKS:
        if facts.record in check.records:
            found.take(check, facts)
    return found.checked()


class SharedChecks:
    """Checks of files that are read alike: what asked nothing of the first one finds the same in the others."""

    def __init__(self) -> None:
        self._steps: list[RecordingCheck | Checked] | None = None
        """The checks that ask each file, and what the others found, if anything."""

    def of(self, files: Sequence[Facts]) -> list[Checked]:
        """Run the checks of the files' record type, each for all files; raises SchemaError as ``checked`` does."""
        done = [] if self._steps is not None or not files else [self._first(files[0])]
        rest = files[len(done) :]
        found = [_Found() for _ in rest]
        stated = StatedFacts(rest)
        for step in self._steps or () if rest else ():
            needs_look = isinstance(step, Checked) or not step.screen(stated)
            for facts, mine in zip(rest, found, strict=True):
                mine.take(step, facts, needs_look)
        return [*done, *(mine.checked() for mine in found)]

    def _first(self, facts: Facts) -> Checked:
        steps: list[RecordingCheck | Checked] = []
        everything = _Found()
        for check in CHECKS:
            if facts.record in check.records:
                facts.was_asked = False
                found = _Found()
                found.take(check, facts)
                everything.take(found.checked(), facts)
                if facts.was_asked or facts.layout.constants:  # these are the file's own, too
                    steps.append(check)
                elif found.oddities or found.watches:
                    steps.append(found.checked())
        self._steps = steps
        return everything.checked()


class _Found:
    """What the checks of a file have found so far."""

    __slots__ = ("oddities", "watches")

    def __init__(self) -> None:
        self.oddities: list[Oddity] = []
        self.watches: list[Callable[[], Watcher]] = []

    def take(self, step: RecordingCheck | Checked, facts: Facts, needs_look: bool = True) -> None:
        """Add what a check finds, or what it has found in all files; without a look, what it watches alone."""
        if isinstance(step, Checked):
            self.oddities += step.oddities
            self.watches += step.watches
            return
        if needs_look:
            self.oddities += step.look(facts)
        if step.watch is not no_watch and (watch := step.watch(facts)) is not None:
            self.watches.append(watch)

    def checked(self) -> Checked:
        """Return what was found."""
        return Checked(tuple(self.oddities), tuple(self.watches))


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
