"""Draws how files will be read by an import."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tickstock_cli.importing.format import FilePreview


def render_previews(previews: Sequence[FilePreview]) -> Group:
    """Draw a table of the columns of each file; files that are read alike share the one of the first."""
    alike: dict[object, list[FilePreview]] = {}
    for preview in previews:
        columns = tuple((column.ours, column.theirs, column.kind) for column in preview.columns)
        alike.setdefault((preview.record, preview.form, columns, preview.ignored), []).append(preview)
    return Group(*(part for files in alike.values() for part in _drawn(files)))


def _drawn(files: Sequence[FilePreview]) -> Iterator[RenderableType]:
    first = files[0]
    more = f" and {len(files) - 1:,} like it" if len(files) > 1 else ""
    yield Text(f"{first.path}{more}: {first.record}, {first.form}", style="bold")
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("column", "in the file", "type", "first value", "read as"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "read as")
    for column in first.columns:
        theirs = column.theirs or Text("(no column)", style="dim")
        table.add_row(column.ours, theirs, column.kind, column.written, column.read)
    yield table
    if first.ignored:
        yield Text(f"not read: {', '.join(name or '(no name)' for name in first.ignored)}")
        yield Text()
