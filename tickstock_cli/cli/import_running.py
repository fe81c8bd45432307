"""Runs an import for the command line: progress, a line a file, and the exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import typer

from tickstock_cli.core.counted import counted
from tickstock_cli.importing.folder import ImportedFile
from tickstock_cli.importing.format import FilePreview, ImportFormat, ImportSource
from tickstock_cli.importing.results import IMPORTED, NEW, REIMPORTED, REPLACED, SKIPPED, SourceResult
from tickstock_cli.importing.run import ImportRequest, Progress, known_states, run_import
from tickstock_cli.importing.source_content import size_of

WRITING_SHARE = 0.4
"""Part of the time of an import that goes into writing sorted rows."""

_SIZES_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class ImportChoices:
    """What the user chose, for every format."""

    name: str
    files: Sequence[Path]
    out: Path
    replace: bool
    dry_run: bool
    yes: bool
    as_json: bool
    options: Mapping[str, Any]
    """Those of the format that are not the default, as JSON has them."""


def import_files(format_: ImportFormat, choices: ImportChoices) -> int:
    """Import, print what became of each file, and return the exit code: that of the worst error, or 0."""
    sources = format_.sources(choices.files)
    _print_notes(format_.notes)
    told = len(format_.notes)
    request = ImportRequest(choices.name, sources, choices.out, choices.replace, choices.options)
    results: list[SourceResult] = []
    if choices.dry_run:
        results = known_states(request)
        previews = _previews(format_, results)
        _print_dry_run(results, previews, choices.as_json)
    elif not _agreed(format_, request, choices):
        raise typer.Abort
    else:
        with _Bar(sources, shown=sys.stderr.isatty()) as bar:
            for result in run_import(format_, request, bar):
                results.append(result)
                if not choices.as_json:
                    bar.say(_line(result, choices.out))
        if choices.as_json:
            typer.echo(json.dumps([_as_object(result) for result in results], indent=2))
    _print_notes(format_.notes[told:])
    return exit_code_of(results)


def _print_notes(notes: Sequence[str]) -> None:
    for note in notes:
        typer.echo(f"note: {note}", err=True)


def exit_code_of(results: Sequence[SourceResult]) -> int:
    """Return 0 if every file is imported now; else the code of bad data, or of files not yet published if only those.

    A file that is not there yet has the highest code, so that the lowest one is the most serious.
    """
    return min((result.error.exit_code for result in results if result.error is not None), default=0)


def _agreed(format_: ImportFormat, request: ImportRequest, choices: ImportChoices) -> bool:
    """Show how new files will be read, where that was found out, and ask; without a terminal, go on."""
    if choices.yes or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    previews = _previews(format_, known_states(request))
    if not previews:
        return True
    _draw(previews, on_stderr=True)
    return typer.confirm("import?", err=True)


def _previews(format_: ImportFormat, results: Sequence[SourceResult]) -> list[FilePreview]:
    return format_.preview([result.source for result in results if result.state in (NEW, REPLACED)])


def _draw(previews: Sequence[FilePreview], *, on_stderr: bool) -> None:
    from tickstock_cli.cli.console import data_console
    from tickstock_cli.cli.render_import import render_previews

    data_console(stderr=on_stderr).print(render_previews(previews))


def _print_dry_run(results: Sequence[SourceResult], previews: Sequence[FilePreview], as_json: bool) -> None:
    if as_json:
        columns = {preview.path: preview for preview in previews}
        objects = [{**_as_object(result), "read_as": _read_as(columns.get(result.source.path))} for result in results]
        typer.echo(json.dumps(objects, indent=2))
        return
    if previews:
        _draw(previews, on_stderr=False)
    for result in results:
        typer.echo(_planned(result) if result.error is None else str(result.error))


def _planned(result: SourceResult) -> str:
    """Return what an import would do with a file."""
    path, entry = result.source.path, result.entry
    if entry is None and result.copy_of is not None:
        return f"{path}: is a copy of {result.copy_of}"
    return f"{path}: {result.state}" if entry is None or result.state != SKIPPED else _skipped(path, entry, result)


def _as_object(result: SourceResult) -> dict[str, Any]:
    entry = None if result.entry is None else asdict(result.entry)
    error = None if result.error is None else str(result.error)
    copied = None if result.copy_of is None else str(result.copy_of)
    return {"file": str(result.source.path), "state": result.state, "error": error, "copy_of": copied, "entry": entry}


def _read_as(preview: FilePreview | None) -> dict[str, Any] | None:
    return None if preview is None else {**asdict(preview), "path": str(preview.path)}


def _line(result: SourceResult, out: Path) -> str:
    """Return what became of a file in one line."""
    if result.error is not None:
        return f"error: {result.error}"
    path, entry = result.source.path, result.entry
    assert entry is not None  # of every file without an error
    if result.state == SKIPPED:
        return _skipped(path, entry, result)
    what = {IMPORTED: "", REIMPORTED: " in place of the rows it had before"}[result.state]
    place = _place(entry.outputs, out)
    rows = counted(entry.written, "row") if entry.record is None else f"{entry.written:,} {entry.record}"
    words = [f"{rows} to {place}{what}"]
    if entry.dropped:
        total = sum(entry.dropped.values())
        words.append(f"{total:,} dropped ({_counts(entry.dropped)})")
    if entry.noted:
        words.append(f"noted: {_counts(entry.noted)}")
    return f"{path}: {'; '.join(words)}"


def _skipped(path: Path, entry: ImportedFile, result: SourceResult) -> str:
    if result.copy_of is not None:
        return f"{path}: is a copy of {result.copy_of}, which is imported; skipped"
    line = f"{path}: imported before, on {entry.at[:10]}"
    if result.has_other_options:
        return f"{line}, with other options ({_options(entry.options)}); skipped: --replace imports it anew"
    return f"{line}; skipped"


def _options(options: Mapping[str, Any] | None) -> str:
    """Return options as they were written on the command line, or nearly so."""
    given = (
        f"--{name.replace('_', '-')} {','.join(map(str, value)) if isinstance(value, list) else value}"
        for name, value in (options or {}).items()
    )
    return ", ".join(given) or "none"


def _place(outputs: Sequence[str], out: Path) -> str:
    if len(outputs) == 1:
        return str(out / outputs[0])
    days = sorted(name.partition("/")[0] for name in outputs)
    return f"{out}, {counted(len(days), 'date')} from {days[0]} to {days[-1]}" if days else str(out)


def _counts(counts: Any) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


class _Bar(Progress):
    """Draws the share done, the rate of rows and the remaining time on a terminal.

    Time goes by bytes read; writing what was read takes ``WRITING_SHARE`` of the time of a group.
    """

    def __init__(self, sources: Sequence[ImportSource], shown: bool) -> None:
        from tqdm import tqdm

        with ThreadPoolExecutor(_SIZES_AT_ONCE) as pool:  # a store is asked for each
            found = pool.map(size_of, [source.path for source in sources]) if shown else [0] * len(sources)
            sizes = dict(zip((source.path for source in sources), found, strict=True))
        self._sizes = sizes
        self._total = sum(sizes.values())
        self._done = 0.0
        self._group = 0.0
        self._rows = 0
        tqdm.monitor_interval = 0
        self._bar: Any = tqdm(
            total=max(1, self._total),
            file=sys.stderr,
            disable=not shown,
            leave=False,
            bar_format="{percentage:3.0f}% |{bar}| {desc}{elapsed} gone, {remaining} left",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.close()

    def say(self, line: str) -> None:
        """Print a line above the bar: results on standard output, errors on standard error."""
        self._bar.clear()
        print(line, file=sys.stderr if line.startswith("error: ") else sys.stdout, flush=True)
        self._bar.refresh()

    def read(self, size: int) -> None:
        self._group += size
        self._move(size * (1 - WRITING_SHARE))

    def skipped(self, source: ImportSource) -> None:
        self._move(self._sizes[source.path])

    def writing(self, rows: int) -> None:
        self._rows = rows
        self._bar.set_description_str(f"writing {counted(rows, 'row')}, ")

    def wrote(self, rows: int) -> None:
        self._move(self._group * WRITING_SHARE * rows / max(1, self._rows))

    def finished(self) -> None:
        self._group = 0.0
        self._bar.set_description_str("")

    def _move(self, size: float) -> None:
        self._done = min(self._total, self._done + size)
        self._bar.update(self._done - self._bar.n)
