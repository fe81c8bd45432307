"""Opens the files of a recording: reads their footers, and their first rows where those do not suffice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import pyarrow as pa

from tickstock_cli.errors import DataError, NoRowsError, OwnOutputError, SchemaError
from tickstock_cli.sources.available_bounds import first_available, row_group, time_bounds
from tickstock_cli.sources.checks.facts import Facts, Oddity
from tickstock_cli.sources.checks.running import Checked
from tickstock_cli.sources.discover import FoundFile
from tickstock_cli.sources.first_rows import FirstRows
from tickstock_cli.sources.footer import SMALL_BYTES, TAIL_BYTES, check_decrypted, reading
from tickstock_cli.sources.interpretation import Interpretation
from tickstock_cli.sources.joint_files import CODECS
from tickstock_cli.sources.known_footers import KnownFooters
from tickstock_cli.sources.opened_file import OpenedFile
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.recognise import Layout
from tickstock_cli.sources.recording_file import RecordingFile, RowGroup
from tickstock_cli.sources.row_groups import ArrowFooter, Footer, GroupFooter
from tickstock_cli.sources.shared_layouts import SharedLayouts, SharedSchema
from tickstock_cli.sources.shared_reading import SharedReading
from tickstock_cli.storage.names import shown_as_path

_BLOCK = 128
"""Files that are opened together, step by step."""


class FileOpener:
    """Opens files under the same options. What depends only on their columns is found once for all that share them.

    Parameters
    ----------
    options
        Those of the user.
    """

    def __init__(self, options: ReadOptions) -> None:
        self._layouts = SharedLayouts(options)
        self._known = KnownFooters()
        self._room = bytearray(TAIL_BYTES)  # the system takes a while to give the same memory again and again

    def open(self, found: FoundFile) -> RecordingFile:
        """Read a file's footer, and its first rows where that does not suffice, and recognise it.

        Raises
        ------
        DataError
            The file is missing, damaged, or not Parquet.
        OwnOutputError
            The file is an output of an earlier run.
        NoRowsError
            The columns fit no record type, and there is no row.
        SchemaError
            The columns or their types do not fit a record type.
        """
        with reading(found.path):
            (file,) = self._open([found], -1)
            return file

    def open_each(self, files: Iterable[FoundFile]) -> Iterator[tuple[FoundFile, RecordingFile | DataError]]:
        """Yield files as ``open`` returns them, or the error that it raises, in the given order.

        Those that can be opened are numbered.
        """
        opened = 0
        files = iter(files)
        while block := list(islice(files, _BLOCK)):
            for found, file in zip(block, self._open_block(block, opened), strict=True):
                opened += isinstance(file, RecordingFile)
                yield found, file

    def _open_block(self, block: Sequence[FoundFile], index: int) -> Iterator[RecordingFile | DataError]:
        """Yield the files of a block; if one cannot be opened, they are opened one by one, for the right words."""
        try:
            yield from self._open(block, index)
        except (DataError, pa.ArrowException, OSError, UnicodeDecodeError, EOFError):
            for found in block:
                try:
                    file = replace(self.open(found), index=index)
                except DataError as error:
                    yield error
                else:
                    index += 1
                    yield file

    def _open(self, found: Sequence[FoundFile], index: int) -> list[RecordingFile]:
        """Open files step by step: a step that is taken for one file after another takes half the time."""
        files = [_Opening(one, OpenedFile(one.read_from, self._room)) for one in found]
        try:
            steps = (
                self._read_footer,
                self._read_layout,
                _read_bounds,
                _interpret,
                _read_times,
                _read_storage,
                _gather_facts,
            )
            for step in steps:
                for file in files:
                    step(file)
            _check(files)
            return [_recording_file(file, index + place) for place, file in enumerate(files)]
        finally:
            for file in files:
                file.opened.close()

    def _read_footer(self, file: _Opening) -> None:
        known = self._known.find(file.opened.footer_bytes, file.opened.arrow_footer)
        file.shared, file.footer = known or self._by_arrow(file.opened)
        if file.shared.mark is not None:
            raise OwnOutputError(
                f"{file.found.path} holds {file.shared.mark} that tickstock wrote, not a recording: "
                "name recordings only"
            )

    def _by_arrow(self, file: OpenedFile) -> tuple[SharedSchema, Footer]:
        """Return the schema and the footer of a file of which no other was like it."""
        parquet = file.parquet
        check_decrypted(file.path, parquet)
        shared = self._layouts.of(parquet)
        footer = ArrowFooter(parquet.metadata, shared.columns)
        self._known.learn(file.footer_bytes, shared, footer)
        return shared, footer

    def _read_layout(self, file: _Opening) -> None:
        file.rows = file.footer.rows
        try:
            file.layout, file.alike = self._layouts.reading(file.shared, file.found, file.opened.first_values)
        except SchemaError as error:
            if file.rows:
                raise
            raise NoRowsError(str(error)) from error


class _Opening:
    """What is known of a file while it is opened, step by step."""

    __slots__ = (
        "alike",
        "checked",
        "decodes_jointly",
        "facts",
        "first",
        "first_available",
        "footer",
        "found",
        "groups",
        "how",
        "layout",
        "open_bytes",
        "opened",
        "row_groups",
        "rows",
        "shared",
        "text_columns",
    )

    def __init__(self, found: FoundFile, opened: OpenedFile) -> None:
        self.found = found
        self.opened = opened
        self.shared: SharedSchema
        self.footer: Footer
        self.rows: int
        self.layout: Layout
        self.alike: SharedReading
        self.first: FirstRows
        self.groups: tuple[GroupFooter, ...]
        self.how: Interpretation
        self.row_groups: tuple[RowGroup, ...]
        self.first_available: int
        self.open_bytes: int
        self.text_columns: tuple[str, ...]
        self.decodes_jointly: bool
        self.facts: Facts
        self.checked: Checked


def _read_bounds(file: _Opening) -> None:
    decode = partial(file.opened.head, file.alike.first_columns)
    file.first = FirstRows(file.shared.plain, not file.rows, decode, file.footer.extremes)
    file.groups = file.footer.groups(file.alike.bounded_columns)


def _interpret(file: _Opening) -> None:
    file.how = file.alike.interpret(file.found.path, file.layout, file.first)


def _read_times(file: _Opening) -> None:
    file.row_groups = tuple([row_group(group, file.layout, file.how) for group in file.groups])
    file.first_available = first_available(file.groups, file.row_groups, file.how, file.first)


def _read_storage(file: _Opening) -> None:
    footer, alike = file.footer, file.alike
    file.open_bytes = footer.page_bytes(alike.columns)
    file.text_columns = footer.plain_dictionaries(alike.text_columns)
    is_joint = alike.decodes_jointly and file.opened.size <= SMALL_BYTES
    file.decodes_jointly = is_joint and footer.codecs(alike.decoded_columns) <= CODECS


def _gather_facts(file: _Opening) -> None:
    file.facts = Facts(
        path=file.found.path,
        layout=file.layout,
        schema=file.shared.schema,
        partitions=file.found.partitions,
        options=file.alike.options,
        reader=file.how.reader,
        first=file.first,
        first_rows=file.opened.head,
        scan=file.opened.scan,
        time_bounds=partial(time_bounds, file.groups, file.layout, file.how),
        said=file.alike.said,
    )


def _check(files: Sequence[_Opening]) -> None:
    """Run the checks of files, those that are read alike together, and tell the links to each."""
    checked: dict[int, list[_Opening]] = {}
    for file in files:
        file.checked = Checked()
        if not file.shared.is_recorded:
            checked.setdefault(id(file.alike), []).append(file)
    for alike in checked.values():
        for file, done in zip(alike, alike[0].alike.checks.of([file.facts for file in alike]), strict=True):
            file.checked = _with_links(done, file.found.links)


def _with_links(done: Checked, links: Sequence[str]) -> Checked:
    if not links:
        return done
    text = "a link to it is left out" if len(links) == 1 else "{} links to it are left out"
    return replace(done, oddities=(Oddity(text, (len(links),)[: text.count("{}")]), *done.oddities))


def _recording_file(file: _Opening, index: int) -> RecordingFile:
    found, layout, alike, how = file.found, file.layout, file.alike, file.how
    path = shown_as_path(found.path)
    return RecordingFile(
        index=index,
        path=path,
        record=layout.record.name,
        rows=file.rows,
        groups=file.row_groups,
        layout=layout,
        schema=file.shared.plain,
        partitions={**found.partitions, **{name: layout.constants[name] for name in layout.in_name}},
        interval_ns=how.interval_ns,
        first_available=file.first_available,
        guesses=how.guesses,
        open_bytes=file.open_bytes,
        reader=how.reader,
        read_from=path if found.copy is None else Path(found.copy),
        checked=file.checked,
        where_columns=alike.where_columns,
        decodes_jointly=file.decodes_jointly,
        size=file.opened.size,
        text_columns=file.text_columns,
    )
