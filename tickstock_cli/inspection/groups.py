"""Groups files that are read alike, so that a report has one entry for thousands of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tickstock_cli.core.events import PHASES
from tickstock_cli.inspection.report import FILE_NAME, FOLDER_NAME, FileReport, ignored_phases
from tickstock_cli.inspection.survey import RowGap

MOST_FILES = 20
"""Up to this number, each file has its own entry."""


@dataclass(frozen=True, slots=True)
class FileGroup:
    """Files, at least one, with the same record type, layout and guesses."""

    files: tuple[FileReport, ...]

    @property
    def sample(self) -> FileReport:
        """The first file; its type, columns and guesses are those of all."""
        return self.files[0]

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return sum(file.rows for file in self.files)

    @property
    def row_groups(self) -> int:
        """Row groups of all files."""
        return sum(file.row_groups for file in self.files)

    @property
    def size_bytes(self) -> int:
        """Size of all files."""
        return sum(file.size_bytes for file in self.files)

    @property
    def copies(self) -> int:
        """Rows that equal an earlier one of their file."""
        return sum(file.copies for file in self.files)

    @property
    def worst(self) -> FileReport:
        """The file with the lowest score; the first of several."""
        return min(self.files, key=lambda file: file.verdict.score)

    @property
    def first(self) -> int | None:
        """Time of the first row that can be used, ns UTC."""
        return min((file.first for file in self.files if file.first is not None), default=None)

    @property
    def last(self) -> int | None:
        """Time of the last row that can be used, ns UTC."""
        return max((file.last for file in self.files if file.last is not None), default=None)

    @property
    def rejected(self) -> Counter[str]:
        """Rows that a replay rejects, by reason, as ``FileReport.rejected`` counts them."""
        return sum((Counter(file.rejected) for file in self.files), Counter())

    @property
    def rejected_unsorted(self) -> Counter[str]:
        """Rows that a replay with ``--late reject`` rejects, by reason."""
        return sum((Counter(file.rejected_unsorted) for file in self.files), Counter())

    def outside(self, used_phases: Sequence[str]) -> Counter[str]:
        """Return the rows that ``session.phases`` leaves out, by phase; it has no say over bars."""
        phases: Counter[str] = sum((Counter(file.phases) for file in self.files), Counter())
        return Counter(ignored_phases(self.sample.record, phases, used_phases))

    @property
    def unsorted(self) -> list[FileReport]:
        """Files that are not in order."""
        return [file for file in self.files if file.disorder is not None]

    @property
    def warnings(self) -> dict[str, list[FileReport]]:
        """Warnings, each with the files that have it."""
        return _by_text((file, file.warnings) for file in self.files)

    @property
    def asked_for(self) -> dict[str, list[FileReport]]:
        """What options of the user caused, each with the files that it happened to."""
        return _by_text((file, file.asked_for) for file in self.files)

    @property
    def longest_gaps(self) -> list[RowGap]:
        """The longest gap of all files in each phase."""
        longest: dict[str, RowGap] = {}
        for file in self.files:
            for gap in file.gaps:
                if gap.phase not in longest or gap.length > longest[gap.phase].length:
                    longest[gap.phase] = gap
        return [longest[phase] for phase in PHASES if phase in longest]

    @property
    def columns(self) -> dict[str, str]:
        """Our columns -> their origin; a folder name is given without its value if the values differ."""
        sources = {name: {file.columns[name] for file in self.files} for name in self.sample.columns}
        return {name: min(found) if len(found) == 1 else _place(min(found)) for name, found in sources.items()}

    @property
    def guesses(self) -> list[str]:
        """The guesses, each with its reason if all files have the same one."""
        reasons = [{file.guesses[place].why for file in self.files} for place in range(len(self.sample.guesses))]
        return [
            f"{guess.what} is {guess.value}" + (f", because {guess.why}" if len(causes) == 1 else "")
            for guess, causes in zip(self.sample.guesses, reasons, strict=True)
        ]


def grouped(files: Sequence[FileReport]) -> list[FileGroup]:
    """Return groups of files that are read alike, ordered by their first file; one per file up to ``MOST_FILES``."""
    if len(files) <= MOST_FILES:
        return [FileGroup((file,)) for file in files]
    alike: dict[object, list[FileReport]] = {}
    for file in files:
        alike.setdefault(_layout(file), []).append(file)
    return [FileGroup(tuple(members)) for members in alike.values()]


def _by_text(told: Iterable[tuple[FileReport, Sequence[str]]]) -> dict[str, list[FileReport]]:
    found: dict[str, list[FileReport]] = {}
    for file, texts in told:
        for text in texts:
            found.setdefault(text, []).append(file)
    return found


def _layout(file: FileReport) -> object:
    """Return the key of files that are read alike; values of folder names are not part of it."""
    columns = tuple((ours, _place(source)) for ours, source in file.columns.items())
    return file.record, columns, file.ignored, tuple((guess.what, guess.value) for guess in file.guesses)


def _place(source: str) -> str:
    """Return the origin of a column without its value, where that is in a name."""
    return next((place for place in (FOLDER_NAME, FILE_NAME) if source.startswith(f"{place} (")), source)
