"""Files that are read alike, gathered: of two thousand of them there is one thing to say, not two thousand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tickstock_cli.core.events import PHASES
from tickstock_cli.inspection.report import FOLDER_NAME, FileReport
from tickstock_cli.inspection.survey import Gap

MOST_FILES = 20
"""As many files are told one by one."""


@dataclass(frozen=True, slots=True)
class FileGroup:
    """Files of one record type and layout, of which the same was guessed; at least one."""

    files: tuple[FileReport, ...]

    @property
    def some(self) -> FileReport:
        """The first of them: type, columns and guesses are those of all."""
        return self.files[0]

    @property
    def rows(self) -> int:
        """Rows of all of them."""
        return sum(file.rows for file in self.files)

    @property
    def row_groups(self) -> int:
        """Row groups of all of them."""
        return sum(file.row_groups for file in self.files)

    @property
    def size_bytes(self) -> int:
        """Size of all of them."""
        return sum(file.size_bytes for file in self.files)

    @property
    def copies(self) -> int:
        """Rows that equal an earlier one of their file."""
        return sum(file.copies for file in self.files)

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
        """Rows that a replay rejects, by reason; see ``FileReport.rejected``."""
        return sum((Counter(file.rejected) for file in self.files), Counter())

    @property
    def rejected_unsorted(self) -> Counter[str]:
        return sum((Counter(file.rejected_unsorted) for file in self.files), Counter())

    @property
    def unsorted(self) -> list[FileReport]:
        """Those that are not in order."""
        return [file for file in self.files if file.disorder is not None]

    @property
    def warnings(self) -> dict[str, list[FileReport]]:
        """What to warn of, and the files that it is true of."""
        found: dict[str, list[FileReport]] = {}
        for file in self.files:
            for warning in file.warnings:
                found.setdefault(warning, []).append(file)
        return found

    @property
    def longest_gaps(self) -> list[Gap]:
        """The longest gap that any of them has in each phase."""
        longest: dict[str, Gap] = {}
        for file in self.files:
            for gap in file.gaps:
                if gap.phase not in longest or gap.length > longest[gap.phase].length:
                    longest[gap.phase] = gap
        return [longest[phase] for phase in PHASES if phase in longest]

    @property
    def columns(self) -> dict[str, str]:
        """Our columns -> where they come from; a folder's name without its value if that is not one."""
        sources = {name: {file.columns[name] for file in self.files} for name in self.some.columns}
        return {name: found.pop() if len(found) == 1 else FOLDER_NAME for name, found in sources.items()}

    @property
    def guesses(self) -> list[str]:
        """What the files do not say, and why it was taken to be so if all of them have one reason."""
        reasons = [{file.guesses[place].why for file in self.files} for place in range(len(self.some.guesses))]
        return [
            f"{guess.what} is {guess.value}" + (f", because {guess.why}" if len(whys) == 1 else "")
            for guess, whys in zip(self.some.guesses, reasons, strict=True)
        ]


def grouped(files: Sequence[FileReport]) -> list[FileGroup]:
    """Gather files that are read alike if there are more than ``MOST_FILES``; groups in the order of their first."""
    if len(files) <= MOST_FILES:
        return [FileGroup((file,)) for file in files]
    alike: dict[object, list[FileReport]] = {}
    for file in files:
        alike.setdefault(_layout(file), []).append(file)
    return [FileGroup(tuple(members)) for members in alike.values()]


def _layout(file: FileReport) -> object:
    """Return what files must share to be read alike; the value of a folder's name is no part of it."""
    columns = tuple(
        (ours, FOLDER_NAME if source.startswith(FOLDER_NAME) else source) for ours, source in file.columns.items()
    )
    return file.record, columns, file.ignored, tuple((guess.what, guess.value) for guess in file.guesses)
