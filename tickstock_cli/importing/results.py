"""What became of the sources of an import."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tickstock_cli.errors import DataError, SourceFileError
from tickstock_cli.importing.folder import ImportedFile
from tickstock_cli.importing.format import ImportSource

IMPORTED, REIMPORTED, SKIPPED, REPLACED = "imported", "reimported", "skipped", "replaced"
WRONG, HELD_BACK, NEW = "wrong_data", "held_back", "new"


@dataclass(frozen=True, slots=True)
class SourceResult:
    """What became of a source.

    Parameters
    ----------
    state
        ``imported``, ``reimported`` (in place of an older one), ``skipped`` (imported before), ``new`` (not imported
        yet), ``replaced`` (the file is another than the imported one), or what is wrong: ``not_published``,
        ``missing``, ``truncated``, ``damaged``, ``unreadable``, ``wrong_data``; or ``held_back``: another file of its
        group failed.
    entry
        The entry of the manifest; None if it has none.
    error
        What is wrong; None if nothing is.
    has_other_options
        Whether a source that was imported before was imported with other options.
    copy_of
        The file that a skipped one is a copy of; None for others.
    """

    source: ImportSource
    state: str
    entry: ImportedFile | None = None
    error: DataError | None = None
    has_other_options: bool = False
    copy_of: Path | None = None


def failed(
    source: ImportSource, failing: ImportSource | None, error: DataError, entry: ImportedFile | None
) -> SourceResult:
    """Return the result of a source of a group that failed; another one of the group may be at fault."""
    if failing in (None, source):
        return SourceResult(source, getattr(error, "state", WRONG), entry, error)
    why = f"because {failing.path.name}, which is imported together with it, failed"
    return SourceResult(source, HELD_BACK, entry, SourceFileError(f"{source.path}: is not imported, {why}", HELD_BACK))
